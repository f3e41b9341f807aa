"""NEW_ORDER, REPLACE_ORDER: the checks in the order of `Reject`, then the deed."""

from ledger.engine.kernels.base.checks import blank_from, is_customer
from ledger.engine.kernels.base.money import charge, hold
from ledger.engine.kernels.base.pending import (
    is_conditional,
    pend,
    would_trigger,
)
from ledger.engine.kernels.base.prices import price_now, source_of
from ledger.engine.kernels.base.resting import (
    held_asset,
    is_contract,
    may_rest,
    open_lots,
    partner_of,
)
from ledger.engine.kernels.base.sessions import check_session, is_guarded, is_halted
from ledger.engine.kernels.base.timers import NS, is_second
from ledger.engine.kernels.margin.contract_orders import (
    check_contract,
    has_position_room,
    reserve_order,
)
from ledger.engine.kernels.orders.entering import check_book, enter, prepare
from ledger.engine.kernels.orders.leaving import (
    expire_order,
    expire_pending,
)
from ledger.engine.kernels.orders.sweeps import count_order, is_throttled
from ledger.engine.kernels.orders.targets import find_target, find_waiting
from ledger.engine.kernels.orders.trailing import follow, has_trail_room, trigger_of
from ledger.engine.kernels.orders.triggers import fire_traded
from ledger.engine.layout import LINKED, PLEDGED
from ledger.engine.limits import ICEBERG_PARTS_MAX
from ledger.engine.margin_layout import NET
from ledger.engine.state import Commands, Results, State, first_word
from ledger.margin.contracts import notional_minor
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    ExpireReason,
    OrderStatus,
    OrderType,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
)
from ledger.records.layout import ORDER
from matching.ids import find_slot
from matching.jit import i64, inner
from matching.layout import NIL
from matching.units import AMOUNT_MINOR_MAX

_BUY = int(Side.BUY)
_SIDE_LAST = int(max(Side))
_LIMIT = int(OrderType.LIMIT)
_TYPE_LAST = int(max(OrderType))
_GTC = int(TimeInForce.GTC)
_FOK = int(TimeInForce.FOK)
_GTD = int(TimeInForce.GTD)
_FORCE_LAST = int(max(TimeInForce))
_DECREMENT = int(SelfTrade.DECREMENT)
_SELF_TRADE_LAST = int(max(SelfTrade))
_POST_ONLY = int(CommandFlag.POST_ONLY)
_BY_QUOTE = int(CommandFlag.BY_QUOTE)
_STOP = int(CommandFlag.STOP)
_EITHER = int(CommandFlag.STOP | CommandFlag.TAKE_PROFIT)
_OCO = int(CommandFlag.OCO)
_ON_ANOTHER = int(CommandFlag.ON_MARK | CommandFlag.ON_INDEX)
_REDUCE_ONLY = int(CommandFlag.REDUCE_ONLY)
_CLOSE_POSITION = int(CommandFlag.CLOSE_POSITION)
_SHORT_LEG = int(CommandFlag.SHORT_LEG)
_FLAGS_ALL = sum(int(flag) for flag in CommandFlag)
_TRAILING = int(CommandFlag.TRAILING)
_REPLACE_ORDER = int(CommandKind.REPLACE_ORDER)
_REPLACED = int(ExpireReason.REPLACED)
_RESERVED = first_word(ORDER, "reserved")

_OPEN = int(OrderStatus.OPEN)
_PARTLY_FILLED = int(OrderStatus.PARTLY_FILLED)
_FILLED = int(OrderStatus.FILLED)
_CANCELED = int(OrderStatus.CANCELED)
_PENDING = int(OrderStatus.PENDING)

