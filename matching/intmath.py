"""Exact integer arithmetic beyond int64: a 128-bit multiply-divide, rounding named.

numba wraps int64 silently, so every product that may not fit goes through here.
"""

from typing import Final

from matching.intrinsics import wide_product
from matching.jit import inlined, kernel

QUOTIENT_MAX: Final = 2**63 - 1
"""What a quotient that does not fit int64 becomes: above every amount, so limits catch it."""
DIVISOR_MAX: Final = 2**62
"""A remainder can be doubled, and one added, without leaving int64."""


@kernel
def divide_wide(high: int, low: int, divisor: int) -> tuple[int, int]:
    """Divide high * 2^64 + low, bit by bit: the rare road for products beyond int64.

    Args:
        high: 0 <= high < divisor, so that the quotient fits 64 bits.
        low: The low word; its sign is its top bit.
        divisor: 1..DIVISOR_MAX.

    Returns:
        (quotient, remainder), or (QUOTIENT_MAX, 0) when the quotient needs the 64th bit.
    """
    quotient = 0
    remainder = high
    for place in range(63, -1, -1):
        remainder = 2 * remainder + ((low >> place) & 1)
        if quotient >= 1 << 62:
            return QUOTIENT_MAX, 0
        quotient = 2 * quotient
        if remainder >= divisor:
            remainder -= divisor
            quotient += 1
    return quotient, remainder


@inlined
def multiply_divide(a: int, b: int, c: int, addend: int, divisor: int) -> tuple[int, int]:
    """Floor of (a * b * c + addend) / divisor, and the remainder.

    The sum is 0 <= sum < 2^127, the divisor 1..DIVISOR_MAX: the caller proves both.

    Returns:
        (quotient, remainder); (QUOTIENT_MAX, 0) when the quotient does not fit int64.
    """
    high, low = wide_product(a, b, c, addend)
    if high == 0 and low >= 0:
        if divisor == 1:
            return low, 0
        quotient = low // divisor
        return quotient, low - quotient * divisor
    if high >= divisor:
        return QUOTIENT_MAX, 0
    return divide_wide(high, low, divisor)
