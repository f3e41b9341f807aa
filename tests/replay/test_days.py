"""Whole invented days, written in each format by a naive venue: the engine explains all of them."""

import gzip
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.replay.feed import Feed
from api.replay.formats import open_recording
from api.replay.recorded import Tape
from api.replay.score import Match, Reason, Score
from ledger.records.codes import Side

from .oracle import (
    Cut,
    Day,
    Happening,
    Order,
    Traded,
    bitstamp_lines,
    dbn_header,
    dbn_records,
    lobster_lines,
)

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


def depth(feed: Feed, side: Side) -> list[tuple[int, int, int]]:
    """(price, lots, orders) of every level of the engine's book, best first."""
    rows = feed.seats.engine.depth(0, LEVELS)[side]
    return list(zip(*(rows[name].tolist() for name in rows.dtype.names), strict=True))


def assert_same_book(feed: Feed, day: Day) -> None:
    for side in (Side.BUY, Side.SELL):
        assert depth(feed, side) == day.depth(side)


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


# Venues with other rules: the score must say so, and the book must stay theirs.


class LastComesFirst(Day):
    """Price, then the youngest order: no venue that we know."""

    def queue(self, side: Side) -> list[Order]:
        sign = -1 if side is Side.BUY else 1
        young = reversed([order for order in self.book if order.side is side])
        return sorted(young, key=lambda order: sign * order.price)


class SpareOneself(Day):
    """Orders whose keys leave the same rest by three are one person's: the older is cancelled."""

    def submit(self, side: Side, limit: int, lots: int) -> None:
        owner = (self.next_key + 1) % 3
        self.prevented = getattr(self, "prevented", 0)
        for own in [o for o in self.crossing(side, limit) if o.key % 3 == owner][:1]:
            self.cut(own, own.lots)
            self.prevented += 1
        super().submit(side, limit, lots)


def written(folder: Path, day: Day, lines: list[str]) -> Path:
    path = folder / f"{day.seed}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@settings(max_examples=15)
@given(seed=SEEDS)
def test_a_venue_with_another_priority_is_found_out(
    tmp_path_factory: pytest.TempPathFactory, seed: int
):
    day = LastComesFirst(seed, steps=300)
    path = written(tmp_path_factory.mktemp("day"), day, lobster_lines(day.happenings))
    _, feed, score = played(path)
    assert score.aggressors == len(day.aggressors())
    wrong = sum(one.aggressors for one in score.reasons.values())
    assert wrong == score.aggressors - score.matches[Match.EXACT]
    assert wrong > 0
    assert set(score.reasons) <= {Reason.PASSED_OVER, Reason.WITHDRAWN}
    assert score.unrecorded == 0
    assert_same_book(feed, day)


@settings(max_examples=15)
@given(seed=SEEDS)
def test_an_order_cancelled_before_its_owner_takes_changes_no_prediction(
    tmp_path_factory: pytest.TempPathFactory, seed: int
):
    """Self-match prevention that cancels first is recorded as a cancel: nothing is passed over."""
    day = SpareOneself(seed, steps=300)
    path = written(tmp_path_factory.mktemp("day"), day, lobster_lines(day.happenings))
    _, feed, score = played(path)
    assert day.prevented > 0
    assert_explained(score, day.aggressors())
    assert_same_book(feed, day)


@settings(max_examples=15)
@given(seed=SEEDS)
def test_self_match_prevention_told_after_the_trade_is_named(
    tmp_path_factory: pytest.TempPathFactory, seed: int
):
    """The same, with the cancel's row behind the executions of the same instant."""
    day = SpareOneself(seed, steps=300)
    moved: list[Happening] = []
    late = 0
    for one in day.happenings:
        before = moved[-1] if moved else None
        if isinstance(one, Traded) and isinstance(before, Cut) and before.time_ns == one.time_ns:
            moved[-1:] = [one, before]
            late += 1
        else:
            moved.append(one)
    path = written(tmp_path_factory.mktemp("day"), day, lobster_lines(moved))
    _, feed, score = played(path)
    assert set(score.reasons) <= {Reason.WITHDRAWN}
    wrong = sum(one.aggressors for one in score.reasons.values())
    assert wrong <= late
    assert score.matches[Match.EXACT] == score.aggressors - wrong
    assert_same_book(feed, day)


@settings(max_examples=15)
@given(seed=SEEDS, lost=st.integers(2, 12))
def test_lost_rows_cost_what_they_hid_and_no_more(
    tmp_path_factory: pytest.TempPathFactory, seed: int, lost: int
):
    """Each row that is gone can spoil the orders of its own, not the day."""
    day = Day(seed, steps=300)
    records = dbn_records(day.happenings)
    random = Random(seed)
    gone = set(random.sample(range(len(records)), lost))
    kept = [record for at, record in enumerate(records) if at not in gone]
    path = tmp_path_factory.mktemp("day") / "day.dbn"
    path.write_bytes(dbn_header() + b"".join(kept))
    _, feed, score = played(path)
    feed.seats.engine.assert_conservation()
    assert score.matches[Match.EXACT] >= score.aggressors // 3
    for order in feed.mirror.orders.values():
        assert order.lots > 0
        assert order.seat_lots in (0, order.lots)


@settings(max_examples=10)
@given(seed=SEEDS)
def test_hidden_executions_are_counted_and_change_no_prediction(
    tmp_path_factory: pytest.TempPathFactory, seed: int
):
    day = Day(seed, steps=200)
    lines, hidden, alone = [], 0, 0
    for at, line in enumerate(lobster_lines(day.happenings)):
        time, kind, _, _, price, direction = line.split(",")
        if kind == "4" and at % 2:
            lines.append(f"{time},5,0,17,{price},{direction}")
            hidden += 17
        elif kind == "3":
            lines.append(f"{time},5,0,3,{price},{direction}")
            hidden += 3
            alone += 1
        lines.append(line)
    _, feed, score = played(written(tmp_path_factory.mktemp("day"), day, lines))
    assert score.hidden_lots == hidden
    assert score.hidden_only == alone
    assert score.matches[Match.EXACT] == score.aggressors == len(day.aggressors())
    assert_same_book(feed, day)


@settings(max_examples=15)
@given(seed=SEEDS)
def test_one_day_in_two_formats_ends_in_one_state(
    tmp_path_factory: pytest.TempPathFactory, seed: int
):
    """Two readers that understand a day alike send the engine the same commands."""
    day, folder = Day(seed, steps=250), tmp_path_factory.mktemp("day")
    messages = written(folder, day, lobster_lines(day.happenings))
    records = folder / "day.dbn"
    records.write_bytes(dbn_header() + b"".join(dbn_records(day.happenings)))
    (_, first, one), (_, second, other) = played(messages), played(records)
    assert one == other
    assert first.seats.engine.state_root() == second.seats.engine.state_root()
