"""The legs of a fallen account that offset each other close against each other, at the mark.

No book, no counterparty, no fee, no volume: what one leg loses the other one wins, so that equity
stays but for roundings, while both legs' maintenance is gone. Isolated legs are left alone: each is
an account in effect, with a margin that the other has no claim to. Source: docs/spec/perpetuals.md,
section 5.
"""

from ledger.engine.kernels.clock.deleveraging import pass_lots
from ledger.engine.kernels.margin.positions import find_position
from ledger.engine.margin_layout import LONG, SHORT
from ledger.engine.state import Results, State
from ledger.records.codes import EventKind
from matching.jit import i64, inner
from matching.layout import NIL

_LEGS_NETTED = int(EventKind.LEGS_NETTED)


@inner
def find_offset(state: State, row: int) -> int:
    """The open short leg beside a position that is an open cross long leg, else NIL."""
    rows = state.margin.positions
    if rows["leg"][row] != LONG or rows["qty_lots"][row] == 0 or rows["isolated"][row] != 0:
        return i64(NIL)
    account, instrument = i64(rows["account"][row]), i64(rows["instrument"][row])
    other = find_position(state, account, instrument, i64(SHORT))
    if other == NIL or rows["qty_lots"][other] == 0:
        return i64(NIL)
    return other


@inner
def count_offsets(state: State, account: int) -> int:
    """In how many perpetuals an account has two cross legs open."""
    if state.margin.accounts["hedged"][account] == 0:
        return i64(0)
    rows, count = state.margin.positions, i64(0)
    row = i64(state.margin.accounts["first"][account]) - 1
    while row != NIL:
        if find_offset(state, row) != NIL:
            count += 1
        row = i64(rows["next"][row]) - 1
    return count


@inner
def net_legs(state: State, results: Results, account: int) -> None:
    """Close what both legs have, in each perpetual, the latest opened first; an event each."""
    rows, marks = state.margin.positions, state.margin.contracts["mark_ticks"]
    row = i64(state.margin.accounts["first"][account]) - 1
    while row != NIL:
        other = find_offset(state, row)
        if other != NIL:
            lots = i64(min(rows["qty_lots"][row], -rows["qty_lots"][other]))
            terms = (-lots, i64(marks[i64(rows["instrument"][row])]))
            pass_lots(state, results, _LEGS_NETTED, (row, other), terms)
        row = i64(rows["next"][row]) - 1
