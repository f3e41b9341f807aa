"""Hourly interest and loan to value."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin.interest import HOUR_NS, LTV_NONE, hours_due, interest_minor, loan_to_value_ppm
from ledger.margin.limits import PPB, RATE_PPB_MAX, SUM_MAX
from matching.units import AMOUNT_MINOR_MAX, PPM
from tests.margin.published import MINOR, digits, load, units
from tests.margin.strategies import sizes

INTEREST = load("interest")
BILLIONTH = Fraction(1, PPB)
MINUTE_NS = HOUR_NS // 60


@given(sizes(AMOUNT_MINOR_MAX, 0), sizes(RATE_PPB_MAX, 0), st.integers(0, 2**12))
def test_interest_is_simple_and_rounded_up(debt, daily, hours):
    exact = ceil(Fraction(debt * daily * hours, 24 * PPB))
    assert interest_minor(debt, daily, hours) == min(exact, 2**63 - 1)


@given(st.integers(0, 2**62), st.integers(0, 10**16))
def test_an_hour_is_due_at_the_start_and_at_each_full_hour(start, length):
    passed = sum(1 for hour in range(start // HOUR_NS, (start + length) // HOUR_NS))
    assert hours_due(start, start + length) == 1 + passed


@given(sizes(SUM_MAX, 0), st.integers(-SUM_MAX, SUM_MAX))
def test_loan_to_value_is_rounded_up(debt, collateral):
    got = loan_to_value_ppm(debt, collateral)
    if debt == 0:
        assert got == 0
    elif collateral <= 0:
        assert got == LTV_NONE
    else:
        assert got == min(ceil(Fraction(debt * PPM, collateral)), 2**63 - 1)


def _clock(text):
    hours, minutes = text.split(":")
    return int(hours) * HOUR_NS + int(minutes) * MINUTE_NS


@pytest.mark.parametrize("row", INTEREST["simple"], ids=lambda row: row["interest"])
def test_binance_examples(row):
    hours = hours_due(_clock(row["from"]), _clock(row["to"]))
    assert hours == int(row["hours"])
    due = interest_minor(units(row["debt"], MINOR), units(row["daily"], BILLIONTH), hours)
    assert due == units(row["interest"], MINOR)


def test_crypto_com_example_of_interest_on_interest():
    row = INTEREST["compound"]
    principal = debt = units(row["debt"], MINOR)
    for _ in range(int(row["hours"])):
        debt += interest_minor(debt, units(row["daily"], BILLIONTH), 1)
    owed = (debt - principal) * MINOR
    # The page cuts its total to five decimals.
    assert 0 <= owed - Fraction(row["interest"]) < 2 * digits(row["interest"])
