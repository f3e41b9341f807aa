"""From canonical tables back to a state that kernels may work on.

Everything that a kernel will use as an index or a divisor is checked before it is believed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger.engine import layout
from ledger.engine.errors import SnapshotCorrupt
from ledger.engine.limits import NOTIONAL_DEN_MAX, NOTIONAL_NUM_MAX, Capacity
from ledger.engine.root import TableId
from ledger.engine.state import State
from ledger.engine.tables import MIN_ROWS, new_state
from ledger.records.codes import WithdrawalStatus
from matching.arena import grown, make_room, new_book, rebuild
from matching.index import open_side
from matching.jit import i64, kernel
from matching.layout import NIL, Book
from matching.units import AMOUNT_MINOR_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX

Tables = Mapping[int, NDArray[Any]]


def restored_state(tables: Tables) -> State:
    """A state with the tables' content and every derived array rebuilt.

    Raises:
        SnapshotCorrupt: The tables contradict each other.
    """
    _check_counts(tables)
    _check_listings(tables)
    _check_withdrawals(tables)
    _check_orders(tables)
    empty = new_state(_capacity(tables))
    empty.header[:] = tables[TableId.HEADER]
    book = _restored_book(tables)
    assets, accounts = len(tables[TableId.ASSETS]), len(tables[TableId.ACCOUNTS])
    rows, columns = max(assets, MIN_ROWS), max(accounts, MIN_ROWS)
    balances = np.zeros((rows, columns), layout.BALANCE)
    for asset in range(assets):
        balances[asset, :accounts] = tables[TableId.BALANCES + asset]
    return State(
        header=empty.header,
        accounts=_copied(tables[TableId.ACCOUNTS], columns),
        assets=_copied(tables[TableId.ASSETS], rows),
        instruments=_copied(tables[TableId.INSTRUMENTS], MIN_ROWS),
        orders=_copied(tables[TableId.ORDERS], len(book.orders)),
        withdrawals=_copied(tables[TableId.WITHDRAWALS], MIN_ROWS),
        batches=_copied(tables[TableId.BATCHES], MIN_ROWS),
        payouts=_copied(tables[TableId.PAYOUTS], max(len(tables[TableId.WITHDRAWALS]), MIN_ROWS)),
        balances=balances,
        drift_minor=np.zeros(rows, np.int64),
        book=book,
    )


def _capacity(tables: Tables) -> Capacity:
    header = tables[TableId.HEADER][0]
    capacity = Capacity(
        accounts=int(header["accounts_max"]),
        assets=int(header["assets_max"]),
        instruments=int(header["instruments_max"]),
        orders=int(header["orders_max"]),
        withdrawals=int(header["withdrawals_max"]),
    )
    _require(holds=capacity.fits(), reason="limits beyond any engine's")
    return capacity


def _copied(rows: NDArray[Any], least: int) -> NDArray[Any]:
    table = np.zeros(max(len(rows), least), rows.dtype)
    table[: len(rows)] = rows
    return table


def _require(*, holds: bool | np.bool_, reason: str) -> None:
    if not holds:
        raise SnapshotCorrupt(reason)


def _within(column: NDArray[Any], low: int, high: int) -> bool:
    """Whether every entry is low <= entry < high."""
    return len(column) == 0 or bool(low <= int(column.min()) and int(column.max()) < high)


def _check_counts(tables: Tables) -> None:
    header, pool = tables[TableId.HEADER], tables[TableId.POOL]
    _require(holds=len(header) == 1 and len(pool) == 1, reason="header or pool has not one row")
    counts = {
        TableId.ACCOUNTS: "account",
        TableId.ASSETS: "asset",
        TableId.INSTRUMENTS: "instrument",
        TableId.WITHDRAWALS: "withdrawal",
        TableId.BATCHES: "batch",
        TableId.PAYOUTS: "payout",
    }
    for table, name in counts.items():
        counted = int(header[f"{name}_count"][0])
        _require(holds=len(tables[table]) == counted, reason=f"{name} rows differ from the count")
        if name not in {"batch", "payout"}:
            limit = int(header[f"{name}s_max"][0])
            _require(holds=counted <= limit, reason=f"more {name} rows than the limit")
    accounts, assets = len(tables[TableId.ACCOUNTS]), len(tables[TableId.ASSETS])
    _require(holds=accounts >= layout.CUSTOMER_FIRST, reason="system accounts are missing")
    balances = {table for table in tables if table >= TableId.BALANCES}
    expected = {TableId.BALANCES + asset for asset in range(assets)}
    _require(holds=balances == expected, reason="balances of other assets than are listed")
    for balance in expected:
        _require(holds=len(tables[balance]) == accounts, reason="balances of other accounts")
    slots = int(pool["order_high"][0])
    for table in (TableId.RESTING, TableId.ORDERS):
        _require(holds=len(tables[table]) == slots, reason="order slots differ from the pool")


def _check_listings(tables: Tables) -> None:
    assets, rows = tables[TableId.ASSETS], tables[TableId.INSTRUMENTS]
    _require(holds=_within(assets["unit_wei"], 1, 10**18 + 1), reason="an asset's unit")
    for name in ("base", "quote"):
        _require(holds=_within(rows[name], 0, len(assets)), reason=f"an instrument's {name}")
    bounds = {
        "lot_minor": AMOUNT_MINOR_MAX,
        "notional_num": NOTIONAL_NUM_MAX,
        "notional_den": NOTIONAL_DEN_MAX,
        "max_price_ticks": PRICE_TICKS_MAX,
        "max_qty_lots": QTY_LOTS_MAX,
    }
    for name, most in bounds.items():
        _require(holds=_within(rows[name], 1, most + 1), reason=f"an instrument's {name}")


def _check_withdrawals(tables: Tables) -> None:
    header, rows = tables[TableId.HEADER], tables[TableId.WITHDRAWALS]
    batches, payouts = tables[TableId.BATCHES], tables[TableId.PAYOUTS]
    _require(
        holds=_within(rows["account"], 0, len(tables[TableId.ACCOUNTS]))
        and _within(rows["asset"], 0, len(tables[TableId.ASSETS]))
        and _within(rows["status"], WithdrawalStatus.HELD, WithdrawalStatus.DENIED + 1),
        reason="a withdrawal's account, asset or status",
    )
    ids = rows["withdrawal_id"]
    _require(holds=bool(np.all(ids[1:] > ids[:-1])), reason="withdrawal ids do not ascend")
    for links in (rows["next"], header["cleared_head"], header["cleared_tail"]):
        _require(holds=_within(links, NIL, len(rows)), reason="the queue of cleared withdrawals")
    _require(holds=_within(payouts["withdrawal"], 0, len(rows)), reason="a payout's withdrawal")
    first, count = batches["payout_first"], batches["payout_count"]
    _require(
        holds=_within(first, 0, len(payouts) + 1)
        and _within(count, 1, layout.PAYOUTS_MAX + 1)
        and _within(first + count, 0, len(payouts) + 1),
        reason="a batch's payouts",
    )


def _check_orders(tables: Tables) -> None:
    rows, money = tables[TableId.RESTING], tables[TableId.ORDERS]
    pool, instruments = tables[TableId.POOL], tables[TableId.INSTRUMENTS]
    slots = len(rows)
    open_slots = np.flatnonzero(rows["order_id"] != 0)
    resting, priced = rows[open_slots], money[open_slots]
    counted = int(pool["order_open"][0])
    _require(holds=len(open_slots) == counted, reason="open orders differ from the pool")
    _require(
        holds=_within(resting["account"], layout.CUSTOMER_FIRST, len(tables[TableId.ACCOUNTS]))
        and _within(resting["side_index"], 0, 2 * len(instruments))
        and _within(resting["qty_lots"], 1, QTY_LOTS_MAX + 1)
        and _within(rows["next"], NIL, slots)
        and _within(rows["prev"], NIL, slots),
        reason="an order's account, side, size or place",
    )
    instrument = resting["side_index"] >> 1
    in_range = (
        (priced["price_ticks"] >= 1)
        & (priced["price_ticks"] <= instruments["max_price_ticks"][instrument])
        & (priced["carry"] >= 0)
        & (priced["carry"] < instruments["notional_den"][instrument])
    )
    _require(holds=bool(in_range.all()), reason="an order's price or carry")
    ids = resting["order_id"]
    _require(holds=len(np.unique(ids)) == len(ids), reason="an order id occurs twice")
    _check_queues(rows, money, open_slots)
    free = count_free(rows, int(pool["order_free"][0]))
    _require(holds=free == slots - counted, reason="the list of free slots")


def _check_queues(rows: NDArray[Any], money: NDArray[Any], open_slots: NDArray[Any]) -> None:
    """Each order's neighbours know it, and stand at its price; each price has one first order."""
    for there, back in (("next", "prev"), ("prev", "next")):
        linked = open_slots[rows[there][open_slots] != NIL]
        other = rows[there][linked]
        agree = (
            (rows[back][other] == linked)
            & (rows["order_id"][other] != 0)
            & (rows["side_index"][other] == rows["side_index"][linked])
            & (money["price_ticks"][other] == money["price_ticks"][linked])
        )
        _require(holds=bool(agree.all()), reason="a queue is broken")
    heads = open_slots[rows["prev"][open_slots] == NIL]
    places = np.stack([rows["side_index"][heads], money["price_ticks"][heads]], axis=1)
    _require(holds=len(np.unique(places, axis=0)) == len(heads), reason="two queues at a price")


