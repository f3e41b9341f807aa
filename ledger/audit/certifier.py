"""The venue's side: cut durable commands into signed batches, submit them, collect certificates.

The certifier executes each batch on an engine of its own and compares: a quorum that signs other
results stops it (`RootsDiffer`), a minority is named in `differing`. A batch is on disk before it
is sent, so that after a crash the same bytes are sent again and never another batch of one number.
"""

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic

from numpy.typing import NDArray

from ledger.audit.blocks import batch_of
from ledger.audit.bodies import BLOCK_COMMANDS_MAX, FETCH_BLOCKS_MAX, Commit, Fetch, Status, Submit
from ledger.audit.certificate import Roots, Tally, check_certificate, roots_of, vote_of
from ledger.audit.client import GroupClient
from ledger.audit.effects import Tip
from ledger.audit.errors import (
    BadCertificate,
    CertifierStopped,
    Equivocation,
    JournalDiffers,
    RootsDiffer,
)
from ledger.audit.group import VENUE
from ledger.audit.ledger import Ledger
from ledger.audit.messages import Author, Signed
from ledger.audit.ports import BlockHeader, CommandSource, M, MachineFactory
from ledger.audit.store import FrameKind
from ledger.audit.transport import seconds

PIPELINE: Final = 2
"""Batches that may be submitted and not yet certified; the group's WINDOW is wider."""
RESEND_MIN_MS: Final = 500
RESEND_MAX_MS: Final = 4_000
FETCH_MS: Final = 1_000
NS_PER_MS: Final = 1_000_000
RECENT: Final = 8
"""Certified blocks whose late COMMITs are still compared."""


@dataclass(frozen=True, slots=True)
class CutPolicy:
    """A batch is cut when it is full, or when its first command has waited so long."""

    commands_max: int = BLOCK_COMMANDS_MAX
    interval_ms: int = 20

    def __post_init__(self) -> None:
        """The protocol bounds a batch."""
        assert 1 <= self.commands_max <= BLOCK_COMMANDS_MAX, "a batch above the protocol's bound"
        assert self.interval_ms >= 0, "time goes forwards"


@dataclass(slots=True)
class _InFlight:
    batch: Signed
    roots: Roots | None = None
    tally: Tally = field(default_factory=Tally)
    certificate: tuple[Signed, ...] | None = None
    resend_at_ns: int = 0
    resend_gap_ms: int = RESEND_MIN_MS


