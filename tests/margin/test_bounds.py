"""What a listing lets in keeps every bound that the proofs of docs/spec/margin.md rest on.

What is judged at both ends of these bounds: tests/engine/test_judgement.py.
"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin.contracts import exposure_fits, extreme_minor
from ledger.margin.limits import (
    COST_MAX,
    DEN_MAX,
    EXPOSURE_MINOR_MAX,
    INVERSE,
    INVERSE_NUM_MAX,
    LINEAR,
    NUM_MAX,
)
from matching.units import PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.margin.strategies import sizes


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
