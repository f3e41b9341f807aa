"""Pinned tuples: kernels see what the tuple holds, and parts are linked into their kernels."""

import os
import subprocess
import sys
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import typeof, types

from matching import jit
from matching.jit import i64, inner, kernel
from matching.pins import PinnedType, pin

ROW = np.dtype([("lots", "<i8"), ("side", "<u4"), ("pad", "<u4")])


class Inside(NamedTuple):
    grid: Any
    words: Any


class Outside(NamedTuple):
    rows: Any
    inside: Inside
    last: Any


def outside(rows=3, columns=5):
    return Outside(
        np.zeros(rows, ROW),
        Inside(np.arange(2 * columns).reshape(2, columns), np.arange(4)),
        np.zeros(7),
    )


@inner
def cell(inside, column):
    return i64(inside.grid[1, column])


@inner
def take(inside, column):
    """Reads, and writes through the pin."""
    found = cell(inside, column)
    inside.grid[1, column] = -found
    return found


@kernel
def walk(pinned, column):
    pinned.rows["side"][1] = 7
    pinned.rows["lots"][len(pinned.rows) - 1] = pinned.inside.words.shape[0]
    pinned.last[0] = pinned.inside.grid.shape[1]
    return take(pinned.inside, column) + len(pinned.last)


def test_a_kernel_reads_and_writes_the_arrays_of_a_pinned_tuple():
    arrays = outside()
    assert walk(pin(arrays), 3) == 8 + 7
    assert arrays.inside.grid[1].tolist() == [5, 6, 7, -8, 9]
    assert arrays.rows["side"].tolist() == [0, 7, 0]
    assert arrays.rows["lots"].tolist() == [0, 0, 4]
    assert arrays.last[0] == 5


def test_a_kernel_does_the_same_with_a_tuple_by_value():
    pinned, plain = outside(), outside()
    assert walk(pin(pinned), 2) == walk(plain, 2)
    for left, right in zip(flat(pinned), flat(plain), strict=True):
        assert np.array_equal(left, right)


def flat(arrays):
    for part in arrays:
        if isinstance(part, tuple):
            yield from flat(part)
        else:
            yield part


@pytest.mark.parametrize("columns", [4, 6, 33])
def test_every_pin_has_its_own_shapes(columns):
    arrays = outside(rows=columns, columns=columns)
    walk(pin(arrays), columns - 1)
    assert arrays.rows["lots"][columns - 1] == 4
    assert arrays.last[0] == columns


def test_a_pin_keeps_its_arrays_alive():
    pinned = pin(outside())
    junk = [outside() for _ in range(100)]
    assert walk(pinned, 3) == 15
    assert len(junk) == 100


def test_pins_of_like_tuples_are_of_one_type_and_others_are_not():
    first, second = PinnedType(typeof(outside())), PinnedType(typeof(outside(rows=9)))
    other = PinnedType(typeof(outside().inside))
    assert first == second
    assert first != other
    assert len(first.name) < 40


def test_without_compilation_a_pin_is_the_tuple_itself():
    arrays = outside()
    assert (pin(arrays) is arrays) == (not jit.COMPILED)


def test_a_part_is_compiled_but_has_no_code_of_its_own():
    if jit.COMPILED:
        take.compile((PinnedType(typeof(outside().inside)), types.int64))
    assert not jit.COMPILED or take.overloads
    assert not jit.COMPILED or take.stats.cache_path is None


NEGATIVE = """
from tests.matching.test_pins import outside, place_of
from matching.pins import pin
print(place_of(pin(outside()), 2))
for place in (-1, 3):
    try:
        place_of(pin(outside()), place)
    except IndexError:
        print("out of bounds")
"""


@kernel
def place_of(pinned, place):
    return i64(pinned.rows["lots"][place]) + place


def test_no_index_counts_from_the_end_and_the_checked_lane_says_so():
    lanes = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_DISABLE_JIT": "0", "PYTHONPATH": "."}
    done = subprocess.run(
        [sys.executable, "-c", NEGATIVE],
        env={**os.environ, **lanes},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.split("\n") == ["2", "out of bounds", "out of bounds", ""]


def test_a_tuple_in_a_pinned_tuple_is_pinned_with_it():
    arrays = outside(columns=6)
    whole = pin(arrays)
    assert take_whole(whole.inside, 4) == 10
    assert arrays.inside.grid[1, 4] == -10


@kernel
def take_whole(inside, column):
    return take(inside, column)
