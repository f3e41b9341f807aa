"""One venue, whole: opens every stage in the order of the road, runs them, closes in reverse.

Everything that changes the outcome goes through the sequencer. The loops here bring outside facts
in as commands (deposits, decisions, batches, anchors) and take certified results out.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from api.gate.app import create_app
from api.gate.auth import KeyRing
from api.gate.customers import Customers
from api.gate.desk import Desk
from api.gate.listing import Listing
from api.gate.ports import Custody as CustodyFacts
from api.gate.ratelimit import Limits, RateLimits
from api.gate.services import Services
from api.gate.serving import Gate, bind
from api.gate.store import SEAL_KEY_BYTES, Store
from api.gate.travel import TravelRuleIntake
from api.regulator.access import Regulators
from api.regulator.routes import RegulatorRoutes
from api.venue.accounting import Accounting
from api.venue.adapters import DurableCommands, OperatorLine
from api.venue.certifying import Certifying
from api.venue.config import VenueConfig
from api.venue.settling import Certification, Settling
from api.venue.trading import Trading, open_journal
from ledger.journal.recovery import Progress

NETWORK: Final = "ETH"
"""The chain's name in the dialect."""
CLIENT_ID_HEX: Final = 11
"""Bytes of randomness in an order id that the venue makes up."""


@dataclass(frozen=True, slots=True)
class Door:
    """Stage 1: credentials, and the HTTP gate on a port that is taken already."""

    store: Store
    customers: Customers
    regulators: Regulators
    services: Services
    gate: Gate


class Venue:
    """All stages. `open`, then `run` until told to stop; `close` after."""

    def __init__(
        self,
        config: VenueConfig,
        trading: Trading,
        certifying: Certifying,
        settling: Settling,
        accounting: Accounting,
        door: Door,
    ) -> None:
        self.config = config
        self.trading = trading
        self.certifying = certifying
        self.settling = settling
        self.accounting = accounting
        self.door = door
        self.loops = (trading.tick_loop(), settling.deposit_loop(), accounting.decision_loop())
        self._stop = asyncio.Event()
        self._closed = False

    @classmethod
    async def open(cls, config: VenueConfig, progress: Progress | None = None) -> Self:
        """Recover every stage from its disk.

        Raises:
            JournalError, AuditError, SettlementError, ComplianceError, VenueError: A stage cannot
                be opened; those before it are closed again.
        """
        config.folder.mkdir(parents=True, exist_ok=True)
        async with AsyncExitStack() as undo:
            journal = open_journal(config)
            undo.callback(journal.close)
            source = DurableCommands(journal)
            certifying = Certifying.open(config, source)
            undo.push_async_callback(certifying.certifier.close)
            trading = await Trading.open(config, journal, source, progress)
            undo.push_async_callback(trading.sequencer.close)
            line = OperatorLine(certifying.client, certifying.certifier)
            certification = Certification(certifying.view, certifying.certifier, line)
            settling = await Settling.open(config, trading, certification)
            undo.callback(settling.close)
            accounting = Accounting.open(config, trading, settling, certifying.certifier.ledger)
            undo.callback(accounting.close)
            door = _door(config, trading, accounting, certifying)
            undo.pop_all()
        return cls(config, trading, certifying, settling, accounting, door)

    async def run(self) -> None:
        """Work until `stop`; whatever ends one stage by itself ends all, with its error."""
        tasks = [
            asyncio.ensure_future(work)
            for work in (
                self.door.gate.run(),
                self.certifying.client.run(),
                self.certifying.certifier.run(),
                self.settling.batches.run(self._stop),
                self.settling.anchors.run(self._stop),
                *(loop.run(self._stop) for loop in self.loops),
                self.trading.sequencer.wait_stopped(),
                self._stop.wait(),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._stop.set()
            self.door.gate.stop()
            await asyncio.wait(tasks[:1])
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stop.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run while the body runs; a venue that fails interrupts the body with its error."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.run(), name="venue")
            try:
                yield
            finally:
                self.stop()

    async def close(self) -> None:
        """Let go of everything. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self.accounting.close()
        self.settling.close()
        await self.trading.sequencer.close()
        await self.certifying.certifier.close()
        self.trading.journal.close()
        self.door.store.close()


def _door(
    config: VenueConfig, trading: Trading, accounting: Accounting, certifying: Certifying
) -> Door:
    store = Store(f"sqlite:///{config.folder / 'gate.sqlite'}", _seal_key(config.folder))
    ring = KeyRing()
    services = Services(
        desk=Desk(trading.sequencer, trading.history),
        listing=Listing(trading.engine, trading.history),
        engine=trading.engine,
        history=trading.history,
        keys=ring,
        limits=RateLimits(Limits()),
        custody=CustodyFacts(config.deployment.vault, NETWORK),
        travel_rule=TravelRuleIntake(accounting.store),
        now_ns=config.now_ns,
        new_client_id=lambda: secrets.token_hex(CLIENT_ID_HEX).encode(),
    )
    regulators = Regulators(store)
    routes = RegulatorRoutes(
        services, regulators, accounting.regulator, certifying.certifier.ledger
    )
    app = create_app(services, routes)
    gate = Gate(app, bind(config.host, config.port))
    return Door(store, Customers(store, ring), regulators, services, gate)


def _seal_key(folder: Path) -> bytes:
    """The key that seals API secrets at rest, made at the first start."""
    path = folder / "gate.key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(SEAL_KEY_BYTES))
    return path.read_bytes()
