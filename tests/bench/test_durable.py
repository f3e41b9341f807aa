"""Figures with a journal: small runs, and nothing left behind."""

import tempfile

import pytest

from api.bench import journal, recovery
from ledger.engine.bench import Size
from ledger.engine.flows.shape import Shape
from ledger.journal.errors import JournalCorrupt

SHAPE = Shape(accounts=50, instruments=3)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Temporary files go here."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_journaled_figures_are_measured_and_their_files_removed(folder):
    figures = list(journal.measure_journal(Size(SHAPE, flow=3000, runs=2), frames=3))
    assert tuple(figure.name for figure in figures) == journal.NAMES
    assert all(figure.value > 0 for figure in figures)
    assert list(folder.iterdir()) == []


def test_recovery_figures_are_measured_and_their_files_removed(folder, monkeypatch):
    monkeypatch.setattr(recovery, "PART", 1000)
    figures = list(recovery.measure_recovery(2500, SHAPE))
    assert tuple(figure.name for figure in figures) == recovery.NAMES
    assert all(figure.value > 0 for figure in figures)
    assert list(folder.iterdir()) == []


def test_a_venue_comes_back_only_to_the_state_in_which_it_stopped(folder):
    stopped = recovery.run_and_stop(folder, SHAPE, 1000)
    assert stopped.commands == 1000
    other = recovery.Stopped(stopped.snapshot, stopped.journal, 1000, bytes(32))
    for road in (recovery.from_snapshot_ns, recovery.from_nothing_ns):
        assert road(stopped) > 0
        with pytest.raises(AssertionError, match="the same state"):
            road(other)


def test_what_is_read_back_is_checked(folder):
    """The time is that of a recovery that would have noticed."""
    stopped = recovery.run_and_stop(folder, SHAPE, 1000)
    (segment,) = stopped.journal.glob("*.journal")
    content = bytearray(segment.read_bytes())
    content[128 * 300] ^= 1
    segment.write_bytes(content)
    for road in (recovery.from_snapshot_ns, recovery.from_nothing_ns):
        with pytest.raises(JournalCorrupt):
            road(stopped)
