"""Orders that leave many at a time, orders that time ends, and the switches of an account."""

import pytest

from ledger.engine import Engine
from ledger.engine.layout import TIMER_EPOCH_S
from ledger.engine.limits import EXPIRIES_MAX
from ledger.records.build import command
from ledger.records.codes import (
    CancelScope,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderStatus,
    Reject,
    SelfTrade,
    TimeInForce,
)
from matching.units import PRICE_TICKS_MAX
from tests.engine.streams import as_commands
from tests.engine.venue import (
    ALICE,
    BASE,
    BOB,
    BUY,
    CAROL,
    FUNDS,
    QUOTE,
    SELL,
    open_venue,
)

K = CommandKind
NS = 10**9
NOW = TIMER_EPOCH_S * NS
LOT = 1000


@pytest.fixture
def venue():
    return open_venue({}, {})


def until(venue, account, side, price, lots, second, /, **fields):
    terms = {"time_in_force": TimeInForce.GTD, "expire_ns": NOW + second * NS}
    return venue.place(account, side, price, lots, **terms | fields)


def tick(venue, second):
    return venue.do(K.TICK, time_ns=NOW + second * NS)


def left(done):
    """(order, reason) of everything that left."""
    assert {event["kind"] for event in done.events} <= {EventKind.ORDER_EXPIRED}
    return [(event["order_id"], ExpireReason(event["flags"])) for event in done.events]


# Good till date.


def test_an_order_good_till_a_second_leaves_at_the_first_tick_that_is_not_before_it(venue):
    order = until(venue, ALICE, BUY, 100, 7, 5)
    assert order.status == OrderStatus.OPEN
    assert tick(venue, 4).events == ()
    done = tick(venue, 5)
    assert left(done) == [(order.seq, ExpireReason.TIME)]
    (event,) = done.events
    assert (event["account"], event["side"], event["asset"]) == (ALICE, BUY, QUOTE)
    assert (event["price_ticks"], event["qty_lots"], event["amount_minor"]) == (100, 7, 700)
    assert venue.balance(ALICE, QUOTE) == (FUNDS, 0)
    assert venue.engine.order(order.seq) is None


def test_orders_leave_in_the_order_of_their_seconds_and_then_of_their_arrival(venue):
    late = until(venue, ALICE, BUY, 100, 1, 9)
    first = until(venue, BOB, BUY, 101, 1, 3)
    second = until(venue, ALICE, BUY, 99, 1, 3)
    done = tick(venue, 20)
    assert [order for order, _ in left(done)] == [first.seq, second.seq, late.seq]


def test_an_order_that_left_before_its_second_has_no_timer_any_more(venue):
    filled, gone = until(venue, ALICE, BUY, 100, 1, 3), until(venue, ALICE, BUY, 90, 1, 3)
    venue.place(BOB, SELL, 100, 1)
    venue.cancel(ALICE, gone.seq)
    assert venue.engine.order(filled.seq) is None
    assert tick(venue, 5).events == ()


def test_only_what_is_left_of_a_timed_order_expires(venue):
    order = until(venue, ALICE, SELL, 100, 5, 3)
    venue.place(BOB, BUY, 100, 2)
    (event,) = tick(venue, 3).events
    assert (event["order_id"], event["qty_lots"], event["amount_minor"]) == (order.seq, 3, 3 * LOT)


def test_a_timed_order_may_be_post_only_and_may_take_at_once(venue):
    venue.place(BOB, SELL, 100, 1)
    assert until(venue, ALICE, BUY, 100, 1, 3, flags=1).reject == Reject.WOULD_TAKE
    assert until(venue, ALICE, BUY, 100, 1, 3).status == OrderStatus.FILLED
    assert tick(venue, 9).events == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"expire_ns": 0},
        {"expire_ns": -NS},
        {"expire_ns": NOW},
        {"expire_ns": NOW + NS + 1},
        {"expire_ns": NOW + (PRICE_TICKS_MAX + 1) * NS},
        {"order_type": 1, "price_ticks": 0},
        {"time_in_force": TimeInForce.GTC},
        {"time_in_force": 4},
        {"time_ns": NOW + NS},
    ],
)
def test_a_date_must_be_a_whole_second_to_come_and_only_limit_orders_have_one(venue, fields):
    venue.place(BOB, SELL, 200, 1)
    assert until(venue, ALICE, BUY, 100, 1, 1, **fields).reject == Reject.MALFORMED


def test_the_last_second_of_all_is_a_date(venue):
    order = until(venue, ALICE, BUY, 100, 1, PRICE_TICKS_MAX)
    assert order.reject == Reject.NONE
    assert tick(venue, PRICE_TICKS_MAX - 1).events == ()
    assert left(tick(venue, PRICE_TICKS_MAX)) == [(order.seq, ExpireReason.TIME)]


