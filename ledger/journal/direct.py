"""A disk that writes large frames past the system's page cache, where the file takes it.

A frame is read again only after a restart, so memory for its pages is made in vain: for frames of
1 MiB that cost more than the disk itself (docs/adr/0004-journal.md has the figures). A small frame
is sooner durable through the page cache, which hands its bytes to the disk together with the sync.
"""

import errno
import fcntl
import mmap
import os
from typing import Final

from ledger.journal.disk import SystemDisk
from ledger.journal.layout import FRAME_BYTES_MAX
from ledger.journal.segment import read_exactly

BLOCK_BYTES: Final = 4096
"""What offsets, lengths and memory are aligned to: no less than any common disk's block."""
BUFFER_BYTES: Final = FRAME_BYTES_MAX + 2 * BLOCK_BYTES
"""One frame, and what shares its first and its last block."""

DIRECT_BYTES_MIN: Final = 32 * 1024
"""The least that is written directly: frames of about 256 commands. Either way takes equally long
from 64 commands to 256."""


class DirectDisk:
    """Implements `Disk` for files that are only written at their end, as a journal's are.

    A write's first block holds bytes that are durable already: they are written again, unchanged,
    as the page cache would do with the whole page. Behind the write, its last block is zeros.
    What is small, what would reach behind the end of the file, and what the file system does not
    take, goes the ordinary way.
    """

    def __init__(self, least_bytes: int = DIRECT_BYTES_MIN) -> None:
        """Take memory for one frame; blocks of fewer than `least_bytes` go the ordinary way."""
        self._least_bytes = least_bytes
        self._plain = SystemDisk()
        self._buffer = memoryview(mmap.mmap(-1, BUFFER_BYTES))
        self._stands: tuple[int, int, int] | None = None
        """Device, file and offset of the end of the last write: the bytes before that offset in
        its block stand at the start of the buffer."""

    def write(self, fd: int, parts: list[memoryview], offset: int) -> None:
        """Write all parts at offset, and zeros to the end of the last block."""
        status = os.fstat(fd)
        place = (status.st_dev, status.st_ino, offset)
        known, self._stands = self._stands == place, None
        first = offset // BLOCK_BYTES * BLOCK_BYTES
        filled = offset - first + sum(len(part) for part in parts)
        span = -(-filled // BLOCK_BYTES) * BLOCK_BYTES
        fits = span <= BUFFER_BYTES and first + span <= status.st_size
        if not fits or span < self._least_bytes:
            _set_direct(fd, direct=False)
            self._plain.write(fd, parts, offset)
            return
        buffer = self._buffer
        if not known:
            _set_direct(fd, direct=False)
            buffer[: offset - first] = read_exactly(fd, first, offset - first)
        at = offset - first
        for part in parts:
            buffer[at : at + len(part)] = part
            at += len(part)
        buffer[filled:span] = bytes(span - filled)
        self._store(fd, first, span)
        tail = filled % BLOCK_BYTES
        buffer[:tail] = buffer[filled - tail : filled]
        self._stands = (status.st_dev, status.st_ino, first + filled)

    def sync(self, fd: int) -> None:
        """fdatasync: the disk's own cache, and the metadata that is needed to read it back."""
        self._plain.sync(fd)

    def _store(self, fd: int, first: int, span: int) -> None:
        """Write blocks from the buffer; what is not taken directly goes the ordinary way."""
        written = 0
        if _set_direct(fd, direct=True):
            try:
                written = os.pwrite(fd, self._buffer[:span], first)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
        if written < span:
            _set_direct(fd, direct=False)
            self._plain.write(fd, [self._buffer[written:span]], first + written)


def _set_direct(fd: int, *, direct: bool) -> bool:
    """Turn direct writes on or off; False when the file system has none."""
    former = fcntl.fcntl(fd, fcntl.F_GETFL)
    flags = former | os.O_DIRECT if direct else former & ~os.O_DIRECT
    try:
        if flags != former:
            fcntl.fcntl(fd, fcntl.F_SETFL, flags)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return False
    return True
