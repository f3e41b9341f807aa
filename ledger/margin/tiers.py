"""Maintenance brackets with cumulative amounts, as Binance publishes them.

maintenance = notional * rate - deduction, rate and deduction of the bracket that the notional falls
into; deductions make it continuous. Source: docs/spec/margin.md, section 5.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.margin.limits import EXPOSURE_MINOR_MAX, RATE_PPM_MAX, TIERS_MAX
from ledger.margin.rounding import muldiv_ceil, muldiv_floor, ppm_ceil
from matching.jit import inlined, kernel
from matching.units import PPM

TIER: Final = np.dtype(
    [
        ("floor_minor", "<i8"),
        ("maintenance_ppm", "<i8"),
        ("initial_ppm", "<i8"),
        ("deduction_minor", "<i8"),
    ]
)
"""One bracket: notionals above floor_minor, up to the next one's floor. An instrument's brackets
stand in ascending order; the first floor is 0."""


class Bracket(NamedTuple):
    """A bracket as a listing states it; its deduction follows from the ones before."""

    floor_minor: int
    maintenance_ppm: int
    initial_ppm: int


def build(brackets: Sequence[Bracket]) -> NDArray[Any]:
    """Lay out brackets with their cumulative amounts, each rounded down: against the account.

    Args:
        brackets: 1..TIERS_MAX, sound (asserted): floors from 0 and rates grow, a maintenance rate
            is above 0 and never above the initial rate, an initial rate never above 100 %.

    Returns:
        TIER, shape (len(brackets),).
    """
    assert 1 <= len(brackets) <= TIERS_MAX
    assert brackets[0].floor_minor == 0
    tiers = np.zeros(len(brackets), TIER)
    deduction = 0
    for row, bracket in enumerate(brackets):
        assert 0 < bracket.maintenance_ppm <= bracket.initial_ppm <= RATE_PPM_MAX
        assert bracket.floor_minor <= EXPOSURE_MINOR_MAX
        if row:
            before = brackets[row - 1]
            step_ppm = bracket.maintenance_ppm - before.maintenance_ppm
            assert bracket.floor_minor > before.floor_minor
            assert step_ppm >= 0
            assert bracket.initial_ppm >= before.initial_ppm
            deduction += bracket.floor_minor * step_ppm // PPM
        tiers[row] = (*bracket, deduction)
    return tiers


@inlined
def find(floor_minor: NDArray[Any], first: int, count: int, notional_minor: int) -> int:
    """The row of the bracket for a notional: the last whose floor is below it."""
    row = first
    for later in range(first + 1, first + count):  # Counting mispredicts less than stopping early.
        row += 1 if floor_minor[later] < notional_minor else 0
    return row


@inlined
def find_row(tiers: NDArray[Any], first: int, count: int, notional_minor: int) -> int:
    """`find` over whole rows, which share a cache line with the rates that are read next.

    It stops at the first floor above: most positions are small, however long the table.
    """
    row, end = first, first + count
    while row + 1 < end and tiers[row + 1]["floor_minor"] < notional_minor:
        row += 1
    return row


@inlined
def required_minor(
    notional_minor: int, rate_ppm: int, deduction_minor: int, multiplier_ppm: int
) -> int:
    """A requirement, raised by volatility, never above the notional; rounded up.

    Args:
        notional_minor: 0..EXPOSURE_MINOR_MAX.
        rate_ppm: 1..RATE_PPM_MAX.
        deduction_minor: The bracket's cumulative amount; 0 for initial margin.
        multiplier_ppm: PPM..MULTIPLIER_PPM_MAX.
    """
    required = ppm_ceil(notional_minor, rate_ppm) - deduction_minor
    if multiplier_ppm != PPM:
        required = ppm_ceil(required, multiplier_ppm)
    return min(required, notional_minor)


@kernel
def maintenance_minor(
    tiers: NDArray[Any], first: int, count: int, notional_minor: int, multiplier_ppm: int
) -> int:
    """Maintenance margin of a position with this notional."""
    row = find(tiers["floor_minor"], first, count, notional_minor)
    rate_ppm, deduction = tiers["maintenance_ppm"][row], tiers["deduction_minor"][row]
    return required_minor(notional_minor, rate_ppm, deduction, multiplier_ppm)


@kernel
def initial_minor(
    tiers: NDArray[Any],
    first: int,
    count: int,
    notional_minor: int,
    leverage: int,
    multiplier_ppm: int,
) -> int:
    """Initial margin: notional over the chosen leverage, at least the bracket's own rate.

    One over a leverage that does not divide a million is rounded up in ppm.
    """
    row = find(tiers["floor_minor"], first, count, notional_minor)
    rate_ppm = max(tiers["initial_ppm"][row], -(-PPM // leverage))
    return required_minor(notional_minor, rate_ppm, 0, multiplier_ppm)


@kernel
def ramp_minor(
    notional_minor: int, size_lots: int, base_ppm: int, step_ppm: int, step_lots: int
) -> int:
    """A requirement whose rate grows with the size itself, as Deribit's does; rounded up.

    rate = base_ppm + size_lots * step_ppm / step_lots, at most 100 %.

    Args:
        notional_minor: 0..EXPOSURE_MINOR_MAX.
        size_lots: Not negative.
        base_ppm: The rate of the smallest position, 1..RATE_PPM_MAX.
        step_ppm: What step_lots more add to it, 1..RATE_PPM_MAX.
        step_lots: 1..2^41.
    """
    steepest_lots = muldiv_floor(RATE_PPM_MAX - base_ppm, step_lots, step_ppm)
    if size_lots > steepest_lots:
        return notional_minor
    rate_scaled = base_ppm * step_lots + size_lots * step_ppm
    return muldiv_ceil(notional_minor, rate_scaled, PPM * step_lots)
