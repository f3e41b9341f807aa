"""One trade of a perpetual: positions, realized profit, fees, the event."""

from ledger.engine.kernels.base.fees import count_trade, maker_ppb, ppb_ceil, ppb_floor
from ledger.engine.kernels.base.money import available, charge_fee, credit
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.base.resting import open_lots
from ledger.engine.kernels.margin.account_margin import look_again, look_at
from ledger.engine.kernels.margin.closers import row_of
from ledger.engine.kernels.margin.contract_orders import reserve_lots, taken_position
from ledger.engine.kernels.margin.isolated_orders import draw_holds
from ledger.engine.kernels.margin.isolation import flags_of, lots_and_margin, rebalance_both
from ledger.engine.kernels.margin.positions import pay_position, swap_lots
from ledger.engine.layout import FEES
from ledger.engine.state import Results, State
from ledger.margin.contracts import notional_minor
from ledger.records.codes import EventKind, Side, TradeFlag
from matching.jit import i64, inner
from matching.queue import reduce_order

_TRADE = int(EventKind.TRADE)
_LIQUIDATION = int(TradeFlag.LIQUIDATION)
_BUY = int(Side.BUY)


@inner
def charge_contract_fee(
    state: State, row: int, notional: int, rate_ppb: int, part_minor: int
) -> int:
    """Move the fee on a trade's notional; a rebate goes as far as the fees account has it.

    An isolated position pays no more than it has, with the order's part that comes to it.
    """
    rows = state.margin.positions
    instrument = i64(rows["instrument"][row])
    settle = i64(state.margin.contracts["settle"][instrument])
    account = i64(rows["account"][row])
    if not rows["isolated"][row]:
        return charge_fee(state, settle, account, notional, rate_ppb)
    if rate_ppb >= 0:
        fee = ppb_ceil(notional, rate_ppb)
    else:
        fee = -min(ppb_floor(notional, -rate_ppb), available(state, settle, FEES))
    fee = min(fee, max(i64(rows["margin_minor"][row]) + part_minor, 0))
    pay_position(state, row, -fee)
    credit(state, settle, FEES, fee)
    return fee


@inner
def count_fill(state: State, results: Results, fill: tuple[int, int, int]) -> None:
    """What a fill (lots, price_ticks, paid_minor) leaves of the taker, and the last price."""
    taker = results.taker
    lots, price_ticks, paid = fill
    taker["remaining_lots"][0] -= lots
    taker["filled_lots"][0] += lots
    taker["filled_quote_minor"][0] += paid
    state.markets["last_ticks"][taker["instrument"][0]] = price_ticks
    taker["last_ticks"][0] = price_ticks
    if taker["first_ticks"][0] == 0:
        taker["first_ticks"][0] = price_ticks


@inner
def trade_lots(
    state: State, rows: tuple[int, int], maker: int, signed_lots: int
) -> tuple[int, int]:
    """Signed lots pass to the first position from the maker's, whose reservation shrinks by them.

    Returns:
        What each of the two was paid.
    """
    row, counter_row = rows
    lots, open_before = abs(signed_lots), open_lots(state, maker)
    price_ticks = state.orders["price_ticks"][maker]
    before, counter_before = look_at(state, row), look_at(state, counter_row)
    reserve_lots(state, counter_row, maker, open_before, open_before - lots)
    paid = swap_lots(state, row, counter_row, signed_lots, price_ticks)
    look_again(state, row, before)
    look_again(state, counter_row, counter_before)
    return paid


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
    row = taken_position(state, results)
    counter_row = row_of(state, maker)
    left_lots = open_lots(state, maker) - lots
    before, counter_before = lots_and_margin(state, row), lots_and_margin(state, counter_row)
    part, counter_part = draw_holds(state, results, maker, lots)
    signed_lots = lots if taker["side"][0] == _BUY else -lots
    paid, counter_paid = trade_lots(state, (row, counter_row), maker, signed_lots)
    notional = notional_minor(state.margin.contracts, instrument, lots, price_ticks)
    its_ppb = maker_ppb(state, instrument, counter, taker["day"][0])
    settle = i64(state.margin.contracts["settle"][instrument])
    count_trade(state, results, counter, settle, notional)
    fee = i64(0)
    if taker["order_id"][0] != 0:
        fee = charge_contract_fee(state, row, notional, taker["fee_ppb"][0], part)
    else:
        its_ppb = max(its_ppb, 0)
    counter_fee = charge_contract_fee(state, counter_row, notional, its_ppb, counter_part)
    reduce_order(state.book, maker, lots)
    instruments["trade_count"][instrument] += 1
    count_fill(state, results, (lots, price_ticks, paid))

    events = results.events
    event = begin_event(results, _TRADE)
    events["side"][event] = taker["side"][0]
    flags = flags_of(state, row) | flags_of(state, counter_row) << 1
    if taker["order_id"][0] == 0:
        flags |= _LIQUIDATION
    events["flags"][event] = flags
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
    liquidates = i64(1) if taker["order_id"][0] == 0 else i64(0)
    fills = ((signed_lots, part, liquidates), (-signed_lots, counter_part, i64(0)))
    rebalance_both(state, results, (row, counter_row), (before, counter_before), fills)
    return row, counter_row
