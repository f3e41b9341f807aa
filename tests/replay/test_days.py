"""Whole invented days, written in each format by a naive venue: the engine explains all of them."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.replay.feed import Feed
from api.replay.formats import open_recording
from api.replay.recorded import Tape
from api.replay.score import Match, Score
from ledger.records.codes import Side

from .oracle import Day, Traded, bitstamp_lines, dbn_header, dbn_records, lobster_lines

SEEDS = st.integers(0, 2**32)
LEVELS = 1_000


def played(path: Path) -> tuple[Tape, Feed, Score]:
    tape = open_recording(path)
    feed = Feed(tape.terms)
    for event in tape:
        feed.take(event)
    return tape, feed, feed.finish()


def assert_explained(score: Score, aggressors: Sequence[Traded]) -> None:
    told = [fill for one in aggressors for fill in one.fills]
    assert score.aggressors == len(aggressors)
    assert score.matches[Match.EXACT] == len(aggressors)
    assert score.unrecorded == 0
    assert score.reasons == {}
    assert score.recorded_lots == score.predicted_lots == score.agreeing_lots
    assert score.recorded_lots == sum(lots for _, _, lots, _ in told)
    assert score.recorded_fills == score.predicted_fills == score.agreeing_fills == len(told)


def assert_same_book(feed: Feed, day: Day) -> None:
    for side, rows in zip((Side.BUY, Side.SELL), feed.seats.engine.depth(0, LEVELS), strict=True):
        levels = list(zip(*(rows[name].tolist() for name in rows.dtype.names), strict=True))
        assert levels == day.depth(side)


@settings(max_examples=30)
@given(seed=SEEDS)
def test_a_lobster_day_is_predicted_whole(tmp_path_factory: pytest.TempPathFactory, seed: int):
    day = Day(seed, steps=250)
    path = tmp_path_factory.mktemp("day") / "messages.csv"
    path.write_text("\n".join(lobster_lines(day.happenings)) + "\n")
    tape, feed, score = played(path)
    assert_explained(score, day.aggressors())
    assert_same_book(feed, day)
    assert not tape.repairs.counts
    assert not feed.counts


@settings(max_examples=30)
@given(seed=SEEDS, version=st.sampled_from([1, 2, 3]))
def test_a_databento_day_is_predicted_whole(
    tmp_path_factory: pytest.TempPathFactory, seed: int, version: int
):
    day = Day(seed, steps=250)
    path = tmp_path_factory.mktemp("day") / "day.dbn"
    path.write_bytes(dbn_header(version) + b"".join(dbn_records(day.happenings)))
    tape, feed, score = played(path)
    assert_explained(score, day.aggressors())
    assert_same_book(feed, day)
    assert not tape.repairs.counts
    assert not feed.counts


@settings(max_examples=30)
@given(seed=SEEDS)
def test_a_bitstamp_day_is_predicted_whole(tmp_path_factory: pytest.TempPathFactory, seed: int):
    # Sizes so large that no two fills have the same by chance, as with real 1e-8 lots.
    day = Day(seed, 250, step_ns=20_000_000, lots_max=10**12, partial_cuts=False)
    path = tmp_path_factory.mktemp("day") / "day.csv.gz"
    path.write_bytes(gzip.compress(("\n".join(bitstamp_lines(day.happenings)) + "\n").encode()))
    tape, feed, score = played(path)
    assert_explained(score, day.aggressors())
    assert_same_book(feed, day)
    assert not tape.repairs.counts
    assert not feed.counts


@settings(max_examples=20)
@given(seed=SEEDS, cut=st.integers(20, 200))
def test_a_lobster_file_that_begins_in_the_middle_finds_the_orders_from_before(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cut: int
):
    """What is seeded is what the rest of the file takes: it never contradicts a recorded fill."""
    lines = lobster_lines(Day(seed, steps=300).happenings)[cut:]
    path = tmp_path_factory.mktemp("day") / "messages.csv"
    path.write_text("\n".join(lines) + "\n")
    tape, _, score = played(path)
    assert score.matches[Match.EXACT] == score.aggressors
    assert score.agreeing_fills == score.recorded_fills
    assert set(tape.repairs.counts) <= {"order from before the file or outside its levels: seeded"}


@settings(max_examples=20)
@given(seed=SEEDS)
def test_the_same_file_gives_the_same_score_and_root(
    tmp_path_factory: pytest.TempPathFactory, seed: int
):
    path = tmp_path_factory.mktemp("day") / "messages.csv"
    path.write_text("\n".join(lobster_lines(Day(seed, steps=100).happenings)) + "\n")
    (_, first, score), (_, second, again) = played(path), played(path)
    assert score == again
    assert first.seats.engine.state_root() == second.seats.engine.state_root()
