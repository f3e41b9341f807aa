"""Reduce-only orders: what they may close, and the list of them that every position keeps.

A position's reduce-only orders never have more lots than the position: what may rest is checked
when it enters, and when the position becomes smaller the newest ones leave (trimming.py). So they
raise no requirement, and what a book shows of them can trade.
"""

from ledger.engine.kernels.base.owners import delist, enlist
from ledger.engine.kernels.base.resting import may_rest
from ledger.engine.kernels.margin.positions import find_position
from ledger.engine.layout import CLOSER, ISOLATED, LEG_SHIFT
from ledger.engine.state import Results, State
from ledger.records.codes import Reject, Side, TimeInForce
from matching.jit import i64, inner
from matching.layout import NIL

_BUY = int(Side.BUY)
_FOK = int(TimeInForce.FOK)
_NONE = int(Reject.NONE)
_REDUCE_ONLY_REJECTED = int(Reject.REDUCE_ONLY_REJECTED)


@inner
def closable_lots(state: State, row: int, side: int) -> int:
    """How many lots an order of a side could close of a position."""
    qty = state.margin.positions["qty_lots"][row]
    return i64(max(-qty, 0) if side == _BUY else max(qty, 0))


@inner
def closable_by_taker(state: State, results: Results) -> int:
    """How many lots the taker could close of its position."""
    taker = results.taker
    row = i64(taker["position"][0])
    return i64(0) if row == NIL else closable_lots(state, row, taker["side"][0])


@inner
def check_closing(state: State, results: Results) -> int:
    """Whether there is something to close; what may not rest is cut to it. Returns a `Reject`."""
    taker = results.taker
    lots = closable_by_taker(state, results)
    if may_rest(results) and lots > 0:
        row = i64(taker["position"][0])
        lots -= state.margin.positions["closing_lots"][row]
    whole = may_rest(results) or taker["time_in_force"][0] == _FOK
    if lots <= 0 or (whole and lots < taker["qty_lots"][0]):
        return _REDUCE_ONLY_REJECTED
    taker["remaining_lots"][0] = min(taker["remaining_lots"][0], lots)
    return _NONE


@inner
def row_of(state: State, slot: int) -> int:
    """The position of a resting order."""
    orders = state.book.orders
    leg = i64(state.orders["traits"][slot]) >> LEG_SHIFT & 3
    instrument = i64(orders["side_index"][slot]) >> 1
    return find_position(state, i64(orders["account"][slot]), instrument, leg)


@inner
def is_firm(state: State, slot: int) -> bool:
    """Whether a resting order is sure to be there when an order of the other side comes to it.

    A reduce-only one may leave before, when its owner's other orders stand in front of it and
    close the position; one that closes an isolated position leaves when that cannot bear it.
    """
    traits = i64(state.orders["traits"][slot])
    if not traits & (CLOSER | ISOLATED):
        return True
    rows, side = state.margin.positions, i64(state.book.orders["side_index"][slot]) & 1
    row = row_of(state, slot)
    if traits & ISOLATED:
        return bool(closable_lots(state, row, side) == 0)
    lots = rows["buy_lots"][row] if side == _BUY else rows["sell_lots"][row]
    return bool(lots <= closable_lots(state, row, side))


@inner
def list_closer(state: State, slot: int) -> None:
    """A reduce-only order has come to rest; its position exists."""
    enlist(state.margin.positions, state.margin.closer_links, row_of(state, slot), slot)


@inner
def delist_closer(state: State, slot: int) -> None:
    """A reduce-only order leaves."""
    delist(state.margin.positions, state.margin.closer_links, row_of(state, slot), slot)
