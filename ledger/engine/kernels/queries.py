"""What reads ask of kernels: entry points that Python may call."""

from ledger.engine.kernels.account_margin import assess
from ledger.engine.kernels.auction import find_clearing
from ledger.engine.kernels.sessions import band_edge
from ledger.engine.state import State
from ledger.records.codes import Side
from matching.jit import i64, kernel

_BUY = int(Side.BUY)
_SELL = int(Side.SELL)


@kernel
def judge(state: State, account: int) -> tuple[int, int, int]:
    """(equity, maintenance, initial) of an account, in valuation units."""
    return assess(state, account)


@kernel
def survey(state: State, instrument: int) -> tuple[int, int, int, int, int]:
    """(lowest, highest price within the band, 0 without one; what an auction would do now).

    The last three are the auction's price, lots and surplus; all 0 while nothing overlaps.
    """
    found = find_clearing(state, instrument)
    low_ticks = band_edge(state, instrument, i64(_SELL))
    high_ticks = band_edge(state, instrument, i64(_BUY))
    return low_ticks, high_ticks, i64(found.price_ticks), i64(found.lots), i64(found.surplus_lots)
