"""The index: one price from several sources, that no single source can move far.

Stale, empty and outlying sources are dropped; below a minimum there is no price, and what hangs on
it stays where it was. Source: docs/spec/margin.md, section 9.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.jit import inlined, kernel
from matching.units import PPM

NO_PRICE: Final = 0
"""Too few sources agree."""


class Sources(NamedTuple):
    """Columns, shape (source_count,), source_count <= SOURCES_MAX."""

    price_ticks: NDArray[np.int64]
    """The last price that a source reported; 0 or less is no price."""
    time_ns: NDArray[np.int64]
    """When it reported it."""
    sorted_ticks: NDArray[np.int64]
    """Scratch."""


class IndexRule(NamedTuple):
    """How an index is made; a listing sets it."""

    stale_ns: int
    """A report older than this is no report. One from after now is none either."""
    outlier_ppm: int
    """A price further than this from the median of the fresh ones is dropped."""
    minimum: int
    """Fewest sources that make a price, 1..SOURCES_MAX; 3 is the least that outvotes a wild one."""


@inlined
def _insert(sorted_ticks: NDArray[np.int64], count: int, price_ticks: int) -> None:
    place = count
    while place > 0 and sorted_ticks[place - 1] > price_ticks:
        sorted_ticks[place] = sorted_ticks[place - 1]
        place -= 1
    sorted_ticks[place] = price_ticks


@inlined
def _median(sorted_ticks: NDArray[np.int64], first: int, count: int) -> int:
    """The middle; of two middles the mean, rounded down."""
    high = first + count // 2
    low = high if count % 2 else high - 1
    middle: int = (sorted_ticks[low] + sorted_ticks[high]) // 2
    return middle


@kernel
def index_ticks(sources: Sources, now_ns: int, rule: IndexRule) -> tuple[int, int]:
    """The index price.

    Returns:
        (index_ticks, used): the median of the sources that are fresh and no outliers, and how many
        they are. (NO_PRICE, used) when they are fewer than the minimum.
    """
    fresh = 0
    for source in range(sources.price_ticks.shape[0]):
        age_ns = now_ns - sources.time_ns[source]
        if sources.price_ticks[source] > 0 and 0 <= age_ns <= rule.stale_ns:
            _insert(sources.sorted_ticks, fresh, sources.price_ticks[source])
            fresh += 1
    if fresh < rule.minimum or fresh == 0:
        return NO_PRICE, fresh
    middle = _median(sources.sorted_ticks, 0, fresh)
    first, last = 0, fresh
    while first < last and (middle - sources.sorted_ticks[first]) * PPM > middle * rule.outlier_ppm:
        first += 1
    while last > first and (
        (sources.sorted_ticks[last - 1] - middle) * PPM > middle * rule.outlier_ppm
    ):
        last -= 1
    used = last - first
    if used < rule.minimum or used == 0:
        return NO_PRICE, used
    return _median(sources.sorted_ticks, first, used), used
