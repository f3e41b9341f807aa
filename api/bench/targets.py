"""What each figure is to reach: the one table of targets, beside no measurement.

Most numbers are those that the engine was commissioned with. A shape that tempts an engine to be
quadratic has a floor of our own: far below what it reaches, far above what a quadratic one could.
A figure without a target is context for one that has.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Target:
    """One bound, in the figure's own unit.

    Attributes:
        bound: The number to reach.
        rising: More is better, and the bound itself is reached; else the figure stays below it.
    """

    bound: int
    rising: bool

    def __str__(self) -> str:
        """As a table shows it: `>= 30000000` or `< 5`."""
        return f"{'>=' if self.rising else '<'} {self.bound}"

    def holds(self, value: float) -> bool:
        """Whether a figure reaches it."""
        return value >= self.bound if self.rising else value < self.bound


def _least(bound: int) -> Target:
    return Target(bound, rising=True)


def _below(bound: int) -> Target:
    return Target(bound, rising=False)


STORM_FLOOR: Final = _least(500_000)

TARGETS: Final[dict[str, Target]] = {
    "book.worst": _least(30_000_000),
    "book.sweep_million": STORM_FLOOR,
    "book.cancel_storm": STORM_FLOOR,
    "engine.batch512": _least(3_000_000),
    "engine.batch4096": _least(5_000_000),
    "engine.journaled512": _least(2_000_000),
    "engine.single_p50_us": _below(5),
    "engine.single_p99_us": _below(20),
    "engine.sweep_million": STORM_FLOOR,
    "engine.cancel_storm": STORM_FLOOR,
    "engine.stop_storm": STORM_FLOOR,
    "margin.mark_sweep_ms": _below(5),
    "margin.cascade_ms": _below(100),
    "start.warm_s": _below(3),
    "start.cold_s": _below(60),
    "recovery.10m_s": _below(10),
    "recovery.10m_venue_s": _below(10),
    "memory.1m_gib": _below(2),
}
