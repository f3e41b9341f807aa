"""One trade of a perpetual: positions, realized profit, fees, the event."""

from ledger.engine.kernels.contract_orders import own_position, reserve_order
from ledger.engine.kernels.fees import count_trade, maker_ppb
from ledger.engine.kernels.money import charge_fee
from ledger.engine.kernels.positions import exchange
from ledger.engine.kernels.report import begin_event
from ledger.engine.kernels.resting import open_lots
from ledger.engine.state import Results, State
from ledger.margin.contracts import notional_minor
from ledger.records.codes import EventKind, Side, TradeFlag
from matching.jit import i64, inner, step
from matching.queue import reduce_order

_TRADE = int(EventKind.TRADE)
_LIQUIDATION = int(TradeFlag.LIQUIDATION)
_BUY = int(Side.BUY)


@step
def charge_contract_fee(
    state: State, instrument: int, account: int, lots: int, price_ticks: int, rate_ppb: int
) -> int:
    """Move the fee on a trade's notional; a rebate goes as far as the fees account has it."""
    settle = i64(state.margin.contracts["settle"][instrument])
    notional = notional_minor(state.margin.contracts, instrument, lots, price_ticks)
    return charge_fee(state, settle, account, notional, rate_ppb)


@inner
def settle_contract(state: State, results: Results, maker: int, lots: int) -> tuple[int, int]:
    """One trade at the maker's price. A taker without an order (liquidation) pays no fee.

    Returns:
        The position rows of taker and maker.
    """
    taker, instruments, orders = results.taker, state.instruments, state.book.orders
    instrument, account = taker["instrument"][0], taker["account"][0]
    counter = i64(orders["account"][maker])
    price_ticks = state.orders["price_ticks"][maker]
    row = own_position(state, account, instrument)
    counter_row = own_position(state, counter, instrument)
    left_lots = open_lots(state, maker) - lots
    reserve_order(state, maker, left_lots + lots, left_lots)
    signed_lots = lots if taker["side"][0] == _BUY else -lots
    paid, counter_paid = exchange(state, row, counter_row, signed_lots, price_ticks)
    notional = notional_minor(state.margin.contracts, instrument, lots, price_ticks)
    its_ppb = maker_ppb(state, instrument, counter, taker["day"][0])
    settle = i64(state.margin.contracts["settle"][instrument])
    count_trade(state, results, counter, settle, notional)
    fee = i64(0)
    if taker["order_id"][0] != 0:
        fee = charge_contract_fee(
            state, instrument, account, lots, price_ticks, taker["fee_ppb"][0]
        )
    counter_fee = charge_contract_fee(state, instrument, counter, lots, price_ticks, its_ppb)
    taker["remaining_lots"][0] -= lots
    taker["filled_lots"][0] += lots
    taker["filled_quote_minor"][0] += paid
    reduce_order(state.book, maker, lots)
    instruments["trade_count"][instrument] += 1
    state.markets["last_ticks"][instrument] = price_ticks
    taker["last_ticks"][0] = price_ticks
    if taker["first_ticks"][0] == 0:
        taker["first_ticks"][0] = price_ticks

    events = results.events
    event = begin_event(results, _TRADE)
    events["side"][event] = taker["side"][0]
    if taker["order_id"][0] == 0:
        events["flags"][event] = _LIQUIDATION
    events["instrument"][event] = instrument
    events["asset"][event] = state.margin.contracts["settle"][instrument]
    events["account"][event] = account
    events["counter_account"][event] = counter
    events["order_id"][event] = taker["order_id"][0]
    events["counter_order_id"][event] = orders["order_id"][maker]
    events["trade_id"][event] = instruments["trade_count"][instrument]
    events["price_ticks"][event] = price_ticks
    events["qty_lots"][event] = lots
    events["quote_minor"][event] = paid
    events["fee_minor"][event] = fee
    events["counter_fee_minor"][event] = counter_fee
    events["remaining_lots"][event] = taker["remaining_lots"][0]
    events["counter_remaining_lots"][event] = left_lots
    events["amount_minor"][event] = counter_paid
    return row, counter_row
