"""Negative balances cost their asset's hourly rate, and the fund gets it: credit.md 3.1."""

from fractions import Fraction
from math import ceil

import pytest

from ledger.engine import Engine
from ledger.engine.credit_layout import LENDING_POOL
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records.codes import CommandKind, EventKind, Reject
from matching.units import AMOUNT_MINOR_MAX
from tests.engine.account_venue import of_kind
from tests.engine.credit_streams import CreditStream, list_pair
from tests.engine.perpetual_venue import (
    ALICE,
    BOB,
    BUY,
    CAROL,
    CLEARING,
    COIN,
    DOLLAR,
    FEES,
    INSURANCE,
    MID,
    SECOND,
    SELL,
    PerpetualVenue,
)
from tests.engine.streams import as_commands

K = CommandKind
HOUR = 3600
RATE = 3 * 10**8
"""An hour costs 0.03 %."""
LIMITS = {"open_ppm": 900_000, "call_ppm": 950_000, "liquidate_ppm": 980_000}
SYSTEM = range(CUSTOMER_FIRST)


def venue_with_a_loss(lots=1_000, hourly_ppt=RATE):
    """Alice has coins alone, and has lost dollars to Bob: 0.3 a lot and tick; she is flat."""
    venue = PerpetualVenue(dollars=0, coins=10**7)
    venue.deposit(BOB, DOLLAR, 10**7, time_ns=venue.now)
    venue.deposit(CAROL, DOLLAR, 10**7, time_ns=venue.now)
    if hourly_ppt is not None:
        lend(venue, hourly_ppt=hourly_ppt)
    venue.trade(ALICE, BOB, lots, MID)
    venue.trade(BOB, ALICE, lots, MID - 100)
    return venue


def lend(venue, asset=DOLLAR, **fields):
    terms = LIMITS | {"hourly_ppt": RATE, "limit_minor": 10**9}
    done = venue.do(K.SET_LENDING, asset=asset, **terms | fields)
    assert done.reject == Reject.NONE


def charged(done):
    """(account, asset, interest, short after it) of each balance that paid."""
    return [
        (e["account"], e["asset"], e["amount_minor"], e["quote_minor"])
        for e in of_kind(done, EventKind.OVERDRAFT_CHARGED)
    ]


def due(short, ppt):
    return ceil(Fraction(short * ppt, 10**12))


def later(venue, seconds=HOUR, ticks=MID):
    """A TICK that much later, at the same price unless said otherwise."""
    return venue.move(ticks, seconds)


def test_a_negative_balance_pays_its_hour_to_the_fund_and_equity_falls_by_that():
    venue = venue_with_a_loss()
    short = -venue.cash(ALICE)
    assert short == 30_000
    before = {account: venue.cash(account) for account in (*SYSTEM, BOB, CAROL)}
    equity = venue.engine.standing(ALICE).equity_minor
    done = later(venue)
    interest = due(short, RATE)
    assert interest == 9
    assert charged(done) == [(ALICE, DOLLAR, interest, short + interest)]
    (event,) = of_kind(done, EventKind.OVERDRAFT_CHARGED)
    assert event["counter_account"] == INSURANCE
    assert venue.cash(ALICE) == -short - interest
    assert venue.engine.standing(ALICE).equity_minor == equity - interest
    before[INSURANCE] += interest
    assert {account: venue.cash(account) for account in before} == before


def test_within_an_hour_nothing_is_due_and_the_next_one_charges_what_is_short_by_then():
    venue = venue_with_a_loss()
    assert charged(later(venue, 5)) == []
    first = charged(later(venue))
    assert charged(later(venue, 5)) == []
    (_, _, interest, short) = charged(later(venue))[0]
    assert short - interest == first[0][3]
    assert interest == due(first[0][3], RATE)


@pytest.mark.parametrize("hours", [2, 7, 1000])
def test_hours_that_turn_at_once_are_all_charged_on_what_is_short_then(hours):
    venue = venue_with_a_loss()
    short = -venue.cash(ALICE)
    done = later(venue, hours * HOUR)
    assert charged(done)[0][2] == due(short, hours * RATE)


def test_a_new_rate_counts_from_its_hour_on_though_no_tick_came_between():
    venue = venue_with_a_loss()
    short = -venue.cash(ALICE)
    venue.now += 2 * HOUR * SECOND
    lend(venue, hourly_ppt=5 * RATE)
    done = later(venue, 3 * HOUR)
    assert charged(done)[0][2] == due(short, 2 * RATE + 3 * 5 * RATE)


def test_a_balance_that_comes_back_within_the_hour_costs_nothing():
    venue = venue_with_a_loss()
    venue.deposit(ALICE, DOLLAR, 30_000, time_ns=venue.now)
    assert charged(later(venue)) == []
    assert venue.cash(ALICE) == 0


@pytest.mark.parametrize("hourly_ppt", [None, 0])
def test_without_a_rule_or_a_rate_nothing_is_charged(hourly_ppt):
    venue = venue_with_a_loss(hourly_ppt=hourly_ppt)
    assert charged(later(venue, 48 * HOUR)) == []
    assert venue.cash(ALICE) == -30_000


def test_a_first_rule_charges_nothing_for_the_hours_before_it():
    venue = venue_with_a_loss(hourly_ppt=None)
    later(venue, 48 * HOUR)
    lend(venue)
    assert charged(later(venue, 1)) == []
    assert charged(later(venue))[0][2] == due(30_000, RATE)


def test_the_smallest_debt_and_rate_still_cost_a_unit():
    venue = venue_with_a_loss(lots=1, hourly_ppt=1)
    assert venue.cash(ALICE) == -30
    assert charged(later(venue)) == [(ALICE, DOLLAR, 1, 31)]


