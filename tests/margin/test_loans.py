"""Loans: interest by the hour however time is cut, limits in order, the largest loan exactly."""

from fractions import Fraction
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin import loans, tiers
from ledger.margin.interest import HOUR_NS, interest_minor, loan_to_value_ppm
from ledger.margin.limits import BORROW_LEVERAGE_MAX, HOURLY_PPT_MAX, PPT, SUM_MAX
from ledger.margin.loans import LoanLimits, LoanState
from matching.jit import kernel
from matching.units import AMOUNT_MINOR_MAX, PPM
from tests.margin.published import MINOR, digits, load, ppm, units
from tests.margin.strategies import sizes

AMOUNTS = sizes(AMOUNT_MINOR_MAX, 0)
RATES = st.sampled_from([0, 1, 8_333_334]) | sizes(HOURLY_PPT_MAX, 0)
TIMES = st.lists(st.integers(0, 50 * HOUR_NS), min_size=2, max_size=8).map(sorted)
LIMITS = LoanLimits(650_000, 750_000, 830_000)
VALUES = sizes(SUM_MAX, 0)
BORROW = load("borrow")


@kernel
def _hour(principal: int, hourly_ppt: int) -> int:
    return loans.hour_minor(principal, hourly_ppt)


@given(AMOUNTS, RATES)
def test_an_hour_costs_the_rate_in_ppm_of_ppm_rounded_up(principal, rate):
    assert _hour(principal, rate) == ceil(Fraction(principal * rate, PPT))


@given(AMOUNTS, AMOUNTS, RATES, st.integers(0, 2**62), st.integers(0, 2**62))
def test_each_full_hour_of_the_clock_is_due_once(principal, owed, rate, one, other):
    start, end = sorted((one, other))
    hours = end // HOUR_NS - start // HOUR_NS
    exact = owed + hours * ceil(Fraction(principal * rate, PPT))
    assert loans.accrue(principal, owed, start, end, rate) == min(exact, AMOUNT_MINOR_MAX)


@given(AMOUNTS, RATES, TIMES)
def test_interest_does_not_depend_on_how_often_it_is_accrued(principal, rate, times):
    whole = loans.accrue(principal, 0, times[0], times[-1], rate)
    owed = 0
    for start, end in pairwise(times):
        owed = loans.accrue(principal, owed, start, end, rate)
    assert owed == whole


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_repaying_pays_interest_first_and_loses_nothing(principal, interest, paid):
    debt, unpaid, left = loans.repay(principal, interest, paid)
    assert 0 <= debt <= principal
    assert 0 <= unpaid <= interest
    assert left >= 0
    assert principal - debt + interest - unpaid + left == paid
    assert unpaid == 0 or debt == principal
    assert left == 0 or (debt, unpaid) == (0, 0)


@given(sizes(2**63 - 1, 0))
def test_states_follow_the_limits_in_order(ltv):
    expected = sum(
        (
            ltv > LIMITS.open_ppm,
            ltv >= LIMITS.call_ppm,
            ltv >= LIMITS.liquidate_ppm,
        )
    )
    assert loans.state_of(ltv, LIMITS) == expected


@pytest.mark.parametrize(
    ("ltv", "state"),
    [
        (0, LoanState.OPEN),
        (650_000, LoanState.OPEN),
        (650_001, LoanState.HELD),
        (749_999, LoanState.HELD),
        (750_000, LoanState.CALLED),
        (830_000, LoanState.LIQUIDATED),
        (2**63 - 1, LoanState.LIQUIDATED),
    ],
)
def test_limits_begin_where_they_say(ltv, state):
    assert loans.state_of(ltv, LIMITS) == state


@pytest.mark.parametrize(
    "limits",
    [
        LoanLimits(0, 1, 2),
        LoanLimits(2, 2, 3),
        LoanLimits(1, 3, 3),
        LoanLimits(1, 2, PPM + 1),
        LoanLimits(-1, 2, 3),
    ],
)
def test_limits_out_of_order_are_refused(limits):
    assert loans.limits_fit(LIMITS)
    assert not loans.limits_fit(limits)


def _carries(equity, debt, more, rate, haircut):
    needed = ceil(Fraction((debt + more) * rate, PPM))
    return needed <= equity - ceil(Fraction(more * haircut, PPM))


@given(
    st.integers(-SUM_MAX, SUM_MAX) | sizes(SUM_MAX, 0),
    VALUES,
    sizes(PPM),
    st.just(0) | sizes(PPM, 0),
)
def test_the_largest_loan_is_carried_and_one_unit_more_is_not(equity, debt, rate, haircut):
    most = loans.borrowable_minor(equity, debt, rate, haircut)
    assert 0 <= most <= SUM_MAX - debt
    if most:
        assert _carries(equity, debt, most, rate, haircut)
    if debt + most < SUM_MAX:
        assert not _carries(equity, debt, most + 1, rate, haircut)


@given(sizes(2**55, 0), st.integers(2, BORROW_LEVERAGE_MAX))
def test_what_is_owned_with_loans_stays_within_the_leverage(equity, leverage):
    most = loans.borrowable_minor(equity, 0, loans.margin_ppm(leverage), 0)
    assert equity + most <= leverage * equity
    # The rate is rounded up in ppm, the requirement in units: that much is given away at most.
    exact = (leverage - 1) * equity
    assert exact - most <= exact * leverage // PPM + leverage


@pytest.mark.parametrize(
    ("leverage", "rate"), [(2, PPM), (3, 500_000), (10, 111_112), (50, 20_409)]
)
def test_known_margin_rates(leverage, rate):
    assert loans.margin_ppm(leverage) == rate


@pytest.mark.parametrize("row", BORROW["loan_to_value"], ids=lambda row: row["ltv"])
def test_published_loan_to_value(row):
    got = loan_to_value_ppm(units(row["loan"], MINOR), units(row["collateral"], MINOR))
    assert abs(Fraction(got, PPM) - Fraction(row["ltv"])) <= digits(row["ltv"])


def test_binance_largest_loan():
    """The page cuts to whole dollars: the largest loan is below one more."""
    row = BORROW["largest"]
    equity, debt = units(row["equity"], MINOR), units(row["debt"], MINOR)
    most = loans.borrowable_minor(equity, debt, ppm(row["initial"]), 0) * MINOR
    assert 0 <= most - Fraction(row["borrowable"]) < 1


@pytest.mark.parametrize("kind", ["initial", "maintenance"])
def test_binance_tiered_margin_of_loans(kind):
    row = BORROW["tiered"]
    total = 0
    for loan in row["loans"]:
        rates = [ppm(tier[kind]) for tier in loan["tiers"]]
        floors = [units(tier["floor"], MINOR) for tier in loan["tiers"]]
        table = tiers.build(
            [tiers.Bracket(low, rate, PPM) for low, rate in zip(floors, rates, strict=True)]
        )
        value = units(loan["value"], MINOR)
        total += tiers.maintenance_minor(table, 0, len(table), value, PPM)
    assert total == units(row[kind], MINOR)


@given(AMOUNTS, st.integers(0, 24 * 10**6), st.integers(1, 48))
def test_hours_one_by_one_cost_at_most_a_unit_more_each_than_together(principal, scale, hours):
    """The day's rate of section 11.1 and the hour's of 11.2, where both can say the same."""
    hourly_ppt = scale * 1000
    together = interest_minor(min(principal, 2**50), 24 * scale, hours)
    apart = loans.accrue(min(principal, 2**50), 0, 0, hours * HOUR_NS, hourly_ppt)
    assert together <= apart < together + hours
