"""Rolling 30-day volumes, exact to the day: thirty buckets an account.

Source: docs/spec/margin.md, section 12.1.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.margin.limits import SUM_MAX
from matching.jit import i64, inlined, kernel

WINDOW_DAYS: Final = 30
DAY_NS: Final = 86_400_000_000_000
DAY_VOLUME_MAX: Final = 2**57
"""Where one day's volume saturates: thirty of them stay below SUM_MAX, above every tier."""


class Volumes(NamedTuple):
    """Columns by account; all zero is an account that never traded."""

    day: NDArray[np.int64]
    """Shape (account_count,): the day number that the buckets were last brought to."""
    total_minor: NDArray[np.int64]
    """Shape (account_count,): the sum of the buckets, in units of the valuation."""
    days_minor: NDArray[np.int64]
    """Shape (account_count, WINDOW_DAYS): bucket day % WINDOW_DAYS holds a day's volume."""


@inlined
def day_of(time_ns: int) -> int:
    """The day number of a time: days since the epoch, UTC."""
    return time_ns // DAY_NS


@kernel
def advance(volumes: Volumes, account: int, day: int) -> int:
    """Bring an account to a day: what is WINDOW_DAYS old or older leaves.

    Args:
        volumes: Mutated.
        account: Its row.
        day: Today; a day before the one that the account is at changes nothing.

    Returns:
        The volume of today and the WINDOW_DAYS - 1 days before, total_minor.
    """
    passed = day - volumes.day[account]
    if passed > 0:
        for step in range(1, min(passed, WINDOW_DAYS) + 1):
            bucket = (volumes.day[account] + step) % WINDOW_DAYS
            volumes.total_minor[account] -= volumes.days_minor[account, bucket]
            volumes.days_minor[account, bucket] = 0
        volumes.day[account] = day
    return i64(volumes.total_minor[account])


@kernel
def add(volumes: Volumes, account: int, day: int, amount_minor: int) -> int:
    """Add a trade's value to today's volume. Returns total_minor, the trade counted.

    Args:
        volumes: Mutated.
        account: Its row.
        day: Today; not before the account's day.
        amount_minor: 0..EXPOSURE_MINOR_MAX; a day saturates at DAY_VOLUME_MAX.
    """
    advance(volumes, account, day)
    bucket = day % WINDOW_DAYS
    room = DAY_VOLUME_MAX - volumes.days_minor[account, bucket]
    counted = min(amount_minor, room)
    volumes.days_minor[account, bucket] += counted
    volumes.total_minor[account] += counted
    return i64(volumes.total_minor[account])


assert WINDOW_DAYS * DAY_VOLUME_MAX <= SUM_MAX
