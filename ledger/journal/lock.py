"""One writer a journal: an flock on a file that names its holder."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ledger.journal.errors import JournalLocked

LOCK_NAME: Final = "lock"
_PID_DIGITS_MAX: Final = 20


class JournalLock:
    """Held from construction to `release`, or to the end of the process, however it ends.

    Raises:
        JournalLocked: Another process has it.
    """

    def __init__(self, directory: Path, *, shared: bool = False) -> None:
        """Take the lock at once or not at all; readers share it among themselves."""
        self._fd = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            written = os.pread(self._fd, _PID_DIGITS_MAX, 0)
            os.close(self._fd)
            raise JournalLocked(str(directory), int(written) if written.isdigit() else 0) from error
        if not shared:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
