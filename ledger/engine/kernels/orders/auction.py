"""The end of a call: all that can trade does so at one price, between resting orders.

The price and the order of the pairs are docs/spec/matching.md, section 10; what each pair pays is
docs/spec/engine.md, section 12.3.
"""

from ledger.engine.credit_layout import DAY_NS
from ledger.engine.kernels.base.fees import count_volume, unpaid_ppb, worth_minor
from ledger.engine.kernels.base.money import charge, charge_fee, credit, hold, release
from ledger.engine.kernels.base.prices import price_now
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.base.resting import held_asset, is_contract, open_lots
from ledger.engine.kernels.base.sessions import last_or_opening, note_price
from ledger.engine.kernels.margin.closers import row_of
from ledger.engine.kernels.margin.contract_orders import reserve_order
from ledger.engine.kernels.margin.isolated_orders import bears, draw_hold
from ledger.engine.kernels.margin.isolation import flags_of, lots_and_margin, rebalance_both
from ledger.engine.kernels.margin.positions import exchange
from ledger.engine.kernels.orders.contract_trades import charge_contract_fee
from ledger.engine.kernels.orders.leaving import expire_order
from ledger.engine.kernels.orders.trading import tidy
from ledger.engine.kernels.orders.trimming import trim_both
from ledger.engine.layout import INDEX, ISOLATED, MARK, ROUNDING
from ledger.engine.state import Results, State
from ledger.margin.contracts import notional_minor
from ledger.records.codes import AuctionReference, EventKind, ExpireReason, Side, TradeFlag
from matching.auction import Clearing, clearing, next_pair
from matching.index import key_of
from matching.jit import i64, inner
from matching.layout import KEY_NONE, NIL
from matching.queue import reduce_order

_TRADE = int(EventKind.TRADE)
_AUCTION = int(TradeFlag.AUCTION)
_UNCOVERED = int(ExpireReason.UNCOVERED)
_OWN_AUCTION = int(ExpireReason.OWN_AUCTION)
_BUY = int(Side.BUY)
_LAST = int(AuctionReference.LAST)
_ON_MARK = int(AuctionReference.MARK)


@inner
def auction_reference(state: State, instrument: int) -> int:
    """The price that decides between equal ones; 0 when there is none, which is the lowest."""
    chosen = i64(state.sessions["reference"][instrument])
    if chosen == _LAST:
        return last_or_opening(state, instrument)
    return price_now(state, instrument, i64(MARK) if chosen == _ON_MARK else i64(INDEX))


@inner
def part_own(state: State, results: Results, buy: int, sell: int) -> None:
    """An account met itself: the younger of the two orders leaves."""
    ids, events = state.book.orders["order_id"], results.events
    gone, stays = (buy, sell) if ids[buy] > ids[sell] else (sell, buy)
    account, stays_id = i64(state.book.orders["account"][stays]), ids[stays]
    event = i64(results.frame["event_count"][0])
    expire_order(state, results, gone, _OWN_AUCTION)
    events["counter_account"][event] = account
    events["counter_order_id"][event] = stays_id


@inner
def charge_pair(
    state: State, event_row: int, results: Results, own: tuple[int, int], its: tuple[int, int]
) -> None:
    """Both are makers: the rates that they have before the trade counts for their volume.

    Args:
        state: Mutated.
        event_row: The trade's event, to which the fees go.
        results: Its events are mutated.
        own: (asset, amount) on which the buyer's fee is.
        its: The same of the seller, whose amount is also the trade's size.
    """
    events = results.events
    instrument, day = i64(events["instrument"][event_row]), results.frame["time_ns"][0] // DAY_NS
    buyer, seller = i64(events["account"][event_row]), i64(events["counter_account"][event_row])
    own_ppb = unpaid_ppb(state, instrument, buyer, day)
    its_ppb = unpaid_ppb(state, instrument, seller, day)
    worth = worth_minor(state, its[0], its[1])
    count_volume(state, buyer, day, worth)
    count_volume(state, seller, day, worth)
    events["fee_minor"][event_row] = charge_fee(state, own[0], buyer, own[1], own_ppb)
    events["counter_fee_minor"][event_row] = charge_fee(state, its[0], seller, its[1], its_ppb)


