"""What prices trigger: pending orders enter the book, and what they trade may trigger others.

A cascade is exact: after each order that entered, the first one due is looked for anew. It ends,
for each step takes one order out of the triggers and none comes in.
"""

from ledger.engine.kernels.base.commands import must_wait
from ledger.engine.kernels.base.pending import (
    drop_pending,
    pending_count,
    report_pending,
    trigger_side,
)
from ledger.engine.kernels.base.prices import price_now
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.base.resting import is_contract
from ledger.engine.kernels.base.sessions import clip_triggered, is_guarded, is_trading
from ledger.engine.kernels.base.tick_room import events_of_book
from ledger.engine.kernels.margin.closers import closable_by_taker
from ledger.engine.kernels.margin.contract_orders import check_contract
from ledger.engine.kernels.orders.entering import check_book, enter, prepare
from ledger.engine.kernels.orders.leaving import part
from ledger.engine.kernels.orders.trailing import is_trailed, trail
from ledger.engine.layout import LAST, SOURCES
from ledger.engine.limits import ICEBERG_PARTS_MAX
from ledger.engine.state import Results, State
from ledger.records.codes import (
    CommandFlag,
    EventKind,
    ExpireReason,
    OrderStatus,
    OrderType,
    Reject,
)
from matching.jit import i64, inner
from matching.layout import NIL

_TRIGGERED = int(EventKind.ORDER_TRIGGERED)
_ORDER_EXPIRED = int(EventKind.ORDER_EXPIRED)
_REMAINDER = int(ExpireReason.REMAINDER)
_REFUSED = int(ExpireReason.REFUSED)
_LIMIT = int(OrderType.LIMIT)
_EXPIRED = int(OrderStatus.EXPIRED)
_CLOSE_POSITION = int(CommandFlag.CLOSE_POSITION)
_NONE = int(Reject.NONE)


@inner
def cascade_at_most(state: State, instrument: int) -> int:
    """The most events when everything pending triggers.

    Each trade, and each order that leaves, takes out an order, a slice of an iceberg, or a taker;
    so do those that come to rest meanwhile.
    """
    book_sides = state.book.sides
    resting = i64(book_sides["orders"][2 * instrument])
    resting += i64(book_sides["orders"][2 * instrument + 1])
    pending = pending_count(state, instrument)
    if pending == 0:
        return 0
    return 2 * resting + (ICEBERG_PARTS_MAX + 6) * (pending + 1)


@inner
def load(state: State, results: Results, slot: int) -> None:
    """Make the taker that a pending order becomes."""
    taker, rows, orders = results.taker, state.pending, state.triggers.orders
    taker["order_id"][0] = orders["order_id"][slot]
    taker["account"][0] = orders["account"][slot]
    taker["side"][0] = rows["side"][slot]
    taker["is_limit"][0] = i64(rows["order_type"][slot]) == _LIMIT
    taker["time_in_force"][0] = rows["time_in_force"][slot]
    taker["self_trade"][0] = rows["self_trade"][slot]
    taker["flags"][0] = rows["flags"][slot]
    taker["price_ticks"][0] = rows["price_ticks"][slot]
    taker["qty_lots"][0] = rows["qty_lots"][slot]
    taker["quote_minor"][0] = rows["quote_minor"][slot]
    taker["display_lots"][0] = rows["display_lots"][slot]
    taker["expire_s"][0] = rows["expire_s"][slot]
    prepare(state, results)
    if i64(rows["flags"][slot]) & _CLOSE_POSITION:
        taker["qty_lots"][0] = closable_by_taker(state, results)
        taker["remaining_lots"][0] = taker["qty_lots"][0]


@inner
def report_end(results: Results, reason: int, left_lots: int) -> None:
    """A triggered order is over without having filled whole."""
    taker, events = results.taker, results.events
    event = begin_event(results, _ORDER_EXPIRED)
    events["flags"][event] = reason
    events["side"][event] = taker["side"][0]
    events["instrument"][event] = taker["instrument"][0]
    events["account"][event] = taker["account"][0]
    events["order_id"][event] = taker["order_id"][0]
    events["price_ticks"][event] = taker["price_ticks"][0]
    events["qty_lots"][event] = left_lots


