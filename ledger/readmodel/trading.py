"""The fold over orders, trades and what everybody has.

One order at a time is *at work*: the one that a command brings, until a trigger or the command's
end, and each one that is triggered, until the next. Where it stands is known when its work ends: a
command's outcome says it of its own order, and of a triggered one it follows from its fills.
"""

from ledger.readmodel.fills import apply_reduction, apply_trade, end_order
from ledger.readmodel.holdings import (
    credit_deposit,
    freeze,
    hold_withdrawal,
    list_asset,
    list_instrument,
    move_mark,
    pay_counter,
    pay_withdrawal,
    release_order,
    release_withdrawal,
    set_hold,
)
from ledger.readmodel.layout import NONE, Book, Holdings, Records, Tape
from ledger.readmodel.orders import add_order, find_open, set_status
from ledger.readmodel.positions import (
    exchange,
    leg_of,
    lots_of,
    move_margin,
    pay_funding,
    set_margin_mode,
    set_position_mode,
)
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderStatus,
    OrderType,
    Product,
    Side,
    TimeInForce,
)
from matching.jit import i64, inner

_NEW = int(CommandKind.NEW_ORDER)
_REPLACE = int(CommandKind.REPLACE_ORDER)
_CANCEL = int(CommandKind.CANCEL_ORDER)
_AMEND = int(CommandKind.AMEND_ORDER)
_MONEY_FIRST = int(CommandKind.OPEN_ACCOUNT)
_LIST_ASSET = int(CommandKind.LIST_ASSET)
_LIST_INSTRUMENT = int(CommandKind.LIST_INSTRUMENT)
_CREDIT = int(CommandKind.CREDIT_DEPOSIT)
_REQUEST = int(CommandKind.REQUEST_WITHDRAWAL)
_SET_MARGIN_MODE = int(CommandKind.SET_MARGIN_MODE)
_SET_POSITION_MODE = int(CommandKind.SET_POSITION_MODE)

_TRADE = int(EventKind.TRADE)
_ORDER_EXPIRED = int(EventKind.ORDER_EXPIRED)
_ORDER_REDUCED = int(EventKind.ORDER_REDUCED)
_ORDER_TRIGGERED = int(EventKind.ORDER_TRIGGERED)
_FUNDING_PAID = int(EventKind.FUNDING_PAID)
_MARK_MOVED = int(EventKind.MARK_MOVED)
_MARGIN_MOVED = int(EventKind.MARGIN_MOVED)
_PASSED = (
    int(EventKind.POSITION_TAKEN),
    int(EventKind.DELEVERAGED),
    int(EventKind.LEGS_NETTED),
)
_PAID = (
    int(EventKind.COLLATERAL_TAKEN),
    int(EventKind.LOSS_SHARED),
    int(EventKind.TRANSFERRED),
    int(EventKind.LOAN_REPAID),
    int(EventKind.OVERDRAFT_CHARGED),
)
_GOT = (int(EventKind.DEBT_COVERED), int(EventKind.LOAN_TAKEN))
_RELEASED = int(EventKind.WITHDRAWAL_RELEASED)
_FROZEN = (int(EventKind.HOLD_PLACED), int(EventKind.HOLD_RELEASED))
_SETTLED = int(EventKind.WITHDRAWAL_SETTLED)

_OPEN = int(OrderStatus.OPEN)
_PARTLY = int(OrderStatus.PARTLY_FILLED)
_FILLED = int(OrderStatus.FILLED)
_EXPIRED = int(OrderStatus.EXPIRED)
_RESTING = (_OPEN, _PARTLY)
_BY_QUOTE = int(CommandFlag.BY_QUOTE)
_CLOSE_POSITION = int(CommandFlag.CLOSE_POSITION)
_SHORT_LEG = int(CommandFlag.SHORT_LEG)
_LIMIT = int(OrderType.LIMIT)
_MAY_REST = (int(TimeInForce.GTC), int(TimeInForce.GTD))
_SELF_TRADE = int(ExpireReason.SELF_TRADE)
_REMAINDER = int(ExpireReason.REMAINDER)
_BUY = int(Side.BUY)
_SPOT = int(Product.SPOT)

