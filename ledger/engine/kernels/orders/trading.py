"""Match and settle: the incoming order against the best resting ones, first come first served.

Each trade is settled before the next one is looked for, so that what an order may still afford is
always exact.
"""

from ledger.engine.kernels.base.fees import count_trade, count_volume, maker_ppb
from ledger.engine.kernels.base.money import affordable, charge, charge_fee, credit, release
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.base.resting import (
    hide,
    is_contract,
    lots_by_turn,
    open_lots,
    partner_of,
)
from ledger.engine.kernels.margin.isolated_orders import bears
from ledger.engine.kernels.orders.contract_trades import settle_contract
from ledger.engine.kernels.orders.foresight import foresee_trade
from ledger.engine.kernels.orders.leaving import (
    drop_order,
    expire_order,
    part,
    report_own,
    report_taker,
    shrink_order,
)
from ledger.engine.kernels.orders.trimming import trim_both
from ledger.engine.layout import ICEBERG, ISOLATED, LINKED, ROUNDING
from ledger.engine.limits import LOOKAHEAD_MAX
from ledger.engine.state import UNKNOWN, Results, State
from ledger.records.codes import EventKind, ExpireReason, SelfTrade, Side
from matching.index import next_level
from matching.jit import i64, inner
from matching.layout import NIL
from matching.queue import reduce_order, requeue_order

_TRADE = int(EventKind.TRADE)
_ORDER_EXPIRED = int(EventKind.ORDER_EXPIRED)
_BUY = int(Side.BUY)
_EXPIRE_TAKER = int(SelfTrade.EXPIRE_TAKER)
_EXPIRE_MAKER = int(SelfTrade.EXPIRE_MAKER)
_DECREMENT = int(SelfTrade.DECREMENT)
_SELF_TRADE = int(ExpireReason.SELF_TRADE)
_UNCOVERED = int(ExpireReason.UNCOVERED)
_ORDER_REDUCED = int(EventKind.ORDER_REDUCED)


@inner
def look_ahead(state: State, results: Results) -> tuple[int, int]:
    """What the taker would trade now: (lots, quote_minor), over at most LOOKAHEAD_MAX makers.

    What icebergs hide comes after all that their level shows, an order of the taker's own included.
    """
    taker, book, orders = results.taker, state.book, state.book.orders
    instrument, side = taker["instrument"][0], taker["side"][0]
    carry = taker["carry"][0]
    lots = 0
    quote_minor = 0
    seen = 0
    turn = 0
    level = i64(book.sides["best_level"][2 * instrument + 1 - side])
    while level != NIL and i64(book.levels["key"][level]) <= taker["limit_key"][0]:
        slot = i64(book.levels["head"][level])
        hidden = i64(0)
        while slot != NIL:
            if lots == taker["remaining_lots"][0] or (turn == 0 and seen == LOOKAHEAD_MAX):
                return lots, quote_minor
            seen += 1 - turn
            if i64(orders["account"][slot]) == taker["account"][0]:
                if taker["self_trade"][0] != _EXPIRE_MAKER:
                    return lots, quote_minor
                slot = i64(orders["next"][slot])
                continue
            hidden |= state.orders["traits"][slot] & ICEBERG
            wanted = min(lots_by_turn(state, slot, turn), taker["remaining_lots"][0] - lots)
            price_ticks = i64(state.orders["price_ticks"][slot])
            take = wanted
            if taker["budgeted"][0]:
                budget_minor = taker["budget_minor"][0] - quote_minor
                take = min(take, affordable(state, instrument, price_ticks, budget_minor, carry))
            paid_minor, left = charge(state, instrument, price_ticks, take, carry)
            quote_minor += paid_minor
            lots += take
            if side == _BUY:
                carry = left
            if take < wanted:
                return lots, quote_minor
            slot = i64(orders["next"][slot])
        turn = 1 if turn == 0 and hidden != 0 else 0
        if turn == 0:
            level = next_level(book, level)
    return lots, quote_minor


