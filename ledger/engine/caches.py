"""What the kernels remember to be fast: never in the state root, never needed to be right.

An engine whose caches are empty gives the same outcomes, events and roots, later.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.arena import grown

SLACK_ROW: Final = np.dtype([("epoch", "<i8"), ("slack_minor", "<i8")])
"""At least so much equity above initial margin an account has, while `epoch` is the present one."""

WEIGHT_ROW: Final = np.dtype([("weight", "<i8"), ("most_minor", "<i8")])
"""What one unit of an asset moves of anybody's slack at most, in 2^-WEIGHT_SHIFT valuation units,
and the amount up to which it may be multiplied; -1 when nothing may."""

WEIGHT_SHIFT: Final = 24
HINTS_MIN: Final = 1 << 10


class Caches(NamedTuple):
    """Scratch that outlives a command."""

    slack: NDArray[Any]
    """SLACK_ROW, shape (account capacity,)."""
    weights: NDArray[Any]
    """WEIGHT_ROW, shape (asset capacity,)."""
    epoch: NDArray[np.int64]
    """Shape (1,): grows with every change of prices or rules; 0 is none."""
    hints: NDArray[np.int32]
    """Where a position was last found, as row + 1; shape: a power of two."""


def new_caches(accounts: int, assets: int, positions: int) -> Caches:
    """Caches that remember nothing."""
    hints = HINTS_MIN
    while hints < 2 * positions:
        hints *= 2
    return Caches(
        slack=np.zeros(accounts, SLACK_ROW),
        weights=np.zeros(assets, WEIGHT_ROW),
        epoch=np.ones(1, np.int64),
        hints=np.zeros(hints, np.int32),
    )


def grown_caches(caches: Caches, accounts: int, assets: int, positions: int) -> Caches:
    """Caches for larger tables; hints are cheap to find again."""
    hints = caches.hints
    if len(hints) < 2 * positions:
        hints = new_caches(0, 0, positions).hints
    return Caches(
        slack=grown(caches.slack, accounts),
        weights=grown(caches.weights, assets),
        epoch=caches.epoch,
        hints=hints,
    )
