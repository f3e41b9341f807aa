"""Orders leave: out of the book, out of the triggers, and one because of the other.

Taking an order out (`drop_order`, `drop_pending`) looks at nothing else. What stands below it here
also tells of it, and sends its OCO partner after it.
"""

from ledger.engine.kernels.base.money import charge, hold
from ledger.engine.kernels.base.owners import delist
from ledger.engine.kernels.base.pending import drop_pending, report_pending
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.base.resting import held_asset, hide, is_contract, open_lots, partner_of
from ledger.engine.kernels.base.timers import clear_timer
from ledger.engine.kernels.margin.closers import delist_closer
from ledger.engine.kernels.margin.contract_orders import reserve_order
from ledger.engine.layout import CLOSER, ICEBERG, PLEDGED, TIMED
from ledger.engine.state import Results, State
from ledger.margin.rounding import muldiv_ceil
from ledger.records.codes import EventKind, ExpireReason, Side
from matching.ids import find_slot
from matching.jit import i64, inner
from matching.layout import NIL
from matching.queue import reduce_order, remove_order

_BUY = int(Side.BUY)
_ORDER_EXPIRED = int(EventKind.ORDER_EXPIRED)
_PARTNER = int(ExpireReason.PARTNER)


@inner
def drop_terms(state: State, slot: int) -> None:
    """Clear what only some orders have."""
    terms, traits = state.terms, i64(state.orders["traits"][slot])
    if traits & TIMED:
        clear_timer(state, i64(state.book.orders["order_id"][slot]))
    if traits & ICEBERG:
        side_index = i64(state.book.orders["side_index"][slot])
        state.markets["icebergs"][side_index >> 1] -= 1
        hide(state, side_index, -i64(terms["hidden_lots"][slot]))
    if traits & CLOSER:
        delist_closer(state, slot)
    if traits & PLEDGED:
        account = i64(state.book.orders["account"][slot])
        state.credit.borrowers["pledged_minor"][account] -= terms["pledge_minor"][slot]
        terms["pledge_minor"][slot] = 0
    terms["expire_s"][slot] = 0
    terms["display_lots"][slot] = 0
    terms["hidden_lots"][slot] = 0
    terms["partner_id"][slot] = 0
    state.orders["traits"][slot] = 0


@inner
def drop_order(state: State, slot: int) -> int:
    """Take an order out of the book and give its hold back; returns what was released."""
    side_index = i64(state.book.orders["side_index"][slot])
    account = i64(state.book.orders["account"][slot])
    released_minor = i64(state.orders["held_minor"][slot])
    if released_minor != 0:
        hold(state, held_asset(state, side_index >> 1, side_index & 1), account, -released_minor)
    if is_contract(state, side_index >> 1):
        reserve_order(state, slot, open_lots(state, slot), 0)
    delist(state.order_owners, state.order_links, account, slot)
    if state.orders["traits"][slot] != 0:
        drop_terms(state, slot)
    remove_order(state.book, slot)
    state.orders["total_lots"][slot] = 0
    state.orders["held_minor"][slot] = 0
    state.orders["carry"][slot] = 0
    state.orders["price_ticks"][slot] = 0
    return released_minor


@inner
def report_own(state: State, results: Results, kind: int, slot: int) -> int:
    """An event about a resting order of its own; returns its row."""
    orders, events = state.book.orders, results.events
    side_index = i64(orders["side_index"][slot])
    instrument, side = side_index >> 1, side_index & 1
    event = begin_event(results, kind)
    events["side"][event] = side
    events["instrument"][event] = instrument
    events["asset"][event] = held_asset(state, instrument, side)
    events["account"][event] = orders["account"][slot]
    events["order_id"][event] = orders["order_id"][slot]
    events["price_ticks"][event] = state.orders["price_ticks"][slot]
    return event


@inner
def report_taker(results: Results, event: int) -> None:
    """The counter side of an event: the incoming order that met it."""
    taker, events = results.taker, results.events
    events["counter_account"][event] = taker["account"][0]
    events["counter_order_id"][event] = taker["order_id"][0]


@inner
def shrink_order(state: State, slot: int, remaining: int) -> int:
    """Leave a resting order `remaining` lots, at least one; it keeps its place.

    An iceberg loses hidden lots first.

    Returns what its hold no longer needs; that is available again.
    """
    orders, money, rows = state.book.orders, state.orders, state.instruments
    side_index = i64(orders["side_index"][slot])
    instrument, side = side_index >> 1, side_index & 1
    if is_contract(state, instrument):
        reserve_order(state, slot, open_lots(state, slot), remaining)
        held_minor = muldiv_ceil(money["held_minor"][slot], remaining, open_lots(state, slot))
    elif side == _BUY:
        price_ticks, carry = i64(money["price_ticks"][slot]), money["carry"][slot]
        held_minor, _ = charge(state, instrument, price_ticks, remaining, carry)
    else:
        held_minor = remaining * rows["lot_minor"][instrument]
    released_minor = i64(money["held_minor"][slot] - held_minor)
    account = i64(orders["account"][slot])
    if released_minor != 0:
        hold(state, held_asset(state, instrument, side), account, -released_minor)
    money["held_minor"][slot] = held_minor
    money["total_lots"][slot] -= open_lots(state, slot) - remaining
    shown = min(i64(orders["qty_lots"][slot]), remaining)
    if money["traits"][slot] & ICEBERG:
        hide(state, side_index, remaining - shown - i64(state.terms["hidden_lots"][slot]))
        state.terms["hidden_lots"][slot] = remaining - shown
    reduce_order(state.book, slot, orders["qty_lots"][slot] - shown)
    return released_minor


@inner
def expire_alone(state: State, results: Results, slot: int, reason: int) -> None:
    """A resting order leaves without a command that names it; its partner is not looked at."""
    event = report_own(state, results, _ORDER_EXPIRED, slot)
    results.events["flags"][event] = reason
    results.events["qty_lots"][event] = open_lots(state, slot)
    results.events["amount_minor"][event] = state.orders["held_minor"][slot]
    drop_order(state, slot)


@inner
def expire_pending_alone(state: State, results: Results, slot: int, reason: int) -> None:
    """A pending order leaves without a command that names it; its partner is not looked at."""
    event = report_pending(state, results, _ORDER_EXPIRED, slot)
    results.events["flags"][event] = reason
    drop_pending(state, slot)


@inner
def part(state: State, results: Results, partner_id: int) -> None:
    """The partner of an order that traded, triggered or left leaves too; 0 is nobody."""
    if partner_id == 0:
        return
    slot = find_slot(state.book.ids, partner_id)
    if slot != NIL:
        expire_alone(state, results, slot, _PARTNER)
    else:
        slot = find_slot(state.triggers.ids, partner_id)
        expire_pending_alone(state, results, slot, _PARTNER)


@inner
def expire_order(state: State, results: Results, slot: int, reason: int) -> None:
    """A resting order leaves without a command that names it, and its partner after it."""
    partner_id = partner_of(state, slot)
    expire_alone(state, results, slot, reason)
    part(state, results, partner_id)


@inner
def expire_pending(state: State, results: Results, slot: int, reason: int) -> None:
    """A pending order leaves without a command that names it, and its partner after it."""
    partner_id = i64(state.pending["partner_id"][slot])
    expire_pending_alone(state, results, slot, reason)
    part(state, results, partner_id)
