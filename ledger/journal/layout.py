"""The bytes of a journal: rows of 128, a header row a segment and a header row a frame.

Pure: bytes in, bytes or facts out. Normative text: docs/spec/journal.md.
"""

import struct
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from ledger.records.layout import COMMAND_BYTES

ROW_BYTES: Final = 128
assert ROW_BYTES == COMMAND_BYTES, "records and headers share one row size"
JOURNAL_VERSION: Final = 1
VENUE_BYTES: Final = 32
DIGEST_BYTES: Final = 32

FRAME_RECORDS_MAX: Final = 8191
"""With its header the largest frame is exactly 1 MiB."""
FRAME_BYTES_MAX: Final = (FRAME_RECORDS_MAX + 1) * ROW_BYTES
SEGMENT_BYTES_MIN: Final = ROW_BYTES + FRAME_BYTES_MAX
"""A segment holds at least its header and one frame of any size."""
SEGMENT_BYTES: Final = 64 * 1024 * 1024

SEGMENT_MAGIC: Final = b"PVNJOURN"
FRAME_MAGIC: Final = b"PVNFRAME"
GENESIS_TAG: Final = b"provenue/journal/v1/genesis"

_SEGMENT: Final = struct.Struct("<8sIIqq32s32s")
_FRAME: Final = struct.Struct("<8sqIIq32s")
_CHECKED: Final = ROW_BYTES - DIGEST_BYTES
assert _SEGMENT.size == _CHECKED
assert _FRAME.size + DIGEST_BYTES == _CHECKED


def genesis(venue: bytes) -> bytes:
    """The chain value before the first frame: frames of another venue never fit."""
    assert len(venue) == VENUE_BYTES
    return sha256(GENESIS_TAG + venue).digest()


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain: the next seq to come, and the digest of everything before it."""

    next_seq: int
    chain: bytes


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """The first row of a segment. `index` counts segments from 0."""

    version: int
    record_bytes: int
    index: int
    first_seq: int
    venue: bytes
    chain: bytes

    def encode(self) -> bytes:
        """The row, its check last."""
        row = _SEGMENT.pack(
            SEGMENT_MAGIC,
            self.version,
            self.record_bytes,
            self.index,
            self.first_seq,
            self.venue,
            self.chain,
        )
        return row + sha256(row).digest()


def decode_segment_header(row: bytes) -> SegmentHeader | None:
    """The header that a row holds; None when it is not an intact one of any version."""
    if len(row) != ROW_BYTES or sha256(row[:_CHECKED]).digest() != row[_CHECKED:]:
        return None
    magic, *fields = _SEGMENT.unpack_from(row)
    return SegmentHeader(*fields) if magic == SEGMENT_MAGIC else None


class FrameHeader(NamedTuple):
    """The first row of a frame: `records` rows of commands follow.

    `chain` is SHA-256 over the header's first 64 bytes, `previous` among them, and the commands.
    """

    first_seq: int
    records: int
    previous: bytes
    chain: bytes


def encode_frame_header(link: Link, commands: memoryview) -> tuple[bytes, Link]:
    """The header row for commands that follow `link`, and the link after them.

    Args:
        link: Where the chain stands.
        commands: 1..FRAME_RECORDS_MAX rows of bytes.
    """
    count, odd = divmod(len(commands), ROW_BYTES)
    assert odd == 0
    assert 1 <= count <= FRAME_RECORDS_MAX
    row = _FRAME.pack(FRAME_MAGIC, link.next_seq, count, 0, 0, link.chain)
    hashed = sha256(row)
    hashed.update(commands)
    row += hashed.digest()
    return row + sha256(row).digest(), Link(link.next_seq + count, hashed.digest())


def decode_frame_header(row: bytes) -> FrameHeader | None:
    """The header that a row holds; None when it is not an intact one."""
    if not row.startswith(FRAME_MAGIC) or len(row) != ROW_BYTES:
        return None
    if sha256(row[:_CHECKED]).digest() != row[_CHECKED:]:
        return None
    _, first_seq, count, reserved, reserved_too, previous = _FRAME.unpack_from(row)
    if reserved or reserved_too or not 1 <= count <= FRAME_RECORDS_MAX:
        return None
    return FrameHeader(first_seq, count, previous, row[_FRAME.size : _CHECKED])


def frame_chain(header_row: bytes, commands: memoryview) -> bytes:
    """What a frame's `chain` must be, from the stored header row and the stored commands."""
    hashed = sha256(header_row[: _FRAME.size])
    hashed.update(commands)
    return hashed.digest()
