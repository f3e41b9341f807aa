"""When a position becomes smaller, the reduce-only orders that it no longer carries leave."""

from ledger.engine.kernels.margin.closers import closable_lots
from ledger.engine.kernels.orders.leaving import expire_order
from ledger.engine.state import Results, State
from ledger.records.codes import ExpireReason
from matching.jit import i64, inner

_POSITION_CLOSED = int(ExpireReason.POSITION_CLOSED)


@inner
def trim(state: State, results: Results, row: int) -> None:
    """Let a position's newest reduce-only orders leave until the rest fit it. Work: what leaves."""
    rows, orders = state.margin.positions, state.book.orders
    while rows["count"][row] > 0:
        slot = i64(rows["tail"][row]) - 1
        side = i64(orders["side_index"][slot]) & 1
        if rows["closing_lots"][row] <= closable_lots(state, row, side):
            return
        expire_order(state, results, slot, _POSITION_CLOSED)


@inner
def trim_both(state: State, results: Results, row: int, counter_row: int) -> None:
    """After lots have passed between two positions."""
    counts = state.margin.positions["count"]
    if counts[row] > 0:
        trim(state, results, row)
    if counts[counter_row] > 0:
        trim(state, results, counter_row)
