"""The volatility multiplier: margin rises in stress, at once, and comes down slowly.

An exponential average of the mark's relative moves, in parts per billion, once a clock tick.
Source: docs/spec/margin.md, section 5.3.
"""

from typing import NamedTuple

from ledger.margin.limits import PPB, RATE_PPB_MAX
from ledger.margin.rounding import clamp, muldiv_ceil, muldiv_floor
from matching.jit import inlined, kernel
from matching.units import PPM


class VolatilityRule(NamedTuple):
    """How an instrument answers to stress; a listing sets it."""

    rise_ppm: int
    """Weight of a move above the average, 1..PPM."""
    decay_ppm: int
    """Weight of a move below it, 1..rise_ppm."""
    calm_ppb: int
    """The average up to which margin is not raised, 1 or more."""
    cap_ppm: int
    """The highest multiplier, PPM..MULTIPLIER_PPM_MAX."""


@inlined
def move_ppb(before_ticks: int, after_ticks: int) -> int:
    """The size of a relative move, rounded up, at most RATE_PPB_MAX; before_ticks is 1 or more."""
    move = muldiv_ceil(abs(after_ticks - before_ticks), PPB, before_ticks)
    return min(move, RATE_PPB_MAX)


@kernel
def next_average_ppb(
    average_ppb: int, before_ticks: int, after_ticks: int, rule: VolatilityRule
) -> int:
    """The average after one tick: up by rise_ppm of the gap, down by decay_ppm of it.

    Rises are rounded up and falls down: stress is never understated. It therefore stops falling
    within PPM / decay_ppm ppb of the moves.
    """
    gap = move_ppb(before_ticks, after_ticks) - average_ppb
    if gap > 0:
        return average_ppb + muldiv_ceil(gap, rule.rise_ppm, PPM)
    return average_ppb - muldiv_floor(-gap, rule.decay_ppm, PPM)


@kernel
def multiplier_ppm(average_ppb: int, rule: VolatilityRule) -> int:
    """How much margin is raised: average over calm, rounded up, within PPM..cap_ppm."""
    return clamp(muldiv_ceil(average_ppb, PPM, rule.calm_ppb), PPM, rule.cap_ppm)
