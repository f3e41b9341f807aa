"""An order enters the book: what it needs, what it trades, and what of it rests.

Everything about it stands in the TAKER row, whether a command has brought it or a trigger.
"""

from ledger.engine.credit_layout import DAY_NS
from ledger.engine.kernels.base.fees import taker_ppb
from ledger.engine.kernels.base.money import charge, hold
from ledger.engine.kernels.base.owners import enlist
from ledger.engine.kernels.base.resting import held_asset, hidden_of, hide, is_contract, may_rest
from ledger.engine.kernels.base.sessions import clip_market, note_prices
from ledger.engine.kernels.base.timers import set_timer
from ledger.engine.kernels.margin.account_margin import covers, free_minor
from ledger.engine.kernels.margin.closers import list_closer
from ledger.engine.kernels.margin.contract_orders import look_worst, reserve_rest, taken_position
from ledger.engine.kernels.margin.isolated_orders import end_hold, take_hold
from ledger.engine.kernels.margin.loans import is_margined
from ledger.engine.kernels.margin.positions import find_position
from ledger.engine.kernels.orders.credit_orders import covers_order, take_loan
from ledger.engine.kernels.orders.trading import look_ahead, match
from ledger.engine.layout import CLOSER, ICEBERG, ISOLATED, LEG_SHIFT, PLEDGED, TIMED
from ledger.engine.margin_layout import LONG, NET, SHORT
from ledger.engine.state import UNKNOWN, Results, State
from ledger.records.codes import CommandFlag, OrderStatus, Reject, Side, TimeInForce
from matching.index import key_of
from matching.jit import i64, inner
from matching.layout import KEY_NONE, NIL, SIDE_LOTS_MAX
from matching.queue import rest_order

_BUY = int(Side.BUY)
_FOK = int(TimeInForce.FOK)
_POST_ONLY = int(CommandFlag.POST_ONLY)
_BY_QUOTE = int(CommandFlag.BY_QUOTE)
_SHORT_LEG = int(CommandFlag.SHORT_LEG)
_CLOSING = int(CommandFlag.REDUCE_ONLY | CommandFlag.CLOSE_POSITION)

_OPEN = int(OrderStatus.OPEN)
_PARTLY_FILLED = int(OrderStatus.PARTLY_FILLED)
_FILLED = int(OrderStatus.FILLED)
_EXPIRED = int(OrderStatus.EXPIRED)

_NONE = int(Reject.NONE)
_QTY_OUT_OF_RANGE = int(Reject.QTY_OUT_OF_RANGE)
_WOULD_TAKE = int(Reject.WOULD_TAKE)
_NO_LIQUIDITY = int(Reject.NO_LIQUIDITY)
_CANNOT_FILL = int(Reject.CANNOT_FILL)
_INSUFFICIENT_BALANCE = int(Reject.INSUFFICIENT_BALANCE)


@inner
def prepare(state: State, results: Results) -> None:
    """Set the working fields of a taker whose own fields are given."""
    taker, rows = results.taker, state.instruments
    instrument, side = taker["instrument"][0], taker["side"][0]
    by_quote = taker["flags"][0] & _BY_QUOTE
    taker["limit_key"][0] = KEY_NONE - 1
    if taker["is_limit"][0]:
        price_ticks = taker["price_ticks"][0]
        taker["limit_key"][0] = key_of(state.book, 2 * instrument + 1 - side, price_ticks)
    taker["remaining_lots"][0] = taker["qty_lots"][0]
    if by_quote:
        taker["remaining_lots"][0] = rows["max_qty_lots"][instrument]
    taker["budget_minor"][0] = taker["quote_minor"][0]
    taker["budgeted"][0] = by_quote != 0
    taker["by_quote"][0] = by_quote != 0
    taker["closing"][0] = taker["flags"][0] & _CLOSING != 0
    taker["leg"][0] = NET
    taker["position"][0] = NIL
    taker["extra_minor"][0] = UNKNOWN
    taker["hold_minor"][0] = 0
    taker["carry"][0] = 0
    if is_contract(state, instrument):
        choose_leg(state, results)
    elif side == _BUY:
        taker["carry"][0] = rows["notional_den"][instrument] - 1
    taker["prevented_lots"][0] = 0
    taker["filled_lots"][0] = 0
    taker["filled_quote_minor"][0] = 0
    taker["stopped"][0] = 0
    taker["spent"][0] = 0
    taker["first_ticks"][0] = 0
    taker["last_ticks"][0] = 0
    day = results.frame["time_ns"][0] // DAY_NS
    taker["day"][0] = day
    taker["fee_ppb"][0] = taker_ppb(state, instrument, taker["account"][0], taker["flags"][0], day)
    taker["volume_minor"][0] = 0
    taker["credit"][0] = 0
    taker["pledge_minor"][0] = 0


