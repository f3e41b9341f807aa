"""The ends of every range: no wrap, no loss, no crash."""

import pytest

from ledger.engine.layout import CUSTODY
from ledger.records.codes import CommandKind, OrderStatus, Reject
from matching.units import AMOUNT_MINOR_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.engine.venue import ALICE, BASE, BOB, BUY, QUOTE, SELL, open_venue

K = CommandKind
INT64 = (-(2**63), -(2**62), -1, 2**62, 2**63 - 1)
WIDEST = {
    "lot_minor": 1, "max_price_ticks": PRICE_TICKS_MAX, "max_qty_lots": QTY_LOTS_MAX,
    "notional_num": 2**31 - 1, "notional_den": AMOUNT_MINOR_MAX,
}  # fmt: skip


def test_a_balance_as_large_as_the_whole_supply_moves_and_comes_back():
    venue = open_venue({"lot_minor": 2**61, "max_qty_lots": 1, "notional_num": 2**31 - 1}, funds=0)
    assert venue.deposit(ALICE, BASE, AMOUNT_MINOR_MAX).reject == Reject.NONE
    assert venue.deposit(BOB, QUOTE, AMOUNT_MINOR_MAX).reject == Reject.NONE
    assert venue.deposit(BOB, BASE, 1).reject == Reject.SUPPLY_EXCEEDED
    assert venue.balance(CUSTODY, BASE) == (-AMOUNT_MINOR_MAX, 0)
    venue.place(ALICE, SELL, 10**6, 1)
    done = venue.place(BOB, BUY, 10**6, 1)
    assert done.status == OrderStatus.FILLED
    assert venue.balance(BOB, BASE) == (2**61, 0)
    asked = venue.withdraw(BOB, BASE, 2**61)
    assert asked.reject == Reject.NONE
    assert venue.engine.assert_conservation() == (AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX)


@pytest.mark.parametrize("price", [1, PRICE_TICKS_MAX])
@pytest.mark.parametrize("lots", [1, QTY_LOTS_MAX])
def test_the_widest_instrument_trades_at_all_four_corners(price, lots):
    venue = open_venue(WIDEST, funds=2**60)
    sell = venue.place(ALICE, SELL, price, lots)
    assert sell.status == OrderStatus.OPEN
    done = venue.place(BOB, BUY, price, lots)
    exact = -(-price * lots * (2**31 - 1) // AMOUNT_MINOR_MAX)
    assert (done.status, done.filled_quote_minor) == (OrderStatus.FILLED, exact)


def test_both_ends_of_the_price_range_rest_in_one_book():
    venue = open_venue({"max_price_ticks": PRICE_TICKS_MAX, "max_qty_lots": 10})
    venue.place(ALICE, BUY, 1, 1)
    venue.place(ALICE, SELL, PRICE_TICKS_MAX, 1)
    bids, asks = venue.engine.depth(0, 5)
    assert (int(bids["price_ticks"][0]), int(asks["price_ticks"][0])) == (1, PRICE_TICKS_MAX)
    assert venue.market(BOB, SELL, 1).filled_quote_minor == 1
    assert venue.market(BOB, BUY, 1).filled_quote_minor == PRICE_TICKS_MAX


def test_a_cost_beyond_every_balance_is_out_of_range():
    venue = open_venue({"max_price_ticks": PRICE_TICKS_MAX, "max_qty_lots": QTY_LOTS_MAX,
                        "lot_minor": 1, "notional_num": 2**31 - 1})  # fmt: skip
    for side in (BUY, SELL):
        done = venue.place(ALICE, side, PRICE_TICKS_MAX, QTY_LOTS_MAX)
        assert done.reject == Reject.AMOUNT_OUT_OF_RANGE
    assert venue.place(ALICE, BUY, 2**31 - 1, 1).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.place(ALICE, BUY, 2**31 - 1, 2).reject == Reject.AMOUNT_OUT_OF_RANGE


@pytest.mark.parametrize("value", INT64)
def test_hostile_numbers_in_an_order_are_refused_before_they_are_multiplied(value):
    venue = open_venue(WIDEST)
    assert venue.place(ALICE, BUY, value, 1).reject == Reject.PRICE_OUT_OF_RANGE
    assert venue.place(ALICE, BUY, 1, value).reject == Reject.QTY_OUT_OF_RANGE
    venue.place(BOB, SELL, 1, 1)
    refused = {Reject.NOTIONAL_TOO_SMALL, Reject.AMOUNT_OUT_OF_RANGE}
    assert venue.by_quote(ALICE, BUY, value).reject in refused
    assert venue.cancel(ALICE, value).reject == Reject.UNKNOWN_ORDER
    assert venue.amend(ALICE, 1, value).reject == Reject.QTY_OUT_OF_RANGE


@pytest.mark.parametrize("value", INT64)
def test_hostile_numbers_of_the_venue_itself_are_refused_too(value):
    venue = open_venue()
    refused = {Reject.AMOUNT_OUT_OF_RANGE, Reject.OUT_OF_TURN, Reject.MALFORMED}
    assert venue.deposit(ALICE, BASE, value).reject in refused
    assert venue.deposit(ALICE, BASE, 1, dust_wei=value).reject in refused
    assert venue.cut(value).reject in refused
    assert venue.confirm(value).reject in refused
    assert venue.do(K.RECORD_ANCHOR, anchor_index=value, block=value).reject in refused
    assert venue.do(K.RECORD_REPORT, from_seq=value, to_seq=value).reject in refused


def test_the_lots_of_one_side_never_add_up_to_a_wrap():
    """512 orders of 2^53 - 1 lots stay just below 2^62; one more would reach it."""
    venue = open_venue(WIDEST | {"notional_num": 1})
    outcomes = [venue.place(ALICE, BUY, 1, QTY_LOTS_MAX).reject for _ in range(513)]
    assert outcomes[:512] == [Reject.NONE] * 512
    assert outcomes[512] == Reject.QTY_OUT_OF_RANGE
    assert venue.place(BOB, BUY, 1, 512).reject == Reject.NONE
    bids, _ = venue.engine.depth(0, 1)
    assert int(bids["qty_lots"][0]) == 512 * QTY_LOTS_MAX + 512 == 2**62


def test_a_quote_budget_of_the_whole_supply_does_not_wrap():
    venue = open_venue(WIDEST, funds=2**60)
    venue.place(ALICE, SELL, PRICE_TICKS_MAX, QTY_LOTS_MAX)
    done = venue.by_quote(BOB, BUY, 2**60)
    assert (done.status, done.filled_lots) == (OrderStatus.EXPIRED, QTY_LOTS_MAX)
    assert venue.by_quote(BOB, BUY, AMOUNT_MINOR_MAX).reject == Reject.NO_LIQUIDITY


def test_a_cost_of_exactly_the_largest_balance_is_in_range():
    """2^62 - 1 is (2^31 - 1)(2^31 + 1): one lot more is beyond."""
    venue = open_venue({"max_price_ticks": PRICE_TICKS_MAX, "max_qty_lots": QTY_LOTS_MAX,
                        "lot_minor": 1}, funds=0)  # fmt: skip
    venue.deposit(ALICE, QUOTE, AMOUNT_MINOR_MAX)
    price, lots = 2**31 - 1, 2**31 + 1
    assert venue.place(ALICE, BUY, price, lots + 1).reject == Reject.AMOUNT_OUT_OF_RANGE
    assert venue.place(ALICE, BUY, price, lots).status == OrderStatus.OPEN
    assert venue.balance(ALICE, QUOTE) == (0, AMOUNT_MINOR_MAX)
