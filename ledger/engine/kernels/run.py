"""The dispatcher: one pass over a batch of commands, in order."""

from ledger.engine.kernels.batches import confirm_batch, cut_batch, record_anchor, record_report
from ledger.engine.kernels.custody import credit_deposit, decide_withdrawal, request_withdrawal
from ledger.engine.kernels.listing import list_asset, list_instrument, open_account
from ledger.engine.kernels.orders import amend_order, cancel_order, new_order
from ledger.engine.kernels.pending import trigger_side
from ledger.engine.kernels.sweeps import cancel_after, cancel_all, set_account
from ledger.engine.kernels.tick import tick
from ledger.engine.layout import PAYOUTS_MAX, SOURCES
from ledger.engine.limits import EXPIRIES_MAX, ICEBERG_PARTS_MAX
from ledger.engine.state import Commands, Results, State
from ledger.records.codes import RECORD_VERSION, CommandKind, Reject
from matching.arena import PAGES_SPARE
from matching.jit import i64, kernel, step
from matching.layout import Book

_NEW_ORDER = int(CommandKind.NEW_ORDER)
_CANCEL_ORDER = int(CommandKind.CANCEL_ORDER)
_AMEND_ORDER = int(CommandKind.AMEND_ORDER)
_CANCEL_ALL = int(CommandKind.CANCEL_ALL)
_REPLACE_ORDER = int(CommandKind.REPLACE_ORDER)
_CANCEL_AFTER = int(CommandKind.CANCEL_AFTER)
_SET_ACCOUNT = int(CommandKind.SET_ACCOUNT)
_OPEN_ACCOUNT = int(CommandKind.OPEN_ACCOUNT)
_LIST_ASSET = int(CommandKind.LIST_ASSET)
_LIST_INSTRUMENT = int(CommandKind.LIST_INSTRUMENT)
_CREDIT_DEPOSIT = int(CommandKind.CREDIT_DEPOSIT)
_REQUEST_WITHDRAWAL = int(CommandKind.REQUEST_WITHDRAWAL)
_DECIDE_WITHDRAWAL = int(CommandKind.DECIDE_WITHDRAWAL)
_CUT_BATCH = int(CommandKind.CUT_BATCH)
_CONFIRM_BATCH = int(CommandKind.CONFIRM_BATCH)
_RECORD_REPORT = int(CommandKind.RECORD_REPORT)
_RECORD_ANCHOR = int(CommandKind.RECORD_ANCHOR)
_TICK = int(CommandKind.TICK)

_NONE = int(Reject.NONE)
EVENTS_SPARE = 4
"""A replaced order, its partner, and the taker's own end."""

_UNKNOWN_VERSION = int(Reject.UNKNOWN_VERSION)
_UNKNOWN_KIND = int(Reject.UNKNOWN_KIND)
_TIME_BACKWARDS = int(Reject.TIME_BACKWARDS)


@step
def swept_at_most(state: State, commands: Commands, row: int) -> int:
    """How many orders a sweep may take out: the account's own, or what one TICK may end."""
    kind = i64(commands.header["kind"][row])
    account = i64(commands.header["account"][row])
    if kind == _TICK:
        return 2 * EXPIRIES_MAX
    if kind not in (_CANCEL_ALL, _SET_ACCOUNT) or account >= state.header["account_count"][0]:
        return 0
    owned = i64(state.order_owners["count"][account])
    return owned + i64(state.pending_owners["count"][account])


@step
def cascade_at_most(state: State, instrument: int) -> int:
    """The most events when everything pending triggers.

    Each trade, and each order that leaves, takes out an order, a slice of an iceberg, or a taker;
    so do those that come to rest meanwhile.
    """
    book_sides, sides = state.book.sides, state.triggers.sides
    resting = i64(book_sides["orders"][2 * instrument])
    resting += i64(book_sides["orders"][2 * instrument + 1])
    pending = i64(0)
    first = trigger_side(instrument, 0, 0)
    for side_index in range(first, first + 2 * SOURCES):
        pending += i64(sides["orders"][side_index])
    if pending == 0:
        return 0
    return 2 * resting + (ICEBERG_PARTS_MAX + 6) * (pending + 1)


@step
def events_wanted(state: State, commands: Commands, row: int) -> int:
    """The most events that a command may cause: an order meets each opposite one at most once."""
    instrument = i64(commands.order["instrument"][row])
    known = instrument < state.header["instrument_count"][0]
    kind = i64(commands.header["kind"][row])
    if kind not in (_NEW_ORDER, _REPLACE_ORDER) or not known:
        return max(PAYOUTS_MAX, swept_at_most(state, commands, row))
    side = i64(commands.order["side"][row]) & 1
    met = i64(state.book.sides["orders"][2 * instrument + 1 - side])
    met += ICEBERG_PARTS_MAX * i64(state.markets["icebergs"][instrument])
    return met + EVENTS_SPARE + cascade_at_most(state, instrument)


@step
def fits(count: int, rows: int, limit: int) -> bool:
    """Whether one more fits its table; at the limit it is rejected and needs no room."""
    return count < rows or count >= limit


@step
def has_room_for(book: Book, more: int) -> bool:
    """Whether `more` orders, each at a price of its own, fit an arena."""
    pool = book.pool
    return (
        i64(pool["order_open"][0]) + more <= book.orders.shape[0]
        and i64(pool["level_open"][0]) + more <= book.levels.shape[0]
        and i64(pool["page_open"][0]) + more * PAGES_SPARE <= book.pages.shape[0]
    )


