"""The engine's figures under the names that issues and documents use."""

from collections.abc import Iterator
from typing import Final

from api.bench.harness import Figure, Suite
from ledger.engine import bench as engine_bench
from ledger.margin import bench as margin_bench

ENGINE_NAMES: Final = (
    "engine.batch512", "engine.batch4096", "engine.single_p50_us", "engine.single_p99_us",
    "engine.root_us", "engine.sweep_million", "engine.cancel_storm", "engine.stop_storm",
)  # fmt: skip
MARGIN_NAMES: Final = (
    "margin.mark_sweep_ms", "margin.mark_move_ms", "margin.liquidation_price_us",
    "margin.tick_ms", "margin.cascade_ms",
)  # fmt: skip
SEED: Final = 1


def measure_engine() -> Iterator[Figure]:
    """Whole engine in batches, one command alone, and the shapes that tempt quadratic code."""
    for figure in engine_bench.engine_figures():
        if figure.name.endswith("_ns"):
            name = figure.name.removesuffix("_ns") + "_us"
            yield Figure(name, figure.value / 1_000, "µs")
        else:
            yield Figure(figure.name, figure.value, figure.unit)


def measure_margin() -> Iterator[Figure]:
    """The margin kernels by themselves, then the same move and a cascade in the whole engine."""
    venue = margin_bench.Venue(SEED)
    yield Figure(MARGIN_NAMES[0], margin_bench.sweep_ms(venue), "ms")
    yield Figure(MARGIN_NAMES[1], margin_bench.mark_move_ms(venue, 0), "ms")
    yield Figure(MARGIN_NAMES[2], margin_bench.liquidation_price_us(venue), "µs")
    for figure in (*engine_bench.tick_figures(), *engine_bench.cascade_figures()):
        yield Figure(figure.name.removesuffix("_us") + "_ms", figure.value / 1_000, "ms")


ENGINE: Final = Suite(ENGINE_NAMES, measure_engine)
MARGIN: Final = Suite(MARGIN_NAMES, measure_margin)
