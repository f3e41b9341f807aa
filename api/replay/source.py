"""Opens a recording, plain or gzipped, and reads its lines with a bound on each.

A small gzip file can hold any number of bytes: no line is longer than `LINE_BYTES_MAX`, and readers
stop at their own number of rows.
"""

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import Final

from api.replay.errors import DamagedFile

LINE_BYTES_MAX: Final = 1 << 16
TELL_EVERY: Final = 1024
GZIP_MAGIC: Final = b"\x1f\x8b"
CUT_SHORT: Final = "file cut short: what follows is missing"


class Lines:
    """The lines of a text file, without their ends.

    `cut_short` is set when the packed file stops in the middle.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cut_short = False
        self.bytes_read = 0
        """Of the file itself, packed or not: what a progress bar shows."""

    def __iter__(self) -> Iterator[str]:
        """Each line; a byte that is no ASCII comes as `?`.

        Raises:
            DamagedFile: Not gzip after all, or a line that no format has.
            OSError: The file cannot be read.
        """
        self.cut_short = False
        row = 0
        with self.path.open("rb") as raw:
            zipped = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            raw.seek(0)
            stream: BufferedIOBase = gzip.GzipFile(fileobj=raw) if zipped else raw
            try:
                while line := stream.readline(LINE_BYTES_MAX):
                    if not line.endswith(b"\n") and len(line) == LINE_BYTES_MAX:
                        raise DamagedFile(str(self.path), row, "a line longer than any format's")
                    row += 1
                    if row % TELL_EVERY == 0:
                        self.bytes_read = raw.tell()
                    yield line.rstrip(b"\r\n").decode("ascii", "replace").replace("\ufffd", "?")
            except EOFError:
                self.cut_short = True
            except (gzip.BadGzipFile, zlib.error) as error:
                raise DamagedFile(str(self.path), row, str(error)) from error


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of the content, unpacked when gzipped; fewer when it is shorter.

    Raises:
        DamagedFile: It begins like gzip and is not.
        OSError: The file cannot be read.
    """
    with path.open("rb") as raw:
        head = raw.read(count)
        if not head.startswith(GZIP_MAGIC):
            return head
        unpack = zlib.decompressobj(wbits=31)
        found = BytesIO()
        try:
            while head and found.tell() < count:
                found.write(unpack.decompress(head, count))
                head = raw.read(count)
        except zlib.error as error:
            raise DamagedFile(str(path), 0, str(error)) from error
        return found.getvalue()[:count]
