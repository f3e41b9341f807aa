"""Makes and grows the state's arrays, and names their canonical part.

Allocation happens here, between kernels. New rows are zero and untouched: the system gives them
memory when they are first used.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine import layout
from ledger.engine.limits import Capacity
from ledger.engine.root import Table, TableId
from ledger.engine.state import State
from matching.arena import grown, new_book
from matching.arena import make_room as make_book_room
from matching.layout import NIL

MIN_ROWS: Final = 64
POOL_HEAD: Final = np.dtype([(name, "<i8") for name in ("order_high", "order_free", "order_open")])
"""The canonical part of the book's pool."""


def new_state(capacity: Capacity) -> State:
    """The state before the first command: the venue's own accounts, and nothing listed."""
    assert capacity.fits(), "limits that the arrays can hold"
    header = np.zeros(1, layout.HEADER)
    header["accounts_max"] = capacity.accounts
    header["assets_max"] = capacity.assets
    header["instruments_max"] = capacity.instruments
    header["orders_max"] = capacity.orders
    header["withdrawals_max"] = capacity.withdrawals
    header["account_count"] = layout.CUSTOMER_FIRST
    header["cleared_head"] = NIL
    header["cleared_tail"] = NIL
    book = new_book()
    return State(
        header=header,
        accounts=np.zeros(MIN_ROWS, layout.ACCOUNT_ROW),
        assets=np.zeros(MIN_ROWS, layout.ASSET_ROW),
        instruments=np.zeros(MIN_ROWS, layout.INSTRUMENT_ROW),
        orders=np.zeros(len(book.orders), layout.ORDER_ROW),
        withdrawals=np.zeros(MIN_ROWS, layout.WITHDRAWAL_ROW),
        batches=np.zeros(MIN_ROWS, layout.BATCH_ROW),
        payouts=np.zeros(MIN_ROWS, layout.PAYOUT_ROW),
        balances=np.zeros((MIN_ROWS, MIN_ROWS), layout.BALANCE),
        drift_minor=np.zeros(MIN_ROWS, np.int64),
        book=book,
    )


def make_room(state: State) -> State:
    """A state with the same content and space for whatever one more command adds.

    What is full doubles, as far as the header's limits let it be used.
    """
    header = state.header[0]
    accounts = grown(state.accounts, _one_more(header, "account"))
    assets = grown(state.assets, _one_more(header, "asset"))
    instruments = grown(state.instruments, _one_more(header, "instrument"))
    withdrawals = grown(state.withdrawals, _one_more(header, "withdrawal"))
    book = make_book_room(state.book, 2 * int(header["instrument_count"]) + 2)
    return State(
        header=state.header,
        accounts=accounts,
        assets=assets,
        instruments=instruments,
        orders=grown(state.orders, len(book.orders)),
        withdrawals=withdrawals,
        batches=grown(state.batches, int(header["batch_count"]) + 1),
        payouts=grown(state.payouts, len(withdrawals)),
        balances=_grown_balances(state, len(assets), len(accounts)),
        drift_minor=grown(state.drift_minor, len(assets)),
        book=book,
    )


def _one_more(header: np.void, name: str) -> int:
    """Rows for one more, within the limit: at the limit a command is rejected, not stored."""
    return min(int(header[f"{name}_count"]) + 1, int(header[f"{name}s_max"]))


def _grown_balances(state: State, assets: int, accounts: int) -> NDArray[Any]:
    """Only listed assets are copied: the columns of others are nobody's memory yet."""
    former = state.balances
    if former.shape[0] >= assets and former.shape[1] >= accounts:
        return former
    listed = int(state.header["asset_count"][0])
    larger = np.zeros((assets, accounts), layout.BALANCE)
    larger[:listed, : former.shape[1]] = former[:listed]
    return larger


def canonical_tables(state: State) -> list[Table]:
    """The used rows of every canonical table, in the order of the root; views, not copies."""
    header, pool = state.header[0], state.book.pool
    head = np.zeros(1, POOL_HEAD)
    for name in ("order_high", "order_free", "order_open"):
        head[name] = pool[name]
    slots, accounts = int(pool["order_high"][0]), int(header["account_count"])
    tables = {
        TableId.HEADER: state.header,
        TableId.POOL: head,
        TableId.ACCOUNTS: state.accounts[:accounts],
        TableId.ASSETS: state.assets[: int(header["asset_count"])],
        TableId.INSTRUMENTS: state.instruments[: int(header["instrument_count"])],
        TableId.RESTING: state.book.orders[:slots],
        TableId.ORDERS: state.orders[:slots],
        TableId.WITHDRAWALS: state.withdrawals[: int(header["withdrawal_count"])],
        TableId.BATCHES: state.batches[: int(header["batch_count"])],
        TableId.PAYOUTS: state.payouts[: int(header["payout_count"])],
    }
    balances = [
        Table(TableId.BALANCES + asset, state.balances[asset, :accounts])
        for asset in range(int(header["asset_count"]))
    ]
    return [Table(table, rows) for table, rows in tables.items()] + balances
