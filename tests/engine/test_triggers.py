"""Pending orders, cascades, and partners: docs/spec/engine.md, section 5.1."""

import pytest

from ledger.engine import Engine
from ledger.records.build import command
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderStatus,
    OrderType,
    Reject,
    TimeInForce,
)
from tests.engine.streams import as_commands
from tests.engine.trigger_venue import LOT, NOW, NS, OCO, STOP, TAKE, pair, stop, told, trade_at
from tests.engine.venue import ALICE, BASE, BOB, BUY, CAROL, FUNDS, QUOTE, SELL, open_venue

K = CommandKind


@pytest.fixture
def venue():
    return open_venue()


def test_a_pending_order_holds_nothing_and_stands_in_no_book(venue):
    done = stop(venue, ALICE, BUY, 110, 5)
    assert (done.status, done.remaining_lots, done.events) == (OrderStatus.PENDING, 5, ())
    assert venue.balance(ALICE, QUOTE) == (FUNDS, 0)
    assert venue.engine.open_order_count == 0
    assert [len(side) for side in venue.engine.depth(0, 5)] == [0, 0]


@pytest.mark.parametrize(
    ("flags", "side", "short_of", "reached"),
    [(STOP, BUY, 109, 110), (STOP, SELL, 111, 110), (TAKE, BUY, 111, 110), (TAKE, SELL, 109, 110)],
)
def test_each_kind_triggers_at_its_price_from_its_own_side(venue, flags, side, short_of, reached):
    order = stop(venue, ALICE, side, 110, 1, flags=flags)
    assert order.status == OrderStatus.PENDING
    assert len(trade_at(venue, short_of).events) == 1
    done = trade_at(venue, reached)
    assert told(done)[1] == ("ORDER_TRIGGERED", order.seq, 0)


def test_a_triggered_market_order_trades_as_the_taker(venue):
    order = stop(venue, ALICE, BUY, 110, 2)
    maker = venue.place(CAROL, SELL, 112, 5)
    done = trade_at(venue, 110)
    assert told(done) == [
        ("TRADE", done.seq, 0), ("ORDER_TRIGGERED", order.seq, 0), ("TRADE", order.seq, 0),
    ]  # fmt: skip
    _, triggered, trade = done.events
    assert (triggered["account"], triggered["side"], triggered["price_ticks"]) == (ALICE, BUY, 110)
    assert triggered["qty_lots"] == 2
    assert (trade["account"], trade["counter_order_id"]) == (ALICE, maker.seq)
    assert (trade["price_ticks"], trade["qty_lots"], trade["remaining_lots"]) == (112, 2, 0)
    assert (done.filled_lots, done.status) == (1, OrderStatus.FILLED)
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 224, 0)


def test_a_triggered_limit_order_rests_with_its_hold_and_its_own_id(venue):
    order = stop(venue, ALICE, SELL, 90, 4, price_ticks=95)
    trade_at(venue, 90)
    resting = venue.engine.order(order.seq)
    assert (resting.price_ticks, resting.remaining_lots, resting.held_minor) == (95, 4, 4 * LOT)
    assert venue.balance(ALICE, BASE) == (FUNDS - 4 * LOT, 4 * LOT)
    assert venue.cancel(ALICE, order.seq).status == OrderStatus.CANCELED


def test_what_a_triggered_order_cannot_trade_or_rest_is_told(venue):
    order = stop(venue, ALICE, BUY, 110, 5)
    venue.place(CAROL, SELL, 111, 2)
    *_, end = trade_at(venue, 110).events
    assert (end["kind"], end["flags"]) == (EventKind.ORDER_EXPIRED, ExpireReason.REMAINDER)
    assert (end["order_id"], end["qty_lots"], end["amount_minor"]) == (order.seq, 3, 0)


@pytest.mark.parametrize(
    ("fields", "reject"),
    [
        ({}, Reject.NO_LIQUIDITY),
        ({"time_in_force": TimeInForce.FOK, "price_ticks": 120}, Reject.CANNOT_FILL),
        ({"price_ticks": 10**6}, Reject.INSUFFICIENT_BALANCE),
    ],
)
def test_a_triggered_order_that_fails_a_check_leaves_with_its_reject(venue, fields, reject):
    venue.withdraw(ALICE, QUOTE, FUNDS - 1000)
    order = stop(venue, ALICE, BUY, 110, 5, **fields)
    *_, end = trade_at(venue, 110).events
    assert (end["kind"], end["order_id"]) == (EventKind.ORDER_EXPIRED, order.seq)
    assert end["flags"] == ExpireReason.REFUSED | reject << 8
    assert venue.balance(ALICE, QUOTE)[1] == FUNDS - 1000