@step
def has_book_room(state: State) -> bool:
    """Whether one more order fits every arena, and two more sides.

    All that is pending may come to rest in the same command. At the limit none is added.
    """
    sides = 2 * state.header["instrument_count"][0] + 2
    pending = i64(state.triggers.pool["order_open"][0])
    full = state.book.pool["order_open"][0] + pending >= state.header["orders_max"][0]
    return (
        (full or (has_room_for(state.book, pending + 1) and has_room_for(state.triggers, 1)))
        and has_room_for(state.timers, 1)
        and sides <= state.book.sides.shape[0]
        and SOURCES * sides <= state.triggers.sides.shape[0]
    )


@step
def has_room(state: State, kind: int) -> bool:  # noqa: PLR0911 - one return a table
    """Whether the tables hold what one command of a kind may add."""
    h = state.header
    if kind <= _CANCEL_AFTER:
        return has_book_room(state)
    if kind == _OPEN_ACCOUNT:
        return fits(h["account_count"][0], state.accounts.shape[0], h["accounts_max"][0])
    if kind == _LIST_ASSET:
        return fits(h["asset_count"][0], state.assets.shape[0], h["assets_max"][0])
    if kind == _LIST_INSTRUMENT:
        rows = state.instruments.shape[0]
        fitting = fits(h["instrument_count"][0], rows, h["instruments_max"][0])
        return fitting and has_book_room(state)
    if kind == _REQUEST_WITHDRAWAL:
        return fits(h["withdrawal_count"][0], state.withdrawals.shape[0], h["withdrawals_max"][0])
    if kind == _CUT_BATCH:
        return i64(h["batch_count"][0]) < state.batches.shape[0]
    return True


@step
def handle(state: State, commands: Commands, results: Results, row: int) -> int:  # noqa: C901, PLR0911, PLR0912 - one line a kind
    """Execute one command whose header is in order. Returns a `Reject`."""
    kind = i64(commands.header["kind"][row])
    if kind in (_NEW_ORDER, _REPLACE_ORDER):
        return new_order(state, commands, results, row)
    if kind == _CANCEL_ORDER:
        return cancel_order(state, commands, results, row)
    if kind == _AMEND_ORDER:
        return amend_order(state, commands, results, row)
    if kind == _CANCEL_ALL:
        return cancel_all(state, commands, results, row)
    if kind == _CANCEL_AFTER:
        return cancel_after(state, commands, results, row)
    if kind == _SET_ACCOUNT:
        return set_account(state, commands, results, row)
    if kind == _OPEN_ACCOUNT:
        return open_account(state, commands, results, row)
    if kind == _LIST_ASSET:
        return list_asset(state, commands, results, row)
    if kind == _LIST_INSTRUMENT:
        return list_instrument(state, commands, results, row)
    if kind == _CREDIT_DEPOSIT:
        return credit_deposit(state, commands, results, row)
    if kind == _REQUEST_WITHDRAWAL:
        return request_withdrawal(state, commands, results, row)
    if kind == _DECIDE_WITHDRAWAL:
        return decide_withdrawal(state, commands, results, row)
    if kind == _CUT_BATCH:
        return cut_batch(state, commands, results, row)
    if kind == _CONFIRM_BATCH:
        return confirm_batch(state, commands, results, row)
    if kind == _RECORD_REPORT:
        return record_report(state, commands, results, row)
    if kind == _RECORD_ANCHOR:
        return record_anchor(state, commands, results, row)
    return tick(state, commands, results, row)


@step
def is_known(kind: int) -> bool:
    """Whether a kind is one of `CommandKind`."""
    return (
        _NEW_ORDER <= kind <= _CANCEL_AFTER
        or kind in (_OPEN_ACCOUNT, _SET_ACCOUNT)
        or _LIST_ASSET <= kind <= _LIST_INSTRUMENT
        or _CREDIT_DEPOSIT <= kind <= _CONFIRM_BATCH
        or _RECORD_REPORT <= kind <= _RECORD_ANCHOR
        or kind == _TICK
    )


@kernel
def run(state: State, commands: Commands, results: Results, start: int, stop: int) -> int:
    """Execute commands start..stop-1 in order.

    Returns:
        The next command to execute: `stop`, or earlier when a table is full or
        `frame.events_wanted` more events do not fit; nothing of that command has happened yet.
    """
    header, c, frame, outcomes = state.header, commands.header, results.frame, results.outcomes
    for row in range(start, stop):
        kind = i64(c["kind"][row])
        wanted = events_wanted(state, commands, row)
        frame["events_wanted"][0] = wanted
        if frame["event_count"][0] + wanted > results.events.shape[0] or not has_room(state, kind):
            return row
        header["seq"][0] += 1
        frame["seq"][0] = header["seq"][0]
        frame["time_ns"][0] = c["time_ns"][row]
        frame["event_first"][0] = frame["event_count"][0]
        if i64(c["version"][row]) != RECORD_VERSION:
            reject = _UNKNOWN_VERSION
        elif not is_known(kind):
            reject = _UNKNOWN_KIND
        elif c["time_ns"][row] < header["time_ns"][0]:
            reject = _TIME_BACKWARDS
        else:
            reject = handle(state, commands, results, row)
        if reject == _NONE:
            header["time_ns"][0] = c["time_ns"][row]
        outcomes["seq"][row] = frame["seq"][0]
        outcomes["kind"][row] = kind
        outcomes["reject"][row] = reject
        outcomes["events"][row] = frame["event_count"][0] - frame["event_first"][0]
    return stop
