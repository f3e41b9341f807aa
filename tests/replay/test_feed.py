"""The feed: each rule by hand; then, for any events, the engine's book stays the mirror's."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.replay import feed as feeding
from api.replay.errors import TooManyOrders
from api.replay.feed import Feed
from api.replay.mirror import Mirror
from api.replay.recorded import Add, Aggression, Clear, Fill, Modify, Recorded, Reduce, Terms
from api.replay.score import Match, Reason
from ledger.records.codes import Side
from matching.units import PRICE_TICKS_MAX, QTY_LOTS_MAX

BUY, SELL = Side.BUY, Side.SELL
TERMS = Terms("test", 1, 1)


def fed(*events: Recorded, terms: Terms = TERMS) -> Feed:
    feed = Feed(terms)
    for event in events:
        feed.take(event)
    return feed


def asks(*orders: tuple[int, int, int]) -> list[Add]:
    """(key, price, lots) each."""
    return [Add(0, key, SELL, price, lots) for key, price, lots in orders]


def buys(lots: int, *fills: tuple[int, int, int], time_ns: int = 10) -> Aggression:
    """An immediate-or-cancel buy at the worst of its fills."""
    worst = max(price for _, price, _ in fills)
    return Aggression(time_ns, BUY, worst, lots, tuple(Fill(*fill) for fill in fills))


def only_reason(feed: Feed) -> tuple[Reason, int, int]:
    score = feed.finish()
    ((reason, found),) = score.reasons.items()
    assert len(found.examples) == 1
    return reason, found.aggressors, found.unrecorded


def queue(feed: Feed, side: Side) -> list[tuple[int, int, int]]:
    """(key, price, lots) of a side as the engine would trade them: a sweep by the other side."""
    limit = 1 << 20 if side is SELL else 1
    sweep = Aggression(0, Side(1 - side), limit, 1 << 40, ())
    fills, _, _, refused = feed._predict(sweep)
    assert not refused
    return [(fill.key, fill.price_ticks, fill.lots) for fill in fills]


# What is predicted.


def test_the_first_in_the_queue_gives_first_and_the_better_price_before_it():
    feed = fed(
        *asks((1, 11, 5), (2, 10, 5), (3, 10, 5)), buys(12, (2, 10, 5), (3, 10, 5), (1, 11, 2))
    )
    score = feed.finish()
    assert (score.aggressors, score.matches[Match.EXACT]) == (1, 1)
    assert (score.recorded_lots, score.predicted_lots, score.agreeing_lots) == (12, 12, 12)
    assert (score.recorded_fills, score.predicted_fills, score.agreeing_fills) == (3, 3, 3)
    assert score.reasons == {}
    assert queue(feed, SELL) == [(1, 11, 3)]


def test_an_aggressor_with_a_key_rests_with_what_is_left():
    taken = Aggression(5, BUY, 12, 9, (Fill(1, 10, 5),), key=2, rest_lots=4)
    feed = fed(*asks((1, 10, 5)), taken)
    assert feed.finish().matches[Match.EXACT] == 1
    assert queue(feed, BUY) == [(2, 12, 4)]


def test_a_reduced_order_keeps_its_place_and_a_larger_or_moved_one_loses_it():
    feed = fed(
        *asks((1, 10, 5), (2, 10, 5), (3, 10, 5)),
        Reduce(1, 1, 2),
        Modify(2, 2, SELL, 10, 6),
        Modify(3, 3, SELL, 10, 4),
    )
    assert queue(feed, SELL) == [(1, 10, 3), (3, 10, 4), (2, 10, 6)]


def test_a_modified_order_that_nobody_knows_is_added():
    feed = fed(Modify(1, 9, SELL, 10, 6))
    assert queue(feed, SELL) == [(9, 10, 6)]
    assert feed.counts == {"change of an order that is not open: added": 1}


def test_clear_empties_the_book_and_the_same_keys_may_come_again():
    feed = fed(*asks((1, 10, 5), (2, 11, 5)), Clear(1), *asks((1, 12, 7)))
    assert queue(feed, SELL) == [(1, 12, 7)]
    assert list(feed.mirror.orders) == [1]
    assert not feed.counts


def test_hidden_orders_alone_are_counted_and_change_nothing():
    feed = fed(*asks((1, 10, 5)), Aggression(1, BUY, 0, 0, (), hidden_lots=7))
    score = feed.finish()
    assert (score.aggressors, score.hidden_only, score.hidden_lots) == (0, 1, 7)
    assert queue(feed, SELL) == [(1, 10, 5)]


# Why a prediction fails, and that the book is mended afterwards.


def test_an_order_that_was_never_seen_is_a_gap():
    feed = fed(*asks((1, 10, 5)), buys(3, (99, 10, 3)))
    assert only_reason(feed) == (Reason.UNSEEN, 1, 0)
    assert feed.judge.score.matches == {Match.NONE: 1}
    assert queue(feed, SELL) == [(1, 10, 5)], "what the engine took from it came back"


def test_a_fill_beyond_what_was_shown_is_hidden_size():
    feed = fed(*asks((1, 10, 5), (2, 10, 5)), buys(9, (1, 10, 9)))
    assert only_reason(feed) == (Reason.HIDDEN_SIZE, 1, 0)
    assert feed.judge.score.matches == {Match.PARTLY: 1}
    assert feed.judge.score.agreeing_lots == 5
    assert queue(feed, SELL) == [(2, 10, 5)]


def test_a_fill_at_another_price_than_the_orders_own_is_named():
    feed = fed(*asks((1, 10, 5)), buys(5, (1, 11, 5)))
    assert only_reason(feed) == (Reason.OTHER_PRICE, 1, 0)


def test_fewer_recorded_lots_than_the_aggressor_could_have_is_a_gap():
    taken = Aggression(5, BUY, 10, 5, (Fill(1, 10, 3),), key=2, rest_lots=2)
    feed = fed(*asks((1, 10, 5)), taken)
    assert only_reason(feed) == (Reason.MISSING_FILL, 1, 0)
    assert queue(feed, BUY) == [(2, 10, 2)], "the recording has it resting"


def test_more_recorded_lots_than_the_aggressor_asked_for_is_a_gap():
    taken = Aggression(5, BUY, 10, 3, (Fill(1, 10, 5),), key=2)
    assert only_reason(fed(*asks((1, 10, 5)), taken)) == (Reason.MORE_THAN_ASKED, 1, 0)


def test_sizes_within_the_formats_rounding_are_no_full_match_and_no_gap():
    terms = Terms("test", 1, 1, rounding_lots=2)
    feed = fed(*asks((1, 10, 100)), buys(51, (1, 10, 50)), terms=terms)
    assert only_reason(feed) == (Reason.ROUNDING, 1, 0)
    assert feed.judge.score.matches == {Match.ROUNDED: 1}
    assert queue(feed, SELL) == [(1, 10, 50)]


def test_an_aggressor_that_the_engine_refuses_is_named_and_its_fills_are_followed():
    taken = Aggression(5, BUY, 10, QTY_LOTS_MAX + 1, (Fill(1, 10, 5),))
    feed = fed(*asks((1, 10, 5)), taken)
    assert only_reason(feed) == (Reason.REFUSED, 1, 0)
    assert queue(feed, SELL) == []


@pytest.mark.parametrize(
    ("fate", "reason"),
    [
        (Reduce(10, 1, 5), Reason.WITHDRAWN),
        (Reduce(11, 1, 5), Reason.LATE),
        (Reduce(111, 1, 5), Reason.PASSED_OVER),
        (Reduce(10, 1, 5, traded=True), Reason.PASSED_OVER),
        (Modify(10, 1, SELL, 12, 5), Reason.WITHDRAWN),
        (buys(5, (1, 10, 5), time_ns=11), Reason.PASSED_OVER),
        (Clear(12), Reason.PASSED_OVER),
    ],
)
def test_what_becomes_of_the_order_passed_over_tells_why(fate: Recorded, reason: Reason):
    terms = Terms("test", 1, 1, late_ns=100)
    events = [*asks((1, 10, 5), (2, 10, 5)), buys(5, (2, 10, 5)), fate]
    feed = fed(*events, terms=terms)
    assert only_reason(feed) == (reason, 1, 0)


def test_a_feed_that_the_venue_numbered_has_no_late_messages():
    feed = fed(*asks((1, 10, 5), (2, 10, 5)), buys(5, (2, 10, 5)), Reduce(11, 1, 5))
    assert only_reason(feed) == (Reason.PASSED_OVER, 1, 0)


def test_an_order_passed_over_keeps_its_place_in_the_mended_queue():
    feed = fed(*asks((1, 10, 5), (2, 10, 6), (3, 10, 7)), buys(6, (2, 10, 6)))
    assert queue(feed, SELL) == [(1, 10, 5), (3, 10, 7)]


def test_a_better_price_passed_over_stays():
    feed = fed(*asks((1, 10, 5), (2, 11, 6)), buys(6, (2, 11, 6)))
    assert only_reason(feed) == (Reason.PASSED_OVER, 1, 0)
    assert queue(feed, SELL) == [(1, 10, 5)]


# Books that are recorded as crossed.


def test_an_add_across_the_other_side_is_an_unrecorded_trade_and_pushes_it_into_limbo():
    feed = fed(*asks((1, 10, 5)), Add(5, 2, BUY, 10, 3))
    assert queue(feed, BUY) == [(2, 10, 3)], "the later word wins"
    assert feed.mirror.orders[1].order_id == 0
    assert only_reason(feed) == (Reason.PASSED_OVER, 0, 1)
    assert feed.judge.score.aggressors == 0
    assert feed.judge.score.unrecorded == 1


def test_limbo_ends_when_what_stood_across_leaves():
    feed = fed(*asks((1, 10, 5), (3, 10, 6)), Add(5, 2, BUY, 10, 3), Reduce(5, 2, 3))
    assert only_reason(feed) == (Reason.WITHDRAWN, 0, 1)
    assert queue(feed, SELL) == [(1, 10, 5), (3, 10, 6)]


def test_an_order_in_limbo_that_gives_is_a_gap():
    feed = fed(*asks((1, 10, 5)), Add(5, 2, BUY, 10, 3), buys(5, (1, 10, 5)))
    score = feed.finish()
    assert score.reasons[Reason.UNSEATED].aggressors == 1


def test_a_seeded_order_across_the_other_side_goes_to_limbo_itself():
    feed = fed(*asks((1, 10, 5)), Add(5, 2, BUY, 10, 3, seeded=True))
    assert feed.finish().unrecorded == 0
    assert feed.mirror.orders[2].order_id == 0
    assert queue(feed, SELL) == [(1, 10, 5)]


def test_levels_beyond_the_limbos_bound_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feeding, "LIMBO_LEVELS_MAX", 1)
    feed = fed(*asks((1, 10, 5), (2, 11, 5)), Add(5, 3, BUY, 12, 3))
    assert feed.counts == {"level across the other side: dropped, too many wait": 1}
    feed.take(Reduce(6, 3, 3))
    assert len(queue(feed, SELL)) == 1


# Hostile recordings.


@pytest.mark.parametrize(
    ("price_ticks", "lots"),
    [
        (0, 1), (-1, 1), (PRICE_TICKS_MAX + 1, 1), (2**80, 1),
        (1, 0), (1, -1), (1, QTY_LOTS_MAX + 1), (1, 2**80),
    ],
)  # fmt: skip
def test_numbers_beyond_the_engines_are_left_out(price_ticks: int, lots: int):
    feed = fed(Add(0, 1, BUY, price_ticks, lots), Reduce(1, 1, 1))
    assert feed.counts == {
        "price or size beyond the engine's: left out": 1,
        "cancel of an order that is not open: left out": 1,
    }
    assert not feed.mirror.orders


def test_an_order_that_nobody_could_pay_for_is_refused_and_stays_without_a_seat():
    feed = fed(Add(0, 1, BUY, PRICE_TICKS_MAX, 3 << 29), Reduce(1, 1, 1), Reduce(2, 1, 5))
    feed.finish()
    assert feed.counts == {
        "refused by the engine: INSUFFICIENT_BALANCE": 1,
        "cancel or amend of an order that the engine refused": 2,
    }
    assert feed.mirror.orders[1].order_id == 0


def test_a_key_added_twice_is_left_out():
    feed = fed(*asks((1, 10, 5), (1, 11, 5)))
    assert feed.counts == {"order added again while open: left out": 1}
    again = Aggression(5, BUY, 11, 9, (Fill(1, 10, 5),), key=1, rest_lots=4)
    feed.take(again)
    assert feed.counts["aggressor whose order is open already: left out"] == 1


def test_more_open_orders_than_fit_in_memory_end_the_replay():
    feed = Feed(TERMS, Mirror(orders_max=2))
    for event in asks((1, 10, 5), (2, 11, 5)):
        feed.take(event)
    with pytest.raises(TooManyOrders) as caught:
        feed.take(asks((3, 12, 5))[0])
    assert caught.value.limit == 2


def test_mending_has_a_budget(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feeding, "MENDING_AT_FIRST", 0)
    monkeypatch.setattr(feeding, "MENDING_AN_EVENT", 0)
    feed = fed(*asks((1, 10, 5), (2, 10, 5)), buys(5, (2, 10, 5)))
    assert feed.counts == {"mending would cost too much: order left without a seat": 1}
    assert feed.mirror.orders[1].order_id == 0
    assert queue(feed, SELL) == []


def test_a_crossed_book_flipped_at_every_row_costs_no_more_than_the_budget():
    """A long queue, and an order across it that comes and goes: the worst that a file can do."""
    rows = 2_000
    feed = fed(*asks(*((key, 10, 1) for key in range(1, rows + 1))))
    for turn in range(rows):
        feed.take(Add(turn, 0, BUY, 10, 1))
        feed.take(Reduce(turn, 0, 1))
    feed.finish()
    own = 4 * feed.events
    assert feed.seats.commands <= (
        feeding.MENDING_AT_FIRST + feeding.MENDING_AN_EVENT * feed.events + own
    )


# Any sequence of events.

KEYS = st.integers(0, 12)
PRICES = st.integers(1, 8)
LOTS = st.integers(1, 9)
SIDES = st.sampled_from([BUY, SELL])
TIMES = st.integers(0, 3)
FILLS = st.lists(st.builds(Fill, KEYS, PRICES, LOTS), max_size=3).map(tuple)
EVENTS = st.one_of(
    st.builds(Add, TIMES, KEYS, SIDES, PRICES, LOTS, st.booleans()),
    st.builds(Reduce, TIMES, KEYS, LOTS, st.booleans()),
    st.builds(Modify, TIMES, KEYS, SIDES, PRICES, LOTS),
    st.builds(
        Aggression, TIMES, SIDES, PRICES, LOTS, FILLS,
        hidden_lots=LOTS, key=st.none() | KEYS, rest_lots=st.integers(0, 9),
    ),
    st.builds(Clear, TIMES),
)  # fmt: skip


def expected_queue(mirror: Mirror, side: Side) -> list[tuple[int, int, int]]:
    found = []
    for price in sorted(mirror.levels[side], reverse=side is BUY):
        orders = mirror.levels[side][price].orders.values()
        found += [(order.key, price, order.seat_lots) for order in orders if order.order_id]
    return found


@settings(max_examples=300)
@given(events=st.lists(EVENTS, max_size=60))
def test_whatever_is_recorded_the_engines_book_is_the_mirrors(events: Sequence[Recorded]):
    feed = fed(*events)
    score = feed.finish()
    mirror, engine = feed.mirror, feed.seats.engine
    assert engine.open_order_count == len(mirror.seats)
    for order_id, order in mirror.seats.items():
        seat = engine.order(order_id)
        assert seat is not None
        assert mirror.orders[order.key] is order
        assert (seat.side, seat.price_ticks) == (order.side, order.price_ticks)
        assert seat.remaining_lots == order.seat_lots == order.lots > 0
    seatless = [order for order in mirror.orders.values() if not order.order_id]
    for order in seatless:
        assert mirror.crosses(order.side, order.price_ticks), "only what stands across waits"
    assert sum(score.matches.values()) == score.aggressors
    told = sum(found.aggressors for found in score.reasons.values())
    assert told == score.aggressors - score.matches[Match.EXACT]
    assert sum(found.unrecorded for found in score.reasons.values()) == score.unrecorded
    assert score.agreeing_lots <= min(score.recorded_lots, score.predicted_lots)
    assert score.agreeing_fills <= min(score.recorded_fills, score.predicted_fills)
    for side in (BUY, SELL):
        expected = expected_queue(mirror, side)
        assert queue(feed, side) == expected
