"""A book that stands alone: messages in, reports out, one instrument, at memory speed.

`run_book` takes messages in order and writes what each did: price-time priority, constant work a
message and a trade, whatever the prices (`matching.ladder`) and ids. It owns no account and checks
no money; the engine's book (`matching.queue`, `matching.index`) serves many instruments and grows.
Normative text: docs/spec/matching.md, section 7. Oracle: `matching.reference.NaiveBook`.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.intrinsics import prefetch
from matching.jit import i64, inlined, kernel
from matching.ladder import (
    HEAD,
    ORDER,
    PRICE_BITS_MAX,
    PRICE_BITS_MIN,
    RUNG,
    LoneBook,
    bit_at,
    flip_of,
    free_page,
    next_position,
    position_end,
    position_of,
    rung_at,
    take_page,
)
from matching.layout import DIGIT_BITS, PAGE_KEYS
from matching.messages import IOC, LEVEL_LOTS_MAX, BookReject, MessageKind, ReportKind
from matching.units import QTY_LOTS_MAX

MAGIC: Final = 0x314B4F4F42565250
"""Says that `head` was opened by this layout."""
PLACES_MAX: Final = 2**25
"""Most orders, and most pages: a rung's number then fits 31 bits."""
ID_PLACES_MAX: Final = 2**31

_DIGIT_MASK: Final = PAGE_KEYS - 1
_NEW, _CANCEL, _MODIFY = (int(kind) for kind in MessageKind)
_ACCEPTED, _TRADE, _CANCELLED, _MODIFIED, _REFUSED = (int(kind) for kind in ReportKind)
_NONE, _BAD_KIND, _BAD_SIDE, _BAD_FLAGS, _BAD_ID, _ID_TAKEN, _UNKNOWN_ORDER = range(7)
_BAD_PRICE, _BAD_LOTS, _LEVEL_FULL, _NO_ROOM = range(7, 11)
assert BookReject.NO_ROOM == _NO_ROOM
_FAR, _NEAR, _NEXT = 16, 8, 4
"""How many messages ahead the id, the order and the level of a message are asked for."""
_LEAD = 8
"""How many levels ahead of a sweep their first orders are asked for."""


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
        summary=np.zeros(summary_words(limits.price_bits), np.int64),
    )
    begin_book(book, limits.price_bits)
    return book


def summary_words(price_bits: int) -> int:
    """How many words the ladder's summary has."""
    return 1 << max(price_bits - 10, 0)


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


@inlined
def _write(
    reports: NDArray[Any],
    written: int,
    what: tuple[int, int, int, int],
    order_id: int,
    maker_id: int,
    trade: tuple[int, int],
) -> int:
    """Write one report; `what` is (kind, side, reject, message), `trade` (price_ticks, lots)."""
    report = reports[written]
    report["order_id"] = order_id
    report["maker_id"] = maker_id
    report["qty_lots"] = trade[1]
    report["price_ticks"] = trade[0]
    report["message"] = what[3]
    report["kind"] = what[0]
    report["side"] = what[1]
    report["reject"] = what[2]
    return written + 1


@inlined
def _slot_of(book: LoneBook, order_id: int) -> int:
    """The slot of a resting order, or 0."""
    slot = i64(book.ids[order_id & (book.ids.shape[0] - 1)])
    return slot if book.orders[slot]["order_id"] == order_id else 0


@inlined
def _refuse_size(book: LoneBook, position: int, price_ticks: int, qty_lots: int) -> int:
    """Checks of what an order would be: its price, its lots, and room in its level."""
    if price_ticks < 1 or price_ticks >> i64(book.head["price_bits"][0]):
        return _BAD_PRICE
    if qty_lots < 1 or qty_lots > QTY_LOTS_MAX:
        return _BAD_LOTS
    if book.rungs["qty_lots"][rung_at(book, position)] > LEVEL_LOTS_MAX - qty_lots:
        return _LEVEL_FULL
    return _NONE


@inlined
def _page_is_missing(book: LoneBook, position: int) -> bool:
    """Whether a level here needs a page and none is left."""
    head = book.head[0]
    spare = head["page_open"] < book.bits.shape[0] - 1
    return not spare and book.directory[position >> DIGIT_BITS] == 0


@inlined
def _rest(book: LoneBook, position: int, side: int, order_id: int, qty_lots: int) -> None:
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
def _free_slot(book: LoneBook, slot: int, order: Any) -> None:  # noqa: ANN401 - a row of ORDER
    """Forget an order that its queue no longer holds."""
    head = book.head[0]
    book.ids[i64(order["order_id"]) & (book.ids.shape[0] - 1)] = 0
    order["order_id"] = 0
    order["next"] = head["order_free"]
    head["order_free"] = slot
    head["open_orders"] -= 1