class Certifier(Generic[M]):
    """Certifies what the journal holds. `run` it as one task; everything else only reads."""

    def __init__(
        self,
        client: GroupClient,
        directory: Path,
        source: CommandSource,
        machine: MachineFactory[M],
        policy: CutPolicy | None = None,
    ) -> None:
        """Open the venue's copy of the ledger and execute it again.

        Raises:
            LedgerFileError, RootsDiffer: As `Ledger`.
        """
        self._client, self._source = client, source
        self._author: Author = client.author
        assert self._author.sender == VENUE, "only the venue certifies"
        self._group = client.group
        self._policy = policy or CutPolicy()
        self.ledger: Ledger[M] = Ledger(directory, self._group, self._group.venue.name, machine)
        self.differing: dict[str, RootsDiffer] = {}
        """Members that signed other results than ours, by name: the first time each did."""
        self.evidence: deque[Equivocation] = deque(maxlen=16)
        self.refused: deque[BadCertificate] = deque(maxlen=16)
        self._flight: deque[_InFlight] = deque()
        self._recent: deque[_InFlight] = deque(maxlen=RECENT)
        self._fetched: dict[int, tuple[Signed, tuple[Signed, ...]]] = {}
        self._heights: dict[int, int] = {}
        self._donor, self._fetch_last, self._fetch_at_ns = -1, 0, 0
        self._pending_since_ns: int | None = None
        self._wake = asyncio.Event()
        self._waiters: dict[asyncio.Future[BlockHeader], int] = {}
        self._stopped = ""
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="certifier")
        client.on_messages = self._on_messages

    # What others read.

    @property
    def certified_seq(self) -> int:
        """The last certified command."""
        return self.ledger.tip.last_seq

    @property
    def tip(self) -> Tip:
        """The last certified block."""
        return self.ledger.tip

    def notify(self) -> None:
        """The source has new durable commands. Call it on the certifier's own loop."""
        self._wake.set()

    async def wait_certified(self, seq: int) -> BlockHeader:
        """The certified block that holds a command; waits until there is one.

        Raises:
            CertifierStopped: It stopped first.
        """
        header = self.ledger.block_of(seq)
        if header is not None:
            return header
        if self._stopped:
            raise CertifierStopped(self._stopped)
        future: asyncio.Future[BlockHeader] = asyncio.get_running_loop().create_future()
        self._waiters[future] = seq
        try:
            return await future
        finally:
            self._waiters.pop(future, None)

    async def wait_lag_below(self, durable_seq: int, commands: int) -> None:
        """Back-pressure for the gate: returns when at most `commands` wait to be certified.

        Raises:
            CertifierStopped: It stopped.
        """
        if durable_seq > commands:
            await self.wait_certified(durable_seq - commands)

    # The one task.

    async def run(self) -> None:
        """Certify for ever.

        Raises:
            RootsDiffer: A quorum signed other results than ours, or no quorum is left that can
                sign ours. Nothing is certified after it.
            JournalDiffers: The replicas certified commands that the source does not have.
            LedgerWriteFailed: The disk refused.
        """
        try:
            await self._recover()
            while True:
                while await self._settle() or await self._cut():
                    pass
                self._resend()
                self._catch_up()
                await self._sleep()
        except BaseException as error:
            self._stop(repr(error))
            raise

    def _stop(self, reason: str) -> None:
        self._stopped = reason
        for future in tuple(self._waiters):
            if not future.done():
                future.set_exception(CertifierStopped(reason))

    async def close(self) -> None:
        """Let go of the ledger; `run` must have ended."""
        self._stop("closed")
        self._worker.shutdown(wait=True)
        self.ledger.close()

    async def _sleep(self) -> None:
        now_ns = time.monotonic_ns()
        due = [item.resend_at_ns for item in self._flight]
        if self._pending_since_ns is not None and len(self._flight) < PIPELINE:
            due.append(self._pending_since_ns + self._policy.interval_ms * NS_PER_MS)
        if self._is_behind():
            due.append(self._fetch_at_ns)
        try:
            wait_ms = None if not due else max(0, min(due) - now_ns) // NS_PER_MS + 1
            async with asyncio.timeout(None if wait_ms is None else seconds(wait_ms)):
                await self._wake.wait()
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    async def _recover(self) -> None:
        """Submit again what was on disk and not certified: the same bytes."""
        batches = {m.seq: m for m in self.ledger.recovered.messages if isinstance(m.body, Submit)}
        for _, batch in sorted(batches.items()):
            item = _InFlight(batch)
            self._flight.append(item)
            item.roots = await self._work(self.ledger.execute, batch)

    async def _work(self, call: Any, *args: Any) -> Any:  # noqa: ANN401 - run_in_executor's own shape
        return await asyncio.get_running_loop().run_in_executor(self._worker, call, *args)

    # Cutting and sending.

    def _may_cut(self) -> bool:
        """A quorum answered, and nobody whom we must believe is ahead of all that we submitted.

        With f liars, the (f + 1)-th highest claim is at most a correct replica's height.
        """
        if len(self._flight) >= PIPELINE or len(self._heights) < self._group.quorum:
            return False
        claims = sorted(self._heights.values(), reverse=True)
        return claims[self._group.faults] <= self.ledger.tip.number + len(self._flight)

    async def _cut(self) -> bool:
        if not self._may_cut():
            return False
        last = batch_of(self._flight[-1].batch).last_seq if self._flight else self.certified_seq
        commands = self._source.commands(last + 1, self._policy.commands_max)
        if len(commands) == 0:
            self._pending_since_ns = None
            return False
        now_ns = time.monotonic_ns()
        if self._pending_since_ns is None:
            self._pending_since_ns = now_ns
        due_ns = self._pending_since_ns + self._policy.interval_ms * NS_PER_MS
        if len(commands) < self._policy.commands_max and now_ns < due_ns:
            return False
        self._pending_since_ns = None
        await self._submit(last + 1, commands)
        return True

    async def _submit(self, first_seq: int, commands: NDArray[Any]) -> None:
        tip = self.ledger.tip
        previous = self._flight[-1].batch.digest if self._flight else tip.digest
        number = tip.number + len(self._flight) + 1
        body = Submit(previous, first_seq, commands.tobytes())
        batch = self._author.sign(0, number, body)
        await self._work(self.ledger.persist, FrameKind.PROPOSAL, number, (batch,))
        item = _InFlight(batch)
        item.resend_at_ns = time.monotonic_ns() + RESEND_MIN_MS * NS_PER_MS
        self._flight.append(item)
        self._client.send(self._group.primary(0), batch)
        item.roots = await self._work(self.ledger.execute, batch)

    def _resend(self) -> None:
        """What is not certified in time goes to everybody, more and more rarely."""
        now_ns = time.monotonic_ns()
        for item in self._flight:
            if now_ns >= item.resend_at_ns:
                self._client.send_all(item.batch)
                item.resend_at_ns = now_ns + item.resend_gap_ms * NS_PER_MS
                item.resend_gap_ms = min(2 * item.resend_gap_ms, RESEND_MAX_MS)

    # Votes and blocks in.

    def _on_messages(self, messages: tuple[Signed, ...]) -> None:
        first = messages[0]
        match first.body:
            case Commit():
                self._on_commit(first)
            case Status():
                self._heights[first.sender] = first.seq
            case Submit() if len(messages) > 1:
                self._on_block(first, messages[1:])
            case _:
                return
        self._wake.set()

    def _on_commit(self, message: Signed) -> None:
        for item in (*self._flight, *self._recent):
            if item.batch.seq == message.seq:
                try:
                    item.tally.add(message)
                except Equivocation as error:
                    self.evidence.append(error)
                self._name_differing(item)

    def _name_differing(self, item: _InFlight) -> None:
        if item.roots is None:
            return
        for member in item.tally.differing(item.batch.digest, item.roots):
            body = item.tally.commits[member].body
            assert isinstance(body, Commit), "a tally holds COMMITs"
            name = self._group.name_of(member)
            self.differing.setdefault(
                name,
                RootsDiffer(
                    item.batch.seq, (name,), item.roots.describe(), roots_of(body).describe()
                ),
            )

    def _is_behind(self) -> bool:
        """A replica claims certified blocks that we lack, and votes did not bring them."""
        if self._flight and self._flight[0].resend_gap_ms == RESEND_MIN_MS:
            return False
        return max(self._heights.values(), default=0) > self.ledger.tip.number

    def _catch_up(self) -> None:
        """Ask one replica that claims to be ahead, another one each time."""
        now_ns, tip = time.monotonic_ns(), self.ledger.tip.number
        if not self._is_behind() or (now_ns < self._fetch_at_ns and tip < self._fetch_last):
            return
        ahead = [member for member, height in sorted(self._heights.items()) if height > tip]
        self._donor = next((member for member in ahead if member > self._donor), ahead[0])
        self._fetch_last = min(self._heights[self._donor], tip + FETCH_BLOCKS_MAX)
        self._fetch_at_ns = now_ns + FETCH_MS * NS_PER_MS
        question = self._author.sign(0, tip + 1, Fetch(FETCH_BLOCKS_MAX))
        self._client.send(self._donor, question)

    def _on_block(self, batch: Signed, commits: tuple[Signed, ...]) -> None:
        low = self.ledger.tip.number + 1
        if not low <= batch.seq < low + FETCH_BLOCKS_MAX:
            return
        try:
            check_certificate(self._group, batch, commits)
        except BadCertificate as error:
            self.refused.append(error)
            return
        self._fetched[batch.seq] = batch, commits

    # Certificates.

    async def _settle(self) -> bool:
        """Commit the oldest batch when its certificate is there; whether it did."""
        tip = self.ledger.tip
        fetched = self._fetched.pop(tip.number + 1, None)
        if fetched is not None:
            await self._adopt(*fetched)
        if not self._flight:
            return False
        item = self._flight[0]
        if item.certificate is None:
            item.certificate = item.tally.certificate(self._group.quorum)
        assert item.roots is not None, "a batch is executed before the next step"
        self._name_differing(item)
        if item.certificate is None:
            self._check_possible(item, item.roots)
            return False
        _, digest, theirs = vote_of(item.certificate[0])
        if digest != item.batch.digest:
            raise JournalDiffers(item.batch.seq, batch_of(item.batch).first_seq)
        if theirs != item.roots:
            raise self._difference(item, item.roots, item.certificate)
        await self._work(self.ledger.persist_certificate, item.batch, item.certificate)
        header = self.ledger.commit(item.batch, item.certificate)
        self._recent.append(self._flight.popleft())
        self._fetched.pop(header.number, None)
        for future, seq in tuple(self._waiters.items()):
            if seq <= header.last_seq and not future.done():
                found = self.ledger.block_of(seq)
                assert found is not None, "certified just now"
                future.set_result(found)
        return True

    async def _adopt(self, batch: Signed, commits: tuple[Signed, ...]) -> None:
        """A block that the group certified and we don't know as certified."""
        if self._flight and self._flight[0].batch.digest == batch.digest:
            self._flight[0].certificate = commits
            return
        body = batch_of(batch)
        own = self._source.commands(body.first_seq, body.count)
        if self._flight or own.tobytes() != body.commands:
            raise JournalDiffers(batch.seq, body.first_seq)
        await self._work(self.ledger.persist, FrameKind.PROPOSAL, batch.seq, (batch,))
        item = _InFlight(batch, certificate=commits)
        self._flight.append(item)
        item.roots = await self._work(self.ledger.execute, batch)

    def _check_possible(self, item: _InFlight, ours: Roots) -> None:
        """So many differ that no quorum can sign ours any more."""
        differing = item.tally.differing(item.batch.digest, ours)
        if self._group.size - len(differing) < self._group.quorum:
            raise self._difference(
                item, ours, tuple(item.tally.commits[member] for member in differing)
            )

    def _difference(self, item: _InFlight, ours: Roots, votes: tuple[Signed, ...]) -> RootsDiffer:
        names = tuple(self._group.name_of(message.sender) for message in votes)
        theirs = vote_of(votes[0])[2]
        return RootsDiffer(item.batch.seq, names, ours.describe(), theirs.describe())
