"""Orders: how each kind trades, rests, expires, and what it holds."""

import pytest

from ledger.engine.limits import LOOKAHEAD_MAX
from ledger.records.build import command
from ledger.records.codes import (
    CommandKind,
    EventKind,
    OrderStatus,
    OrderType,
    Reject,
    TimeInForce,
)
from tests.engine.venue import (
    ALICE,
    BASE,
    BOB,
    BUY,
    CAROL,
    EXPIRE_BOTH,
    EXPIRE_MAKER,
    EXPIRE_TAKER,
    FUNDS,
    QUOTE,
    SELL,
    open_venue,
)

LOT = 1000


@pytest.fixture
def venue():
    return open_venue()


def prices(done):
    return [event["price_ticks"] for event in done.events]


def depth(venue):
    bids, asks = venue.engine.depth(0, 10)
    return [tuple(map(int, row)) for row in bids], [tuple(map(int, row)) for row in asks]


def test_a_resting_buy_holds_its_cost_and_a_resting_sell_its_base(venue):
    venue.place(ALICE, BUY, 100, 7)
    venue.place(BOB, SELL, 101, 9)
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 700, 700)
    assert venue.balance(BOB, BASE) == (FUNDS - 9 * LOT, 9 * LOT)
    assert depth(venue) == ([(100, 7, 1)], [(101, 9, 1)])


def test_a_crossing_order_trades_at_the_makers_price(venue):
    maker = venue.place(BOB, SELL, 90, 5)
    taker = venue.place(ALICE, BUY, 100, 5)
    assert taker.status == OrderStatus.FILLED
    assert (taker.filled_lots, taker.filled_quote_minor, taker.remaining_lots) == (5, 450, 0)
    (trade,) = taker.events
    assert trade["kind"] == EventKind.TRADE
    assert (trade["account"], trade["counter_account"]) == (ALICE, BOB)
    assert (trade["order_id"], trade["counter_order_id"]) == (taker.seq, maker.seq)
    assert (trade["side"], trade["trade_id"], trade["price_ticks"]) == (BUY, 1, 90)
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 450, 0)
    assert venue.balance(ALICE, BASE) == (FUNDS + 5 * LOT, 0)
    assert venue.balance(BOB, QUOTE) == (FUNDS + 450, 0)
    assert venue.balance(BOB, BASE) == (FUNDS - 5 * LOT, 0)


def test_better_prices_trade_first_and_then_earlier_orders(venue):
    first = venue.place(ALICE, SELL, 102, 1)
    venue.place(ALICE, SELL, 101, 1)
    last = venue.place(BOB, SELL, 102, 1)
    taker = venue.place(CAROL, BUY, 102, 3)
    assert prices(taker) == [101, 102, 102]
    assert [event["counter_order_id"] for event in taker.events][1:] == [first.seq, last.seq]
    assert [event["index"] for event in taker.events] == [0, 1, 2]
    assert [event["trade_id"] for event in taker.events] == [1, 2, 3]


def test_bids_are_taken_from_the_highest_down_to_the_limit(venue):
    for price in (98, 100, 99):
        venue.place(ALICE, BUY, price, 1)
    taker = venue.place(BOB, SELL, 99, 3)
    assert prices(taker) == [100, 99]
    assert taker.status == OrderStatus.PARTLY_FILLED
    assert depth(venue) == ([(98, 1, 1)], [(99, 1, 1)])


def test_what_is_left_of_a_limit_order_rests_with_its_own_hold(venue):
    venue.place(BOB, SELL, 90, 2)
    taker = venue.place(ALICE, BUY, 100, 5)
    assert (taker.status, taker.remaining_lots) == (OrderStatus.PARTLY_FILLED, 3)
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 2 * 90 - 3 * 100, 3 * 100)
    order = venue.engine.order(taker.seq)
    assert (order.qty_lots, order.remaining_lots, order.held_minor) == (5, 3, 300)


def test_an_order_id_is_the_seq_of_its_command(venue):
    done = venue.place(ALICE, BUY, 100, 1)
    assert done.subject_id == done.seq == venue.engine.order(done.seq).order_id


def test_immediate_or_cancel_never_rests(venue):
    venue.place(BOB, SELL, 100, 2)
    done = venue.ioc(ALICE, BUY, 100, 5)
    assert (done.status, done.filled_lots, done.remaining_lots) == (OrderStatus.EXPIRED, 2, 3)
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 200, 0)
    assert venue.engine.open_order_count == 0


def test_immediate_or_cancel_without_a_match_expires_untouched(venue):
    done = venue.ioc(ALICE, BUY, 100, 5)
    assert (done.reject, done.status, done.events) == (Reject.NONE, OrderStatus.EXPIRED, ())


