"""What reads ask of kernels: entry points for Python that change no canonical state."""

from typing import Any

from numpy.typing import NDArray

from ledger.engine.kernels.base.sessions import band_edge
from ledger.engine.kernels.clock.deleveraging import rank
from ledger.engine.kernels.clock.fall_price import fall_ticks
from ledger.engine.kernels.clock.isolated_liquidation import own_bound_ticks
from ledger.engine.kernels.clock.liquidation import bound_ticks
from ledger.engine.kernels.margin.account_margin import assess
from ledger.engine.kernels.margin.isolation import judge_position
from ledger.engine.kernels.margin.marks import predicted_rate_ppb
from ledger.engine.kernels.orders.auction import find_clearing
from ledger.engine.margin_layout import INSURANCE
from ledger.engine.state import State
from ledger.margin.adl import bands, queue
from ledger.margin.contracts import mark_position
from ledger.margin.liquidation import liquidation_ticks
from ledger.records.codes import Side
from matching.jit import i64, kernel

_BUY = int(Side.BUY)
_SELL = int(Side.SELL)


@kernel
def judge(state: State, account: int) -> tuple[int, int, int]:
    """(equity, maintenance, initial) of an account, in valuation units."""
    return assess(state, account)


@kernel
def judge_row(state: State, row: int) -> tuple[int, int, int, int]:
    """(profit, maintenance, liquidation_ticks, bankruptcy_ticks) of an open position at the mark.

    The contract and its settlement asset have prices. A cross position's prices are those at which
    its account would fall, and close it, if nothing else moved.
    """
    rows, margin = state.margin.positions, state.margin
    contracts, tiers = margin.contracts, margin.tiers
    instrument = i64(rows["instrument"][row])
    qty, cost = rows["qty_lots"][row], rows["cost"][row]
    profit, required, _ = mark_position(contracts, tiers, instrument, qty, cost)
    if rows["isolated"][row]:
        equity, _ = judge_position(state, row)
        other = i64(equity - profit)
        liquidation = liquidation_ticks(contracts, tiers, instrument, qty, cost, other)
        bankruptcy = own_bound_ticks(state, row)
    else:
        equity, _, _ = assess(state, i64(rows["account"][row]))
        liquidation = fall_ticks(state, row)
        bankruptcy = bound_ticks(state, row, equity)
    return i64(profit), i64(required), i64(liquidation), i64(bankruptcy)


@kernel
def light_positions(state: State, instrument: int, light: NDArray[Any]) -> None:
    """Set the deleveraging light of every open position of a contract that has prices.

    Args:
        state: Its scratch space is used.
        instrument: A contract with a mark; its settlement asset has a price.
        light: By position row, uint8, zeroed. Mutated: 5 closes first, 1 last, 0 no winner.
    """
    rows, scores, order = state.margin.positions, state.margin.scores, state.margin.queue
    for sign in (1, -1):
        count = 0
        for row in range(state.header["position_count"][0]):
            mine = i64(rows["instrument"][row]) == instrument and rows["qty_lots"][row] * sign > 0
            if mine and i64(rows["account"][row]) != INSURANCE:
                scores[row] = rank(state, row)
                order[count] = row
                count += 1
        queue(scores, order[:count])
        bands(scores, order[:count], light)


@kernel
def predict_rate(state: State, instrument: int) -> int:
    """The funding rate if the interval ended now, in ppb."""
    return i64(predicted_rate_ppb(state, instrument))


@kernel
def survey(state: State, instrument: int) -> tuple[int, int, int, int, int]:
    """(lowest, highest price within the band, 0 without one; what an auction would do now).

    The last three are the auction's price, lots and surplus; all 0 while nothing overlaps.
    """
    found = find_clearing(state, instrument)
    low_ticks = band_edge(state, instrument, i64(_SELL))
    high_ticks = band_edge(state, instrument, i64(_BUY))
    return low_ticks, high_ticks, i64(found.price_ticks), i64(found.lots), i64(found.surplus_lots)
