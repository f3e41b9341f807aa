"""Recovery's promises: the same state from any snapshot, each projection told once, in order."""

from threading import Event

import numpy as np
import pytest

from ledger.journal.errors import JournalBehind, ProjectionBehind
from ledger.journal.journal import Journal
from ledger.journal.layout import FRAME_RECORDS_MAX
from ledger.journal.recovery import BATCHES_AHEAD, REPLAY_RECORDS, recover
from tests.journal.machine import VENUE, Diary, Machine, orders, prices


def filled(directory, sizes):
    """A journal with frames of these sizes."""
    journal = Journal.open(directory, VENUE)
    at = 0
    for size in sizes:
        journal.append(orders(range(at, at + size), time_ns=1))
        at += size
    return journal


@pytest.mark.parametrize("snapshot_seq", [0, 1, 2, 3, 699, 700, 701, 9_000, 9_701])
def test_recovery_from_any_snapshot_ends_in_the_same_state(tmp_path, snapshot_seq):
    journal = filled(tmp_path / "j", [1, 2, *[1] * 697, 8_000, 1_001])
    whole, diary, steps = Machine(), Diary(), []
    assert recover(journal, whole, [diary], lambda *step: steps.append(step)) == 9_701
    assert steps[-1] == (9_701, 9_701)
    assert len(whole.calls) <= 4, "small frames are joined"
    assert max(whole.calls) <= max(REPLAY_RECORDS, FRAME_RECORDS_MAX)
    early = Machine()
    early.execute(diary.commands()[:snapshot_seq])
    rest = Diary(snapshot_seq)
    assert recover(journal, early, [rest]) == 9_701 - snapshot_seq
    assert (early.root, early.seq) == (whole.root, 9_701)
    journal.close()


def test_a_projection_that_is_ahead_gets_only_what_it_lacks(tmp_path):
    journal = filled(tmp_path / "j", [5, 5, 5])
    ahead, level = Diary(7), Diary(15)
    recover(journal, Machine(), [ahead, level])
    assert prices(ahead.commands()) == list(range(7, 15))
    assert level.batches == []
    events = np.concatenate([batch.events for batch in ahead.batches])
    assert events["seq"].min() == 8
    journal.close()


def test_a_state_ahead_of_the_journal_means_a_lost_journal(tmp_path):
    journal = filled(tmp_path / "j", [5])
    with pytest.raises(JournalBehind) as caught:
        recover(journal, Machine(6), [])
    assert (caught.value.state, caught.value.state_seq, caught.value.journal_seq) == (
        "Machine",
        6,
        5,
    )
    with pytest.raises(JournalBehind) as caught:
        recover(journal, Machine(), [Diary(6)])
    assert caught.value.state == "Diary"
    journal.close()


def test_a_projection_behind_the_engine_cannot_be_brought_up(tmp_path):
    journal = filled(tmp_path / "j", [5])
    with pytest.raises(ProjectionBehind) as caught:
        recover(journal, Machine(3), [Diary(3), Diary(2)])
    assert (caught.value.projection_seq, caught.value.engine_seq) == (2, 3)
    journal.close()


def test_the_engine_waits_when_it_is_far_ahead_of_the_projections(tmp_path):
    """The first fold waits until the engine has gone as far as it may: no further than that."""
    journal = filled(tmp_path / "j", [REPLAY_RECORDS] * 3 * BATCHES_AHEAD)
    far = Event()

    class Ahead(Machine):
        def execute(self, commands):
            result = super().execute(commands)
            if len(self.calls) == BATCHES_AHEAD:
                far.set()
            return result

    class Slow(Diary):
        def apply(self, batch):
            if not self.batches:
                assert far.wait(60)
                assert len(machine.calls) == BATCHES_AHEAD
            super().apply(batch)

    machine, slow = Ahead(), Slow()
    recover(journal, machine, [slow])
    assert slow.seq == machine.seq == journal.last_seq
    journal.close()


def test_a_projection_that_fails_ends_recovery_with_its_own_error(tmp_path):
    class Broken(Diary):
        def apply(self, batch):
            if self.batches:
                raise ArithmeticError(batch.first_seq)
            super().apply(batch)

    journal = filled(tmp_path / "j", [REPLAY_RECORDS] * 3 * BATCHES_AHEAD)
    machine = Machine()
    with pytest.raises(ArithmeticError, match=f"^{REPLAY_RECORDS + 1}$"):
        recover(journal, machine, [Broken()])
    assert len(machine.calls) <= 2 + BATCHES_AHEAD, "nothing goes on for long"
    journal.close()