@kernel
def count_free(orders: NDArray[Any], first: int) -> int:
    """The length of the list of free slots; -1 when it leads nowhere, or in a circle."""
    slots = orders.shape[0]
    count = 0
    slot = first
    while slot != NIL:
        if not 0 <= slot < slots or orders["order_id"][slot] != 0 or count == slots:
            return -1
        count += 1
        slot = i64(orders["next"][slot])
    return count


def _restored_book(tables: Tables) -> Book:
    rows, pool = tables[TableId.RESTING], tables[TableId.POOL]
    instruments = tables[TableId.INSTRUMENTS]
    book = new_book()
    for name in ("order_high", "order_free", "order_open"):
        book.pool[name] = pool[name]
    book = book._replace(orders=grown(book.orders, len(rows) + 1))
    sides = 2 * len(instruments) + 2
    book = make_room(book, sides)
    book.orders[: len(rows)] = rows
    for instrument in range(len(instruments)):
        book = make_room(book, sides)
        max_key = int(instruments["max_price_ticks"][instrument])
        open_side(book, 2 * instrument, max_key)
        open_side(book, 2 * instrument + 1, max_key)
    keys = _keys(tables)
    slot = 0
    while slot < len(keys):
        book = make_room(book, sides)
        slot = rebuild(book, keys, slot)
    return book


def _keys(tables: Tables) -> NDArray[np.int64]:
    """The key of each order slot's price; whatever for free slots."""
    rows, prices = tables[TableId.RESTING], tables[TableId.ORDERS]["price_ticks"]
    highest = tables[TableId.INSTRUMENTS]["max_price_ticks"]
    instrument = rows["side_index"] >> 1
    if len(highest) == 0:
        return np.zeros(len(rows), np.int64)
    is_bid = (rows["side_index"] & 1) == 0
    return np.where(is_bid, highest[instrument] - prices, prices)
