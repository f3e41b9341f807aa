"""The queues of a book that stands alone: an order into its level, and out again.

The slot of an order that left is taken again first, while it is still in the processor's cache.
"""

from typing import Any, Final

from matching.jit import i64, inlined
from matching.ladder import (
    LoneBook,
    bit_at,
    free_page,
    next_position,
    rung_at,
    take_page,
)
from matching.layout import DIGIT_BITS, PAGE_KEYS

_DIGIT_MASK: Final = PAGE_KEYS - 1


@inlined
def slot_of(book: LoneBook, order_id: int) -> int:
    """The slot of a resting order, or 0."""
    slot = i64(book.ids[order_id & (book.ids.shape[0] - 1)])
    return slot if book.orders[slot]["order_id"] == order_id else 0


@inlined
def page_is_missing(book: LoneBook, position: int) -> bool:
    """Whether a level here needs a page and none is left."""
    head = book.head[0]
    spare = head["page_open"] < book.bits.shape[0] - 1
    return not spare and book.directory[position >> DIGIT_BITS] == 0


@inlined
def rest(book: LoneBook, position: int, side: int, order_id: int, qty_lots: int) -> None:
    """Put an order at the end of its level's queue; there is room."""
    head, orders = book.head[0], book.orders
    slot = i64(head["order_free"])
    if slot == 0:
        slot = i64(head["order_high"])
        head["order_high"] = slot + 1
    else:
        head["order_free"] = orders[slot]["next"]
    head["open_orders"] += 1
    if book.directory[position >> DIGIT_BITS] == 0:
        take_page(book, position >> DIGIT_BITS)
    rung = book.rungs[rung_at(book, position)]
    tail = i64(rung["tail"])
    rung["qty_lots"] += qty_lots
    rung["tail"] = slot
    # Written whether or not the level is new, since no branch predictor could know.
    rung["head"] = slot if tail == 0 else i64(rung["head"])
    orders[tail]["next"] = slot
    page = i64(book.directory[position >> DIGIT_BITS])
    book.bits[page] |= bit_at(position & _DIGIT_MASK)
    book.best[side] = min(book.best[side], position)
    order = orders[slot]
    order["order_id"] = order_id
    order["qty_lots"] = qty_lots
    order["next"] = 0
    order["prev"] = tail
    order["position"] = position
    book.ids[order_id & (book.ids.shape[0] - 1)] = slot


@inlined
def free_slot(book: LoneBook, slot: int, order: Any) -> None:  # noqa: ANN401 - a row of ORDER
    """Forget an order that its queue no longer holds."""
    head = book.head[0]
    book.ids[i64(order["order_id"]) & (book.ids.shape[0] - 1)] = 0
    order["order_id"] = 0
    order["next"] = head["order_free"]
    head["order_free"] = slot
    head["open_orders"] -= 1


@inlined
def close_level(book: LoneBook, position: int, side: int) -> None:
    """Take an empty level out; the best of its side moves on."""
    page = i64(book.directory[position >> DIGIT_BITS])
    book.bits[page] &= ~bit_at(position & _DIGIT_MASK)
    if position == book.best[side]:
        book.best[side] = min(
            next_position(book, position), bit_at(i64(book.head["price_bits"][0]) + side)
        )
    if book.bits[page] == 0:
        free_page(book, position >> DIGIT_BITS)


@inlined
def remove(book: LoneBook, slot: int, side: int) -> None:
    """Take an order out of its queue, wherever in it."""
    orders = book.orders
    order = orders[slot]
    position = i64(order["position"])
    before, behind = i64(order["prev"]), i64(order["next"])
    rung = book.rungs[rung_at(book, position)]
    rung["qty_lots"] -= order["qty_lots"]
    # Slot 0 takes what the ends of a queue have no neighbour for.
    orders[before]["next"] = behind
    orders[behind]["prev"] = before
    rung["head"] = behind if before == 0 else i64(rung["head"])
    rung["tail"] = before if behind == 0 else i64(rung["tail"])
    free_slot(book, slot, order)
    if before == 0 and behind == 0:
        close_level(book, position, side)
