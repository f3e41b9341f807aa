"""What both dispatchers do before and after each command, and what room they ask for."""

from typing import Final

from ledger.engine.layout import SOURCES
from ledger.engine.state import Commands, Results, State
from ledger.records.codes import RECORD_VERSION, CommandKind, Reject
from matching.arena import PAGES_SPARE
from matching.jit import i64, inner
from matching.layout import Book

_NEW_ORDER = int(CommandKind.NEW_ORDER)
_CANCEL_AFTER = int(CommandKind.CANCEL_AFTER)
_OPEN_ACCOUNT = int(CommandKind.OPEN_ACCOUNT)
_SET_LEVERAGE = int(CommandKind.SET_LEVERAGE)
_SET_ACCOUNT = int(CommandKind.SET_ACCOUNT)
_SET_MARGIN_MODE = int(CommandKind.SET_MARGIN_MODE)
_MOVE_MARGIN = int(CommandKind.MOVE_MARGIN)
_SET_POSITION_MODE = int(CommandKind.SET_POSITION_MODE)
_TRANSFER = int(CommandKind.TRANSFER)
_SET_MARGIN = int(CommandKind.SET_MARGIN)
_SET_LENDING = int(CommandKind.SET_LENDING)
_LIST_ASSET = int(CommandKind.LIST_ASSET)
_SET_FEES = int(CommandKind.SET_FEES)
_SET_ORACLE = int(CommandKind.SET_ORACLE)
_SET_MARKET = int(CommandKind.SET_MARKET)
_SET_PHASE = int(CommandKind.SET_PHASE)
_SET_FEE_TIERS = int(CommandKind.SET_FEE_TIERS)
_CREDIT_DEPOSIT = int(CommandKind.CREDIT_DEPOSIT)
_PLACE_HOLD = int(CommandKind.PLACE_HOLD)
_RELEASE_HOLD = int(CommandKind.RELEASE_HOLD)
_RECORD_REPORT = int(CommandKind.RECORD_REPORT)
_RECORD_ANCHOR = int(CommandKind.RECORD_ANCHOR)
_TICK = int(CommandKind.TICK)
_ORACLE_PRICE = int(CommandKind.ORACLE_PRICE)

MARGINS: Final = frozenset(
    {
        _SET_LEVERAGE,
        _SET_MARGIN_MODE,
        _MOVE_MARGIN,
        _SET_POSITION_MODE,
        _SET_MARGIN,
        _SET_FEE_TIERS,
        _SET_LENDING,
        _SET_MARKET,
        _SET_PHASE,
        _TICK,
        _ORACLE_PRICE,
        _PLACE_HOLD,
        _RELEASE_HOLD,
        *range(_SET_FEES, _SET_ORACLE + 1),
    }
)
"""The kinds that `run_margin` executes: seldom ones, compiled apart from the hot ones."""

_NONE = int(Reject.NONE)
_UNKNOWN_VERSION = int(Reject.UNKNOWN_VERSION)
_UNKNOWN_KIND = int(Reject.UNKNOWN_KIND)
_TIME_BACKWARDS = int(Reject.TIME_BACKWARDS)


@inner
def fits(count: int, rows: int, limit: int) -> bool:
    """Whether one more fits its table; at the limit it is rejected and needs no room."""
    return count < rows or count >= limit


EVENTS_OF_ISOLATED: Final = 3
"""An event of two isolated positions has one of each beside it: what their margins gained."""


@inner
def has_position_rows(state: State, more: int) -> bool:
    """Whether so many more positions fit, and one for each pending order that may trigger.

    A setting of an account in hedge mode opens two: both legs.
    """
    header = state.header
    rows = state.margin.positions.shape[0]
    last = header["position_count"][0] + state.triggers.pool["order_open"][0] + more - 1
    return bool(last < rows or rows >= header["positions_max"][0])


@inner
def has_room_for(book: Book, more: int) -> bool:
    """Whether `more` orders, each at a price of its own, fit an arena."""
    pool = book.pool
    return (
        i64(pool["order_open"][0]) + more <= book.orders.shape[0]
        and i64(pool["level_open"][0]) + more <= book.levels.shape[0]
        and i64(pool["page_open"][0]) + more * PAGES_SPARE <= book.pages.shape[0]
    )