def test_one_tick_ends_a_bounded_number_and_the_next_one_goes_on():
    venue = open_venue()
    many = command(
        K.NEW_ORDER, account=ALICE, price_ticks=10, qty_lots=1, time_in_force=TimeInForce.GTD,
        expire_ns=NOW + NS,
    )  # fmt: skip
    venue.engine.execute(as_commands([many] * (EXPIRIES_MAX + 5)))
    ticks = [command(K.TICK, time_ns=NOW + NS)] * 3
    done = venue.engine.execute(as_commands(ticks))
    assert done.outcomes["events"].tolist() == [EXPIRIES_MAX, 5, 0]
    assert venue.engine.open_order_count == 0


def test_a_tick_has_nothing_but_its_time(venue):
    assert venue.do(K.TICK, account=ALICE).reject == Reject.MALFORMED
    assert venue.do(K.TICK, flags=1).reject == Reject.MALFORMED


# Decrementing self-trade prevention.


def test_decrement_takes_the_smaller_size_off_both(venue):
    own = venue.place(ALICE, SELL, 100, 5)
    done = venue.place(ALICE, BUY, 100, 2, self_trade=SelfTrade.DECREMENT)
    assert (done.status, done.filled_lots, done.remaining_lots) == (OrderStatus.EXPIRED, 0, 0)
    (event,) = done.events
    assert event["kind"] == EventKind.ORDER_REDUCED
    assert (event["order_id"], event["counter_order_id"]) == (own.seq, done.seq)
    assert (event["qty_lots"], event["remaining_lots"]) == (2, 3)
    assert (event["counter_remaining_lots"], event["amount_minor"]) == (0, 2 * LOT)
    order = venue.engine.order(own.seq)
    assert (order.qty_lots, order.remaining_lots, order.held_minor) == (3, 3, 3 * LOT)


def test_decrement_removes_the_smaller_resting_order_and_goes_on_smaller(venue):
    own = venue.place(ALICE, SELL, 100, 2)
    venue.place(BOB, SELL, 101, 1)
    done = venue.place(ALICE, BUY, 101, 6, self_trade=SelfTrade.DECREMENT)
    expired, trade = done.events
    assert (expired["kind"], expired["flags"]) == (EventKind.ORDER_EXPIRED, ExpireReason.SELF_TRADE)
    assert (expired["order_id"], expired["counter_remaining_lots"]) == (own.seq, 4)
    assert trade["qty_lots"] == 1
    assert (done.status, done.filled_lots, done.remaining_lots) == (
        OrderStatus.PARTLY_FILLED, 1, 3,
    )  # fmt: skip
    order = venue.engine.order(done.seq)
    assert (order.qty_lots, order.remaining_lots) == (4, 3)


def test_equal_sizes_decrement_each_other_away(venue):
    venue.place(ALICE, BUY, 100, 3)
    done = venue.place(ALICE, SELL, 100, 3, self_trade=SelfTrade.DECREMENT)
    assert (done.status, len(done.events)) == (OrderStatus.EXPIRED, 1)
    assert venue.engine.open_order_count == 0
    assert venue.balance(ALICE, QUOTE) == (FUNDS, 0)


def test_an_order_by_quote_has_no_lots_to_decrement(venue):
    venue.place(BOB, SELL, 100, 3)
    done = venue.by_quote(ALICE, BUY, 100, self_trade=SelfTrade.DECREMENT)
    assert done.reject == Reject.MALFORMED


# Cancel all.


def sweep(venue, account, **fields):
    return venue.do(K.CANCEL_ALL, account=account, **fields)


def ladder(venue):
    """ALICE's four orders on both sides of both instruments, and one of BOB's."""
    orders = [
        venue.place(ALICE, side, 100 + 10 * side, 1, instrument=instrument).seq
        for instrument in (0, 1)
        for side in (BUY, SELL)
    ]
    venue.place(BOB, BUY, 100, 1)
    return orders


@pytest.mark.parametrize(
    ("fields", "which"),
    [
        ({}, [0, 1, 2, 3]),
        ({"flags": CancelScope.INSTRUMENT, "instrument": 1}, [2, 3]),
        ({"flags": CancelScope.INSTRUMENT}, [0, 1]),
        ({"flags": CancelScope.SIDE, "side": SELL}, [1, 3]),
        ({"flags": CancelScope.SIDE}, [0, 2]),
        ({"flags": 3, "instrument": 1, "side": SELL}, [3]),
    ],
)
def test_cancel_all_takes_an_accounts_orders_oldest_first_and_nobody_elses(venue, fields, which):
    orders = ladder(venue)
    done = sweep(venue, ALICE, **fields)
    assert left(done) == [(orders[at], ExpireReason.CANCEL_ALL) for at in which]
    assert done.subject_id == len(which)
    assert venue.engine.open_order_count == 5 - len(which)
    held = sum(event["amount_minor"] for event in done.events if event["asset"] == QUOTE)
    buys = sum(at in (0, 2) for at in which)
    assert held == 100 * buys
    assert venue.balance(ALICE, QUOTE)[1] == 200 - held


