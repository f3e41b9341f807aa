"""The writer of a journal: frames of commands, durable when `append` returns.

`open` verifies everything there is, cuts a torn last frame and reports it, and makes the last frame
durable before it is believed: an earlier process may have died between its write and its sync.
"""

import logging
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from ledger.journal.direct import DirectDisk
from ledger.journal.disk import Disk
from ledger.journal.errors import JournalWriteFailed
from ledger.journal.layout import (
    FRAME_RECORDS_MAX,
    JOURNAL_VERSION,
    ROW_BYTES,
    SEGMENT_BYTES,
    SEGMENT_BYTES_MIN,
    Link,
    SegmentHeader,
    encode_frame_header,
    genesis,
)
from ledger.journal.lock import JournalLock
from ledger.journal.scan import End, scan
from ledger.journal.segment import Frame, read_exactly, segment_name, segment_paths
from ledger.records.layout import COMMAND_BYTES

if TYPE_CHECKING:
    from ledger.journal.tail import TornTail

_LOG: Final = logging.getLogger(__name__)
_DRAFT_SUFFIX: Final = ".draft"


class Journal:
    """An append-only, checksum-chained file of commands with a single writer.

    Attributes:
        torn: The torn tail that `open` cut, if there was one.
        last_seq: The last durable command, 0 in an empty journal.
        last_time_ns: Its time.
        chain: The digest of everything up to it.
    """

    def __init__(
        self, directory: Path, venue: bytes, segment_bytes: int, disk: Disk, lock: JournalLock
    ) -> None:
        """Use `open`."""
        assert segment_bytes >= SEGMENT_BYTES_MIN
        assert segment_bytes % ROW_BYTES == 0
        self._directory, self._venue = directory, venue
        self._segment_bytes = segment_bytes
        self._disk = disk
        self._lock = lock
        self._failed: JournalWriteFailed | None = None
        self._link = Link(1, genesis(venue))
        self._fd, self._segment, self._index = -1, "", -1
        self._offset = self._size = 0
        self.torn: TornTail | None = None
        self.last_time_ns = 0

    @classmethod
    def open(
        cls,
        directory: Path,
        venue: bytes,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        disk: Disk | None = None,
    ) -> Self:
        """Open for appending, or create. The directory's parent must exist.

        Args:
            directory: Where the segments are; made if missing.
            venue: 32 bytes that name this venue.
            segment_bytes: The size of segments created from now on.
            disk: Where frames are written; past the page cache when not given.

        Raises:
            JournalLocked: Another process writes it.
            JournalCorrupt, JournalVersion, WrongVenue: Nothing was changed.
            JournalWriteFailed: The disk refused while the end was being made durable.
        """
        if not directory.is_dir():
            directory.mkdir()
            _sync_directory(directory.parent)
        lock = JournalLock(directory)
        try:
            journal = cls(directory, venue, segment_bytes, disk or DirectDisk(), lock)
            journal._recover()
        except BaseException:
            lock.release()
            raise
        return journal

    @property
    def last_seq(self) -> int:
        """The last durable command's seq."""
        return self._link.next_seq - 1

    @property
    def chain(self) -> bytes:
        """The digest of everything up to last_seq."""
        return self._link.chain

    def append(self, commands: NDArray[Any]) -> int:
        """Write one frame and return when it is on stable storage.

        Args:
            commands: COMMAND, shape (1..FRAME_RECORDS_MAX,), contiguous; time_ns is positive, and
                never falls, within the frame or from the last one.

        Returns:
            The seq of commands[0].

        Raises:
            JournalWriteFailed: The disk refused; whether the frame is stored is unknown until the
                journal is opened again, and this writer raises the same for ever.
        """
        if self._failed is not None:
            raise self._failed
        times = commands["time_ns"]
        assert commands.dtype.itemsize == COMMAND_BYTES
        assert 1 <= len(commands) <= FRAME_RECORDS_MAX
        assert 0 < times[0] >= self.last_time_ns
        assert bool((times[1:] >= times[:-1]).all())
        first_seq = self._link.next_seq
        body = commands.view(np.uint8).data
        try:
            if self._offset + ROW_BYTES + len(body) > self._size:
                self._roll()
            header, link = encode_frame_header(self._link, body)
            self._disk.write(self._fd, [memoryview(header), body], self._offset)
            self._disk.sync(self._fd)
        except OSError as error:
            raise self._fail(error) from error
        self._link = link
        self._offset += ROW_BYTES + len(body)
        self.last_time_ns = int(times[-1])
        return first_seq

    def read(self, from_seq: int = 1) -> Iterator[Frame]:
        """Yield the durable frames that end at or after from_seq, up to what is durable now.

        May run while another thread appends: it ends before the frame that is in flight.

        Raises:
            JournalCorrupt: The stored bytes changed since `open`.
        """
        last_seq = self.last_seq
        if from_seq > last_seq:
            return
        for frame in scan(self._directory, self._venue, from_seq):
            yield frame
            if frame.link.next_seq > last_seq:
                return

    def close(self) -> None:
        """Let go of the journal. Everything appended is durable already."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._lock.release()

    def _recover(self) -> None:
        """Verify, cut a torn tail, make the last frame durable, stand at the end."""
        for draft in self._directory.glob(f"*{_DRAFT_SUFFIX}"):
            draft.unlink()
        end = _end_of(scan(self._directory, self._venue))
        self._link, self.torn = end.link, end.torn
        self._index = end.segments - 1
        if end.last is not None:
            self.last_time_ns = int(end.last.commands["time_ns"][-1])
        if end.segments == 0:
            return
        path = segment_paths(self._directory)[-1]
        self._segment = path.name
        self._fd = os.open(path, os.O_RDWR)
        self._offset, self._size = end.offset, os.fstat(self._fd).st_size
        try:
            self._settle(end)
        except OSError as error:
            os.close(self._fd)
            self._fd = -1
            raise self._fail(error) from error

    def _settle(self, end: End) -> None:
        """Leave on stable storage exactly what was verified.

        The last frame is written again before it is synced: pages that an earlier, failed sync
        left behind are marked clean, and a sync alone would pass over them.
        """
        if end.torn is not None:
            _LOG.warning("cut %s", end.torn)
            os.ftruncate(self._fd, end.offset)
            os.posix_fallocate(self._fd, 0, self._size)
        start = end.last.offset if end.last and end.offset > ROW_BYTES else 0
        written = read_exactly(self._fd, start, end.offset - start)
        self._disk.write(self._fd, [memoryview(written)], start)
        self._disk.sync(self._fd)
        _sync_directory(self._directory)

    def _roll(self) -> None:
        """Start the next segment; it gets its name only when its header is on the disk."""
        header = SegmentHeader(
            version=JOURNAL_VERSION,
            record_bytes=COMMAND_BYTES,
            index=self._index + 1,
            first_seq=self._link.next_seq,
            venue=self._venue,
            chain=self._link.chain,
        )
        name = segment_name(header.first_seq)
        draft = self._directory / (name + _DRAFT_SUFFIX)
        fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._segment, self._offset = fd, name, ROW_BYTES
        os.posix_fallocate(fd, 0, self._segment_bytes)
        self._disk.write(fd, [memoryview(header.encode())], 0)
        self._disk.sync(fd)
        draft.rename(self._directory / name)
        _sync_directory(self._directory)
        self._index, self._size = header.index, self._segment_bytes

    def _fail(self, error: OSError) -> JournalWriteFailed:
        assert error.errno is not None
        self._failed = JournalWriteFailed(self._segment, self._offset, error.errno)
        return self._failed


def _end_of(frames: Generator[Frame, None, End]) -> End:
    """Verify to the end, and say where that is."""
    while True:
        try:
            next(frames)
        except StopIteration as stop:
            end: End = stop.value
            return end


def _sync_directory(directory: Path) -> None:
    """A name is durable when its directory is."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
