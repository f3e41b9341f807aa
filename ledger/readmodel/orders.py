"""Kernels for the order table: orders come, change, close, and at last give their row back."""

from typing import Any

from numpy.typing import NDArray

from ledger.readmodel.index import (
    Name,
    find_name,
    find_number,
    hash_name,
    hash_number,
    hash_order_id,
    insert,
    name_at,
    remove,
    write_name,
)
from ledger.readmodel.layout import NONE, Book, Records
from ledger.readmodel.lists import append, unlink
from ledger.records.codes import CommandFlag, OrderStatus
from matching.jit import i64, inlined

_ALIVE = (
    int(OrderStatus.OPEN),
    int(OrderStatus.PARTLY_FILLED),
    int(OrderStatus.PENDING),
)
_OCO = int(CommandFlag.OCO)


@inlined
def take_row(table_next: NDArray[Any], used: NDArray[Any], free: NDArray[Any]) -> int:
    """A row to write: from the free list, else the next never used."""
    row: int = free[0]
    if row == NONE:
        row = used[0]
        used[0] += 1
    else:
        free[0] = table_next[row]
    return row


@inlined
def pair_of(book: Book, account: int, instrument: int) -> int:
    """The row of an account on an instrument; a new one the first time."""
    keys, used = book.pairs["key"], book.counters["pair_used"]
    key = (account << 32) | instrument
    hashed = hash_number(book.salt, key)
    row = find_number(book.by_pair, hashed, keys, key)
    if row == NONE:
        row = used[0]
        used[0] += 1
        keys[row] = key
        book.pairs["last_order"][row] = NONE
        book.pairs["last_node"][row] = 0
        book.pairs["position"][row] = NONE
        book.pairs["long"][row] = NONE
        book.pairs["short"][row] = NONE
        insert(book.by_pair, hashed, row)
    return row


@inlined
def name_of(book: Book, name: Name) -> int:
    """The row of an account's client id; a new one if it has none; NONE for an empty id."""
    if name.client_0 & 255 == 0:
        return NONE
    names, counters = book.names, book.counters
    hashed = hash_name(book.salt, name)
    row = find_name(book.by_name, hashed, names, name)
    if row == NONE:
        if counters["name_free"][0] != NONE:
            counters["name_free_count"][0] -= 1
        row = take_row(names["next"], counters["name_used"], counters["name_free"])
        names["hash"][row] = hashed
        names["last"][row] = NONE
        names["open"][row] = 0
        write_name(names, row, name)
        insert(book.by_name, hashed, row)
    return row


@inlined
def find_order(book: Book, order_id: int) -> int:
    """The row of an order that is kept, else NONE."""
    return find_number(
        book.by_id, hash_order_id(book.salt, order_id), book.orders["order_id"], order_id
    )


@inlined
def find_open(book: Book, order_id: int) -> int:
    """The row of an open order, else NONE."""
    row = find_order(book, order_id)
    return row if row != NONE and book.orders["is_open"][row] == 1 else NONE


