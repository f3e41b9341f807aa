"""Orders on perpetuals: no money is held, margin is. What NEW_ORDER and its kin do differently."""

from ledger.engine.kernels.base.fees import ppb_ceil
from ledger.engine.kernels.base.resting import lots_by_turn
from ledger.engine.kernels.base.slack import spend_slack
from ledger.engine.kernels.margin.account_margin import (
    affords,
    look_again,
    look_at,
    order_loss_minor,
    requirement_minor,
)
from ledger.engine.kernels.margin.closers import check_closing, is_firm, row_of
from ledger.engine.kernels.margin.isolated_orders import check_isolated
from ledger.engine.kernels.margin.positions import (
    EXTREME_NONE,
    cost_of,
    could_be_lots,
    extreme_of,
    find_position,
    may_open,
    open_position,
    reserve,
)
from ledger.engine.layout import CLOSER, ICEBERG
from ledger.engine.limits import LOOKAHEAD_MAX
from ledger.engine.state import UNKNOWN, Results, State
from ledger.margin.contracts import notional_minor
from ledger.margin.limits import EXPOSURE_MINOR_MAX
from ledger.records.codes import Product, Reject, SelfTrade, Side, TimeInForce
from matching.index import key_of, next_level
from matching.jit import i64, inner
from matching.layout import NIL

_BUY = int(Side.BUY)
_SPOT = int(Product.SPOT)
_FOK = int(TimeInForce.FOK)
_EXPIRE_MAKER = int(SelfTrade.EXPIRE_MAKER)
_NONE = int(Reject.NONE)
_TABLE_FULL = int(Reject.TABLE_FULL)
_NO_MARK = int(Reject.NO_MARK)
_EXPOSURE_EXCEEDED = int(Reject.EXPOSURE_EXCEEDED)
_INSUFFICIENT_MARGIN = int(Reject.INSUFFICIENT_MARGIN)


@inner
def is_marked(state: State, instrument: int) -> bool:
    """Whether margin can be told: the contract has brackets, a mark, and a priced settlement."""
    margin = state.margin
    settle = i64(margin.contracts["settle"][instrument])
    return (
        margin.contracts["mark_ticks"][instrument] > 0
        and i64(margin.contracts["tier_count"][instrument]) > 0
        and margin.collateral["index_ticks"][settle] > 0
    )


@inner
def look_worst(state: State, results: Results) -> tuple[int, int]:
    """What the taker would trade now: (lots, worst key), over at most LOOKAHEAD_MAX makers.

    Fill-or-kill counts only what is sure to be there when its turn comes. What icebergs hide comes
    after all that their level shows, an order of the taker's own included.
    """
    firm = results.taker["time_in_force"][0] == _FOK
    taker, book, orders = results.taker, state.book, state.book.orders
    instrument, side = taker["instrument"][0], taker["side"][0]
    lots = i64(0)
    worst = i64(0)
    seen = 0
    turn = 0
    level = i64(book.sides["best_level"][2 * instrument + 1 - side])
    while level != NIL and i64(book.levels["key"][level]) <= taker["limit_key"][0]:
        slot = i64(book.levels["head"][level])
        hidden = i64(0)
        while slot != NIL:
            if lots == taker["remaining_lots"][0] or (turn == 0 and seen == LOOKAHEAD_MAX):
                return lots, worst
            seen += 1 - turn
            if i64(orders["account"][slot]) == taker["account"][0]:
                if taker["self_trade"][0] != _EXPIRE_MAKER:
                    return lots, worst
            else:
                hidden |= state.orders["traits"][slot] & ICEBERG
                if not firm or is_firm(state, slot):
                    there = lots_by_turn(state, slot, turn)
                    lots += min(there, taker["remaining_lots"][0] - lots)
                worst = i64(book.levels["key"][level])
            slot = i64(orders["next"][slot])
        turn = 1 if turn == 0 and hidden != 0 else 0
        if turn == 0:
            level = next_level(book, level)
    return lots, worst


@inner
def fee_minor(state: State, instrument: int, lots: int, price_ticks: int, rate_ppb: int) -> int:
    """A fee on a trade's notional; rounded up."""
    return ppb_ceil(notional_minor(state.margin.contracts, instrument, lots, price_ticks), rate_ppb)


