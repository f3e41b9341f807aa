"""TICK: time passes, and what is due by then happens: marks, funding, liquidation, the fund.

A TICK may cause any number of events, and nobody knows how many before it is over. So it goes from
part to part, and stops where the event buffer has no room for what the next part may cause
(tick_room.py). The caller makes room, and it goes on from there: nothing comes in between, so that
the outcome is the same wherever it stops.
"""

from ledger.engine.kernels.base.checks import blank_from, unsigned
from ledger.engine.kernels.base.commands import (
    begin_command,
    count_drift,
    end_command,
    has_book_room,
    has_event_room,
    has_position_rows,
    must_wait,
)
from ledger.engine.kernels.base.oracle import make_index
from ledger.engine.kernels.base.reach import note_moves
from ledger.engine.kernels.base.sessions import is_trading
from ledger.engine.kernels.base.slack import renew
from ledger.engine.kernels.base.tick_room import events_of_phase, events_of_send
from ledger.engine.kernels.clock.insurance import deleverage_fund, share_losses
from ledger.engine.kernels.clock.isolated_liquidation import liquidate_isolated
from ledger.engine.kernels.clock.liquidation import (
    cancel_fallen,
    find_fallen,
    liquidate_fallen,
    send,
)
from ledger.engine.kernels.clock.loan_service import serve_loans, turn_hours
from ledger.engine.kernels.clock.overdrafts import charge_overdrafts
from ledger.engine.kernels.clock.phases import end_calls, forget_prices, set_phase, watch_swings
from ledger.engine.kernels.margin.judgement import price_collateral
from ledger.engine.kernels.margin.marks import move_marks
from ledger.engine.kernels.orders.sweeps import expire_due
from ledger.engine.kernels.orders.trailing import trail_prices
from ledger.engine.kernels.orders.triggers import fire_prices
from ledger.engine.margin_layout import INSURANCE, NO_ORACLE
from ledger.engine.state import Commands, Machine, Results, State, first_word
from ledger.records.codes import CommandKind, Reject
from ledger.records.layout import COMMAND
from matching.jit import i64, inner, kernel

_NONE = int(Reject.NONE)
_MALFORMED = int(Reject.MALFORMED)
_SET_PHASE = int(CommandKind.SET_PHASE)
_RESERVED = first_word(COMMAND, "reserved")

_STAGES = 14
_EXPIRIES, _SWINGS, _CALLS, _MARKS, _TRIGGERS, _LOANS, _OVERDRAFTS = range(1, 8)
_FALLS, _ORDERS, _FALLEN, _ISOLATED, _FUND, _SHORT, _LOSSES = range(8, 15)
"""The stages, in their order. Stage 0: no TICK is at work."""


@inner
def is_bare(commands: Commands, row: int) -> bool:
    """A TICK has no payload."""
    return unsigned(commands, row) and blank_from(commands, row, _RESERVED)


@inner
def make_indices(state: State, now_ns: int) -> None:
    """Every index, and what collateral is worth by it."""
    margin, header = state.margin, state.header
    for oracle in range(header["oracle_count"][0]):
        make_index(state, oracle, now_ns)
    for asset in range(header["collateral_end"][0]):
        oracle = i64(margin.collateral["oracle"][asset])
        if margin.collateral["num"][asset] != 0 and oracle != NO_ORACLE:
            margin.collateral["index_ticks"][asset] = margin.oracles["index_ticks"][oracle]


@inner
def see_swings(state: State, results: Results) -> bool:
    """What has moved too far begins a call."""
    if must_wait(results, i64(0), i64(state.header["instrument_count"][0])):
        return False
    watch_swings(state, results)
    forget_prices(state)
    return True


@inner
def unwind_fund(state: State, results: Results) -> bool:
    """The fund offers what it took over, at the mark or better.

    Returns whether all is done; each position is a part, and counts from 1.
    """
    rows, marks = state.margin.positions, state.margin.contracts["mark_ticks"]
    place = i64(results.frame["part"][0])
    if place == 0:
        place = i64(state.margin.accounts["first"][INSURANCE])
    while place != 0:
        row = place - 1
        lots = abs(rows["qty_lots"][row])
        if lots != 0 and is_trading(state, i64(rows["instrument"][row])):
            if must_wait(results, place, events_of_send(state, row)):
                return False
            send(state, results, row, lots, marks[i64(rows["instrument"][row])])
        place = i64(rows["next"][row])
    return True