def test_a_triggered_post_only_order_that_would_take_is_refused(venue):
    order = stop(venue, ALICE, BUY, 110, 1, price_ticks=120, flags=STOP | CommandFlag.POST_ONLY)
    venue.place(CAROL, SELL, 115, 1)
    *_, end = trade_at(venue, 110).events
    assert (end["order_id"], end["flags"] >> 8) == (order.seq, Reject.WOULD_TAKE)


def test_a_trigger_that_is_reached_already_is_refused(venue):
    trade_at(venue, 100)
    assert stop(venue, ALICE, BUY, 100, 1).reject == Reject.WOULD_TRIGGER
    assert stop(venue, ALICE, BUY, 101, 1).reject == Reject.NONE
    assert stop(venue, ALICE, SELL, 100, 1).reject == Reject.WOULD_TRIGGER
    assert stop(venue, ALICE, SELL, 99, 1).reject == Reject.NONE
    assert stop(venue, ALICE, BUY, 100, 1, flags=TAKE).reject == Reject.WOULD_TRIGGER
    assert stop(venue, ALICE, SELL, 101, 1, flags=TAKE).reject == Reject.NONE


# Cascades.


def test_a_trigger_triggers_the_next_in_the_same_command(venue):
    for price in (99, 98, 97):
        venue.place(CAROL, BUY, price, 1)
    first = stop(venue, ALICE, SELL, 99, 1)
    second = stop(venue, BOB, SELL, 98, 1)
    done = venue.place(BOB, SELL, 99, 1)
    assert told(done) == [
        ("TRADE", done.seq, 0),
        ("ORDER_TRIGGERED", first.seq, 0), ("TRADE", first.seq, 0),
        ("ORDER_TRIGGERED", second.seq, 0), ("TRADE", second.seq, 0),
    ]  # fmt: skip
    assert [e["price_ticks"] for e in done.events if e["kind"] == EventKind.TRADE] == [99, 98, 97]


def test_rising_triggers_come_before_falling_ones_and_at_one_price_the_first_placed(venue):
    trade_at(venue, 100)
    late = stop(venue, ALICE, BUY, 106, 1, price_ticks=1)
    down = stop(venue, ALICE, SELL, 95, 1, price_ticks=500)
    one = stop(venue, ALICE, BUY, 105, 1, price_ticks=1)
    two = stop(venue, BOB, BUY, 105, 1, price_ticks=1)
    venue.place(CAROL, SELL, 94, 1)
    venue.place(CAROL, SELL, 107, 1)
    done = venue.place(BOB, BUY, 107, 2)
    triggered = [order for kind, order, _ in told(done) if kind == "ORDER_TRIGGERED"]
    assert triggered == [one.seq, two.seq, late.seq, down.seq]


def test_a_sweep_reaches_what_its_first_trade_touched_too(venue):
    trade_at(venue, 100)
    down = stop(venue, ALICE, SELL, 98, 1, price_ticks=500)
    venue.place(CAROL, SELL, 97, 1)
    venue.place(CAROL, SELL, 103, 1)
    done = venue.place(BOB, BUY, 103, 2)
    assert told(done)[-1] == ("ORDER_TRIGGERED", down.seq, 0)
    assert venue.engine.order(down.seq) is not None


def test_ten_thousand_stops_at_one_price_trigger_in_their_order_within_one_command():
    venue = open_venue(accounts=3)
    stops = 10_000
    one = {"account": ALICE, "side": SELL, "trigger_ticks": 90, "qty_lots": 1, "flags": STOP}
    raw = [command(K.NEW_ORDER, order_type=OrderType.MARKET, **one)] * stops
    raw += [command(K.NEW_ORDER, account=BOB, price_ticks=89, qty_lots=stops)]
    raw += [command(K.NEW_ORDER, account=BOB, price_ticks=90, qty_lots=1)]
    raw += [command(K.NEW_ORDER, account=CAROL, side=SELL, price_ticks=90, qty_lots=1)]
    first_seq = venue.engine.seq + 1
    done = venue.engine.execute(as_commands(raw))
    assert len(done.events) == 1 + 2 * stops
    triggered = done.events[done.events["kind"] == EventKind.ORDER_TRIGGERED]["order_id"]
    assert triggered.tolist() == list(range(first_seq, first_seq + stops))
    assert venue.engine.open_order_count == 0
    venue.engine.assert_conservation()


