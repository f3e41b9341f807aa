"""Hedge mode: the larger side's initial margin, the sum of maintenance."""

from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.margin import hedge
from tests.margin import oracle
from tests.margin.strategies import contracts, most_lots, sizes
from tests.margin.tables import risk_of

LEVERAGES = st.sampled_from([1, 2, 3, 5, 10, 20, 50, 100, 125])


@st.composite
def hedged_positions(draw):
    """(contract, Hedged): each of four sizes up to a quarter of what the bounds allow."""
    contract = draw(contracts())
    most = most_lots(contract) // 2
    assume(most)
    lots = [draw(sizes(most, 0)) for _ in range(4)]
    return contract, hedge.Hedged(0, *lots, draw(LEVERAGES))


def _initial(contract, hedged):
    risk = risk_of([contract])
    return hedge.initial_of_both_minor(risk.contracts, risk.tiers, hedged)


def _maintenance(contract, hedged):
    risk = risk_of([contract])
    return hedge.maintenance_of_both_minor(risk.contracts, risk.tiers, hedged)


@given(hedged_positions())
def test_both_requirements_equal_the_model(case):
    contract, hedged = case
    mark = contract.mark
    sides = (
        hedged.long_lots + hedged.long_open_lots,
        hedged.short_lots + hedged.short_open_lots,
    )
    larger = max(oracle.initial(contract, lots, hedged.leverage) for lots in sides)
    both = sum(contract.maintenance(lots, mark) for lots in sides)
    assert _initial(contract, hedged) == max(larger, both)
    held = contract.maintenance(hedged.long_lots, mark)
    held += contract.maintenance(hedged.short_lots, mark)
    assert _maintenance(contract, hedged) == held


@given(hedged_positions())
def test_initial_margin_is_never_below_what_would_be_liquidated(case):
    contract, hedged = case
    filled = hedge.Hedged(
        0,
        hedged.long_lots + hedged.long_open_lots,
        hedged.short_lots + hedged.short_open_lots,
        0,
        0,
        hedged.leverage,
    )
    assert _initial(contract, hedged) == _initial(contract, filled)
    assert _initial(contract, filled) >= _maintenance(contract, filled)


@given(hedged_positions())
def test_closing_a_side_or_an_order_never_needs_more(case):
    contract, hedged = case
    before = _initial(contract, hedged)
    for name in ("long_lots", "short_lots", "long_open_lots", "short_open_lots"):
        assert _initial(contract, hedged._replace(**{name: 0})) <= before


@given(hedged_positions())
def test_long_and_short_are_treated_alike(case):
    contract, hedged = case
    mirrored = hedge.Hedged(
        0,
        hedged.short_lots,
        hedged.long_lots,
        hedged.short_open_lots,
        hedged.long_open_lots,
        hedged.leverage,
    )
    assert _initial(contract, hedged) == _initial(contract, mirrored)
    assert _maintenance(contract, hedged) == _maintenance(contract, mirrored)


@given(hedged_positions())
def test_one_side_alone_is_a_plain_position(case):
    contract, hedged = case
    alone = hedged._replace(short_lots=0, short_open_lots=0, long_open_lots=0)
    own = oracle.initial(contract, alone.long_lots, alone.leverage)
    assert _initial(contract, alone) == max(
        own, contract.maintenance(alone.long_lots, contract.mark)
    )


def test_a_full_hedge_costs_one_side_until_maintenance_of_both_is_more():
    contract = oracle.Contract(
        inverse=False, num=1, den=1, mark=1000, brackets=[(0, 20_000, 25_000)]
    )
    full = hedge.Hedged(0, 100, 100, 0, 0, 10)
    assert _initial(contract, full) == 10_000
    assert _initial(contract, full._replace(leverage=40)) == 4_000
    assert _maintenance(contract, full) == 4_000
