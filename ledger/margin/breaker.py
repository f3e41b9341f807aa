"""The price band around a reference, and the largest move that a rule may name.

Source: docs/spec/margin.md, section 14.
"""

from typing import Final

from ledger.margin.rounding import muldiv_ceil, muldiv_floor
from matching.jit import kernel
from matching.units import PPM, PRICE_TICKS_MAX

MOVE_PPM_MAX: Final = 2**31 - 1
"""Widest band, and largest move of a volatility halt; a rise may be more than 100 %."""


@kernel
def band_ticks(reference_ticks: int, band_ppm: int, max_ticks: int) -> tuple[int, int]:
    """The lowest and the highest valid price around a reference.

    Rounded inward, so that a price on the band is within it; the reference itself always is.

    Args:
        reference_ticks: 1..max_ticks.
        band_ppm: How far a price may stand off, 0..MOVE_PPM_MAX.
        max_ticks: The instrument's highest price.

    Returns:
        (low_ticks, high_ticks) with 1 <= low <= reference <= high <= max_ticks.
    """
    low = muldiv_ceil(reference_ticks, max(PPM - band_ppm, 0), PPM)
    high = muldiv_floor(reference_ticks, PPM + band_ppm, PPM)
    return max(low, 1), min(high, max_ticks)


assert PRICE_TICKS_MAX * MOVE_PPM_MAX < 2**63
assert PRICE_TICKS_MAX * (PPM + MOVE_PPM_MAX) < 2**126
