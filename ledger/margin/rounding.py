"""Division with its side in its name, signed, through 128 bits.

The side is the account's loss: what an account gets is floored, what it owes is ceiled.
"""

from typing import Final

from matching.intmath import QUOTIENT_MAX, multiply_divide
from matching.intrinsics import wide_product
from matching.jit import inlined
from matching.units import PPM

NO_RECIPROCAL: Final = 0
"""Passed for a reciprocal that nobody keeps: the machine divides."""


@inlined
def reciprocal(divisor: int) -> int:
    """What the sweep keeps beside a divisor that many rows share: floor((2^63 - 1) / divisor).

    With it a division is two multiplications and a check, three times as fast.
    """
    return (2**63 - 1) // divisor


@inlined
def _divide_word(low: int, divisor: int, divisor_reciprocal: int) -> int:
    """Floor of low / divisor, 0 <= low < 2^63.

    A true reciprocal estimates the quotient or one less, NO_RECIPROCAL estimates 0. Where the
    remainder shows the estimate wrong, the machine divides.
    """
    top, bottom = wide_product(low, divisor_reciprocal, 1, 0)
    estimate = 2 * top + (1 if bottom < 0 else 0)
    remainder = low - estimate * divisor
    return estimate if 0 <= remainder < divisor else low // divisor


@inlined
def _divide(a: int, b: int, addend: int, divisor: int, divisor_reciprocal: int) -> int:
    """Floor of (a * b + addend) / divisor: nothing negative, the sum below 2^127, addend < divisor.

    A wide sum is split where both parts fit a word: with a = q * divisor + r it is
    q * b + (r * b + addend) / divisor, and b < reciprocal says that r * b + addend < 2^63.
    """
    high, low = wide_product(a, b, 1, addend)
    if high == 0 and low >= 0:
        return _divide_word(low, divisor, divisor_reciprocal)
    if b < divisor_reciprocal:
        whole = _divide_word(a, divisor, divisor_reciprocal)
        part = _divide_word((a - whole * divisor) * b + addend, divisor, divisor_reciprocal)
        high, low = wide_product(whole, b, 1, part)
        return low if high == 0 and low >= 0 else QUOTIENT_MAX
    return multiply_divide(a, b, 1, addend, divisor)[0]


@inlined
def ppm_floor(amount: int, rate_ppm: int) -> int:
    """Largest integer <= amount * rate_ppm / 10^6, without a wide product.

    Args:
        amount: 0..SUM_MAX.
        rate_ppm: Not negative; the result is below 2^63.
    """
    whole = amount // PPM
    return whole * rate_ppm + (amount - whole * PPM) * rate_ppm // PPM


@inlined
def ppm_ceil(amount: int, rate_ppm: int) -> int:
    """Smallest integer >= amount * rate_ppm / 10^6. Arguments as for `ppm_floor`."""
    whole = amount // PPM
    return whole * rate_ppm + ((amount - whole * PPM) * rate_ppm + PPM - 1) // PPM


@inlined
def muldiv_floor_by(a: int, b: int, divisor: int, divisor_reciprocal: int) -> int:
    """Largest integer <= a * b / divisor, with the divisor's `reciprocal` or NO_RECIPROCAL.

    Args:
        a: Any sign.
        b: Not negative; |a| * b < 2^126.
        divisor: 1..2^62.
        divisor_reciprocal: Of that divisor; any other number would give a wrong quotient.
    """
    addend = divisor - 1 if a < 0 else 0
    quotient = _divide(abs(a), b, addend, divisor, divisor_reciprocal)
    return -quotient if a < 0 else quotient


@inlined
def muldiv_ceil_by(a: int, b: int, divisor: int, divisor_reciprocal: int) -> int:
    """Smallest integer >= a * b / divisor. Arguments as for `muldiv_floor_by`."""
    return -muldiv_floor_by(-a, b, divisor, divisor_reciprocal)


@inlined
def muldiv_floor(a: int, b: int, c: int, divisor: int) -> int:
    """Largest integer <= a * b * c / divisor.

    Args:
        a: Any sign.
        b: Not negative.
        c: Not negative; |a| * b * c < 2^126.
        divisor: 1..2^62.

    Returns:
        The quotient; its magnitude saturates at 2^63 - 1.
    """
    addend = divisor - 1 if a < 0 else 0
    quotient = multiply_divide(abs(a), b, c, addend, divisor)[0]
    return -quotient if a < 0 else quotient


@inlined
def muldiv_ceil(a: int, b: int, c: int, divisor: int) -> int:
    """Smallest integer >= a * b * c / divisor. Arguments as for `muldiv_floor`."""
    return -muldiv_floor(-a, b, c, divisor)


@inlined
def clamp(value: int, low: int, high: int) -> int:
    """The nearest to `value` in low..high."""
    return min(max(value, low), high)


@inlined
def median_of_three(a: int, b: int, c: int) -> int:
    """The middle one."""
    return max(min(a, b), min(max(a, b), c))
