"""What trades, expiries and self-trade prevention do to orders, and trades on the tape."""

from typing import Any

from numpy.typing import NDArray

from ledger.readmodel.chains import push
from ledger.readmodel.holdings import fill_spot, release_order, set_hold
from ledger.readmodel.layout import (
    BY_INSTRUMENT,
    BY_MAKER,
    BY_TAKER,
    NODES_A_TRADE,
    NONE,
    Book,
    Holdings,
    Records,
    Tape,
)
from ledger.readmodel.orders import find_open, pair_of, set_status
from ledger.readmodel.positions import exchange, notional_minor, pay_contract_fees
from ledger.records.codes import (
    CommandFlag,
    ExpireReason,
    OrderStatus,
    Product,
    SelfTrade,
    Side,
    TradeFlag,
)
from matching.jit import i64, inner

_BUY = int(Side.BUY)
_SPOT = int(Product.SPOT)
_DECREMENT = int(SelfTrade.DECREMENT)
_FILLED = int(OrderStatus.FILLED)
_PARTLY = int(OrderStatus.PARTLY_FILLED)
_CANCELED = int(OrderStatus.CANCELED)
_EXPIRED = int(OrderStatus.EXPIRED)
_BY_QUOTE = int(CommandFlag.BY_QUOTE)
_AUCTION = int(TradeFlag.AUCTION)
_SELF_TRADE = int(ExpireReason.SELF_TRADE)
REASON_MASK = 0xFF
"""The reason in the flags of ORDER_EXPIRED; above it stands the reject of a refused order."""
OWNERS_REASONS = (
    int(ExpireReason.CANCEL_ALL),
    int(ExpireReason.DEAD_MAN),
    int(ExpireReason.REPLACED),
)
"""The owner asked for it, though not by the order's name: the order is CANCELED, else EXPIRED."""


@inner
def end_order(
    records: Records, book: Book, tape: Tape, holdings: Holdings, place: tuple[int, int]
) -> bool:
    """An order leaves without a command that names it; False when it is not open.

    `place` is the event and the order at work: by decrement only that one loses as much.
    """
    event, working = place
    events, orders = records.events, book.orders
    row = find_open(book, i64(events["order_id"][event]))
    if row == NONE:
        return False
    flags = i64(events["flags"][event])
    reason = flags & REASON_MASK
    if reason == _SELF_TRADE and events["counter_order_id"][event] == working:
        taker = find_open(book, working)
        if taker != NONE and orders["self_trade"][taker] == _DECREMENT:
            prevent(book, row, events["qty_lots"][event])
            prevent(book, taker, events["qty_lots"][event])
    if orders["flags"][row] & _BY_QUOTE:
        orders["qty_lots"][row] = orders["filled_lots"][row]
    orders["ended"][row] = flags
    release_order(book, tape, holdings, row, 0, events["amount_minor"][event])
    status = _CANCELED if reason in OWNERS_REASONS else _EXPIRED
    set_status(book, row, status, events["time_ns"][event])
    return True


@inner
def prevent(book: Book, row: int, lots: int) -> None:
    """Self-trade prevention makes an order so much smaller."""
    book.orders["qty_lots"][row] -= lots
    book.orders["prevented_lots"][row] += lots


@inner
def apply_reduction(
    records: Records, book: Book, tape: Tape, holdings: Holdings, event: int
) -> bool:
    """Both the incoming and the resting order get smaller; False when one is not open."""
    events, orders = records.events, book.orders
    maker = find_open(book, i64(events["order_id"][event]))
    taker = find_open(book, i64(events["counter_order_id"][event]))
    if NONE in (maker, taker):
        return False
    prevent(book, maker, events["qty_lots"][event])
    prevent(book, taker, events["qty_lots"][event])
    left_lots = orders["qty_lots"][maker] - orders["filled_lots"][maker]
    release_order(book, tape, holdings, maker, left_lots, events["amount_minor"][event])
    orders["updated_ns"][maker] = events["time_ns"][event]
    return bool(left_lots == events["remaining_lots"][event])


