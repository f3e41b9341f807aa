"""Isolated positions: equity, requirements, what may be removed, and their two prices."""

from math import ceil

from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.margin import isolated
from ledger.margin.liquidation import bankruptcy_ticks, liquidation_ticks
from matching.units import PPM
from tests.margin import oracle
from tests.margin.strategies import contracts, cost_at, lots_of, most_lots, sizes
from tests.margin.tables import risk_of

MARGINS = sizes(2**60, 0)
LEVERAGES = st.sampled_from([1, 2, 3, 5, 10, 20, 50, 100, 125])


@st.composite
def isolated_positions(draw):
    """(contract, lots, cost, margin, leverage), flat now and then."""
    contract = draw(contracts())
    assume(most_lots(contract))
    lots = draw(lots_of(contract) | st.just(0))
    entry = draw(sizes(contract.max_ticks) | st.just(contract.mark))
    return contract, lots, cost_at(contract, lots, entry), draw(MARGINS), draw(LEVERAGES)


def _laid(case):
    contract, lots, cost, margin, leverage = case
    risk = risk_of([contract])
    return (risk.contracts, risk.tiers, isolated.Isolated(0, lots, cost, margin, leverage))


@given(isolated_positions())
def test_an_isolated_position_is_assessed_as_the_model_says(case):
    contract, lots, cost, margin, leverage = case
    equity, maintenance, initial = isolated.assess(*_laid(case))
    assert equity == margin + contract.pnl(lots, cost, contract.mark)
    assert maintenance == contract.maintenance(lots, contract.mark)
    assert initial == oracle.initial(contract, lots, leverage)
    assert maintenance <= initial


@given(isolated_positions())
def test_what_may_be_removed_leaves_initial_margin_without_counting_profit(case):
    contract, lots, cost, margin, leverage = case
    removable = isolated.removable_minor(*_laid(case))
    assert 0 <= removable <= margin
    loss = min(contract.pnl(lots, cost, contract.mark), 0)
    needed = oracle.initial(contract, lots, leverage)
    if removable:
        assert margin - removable + loss >= needed
    # One unit more would not be covered.
    assert margin - removable - 1 + loss < needed


@given(isolated_positions())
def test_a_removal_liquidates_nobody(case):
    rows, tiers, position = _laid(case)
    removable = isolated.removable_minor(rows, tiers, position)
    after = position._replace(margin_minor=position.margin_minor - removable)
    equity, maintenance, initial = isolated.assess(rows, tiers, after)
    if removable:
        assert initial >= maintenance
        assert equity >= initial
        assert isolated.removable_minor(rows, tiers, after) == 0


@given(isolated_positions())
def test_what_is_missing_makes_it_whole(case):
    rows, tiers, position = _laid(case)
    missing = isolated.missing_minor(rows, tiers, position)
    removable = isolated.removable_minor(rows, tiers, position)
    assert missing >= 0
    assert not (missing and removable)
    whole = position._replace(margin_minor=position.margin_minor + missing)
    assert isolated.missing_minor(rows, tiers, whole) == 0


@given(isolated_positions())
def test_a_flat_position_needs_nothing_and_gives_everything_back(case):
    contract, _, _, margin, leverage = case
    rows, tiers, position = _laid((contract, 0, 0, margin, leverage))
    assert isolated.assess(rows, tiers, position) == (margin, 0, 0)
    assert isolated.removable_minor(rows, tiers, position) == margin


@given(isolated_positions())
def test_bankruptcy_never_comes_before_liquidation(case):
    """For a long the liquidation price is at or above the bankruptcy price, for a short below."""
    contract, lots, cost, margin, _ = case
    assume(lots != 0)
    risk = risk_of([contract])
    margin = min(margin, 2**50)
    liquidated = liquidation_ticks(risk.contracts, risk.tiers, 0, lots, cost, margin)
    bankrupt = bankruptcy_ticks(risk.contracts, 0, lots, cost, margin)
    if liquidated == 0 or bankrupt == 0:
        return
    # The bankruptcy price is the last one that leaves something: one tick on its far side.
    if lots > 0:
        assert bankrupt <= liquidated + 1
    else:
        assert bankrupt >= liquidated - 1


def test_added_margin_is_removable_again_and_the_first_is_not():
    """100 lots at 1,000, leverage 10: 10,000 of margin stay, what was added on top may leave."""
    contract = oracle.Contract(
        inverse=False, num=1, den=1, mark=1000, brackets=[(0, 5_000, 10_000)]
    )
    initial = ceil(100 * 1000 * (PPM // 10) / PPM)
    for added, expected in ((0, 0), (1, 1), (2_500, 2_500)):
        case = contract, 100, 100_000, initial + added, 10
        assert isolated.removable_minor(*_laid(case)) == expected
    # A loss of 500 must be covered first, a profit of 500 gives nothing.
    assert isolated.removable_minor(*_laid((contract, 100, 100_500, initial + 700, 10))) == 200
    assert isolated.removable_minor(*_laid((contract, 100, 99_500, initial, 10))) == 0
