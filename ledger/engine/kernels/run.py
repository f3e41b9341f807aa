"""The dispatcher: one pass over a batch of commands, in order."""

from ledger.engine.kernels.base.commands import (
    EVENTS_OF_ISOLATED,
    begin_command,
    count_drift,
    end_command,
    fits,
    has_book_room,
    has_event_room,
    has_position_rows,
    is_margins,
)
from ledger.engine.kernels.base.resting import is_contract
from ledger.engine.kernels.orders.foresight import foresee, foresee_first
from ledger.engine.kernels.orders.orders import new_order
from ledger.engine.kernels.orders.sweeps import cancel_after, cancel_all, set_account
from ledger.engine.kernels.orders.targets import amend_order, cancel_order
from ledger.engine.kernels.orders.triggers import cascade_at_most
from ledger.engine.kernels.venue.batches import (
    confirm_batch,
    cut_batch,
    record_anchor,
    record_report,
)
from ledger.engine.kernels.venue.custody import (
    credit_deposit,
    decide_withdrawal,
    request_withdrawal,
)
from ledger.engine.kernels.venue.listing import list_asset, list_instrument, open_account
from ledger.engine.kernels.venue.transfers import transfer
from ledger.engine.layout import PAYOUTS_MAX
from ledger.engine.limits import ICEBERG_PARTS_MAX
from ledger.engine.state import Commands, Machine, Results, State
from ledger.records.codes import CommandKind, Reject
from matching.jit import i64, inner, kernel

_NEW_ORDER = int(CommandKind.NEW_ORDER)
_CANCEL_ORDER = int(CommandKind.CANCEL_ORDER)
_AMEND_ORDER = int(CommandKind.AMEND_ORDER)
_CANCEL_ALL = int(CommandKind.CANCEL_ALL)
_REPLACE_ORDER = int(CommandKind.REPLACE_ORDER)
_CANCEL_AFTER = int(CommandKind.CANCEL_AFTER)
_SET_ACCOUNT = int(CommandKind.SET_ACCOUNT)
_TRANSFER = int(CommandKind.TRANSFER)
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
EVENTS_SPARE = 5
"""A replaced order, its partner, the taker's own end, and its loan."""


@inner
def swept_at_most(state: State, commands: Commands, row: int) -> int:
    """How many orders a sweep may take out: the account's own."""
    kind = i64(commands.header["kind"][row])
    account = i64(commands.header["account"][row])
    if kind not in (_CANCEL_ALL, _SET_ACCOUNT) or account >= state.header["account_count"][0]:
        return 0
    owned = i64(state.order_owners["count"][account])
    return owned + i64(state.pending_owners["count"][account])


@inner
def events_wanted(state: State, commands: Commands, row: int) -> int:
    """The most events that a command may cause: an order meets each opposite one at most once."""
    instrument = i64(commands.order["instrument"][row])
    known = instrument < state.header["instrument_count"][0]
    kind = i64(commands.header["kind"][row])
    if kind not in (_NEW_ORDER, _REPLACE_ORDER) or not known:
        return max(PAYOUTS_MAX, swept_at_most(state, commands, row))
    side = i64(commands.order["side"][row]) & 1
    met = i64(state.book.sides["orders"][2 * instrument + 1 - side])
    if is_contract(state, instrument):
        # Fills make positions smaller, and reduce-only orders of either side then leave.
        met += i64(state.book.sides["orders"][2 * instrument + side])
    met += ICEBERG_PARTS_MAX * i64(state.markets["icebergs"][instrument])
    pending = i64(state.triggers.pool["order_open"][0])
    wanted = met + EVENTS_SPARE + pending + cascade_at_most(state, instrument)
    return wanted * EVENTS_OF_ISOLATED if state.header["isolated_count"][0] > 0 else wanted


@inner
def has_room(state: State, kind: int) -> bool:  # noqa: PLR0911 - one return a table
    """Whether the tables hold what one command of a kind may add."""
    h = state.header
    if kind <= _CANCEL_AFTER:
        return has_book_room(state) and has_position_rows(state, 2)
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


@inner
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
    if kind == _TRANSFER:
        return transfer(state, commands, results, row)
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


@inner
def advance(state: State, commands: Commands, results: Results, start: int, stop: int) -> int:
    """Execute commands in order until one must wait; the next command."""
    foresee_first(state, commands, start, stop)
    for row in range(start, stop):
        foresee(state, commands, row, stop)
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


@kernel
def run(machine: Machine, start: int, stop: int) -> int:
    """Execute commands start..stop-1 in order, as far as they are not margin's.

    Returns:
        The next command to execute: `stop`; or a command of `run_margin`; or, earlier, when a
        table is full or `frame.events_wanted` more events do not fit. Nothing of that command has
        happened yet.
    """
    done = advance(machine.state, machine.commands, machine.results, start, stop)
    count_drift(machine.state, machine.results)
    return done