@inner
def apply_trade(records: Records, book: Book, tape: Tape, holdings: Holdings, event: int) -> bool:
    """Fill both orders of a trade and put it on the tape; False when it contradicts the tables.

    The taker of a liquidation is no order: its account trades without one. In an auction both
    rested, and the buyer stands where the taker does otherwise.
    """
    events, orders = records.events, book.orders
    taker_id = i64(events["order_id"][event])
    taker = find_open(book, taker_id)
    maker = find_open(book, i64(events["counter_order_id"][event]))
    resting = i64(events["flags"][event]) & _AUCTION != 0
    if maker == NONE or (taker == NONE and (taker_id != 0 or resting)):
        return False
    instrument, lots = i64(events["instrument"][event]), events["qty_lots"][event]
    spot = tape.instruments["product"][instrument] == _SPOT
    if spot:
        if taker == NONE:
            return False
        fill_spot(records, book, tape, holdings, event, (taker, maker))
        received = events["quote_minor"][event]
        paid = received + events["amount_minor"][event]
        taker_buys = events["side"][event] == _BUY
        fill(book, taker, lots, paid if taker_buys else received)
        fill(book, maker, lots, received if taker_buys else paid)
        if resting:
            # It rested too: what it held beyond the auction's price is available again.
            left_lots = orders["qty_lots"][taker] - orders["filled_lots"][taker]
            set_hold(book, tape, holdings, taker, left_lots)
    else:
        if not exchange(records, book, tape, holdings, event):
            return False
        pay_contract_fees(records, book, tape, holdings, event)
        notional = notional_minor(tape, instrument, lots, events["price_ticks"][event])
        if taker != NONE:
            fill(book, taker, lots, notional)
            orders["realized_minor"][taker] += events["quote_minor"][event]
        fill(book, maker, lots, notional)
        orders["realized_minor"][maker] += events["amount_minor"][event]
    # The maker may leave, and its row with it: link the trade first.
    record_trade(records, tape, event, book.counters["trade_count"])
    link_trade(records, book, tape, event)
    time_ns = events["time_ns"][event]
    if resting:
        left = events["remaining_lots"][event]
        set_status(book, taker, _FILLED if left == 0 else _PARTLY, time_ns)
    elif taker != NONE:
        orders["updated_ns"][taker] = time_ns
    remaining = events["counter_remaining_lots"][event]
    set_status(book, maker, _FILLED if remaining == 0 else _PARTLY, time_ns)
    return True


@inner
def fill(book: Book, row: int, lots: int, worth_minor: int) -> None:
    """So many lots of an order are done, for so much."""
    book.orders["filled_lots"][row] += lots
    book.orders["filled_quote_minor"][row] += worth_minor


@inner
def oldest_node(tape: Tape, trade_count: int) -> int:
    """The first node of the oldest trade that is kept."""
    return max(1, trade_count - tape.trades.shape[0] + 1) * NODES_A_TRADE


@inner
def link_trade(records: Records, book: Book, tape: Tape, event: int) -> None:
    """Append the newest trade to the chains of its instrument and of both accounts."""
    events = records.events
    ordinal = book.counters["trade_count"][0]
    node = ordinal * NODES_A_TRADE
    floor = oldest_node(tape, ordinal)
    instrument = i64(events["instrument"][event])
    by_instrument, by_pair = tape.instruments["last_node"], book.pairs["last_node"]
    push(tape.links, floor, by_instrument[instrument], node + BY_INSTRUMENT)
    by_instrument[instrument] = node + BY_INSTRUMENT
    taker_pair = pair_of(book, i64(events["account"][event]), instrument)
    maker_pair = pair_of(book, i64(events["counter_account"][event]), instrument)
    push(tape.links, floor, by_pair[taker_pair], node + BY_TAKER)
    by_pair[taker_pair] = node + BY_TAKER
    if maker_pair != taker_pair:
        push(tape.links, floor, by_pair[maker_pair], node + BY_MAKER)
        by_pair[maker_pair] = node + BY_MAKER


@inner
def record_trade(records: Records, tape: Tape, event: int, count: NDArray[Any]) -> None:
    """Write the next trade into the ring, over the oldest one when it is full."""
    events, trades = records.events, tape.trades
    count[0] += 1
    at = count[0] & (trades.shape[0] - 1)
    instrument, price_ticks = i64(events["instrument"][event]), events["price_ticks"][event]
    product = tape.instruments["product"][instrument]
    worth = events["quote_minor"][event]
    realized, counter_realized = i64(0), i64(0)
    if product != _SPOT:
        realized, counter_realized = worth, events["amount_minor"][event]
        worth = notional_minor(tape, instrument, events["qty_lots"][event], price_ticks)
    trades["seq"][at] = events["seq"][event]
    trades["time_ns"][at] = events["time_ns"][event]
    trades["trade_id"][at] = events["trade_id"][event]
    trades["price_ticks"][at] = price_ticks
    trades["qty_lots"][at] = events["qty_lots"][event]
    trades["quote_minor"][at] = worth
    trades["taker_realized_minor"][at] = realized
    trades["maker_realized_minor"][at] = counter_realized
    trades["taker_order_id"][at] = events["order_id"][event]
    trades["maker_order_id"][at] = events["counter_order_id"][event]
    trades["taker_fee_minor"][at] = events["fee_minor"][event]
    trades["maker_fee_minor"][at] = events["counter_fee_minor"][event]
    trades["instrument"][at] = instrument
    trades["event_index"][at] = events["index"][event]
    trades["taker_account"][at] = events["account"][event]
    trades["maker_account"][at] = events["counter_account"][event]
    trades["taker_side"][at] = events["side"][event]
    trades["product"][at] = product
    trades["flags"][at] = events["flags"][event]
    tape.instruments["last_price_ticks"][instrument] = price_ticks
