"""Runs benchmarks by name and prints their figures. A benchmark is a function that yields them.

A line says what was measured, what it should be and whether it is. A run that misses a target is
still a run: machines differ, and the yardstick beside each figure says how much.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

from api.bench.targets import TARGETS
from api.bench.yardstick import Yardstick


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `name` is a stable name that documents and issues use."""

    name: str
    value: float
    unit: str


Benchmark = Callable[[], Iterator[Figure]]


@dataclass(eq=False)
class UnknownFigure(Exception):
    """No benchmark yields a figure of this name, or of this family."""

    name: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        """Show what there is."""
        return f"no benchmark is called {self.name!r}; there are {', '.join(self.known)}"


@dataclass(frozen=True, slots=True)
class Suite:
    """A benchmark and the names it yields; `run` is called once."""

    names: tuple[str, ...]
    run: Benchmark


def run_suites(suites: list[Suite], wanted: list[str], out: TextIO = sys.stdout) -> int:
    """Run the suites that yield a wanted name (all when none is named); one JSON object a line.

    Returns:
        How many figures were printed.

    Raises:
        UnknownFigure: A wanted name that no suite yields.
    """
    known = tuple(name for suite in suites for name in suite.names)
    for name in wanted:
        if not any(_matches(have, [name]) for have in known):
            raise UnknownFigure(name, known)
    yardstick = Yardstick()
    printed = 0
    for suite in suites:
        if wanted and not any(_matches(have, wanted) for have in suite.names):
            continue
        before = yardstick.measure()
        figures = list(suite.run())
        beside = (before + yardstick.measure()) / 2
        assert {figure.name for figure in figures} <= set(suite.names)
        for figure in figures:
            if wanted and not _matches(figure.name, wanted):
                continue
            print(json.dumps(_row(figure, beside), ensure_ascii=False), file=out, flush=True)
            printed += 1
    return printed


def _row(figure: Figure, yardstick: float) -> dict[str, str | float | bool | None]:
    """One line; `target` and `pass` are null for a figure that only gives context."""
    target = TARGETS.get(figure.name)
    return {
        "name": figure.name,
        "value": round(figure.value, 6),
        "unit": figure.unit,
        "yardstick": round(yardstick, 3),
        "target": None if target is None else str(target),
        "pass": None if target is None else target.holds(figure.value),
    }


def _matches(name: str, wanted: list[str]) -> bool:
    """A wanted word is a figure's name or its family: `road` means `road.*`."""
    return any(name == want or name.startswith(f"{want}.") for want in wanted)
