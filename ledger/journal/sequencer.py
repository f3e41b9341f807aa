"""The one writer: gathers what waits, makes it durable, executes it, projects it, answers.

While a frame is being synced in the writer's thread, the frame before it, which is durable, is
executed on the loop's thread, and the next one gathers in the queue. Nothing runs before it is
durable, so what the engine and the views show is never ahead of the disk.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.journal.errors import JournalError, SequencerStopped
from ledger.journal.journal import Journal
from ledger.journal.layout import FRAME_RECORDS_MAX
from ledger.journal.ports import Ack, Batch, Clock, Executes, Projects
from ledger.journal.queue import BulkAck, Chunk, CommandQueue, Gathered
from ledger.journal.recovery import execute, project
from ledger.records.build import TIME_BYTES
from ledger.records.codes import CommandKind, OrderStatus, Reject
from ledger.records.layout import COMMAND, COMMAND_BYTES

_KIND_AT: Final = TIME_BYTES
assert COMMAND.names is not None
assert COMMAND.names[:2] == ("time_ns", "kind")
_KINDS: Final = {int(kind): kind for kind in CommandKind}
_REJECTS: Final = {int(reject): reject for reject in Reject}
_STATUSES: Final = {int(status): status for status in OrderStatus}
_ORDER_KINDS: Final = {
    CommandKind.NEW_ORDER,
    CommandKind.CANCEL_ORDER,
    CommandKind.AMEND_ORDER,
    CommandKind.REPLACE_ORDER,
}


class Sequencer:
    """Implements `Submits` over a journal, an engine and its projections, all at the same seq.

    Use `recover` first, then `start`, inside a running event loop; `close` when done. All calls
    belong to that loop's thread.
    """

    def __init__(
        self, journal: Journal, engine: Executes, projections: Sequence[Projects], clock: Clock
    ) -> None:
        """Take over the journal: nobody else may append to it from here on."""
        assert engine.seq == journal.last_seq, "recover first"
        self._journal, self._engine = journal, engine
        self._projections = tuple(projections)
        self._clock = clock
        self._queue = CommandQueue()
        self._last_time_ns = max(1, journal.last_time_ns)
        self._wake = asyncio.Event()
        self._closing = False
        self._stopped: SequencerStopped | None = None
        self._unanswered: list[Chunk] = []
        self._writer: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "journal")

    def start(self) -> None:
        """Begin to sequence."""
        assert self._writer is None
        self._writer = asyncio.create_task(self._run(), name="sequencer")

    async def submit(self, command: bytes) -> Ack:
        """Sequence one command; returns when it is durable, executed and projected.

        A caller that is cancelled while it waits has still submitted: the command keeps its place.

        Raises:
            Overloaded: Nothing happened; try again later.
            SequencerStopped: After a failure or `close`.
        """
        assert len(command) == COMMAND_BYTES
        assert command[_KIND_AT] in _KINDS, "the gate builds commands that exist"
        self._require_running(1)
        waiter: asyncio.Future[BulkAck] = asyncio.get_running_loop().create_future()
        self._put(Chunk(command, 1, self._now_ns(), waiter))
        return _single(await waiter)

    async def submit_many(self, commands: NDArray[Any]) -> BulkAck:
        """Sequence commands together, next to each other in the total order.

        Args:
            commands: COMMAND (or a layout of it), shape (1..QUEUE_COMMANDS_MAX,). Copied later:
                not to be written until this returns.

        Raises:
            Overloaded: Not all of them fit in the queue; none was taken.
            SequencerStopped: After a failure or `close`.
        """
        assert len(commands) >= 1
        assert commands.dtype.itemsize == COMMAND_BYTES
        self._require_running(len(commands))
        rows = np.ascontiguousarray(commands).view(np.uint8).data
        loop, time_ns = asyncio.get_running_loop(), self._now_ns()
        waiters = list[asyncio.Future[BulkAck]]()
        for start in range(0, len(commands), FRAME_RECORDS_MAX):
            count = min(FRAME_RECORDS_MAX, len(commands) - start)
            part = rows[start * COMMAND_BYTES : (start + count) * COMMAND_BYTES]
            waiters.append(loop.create_future())
            self._put(Chunk(part, count, time_ns, waiters[-1]))
        parts = await asyncio.gather(*waiters)
        if len(parts) == 1:
            return parts[0]
        return BulkAck(
            parts[0].first_seq,
            time_ns,
            np.concatenate([part.outcomes for part in parts]),
            np.concatenate([part.events for part in parts]),
        )

    async def close(self) -> None:
        """Take no more, finish what waits, stop. The journal stays open for its owner to close."""
        self._closing = True
        self._wake.set()
        try:
            if self._writer is not None:
                await self._writer
        finally:
            self._thread.shutdown()

    async def wait_stopped(self) -> SequencerStopped | None:
        """Wait until it stops: None after `close`, else why.

        Raises:
            Exception: The bug of an engine or a projection that stopped it.
        """
        if self._writer is not None:
            await asyncio.shield(self._writer)
        return self._stopped

    def _require_running(self, count: int) -> None:
        if self._stopped is not None:
            raise self._stopped
        if self._closing:
            raise SequencerStopped("closed")
        self._queue.require_room(count)

    def _put(self, chunk: Chunk) -> None:
        self._queue.put(chunk)
        self._wake.set()

    def _now_ns(self) -> int:
        """The stamp of what comes in now: the clock's, but never less than the last."""
        self._last_time_ns = max(self._last_time_ns, self._clock())
        return self._last_time_ns

    async def _run(self) -> None:
        """Sequence until closed, or until something fails; then answer everybody."""
        try:
            await self._pipeline()
        except BaseException as error:
            self._stop(repr(error))
            if not isinstance(error, JournalError):
                raise

    async def _pipeline(self) -> None:
        loop = asyncio.get_running_loop()
        durable: Gathered | None = None
        while True:
            gathered = self._queue.take_frame()
            if gathered is None and durable is None:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            writing = None
            if gathered is not None:
                self._unanswered.extend(gathered.chunks)
                writing = loop.run_in_executor(
                    self._thread, self._journal.append, gathered.commands
                )
            try:
                if durable is not None:
                    self._finish(durable)
            finally:
                if writing is not None:
                    await writing
            durable = gathered

    def _finish(self, durable: Gathered) -> None:
        """Execute, project and answer one durable frame."""
        batch = execute(self._engine, durable.commands)
        project(self._projections, batch)
        _answer(batch, durable.chunks)
        del self._unanswered[: len(durable.chunks)]

    def _stop(self, reason: str) -> None:
        """Nobody is answered after a failure; everybody is told."""
        self._stopped = SequencerStopped(reason)
        for chunk in (*self._unanswered, *self._queue.drain()):
            if not chunk.waiter.done():
                chunk.waiter.set_exception(SequencerStopped(reason))
        self._unanswered.clear()


def _answer(batch: Batch, chunks: Sequence[Chunk]) -> None:
    """Resolve each chunk's future with its part of the batch."""
    ends = np.concatenate(([0], np.cumsum(batch.outcomes["events"], dtype=np.int64))).tolist()
    at = 0
    for chunk in chunks:
        end = at + chunk.count
        outcomes, events = batch.outcomes[at:end], batch.events[ends[at] : ends[end]]
        if not chunk.waiter.done():
            chunk.waiter.set_result(BulkAck(batch.first_seq + at, chunk.time_ns, outcomes, events))
        at = end


def _single(bulk: BulkAck) -> Ack:
    """The only result of a bulk of one."""
    (outcome,) = bulk.outcomes.tolist()
    seq, reject, status, kind, _, subject_id, filled, quote, remaining, amount, _ = outcome
    return Ack(
        seq=seq,
        time_ns=bulk.time_ns,
        kind=_KINDS[kind],
        reject=_REJECTS[reject],
        status=_STATUSES[status] if kind in _ORDER_KINDS else OrderStatus.NONE,
        subject_id=subject_id,
        filled_lots=filled,
        filled_quote_minor=quote,
        remaining_lots=remaining,
        amount_minor=amount,
        events=bulk.events,
    )
