"""Brackets: cumulative amounts, continuity, the volatility multiplier, leverage and ramps."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin import tiers
from ledger.margin.limits import EXPOSURE_MINOR_MAX, MULTIPLIER_PPM_MAX, TIERS_MAX
from matching.units import PPM
from tests.margin import oracle
from tests.margin.published import MINOR, load, ppm, units
from tests.margin.strategies import brackets, sizes

NOTIONALS = sizes(EXPOSURE_MINOR_MAX, 0)


def _laid(rows):
    return tiers.build([tiers.Bracket(*row) for row in rows])


@given(brackets(), NOTIONALS, st.just(PPM) | sizes(MULTIPLIER_PPM_MAX, PPM))
def test_maintenance_equals_the_model(rows, notional, multiplier):
    got = tiers.maintenance_minor(_laid(rows), 0, len(rows), notional, multiplier)
    assert got == oracle.maintenance(rows, notional, multiplier)
    assert 0 <= got <= notional


@given(brackets())
def test_deductions_are_the_cumulative_amounts_rounded_down(rows):
    assert list(_laid(rows)["deduction_minor"]) == oracle.deductions(rows)


@given(brackets(), NOTIONALS, sizes(2**40, 0))
def test_maintenance_never_falls_as_notional_grows(rows, notional, more):
    table = _laid(rows)
    bigger = min(notional + more, EXPOSURE_MINOR_MAX)
    small = tiers.maintenance_minor(table, 0, len(rows), notional, PPM)
    # One unit of slack: each side of a bracket's floor rounds for itself.
    assert tiers.maintenance_minor(table, 0, len(rows), bigger, PPM) + 1 >= small


@given(brackets(), st.data())
def test_brackets_meet_within_a_unit(rows, data):
    table = _laid(rows)
    row = data.draw(st.integers(0, len(rows) - 1))
    edge = rows[row][0]
    below = tiers.maintenance_minor(table, 0, len(rows), edge, PPM)
    above = tiers.maintenance_minor(table, 0, len(rows), min(edge + 1, EXPOSURE_MINOR_MAX), PPM)
    assert 0 <= above - below <= 2 + row


@given(brackets(), NOTIONALS, st.integers(1, 200), sizes(MULTIPLIER_PPM_MAX, PPM))
def test_initial_margin_is_the_dearer_of_leverage_and_bracket(rows, notional, leverage, multiplier):
    got = tiers.initial_minor(_laid(rows), 0, len(rows), notional, leverage, multiplier)
    rate = max(rows[oracle.bracket_of(rows, notional)][2], ceil(Fraction(PPM, leverage)))
    plain = ceil(Fraction(notional * rate, PPM))
    assert got == min(ceil(Fraction(plain * multiplier, PPM)), notional)


@given(brackets(), NOTIONALS)
def test_maintenance_is_never_above_initial_margin(rows, notional):
    table = _laid(rows)
    initial = tiers.initial_minor(table, 0, len(rows), notional, 1000, PPM)
    assert tiers.maintenance_minor(table, 0, len(rows), notional, PPM) <= initial


@given(NOTIONALS, sizes(2**53, 0), sizes(PPM), sizes(PPM), sizes(2**41))
def test_a_ramp_equals_its_formula(notional, size, base, step, step_lots):
    rate = min(base + Fraction(size * step, step_lots), Fraction(PPM))
    assert tiers.ramp_minor(notional, size, base, step, step_lots) == ceil(notional * rate / PPM)


def test_rows_of_other_instruments_are_not_looked_at():
    table = _laid([(0, 1, 1), (10, 2, 2), (20, 3, 3)])
    table["floor_minor"][1:] = [0, 500]
    assert tiers.maintenance_minor(table, 1, 2, 400, PPM) == ceil(400 * 2 / PPM)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(1, 10, 20)],
        [(0, 0, 20)],
        [(0, 21, 20)],
        [(0, 10, PPM + 1)],
        [(0, 10, 20), (0, 11, 21)],
        [(0, 10, 20), (5, 9, 21)],
        [(0, 10, 20), (5, 11, 19)],
        [(0, 10, 20), (EXPOSURE_MINOR_MAX + 1, 11, 21)],
        [(row, 10, 20) for row in range(TIERS_MAX + 1)],
    ],
)
def test_unsound_brackets_are_refused(rows):
    with pytest.raises(AssertionError):
        _laid(rows)


@pytest.mark.parametrize("kind", ["initial", "maintenance"])
def test_brackets_of_two_debts_give_binances_margin(kind):
    """Its margin loans have brackets too; ours have one rate, so only the formula is compared."""
    row = load("borrow")["tiered"]
    total = 0
    for loan in row["loans"]:
        rows = [(units(tier["floor"], MINOR), ppm(tier[kind]), PPM) for tier in loan["tiers"]]
        total += tiers.maintenance_minor(
            _laid(rows), 0, len(rows), units(loan["value"], MINOR), PPM
        )
    assert total == units(row[kind], MINOR)
