"""What is appended is there again, in order, under one chain, whatever the segments."""

import os
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal.errors import (
    JournalCorrupt,
    JournalLocked,
    JournalVersion,
    WrongVenue,
)
from ledger.journal.journal import Journal
from ledger.journal.layout import (
    FRAME_RECORDS_MAX,
    JOURNAL_VERSION,
    ROW_BYTES,
    SEGMENT_BYTES_MIN,
    SegmentHeader,
    genesis,
)
from ledger.journal.scan import read_journal
from ledger.journal.segment import segment_name, segment_paths
from ledger.records.layout import ORDER
from tests.journal.machine import OTHER_VENUE, VENUE, orders


def all_commands(journal, from_seq=1):
    frames = list(journal.read(from_seq))
    return np.concatenate([frame.commands for frame in frames]) if frames else orders(range(0))


def fill(directory, sizes, *, segment_bytes=SEGMENT_BYTES_MIN):
    """A closed journal of frames of these sizes; the n-th command has price n."""
    journal = Journal.open(directory, VENUE, segment_bytes=segment_bytes)
    at = 1
    for size in sizes:
        assert journal.append(orders(range(at, at + size), time_ns=at)) == at
        at += size
    chain = journal.chain
    journal.close()
    return chain


def test_an_empty_journal_has_no_segment_and_starts_at_genesis(tmp_path):
    journal = Journal.open(tmp_path / "j", VENUE)
    assert journal.last_seq == 0
    assert journal.chain == genesis(VENUE)
    assert segment_paths(tmp_path / "j") == []
    assert list(journal.read()) == []
    journal.close()


def test_commands_come_back_in_order_after_reopening(tmp_path):
    chain = fill(tmp_path / "j", [1, 3, 2])
    journal = Journal.open(tmp_path / "j", VENUE)
    assert (journal.last_seq, journal.last_time_ns, journal.chain) == (6, 5, chain)
    assert journal.torn is None
    commands = all_commands(journal).tobytes()
    stamped = [orders(range(1, 2), 1), orders(range(2, 5), 2), orders(range(5, 7), 5)]
    assert commands == np.concatenate(stamped).tobytes()
    journal.close()


def test_appending_goes_on_where_the_journal_stopped(tmp_path):
    fill(tmp_path / "j", [2])
    journal = Journal.open(tmp_path / "j", VENUE)
    assert journal.append(orders(range(3, 5), 9)) == 3
    assert [frame.first_seq for frame in journal.read()] == [1, 3]
    journal.close()


def test_the_chain_is_the_documented_hash(tmp_path):
    chain = fill(tmp_path / "j", [2])
    raw = (tmp_path / "j" / segment_name(1)).read_bytes()
    frame = raw[ROW_BYTES : 4 * ROW_BYTES]
    assert frame[32:64] == sha256(b"provenue/journal/v1/genesis" + VENUE).digest()
    assert chain == frame[64:96] == sha256(frame[:64] + frame[ROW_BYTES:]).digest()
    assert frame[96:128] == sha256(frame[:96]).digest()


@given(
    sizes=st.lists(st.sampled_from([1, 2, 511, FRAME_RECORDS_MAX]), max_size=6),
    data=st.data(),
)
def test_any_frames_over_any_segments_read_back_from_any_seq(tmp_path_factory, sizes, data):
    directory = tmp_path_factory.mktemp("journal") / "j"
    chain = fill(directory, sizes)
    journal = Journal.open(directory, VENUE)
    assert journal.chain == chain
    assert journal.last_seq == sum(sizes)
    from_seq = data.draw(st.integers(1, sum(sizes) + 1))
    frames = list(journal.read(from_seq))
    prices = np.concatenate([orders(range(0)), *(frame.commands for frame in frames)]).view(ORDER)
    assert prices["price_ticks"].tolist()[::-1] == list(range(sum(sizes), 0, -1))[: len(prices)]
    assert len(prices) >= sum(sizes) + 1 - from_seq
    assert all(frame.first_seq + len(frame.commands) > from_seq for frame in frames)
    journal.close()


