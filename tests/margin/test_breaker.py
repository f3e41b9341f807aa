"""Price bands hold their own ends and their reference."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin.breaker import MOVE_PPM_MAX, band_ticks
from matching.units import PPM, PRICE_TICKS_MAX
from tests.margin.published import load, units
from tests.margin.strategies import sizes

BANDS = st.sampled_from([0, 50_000, PPM]) | sizes(MOVE_PPM_MAX, 0)


@given(sizes(PRICE_TICKS_MAX), BANDS, sizes(PRICE_TICKS_MAX))
def test_a_band_is_rounded_inward_and_holds_its_reference(one, band, other):
    reference, top = min(one, other), max(one, other)
    low, high = band_ticks(reference, band, top)
    exact_low = reference * (1 - Fraction(band, PPM))
    exact_high = reference * (1 + Fraction(band, PPM))
    assert low == max(ceil(exact_low), 1)
    assert high == min(floor(exact_high), top)
    assert 1 <= low <= reference <= high <= top
    assert exact_low <= low
    assert high <= exact_high


@pytest.mark.parametrize("row", load("bands")["bands"], ids=lambda row: row["name"])
def test_published_bands(row):
    tick = Fraction(row["tick"])
    reference = units(row["reference"], tick)
    _, high = band_ticks(reference, units(row["up"], Fraction(1, PPM)), PRICE_TICKS_MAX)
    low, _ = band_ticks(reference, units(row["down"], Fraction(1, PPM)), PRICE_TICKS_MAX)
    assert low * tick == Fraction(row["low"])
    assert high * tick == Fraction(row["high"])