def test_fill_or_kill_fills_whole_or_changes_nothing(venue):
    venue.place(BOB, SELL, 100, 2)
    venue.place(BOB, SELL, 101, 2)
    assert venue.fok(ALICE, BUY, 100, 3).reject == Reject.CANNOT_FILL
    assert venue.fok(ALICE, BUY, 101, 5).reject == Reject.CANNOT_FILL
    done = venue.fok(ALICE, BUY, 101, 3)
    assert (done.status, done.filled_lots, prices(done)) == (OrderStatus.FILLED, 3, [100, 101])


def test_fill_or_kill_looks_past_its_own_orders_only_when_they_would_leave(venue):
    own = venue.place(ALICE, SELL, 100, 2)
    venue.place(BOB, SELL, 101, 2)
    for choice in (EXPIRE_TAKER, EXPIRE_BOTH):
        assert venue.fok(ALICE, BUY, 101, 2, self_trade=choice).reject == Reject.CANNOT_FILL
    done = venue.fok(ALICE, BUY, 101, 2, self_trade=EXPIRE_MAKER)
    assert done.status == OrderStatus.FILLED
    assert venue.engine.order(own.seq) is None


def test_post_only_rests_or_is_refused(venue):
    venue.place(BOB, SELL, 100, 1)
    assert venue.post(ALICE, BUY, 100, 1).reject == Reject.WOULD_TAKE
    assert venue.post(ALICE, BUY, 99, 1).status == OrderStatus.OPEN


def test_a_market_order_takes_whatever_price(venue):
    venue.place(BOB, SELL, 100, 1)
    venue.place(BOB, SELL, 10**6, 1)
    done = venue.market(ALICE, BUY, 2)
    assert (done.status, done.filled_quote_minor) == (OrderStatus.FILLED, 100 + 10**6)


def test_what_a_market_order_cannot_fill_expires(venue):
    venue.place(BOB, BUY, 100, 1)
    done = venue.market(ALICE, SELL, 3)
    assert (done.status, done.filled_lots, done.remaining_lots) == (OrderStatus.EXPIRED, 1, 2)


def test_a_market_order_against_nothing_is_refused(venue):
    assert venue.market(ALICE, BUY, 1).reject == Reject.NO_LIQUIDITY
    venue.place(BOB, BUY, 100, 1)
    assert venue.market(ALICE, BUY, 1).reject == Reject.NO_LIQUIDITY


def test_a_market_buy_beyond_its_means_is_refused_whole(venue):
    venue.place(BOB, SELL, 10**6, 10**6)
    venue.withdraw(ALICE, QUOTE, FUNDS - 10**7)
    assert venue.market(ALICE, BUY, 11).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.market(ALICE, BUY, 10).status == OrderStatus.FILLED


def test_a_market_fill_or_kill_is_one_too(venue):
    venue.place(BOB, SELL, 100, 2)
    refused = venue.market(ALICE, BUY, 3, time_in_force=TimeInForce.FOK)
    assert refused.reject == Reject.CANNOT_FILL
    assert venue.market(ALICE, BUY, 2, time_in_force=TimeInForce.FOK).filled_lots == 2


def test_buying_by_quote_spends_no_more_than_it_says(venue):
    venue.place(BOB, SELL, 100, 2)
    venue.place(BOB, SELL, 150, 5)
    done = venue.by_quote(ALICE, BUY, 400)
    assert (done.status, done.filled_lots, done.filled_quote_minor) == (OrderStatus.FILLED, 3, 350)
    assert done.remaining_lots == 0
    assert all(event["remaining_lots"] == 0 for event in done.events)


def test_selling_by_quote_receives_no_more_than_it_says(venue):
    venue.place(BOB, BUY, 100, 2)
    venue.place(BOB, BUY, 90, 5)
    done = venue.by_quote(ALICE, SELL, 400)
    assert (done.status, done.filled_lots, done.filled_quote_minor) == (OrderStatus.FILLED, 4, 380)


def test_a_quote_too_small_for_one_lot_fills_nothing(venue):
    venue.place(BOB, SELL, 100, 2)
    done = venue.by_quote(ALICE, BUY, 99)
    assert (done.reject, done.status, done.filled_lots) == (Reject.NONE, OrderStatus.EXPIRED, 0)


def test_a_quote_that_outlasts_the_book_expires(venue):
    venue.place(BOB, SELL, 100, 2)
    done = venue.by_quote(ALICE, BUY, 1000)
    assert (done.status, done.filled_lots) == (OrderStatus.EXPIRED, 2)


