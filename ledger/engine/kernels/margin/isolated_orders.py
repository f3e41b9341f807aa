"""Orders of isolated positions: each takes the money with it that its position will want.

What it takes is held like the money of a spot order, and each fill brings the margin its part. An
order that only closes takes nothing.
"""

from ledger.engine.kernels.base.fees import ppb_ceil
from ledger.engine.kernels.base.money import hold
from ledger.engine.kernels.base.resting import open_lots
from ledger.engine.kernels.margin.account_margin import free_minor, order_loss_minor
from ledger.engine.kernels.margin.closers import closable_lots, row_of
from ledger.engine.kernels.margin.isolation import judge_position, report_margin
from ledger.engine.kernels.margin.positions import cost_of, could_be_lots
from ledger.engine.state import Results, State
from ledger.margin import inverse, linear
from ledger.margin.contracts import notional_minor
from ledger.margin.isolated import side_initial_minor
from ledger.margin.limits import INVERSE
from ledger.margin.rounding import muldiv_floor
from ledger.records.codes import Reject, Side
from matching.jit import i64, inner

_BUY = int(Side.BUY)
_NONE = int(Reject.NONE)
_INSUFFICIENT_MARGIN = int(Reject.INSUFFICIENT_MARGIN)


@inner
def settle_of(state: State, instrument: int) -> int:
    """The asset that a contract settles in."""
    return i64(state.margin.contracts["settle"][instrument])


@inner
def check_isolated(state: State, results: Results, row: int, terms: tuple[int, int]) -> int:
    """Whether an isolated position may have the taker, for (price_ticks, lots). A `Reject`.

    Sets what money the taker takes: how much more initial margin the position would want with all
    its open orders filled, what the order would lose at once, and its fee.
    """
    taker, margin, rows = results.taker, state.margin, state.margin.positions
    price_ticks, lots = terms
    instrument, contracts = taker["instrument"][0], margin.contracts
    signed = lots if taker["side"][0] == _BUY else -lots
    cost = cost_of(state, instrument, signed, price_ticks)
    loss = order_loss_minor(contracts, instrument, signed, cost)
    if taker["closing"][0]:
        equity, _ = judge_position(state, row)
        return _NONE if loss == 0 or loss <= equity else _INSUFFICIENT_MARGIN
    leverage, already = i64(rows["leverage"][row]), could_be_lots(state, row)
    wanted = side_initial_minor(contracts, margin.tiers, instrument, already + lots, leverage)
    wanted -= side_initial_minor(contracts, margin.tiers, instrument, already, leverage)
    notional = notional_minor(contracts, instrument, lots, price_ticks)
    wanted += loss + ppb_ceil(notional, taker["fee_ppb"][0])
    taker["hold_minor"][0] = wanted
    free = free_minor(state, settle_of(state, instrument), taker["account"][0])
    return _NONE if wanted <= free else _INSUFFICIENT_MARGIN


@inner
def take_hold(state: State, results: Results) -> None:
    """The taker's money leaves what its account may use."""
    taker = results.taker
    settle = settle_of(state, taker["instrument"][0])
    hold(state, settle, taker["account"][0], taker["hold_minor"][0])


@inner
def end_hold(state: State, results: Results, taken_minor: int) -> None:
    """What the taker neither spent nor left with its resting order goes back; an event says so."""
    taker = results.taker
    left_minor = i64(taker["hold_minor"][0])
    settle = settle_of(state, taker["instrument"][0])
    hold(state, settle, taker["account"][0], -left_minor)
    row, order_id = i64(taker["position"][0]), i64(taker["order_id"][0])
    report_margin(state, results, row, left_minor - taken_minor, order_id)


@inner
def draw_hold(state: State, slot: int, lots: int) -> int:
    """What a resting order brings to a trade of so many lots, out of its hold."""
    part, held = i64(0), i64(state.orders["held_minor"][slot])
    if held != 0:
        part = muldiv_floor(held, lots, open_lots(state, slot))
        state.orders["held_minor"][slot] = held - part
    return part


@inner
def draw_holds(state: State, results: Results, maker: int, lots: int) -> tuple[int, int]:
    """What taker and maker bring to a trade of so many lots, out of their holds."""
    taker = results.taker
    part, held = i64(0), i64(taker["hold_minor"][0])
    if held != 0:
        part = muldiv_floor(held, lots, taker["remaining_lots"][0])
        taker["hold_minor"][0] = held - part
    return part, draw_hold(state, maker, lots)


@inner
def bears(state: State, maker: int, lots: int, price_ticks: int) -> bool:
    """Whether an isolated position has what a fill of its resting order would lose."""
    rows, contracts = state.margin.positions, state.margin.contracts
    row, side = row_of(state, maker), i64(state.book.orders["side_index"][maker]) & 1
    if closable_lots(state, row, side) == 0:
        return True
    instrument = i64(rows["instrument"][row])
    qty, cost = rows["qty_lots"][row], rows["cost"][row]
    signed = lots if side == _BUY else -lots
    num, den = contracts["num"][instrument], contracts["den"][instrument]
    if contracts["kind"][instrument] == INVERSE:
        _, _, realized = inverse.apply_fill(qty, cost, signed, price_ticks, num)
    else:
        _, _, ticks = linear.apply_fill(qty, cost, signed, price_ticks)
        realized = muldiv_floor(ticks, num, den)
    held = i64(state.orders["held_minor"][maker])
    part = muldiv_floor(held, lots, open_lots(state, maker))
    return bool(rows["margin_minor"][row] + part + realized >= 0)
