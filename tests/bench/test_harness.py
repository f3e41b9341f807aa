"""Figures come out as one JSON object a line, each beside a yardstick."""

import io
import json
from collections.abc import Iterator

import numpy as np
import pytest

from api.bench.harness import Figure, Suite, run_suites
from api.bench.yardstick import CELLS, Yardstick


def _two() -> Iterator[Figure]:
    yield Figure("a.x", 1.5, "s")
    yield Figure("a.y", 2, "1/s")


def _other() -> Iterator[Figure]:
    yield Figure("b.z", 3, "ms")


SUITES = [Suite(("a.x", "a.y"), _two), Suite(("b.z",), _other)]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [([], ["a.x", "a.y", "b.z"]), (["a"], ["a.x", "a.y"]), (["a.y", "b"], ["a.y", "b.z"])],
)
def test_wanted_names_choose_figures(wanted: list[str], names: list[str]) -> None:
    out = io.StringIO()
    assert run_suites(SUITES, wanted, out) == len(names)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["name"] for row in rows] == names
    assert all(row.keys() == {"name", "value", "unit", "yardstick"} for row in rows)
    assert all(row["yardstick"] > 0 for row in rows)


def test_a_name_that_nothing_measures_is_an_error() -> None:
    with pytest.raises(KeyError, match="nope"):
        run_suites(SUITES, ["nope"], io.StringIO())


def test_the_yardstick_walks_one_cycle_through_every_cell() -> None:
    cells = Yardstick()._cells
    met = np.zeros(CELLS, dtype=bool)
    at = 0
    for _ in range(CELLS):
        at = cells[at]
        met[at] = True
    assert at == 0
    assert met.all()
