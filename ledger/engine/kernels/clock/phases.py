"""SET_MARKET, SET_PHASE, and what a TICK does about phases: halts, calls, reopenings."""

from ledger.engine.kernels.base.checks import blank_from, unsigned
from ledger.engine.kernels.base.commands import must_wait
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.base.resting import is_contract
from ledger.engine.kernels.base.sessions import is_trading
from ledger.engine.kernels.base.tick_room import events_of_reopening
from ledger.engine.kernels.base.timers import NS
from ledger.engine.kernels.orders.auction import uncross
from ledger.engine.kernels.orders.triggers import fire
from ledger.engine.layout import BUCKETS
from ledger.engine.limits import CALL_S_MAX, WINDOW_S_MAX
from ledger.engine.state import Commands, Results, State, first_word
from ledger.margin.breaker import MOVE_PPM_MAX
from ledger.records.codes import AuctionReference, EventKind, Phase, PhaseScope, Reject
from ledger.records.layout import MARKET, PHASE
from matching.jit import i64, inner
from matching.units import PPM

_PHASE_CHANGED = int(EventKind.PHASE_CHANGED)
_CONTINUOUS = int(Phase.CONTINUOUS)
_HALTED = int(Phase.HALTED)
_CALL = int(Phase.CALL)
_PHASE_LAST = int(max(Phase))
_VENUE = int(PhaseScope.VENUE)
_REFERENCE_LAST = int(max(AuctionReference))

_NONE = int(Reject.NONE)
_UNKNOWN_INSTRUMENT = int(Reject.UNKNOWN_INSTRUMENT)
_MALFORMED = int(Reject.MALFORMED)
_PRICE_OUT_OF_RANGE = int(Reject.PRICE_OUT_OF_RANGE)
_AMOUNT_OUT_OF_RANGE = int(Reject.AMOUNT_OUT_OF_RANGE)
_WRONG_STATE = int(Reject.WRONG_STATE)

_MARKET_RESERVED = first_word(MARKET, "reserved")
_PHASE_RESERVED = first_word(PHASE, "reserved")


@inner
def forget_swings(state: State, instrument: int) -> None:
    """Begin the window of the volatility halt anew."""
    for row in range(instrument * BUCKETS, (instrument + 1) * BUCKETS):
        state.swings["bucket"][row] = 0
        state.swings["low_ticks"][row] = 0
        state.swings["high_ticks"][row] = 0


@inner
def set_market(state: State, commands: Commands, results: Results, row: int) -> int:
    """SET_MARKET: price band, volatility halt, auction. Returns a `Reject`."""
    c, rows = commands.market, state.sessions
    instrument = i64(c["instrument"][row])
    if instrument >= state.header["instrument_count"][0]:
        return _UNKNOWN_INSTRUMENT
    reference_last = _REFERENCE_LAST if is_contract(state, instrument) else 0
    if (
        not unsigned(commands, row)
        or not blank_from(commands, row, _MARKET_RESERVED)
        or i64(c["reference"][row]) > reference_last
    ):
        return _MALFORMED
    most_ticks = state.instruments["max_price_ticks"][instrument]
    if not 0 <= c["opening_ticks"][row] <= most_ticks:
        return _PRICE_OUT_OF_RANGE
    watched = 1 if c["halt_ppm"][row] != 0 else 0
    if (
        not 0 <= c["band_ppm"][row] <= MOVE_PPM_MAX
        or not 0 <= c["halt_ppm"][row] <= MOVE_PPM_MAX
        or not watched <= c["window_s"][row] <= WINDOW_S_MAX * watched
        or not 0 <= c["reopen_s"][row] <= CALL_S_MAX * watched
    ):
        return _AMOUNT_OUT_OF_RANGE
    rows["band_ppm"][instrument] = c["band_ppm"][row]
    rows["halt_ppm"][instrument] = c["halt_ppm"][row]
    rows["window_s"][instrument] = c["window_s"][row]
    rows["reopen_s"][instrument] = c["reopen_s"][row]
    rows["opening_ticks"][instrument] = c["opening_ticks"][row]
    rows["reference"][instrument] = c["reference"][row]
    forget_swings(state, instrument)
    results.outcomes["subject_id"][row] = instrument
    return _NONE


@inner
def report_phase(results: Results, instrument: int, phase: int) -> int:
    """An event about an instrument, or the venue, that is in another phase now; its row."""
    event = begin_event(results, _PHASE_CHANGED)
    results.events["instrument"][event] = instrument
    results.events["flags"][event] = phase
    return event


@inner
def leave_trading(
    state: State, results: Results, instrument: int, phase: int, until_ns: int
) -> None:
    """Halt an instrument, or begin its call."""
    state.sessions["phase"][instrument] = phase
    state.sessions["call_until_ns"][instrument] = until_ns
    report_phase(results, instrument, phase)


@inner
def reopen(state: State, results: Results, instrument: int) -> None:
    """Uncross, tell the price, trade continuously, and trigger what that price reaches."""
    rows = state.sessions
    rows["phase"][instrument] = _CONTINUOUS
    rows["call_until_ns"][instrument] = 0
    rows["low_ticks"][instrument] = 0
    rows["high_ticks"][instrument] = 0
    forget_swings(state, instrument)
    price_ticks, lots = uncross(state, results, instrument)
    event = report_phase(results, instrument, _CONTINUOUS)
    results.events["price_ticks"][event] = price_ticks
    results.events["qty_lots"][event] = lots
    span = (i64(rows["low_ticks"][instrument]), i64(rows["high_ticks"][instrument]))
    if span[0] != 0:
        fire(state, results, instrument, span)


