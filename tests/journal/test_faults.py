"""Torn tails are cut and reported, everything else that is broken is named and left alone."""

import errno
import os
import resource
import subprocess
import sys
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal.disk import SystemDisk
from ledger.journal.errors import JournalCorrupt, JournalError, JournalWriteFailed
from ledger.journal.journal import Journal
from ledger.journal.layout import (
    FRAME_BYTES_MAX,
    ROW_BYTES,
    SEGMENT_BYTES_MIN,
    Link,
    decode_segment_header,
    encode_frame_header,
)
from ledger.journal.segment import segment_name, segment_paths
from ledger.journal.tail import TornTail
from tests.journal.machine import VENUE, orders

SECTOR = 512
FRAMES = (3, 2, 5)
LAST_AT = ROW_BYTES * (1 + 1 + 3 + 1 + 2)
LAST_END = LAST_AT + ROW_BYTES * (1 + 5)
NAME = segment_name(1)


@pytest.fixture
def written(tmp_path):
    """A journal of three frames: its directory, and the bytes of its only, shortened segment."""
    journal = Journal.open(tmp_path / "j", VENUE, segment_bytes=SEGMENT_BYTES_MIN)
    at = 1
    for size in FRAMES:
        journal.append(orders(range(at, at + size), time_ns=0x0101_0101_0101_0101 + at))
        at += size
    journal.close()
    content = (tmp_path / "j" / NAME).read_bytes()[: LAST_END + 8 * SECTOR]
    put(tmp_path / "j", content)
    return tmp_path / "j", content


def put(directory, content):
    (directory / NAME).write_bytes(content)


def reopened(directory):
    """What a reopened journal has: (last seq, torn tail, prices in order)."""
    journal = Journal.open(directory, VENUE)
    frames = list(journal.read())
    seqs = [seq for f in frames for seq in range(f.first_seq, f.first_seq + len(f.commands))]
    assert seqs == list(range(1, journal.last_seq + 1))
    result = (journal.last_seq, journal.torn)
    journal.close()
    return result


def test_a_file_cut_at_any_byte_of_the_last_frame_is_torn_there(written):
    directory, content = written
    for end in range(LAST_AT + 1, LAST_END):
        put(directory, content[:end])
        records = 5 if end >= LAST_AT + ROW_BYTES else None
        written_bytes = len(content[LAST_AT:end].rstrip(b"\0"))
        expected = (5, TornTail(NAME, LAST_AT, written_bytes, records))
        assert reopened(directory) == expected, end
        assert reopened(directory) == (5, None), "the cut is done once"


def test_a_file_cut_between_frames_is_whole(written):
    directory, content = written
    put(directory, content[:LAST_AT])
    assert reopened(directory) == (5, None)
    put(directory, content[:LAST_END])
    assert reopened(directory) == (10, None)
    put(directory, content[:ROW_BYTES])
    assert reopened(directory) == (0, None)