@inner
def choose_leg(state: State, results: Results) -> None:
    """Find its position. In hedge mode it is one of two, and on one side it only closes."""
    taker = results.taker
    account = taker["account"][0]
    if state.margin.accounts["hedged"][account]:
        short = taker["flags"][0] & _SHORT_LEG != 0
        taker["leg"][0] = SHORT if short else LONG
        if (taker["side"][0] == _BUY) == short:
            taker["closing"][0] = 1
    leg = i64(taker["leg"][0])
    taker["position"][0] = find_position(state, account, taker["instrument"][0], leg)


@inner
def is_covered(state: State, results: Results) -> bool:
    """Whether the account can pay; market orders are priced by looking ahead."""
    rows, taker = state.instruments, results.taker
    instrument, account = taker["instrument"][0], taker["account"][0]
    if is_margined(state, account):
        return covers_order(state, results)
    lots, quote_minor = taker["qty_lots"][0], taker["quote_minor"][0]
    if taker["side"][0] == _BUY:
        if taker["is_limit"][0]:
            price_ticks, carry = taker["price_ticks"][0], taker["carry"][0]
            quote_minor, _ = charge(state, instrument, price_ticks, lots, carry)
        elif not taker["by_quote"][0]:
            _, quote_minor = look_ahead(state, results)
        return covers(state, i64(rows["quote"][instrument]), account, quote_minor)
    if taker["by_quote"][0]:
        lots, _ = look_ahead(state, results)
    needed_minor = lots * i64(rows["lot_minor"][instrument])
    return covers(state, i64(rows["base"][instrument]), account, needed_minor)


@inner
def check_book(state: State, results: Results) -> int:
    """What depends on the book and, where money is held, on the balance: a `Reject`."""
    taker = results.taker
    side_index = 2 * taker["instrument"][0] + taker["side"][0]
    best_key = state.book.sides["best_key"][side_index ^ 1]
    if not taker["is_limit"][0]:
        clip_market(state, results)
    on_side = state.book.sides["qty_lots"][side_index] + hidden_of(state, side_index)
    if taker["qty_lots"][0] > SIDE_LOTS_MAX - on_side:
        return _QTY_OUT_OF_RANGE
    if taker["flags"][0] & _POST_ONLY and best_key <= taker["limit_key"][0]:
        return _WOULD_TAKE
    if not taker["is_limit"][0] and best_key == KEY_NONE:
        return _NO_LIQUIDITY
    contract = is_contract(state, taker["instrument"][0])
    if taker["time_in_force"][0] == _FOK:
        lots, _ = look_worst(state, results) if contract else look_ahead(state, results)
        if lots != taker["qty_lots"][0]:
            return _CANNOT_FILL
    return _NONE if contract or is_covered(state, results) else _INSUFFICIENT_BALANCE


@inner
def means_minor(state: State, results: Results, asset: int) -> int:
    """What a market order may spend: what its account may, or what it may owe."""
    if results.taker["credit"][0]:
        return i64(results.taker["needed_minor"][0])
    return free_minor(state, asset, results.taker["account"][0])


@inner
def limit_means(state: State, results: Results) -> None:
    """Beyond what was looked ahead at, a market order trades until its money ends."""
    taker, rows = results.taker, state.instruments
    instrument = taker["instrument"][0]
    if taker["is_limit"][0] or is_contract(state, instrument):
        return
    if taker["side"][0] != _BUY:
        most_minor = means_minor(state, results, i64(rows["base"][instrument]))
        most = most_minor // rows["lot_minor"][instrument]
        taker["remaining_lots"][0] = min(taker["remaining_lots"][0], most)
    elif not taker["by_quote"][0]:
        quote = i64(rows["quote"][instrument])
        taker["budget_minor"][0] = means_minor(state, results, quote)
        taker["budgeted"][0] = 1