DONE = 0
NOBODY = 0
"""No order is at work."""


@inner
def apply_trading(
    records: Records, book: Book, tape: Tape, holdings: Holdings, first_seq: int, count: int
) -> int:
    """Fold a batch's commands and events into the tables.

    Args:
        records: The batch.
        book: Mutated; large enough for every order of the batch to be new.
        tape: Mutated.
        holdings: Mutated; large enough for every position of the batch to be new.
        first_seq: The seq of the first command.
        count: So many commands.

    Returns:
        DONE, or the seq of a command whose results change an order that is not open, or realize
        what does not follow: then engine and read model disagree, and the tables are of no use.
    """
    rejects, counts = records.outcomes["reject"], records.outcomes["events"]
    at = 0
    for i in range(count):
        end = at + i64(counts[i])
        if rejects[i] == 0 and not apply_command(
            records, book, tape, holdings, (i, at, end, first_seq + i)
        ):
            return first_seq + i
        at = end
    return DONE


@inner
def apply_command(
    records: Records, book: Book, tape: Tape, holdings: Holdings, place: tuple[int, int, int, int]
) -> bool:
    """Fold command i with its events [at, end); False when its results contradict the tables."""
    i, at, end, seq = place
    kind, events = records.commands["kind"][i], records.events
    working, own = NOBODY, False
    if kind in (_NEW, _REPLACE):
        row = add_order(book, records, i, seq)
        begin_payment(book, tape, row)
        working, own = seq, True
    elif kind >= _MONEY_FIRST:
        settle_command(records, book, tape, holdings, i)
    for event in range(at, end):
        happened, order_id = events["kind"][event], i64(events["order_id"][event])
        begins = happened == _ORDER_TRIGGERED
        if working != NOBODY and (begins or (happened == _TRADE and order_id != working)):
            if not end_work(records, book, tape, holdings, (i, working, own)):
                return False
            working = NOBODY
        if begins:
            working, own = order_id, False
        if not apply_event(records, book, tape, holdings, (event, working)):
            return False
    if working != NOBODY:
        return end_work(records, book, tape, holdings, (i, working, own))
    if kind in (_CANCEL, _AMEND):
        return change_order(records, book, tape, holdings, i)
    return True


@inner
def settle_command(records: Records, book: Book, tape: Tape, holdings: Holdings, i: int) -> None:
    """What command i does to terms, modes and balances by itself, without an event."""
    kind = records.commands["kind"][i]
    if kind == _LIST_INSTRUMENT:
        list_instrument(records, tape, i)
    elif kind == _LIST_ASSET:
        list_asset(records, holdings, i)
    elif kind == _CREDIT:
        credit_deposit(records, holdings, i)
    elif kind == _REQUEST:
        hold_withdrawal(records, holdings, i)
    elif kind == _SET_POSITION_MODE:
        set_position_mode(records, book, holdings, i)
    elif kind == _SET_MARGIN_MODE:
        set_margin_mode(records, book, holdings, i)


@inner
def begin_payment(book: Book, tape: Tape, row: int) -> None:
    """What a spot buyer pays is rounded up over all its fills: it begins with this carry."""
    instrument = i64(book.orders["instrument"][row])
    spot = tape.instruments["product"][instrument] == _SPOT
    if spot and book.orders["side"][row] == _BUY:
        book.orders["carry"][row] = tape.instruments["den"][instrument] - 1


@inner
def change_order(records: Records, book: Book, tape: Tape, holdings: Holdings, i: int) -> bool:
    """A cancel or an amend; False when its order is not open."""
    orders, commands, outcomes = book.orders, records.commands, records.outcomes
    row = find_open(book, i64(outcomes["subject_id"][i]))
    if row == NONE:
        return False
    left_lots = i64(0)
    if commands["kind"][i] == _AMEND:
        orders["qty_lots"][row] = commands["qty_lots"][i]
        left_lots = orders["qty_lots"][row] - orders["filled_lots"][row]
    release_order(book, tape, holdings, row, left_lots, outcomes["amount_minor"][i])
    set_status(book, row, outcomes["status"][i], commands["time_ns"][i])
    return True


