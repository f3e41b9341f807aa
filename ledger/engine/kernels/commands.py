"""What both dispatchers do before and after each command, and what room they ask for."""

from typing import Final

from ledger.engine.state import Commands, Results, State
from ledger.records.codes import RECORD_VERSION, CommandKind, Reject
from matching.jit import i64, inlined

_NEW_ORDER = int(CommandKind.NEW_ORDER)
_CANCEL_ALL = int(CommandKind.CANCEL_ALL)
_CANCEL_AFTER = int(CommandKind.CANCEL_AFTER)
_OPEN_ACCOUNT = int(CommandKind.OPEN_ACCOUNT)
_SET_LEVERAGE = int(CommandKind.SET_LEVERAGE)
_SET_ACCOUNT = int(CommandKind.SET_ACCOUNT)
_LIST_ASSET = int(CommandKind.LIST_ASSET)
_SET_FEES = int(CommandKind.SET_FEES)
_SET_ORACLE = int(CommandKind.SET_ORACLE)
_CREDIT_DEPOSIT = int(CommandKind.CREDIT_DEPOSIT)
_CONFIRM_BATCH = int(CommandKind.CONFIRM_BATCH)
_RECORD_REPORT = int(CommandKind.RECORD_REPORT)
_RECORD_ANCHOR = int(CommandKind.RECORD_ANCHOR)
_TICK = int(CommandKind.TICK)
_ORACLE_PRICE = int(CommandKind.ORACLE_PRICE)

MARGINS: Final = frozenset(
    {_SET_LEVERAGE, _TICK, _ORACLE_PRICE, *range(_SET_FEES, _SET_ORACLE + 1)}
)
"""The kinds that `run_margin` executes: seldom ones, compiled apart from the hot ones."""

_NONE = int(Reject.NONE)
_UNKNOWN_VERSION = int(Reject.UNKNOWN_VERSION)
_UNKNOWN_KIND = int(Reject.UNKNOWN_KIND)
_TIME_BACKWARDS = int(Reject.TIME_BACKWARDS)


@inlined
def fits(count: int, rows: int, limit: int) -> bool:
    """Whether one more fits its table; at the limit it is rejected and needs no room."""
    return count < rows or count >= limit


@inlined
def has_position_row(state: State) -> bool:
    """Whether one more position fits."""
    header = state.header
    rows = state.margin.positions.shape[0]
    return fits(header["position_count"][0], rows, header["positions_max"][0])


@inlined
def is_known(kind: int) -> bool:
    """Whether a kind is one of `CommandKind`."""
    return (
        _NEW_ORDER <= kind <= _CANCEL_ALL
        or kind in (_CANCEL_AFTER, _OPEN_ACCOUNT, _SET_LEVERAGE, _SET_ACCOUNT)
        or _LIST_ASSET <= kind <= _SET_ORACLE
        or _CREDIT_DEPOSIT <= kind <= _CONFIRM_BATCH
        or _RECORD_REPORT <= kind <= _RECORD_ANCHOR
        or _TICK <= kind <= _ORACLE_PRICE
    )


@inlined
def is_margins(kind: int) -> bool:
    """Whether a kind is one of MARGINS."""
    return (
        kind == _SET_LEVERAGE or _SET_FEES <= kind <= _SET_ORACLE or _TICK <= kind <= _ORACLE_PRICE
    )


@inlined
def has_event_room(results: Results, wanted: int) -> bool:
    """Whether so many more events fit; the frame keeps how many were wanted."""
    frame = results.frame
    frame["events_wanted"][0] = wanted
    return bool(frame["event_count"][0] + wanted <= results.events.shape[0])


@inlined
def begin_command(state: State, commands: Commands, results: Results, row: int) -> int:
    """Number a command and check its header. Returns a `Reject`."""
    header, c, frame = state.header, commands.header, results.frame
    header["seq"][0] += 1
    frame["seq"][0] = header["seq"][0]
    frame["time_ns"][0] = c["time_ns"][row]
    frame["event_first"][0] = frame["event_count"][0]
    if i64(c["version"][row]) != RECORD_VERSION:
        return _UNKNOWN_VERSION
    if not is_known(i64(c["kind"][row])):
        return _UNKNOWN_KIND
    return _TIME_BACKWARDS if c["time_ns"][row] < header["time_ns"][0] else _NONE


@inlined
def end_command(state: State, commands: Commands, results: Results, row: int, reject: int) -> None:
    """Write a command's outcome; what took effect sets the time."""
    c, frame, outcomes = commands.header, results.frame, results.outcomes
    if reject == _NONE:
        state.header["time_ns"][0] = c["time_ns"][row]
    outcomes["seq"][row] = frame["seq"][0]
    outcomes["kind"][row] = c["kind"][row]
    outcomes["reject"][row] = reject
    outcomes["events"][row] = frame["event_count"][0] - frame["event_first"][0]
