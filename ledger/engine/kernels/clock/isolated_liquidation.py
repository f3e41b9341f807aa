"""Isolated positions that fell: each is closed by itself, at its own bankruptcy price or better."""

from ledger.engine.kernels.base.commands import must_wait
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.base.sessions import is_trading
from ledger.engine.kernels.base.tick_room import events_of_step, events_of_sweep
from ledger.engine.kernels.clock.insurance import take_over
from ledger.engine.kernels.clock.liquidation import is_down, send, step_lots
from ledger.engine.kernels.margin.isolation import flags_of, judge_position
from ledger.engine.kernels.orders.sweeps import sweep_account
from ledger.engine.margin_layout import LIQUIDATIONS_MAX, STEPS_MAX
from ledger.engine.state import Results, State
from ledger.margin.liquidation import NEVER, bankruptcy_ticks
from ledger.records.codes import EventKind, ExpireReason, Side
from matching.jit import i64, inner

_POSITION_FELL = int(EventKind.POSITION_FELL)
_LIQUIDATION = int(ExpireReason.LIQUIDATION)
_BUY = int(Side.BUY)
_SELL = int(Side.SELL)


@inner
def report_fall(state: State, results: Results, row: int) -> None:
    """An isolated position is below its maintenance margin."""
    rows, events = state.margin.positions, results.events
    instrument = i64(rows["instrument"][row])
    equity, maintenance = judge_position(state, row)
    event = begin_event(results, _POSITION_FELL)
    events["flags"][event] = flags_of(state, row)
    events["side"][event] = _SELL if rows["qty_lots"][row] > 0 else _BUY
    events["instrument"][event] = instrument
    events["asset"][event] = state.margin.contracts["settle"][instrument]
    events["account"][event] = rows["account"][row]
    events["qty_lots"][event] = abs(rows["qty_lots"][row])
    events["quote_minor"][event] = equity
    events["amount_minor"][event] = maintenance


@inner
def is_fallen(state: State, row: int) -> bool:
    """Whether a position is isolated, open, below its maintenance margin, and can be closed."""
    rows = state.margin.positions
    if rows["isolated"][row] == 0 or rows["qty_lots"][row] == 0:
        return False
    if not is_trading(state, i64(rows["instrument"][row])):
        return False
    equity, maintenance = judge_position(state, row)
    return is_down(equity, maintenance)


@inner
def own_bound_ticks(state: State, row: int) -> int:
    """The price at which closing an isolated position uses up its margin."""
    rows, contracts = state.margin.positions, state.margin.contracts
    instrument, qty = i64(rows["instrument"][row]), rows["qty_lots"][row]
    cost, margin = rows["cost"][row], rows["margin_minor"][row]
    price_ticks = bankruptcy_ticks(contracts, instrument, qty, cost, margin)
    if price_ticks != NEVER:
        return price_ticks
    return i64(1) if qty > 0 else contracts["max_ticks"][instrument]


@inner
def close_out(state: State, results: Results, row: int) -> bool:
    """Close a fallen position step by step, until it stands again or is gone.

    Returns whether it is done; each step is a part of its own. The frame counts from 1 here.
    """
    frame = results.frame
    while frame["step"][0] <= STEPS_MAX and is_fallen(state, row):
        if must_wait(results, row, events_of_step(state, row)):
            return False
        price_ticks = own_bound_ticks(state, row)
        if send(state, results, row, step_lots(state, row), price_ticks) > 0:
            take_over(state, results, row, price_ticks)
        frame["step"][0] += 1
    frame["step"][0] = 0
    return True


@inner
def liquidate_isolated(state: State, results: Results) -> bool:
    """Every isolated position that is down, in the order in which they were first wanted.

    Its account's orders in its instrument leave first. At most LIQUIDATIONS_MAX a TICK. Returns
    whether all is done.
    """
    rows, frame = state.margin.positions, results.frame
    if state.header["isolated_count"][0] == 0:
        return True
    for row in range(frame["part"][0], frame["stop"][0]):
        if frame["step"][0] == 0:
            if frame["busy"][0] == LIQUIDATIONS_MAX:
                return True
            if not is_fallen(state, row):
                continue
            account = i64(rows["account"][row])
            if must_wait(results, row, events_of_sweep(state, account) + 1):
                return False
            frame["busy"][0] += 1
            frame["step"][0] = 1
            report_fall(state, results, row)
            scope = (2 * i64(rows["instrument"][row]), i64(-2))
            sweep_account(state, results, account, scope, _LIQUIDATION)
        if not close_out(state, results, row):
            return False
    return True