def test_thousands_of_stops_that_come_to_rest_find_room_at_prices_of_their_own():
    venue = open_venue({"max_price_ticks": 2**31 - 1}, accounts=3)
    one = {"account": ALICE, "side": SELL, "trigger_ticks": 90, "qty_lots": 1, "flags": STOP}
    raw = [
        command(K.NEW_ORDER, price_ticks=10**6 + n * 524_287, **one) for n in range(3000)
    ]  # fmt: skip
    raw += [command(K.NEW_ORDER, account=BOB, price_ticks=90, qty_lots=1)]
    raw += [command(K.NEW_ORDER, account=CAROL, side=SELL, price_ticks=90, qty_lots=1)]
    done = venue.engine.execute(as_commands(raw))
    assert not done.outcomes["reject"].any()
    assert venue.engine.open_order_count == 3000
    assert Engine.restore(venue.engine.snapshot()).state_root() == venue.engine.state_root()


# Leaving while pending.


def test_a_pending_order_is_cancelled_by_its_owner_alone(venue):
    order = stop(venue, ALICE, BUY, 110, 5)
    assert venue.cancel(BOB, order.seq).reject == Reject.NOT_OWNER
    assert venue.amend(ALICE, order.seq, 2).reject == Reject.UNKNOWN_ORDER
    done = venue.cancel(ALICE, order.seq)
    assert (done.status, done.remaining_lots, done.amount_minor) == (OrderStatus.CANCELED, 5, 0)
    assert len(trade_at(venue, 110).events) == 1


def test_a_pending_order_good_till_a_second_leaves_at_its_tick(venue):
    fields = {"time_in_force": TimeInForce.GTD, "expire_ns": NOW + 5 * NS, "price_ticks": 100}
    order = stop(venue, ALICE, BUY, 110, 5, **fields)
    done = venue.do(K.TICK, time_ns=NOW + 5 * NS)
    assert told(done) == [("ORDER_EXPIRED", order.seq, ExpireReason.TIME)]


def test_a_date_outlives_the_trigger(venue):
    fields = {"time_in_force": TimeInForce.GTD, "expire_ns": NOW + 5 * NS, "price_ticks": 100}
    order = stop(venue, ALICE, BUY, 110, 5, **fields)
    trade_at(venue, 110)
    assert venue.engine.order(order.seq).held_minor == 500
    done = venue.do(K.TICK, time_ns=NOW + 5 * NS)
    assert told(done) == [("ORDER_EXPIRED", order.seq, ExpireReason.TIME)]
    assert venue.balance(ALICE, QUOTE) == (FUNDS, 0)


def test_sweeps_and_switches_take_pending_orders_after_resting_ones(venue):
    waiting = stop(venue, ALICE, SELL, 90, 5)
    resting = venue.place(ALICE, BUY, 50, 1)
    done = venue.do(K.CANCEL_ALL, account=ALICE)
    assert [order for _, order, _ in told(done)] == [resting.seq, waiting.seq]
    waiting = stop(venue, ALICE, SELL, 90, 5)
    done = venue.do(K.CANCEL_ALL, account=ALICE, flags=2, side=SELL)
    assert told(done) == [("ORDER_EXPIRED", waiting.seq, ExpireReason.CANCEL_ALL)]
    waiting = stop(venue, ALICE, SELL, 90, 5)
    venue.do(K.CANCEL_AFTER, account=ALICE, expire_ns=NOW + NS)
    done = venue.do(K.TICK, time_ns=NOW + NS)
    assert told(done) == [("ORDER_EXPIRED", waiting.seq, ExpireReason.DEAD_MAN)]


# One cancels the other.


def test_a_fill_of_one_cancels_the_other_even_in_part(venue):
    upper, lower = pair(venue)
    done = venue.place(BOB, BUY, 120, 2)
    assert told(done) == [
        ("TRADE", done.seq, 0), ("ORDER_EXPIRED", lower.seq, ExpireReason.PARTNER),
    ]  # fmt: skip
    assert venue.engine.order(upper.seq).remaining_lots == 3
    assert len(venue.place(BOB, BUY, 120, 3).events) == 1


