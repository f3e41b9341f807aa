"""NEW_ORDER, CANCEL_ORDER, AMEND_ORDER: the checks in the order of `Reject`, then the deed."""

from ledger.engine.kernels.account_margin import free_minor
from ledger.engine.kernels.checks import blank_from, is_customer
from ledger.engine.kernels.contract_orders import (
    check_contract,
    has_position_room,
    is_contract,
    look_worst,
    own_position,
    reserve_order,
)
from ledger.engine.kernels.money import charge, hold
from ledger.engine.kernels.owners import enlist
from ledger.engine.kernels.sweeps import count_order, is_throttled
from ledger.engine.kernels.timers import NS, is_second, set_timer
from ledger.engine.kernels.trading import (
    drop_order,
    held_asset,
    look_ahead,
    match,
    shrink_order,
)
from ledger.engine.layout import TIMED
from ledger.engine.state import Commands, Results, State, first_word
from ledger.margin.contracts import notional_minor
from ledger.records.codes import (
    CommandFlag,
    OrderStatus,
    OrderType,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
)
from ledger.records.layout import ORDER
from matching.ids import find_slot
from matching.index import key_of
from matching.jit import i64, inlined
from matching.layout import KEY_NONE, NIL, SIDE_LOTS_MAX
from matching.queue import rest_order
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
_RESERVED = first_word(ORDER, "reserved")

_OPEN = int(OrderStatus.OPEN)
_PARTLY_FILLED = int(OrderStatus.PARTLY_FILLED)
_FILLED = int(OrderStatus.FILLED)
_CANCELED = int(OrderStatus.CANCELED)
_EXPIRED = int(OrderStatus.EXPIRED)

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


@inlined
def may_rest(commands: Commands, row: int) -> bool:
    """Only a limit order that is good till cancelled, or till a moment, rests."""
    c = commands.order
    force = i64(c["time_in_force"][row])
    return i64(c["order_type"][row]) == _LIMIT and force in (_GTC, _GTD)


@inlined
def is_well_formed(commands: Commands, row: int) -> bool:  # noqa: PLR0911 - one return a rule
    """Enumerations, and that what the order's type does not use is zero."""
    c = commands.order
    flags = i64(c["flags"][row])
    limit = i64(c["order_type"][row]) == _LIMIT
    force = i64(c["time_in_force"][row])
    if (
        flags & ~(_POST_ONLY | _BY_QUOTE)
        or c["side"][row] > _SIDE_LAST
        or c["order_type"][row] > _TYPE_LAST
        or force > _FORCE_LAST
        or c["self_trade"][row] > _SELF_TRADE_LAST
    ):
        return False
    if flags & _POST_ONLY and not may_rest(commands, row):
        return False
    if flags & _BY_QUOTE:
        if limit or force == _FOK or c["qty_lots"][row] != 0:
            return False
        if i64(c["self_trade"][row]) == _DECREMENT:
            return False
    elif c["quote_minor"][row] != 0:
        return False
    unused = c["trigger_ticks"][row] | c["display_lots"][row] | c["target_id"][row]
    if force == _GTD:
        expire_ns = c["expire_ns"][row]
        if not limit or not is_second(expire_ns) or expire_ns <= c["time_ns"][row]:
            return False
    else:
        unused |= c["expire_ns"][row]
    if not limit:
        unused |= c["price_ticks"][row]
    return unused == 0 and blank_from(commands, row, _RESERVED)


