"""Reading one segment: frame after frame, each verified against the chain before it is seen.

Bytes are read into memory before they are verified, not mapped: what was verified is then what is
used, whoever else has the file open, and a file that shrinks is a short read, not a signal.
"""

import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.journal.errors import JournalCorrupt, JournalVersion, WrongVenue
from ledger.journal.layout import (
    FRAME_BYTES_MAX,
    JOURNAL_VERSION,
    ROW_BYTES,
    FrameHeader,
    Link,
    SegmentHeader,
    decode_frame_header,
    decode_segment_header,
    frame_chain,
)
from ledger.records.layout import COMMAND, COMMAND_BYTES

WINDOW_BYTES: Final = 4 * FRAME_BYTES_MAX
SUFFIX: Final = ".journal"
_NAME_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class Frame:
    """One verified frame.

    Attributes:
        commands: COMMAND, shape (count,), the caller's own memory.
        first_seq: The seq of commands[0].
        offset: Where its header row stands in its segment.
        link: The chain after it.
    """

    commands: NDArray[Any]
    first_seq: int
    offset: int
    link: Link


def segment_name(first_seq: int) -> str:
    """The file name of the segment that starts with this seq; names sort as seqs do."""
    return f"{first_seq:0{_NAME_DIGITS}d}{SUFFIX}"


def segment_paths(directory: Path) -> list[Path]:
    """The segments of a journal, oldest first."""
    return sorted(
        path
        for path in directory.glob(f"*{SUFFIX}")
        if len(path.stem) == _NAME_DIGITS and path.stem.isdecimal()
    )


def read_exactly(fd: int, offset: int, length: int) -> bytearray:
    """The bytes at offset: `length` of them, or what the file has."""
    window = bytearray(length)
    view, done = memoryview(window), 0
    while done < length and (got := os.preadv(fd, [view[done:]], offset + done)):
        done += got
    view.release()
    del window[done:]
    return window


def read_segment_header(fd: int, name: str, venue: bytes) -> SegmentHeader:
    """The verified header of an open segment.

    Raises:
        JournalCorrupt: Not an intact header, or not the one that belongs under this name.
        JournalVersion: Intact, of another version.
        WrongVenue: Intact, of another venue.
    """
    row = bytes(read_exactly(fd, 0, ROW_BYTES))
    header = decode_segment_header(row)
    if header is None:
        raise JournalCorrupt(name, 0, "a segment header", row[:16].hex() or "nothing")
    if header.version != JOURNAL_VERSION:
        raise JournalVersion(name, header.version, JOURNAL_VERSION)
    if header.record_bytes != COMMAND_BYTES:
        raise JournalCorrupt(name, 12, str(COMMAND_BYTES), str(header.record_bytes))
    if header.venue != venue:
        raise WrongVenue(name, venue.hex(), header.venue.hex())
    if segment_name(header.first_seq) != name:
        raise JournalCorrupt(name, 24, name, segment_name(header.first_seq))
    return header


def check_place(header: SegmentHeader, name: str, index: int, link: Link) -> None:
    """Assure that a segment is the next one: none before it is missing or cut.

    Raises:
        JournalCorrupt: It does not continue the chain.
    """
    if header.index != index:
        raise JournalCorrupt(name, 16, f"segment {index}", f"segment {header.index}")
    if header.first_seq != link.next_seq:
        raise JournalCorrupt(name, 24, f"seq {link.next_seq}", f"seq {header.first_seq}")
    if header.chain != link.chain:
        raise JournalCorrupt(name, 64, link.chain.hex(), header.chain.hex())


def read_frames(fd: int, link: Link, offset: int = ROW_BYTES) -> Generator[Frame, None, int]:
    """Yield the verified frames from `offset` on; return where the first unverified row stands.

    Args:
        fd: An open segment.
        link: The chain before the frame at `offset`.
        offset: A frame's place.
    """
    window, start = read_exactly(fd, offset, WINDOW_BYTES), offset
    while True:
        at = offset - start
        header = decode_frame_header(bytes(window[at : at + ROW_BYTES]))
        end = at + ROW_BYTES * (1 + header.records) if header else at + ROW_BYTES
        if end > len(window) and start < offset:
            window, start = read_exactly(fd, offset, WINDOW_BYTES), offset
            continue
        if header is None or end > len(window) or not _follows(window, at, header, link):
            return offset
        link = Link(link.next_seq + header.records, header.chain)
        commands = np.frombuffer(window, COMMAND, header.records, at + ROW_BYTES)
        yield Frame(commands, header.first_seq, offset, link)
        offset = start + end


def _follows(window: bytearray, at: int, header: FrameHeader, link: Link) -> bool:
    """Whether the frame at `at` is the one that the chain says comes next."""
    if header.first_seq != link.next_seq or header.previous != link.chain:
        return False
    begin = at + ROW_BYTES
    rows = memoryview(window)[begin : begin + header.records * ROW_BYTES]
    return frame_chain(bytes(window[at:begin]), rows) == header.chain
