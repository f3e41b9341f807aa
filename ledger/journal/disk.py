"""The two calls that make a command durable, behind a port.

Tests can so have a disk that fails at a chosen moment; the rest needs no port.
"""

import os
from typing import Protocol


class Disk(Protocol):
    """Where frames go. Raises OSError when the disk refuses."""

    def write(self, fd: int, parts: list[memoryview], offset: int) -> None:
        """Write all parts, one after the other, at offset."""
        ...

    def sync(self, fd: int) -> None:
        """Return when every byte written to fd is on stable storage."""
        ...


class SystemDisk:
    """The operating system's: pwritev and fdatasync."""

    def write(self, fd: int, parts: list[memoryview], offset: int) -> None:
        """Write all parts; the system may take them piece by piece."""
        written = os.pwritev(fd, parts, offset)
        while written < (total := sum(len(part) for part in parts)):
            rest = memoryview(b"".join(parts))[written:]
            assert 0 < len(rest) <= total
            written += os.pwrite(fd, rest, offset + written)

    def sync(self, fd: int) -> None:
        """fdatasync: data, and the metadata that is needed to read it back."""
        os.fdatasync(fd)
