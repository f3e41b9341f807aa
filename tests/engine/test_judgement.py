"""Everybody's equity and maintenance, as a TICK and as an order ask for them, against the model."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.limits import COLLATERALS_MAX
from ledger.margin.limits import (
    DEN_MAX,
    EXPOSURE_MINOR_MAX,
    INVERSE_NUM_MAX,
    NUM_MAX,
    SUM_MAX,
    VALUE_MAX,
)
from matching.units import AMOUNT_MINOR_MAX, PPM, PRICE_TICKS_MAX
from tests.engine.judged_venue import INDICES, Drawn, JudgedVenue, venues
from tests.margin.oracle import Asset, Contract, Customer, Position
from tests.margin.strategies import cost_at, most_lots, sizes

PLAIN = Asset(Fraction(1), 0, 0)
SIMPLE = Contract(inverse=False, num=1, den=1, mark=1000, brackets=[(0, 10_000, 20_000)])


@given(venues())
def test_everybody_is_judged_as_the_model_says(drawn):
    JudgedVenue(drawn).check()


@given(venues(), st.data())
def test_prices_that_moved_are_the_ones_that_count(drawn, data):
    venue = JudgedVenue(drawn)
    venue.judged()
    drawn.indices = [data.draw(INDICES) for _ in drawn.indices]
    drawn.listed = [replace(one, mark=data.draw(sizes(one.max_ticks))) for one in drawn.listed]
    venue.lay_prices()
    venue.check()


def test_without_customers_there_is_nobody_to_judge():
    assert JudgedVenue(Drawn([], [], [], [])).judged() == []


def test_an_isolated_position_counts_for_nothing_here():
    """It owns its margin, and is judged by itself (isolated_liquidation.py): its row is flat."""
    alone = Customer({0: 7}, [Position(0, 500, 500 * 1010, margin=3)])
    beside = Customer({0: 7}, [*alone.positions, Position(1, -5, -5 * 990)])
    venue = JudgedVenue(Drawn([PLAIN], [1], [SIMPLE, SIMPLE], [alone, beside]))
    held = venue.engine._state.caches.held
    assert held[["qty_lots", "cost"]][:3].tolist() == [(0, 0), (0, 0), (-5, -5 * 990)]
    assert venue.judged() == [(7, 0, False), (7 - 50, SIMPLE.maintenance(5, 1000), True)]
    venue.check()


@pytest.mark.parametrize(("spare", "down"), [(0, True), (1, False), (-1, True)])
def test_an_account_falls_exactly_at_its_maintenance(spare, down):
    """Equity equal to maintenance falls; a single unit more does not."""
    lots, cost = 500, 500 * 1010
    needed = SIMPLE.maintenance(lots, 1000) - SIMPLE.pnl(lots, cost, 1000)
    customer = Customer({0: needed + spare}, [Position(0, lots, cost)])
    ((_, _, fell),) = JudgedVenue(Drawn([PLAIN], [1], [SIMPLE], [customer])).judged()
    assert fell == down


def _corner(num, den, mark, *, inverse=False):
    return Contract(inverse, num, den, mark, [(0, PPM, PPM)], multiplier_ppm=4 * PPM)


def _corners():
    """Contracts at the ends of every scale, and the largest position that each lets in."""
    high = EXPOSURE_MINOR_MAX // PRICE_TICKS_MAX
    coin = EXPOSURE_MINOR_MAX // INVERSE_NUM_MAX
    return [
        (_corner(1, 1, PRICE_TICKS_MAX), high),
        (_corner(1, 1, 1), high),
        (_corner(NUM_MAX, DEN_MAX, PRICE_TICKS_MAX), high),
        (_corner(INVERSE_NUM_MAX, 1, 1, inverse=True), coin),
        (_corner(INVERSE_NUM_MAX, 1, PRICE_TICKS_MAX, inverse=True), coin),
    ]


@pytest.mark.parametrize("balance", [AMOUNT_MINOR_MAX, -AMOUNT_MINOR_MAX, 0])
@pytest.mark.parametrize("price", [Fraction(1), Fraction(NUM_MAX), Fraction(1, DEN_MAX)])
@pytest.mark.parametrize("index", [1, PRICE_TICKS_MAX])
def test_the_largest_position_at_the_worst_price_is_judged_exactly(balance, price, index):
    listed = [contract for contract, _ in _corners()]
    customers = [
        Customer({0: balance}, [Position(row, side * most, cost_at(contract, side * most, entry))])
        for row, (contract, most) in enumerate(_corners())
        for side in (1, -1)
        for entry in (1, PRICE_TICKS_MAX)
    ]
    JudgedVenue(Drawn([Asset(price, 50_000, PPM)], [index], listed, customers)).check()


def test_collateral_is_capped_wallet_by_wallet():
    known = [Asset(Fraction(NUM_MAX), 0, PPM)] * COLLATERALS_MAX
    customer = Customer(dict.fromkeys(range(COLLATERALS_MAX), AMOUNT_MINOR_MAX))
    venue = JudgedVenue(Drawn(known, [PRICE_TICKS_MAX] * COLLATERALS_MAX, [], [customer]))
    assert venue.judged() == [(COLLATERALS_MAX * VALUE_MAX, 0, False)]
    venue.check()


def test_debts_that_saturate_never_hide_behind_collateral():
    """The most collateral that an account can show does not outweigh a debt beyond all measure."""
    known = [Asset(Fraction(NUM_MAX), 0, PPM)] * COLLATERALS_MAX
    balances = dict.fromkeys(range(COLLATERALS_MAX), AMOUNT_MINOR_MAX)
    balances[7] = -AMOUNT_MINOR_MAX
    venue = JudgedVenue(Drawn(known, [1] * COLLATERALS_MAX, [], [Customer(balances)]))
    ((equity, required, down),) = venue.judged()
    assert (equity < 0, required, down) == (True, SUM_MAX, True)
    venue.check()


@given(st.randoms(use_true_random=False))
def test_sixty_positions_in_sixty_four_assets_add_up(rng):
    """Whatever they settle in, the last asset too: its bit is a word's sign."""
    known = [
        Asset(Fraction(rng.randint(1, NUM_MAX), rng.randint(1, DEN_MAX)), rng.randint(0, PPM), PPM)
        for _ in range(COLLATERALS_MAX)
    ]
    listed = [
        Contract(
            inverse=row % 3 == 0,
            num=rng.randint(1, 1000),
            den=1 if row % 3 == 0 else rng.randint(1, 1000),
            mark=rng.randint(1, 10**6),
            brackets=[(0, 5_000, 10_000), (10**9, 20_000, 40_000)],
            multiplier_ppm=rng.randint(PPM, 4 * PPM),
            settle=rng.choice([0, 62, 63, rng.randrange(COLLATERALS_MAX)]),
            max_ticks=10**6,
        )
        for row in range(60)
    ]
    held = []
    for row, contract in enumerate(listed):
        lots = rng.randint(1, most_lots(contract, parts=64)) * rng.choice([1, -1])
        held.append(Position(row, lots, cost_at(contract, lots, rng.randint(1, 10**6))))
    balances = {asset: rng.randint(-(2**40), 2**62 - 1) for asset in range(COLLATERALS_MAX)}
    JudgedVenue(Drawn(known, [1] * COLLATERALS_MAX, listed, [Customer(balances, held)])).check()


def test_rows_that_held_another_account_are_asked_for_ahead_without_harm():
    """Whoever stands at the end of the table has nobody to come after it."""
    some = [Customer({0: 100}, [Position(0, 1, 1000)] * (row % 2)) for row in range(40)]
    venue = JudgedVenue(Drawn([PLAIN], [1], [SIMPLE], some))
    assert int(venue.engine._state.header["account_count"][0]) == CUSTOMER_FIRST + 40
    venue.check()
