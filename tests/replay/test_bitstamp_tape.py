"""Fills worked out of Bitstamp's order events: each rule by hand, then the real day."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.replay import bitstamp_tape
from api.replay.bitstamp import parsed_rows
from api.replay.bitstamp_tape import BitstampTape
from api.replay.errors import NotThisFormat
from api.replay.feed import Feed
from api.replay.intents import Repairs
from api.replay.recorded import Add, Aggression, Fill, Modify, Recorded, Reduce
from api.replay.score import Match, Reason
from api.replay.source import Lines
from ledger.records.codes import Side

from .oracle import BITSTAMP_HEADER

BUY, SELL = Side.BUY, Side.SELL
MS = 1_000_000
LONE = "fill whose other side is missing: followed"
RESTED = "fill between two orders that both rested: followed"
REAL_DAY = "bitstamp_btcusd_2015-05-01_orders.csv.gz"


def row(key: int, ms: int, price: str, volume: int, what: str) -> str:
    action, direction = what.split()
    return f"{key},{ms},{ms},{price},{volume},{action},{direction}"


def read(tmp_path: Path, *rows: str) -> tuple[list[Recorded], dict[str, int]]:
    path = tmp_path / "day.csv"
    path.write_text("\n".join([BITSTAMP_HEADER, *rows]) + "\n")
    tape = BitstampTape(path)
    return list(tape), dict(tape.repairs.counts)


RESTING = (row(1, 1000, "10.00", 500, "created ask"), row(2, 1001, "10.01", 700, "created ask"))


def test_falls_of_one_size_on_both_sides_are_the_younger_orders_fills(tmp_path: Path):
    events, counts = read(
        tmp_path,
        *RESTING,
        row(3, 2000, "10.05", 800, "created bid"),
        row(1, 2010, "10.00", 0, "deleted ask"),
        row(3, 2011, "10.05", 300, "changed bid"),
        row(3, 2012, "10.05", 0, "deleted bid"),
        row(2, 2013, "10.01", 400, "changed ask"),
    )
    assert events[2:] == [
        Aggression(
            2000 * MS, BUY, 1005, 800, (Fill(1, 1000, 500), Fill(2, 1001, 300)), key=3, rest_lots=0
        )
    ]
    assert not counts


def test_what_is_left_of_the_aggressor_rests(tmp_path: Path):
    events, _ = read(
        tmp_path,
        *RESTING,
        row(3, 2000, "10.00", 800, "created bid"),
        row(3, 2011, "10.00", 300, "changed bid"),
        row(1, 2012, "10.00", 0, "deleted ask"),
        row(3, 9000, "10.00", 300, "deleted bid"),
    )
    taken, gone = events[2:]
    assert isinstance(taken, Aggression)
    assert (taken.qty_lots, taken.rest_lots, taken.key) == (800, 300, 3)
    assert isinstance(gone, Reduce)
    assert gone.lots >= 300
    assert not gone.traded


def test_sizes_may_differ_by_the_recorders_rounding(tmp_path: Path):
    events, counts = read(
        tmp_path,
        *RESTING,
        row(3, 2000, "10.00", 502, "created bid"),
        row(1, 2010, "10.00", 0, "deleted ask"),
        row(3, 2011, "10.00", 0, "deleted bid"),
    )
    assert events[2] == Aggression(2000 * MS, BUY, 1000, 502, (Fill(1, 1000, 500),), key=3)
    assert not counts


def test_falls_further_apart_than_rounding_are_not_one_fill(tmp_path: Path):
    events, counts = read(
        tmp_path,
        *RESTING,
        row(3, 2000, "10.00", 503, "created bid"),
        row(1, 2010, "10.00", 0, "deleted ask"),
        row(3, 2011, "10.00", 0, "deleted bid"),
    )
    assert not any(isinstance(event, Aggression) for event in events)
    assert counts == {LONE: 2}


def test_orders_whose_prices_do_not_meet_did_not_trade_with_each_other(tmp_path: Path):
    events, counts = read(
        tmp_path,
        *RESTING,
        row(3, 2000, "9.99", 500, "created bid"),
        row(1, 2010, "10.00", 0, "deleted ask"),
        row(3, 2011, "9.99", 0, "deleted bid"),
    )
    assert events[2] == Add(2000 * MS, 3, BUY, 999, 500)
    assert counts == {LONE: 2}


def test_a_fall_without_another_side_is_followed_and_counted(tmp_path: Path):
    events, counts = read(tmp_path, *RESTING, row(1, 2000, "10.00", 200, "changed ask"))
    assert events[2] == Reduce(2000 * MS, 1, 300, traded=True)
    assert counts == {LONE: 1}


def test_a_fall_by_the_recorders_rounding_alone_is_named_so(tmp_path: Path):
    _, counts = read(tmp_path, *RESTING, row(1, 2000, "10.00", 499, "changed ask"))
    assert counts == {"size mended by the recorder's rounding: followed": 1}


def test_a_fill_between_orders_that_both_rested_long_is_followed(tmp_path: Path):
    events, counts = read(
        tmp_path,
        *RESTING,
        row(3, 2000, "10.00", 500, "created bid"),
        row(9, 20_000, "1.00", 5, "created bid"),
        row(1, 20_010, "10.00", 0, "deleted ask"),
        row(3, 20_011, "10.00", 0, "deleted bid"),
    )
    assert events[2] == Add(2000 * MS, 3, BUY, 1000, 500)
    assert events[4:] == [
        Reduce(20_010 * MS, 1, 500, traded=True),
        Reduce(20_011 * MS, 3, 500, traded=True),
    ]
    assert counts == {RESTED: 2}


def test_a_market_order_shows_as_changes_of_price_that_trade(tmp_path: Path):
    events, counts = read(
        tmp_path,
        *RESTING,
        row(3, 2000, "10.00", 800, "created bid"),
        row(1, 2010, "10.00", 0, "deleted ask"),
        row(3, 2011, "10.00", 300, "changed bid"),
        row(3, 2020, "10.01", 299, "changed bid"),
        row(3, 2030, "10.01", 0, "deleted bid"),
        row(2, 2031, "10.01", 401, "changed ask"),
    )
    first, off, second = events[2:]
    assert first == Aggression(
        2000 * MS, BUY, 1000, 800, (Fill(1, 1000, 500),), key=3, rest_lots=300
    )
    assert isinstance(off, Reduce)
    assert off.lots >= 800
    assert second == Aggression(2020 * MS, BUY, 1001, 299, (Fill(2, 1001, 299),), key=3)
    assert not counts


def test_a_change_of_price_that_meets_nobody_is_a_change(tmp_path: Path):
    events, _ = read(tmp_path, *RESTING, row(1, 2000, "10.02", 500, "changed ask"))
    assert events[2] == Modify(2000 * MS, 1, SELL, 1002, 500)


def test_a_giving_orders_row_may_come_before_the_aggressors(tmp_path: Path):
    """The recorder swaps rows now and then."""
    events, counts = read(
        tmp_path,
        *RESTING,
        row(1, 1999, "10.00", 0, "deleted ask"),
        row(3, 2000, "10.00", 500, "created bid"),
        row(3, 2001, "10.00", 0, "deleted bid"),
    )
    assert events[2:] == [Aggression(2000 * MS, BUY, 1000, 500, (Fill(1, 1000, 500),), key=3)]
    assert not counts


def test_rows_that_make_no_sense_are_counted_as_the_demo_counts_them(tmp_path: Path):
    events, counts = read(
        tmp_path,
        *RESTING,
        row(9, 2000, "10.00", 1, "deleted ask"),
        row(1, 2000, "10.00", 500, "created ask"),
        row(1, 2000, "10.00", 500, "changed bid"),
        row(1, 2000, "10.00", 500, "changed ask"),
        row(1, 2000, "10.00", 500, "vanished ask"),
        row(9, 2000, "10.00", 500, "vanished ask"),
        "not,a,row",
    )
    assert len(events) == 2
    assert counts == {
        "deleted of an unseen order: left out": 1,
        "created twice, or empty: left out": 1,
        "changed side: left out": 1,
        "changed nothing: left out": 1,
        "unknown action: left out": 1,
        "unknown action of an unseen order: left out": 1,
        "malformed row left out": 1,
    }


def test_another_header_is_refused(tmp_path: Path):
    path = tmp_path / "day.csv"
    path.write_text("id,price\n")
    with pytest.raises(NotThisFormat):
        list(BitstampTape(path))


def test_the_window_is_bounded_in_rows_whatever_the_times_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bitstamp_tape, "AHEAD_ROWS", 3)
    rows = [row(key, 1000, "10.00", 5, "created ask") for key in range(1, 20)]
    path = tmp_path / "day.csv"
    path.write_text("\n".join([BITSTAMP_HEADER, *rows]) + "\n")
    events = iter(BitstampTape(path))
    first = next(events)
    assert isinstance(first, Add)
    assert first.key == 1
    assert len(list(events)) == 18


WORDS = ("bid", "ask")
ROWS = st.lists(
    st.builds(
        row,
        st.integers(1, 6),
        st.integers(1000, 1010).map(lambda at: at * 700),
        st.sampled_from(["10.00", "10.01"]),
        st.integers(0, 5),
        st.sampled_from(
            [f"{action} {side}" for action in ("created", "changed", "deleted") for side in WORDS]
        ),
    ),
    max_size=40,
)


def ends(path: Path) -> dict[int, tuple[Side, int, int]]:
    """What the rows themselves leave open, order by order: side, price, volume."""
    last: dict[int, tuple[Side, int, int]] = {}
    ended: set[int] = set()
    for one in parsed_rows(Lines(path), Repairs(), None):
        known = last.get(one.key)
        state = one.side, one.price_ticks, one.volume
        if one.action == "created":
            if known is None and one.key not in ended and one.volume:
                last[one.key] = state
        elif known is not None and one.action == "deleted":
            del last[one.key]
            ended.add(one.key)
        elif known is not None and known[0] is one.side:
            last[one.key] = state
    return {key: state for key, state in last.items() if state[2]}


def open_orders(feed: Feed) -> dict[int, tuple[Side, int, int]]:
    orders = feed.mirror.orders
    return {key: (order.side, order.price_ticks, order.lots) for key, order in orders.items()}


@settings(max_examples=300)
@given(rows=ROWS)
def test_whatever_the_rows_the_book_ends_as_they_end(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str]
):
    path = tmp_path_factory.mktemp("rows") / "day.csv"
    path.write_text("\n".join([BITSTAMP_HEADER, *rows]) + "\n")
    tape = BitstampTape(path)
    feed = Feed(tape.terms)
    for event in tape:
        feed.take(event)
    feed.finish()
    assert tape.repairs.rows == len(rows)
    assert open_orders(feed) == ends(path)


def test_the_real_day_is_explained_but_for_what_the_recorder_lost(shared_data: Path):
    tape = BitstampTape(shared_data / "market" / REAL_DAY)
    feed = Feed(tape.terms)
    for event in tape:
        feed.take(event)
    score = feed.finish()
    assert tape.repairs.rows == 50_414
    assert score.aggressors == 373
    assert score.matches == {Match.EXACT: 330, Match.ROUNDED: 40, Match.PARTLY: 3}
    assert (score.recorded_fills, score.agreeing_fills) == (542, 542)
    assert score.recorded_lots - score.agreeing_lots < 2 * score.recorded_fills
    assert score.unrecorded == 5
    assert score.reasons.keys() == {
        Reason.ROUNDING, Reason.LATE, Reason.PASSED_OVER, Reason.MISSING_FILL
    }  # fmt: skip
    assert not feed.counts


def test_the_real_days_book_ends_as_its_rows_end(shared_data: Path):
    path = shared_data / "market" / REAL_DAY
    tape = BitstampTape(path)
    feed = Feed(tape.terms)
    for event in tape:
        feed.take(event)
    feed.finish()
    assert open_orders(feed) == ends(path)
