"""The book that stands alone, for C: three functions over memory that the caller owns.

The same kernel as `matching.book`, compiled as C callbacks. A book is one block of zeroed memory
that `open` makes a book of and `run` drives. Addresses travel as int64, which C passes as it passes
pointers. Header: docs/spec/provenue_book.h; text: docs/spec/matching.md, section 9.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from matching.book import run_book
from matching.intrinsics import array_at
from matching.jit import COMPILED, c_entry, i64, inlined, kernel
from matching.ladder import HEAD, ORDER, PRICE_BITS_MAX, PRICE_BITS_MIN, RUNG, LoneBook
from matching.layout import PAGE_KEYS
from matching.lone import ID_PLACES_MAX, MAGIC, PLACES_MAX, begin_book, summary_words
from matching.messages import MESSAGE, REPORT
from matching.parts import CEntry

BAD_BOOK: Final = -1
"""This is not a book's memory: not opened, not by this layout, or at an odd address."""
BAD_LIMITS: Final = -2
"""A limit is out of range, or the memory is too small for the limits."""
BAD_COUNT: Final = -3
"""A count or a capacity is negative, or above 2^31 - 1."""
BAD_ARRAY: Final = -4
"""Messages or reports are nowhere, though some are meant, or not at a multiple of 8."""

_LINE: Final = 64
_COUNT_MAX: Final = 2**31 - 1
_I8, _U4 = np.dtype(np.int64), np.dtype(np.uint32)
_HEAD, _ORDER, _RUNG = HEAD.itemsize, ORDER.itemsize, RUNG.itemsize


class MatchingError(Exception):
    """Base of the package's expected errors."""


@dataclass(eq=False)
class NotCompiled(MatchingError):
    """Kernels run as plain Python here (NUMBA_DISABLE_JIT), and C cannot call Python."""

    entry: str


@inlined
def _behind(offset: int, count: int, size: int) -> int:
    """The first cache line behind so many items."""
    return (offset + count * size + _LINE - 1) & -_LINE


@inlined
def _sections(
    orders: int, pages: int, ids: int, price_bits: int
) -> tuple[int, int, int, int, int, int, int]:
    """Where best, orders, ids, directory, rungs, bits and summary begin, in this order."""
    best = _behind(0, 1, _HEAD)
    rows = _behind(best, 2, 8)
    places = _behind(rows, orders + 1, _ORDER)
    directory = _behind(places, ids, 4)
    rungs = _behind(directory, i64(1) << (price_bits - 5), 4)
    bits = _behind(rungs, (pages + 1) * PAGE_KEYS, _RUNG)
    summary = _behind(bits, pages + 1, 8)
    return best, rows, places, directory, rungs, bits, summary


@kernel
def book_bytes(orders: int, pages: int, ids: int, price_bits: int) -> int:
    """How much memory a book of these limits (`BookLimits`) takes, or BAD_LIMITS."""
    if orders < 1 or orders > PLACES_MAX or pages < 1 or pages > PLACES_MAX:
        return BAD_LIMITS
    if ids < 1 or ids > ID_PLACES_MAX or ids & (ids - 1) != 0:
        return BAD_LIMITS
    if price_bits < PRICE_BITS_MIN or price_bits > PRICE_BITS_MAX:
        return BAD_LIMITS
    summary = _sections(orders, pages, ids, price_bits)[6]
    return _behind(summary, summary_words(price_bits), 8)


@inlined
def _book_at(address: int, orders: int, pages: int, ids: int, price_bits: int) -> LoneBook:
    """The arrays of a book that lies at an address."""
    best, rows, places, directory, rungs, bits, summary = _sections(orders, pages, ids, price_bits)
    return LoneBook(
        array_at(address, 1, HEAD),
        array_at(address + best, 2, _I8),
        array_at(address + rows, orders + 1, ORDER),
        array_at(address + places, ids, _U4),
        array_at(address + directory, i64(1) << (price_bits - 5), _U4),
        array_at(address + rungs, (pages + 1) * PAGE_KEYS, RUNG),
        array_at(address + bits, pages + 1, _I8),
        array_at(address + summary, summary_words(price_bits), _I8),
    )


def _open(address: int, size: int, orders: int, pages: int, ids: int, price_bits: int) -> int:
    """Make an empty book of `size` bytes of zeroed memory; 0, or what is wrong."""
    needed = book_bytes(orders, pages, ids, price_bits)
    if needed < 0 or size < needed:
        return BAD_LIMITS
    if address == 0 or address & 7 != 0:
        return BAD_BOOK
    book = _book_at(address, orders, pages, ids, price_bits)
    head = book.head[0]
    if head["magic"] != 0:
        return BAD_BOOK
    head["order_places"] = orders
    head["page_places"] = pages
    head["id_places"] = ids
    begin_book(book, price_bits)
    return 0


@inlined
def _is_nowhere(address: int, count: int) -> bool:
    """Whether so many records cannot be at an address."""
    return address & 7 != 0 or (address == 0 and count != 0)


def _run(address: int, messages: int, count: int, reports: int, capacity: int) -> int:
    """Execute messages; the number of reports, or what is wrong. See `run_book`."""
    if address == 0 or address & 7 != 0:
        return BAD_BOOK
    head = array_at(address, 1, HEAD)[0]
    if head["magic"] != MAGIC or head["order_places"] == 0:
        return BAD_BOOK
    if count < 0 or count > _COUNT_MAX or capacity < 0 or capacity > _COUNT_MAX:
        return BAD_COUNT
    if _is_nowhere(messages, count) or _is_nowhere(reports, capacity):
        return BAD_ARRAY
    book = _book_at(
        address,
        i64(head["order_places"]),
        i64(head["page_places"]),
        i64(head["id_places"]),
        i64(head["price_bits"]),
    )
    return run_book(
        book,
        array_at(messages, count, MESSAGE),
        array_at(reports, capacity, REPORT),
    )


@dataclass(frozen=True, slots=True)
class CBook:
    """The functions of provenue_book.h."""

    bytes: CEntry
    open: CEntry
    run: CEntry


@cache
def c_book() -> CBook:
    """Compile the C functions, or take them from the cache.

    Raises:
        NotCompiled: Kernels run as plain Python in this process.
    """
    if not COMPILED:
        raise NotCompiled("provenue_book")
    return CBook(c_entry(_bytes, 4), c_entry(_open, 6), c_entry(_run, 5))


def _bytes(orders: int, pages: int, ids: int, price_bits: int) -> int:
    return book_bytes(orders, pages, ids, price_bits)
