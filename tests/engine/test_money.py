"""Fees, rebates and rounding: always against the account, never lost, never invented."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.engine.layout import FEES, ROUNDING
from ledger.records.codes import OrderStatus, Reject
from matching.units import PPM
from tests.engine.venue import ALICE, BASE, BOB, BUY, FUNDS, QUOTE, SELL, open_venue

LOT = 1000


def test_fees_are_taken_from_what_is_received_rounded_up():
    venue = open_venue({"maker_fee_ppm": 150, "taker_fee_ppm": 333})
    venue.place(BOB, SELL, 77, 3)
    (trade,) = venue.place(ALICE, BUY, 77, 3).events
    assert trade["fee_minor"] == -(-3 * LOT * 333 // PPM) == 1
    assert trade["counter_fee_minor"] == -(-231 * 150 // PPM) == 1
    assert venue.balance(ALICE, BASE) == (FUNDS + 3 * LOT - 1, 0)
    assert venue.balance(BOB, QUOTE) == (FUNDS + 230, 0)
    assert (venue.balance(FEES, BASE), venue.balance(FEES, QUOTE)) == ((1, 0), (1, 0))


def test_a_seller_who_takes_pays_its_fee_in_quote():
    venue = open_venue({"maker_fee_ppm": 1000, "taker_fee_ppm": 2000})
    venue.place(BOB, BUY, 1000, 10)
    (trade,) = venue.place(ALICE, SELL, 1000, 10).events
    assert (trade["fee_minor"], trade["counter_fee_minor"]) == (20, 10)
    assert venue.balance(ALICE, QUOTE) == (FUNDS + 10_000 - 20, 0)
    assert venue.balance(BOB, BASE) == (FUNDS + 10 * LOT - 10, 0)


def test_a_rebate_comes_out_of_the_fees_account_and_never_overdraws_it():
    venue = open_venue({"maker_fee_ppm": -1000, "taker_fee_ppm": 1000})
    venue.place(BOB, SELL, 1000, 10)
    (first,) = venue.place(ALICE, BUY, 1000, 10).events
    assert first["counter_fee_minor"] == 0, "no quote fee was earned yet"
    venue.place(BOB, BUY, 1000, 3)
    (second,) = venue.place(ALICE, SELL, 1000, 3).events
    assert second["fee_minor"] == 3
    assert second["counter_fee_minor"] == -3, "3 of the 10 base units earned before"
    venue.place(BOB, SELL, 1000, 100)
    (third,) = venue.place(ALICE, BUY, 1000, 100).events
    assert third["counter_fee_minor"] == -3, "all the quote there is, though 100 were due"
    assert venue.balance(FEES, QUOTE) == (0, 0)


def test_a_rebate_is_rounded_down():
    venue = open_venue({"maker_fee_ppm": -999, "taker_fee_ppm": 100_000})
    venue.place(BOB, BUY, 1, 1)
    (trade,) = venue.place(ALICE, SELL, 1, 1).events
    assert trade["counter_fee_minor"] == -(LOT * 999 // PPM) == 0


def test_the_remainder_of_a_price_goes_to_the_rounding_account():
    venue = open_venue({"notional_den": 10})
    venue.place(BOB, SELL, 7, 3)
    (trade,) = venue.place(ALICE, BUY, 7, 3).events
    assert (trade["quote_minor"], trade["amount_minor"]) == (2, 1)
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 3, 0)
    assert venue.balance(BOB, QUOTE) == (FUNDS + 2, 0)
    assert venue.balance(ROUNDING, QUOTE) == (1, 0)


def test_a_trade_worth_less_than_a_unit_costs_the_buyer_one_and_gives_the_seller_none():
    venue = open_venue({"notional_den": 1000})
    venue.place(BOB, SELL, 1, 1)
    done = venue.place(ALICE, BUY, 1, 1)
    assert done.filled_quote_minor == 1
    assert venue.balance(BOB, QUOTE) == (FUNDS, 0)


FILLS = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@given(
    st.integers(1, 60), st.integers(1, 50), st.integers(1, 997), FILLS, st.booleans(),
)  # fmt: skip
def test_a_buyer_pays_the_ceiling_of_the_exact_cost_however_it_is_filled(
    price, num, den, fills, takes
):
    """As a taker over many makers or as a maker filled bit by bit: prefix by prefix."""
    venue = open_venue({"notional_num": num, "notional_den": den}, accounts=2)
    total = sum(fills)
    exact = Fraction(price * num, den)
    if takes:
        for lots in fills:
            venue.place(BOB, SELL, price, lots)
        done = venue.place(ALICE, BUY, price, total)
        paid, filled = 0, 0
        for event in done.events:
            paid += event["quote_minor"] + event["amount_minor"]
            filled += event["qty_lots"]
            assert paid == ceiling(exact * filled)
            assert event["quote_minor"] == exact * event["qty_lots"] // 1
    else:
        order = venue.place(ALICE, BUY, price, total)
        before, filled = venue.balance(ALICE, QUOTE), 0
        assert before[1] == ceiling(exact * total)
        for lots in fills:
            venue.place(BOB, SELL, price, lots)
            filled += lots
            held = ceiling(exact * total) - ceiling(exact * filled)
            assert venue.balance(ALICE, QUOTE) == (before[0], held)
        assert venue.engine.order(order.seq) is None
    assert venue.balance(ALICE, QUOTE) == (FUNDS - ceiling(exact * total), 0)


def ceiling(exact):
    return -(-exact // 1)


def test_the_carry_of_the_part_that_took_lives_on_in_the_part_that_rests():
    venue = open_venue({"notional_den": 10})
    venue.place(BOB, SELL, 3, 1)
    order = venue.place(ALICE, BUY, 4, 4)
    assert order.filled_quote_minor == 1, "0.3 exactly, rounded up"
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 2, 1), "0.3 + 1.2 costs 2 in all"
    venue.place(BOB, SELL, 4, 3)
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 2, 0)


def test_an_amend_recomputes_the_hold_from_what_was_paid():
    venue = open_venue({"notional_den": 10})
    order = venue.place(ALICE, BUY, 7, 10)
    venue.place(BOB, SELL, 7, 1)
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 7, 6)
    done = venue.amend(ALICE, order.seq, 2)
    assert (done.reject, done.amount_minor) == (Reject.NONE, 5)
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 2, 1), "1.4 exactly costs 2"


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 20)), min_size=1, max_size=8),
    st.integers(1, 400),
    st.integers(1, 50),
    st.integers(1, 97),
)
def test_buying_by_quote_buys_the_most_that_the_quote_affords(makers, budget, num, den):
    venue = open_venue({"notional_num": num, "notional_den": den}, accounts=2)
    for price, lots in makers:
        venue.place(BOB, SELL, price, lots)
    done = venue.by_quote(ALICE, BUY, budget)
    exact, filled = Fraction(0), 0
    for price, lots in sorted(makers, key=lambda maker: maker[0]):
        take = lots
        while ceiling(exact + Fraction(price * take * num, den)) > budget:
            take -= 1
        exact += Fraction(price * take * num, den)
        filled += take
        if take < lots:
            break
    assert done.filled_lots == filled
    assert done.filled_quote_minor == ceiling(exact) <= budget


@pytest.mark.parametrize("side", [BUY, SELL])
def test_fees_do_not_change_what_an_order_may_place(side):
    venue = open_venue({"maker_fee_ppm": 100_000, "taker_fee_ppm": 100_000}, funds=5000)
    lots = 5 if side == SELL else 5000
    assert venue.place(ALICE, side, 1, lots).status == OrderStatus.OPEN
