"""What the kernels remember to be fast, and nobody else needs: never in the state root.

An engine that has forgotten every slack gives the same outcomes, events and roots, later.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.engine.limits import COLLATERALS_MAX
from ledger.margin.account import PRICE
from matching.arena import grown

SLACK_ROW: Final = np.dtype([("epoch", "<i8"), ("slack_minor", "<i8"), ("reach", "<i8")])
"""At least so much equity above initial margin an account has, while `epoch` is the present one;
above maintenance it is for sure while `moved` is at most `reach`."""

WEIGHT_ROW: Final = np.dtype([("weight", "<i8"), ("most_minor", "<i8")])
"""What one unit of an asset moves of anybody's slack at most, in 2^-WEIGHT_SHIFT valuation units,
and the amount up to which it may be multiplied; -1 when nothing may."""

HELD_ROW: Final = np.dtype(
    [("qty_lots", "<i8"), ("cost", "<i8"), ("instrument", "<u4"), ("next", "<u4")]
)
"""What a TICK reads of a position: its signed lots and cost, both 0 of an isolated one, and where
its account's next one stands, as row + 1. A POSITION_ROW is five times as long."""

SUM_ROW: Final = np.dtype(
    [
        ("profit_minor", "<i8"),
        ("required_minor", "<i8"),
        ("gross_minor", "<i8"),
    ]
)
"""What one account's positions that settle in an asset add up to; `gross_minor` see reach.py."""

MARKED_ROW: Final = np.dtype([("mark_ticks", "<i8"), ("multiplier_ppm", "<i8"), ("steep", "<i8")])
"""Of a contract, where the last TICK left it; for STEEP_ONE more units of notional at most `steep`
are required."""
STEEP_ONE: Final = 1 << 10

WORST_ROW: Final = np.dtype([("debt_ppm", "<i8"), ("rounding_minor", "<i8")])
"""Of all assets: the highest debt rate, and what roundings of one position, or of one wallet, may
come to in valuation units."""

STAND_ROW: Final = np.dtype([("falling_ticks", "<i8"), ("rising_ticks", "<i8")])
"""No trailing stop of an instrument moves after trades at prices from rising_ticks to
falling_ticks. Zeroes say nothing: every trade is above."""

WEIGHT_SHIFT: Final = 24
PLACES_MIN: Final = 1 << 10
AHEAD: Final = 8
"""A power of two, more than the commands that are looked ahead at."""


class Caches(NamedTuple):
    """Scratch that outlives a command."""

    slack: NDArray[Any]
    """SLACK_ROW, shape (account capacity,)."""
    weights: NDArray[Any]
    """WEIGHT_ROW, shape (asset capacity,)."""
    epoch: NDArray[np.int64]
    """Shape (1,): grows with every change of prices or rules; 0 is none."""
    places: NDArray[np.int64]
    """Where the position of an account and instrument stands, found by hash: row + 1, and in the
    high word more of the hash, so that others' rows are seldom looked at; 0 is none.
    Every position is in it: it is derived, not forgotten. Shape: a power of two."""
    ahead: NDArray[np.int64]
    """What is known of the next commands, by row modulo AHEAD; shape (AHEAD, 3). See foresight.py:
    a place of `places`, a place of the book's ids, an order's slot; each may be NIL."""
    held: NDArray[Any]
    """HELD_ROW, shape (position capacity,): derived like `places`, and as complete."""
    sums: NDArray[Any]
    """SUM_ROW, shape (COLLATERALS_MAX,): scratch of one judgement."""
    moved: NDArray[np.int64]
    """Shape (1,): the sum of all TICKs' largest moves of any price, in 2^-30; at least 1."""
    worst: NDArray[Any]
    """WORST_ROW, shape (1,)."""
    marked: NDArray[Any]
    """MARKED_ROW, shape (instrument capacity,)."""
    prices: NDArray[Any]
    """ledger.margin.account.PRICE, shape (COLLATERALS_MAX,): of the TICK at work."""
    stands: NDArray[Any]
    """STAND_ROW, shape (instrument capacity,)."""


def new_places(positions: int) -> NDArray[np.int64]:
    """An empty index for so many positions, at most half full."""
    places = PLACES_MIN
    while places < 2 * positions:
        places *= 2
    return np.zeros(places, np.int64)


def new_caches(accounts: int, assets: int, instruments: int, positions: int) -> Caches:
    """Caches that remember nothing."""
    return Caches(
        slack=np.zeros(accounts, SLACK_ROW),
        weights=np.zeros(assets, WEIGHT_ROW),
        epoch=np.ones(1, np.int64),
        places=new_places(positions),
        ahead=np.zeros((AHEAD, 3), np.int64),
        held=np.zeros(positions, HELD_ROW),
        sums=np.zeros(COLLATERALS_MAX, SUM_ROW),
        moved=np.ones(1, np.int64),
        worst=np.zeros(1, WORST_ROW),
        marked=np.zeros(instruments, MARKED_ROW),
        prices=np.zeros(COLLATERALS_MAX, PRICE),
        stands=np.zeros(instruments, STAND_ROW),
    )


def grown_caches(
    caches: Caches, accounts: int, assets: int, instruments: int, positions: int
) -> Caches:
    """Caches for larger tables; `places` is empty when it had to grow."""
    places = caches.places
    if len(places) < 2 * positions:
        places = new_places(positions)
    return Caches(
        slack=grown(caches.slack, accounts),
        weights=grown(caches.weights, assets),
        epoch=caches.epoch,
        places=places,
        ahead=caches.ahead,
        held=grown(caches.held, positions),
        sums=caches.sums,
        moved=caches.moved,
        worst=caches.worst,
        marked=grown(caches.marked, instruments),
        prices=caches.prices,
        stands=grown(caches.stands, instruments),
    )