@inner
def match(state: State, results: Results) -> None:
    """Trade the taker until it is done, stopped, spent, or nothing crosses its limit."""
    taker, book, orders = results.taker, state.book, state.book.orders
    instrument = taker["instrument"][0]
    opposite = 2 * instrument + 1 - taker["side"][0]
    while (
        taker["remaining_lots"][0] > 0
        and not taker["stopped"][0]
        and not taker["spent"][0]
        and book.sides["best_key"][opposite] <= taker["limit_key"][0]
    ):
        maker = i64(book.levels["head"][i64(book.sides["best_level"][opposite])])
        taker["extra_minor"][0] = UNKNOWN
        foresee_trade(state, results, maker)
        if i64(orders["account"][maker]) == taker["account"][0]:
            prevent_self_trade(state, results, maker)
            continue
        wanted = min(orders["qty_lots"][maker], taker["remaining_lots"][0])
        lots = wanted
        if taker["budgeted"][0]:
            most = affordable(
                state,
                instrument,
                i64(state.orders["price_ticks"][maker]),
                taker["budget_minor"][0],
                taker["carry"][0],
            )
            lots = min(wanted, most)
            taker["spent"][0] = lots < wanted
        if lots > 0:
            settle(state, results, maker, lots)
    if taker["volume_minor"][0] > 0:
        count_volume(state, taker["account"][0], taker["day"][0], taker["volume_minor"][0])
        taker["volume_minor"][0] = 0


@inner
def decrement(state: State, results: Results, maker: int) -> None:
    """Both orders lose the smaller of their sizes; the one that comes to nothing leaves."""
    taker, events = results.taker, results.events
    lots = min(open_lots(state, maker), taker["remaining_lots"][0])
    taker["remaining_lots"][0] -= lots
    taker["prevented_lots"][0] += lots
    left = open_lots(state, maker) - lots
    if left == 0:
        event = results.frame["event_count"][0]
        expire_order(state, results, maker, _SELF_TRADE)
    else:
        event = report_own(state, results, _ORDER_REDUCED, maker)
        events["qty_lots"][event] = lots
        events["remaining_lots"][event] = left
        events["amount_minor"][event] = shrink_order(state, maker, left)
    events["counter_remaining_lots"][event] = taker["remaining_lots"][0]
    report_taker(results, event)


@inner
def prevent_self_trade(state: State, results: Results, maker: int) -> None:
    """The best maker is the taker's own: who leaves is the taker's choice."""
    choice = results.taker["self_trade"][0]
    if choice == _DECREMENT:
        decrement(state, results, maker)
        return
    if choice != _EXPIRE_TAKER:
        event = results.frame["event_count"][0]
        expire_order(state, results, maker, _SELF_TRADE)
        report_taker(results, event)
    if choice != _EXPIRE_MAKER:
        results.taker["stopped"][0] = 1


@inner
def pay(state: State, results: Results, maker: int, lots: int) -> tuple[int, int]:
    """Move base and quote between the two accounts; the rounding account gets what is left.

    Returns:
        (paid_minor, received_minor): what the buyer paid and what the seller got.
    """
    taker, rows = results.taker, state.instruments
    instrument = taker["instrument"][0]
    base, quote = i64(rows["base"][instrument]), i64(rows["quote"][instrument])
    base_minor = lots * rows["lot_minor"][instrument]
    price_ticks = i64(state.orders["price_ticks"][maker])
    maker_account = i64(state.book.orders["account"][maker])
    carry = taker["carry"][0] if taker["side"][0] == _BUY else state.orders["carry"][maker]
    paid_minor, left = charge(state, instrument, price_ticks, lots, carry)
    # The quotient is the floor of the trade's exact value, plus one when the carry wrapped round.
    received_minor = paid_minor - (1 if left < carry else 0)
    if taker["side"][0] == _BUY:
        taker["carry"][0] = left
        credit(state, quote, taker["account"][0], -paid_minor)
        release(state, base, maker_account, base_minor)
        state.orders["held_minor"][maker] -= base_minor
        credit(state, base, taker["account"][0], base_minor)
        credit(state, quote, maker_account, received_minor)
    else:
        state.orders["carry"][maker] = left
        release(state, quote, maker_account, paid_minor)
        state.orders["held_minor"][maker] -= paid_minor
        credit(state, base, taker["account"][0], -base_minor)
        credit(state, base, maker_account, base_minor)
        credit(state, quote, taker["account"][0], received_minor)
    credit(state, quote, ROUNDING, paid_minor - received_minor)
    return paid_minor, received_minor


