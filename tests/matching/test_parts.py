"""A function is one part in every kernel that calls it, whatever it is called with."""

import gc
from typing import NamedTuple

import numpy as np
import pytest
from numba import types
from numba.core.errors import TypingError

from matching import jit
from matching.jit import inlined, inner, is_kept, kernel, prepare

NARROW = (np.int8, np.int16, np.int32, np.uint8, np.uint16, np.uint32)


@inner
def twice(number):
    return number + number


@kernel
def thrice(number):
    return twice(number) + number


@inlined
def less_one(number):
    return number - 1


@kernel
def with_constants(number):
    return thrice(number) + thrice(5) + thrice(7) + less_one(1) + less_one(number)


@kernel
def sum_narrow(columns):
    total = 0
    for row in range(columns.a.shape[0]):
        total += twice(columns.a[row]) + twice(columns.b[row]) + less_one(columns.b[row])
    return total


@kernel
def keep_wide(words):
    return twice(words[0])


class Columns(NamedTuple):
    a: np.ndarray
    b: np.ndarray


def test_constants_and_variables_share_one_part():
    assert with_constants(4) == 12 + 15 + 21 + 0 + 3
    for function in (thrice, less_one) if jit.COMPILED else ():
        for kind in (types.literal(5), types.literal(7), types.int64, types.uint32, types.int8):
            function.part.get_call_template((kind,), {})
        assert list(function.part.overloads) == [(types.int64,)]


@pytest.mark.parametrize("kind", NARROW)
def test_narrow_columns_are_widened_before_a_part_reckons_with_them(kind):
    """Twice the largest entry does not wrap, and nothing below zero becomes large."""
    top = int(np.iinfo(kind).max)
    columns = Columns(np.array([top, 0], kind), np.array([0, top], kind))
    assert sum_narrow(_wide(columns)) == 4 * top + top - 2


def _wide(columns):
    """Plain Python has numpy's own rules, which wrap: there the columns come wide already."""
    return columns if jit.COMPILED else Columns(*(each.astype(np.int64) for each in columns))


def test_words_without_sign_stay_what_they_are():
    assert keep_wide(np.array([2**62], np.uint64)) == 2**63


def test_a_kernel_called_by_kernels_is_still_called_by_python():
    assert thrice(9) == 27
    assert less_one(9) == 8


def test_python_cannot_call_a_part():
    if jit.COMPILED:
        with pytest.raises(AssertionError, match="twice is called by kernels only"):
            twice(1)
    else:
        assert twice(1) == 2


def test_a_kernel_is_prepared_without_a_call():
    touched = np.zeros(3, np.int64)
    prepare(touch, touched)
    assert not touched.any()
    assert not jit.COMPILED or len(touch.signatures) == 1
    touch(touched)
    assert touched.all()
    assert not jit.COMPILED or len(touch.signatures) == 1
    assert is_kept(touch)


@kernel
def touch(words):
    words[:] = 1


@kernel
def never_typed(words):
    return words.no_such_column


def test_the_collector_is_on_again_after_compiling_and_after_failing_to():
    assert gc.isenabled()
    prepare(touch, np.zeros(2, np.int64))
    assert gc.isenabled()
    if jit.COMPILED:
        with pytest.raises(TypingError):
            prepare(never_typed, np.zeros(2, np.int64))
    assert gc.isenabled()
