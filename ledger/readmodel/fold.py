"""The fold: one kernel over a batch, all of its kinds.

Kernels cannot allocate. Before anything else the fold counts the rows that each table must have for
this batch at most, and returns when one is too short: nothing has happened then, and whoever called
it grows the tables and calls again.
"""

from ledger.engine.margin_layout import POSITIONS_PER_ACCOUNT_MAX
from ledger.readmodel.layout import Groups, Records
from ledger.readmodel.money import apply_money
from ledger.readmodel.trading import DONE, apply_trading
from ledger.records.codes import CommandKind, EventKind
from matching.jit import i64, inner, kernel

NO_ROOM = -1

_NEW = int(CommandKind.NEW_ORDER)
_REPLACE = int(CommandKind.REPLACE_ORDER)
_SET_MARGIN_MODE = int(CommandKind.SET_MARGIN_MODE)
_SET_POSITION_MODE = int(CommandKind.SET_POSITION_MODE)
_LIST_ASSET = int(CommandKind.LIST_ASSET)
_LIST_INSTRUMENT = int(CommandKind.LIST_INSTRUMENT)
_CREDIT = int(CommandKind.CREDIT_DEPOSIT)
_REQUEST = int(CommandKind.REQUEST_WITHDRAWAL)
_OPENING = (
    int(EventKind.TRADE),
    int(EventKind.POSITION_TAKEN),
    int(EventKind.DELEVERAGED),
    int(EventKind.FUNDING_PAID),
    int(EventKind.MARGIN_MOVED),
)
"""Events whose two accounts may each need a position, or a list of trades, that it never had."""


@kernel
def fold(records: Records, tables: Groups, first_seq: int, count: int) -> int:
    """Fold a batch's commands and events into the tables.

    Args:
        records: The batch, in the first rows.
        tables: Mutated, unless there is no room.
        first_seq: The seq of the first command.
        count: So many commands.

    Returns:
        DONE; NO_ROOM, when a table is shorter than `tables.needs` now says; or the seq of a command
        whose results change an order that is not open, realize what does not follow, or name a
        withdrawal that is not known: then engine and read model disagree, and the tables are of no
        use.
    """
    book, holdings, vault = tables.book, tables.holdings, tables.vault
    stances = count_commands(records, tables, count)
    count_events(records, tables, count, stances)
    if lacks_room(tables):
        return NO_ROOM
    broken = apply_trading(records, book, tables.tape, holdings, first_seq, count)
    return broken if broken != DONE else apply_money(records, vault, first_seq, count)


@inner
def count_commands(records: Records, tables: Groups, count: int) -> int:
    """Begin `needs` anew with what commands take; returns how many change a position mode.

    Each new order may take an order row, a name and a pair, after those that are free. A refused
    command may name anything, and needs nothing.
    """
    commands, rejects = records.commands, records.outcomes["reject"]
    needs, counters = tables.needs, tables.book.counters
    orders, requests, deposits = i64(0), i64(0), i64(0)
    modes, stances = i64(0), i64(0)
    account, instrument, asset = i64(0), i64(0), i64(0)
    for i in range(count):
        if rejects[i] != 0:
            continue
        kind = commands["kind"][i]
        account = max(account, i64(commands["account"][i]))
        if kind in (_NEW, _REPLACE):
            orders += 1
        elif kind == _SET_MARGIN_MODE:
            modes += 1
        elif kind == _SET_POSITION_MODE:
            stances += 1
        elif kind == _LIST_ASSET:
            asset = max(asset, i64(records.assets["asset"][i]))
        elif kind == _LIST_INSTRUMENT:
            instrument = max(instrument, i64(records.listings["instrument"][i]))
        elif kind == _CREDIT:
            deposits += 1
        elif kind == _REQUEST:
            requests += 1
    fresh = max(0, orders - counters["order_free_count"][0])
    needs["orders"][0] = counters["order_used"][0] + fresh
    fresh = max(0, orders - counters["name_free_count"][0])
    needs["names"][0] = counters["name_used"][0] + fresh
    needs["pairs"][0] = counters["pair_used"][0] + orders + 2 * modes
    needs["positions"][0] = counters["position_used"][0] + 2 * modes
    needs["withdrawals"][0] = counters["withdrawal_used"][0] + requests
    needs["deposits"][0] = counters["deposit_used"][0] + deposits
    needs["accounts"][0] = account + 1
    needs["instruments"][0] = instrument + 1
    needs["assets"][0] = asset + 1
    return stances


@inner
def count_events(records: Records, tables: Groups, count: int, stances: int) -> None:
    """Add to `needs` what events take: a pair and a position for whoever may open one.

    Another position mode opens at most two rows beside each that its account has.
    """
    kinds, counts, needs = records.events["kind"], records.outcomes["events"], tables.needs
    total, opening = i64(0), i64(0)
    for i in range(count):
        total += i64(counts[i])
    for event in range(total):
        if kinds[event] in _OPENING:
            opening += 2
    needs["pairs"][0] += opening
    needs["positions"][0] += opening
    carried = min(POSITIONS_PER_ACCOUNT_MAX * stances, 2 * needs["positions"][0])
    needs["positions"][0] += carried


@inner
def lacks_room(tables: Groups) -> bool:
    """Whether a table is too short; indexes are as long as their tables need."""
    needs, book, vault = tables.needs, tables.book, tables.vault
    return bool(
        needs["orders"][0] > book.orders.shape[0]
        or needs["names"][0] > book.names.shape[0]
        or needs["pairs"][0] > book.pairs.shape[0]
        or needs["accounts"][0] > book.accounts.shape[0]
        or needs["positions"][0] > tables.holdings.positions.shape[0]
        or needs["instruments"][0] > tables.tape.instruments.shape[0]
        or needs["assets"][0] > vault.assets.shape[0]
        or needs["withdrawals"][0] > vault.withdrawals.shape[0]
        or needs["deposits"][0] > vault.deposits.shape[0]
    )
