"""One operator's replica: hosts the core, performs its effects in order, answers the venue.

One frame is handled at a time: the lock is the queue, each connection waits in it at most once, and
a peer that floods gets its turn as everybody else. A Persist is durable before the effect after it.
"""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic

from ledger.audit.bodies import REFUSAL_BYTES_MAX, Fetch, Outcome, Reply, Request, Status
from ledger.audit.core import Core
from ledger.audit.effects import (
    Broadcast,
    CommitBlock,
    Computed,
    Dropped,
    Effect,
    Event,
    Execute,
    Halt,
    PeerUp,
    Persist,
    Send,
    Suspect,
    Tick,
    Undo,
)
from ledger.audit.errors import (
    AuditError,
    ConsensusError,
    Equivocation,
    MalformedMessage,
    MessageError,
    ServiceRefusal,
)
from ledger.audit.group import VENUE, Group
from ledger.audit.inbound import event_of
from ledger.audit.keys import SigningKey
from ledger.audit.ledger import Ledger
from ledger.audit.messages import Author, Signed, join, open_frame, open_message
from ledger.audit.ports import M, MachineFactory, Service
from ledger.audit.services import BUILT_IN, CertifiedView
from ledger.audit.status import STATUS, ReplicaStatus, encode_status, peers_of, waiting_for
from ledger.audit.store import FrameKind
from ledger.audit.transport import Connection, Link, Listener, seconds

REQUESTS_MAX: Final = 16
"""Requests that may wait or run at once."""
EVIDENCE_MAX: Final = 256
"""Contradictions that are stored in one life of the process."""
NS_PER_MS: Final = 1_000_000
_LOG: Final = logging.getLogger("provenue.replica")


@dataclass(frozen=True, slots=True)
class ReplicaConfig:
    """What one replica needs to start.

    Attributes:
        group: The whole group.
        name: Which member this is.
        key: Its Ed25519 key.
        directory: Its ledger.
        host, port: Where it listens; the group file says where others find it.
    """

    group: Group
    name: str
    key: SigningKey
    directory: Path
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class _Waiting:
    connection: Connection
    message: Signed
    service: Service


