"""The parts of the journal alone: queue, disk, lock, windows, a reader beside the writer."""

import asyncio
import os
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal import disk as disk_module
from ledger.journal import errors
from ledger.journal.disk import SystemDisk
from ledger.journal.errors import JournalLocked, Overloaded
from ledger.journal.journal import Journal
from ledger.journal.layout import FRAME_RECORDS_MAX, ROW_BYTES
from ledger.journal.lock import LOCK_NAME, JournalLock
from ledger.journal.queue import QUEUE_COMMANDS_MAX, Chunk, CommandQueue
from ledger.journal.scan import read_journal
from ledger.journal.segment import WINDOW_BYTES, read_exactly
from ledger.journal.sequencer import Sequencer
from ledger.records.layout import ORDER
from tests.journal.machine import VENUE, Machine, Ticker, orders

ROOT = Path(__file__).resolve().parents[2]


class MemoryDisk(SystemDisk):
    """Writes, and leaves the syncing to the operating system: for tests of other things."""

    def sync(self, fd):
        assert fd >= 0


def chunk(first, count, time_ns):
    return Chunk(orders(range(first, first + count)).tobytes(), count, time_ns, None)


@given(
    moves=st.lists(
        st.one_of(st.none(), st.sampled_from([1, 2, 100, 5_000, FRAME_RECORDS_MAX])), max_size=40
    )
)
def test_a_queue_gives_whole_chunks_in_order_stamped_and_at_most_a_frame(moves):
    """None takes a frame, a number puts a chunk of that size."""
    queue, waiting, put, time_ns = CommandQueue(), [], 0, 100
    for move in [*moves, *[None] * len(moves)]:
        if move is None:
            gathered = queue.take_frame()
            if gathered is None:
                assert waiting == []
                continue
            chunks = len(gathered.chunks)
            expected, waiting = waiting[:chunks], waiting[chunks:]
            stamps = [(price, time) for prices, time in expected for price in prices]
            rows = gathered.commands.view(ORDER)
            assert len(rows) <= FRAME_RECORDS_MAX
            assert rows["price_ticks"].tolist() == [price for price, _ in stamps]
            assert rows["time_ns"].tolist() == [time for _, time in stamps]
            if waiting:
                assert len(rows) + len(waiting[0][0]) > FRAME_RECORDS_MAX, "no frame is half empty"
        elif len(queue) + move <= QUEUE_COMMANDS_MAX:
            time_ns += 1
            queue.require_room(move)
            queue.put(chunk(put, move, time_ns))
            waiting.append((range(put, put + move), time_ns))
            put += move
        assert len(queue) == sum(len(prices) for prices, _ in waiting)


def test_a_queue_is_full_at_its_bound_and_empty_when_drained():
    queue = CommandQueue()
    for _ in range(8):
        queue.put(chunk(0, FRAME_RECORDS_MAX, 1))
    room = QUEUE_COMMANDS_MAX - 8 * FRAME_RECORDS_MAX
    queue.require_room(room)
    with pytest.raises(Overloaded) as caught:
        queue.require_room(room + 1)
    assert (caught.value.queued, caught.value.limit) == (len(queue), QUEUE_COMMANDS_MAX)
    with pytest.raises(AssertionError):
        queue.put(chunk(0, room + 1, 1))
    assert len(queue.drain()) == 8
    assert len(queue) == 0
    assert queue.take_frame() is None


@given(
    parts=st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=3),
    most=st.integers(1, 60),
)
def test_a_write_that_the_system_takes_piece_by_piece_arrives_whole(tmp_path_factory, parts, most):
    """The system may take fewer bytes than offered; here it takes at most `most` at a time."""
    path = tmp_path_factory.mktemp("disk") / "file"
    whole = b"".join(parts)
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    pwritev, pwrite = os.pwritev, os.pwrite
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            disk_module.os, "pwritev", lambda f, p, o: pwritev(f, [b"".join(p)[:most]], o)
        )
        patch.setattr(disk_module.os, "pwrite", lambda f, b, o: pwrite(f, b[:most], o))
        SystemDisk().write(fd, [memoryview(part) for part in parts], 7)
    os.close(fd)
    assert path.read_bytes() == bytes(7) + whole


