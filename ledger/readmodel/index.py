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

from ledger.readmodel.layout import CLIENT_ID_BYTES, NONE, SLOT
from matching.jit import inlined, kernel


class Names(NamedTuple):
    """Rows that are found by account and text, and the index that finds them."""

    slots: NDArray[Any]
    accounts: NDArray[Any]
    texts: NDArray[Any]


NUMBER_BYTES: Final = 8
SLOTS_MIN: Final = 64


def salt_of(seed: int) -> NDArray[Any]:
    """The random words of all indexes, int64, shape (bytes of the longest key, 256)."""
    rows = NUMBER_BYTES + CLIENT_ID_BYTES
    return np.random.default_rng(seed).integers(0, 2**63 - 1, (rows, 256), np.int64)


def empty_slots(count: int) -> NDArray[Any]:
    """A fresh index of `count` slots, a power of two."""
    assert count & (count - 1) == 0
    slots = np.zeros(count, SLOT)
    slots["row"] = NONE
    return slots


@inlined
def hash_number(salt: NDArray[Any], number: int) -> int:
    """The hash of a non-negative int64."""
    mixed: int = salt[0, number & 255]
    for byte in range(1, NUMBER_BYTES):
        mixed ^= salt[byte, (number >> (8 * byte)) & 255]
    return mixed


@inlined
def hash_name(salt: NDArray[Any], account: int, text: NDArray[Any]) -> int:
    """The hash of an account and CLIENT_ID_BYTES of text."""
    mixed = hash_number(salt, account)
    for byte in range(CLIENT_ID_BYTES):
        mixed ^= salt[NUMBER_BYTES + byte, text[byte]]
    return mixed


@inlined
def find_number(slots: NDArray[Any], hashed: int, numbers: NDArray[Any], number: int) -> int:
    """The row whose number this is; NONE when no row has it."""
    rows = slots["row"]
    mask = slots.shape[0] - 1
    at = hashed & mask
    while rows[at] != NONE:
        row: int = rows[at]
        if numbers[row] == number:
            return row
        at = (at + 1) & mask
    return NONE


@inlined
def same_text(texts: NDArray[Any], row: int, text: NDArray[Any]) -> bool:
    """Whether texts[row] is this text."""
    same = True
    for byte in range(CLIENT_ID_BYTES):
        same &= texts[row, byte] == text[byte]
    return same


@inlined
def copy_text(texts: NDArray[Any], row: int, text: NDArray[Any]) -> None:
    """Let texts[row] be this text."""
    for byte in range(CLIENT_ID_BYTES):
        texts[row, byte] = text[byte]


@inlined
def find_name(names: Names, hashed: int, account: int, text: NDArray[Any]) -> int:
    """The row of this account whose text this is, compared in full; NONE when there is none."""
    hashes, rows = names.slots["hash"], names.slots["row"]
    mask = names.slots.shape[0] - 1
    at = hashed & mask
    while rows[at] != NONE:
        row: int = rows[at]
        if (
            hashes[at] == hashed
            and names.accounts[row] == account
            and same_text(names.texts, row, text)
        ):
            return row
        at = (at + 1) & mask
    return NONE


@inlined
def insert(slots: NDArray[Any], hashed: int, row: int) -> None:
    """Add a row that is not there; the caller has seen to it that slots stay half empty."""
    hashes, rows = slots["hash"], slots["row"]
    mask = slots.shape[0] - 1
    at = hashed & mask
    while rows[at] != NONE:
        at = (at + 1) & mask
    hashes[at] = hashed
    rows[at] = row


@inlined
def replace(slots: NDArray[Any], hashed: int, row: int, by: int) -> None:
    """Let `by` stand where `row`, which is there, stood."""
    rows = slots["row"]
    mask = slots.shape[0] - 1
    at = hashed & mask
    while rows[at] != row:
        at = (at + 1) & mask
    rows[at] = by


@inlined
def remove(slots: NDArray[Any], hashed: int, row: int) -> None:
    """Take out a row that is there, and move back whoever stood behind it for lack of room."""
    hashes, rows = slots["hash"], slots["row"]
    mask = slots.shape[0] - 1
    hole = hashed & mask
    while rows[hole] != row:
        hole = (hole + 1) & mask
    at = hole
    while True:
        at = (at + 1) & mask
        if rows[at] == NONE:
            break
        # The entry may move into the hole unless its own place lies cyclically in (hole, at].
        if ((at - hashes[at]) & mask) >= ((at - hole) & mask):
            hashes[hole] = hashes[at]
            rows[hole] = rows[at]
            hole = at
    rows[hole] = NONE


@kernel
def move_slots(old: NDArray[Any], new: NDArray[Any]) -> None:
    """Insert every row of an index into a larger one."""
    hashes, rows = old["hash"], old["row"]
    for at in range(old.shape[0]):
        if rows[at] != NONE:
            insert(new, hashes[at], rows[at])


def grown(slots: NDArray[Any], entries: int) -> NDArray[Any]:
    """The index, made large enough for `entries`: at most half full."""
    if 2 * entries <= len(slots):
        return slots
    new = empty_slots(1 << (2 * entries - 1).bit_length())
    move_slots(slots, new)
    return new