@inlined
def check_size(state: State, commands: Commands, row: int) -> int:  # noqa: PLR0911 - one return a check
    """Price, quantity and worth against the instrument's limits."""
    c, rows = commands.order, state.instruments
    instrument = i64(c["instrument"][row])
    price_ticks, qty_lots = c["price_ticks"][row], c["qty_lots"][row]
    quote_minor = c["quote_minor"][row]
    limit = i64(c["order_type"][row]) == _LIMIT
    if limit and not 1 <= price_ticks <= rows["max_price_ticks"][instrument]:
        return _PRICE_OUT_OF_RANGE
    if i64(c["flags"][row]) & _BY_QUOTE:
        if quote_minor < rows["min_notional_minor"][instrument]:
            return _NOTIONAL_TOO_SMALL
        return _NONE if 1 <= quote_minor <= AMOUNT_MINOR_MAX else _AMOUNT_OUT_OF_RANGE
    if not 1 <= qty_lots <= rows["max_qty_lots"][instrument]:
        return _QTY_OUT_OF_RANGE
    if not limit:
        return _NONE
    side_index = 2 * instrument + i64(c["side"][row])
    if is_contract(state, instrument):
        full = qty_lots > SIDE_LOTS_MAX - state.book.sides["qty_lots"][side_index]
        worth_minor = notional_minor(state.margin.contracts, instrument, qty_lots, price_ticks)
        if full:
            return _QTY_OUT_OF_RANGE
        small = worth_minor < rows["min_notional_minor"][instrument]
        return _NOTIONAL_TOO_SMALL if small else _NONE
    if qty_lots > SIDE_LOTS_MAX - state.book.sides["qty_lots"][side_index]:
        return _QTY_OUT_OF_RANGE
    first_carry = rows["notional_den"][instrument] - 1
    cost_minor, left = charge(state, instrument, price_ticks, qty_lots, first_carry)
    if cost_minor - (1 if left < first_carry else 0) < rows["min_notional_minor"][instrument]:
        return _NOTIONAL_TOO_SMALL
    return _NONE if cost_minor <= AMOUNT_MINOR_MAX else _AMOUNT_OUT_OF_RANGE


@inlined
def arrive(state: State, commands: Commands, results: Results, row: int) -> None:
    """Set up the taker that a well-formed command makes."""
    c, rows, taker = commands.order, state.instruments, results.taker
    instrument, side = i64(c["instrument"][row]), i64(c["side"][row])
    by_quote = i64(c["flags"][row]) & _BY_QUOTE
    taker["order_id"][0] = results.frame["seq"][0]
    taker["account"][0] = c["account"][row]
    taker["instrument"][0] = instrument
    taker["side"][0] = side
    taker["limit_key"][0] = KEY_NONE - 1
    if i64(c["order_type"][row]) == _LIMIT:
        taker["limit_key"][0] = key_of(state.book, 2 * instrument + 1 - side, c["price_ticks"][row])
    taker["self_trade"][0] = c["self_trade"][row]
    taker["remaining_lots"][0] = c["qty_lots"][row]
    if by_quote:
        taker["remaining_lots"][0] = rows["max_qty_lots"][instrument]
    taker["budget_minor"][0] = c["quote_minor"][row]
    taker["budgeted"][0] = by_quote != 0
    taker["by_quote"][0] = by_quote != 0
    taker["carry"][0] = 0
    if side == _BUY and not is_contract(state, instrument):
        taker["carry"][0] = rows["notional_den"][instrument] - 1
    taker["prevented_lots"][0] = 0
    taker["filled_lots"][0] = 0
    taker["filled_quote_minor"][0] = 0
    taker["stopped"][0] = 0
    taker["spent"][0] = 0


@inlined
def is_covered(state: State, commands: Commands, results: Results, row: int) -> bool:
    """Whether the account can pay; market orders are priced by looking ahead."""
    c, rows, taker = commands.order, state.instruments, results.taker
    instrument = taker["instrument"][0]
    account = taker["account"][0]
    lots = i64(c["qty_lots"][row])
    quote_minor = i64(c["quote_minor"][row])
    limit = i64(c["order_type"][row]) == _LIMIT
    if taker["side"][0] == _BUY:
        if limit:
            quote_minor, _ = charge(
                state, instrument, c["price_ticks"][row], lots, taker["carry"][0]
            )
        elif not taker["by_quote"][0]:
            _, quote_minor = look_ahead(state, results)
        return quote_minor <= free_minor(state, i64(rows["quote"][instrument]), account)
    if taker["by_quote"][0]:
        lots, _ = look_ahead(state, results)
    needed_minor = lots * i64(rows["lot_minor"][instrument])
    return needed_minor <= free_minor(state, i64(rows["base"][instrument]), account)


