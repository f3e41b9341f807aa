"""Pending orders: placed, but in no book and holding nothing until a price reaches their trigger.

They stand in an arena of their own, by trigger price: two sides an instrument and source of prices,
the falling one with its highest trigger first, the rising one with its lowest.
"""

from ledger.engine.kernels.base.owners import delist, enlist
from ledger.engine.kernels.base.prices import price_now, source_of
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.base.timers import clear_timer, set_timer
from ledger.engine.layout import SOURCES
from ledger.engine.state import Commands, Results, State
from ledger.records.codes import CommandFlag, EventKind, Side
from matching.index import key_of
from matching.jit import i64, inner
from matching.queue import remove_order, rest_order

_BUY = int(Side.BUY)
_STOP = int(CommandFlag.STOP)
_TAKE_PROFIT = int(CommandFlag.TAKE_PROFIT)
_ORDER_EXPIRED = int(EventKind.ORDER_EXPIRED)


@inner
def is_conditional(flags: int) -> bool:
    """Whether an order waits for a trigger."""
    return flags & (_STOP | _TAKE_PROFIT) != 0


@inner
def trigger_side(instrument: int, source: int, rising: int) -> int:
    """The side of the triggers' arena; `rising` is 1 when a higher price triggers."""
    return 2 * (SOURCES * instrument + source) + rising


@inner
def pending_count(state: State, instrument: int) -> int:
    """How many orders of an instrument are pending."""
    first = trigger_side(instrument, 0, 0)
    count = i64(0)
    for side_index in range(first, first + 2 * SOURCES):
        count += i64(state.triggers.sides["orders"][side_index])
    return count


@inner
def side_of(state: State, slot: int) -> int:
    """2 * instrument + side of a pending order, as for a resting one."""
    instrument = i64(state.triggers.orders["side_index"][slot]) // (2 * SOURCES)
    return 2 * instrument + i64(state.pending["side"][slot])


@inner
def is_rising(side: int, flags: int) -> int:
    """A buy stop and a sell take-profit wait for a higher price, the others for a lower one."""
    return 1 if (side == _BUY) == (flags & _STOP != 0) else 0


@inner
def would_trigger(state: State, commands: Commands, row: int, trigger_ticks: int) -> bool:
    """Whether its price has already reached a new order's trigger."""
    c = commands.order
    flags = i64(c["flags"][row])
    now_ticks = price_now(state, i64(c["instrument"][row]), source_of(flags))
    if now_ticks == 0:
        return False
    if is_rising(i64(c["side"][row]), flags):
        return now_ticks >= trigger_ticks
    return now_ticks <= trigger_ticks


@inner
def pend(state: State, results: Results, trigger_ticks: int, partner_id: int) -> None:
    """Let the taker wait for its trigger; its partner, when it has one, is linked by the caller."""
    taker, rows = results.taker, state.pending
    instrument, account = taker["instrument"][0], taker["account"][0]
    flags = taker["flags"][0]
    rising = is_rising(taker["side"][0], flags)
    side_index = trigger_side(instrument, source_of(flags), rising)
    key = key_of(state.triggers, side_index, trigger_ticks)
    order_id = taker["order_id"][0]
    slot = rest_order(state.triggers, side_index, key, account, (order_id, i64(1)))
    rows["price_ticks"][slot] = taker["price_ticks"][0]
    rows["qty_lots"][slot] = taker["qty_lots"][0]
    rows["quote_minor"][slot] = taker["quote_minor"][0]
    rows["display_lots"][slot] = taker["display_lots"][0]
    rows["expire_s"][slot] = taker["expire_s"][0]
    rows["partner_id"][slot] = partner_id
    rows["trigger_ticks"][slot] = trigger_ticks
    rows["flags"][slot] = taker["flags"][0]
    rows["side"][slot] = taker["side"][0]
    rows["order_type"][slot] = 1 - taker["is_limit"][0]
    rows["time_in_force"][slot] = taker["time_in_force"][0]
    rows["self_trade"][slot] = taker["self_trade"][0]
    enlist(state.pending_owners, state.pending_links, account, slot)
    if taker["expire_s"][0] != 0:
        set_timer(state, order_id, account, taker["expire_s"][0])


@inner
def drop_pending(state: State, slot: int) -> None:
    """Take a pending order out; its slot is zeroed."""
    rows = state.pending
    account = i64(state.triggers.orders["account"][slot])
    if rows["expire_s"][slot] != 0:
        clear_timer(state, i64(state.triggers.orders["order_id"][slot]))
    if rows["trail_ticks"][slot] != 0:
        instrument = i64(state.triggers.orders["side_index"][slot]) // (2 * SOURCES)
        delist(state.trail_owners, state.trail_links, instrument, slot)
        rows["trail_ticks"][slot] = 0
        state.header["trailing_count"][0] -= 1
    delist(state.pending_owners, state.pending_links, account, slot)
    remove_order(state.triggers, slot)
    rows["price_ticks"][slot] = 0
    rows["qty_lots"][slot] = 0
    rows["quote_minor"][slot] = 0
    rows["display_lots"][slot] = 0
    rows["expire_s"][slot] = 0
    rows["partner_id"][slot] = 0
    rows["trigger_ticks"][slot] = 0
    rows["flags"][slot] = 0
    rows["side"][slot] = 0
    rows["order_type"][slot] = 0
    rows["time_in_force"][slot] = 0
    rows["self_trade"][slot] = 0


@inner
def report_pending(state: State, results: Results, kind: int, slot: int) -> int:
    """An event about a pending order; returns its row."""
    orders, rows, events = state.triggers.orders, state.pending, results.events
    event = begin_event(results, kind)
    events["side"][event] = rows["side"][slot]
    events["instrument"][event] = i64(orders["side_index"][slot]) // (2 * SOURCES)
    events["account"][event] = orders["account"][slot]
    events["order_id"][event] = orders["order_id"][slot]
    events["price_ticks"][event] = rows["trigger_ticks"][slot]
    events["qty_lots"][event] = rows["qty_lots"][slot]
    return event