def test_cancel_all_with_nothing_open_does_nothing(venue):
    done = sweep(venue, CAROL)
    assert (done.reject, done.events, done.subject_id) == (Reject.NONE, (), 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"flags": 4}, {"side": 1}, {"instrument": 1}, {"flags": 2, "side": 2}, {"price_ticks": 1},
        {"qty_lots": 1}, {"target_id": 1}, {"expire_ns": NS}, {"order_type": 1}, {"self_trade": 1},
        {"quote_minor": 1}, {"trigger_ticks": 1}, {"display_lots": 1}, {"time_in_force": 1},
    ],
)  # fmt: skip
def test_a_sweep_names_no_more_than_its_scope(venue, fields):
    assert sweep(venue, ALICE, **fields).reject == Reject.MALFORMED


def test_a_sweep_needs_an_account_and_a_listed_instrument(venue):
    assert sweep(venue, 3).reject == Reject.UNKNOWN_ACCOUNT
    assert sweep(venue, ALICE, flags=1, instrument=2).reject == Reject.UNKNOWN_INSTRUMENT


def test_a_sweep_of_thousands_has_room_for_every_event():
    venue = open_venue(accounts=2)
    one = {"account": ALICE, "price_ticks": 5, "qty_lots": 1}
    venue.engine.execute(as_commands([command(K.NEW_ORDER, **one)] * 9000))
    done = venue.engine.execute(as_commands([command(K.CANCEL_ALL, account=ALICE)]))
    assert len(done.events) == 9000
    assert venue.engine.balance(ALICE, QUOTE).held_minor == 0


# The dead-man's switch.


def arm(venue, account, second, **fields):
    expire_ns = NOW + second * NS if second else 0
    return venue.do(K.CANCEL_AFTER, account=account, **{"expire_ns": expire_ns} | fields)


def test_a_switch_that_nobody_sets_again_cancels_everything(venue):
    orders = ladder(venue)
    assert arm(venue, ALICE, 5).reject == Reject.NONE
    assert tick(venue, 4).events == ()
    assert left(tick(venue, 5)) == [(order, ExpireReason.DEAD_MAN) for order in orders]
    venue.place(ALICE, BUY, 100, 1)
    assert tick(venue, 50).events == ()


def test_a_switch_set_again_counts_from_anew_and_zero_disarms_it(venue):
    orders = ladder(venue)
    arm(venue, ALICE, 5)
    arm(venue, ALICE, 9)
    assert tick(venue, 8).events == ()
    assert arm(venue, ALICE, 0, time_ns=NOW + 8 * NS).reject == Reject.NONE
    assert arm(venue, ALICE, 0, time_ns=NOW + 8 * NS).reject == Reject.NONE
    assert tick(venue, 99).events == ()
    assert venue.engine.order(orders[0]) is not None


def test_a_switch_with_more_orders_than_a_tick_ends_goes_on_at_the_next():
    venue = open_venue(accounts=2)
    one = {"account": ALICE, "price_ticks": 5, "qty_lots": 1}
    venue.engine.execute(as_commands([command(K.NEW_ORDER, **one)] * (EXPIRIES_MAX + 3)))
    raw = [command(K.CANCEL_AFTER, account=ALICE, expire_ns=NOW + NS)]
    raw += [command(K.TICK, time_ns=NOW + NS)] * 3
    done = venue.engine.execute(as_commands(raw))
    assert done.outcomes["events"].tolist() == [0, EXPIRIES_MAX, 3, 0]


def test_orders_placed_before_the_next_tick_fall_to_the_same_switch(venue):
    arm(venue, ALICE, 5)
    late = venue.place(ALICE, BUY, 100, 1, time_ns=NOW + 6 * NS)
    assert left(tick(venue, 7)) == [(late.seq, ExpireReason.DEAD_MAN)]


@pytest.mark.parametrize(
    "fields",
    [
        {"expire_ns": 5}, {"expire_ns": NOW}, {"expire_ns": -NS}, {"time_ns": NOW + 9 * NS},
        {"flags": 1}, {"side": 1}, {"instrument": 1}, {"qty_lots": 1}, {"target_id": 1},
    ],
)  # fmt: skip
def test_a_switch_is_an_account_and_a_second_to_come(venue, fields):
    assert arm(venue, ALICE, 9, **fields).reject == Reject.MALFORMED