@inlined
def check_book(state: State, commands: Commands, results: Results, row: int) -> int:
    """What depends on the book and on the balance."""
    c, taker = commands.order, results.taker
    opposite = 2 * taker["instrument"][0] + 1 - taker["side"][0]
    best_key = state.book.sides["best_key"][opposite]
    if i64(c["flags"][row]) & _POST_ONLY and best_key <= taker["limit_key"][0]:
        return _WOULD_TAKE
    if i64(c["order_type"][row]) != _LIMIT and best_key == KEY_NONE:
        return _NO_LIQUIDITY
    contract = is_contract(state, taker["instrument"][0])
    if i64(c["time_in_force"][row]) == _FOK:
        lots, _ = look_worst(state, results) if contract else look_ahead(state, results)
        if lots != c["qty_lots"][row]:
            return _CANNOT_FILL
    if contract or is_covered(state, commands, results, row):
        return _NONE
    return _INSUFFICIENT_BALANCE


@inlined
def limit_means(state: State, commands: Commands, results: Results, row: int) -> None:
    """Beyond what was looked ahead at, a market order trades until its money ends."""
    taker, rows = results.taker, state.instruments
    instrument = taker["instrument"][0]
    if i64(commands.order["order_type"][row]) == _LIMIT or is_contract(state, instrument):
        return
    if taker["side"][0] != _BUY:
        most_minor = free_minor(state, i64(rows["base"][instrument]), taker["account"][0])
        most = most_minor // rows["lot_minor"][instrument]
        taker["remaining_lots"][0] = min(taker["remaining_lots"][0], most)
    elif not taker["by_quote"][0]:
        quote = i64(rows["quote"][instrument])
        taker["budget_minor"][0] = free_minor(state, quote, taker["account"][0])
        taker["budgeted"][0] = 1


@inlined
def rest(state: State, results: Results, price_ticks: int, expire_s: int) -> None:
    """Put what is left into the book, with the hold that filling it would cost."""
    taker, rows = results.taker, state.instruments
    instrument, side = taker["instrument"][0], taker["side"][0]
    account, remaining = taker["account"][0], taker["remaining_lots"][0]
    contract = is_contract(state, instrument)
    if contract:
        held_minor = i64(0)
    elif side == _BUY:
        held_minor, _ = charge(state, instrument, price_ticks, remaining, taker["carry"][0])
    else:
        held_minor = remaining * rows["lot_minor"][instrument]
    hold(state, held_asset(state, instrument, side), account, held_minor)
    side_index = 2 * instrument + side
    key = key_of(state.book, side_index, price_ticks)
    order = (taker["order_id"][0], remaining)
    slot = rest_order(state.book, side_index, key, account, order)
    state.orders["total_lots"][slot] = taker["filled_lots"][0] + remaining
    state.orders["held_minor"][slot] = held_minor
    state.orders["carry"][slot] = taker["carry"][0]
    state.orders["price_ticks"][slot] = price_ticks
    if contract:
        own_position(state, account, instrument)
        reserve_order(state, slot, 0, remaining)
    enlist(state.order_owners, state.order_links, account, slot)
    if expire_s != 0:
        state.orders["traits"][slot] = TIMED
        state.terms["expire_s"][slot] = expire_s
        set_timer(state, taker["order_id"][0], account, expire_s)