_NONE = int(Reject.NONE)
_UNKNOWN_ACCOUNT = int(Reject.UNKNOWN_ACCOUNT)
_UNKNOWN_INSTRUMENT = int(Reject.UNKNOWN_INSTRUMENT)
_MALFORMED = int(Reject.MALFORMED)
_TABLE_FULL = int(Reject.TABLE_FULL)
_PRICE_OUT_OF_RANGE = int(Reject.PRICE_OUT_OF_RANGE)
_QTY_OUT_OF_RANGE = int(Reject.QTY_OUT_OF_RANGE)
_NOTIONAL_TOO_SMALL = int(Reject.NOTIONAL_TOO_SMALL)
_AMOUNT_OUT_OF_RANGE = int(Reject.AMOUNT_OUT_OF_RANGE)
_UNKNOWN_ORDER = int(Reject.UNKNOWN_ORDER)
_NOT_OWNER = int(Reject.NOT_OWNER)
_NOTHING_TO_AMEND = int(Reject.NOTHING_TO_AMEND)
_WOULD_TAKE = int(Reject.WOULD_TAKE)
_NO_LIQUIDITY = int(Reject.NO_LIQUIDITY)
_CANNOT_FILL = int(Reject.CANNOT_FILL)
_INSUFFICIENT_BALANCE = int(Reject.INSUFFICIENT_BALANCE)
_ACCOUNT_BLOCKED = int(Reject.ACCOUNT_BLOCKED)
_THROTTLED = int(Reject.THROTTLED)
_WRONG_STATE = int(Reject.WRONG_STATE)
_NOT_THE_PAIR = int(Reject.NOT_THE_PAIR)
_WOULD_TRIGGER = int(Reject.WOULD_TRIGGER)
_WRONG_LEG = int(Reject.WRONG_LEG)
_MARKET_HALTED = int(Reject.MARKET_HALTED)
_NO_REFERENCE = int(Reject.NO_REFERENCE)


@inner
def has_known_words(commands: Commands, row: int) -> bool:
    """Every enumeration is within its values."""
    c = commands.order
    return (
        i64(c["flags"][row]) & ~_FLAGS_ALL == 0
        and i64(c["side"][row]) <= _SIDE_LAST
        and i64(c["order_type"][row]) <= _TYPE_LAST
        and i64(c["time_in_force"][row]) <= _FORCE_LAST
        and i64(c["self_trade"][row]) <= _SELF_TRADE_LAST
    )


@inner
def is_timed_well(commands: Commands, row: int) -> bool:
    """A date is a whole second to come, and stands exactly where the time in force wants one."""
    c = commands.order
    expire_ns = c["expire_ns"][row]
    if i64(c["time_in_force"][row]) != _GTD:
        return bool(expire_ns == 0)
    limit = i64(c["order_type"][row]) == _LIMIT
    return bool(limit and is_second(expire_ns) and expire_ns > c["time_ns"][row])


@inner
def is_sized_well(commands: Commands, row: int, force: int) -> bool:
    """One size, by quantity or by quote; only a limit order has a price and may hide lots."""
    c = commands.order
    limit = i64(c["order_type"][row]) == _LIMIT
    if i64(c["flags"][row]) & _BY_QUOTE:
        if limit or force == _FOK or c["qty_lots"][row] != 0:
            return False
        if i64(c["self_trade"][row]) == _DECREMENT:
            return False
    elif c["quote_minor"][row] != 0:
        return False
    if not limit:
        return bool(c["price_ticks"][row] | c["display_lots"][row] == 0)
    rests = force in (_GTC, _GTD)
    return rests or not (i64(c["flags"][row]) & _POST_ONLY or c["display_lots"][row])


@inner
def closes_well(commands: Commands, row: int) -> bool:
    """What closes a whole position waits for a trigger, and has no size and no price."""
    c = commands.order
    flags = i64(c["flags"][row])
    limit = i64(c["order_type"][row]) == _LIMIT
    if limit or flags & (_REDUCE_ONLY | _BY_QUOTE):
        return False
    return bool(is_conditional(flags) and c["qty_lots"][row] == 0)


@inner
def is_well_formed(commands: Commands, row: int) -> bool:
    """Enumerations, and that what the order's type does not use is zero."""
    c = commands.order
    flags = i64(c["flags"][row])
    if not has_known_words(commands, row) or not is_timed_well(commands, row):
        return False
    both = flags & _EITHER == _EITHER or flags & _ON_ANOTHER == _ON_ANOTHER
    if both or flags & (_TRAILING | _STOP) == _TRAILING:
        return False
    if flags & _POST_ONLY and i64(c["order_type"][row]) != _LIMIT:
        return False
    unused = i64(0)
    if not is_conditional(flags):
        unused |= flags & (_OCO | _ON_ANOTHER | _TRAILING) | c["trigger_ticks"][row]
    if flags & _CLOSE_POSITION and not closes_well(commands, row):
        return False
    replaces = i64(c["kind"][row]) == _REPLACE_ORDER
    if flags & _OCO and replaces:
        return False
    if not flags & _OCO and not replaces:
        unused |= c["target_id"][row]
    sized_well = is_sized_well(commands, row, i64(c["time_in_force"][row]))
    return sized_well and unused == 0 and blank_from(commands, row, _RESERVED)


