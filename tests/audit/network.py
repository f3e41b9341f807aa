"""A seeded network in memory: loss, duplication, delay, reordering, crash and restart from disk.

The nodes run the real core over the real ledger on disk; only sockets and clock are simulated. The
driver here does the effects in order, as the asyncio driver does.
"""

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from ledger.audit.bodies import Fetch, Status
from ledger.audit.core import MS, Core
from ledger.audit.effects import (
    Broadcast,
    CommitBlock,
    Computed,
    Effect,
    Event,
    Execute,
    Halt,
    Persist,
    Send,
    Tick,
    Undo,
)
from ledger.audit.errors import ConsensusError, Equivocation
from ledger.audit.group import VENUE, Group
from ledger.audit.inbound import event_of
from ledger.audit.ledger import Ledger
from ledger.audit.messages import Signed, open_frame
from tests.audit.ground import CountingMachine, Factory, author_of


@dataclass
class Crash(Exception):
    """The process dies before the n-th effect from now."""

    node: int


class Node:
    """One replica over its directory."""

    def __init__(self, net: "Network", me: int, machine: Factory) -> None:
        self.net, self.me = net, me
        self.ledger: Ledger[CountingMachine] = Ledger(
            net.root / f"r{me}", net.group, f"r{me}", machine
        )
        self.core = Core(author_of(net.group, me), self.ledger.tip, self.ledger.recovered, net.now)
        self.crash_in = -1
        self.refused: list[ConsensusError] = []
        self.alarms: list[Effect] = []

    def start(self) -> None:
        self.run(self.core.start(self.net.now))

    def feed(self, event: Event) -> None:
        try:
            effects = self.core.step(event, self.net.now)
        except ConsensusError as error:
            self.refused.append(error)
            return
        self.run(effects)

    def run(self, effects: tuple[Effect, ...]) -> None:
        later: deque[Event] = deque()
        for effect in effects:
            self._do(effect, later)
        while later:
            self.feed(later.popleft())

    def _do(self, effect: Effect, later: deque[Event]) -> None:
        if self.crash_in == 0:
            raise Crash(self.me)
        self.crash_in -= 1
        match effect:
            case Broadcast(messages):
                for peer in range(self.net.group.size):
                    if peer != self.me:
                        self.net.send(self.me, peer, messages)
            case Send(to, messages):
                self.net.send(self.me, to, messages)
            case Halt(error):
                self.net.halted[self.me] = error
            case _:
                self._do_locally(effect, later)

    def _do_locally(self, effect: Effect, later: deque[Event]) -> None:
        match effect:
            case Persist(kind, number, messages):
                self.ledger.persist(kind, number, messages)
            case Execute(batch):
                roots = self.ledger.execute(batch)
                later.append(Computed(batch.seq, batch.digest, roots))
            case Undo():
                self.ledger.undo()
            case CommitBlock(batch, certificate):
                self.ledger.persist_certificate(batch, certificate)
                self.ledger.commit(batch, certificate)
                self.net.check(self)
            case _:
                self.alarms.append(effect)


@dataclass
class Network:
    """Owns time, the wires and the venue. `random` decides everything that is left open."""

    root: Path
    group: Group
    seed: int
    loss_percent: int = 0
    duplicate_percent: int = 0
    delay_max_ms: int = 5
    machines: dict[int, Factory] = field(default_factory=dict)
    cut: set[tuple[int, int]] = field(default_factory=set)
    """One-way wires, (sender, receiver), on which everything is lost."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.now = 0
        self.halted: dict[int, Exception] = {}
        self.nodes: dict[int, Node] = {}
        self.signed: dict[tuple[object, ...], bytes] = {}
        self.decided: dict[int, tuple[bytes, bytes, bytes]] = {}
        self.to_venue: list[Signed] = []
        self._queue: list[tuple[int, int, int, int, bytes]] = []
        self._count = 0
        for me in range(self.group.size):
            self.start(me)

    def start(self, me: int) -> None:
        """Start, or start again, from disk."""
        node = Node(self, me, self.machines.get(me, CountingMachine))
        self.nodes[me] = node
        try:
            node.start()
        except Crash:
            self.stop(me)

    def stop(self, me: int) -> None:
        """Kill: memory is gone, disk stays."""
        self.nodes.pop(me).ledger.close()

    def send(self, sender: int, to: int, messages: tuple[Signed, ...]) -> None:
        """Put one frame on the wire, with this network's faults."""
        for message in messages:
            self._no_equivocation(message)
        if to == VENUE:
            self.to_venue.extend(messages)
            return
        frame = b"".join(message.raw for message in messages)
        copies = 1 + (self.random.randrange(100) < self.duplicate_percent)
        for _ in range(copies):
            lost = (sender, to) in self.cut or self.random.randrange(100) < self.loss_percent
            if not lost:
                at = self.now + self.random.randrange(1, self.delay_max_ms * MS)
                self._count += 1
                heapq.heappush(self._queue, (at, self._count, sender, to, frame))

    def submit(self, batch: Signed) -> None:
        """The venue sends its batch to every member."""
        for member in range(self.group.size):
            self.send(VENUE, member, (batch,))

    def _no_equivocation(self, message: Signed) -> None:
        """Whatever a party signs for one place, it signs the same after every crash."""
        if isinstance(message.body, Status | Fetch):
            return
        place = (message.sender, type(message.body), message.view, message.seq)
        first = self.signed.setdefault(place, message.raw)
        assert first == message.raw, f"seed {self.seed}: {place} signed twice, differently"

    def check(self, node: Node) -> None:
        """Agreement: one digest, one state root, one log root a number."""
        header = node.ledger.header(node.ledger.tip.number)
        assert header is not None
        fact = header.digest, header.state_root, header.log_root
        first = self.decided.setdefault(header.number, fact)
        assert first == fact, f"seed {self.seed}: block {header.number} decided twice"

    def run(self, until_ms: int) -> None:
        """Deliver frames and deadlines in order of time."""
        end = self.now + until_ms * MS
        while self.now < end:
            due = {me: node.core.deadline_ns for me, node in self.nodes.items()}
            tick = max(self.now, min((at for at in due.values() if at is not None), default=end))
            if self._queue and self._queue[0][0] <= min(tick, end):
                self.now, _, sender, to, frame = heapq.heappop(self._queue)
                self._deliver(sender, to, frame)
            elif tick < end:
                self.now = tick
                for me, at in due.items():
                    if at is not None and at <= self.now:
                        self._guarded(me, Tick())
            else:
                self.now = end

    def _deliver(self, sender: int, to: int, frame: bytes) -> None:
        if to not in self.nodes:
            return
        messages = open_frame(self.group, frame)
        first = messages[0]
        if isinstance(first.body, Fetch):
            self._serve(to, sender, first.seq, first.body.count)
            return
        self._guarded(to, event_of(messages))

    def _serve(self, donor: int, asker: int, first: int, count: int) -> None:
        ledger = self.nodes[donor].ledger
        for number in range(first, min(first + count - 1, ledger.tip.number) + 1):
            self.send(donor, asker, ledger.certified(number))

    def _guarded(self, me: int, event: Event) -> None:
        try:
            self.nodes[me].feed(event)
        except Crash:
            self.stop(me)

    def equivocations(self) -> list[Equivocation]:
        """What the nodes hold as evidence."""
        return [
            error
            for node in self.nodes.values()
            for error in node.refused
            if isinstance(error, Equivocation)
        ]
