"""A book that stands alone: messages in, reports out, one instrument, at memory speed.

`run_book` takes messages in order and writes what each did: price-time priority, constant work a
message and a trade, whatever the prices (`matching.ladder`) and ids. It owns no account and checks
no money; the engine's book (`matching.queue`, `matching.index`) serves many instruments and grows.
Normative text: docs/spec/matching.md, section 8. Oracle: `matching.naive.NaiveBook`.
"""

from typing import Any

from numpy.typing import NDArray

from matching.intrinsics import prefetch
from matching.jit import i64, inlined, kernel
from matching.ladder import (
    LoneBook,
    flip_of,
    next_position,
    position_end,
    position_of,
    rung_at,
)
from matching.lone_queue import close_level, free_slot, page_is_missing, remove, rest, slot_of
from matching.messages import IOC, LEVEL_LOTS_MAX, BookReject, MessageKind, ReportKind
from matching.units import QTY_LOTS_MAX

_NEW, _CANCEL, _MODIFY = (int(kind) for kind in MessageKind)
_ACCEPTED, _TRADE, _CANCELLED, _MODIFIED, _REFUSED = (int(kind) for kind in ReportKind)
_NONE, _BAD_KIND, _BAD_SIDE, _BAD_FLAGS, _BAD_ID, _ID_TAKEN, _UNKNOWN_ORDER = range(7)
_BAD_PRICE, _BAD_LOTS, _LEVEL_FULL, _NO_ROOM = range(7, 11)
assert BookReject.NO_ROOM == _NO_ROOM
_FAR, _NEAR, _NEXT = 16, 8, 4
"""How many messages ahead the id, the order and the level of a message are asked for."""
_LEAD = 8
"""How many levels ahead of a sweep their first orders are asked for."""


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
            free_slot(book, slot, order)
            slot = behind
        rung["qty_lots"] -= wanted - left
        rung["head"] = slot
        if slot != 0:
            orders[slot]["prev"] = 0
            break
        rung["tail"] = 0
        close_level(book, position, maker_side)
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
        if full or page_is_missing(book, position):
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
        rest(book, position_of(book, side, price_ticks), side, order_id, left)
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
    slot = slot_of(book, order_id) if order_id > 0 else 0
    if slot == 0:
        unknown = (_REFUSED, 0, _UNKNOWN_ORDER, at)
        return _write(reports, written, unknown, order_id, 0, (0, 0))
    order = book.orders[slot]
    position = i64(order["position"])
    side = position >> i64(book.head["price_bits"][0])
    trade = (position ^ flip_of(book, side), i64(order["qty_lots"]))
    gone = (_CANCELLED, side, 0, at)
    written = _write(reports, written, gone, order_id, 0, trade)
    remove(book, slot, side)
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
    slot = slot_of(book, order_id) if order_id > 0 else 0
    order = book.orders[slot]
    held = i64(order["position"])
    side = held >> i64(book.head["price_bits"][0])
    position = position_of(book, side, price_ticks)
    reject = _refuse_modify(book, slot, position, message)
    keeps = position == held and qty_lots <= order["qty_lots"]
    if reject == _NONE and not keeps and page_is_missing(book, position):
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
    remove(book, slot, side)
    left, written = _trade(book, reports, written, (at, side, order_id), price_ticks, qty_lots)
    if left != 0:
        rest(book, position, side, order_id, left)
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
