"""Interest on what is borrowed, by the hour, and loan to value.

Source: docs/spec/margin.md, section 11.
"""

from typing import Final

from ledger.margin.limits import PPB
from ledger.margin.rounding import muldiv_ceil, muldiv_ceil_three
from matching.jit import kernel
from matching.units import PPM

HOUR_NS: Final = 3_600_000_000_000
DAY_HOURS: Final = 24
LTV_NONE: Final = 2**63 - 1
"""Loan to value of a debt without collateral."""


@kernel
def hours_due(from_ns: int, to_ns: int) -> int:
    """Hours to pay for: one when the loan is taken, one more at each full hour of the clock."""
    return to_ns // HOUR_NS - from_ns // HOUR_NS + 1


@kernel
def interest_minor(debt_minor: int, daily_ppb: int, hours: int) -> int:
    """Simple interest; rounded up.

    Args:
        debt_minor: 0..AMOUNT_MINOR_MAX.
        daily_ppb: The day's rate, 0..RATE_PPB_MAX; an hour costs one part in 24 of it.
        hours: 0..2^20.
    """
    return muldiv_ceil_three(debt_minor, daily_ppb, hours, DAY_HOURS * PPB)


@kernel
def loan_to_value_ppm(debt_value_minor: int, collateral_value_minor: int) -> int:
    """What is owed over what backs it, both in valuation units; rounded up."""
    if debt_value_minor == 0:
        return 0
    if collateral_value_minor <= 0:
        return LTV_NONE
    return muldiv_ceil(debt_value_minor, PPM, collateral_value_minor)
