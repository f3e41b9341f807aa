"""Makes a book that stands alone, of limits fixed for its life, and reads its depth."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from matching.jit import inlined, kernel
from matching.ladder import (
    HEAD,
    ORDER,
    PRICE_BITS_MAX,
    PRICE_BITS_MIN,
    RUNG,
    LoneBook,
    bit_at,
    flip_of,
    next_position,
    rung_at,
)
from matching.layout import PAGE_KEYS

MAGIC: Final = 0x314B4F4F42565250
"""Says that `head` was opened by this layout."""
PLACES_MAX: Final = 2**25
"""Most orders, and most pages: a rung's number then fits 31 bits."""
ID_PLACES_MAX: Final = 2**31


@dataclass(frozen=True, slots=True)
class BookLimits:
    """How large a book is made. Nothing grows later: what does not fit is refused."""

    orders: int
    """Most orders that rest at once, 1..2^25."""
    pages: int
    """Most pages of 64 neighbouring prices in use at once, 1..2^25; `orders` is always enough."""
    ids: int
    """A power of two up to 2^31. Ids that are equal modulo it cannot rest at the same time."""
    price_bits: int
    """Prices are 1..2^price_bits - 1; 6..31."""

    def __post_init__(self) -> None:
        assert 1 <= self.orders <= PLACES_MAX
        assert 1 <= self.pages <= PLACES_MAX
        assert 1 <= self.ids <= ID_PLACES_MAX
        assert self.ids & (self.ids - 1) == 0
        assert PRICE_BITS_MIN <= self.price_bits <= PRICE_BITS_MAX


def open_book(limits: BookLimits) -> LoneBook:
    """An empty book. Memory is taken by the system as it is used."""
    book = LoneBook(
        head=np.zeros(1, HEAD),
        best=np.zeros(2, np.int64),
        orders=np.zeros(limits.orders + 1, ORDER),
        ids=np.zeros(limits.ids, np.uint32),
        directory=np.zeros(1 << (limits.price_bits - 5), np.uint32),
        rungs=np.zeros((limits.pages + 1) * PAGE_KEYS, RUNG),
        bits=np.zeros(limits.pages + 1, np.int64),
        summary=np.zeros(int(summary_words(limits.price_bits)), np.int64),
    )
    begin_book(book, limits.price_bits)
    return book


@inlined
def summary_words(price_bits: int) -> int:
    """How many words the ladder's summary has."""
    return bit_at(max(price_bits - 10, 0))


def depth(book: LoneBook, side: int, most: int) -> list[tuple[int, int]]:
    """(price_ticks, qty_lots) of up to `most` levels of one side, best first."""
    flip, position = int(flip_of(book, side)), int(book.best[side])
    end = 1 << (int(book.head["price_bits"][0]) + side)
    found: list[tuple[int, int]] = []
    while position < end and len(found) < most:
        lots = int(book.rungs["qty_lots"][rung_at(book, position)])
        found.append((position ^ flip, lots))
        position = int(next_position(book, position))
    return found


@kernel
def begin_book(book: LoneBook, price_bits: int) -> None:
    """Make an empty book of arrays that are all zero."""
    head = book.head[0]
    head["price_bits"] = price_bits
    head["order_high"] = 1
    head["page_high"] = 1
    head["magic"] = MAGIC
    book.best[0] = bit_at(price_bits)
    book.best[1] = bit_at(price_bits + 1)