def test_system_accounts_are_short_without_paying():
    venue = venue_with_a_loss()
    lend(venue, COIN)
    # Whoever wins without closing is owed by clearing; custody owes everybody.
    venue.trade(BOB, CAROL, 500, MID)
    venue.trade(ALICE, BOB, 500, MID + 50)
    short = [account for account in SYSTEM if venue.cash(account) < 0]
    assert CLEARING in short
    done = later(venue)
    assert {account for account, *_ in charged(done)} == {ALICE}
    assert venue.cash(FEES) == venue.cash(LENDING_POOL) == 0


def test_holds_and_unrealized_losses_cost_nothing():
    venue = PerpetualVenue(dollars=10**6)
    lend(venue)
    venue.trade(ALICE, BOB, 1_000, MID)
    done = later(venue, ticks=MID - 50)
    assert venue.engine.standing(ALICE).equity_minor < 10**6
    assert charged(done) == []


def test_a_loan_pays_the_pool_and_what_is_short_beside_it_the_fund_each_once():
    venue = PerpetualVenue(dollars=0, coins=10**7)
    assert venue.batch(list_pair(venue.now, maker_fee_ppm=0, taker_fee_ppm=0))[0].reject == 0
    lend(venue)
    for account in (LENDING_POOL, BOB):
        venue.deposit(account, DOLLAR, 10**7, time_ns=venue.now)
    assert venue.do(K.SET_MARGIN, account=ALICE, leverage=10).reject == Reject.NONE
    venue.place(BOB, SELL, MID, 20_000, instrument=3)
    assert venue.place(ALICE, BUY, MID, 20_000, instrument=3).filled_lots == 20_000
    venue.trade(ALICE, BOB, 1_000, MID)
    venue.trade(BOB, ALICE, 1_000, MID - 100)
    short, pool, fund = -venue.cash(ALICE), venue.cash(LENDING_POOL), venue.cash(INSURANCE)
    (loan,) = venue.engine.credit(ALICE).loans
    assert (short, loan.principal_minor) == (30_000, 20_000)
    equity = venue.engine.standing(ALICE).equity_minor
    done = later(venue)
    (after,) = venue.engine.credit(ALICE).loans
    assert after.principal_minor == loan.principal_minor
    assert after.interest_minor - loan.interest_minor == due(20_000, RATE) == 6
    assert charged(done) == [(ALICE, DOLLAR, 9, short + 9)]
    assert (venue.cash(LENDING_POOL), venue.cash(INSURANCE)) == (pool, fund + 9)
    assert venue.engine.standing(ALICE).equity_minor == equity - 6 - 9


def test_interest_brings_an_account_to_fall_in_the_same_tick():
    venue = venue_with_a_loss(hourly_ppt=10**10)
    # Nothing but interest moves: 1 % an hour, until the coins no longer carry the debt.
    short, left = -venue.cash(ALICE), 40_000
    while venue.cash(ALICE, COIN) > left:
        leaving = venue.engine.standing(ALICE).equity_minor * 94 // 100
        leaving = min(leaving, venue.cash(ALICE, COIN) - left)
        assert venue.withdraw(ALICE, COIN, leaving).reject == Reject.NONE
    for _ in range(40):
        done = later(venue)
        assert charged(done)[0][2] == due(short, 10**10)
        short = charged(done)[0][3]
        if of_kind(done, EventKind.ACCOUNT_FELL):
            break
    else:
        pytest.fail("it never fell")
    # Its coins, at their haircut of 10 %, no longer covered the debt and 5 % of it.
    assert 36_000 * 100 <= short * 105 <= 36_000 * 102
    assert venue.cash(ALICE) == 0


def test_an_hour_charges_asset_by_asset_and_account_by_account():
    venue = venue_with_a_loss()
    venue.deposit(ALICE, DOLLAR, 100, time_ns=venue.now)
    venue.trade(CAROL, BOB, 40_000, MID)
    venue.trade(BOB, CAROL, 40_000, MID - 9_000 // 10)
    assert venue.cash(CAROL) < 0
    found = charged(later(venue))
    assert [account for account, *_ in found] == [ALICE, CAROL]


def test_a_debt_ends_where_amounts_end():
    venue = PerpetualVenue()
    lend(venue, hourly_ppt=10**10)
    # What no market could bring about: one posting as large as amounts go, from who never traded.
    dave, edge = CAROL + 1, AMOUNT_MINOR_MAX - 5
    assert venue.do(K.OPEN_ACCOUNT, account=dave).reject == Reject.NONE
    for account, amount in ((dave, -edge), (BOB, edge)):
        venue.engine._state.balances["available_minor"][DOLLAR, account] += amount
    venue.reference.state.move(DOLLAR, dave, BOB, edge)
    assert charged(later(venue)) == [(dave, DOLLAR, 5, AMOUNT_MINOR_MAX)]
    assert charged(later(venue)) == []
    assert (venue.cash(dave), venue.cash(INSURANCE)) == (-AMOUNT_MINOR_MAX, 5)


def test_the_streams_charge_overdrafts_and_conserve():
    seen = 0
    for seed in range(12):
        engine = Engine()
        stream = CreditStream(seed + 1000).take(300)
        for first in range(0, len(stream), 50):
            done = engine.execute(as_commands(stream[first : first + 50]))
            paid = done.events[done.events["kind"] == EventKind.OVERDRAFT_CHARGED]
            assert (paid["amount_minor"] > 0).all()
            assert (paid["quote_minor"] > paid["amount_minor"]).all()
            assert (paid["account"] >= CUSTOMER_FIRST).all()
            seen += len(paid)
            engine.assert_conservation()
    assert seen > 0
