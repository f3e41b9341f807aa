"""A whole venue's stages 1 to 4 for a test: real journal, sequencer, engine and HTTP server.

The server runs in a thread with its own event loop; tests talk to it over loopback as any client.
"""

import asyncio
import hashlib
import hmac
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI

from api.gate.app import create_app
from api.gate.auth import KeyRing
from api.gate.customers import Customers, IssuedKey, KeyGrant
from api.gate.desk import Desk
from api.gate.listing import Listing
from api.gate.ports import Custody
from api.gate.ratelimit import Limits, RateLimits
from api.gate.services import Services
from api.gate.serving import Gate, bind
from api.gate.store import Store
from api.gate.travel import TravelRuleIntake
from api.regulator.access import Regulators
from api.regulator.routes import RegulatorRoutes
from compliance.regulator import RegulatorDesk
from compliance.store import open_store
from ledger.engine import Engine
from ledger.journal.journal import Journal
from ledger.journal.recovery import recover
from ledger.journal.sequencer import Sequencer
from ledger.readmodel.model import ReadModel
from ledger.readmodel.tables import Retention
from ledger.records.build import address_fields, command, digest_fields
from ledger.records.codes import CommandKind, Reject
from tests.api.certified import Anchored, Certified

BTC, USDT = 0, 1
BTCUSDT = 0
FIRST_ACCOUNT = 16
T = TypeVar("T")
COLD_START_S = 240
"""The first venue on a machine compiles every kernel."""
WAIT_S = 60
VAULT = bytes.fromhex("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
PAYEE = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
SEAL_KEY = bytes(range(32))
KEPT = Retention(closed_orders=1 << 12, trades=1 << 12)
"""FastAPI's caches keep every application for ever, with its services: they had better be small."""
TOKENS = (bytes([1]) * 20, bytes([2]) * 20)


def listings() -> list[bytes]:
    """Two assets of 8 decimals, and BTCUSDT with a tick of 0.01 and a lot of 0.00001."""
    supply = 21_000_000 * 10**8
    assets = [
        command(
            CommandKind.LIST_ASSET,
            asset=index,
            ledger_decimals=8,
            token_decimals=18,
            supply_max_minor=supply * scale,
            withdrawal_min_minor=1_000,
            withdrawal_fee_minor=500,
            symbol=symbol,
            **address_fields("token", TOKENS[index]),
        )
        for index, (symbol, scale) in enumerate(((b"BTC", 1), (b"USDT", 100)))
    ]
    instrument = command(
        CommandKind.LIST_INSTRUMENT,
        instrument=BTCUSDT,
        price_decimals=2,
        qty_decimals=5,
        base=BTC,
        quote=USDT,
        lot_minor=1000,
        notional_num=10,
        notional_den=1,
        min_notional_minor=10**8,
        max_price_ticks=100_000_000,
        max_qty_lots=10**9,
        maker_fee_ppm=1_000,
        taker_fee_ppm=1_500,
        symbol=b"BTCUSDT",
    )
    return [*assets, instrument]


@dataclass
class Trader:
    """A customer with a key."""

    account: int
    key: IssuedKey


class Venue:
    """Stages 1 to 4, listening. Use as a context manager."""

    def __init__(self, directory: Path, limits: Limits | None = None) -> None:
        self.directory = directory
        self.limits = limits or Limits(weight_per_minute=10**9, orders_per_10s=10**9)
        self.ahead_ns = 0
        self._ids = 0

    def __enter__(self) -> Self:
        self._ready: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.url = self._ready.result(COLD_START_S)
        self.http = httpx.Client(base_url=self.url, timeout=30)
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self._gate.stop()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def clock(self) -> int:
        """The venue's time: the machine's, moved ahead by `ahead_ns`."""
        return time.time_ns() + self.ahead_ns

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        with ExitStack() as stack:
            journal = Journal.open(self.directory / "journal", bytes(32))
            stack.callback(journal.close)
            self.journal = journal
            self.engine, self.history = Engine(), ReadModel(seed=7, retention=KEPT)
            recover(journal, self.engine, [self.history])
            self.sequencer = Sequencer(journal, self.engine, [self.history], self.clock)
            self.sequencer.start()
            store = Store(f"sqlite:///{self.directory}/gate.db", SEAL_KEY)
            stack.callback(store.close)
            self.compliance = open_store(f"sqlite:///{self.directory}/compliance.db")
            stack.callback(self.compliance.close)
            self.ledger = Certified(self.directory / "ledger", journal)
            stack.callback(self.ledger.close)
            self._gate = Gate(self._app(store), bind("127.0.0.1", 0))
            for raw in listings() if self.engine.seq == 0 else []:
                await self._effective(raw)
            self._ready.set_result(self._gate.url)
            await self._gate.run()
            await self.sequencer.close()

    def _app(self, store: Store) -> FastAPI:
        ring = KeyRing()
        self.customers, self.regulators = Customers(store, ring), Regulators(store)
        self.services = Services(
            desk=Desk(self.sequencer, self.history),
            listing=Listing(self.engine, self.history),
            engine=self.engine,
            history=self.history,
            keys=ring,
            limits=RateLimits(self.limits),
            custody=Custody(VAULT, "ETH"),
            travel_rule=TravelRuleIntake(self.compliance),
            now_ns=self.clock,
            new_client_id=self._new_client_id,
        )
        self.anchors = Anchored()
        desk = RegulatorDesk(self.compliance, self.history, self.ledger, self.anchors)
        routes = RegulatorRoutes(self.services, self.regulators, desk, self.ledger)
        return create_app(self.services, routes)

    def _new_client_id(self) -> bytes:
        self._ids += 1
        return b"auto%d" % self._ids

    async def _effective(self, raw: bytes) -> None:
        ack = await self.sequencer.submit(raw)
        assert ack.reject is Reject.NONE, ack

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the venue's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_S)

    def command(self, raw: bytes) -> None:
        """Sequence a command of the venue's own."""
        self.run(self._effective(raw))

    def certify(self) -> None:
        """Have four replicas certify everything in the journal."""

        async def work() -> None:
            self.ledger.certify()

        self.run(work())

    def trader(self, btc: int = 0, usdt: int = 0, grant: KeyGrant | None = None) -> Trader:
        """Open an account, fund it (whole units), and issue a key."""
        account = self.engine.account_count
        self.command(
            command(
                CommandKind.OPEN_ACCOUNT, account=account, **digest_fields("subject", bytes(32))
            )
        )
        self.customers.open(account, f"trader {account}", self.clock())
        for asset, amount in ((BTC, btc), (USDT, usdt)):
            if amount:
                self.deposit(account, asset, amount * 10**8)
        key = self.customers.issue_key(account, grant or KeyGrant("test"), self.clock())
        return Trader(account, key)

    def deposit(self, account: int, asset: int, amount_minor: int) -> None:
        index = self.engine.deposit_index + 1
        self.command(
            command(
                CommandKind.CREDIT_DEPOSIT,
                account=account,
                asset=asset,
                deposit_index=index,
                amount_minor=amount_minor,
                chain_block=1,
                **digest_fields("tx", hashlib.sha256(b"%d" % index).digest()),
                **address_fields("sender", bytes([9]) * 20),
            )
        )

    def get(self, path: str, **params: object) -> httpx.Response:
        return self.http.get(path, params=params)

    def signed(self, trader: Trader, method: str, path: str, **params: object) -> httpx.Response:
        """Send one signed request, all parameters in the query."""
        return self.http.send(self.signed_request(trader, method, path, **params))

    def signed_request(
        self, trader: Trader, method: str, path: str, **params: object
    ) -> httpx.Request:
        query = urlencode({**params, "timestamp": self.clock() // 1_000_000})
        query += f"&signature={sign(trader.key.secret, query)}"
        headers = {"X-MBX-APIKEY": trader.key.api_key}
        return self.http.build_request(method, f"{path}?{query}", headers=headers)


def sign(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
