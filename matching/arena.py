"""Makes, grows and rebuilds the book's arrays. Allocation happens here, never in a kernel."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.ids import insert_id
from matching.index import open_level
from matching.jit import i64, kernel
from matching.layout import (
    HEIGHT_MAX,
    ID_ENTRY,
    LEVEL,
    NIL,
    PAGE,
    PAGE_KEYS,
    POOL,
    RESTING,
    SIDE,
    Book,
)

MIN_ORDERS: Final = 1024
FEW_ROWS: Final = 1 << 15
"""Tables up to here become four times as large: each time, everything is pinned anew."""
MIN_SIDES: Final = 16
PAGES_SPARE: Final = HEIGHT_MAX - 1 + 2
"""Most pages that one command takes: a path below the root, or two roots."""


def new_book() -> Book:
    """An empty arena; `make_room` grows it."""
    pool = np.zeros(1, POOL)
    for name in ("order_free", "level_free", "page_free"):
        pool[name] = NIL
    return Book(
        orders=np.zeros(MIN_ORDERS, RESTING),
        level_of=np.zeros(MIN_ORDERS, np.int32),
        levels=np.zeros(MIN_ORDERS, LEVEL),
        pages=np.zeros(MIN_ORDERS, PAGE),
        children=np.zeros(MIN_ORDERS * PAGE_KEYS, np.int32),
        sides=np.zeros(MIN_SIDES, SIDE),
        ids=np.zeros(2 * MIN_ORDERS, ID_ENTRY),
        pool=pool,
    )


def grown(table: NDArray[Any], rows: int) -> NDArray[Any]:
    """The table itself when it has the rows, else a copy with the next power of two, or two.

    New rows are zero and untouched: the system gives them memory when they are first used.
    """
    if rows <= len(table):
        return table
    larger = np.zeros(1 << (rows - 1).bit_length() + (rows <= FEW_ROWS), table.dtype)
    # As bytes: numpy copies records field by field.
    larger.view(np.uint8)[: table.nbytes] = table.view(np.uint8)
    return larger


def make_room(book: Book, sides: int, more: int = 1) -> Book:
    """A book with the same content, room for `more` orders, and `sides` sides in all.

    What is full doubles. Old arrays are not used again.
    """
    pool = book.pool[0]
    orders = grown(book.orders, int(pool["order_open"]) + more)
    pages = grown(book.pages, int(pool["page_open"]) + more * PAGES_SPARE)
    ids = book.ids
    if 2 * len(orders) > len(ids):
        ids = np.zeros(2 * len(orders), ID_ENTRY)
        refill_ids(orders, int(pool["order_high"]), ids)
    return Book(
        orders=orders,
        level_of=grown(book.level_of, len(orders)),
        levels=grown(book.levels, int(pool["level_open"]) + more),
        pages=pages,
        children=grown(book.children, len(pages) * PAGE_KEYS),
        sides=grown(book.sides, sides),
        ids=ids,
        pool=book.pool,
    )


@kernel
def refill_ids(orders: NDArray[Any], high: int, ids: NDArray[Any]) -> None:
    """Enter every open order of slots 0..high-1 into an empty id map. Mutates ids."""
    for slot in range(high):
        if orders["order_id"][slot] != 0:
            insert_id(ids, orders["order_id"][slot], slot)


@kernel
def rebuild(book: Book, keys: NDArray[np.int64], start: int) -> int:
    """Rebuild levels, pages, side totals and ids from the canonical rows.

    Args:
        book: orders and the order fields of pool are given, their queues sound; sides are open;
            the rest is as `new_book` left it. Mutated.
        keys: The key of each slot's price, shape (order slots ever used,).
        start: The slot to go on from; 0 at first.

    Returns:
        The slot to go on from after `make_room`; all is done at keys.shape[0].
    """
    orders, levels, sides, pool = book.orders, book.levels, book.sides, book.pool
    for first in range(start, keys.shape[0]):
        if (
            pool["level_open"][0] >= levels.shape[0]
            or pool["page_open"][0] + PAGES_SPARE > book.pages.shape[0]
        ):
            return first
        if orders["order_id"][first] == 0 or orders["prev"][first] != NIL:
            continue
        side_index = i64(orders["side_index"][first])
        level = open_level(book, side_index, keys[first])
        levels["head"][level] = first
        slot = i64(first)
        while slot != NIL:
            book.level_of[slot] = level
            levels["tail"][level] = slot
            levels["count"][level] += 1
            levels["qty_lots"][level] += orders["qty_lots"][slot]
            sides["qty_lots"][side_index] += orders["qty_lots"][slot]
            sides["orders"][side_index] += 1
            insert_id(book.ids, orders["order_id"][slot], slot)
            slot = i64(orders["next"][slot])
    return keys.shape[0]
