"""Liquidation and bankruptcy prices: the very ticks at which the model's verdict changes."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.margin import liquidation
from ledger.margin.limits import SUM_MAX
from ledger.margin.liquidation import NEVER, bankruptcy_quote_minor
from matching.units import AMOUNT_MINOR_MAX
from tests.margin.oracle import Contract
from tests.margin.strategies import contracts, most_lots, positions, sizes
from tests.margin.tables import risk_of

TOP = 200
"""Few enough ticks to try every one."""


def liquidation_ticks(*arguments):
    """A Python integer: uncompiled kernels answer with numpy's, which would wrap in the model."""
    return int(liquidation.liquidation_ticks(*arguments))


def bankruptcy_ticks(*arguments):
    return int(liquidation.bankruptcy_ticks(*arguments))


@st.composite
def cases(draw, max_ticks=TOP):
    contract = draw(contracts(max_ticks=max_ticks))
    assume(most_lots(contract))
    position = draw(positions(0, contract))
    near = draw(st.integers(-(2**20), 2**20))
    balance = draw(st.sampled_from([0, contract.notional(position.lots, contract.mark)]))
    other = draw(st.just(balance + near) | sizes(AMOUNT_MINOR_MAX, 0))
    return contract, position, max(-AMOUNT_MINOR_MAX, min(other, AMOUNT_MINOR_MAX))


def _room(contract, position, other, price):
    """What is left above maintenance at a price."""
    pnl = contract.pnl(position.lots, position.cost, price)
    return other + pnl - contract.maintenance(position.lots, price)


@given(cases())
def test_the_verdict_changes_at_the_liquidation_price(case):
    contract, position, other = case
    risk = risk_of([contract])
    price = liquidation_ticks(risk.contracts, risk.tiers, 0, position.lots, position.cost, other)
    step = 1 if position.lots > 0 else -1
    if price != NEVER:
        assert _room(contract, position, other, price) <= 0
    beyond = price + step if price != NEVER else (1 if step == 1 else TOP)
    if 1 <= beyond <= TOP:
        assert _room(contract, position, other, beyond) > 0


@given(cases())
def test_past_the_liquidation_price_only_roundings_bite(case):
    """Where a tick is worth less than the roundings, the verdict may flicker by their few units."""
    contract, position, other = case
    risk = risk_of([contract])
    price = liquidation_ticks(risk.contracts, risk.tiers, 0, position.lots, position.cost, other)
    slack = 3 + len(contract.brackets) + contract.multiplier_ppm // 10**6 * 2
    long = position.lots > 0
    safe = range(price + 1, TOP + 1) if long else range(1, price or TOP + 1)
    assert all(_room(contract, position, other, tick) > -slack for tick in safe)


@given(cases())
def test_bankruptcy_is_where_nothing_is_left(case):
    contract, position, other = case
    risk = risk_of([contract])
    price = bankruptcy_ticks(risk.contracts, 0, position.lots, position.cost, other)
    left = [other + contract.pnl(position.lots, position.cost, tick) for tick in range(1, TOP + 1)]
    solvent = [tick for tick in range(1, TOP + 1) if left[tick - 1] >= 0]
    long = position.lots > 0
    if len(solvent) == TOP:
        assert price == NEVER
    elif not solvent:
        assert price == (TOP if long else 1)
    else:
        assert price == (min(solvent) if long else max(solvent))


@given(cases(max_ticks=2**31 - 1))
def test_liquidation_comes_before_bankruptcy(case):
    contract, position, margin = case
    assume(margin >= 0)
    risk = risk_of([contract])
    liquid = liquidation_ticks(risk.contracts, risk.tiers, 0, position.lots, position.cost, margin)
    bankrupt = bankruptcy_ticks(risk.contracts, 0, position.lots, position.cost, margin)
    if position.lots > 0 and bankrupt != NEVER and bankrupt < contract.max_ticks:
        assert liquid >= bankrupt - 1
    if position.lots < 0 and bankrupt > 1:
        assert NEVER < liquid <= bankrupt + 1


@given(
    st.integers(-(2**60), 2**60),
    st.integers(-SUM_MAX, SUM_MAX),
    sizes(SUM_MAX),
    st.data(),
)
def test_a_slice_uses_up_its_share_of_equity_rounded_up(delta, equity, total, data):
    part = data.draw(sizes(total, 0))
    exact = -delta - Fraction(equity * part, total)
    assert bankruptcy_quote_minor(delta, equity, part, total) == ceil(exact)


@pytest.mark.parametrize("lots", [10, -10])
def test_a_position_with_more_margin_than_it_can_lose_is_never_liquidated(lots):
    contract = Contract(inverse=False, num=1, den=1, mark=50, brackets=[(0, 10, 20)], max_ticks=TOP)
    risk = risk_of([contract])
    cost = lots * 50
    assert liquidation_ticks(risk.contracts, risk.tiers, 0, lots, cost, 10**6) == NEVER
    assert bankruptcy_ticks(risk.contracts, 0, lots, cost, 10**6) == NEVER
