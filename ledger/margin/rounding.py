"""Division with its side in its name, signed, through 128 bits.

The side is the account's loss: what an account gets is floored, what it owes is ceiled.
"""

from typing import Final

from matching.intmath import QUOTIENT_MAX, multiply_divide
from matching.intrinsics import wide_product
from matching.jit import inlined
from matching.units import PPM

NOT_NEGATIVE: Final = 2**63 - 1
"""And-ed to what cannot be negative: says so to the compiler, whose divisions then need no sign."""
RECIPROCAL_ONE: Final = 2**62
RECIPROCAL_AMOUNT_MAX: Final = 2**62 - 1


@inlined
def _divide(a: int, b: int, addend: int, divisor: int) -> int:
    """Floor of (a * b + addend) / divisor: nothing negative, the sum below 2^127, addend < divisor.

    A wide sum is split where both parts fit a word, which spares it the bit-by-bit division: with
    a = q * divisor + r it is q * b + (r * b + addend) / divisor, and (b + 1) * divisor < 2^63 says
    that r * b + addend fits.
    """
    high, low = wide_product(a, b, 1, addend)
    if high == 0 and low >= 0:
        return low // divisor
    high, low = wide_product(b + 1, divisor, 1, 0)
    if high == 0 and low >= 0:
        whole = a // divisor
        part = ((a - whole * divisor) * b + addend) // divisor
        high, low = wide_product(whole, b, 1, part)
        return low if high == 0 and low >= 0 else QUOTIENT_MAX
    return multiply_divide(a, b, 1, addend, divisor)[0]


@inlined
def muldiv_floor(a: int, b: int, divisor: int) -> int:
    """Largest integer <= a * b / divisor.

    Args:
        a: Any sign.
        b: Not negative; |a| * b < 2^126.
        divisor: 1..2^62.

    Returns:
        The quotient; its magnitude saturates at 2^63 - 1.
    """
    quotient = _divide(abs(a), b, divisor - 1 if a < 0 else 0, divisor)
    return -quotient if a < 0 else quotient


@inlined
def muldiv_ceil(a: int, b: int, divisor: int) -> int:
    """Smallest integer >= a * b / divisor. Arguments and result as for `muldiv_floor`."""
    return -muldiv_floor(-a, b, divisor)


@inlined
def muldiv_floor_three(a: int, b: int, c: int, divisor: int) -> int:
    """Largest integer <= a * b * c / divisor; b and c not negative, |a| * b * c < 2^126."""
    addend = divisor - 1 if a < 0 else 0
    quotient = multiply_divide(abs(a), b, c, addend, divisor)[0]
    return -quotient if a < 0 else quotient


@inlined
def muldiv_ceil_three(a: int, b: int, c: int, divisor: int) -> int:
    """Smallest integer >= a * b * c / divisor. Arguments as for `muldiv_floor_three`."""
    return -muldiv_floor_three(-a, b, c, divisor)


@inlined
def ppm_floor(amount: int, rate_ppm: int) -> int:
    """Largest integer <= amount * rate_ppm / 10^6, without a wide product.

    Args:
        amount: 0..SUM_MAX.
        rate_ppm: Not negative; the result is below 2^63.
    """
    whole = (amount & NOT_NEGATIVE) // PPM
    part = (amount - whole * PPM) * rate_ppm & NOT_NEGATIVE
    return whole * rate_ppm + part // PPM


@inlined
def ppm_ceil(amount: int, rate_ppm: int) -> int:
    """Smallest integer >= amount * rate_ppm / 10^6. Arguments as for `ppm_floor`."""
    whole = (amount & NOT_NEGATIVE) // PPM
    part = (amount - whole * PPM) * rate_ppm + PPM - 1 & NOT_NEGATIVE
    return whole * rate_ppm + part // PPM


@inlined
def reciprocal(divisor: int) -> int:
    """What `divide_by_reciprocal` needs to know of a divisor, 1..2^62: floor of 2^62 / divisor."""
    return RECIPROCAL_ONE // divisor


@inlined
def divide_by_reciprocal(amount: int, divisor: int, reciprocal_of_it: int) -> int:
    """Floor of amount / divisor without a division; amount in 0..RECIPROCAL_AMOUNT_MAX.

    The reciprocal is short by less than one, so that amount * reciprocal / 2^62 is short of the
    quotient by less than amount / 2^62 < 1: its floor is the quotient, or one below it.
    """
    quotient = wide_product(amount, reciprocal_of_it, 4, 0)[0]
    return quotient + (1 if amount - quotient * divisor >= divisor else 0)


@inlined
def clamp(value: int, low: int, high: int) -> int:
    """The nearest to `value` in low..high."""
    return min(max(value, low), high)


@inlined
def median_of_three(a: int, b: int, c: int) -> int:
    """The middle one."""
    return max(min(a, b), min(max(a, b), c))
