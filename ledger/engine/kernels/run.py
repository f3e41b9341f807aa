"""The dispatcher: one pass over a batch of commands, in order."""

from ledger.engine.kernels.batches import confirm_batch, cut_batch, record_anchor, record_report
from ledger.engine.kernels.commands import (
    begin_command,
    end_command,
    fits,
    has_event_room,
    has_position_row,
    is_margins,
)
from ledger.engine.kernels.custody import credit_deposit, decide_withdrawal, request_withdrawal
from ledger.engine.kernels.listing import list_asset, list_instrument, open_account
from ledger.engine.kernels.orders import amend_order, cancel_order, new_order
from ledger.engine.kernels.sweeps import cancel_after, cancel_all, set_account
from ledger.engine.layout import PAYOUTS_MAX
from ledger.engine.state import Commands, Results, State
from ledger.records.codes import CommandKind, Reject
from matching.arena import PAGES_SPARE
from matching.jit import i64, inlined, kernel
from matching.layout import Book

_NEW_ORDER = int(CommandKind.NEW_ORDER)
_CANCEL_ORDER = int(CommandKind.CANCEL_ORDER)
_AMEND_ORDER = int(CommandKind.AMEND_ORDER)
_CANCEL_ALL = int(CommandKind.CANCEL_ALL)
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

_NONE = int(Reject.NONE)


@inlined
def swept_at_most(state: State, commands: Commands, row: int) -> int:
    """How many orders a sweep may take out: the account's own."""
    kind = i64(commands.header["kind"][row])
    account = i64(commands.header["account"][row])
    if kind not in (_CANCEL_ALL, _SET_ACCOUNT) or account >= state.header["account_count"][0]:
        return 0
    return i64(state.order_owners["count"][account])


@inlined
def events_wanted(state: State, commands: Commands, row: int) -> int:
    """The most events that a command may cause: an order meets each opposite one at most once."""
    instrument = i64(commands.order["instrument"][row])
    known = instrument < state.header["instrument_count"][0]
    kind = i64(commands.header["kind"][row])
    if kind != _NEW_ORDER or not known:
        return max(PAYOUTS_MAX, swept_at_most(state, commands, row))
    side = i64(commands.order["side"][row]) & 1
    return i64(state.book.sides["orders"][2 * instrument + 1 - side])


@inlined
def has_room_for_one(book: Book) -> bool:
    """Whether one more order, at a price of its own, fits an arena."""
    pool = book.pool
    return (
        i64(pool["order_open"][0]) < book.orders.shape[0]
        and i64(pool["level_open"][0]) < book.levels.shape[0]
        and i64(pool["page_open"][0]) + PAGES_SPARE <= book.pages.shape[0]
    )


@inlined
def has_book_room(state: State) -> bool:
    """Whether one more order, and two more sides, fit the book's arrays, and one more timer."""
    book, header = state.book, state.header
    pool = book.pool
    return (
        fits(pool["order_open"][0], book.orders.shape[0], header["orders_max"][0])
        and pool["level_open"][0] < book.levels.shape[0]
        and pool["page_open"][0] + PAGES_SPARE <= book.pages.shape[0]
        and has_room_for_one(state.timers)
        and 2 * header["instrument_count"][0] + 2 <= book.sides.shape[0]
    )


@inlined
def has_room(state: State, kind: int) -> bool:  # noqa: PLR0911 - one return a table
    """Whether the tables hold what one command of a kind may add."""
    h = state.header
    if kind <= _CANCEL_AFTER:
        return has_book_room(state) and has_position_row(state)
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


@inlined
def handle(state: State, commands: Commands, results: Results, row: int) -> int:  # noqa: C901, PLR0911, PLR0912 - one line a kind
    """Execute one command whose header is in order. Returns a `Reject`."""
    kind = i64(commands.header["kind"][row])
    if kind == _NEW_ORDER:
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
    return record_anchor(state, commands, results, row)


@kernel
def run(state: State, commands: Commands, results: Results, start: int, stop: int) -> int:
    """Execute commands start..stop-1 in order, as far as they are not margin's.

    Returns:
        The next command to execute: `stop`; or a command of `run_margin`; or, earlier, when a
        table is full or `frame.events_wanted` more events do not fit. Nothing of that command has
        happened yet.
    """
    for row in range(start, stop):
        kind = i64(commands.header["kind"][row])
        if is_margins(kind):
            return row
        wanted = events_wanted(state, commands, row)
        if not has_event_room(results, wanted) or not has_room(state, kind):
            return row
        reject = begin_command(state, commands, results, row)
        if reject == _NONE:
            reject = handle(state, commands, results, row)
        end_command(state, commands, results, row, reject)
    return stop
