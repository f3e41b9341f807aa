"""From a time to an id: histories are ordered by both, so halving finds where a time begins."""

from collections.abc import Callable

from api.binance.words import MS
from api.gate.refusals import ParametersCombined

Probe = Callable[[int], tuple[int, int] | None]
"""From an id on: the id and time (ns) of the first record there is, or None at the end."""


def first_since(probe: Probe, last_id: int, start_ns: int) -> int:
    """The smallest id from which every record is at `start_ns` or later.

    Args:
        probe: Into a history whose times never fall as ids grow.
        last_id: No record has a larger id.
        start_ns: The time that begins.

    Returns:
        An id in 1..last_id + 1; asked from there, the history starts at the time.
    """
    low, high = 1, last_id + 1
    while low < high:
        middle = (low + high) // 2
        found = probe(middle)
        if found is None or found[1] >= start_ns:
            high = middle
        else:
            low = found[0] + 1
    return low


def check_span(start_ms: int | None, end_ms: int | None, from_id: int | None) -> None:
    """A span begins at a time or at an id, not both, and does not end before it begins.

    Raises:
        ParametersCombined: It does not.
    """
    if start_ms is None:
        if end_ms is not None:
            raise ParametersCombined
    elif from_id is not None or (end_ms is not None and end_ms < start_ms):
        raise ParametersCombined


def not_after(time_ns: int, end_ms: int | None) -> bool:
    """Whether the time is within the last millisecond of the span, or before."""
    return end_ms is None or time_ns // MS <= end_ms