@inner
def fits_product(state: State, commands: Commands, row: int) -> bool:
    """What only one kind of product has stands with no other one."""
    c = commands.order
    flags = i64(c["flags"][row])
    if is_contract(state, i64(c["instrument"][row])):
        return flags & _BY_QUOTE == 0
    return flags & (_ON_ANOTHER | _REDUCE_ONLY | _CLOSE_POSITION | _SHORT_LEG) == 0


@inner
def is_sliced_well(qty_lots: int, display_lots: int) -> bool:
    """An iceberg shows at least a lot, at most itself, and has few enough slices."""
    return 1 <= display_lots <= qty_lots and (qty_lots - 1) // display_lots < ICEBERG_PARTS_MAX


@inner
def check_size(  # noqa: C901, PLR0911 - one return a check
    state: State, commands: Commands, row: int
) -> int:
    """Price, quantity and worth against the instrument's limits."""
    c, rows = commands.order, state.instruments
    instrument = i64(c["instrument"][row])
    price_ticks, qty_lots = c["price_ticks"][row], c["qty_lots"][row]
    quote_minor = c["quote_minor"][row]
    limit = i64(c["order_type"][row]) == _LIMIT
    if limit and not 1 <= price_ticks <= rows["max_price_ticks"][instrument]:
        return _PRICE_OUT_OF_RANGE
    conditional = is_conditional(i64(c["flags"][row]))
    if conditional and not 1 <= c["trigger_ticks"][row] <= rows["max_price_ticks"][instrument]:
        return _PRICE_OUT_OF_RANGE
    if i64(c["flags"][row]) & _CLOSE_POSITION:
        return _NONE
    if i64(c["flags"][row]) & _BY_QUOTE:
        if quote_minor < rows["min_notional_minor"][instrument]:
            return _NOTIONAL_TOO_SMALL
        return _NONE if 1 <= quote_minor <= AMOUNT_MINOR_MAX else _AMOUNT_OUT_OF_RANGE
    if not 1 <= qty_lots <= rows["max_qty_lots"][instrument]:
        return _QTY_OUT_OF_RANGE
    display_lots = c["display_lots"][row]
    if display_lots != 0 and not is_sliced_well(qty_lots, display_lots):
        return _QTY_OUT_OF_RANGE
    if not limit:
        return _NONE
    if is_contract(state, instrument):
        worth_minor = notional_minor(state.margin.contracts, instrument, qty_lots, price_ticks)
        small = worth_minor < rows["min_notional_minor"][instrument]
        return _NOTIONAL_TOO_SMALL if small else _NONE
    first_carry = rows["notional_den"][instrument] - 1
    cost_minor, left = charge(state, instrument, price_ticks, qty_lots, first_carry)
    if cost_minor - (1 if left < first_carry else 0) < rows["min_notional_minor"][instrument]:
        return _NOTIONAL_TOO_SMALL
    return _NONE if cost_minor <= AMOUNT_MINOR_MAX else _AMOUNT_OUT_OF_RANGE


@inner
def arrive(state: State, commands: Commands, results: Results, row: int) -> None:
    """Set up the taker that a well-formed command makes."""
    c, taker = commands.order, results.taker
    taker["order_id"][0] = results.frame["seq"][0]
    taker["account"][0] = c["account"][row]
    taker["instrument"][0] = c["instrument"][row]
    taker["side"][0] = c["side"][row]
    taker["is_limit"][0] = i64(c["order_type"][row]) == _LIMIT
    taker["time_in_force"][0] = c["time_in_force"][row]
    taker["self_trade"][0] = c["self_trade"][row]
    taker["flags"][0] = c["flags"][row]
    taker["price_ticks"][0] = c["price_ticks"][row]
    taker["qty_lots"][0] = c["qty_lots"][row]
    taker["quote_minor"][0] = c["quote_minor"][row]
    taker["display_lots"][0] = c["display_lots"][row]
    taker["expire_s"][0] = c["expire_ns"][row] // NS
    prepare(state, results)


