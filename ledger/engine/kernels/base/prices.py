"""The prices that trigger: the last trade's, the mark, the index."""

from ledger.engine.kernels.base.resting import is_contract
from ledger.engine.layout import INDEX, LAST, MARK
from ledger.engine.state import State
from ledger.records.codes import CommandFlag
from matching.jit import i64, inner

_ON_MARK = int(CommandFlag.ON_MARK)
_ON_INDEX = int(CommandFlag.ON_INDEX)


@inner
def source_of(flags: int) -> int:
    """Which price an order's flags choose."""
    if flags & _ON_MARK:
        return MARK
    return INDEX if flags & _ON_INDEX else LAST


@inner
def price_now(state: State, instrument: int, source: int) -> int:
    """Where a price stands; 0 when there is none yet, as always for a spot pair's mark or index."""
    if source == LAST:
        return i64(state.markets["last_ticks"][instrument])
    if not is_contract(state, instrument):
        return i64(0)
    if source == MARK:
        return i64(state.margin.contracts["mark_ticks"][instrument])
    rows = state.margin.perpetuals
    if i64(rows["interval_s"][instrument]) == 0:
        return i64(0)
    return i64(state.margin.oracles["index_ticks"][i64(rows["oracle"][instrument])])
