"""CANCEL_ORDER, AMEND_ORDER: commands that name an order which is there, resting or pending."""

from ledger.engine.kernels.base.checks import blank_from, is_customer
from ledger.engine.kernels.base.pending import drop_pending, side_of
from ledger.engine.kernels.base.resting import open_lots, partner_of
from ledger.engine.kernels.orders.leaving import drop_order, part, shrink_order
from ledger.engine.state import Commands, Results, State, first_word
from ledger.records.codes import OrderStatus, Reject
from ledger.records.layout import ORDER
from matching.ids import find_slot
from matching.jit import i64, inner
from matching.layout import NIL

_RESERVED = first_word(ORDER, "reserved")

_OPEN = int(OrderStatus.OPEN)
_PARTLY_FILLED = int(OrderStatus.PARTLY_FILLED)
_CANCELED = int(OrderStatus.CANCELED)

_NONE = int(Reject.NONE)
_UNKNOWN_ACCOUNT = int(Reject.UNKNOWN_ACCOUNT)
_UNKNOWN_INSTRUMENT = int(Reject.UNKNOWN_INSTRUMENT)
_MALFORMED = int(Reject.MALFORMED)
_QTY_OUT_OF_RANGE = int(Reject.QTY_OUT_OF_RANGE)
_UNKNOWN_ORDER = int(Reject.UNKNOWN_ORDER)
_NOT_OWNER = int(Reject.NOT_OWNER)
_NOTHING_TO_AMEND = int(Reject.NOTHING_TO_AMEND)


@inner
def is_bare(commands: Commands, row: int) -> bool:
    """A cancel or an amend names its order, and nothing that only a new order has."""
    c = commands.order
    small = (
        i64(c["flags"][row])
        | i64(c["side"][row])
        | i64(c["order_type"][row])
        | i64(c["time_in_force"][row])
        | i64(c["self_trade"][row])
    )
    wide = (
        c["price_ticks"][row]
        | c["quote_minor"][row]
        | c["trigger_ticks"][row]
        | c["display_lots"][row]
        | c["expire_ns"][row]
    )
    return small == 0 and wide == 0 and blank_from(commands, row, _RESERVED)


@inner
def find_target(state: State, commands: Commands, row: int) -> tuple[int, int]:
    """The caller's own open order of the named instrument: (reject, slot).

    The slot is told of another account's order too.
    """
    c = commands.order
    if c["target_id"][row] <= 0:
        return _UNKNOWN_ORDER, NIL
    slot = find_slot(state.book.ids, c["target_id"][row])
    if slot == NIL:
        return _UNKNOWN_ORDER, NIL
    orders = state.book.orders
    if i64(orders["side_index"][slot]) >> 1 != i64(c["instrument"][row]):
        return _UNKNOWN_ORDER, NIL
    if i64(orders["account"][slot]) != i64(c["account"][row]):
        return _NOT_OWNER, slot
    return _NONE, slot


@inner
def find_waiting(state: State, commands: Commands, row: int) -> tuple[int, int]:
    """The caller's own pending order of the named instrument: (reject, slot), told likewise."""
    c = commands.order
    if c["target_id"][row] <= 0:
        return _UNKNOWN_ORDER, NIL
    slot = find_slot(state.triggers.ids, c["target_id"][row])
    if slot == NIL or side_of(state, slot) >> 1 != i64(c["instrument"][row]):
        return _UNKNOWN_ORDER, NIL
    if i64(state.triggers.orders["account"][slot]) != i64(c["account"][row]):
        return _NOT_OWNER, slot
    return _NONE, slot


@inner
def cancel_order(state: State, commands: Commands, results: Results, row: int) -> int:
    """CANCEL_ORDER. Returns a `Reject`; unless it is NONE nothing changed."""
    c, outcomes = commands.order, results.outcomes
    if not is_customer(state, i64(c["account"][row])):
        return _UNKNOWN_ACCOUNT
    if i64(c["instrument"][row]) >= state.header["instrument_count"][0]:
        return _UNKNOWN_INSTRUMENT
    if c["qty_lots"][row] != 0 or not is_bare(commands, row):
        return _MALFORMED
    reject, slot = find_target(state, commands, row)
    partner_id = i64(0)
    if reject == _NONE:
        partner_id = partner_of(state, slot)
        outcomes["remaining_lots"][row] = open_lots(state, slot)
        outcomes["amount_minor"][row] = drop_order(state, slot)
    elif reject == _UNKNOWN_ORDER:
        reject, slot = find_waiting(state, commands, row)
        if reject == _NONE:
            partner_id = i64(state.pending["partner_id"][slot])
            outcomes["remaining_lots"][row] = state.pending["qty_lots"][slot]
            drop_pending(state, slot)
    if reject != _NONE:
        return reject
    outcomes["status"][row] = _CANCELED
    outcomes["subject_id"][row] = c["target_id"][row]
    part(state, results, partner_id)
    return _NONE


@inner
def amend_order(  # noqa: PLR0911 - one return a check
    state: State, commands: Commands, results: Results, row: int
) -> int:
    """AMEND_ORDER: strictly smaller, place kept.

    Returns a `Reject`; unless it is NONE nothing changed.
    """
    c, outcomes, rows = commands.order, results.outcomes, state.instruments
    instrument, account = i64(c["instrument"][row]), i64(c["account"][row])
    if not is_customer(state, account):
        return _UNKNOWN_ACCOUNT
    if instrument >= state.header["instrument_count"][0]:
        return _UNKNOWN_INSTRUMENT
    if not is_bare(commands, row):
        return _MALFORMED
    total = c["qty_lots"][row]
    if not 1 <= total <= rows["max_qty_lots"][instrument]:
        return _QTY_OUT_OF_RANGE
    reject, slot = find_target(state, commands, row)
    if reject != _NONE:
        return reject
    money = state.orders
    filled = money["total_lots"][slot] - open_lots(state, slot)
    if not filled < total < money["total_lots"][slot]:
        return _NOTHING_TO_AMEND
    remaining = total - filled
    outcomes["status"][row] = _PARTLY_FILLED if filled > 0 else _OPEN
    outcomes["subject_id"][row] = c["target_id"][row]
    outcomes["remaining_lots"][row] = remaining
    outcomes["amount_minor"][row] = shrink_order(state, slot, remaining)
    return _NONE
