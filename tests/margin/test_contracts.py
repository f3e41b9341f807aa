"""A position at its mark: the loop's road, the single functions and the model agree."""

from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.margin import contracts
from matching.jit import kernel
from tests.margin.strategies import contracts as any_contract
from tests.margin.strategies import most_lots, positions
from tests.margin.tables import risk_of


@kernel
def _at_mark(rows, tiers, lots, cost):
    return contracts.mark_position(rows, tiers, 0, lots, cost)


@kernel
def _one_by_one(rows, tiers, lots, cost):
    mark = rows["mark_ticks"][0]
    return (
        contracts.pnl_minor(rows, 0, lots, cost, mark),
        contracts.maintenance_minor(rows, tiers, 0, lots, mark),
        contracts.notional_minor(rows, 0, lots, mark),
    )


@given(any_contract(), st.data())
def test_a_position_at_its_mark_equals_the_model(contract, data):
    assume(most_lots(contract))
    held = data.draw(positions(0, contract))
    risk = risk_of([contract])
    got = _at_mark(risk.contracts, risk.tiers, held.lots, held.cost)
    assert got == _one_by_one(risk.contracts, risk.tiers, held.lots, held.cost)
    assert got[:2] == (
        contract.pnl(held.lots, held.cost, contract.mark),
        contract.maintenance(held.lots, contract.mark),
    )


@given(any_contract(), st.data())
def test_profits_of_matched_positions_never_sum_above_zero(contract, data):
    """Mark to market: what one side gains the other loses, and roundings only take."""
    assume(most_lots(contract))
    mine = data.draw(positions(0, contract))
    risk = risk_of([contract])
    profits = [
        _at_mark(risk.contracts, risk.tiers, sign * mine.lots, sign * mine.cost)[0]
        for sign in (1, -1)
    ]
    assert -2 <= sum(profits) <= 0
