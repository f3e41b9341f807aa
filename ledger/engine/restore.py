"""From canonical tables back to a state that kernels may work on.

Everything that a kernel will use as an index or a divisor is checked before it is believed.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger.engine import layout
from ledger.engine.caches import new_caches
from ledger.engine.credit_tables import check_credit, restored_credit
from ledger.engine.limits import NOTIONAL_DEN_MAX, NOTIONAL_NUM_MAX, Capacity
from ledger.engine.restore_margin import check_margin, restored_margin
from ledger.engine.restore_sessions import check_sessions, check_trails
from ledger.engine.root import TableId
from ledger.engine.soundness import (
    Tables,
    check_arena,
    check_holds,
    check_owners,
    check_terms,
    check_timers,
    check_triggers,
    is_within,
    require,
)
from ledger.engine.state import State
from ledger.engine.tables import MIN_ROWS, copied, new_state, new_timers
from ledger.margin.limits import INVERSE_NUM_MAX
from ledger.records.codes import Product, WithdrawalStatus
from matching.arena import grown, make_room, new_book, rebuild
from matching.index import open_side
from matching.layout import NIL, Book
from matching.units import AMOUNT_MINOR_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX


def restored_state(tables: Tables) -> State:
    """A state with the tables' content and every derived array rebuilt.

    Raises:
        SnapshotCorrupt: The tables contradict each other.
    """
    _check_counts(tables)
    _check_listings(tables)
    _check_withdrawals(tables)
    check_holds(tables)
    _check_orders(tables)
    check_owners(tables[TableId.RESTING], tables[TableId.ORDER_OWNERS], tables[TableId.ORDER_LINKS])
    check_triggers(tables)
    check_owners(
        tables[TableId.TRIGGERS], tables[TableId.PENDING_OWNERS], tables[TableId.PENDING_LINKS]
    )
    check_terms(tables)
    check_timers(tables)
    check_sessions(tables)
    check_trails(tables)
    check_margin(tables)
    check_credit(tables)
    empty = new_state(_capacity(tables))
    empty.header[:] = tables[TableId.HEADER]
    book = _restored_book(tables)
    triggers = _restored_triggers(tables)
    assets, accounts = len(tables[TableId.ASSETS]), len(tables[TableId.ACCOUNTS])
    rows, columns = max(assets, MIN_ROWS), max(accounts, MIN_ROWS)
    balances = np.zeros((rows, columns), layout.BALANCE)
    for asset in range(assets):
        balances[asset, :accounts] = tables[TableId.BALANCES + asset]
    margin = restored_margin(tables, len(book.orders))
    return State(
        header=empty.header,
        accounts=copied(tables[TableId.ACCOUNTS], columns),
        assets=copied(tables[TableId.ASSETS], rows),
        instruments=copied(tables[TableId.INSTRUMENTS], MIN_ROWS),
        orders=copied(tables[TableId.ORDERS], len(book.orders)),
        terms=copied(tables[TableId.TERMS], len(book.orders)),
        pending=copied(tables[TableId.PENDING], len(triggers.orders)),
        markets=copied(tables[TableId.MARKETS], MIN_ROWS),
        pending_links=copied(tables[TableId.PENDING_LINKS], len(triggers.orders)),
        pending_owners=copied(tables[TableId.PENDING_OWNERS], columns),
        order_links=copied(tables[TableId.ORDER_LINKS], len(book.orders)),
        order_owners=copied(tables[TableId.ORDER_OWNERS], columns),
        seats=copied(tables[TableId.SEATS], columns),
        withdrawals=copied(tables[TableId.WITHDRAWALS], MIN_ROWS),
        batches=copied(tables[TableId.BATCHES], MIN_ROWS),
        payouts=copied(tables[TableId.PAYOUTS], max(len(tables[TableId.WITHDRAWALS]), MIN_ROWS)),
        holds=copied(tables[TableId.HOLDS], MIN_ROWS),
        balances=balances,
        drift_minor=np.zeros(rows, np.int64),
        book=book,
        triggers=triggers,
        timers=_restored_timers(tables),
        margin=margin,
        caches=new_caches(columns, rows, len(tables[TableId.INSTRUMENTS]), len(margin.positions)),
        credit=restored_credit(tables, columns, rows),
        sessions=copied(tables[TableId.SESSIONS], MIN_ROWS),
        swings=copied(tables[TableId.SWINGS], MIN_ROWS * layout.BUCKETS),
        trail_owners=copied(tables[TableId.TRAIL_OWNERS], MIN_ROWS),
        trail_links=copied(tables[TableId.TRAIL_LINKS], len(triggers.orders)),
    )


def _capacity(tables: Tables) -> Capacity:
    header = tables[TableId.HEADER][0]
    capacity = Capacity(
        accounts=int(header["accounts_max"]),
        assets=int(header["assets_max"]),
        instruments=int(header["instruments_max"]),
        orders=int(header["orders_max"]),
        withdrawals=int(header["withdrawals_max"]),
        positions=int(header["positions_max"]),
        holds=int(header["holds_max"]),
    )
    require(holds=capacity.fits(), reason="limits beyond any engine's")
    return capacity


def _check_counts(tables: Tables) -> None:
    header, pool = tables[TableId.HEADER], tables[TableId.POOL]
    require(holds=len(header) == 1 and len(pool) == 1, reason="header or pool has not one row")
    counts = {
        TableId.ACCOUNTS: "account",
        TableId.ASSETS: "asset",
        TableId.INSTRUMENTS: "instrument",
        TableId.WITHDRAWALS: "withdrawal",
        TableId.BATCHES: "batch",
        TableId.PAYOUTS: "payout",
        TableId.HOLDS: "hold",
    }
    for table, name in counts.items():
        counted = int(header[f"{name}_count"][0])
        require(holds=len(tables[table]) == counted, reason=f"{name} rows differ from the count")
        if name not in {"batch", "payout"}:
            limit = int(header[f"{name}s_max"][0])
            require(holds=counted <= limit, reason=f"more {name} rows than the limit")
    accounts, assets = len(tables[TableId.ACCOUNTS]), len(tables[TableId.ASSETS])
    require(holds=accounts >= layout.CUSTOMER_FIRST, reason="system accounts are missing")
    balances = {table for table in tables if table >= TableId.BALANCES}
    expected = {TableId.BALANCES + asset for asset in range(assets)}
    require(holds=balances == expected, reason="balances of other assets than are listed")
    for balance in expected:
        require(holds=len(tables[balance]) == accounts, reason="balances of other accounts")
    for table in (TableId.ORDER_OWNERS, TableId.PENDING_OWNERS, TableId.SEATS):
        require(holds=len(tables[table]) == accounts, reason="rows of other accounts")
    slots = int(pool["order_high"][0])
    for table in (TableId.RESTING, TableId.ORDERS, TableId.TERMS, TableId.ORDER_LINKS):
        require(holds=len(tables[table]) == slots, reason="order slots differ from the pool")


def _check_listings(tables: Tables) -> None:
    assets, rows = tables[TableId.ASSETS], tables[TableId.INSTRUMENTS]
    require(holds=is_within(assets["unit_wei"], 1, 10**18 + 1), reason="an asset's unit")
    for name in ("base", "quote"):
        require(holds=is_within(rows[name], 0, len(assets)), reason=f"an instrument's {name}")
    bounds = {
        "lot_minor": AMOUNT_MINOR_MAX,
        "notional_num": INVERSE_NUM_MAX,
        "notional_den": NOTIONAL_DEN_MAX,
        "max_price_ticks": PRICE_TICKS_MAX,
        "max_qty_lots": QTY_LOTS_MAX,
    }
    for name, most in bounds.items():
        require(holds=is_within(rows[name], 1, most + 1), reason=f"an instrument's {name}")
    spot = rows["notional_num"][rows["product"] == Product.SPOT]
    require(holds=is_within(spot, 1, NOTIONAL_NUM_MAX + 1), reason="an instrument's notional_num")
    require(holds=is_within(rows["product"], 0, max(Product) + 1), reason="an instrument's product")


def _check_withdrawals(tables: Tables) -> None:
    header, rows = tables[TableId.HEADER], tables[TableId.WITHDRAWALS]
    batches, payouts = tables[TableId.BATCHES], tables[TableId.PAYOUTS]
    require(
        holds=is_within(rows["account"], 0, len(tables[TableId.ACCOUNTS]))
        and is_within(rows["asset"], 0, len(tables[TableId.ASSETS]))
        and is_within(rows["status"], WithdrawalStatus.HELD, WithdrawalStatus.DENIED + 1),
        reason="a withdrawal's account, asset or status",
    )
    ids = rows["withdrawal_id"]
    require(holds=bool(np.all(ids[1:] > ids[:-1])), reason="withdrawal ids do not ascend")
    for links in (rows["next"], header["cleared_head"], header["cleared_tail"]):
        require(holds=is_within(links, NIL, len(rows)), reason="the queue of cleared withdrawals")
    require(holds=is_within(payouts["withdrawal"], 0, len(rows)), reason="a payout's withdrawal")
    first, count = batches["payout_first"], batches["payout_count"]
    require(
        holds=is_within(first, 0, len(payouts) + 1)
        and is_within(count, 1, layout.PAYOUTS_MAX + 1)
        and is_within(first + count, 0, len(payouts) + 1),
        reason="a batch's payouts",
    )


def _check_orders(tables: Tables) -> None:
    rows, money = tables[TableId.RESTING], tables[TableId.ORDERS]
    pool, instruments = tables[TableId.POOL], tables[TableId.INSTRUMENTS]
    open_slots = np.flatnonzero(rows["order_id"] != 0)
    resting, priced = rows[open_slots], money[open_slots]
    require(
        holds=is_within(resting["account"], layout.CUSTOMER_FIRST, len(tables[TableId.ACCOUNTS]))
        and is_within(resting["side_index"], 0, 2 * len(instruments))
        and is_within(resting["qty_lots"], 1, QTY_LOTS_MAX + 1),
        reason="an order's account, side or size",
    )
    instrument = resting["side_index"] >> 1
    in_range = (
        (priced["price_ticks"] >= 1)
        & (priced["price_ticks"] <= instruments["max_price_ticks"][instrument])
        & (priced["carry"] >= 0)
        & (priced["carry"] < instruments["notional_den"][instrument])
    )
    require(holds=bool(in_range.all()), reason="an order's price or carry")
    check_arena(rows, money["price_ticks"], pool)


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


def _restored_triggers(tables: Tables) -> Book:
    highest = tables[TableId.INSTRUMENTS]["max_price_ticks"]
    book, sides = new_book(), 2 * layout.SOURCES * (len(highest) + 1)
    rows = tables[TableId.TRIGGERS]
    book = _begun(book, rows, tables[TableId.TRIGGER_POOL], sides)
    for side_index in range(2 * layout.SOURCES * len(highest)):
        book = make_room(book, sides)
        open_side(book, side_index, int(highest[side_index // (2 * layout.SOURCES)]))
    ticks = tables[TableId.PENDING]["trigger_ticks"].astype(np.int64)
    if len(highest) == 0:
        return book
    falling = highest[rows["side_index"] // (2 * layout.SOURCES)] - ticks
    return _indexed(book, np.where(rows["side_index"] & 1, ticks, falling), sides)


def _restored_timers(tables: Tables) -> Book:
    rows = tables[TableId.TIMERS]
    book = _begun(new_timers(), rows, tables[TableId.TIMER_POOL], 1)
    return _indexed(book, rows["qty_lots"].astype(np.int64), 1)


def _begun(book: Book, rows: NDArray[Any], pool: NDArray[Any], sides: int) -> Book:
    """An arena with its canonical rows, and nothing derived yet."""
    for name in ("order_high", "order_free", "order_open"):
        book.pool[name] = pool[name]
    book = make_room(book._replace(orders=grown(book.orders, len(rows) + 1)), sides)
    book.orders[: len(rows)] = rows
    return book


def _indexed(book: Book, keys: NDArray[np.int64], sides: int) -> Book:
    """The arena with its index rebuilt; keys of each slot, whatever for free slots."""
    slot = 0
    while slot < len(keys):
        book = make_room(book, sides)
        slot = rebuild(book, keys, slot)
    return book