@inlined
def _close_level(book: LoneBook, position: int, side: int) -> None:
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
def _remove(book: LoneBook, slot: int, side: int) -> None:
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
    _free_slot(book, slot, order)
    if before == 0 and behind == 0:
        _close_level(book, position, side)


@inlined
def _scout(book: LoneBook, position: int) -> int:
    """The level behind a position, whose first order is asked for: a sweep will meet it cold."""
    if position >= position_end(book):
        return position
    ahead = next_position(book, position)
    if ahead < position_end(book):
        prefetch(book.orders, i64(book.rungs[rung_at(book, ahead)]["head"]))
    return ahead


@inlined
def _trade(
    book: LoneBook,
    reports: NDArray[Any],
    written: int,
    taker: tuple[int, int, int],
    price_ticks: int,
    qty_lots: int,
) -> tuple[int, int]:
    """Trade with all that stands at the price or better; `taker` is (message, side, order_id).

    Returns:
        (lots that remain, reports written).
    """
    message, side, order_id = taker
    maker_side = 1 - side
    flip = flip_of(book, maker_side)
    limit = price_ticks ^ flip
    orders = book.orders
    position = book.best[maker_side]
    left = qty_lots
    scout, lead = position, 0
    while position <= limit:
        rung = book.rungs[rung_at(book, position)]
        wanted = left
        slot = i64(rung["head"])
        while slot != 0 and left != 0:
            order = orders[slot]
            lots = min(left, i64(order["qty_lots"]))
            what = (_TRADE, side, 0, message)
            written = _write(
                reports, written, what, order_id, i64(order["order_id"]), (position ^ flip, lots)
            )
            left -= lots
            if lots < order["qty_lots"]:
                order["qty_lots"] -= lots
                break
            behind = i64(order["next"])
            _free_slot(book, slot, order)
            slot = behind
        rung["qty_lots"] -= wanted - left
        rung["head"] = slot
        if slot != 0:
            orders[slot]["prev"] = 0
            break
        rung["tail"] = 0
        _close_level(book, position, maker_side)
        if left == 0:
            break
        position = book.best[maker_side]
        scout, lead = (position, 0) if lead == 0 else (scout, lead - 1)
        for _ in range(2):
            if lead < _LEAD:
                scout, lead = _scout(book, scout), lead + 1
    return left, written


@inlined
def _refuse_words(book: LoneBook, message: Any) -> int:  # noqa: ANN401 - a row of MESSAGE
    """Checks of what a new order is called, in the order of their codes."""
    order_id = i64(message["order_id"])
    if message["side"] > 1:
        return _BAD_SIDE
    if message["flags"] > IOC:
        return _BAD_FLAGS
    if order_id < 1:
        return _BAD_ID
    if book.ids[order_id & (book.ids.shape[0] - 1)] != 0:
        return _ID_TAKEN
    return _NONE


@inlined
def _refuse_new(book: LoneBook, message: Any) -> int:  # noqa: ANN401 - a row of MESSAGE
    """All checks of a new order, in the order of their codes."""
    reject = _refuse_words(book, message)
    if reject != _NONE:
        return reject
    price_ticks, qty_lots = i64(message["price_ticks"]), i64(message["qty_lots"])
    position = position_of(book, i64(message["side"]), price_ticks)
    reject = _refuse_size(book, position, price_ticks, qty_lots)
    if reject != _NONE:
        return reject
    if message["flags"] & IOC == 0:
        full = book.head["open_orders"][0] >= book.orders.shape[0] - 1
        if full or _page_is_missing(book, position):
            return _NO_ROOM
    return _NONE


@inlined
def _new(
    book: LoneBook,
    messages: NDArray[Any],
    at: int,
    reports: NDArray[Any],
    written: int,
) -> int:
    """A new order: refused, or accepted, traded, and rested or cancelled."""
    message = messages[at]
    order_id, side = i64(message["order_id"]), i64(message["side"])
    price_ticks, qty_lots = i64(message["price_ticks"]), i64(message["qty_lots"])
    flags = i64(message["flags"])
    trade = (price_ticks, qty_lots)
    reject = _refuse_new(book, message)
    if reject != _NONE:
        refused = (_REFUSED, 0, reject, at)
        return _write(reports, written, refused, order_id, 0, trade)
    accepted = (_ACCEPTED, side, 0, at)
    written = _write(reports, written, accepted, order_id, 0, trade)
    left, written = _trade(book, reports, written, (at, side, order_id), price_ticks, qty_lots)
    if left != 0:
        if flags & IOC:
            gone = (_CANCELLED, side, 0, at)
            return _write(reports, written, gone, order_id, 0, (price_ticks, left))
        _rest(book, position_of(book, side, price_ticks), side, order_id, left)
    return written


