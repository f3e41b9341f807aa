"""How an instrument trades now: its phase, its price band, and the prices since the last TICK.

docs/spec/engine.md, section 12.
"""

from ledger.engine.kernels.base.resting import is_contract
from ledger.engine.state import Results, State
from ledger.margin.breaker import band_ticks
from ledger.records.codes import CommandFlag, Phase, Reject, Side, TimeInForce
from matching.index import key_of
from matching.jit import i64, inner

_BUY = int(Side.BUY)
_GTC = int(TimeInForce.GTC)
_GTD = int(TimeInForce.GTD)
_IOC = int(TimeInForce.IOC)
_POST_ONLY = int(CommandFlag.POST_ONLY)
_CONTINUOUS = int(Phase.CONTINUOUS)
_HALTED = int(Phase.HALTED)

_NONE = int(Reject.NONE)
_PRICE_OUT_OF_BAND = int(Reject.PRICE_OUT_OF_BAND)
_MARKET_HALTED = int(Reject.MARKET_HALTED)
_IN_CALL = int(Reject.IN_CALL)

NOTHING_CROSSES = -1
"""A limit key that is better than any price."""


@inner
def is_trading(state: State, instrument: int) -> bool:
    """Whether the instrument trades continuously."""
    halted = state.header["halted"][0] != 0
    return i64(state.sessions["phase"][instrument]) == _CONTINUOUS and not halted


@inner
def is_halted(state: State, instrument: int) -> bool:
    """Whether nothing may enter: the instrument's own phase, or the venue's."""
    own = i64(state.sessions["phase"][instrument]) == _HALTED
    return bool(own or state.header["halted"][0] != 0)


@inner
def is_guarded(state: State, instrument: int) -> bool:
    """Whether an order has more to pass than a book that trades at any price."""
    return bool(not is_trading(state, instrument) or state.sessions["band_ppm"][instrument] != 0)


@inner
def band_edge(state: State, instrument: int, side: int) -> int:
    """The worst price at which a side may trade now; 0 without a band, or a reference for it."""
    band_ppm = state.sessions["band_ppm"][instrument]
    if is_contract(state, instrument):
        reference_ticks = state.margin.contracts["mark_ticks"][instrument]
    else:
        reference_ticks = last_or_opening(state, instrument)
    if band_ppm == 0 or reference_ticks == 0:
        return 0
    most = state.instruments["max_price_ticks"][instrument]
    low_ticks, high_ticks = band_ticks(reference_ticks, band_ppm, most)
    return i64(high_ticks) if side == _BUY else i64(low_ticks)


@inner
def last_or_opening(state: State, instrument: int) -> int:
    """The last trade's price; before the first one the opening price."""
    last_ticks = i64(state.markets["last_ticks"][instrument])
    return last_ticks if last_ticks != 0 else i64(state.sessions["opening_ticks"][instrument])


@inner
def edge_key(state: State, results: Results) -> int:
    """The worst key of the other side within both the taker's limit and the price band."""
    taker = results.taker
    instrument, side = taker["instrument"][0], taker["side"][0]
    limit_key = i64(taker["limit_key"][0])
    edge_ticks = band_edge(state, instrument, side)
    if edge_ticks == 0:
        return limit_key
    return min(limit_key, key_of(state.book, 2 * instrument + 1 - side, edge_ticks))


@inner
def clip_market(state: State, results: Results) -> None:
    """A market order trades up to the band, and no further."""
    results.taker["limit_key"][0] = edge_key(state, results)


@inner
def clip_triggered(state: State, results: Results) -> None:
    """A triggered limit order beyond the band trades up to it, and does not rest."""
    taker = results.taker
    key = edge_key(state, results)
    if key < taker["limit_key"][0]:
        taker["limit_key"][0] = key
        if taker["time_in_force"][0] in (_GTC, _GTD):
            taker["time_in_force"][0] = _IOC


@inner
def check_session(state: State, results: Results) -> int:
    """Whether a new order may enter in this phase, at this price; in a call it will not trade.

    Returns a `Reject`.
    """
    taker = results.taker
    instrument = taker["instrument"][0]
    if is_halted(state, instrument):
        return _MARKET_HALTED
    limit = taker["is_limit"][0] != 0
    if is_trading(state, instrument):
        beyond = limit and edge_key(state, results) < taker["limit_key"][0]
        return _PRICE_OUT_OF_BAND if beyond else _NONE
    if not limit or taker["time_in_force"][0] not in (_GTC, _GTD):
        return _IN_CALL
    if taker["flags"][0] & _POST_ONLY:
        return _IN_CALL
    taker["limit_key"][0] = NOTHING_CROSSES
    return _NONE


@inner
def note_price(state: State, instrument: int, price_ticks: int) -> None:
    """Remember the price of a trade until the next TICK."""
    rows = state.sessions
    if rows["low_ticks"][instrument] == 0 or price_ticks < rows["low_ticks"][instrument]:
        rows["low_ticks"][instrument] = price_ticks
    rows["high_ticks"][instrument] = max(rows["high_ticks"][instrument], price_ticks)


@inner
def note_prices(state: State, results: Results) -> None:
    """Remember the prices of the taker's trades: the first and the last are its extremes."""
    taker = results.taker
    instrument = taker["instrument"][0]
    note_price(state, instrument, taker["first_ticks"][0])
    note_price(state, instrument, taker["last_ticks"][0])
