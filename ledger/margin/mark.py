"""The mark: median of index with funding basis, index with premium average, and last price.

Rounded down: a mark belongs to both sides of every position. Source: docs/spec/margin.md,
section 9.
"""

from typing import Final

from ledger.margin.limits import PPB
from ledger.margin.rounding import median_of_three, muldiv_floor_three, ppm_floor
from matching.jit import inlined, kernel

EMA_SHIFT: Final = 16
"""The premium average is kept in 1 / 65536 tick."""
EMA_ONE: Final = 1 << EMA_SHIFT


@inlined
def funding_basis_ticks(index_ticks: int, rate_ppb: int, remaining_s: int, interval_s: int) -> int:
    """What the coming funding makes of the index: index * (1 + rate * remaining / interval)."""
    rate = abs(rate_ppb)
    basis = muldiv_floor_three(
        index_ticks if rate_ppb >= 0 else -index_ticks, rate, remaining_s, interval_s * PPB
    )
    return index_ticks + basis


@kernel
def next_premium_ema(ema: int, middle_ticks: int, index_ticks: int, alpha_ppm: int) -> int:
    """Move the premium average towards middle - index.

    Args:
        ema: In 1 / EMA_ONE tick.
        middle_ticks: The middle of the book's best prices (of its impact prices, better).
        index_ticks: The index.
        alpha_ppm: Weight of the new observation, 1..PPM.

    Returns:
        The new average. Its step is cut towards zero, the same for both sides; it stays within
        PPM / alpha_ppm units of where exact arithmetic would settle.
    """
    gap = (middle_ticks - index_ticks) * EMA_ONE - ema
    step = ppm_floor(abs(gap), alpha_ppm)
    return ema + (step if gap >= 0 else -step)


@kernel
def mark_ticks(
    index_ticks: int,
    last_ticks: int,
    premium_ema: int,
    rate_ppb: int,
    remaining_s: int,
    interval_s: int,
) -> int:
    """The mark price.

    Args:
        index_ticks: The index, 1 or more: without an index the caller keeps the mark that it has.
        last_ticks: The last trade's price; 0 when there was none, and the index stands in.
        premium_ema: From `next_premium_ema`.
        rate_ppb: The current interval's funding rate.
        remaining_s: Until the next funding.
        interval_s: Of the whole interval.

    Returns:
        The median of the three, at least 1.
    """
    with_basis = funding_basis_ticks(index_ticks, rate_ppb, remaining_s, interval_s)
    with_premium = index_ticks + (premium_ema >> EMA_SHIFT)
    last = last_ticks if last_ticks > 0 else index_ticks
    return max(median_of_three(with_basis, with_premium, last), 1)