@inner
def do_stage(state: State, results: Results, stage: int) -> bool:  # noqa: C901, PLR0911, PLR0912 - a line a stage
    """Go on with a stage; whether it is done, else its next part waits for room."""
    if stage == _EXPIRIES:
        return expire_due(state, results)
    if stage == _SWINGS:
        return see_swings(state, results)
    if stage == _CALLS:
        return end_calls(state, results)
    if stage == _MARKS:
        return move_marks(state, results)
    if stage == _TRIGGERS:
        return fire_prices(state, results)
    if stage == _LOANS:
        return serve_loans(state, results)
    if stage == _OVERDRAFTS:
        return charge_overdrafts(state, results)
    if stage == _FALLS:
        return find_fallen(state, results)
    if stage == _ORDERS:
        return cancel_fallen(state, results)
    if stage == _FALLEN:
        return liquidate_fallen(state, results)
    if stage == _ISOLATED:
        return liquidate_isolated(state, results)
    if stage == _FUND:
        return unwind_fund(state, results)
    if stage == _SHORT:
        return deleverage_fund(state, results)
    return share_losses(state, results)


@inner
def begin_stage(state: State, results: Results, stage: int) -> None:
    """What has no events comes before the stage that goes by it."""
    frame = results.frame
    if stage == _MARKS:
        make_indices(state, frame["time_ns"][0])
    elif stage == _TRIGGERS:
        renew(state)
        trail_prices(state)
    elif stage == _LOANS:
        turn_hours(state, results)
    elif stage == _FALLS:
        # Moves are counted from what `price_collateral` left at the last TICK.
        note_moves(state)
        price_collateral(state)
        frame["fallen"][0] = 0
    frame["stage"][0] = stage
    frame["part"][0] = 0
    frame["step"][0] = 0
    frame["busy"][0] = 0
    frame["stop"][0] = state.header["position_count"][0]


@inner
def pass_time(state: State, results: Results) -> bool:
    """Go on with the TICK at work; whether it is done, else it waits for room."""
    frame = results.frame
    while do_stage(state, results, i64(frame["stage"][0])):
        if frame["stage"][0] == _STAGES:
            frame["stage"][0] = 0
            return True
        begin_stage(state, results, i64(frame["stage"][0]) + 1)
    return False


@inner
def has_room(state: State, commands: Commands, results: Results, row: int) -> bool:
    """Whether the tables hold what a TICK may add, or the events fit that a SET_PHASE may cause."""
    fitting = has_book_room(state) and has_position_rows(state, 2)
    ticks = i64(commands.header["kind"][row]) != _SET_PHASE
    wanted = i64(0) if ticks else events_of_phase(state, commands, row)
    return has_event_room(results, wanted) and fitting


@kernel
def run_tick(machine: Machine, row: int) -> bool:
    """Execute one TICK or SET_PHASE, whose outcome is NONE or a `Reject`.

    A TICK is done in parts, each of which begins when there is room for its events. Between two
    calls it may stand anywhere among them: `frame.stage` says so, and nothing else may be executed.

    Returns:
        Whether it was: `frame.events_wanted` more events must fit, else it goes on no further.
    """
    state, commands, results = machine.state, machine.commands, machine.results
    if results.frame["stage"][0] == 0:
        if not has_room(state, commands, results, row):
            return False
        reject = begin_command(state, commands, results, row)
        ticks = i64(commands.header["kind"][row]) != _SET_PHASE
        if reject == _NONE and not ticks:
            reject = set_phase(state, commands, results, row)
        elif reject == _NONE and not is_bare(commands, row):
            reject = _MALFORMED
        if reject != _NONE or not ticks:
            end_command(state, commands, results, row, reject)
            count_drift(state, results)
            return True
        begin_stage(state, results, i64(_EXPIRIES))
    if not pass_time(state, results):
        return False
    end_command(state, commands, results, row, _NONE)
    count_drift(state, results)
    return True
