"""The parts below the read model, each against a plain one: indexes, lists, chains."""

import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.readmodel import chains, index, lists
from ledger.readmodel.layout import CLIENT_ID_BYTES, LINK, NAME_ROW, NONE
from matching.jit import kernel

ROWS = 24
SALT = index.salt_of(7)


@pytest.mark.parametrize("salt", [SALT, np.zeros_like(SALT)], ids=["salted", "all collide"])
@given(moves=st.lists(st.tuples(st.booleans(), st.integers(0, ROWS - 1)), max_size=80))
def test_an_index_finds_exactly_what_was_inserted_and_not_removed(salt, moves):
    """Numbers are chosen by the row; with salt zero every probe sequence is the same one."""
    numbers = np.arange(ROWS, dtype=np.int64) * 1_000_003
    slots, present = index.empty_slots(64), set()
    for adds, row in moves:
        hashed = index.hash_number(salt, int(numbers[row]))
        if adds and row not in present:
            index.insert(slots, hashed, row)
            present.add(row)
        elif not adds and row in present:
            index.remove(slots, hashed, row)
            present.remove(row)
        for each, number in enumerate(numbers.tolist()):
            found = index.find_number(slots, index.hash_number(salt, number), numbers, number)
            assert found == (each if each in present else NONE)
    assert int((slots["entry"] != 0).sum()) == len(present)


@given(count=st.integers(0, 200))
def test_an_index_keeps_its_rows_when_it_grows(count):
    numbers = np.arange(count, dtype=np.int64) + 5
    slots = index.empty_slots(64)
    for row, number in enumerate(numbers.tolist()):
        slots = index.grown(slots, row + 1)
        index.insert(slots, index.hash_number(SALT, number), row)
    assert 2 * count <= len(slots)
    for row, number in enumerate(numbers.tolist()):
        assert index.find_number(slots, index.hash_number(SALT, number), numbers, number) == row


NAMES = [index.Name(1, 2, 3, 4, 5, 6), *(
    index.Name(*(9 if place == at else place + 1 for place in range(6))) for at in range(6)
)]  # fmt: skip


def test_names_whose_hashes_are_equal_are_told_apart_in_full():
    slots, rows = index.empty_slots(64), np.zeros(len(NAMES), NAME_ROW)
    for row, name in enumerate(NAMES):
        assert index.find_name(slots, 0, rows, name) == NONE
        index.write_name(rows, row, name)
        index.insert(slots, 0, row)
    for row, name in enumerate(NAMES):
        assert index.find_name(slots, 0, rows, name) == row
        assert index.name_at(rows, row) == name
    index.replace(slots, 0, 1, 2)
    assert index.find_name(slots, 0, rows, NAMES[1]) == NONE


def test_hashes_depend_on_every_byte_of_the_name_and_on_the_salt():
    hashes = {index.hash_name(SALT, index.Name(1, 0, 0, 0, 0, 0))}
    hashes.add(index.hash_name(index.salt_of(8), index.Name(1, 0, 0, 0, 0, 0)))
    for byte in range(CLIENT_ID_BYTES):
        text = bytearray(40)
        text[byte] = 0x81
        name = index.Name(1, *struct.unpack("<5q", text))
        hashes.add(index.hash_name(SALT, name))
    hashes.add(index.hash_name(SALT, index.Name(2, 0, 0, 0, 0, 0)))
    assert len(hashes) == CLIENT_ID_BYTES + 3
    assert min(hashes) >= 0


def test_runs_of_order_ids_stand_side_by_side_and_runs_apart():
    hashes = [index.hash_order_id(SALT, order_id) for order_id in range(64)]
    for run in range(8):
        first = hashes[8 * run]
        assert hashes[8 * run : 8 * run + 8] == list(range(first, first + 8))
    assert len(set(hashes)) == 64


@given(moves=st.lists(st.integers(0, 9), max_size=60))
def test_a_list_is_the_rows_in_order_of_joining(moves):
    prev, after = np.full(10, NONE, np.int32), np.full(10, NONE, np.int32)
    last, expected = NONE, []
    for row in moves:
        if row in expected:
            last = lists.unlink(prev, after, last, row)
            expected.remove(row)
        else:
            last = lists.append(prev, after, last, row)
            expected.append(row)
        walked, at = [], last
        while at != NONE:
            walked.append(int(at))
            at = prev[at]
        assert walked[::-1] == expected
        assert all(after[a] == b for a, b in pairwise(expected))


@given(
    owners=st.lists(st.integers(0, 2), min_size=1, max_size=300),
    kept=st.sampled_from([4, 16, 128, 512]),
)
def test_a_chain_walks_back_through_its_own_kept_nodes_and_finds_any_depth(owners, kept):
    links = np.zeros(kept, LINK)
    lasts, expected = [0, 0, 0], [[], [], []]
    for node, owner in enumerate(owners, 1):
        floor = max(1, node - kept + 1)
        chains.push(links, floor, lasts[owner], node)
        lasts[owner] = node
        expected[owner].append(node)
        alive = [each for each in expected[owner] if each >= floor]
        walked, at = [], node
        while at >= floor:
            walked.append(int(at))
            at = links["prev"][at % kept]
        assert walked[::-1] == alive
        depths = [int(links["depth"][each % kept]) for each in alive]
        assert depths == list(range(depths[0], depths[0] + len(alive)))
        for depth, each in zip(depths, alive, strict=True):
            assert chains.back_to_depth(links, floor, node, depth) == each


@kernel
def _steps_back(links, floor, node, wanted):
    """The walk of `back_to_depth`, counting its steps."""
    steps = 0
    mask = links.shape[0] - 1
    while links["depth"][node & mask] > wanted:
        far = links["jump"][node & mask]
        near = far >= floor and links["depth"][far & mask] >= wanted
        node = far if near else links["prev"][node & mask]
        steps += 1
    return steps


def test_searching_a_long_chain_takes_a_logarithm_of_steps_even_while_its_beginning_is_dropped():
    kept = 1 << 14
    links = np.zeros(kept, LINK)
    last = 0
    for node in range(1, 5 * kept):
        chains.push(links, max(1, node - kept + 1), last, node)
        last = node
    floor = last - kept + 1
    deepest = int(links["depth"][last % kept])
    worst = max(_steps_back(links, floor, last, deepest - back) for back in range(0, kept, 37))
    assert worst <= 4 * kept.bit_length()
