"""Fees: tiers, two discounts in one rounding, rebates."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin.fees import FEE_TIER, FEE_TIERS, find_tier, maker_rebate_minor, taker_fee_minor
from ledger.margin.limits import EXPOSURE_MINOR_MAX, FEE_PPM_MAX
from matching.units import PPM
from tests.margin.strategies import sizes

NOTIONALS = sizes(EXPOSURE_MINOR_MAX, 0)
DISCOUNTS = st.sampled_from([0, 100_000, 600_000, PPM]) | st.integers(0, PPM)


def _table(volumes):
    table = np.zeros(FEE_TIERS, FEE_TIER)
    table["volume_minor"] = volumes
    return table


@given(NOTIONALS, st.integers(0, FEE_PPM_MAX), DISCOUNTS, DISCOUNTS)
def test_a_taker_pays_both_discounts_off_rounded_up_once(notional, taker, tier, api):
    exact = Fraction(notional * taker * (PPM - tier) * (PPM - api), PPM**3)
    assert taker_fee_minor(notional, taker, tier, api) == ceil(exact)


@given(NOTIONALS, st.integers(0, FEE_PPM_MAX))
def test_a_maker_gets_its_rebate_rounded_down(notional, rebate):
    assert maker_rebate_minor(notional, rebate) == floor(Fraction(notional * rebate, PPM))


@given(NOTIONALS, st.integers(1, FEE_PPM_MAX), DISCOUNTS, DISCOUNTS, st.data())
def test_a_rebate_below_the_discounted_fee_is_always_covered(notional, taker, tier, api, data):
    floor_ppm = taker * (PPM - tier) * (PPM - api) // PPM**2
    rebate = data.draw(st.integers(0, floor_ppm))
    fee = taker_fee_minor(notional, taker, tier, api)
    assert maker_rebate_minor(notional, rebate) <= fee


@given(st.lists(sizes(2**62), min_size=5, max_size=5, unique=True), sizes(2**62, 0))
def test_the_tier_is_the_highest_that_the_volume_opens(volumes, volume):
    table = _table([0, *sorted(volumes)])
    expected = max(row for row in range(FEE_TIERS) if table["volume_minor"][row] <= volume)
    assert find_tier(table, volume) == expected


@pytest.mark.parametrize(
    ("tier", "api", "fee"),
    [(0, 0, 500), (600_000, 0, 200), (0, 100_000, 450), (600_000, 100_000, 180)],
)
def test_the_top_tier_saves_sixty_percent_and_a_key_ten(tier, api, fee):
    assert taker_fee_minor(10**6, 500, tier, api) == fee
