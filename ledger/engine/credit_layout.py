"""Canonical tables of fees and credit: fee schedules, 30-day volumes.

Rows stand by number: SCHEDULES_MAX schedules of TIERS tiers each, one row of volume an account.
Normative text: docs/spec/fees.md; docs/spec/credit.md.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.margin.limits import SUM_MAX
from matching.units import AMOUNT_MINOR_MAX

SCHEDULES_MAX: Final = 8
"""Fee schedules count from 1; 0 in an instrument is its own fees."""
TIERS: Final = 6
WINDOW_DAYS: Final = 30
DAY_NS: Final = 86_400_000_000_000
DAY_VOLUME_MAX: Final = 2**57
"""Where one day's volume saturates: thirty of them stay below SUM_MAX, above every tier."""
REBATE_PPM_MAX: Final = 500
"""No maker gets more than 0.05 % of a trade."""
PER_MILLE_PPM: Final = 1000
"""API discounts are whole per mille, so that a discounted rate is a whole number of ppb."""

SCHEDULE_ROW: Final = np.dtype([("taken", "<u4"), ("api_discount_ppm", "<u4")])
"""Schedule k stands in row k - 1; `taken` once it was set."""

FEE_TIER_ROW: Final = np.dtype(
    [("volume_minor", "<i8"), ("taker_ppm", "<i4"), ("maker_ppm", "<i4")]
)
"""Schedule k has rows TIERS * (k - 1) …; the volume that opens a tier, in valuation units."""

VOLUME_ROW: Final = np.dtype(
    [("today_minor", "<i8"), ("before_minor", "<i8"), ("day", "<u4"), ("holder", "<u4")]
)
"""What an account traded on its latest day, and on the 29 days before that. `holder` is the account
whose row counts for it, its master; 0 when it counts for itself."""

DAYS_ROW: Final = np.dtype([(f"day_{place}", "<i8") for place in range(WINDOW_DAYS)])
"""An account's earlier days: day d in place d mod 30, zero for its latest day."""

LENDING_POOL: Final = 8
"""The venue's account out of which margin accounts borrow."""
LOANS_PER_ACCOUNT: Final = 8
"""Most assets that one account owes at a time."""
BORROW_LEVERAGE_MAX: Final = 50
PPT: Final = 10**12
"""Parts per million of a millionth: an hour's interest needs so many digits."""
HOURLY_PPT_MAX: Final = 10**10
"""No loan costs more than 1 % an hour."""
HOUR_NS: Final = 3_600_000_000_000

LENDING_ROW: Final = np.dtype(
    [
        ("hourly_ppt", "<i8"),
        ("limit_minor", "<i8"),
        ("lent_minor", "<i8"),
        ("index_ppt", "<i8"),
        ("hour", "<i8"),
        ("open_ppm", "<u4"),
        ("call_ppm", "<u4"),
        ("liquidate_ppm", "<u4"),
        ("pad", "<u4"),
        ("charged_ppt", "<i8"),
    ]
)
"""`index_ppt` is the sum of the rates of all full hours up to `hour`, and `charged_ppt` the part of
it that negative balances have paid, which is all of it after a TICK; `liquidate_ppm` is 0 until
SET_LENDING; `lent_minor` is what is owed of the asset but for interest."""

LOAN_ROW: Final = np.dtype(
    [
        ("principal_minor", "<i8"),
        ("interest_minor", "<i8"),
        ("index_ppt", "<i8"),
        ("asset", "<u4"),
        ("account", "<u4"),
    ]
)
"""A margin account has LOANS_PER_ACCOUNT rows on end; a free one has its account alone. Interest is
charged up to `index_ppt`."""

BORROWER_ROW: Final = np.dtype([("pledged_minor", "<i8"), ("first", "<u4"), ("called", "<u4")])
"""The pledges of its open orders; its first loan's row + 1, 0 for who was never a margin account;
whether it is in a margin call."""

assert WINDOW_DAYS * DAY_VOLUME_MAX <= SUM_MAX
# Interest of however many hours: a principal times a difference of two indices.
assert AMOUNT_MINOR_MAX * (2**63 - 1) < 2**126


class Credit(NamedTuple):
    """The tables of fees and credit that kernels work on."""

    schedules: NDArray[Any]
    """SCHEDULE_ROW, shape (SCHEDULES_MAX,)."""
    tiers: NDArray[Any]
    """FEE_TIER_ROW, shape (SCHEDULES_MAX * TIERS,)."""
    volumes: NDArray[Any]
    """VOLUME_ROW, shape (account capacity,)."""
    days: NDArray[np.int64]
    """Shape (account capacity, WINDOW_DAYS): the rows of DAYS_ROW."""
    lending: NDArray[Any]
    """LENDING_ROW, shape (asset capacity,)."""
    loans: NDArray[Any]
    """LOAN_ROW, shape (margin account capacity * LOANS_PER_ACCOUNT,)."""
    borrowers: NDArray[Any]
    """BORROWER_ROW, shape (account capacity,)."""