@inner
def pay_pair(
    state: State, event_row: int, results: Results, pair: tuple[int, int], price_ticks: int
) -> None:
    """Spot: pay one pair from its holds, and write the amounts into its event.

    The buyer held at its limit. What is left of its order holds what filling that at the limit
    would cost; the difference is available again. So its hold stays exact to the unit.
    """
    buy, sell = pair
    rows, money, orders, events = state.instruments, state.orders, state.book.orders, results.events
    instrument = i64(orders["side_index"][buy]) >> 1
    buyer, seller = i64(orders["account"][buy]), i64(orders["account"][sell])
    base, quote = i64(rows["base"][instrument]), i64(rows["quote"][instrument])
    lots = events["qty_lots"][event_row]
    base_minor = i64(lots * rows["lot_minor"][instrument])
    carry = money["carry"][buy]
    paid_minor, left = charge(state, instrument, price_ticks, lots, carry)
    received_minor = paid_minor - (1 if left < carry else 0)
    remaining = open_lots(state, buy) - lots
    limit_ticks = i64(money["price_ticks"][buy])
    held_minor, _ = charge(state, instrument, limit_ticks, remaining, left)
    release(state, quote, buyer, paid_minor)
    hold(state, quote, buyer, held_minor + paid_minor - i64(money["held_minor"][buy]))
    money["held_minor"][buy] = held_minor
    money["carry"][buy] = left
    release(state, base, seller, base_minor)
    money["held_minor"][sell] -= base_minor
    credit(state, base, buyer, base_minor)
    credit(state, quote, seller, received_minor)
    credit(state, quote, ROUNDING, paid_minor - received_minor)
    events["quote_minor"][event_row] = received_minor
    events["amount_minor"][event_row] = paid_minor - received_minor
    charge_pair(state, event_row, results, (base, base_minor), (quote, received_minor))


@inner
def pass_pair(
    state: State, event_row: int, results: Results, pair: tuple[int, int], price_ticks: int
) -> tuple[int, int]:
    """A perpetual: lots pass between the two positions, whose rows are returned."""
    buy, sell = pair
    orders, events = state.book.orders, results.events
    instrument = i64(orders["side_index"][buy]) >> 1
    buyer, seller = i64(orders["account"][buy]), i64(orders["account"][sell])
    lots = events["qty_lots"][event_row]
    row, counter_row = row_of(state, buy), row_of(state, sell)
    before, counter_before = lots_and_margin(state, row), lots_and_margin(state, counter_row)
    part, counter_part = draw_hold(state, buy, lots), draw_hold(state, sell, lots)
    for slot in (buy, sell):
        before_lots = open_lots(state, slot)
        reserve_order(state, slot, before_lots, before_lots - lots)
    paid, counter_paid = exchange(state, row, counter_row, lots, price_ticks)
    events["quote_minor"][event_row] = paid
    events["amount_minor"][event_row] = counter_paid
    events["flags"][event_row] = _AUCTION | flags_of(state, row) | flags_of(state, counter_row) << 1
    notional = i64(notional_minor(state.margin.contracts, instrument, lots, price_ticks))
    day = results.frame["time_ns"][0] // DAY_NS
    rates = unpaid_ppb(state, instrument, buyer, day), unpaid_ppb(state, instrument, seller, day)
    worth = worth_minor(state, i64(state.margin.contracts["settle"][instrument]), notional)
    count_volume(state, buyer, day, worth)
    count_volume(state, seller, day, worth)
    fee = charge_contract_fee(state, row, notional, rates[0], part)
    events["fee_minor"][event_row] = fee
    fee = charge_contract_fee(state, counter_row, notional, rates[1], counter_part)
    events["counter_fee_minor"][event_row] = fee
    fills = ((i64(lots), part, i64(0)), (i64(-lots), counter_part, i64(0)))
    rebalance_both(state, results, (row, counter_row), (before, counter_before), fills)
    return row, counter_row


