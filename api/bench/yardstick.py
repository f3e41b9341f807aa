"""A fixed piece of work, timed beside each figure, so that a noisy machine shows itself.

The work is a walk of dependent reads through 32 MiB with a little arithmetic: what a matching
engine does to a processor. Its speed is printed in million steps a second; a figure divided by it
can be compared between runs and machines of one kind. Never change it: old figures rely on it.
"""

import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.jit import kernel

CELLS: Final = 1 << 22
STEPS: Final = 500_000


@kernel
def _walk(cells: NDArray[Any], steps: int) -> int:
    """Follow `cells` from one to the next and fold what is met.

    Args:
        cells: int64, shape (CELLS,), a permutation: the next cell after each.
        steps: How many steps.

    Returns:
        A fold of the path, so that no compiler can leave the walk out.
    """
    at = 0
    fold = 0
    for _ in range(steps):
        at = cells[at]
        fold = (fold * 31 + at) & 0xFFFFFFFF
    return fold


class Yardstick:
    """Holds the walked cells; `measure` takes about 0.2 s."""

    def __init__(self) -> None:
        order = np.random.default_rng(20261120).permutation(CELLS)
        self._cells = np.empty(CELLS, dtype=np.int64)
        self._cells[order] = np.roll(order, -1)
        _walk(self._cells, 1)

    def measure(self) -> float:
        """Million steps a second, the best of three."""
        best = float("inf")
        for _ in range(3):
            began = time.perf_counter()
            _walk(self._cells, STEPS)
            best = min(best, time.perf_counter() - began)
        return STEPS / best / 1e6
