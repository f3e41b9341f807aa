"""The price ladder of a book that stands alone: from a price to its level, and to the next one.

Both sides share one line of *positions*. With P price bits, an ask stands at 2^P + price and a bid
at 2^P - 1 - price: the better, the lower, on either side. Levels stand in pages of 64 neighbours,
which a directory finds in one step; words of bits, 64 pages or words to each, say what is there.
So every step is constant, for any prices up to 2^31 - 1, and memory follows the prices in use.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.intrinsics import lowest_bit
from matching.jit import i64, inlined, kernel
from matching.layout import DIGIT_BITS, PAGE_KEYS

_DIGIT_MASK: Final = PAGE_KEYS - 1
PRICE_BITS_MIN: Final = 6
PRICE_BITS_MAX: Final = 31

ORDER: Final = np.dtype(
    [
        ("order_id", "<i8"),
        ("qty_lots", "<i8"),
        ("next", "<u4"),
        ("prev", "<u4"),
        ("position", "<u4"),
        ("zero", "<u4"),
    ]
)
"""A resting order, half a cache line. Slot 0 is nobody's: it ends lists. Toward the front: prev."""

RUNG: Final = np.dtype([("qty_lots", "<i8"), ("head", "<u4"), ("tail", "<u4")])
"""One level; all zero when it is empty, so a page that is taken needs no cleaning."""

HEAD: Final = np.dtype(
    [
        ("magic", "<i8"),
        ("taken", "<i8"),
        ("price_bits", "<i8"),
        ("open_orders", "<i8"),
        ("order_free", "<i8"),
        ("order_high", "<i8"),
        ("page_free", "<i8"),
        ("page_high", "<i8"),
        ("page_open", "<i8"),
        ("order_places", "<i8"),
        ("page_places", "<i8"),
        ("id_places", "<i8"),
    ]
)
"""One row. `taken`: messages that the last call consumed; *_free: the slot freed
last, 0 when none; *_high: the next slot never used; *_places: how many there are."""


class LoneBook(NamedTuple):
    """One instrument's book, all of it preallocated. Zero is empty everywhere but in `head`."""

    head: NDArray[Any]
    """HEAD, shape (1,)."""
    best: NDArray[np.int64]
    """The best position of each side, shape (2,); 2^P and 2^(P + 1) when empty."""
    orders: NDArray[Any]
    """ORDER, shape (order_places + 1,)."""
    ids: NDArray[np.uint32]
    """Order slot by the low bits of its id, shape (a power of two,)."""
    directory: NDArray[np.uint32]
    """Page of each 64 positions, 0 when none; shape (2^(P - 5),)."""
    rungs: NDArray[Any]
    """RUNG, shape ((page_places + 1) * 64,)."""
    bits: NDArray[np.int64]
    """A bit for each level of a page, shape (page_places + 1,); page 0 stays 0."""
    summary: NDArray[np.int64]
    """A bit for each page and each word below; shape (2^(P - 10),) or (1,); see `_mark_page`."""


@inlined
def bit_at(digit: int) -> int:
    """The word with one bit set, 0..63; bit 63 is the sign."""
    return i64(1) << i64(digit)


@inlined
def page_width(book: LoneBook) -> int:
    """How many bits number a page of positions; 2^width is also the top mark of its node."""
    return i64(book.head["price_bits"][0]) + 1 - DIGIT_BITS


@inlined
def position_end(book: LoneBook) -> int:
    """One more than the highest position: where an empty sell side has its best."""
    return bit_at(i64(book.head["price_bits"][0]) + 1)


@inlined
def flip_of(book: LoneBook, side: int) -> int:
    """What turns a price of this side into its position, and back, by exclusive or."""
    return bit_at(i64(book.head["price_bits"][0])) - 1 + i64(side)


@inlined
def position_of(book: LoneBook, side: int, price_ticks: int) -> int:
    """The position of a price; of one out of range, some position, so that it can be looked at."""
    inside = bit_at(i64(book.head["price_bits"][0])) - 1
    return (price_ticks & inside) ^ flip_of(book, side)


@inlined
def rung_at(book: LoneBook, position: int) -> int:
    """The rung of a position; one of page 0 when no level is near."""
    return i64(book.directory[position >> DIGIT_BITS]) * PAGE_KEYS + (position & _DIGIT_MASK)


@inlined
def _mark_page(book: LoneBook, place: int) -> None:
    """Set the bit of a page and of each word above that was empty.

    A page's node is its number with a 1 before it. Word n >> 6 holds the bit n & 63 of node n and
    is itself a node; the marks keep the tiers apart, and word 0 is the top of all.
    """
    node = place | bit_at(page_width(book))
    while True:
        word = node >> DIGIT_BITS
        before = book.summary[word]
        book.summary[word] = before | bit_at(node & _DIGIT_MASK)
        if before != 0 or word == 0:
            return
        node = word


@inlined
def _unmark_page(book: LoneBook, place: int) -> None:
    """Clear the bit of a page, and of each word above that becomes empty."""
    node = place | bit_at(page_width(book))
    while True:
        word = node >> DIGIT_BITS
        after = book.summary[word] & ~bit_at(node & _DIGIT_MASK)
        book.summary[word] = after
        if after != 0 or word == 0:
            return
        node = word


@kernel
def take_page(book: LoneBook, place: int) -> int:
    """An empty page for 64 positions that have none; the caller knows that one is left."""
    head = book.head[0]
    page = i64(head["page_free"])
    if page == 0:
        page = i64(head["page_high"])
        head["page_high"] = page + 1
    else:
        # A free page has no levels, so its word of bits can say which page was freed before it.
        head["page_free"] = book.bits[page]
        book.bits[page] = 0
    head["page_open"] += 1
    book.directory[place] = page
    _mark_page(book, place)
    return page


@kernel
def free_page(book: LoneBook, place: int) -> None:
    """Give back a page whose last level has gone."""
    head = book.head[0]
    page = i64(book.directory[place])
    book.directory[place] = 0
    book.bits[page] = head["page_free"]
    head["page_free"] = page
    head["page_open"] -= 1
    _unmark_page(book, place)


@kernel
def next_page(book: LoneBook, place: int) -> int:
    """The first level behind all positions of a page, or `position_end`."""
    top = bit_at(page_width(book))
    node = place | top
    while True:
        word = node >> DIGIT_BITS
        behind = book.summary[word] & (i64(-2) << (node & _DIGIT_MASK))
        if behind != 0:
            node = word << DIGIT_BITS | lowest_bit(behind)
            break
        if word == 0:
            return position_end(book)
        node = word
    while node < top:
        node = node << DIGIT_BITS | lowest_bit(book.summary[node])
    place = node - top
    return place << DIGIT_BITS | lowest_bit(book.bits[i64(book.directory[place])])


@inlined
def next_position(book: LoneBook, position: int) -> int:
    """The first level behind a position, on either side, or `position_end`."""
    place = position >> DIGIT_BITS
    page = i64(book.directory[place])
    behind = book.bits[page] & (i64(-2) << (position & _DIGIT_MASK))
    if behind != 0:
        return place << DIGIT_BITS | lowest_bit(behind)
    return next_page(book, place)