@inner
def has_book_room(state: State) -> bool:
    """Whether one more order fits every arena, and two more sides.

    All that is pending may come to rest in the same command, and each trigger that trails move to
    a price of its own. At the limit none is added.
    """
    sides = 2 * state.header["instrument_count"][0] + 2
    pending = i64(state.triggers.pool["order_open"][0])
    full = state.book.pool["order_open"][0] + pending >= state.header["orders_max"][0]
    moving = state.header["trailing_count"][0]
    return (
        (full or has_room_for(state.book, pending + 1))
        and (moving == 0 or has_room_for(state.triggers, moving))
        and (full or has_room_for(state.triggers, 1 + moving))
        and has_room_for(state.timers, 1)
        and sides <= state.book.sides.shape[0]
        and SOURCES * sides <= state.triggers.sides.shape[0]
    )


@inner
def is_positions(kind: int) -> bool:
    """Whether a kind says how an account's positions stand."""
    return kind in (_SET_MARGIN_MODE, _MOVE_MARGIN, _SET_POSITION_MODE)


@inner
def is_known(kind: int) -> bool:
    """Whether a kind is one of `CommandKind`."""
    return (
        _NEW_ORDER <= kind <= _CANCEL_AFTER
        or kind in (_OPEN_ACCOUNT, _SET_LEVERAGE, _SET_ACCOUNT)
        or is_positions(kind)
        or kind in (_TRANSFER, _SET_MARGIN, _SET_FEE_TIERS, _SET_LENDING)
        or _LIST_ASSET <= kind <= _SET_ORACLE
        or _SET_MARKET <= kind <= _SET_PHASE
        or _CREDIT_DEPOSIT <= kind <= _RELEASE_HOLD
        or _RECORD_REPORT <= kind <= _RECORD_ANCHOR
        or _TICK <= kind <= _ORACLE_PRICE
    )


@inner
def is_margins(kind: int) -> bool:
    """Whether a kind is one of MARGINS."""
    return (
        kind in (_SET_LEVERAGE, _SET_MARGIN, _SET_FEE_TIERS, _SET_LENDING)
        or is_positions(kind)
        or _SET_FEES <= kind <= _SET_ORACLE
        or _SET_MARKET <= kind <= _SET_PHASE
        or _PLACE_HOLD <= kind <= _RELEASE_HOLD
        or _TICK <= kind <= _ORACLE_PRICE
    )


@inner
def has_event_room(results: Results, wanted: int) -> bool:
    """Whether so many more events fit; the frame keeps how many were wanted."""
    frame = results.frame
    frame["events_wanted"][0] = wanted
    return bool(frame["event_count"][0] + wanted <= results.events.shape[0])


@inner
def must_wait(results: Results, part: int, wanted: int) -> bool:
    """Whether a part of a TICK has no room yet for its events; the frame then keeps which it is."""
    if has_event_room(results, wanted):
        return False
    results.frame["part"][0] = part
    return True


@inner
def clear_outcome(results: Results, row: int) -> None:
    """Forget whose outcome this row was before."""
    outcomes = results.outcomes
    outcomes["status"][row] = 0
    outcomes["subject_id"][row] = 0
    outcomes["filled_lots"][row] = 0
    outcomes["filled_quote_minor"][row] = 0
    outcomes["remaining_lots"][row] = 0
    outcomes["amount_minor"][row] = 0


@inner
def begin_command(state: State, commands: Commands, results: Results, row: int) -> int:
    """Number a command, clear its outcome, and check its header. Returns a `Reject`."""
    header, c, frame = state.header, commands.header, results.frame
    clear_outcome(results, row)
    header["seq"][0] += 1
    frame["seq"][0] = header["seq"][0]
    frame["time_ns"][0] = c["time_ns"][row]
    frame["event_first"][0] = frame["event_count"][0]
    if i64(c["version"][row]) != RECORD_VERSION:
        return _UNKNOWN_VERSION
    if not is_known(i64(c["kind"][row])):
        return _UNKNOWN_KIND
    return _TIME_BACKWARDS if c["time_ns"][row] < header["time_ns"][0] else _NONE


@inner
def end_command(state: State, commands: Commands, results: Results, row: int, reject: int) -> None:
    """Write a command's outcome; what took effect sets the time."""
    c, frame, outcomes = commands.header, results.frame, results.outcomes
    if reject == _NONE:
        state.header["time_ns"][0] = c["time_ns"][row]
    outcomes["seq"][row] = frame["seq"][0]
    outcomes["kind"][row] = c["kind"][row]
    outcomes["reject"][row] = reject
    outcomes["events"][row] = frame["event_count"][0] - frame["event_first"][0]


@inner
def count_drift(state: State, results: Results) -> None:
    """Tell how many assets' changes do not cancel: none, unless a posting is wrong."""
    drifted = 0
    for asset in range(state.header["asset_count"][0]):
        if state.drift_minor[asset] != 0:
            drifted += 1
    results.frame["drifted"][0] = drifted