@given(lost=st.sets(st.integers(LAST_AT // SECTOR, (LAST_END - 1) // SECTOR), min_size=1))
def test_a_write_that_lost_any_sectors_is_torn(tmp_path_factory, lost):
    """Before the write all of the last frame was zeros; a lost sector still is."""
    directory = tmp_path_factory.mktemp("torn") / "j"
    journal = Journal.open(directory, VENUE, segment_bytes=SEGMENT_BYTES_MIN)
    for size in FRAMES[:2]:
        journal.append(orders(range(size), time_ns=1))
    before = (directory / NAME).read_bytes()
    journal.append(orders(range(FRAMES[2]), time_ns=0x0101_0101_0101_0101))
    journal.close()
    torn = bytearray((directory / NAME).read_bytes())
    for sector in lost:
        place = slice(sector * SECTOR, (sector + 1) * SECTOR)
        torn[place] = before[place]
    put(directory, torn)
    last_seq, report = reopened(directory)
    assert last_seq == 5
    whole = all(sector * SECTOR >= LAST_END for sector in lost)
    assert not whole
    if any(torn[LAST_AT:]):
        assert report is not None
        assert (report.segment, report.offset) == (NAME, LAST_AT)


def test_any_flipped_byte_is_corruption_with_its_place_and_nothing_is_cut(written):
    directory, content = written
    starts = (0, ROW_BYTES, 5 * ROW_BYTES, LAST_AT)
    for at in range(LAST_END):
        flipped = bytearray(content)
        flipped[at] ^= 0x01 if at % 2 else 0x80
        put(directory, flipped)
        with pytest.raises(JournalCorrupt) as caught:
            Journal.open(directory, VENUE)
        assert caught.value.segment == NAME
        assert caught.value.offset == max(start for start in starts if start <= at), at
        assert (directory / NAME).read_bytes() == flipped


def test_bytes_behind_the_end_are_reported_and_within_reach_of_one_write_cut(written):
    """There was no frame there: what a torn write without its header leaves looks the same."""
    directory, content = written
    for at in (LAST_END + ROW_BYTES, LAST_END + FRAME_BYTES_MAX - 1):
        stray = bytearray(content.ljust(LAST_END + 2 * FRAME_BYTES_MAX, b"\0"))
        stray[at] = 1
        put(directory, stray)
        assert reopened(directory) == (10, TornTail(NAME, LAST_END, at + 1 - LAST_END, None))
    for at in (LAST_END, LAST_END + FRAME_BYTES_MAX):
        stray = bytearray(content.ljust(LAST_END + 2 * FRAME_BYTES_MAX, b"\0"))
        stray[at] = 1
        put(directory, stray)
        with pytest.raises(JournalCorrupt) as caught:
            Journal.open(directory, VENUE)
        assert caught.value.offset == at


def test_a_zeroed_header_in_the_middle_is_corruption_not_a_torn_tail(written):
    directory, content = written
    erased = bytearray(content)
    erased[ROW_BYTES : 2 * ROW_BYTES] = bytes(ROW_BYTES)
    put(directory, erased)
    with pytest.raises(JournalCorrupt) as caught:
        Journal.open(directory, VENUE)
    assert caught.value.offset == ROW_BYTES


def test_a_frame_torn_in_the_middle_of_the_journal_is_corruption(written):
    directory, content = written
    torn = bytearray(content)
    torn[2 * ROW_BYTES : 3 * ROW_BYTES] = bytes(ROW_BYTES)
    put(directory, torn)
    with pytest.raises(JournalCorrupt) as caught:
        Journal.open(directory, VENUE)
    assert caught.value.offset == ROW_BYTES


def test_a_repeated_frame_is_corruption(written):
    directory, content = written
    again = bytearray(content)
    again[LAST_END : LAST_END + LAST_END - LAST_AT] = content[LAST_AT:LAST_END]
    put(directory, again)
    with pytest.raises(JournalCorrupt) as caught:
        Journal.open(directory, VENUE)
    assert (caught.value.offset, caught.value.expected) == (LAST_END, "seq 11")


def test_a_torn_frame_before_a_later_segment_is_corruption(tmp_path):
    journal = Journal.open(tmp_path / "j", VENUE, segment_bytes=SEGMENT_BYTES_MIN)
    for size in (4000, 4000, 4000):
        journal.append(orders(range(size), time_ns=1))
    journal.close()
    first, second = segment_paths(tmp_path / "j")
    content = first.read_bytes()
    frame_at = ROW_BYTES * 4002
    first.write_bytes(content[: frame_at + 5 * ROW_BYTES])
    with pytest.raises(JournalCorrupt) as caught:
        Journal.open(tmp_path / "j", VENUE)
    assert (caught.value.segment, caught.value.offset) == (first.name, frame_at)
    first.write_bytes(content[:-1] + b"\1")
    with pytest.raises(JournalCorrupt) as caught:
        Journal.open(tmp_path / "j", VENUE)
    assert caught.value.segment == first.name
    first.write_bytes(content)
    second.write_bytes(b"")
    with pytest.raises(JournalCorrupt) as caught:
        Journal.open(tmp_path / "j", VENUE)
    assert caught.value.segment == second.name


def test_appending_after_a_cut_leaves_no_trace_of_it(written):
    directory, content = written
    put(directory, content[: LAST_END - 1])
    journal = Journal.open(directory, VENUE)
    assert journal.append(orders(range(6, 8), time_ns=1 << 61)) == 6
    journal.close()
    assert reopened(directory) == (7, None)


@given(data=st.data())
def test_any_damage_ends_in_a_prefix_or_a_typed_error(tmp_path_factory, data):
    """Whatever happens to the bytes, no command is invented, changed or reordered."""
    directory = tmp_path_factory.mktemp("damage") / "j"
    journal = Journal.open(directory, VENUE, segment_bytes=SEGMENT_BYTES_MIN)
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    truth = orders(range(sum(sizes)), time_ns=7)
    at = 0
    for size in sizes:
        journal.append(truth[at : at + size])
        at += size
    journal.close()
    content = bytearray((directory / NAME).read_bytes())
    end = ROW_BYTES * (1 + len(sizes) + sum(sizes))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, end))
        length = data.draw(st.sampled_from([1, 64, ROW_BYTES, SECTOR, 4096]))
        filler = data.draw(st.sampled_from([b"\0", b"\xff", b"copy"]))
        source = data.draw(st.integers(0, end)) if filler == b"copy" else 0
        content[start : start + length] = (
            content[source : source + length] if filler == b"copy" else filler * length
        )
    put(directory, content)
    try:
        journal = Journal.open(directory, VENUE)
    except JournalError:
        return
    frames = [frame.commands for frame in journal.read()]
    journal.close()
    got = np.concatenate(frames) if frames else truth[:0]
    assert got.tobytes() == truth[: len(got)].tobytes()


class FailingDisk(SystemDisk):
    """A disk that refuses the n-th call, as a full or dying one does, and does half of it."""

    def __init__(self, fails_at, error):
        self.calls, self.fails_at, self.error = 0, fails_at, error

    def write(self, fd, parts, offset):
        self.calls += 1
        if self.calls == self.fails_at:
            whole = b"".join(parts)
            os.pwrite(fd, whole[: len(whole) // 2], offset)
            raise OSError(self.error, os.strerror(self.error))
        super().write(fd, parts, offset)

    def sync(self, fd):
        self.calls += 1
        if self.calls == self.fails_at:
            raise OSError(self.error, os.strerror(self.error))
        super().sync(fd)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("fails_at", range(1, 7))
def test_after_a_disk_error_the_writer_never_writes_again(tmp_path, fails_at, error):
    """Calls 1 and 2 make the segment, 3 and 4 the first frame, 5 and 6 the second."""
    disk = FailingDisk(fails_at, error)
    journal = Journal.open(tmp_path / "j", VENUE, disk=disk, segment_bytes=SEGMENT_BYTES_MIN)
    for number in range((fails_at - 1) // 2 - 1 if fails_at > 2 else 0):
        journal.append(orders(range(number, number + 1), time_ns=1))
    acknowledged = journal.last_seq
    with pytest.raises(JournalWriteFailed) as caught:
        journal.append(orders(range(1), time_ns=1))
    assert caught.value.errno == error
    calls = disk.calls
    for _ in range(2):
        with pytest.raises(JournalWriteFailed) as again:
            journal.append(orders(range(1), time_ns=1))
        assert again.value is caught.value
    assert disk.calls == calls
    assert journal.last_seq == acknowledged
    journal.close()
    last_seq, _ = reopened(tmp_path / "j")
    assert acknowledged <= last_seq <= acknowledged + 1


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_disk_error_while_opening_is_a_typed_error_and_frees_the_lock(written, fails_at):
    directory, _ = written
    with pytest.raises(JournalWriteFailed):
        Journal.open(directory, VENUE, disk=FailingDisk(fails_at, errno.EIO))
    assert reopened(directory) == (10, None)


def test_opening_makes_the_last_frame_durable_again(written):
    """An earlier process may have died between its write and its sync."""
    directory, content = written

    class RecordingDisk(SystemDisk):
        def __init__(self):
            self.calls = []

        def write(self, fd, parts, offset):
            self.calls.append(("write", offset, b"".join(parts)))
            super().write(fd, parts, offset)

        def sync(self, fd):
            self.calls.append(("sync",))
            super().sync(fd)

    disk = RecordingDisk()
    Journal.open(directory, VENUE, disk=disk).close()
    assert disk.calls == [("write", LAST_AT, content[LAST_AT:LAST_END]), ("sync",)]


def test_a_file_size_limit_of_the_system_is_a_write_failure(tmp_path):
    """A real refusal by the kernel, in a process of its own: the next segment can't be made."""
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from ledger.journal.errors import JournalWriteFailed\n"
        "from ledger.journal.journal import Journal\n"
        "from ledger.journal.layout import SEGMENT_BYTES_MIN\n"
        "from tests.journal.machine import VENUE, orders\n"
        "journal = Journal.open(Path(sys.argv[1]), VENUE, segment_bytes=SEGMENT_BYTES_MIN)\n"
        "journal.append(orders(range(8000), time_ns=1))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    journal.append(orders(range(8000), time_ns=1))\n"
        "except JournalWriteFailed as error:\n"
        "    print(journal.last_seq, error.errno)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "j")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["8000", str(errno.EFBIG)]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    assert reopened(tmp_path / "j") == (8000, None)


def test_drafts_of_segments_are_swept_away(written):
    directory, _ = written
    draft = directory / (segment_name(11) + ".draft")
    draft.write_bytes(b"half a header")
    assert reopened(directory) == (10, None)
    assert not draft.exists()


def test_seeded_noise_is_never_a_journal(tmp_path):
    random = Random(20)
    (tmp_path / "j").mkdir()
    for size in (0, 1, ROW_BYTES, 5000):
        put(tmp_path / "j", random.randbytes(size))
        with pytest.raises(JournalCorrupt):
            Journal.open(tmp_path / "j", VENUE)


def forged(commands, link):
    """A frame that is right in itself, whatever it claims to follow."""
    header, _ = encode_frame_header(link, memoryview(commands.tobytes()))
    return header + commands.tobytes()


@pytest.mark.parametrize(
    ("seq", "chain", "expected"),
    [(11, bytes(32), "the chain"), (12, None, "seq 11"), (10, None, "seq 11")],
    ids=["another chain", "a seq too late", "a seq again"],
)
def test_a_frame_that_is_right_in_itself_must_also_continue_the_chain(
    written, seq, chain, expected
):
    directory, content = written
    head = content[LAST_AT + 64 : LAST_AT + 96]
    frame = forged(orders(range(2), time_ns=1 << 61), Link(seq, head if chain is None else chain))
    put(directory, content[:LAST_END] + frame)
    with pytest.raises(JournalCorrupt) as caught:
        Journal.open(directory, VENUE)
    assert caught.value.offset == LAST_END
    assert caught.value.expected == (head.hex() if expected == "the chain" else expected)


@pytest.mark.parametrize(
    ("field", "value", "offset"),
    [("record_bytes", 64, 12), ("index", 1, 16), ("first_seq", 2, 24), ("chain", bytes(32), 64)],
)
def test_a_segment_header_that_checks_must_also_belong_here(written, field, value, offset):
    directory, content = written
    header = decode_segment_header(content[:ROW_BYTES])
    put(directory, replace(header, **{field: value}).encode() + content[ROW_BYTES:])
    with pytest.raises(JournalCorrupt) as caught:
        Journal.open(directory, VENUE)
    assert (caught.value.segment, caught.value.offset) == (NAME, offset)
