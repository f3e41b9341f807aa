"""Circuit breakers: the price band around a reference, and the volatility halt.

Source: docs/spec/margin.md, section 14.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.margin.rounding import muldiv_ceil, muldiv_floor
from matching.jit import inlined, kernel
from matching.units import PPM, PRICE_TICKS_MAX

WINDOW_S_MAX: Final = 600
"""Longest window of a volatility halt: how many seconds are remembered."""
MOVE_PPM_MAX: Final = 2**31 - 1
"""No halt asks for a larger move; a rise may be more than 100 %."""
NEVER_SEEN: Final = -1
"""The second of a slot that holds no price."""


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


class Recent(NamedTuple):
    """The lowest and highest price of each recent second of one instrument.

    Columns of shape (WINDOW_S_MAX,), slot second % WINDOW_S_MAX; a slot is worth what its second
    says, so that nothing is ever cleared.
    """

    second: NDArray[np.int64]
    """Which second the slot holds; NEVER_SEEN at first."""
    low_ticks: NDArray[np.int64]
    high_ticks: NDArray[np.int64]
    past: NDArray[np.int64]
    """Shape (3,): the second that was last seen, and the lowest and highest price of the seconds
    before it that are still within the window; 0, 0 when there is none. (NEVER_SEEN, 0, 0) at
    first."""


class HaltRule(NamedTuple):
    """When an instrument halts; a listing sets it."""

    window_s: int
    """Prices of the last so many seconds count, the current one among them, 1..WINDOW_S_MAX."""
    move_ppm: int
    """A move beyond this halts, 0..MOVE_PPM_MAX."""


@inlined
def _is_beyond(price_ticks: int, low_ticks: int, high_ticks: int, move_ppm: int) -> bool:
    """Whether a price is too far from the lowest or the highest one before it, as parts of that."""
    rise, fall = price_ticks - low_ticks, high_ticks - price_ticks
    return rise * PPM > low_ticks * move_ppm or fall * PPM > high_ticks * move_ppm


@inlined
def _look_back(recent: Recent, second: int, window_s: int) -> None:
    """Gather what the window still holds of the seconds before this one."""
    low = high = 0
    for age in range(1, window_s):
        slot = (second - age) % WINDOW_S_MAX
        if recent.second[slot] == second - age and second >= age:
            low = recent.low_ticks[slot] if low == 0 else min(low, recent.low_ticks[slot])
            high = max(high, recent.high_ticks[slot])
    recent.past[0], recent.past[1], recent.past[2] = second, low, high


@kernel
def observe(recent: Recent, second: int, price_ticks: int, rule: HaltRule) -> bool:
    """Take one price; whether trading halts: it moved too far from one of the window's prices.

    Each price is compared with the lowest and the highest one before it, so that every pair of
    prices within the window is. A look back costs window_s steps, once a second.

    Args:
        recent: Mutated.
        second: Of the price, 0 or more; never before the second that was last seen.
        price_ticks: 1..PRICE_TICKS_MAX.
        rule: The listing's; a changed window counts from the next second on.

    Returns:
        True when the move is beyond rule.move_ppm. The price counts all the same.
    """
    if second != recent.past[0]:
        _look_back(recent, second, rule.window_s)
    slot = second % WINDOW_S_MAX
    low, high = recent.past[1], recent.past[2]
    if recent.second[slot] == second:
        low = recent.low_ticks[slot] if low == 0 else min(low, recent.low_ticks[slot])
        high = max(high, recent.high_ticks[slot])
        recent.low_ticks[slot] = min(recent.low_ticks[slot], price_ticks)
        recent.high_ticks[slot] = max(recent.high_ticks[slot], price_ticks)
    else:
        recent.second[slot] = second
        recent.low_ticks[slot] = recent.high_ticks[slot] = price_ticks
    return low != 0 and _is_beyond(price_ticks, low, high, rule.move_ppm)


@kernel
def forget(recent: Recent) -> None:
    """Begin anew: after a halt's reopening auction, whose price is the first one that counts."""
    recent.second[:] = NEVER_SEEN
    recent.past[0], recent.past[1], recent.past[2] = NEVER_SEEN, 0, 0


assert PRICE_TICKS_MAX * MOVE_PPM_MAX < 2**63
assert PRICE_TICKS_MAX * (PPM + MOVE_PPM_MAX) < 2**126
