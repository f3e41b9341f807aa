"""Columns that the margin kernels run over: risk parameters, positions, wallets, accounts.

docs/adr/0012-margin.md says how the engine's tables carry them.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

CROSS: Final = -1
"""Margin of a position that shares its account's collateral."""


class Risk(NamedTuple):
    """Parameters that every judgement reads."""

    contracts: NDArray[Any]
    """CONTRACT, one row an instrument."""
    tiers: NDArray[Any]
    """TIER, each instrument's brackets in a row."""
    assets: NDArray[Any]
    """ASSET_RISK, one row an asset."""
    prices: NDArray[Any]
    """Scratch of PRICE, as long as `assets`; one for each thread."""


class Positions(NamedTuple):
    """Columns, shape (position_count,), sorted by account."""

    qty_lots: NDArray[np.int64]
    cost: NDArray[np.int64]
    """Tick-lots (linear) or coin units (inverse)."""
    margin_minor: NDArray[np.int64]
    """An isolated position's own margin, 0 or more; CROSS otherwise."""
    instrument: NDArray[np.uint32]
    wallet: NDArray[np.uint32]
    """The account's wallet row of the settlement asset."""
    liquidated: NDArray[np.uint8]
    """Out: 1 for an isolated position at or below its maintenance margin."""


class Held(NamedTuple):
    """The positions of one instrument: columns, shape (holder_count,).

    Each remembers what it last added to its wallet, so that a mark move adds only the difference.
    """

    qty_lots: NDArray[np.int64]
    cost: NDArray[np.int64]
    margin_minor: NDArray[np.int64]
    """As in Positions."""
    account: NDArray[np.uint32]
    wallet: NDArray[np.uint32]
    pnl_minor: NDArray[np.int64]
    """In and out: unrealized profit at the last mark."""
    maintenance_minor: NDArray[np.int64]
    """In and out: maintenance margin at the last mark."""
    liquidated: NDArray[np.uint8]
    """Out: 1 for an isolated position at or below its maintenance margin."""


class Wallets(NamedTuple):
    """Columns, shape (wallet_count,), sorted by account."""

    asset: NDArray[np.uint32]
    balance_minor: NDArray[np.int64]
    """Negative when borrowed."""
    pnl_minor: NDArray[np.int64]
    """Out: unrealized profit of the cross positions that settle in it."""
    maintenance_minor: NDArray[np.int64]
    """Out: their maintenance margin."""


class Accounts(NamedTuple):
    """Columns by account: i has the positions position_first[i] .. position_first[i + 1] - 1.

    Rows are unsigned, here as everywhere: an index that cannot be negative costs no check for it.
    """

    position_first: NDArray[np.uint64]
    """Shape (account_count + 1,)."""
    wallet_first: NDArray[np.uint64]
    """Shape (account_count + 1,)."""
    equity_minor: NDArray[np.int64]
    """Out, valuation units."""
    maintenance_minor: NDArray[np.int64]
    """Out, valuation units."""
    liquidated: NDArray[np.uint8]
    """Out: 1 when equity <= maintenance."""
