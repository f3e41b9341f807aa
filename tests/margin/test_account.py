"""Collateral, haircuts, debts, risk ratio."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin import account
from ledger.margin.limits import EXPOSURE_MINOR_MAX, SUM_MAX, VALUE_MAX
from matching.jit import kernel
from matching.units import AMOUNT_MINOR_MAX, PPM
from tests.margin.strategies import assets, sizes
from tests.margin.tables import assets_of, prices_of

AMOUNT_MAX = AMOUNT_MINOR_MAX + 2 * EXPOSURE_MINOR_MAX
AMOUNTS = st.builds(lambda size, sign: size * sign, sizes(AMOUNT_MAX, 0), st.sampled_from([1, -1]))


@kernel
def _value(rows: np.ndarray, amount: int) -> tuple[int, int, int]:
    return (
        account.value_minor(rows, 0, amount),
        account.requirement_value_minor(rows, 0, abs(amount)),
        account.debt_requirement_minor(rows, 0, amount),
    )


@kernel
def _worth(prices: np.ndarray, amount: int) -> tuple[int, int]:
    price = prices[0]
    return account.worth_minor(price, amount, 0), account.worth_minor(price, amount, 1)


@kernel
def _add(total: int, amount: int) -> int:
    return account.add_saturating(total, amount)


@kernel
def _liquidated(equity: int, required: int) -> bool:
    return account.is_liquidated(equity, required)


@given(assets(), AMOUNTS)
def test_wallet_values_equal_the_model(asset, amount):
    value, required, debt = _value(assets_of([asset]), amount)
    assert value == asset.value(amount)
    assert required == asset.requirement(abs(amount))
    assert debt == asset.debt_margin(amount)


@given(assets(), sizes(2**63 - 1, 0))
def test_worth_by_reciprocal_equals_the_fraction(asset, amount):
    floored, ceiled = _worth(prices_of([asset]), amount)
    assert floored == min(floor(amount * asset.price), SUM_MAX)
    assert ceiled == min(ceil(amount * asset.price), SUM_MAX)


@given(assets(), AMOUNTS)
def test_collateral_is_never_worth_more_and_a_debt_never_less_than_it_is(asset, amount):
    value = _value(assets_of([asset]), amount)[0]
    assert value <= max(amount * asset.price, -SUM_MAX)
    assert value <= VALUE_MAX


@given(sizes(SUM_MAX, 0), sizes(SUM_MAX, 0))
def test_sums_saturate(total, amount):
    assert _add(total, amount) == min(total + amount, SUM_MAX)


@given(st.integers(-SUM_MAX, SUM_MAX), sizes(SUM_MAX, 0))
def test_the_risk_ratio_is_one_exactly_where_liquidation_begins(equity, required):
    ratio = account.risk_ratio_ppm(equity, required)
    if required == 0:
        assert ratio == account.RATIO_NONE
        assert not _liquidated(equity, required)
        return
    exact = floor(Fraction(equity * PPM, required))
    assert ratio == max(-(2**63 - 1), min(exact, 2**63 - 1))
    assert _liquidated(equity, required) == (equity <= required)
    assert _liquidated(equity, required) or ratio >= PPM


@given(st.integers(-SUM_MAX, SUM_MAX), sizes(SUM_MAX, 0))
def test_available_is_what_initial_margin_leaves(equity, initial):
    assert account.available_minor(equity, initial) == max(0, equity - initial)
