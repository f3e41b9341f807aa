"""One isolated position: what it is worth, what it must keep, what of its margin may leave.

It owns its margin and touches no wallet. Its liquidation and bankruptcy prices are those of
ledger.margin.liquidation with the margin as all that carries it. Source: docs/spec/margin.md,
section 6.1.
"""

from typing import Any, NamedTuple

from numpy.typing import NDArray

from ledger.margin.contracts import mark_position, notional_minor
from ledger.margin.tiers import initial_minor
from matching.jit import inlined, kernel


class Isolated(NamedTuple):
    """An isolated position."""

    instrument: int
    """Its row of the contracts."""
    qty_lots: int
    """Signed; 0 is flat, and needs nothing."""
    cost: int
    margin_minor: int
    """What it owns, 0..AMOUNT_MINOR_MAX."""
    leverage: int
    """1 or more."""


@inlined
def side_initial_minor(
    contracts: NDArray[Any], tiers: NDArray[Any], instrument: int, lots: int, leverage: int
) -> int:
    """Initial margin of so many lots, of either sign, at the mark; rounded up."""
    notional = notional_minor(contracts, instrument, lots, contracts["mark_ticks"][instrument])
    first, count = contracts["tier_first"][instrument], contracts["tier_count"][instrument]
    multiplier = contracts["multiplier_ppm"][instrument]
    return initial_minor(tiers, first, count, notional, leverage, multiplier)


@kernel
def assess(
    contracts: NDArray[Any], tiers: NDArray[Any], position: Isolated
) -> tuple[int, int, int]:
    """(equity, maintenance, initial margin) at the mark, in the settlement asset.

    It is liquidated when maintenance > 0 and equity <= maintenance.
    """
    instrument, lots = position.instrument, position.qty_lots
    pnl, maintenance, _ = mark_position(contracts, tiers, instrument, lots, position.cost)
    initial = side_initial_minor(contracts, tiers, instrument, lots, position.leverage)
    return position.margin_minor + pnl, maintenance, initial


@kernel
def removable_minor(contracts: NDArray[Any], tiers: NDArray[Any], position: Isolated) -> int:
    """How much of its margin may leave now.

    What stays must cover initial margin, losses counted and profits not: profit that is not
    realized is nobody's to take, and a removal never brings a position nearer to liquidation than
    opening it would have. Of a flat position all may leave.
    """
    equity, _, initial = assess(contracts, tiers, position)
    return max(min(equity, position.margin_minor) - initial, 0)


@kernel
def missing_minor(contracts: NDArray[Any], tiers: NDArray[Any], position: Isolated) -> int:
    """What must be added before a position, its margin counted so, may become isolated or grow."""
    equity, _, initial = assess(contracts, tiers, position)
    return max(initial - min(equity, position.margin_minor), 0)
