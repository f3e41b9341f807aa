"""A whole venue's stages 1 to 4 for a test: real journal, sequencer, engine and HTTP server.

The server runs in a thread with its own event loop; tests talk to it over loopback as any client.
"""

import asyncio
import hashlib
import hmac
import threading
import time
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

import httpx

from api.app import create_app
from api.auth import KeyRing
from api.customers import Customers, IssuedKey, KeyGrant
from api.desk import Desk
from api.listing import Listing
from api.ports import Custody
from api.ratelimit import Limits, RateLimits
from api.services import Services
from api.serving import Gate, bind
from api.store import Store
from ledger.engine import Engine
from ledger.journal.journal import Journal
from ledger.journal.recovery import recover
from ledger.journal.sequencer import Sequencer
from ledger.readmodel.model import ReadModel
from ledger.records.build import address_fields, command, digest_fields
from ledger.records.codes import CommandKind, Reject

BTC, USDT = 0, 1
BTCUSDT = 0
FIRST_ACCOUNT = 16
VAULT = bytes.fromhex("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
PAYEE = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
SEAL_KEY = bytes(range(32))
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


class PlainTravelRule:
    """Commits without keeping anything: stage 7 is tested where it lives."""

    def take(self, account: int, payload: bytes, now_ns: int) -> bytes:
        return hashlib.sha256(b"%d %d " % (account, now_ns) + payload).digest()


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
        self.url = self._ready.result(30)
        self.http = httpx.Client(base_url=self.url, timeout=30)
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self._gate.stop()
        self._thread.join(30)
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
        with closing(Journal.open(self.directory / "journal", bytes(32))) as journal:
            self.engine, self.history = Engine(), ReadModel(seed=7)
            recover(journal, self.engine, [self.history])
            self.sequencer = Sequencer(journal, self.engine, [self.history], self.clock)
            self.sequencer.start()
            store = Store(f"sqlite:///{self.directory}/gate.db", SEAL_KEY)
            ring = KeyRing()
            self.customers = Customers(store, ring)
            self.services = Services(
                desk=Desk(self.sequencer, self.history),
                listing=Listing(self.engine),
                engine=self.engine,
                history=self.history,
                keys=ring,
                limits=RateLimits(self.limits),
                custody=Custody(VAULT, "ETH"),
                travel_rule=PlainTravelRule(),
                now_ns=self.clock,
                new_client_id=self._new_client_id,
            )
            for raw in listings() if self.engine.seq == 0 else []:
                await self._effective(raw)
            self._gate = Gate(create_app(self.services), bind("127.0.0.1", 0))
            self._ready.set_result(self._gate.url)
            await self._gate.run()
            await self.sequencer.close()
            store.close()

    def _new_client_id(self) -> bytes:
        self._ids += 1
        return b"auto%d" % self._ids

    async def _effective(self, raw: bytes) -> None:
        ack = await self.sequencer.submit(raw)
        assert ack.reject is Reject.NONE, ack

    def command(self, raw: bytes) -> None:
        """Sequence a command of the venue's own."""
        asyncio.run_coroutine_threadsafe(self._effective(raw), self.loop).result(30)

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
        """One signed request, all parameters in the query."""
        query = urlencode({**params, "timestamp": self.clock() // 1_000_000})
        query += f"&signature={sign(trader.key.secret, query)}"
        headers = {"X-MBX-APIKEY": trader.key.api_key}
        return self.http.request(method, f"{path}?{query}", headers=headers)


def sign(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
