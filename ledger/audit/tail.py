"""A CommandSource: the latest durable commands from memory, older ones from the journal."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.records.layout import COMMAND

CHUNK_COMMANDS: Final = 4096
CHUNKS_MAX: Final = 64
"""Full chunks kept: 32 MiB of commands. A certifier that lags further reads the journal."""
_NOTHING: Final = np.zeros(0, COMMAND)


@dataclass(slots=True)
class _Chunk:
    first_seq: int
    rows: NDArray[Any]
    used: int = 0

    @property
    def next_seq(self) -> int:
        return self.first_seq + self.used

    def from_seq(self, seq: int) -> NDArray[Any]:
        """Its rows from `seq` on; none when it holds none of them."""
        return self.rows[seq - self.first_seq : self.used] if seq >= self.first_seq else _NOTHING


class CommandTail:
    """The last commands that became durable. Not safe for threads.

    `push` is for the sequencer's projection, `commands` for the certifier.
    """

    def __init__(self, read: Callable[[int], Iterator[tuple[int, NDArray[Any]]]]) -> None:
        """`read(seq)` yields the journal's (first seq, rows), beginning with those that hold it."""
        self._read = read
        self._chunks: deque[_Chunk] = deque(maxlen=CHUNKS_MAX + 1)
        self._older: Iterator[tuple[int, NDArray[Any]]] = iter(())
        self._last_read = _Chunk(0, _NOTHING)

    def push(self, first_seq: int, commands: NDArray[Any]) -> None:
        """Copy durable commands in; the oldest leave."""
        if self._chunks:
            assert first_seq == self._chunks[-1].next_seq, "a gap between pushed commands"
        while len(commands):
            if not self._chunks or self._chunks[-1].used == CHUNK_COMMANDS:
                self._chunks.append(_Chunk(first_seq, np.zeros(CHUNK_COMMANDS, COMMAND)))
            chunk = self._chunks[-1]
            count = min(len(commands), CHUNK_COMMANDS - chunk.used)
            chunk.rows[chunk.used : chunk.used + count] = commands[:count]
            chunk.used += count
            commands, first_seq = commands[count:], first_seq + count

    def commands(self, first_seq: int, limit: int) -> NDArray[Any]:
        """Durable rows from `first_seq` on, at most `limit`; none when there are none yet."""
        parts: list[NDArray[Any]] = []
        seq, end = first_seq, first_seq + limit
        while seq < end:
            rows = self._from_seq(seq)[: end - seq]
            if len(rows) == 0:
                break
            parts.append(rows)
            seq += len(rows)
        return np.concatenate(parts) if parts else _NOTHING

    def _from_seq(self, seq: int) -> NDArray[Any]:
        """The rest of the chunk that holds `seq`, from memory or from the journal."""
        if self._chunks and seq >= self._chunks[0].first_seq:
            at = (seq - self._chunks[0].first_seq) // CHUNK_COMMANDS
            return self._chunks[at].from_seq(seq) if at < len(self._chunks) else _NOTHING
        rows = self._last_read.from_seq(seq)
        if len(rows) == 0:
            rows = self._read_on(seq)
        return rows

    def _read_on(self, seq: int) -> NDArray[Any]:
        """The journal's next chunk, or the one that holds `seq` when that is another."""
        rows = _NOTHING
        if seq == self._last_read.next_seq:
            rows = self._take(seq)
        if len(rows) == 0:
            self._older = self._read(seq)
            rows = self._take(seq)
        return rows

    def _take(self, seq: int) -> NDArray[Any]:
        first, rows = next(self._older, (seq, _NOTHING))
        self._last_read = _Chunk(first, rows, len(rows))
        return self._last_read.from_seq(seq)
