"""The fold over orders and trades: one kernel over a batch."""

from typing import Any

from numpy.typing import NDArray

from ledger.readmodel.chains import push
from ledger.readmodel.layout import (
    BY_INSTRUMENT,
    BY_MAKER,
    BY_TAKER,
    NODES_A_TRADE,
    NONE,
    Book,
    Records,
    Tape,
)
from ledger.readmodel.orders import add_order, find_open, set_status
from ledger.records.codes import CommandFlag, CommandKind, EventKind, OrderStatus, Side
from matching.jit import i64, inlined, kernel

_NEW = int(CommandKind.NEW_ORDER)
_CANCEL = int(CommandKind.CANCEL_ORDER)
_AMEND = int(CommandKind.AMEND_ORDER)
_TRADE = int(EventKind.TRADE)
_EXPIRED_EVENT = int(EventKind.ORDER_EXPIRED)
_BUY = int(Side.BUY)
_FILLED = int(OrderStatus.FILLED)
_PARTLY = int(OrderStatus.PARTLY_FILLED)
_EXPIRED = int(OrderStatus.EXPIRED)
_BY_QUOTE = int(CommandFlag.BY_QUOTE)

DONE = 0


@kernel
def apply_trading(records: Records, book: Book, tape: Tape, first_seq: int) -> int:
    """Fold a batch's order commands and events into the tables.

    Args:
        records: The batch; `commands` in the ORDER layout.
        book: Mutated; large enough for every order of the batch to be new.
        tape: Mutated.
        first_seq: The seq of the first command.

    Returns:
        DONE, or the seq of a command whose results change an order that is not open: then
        engine and read model disagree, and the tables are of no use.
    """
    kinds, rejects = records.commands["kind"], records.outcomes["reject"]
    counts, subjects = records.outcomes["events"], records.outcomes["subject_id"]
    at = 0
    for i in range(kinds.shape[0]):
        end = at + i64(counts[i])
        kind = kinds[i]
        ordering = kind in (_NEW, _CANCEL, _AMEND) and rejects[i] == 0
        row = NONE
        if ordering and kind == _NEW:
            row = add_order(book, records, i, first_seq + i)
        for event in range(at, end):
            if not apply_event(records, book, tape, event):
                return first_seq + i
        at = end
        if ordering:
            if row == NONE:
                row = find_open(book, subjects[i])
            if row == NONE:
                return first_seq + i
            conclude(records, book, row, i)
    return DONE


@inlined
def conclude(records: Records, book: Book, row: int, i: int) -> None:
    """What command i's own outcome says of its order."""
    orders, commands = book.orders, records.commands
    kind = commands["kind"][i]
    if kind == _AMEND:
        orders["qty_lots"][row] = commands["qty_lots"][i]
    if kind == _NEW and commands["flags"][i] & _BY_QUOTE:
        filled, remaining = orders["filled_lots"][row], records.outcomes["remaining_lots"][i]
        orders["qty_lots"][row] = filled + remaining
    set_status(book, row, records.outcomes["status"][i], commands["time_ns"][i])


@inlined
def apply_event(records: Records, book: Book, tape: Tape, event: int) -> bool:
    """Fold one event; False when it names an order that is not open."""
    events = records.events
    kind = events["kind"][event]
    if kind == _TRADE:
        return apply_trade(records, book, tape, event)
    if kind == _EXPIRED_EVENT:
        row = find_open(book, events["order_id"][event])
        if row == NONE:
            return False
        set_status(book, row, _EXPIRED, events["time_ns"][event])
    return True


@inlined
def apply_trade(records: Records, book: Book, tape: Tape, event: int) -> bool:
    """Fill both orders of a trade and put it on the tape; False when one is not open."""
    events = records.events
    taker = find_open(book, events["order_id"][event])
    maker = find_open(book, events["counter_order_id"][event])
    if NONE in (taker, maker):
        return False
    lots, received = events["qty_lots"][event], events["quote_minor"][event]
    paid = received + events["amount_minor"][event]
    taker_buys = events["side"][event] == _BUY
    filled, quotes = book.orders["filled_lots"], book.orders["filled_quote_minor"]
    filled[taker] += lots
    quotes[taker] += paid if taker_buys else received
    filled[maker] += lots
    quotes[maker] += received if taker_buys else paid
    # The maker may leave, and its row with it: link the trade first.
    record_trade(records, tape, event, book.counters["trade_count"])
    link_trade(book, tape, taker, maker)
    time_ns = events["time_ns"][event]
    book.orders["updated_ns"][taker] = time_ns
    remaining = events["counter_remaining_lots"][event]
    set_status(book, maker, _FILLED if remaining == 0 else _PARTLY, time_ns)
    return True


@inlined
def oldest_node(tape: Tape, trade_count: int) -> int:
    """The first node of the oldest trade that is kept."""
    return max(1, trade_count - tape.trades.shape[0] + 1) * NODES_A_TRADE


@inlined
def link_trade(book: Book, tape: Tape, taker: int, maker: int) -> None:
    """Append the newest trade to the chains of its instrument and of both pairs."""
    ordinal = book.counters["trade_count"][0]
    node = ordinal * NODES_A_TRADE
    floor = oldest_node(tape, ordinal)
    instrument = book.orders["instrument"][taker]
    by_instrument, by_pair = tape.instruments["last_node"], book.pairs["last_node"]
    push(tape.links, floor, by_instrument[instrument], node + BY_INSTRUMENT)
    by_instrument[instrument] = node + BY_INSTRUMENT
    taker_pair, maker_pair = book.orders["pair"][taker], book.orders["pair"][maker]
    push(tape.links, floor, by_pair[taker_pair], node + BY_TAKER)
    by_pair[taker_pair] = node + BY_TAKER
    if maker_pair != taker_pair:
        push(tape.links, floor, by_pair[maker_pair], node + BY_MAKER)
        by_pair[maker_pair] = node + BY_MAKER


@inlined
def record_trade(records: Records, tape: Tape, event: int, count: NDArray[Any]) -> None:
    """Write the next trade into the ring, over the oldest one when it is full."""
    events, trades = records.events, tape.trades
    count[0] += 1
    at = count[0] & (trades.shape[0] - 1)
    trades["seq"][at] = events["seq"][event]
    trades["time_ns"][at] = events["time_ns"][event]
    trades["trade_id"][at] = events["trade_id"][event]
    trades["price_ticks"][at] = events["price_ticks"][event]
    trades["qty_lots"][at] = events["qty_lots"][event]
    trades["quote_minor"][at] = events["quote_minor"][event]
    trades["taker_order_id"][at] = events["order_id"][event]
    trades["maker_order_id"][at] = events["counter_order_id"][event]
    trades["taker_fee_minor"][at] = events["fee_minor"][event]
    trades["maker_fee_minor"][at] = events["counter_fee_minor"][event]
    trades["instrument"][at] = events["instrument"][event]
    trades["event_index"][at] = events["index"][event]
    trades["taker_account"][at] = events["account"][event]
    trades["maker_account"][at] = events["counter_account"][event]
    trades["taker_side"][at] = events["side"][event]
    tape.instruments["last_price_ticks"][events["instrument"][event]] = events["price_ticks"][event]