@inner
def end_work(
    records: Records,
    book: Book,
    tape: Tape,
    holdings: Holdings,
    work: tuple[int, int, bool],
) -> bool:
    """Say where the order at work stands, and hold what rests; False when it must be open."""
    i, order_id, own = work
    orders, commands, outcomes = book.orders, records.commands, records.outcomes
    row = find_open(book, order_id)
    if row == NONE:
        # A triggered order may have expired, or have been filled as a maker meanwhile.
        return not own
    filled_lots, by_quote = orders["filled_lots"][row], orders["flags"][row] & _BY_QUOTE
    if own:
        status = i64(outcomes["status"][i])
        if by_quote and status in (_FILLED, _EXPIRED):
            orders["qty_lots"][row] = filled_lots + outcomes["remaining_lots"][i]
        if status == _EXPIRED:
            mark_ended(book, row)
    elif by_quote or filled_lots == orders["qty_lots"][row]:
        # By quote it would have expired if it had not used up its quote.
        orders["qty_lots"][row] = filled_lots
        status = _FILLED
    else:
        status = _PARTLY if filled_lots > 0 else _OPEN
    if status in _RESTING:
        set_hold(book, tape, holdings, row, orders["qty_lots"][row] - filled_lots)
    set_status(book, row, status, commands["time_ns"][i])
    return True


@inner
def mark_ended(book: Book, row: int) -> None:
    """Why a command's own order expired: one that may rest does it only to prevent a self-trade."""
    orders = book.orders
    rests = orders["order_type"][row] == _LIMIT and i64(orders["time_in_force"][row]) in _MAY_REST
    gone = orders["filled_lots"][row] == orders["qty_lots"][row]
    orders["ended"][row] = _SELF_TRADE if rests or gone else _REMAINDER


@inner
def apply_event(
    records: Records, book: Book, tape: Tape, holdings: Holdings, place: tuple[int, int]
) -> bool:
    """Fold one event, with the order at work; False when it contradicts the tables."""
    event, working = place
    events = records.events
    kind = events["kind"][event]
    if kind == _TRADE:
        return apply_trade(records, book, tape, holdings, event)
    if kind == _ORDER_EXPIRED:
        return end_order(records, book, tape, holdings, (event, working))
    if kind == _ORDER_REDUCED:
        return apply_reduction(records, book, tape, holdings, event)
    if kind == _ORDER_TRIGGERED:
        return trigger(records, book, holdings, event)
    return post(records, book, tape, holdings, event)


@inner
def trigger(records: Records, book: Book, holdings: Holdings, event: int) -> bool:
    """A pending order enters the book; False when it is not open.

    One that closes a whole position learns its size now: what its side can close.
    """
    events, orders = records.events, book.orders
    row = find_open(book, i64(events["order_id"][event]))
    if row == NONE:
        return False
    orders["triggered_ns"][row] = events["time_ns"][event]
    if orders["flags"][row] & _CLOSE_POSITION:
        account, instrument = i64(orders["account"][row]), i64(orders["instrument"][row])
        leg = leg_of(book, account, i64(orders["flags"][row]) & _SHORT_LEG)
        held_lots = lots_of(book, holdings, account, instrument, leg)
        buys = orders["side"][row] == _BUY
        orders["qty_lots"][row] = max(0, -held_lots if buys else held_lots)
    return True


@inner
def post(records: Records, book: Book, tape: Tape, holdings: Holdings, event: int) -> bool:
    """Fold one event about no order; False when it contradicts the tables."""
    kind = records.events["kind"][event]
    if kind in _PASSED:
        return exchange(records, book, tape, holdings, event)
    if kind == _FUNDING_PAID:
        return pay_funding(records, book, tape, holdings, event)
    if kind == _MARGIN_MOVED:
        return move_margin(records, book, holdings, event)
    if kind == _MARK_MOVED:
        move_mark(records, tape, event)
    elif kind in _PAID:
        pay_counter(records, holdings, event, -1)
    elif kind in _GOT:
        pay_counter(records, holdings, event, 1)
    elif kind == _RELEASED:
        release_withdrawal(records, holdings, event)
    elif kind == _SETTLED:
        pay_withdrawal(records, holdings, event)
    elif kind in _FROZEN:
        freeze(records, holdings, event)
    return True
