"""Numbers and times as a report spells them: formed from integers, never through a float."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

NS_PER_SECOND: Final = 1_000_000_000
NS_PER_MICROSECOND: Final = 1_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Prices and sizes repeat; the caches only save time, so their bound is only memory.
_TEXTS_MAX: Final = 1 << 16
_SECONDS_MAX: Final = 1 << 10


@lru_cache(_TEXTS_MAX)
def decimal_text(value: int, decimals: int) -> str:
    """`value` x 10^-`decimals`, exactly, without trailing zeros: {DECIMAL-n/m} of the Annex."""
    if decimals == 0:
        return str(value)
    digits = str(abs(value)).rjust(decimals + 1, "0")
    fraction = digits[-decimals:].rstrip("0")
    whole = ("-" if value < 0 else "") + digits[:-decimals]
    return f"{whole}.{fraction}" if fraction else whole


@lru_cache(_SECONDS_MAX)
def _second_text(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


def time_text(time_ns: int) -> str:
    """{DATE_TIME_FORMAT}: UTC to the microsecond, rounded down: no event lies in the future."""
    second, rest_ns = divmod(time_ns, NS_PER_SECOND)
    return f"{_second_text(second)}.{rest_ns // NS_PER_MICROSECOND:06d}Z"


def date_text(time_ns: int) -> str:
    """{DATEFORMAT}: the UTC day."""
    return _second_text(time_ns // NS_PER_SECOND)[:10]