def test_the_trigger_of_one_cancels_the_other_and_frees_its_hold_first(venue):
    venue.withdraw(ALICE, BASE, FUNDS - 5 * LOT)
    upper, lower = pair(venue)
    venue.place(CAROL, BUY, 89, 9)
    done = trade_at(venue, 90)
    assert told(done)[1:] == [
        ("ORDER_TRIGGERED", lower.seq, 0),
        ("ORDER_EXPIRED", upper.seq, ExpireReason.PARTNER),
        ("TRADE", lower.seq, 0),
    ]
    assert venue.balance(ALICE, BASE)[0] == 0


@pytest.mark.parametrize("which", [0, 1])
def test_cancelling_one_cancels_the_other(venue, which):
    orders = pair(venue)
    done = venue.cancel(ALICE, orders[which].seq)
    assert told(done) == [("ORDER_EXPIRED", orders[1 - which].seq, ExpireReason.PARTNER)]
    assert venue.balance(ALICE, BASE) == (FUNDS, 0)


def test_two_pending_orders_can_be_partners_and_a_sweep_takes_each_once(venue):
    first = stop(venue, ALICE, BUY, 110, 1)
    second = stop(venue, ALICE, BUY, 90, 1, flags=TAKE | OCO, target_id=first.seq)
    third = stop(venue, ALICE, BUY, 120, 1)
    done = venue.do(K.CANCEL_ALL, account=ALICE)
    assert told(done) == [
        ("ORDER_EXPIRED", first.seq, ExpireReason.CANCEL_ALL),
        ("ORDER_EXPIRED", second.seq, ExpireReason.PARTNER),
        ("ORDER_EXPIRED", third.seq, ExpireReason.CANCEL_ALL),
    ]
    assert done.subject_id == 2


def test_a_partner_is_ones_own_open_single_order_of_the_instrument(venue):
    upper, lower = pair(venue)
    name = {"flags": STOP | OCO}
    again = stop(venue, ALICE, SELL, 80, 1, target_id=upper.seq, **name)
    assert again.reject == Reject.WRONG_STATE
    assert stop(venue, ALICE, SELL, 80, 1, target_id=lower.seq, **name).reject == Reject.WRONG_STATE
    assert stop(venue, BOB, SELL, 80, 1, target_id=upper.seq, **name).reject == Reject.NOT_OWNER
    assert stop(venue, ALICE, SELL, 80, 1, target_id=1, **name).reject == Reject.UNKNOWN_ORDER
    assert stop(venue, ALICE, SELL, 80, 1, target_id=0, **name).reject == Reject.UNKNOWN_ORDER
    plain = venue.place(ALICE, SELL, 130, 1, flags=OCO, target_id=upper.seq)
    assert plain.reject == Reject.MALFORMED


def test_partners_survive_a_snapshot(venue):
    upper, lower = pair(venue)
    copy = Engine.restore(venue.engine.snapshot())
    raw = as_commands([command(K.NEW_ORDER, account=BOB, price_ticks=120, qty_lots=1)])
    events = copy.execute(raw).events
    assert events["order_id"].tolist()[1:] == [lower.seq]
    assert upper.seq in events["counter_order_id"]


# What is well-formed.


@pytest.mark.parametrize(
    "fields",
    [
        {"flags": STOP | TAKE}, {"flags": 32 | STOP}, {"flags": 0}, {"target_id": 3},
        {"flags": STOP | CommandFlag.POST_ONLY}, {"price_ticks": 5, "order_type": 1},
        {"expire_ns": NOW + NS}, {"quote_minor": 5}, {"display_lots": 1},
    ],
)  # fmt: skip
def test_a_pending_order_is_well_formed(venue, fields):
    assert stop(venue, ALICE, BUY, 110, 5, **{"order_type": 1} | fields).reject == Reject.MALFORMED


@pytest.mark.parametrize("trigger", [0, -1, 10**6 + 1])
def test_a_trigger_is_a_price_of_the_instrument(venue, trigger):
    assert stop(venue, ALICE, BUY, trigger, 5).reject == Reject.PRICE_OUT_OF_RANGE


def test_a_stop_by_quote_spends_its_quote(venue):
    flags = STOP | CommandFlag.BY_QUOTE
    stop(venue, ALICE, BUY, 110, 0, flags=flags, quote_minor=250)
    venue.place(CAROL, SELL, 111, 5)
    trade_at(venue, 110)
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 222, 0)
