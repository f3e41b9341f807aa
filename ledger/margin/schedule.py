"""The fee schedule: a taker and a maker rate for each of six tiers, and what makes it sound.

A maker's rate may be negative: a rebate. Source: docs/spec/margin.md, section 12.
"""

from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.margin.fees import FEE_TIERS
from ledger.margin.limits import FEE_PPM_MAX, REBATE_PPM_MAX, SUM_MAX
from ledger.margin.rounding import muldiv_ceil_three, muldiv_floor
from matching.jit import inlined, kernel
from matching.units import PPM

SCHEDULE: Final = np.dtype([("volume_minor", "<i8"), ("taker_ppm", "<i8"), ("maker_ppm", "<i8")])
"""Shape (FEE_TIERS,): the 30-day volume that opens a tier, and its rates. `find_tier` of
ledger.margin.fees reads it too."""


class ScheduleFault(IntEnum):
    """Why a schedule is refused, in the order of the checks."""

    NONE = 0
    VOLUMES = 1
    """Volumes do not ascend from 0 to at most SUM_MAX."""
    TAKER = 2
    """A taker rate is outside 0..FEE_PPM_MAX, or rises with the tier."""
    MAKER = 3
    """A maker rate is outside -REBATE_PPM_MAX..FEE_PPM_MAX, or rises with the tier."""
    DISCOUNT = 4
    """The discount for API keys is outside 0..PPM."""
    WASH = 5
    """Some taker and some maker together would be paid for trading with each other."""


_NONE: Final = int(ScheduleFault.NONE)
_VOLUMES: Final = int(ScheduleFault.VOLUMES)
_TAKER: Final = int(ScheduleFault.TAKER)
_MAKER: Final = int(ScheduleFault.MAKER)
_DISCOUNT: Final = int(ScheduleFault.DISCOUNT)
_WASH: Final = int(ScheduleFault.WASH)


@inlined
def _ascends(schedule: NDArray[Any]) -> bool:
    volumes = schedule["volume_minor"]
    ascends = volumes[0] == 0 and volumes[FEE_TIERS - 1] <= SUM_MAX
    for tier in range(1, FEE_TIERS):
        ascends = ascends and volumes[tier] > volumes[tier - 1]
    return bool(ascends)


@inlined
def _falls_within(rates_ppm: NDArray[Any], low_ppm: int, high_ppm: int) -> bool:
    """Whether rates never rise with the tier, and stay within low_ppm..high_ppm."""
    falls = rates_ppm[0] <= high_ppm and rates_ppm[FEE_TIERS - 1] >= low_ppm
    for tier in range(1, FEE_TIERS):
        falls = falls and rates_ppm[tier] <= rates_ppm[tier - 1]
    return bool(falls)


@kernel
def fault_of(schedule: NDArray[Any], api_discount_ppm: int) -> int:
    """What is wrong with a schedule: a `ScheduleFault`.

    Rates fall with the tier, so that the last taker and the last maker are the cheapest pair: when
    they together pay nothing less than 0, no pair does, after the discount and whatever the
    roundings (a fee is rounded up, a rebate down).

    Args:
        schedule: SCHEDULE, shape (FEE_TIERS,); any contents.
        api_discount_ppm: What an order that came through an API key saves of a fee.
    """
    if not _ascends(schedule):
        return _VOLUMES
    if not _falls_within(schedule["taker_ppm"], 0, FEE_PPM_MAX):
        return _TAKER
    if not _falls_within(schedule["maker_ppm"], -REBATE_PPM_MAX, FEE_PPM_MAX):
        return _MAKER
    if not 0 <= api_discount_ppm <= PPM:
        return _DISCOUNT
    last = FEE_TIERS - 1
    least = schedule["taker_ppm"][last] * (PPM - api_discount_ppm)
    rebate = -schedule["maker_ppm"][last] * PPM
    return _WASH if least < rebate else _NONE


@kernel
def fee_minor(notional_minor: int, rate_ppm: int, api_discount_ppm: int) -> int:
    """What one side of a trade pays; negative: what it gets.

    Args:
        notional_minor: The trade's value, 0..EXPOSURE_MINOR_MAX.
        rate_ppm: The side's rate, -REBATE_PPM_MAX..FEE_PPM_MAX.
        api_discount_ppm: 0 for orders that came by hand; lowers a fee, never raises a rebate.

    Returns:
        A fee rounded up, one rounding for rate and discount; a rebate rounded down.
    """
    if rate_ppm < 0:
        return -muldiv_floor(notional_minor, -rate_ppm, PPM)
    return muldiv_ceil_three(notional_minor, rate_ppm, PPM - api_discount_ppm, PPM * PPM)
