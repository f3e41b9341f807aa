"""Fees: six tiers by 30-day volume, a discount for orders through an API key, maker rebates.

Source: docs/spec/margin.md, section 12.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.margin.rounding import muldiv_ceil_three, muldiv_floor
from matching.jit import kernel
from matching.units import PPM

FEE_TIERS: Final = 6

FEE_TIER: Final = np.dtype(
    [("volume_minor", "<i8"), ("discount_ppm", "<i8"), ("rebate_ppm", "<i8")]
)
"""Shape (FEE_TIERS,), volumes ascending from 0: the 30-day volume that opens a tier, the discount
on taker fees, and what a maker gets of a trade's value."""


@kernel
def find_tier(fee_tiers: NDArray[Any], volume_minor: int) -> int:
    """The highest tier that a 30-day volume (valuation units) opens."""
    tier = 0
    for later in range(1, fee_tiers.shape[0]):
        tier += 1 if fee_tiers["volume_minor"][later] <= volume_minor else 0
    return tier


@kernel
def taker_fee_minor(
    notional_minor: int, taker_ppm: int, discount_ppm: int, api_discount_ppm: int
) -> int:
    """What a taker pays: both discounts multiply, one rounding, up.

    Args:
        notional_minor: The trade's value, 0..EXPOSURE_MINOR_MAX.
        taker_ppm: The instrument's taker fee, 0..FEE_PPM_MAX.
        discount_ppm: The tier's discount, 0..PPM.
        api_discount_ppm: 0 for orders that came by hand.
    """
    discounted = taker_ppm * (PPM - discount_ppm)
    return muldiv_ceil_three(notional_minor, discounted, PPM - api_discount_ppm, PPM * PPM * PPM)


@kernel
def maker_rebate_minor(notional_minor: int, rebate_ppm: int) -> int:
    """What a maker gets; rounded down. A listing keeps rebates below every discounted taker fee."""
    return muldiv_floor(notional_minor, rebate_ppm, PPM)