@inlined
def check_new(  # noqa: C901, PLR0911 - one return a check
    state: State, commands: Commands, results: Results, row: int
) -> int:
    """NEW_ORDER's checks, in the order of `Reject`; sets up the taker on the way."""
    c = commands.order
    if not is_customer(state, i64(c["account"][row])):
        return _UNKNOWN_ACCOUNT
    if i64(c["instrument"][row]) >= state.header["instrument_count"][0]:
        return _UNKNOWN_INSTRUMENT
    if not is_well_formed(commands, row):
        return _MALFORMED
    full = state.book.pool["order_open"][0] >= state.header["orders_max"][0]
    if full and may_rest(commands, row):
        return _TABLE_FULL
    instrument = i64(c["instrument"][row])
    if is_contract(state, instrument):
        if i64(c["flags"][row]) & _BY_QUOTE:
            return _MALFORMED
        if not has_position_room(state, i64(c["account"][row]), instrument):
            return _TABLE_FULL
    reject = check_size(state, commands, row)
    if reject != _NONE:
        return reject
    arrive(state, commands, results, row)
    reject = check_book(state, commands, results, row)
    if reject != _NONE:
        return reject
    account = i64(c["account"][row])
    if state.seats["blocked"][account]:
        return _ACCOUNT_BLOCKED
    if is_throttled(state, account, c["time_ns"][row]):
        return _THROTTLED
    if is_contract(state, instrument):
        return check_contract(state, results, c["price_ticks"][row])
    return _NONE


@inlined
def new_order(state: State, commands: Commands, results: Results, row: int) -> int:
    """NEW_ORDER. Returns a `Reject`; unless it is NONE nothing changed but the scratch rows."""
    c, outcomes, taker = commands.order, results.outcomes, results.taker
    reject = check_new(state, commands, results, row)
    if reject != _NONE:
        return reject
    count_order(state, taker["account"][0], c["time_ns"][row])
    limit_means(state, commands, results, row)
    match(state, results)

    by_quote = taker["by_quote"][0]
    prevented_lots = taker["prevented_lots"][0]
    remaining = 0 if by_quote else c["qty_lots"][row] - taker["filled_lots"][0] - prevented_lots
    status = _EXPIRED
    if by_quote:
        used_up = taker["spent"][0] or taker["budget_minor"][0] == 0
        if used_up and taker["filled_lots"][0] > 0:
            status = _FILLED
    elif remaining == 0:
        status = _FILLED if prevented_lots == 0 else _EXPIRED
    elif may_rest(commands, row) and not taker["stopped"][0]:
        status = _PARTLY_FILLED if taker["filled_lots"][0] > 0 else _OPEN
        rest(state, results, c["price_ticks"][row], c["expire_ns"][row] // NS)
    outcomes["status"][row] = status
    outcomes["subject_id"][row] = taker["order_id"][0]
    outcomes["filled_lots"][row] = taker["filled_lots"][0]
    outcomes["filled_quote_minor"][row] = taker["filled_quote_minor"][0]
    outcomes["remaining_lots"][row] = remaining
    return _NONE


@inlined
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


@inlined
def find_target(state: State, commands: Commands, row: int) -> tuple[int, int]:
    """The caller's own open order of the named instrument: (reject, slot)."""
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
        return _NOT_OWNER, NIL
    return _NONE, slot


@inlined
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
    if reject != _NONE:
        return reject
    outcomes["status"][row] = _CANCELED
    outcomes["subject_id"][row] = c["target_id"][row]
    outcomes["remaining_lots"][row] = state.book.orders["qty_lots"][slot]
    outcomes["amount_minor"][row] = drop_order(state, slot)
    return _NONE


@inlined
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
    orders, money = state.book.orders, state.orders
    filled = money["total_lots"][slot] - orders["qty_lots"][slot]
    if not filled < total < money["total_lots"][slot]:
        return _NOTHING_TO_AMEND
    remaining = total - filled
    outcomes["status"][row] = _PARTLY_FILLED if filled > 0 else _OPEN
    outcomes["subject_id"][row] = c["target_id"][row]
    outcomes["remaining_lots"][row] = remaining
    outcomes["amount_minor"][row] = shrink_order(state, slot, remaining)
    return _NONE
