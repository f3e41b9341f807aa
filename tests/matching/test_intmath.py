"""The 128-bit multiply-divide and its parts equal Python's integers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.intmath import DIVISOR_MAX, QUOTIENT_MAX, divide_wide, multiply_divide
from matching.intrinsics import _plain_lowest_bit, _plain_wide_product, lowest_bit, wide_product
from matching.jit import kernel
from matching.units import AMOUNT_MINOR_MAX, PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX

WORD = 2**64
INT64 = st.integers(-(2**63), 2**63 - 1)


def edgy(most):
    """Any size of number, and the ends of the range."""
    sizes = st.integers(0, most.bit_length()).flatmap(lambda bits: st.integers(0, 2**bits))
    return st.one_of(sizes, st.sampled_from([0, 1, most - 1, most])).map(lambda n: min(n, most))


@kernel
def compiled_divide(a: int, b: int, c: int, addend: int, divisor: int) -> tuple[int, int]:
    return multiply_divide(a, b, c, addend, divisor)


@kernel
def compiled_product(a: int, b: int, c: int, addend: int) -> tuple[int, int]:
    return wide_product(a, b, c, addend)


@kernel
def compiled_lowest(word: int) -> int:
    return lowest_bit(word)


def expected(total, divisor):
    quotient, remainder = divmod(total, divisor)
    return (quotient, remainder) if quotient < 2**63 else (QUOTIENT_MAX, 0)


@given(
    edgy(PRICE_TICKS_MAX),
    edgy(QTY_LOTS_MAX),
    edgy(2**31 - 1),
    edgy(AMOUNT_MINOR_MAX),
    edgy(DIVISOR_MAX - 1).map(lambda n: n + 1),
)
def test_multiply_divide_equals_python_on_a_trades_numbers(price, lots, num, addend, den):
    total = price * lots * num + addend
    assert compiled_divide(price, lots, num, addend, den) == expected(total, den)


@given(edgy(AMOUNT_MINOR_MAX), edgy(2**62 - 1), edgy(2**62 - 2), edgy(DIVISOR_MAX - 1))
def test_multiply_divide_takes_a_negative_addend(budget, den, carry, divisor):
    addend = -1 - min(carry, den)
    total = (budget + 1) * max(den, 1) + addend
    if total >= 0:
        assert compiled_divide(budget + 1, max(den, 1), 1, addend, divisor + 1) == expected(
            total, divisor + 1
        )


@given(edgy(AMOUNT_MINOR_MAX), st.integers(0, 100_000))
def test_fee_rounds_up_without_wrapping(amount, ppm):
    fee, _ = compiled_divide(amount, ppm, 1, PPM - 1, PPM)
    assert fee == -(-amount * ppm // PPM)
    assert fee <= amount


@given(st.data(), edgy(DIVISOR_MAX - 1).map(lambda n: n + 1))
def test_divide_wide_equals_python(data, divisor):
    high = data.draw(st.integers(0, divisor - 1))
    low = data.draw(INT64)
    total = high * WORD + low % WORD
    assert divide_wide(high, low, divisor) == expected(total, divisor)


@given(edgy(2**31), edgy(2**53), edgy(2**31), INT64)
def test_wide_product_is_the_product_in_two_words(a, b, c, addend):
    high, low = compiled_product(a, b, c, addend)
    assert high * WORD + low % WORD == a * b * c + addend
    assert (high, low) == _plain_wide_product(a, b, c, addend)


@given(INT64.filter(bool))
def test_lowest_bit_is_the_same_compiled_and_plain(word):
    place = compiled_lowest(word)
    assert place == _plain_lowest_bit(word)
    assert word % WORD >> place & 1
    assert word % (1 << place) == 0


@pytest.mark.parametrize("place", range(64))
def test_lowest_bit_finds_every_place(place):
    word = 1 << place
    signed = word - WORD if place == 63 else word
    assert compiled_lowest(signed) == place


def test_a_quotient_beyond_int64_saturates_instead_of_wrapping():
    assert compiled_divide(2**31, 2**53, 2**31, 0, 1) == (QUOTIENT_MAX, 0)
    assert compiled_divide(2**31, 2**53, 2**31, 0, 2**52) == (QUOTIENT_MAX, 0)
    assert compiled_divide(2**31, 2**32, 1, 0, 1) == (QUOTIENT_MAX, 0)
    assert compiled_divide(2**31, 2**32, 1, -1, 1) == (2**63 - 1, 0)