def test_frames_that_straddle_reading_windows_are_read_whole(tmp_path):
    """Three windows of the smallest frames: headers and records fall on every edge."""
    frames = 3 * WINDOW_BYTES // (2 * ROW_BYTES)
    journal = Journal.open(tmp_path / "j", VENUE, disk=MemoryDisk())
    for number in range(frames):
        size = 2 if number % 1000 == 0 else 1
        journal.append(orders(range(size), time_ns=1))
    journal.close()
    seqs = [frame.first_seq for frame in read_journal(tmp_path / "j", VENUE)]
    assert len(seqs) == frames
    sizes = np.diff(seqs)
    assert set(sizes.tolist()) == {1, 2}
    assert int(sizes.sum()) == seqs[-1] - 1


def test_reading_a_file_beyond_its_end_gives_what_there_is(tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789")
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    assert read_exactly(fd, 8, 5) == b"89"
    assert read_exactly(fd, 10, 5) == b""
    assert read_exactly(fd, 99, 5) == b""
    assert read_exactly(fd, 0, 4) == b"0123"
    os.close(fd)


def test_a_reader_beside_the_writer_sees_whole_frames_up_to_what_was_durable(tmp_path):
    """The certifier reads while the sequencer's thread appends."""
    journal = Journal.open(tmp_path / "j", VENUE)
    journal.append(orders(range(1), time_ns=1))

    def write():
        for _ in range(150):
            journal.append(orders(range(40), time_ns=1))

    writer = Thread(target=write)
    writer.start()
    reads = 0
    while writer.is_alive() or reads == 0:
        before = journal.last_seq
        frames = list(journal.read(1))
        after = journal.last_seq
        last = frames[-1].link.next_seq - 1
        assert before <= last <= after
        assert [frame.first_seq for frame in frames] == [1, *range(2, last, 40)]
        reads += 1
    writer.join()
    assert len(list(journal.read(1))) == 151
    assert list(journal.read(journal.last_seq + 1)) == []
    journal.close()


def test_a_lock_shows_its_last_writer_or_zero(tmp_path):
    with JournalLock(tmp_path), pytest.raises(JournalLocked) as caught:
        JournalLock(tmp_path, shared=True)
    assert caught.value.pid == os.getpid()
    (tmp_path / LOCK_NAME).write_bytes(b"not a number")
    with JournalLock(tmp_path, shared=True):
        with JournalLock(tmp_path, shared=True), pytest.raises(JournalLocked) as caught:
            JournalLock(tmp_path)
        assert caught.value.pid == 0
    JournalLock(tmp_path).release()


def leaves():
    return errors.JournalError.__subclasses__()


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.__name__)
def test_every_error_shows_its_facts_and_can_be_kept_in_a_set(leaf):
    facts = {name: name.upper() for name in leaf.__dataclass_fields__}
    error = leaf(**facts)
    assert {error} == {error}
    assert leaf.__name__ in str(error)
    assert all(repr(fact) in str(error) for fact in facts.values())
    assert error != leaf(**facts), "an error is itself, not its facts"


def test_every_error_is_in_the_specification():
    text = (ROOT / "docs" / "spec" / "journal.md").read_text()
    for leaf in leaves():
        fields = ", ".join(leaf.__dataclass_fields__)
        assert f"| `{leaf.__name__}` | {fields} |" in text


def test_an_append_of_nothing_too_much_or_another_width_is_a_programmers_error(tmp_path):
    journal = Journal.open(tmp_path / "j", VENUE)
    for wrong in (
        orders(range(0), 1),
        orders(range(FRAME_RECORDS_MAX + 1), 1),
        np.zeros(3, [("time_ns", "<i8")]),
    ):
        with pytest.raises((AssertionError, IndexError)):
            journal.append(wrong)
    assert journal.last_seq == 0
    journal.close()


def test_a_sequencer_needs_a_state_at_the_journals_end(tmp_path):
    journal = Journal.open(tmp_path / "j", VENUE)
    journal.append(orders(range(2), 1))

    async def early():
        Sequencer(journal, Machine(1), [], Ticker())

    with pytest.raises(AssertionError, match="recover first"):
        asyncio.run(early())
    journal.close()
