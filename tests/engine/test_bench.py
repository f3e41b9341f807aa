"""The benchmark measures what it says: every figure, from small venues, with work that was done."""

import pytest

from ledger.engine import bench
from ledger.engine.bench import Size
from ledger.engine.flows.shape import Shape

SMALL = Size(
    Shape(accounts=50, instruments=3),
    flow=2000,
    singles=100,
    many=500,
    stops=200,
    longs=40,
    runs=1,
    holders=40,
    ticks=3,
)


def test_every_figure_has_a_name_a_value_and_a_unit():
    figures = list(bench.engine_figures(SMALL))
    assert [figure.name for figure in figures] == [
        "engine.batch512", "engine.batch4096", "engine.single_p50_ns", "engine.single_p99_ns",
        "engine.root_us", "engine.sweep_million", "engine.cancel_storm", "engine.stop_storm",
    ]  # fmt: skip
    assert all(figure.value > 0 and figure.unit for figure in figures)


def test_a_cascade_is_measured_only_when_everybody_falls():
    (figure,) = bench.cascade_figures(SMALL)
    assert (figure.name, figure.unit) == ("margin.cascade_us", "µs")
    assert figure.value > 0


def test_a_tick_is_measured_only_when_every_mark_moves_and_nobody_falls():
    (figure,) = bench.tick_figures(SMALL)
    assert (figure.name, figure.unit) == ("margin.tick_us", "µs")
    assert figure.value > 0


def test_the_full_size_is_the_one_that_the_figures_are_named_for():
    assert Shape(accounts=10_000, instruments=20) == bench.FULL.shape
    assert bench.FULL.many == 1_000_000
    assert (bench.FULL.stops, bench.FULL.longs) == (10_000, 10_000)
    assert bench.FULL.holders == 100_000


def test_a_storm_that_did_not_happen_is_no_figure(monkeypatch):
    """Were the resting orders refused, the measured part would be fast, and of nothing."""
    real = bench.cancel_storm

    def poor(*arguments):
        storm = real(*arguments)
        storm.before["account"][7] = 15
        return storm

    monkeypatch.setattr(bench, "cancel_storm", poor)
    with pytest.raises(AssertionError, match="never runs short"):
        bench._storm_rate(SMALL)
