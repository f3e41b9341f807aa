"""docs/spec/journal.md, byte for byte: written here once more by hand, with struct and hashlib."""

import struct
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from ledger.journal.journal import Journal
from ledger.journal.layout import (
    FRAME_BYTES_MAX,
    FRAME_RECORDS_MAX,
    SEGMENT_BYTES,
    SEGMENT_BYTES_MIN,
    FrameHeader,
    Link,
    SegmentHeader,
    decode_frame_header,
    decode_segment_header,
    encode_frame_header,
    frame_chain,
    genesis,
)
from ledger.journal.segment import segment_name
from tests.journal.machine import VENUE, orders

DIGEST = st.binary(min_size=32, max_size=32)
I64 = st.integers(0, 2**63 - 1)


def with_check(head):
    assert len(head) == 96
    return head + sha256(head).digest()


def by_hand(frames, first_seq, index, chain):
    """A segment as sections 2 and 3 say, without the zeros behind it; and the chain after it."""
    out = with_check(b"PVNJOURN" + struct.pack("<IIqq", 1, 128, index, first_seq) + VENUE + chain)
    for commands in frames:
        head = b"PVNFRAME" + struct.pack("<qI12x", first_seq, len(commands) // 128) + chain
        chain = sha256(head + commands).digest()
        out += with_check(head + chain) + commands
        first_seq += len(commands) // 128
    return out, chain


def test_a_journal_has_exactly_the_documented_bytes(tmp_path):
    frames = [orders(range(count), time_ns=count).tobytes() for count in (1, 3, 7000, 8000)]
    journal = Journal.open(tmp_path / "j", VENUE, segment_bytes=SEGMENT_BYTES_MIN)
    for count in (1, 3, 7000, 8000):
        journal.append(orders(range(count), time_ns=count))
    journal.close()
    first, chain = by_hand(
        frames[:3], 1, 0, sha256(b"provenue/journal/v1/genesis" + VENUE).digest()
    )
    second, chain = by_hand(frames[3:], 7005, 1, chain)
    assert journal.chain == chain
    for name, content in (("00000000000000000001", first), ("00000000000000007005", second)):
        stored = (tmp_path / "j" / f"{name}.journal").read_bytes()
        assert stored == content.ljust(SEGMENT_BYTES_MIN, b"\0")
    assert sorted(path.name for path in (tmp_path / "j").iterdir())[2:] == ["lock"]


def test_the_named_sizes_are_the_documented_ones():
    assert (FRAME_RECORDS_MAX, FRAME_BYTES_MAX) == (8191, 1 << 20)
    assert (SEGMENT_BYTES, SEGMENT_BYTES_MIN) == (64 << 20, (1 << 20) + 128)
    assert segment_name(42) == "00000000000000000042.journal"


@given(
    header=st.builds(
        SegmentHeader,
        version=st.integers(0, 2**32 - 1),
        record_bytes=st.integers(0, 2**32 - 1),
        index=I64,
        first_seq=I64,
        venue=DIGEST,
        chain=DIGEST,
    ),
    at=st.integers(0, 127),
    bit=st.integers(0, 7),
)
def test_segment_headers_round_trip_and_any_flipped_bit_is_refused(header, at, bit):
    row = bytearray(header.encode())
    assert decode_segment_header(bytes(row)) == header
    row[at] ^= 1 << bit
    assert decode_segment_header(bytes(row)) is None
    assert decode_segment_header(bytes(row[:at])) is None


@given(
    seq=I64, chain=DIGEST, count=st.integers(1, 9), at=st.integers(0, 127), bit=st.integers(0, 7)
)
def test_frame_headers_round_trip_and_any_flipped_bit_is_refused(seq, chain, count, at, bit):
    body = memoryview(orders(range(count), time_ns=1).tobytes())
    encoded, link = encode_frame_header(Link(seq, chain), body)
    assert link.next_seq == seq + count
    assert decode_frame_header(encoded) == FrameHeader(seq, count, chain, link.chain)
    assert frame_chain(encoded, body) == link.chain
    row = bytearray(encoded)
    row[at] ^= 1 << bit
    assert decode_frame_header(bytes(row)) is None


@given(records=st.sampled_from([0, FRAME_RECORDS_MAX + 1, 2**32 - 1]), rest=st.sampled_from([0, 1]))
def test_a_frame_header_that_checks_but_claims_the_impossible_is_refused(records, rest):
    head = b"PVNFRAME" + struct.pack("<qIIq", 1, records, rest, 0) + bytes(64)
    assert decode_frame_header(with_check(head)) is None
    possible = b"PVNFRAME" + struct.pack("<qIIq", 1, 1, 0, rest) + bytes(64)
    assert (decode_frame_header(with_check(possible)) is None) == bool(rest)


def test_every_venue_has_its_own_genesis():
    assert genesis(VENUE) != genesis(bytes(32))
