"""Auto-deleveraging: who closes first when the insurance fund is short.

Rank = profit ratio x effective leverage for winners, profit ratio / effective leverage for losers
(the published rule of Binance, Bybit and BitMEX). Source: docs/spec/margin.md, section 8.4.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.margin.rounding import muldiv_ceil, muldiv_floor
from matching.jit import inlined, kernel
from matching.units import PPM

RATIO_MAX: Final = 2**40
"""Profit ratios and leverages above a million count as a million, in ppm."""
BANDS: Final = 5
"""The ADL light: 1 for the last fifth of the queue, 5 for the first."""
NO_BAND: Final = 0


@kernel
def score(pnl_minor: int, entry_minor: int, notional_minor: int, equity_minor: int) -> int:
    """A position's rank: higher closes first.

    Args:
        pnl_minor: Unrealized profit.
        entry_minor: The position's value at entry, 0 or more.
        notional_minor: Its value at the mark, 1 or more.
        equity_minor: What carries it (its margin and profit, or the account's equity), in the same
            asset; a bankrupt one counts as 1.

    Returns:
        Winners: profit ratio * leverage in ppm, 0..2^60; losers: -(loss ratio / leverage), below 0.
    """
    entry = max(entry_minor, 1)
    leverage = min(muldiv_ceil(notional_minor, PPM, max(equity_minor, 1)), RATIO_MAX)
    if pnl_minor >= 0:
        gained = min(muldiv_floor(pnl_minor, PPM, entry), RATIO_MAX)
        return muldiv_floor(gained, leverage, PPM)
    lost = min(muldiv_ceil(-pnl_minor, PPM, entry), RATIO_MAX)
    return -muldiv_ceil(lost, PPM, leverage)


@inlined
def _goes_after(scores: NDArray[np.int64], row: int, other: int) -> bool:
    """Whether row closes after other: by score, then row, so that the order is total."""
    if scores[row] != scores[other]:
        return bool(scores[row] < scores[other])
    return row > other


@inlined
def _sift_down(
    scores: NDArray[np.int64], order: NDArray[np.int64], parent: int, count: int
) -> None:
    """Restore the heap below `parent`; the one that closes last stands on top."""
    while 2 * parent + 1 < count:
        child = 2 * parent + 1
        if child + 1 < count and _goes_after(scores, order[child + 1], order[child]):
            child += 1
        if not _goes_after(scores, order[child], order[parent]):
            return
        order[parent], order[child] = order[child], order[parent]
        parent = child


@kernel
def queue(scores: NDArray[np.int64], order: NDArray[np.int64]) -> None:
    """Sort rows into the order in which they close, in place: n log n at worst.

    Args:
        scores: By row, of the candidates of one side of one instrument.
        order: Shape (candidate_count,), rows of `scores`, each once. Mutated.
    """
    count = order.shape[0]
    for parent in range(count // 2 - 1, -1, -1):
        _sift_down(scores, order, parent, count)
    for last in range(count - 1, 0, -1):
        order[0], order[last] = order[last], order[0]
        _sift_down(scores, order, 0, last)


@kernel
def bands(scores: NDArray[np.int64], order: NDArray[np.int64], light: NDArray[np.uint8]) -> None:
    """Set each queued row's light: BANDS for the first fifth of the queue, 1 for the last.

    Args:
        scores: As `queue` read them.
        order: As `queue` left it.
        light: By row. Mutated; losers get NO_BAND: they are never deleveraged before a winner.
    """
    count = order.shape[0]
    for place in range(count):
        row = order[place]
        light[row] = BANDS - place * BANDS // count if scores[row] > 0 else NO_BAND
