"""Division: exact against Python's integers, over the whole range of words."""

from fractions import Fraction
from math import ceil, floor

from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.margin.rounding import (
    RECIPROCAL_AMOUNT_MAX,
    clamp,
    divide_by_reciprocal,
    median_of_three,
    muldiv_ceil,
    muldiv_ceil_three,
    muldiv_floor,
    muldiv_floor_three,
    ppm_ceil,
    ppm_floor,
    reciprocal,
)
from matching.jit import kernel
from matching.units import PPM

WORD_MAX = 2**63 - 1


@kernel
def _two(a: int, b: int, divisor: int) -> tuple[int, int]:
    return muldiv_floor(a, b, divisor), muldiv_ceil(a, b, divisor)


@kernel
def _three(a: int, b: int, c: int, divisor: int) -> tuple[int, int]:
    return muldiv_floor_three(a, b, c, divisor), muldiv_ceil_three(a, b, c, divisor)


@kernel
def _ppm(amount: int, rate_ppm: int) -> tuple[int, int]:
    return ppm_floor(amount, rate_ppm), ppm_ceil(amount, rate_ppm)


@kernel
def _by_reciprocal(amount: int, divisor: int) -> int:
    return divide_by_reciprocal(amount, divisor, reciprocal(divisor))


def words(bits: int) -> st.SearchStrategy[int]:
    """Every magnitude is as likely as every other, and neighbours of powers of two are common."""
    near = st.builds(
        lambda power, off: max(0, 2**power + off), st.integers(0, bits), st.integers(-2, 2)
    )
    any_size = st.integers(0, bits).flatmap(lambda power: st.integers(0, 2**power))
    return (near | any_size).map(lambda value: min(value, 2**bits - 1))


SIGNED = st.builds(lambda value, sign: value * sign, words(63), st.sampled_from([1, -1]))
DIVISORS = words(62).map(lambda value: max(value, 1))


def saturated(value: int) -> int:
    return max(-WORD_MAX, min(WORD_MAX, value))


@given(SIGNED, words(63), DIVISORS)
def test_two_factors_divide_exactly(a, b, divisor):
    assume(abs(a) * b < 2**126)
    exact = Fraction(a * b, divisor)
    assert _two(a, b, divisor) == (saturated(floor(exact)), saturated(ceil(exact)))


@given(words(63), words(40), words(22), st.sampled_from([1, -1]))
def test_wide_products_over_small_divisors_divide_exactly(a, b, divisor, sign):
    """The road that splits: a product of two words, a divisor that fits beside the factor."""
    divisor = max(divisor, 1)
    exact = Fraction(sign * a * b, divisor)
    assert _two(sign * a, b, divisor) == (saturated(floor(exact)), saturated(ceil(exact)))


@given(st.integers(1, 100) | words(40), st.integers(-3, 3), words(20), st.sampled_from([1, -1]))
def test_the_split_is_taken_only_where_both_parts_fit(b, off, whole, sign):
    """Divisors at the edge of the split, and the largest remainder that they leave."""
    divisor = min(max(WORD_MAX // max(b, 1) + off, 2), 2**62)
    a = whole * divisor + divisor - 1
    assume(a < 2**63)
    exact = Fraction(sign * a * b, divisor)
    assert _two(sign * a, b, divisor) == (saturated(floor(exact)), saturated(ceil(exact)))


@given(SIGNED, words(53), words(31), DIVISORS)
def test_three_factors_divide_exactly(a, b, c, divisor):
    assume(abs(a) * b * c < 2**126)
    exact = Fraction(a * b * c, divisor)
    assert _three(a, b, c, divisor) == (saturated(floor(exact)), saturated(ceil(exact)))


@given(words(62), st.integers(0, 4 * PPM))
def test_parts_per_million_need_no_wide_product(amount, rate_ppm):
    assume(amount * rate_ppm < PPM * (2**63 - 1))
    exact = Fraction(amount * rate_ppm, PPM)
    assert _ppm(amount, rate_ppm) == (floor(exact), ceil(exact))


@given(words(62), DIVISORS)
def test_a_reciprocal_divides_exactly(amount, divisor):
    assert _by_reciprocal(amount, divisor) == amount // divisor


@given(words(62), DIVISORS, st.integers(-2, 2))
def test_a_reciprocal_divides_exactly_beside_multiples(amount, divisor, off):
    """Where the estimate is one short: at a multiple of the divisor and its neighbours."""
    beside = min(max(amount // divisor * divisor + off, 0), RECIPROCAL_AMOUNT_MAX)
    assert _by_reciprocal(beside, divisor) == beside // divisor


@given(SIGNED, SIGNED, SIGNED)
def test_median_and_clamp_pick_the_middle(a, b, c):
    low, middle, high = sorted((a, b, c))
    assert median_of_three(a, b, c) == middle
    assert clamp(a, min(b, c), max(b, c)) == sorted((a, min(b, c), max(b, c)))[1]
    assert low <= middle <= high
