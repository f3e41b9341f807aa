"""Hedge mode: a long and a short position of one instrument side by side.

Maintenance is the sum of both sides. Initial margin is that of the larger side, open orders
included, and never below the maintenance of both. Source: docs/spec/margin.md, section 5.4.
"""

from typing import Any, NamedTuple

from numpy.typing import NDArray

from ledger.margin.contracts import maintenance_minor
from ledger.margin.isolated import side_initial_minor
from matching.jit import inlined, kernel


class Hedged(NamedTuple):
    """Both sides of one instrument; all lots are 0 or more."""

    instrument: int
    """Its row of the contracts."""
    long_lots: int
    short_lots: int
    """Of the open positions."""
    long_open_lots: int
    short_open_lots: int
    """Of open orders that would make a side larger. Orders that close reserve nothing."""
    leverage: int
    """1 or more, for both sides."""


@inlined
def _both_maintenance_minor(
    contracts: NDArray[Any], tiers: NDArray[Any], instrument: int, long_lots: int, short_lots: int
) -> int:
    mark = contracts["mark_ticks"][instrument]
    one = maintenance_minor(contracts, tiers, instrument, long_lots, mark)
    return one + maintenance_minor(contracts, tiers, instrument, short_lots, mark)


@kernel
def maintenance_of_both_minor(contracts: NDArray[Any], tiers: NDArray[Any], hedged: Hedged) -> int:
    """Maintenance margin of both positions: each is closed by itself, and each costs by itself."""
    lots = hedged.long_lots, hedged.short_lots
    return _both_maintenance_minor(contracts, tiers, hedged.instrument, lots[0], lots[1])


@kernel
def initial_of_both_minor(contracts: NDArray[Any], tiers: NDArray[Any], hedged: Hedged) -> int:
    """Initial margin of both sides with their open orders.

    The larger of the two: a move of the mark hurts one side only, and closing either side never
    raises it. But both could be liquidated, so never less than both sides' maintenance: nobody
    opens what is liquidated at once.
    """
    long_lots = hedged.long_lots + hedged.long_open_lots
    short_lots = hedged.short_lots + hedged.short_open_lots
    instrument, leverage = hedged.instrument, hedged.leverage
    larger = max(
        side_initial_minor(contracts, tiers, instrument, long_lots, leverage),
        side_initial_minor(contracts, tiers, instrument, short_lots, leverage),
    )
    both = _both_maintenance_minor(contracts, tiers, instrument, long_lots, short_lots)
    return max(larger, both)