@inner
def added_requirement_minor(
    state: State, results: Results, row: int, price_ticks: int, lots: int
) -> int:
    """How much initial margin more the account needs with this order in the book."""
    taker, rows = results.taker, state.margin.positions
    instrument = taker["instrument"][0]
    qty = buys = sells = closing = buy_cost = sell_cost = i64(0)
    leverage = i64(1)
    if row != NIL:
        qty, leverage = rows["qty_lots"][row], i64(rows["leverage"][row])
        buys, buy_cost = rows["buy_lots"][row], rows["buy_cost"][row]
        sells, sell_cost = rows["sell_lots"][row], rows["sell_cost"][row]
        closing = rows["closing_lots"][row]
    before = requirement_minor(
        state, instrument, leverage, (qty, buys, sells, closing), (buy_cost, sell_cost)
    )
    if taker["closing"][0]:
        closing += lots
    if taker["side"][0] == _BUY:
        buys += lots
        buy_cost += cost_of(state, instrument, lots, price_ticks)
    else:
        sells += lots
        sell_cost += cost_of(state, instrument, -lots, price_ticks)
    after = requirement_minor(
        state, instrument, leverage, (qty, buys, sells, closing), (buy_cost, sell_cost)
    )
    return after - before


@inner
def exposure_fits(state: State, instrument: int, row: int, lots: int) -> bool:
    """Whether all positions of the settlement asset stay within the proven bounds."""
    rows, margin = state.margin.positions, state.margin
    settle = i64(margin.contracts["settle"][instrument])
    already = i64(0)
    if row != NIL:
        already = rows["extreme"][row]
        lots += could_be_lots(state, row)
    extreme = extreme_of(state, instrument, lots)
    others = margin.collateral["extreme"][settle] - already
    return extreme < EXTREME_NONE and others <= EXPOSURE_MINOR_MAX - extreme


@inner
def is_beyond_limit(state: State, results: Results, row: int, lots: int) -> bool:
    """Whether the order could make its position larger than the contract's limit.

    All that rests on its side counts. What makes a position smaller that is beyond it passes.
    """
    taker, rows = results.taker, state.margin.positions
    most = state.margin.perpetuals["position_max_lots"][taker["instrument"][0]]
    if most == 0 or taker["closing"][0]:
        return False
    reach = i64(lots)
    if row != NIL:
        buys = taker["side"][0] == _BUY
        held = rows["qty_lots"][row] if buys else -rows["qty_lots"][row]
        reach += held + (rows["buy_lots"][row] if buys else rows["sell_lots"][row])
        if held < 0:
            reach -= rows["closing_lots"][row]
    return bool(reach > most)


@inner
def check_margin(state: State, results: Results, price_ticks: int, lots: int) -> int:
    """Whether the account may have this order: tables, bounds, margin. Changes nothing.

    An order that raises no requirement may always be placed: it closes. What only closes raises
    none but for what it would lose at once.
    """
    taker = results.taker
    instrument, account = taker["instrument"][0], taker["account"][0]
    row = i64(taker["position"][0])
    if not taker["closing"][0] and not exposure_fits(state, instrument, row, lots):
        return _EXPOSURE_EXCEEDED
    if is_beyond_limit(state, results, row, lots):
        return _EXPOSURE_EXCEEDED
    if row != NIL and state.margin.positions["isolated"][row]:
        return check_isolated(state, results, row, (price_ticks, lots))
    extra = added_requirement_minor(state, results, row, price_ticks, lots)
    taker["extra_minor"][0] = max(extra, 0)
    if extra <= 0:
        return _NONE
    extra += fee_minor(state, instrument, lots, price_ticks, taker["fee_ppb"][0])
    settle = i64(state.margin.contracts["settle"][instrument])
    return _NONE if affords(state, account, settle, extra) else _INSUFFICIENT_MARGIN


@inner
def has_position_room(state: State, results: Results) -> bool:
    """Whether the taker's account has, or can get, a position row of the contract."""
    taker = results.taker
    return bool(taker["position"][0] != NIL or may_open(state, taker["account"][0]))