def test_selling_by_quote_beyond_ones_base_is_refused(venue):
    venue.place(BOB, BUY, 1, 10**6)
    venue.withdraw(ALICE, BASE, FUNDS - 5 * LOT)
    assert venue.by_quote(ALICE, SELL, 6).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.by_quote(ALICE, SELL, 5).status == OrderStatus.FILLED


def test_expire_taker_leaves_the_resting_order(venue):
    own = venue.place(ALICE, SELL, 100, 2)
    done = venue.place(ALICE, BUY, 100, 5, self_trade=EXPIRE_TAKER)
    assert (done.status, done.events, done.remaining_lots) == (OrderStatus.EXPIRED, (), 5)
    assert venue.engine.order(own.seq).remaining_lots == 2


def test_expire_maker_takes_the_resting_order_out_and_goes_on(venue):
    own = venue.place(ALICE, SELL, 100, 2)
    venue.place(BOB, SELL, 101, 1)
    done = venue.place(ALICE, BUY, 101, 5, self_trade=EXPIRE_MAKER)
    expired, trade = done.events
    assert expired["kind"] == EventKind.ORDER_EXPIRED
    assert (expired["order_id"], expired["counter_order_id"]) == (own.seq, done.seq)
    assert (expired["side"], expired["qty_lots"], expired["amount_minor"]) == (SELL, 2, 2 * LOT)
    assert (expired["account"], expired["asset"]) == (ALICE, BASE)
    assert trade["kind"] == EventKind.TRADE
    assert done.status == OrderStatus.PARTLY_FILLED
    assert venue.balance(ALICE, BASE) == (FUNDS + LOT, 0)


def test_expire_both_takes_both_out(venue):
    own = venue.place(ALICE, BUY, 100, 2)
    done = venue.place(ALICE, SELL, 100, 5, self_trade=EXPIRE_BOTH)
    assert (done.status, len(done.events)) == (OrderStatus.EXPIRED, 1)
    assert venue.engine.order(own.seq) is None
    assert venue.balance(ALICE, QUOTE) == (FUNDS, 0)


def test_self_trade_prevention_keeps_what_was_traded_before(venue):
    venue.place(BOB, SELL, 99, 1)
    venue.place(ALICE, SELL, 100, 1)
    done = venue.place(ALICE, BUY, 100, 5)
    assert (done.status, done.filled_lots, done.remaining_lots) == (OrderStatus.EXPIRED, 1, 4)


def test_cancelling_gives_the_hold_back(venue):
    order = venue.place(ALICE, BUY, 100, 7)
    venue.place(BOB, SELL, 100, 2)
    done = venue.cancel(ALICE, order.seq)
    assert (done.status, done.remaining_lots, done.amount_minor) == (OrderStatus.CANCELED, 5, 500)
    assert done.subject_id == order.seq
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 200, 0)
    assert venue.cancel(ALICE, order.seq).reject == Reject.UNKNOWN_ORDER


def test_only_the_owner_cancels_and_amends_and_only_under_its_instrument():
    venue = open_venue({}, {})
    order = venue.place(ALICE, BUY, 100, 7, instrument=1)
    assert venue.cancel(BOB, order.seq, instrument=1).reject == Reject.NOT_OWNER
    assert venue.amend(BOB, order.seq, 3, instrument=1).reject == Reject.NOT_OWNER
    assert venue.cancel(ALICE, order.seq, instrument=0).reject == Reject.UNKNOWN_ORDER
    assert venue.cancel(ALICE, order.seq, instrument=2).reject == Reject.UNKNOWN_INSTRUMENT
    assert venue.cancel(ALICE, order.seq, instrument=1).status == OrderStatus.CANCELED


def test_amending_smaller_keeps_the_place_in_the_queue(venue):
    first = venue.place(ALICE, SELL, 100, 10)
    venue.place(BOB, SELL, 100, 10)
    done = venue.amend(ALICE, first.seq, 4)
    assert (done.status, done.remaining_lots) == (OrderStatus.OPEN, 4)
    assert done.amount_minor == 6 * LOT
    taker = venue.place(CAROL, BUY, 100, 5)
    assert [event["counter_order_id"] for event in taker.events] == [first.seq, first.seq + 1]


@pytest.mark.parametrize("lots", [10, 11, 3, 2, 1])
def test_an_amend_must_be_smaller_and_above_what_is_filled(venue, lots):
    order = venue.place(ALICE, SELL, 100, 10)
    venue.place(BOB, BUY, 100, 3)
    assert venue.amend(ALICE, order.seq, lots).reject == Reject.NOTHING_TO_AMEND
    done = venue.amend(ALICE, order.seq, 4)
    assert (done.status, done.remaining_lots) == (OrderStatus.PARTLY_FILLED, 1)