@inner
def find_partner(state: State, commands: Commands, row: int) -> int:
    """Whether the named OCO partner is the caller's own, of this instrument, and still single."""
    reject, slot = find_target(state, commands, row)
    if reject == _NONE:
        return _NONE if partner_of(state, slot) == 0 else _WRONG_STATE
    if reject == _NOT_OWNER:
        return reject
    reject, slot = find_waiting(state, commands, row)
    if reject != _NONE:
        return reject
    return _NONE if state.pending["partner_id"][slot] == 0 else _WRONG_STATE


@inner
def link_partner(state: State, order_id: int, partner_id: int) -> None:
    """Tell the partner of a new pending order about it."""
    slot = find_slot(state.book.ids, partner_id)
    if slot != NIL:
        state.terms["partner_id"][slot] = order_id
        state.orders["traits"][slot] |= LINKED
    else:
        state.pending["partner_id"][find_slot(state.triggers.ids, partner_id)] = order_id


@inner
def check_seat(state: State, commands: Commands, row: int) -> int:
    """The account's switches."""
    account = i64(commands.order["account"][row])
    if state.seats["blocked"][account]:
        return _ACCOUNT_BLOCKED
    time_ns = commands.order["time_ns"][row]
    return _THROTTLED if is_throttled(state, account, time_ns) else _NONE


@inner
def check_terms(  # noqa: PLR0911 - one return a check
    state: State, commands: Commands, results: Results, row: int
) -> int:
    """What an order says of itself, against its instrument; sets up the taker on the way."""
    c, conditional = commands.order, is_conditional(i64(commands.order["flags"][row]))
    if not is_customer(state, i64(c["account"][row])):
        return _UNKNOWN_ACCOUNT
    if i64(c["instrument"][row]) >= state.header["instrument_count"][0]:
        return _UNKNOWN_INSTRUMENT
    if not is_well_formed(commands, row) or not fits_product(state, commands, row):
        return _MALFORMED
    arrive(state, commands, results, row)
    open_count = state.book.pool["order_open"][0] + state.triggers.pool["order_open"][0]
    if i64(c["kind"][row]) == _REPLACE_ORDER:
        open_count -= 1
    if open_count >= state.header["orders_max"][0] and (conditional or may_rest(results)):
        return _TABLE_FULL
    instrument = i64(c["instrument"][row])
    account = i64(c["account"][row])
    if i64(c["flags"][row]) & _TRAILING and not has_trail_room(state, instrument, account):
        return _TABLE_FULL
    if is_contract(state, instrument) and not has_position_room(state, results):
        return _TABLE_FULL
    return check_size(state, commands, row)


@inner
def check_trigger(state: State, commands: Commands, row: int) -> int:
    """What a pending order meets: its price, and the phase."""
    c = commands.order
    instrument, flags = i64(c["instrument"][row]), i64(c["flags"][row])
    if would_trigger(state, commands, row, trigger_of(state, commands, row)):
        return _WOULD_TRIGGER
    if is_halted(state, instrument):
        return _MARKET_HALTED
    if flags & _TRAILING and price_now(state, instrument, source_of(flags)) == 0:
        return _NO_REFERENCE
    return _NONE


@inner
def check_entry(state: State, commands: Commands, results: Results, row: int) -> int:
    """What an order meets: its partner or the book, the account's switches, the last price."""
    c = commands.order
    flags = i64(c["flags"][row])
    conditional = is_conditional(flags)
    reject = _NONE
    if flags & _OCO:
        reject = find_partner(state, commands, row)
    elif not conditional:
        reject = check_book(state, results)
    if reject == _NONE:
        reject = check_seat(state, commands, row)
    if reject != _NONE:
        return reject
    instrument = i64(c["instrument"][row])
    if conditional:
        reject = check_trigger(state, commands, row)
    elif is_guarded(state, instrument):
        reject = check_session(state, results)
    if reject == _NONE and not conditional and is_contract(state, instrument):
        reject = check_contract(state, results)
    if reject == _NONE and flags & _SHORT_LEG and results.taker["leg"][0] == NET:
        return _WRONG_LEG
    pair = i64(state.seats["pair"][i64(c["account"][row])])
    if reject == _NONE and pair != 0 and pair - 1 != instrument:
        return _NOT_THE_PAIR
    return reject