@inner
def set_venue_phase(state: State, results: Results, phase: int, until_ns: int) -> int:
    """The whole venue: its kill switch on, off, or off with a call in every instrument."""
    header = state.header
    halted = header["halted"][0] != 0
    if phase != _CALL and halted == (phase == _HALTED):
        return _WRONG_STATE
    header["halted"][0] = 1 if phase == _HALTED else 0
    report_phase(results, i64(0), phase | _VENUE << 8)
    if phase == _CALL:
        for instrument in range(header["instrument_count"][0]):
            leave_trading(state, results, instrument, phase, until_ns)
    return _NONE


@inner
def set_phase(state: State, commands: Commands, results: Results, row: int) -> int:
    """SET_PHASE. Returns a `Reject`; unless it is NONE nothing changed."""
    c = commands.phase
    instrument, phase = i64(c["instrument"][row]), i64(c["phase"][row])
    until_ns = i64(c["until_ns"][row])
    flags = i64(c["flags"][row])
    wide = flags == _VENUE
    if not wide and instrument >= state.header["instrument_count"][0]:
        return _UNKNOWN_INSTRUMENT
    if (
        i64(c["account"][row]) != 0
        or flags & ~_VENUE != 0
        or (wide and instrument != 0)
        or not blank_from(commands, row, _PHASE_RESERVED)
        or phase > _PHASE_LAST
        or (until_ns != 0 and (phase != _CALL or until_ns <= c["time_ns"][row]))
    ):
        return _MALFORMED
    results.outcomes["subject_id"][row] = instrument
    if wide:
        reject = set_venue_phase(state, results, phase, until_ns)
    elif phase == _CALL or phase != i64(state.sessions["phase"][instrument]):
        reject = _NONE
        if phase != _CONTINUOUS:
            leave_trading(state, results, instrument, phase, until_ns)
        elif state.header["halted"][0] != 0:
            reject = _WRONG_STATE
        else:
            reopen(state, results, instrument)
    else:
        reject = _WRONG_STATE
    if reject != _NONE:
        results.outcomes["subject_id"][row] = 0
    return reject


@inner
def take_swing(state: State, instrument: int, time_ns: int) -> tuple[int, int]:
    """Take the prices since the last TICK into the window: its (lowest, highest) price, or 0s."""
    rows, swings = state.sessions, state.swings
    first = instrument * BUCKETS
    bucket = time_ns // (rows["window_s"][instrument] * (NS // BUCKETS))
    at = first + bucket % BUCKETS
    if swings["bucket"][at] != bucket:
        swings["bucket"][at] = bucket
        swings["low_ticks"][at] = 0
        swings["high_ticks"][at] = 0
    low, high = rows["low_ticks"][instrument], rows["high_ticks"][instrument]
    if low != 0:
        if i64(swings["low_ticks"][at]) == 0 or low < i64(swings["low_ticks"][at]):
            swings["low_ticks"][at] = low
        swings["high_ticks"][at] = max(i64(swings["high_ticks"][at]), high)
    lowest = highest = i64(0)
    for place in range(first, first + BUCKETS):
        if swings["bucket"][place] <= bucket - BUCKETS:
            swings["bucket"][place] = 0
            swings["low_ticks"][place] = 0
            swings["high_ticks"][place] = 0
        low = i64(swings["low_ticks"][place])
        if low != 0:
            lowest = low if lowest == 0 else min(lowest, low)
            highest = max(highest, i64(swings["high_ticks"][place]))
    return lowest, highest


@inner
def watch_swings(state: State, results: Results) -> None:
    """At a TICK: what has moved too far within its window begins a call."""
    rows, time_ns = state.sessions, results.frame["time_ns"][0]
    for instrument in range(state.header["instrument_count"][0]):
        halt_ppm = rows["halt_ppm"][instrument]
        if halt_ppm == 0 or not is_trading(state, instrument):
            continue
        lowest, highest = take_swing(state, instrument, time_ns)
        if (highest - lowest) * PPM > lowest * halt_ppm:
            reopen_s = rows["reopen_s"][instrument]
            until_ns = time_ns + reopen_s * NS if reopen_s > 0 else i64(0)
            leave_trading(state, results, instrument, _CALL, until_ns)


@inner
def end_calls(state: State, results: Results) -> bool:
    """At a TICK: calls whose end has come are uncrossed; none while the venue is halted.

    Returns whether all is done; each instrument is a part.
    """
    rows, time_ns = state.sessions, results.frame["time_ns"][0]
    if state.header["halted"][0] != 0:
        return True
    for instrument in range(results.frame["part"][0], state.header["instrument_count"][0]):
        until_ns = rows["call_until_ns"][instrument]
        if i64(rows["phase"][instrument]) == _CALL and 0 < until_ns <= time_ns:
            if must_wait(results, instrument, events_of_reopening(state, instrument)):
                return False
            reopen(state, results, instrument)
    return True


@inner
def forget_prices(state: State) -> None:
    """The next TICK begins with the prices from here on."""
    for instrument in range(state.header["instrument_count"][0]):
        state.sessions["low_ticks"][instrument] = 0
        state.sessions["high_ticks"][instrument] = 0
