"""Loans: hourly simple interest, loan-to-value limits, and how much may be borrowed.

Source: docs/spec/margin.md, section 11.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from ledger.margin.interest import HOUR_NS
from ledger.margin.limits import PPT, SUM_MAX
from ledger.margin.rounding import muldiv_ceil, ppm_ceil
from matching.jit import inlined, kernel
from matching.units import AMOUNT_MINOR_MAX, PPM


class LoanState(IntEnum):
    """What a loan-to-value allows and demands."""

    OPEN = 0
    """More may be borrowed, collateral may leave."""
    HELD = 1
    """Nothing more may be borrowed, no collateral leaves."""
    CALLED = 2
    """The customer is asked to repay or to add collateral."""
    LIQUIDATED = 3


_OPEN: Final = int(LoanState.OPEN)
_HELD: Final = int(LoanState.HELD)
_CALLED: Final = int(LoanState.CALLED)
_LIQUIDATED: Final = int(LoanState.LIQUIDATED)


class LoanLimits(NamedTuple):
    """Loan-to-value limits of a listing: 0 < open < call < liquidate <= PPM."""

    open_ppm: int
    """Up to here more may be borrowed."""
    call_ppm: int
    """From here on the customer is called."""
    liquidate_ppm: int
    """From here on the loan is liquidated."""


def limits_fit(limits: LoanLimits) -> bool:
    """Whether loan-to-value limits are sound. Plain integers: any size is answered."""
    return 0 < limits.open_ppm < limits.call_ppm < limits.liquidate_ppm <= PPM


@inlined
def hour_minor(principal_minor: int, hourly_ppt: int) -> int:
    """One hour's interest, in the borrowed asset; rounded up.

    Args:
        principal_minor: 0..AMOUNT_MINOR_MAX.
        hourly_ppt: The hour's rate in ppm of ppm (10^-12), 0..HOURLY_PPT_MAX.
    """
    return muldiv_ceil(principal_minor, hourly_ppt, PPT)


@kernel
def accrue(
    principal_minor: int, interest_minor: int, from_ns: int, to_ns: int, hourly_ppt: int
) -> int:
    """A loan's unpaid interest after the full hours of the clock in from_ns < t <= to_ns.

    Each hour is rounded up by itself, on the principal alone: in however many steps time passes,
    the interest is the same. The first hour is due when the loan is taken: `hour_minor`.

    Args:
        principal_minor: 0..AMOUNT_MINOR_MAX.
        interest_minor: Unpaid so far, 0..AMOUNT_MINOR_MAX.
        from_ns: Until when interest was accrued, 0 or more.
        to_ns: Not before from_ns.
        hourly_ppt: As for `hour_minor`.

    Returns:
        At most AMOUNT_MINOR_MAX, where it saturates.
    """
    hours = to_ns // HOUR_NS - from_ns // HOUR_NS
    due = hour_minor(principal_minor, hourly_ppt)
    room = AMOUNT_MINOR_MAX - interest_minor
    if due > 0 and hours > room // due:
        return AMOUNT_MINOR_MAX
    return interest_minor + hours * due


@kernel
def repay(principal_minor: int, interest_minor: int, paid_minor: int) -> tuple[int, int, int]:
    """Pay a loan back, its interest first.

    Returns:
        (principal_minor, interest_minor, left_minor): what stays owed, and what was too much.
    """
    to_interest = min(interest_minor, paid_minor)
    to_principal = min(principal_minor, paid_minor - to_interest)
    left = paid_minor - to_interest - to_principal
    return principal_minor - to_principal, interest_minor - to_interest, left


@kernel
def state_of(ltv_ppm: int, limits: LoanLimits) -> int:
    """The `LoanState` of a loan-to-value, as `loan_to_value_ppm` gives it (rounded up)."""
    if ltv_ppm >= limits.liquidate_ppm:
        return _LIQUIDATED
    if ltv_ppm >= limits.call_ppm:
        return _CALLED
    return _HELD if ltv_ppm > limits.open_ppm else _OPEN


@kernel
def margin_ppm(leverage: int) -> int:
    """Margin that a loan needs: what is owned with it is at most leverage times the equity.

    So debts are at most leverage - 1 times the equity: one over that, rounded up.

    Args:
        leverage: 2..BORROW_LEVERAGE_MAX. At 1 nothing can be borrowed.
    """
    return -(-PPM // (leverage - 1))


@inlined
def _carries(equity_minor: int, debt_minor: int, more_minor: int, rates: tuple[int, int]) -> bool:
    """Whether equity carries a debt grown by more_minor, which itself counts after its haircut."""
    left = equity_minor - ppm_ceil(more_minor, rates[1])
    return ppm_ceil(debt_minor + more_minor, rates[0]) <= left


@kernel
def borrowable_minor(equity_minor: int, debt_minor: int, rate_ppm: int, haircut_ppm: int) -> int:
    """The most that may still be borrowed, in valuation units.

    The largest x with ceil((debt + x) * rate) <= equity - ceil(x * haircut): by bisection over that
    very condition, 62 steps.

    Args:
        equity_minor: The account's equity, collateral after haircuts less debts, |it| <= SUM_MAX.
        debt_minor: What is owed already, 0..SUM_MAX.
        rate_ppm: `margin_ppm` of the leverage, or the listing's own initial rate, 1..PPM.
        haircut_ppm: Of the asset that the loan is kept in, 0..PPM: borrowing lowers equity by it.
    """
    rates = rate_ppm, haircut_ppm
    if not _carries(equity_minor, debt_minor, 0, rates):
        return 0
    low, high = 0, SUM_MAX - debt_minor + 1
    while high - low > 1:
        middle = low + (high - low) // 2
        if _carries(equity_minor, debt_minor, middle, rates):
            low = middle
        else:
            high = middle
    return low