def test_segments_roll_at_the_named_size_and_are_named_by_their_first_seq(tmp_path):
    fill(tmp_path / "j", [5000, 5000, 1])
    names = [path.name for path in segment_paths(tmp_path / "j")]
    assert names == [segment_name(1), segment_name(5001)]
    assert all(path.stat().st_size == SEGMENT_BYTES_MIN for path in segment_paths(tmp_path / "j"))


def test_a_second_writer_is_told_who_holds_the_journal(tmp_path):
    journal = Journal.open(tmp_path / "j", VENUE)
    with pytest.raises(JournalLocked) as caught:
        Journal.open(tmp_path / "j", VENUE)
    assert caught.value.pid == os.getpid()
    with pytest.raises(JournalLocked):
        list(read_journal(tmp_path / "j", VENUE))
    journal.close()
    Journal.open(tmp_path / "j", VENUE).close()


def test_the_lock_ends_with_its_process(tmp_path):
    program = (
        "import sys, os; from pathlib import Path; from ledger.journal.journal import Journal;"
        f"Journal.open(Path(sys.argv[1]), {VENUE!r}); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "j")], check=False)
    assert done.returncode == -9
    Journal.open(tmp_path / "j", VENUE).close()


def test_another_venues_journal_is_refused(tmp_path):
    fill(tmp_path / "j", [1])
    with pytest.raises(WrongVenue) as caught:
        Journal.open(tmp_path / "j", OTHER_VENUE)
    assert (caught.value.expected, caught.value.found) == (OTHER_VENUE.hex(), VENUE.hex())


def test_another_versions_journal_is_refused(tmp_path):
    fill(tmp_path / "j", [1])
    path = tmp_path / "j" / segment_name(1)
    header = SegmentHeader(JOURNAL_VERSION + 1, 128, 0, 1, VENUE, genesis(VENUE))
    path.write_bytes(header.encode() + path.read_bytes()[ROW_BYTES:])
    with pytest.raises(JournalVersion) as caught:
        Journal.open(tmp_path / "j", VENUE)
    assert (caught.value.found, caught.value.supported) == (JOURNAL_VERSION + 1, JOURNAL_VERSION)


def test_a_missing_segment_is_named(tmp_path):
    fill(tmp_path / "j", [8000, 8000, 8000])
    first, second, third = segment_paths(tmp_path / "j")
    second.unlink()
    with pytest.raises(JournalCorrupt) as caught:
        Journal.open(tmp_path / "j", VENUE)
    assert caught.value.segment == first.name
    first.unlink()
    with pytest.raises(JournalCorrupt) as caught:
        Journal.open(tmp_path / "j", VENUE)
    assert caught.value.segment == third.name


def test_a_segment_of_another_history_does_not_fit(tmp_path):
    fill(tmp_path / "j", [8000, 8000])
    fill(tmp_path / "other", [7999, 1, 8000])
    ours, theirs = (segment_paths(tmp_path / name)[-1] for name in ("j", "other"))
    assert ours.name == theirs.name
    ours.write_bytes(theirs.read_bytes())
    with pytest.raises(JournalCorrupt) as caught:
        Journal.open(tmp_path / "j", VENUE)
    assert (caught.value.segment, caught.value.offset) == (ours.name, 64)


def test_reading_for_an_audit_changes_nothing(tmp_path):
    chain = fill(tmp_path / "j", [4, 4])
    before = [(path.name, path.read_bytes()) for path in segment_paths(tmp_path / "j")]
    frames = list(read_journal(tmp_path / "j", VENUE))
    assert frames[-1].link.chain == chain
    assert before == [(path.name, path.read_bytes()) for path in segment_paths(tmp_path / "j")]


def test_time_that_falls_is_a_programmers_error(tmp_path):
    journal = Journal.open(tmp_path / "j", VENUE)
    journal.append(orders(range(1), 10))
    for time_ns in (9, 0):
        with pytest.raises(AssertionError):
            journal.append(orders(range(1), time_ns))
    assert journal.last_seq == 1
    journal.close()
