"""The tail of durable commands: memory first, the journal for what is older, never a gap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit import tail as tail_module
from ledger.audit.tail import CommandTail
from tests.audit.ground import make_commands

ROWS = make_commands(1, 120)


class JournalOf:
    """Durable commands in frames of 7, and what was asked of it."""

    def __init__(self):
        self.durable, self.asked = 0, []

    def read(self, seq):
        self.asked.append(seq)
        for start in range((seq - 1) // 7 * 7, self.durable, 7):
            yield start + 1, ROWS[start : min(start + 7, self.durable)]


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.integers(0, 30),
    st.integers(1, 50),
    st.integers(1, 9),
)
def test_every_command_comes_once_and_in_order(pushes, before, limit, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tail_module, "CHUNK_COMMANDS", chunk)
        patch.setattr(tail_module, "CHUNKS_MAX", 2)
        journal = JournalOf()
        journal.durable = before
        tail, got = CommandTail(journal.read), []
        for count in [0, *pushes]:
            rows = ROWS[journal.durable : journal.durable + count]
            tail.push(journal.durable + 1, rows)
            journal.durable += len(rows)
            while len(got) < journal.durable:
                more = tail.commands(len(got) + 1, limit)
                assert 0 < len(more) <= limit
                got.extend(row.tobytes() for row in more)
            assert len(tail.commands(len(got) + 1, limit)) == 0
        assert b"".join(got) == ROWS[: journal.durable].tobytes()


def test_what_is_in_memory_is_not_read_again():
    journal = JournalOf()
    tail = CommandTail(journal.read)
    tail.push(1, ROWS[:100])
    assert len(tail.commands(40, 60)) == 60
    assert journal.asked == []


def test_the_journal_is_read_on_and_not_from_the_start_each_time():
    journal = JournalOf()
    journal.durable = 100
    tail = CommandTail(journal.read)
    got = [tail.commands(start, 10) for start in range(1, 101, 10)]
    assert np.concatenate(got).tobytes() == ROWS[:100].tobytes()
    assert journal.asked == [1]
    assert tail.commands(5, 3).tobytes() == ROWS[4:7].tobytes()
    assert journal.asked == [1, 5]


def test_a_gap_is_a_wiring_error():
    tail = CommandTail(JournalOf().read)
    tail.push(1, ROWS[:3])
    with pytest.raises(AssertionError, match="gap"):
        tail.push(5, ROWS[4:])


def test_pushed_rows_are_copied():
    rows = np.array(ROWS[:3])
    tail = CommandTail(JournalOf().read)
    tail.push(1, rows)
    rows["time_ns"] = 0
    assert tail.commands(1, 3).tobytes() == ROWS[:3].tobytes()
