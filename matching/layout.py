"""Arrays of the order book: what is canonical (in the state root) and what is derived from it.

One book arena serves all instruments of an engine. An instrument has two sides; `side_index` is
2 * instrument + side. Prices enter as keys: asks count up from zero, bids count down from the
instrument's highest price, so that the best price of either side is its lowest key.

Canonical: RESTING rows and the order fields of POOL. Derived, rebuilt by `index.rebuild`: levels,
pages, sides, ids, `level_of`. Normative text: docs/spec/matching.md.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

NIL: Final = -1
"""No slot: the end of a list."""

KEY_NONE: Final = 2**31
"""The best key of an empty side: worse than any price."""

DIGIT_BITS: Final = 6
PAGE_KEYS: Final = 1 << DIGIT_BITS
"""One page of the price index stands for 64 neighbouring keys, or 64 pages below it."""
HEIGHT_MAX: Final = 6
"""Six digits of six bits cover every price up to 2^31 - 1."""

SIDE_LOTS_MAX: Final = 2**62
"""Most lots on one side of one book, so that sums of lots never wrap."""

RESTING: Final = np.dtype(
    [
        ("order_id", "<i8"),
        ("qty_lots", "<i8"),
        ("account", "<u4"),
        ("side_index", "<u4"),
        ("next", "<i4"),
        ("prev", "<i4"),
    ]
)
"""One resting order; qty_lots is what remains, never 0. A free slot is all zero but for `next`,
the next free slot. In a level `prev` is nearer the front."""

LEVEL: Final = np.dtype(
    [
        ("qty_lots", "<i8"),
        ("head", "<i4"),
        ("tail", "<i4"),
        ("count", "<i4"),
        ("key", "<i4"),
        ("page", "<i4"),
        ("side_index", "<i4"),
    ]
)
"""All orders of one side at one price, first come first; `page` is its leaf in the price index."""

PAGE: Final = np.dtype([("bits", "<i8"), ("parent", "<i4"), ("digit", "<i4")])
"""A node of the price index: bit d is set when child d is there; `digit` is its own place in its
parent. Children stand in `Book.children[page * 64 + d]`: pages, or levels when it is a leaf."""

SIDE: Final = np.dtype(
    [
        ("best_key", "<i8"),
        ("qty_lots", "<i8"),
        ("best_level", "<i4"),
        ("root", "<i4"),
        ("height", "<i4"),
        ("orders", "<i4"),
        ("levels", "<i4"),
        ("max_key", "<i4"),
    ]
)
"""One side of one book. Its key for a price is the price (asks) or max_key - price (bids)."""

ID_ENTRY: Final = np.dtype([("order_id", "<i8"), ("slot", "<i8")])
"""Open-addressing map from order id to slot; order_id 0 is empty."""

POOL: Final = np.dtype(
    [
        ("order_high", "<i8"),
        ("order_free", "<i8"),
        ("order_open", "<i8"),
        ("level_high", "<i8"),
        ("level_free", "<i8"),
        ("level_open", "<i8"),
        ("page_high", "<i8"),
        ("page_free", "<i8"),
        ("page_open", "<i8"),
    ]
)
"""One row: slots ever used, head of the free list, and slots in use, for each pool."""


class Book(NamedTuple):
    """The arena that kernels work on; every array is preallocated."""

    orders: NDArray[Any]
    """RESTING, shape (order_capacity,)."""
    level_of: NDArray[np.int32]
    """Level slot of each order slot, shape (order_capacity,)."""
    levels: NDArray[Any]
    """LEVEL, shape (level_capacity,)."""
    pages: NDArray[Any]
    """PAGE, shape (page_capacity,)."""
    children: NDArray[np.int32]
    """Shape (page_capacity * 64,)."""
    sides: NDArray[Any]
    """SIDE, shape (2 * instrument_capacity,)."""
    ids: NDArray[Any]
    """ID_ENTRY, shape (a power of two, at least twice order_capacity)."""
    pool: NDArray[Any]
    """POOL, shape (1,)."""