@inner
def contract_traits(state: State, results: Results, row: int) -> int:
    """What a resting order of a perpetual says of itself: its leg, and what it may do to it."""
    taker = results.taker
    traits = i64(taker["leg"][0]) << LEG_SHIFT
    if taker["closing"][0]:
        traits |= CLOSER
    if state.margin.positions["isolated"][row]:
        traits |= ISOLATED
    return traits


@inner
def rest(state: State, results: Results) -> None:
    """Put what is left into the book, with the hold that filling it would cost."""
    taker, rows = results.taker, state.instruments
    instrument, side = taker["instrument"][0], taker["side"][0]
    account, remaining = taker["account"][0], taker["remaining_lots"][0]
    price_ticks, display_lots = taker["price_ticks"][0], taker["display_lots"][0]
    contract = is_contract(state, instrument)
    if contract:
        held_minor = i64(taker["hold_minor"][0])
        taker["hold_minor"][0] = 0
    elif side == _BUY:
        held_minor, _ = charge(state, instrument, price_ticks, remaining, taker["carry"][0])
    else:
        held_minor = remaining * rows["lot_minor"][instrument]
    if not contract:
        hold(state, held_asset(state, instrument, side), account, held_minor)
    side_index = 2 * instrument + side
    key = key_of(state.book, side_index, price_ticks)
    shown = remaining if display_lots == 0 else min(remaining, display_lots)
    slot = rest_order(state.book, side_index, key, account, (taker["order_id"][0], shown))
    state.orders["total_lots"][slot] = taker["filled_lots"][0] + remaining
    state.orders["held_minor"][slot] = held_minor
    state.orders["carry"][slot] = taker["carry"][0]
    state.orders["price_ticks"][slot] = price_ticks
    traits = i64(0)
    if contract:
        row = taken_position(state, results)
        traits = contract_traits(state, results, row)
        state.orders["traits"][slot] = traits
        if traits & CLOSER:
            list_closer(state, slot)
        reserve_rest(state, results, slot, remaining)
    enlist(state.order_owners, state.order_links, account, slot)
    expire_s = taker["expire_s"][0]
    if expire_s != 0:
        traits |= TIMED
        state.terms["expire_s"][slot] = expire_s
        set_timer(state, taker["order_id"][0], account, expire_s)
    if taker["pledge_minor"][0] != 0:
        traits |= PLEDGED
        state.terms["pledge_minor"][slot] = taker["pledge_minor"][0]
        state.credit.borrowers["pledged_minor"][account] += taker["pledge_minor"][0]
    if shown < remaining:
        traits |= ICEBERG
        state.terms["display_lots"][slot] = display_lots
        state.terms["hidden_lots"][slot] = remaining - shown
        state.markets["icebergs"][instrument] += 1
        hide(state, side_index, remaining - shown)
    state.orders["traits"][slot] = traits


@inner
def trade_and_rest(state: State, results: Results) -> int:
    """`enter`, but for what a margin account now lacks, and an isolated position's money."""
    taker = results.taker
    limit_means(state, results)
    match(state, results)
    if taker["last_ticks"][0] != 0:
        state.markets["last_ticks"][taker["instrument"][0]] = taker["last_ticks"][0]
        note_prices(state, results)
    filled_lots, prevented_lots = taker["filled_lots"][0], taker["prevented_lots"][0]
    if taker["by_quote"][0]:
        taker["left_lots"][0] = 0
        used_up = taker["spent"][0] or taker["budget_minor"][0] == 0
        return _FILLED if used_up and filled_lots > 0 else _EXPIRED
    left_lots = taker["qty_lots"][0] - filled_lots - prevented_lots
    taker["left_lots"][0] = left_lots
    if left_lots == 0:
        return _FILLED if prevented_lots == 0 else _EXPIRED
    if taker["stopped"][0] or not may_rest(results):
        return _EXPIRED
    rest(state, results)
    return _PARTLY_FILLED if filled_lots > 0 else _OPEN


@inner
def enter(state: State, results: Results) -> int:
    """Trade a taker that has passed its checks, and let it rest if it may.

    Returns its `OrderStatus`; `left_lots` of the TAKER row is what did not trade.
    """
    taken_minor = i64(results.taker["hold_minor"][0])
    if taken_minor != 0:
        take_hold(state, results)
    status = trade_and_rest(state, results)
    if taken_minor != 0:
        end_hold(state, results, taken_minor)
    if results.taker["credit"][0]:
        take_loan(state, results)
    return status