@inner
def wait(state: State, commands: Commands, results: Results, row: int) -> None:
    """Let an order that has passed every check wait for its trigger."""
    c, outcomes, taker = commands.order, results.outcomes, results.taker
    partner_id = i64(c["target_id"][row]) if taker["flags"][0] & _OCO else i64(0)
    pend(state, results, trigger_of(state, commands, row), partner_id)
    if taker["flags"][0] & _TRAILING:
        trail_ticks = i64(c["trigger_ticks"][row])
        follow(state, taker["order_id"][0], taker["instrument"][0], trail_ticks)
    if partner_id != 0:
        link_partner(state, taker["order_id"][0], partner_id)
    outcomes["status"][row] = _PENDING
    outcomes["remaining_lots"][row] = c["qty_lots"][row]


@inner
def place(state: State, results: Results, row: int) -> None:
    """Let an order that has passed every check enter the book; then all that it triggers."""
    outcomes, taker = results.outcomes, results.taker
    status = enter(state, results)
    outcomes["status"][row] = status
    outcomes["filled_lots"][row] = taker["filled_lots"][0]
    outcomes["filled_quote_minor"][row] = taker["filled_quote_minor"][0]
    outcomes["remaining_lots"][row] = taker["left_lots"][0]
    if taker["last_ticks"][0] != 0:
        fire_traded(state, results)


@inner
def find_replaced(state: State, commands: Commands, row: int) -> tuple[int, int, int]:
    """The order that a command replaces, of the same side: (reject, slot, pending slot)."""
    side = i64(commands.order["side"][row])
    reject, slot = find_target(state, commands, row)
    if slot != NIL and i64(state.book.orders["side_index"][slot]) & 1 != side:
        return _UNKNOWN_ORDER, NIL, NIL
    if reject != _UNKNOWN_ORDER:
        return reject, slot, NIL
    reject, waiting = find_waiting(state, commands, row)
    if waiting != NIL and i64(state.pending["side"][waiting]) != side:
        return _UNKNOWN_ORDER, NIL, NIL
    return reject, NIL, waiting


@inner
def lend(state: State, slot: int, sign: int) -> None:
    """Free (1) or take back (-1) what an order holds, reserves or pledges.

    While its successor is judged.
    """
    side_index = i64(state.book.orders["side_index"][slot])
    instrument, account = side_index >> 1, i64(state.book.orders["account"][slot])
    lots = open_lots(state, slot)
    if is_contract(state, instrument):
        before_lots = lots if sign > 0 else i64(0)
        reserve_order(state, slot, before_lots, lots - before_lots)
    if state.orders["traits"][slot] & PLEDGED:
        pledge_minor = state.terms["pledge_minor"][slot]
        state.credit.borrowers["pledged_minor"][account] -= sign * pledge_minor
    asset = held_asset(state, instrument, side_index & 1)
    hold(state, asset, account, -sign * i64(state.orders["held_minor"][slot]))


@inner
def new_order(state: State, commands: Commands, results: Results, row: int) -> int:
    """NEW_ORDER, and REPLACE_ORDER: a new order in the old one's stead, or nothing at all.

    The old hold counts as free while the new order is checked. Returns a `Reject`; unless it is
    NONE nothing changed but the scratch rows.
    """
    c = commands.order
    reject = check_terms(state, commands, results, row)
    if reject != _NONE:
        return reject
    slot, waiting = NIL, NIL
    if i64(c["kind"][row]) == _REPLACE_ORDER:
        reject, slot, waiting = find_replaced(state, commands, row)
        if reject != _NONE:
            return reject
    if slot != NIL:
        lend(state, slot, 1)
    reject = check_entry(state, commands, results, row)
    if slot != NIL:
        lend(state, slot, -1)
    if reject != _NONE:
        return reject
    if slot != NIL:
        expire_order(state, results, slot, _REPLACED)
    elif waiting != NIL:
        expire_pending(state, results, waiting, _REPLACED)
    count_order(state, i64(c["account"][row]), c["time_ns"][row])
    results.outcomes["subject_id"][row] = results.taker["order_id"][0]
    if is_conditional(results.taker["flags"][0]):
        wait(state, commands, results, row)
    else:
        place(state, results, row)
    return _NONE