@inlined
def _cancel(
    book: LoneBook,
    messages: NDArray[Any],
    at: int,
    reports: NDArray[Any],
    written: int,
) -> int:
    """Take a resting order out."""
    order_id = i64(messages[at]["order_id"])
    slot = _slot_of(book, order_id) if order_id > 0 else 0
    if slot == 0:
        unknown = (_REFUSED, 0, _UNKNOWN_ORDER, at)
        return _write(reports, written, unknown, order_id, 0, (0, 0))
    order = book.orders[slot]
    position = i64(order["position"])
    side = position >> i64(book.head["price_bits"][0])
    trade = (position ^ flip_of(book, side), i64(order["qty_lots"]))
    gone = (_CANCELLED, side, 0, at)
    written = _write(reports, written, gone, order_id, 0, trade)
    _remove(book, slot, side)
    return written


@inlined
def _refuse_modify(book: LoneBook, slot: int, position: int, message: Any) -> int:  # noqa: ANN401 - a row of MESSAGE
    """The checks of a change of a resting order, in the order of their codes."""
    if slot == 0:
        return _UNKNOWN_ORDER
    return _refuse_size(book, position, i64(message["price_ticks"]), i64(message["qty_lots"]))


@inlined
def _modify(
    book: LoneBook,
    messages: NDArray[Any],
    at: int,
    reports: NDArray[Any],
    written: int,
) -> int:
    """Change a resting order: fewer lots at its price keep its place, all else comes anew."""
    message = messages[at]
    order_id = i64(message["order_id"])
    price_ticks, qty_lots = i64(message["price_ticks"]), i64(message["qty_lots"])
    slot = _slot_of(book, order_id) if order_id > 0 else 0
    order = book.orders[slot]
    held = i64(order["position"])
    side = held >> i64(book.head["price_bits"][0])
    position = position_of(book, side, price_ticks)
    reject = _refuse_modify(book, slot, position, message)
    keeps = position == held and qty_lots <= order["qty_lots"]
    if reject == _NONE and not keeps and _page_is_missing(book, position):
        reject = _NO_ROOM
    if reject != _NONE:
        refused = (_REFUSED, 0, reject, at)
        return _write(reports, written, refused, order_id, 0, (price_ticks, qty_lots))
    done = (_MODIFIED, side, 0, at)
    written = _write(reports, written, done, order_id, 0, (price_ticks, qty_lots))
    if keeps:
        book.rungs[rung_at(book, position)]["qty_lots"] -= order["qty_lots"] - qty_lots
        order["qty_lots"] = qty_lots
        return written
    _remove(book, slot, side)
    left, written = _trade(book, reports, written, (at, side, order_id), price_ticks, qty_lots)
    if left != 0:
        _rest(book, position, side, order_id, left)
    return written


@inlined
def _look_ahead(book: LoneBook, messages: NDArray[Any], at: int) -> None:
    """Ask for the memory that coming messages will touch: a hint, whatever they say."""
    # No branches: a message's kind cannot be predicted, and slot 0 and page 0 are always there.
    orders, last = book.orders, book.ids.shape[0] - 1
    prefetch(book.ids, i64(messages[at + _FAR]["order_id"]) & last)
    near = messages[at + _NEAR]
    position = position_of(book, i64(near["side"]) & 1, i64(near["price_ticks"]))
    prefetch(book.rungs, rung_at(book, position))
    prefetch(orders, i64(book.ids[i64(near["order_id"]) & last]))
    soon = messages[at + _NEXT]
    order = orders[i64(book.ids[i64(soon["order_id"]) & last])]
    prefetch(book.rungs, rung_at(book, i64(order["position"])))
    prefetch(orders, i64(order["next"]))
    prefetch(orders, i64(order["prev"]))


@kernel
def run_book(book: LoneBook, messages: NDArray[Any], reports: NDArray[Any]) -> int:
    """Execute messages in order, until all are done or the next one's reports might not fit.

    Args:
        book: As `open_book` made it. Mutated; head.taken says how many messages were consumed.
        messages: MESSAGE, shape (any,).
        reports: REPORT, shape (any,). Written from 0; the orders that can rest and two more are
            always enough for one message.

    Returns:
        How many reports were written.
    """
    written = 0
    count = messages.shape[0]
    taken = count
    for at in range(count):
        if reports.shape[0] - written < book.head["open_orders"][0] + 2:
            taken = at
            break
        if at + _FAR < count:
            _look_ahead(book, messages, at)
        kind = messages[at]["kind"]
        if kind == _NEW:
            written = _new(book, messages, at, reports, written)
        elif kind == _CANCEL:
            written = _cancel(book, messages, at, reports, written)
        elif kind == _MODIFY:
            written = _modify(book, messages, at, reports, written)
        else:
            refused = (_REFUSED, 0, _BAD_KIND, at)
            order_id = i64(messages[at]["order_id"])
            written = _write(reports, written, refused, order_id, 0, (0, 0))
    book.head["taken"][0] = taken
    return written
