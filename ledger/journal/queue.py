"""What waits to be sequenced: chunks of commands with the time they came and who waits for them."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.journal.errors import Overloaded
from ledger.journal.layout import FRAME_RECORDS_MAX
from ledger.records.layout import COMMAND, COMMAND_BYTES

if TYPE_CHECKING:
    from asyncio import Future

QUEUE_COMMANDS_MAX: Final = 65_536
"""Commands that may wait; above it the gate is told Overloaded at once."""


@dataclass(frozen=True, slots=True)
class BulkAck:
    """The durable results of commands submitted together, in order and without a gap.

    Attributes:
        first_seq: The first one's seq.
        time_ns: When they were sequenced.
        outcomes: OUTCOME, one a command; read-only.
        events: EVENT, all of theirs, in order; read-only.
    """

    first_seq: int
    time_ns: int
    outcomes: NDArray[Any]
    events: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Commands that go into one frame together, and the one future that waits for them.

    Attributes:
        commands: A multiple of COMMAND_BYTES; the time field is not yet set.
        count: How many.
        time_ns: The stamp for all of them.
        waiter: Resolves to their results.
    """

    commands: bytes | memoryview
    count: int
    time_ns: int
    waiter: "Future[BulkAck]"


@dataclass(frozen=True, slots=True)
class Gathered:
    """The next frame's commands, stamped, with their chunks in order."""

    commands: NDArray[Any]
    chunks: tuple[Chunk, ...]


class CommandQueue:
    """A bounded FIFO of chunks; the order of `put` is the order of the journal."""

    def __init__(self) -> None:
        """Empty."""
        self._chunks: deque[Chunk] = deque()
        self._queued = 0

    def __len__(self) -> int:
        """Commands that wait."""
        return self._queued

    def require_room(self, count: int) -> None:
        """Assure that `count` more commands fit.

        Raises:
            Overloaded: They don't.
        """
        if self._queued + count > QUEUE_COMMANDS_MAX:
            raise Overloaded(self._queued, QUEUE_COMMANDS_MAX)

    def put(self, chunk: Chunk) -> None:
        """Append a chunk; `require_room` was asked before."""
        assert 1 <= chunk.count <= FRAME_RECORDS_MAX
        assert self._queued + chunk.count <= QUEUE_COMMANDS_MAX
        self._chunks.append(chunk)
        self._queued += chunk.count

    def take_frame(self) -> Gathered | None:
        """The oldest chunks that fit into one frame together; None when nothing waits."""
        taken: list[Chunk] = []
        count = 0
        while self._chunks and count + self._chunks[0].count <= FRAME_RECORDS_MAX:
            chunk = self._chunks.popleft()
            taken.append(chunk)
            count += chunk.count
        if not taken:
            return None
        self._queued -= count
        buffer = bytearray().join(chunk.commands for chunk in taken)
        assert len(buffer) == count * COMMAND_BYTES
        commands = np.frombuffer(buffer, COMMAND)
        commands["time_ns"] = np.repeat(
            np.array([chunk.time_ns for chunk in taken], np.int64),
            [chunk.count for chunk in taken],
        )
        return Gathered(commands, tuple(taken))

    def drain(self) -> list[Chunk]:
        """Everything that waits, out of the queue."""
        chunks = list(self._chunks)
        self._chunks.clear()
        self._queued = 0
        return chunks
