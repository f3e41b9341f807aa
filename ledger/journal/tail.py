"""What stands after the last good frame of the last segment: nothing, a torn frame, or corruption.

One frame is in flight at a time: the next is written only after the last was synced. So a crash
leaves at most one incomplete frame, at the end, of at most FRAME_BYTES_MAX. Rows are 128 bytes,
sectors are multiples of that, and a row of a frame is never all zero (commands carry their time):
a row that never reached the disk reads as zeros or lies past the end of the file. A frame whose
rows are all there and whose digest is wrong was not torn: it was changed, and it may have been
acknowledged. That is corruption, and nobody cuts it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.journal.errors import JournalCorrupt
from ledger.journal.layout import (
    FRAME_BYTES_MAX,
    ROW_BYTES,
    FrameHeader,
    Link,
    decode_frame_header,
    frame_chain,
)
from ledger.journal.segment import read_exactly

_READ_BYTES: Final = 16 * FRAME_BYTES_MAX


@dataclass(frozen=True, slots=True)
class TornTail:
    """The incomplete last frame, which was never acknowledged, and is cut.

    Attributes:
        segment, offset: Where it starts.
        bytes_cut: From there to the last byte that was written.
        records_cut: How many commands it was to hold; None when its header never arrived.
    """

    segment: str
    offset: int
    bytes_cut: int
    records_cut: int | None


def judge_tail(fd: int, segment: str, offset: int, link: Link) -> TornTail | None:
    """Say what follows the last verified frame of the last segment; None when nothing does.

    Args:
        fd: The open segment.
        segment: Its name, for the report.
        offset: Where verification stopped.
        link: The chain there.

    Raises:
        JournalCorrupt: What stands there is not the work of one interrupted write.
    """
    tail = bytes(read_exactly(fd, offset, FRAME_BYTES_MAX))
    _require_zeros(fd, segment, offset + len(tail))
    written = len(tail.rstrip(b"\0"))
    if written == 0:
        return None
    if len(tail) < ROW_BYTES:
        return TornTail(segment, offset, written, None)
    row = tail[:ROW_BYTES]
    if not any(row):
        _require_no_frame(tail, segment, offset)
        return TornTail(segment, offset, written, None)
    header = decode_frame_header(row)
    if header is None:
        raise JournalCorrupt(segment, offset, "a frame header", row[:16].hex())
    if header.first_seq != link.next_seq:
        raise JournalCorrupt(segment, offset, f"seq {link.next_seq}", f"seq {header.first_seq}")
    if header.previous != link.chain:
        raise JournalCorrupt(segment, offset, link.chain.hex(), header.previous.hex())
    return _judge_frame(tail, header, segment, offset)


def _judge_frame(tail: bytes, header: FrameHeader, segment: str, offset: int) -> TornTail:
    """The header arrived. Torn when rows are missing and nothing follows; else corrupt."""
    frame_bytes = ROW_BYTES * (1 + header.records)
    beyond = len(tail[frame_bytes:].lstrip(b"\0"))
    if beyond:
        raise JournalCorrupt(
            segment, offset, header.chain.hex(), f"another frame's bytes at {offset + frame_bytes}"
        )
    records = tail[ROW_BYTES:frame_bytes]
    whole = len(records) == frame_bytes - ROW_BYTES
    if whole and bool(_rows(records).any(axis=1).all()):
        found = frame_chain(tail[:ROW_BYTES], memoryview(records)).hex()
        raise JournalCorrupt(segment, offset, header.chain.hex(), found)
    written = len(tail[:frame_bytes].rstrip(b"\0"))
    return TornTail(segment, offset, written, header.records)


def _rows(records: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(records, np.uint8).reshape(-1, ROW_BYTES)


def _require_zeros(fd: int, segment: str, offset: int) -> None:
    """One write never reaches further than one frame: what lies beyond must be untouched."""
    while piece := read_exactly(fd, offset, _READ_BYTES):
        touched = np.flatnonzero(np.frombuffer(piece, np.uint8))
        if len(touched):
            raise JournalCorrupt(segment, offset + int(touched[0]), "zeros to the end", "data")
        offset += len(piece)


def _require_no_frame(tail: bytes, segment: str, offset: int) -> None:
    """A frame behind the missing header would have been written after it: a header was erased."""
    for at in range(0, len(tail) - ROW_BYTES + 1, ROW_BYTES):
        if decode_frame_header(tail[at : at + ROW_BYTES]) is not None:
            raise JournalCorrupt(segment, offset, "a frame header", f"zeros before {offset + at}")
