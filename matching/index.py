"""The price index: from a key to its level, and from a level to the next worse one.

A trie of 64-way pages over the digits of the key, as high as the instrument's price range needs.
Opening, closing and stepping touch at most two pages a digit (six digits), whatever the book's
shape, so no arrangement of orders is slow. Pages and levels are derived state.
"""

from matching.intrinsics import lowest_bit
from matching.jit import i64, inlined, kernel
from matching.layout import DIGIT_BITS, KEY_NONE, NIL, PAGE_KEYS, Book

_DIGIT_MASK = PAGE_KEYS - 1


@inlined
def bit_at(digit: int) -> int:
    """The word with one bit set, 0..63; bit 63 is the sign."""
    return i64(1) << i64(digit)


@inlined
def key_of(book: Book, side_index: int, price_ticks: int) -> int:
    """The key of a price on one side, lower is better; and back, for it is its own inverse."""
    if side_index & 1:
        return price_ticks
    return i64(book.sides["max_key"][side_index]) - price_ticks


@inlined
def _take_page(book: Book, parent: int, digit: int) -> int:
    """An empty page below `parent`; capacity was reserved before the batch."""
    pool, pages = book.pool, book.pages
    page = i64(pool["page_free"][0])
    if page == NIL:
        page = i64(pool["page_high"][0])
        pool["page_high"][0] = page + 1
    else:
        pool["page_free"][0] = pages["parent"][page]
    pool["page_open"][0] += 1
    pages["bits"][page] = 0
    pages["parent"][page] = parent
    pages["digit"][page] = digit
    return page


@inlined
def _take_level(book: Book) -> int:
    pool = book.pool
    level = i64(pool["level_free"][0])
    if level == NIL:
        level = i64(pool["level_high"][0])
        pool["level_high"][0] = level + 1
    else:
        pool["level_free"][0] = book.levels["head"][level]
    pool["level_open"][0] += 1
    return level


@kernel
def open_side(book: Book, side_index: int, max_key: int) -> None:
    """Begin an empty side. Shapes: `Book`. Mutates sides, pages, pool."""
    height = 1
    while max_key >> (DIGIT_BITS * height):
        height += 1
    sides = book.sides
    sides["best_key"][side_index] = KEY_NONE
    sides["best_level"][side_index] = NIL
    sides["max_key"][side_index] = max_key
    sides["height"][side_index] = height
    sides["root"][side_index] = _take_page(book, NIL, 0)


@inlined
def find_level(book: Book, side_index: int, key: int) -> int:
    """The level at a key, or NIL."""
    bits, children = book.pages["bits"], book.children
    page = i64(book.sides["root"][side_index])
    shift = DIGIT_BITS * (book.sides["height"][side_index] - 1)
    while True:
        digit = (key >> shift) & _DIGIT_MASK
        if bits[page] & bit_at(digit) == 0:
            return NIL
        page = i64(children[page * PAGE_KEYS + digit])
        if shift == 0:
            return page
        shift -= DIGIT_BITS


@kernel
def open_level(book: Book, side_index: int, key: int) -> int:
    """Begin an empty level at a key that has none. Mutates all derived arrays."""
    bits, children = book.pages["bits"], book.children
    page = i64(book.sides["root"][side_index])
    shift = DIGIT_BITS * (book.sides["height"][side_index] - 1)
    while shift > 0:
        digit = (key >> shift) & _DIGIT_MASK
        if bits[page] & bit_at(digit) == 0:
            bits[page] |= bit_at(digit)
            children[page * PAGE_KEYS + digit] = _take_page(book, page, digit)
        page = i64(children[page * PAGE_KEYS + digit])
        shift -= DIGIT_BITS
    digit = key & _DIGIT_MASK
    level = _take_level(book)
    bits[page] |= bit_at(digit)
    children[page * PAGE_KEYS + digit] = level
    levels, sides = book.levels, book.sides
    levels["qty_lots"][level] = 0
    levels["head"][level] = NIL
    levels["tail"][level] = NIL
    levels["count"][level] = 0
    levels["key"][level] = key
    levels["page"][level] = page
    levels["side_index"][level] = side_index
    sides["levels"][side_index] += 1
    if key < sides["best_key"][side_index]:
        sides["best_key"][side_index] = key
        sides["best_level"][side_index] = level
    return level


@inlined
def _first_below(book: Book, page: int, depth: int) -> int:
    """The best level below a page that is not empty; a leaf has depth 0."""
    bits, children = book.pages["bits"], book.children
    for _ in range(depth + 1):
        page = i64(children[page * PAGE_KEYS + lowest_bit(bits[page])])
    return page


@kernel
def close_level(book: Book, level: int) -> None:
    """Take an empty level out, and the pages that stood for it alone; best moves on."""
    pages, levels, pool, sides = book.pages, book.levels, book.pool, book.sides
    side_index = i64(levels["side_index"][level])
    key = i64(levels["key"][level])
    page = i64(levels["page"][level])
    digit = key & _DIGIT_MASK
    depth = 0
    pages["bits"][page] &= ~bit_at(digit)
    while pages["bits"][page] == 0 and pages["parent"][page] != NIL:
        parent, digit = i64(pages["parent"][page]), i64(pages["digit"][page])
        pages["parent"][page] = pool["page_free"][0]
        pool["page_free"][0] = page
        pool["page_open"][0] -= 1
        page = parent
        depth += 1
        pages["bits"][page] &= ~bit_at(digit)
    levels["head"][level] = pool["level_free"][0]
    pool["level_free"][0] = level
    pool["level_open"][0] -= 1
    sides["levels"][side_index] -= 1
    if key == sides["best_key"][side_index]:
        if pages["bits"][page] == 0:
            sides["best_key"][side_index] = KEY_NONE
            sides["best_level"][side_index] = NIL
        else:
            best = _first_below(book, page, depth)
            sides["best_key"][side_index] = levels["key"][best]
            sides["best_level"][side_index] = best


@kernel
def next_level(book: Book, level: int) -> int:
    """The next worse level of the same side, or NIL."""
    pages, levels = book.pages, book.levels
    page = i64(levels["page"][level])
    digit = i64(levels["key"][level]) & _DIGIT_MASK
    depth = 0
    while True:
        worse = pages["bits"][page] & (i64(-2) << digit)
        if worse != 0:
            child = i64(book.children[page * PAGE_KEYS + lowest_bit(worse)])
            return child if depth == 0 else _first_below(book, child, depth - 1)
        digit = i64(pages["digit"][page])
        page = i64(pages["parent"][page])
        if page == NIL:
            return NIL
        depth += 1
