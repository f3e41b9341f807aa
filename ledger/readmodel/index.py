"""Hash indexes: open addressing over SLOT arrays of a power of two, at most half full.

Hashes are by simple tabulation: one table of random words a key byte, joined by exclusive or. With
linear probing it keeps expected probes constant for any keys that are chosen without knowing the
tables, and it needs no multiplication that could wrap. Clients choose their order ids, so the
tables come from a secret seed. Removal shifts back what follows: no tombstones gather.

Source: Patrascu and Thorup, The Power of Simple Tabulation Hashing, STOC 2011.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.readmodel.layout import CLIENT_ID_BYTES, NONE, SLOT, WORD_BYTES
from matching.jit import i64, inlined, kernel

SLOTS_MIN: Final = 64
_RUN_BITS: Final = 3
_RUN_MASK: Final = (1 << _RUN_BITS) - 1


class Name(NamedTuple):
    """A client id of an account, its text as words, bytes in order."""

    account: int
    client_0: int
    client_1: int
    client_2: int
    client_3: int
    client_4: int


def salt_of(seed: int) -> NDArray[Any]:
    """The random words of all indexes, int64, shape (bytes of the longest key, 256).

    A zero byte's word is zero, so that hashing may pass over zero bytes.
    """
    rows = WORD_BYTES + CLIENT_ID_BYTES
    salt = np.random.default_rng(seed).integers(0, 2**63 - 1, (rows, 256), np.int64)
    salt[:, 0] = 0
    return salt


def empty_slots(count: int) -> NDArray[Any]:
    """A fresh index of `count` slots, a power of two."""
    assert count & (count - 1) == 0
    return np.zeros(count, SLOT)


@inlined
def hash_number(salt: NDArray[Any], number: int) -> int:
    """The hash of a non-negative int64."""
    mixed, byte = 0, 0
    while number != 0:
        mixed ^= salt[byte, number & 255]
        number >>= 8
        byte += 1
    return mixed


@inlined
def hash_order_id(salt: NDArray[Any], order_id: int) -> int:
    """A hash that keeps runs of eight consecutive ids side by side: they come and go together."""
    return (hash_number(salt, order_id >> _RUN_BITS) & ~_RUN_MASK) | (order_id & _RUN_MASK)


@inlined
def hash_word(salt: NDArray[Any], first: int, word: int, size: int) -> int:
    """The part of a hash that `size` bytes of a word give, with tables from `first` on."""
    mixed = 0
    if word != 0:
        for byte in range(size):
            mixed ^= salt[first + byte, (word >> (8 * byte)) & 255]
    return mixed


@inlined
def hash_name(salt: NDArray[Any], name: Name) -> int:
    """The hash of an account's client id."""
    return (
        hash_number(salt, name.account)
        ^ hash_word(salt, WORD_BYTES, name.client_0, WORD_BYTES)
        ^ hash_word(salt, 2 * WORD_BYTES, name.client_1, WORD_BYTES)
        ^ hash_word(salt, 3 * WORD_BYTES, name.client_2, WORD_BYTES)
        ^ hash_word(salt, 4 * WORD_BYTES, name.client_3, WORD_BYTES)
        ^ hash_word(salt, 5 * WORD_BYTES, name.client_4, CLIENT_ID_BYTES - 4 * WORD_BYTES)
    )


@inlined
def find_number(slots: NDArray[Any], hashed: int, numbers: NDArray[Any], number: int) -> int:
    """The row whose number this is; NONE when no row has it."""
    entries = slots["entry"]
    mask = slots.shape[0] - 1
    at = hashed & mask
    while entries[at] != 0:
        row: int = entries[at] - 1
        if numbers[row] == number:
            return row
        at = (at + 1) & mask
    return NONE


@inlined
def name_at(rows: NDArray[Any], row: int) -> Name:
    """The name in a table that has `account` and `client_0` … `client_4`; or in a command."""
    return Name(
        i64(rows["account"][row]),
        i64(rows["client_0"][row]),
        i64(rows["client_1"][row]),
        i64(rows["client_2"][row]),
        i64(rows["client_3"][row]),
        i64(rows["client_4"][row]),
    )


@inlined
def write_name(rows: NDArray[Any], row: int, name: Name) -> None:
    """Let a row have this name."""
    rows["account"][row] = name.account
    rows["client_0"][row] = name.client_0
    rows["client_1"][row] = name.client_1
    rows["client_2"][row] = name.client_2
    rows["client_3"][row] = name.client_3
    rows["client_4"][row] = name.client_4


@inlined
def find_name(slots: NDArray[Any], hashed: int, rows: NDArray[Any], name: Name) -> int:
    """The row with this name, compared in full; NONE when no row has it."""
    hashes, entries = slots["hash"], slots["entry"]
    mask = slots.shape[0] - 1
    at = hashed & mask
    while entries[at] != 0:
        row: int = entries[at] - 1
        if hashes[at] == hashed and name_at(rows, row) == name:
            return row
        at = (at + 1) & mask
    return NONE


@inlined
def insert(slots: NDArray[Any], hashed: int, row: int) -> None:
    """Add a row that is not there; the caller has seen to it that slots stay half empty."""
    hashes, entries = slots["hash"], slots["entry"]
    mask = slots.shape[0] - 1
    at = hashed & mask
    while entries[at] != 0:
        at = (at + 1) & mask
    hashes[at] = hashed
    entries[at] = row + 1


@inlined
def place_of(slots: NDArray[Any], hashed: int, row: int) -> int:
    """The slot of a row that is there."""
    entries = slots["entry"]
    mask = slots.shape[0] - 1
    at = hashed & mask
    while entries[at] != row + 1:
        at = (at + 1) & mask
    return at


@inlined
def replace(slots: NDArray[Any], hashed: int, row: int, by: int) -> None:
    """Let `by` stand where `row`, which is there, stood."""
    slots["entry"][place_of(slots, hashed, row)] = by + 1


@inlined
def remove(slots: NDArray[Any], hashed: int, row: int) -> None:
    """Take out a row that is there, and move back whoever stood behind it for lack of room."""
    hashes, entries = slots["hash"], slots["entry"]
    mask = slots.shape[0] - 1
    hole = place_of(slots, hashed, row)
    at = (hole + 1) & mask
    while entries[at] != 0:
        # It may move into the hole unless its own place lies cyclically in (hole, at].
        if ((at - hashes[at]) & mask) >= ((at - hole) & mask):
            hashes[hole] = hashes[at]
            entries[hole] = entries[at]
            hole = at
        at = (at + 1) & mask
    entries[hole] = 0


@kernel
def move_slots(old: NDArray[Any], new: NDArray[Any]) -> None:
    """Insert every row of an index into a larger one."""
    hashes, entries = old["hash"], old["entry"]
    for at in range(old.shape[0]):
        if entries[at] != 0:
            insert(new, hashes[at], entries[at] - 1)


def grown(slots: NDArray[Any], rows: int) -> NDArray[Any]:
    """The index, made large enough for `rows`: at most half full."""
    if 2 * rows <= len(slots):
        return slots
    new = empty_slots(1 << (2 * rows - 1).bit_length())
    move_slots(slots, new)
    return new