def test_amending_a_buy_gives_back_what_the_rest_no_longer_costs(venue):
    order = venue.place(ALICE, BUY, 100, 10)
    assert venue.amend(ALICE, order.seq, 1).amount_minor == 900
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 100, 100)


def test_books_of_two_instruments_do_not_meet():
    venue = open_venue({}, {})
    venue.place(ALICE, SELL, 100, 1, instrument=0)
    assert venue.place(BOB, BUY, 200, 1, instrument=1).status == OrderStatus.OPEN


def test_the_notional_minimum_counts_the_limit_price():
    venue = open_venue({"min_notional_minor": 100})
    assert venue.place(ALICE, BUY, 33, 3).reject == Reject.NOTIONAL_TOO_SMALL
    assert venue.place(ALICE, BUY, 50, 2).status == OrderStatus.OPEN
    assert venue.by_quote(BOB, SELL, 99).reject == Reject.NOTIONAL_TOO_SMALL


def test_a_balance_is_enough_to_the_unit():
    venue = open_venue(funds=1000)
    assert venue.place(ALICE, BUY, 1001, 1).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.place(ALICE, BUY, 1000, 1).status == OrderStatus.OPEN
    assert venue.place(BOB, SELL, 1001, 2).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.place(BOB, SELL, 1001, 1).status == OrderStatus.OPEN


def test_a_lookahead_has_an_end_for_fill_or_kill_and_market_orders():
    venue = open_venue(accounts=2)
    makers = LOOKAHEAD_MAX + 5
    sell = {"side": SELL, "price_ticks": 10, "qty_lots": 1}
    venue.batch(*[command(CommandKind.NEW_ORDER, account=BOB, **sell)] * makers)
    assert venue.fok(ALICE, BUY, 10, LOOKAHEAD_MAX + 1).reject == Reject.CANNOT_FILL
    assert venue.fok(ALICE, BUY, 10, LOOKAHEAD_MAX).filled_lots == LOOKAHEAD_MAX
    assert venue.market(ALICE, BUY, 5).filled_lots == 5


def test_beyond_its_lookahead_a_market_order_trades_until_its_money_ends():
    venue = open_venue(accounts=2)
    makers = LOOKAHEAD_MAX + 100
    sell = {"side": SELL, "price_ticks": 10, "qty_lots": 1}
    venue.batch(*[command(CommandKind.NEW_ORDER, account=BOB, **sell)] * makers)
    affordable = LOOKAHEAD_MAX + 50
    venue.withdraw(ALICE, QUOTE, FUNDS - 10 * affordable - 9)
    done = venue.market(ALICE, BUY, makers)
    assert (done.status, done.filled_lots) == (OrderStatus.EXPIRED, affordable)
    assert venue.balance(ALICE, QUOTE)[0] == 9


@pytest.mark.parametrize(
    "fields",
    [
        {"flags": 4},
        {"side": 2},
        {"order_type": 2},
        {"time_in_force": 4},
        {"self_trade": 4},
        {"flags": 1, "time_in_force": 1},
        {"flags": 1, "order_type": 1, "price_ticks": 0},
        {"flags": 2},
        {"flags": 2, "order_type": 1, "price_ticks": 0, "quote_minor": 5},
        {"flags": 2, "order_type": 1, "price_ticks": 0, "qty_lots": 0, "time_in_force": 2},
        {"quote_minor": 1},
        {"order_type": OrderType.MARKET},
        {"trigger_ticks": 1},
        {"display_lots": 1},
        {"expire_ns": 1},
        {"target_id": 1},
    ],
)
def test_what_an_order_does_not_use_must_be_zero(venue, fields):
    venue.place(BOB, SELL, 200, 1)
    assert venue.place(ALICE, BUY, 100, 1, **fields).reject == Reject.MALFORMED


@pytest.mark.parametrize(
    "fields",
    [{"flags": 1}, {"side": 1}, {"price_ticks": 1}, {"quote_minor": 1}, {"self_trade": 1}],
)
def test_cancels_and_amends_name_an_order_and_nothing_else(venue, fields):
    order = venue.place(ALICE, BUY, 100, 5)
    assert venue.cancel(ALICE, order.seq, **fields).reject == Reject.MALFORMED
    assert venue.amend(ALICE, order.seq, 3, **fields).reject == Reject.MALFORMED
    assert venue.cancel(ALICE, order.seq, qty_lots=1).reject == Reject.MALFORMED
    assert venue.cancel(ALICE, order.seq, client_id=b"its-own", session=3).reject == Reject.NONE
