"""Canonical tables of margin: contracts, brackets, positions, collateral, price sources.

Rows stand where commands put them: one CONTRACT and one PERPETUAL row an instrument (zero for
spot), BRACKETS_MAX rows of TIER an instrument, one COLLATERAL row an asset, one MARGIN row an
account, SOURCES_MAX rows of SOURCE an oracle, positions in the order in which they were first
wanted. Normative text: docs/spec/perpetuals.md.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

INSURANCE: Final = 6
"""The venue's account that takes over what a bankrupt account cannot close, and the roundings."""
CLEARING: Final = 7
"""The other side of all realized profit: its balance is what open positions have yet to settle."""

BRACKETS_MAX: Final = 32
"""Most brackets of one instrument's table."""
POSITIONS_PER_ACCOUNT_MAX: Final = 256
"""Most instruments in which one account may ever have had a position: judging it is bounded."""
LEVERAGE_MAX: Final = 125
LIQUIDATIONS_MAX: Final = 16_384
"""Most accounts that one TICK liquidates; the others wait for the next one."""
STEPS_MAX: Final = 64
"""Most orders that one TICK sends into the book for one account in liquidation."""
IMPACT_LEVELS_MAX: Final = 1024
"""Most price levels that an impact price looks at."""
NO_ORACLE: Final = 2**32 - 1
"""The oracle of an asset whose price is fixed: the dollar of the valuation."""

NET: Final = 0
"""The leg of an account in one-way mode."""
LONG: Final = 1
SHORT: Final = 2
"""The two legs of an account in hedge mode."""

PERPETUAL_ROW: Final = np.dtype(
    [
        ("alpha_ppm", "<i8"),
        ("interest_ppb", "<i8"),
        ("damper_ppb", "<i8"),
        ("cap_ppb", "<i8"),
        ("impact_minor", "<i8"),
        ("next_funding_ns", "<i8"),
        ("premium_sum", "<i8"),
        ("premium_count", "<i8"),
        ("premium_ema", "<i8"),
        ("carry", "<i8"),
        ("funding_count", "<i8"),
        ("average_ppb", "<i8"),
        ("calm_ppb", "<i8"),
        ("oracle", "<u4"),
        ("leverage_max", "<u4"),
        ("interval_s", "<u4"),
        ("rise_ppm", "<u4"),
        ("decay_ppm", "<u4"),
        ("cap_ppm", "<u4"),
        ("position_max_lots", "<i8"),
    ]
)
"""`interval_s` is 0 until SET_PERPETUAL; `average_ppb` is the average of the mark's moves, `carry`
the fraction of a unit that linear payments have left over."""

POSITION_ROW: Final = np.dtype(
    [
        ("qty_lots", "<i8"),
        ("cost", "<i8"),
        ("buy_lots", "<i8"),
        ("buy_cost", "<i8"),
        ("sell_lots", "<i8"),
        ("sell_cost", "<i8"),
        ("extreme", "<i8"),
        ("account", "<u4"),
        ("instrument", "<u4"),
        ("leverage", "<u4"),
        ("next", "<u4"),
        ("closing_lots", "<i8"),
        ("head", "<i4"),
        ("tail", "<i4"),
        ("count", "<i4"),
        ("isolated", "<u4"),
        ("margin_minor", "<i8"),
        ("leg", "<u4"),
        ("pad", "<u4"),
    ]
)
"""Signed lots and cost; what open orders could add on either side, at its cost; what the venue's
bounds count for it. `closing_lots` are those of its reduce-only orders, `head`, `tail` and `count`
the list of them, oldest arrival first (slots count from 1). `next` is the account's next position,
as row + 1; 0 ends the list. `margin_minor` is what an `isolated` position owns, out of its
account's held balance. `leg` is NET, LONG or SHORT."""

MARGIN_ROW: Final = np.dtype(
    [("first", "<u4"), ("count", "<u4"), ("fallen", "<u4"), ("hedged", "<u4")]
)
"""An account's first position, as row + 1, how many it has, whether it is in liquidation, and
whether it is in hedge mode."""

COLLATERAL_ROW: Final = np.dtype(
    [
        ("index_ticks", "<i8"),
        ("num", "<i8"),
        ("den", "<i8"),
        ("haircut_ppm", "<i8"),
        ("debt_ppm", "<i8"),
        ("extreme", "<i8"),
        ("oracle", "<u4"),
        ("pad", "<u4"),
    ]
)
"""ASSET_RISK of the margin kernels, and: the sum of `extreme` of all positions that settle in the
asset; where its price comes from. index_ticks is 0 while it is no collateral."""

ORACLE_ROW: Final = np.dtype(
    [
        ("index_ticks", "<i8"),
        ("stale_ns", "<i8"),
        ("outlier_ppm", "<i8"),
        ("minimum", "<u4"),
        ("sources", "<u4"),
        ("used", "<u4"),
        ("pad", "<u4"),
    ]
)
"""`index_ticks` is the last index that could be made, `used` how many sources the last TICK found
to agree: below `minimum` the index stands still."""

SOURCE_ROW: Final = np.dtype([("price_ticks", "<i8"), ("time_ns", "<i8")])


class Margin(NamedTuple):
    """The margin tables that kernels work on, and their scratch space."""

    contracts: NDArray[Any]
    """ledger.margin.contracts.CONTRACT, shape (instrument capacity,)."""
    perpetuals: NDArray[Any]
    """PERPETUAL_ROW, shape (instrument capacity,)."""
    tiers: NDArray[Any]
    """ledger.margin.tiers.TIER, shape (instrument capacity * BRACKETS_MAX,)."""
    positions: NDArray[Any]
    """POSITION_ROW, shape (position capacity,)."""
    accounts: NDArray[Any]
    """MARGIN_ROW, shape (account capacity,)."""
    collateral: NDArray[Any]
    """COLLATERAL_ROW, shape (asset capacity,)."""
    oracles: NDArray[Any]
    """ORACLE_ROW, shape (oracle capacity,)."""
    sources: NDArray[Any]
    """SOURCE_ROW, shape (oracle capacity * SOURCES_MAX,)."""
    closer_links: NDArray[Any]
    """LINK, shape (order capacity,): the lists of positions' reduce-only orders."""
    scores: NDArray[np.int64]
    """Scratch, shape (position capacity,): ranks of one deleveraging queue."""
    queue: NDArray[np.int64]
    """Scratch, shape (position capacity,): its rows."""
    sorted_ticks: NDArray[np.int64]
    """Scratch, shape (SOURCES_MAX,)."""
