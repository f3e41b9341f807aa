"""Stage 1, the edge of numbers: decimal text in, integers in named units inside, decimal text out.

No float and no rounding anywhere: a value that does not fit the unit exactly is refused.
"""

import re
from dataclasses import dataclass
from typing import Final

LEGAL_DECIMAL: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
"""The legal range that Binance names in its -1100 answers: no sign, no exponent, no blanks."""
_DECIMAL: Final = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A non-negative decimal number exactly: `units` times 10 to the power of -`decimals`.

    Trailing zeros of the fraction are gone, so that `decimals` says how precise the number is.
    """

    units: int
    decimals: int

    def at(self, decimals: int) -> int | None:
        """The number in units of 10^-decimals, or None when it is more precise than that."""
        assert decimals >= 0, "a unit is a whole number or a fraction of one"
        if self.decimals > decimals:
            return None
        return self.units * power_of_ten(decimals - self.decimals)


def read_fixed(text: str) -> Fixed | None:
    """Read plain decimal text. None when it is outside `LEGAL_DECIMAL`."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    whole, fraction = match.group(1), (match.group(2) or "").rstrip("0")
    return Fixed(int(whole + fraction), len(fraction))


def power_of_ten(exponent: int) -> int:
    """10 to a power that is not negative, as an integer."""
    assert exponent >= 0, "a negative power is no integer"
    return int("1" + "0" * exponent)


def show_fixed(units: int, decimals: int, places: int) -> str:
    """Write `units` of 10^-decimals with exactly `places` decimals; `places` is not smaller.

    >>> show_fixed(-5, 2, 8)
    '-0.05000000'
    """
    assert places >= decimals >= 0, "showing fewer places would round"
    sign = "-" if units < 0 else ""
    digits = str(abs(units) * power_of_ten(places - decimals)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits
