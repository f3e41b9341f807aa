"""Streams intents through the gate's own command path, and measures acknowledgement and certainty.

A step that names an order still on its way waits for that order's acknowledgement first, as a
customer would; everything else is pipelined.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from api.demo.board import Step
from api.gate.desk import Desk, NewOrder, OrderName
from api.gate.refusals import CancelUnknown
from api.replay.intents import Action, Flow, Intent
from api.venue.venue import Venue
from ledger.journal.ports import Ack
from ledger.readmodel.views import OrderView
from ledger.records.codes import EventKind, OrderStatus, Reject, Side

IN_FLIGHT_MAX: Final = 256
SHOW_EVERY: Final = 256
OPEN: Final = (OrderStatus.OPEN, OrderStatus.PARTLY_FILLED)


@dataclass(slots=True)
class Streamed:
    """What streaming did.

    Attributes:
        commands: Sequenced commands.
        fills: Trades that they caused.
        answers: How often each answer was given: "open", "filled", a reject's name …
        submit_to_ack_ns: One a command.
        ack_to_certified_ns: One a command.
        elapsed_ns: From the first submission to the last certificate.
    """

    commands: int = 0
    fills: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    submit_to_ack_ns: list[int] = field(default_factory=list)
    ack_to_certified_ns: list[int] = field(default_factory=list)
    elapsed_ns: int = 0


@dataclass(frozen=True, slots=True)
class Traders:
    """Whose orders they are: bids and asks by different accounts, so nobody meets himself."""

    buyers: Sequence[int]
    sellers: Sequence[int]

    def account(self, intent: Intent) -> int:
        """The account of an order, always the same."""
        team = self.buyers if intent.side is Side.BUY else self.sellers
        return team[intent.key % len(team)]


class Streamer:
    """Feeds one instrument's flow to one venue."""

    def __init__(self, venue: Venue, instrument: int, traders: Traders) -> None:
        self._desk: Desk = venue.door.services.desk
        self._history = venue.trading.history
        self._certifier = venue.certifying.certifier
        self._instrument = instrument
        self._traders = traders
        self._on_their_way: dict[int, asyncio.Task[None]] = {}
        self._uncertain: deque[tuple[int, int]] = deque()
        self._acked = asyncio.Event()
        self._done = False
        self.result = Streamed()

    async def run(self, flow: Flow, step: Step) -> Streamed:
        """Stream everything; returns when all of it is certified.

        Raises:
            JournalError, CertifierStopped: The venue stopped.
        """
        began_ns = time.perf_counter_ns()
        watching = asyncio.create_task(self._watch())
        try:
            for count, intent in enumerate(flow):
                await self._take(intent)
                if count % SHOW_EVERY == 0:
                    step.reach(count)
                    await asyncio.sleep(0)
            await self._drain()
        finally:
            self._done = True
            self._acked.set()
        await watching
        self.result.elapsed_ns = time.perf_counter_ns() - began_ns
        return self.result

    async def _take(self, intent: Intent) -> None:
        before = self._on_their_way.get(intent.key)
        if len(self._on_their_way) >= IN_FLIGHT_MAX or (before and not before.done()):
            await self._drain()
        self._on_their_way[intent.key] = asyncio.create_task(self._submit(intent))

    async def _drain(self) -> None:
        """Wait for all that is on its way."""
        if self._on_their_way:
            await asyncio.gather(*self._on_their_way.values())
            self._on_their_way.clear()

    async def _submit(self, intent: Intent) -> None:
        began_ns = time.perf_counter_ns()
        ack = await self._ask(intent)
        if ack is None:
            return
        now_ns = time.perf_counter_ns()
        self.result.submit_to_ack_ns.append(now_ns - began_ns)
        self.result.commands += 1
        self.result.fills += int((ack.events["kind"] == EventKind.TRADE).sum())
        reject = ack.reject
        answer = ack.status.name.lower() if reject is Reject.NONE else reject.name.lower()
        self.result.answers[f"{intent.action.name.lower()}: {answer}"] += 1
        self._uncertain.append((ack.seq, now_ns))
        self._acked.set()

    async def _ask(self, intent: Intent) -> Ack | None:
        """Submit one intent; None when the order is gone: a recording may say so late."""
        account = self._traders.account(intent)
        client_id = b"d%d" % intent.key
        if intent.action is Action.ADD:
            return await self._desk.place(account, _order(intent, self._instrument, client_id))
        view = self._history.order_by_client_id(account, client_id)
        if view is None or view.status not in OPEN:
            self.result.answers[f"{intent.action.name.lower()}: nothing open"] += 1
            return None
        name = OrderName(self._instrument, order_id=view.order_id)
        try:
            if intent.action is Action.CANCEL:
                return (await self._desk.cancel(account, name))[1]
            return await self._amend(account, name, view, intent)
        except CancelUnknown:
            self.result.answers[f"{intent.action.name.lower()}: just gone"] += 1
            return None

    async def _amend(
        self, account: int, name: OrderName, view: OrderView, intent: Intent
    ) -> Ack | None:
        """What should be left, on top of what was filled, is the new size."""
        size = view.filled_lots + intent.qty_lots
        if size >= view.qty_lots:
            self.result.answers["amend: no more than that is open"] += 1
            return None
        return (await self._desk.amend(account, name, size))[1]

    async def _watch(self) -> None:
        """Note when each acknowledged command became certified."""
        while not self._done or self._uncertain:
            if not self._uncertain:
                self._acked.clear()
                await self._acked.wait()
                continue
            header = await self._certifier.wait_certified(self._uncertain[0][0])
            now_ns = time.perf_counter_ns()
            while self._uncertain and self._uncertain[0][0] <= header.last_seq:
                self.result.ack_to_certified_ns.append(now_ns - self._uncertain.popleft()[1])


def _order(intent: Intent, instrument: int, client_id: bytes) -> NewOrder:
    return NewOrder(
        instrument=instrument,
        side=intent.side,
        order_type=intent.order_type,
        client_id=client_id,
        time_in_force=intent.time_in_force,
        price_ticks=intent.price_ticks,
        qty_lots=intent.qty_lots,
    )