@inner
def check_contract(state: State, results: Results) -> int:
    """What takes the place of "can it pay" on a perpetual.

    A market order becomes a limit at the worst price of the next LOOKAHEAD_MAX resting
    orders, for no more than they have: its taker is set so. Returns a `Reject`.
    """
    taker = results.taker
    instrument = taker["instrument"][0]
    if not is_marked(state, instrument):
        return _NO_MARK
    if not has_position_room(state, results):
        return _TABLE_FULL
    if taker["closing"][0]:
        reject = check_closing(state, results)
        if reject != _NONE:
            return reject
    lots, price_ticks = taker["remaining_lots"][0], taker["price_ticks"][0]
    if not taker["is_limit"][0]:
        lots, key = look_worst(state, results)
        taker["remaining_lots"][0] = lots
        if lots == 0:
            return _NONE
        taker["limit_key"][0] = key
        price_ticks = key_of(state.book, 2 * instrument + 1 - taker["side"][0], key)
    return check_margin(state, results, price_ticks, lots)


@inner
def own_position(state: State, account: int, instrument: int, leg: int) -> int:
    """The account's position row, opened if it has none."""
    row = find_position(state, account, instrument, leg)
    return row if row != NIL else open_position(state, account, instrument, leg)


@inner
def taken_position(state: State, results: Results) -> int:
    """The taker's position row, opened if it has none."""
    taker = results.taker
    if taker["position"][0] == NIL:
        leg = i64(taker["leg"][0])
        row = open_position(state, taker["account"][0], taker["instrument"][0], leg)
        taker["position"][0] = row
    return i64(taker["position"][0])


@inner
def reserve_lots(state: State, row: int, slot: int, before_lots: int, after_lots: int) -> None:
    """A resting order of a position changes its open lots: the reservation follows."""
    if state.orders["traits"][slot] & CLOSER:
        state.margin.positions["closing_lots"][row] += after_lots - before_lots
    side = i64(state.book.orders["side_index"][slot]) & 1
    price_ticks = state.orders["price_ticks"][slot]
    reserve(state, row, side, price_ticks, before_lots, after_lots)


@inner
def reserve_order(state: State, slot: int, before_lots: int, after_lots: int) -> None:
    """`reserve_lots`, and the bound of what the account may still use follows it."""
    row = row_of(state, slot)
    if after_lots <= before_lots and not state.orders["traits"][slot] & CLOSER:
        shrink_reservation(state, row, slot, before_lots, after_lots)
        return
    before = look_at(state, row)
    reserve_lots(state, row, slot, before_lots, after_lots)
    look_again(state, row, before)


@inner
def shrink_reservation(
    state: State, row: int, slot: int, before_lots: int, after_lots: int
) -> None:
    """An order that may also open has fewer open lots.

    The largest position that could come to be does not grow by that: it is at least the position
    itself, and orders that only close never take more from a side than that has. So what is
    required grows by no more than what the orders of its side would lose at once, which grows when
    a gain leaves that stood against the others' losses.
    """
    side = i64(state.book.orders["side_index"][slot]) & 1
    lots, cost = side_of_row(state, row, side)
    reserve_lots(state, row, slot, before_lots, after_lots)
    if state.margin.positions["isolated"][row]:
        return
    left_lots, left_cost = side_of_row(state, row, side)
    contracts = state.margin.contracts
    instrument = i64(state.margin.positions["instrument"][row])
    loss = order_loss_minor(contracts, instrument, left_lots, left_cost)
    if loss > 0:
        grown = loss - order_loss_minor(contracts, instrument, lots, cost)
        settle = i64(contracts["settle"][instrument])
        account = i64(state.margin.positions["account"][row])
        spend_slack(state, settle, account, max(grown, 0))


@inner
def side_of_row(state: State, row: int, side: int) -> tuple[int, int]:
    """(signed lots, cost) of a position's open orders on a side."""
    rows = state.margin.positions
    if side == _BUY:
        return rows["buy_lots"][row], rows["buy_cost"][row]
    return -rows["sell_lots"][row], rows["sell_cost"][row]


@inner
def reserve_rest(state: State, results: Results, slot: int, lots: int) -> None:
    """What is left of the taker rests: what it needs was found by its check, unless it traded."""
    taker = results.taker
    extra_minor = taker["extra_minor"][0]
    if extra_minor == UNKNOWN:
        reserve_order(state, slot, 0, lots)
        return
    reserve_lots(state, i64(taker["position"][0]), slot, 0, lots)
    if extra_minor > 0:
        settle = i64(state.margin.contracts["settle"][taker["instrument"][0]])
        spend_slack(state, settle, taker["account"][0], extra_minor)