@inner
def activate(state: State, results: Results, instrument: int, slot: int) -> None:
    """One pending order triggers: its partner leaves, and it enters the book if it passes."""
    taker = results.taker
    taker["instrument"][0] = instrument
    load(state, results, slot)
    report_pending(state, results, _TRIGGERED, slot)
    partner_id = i64(state.pending["partner_id"][slot])
    drop_pending(state, slot)
    part(state, results, partner_id)
    if taker["is_limit"][0] and is_guarded(state, instrument):
        clip_triggered(state, results)
    reject = check_book(state, results)
    if reject == _NONE and is_contract(state, instrument):
        reject = check_contract(state, results)
    if reject != _NONE:
        report_end(results, _REFUSED | reject << 8, taker["qty_lots"][0])
    elif enter(state, results) == _EXPIRED:
        report_end(results, _REMAINDER, taker["left_lots"][0])


@inner
def next_due(state: State, instrument: int, source: int, span: tuple[int, int]) -> int:
    """The level that a price within span = (lowest, highest) triggers next, or NIL.

    Rising triggers come first, the lowest one first; then falling ones, the highest first.
    """
    sides = state.triggers.sides
    rising, falling = trigger_side(instrument, source, 1), trigger_side(instrument, source, 0)
    if i64(sides["best_key"][rising]) <= span[1]:
        return i64(sides["best_level"][rising])
    if i64(sides["best_key"][falling]) <= i64(sides["max_key"][falling]) - span[0]:
        return i64(sides["best_level"][falling])
    return NIL


@inner
def is_due(state: State, instrument: int, source: int, span: tuple[int, int]) -> bool:
    """Whether a price within span = (lowest, highest) triggers anything."""
    return next_due(state, instrument, source, span) != NIL


@inner
def fire(state: State, results: Results, instrument: int, span: tuple[int, int]) -> None:
    """Trigger everything that trades within span = (lowest, highest) reach, and what follows.

    Level by level, and at one the order that was placed first. When none is left, the trailing ones
    follow all these trades, and it goes on with what the last price has reached now. Work: the
    pending orders that trigger, and their fills; and the instrument's trailing orders.
    """
    lowest, highest = span
    levels, taker = state.triggers.levels, results.taker
    while True:
        level = next_due(state, instrument, LAST, (lowest, highest))
        if level == NIL:
            if not is_trailed(state, instrument, lowest, highest):
                return
            trail(state, instrument, i64(LAST), lowest, highest)
            lowest = price_now(state, instrument, i64(LAST))
            highest = lowest
            continue
        taker["last_ticks"][0] = 0
        activate(state, results, instrument, i64(levels["head"][level]))
        if taker["last_ticks"][0] != 0:
            lowest = min(lowest, taker["first_ticks"][0], taker["last_ticks"][0])
            highest = max(highest, taker["first_ticks"][0], taker["last_ticks"][0])


@inner
def fire_traded(state: State, results: Results) -> None:
    """Trigger what the prices of the taker's own trades reach; there were some."""
    taker = results.taker
    first_ticks, last_ticks = taker["first_ticks"][0], taker["last_ticks"][0]
    span = (min(first_ticks, last_ticks), max(first_ticks, last_ticks))
    instrument = taker["instrument"][0]
    if is_due(state, instrument, LAST, span) or is_trailed(state, instrument, span[0], span[1]):
        fire(state, results, instrument, span)


@inner
def fire_at(state: State, results: Results, instrument: int, source: int) -> None:
    """Trigger all that a price reaches where it stands, one after another.

    What the trades of one trigger at the last price comes before the next one.
    """
    levels, taker = state.triggers.levels, results.taker
    now_ticks = price_now(state, instrument, source)
    while now_ticks != 0:
        level = next_due(state, instrument, source, (now_ticks, now_ticks))
        if level == NIL:
            return
        activate(state, results, instrument, i64(levels["head"][level]))
        if taker["last_ticks"][0] != 0:
            fire_traded(state, results)


@inner
def fire_prices(state: State, results: Results) -> bool:
    """At a TICK, when all prices have moved: what waits for marks and indices.

    Returns whether all is done; each source of each instrument is a part.
    """
    parts = SOURCES * i64(state.header["instrument_count"][0])
    for place in range(results.frame["part"][0], parts):
        instrument, source = place // SOURCES, place % SOURCES
        # What waits for the last price triggers with the trade that reaches it.
        watched = source != LAST and is_contract(state, instrument)
        if not watched or not is_trading(state, instrument):
            continue
        now_ticks = price_now(state, instrument, source)
        if now_ticks == 0 or not is_due(state, instrument, source, (now_ticks, now_ticks)):
            continue
        if must_wait(results, place, events_of_book(state, instrument)):
            return False
        fire_at(state, results, instrument, source)
    return True
