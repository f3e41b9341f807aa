"""Published cases: read from cases/*.json (facts, as decimal strings), exact in our units."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.margin.oracle import Contract

CASES = Path(__file__).parent / "cases"
MINOR = Fraction(1, 10**8)
PPM = 10**6


def load(name: str) -> dict[str, Any]:
    return json.loads((CASES / f"{name}.json").read_text())


def units(text: str, unit: Fraction) -> int:
    """A published number in whole units; it must be exact."""
    exact = Fraction(text) / unit
    assert exact.denominator == 1, f"{text} is no multiple of {unit}"
    return exact.numerator


def ppm(text: str) -> int:
    return units(text, Fraction(1, PPM))


def digits(text: str) -> Fraction:
    """Half of the last published digit: how far a rounded figure may be off."""
    exponent = Decimal(text).as_tuple().exponent
    assert isinstance(exponent, int)
    return Fraction(1, 2) * Fraction(10) ** exponent


def meets(got: Fraction, text: str, slack: Fraction) -> bool:
    """Whether a result is the published figure, rounded as published; slack is our own tick."""
    return abs(got - Fraction(text)) <= digits(text) + slack


def linear(lot: Fraction, tick: Fraction, brackets: Any, minor: Fraction = MINOR) -> Contract:
    """A linear contract of a venue, with brackets (floor minor, rate ppm, initial ppm)."""
    scale = lot * tick / minor
    return Contract(
        inverse=False,
        num=scale.numerator,
        den=scale.denominator,
        mark=1,
        brackets=brackets,
        max_ticks=2**31 - 1,
    )


def inverse(face: Fraction, tick: Fraction, brackets: Any, minor: Fraction = MINOR) -> Contract:
    """An inverse contract: `face` dollars a lot."""
    scale = face / tick / minor
    assert scale.denominator == 1
    return Contract(
        inverse=True,
        num=scale.numerator,
        den=1,
        mark=1,
        brackets=brackets,
        max_ticks=2**31 - 1,
    )


def flat_rate(rate: str) -> list[tuple[int, int, int]]:
    """One bracket."""
    return [(0, ppm(rate), ppm(rate))]


def bracket_rows(
    table: list[dict[str, str]], minor: Fraction = MINOR
) -> list[tuple[int, int, int]]:
    """A published table, without its amounts: those must come out. Initial rates stand in."""
    return [
        (units(row["floor"], minor), ppm(row["maintenance"]), ppm(row["maintenance"]))
        for row in table
    ]