def test_only_customers_have_switches(venue):
    assert arm(venue, 5, 9).reject == Reject.UNKNOWN_ACCOUNT


# The kill switch and the throttle.


def set_account(venue, account, **fields):
    return venue.do(K.SET_ACCOUNT, account=account, **fields)


def test_a_blocked_account_loses_its_orders_and_places_no_more(venue):
    orders = ladder(venue)
    done = set_account(venue, ALICE, blocked=1)
    assert left(done) == [(order, ExpireReason.ACCOUNT_BLOCKED) for order in orders]
    assert venue.place(ALICE, BUY, 100, 1).reject == Reject.ACCOUNT_BLOCKED
    assert venue.place(BOB, BUY, 100, 1).reject == Reject.NONE
    assert venue.withdraw(ALICE, QUOTE, 100).reject == Reject.NONE
    assert set_account(venue, ALICE).events == ()
    assert venue.place(ALICE, BUY, 100, 1).status == OrderStatus.OPEN


def test_a_throttle_lets_a_burst_through_and_then_one_an_interval(venue):
    set_account(venue, ALICE, interval_ns=10, burst=2, time_ns=NOW)
    assert venue.place(ALICE, BUY, 1, 1).reject == Reject.TIME_BACKWARDS
    outcomes = [
        venue.place(ALICE, BUY, 1, 1, time_ns=NOW + after).reject
        for after in (0, 0, 0, 9, 10, 10, 20, 25, 30, 50, 50, 50)
    ]
    through, stopped = Reject.NONE, Reject.THROTTLED
    assert outcomes == [
        through, through, stopped, stopped, through, stopped, through, stopped, through,
        through, through, stopped,
    ]  # fmt: skip


def test_only_orders_that_take_effect_weigh_on_the_throttle_and_cancels_always_pass(venue):
    set_account(venue, ALICE, interval_ns=NS, burst=1)
    assert venue.place(ALICE, BUY, 0, 1).reject == Reject.PRICE_OUT_OF_RANGE
    order = venue.place(ALICE, BUY, 1, 5)
    assert order.reject == Reject.NONE
    assert venue.place(ALICE, BUY, 1, 1).reject == Reject.THROTTLED
    assert venue.amend(ALICE, order.seq, 2).reject == Reject.NONE
    assert venue.cancel(ALICE, order.seq).reject == Reject.NONE
    assert venue.place(BOB, BUY, 1, 1).reject == Reject.NONE


def test_setting_an_account_begins_its_throttle_anew(venue):
    set_account(venue, ALICE, interval_ns=NS, burst=1)
    venue.place(ALICE, BUY, 1, 1)
    set_account(venue, ALICE, interval_ns=NS, burst=1)
    assert venue.place(ALICE, BUY, 1, 1).reject == Reject.NONE
    set_account(venue, ALICE)
    assert venue.place(ALICE, BUY, 1, 1).reject == Reject.NONE


@pytest.mark.parametrize(
    "fields",
    [
        {"blocked": 2}, {"flags": 1}, {"burst": 1}, {"interval_ns": -1, "burst": 1},
        {"interval_ns": 1}, {"interval_ns": 1, "burst": 10**6 + 1},
        {"interval_ns": 3600 * NS + 1, "burst": 1},
    ],
)  # fmt: skip
def test_a_throttle_has_bounds(venue, fields):
    assert set_account(venue, ALICE, **fields).reject == Reject.MALFORMED


def test_only_customers_can_be_set(venue):
    assert set_account(venue, 5, blocked=1).reject == Reject.UNKNOWN_ACCOUNT
    assert set_account(venue, 99, blocked=1).reject == Reject.UNKNOWN_ACCOUNT


def test_timers_switches_and_lists_survive_a_snapshot(venue):
    ladder(venue)
    until(venue, BOB, BUY, 50, 1, 7)
    arm(venue, ALICE, 5)
    set_account(venue, CAROL, interval_ns=NS, burst=1)
    copy = Engine.restore(venue.engine.snapshot())
    raw = as_commands([command(K.TICK, time_ns=NOW + 9 * NS)])
    assert copy.execute(raw).events.tobytes() == venue.engine.execute(raw).events.tobytes()
    assert copy.state_root() == venue.engine.state_root()


def test_base_comes_back_from_every_kind_of_leaving(venue):
    until(venue, ALICE, SELL, 100, 2, 3)
    venue.place(ALICE, SELL, 100, 2)
    assert venue.balance(ALICE, BASE) == (FUNDS - 4 * LOT, 4 * LOT)
    tick(venue, 3)
    sweep(venue, ALICE, time_ns=NOW + 3 * NS)
    assert venue.balance(ALICE, BASE) == (FUNDS, 0)
