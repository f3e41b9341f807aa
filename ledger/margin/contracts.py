"""What the margin kernels know of an instrument, and a position's profit and requirement by it."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.margin import inverse, linear
from ledger.margin.limits import (
    COST_MAX,
    DEN_MAX,
    EXPOSURE_MINOR_MAX,
    INVERSE,
    INVERSE_NUM_MAX,
    LINEAR,
    NUM_MAX,
)
from ledger.margin.rounding import NOT_NEGATIVE
from ledger.margin.tiers import find, find_row, required_minor
from matching.jit import inlined
from matching.units import PRICE_TICKS_MAX, QTY_LOTS_MAX

CONTRACT: Final = np.dtype(
    [
        ("num", "<i8"),
        ("den", "<i8"),
        ("mark_ticks", "<i8"),
        ("max_ticks", "<i8"),
        ("multiplier_ppm", "<i8"),
        ("kind", "<u4"),
        ("settle", "<u4"),
        ("tier_first", "<u4"),
        ("tier_count", "<u4"),
    ]
)
"""One row an instrument, 56 bytes. `kind` is LINEAR or INVERSE, `settle` the asset that profit and
margin are in; tier_first and tier_count are its rows of TIER."""


def exposure_fits(kind: int, lots: int, max_ticks: int, num: int, den: int) -> bool:
    """Whether a position of `lots` stays inside the proven bounds at every price up to max_ticks.

    The engine asks it at a listing (for the largest position) and whenever an account's positions
    grow (each counts with `extreme_minor`). Plain integers: any size of argument is answered.
    """
    if not (0 <= lots <= QTY_LOTS_MAX and 1 <= max_ticks <= PRICE_TICKS_MAX and num >= 1):
        return False
    if kind == INVERSE:
        scale_fits = den == 1 and num <= INVERSE_NUM_MAX
        return scale_fits and extreme_minor(kind, lots, max_ticks, num, den) <= EXPOSURE_MINOR_MAX
    scale_fits = kind == LINEAR and 1 <= den <= DEN_MAX and num <= NUM_MAX
    cost_fits = lots * max_ticks <= COST_MAX
    return (
        scale_fits
        and cost_fits
        and extreme_minor(kind, lots, max_ticks, num, den) <= EXPOSURE_MINOR_MAX
    )


def extreme_minor(kind: int, lots: int, max_ticks: int, num: int, den: int) -> int:
    """The most that lots can be worth: linear at the highest price, inverse at one tick."""
    return lots * num if kind == INVERSE else -(-lots * max_ticks * num // den)


@inlined
def notional_minor(
    contracts: NDArray[Any], instrument: int, qty_lots: int, price_ticks: int
) -> int:
    """A position's size in its settlement asset at a price; rounded up."""
    num = contracts["num"][instrument]
    if contracts["kind"][instrument] == INVERSE:
        return inverse.notional_minor(qty_lots, price_ticks, num)
    return linear.notional_minor(qty_lots, price_ticks, num, contracts["den"][instrument])


@inlined
def pnl_minor(
    contracts: NDArray[Any],
    instrument: int,
    qty_lots: int,
    cost: int,
    price_ticks: int,
) -> int:
    """A position's unrealized profit in its settlement asset at a price; rounded down."""
    num = contracts["num"][instrument]
    if contracts["kind"][instrument] == INVERSE:
        return inverse.pnl_minor(qty_lots, cost, price_ticks, num)
    return linear.pnl_minor(qty_lots, cost, price_ticks, num, contracts["den"][instrument])


@inlined
def maintenance_minor(
    contracts: NDArray[Any],
    tiers: NDArray[Any],
    instrument: int,
    qty_lots: int,
    price_ticks: int,
) -> int:
    """A position's maintenance margin in its settlement asset at a price; rounded up."""
    notional = notional_minor(contracts, instrument, qty_lots, price_ticks)
    first, count = contracts["tier_first"][instrument], contracts["tier_count"][instrument]
    row = find(tiers["floor_minor"], first, count, notional)
    return required_minor(
        notional,
        tiers["maintenance_ppm"][row],
        tiers["deduction_minor"][row],
        contracts["multiplier_ppm"][instrument],
    )


@inlined
def mark_position(
    contracts: NDArray[Any], tiers: NDArray[Any], instrument: int, qty_lots: int, cost: int
) -> tuple[int, int, int]:
    """(profit, maintenance margin, notional) of a position at its instrument's mark.

    The numbers of `pnl_minor`, `maintenance_minor` and `notional_minor`, made for a loop over many
    positions: one look at the instrument's row, and one division for all of an inverse contract.
    """
    row = contracts[instrument]
    mark, num, den = row["mark_ticks"], row["num"], row["den"]
    if row["kind"] == INVERSE:
        size = abs(qty_lots) * num
        value = (size & NOT_NEGATIVE) // (mark & NOT_NEGATIVE)
        notional = value + (1 if value * mark != size else 0)
        pnl = (-notional if qty_lots > 0 else value) - cost
    elif den == 1:
        notional = abs(qty_lots) * mark * num
        pnl = (qty_lots * mark - cost) * num
    else:
        notional = linear.notional_minor(qty_lots, mark, num, den)
        pnl = linear.pnl_minor(qty_lots, cost, mark, num, den)
    tier = tiers[find_row(tiers, row["tier_first"], row["tier_count"], notional)]
    rate_ppm, deduction = tier["maintenance_ppm"], tier["deduction_minor"]
    return pnl, required_minor(notional, rate_ppm, deduction, row["multiplier_ppm"]), notional