@inner
def trade_pair(
    state: State, results: Results, pair: tuple[int, int], lots: int, price_ticks: int
) -> None:
    """One trade of an auction: both orders are makers; what is filled leaves."""
    buy, sell = pair
    orders, events = state.book.orders, results.events
    instrument = i64(orders["side_index"][buy]) >> 1
    state.instruments["trade_count"][instrument] += 1
    event = begin_event(results, _TRADE)
    events["side"][event] = _BUY
    events["flags"][event] = _AUCTION
    events["instrument"][event] = instrument
    events["asset"][event] = held_asset(state, instrument, _BUY)
    events["account"][event] = orders["account"][buy]
    events["counter_account"][event] = orders["account"][sell]
    events["order_id"][event] = orders["order_id"][buy]
    events["counter_order_id"][event] = orders["order_id"][sell]
    events["trade_id"][event] = state.instruments["trade_count"][instrument]
    events["price_ticks"][event] = price_ticks
    events["qty_lots"][event] = lots
    contract = is_contract(state, instrument)
    row = counter_row = i64(NIL)
    if contract:
        row, counter_row = pass_pair(state, event, results, pair, price_ticks)
    else:
        pay_pair(state, event, results, pair, price_ticks)
    reduce_order(state.book, buy, lots)
    reduce_order(state.book, sell, lots)
    events["remaining_lots"][event] = open_lots(state, buy)
    events["counter_remaining_lots"][event] = open_lots(state, sell)
    tidy(state, results, buy)
    tidy(state, results, sell)
    if contract:
        trim_both(state, results, row, counter_row)


@inner
def best_pair(state: State, instrument: int) -> tuple[int, int]:
    """The first buy and the first sell while the sides overlap: (NIL, NIL) when they do not."""
    book = state.book
    sides, heads = book.sides, book.levels["head"]
    bid_key, ask_key = sides["best_key"][2 * instrument], sides["best_key"][2 * instrument + 1]
    if max(bid_key, ask_key) == KEY_NONE or key_of(book, 2 * instrument, bid_key) < ask_key:
        return i64(NIL), i64(NIL)
    buy_level = i64(sides["best_level"][2 * instrument])
    sell_level = i64(sides["best_level"][2 * instrument + 1])
    return i64(heads[buy_level]), i64(heads[sell_level])


@inner
def meet(
    state: State, results: Results, instrument: int, pair: tuple[int, int], price_ticks: int
) -> int:
    """Let a pair trade, or the younger order of one account leave; the lots that traded."""
    buy, sell = pair
    orders = state.book.orders
    if orders["account"][buy] == orders["account"][sell]:
        part_own(state, results, buy, sell)
        return 0
    lots = min(i64(orders["qty_lots"][buy]), i64(orders["qty_lots"][sell]))
    for slot in pair:
        isolated = i64(state.orders["traits"][slot]) & ISOLATED
        if isolated != 0 and not bears(state, slot, lots, price_ticks):
            expire_order(state, results, slot, _UNCOVERED)
            return 0
    trade_pair(state, results, pair, lots, price_ticks)
    state.markets["last_ticks"][instrument] = price_ticks
    note_price(state, instrument, price_ticks)
    return lots


@inner
def find_clearing(state: State, instrument: int) -> Clearing:
    """What an auction of the book as it stands would do. Changes nothing."""
    hidden_lots = state.terms["hidden_lots"]
    if state.markets["icebergs"][instrument] == 0:
        hidden_lots = hidden_lots[:0]
    reference_ticks = auction_reference(state, instrument)
    sides = 2 * instrument, 2 * instrument + 1
    return clearing(state.book, hidden_lots, sides[0], sides[1], reference_ticks)


@inner
def uncross(state: State, results: Results, instrument: int) -> tuple[int, int]:
    """Trade all that overlaps: (the auction's price, lots that traded at it), or (0, 0).

    Where a prevented self-trade leaves the sides overlapping, pairs trade on at the older order's
    limit. Work: the levels that trade, and a step for each order, and each slice, that does.
    """
    book, orders = state.book, state.book.orders
    buy_side, sell_side = 2 * instrument, 2 * instrument + 1
    found = find_clearing(state, instrument)
    price_ticks, lots = i64(found.price_ticks), i64(0)
    if found.lots == 0:
        return price_ticks, lots
    while True:
        buy, sell = next_pair(book, buy_side, sell_side, price_ticks)
        if buy == NIL:
            break
        lots += meet(state, results, instrument, (buy, sell), price_ticks)
    while True:
        buy, sell = best_pair(state, instrument)
        if buy == NIL:
            return price_ticks if lots > 0 else i64(0), lots
        older = buy if orders["order_id"][buy] < orders["order_id"][sell] else sell
        limit_ticks = i64(state.orders["price_ticks"][older])
        meet(state, results, instrument, (buy, sell), limit_ticks)
