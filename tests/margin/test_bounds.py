"""Nothing wraps: positions, balances and prices at both ends of what a listing lets in."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin import limits, sweep
from ledger.margin.contracts import exposure_fits, extreme_minor
from ledger.margin.limits import (
    COST_MAX,
    DEN_MAX,
    EXPOSURE_MINOR_MAX,
    INVERSE,
    INVERSE_NUM_MAX,
    LINEAR,
    NUM_MAX,
    SUM_MAX,
)
from matching.units import AMOUNT_MINOR_MAX, PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.margin.oracle import Asset, Contract, Customer, Position, judge
from tests.margin.strategies import sizes
from tests.margin.tables import columns_of, risk_of


@given(
    st.sampled_from([LINEAR, INVERSE, 2]),
    sizes(2**60, 0),
    sizes(2**40, 0),
    sizes(2**50, 0),
    sizes(2**40, 0),
)
def test_what_the_listing_lets_in_keeps_every_bound(kind, lots, max_ticks, num, den):
    if not exposure_fits(kind, lots, max_ticks, num, den):
        return
    assert kind in (LINEAR, INVERSE)
    assert 1 <= den <= DEN_MAX
    assert num <= (INVERSE_NUM_MAX if kind == INVERSE else NUM_MAX)
    assert lots <= QTY_LOTS_MAX
    for price in (1, max_ticks):
        if kind == INVERSE:
            assert Fraction(lots * num, price) <= EXPOSURE_MINOR_MAX
        else:
            assert lots * price <= COST_MAX
            assert Fraction(lots * price * num, den) <= EXPOSURE_MINOR_MAX
    assert extreme_minor(kind, lots, max_ticks, num, den) <= EXPOSURE_MINOR_MAX


@pytest.mark.parametrize(
    "arguments",
    [
        (LINEAR, -1, 10, 1, 1),
        (LINEAR, QTY_LOTS_MAX + 1, 1, 1, 1),
        (LINEAR, 1, 0, 1, 1),
        (LINEAR, 1, PRICE_TICKS_MAX + 1, 1, 1),
        (LINEAR, 1, 10, 0, 1),
        (LINEAR, 1, 10, 1, 0),
        (LINEAR, 1, 10, NUM_MAX + 1, 1),
        (LINEAR, 1, 10, 1, DEN_MAX + 1),
        (LINEAR, 2**31, 2**30, 1, 1),
        (LINEAR, 2**31, 2**30, 1, 1000),
        (LINEAR, 2**29, 2**30, 3, 1),
        (INVERSE, 1, 10, 1, 2),
        (INVERSE, 1, 10, INVERSE_NUM_MAX + 1, 1),
        (INVERSE, 2**20, 10, 2**41, 1),
        (7, 1, 10, 1, 1),
    ],
)
def test_the_listing_refuses_what_could_wrap(arguments):
    assert not exposure_fits(*arguments)


def _corner(num, den, mark, *, inverse=False):
    return Contract(inverse, num, den, mark, [(0, PPM, PPM)], multiplier_ppm=4 * PPM)


def _corner_contracts():
    """Contracts at the ends of every scale, and the largest position that each lets in."""
    high = EXPOSURE_MINOR_MAX // PRICE_TICKS_MAX
    coin = EXPOSURE_MINOR_MAX // INVERSE_NUM_MAX
    return [
        _corner(1, 1, PRICE_TICKS_MAX),
        _corner(1, 1, 1),
        _corner(NUM_MAX, DEN_MAX, PRICE_TICKS_MAX),
        _corner(INVERSE_NUM_MAX, 1, 1, inverse=True),
        _corner(INVERSE_NUM_MAX, 1, PRICE_TICKS_MAX, inverse=True),
    ], [high, high, high, coin, coin]


@pytest.mark.parametrize("balance", [AMOUNT_MINOR_MAX, -AMOUNT_MINOR_MAX, 0])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("entry", [1, PRICE_TICKS_MAX])
@pytest.mark.parametrize("price", [Fraction(1), Fraction(NUM_MAX), Fraction(1, DEN_MAX)])
def test_the_largest_position_at_the_worst_price_is_judged_exactly(balance, side, entry, price):
    contracts, most = _corner_contracts()
    known = [Asset(price, 50_000, PPM)]
    for row, contract in enumerate(contracts):
        lots = side * most[row]
        cost = -((lots * contract.num) // entry) if contract.inverse else lots * entry
        customer = Customer({0: balance}, [Position(row, lots, cost)])
        rows, wallets, accounts = columns_of([customer], contracts)
        sweep.sweep(risk_of(contracts, known), rows, wallets, accounts, 0, 1)
        equity, required, down, _ = judge(customer, contracts, known)
        assert int(accounts.equity_minor[0]) == equity
        assert int(accounts.maintenance_minor[0]) == required
        assert bool(accounts.liquidated[0]) == down


def test_debts_that_saturate_never_hide_behind_collateral():
    """The most collateral that an account can show does not outweigh a debt beyond all measure."""
    wallets = limits.WALLETS_MAX
    known = [Asset(Fraction(NUM_MAX), 0, PPM)] * wallets
    balances = dict.fromkeys(range(wallets), AMOUNT_MINOR_MAX)
    balances[7] = -AMOUNT_MINOR_MAX
    rows, purse, accounts = columns_of([Customer(balances)], [])
    assert sweep.sweep(risk_of([], known), rows, purse, accounts, 0, 1) == 1
    assert int(accounts.equity_minor[0]) <= 0
    assert int(accounts.maintenance_minor[0]) == SUM_MAX
