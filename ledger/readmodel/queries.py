"""Query kernels: they walk lists and chains and write row numbers; Python makes the views."""

from typing import Any

from numpy.typing import NDArray

from ledger.readmodel.chains import back_to_depth
from ledger.readmodel.fills import oldest_node
from ledger.readmodel.index import Name, find_name, find_number, hash_name, hash_number
from ledger.readmodel.layout import NODES_A_TRADE, NONE, Book, Tape, Vault
from ledger.readmodel.orders import find_order
from matching.jit import i64, inlined, kernel

ANY_INSTRUMENT = -1


@kernel
def row_of_order(book: Book, order_id: int) -> int:
    """The row of an order that is kept, else NONE."""
    return find_order(book, order_id)


@kernel
def row_of_pair(book: Book, account: int, instrument: int) -> int:
    """The pairs row of an account on an instrument, NONE when it never had an order there."""
    key = (account << 32) | instrument
    return find_number(book.by_pair, hash_number(book.salt, key), book.pairs["key"], key)


@kernel
def row_of_name(book: Book, name: Name) -> int:
    """The names row of an account's client order id, else NONE."""
    return find_name(book.by_name, hash_name(book.salt, name), book.names, name)


@kernel
def row_of_withdrawal_name(vault: Vault, name: Name) -> int:
    """The row of the latest withdrawal with an account's client id, else NONE."""
    return find_name(vault.by_name, hash_name(vault.salt, name), vault.withdrawals, name)


@kernel
def open_rows(book: Book, last: int, instrument: int, out: NDArray[Any]) -> int:
    """Write the open orders of the list that ends in `last`, latest first.

    Args:
        book: Read.
        last: The end of an account's list of open orders.
        instrument: Only this one's, or ANY_INSTRUMENT.
        out: int64; takes what fits.

    Returns:
        How many there are, whether they fitted or not.
    """
    prev, instruments = book.orders["queue_prev"], book.orders["instrument"]
    count, row = 0, last
    while row != NONE:
        if instrument in (ANY_INSTRUMENT, i64(instruments[row])):
            if count < out.shape[0]:
                out[count] = row
            count += 1
        row = prev[row]
    return count


@kernel
def latest_rows(prev: NDArray[Any], last: int, out: NDArray[Any]) -> int:
    """Write the last rows of a list, latest first; returns how many, at most out's length."""
    count, row = 0, last
    while row != NONE and count < out.shape[0]:
        out[count] = row
        count += 1
        row = prev[row]
    return count


@kernel
def rows_from(book: Book, last: int, from_id: int, out: NDArray[Any]) -> int:
    """Write the first orders of a pair's list whose id is at least from_id, in order of id.

    From an id that the pair has it starts at once; from another it walks back to it.
    """
    prev, after, ids = book.orders["pair_prev"], book.orders["pair_next"], book.orders["order_id"]
    if last == NONE or ids[last] < from_id:
        return 0
    row = find_order(book, from_id)
    if row == NONE or book.orders["pair"][row] != book.orders["pair"][last]:
        row = last
        while prev[row] != NONE and ids[prev[row]] >= from_id:
            row = prev[row]
    count = 0
    while row != NONE and count < out.shape[0]:
        out[count] = row
        count += 1
        row = after[row]
    return count


@inlined
def slot_of(tape: Tape, node: int) -> int:
    """The ring place of a node's trade."""
    return (node // NODES_A_TRADE) & (tape.trades.shape[0] - 1)


@inlined
def first_at_least(tape: Tape, floor: int, last: int, trade_id: int) -> int:
    """The first node of a chain whose trade id is at least this; the chain's last one is."""
    ids, prev, jump = tape.trades["trade_id"], tape.links["prev"], tape.links["jump"]
    mask = tape.links.shape[0] - 1
    node = last
    while True:
        far, near = jump[node & mask], prev[node & mask]
        if far >= floor and ids[slot_of(tape, far)] >= trade_id:
            node = far
        elif near >= floor and ids[slot_of(tape, near)] >= trade_id:
            node = near
        else:
            return node


@kernel
def trade_slots(tape: Tape, trade_count: int, last: int, from_id: int, out: NDArray[Any]) -> int:
    """Write the ring places of trades of one chain, latest first.

    Args:
        tape: Read.
        trade_count: How many trades there ever were.
        last: The chain's last node.
        from_id: The first trades from this id on; 0 for the latest ones.
        out: int64; as many as fit.

    Returns:
        How many were written.
    """
    floor = oldest_node(tape, trade_count)
    prev, depth = tape.links["prev"], tape.links["depth"]
    mask = tape.links.shape[0] - 1
    node = last
    if last < floor or tape.trades["trade_id"][slot_of(tape, last)] < from_id:
        return 0
    wanted = out.shape[0]
    if from_id > 0:
        first = first_at_least(tape, floor, last, from_id)
        wanted = min(wanted, depth[last & mask] - depth[first & mask] + 1)
        node = back_to_depth(tape.links, floor, last, depth[first & mask] + wanted - 1)
    count = 0
    while node >= floor and count < wanted:
        out[count] = slot_of(tape, node)
        count += 1
        node = prev[node & mask]
    return count


@kernel
def order_trade_slots(
    tape: Tape, trade_count: int, last: int, order_id: int, out: NDArray[Any]
) -> int:
    """Write the ring places of one order's trades, latest first; as `open_rows` returns."""
    floor = oldest_node(tape, trade_count)
    prev, trades = tape.links["prev"], tape.trades
    mask = tape.links.shape[0] - 1
    node, count = last, 0
    while node >= floor:
        slot = slot_of(tape, node)
        if trades["seq"][slot] < order_id:
            break
        if order_id in (trades["taker_order_id"][slot], trades["maker_order_id"][slot]):
            if count < out.shape[0]:
                out[count] = slot
            count += 1
        node = prev[node & mask]
    return count