@inner
def tidy(state: State, results: Results, maker: int) -> None:
    """After a trade: a filled maker leaves."""
    if state.orders["traits"][maker] & (LINKED | ICEBERG):
        follow_up(state, results, maker)
    elif state.book.orders["qty_lots"][maker] == 0:
        drop_order(state, maker)


@inner
def trade_contract(state: State, results: Results, maker: int, lots: int) -> None:
    """One trade of a perpetual, and what it does to orders that only close."""
    price_ticks = i64(state.orders["price_ticks"][maker])
    if state.orders["traits"][maker] & ISOLATED and not bears(state, maker, lots, price_ticks):
        expire_order(state, results, maker, _UNCOVERED)
        return
    row, counter_row = settle_contract(state, results, maker, lots)
    tidy(state, results, maker)
    trim_both(state, results, row, counter_row)


@inner
def settle(state: State, results: Results, maker: int, lots: int) -> None:
    """One trade at the maker's price: payments, fees, the event; a filled maker leaves."""
    taker, rows, orders = results.taker, state.instruments, state.book.orders
    instrument = taker["instrument"][0]
    if is_contract(state, instrument):
        trade_contract(state, results, maker, lots)
        return
    maker_account = i64(orders["account"][maker])
    base, quote = i64(rows["base"][instrument]), i64(rows["quote"][instrument])
    base_minor = lots * rows["lot_minor"][instrument]
    paid_minor, received_minor = pay(state, results, maker, lots)
    its_ppb = maker_ppb(state, instrument, maker_account, taker["day"][0])
    count_trade(state, results, maker_account, quote, received_minor)
    if taker["side"][0] == _BUY:
        moved_minor = paid_minor
        fee_minor = charge_fee(state, base, taker["account"][0], base_minor, taker["fee_ppb"][0])
        counter_fee_minor = charge_fee(state, quote, maker_account, received_minor, its_ppb)
    else:
        moved_minor = received_minor
        fee_minor = charge_fee(
            state, quote, taker["account"][0], received_minor, taker["fee_ppb"][0]
        )
        counter_fee_minor = charge_fee(state, base, maker_account, base_minor, its_ppb)
    taker["remaining_lots"][0] -= lots
    taker["filled_lots"][0] += lots
    taker["filled_quote_minor"][0] += moved_minor
    taker["budget_minor"][0] -= moved_minor
    reduce_order(state.book, maker, lots)
    price_ticks = i64(state.orders["price_ticks"][maker])
    taker["last_ticks"][0] = price_ticks
    if taker["first_ticks"][0] == 0:
        taker["first_ticks"][0] = price_ticks
    rows["trade_count"][instrument] += 1

    events = results.events
    event = begin_event(results, _TRADE)
    events["side"][event] = taker["side"][0]
    events["instrument"][event] = instrument
    events["asset"][event] = quote
    events["account"][event] = taker["account"][0]
    events["counter_account"][event] = maker_account
    events["order_id"][event] = taker["order_id"][0]
    events["counter_order_id"][event] = orders["order_id"][maker]
    events["trade_id"][event] = rows["trade_count"][instrument]
    events["price_ticks"][event] = price_ticks
    events["qty_lots"][event] = lots
    events["quote_minor"][event] = received_minor
    events["fee_minor"][event] = fee_minor
    events["counter_fee_minor"][event] = counter_fee_minor
    if not taker["by_quote"][0]:
        events["remaining_lots"][event] = taker["remaining_lots"][0]
    events["counter_remaining_lots"][event] = open_lots(state, maker)
    events["amount_minor"][event] = paid_minor - received_minor
    tidy(state, results, maker)


@inner
def follow_up(state: State, results: Results, maker: int) -> None:
    """After a trade: an iceberg shows its next slice, a partner leaves, a filled order too."""
    orders, terms, money = state.book.orders, state.terms, state.orders
    partner_id = partner_of(state, maker)
    if partner_id != 0:
        money["traits"][maker] -= LINKED
        terms["partner_id"][maker] = 0
    hidden_lots = i64(terms["hidden_lots"][maker])
    if orders["qty_lots"][maker] == 0:
        if hidden_lots == 0:
            drop_order(state, maker)
        else:
            shown = min(hidden_lots, i64(terms["display_lots"][maker]))
            terms["hidden_lots"][maker] = hidden_lots - shown
            hide(state, i64(orders["side_index"][maker]), -shown)
            requeue_order(state.book, maker, shown)
    part(state, results, partner_id)
