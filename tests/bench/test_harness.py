"""Figures come out as one JSON object a line, each beside a yardstick."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from api.bench.harness import Figure, Suite, UnknownFigure, run_suites
from api.bench.suites import SUITES as SUITES_SHIPPED
from api.bench.targets import TARGETS
from api.bench.yardstick import CELLS, Yardstick
from api.cli import FAMILIES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "bench.md").read_text()


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
    keys = {"name", "value", "unit", "yardstick", "target", "pass"}
    assert all(row.keys() == keys for row in rows)
    assert all(row["target"] is None and row["pass"] is None for row in rows)
    assert all(row["yardstick"] > 0 for row in rows)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("engine.batch512", 3_000_000, (">= 3000000", True)),
        ("engine.batch512", 2_999_999, (">= 3000000", False)),
        ("margin.mark_sweep_ms", 4.999, ("< 5", True)),
        ("margin.mark_sweep_ms", 5, ("< 5", False)),
    ],
)
def test_a_line_says_what_it_should_be_and_whether_it_is(
    name: str, value: float, expected: tuple[str, bool]
) -> None:
    out = io.StringIO()
    run_suites([Suite((name,), lambda: iter([Figure(name, value, "x")]))], [], out)
    row = json.loads(out.getvalue())
    assert (row["target"], row["pass"]) == expected


def test_every_target_is_of_a_figure_that_is_measured_once() -> None:
    names = [name for suite in SUITES_SHIPPED for name in suite.names]
    assert len(names) == len(set(names))
    assert TARGETS.keys() <= set(names)


def test_a_name_that_nothing_measures_is_an_error() -> None:
    with pytest.raises(UnknownFigure, match=r"nope.*a\.x, a\.y, b\.z"):
        run_suites(SUITES, ["nope"], io.StringIO())


def test_a_key_error_of_a_benchmark_is_not_taken_for_a_wrong_name() -> None:
    def broken() -> Iterator[Figure]:
        raise KeyError("a.x")
        yield

    with pytest.raises(KeyError):
        run_suites([Suite(("a.x",), broken)], ["a.x"], io.StringIO())


def test_the_help_knows_every_family_without_loading_one() -> None:
    names = [name for suite in SUITES_SHIPPED for name in suite.names]
    assert sorted(FAMILIES) == sorted({name.split(".")[0] for name in names})


def test_the_page_has_every_figure_by_its_whole_name() -> None:
    """`road.*` stands for all of a family."""
    told = set(re.findall(r"`([a-z0-9_.*]+)`", PAGE))
    for name in (name for suite in SUITES_SHIPPED for name in suite.names):
        assert told & {name, f"{name.split('.')[0]}.*"}, name
    assert {*TARGETS} <= told


def test_the_yardstick_walks_one_cycle_through_every_cell() -> None:
    cells = Yardstick()._cells
    met = np.zeros(CELLS, dtype=bool)
    at = 0
    for _ in range(CELLS):
        at = cells[at]
        met[at] = True
    assert at == 0
    assert met.all()
