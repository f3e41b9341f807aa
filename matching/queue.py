"""Resting orders: the queue of a level, first come first served.

Canonical slots are given out deterministically: the last one freed is the first one taken.
"""

from matching.ids import insert_id, remove_id
from matching.index import close_level, find_level, open_level
from matching.jit import i64, inlined, kernel
from matching.layout import NIL, Book


@inlined
def _take_slot(book: Book) -> int:
    pool = book.pool
    slot = i64(pool["order_free"][0])
    if slot == NIL:
        slot = i64(pool["order_high"][0])
        pool["order_high"][0] = slot + 1
    else:
        pool["order_free"][0] = book.orders["next"][slot]
    pool["order_open"][0] += 1
    return slot


@kernel
def rest_order(book: Book, side_index: int, key: int, account: int, order: tuple[int, int]) -> int:
    """Put an order at the end of its level's queue.

    Args:
        book: Mutated; a free slot, level and pages were reserved before the batch.
        side_index: 2 * instrument + side.
        key: Its price's key, 0..max_key.
        account: Its owner.
        order: (order_id, qty_lots), an id that is not in the book and at least one lot.

    Returns:
        Its slot.
    """
    order_id, qty_lots = order
    orders, levels, sides = book.orders, book.levels, book.sides
    slot = _take_slot(book)
    level = find_level(book, side_index, key)
    if level == NIL:
        level = open_level(book, side_index, key)
    tail = i64(levels["tail"][level])
    orders["order_id"][slot] = order_id
    orders["qty_lots"][slot] = qty_lots
    orders["account"][slot] = account
    orders["side_index"][slot] = side_index
    orders["next"][slot] = NIL
    orders["prev"][slot] = tail
    book.level_of[slot] = level
    if tail == NIL:
        levels["head"][level] = slot
    else:
        orders["next"][tail] = slot
    levels["tail"][level] = slot
    levels["count"][level] += 1
    levels["qty_lots"][level] += qty_lots
    sides["qty_lots"][side_index] += qty_lots
    sides["orders"][side_index] += 1
    insert_id(book.ids, order_id, slot)
    return slot


@inlined
def reduce_order(book: Book, slot: int, lots: int) -> None:
    """Take lots off a resting order, which keeps its place; it may come to 0 before it leaves."""
    level = i64(book.level_of[slot])
    book.orders["qty_lots"][slot] -= lots
    book.levels["qty_lots"][level] -= lots
    book.sides["qty_lots"][i64(book.orders["side_index"][slot])] -= lots


@kernel
def remove_order(book: Book, slot: int) -> None:
    """Take an order out of its queue; its slot is zeroed and is the next one taken."""
    orders, levels, pool = book.orders, book.levels, book.pool
    level = i64(book.level_of[slot])
    side_index = i64(orders["side_index"][slot])
    before, after = i64(orders["prev"][slot]), i64(orders["next"][slot])
    if before == NIL:
        levels["head"][level] = after
    else:
        orders["next"][before] = after
    if after == NIL:
        levels["tail"][level] = before
    else:
        orders["prev"][after] = before
    left = orders["qty_lots"][slot]
    levels["qty_lots"][level] -= left
    levels["count"][level] -= 1
    book.sides["qty_lots"][side_index] -= left
    book.sides["orders"][side_index] -= 1
    remove_id(book.ids, orders["order_id"][slot])
    if levels["count"][level] == 0:
        close_level(book, level)
    orders["order_id"][slot] = 0
    orders["qty_lots"][slot] = 0
    orders["account"][slot] = 0
    orders["side_index"][slot] = 0
    orders["prev"][slot] = 0
    orders["next"][slot] = pool["order_free"][0]
    pool["order_free"][0] = slot
    pool["order_open"][0] -= 1


@kernel
def requeue_order(book: Book, slot: int, lots: int) -> None:
    """Give an order that came to 0 new lots, at the end of its level's queue."""
    orders, levels = book.orders, book.levels
    level = i64(book.level_of[slot])
    before, after = i64(orders["prev"][slot]), i64(orders["next"][slot])
    if after != NIL:
        if before == NIL:
            levels["head"][level] = after
        else:
            orders["next"][before] = after
        orders["prev"][after] = before
        tail = i64(levels["tail"][level])
        orders["next"][tail] = slot
        orders["prev"][slot] = tail
        orders["next"][slot] = NIL
        levels["tail"][level] = slot
    orders["qty_lots"][slot] = lots
    levels["qty_lots"][level] += lots
    book.sides["qty_lots"][i64(orders["side_index"][slot])] += lots