@inlined
def add_order(book: Book, records: Records, i: int, order_id: int) -> int:
    """Write the order that command i made, open and unfilled; returns its row."""
    orders, counters, commands = book.orders, book.counters, records.commands
    account, instrument = i64(commands["account"][i]), i64(commands["instrument"][i])
    if counters["order_free"][0] != NONE:
        counters["order_free_count"][0] -= 1
    row = take_row(orders["queue_next"], counters["order_used"], counters["order_free"])
    orders["order_id"][row] = order_id
    orders["created_ns"][row] = commands["time_ns"][i]
    orders["price_ticks"][row] = commands["price_ticks"][i]
    orders["qty_lots"][row] = commands["qty_lots"][i]
    orders["quote_minor"][row] = commands["quote_minor"][i]
    orders["filled_lots"][row] = 0
    orders["filled_quote_minor"][row] = 0
    orders["realized_minor"][row] = 0
    orders["held_minor"][row] = 0
    orders["carry"][row] = 0
    orders["trigger_ticks"][row] = commands["trigger_ticks"][i]
    orders["display_lots"][row] = commands["display_lots"][i]
    orders["expire_ns"][row] = commands["expire_ns"][i]
    orders["target_id"][row] = commands["target_id"][i]
    orders["list_id"][row] = 0
    orders["triggered_ns"][row] = 0
    orders["prevented_lots"][row] = 0
    orders["ended"][row] = NONE
    orders["account"][row] = account
    orders["instrument"][row] = instrument
    orders["flags"][row] = commands["flags"][i]
    orders["side"][row] = commands["side"][i]
    orders["order_type"][row] = commands["order_type"][i]
    orders["time_in_force"][row] = commands["time_in_force"][i]
    orders["self_trade"][row] = commands["self_trade"][i]
    orders["is_open"][row] = 1
    pair = pair_of(book, account, instrument)
    name = name_of(book, name_at(commands, i))
    orders["pair"][row] = pair
    orders["name"][row] = name
    insert(book.by_id, hash_order_id(book.salt, order_id), row)
    lasts = book.pairs["last_order"]
    lasts[pair] = append(orders["pair_prev"], orders["pair_next"], lasts[pair], row)
    opens = book.accounts["last_open"]
    opens[account] = append(orders["queue_prev"], orders["queue_next"], opens[account], row)
    if name != NONE:
        named = book.names["last"]
        named[name] = append(orders["name_prev"], orders["name_next"], named[name], row)
        book.names["open"][name] += 1
    if orders["flags"][row] & _OCO:
        partner = find_open(book, commands["target_id"][i])
        orders["list_id"][row] = order_id
        if partner != NONE:
            orders["list_id"][partner] = order_id
    return row


@inlined
def set_status(book: Book, row: int, status: int, time_ns: int) -> None:
    """Give an open order its status; one that closes joins the queue to eviction."""
    orders, counters = book.orders, book.counters
    orders["status"][row] = status
    orders["updated_ns"][row] = time_ns
    if status in _ALIVE:
        return
    orders["is_open"][row] = 0
    account, name = orders["account"][row], orders["name"][row]
    opens = book.accounts["last_open"]
    opens[account] = unlink(orders["queue_prev"], orders["queue_next"], opens[account], row)
    if name != NONE:
        book.names["open"][name] -= 1
    orders["queue_next"][row] = NONE
    if counters["closed_count"][0] == 0:
        counters["closed_first"][0] = row
    else:
        orders["queue_next"][counters["closed_last"][0]] = row
    counters["closed_last"][0] = row
    counters["closed_count"][0] += 1
    if counters["closed_count"][0] > counters["closed_max"][0]:
        evict(book)


@inlined
def evict(book: Book) -> None:
    """Forget the order that has been closed the longest."""
    orders, counters = book.orders, book.counters
    row = counters["closed_first"][0]
    counters["closed_first"][0] = orders["queue_next"][row]
    counters["closed_count"][0] -= 1
    remove(book.by_id, hash_order_id(book.salt, orders["order_id"][row]), row)
    pair, name = orders["pair"][row], orders["name"][row]
    lasts = book.pairs["last_order"]
    lasts[pair] = unlink(orders["pair_prev"], orders["pair_next"], lasts[pair], row)
    if name != NONE:
        named = book.names["last"]
        named[name] = unlink(orders["name_prev"], orders["name_next"], named[name], row)
        if named[name] == NONE:
            forget_name(book, name)
    orders["order_id"][row] = 0
    orders["queue_next"][row] = counters["order_free"][0]
    counters["order_free"][0] = row
    counters["order_free_count"][0] += 1


@inlined
def forget_name(book: Book, name: int) -> None:
    """Give back the row of a client id that no kept order has."""
    names, counters = book.names, book.counters
    remove(book.by_name, names["hash"][name], name)
    names["next"][name] = counters["name_free"][0]
    counters["name_free"][0] = name
    counters["name_free_count"][0] += 1
