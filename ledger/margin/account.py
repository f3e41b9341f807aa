"""The unified account: what wallets are worth as collateral, risk ratio, what is available.

Source: docs/spec/margin.md, section 6.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.margin.limits import SUM_MAX, VALUE_MAX
from ledger.margin.rounding import (
    RECIPROCAL_AMOUNT_MAX,
    divide_by_reciprocal,
    muldiv_ceil,
    muldiv_floor,
    ppm_ceil,
    ppm_floor,
)
from matching.intrinsics import wide_product
from matching.jit import inlined, kernel
from matching.units import PPM

ASSET_RISK: Final = np.dtype(
    [
        ("index_ticks", "<i8"),
        ("num", "<i8"),
        ("den", "<i8"),
        ("haircut_ppm", "<i8"),
        ("debt_ppm", "<i8"),
    ]
)
"""One row an asset. One minor unit is worth index_ticks * num / den valuation units (num and den
up to NUM_MAX, DEN_MAX); haircut_ppm is what collateral loses, debt_ppm the maintenance margin on
what is borrowed."""

PRICE: Final = np.dtype(
    [
        ("unit", "<i8"),
        ("den", "<i8"),
        ("reciprocal", "<i8"),
        ("left_ppm", "<i8"),
        ("debt_ppm", "<i8"),
    ]
)
"""What judging everybody reads of an asset: index_ticks * num, den and its reciprocal, what a
haircut leaves, debt_ppm. Made of ASSET_RISK anew each time, so that it is never out of date."""

RATIO_NONE: Final = 2**63 - 1
"""The risk ratio of an account that nothing is required of."""


@inlined
def value_minor(assets: NDArray[Any], asset: int, amount_minor: int) -> int:
    """What an amount adds to equity, in valuation units.

    Collateral is rounded down, after its haircut, and capped at VALUE_MAX. What is owed counts in
    full and is rounded up; it saturates at SUM_MAX.
    """
    price = assets["index_ticks"][asset] * assets["num"][asset]
    full = muldiv_floor(amount_minor, price, assets["den"][asset])
    if full < 0:
        return max(full, -SUM_MAX)
    left_ppm = PPM - assets["haircut_ppm"][asset]
    return min(ppm_floor(min(full, SUM_MAX), left_ppm), VALUE_MAX)


@inlined
def requirement_value_minor(assets: NDArray[Any], asset: int, required_minor: int) -> int:
    """What a requirement in an asset demands, in valuation units; rounded up, at most SUM_MAX."""
    price = assets["index_ticks"][asset] * assets["num"][asset]
    required = muldiv_ceil(required_minor, price, assets["den"][asset])
    return min(required, SUM_MAX)


@inlined
def debt_requirement_minor(assets: NDArray[Any], asset: int, amount_minor: int) -> int:
    """Maintenance margin on what is borrowed of an asset, in that asset; rounded up."""
    if amount_minor >= 0:
        return 0
    return ppm_ceil(-amount_minor, assets["debt_ppm"][asset])


@kernel
def _worth_wide(amount_minor: int, unit: int, up: int, den: int) -> int:
    """`worth_minor` beyond 62 bits: a rare road, compiled apart from the loops it would slow."""
    if up:
        return min(muldiv_ceil(amount_minor, unit, den), SUM_MAX)
    return min(muldiv_floor(amount_minor, unit, den), SUM_MAX)


@inlined
def worth_minor(price: np.void, amount_minor: int, up: int) -> int:
    """What an amount of an asset is worth in valuation units, no haircut taken; at most SUM_MAX.

    Args:
        price: The asset's row of PRICE.
        amount_minor: 0..2^63-1.
        up: 1 rounds up, 0 down.
    """
    unit, den = price["unit"], price["den"]
    high, low = wide_product(amount_minor, unit, 1, den - 1 if up else 0)
    if high == 0 and 0 <= low <= RECIPROCAL_AMOUNT_MAX:
        return divide_by_reciprocal(low, den, price["reciprocal"])
    return _worth_wide(amount_minor, unit, up, den)


@inlined
def add_saturating(total: int, amount: int) -> int:
    """Add, at most to SUM_MAX; both are in 0..SUM_MAX."""
    return total + amount if amount <= SUM_MAX - total else SUM_MAX


@inlined
def is_liquidated(equity_minor: int, maintenance_minor: int) -> bool:
    """Risk ratio at or below 1. Nothing is required of an account without positions and debts."""
    return maintenance_minor > 0 and equity_minor <= maintenance_minor


@kernel
def risk_ratio_ppm(equity_minor: int, maintenance_minor: int) -> int:
    """Equity over maintenance margin, in ppm, rounded down; RATIO_NONE when none is required."""
    if maintenance_minor == 0:
        return RATIO_NONE
    return muldiv_floor(equity_minor, PPM, maintenance_minor)


@kernel
def available_minor(equity_minor: int, initial_minor: int) -> int:
    """What new orders and withdrawals may use: equity beyond initial margin, never negative.

    `initial_minor` is the initial margin of positions and of open orders.
    """
    return max(equity_minor - initial_minor, 0)