class Replica(Generic[M]):
    """A running replica. `run` it once."""

    def __init__(
        self, config: ReplicaConfig, machine: MachineFactory[M], services: Mapping[str, Service]
    ) -> None:
        """Open the ledger and execute it again.

        Raises:
            LedgerFileError, RootsDiffer: As `Ledger`.
        """
        assert not services.keys() & {STATUS, *BUILT_IN}, "a built-in service's name is taken"
        self._config, self._services = config, services
        group = config.group
        author = Author(group, group.index_of(config.name), config.key)
        self._author, self._group = author, group
        self.ledger: Ledger[M] = Ledger(config.directory, group, config.name, machine)
        self.core = Core(author, self.ledger.tip, self.ledger.recovered, time.monotonic_ns())
        self.state = CertifiedView(self.ledger)
        self._links = {
            peer: Link(author, peer, self._on_link_frame, self._on_link_up)
            for peer in range(group.size)
            if peer != author.sender
        }
        self._listener = Listener(group, author.sender, self._on_frame, self._on_connection)
        self._lock = asyncio.Lock()
        self._moved = asyncio.Event()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="ledger-disk")
        self._requests: deque[_Waiting] = deque()
        self._answers: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] | None = None
        self.refused: Counter[str] = Counter()
        self.evidence = 0
        self.service_failures = 0

    async def run(self, stop: asyncio.Event, ready: asyncio.Event) -> None:
        """Serve until `stop` is set; `ready` is set when the port is open.

        Raises:
            PortInUse: The port is taken.
            LedgerWriteFailed: The disk refused: nothing was sent that is not on it.
        """
        self._failed = asyncio.get_running_loop().create_future()
        try:
            await self._listener.start(self._config.host, self._config.port)
            async with asyncio.TaskGroup() as tasks:
                for link in self._links.values():
                    tasks.create_task(link.run())
                tasks.create_task(self._keep_time())
                tasks.create_task(self._stop_when(stop))
                await self._run_effects(self.core.start(time.monotonic_ns()))
                ready.set()
        except* _Stopped:
            pass
        finally:
            await self._close()

    async def _stop_when(self, stop: asyncio.Event) -> None:
        assert self._failed is not None, "run sets it"
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((stopped, self._failed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
        if self._failed.done():
            self._failed.result()
        raise _Stopped

    async def _close(self) -> None:
        await self._listener.close()
        for task in tuple(self._answers):
            task.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)
        if self._failed is not None and not self._failed.done():
            self._failed.cancel()
        async with self._lock:
            self._disk.shutdown(wait=True)
            self.ledger.close()

    # Events in.

    async def _on_frame(self, connection: Connection, frame: bytes) -> None:
        """One frame of an incoming connection; a MessageError closes it."""
        await self._guarded(self._handle(connection, frame))

    async def _on_link_frame(self, to: int, frame: bytes) -> None:
        """Members send on the connections that they dial: nothing comes back on ours."""
        raise MalformedMessage(f"{len(frame)} bytes from {self._group.name_of(to)} unasked")

    async def _on_link_up(self, to: int) -> None:
        await self._guarded(self._feed(PeerUp(to)))

    async def _on_connection(self, connection: Connection) -> None:
        if connection.sender == VENUE:
            await self._guarded(self._feed(PeerUp(VENUE)))

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        """Whatever is not a refusal is fatal: the process must not go on half broken."""
        assert self._failed is not None, "run sets it"
        try:
            await work
        except MessageError as error:
            self.refused[type(error).__name__] += 1
            raise
        except Exception as error:
            if not self._failed.done():
                self._failed.set_exception(error)
            raise

    async def _handle(self, connection: Connection, frame: bytes) -> None:
        messages = open_frame(self._group, frame)
        first = messages[0]
        if isinstance(first.body, Fetch | Request | Status) and first.sender != connection.sender:
            raise MalformedMessage("this must come from who dialled")
        if connection.sender == self._author.sender and not isinstance(first.body, Request):
            raise MalformedMessage("an operator asks; only replicas take part")
        match first.body:
            case Fetch(count):
                async with self._lock:
                    self._send_blocks(connection, first.seq, count)
            case Request():
                async with self._lock:
                    await self._on_request(connection, first)
            case _:
                await self._feed(event_of(messages))

    async def _keep_time(self) -> None:
        """Feed Tick when the core's deadline comes."""
        while True:
            deadline = self.core.deadline_ns
            wait_ms = None
            if deadline is not None:
                wait_ms = max(0, deadline - time.monotonic_ns()) // NS_PER_MS + 1
            self._moved.clear()
            try:
                async with asyncio.timeout(None if wait_ms is None else seconds(wait_ms)):
                    await self._moved.wait()
            except TimeoutError:
                await self._feed(Tick())

    # The core, and its effects in order.

    async def _feed(self, event: Event) -> None:
        async with self._lock:
            await self._run_event(event)
            await self._start_requests()
        self._moved.set()

    async def _run_effects(self, effects: tuple[Effect, ...]) -> None:
        async with self._lock:
            for event in await self._perform(effects):
                await self._run_event(event)
        self._moved.set()

    async def _run_event(self, event: Event) -> None:
        events = deque([event])
        while events:
            try:
                effects = self.core.step(events.popleft(), time.monotonic_ns())
            except ConsensusError as error:
                self.refused[type(error).__name__] += 1
                if isinstance(error, Equivocation):
                    await self._keep_evidence(error)
                continue
            events.extend(await self._perform(effects))

    async def _perform(self, effects: tuple[Effect, ...]) -> list[Event]:
        """Do the effects in order; returns the events that they caused."""
        caused: list[Event] = []
        loop = asyncio.get_running_loop()
        for effect in effects:
            match effect:
                case Persist(kind, number, messages):
                    await loop.run_in_executor(
                        self._disk, self.ledger.persist, kind, number, messages
                    )
                case Broadcast(messages):
                    for link in self._links.values():
                        link.send(join(*messages))
                case Send(to, messages):
                    self._send(to, join(*messages))
                case Execute(batch):
                    roots = self.ledger.execute(batch)
                    caused.append(Computed(batch.seq, batch.digest, roots))
                case Undo():
                    self.ledger.undo()
                case CommitBlock(batch, certificate):
                    await loop.run_in_executor(
                        self._disk, self.ledger.persist_certificate, batch, certificate
                    )
                    self.ledger.commit(batch, certificate)
                    self.state.advance()
                case Suspect() | Dropped() | Halt():
                    self._alarm(effect)
        return caused

    def _alarm(self, effect: Suspect | Dropped | Halt) -> None:
        match effect:
            case Suspect(number, primary):
                name = self._group.name_of(primary)
                _LOG.warning("block %d stands still under %s: %s", number, name, self._waiting())
            case Dropped(error) | Halt(error):
                _LOG.error("%s", error)

    def _waiting(self) -> str:
        return waiting_for(self.core)

    def _send(self, to: int, frame: bytes) -> None:
        if to == VENUE:
            connection = self._listener.connections.get(VENUE)
            if connection is not None:
                connection.send(frame)
        else:
            self._links[to].send(frame)

    def _send_blocks(self, connection: Connection, first: int, count: int) -> None:
        """Answer FETCH: to the venue on its connection, to a member on ours to it."""
        last = min(first + count - 1, self.ledger.tip.number)
        for number in range(max(1, first), last + 1):
            self._send(connection.sender, join(*self.ledger.certified(number)))

    async def _keep_evidence(self, error: Equivocation) -> None:
        if self.evidence < EVIDENCE_MAX:
            self.evidence += 1
            pair = open_message(self._group, error.first), open_message(self._group, error.second)
            await asyncio.get_running_loop().run_in_executor(
                self._disk, self.ledger.persist, FrameKind.EVIDENCE, pair[0].seq, pair
            )

    # Requests of the venue.

    async def _on_request(self, connection: Connection, message: Signed) -> None:
        body = message.body
        assert isinstance(body, Request), "the caller matched it"
        if body.session != connection.session:
            raise MalformedMessage("a request of another session")
        if body.service == STATUS:
            self._reply(connection, message, Outcome.ANSWERED, encode_status(self.status()))
            return
        if message.sender != VENUE:
            raise MalformedMessage("only the venue asks for more than status")
        service = BUILT_IN.get(body.service) or self._services.get(body.service)
        if service is None:
            self._reply(connection, message, Outcome.UNKNOWN_SERVICE, b"")
        elif len(self._requests) + len(self._answers) >= REQUESTS_MAX:
            self._reply(connection, message, Outcome.BUSY, b"")
        else:
            self._requests.append(_Waiting(connection, message, service))
            await self._start_requests()

    async def _start_requests(self) -> None:
        """Start what waits, while the engine stands at the last certified block."""
        while self._requests and not self.ledger.is_speculating:
            waiting = self._requests.popleft()
            task = asyncio.create_task(self._answer(waiting))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)
            # The task was scheduled before we are again: its first step runs under our lock.
            await asyncio.sleep(0)

    async def _answer(self, waiting: _Waiting) -> None:
        body = waiting.message.body
        assert isinstance(body, Request), "only requests wait"
        try:
            payload = await waiting.service.answer(self.state, body.payload)
            outcome = Outcome.ANSWERED
        except (ServiceRefusal, AuditError) as error:
            outcome, payload = Outcome.REFUSED, str(error).encode()[:REFUSAL_BYTES_MAX]
        except Exception as error:  # noqa: BLE001 - logged, counted, and told to who asked
            self.service_failures += 1
            _LOG.exception("service %s broke", body.service)
            outcome, payload = Outcome.FAILED, type(error).__name__.encode()
        self._reply(waiting.connection, waiting.message, outcome, payload)

    def _reply(
        self, connection: Connection, message: Signed, outcome: Outcome, payload: bytes
    ) -> None:
        body = Reply(message.digest, outcome, payload)
        connection.send(self._author.sign(0, message.seq, body).raw)

    def status(self) -> ReplicaStatus:
        """Where this replica stands."""
        now_ns, core = time.monotonic_ns(), self.core
        busy = any(slot.submitted or slot.batch for slot in core.slots.values())
        torn = self.ledger.torn
        return ReplicaStatus(
            name=self._config.name,
            fingerprint=self._group.fingerprint,
            view=core.view,
            primary=self._group.name_of(core.primary),
            block=core.tip.number,
            certified_seq=core.tip.last_seq,
            phase=core.phase.name,
            waiting_for=self._waiting(),
            stalled_ms=(now_ns - core.progress_ns) // NS_PER_MS if busy else 0,
            halted="" if core.halted is None else str(core.halted),
            abstain=core.abstain if core.abstain > core.tip.number else 0,
            torn="" if torn is None else repr(torn),
            peers=peers_of(core, frozenset(self._listener.connections), now_ns),
            refused=dict(sorted(self.refused.items())),
            evidence=self.evidence,
            service_failures=self.service_failures,
        )


class _Stopped(Exception):
    """Somebody asked the replica to stop."""
