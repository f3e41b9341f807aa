"""A fee schedule as the reference engine keeps it."""

from dataclasses import dataclass


@dataclass
class Schedule:
    """Six tiers: (volume that opens it, taker ppm, maker ppm), and what orders by API save."""

    api_discount_ppm: int
    tiers: list[tuple[int, int, int]]
