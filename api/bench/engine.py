"""The engine's figures under the names that issues and documents use."""

from collections.abc import Iterator
from typing import Final

from api.bench.harness import Figure, Suite
from ledger.engine import bench as engine_bench

ENGINE_NAMES: Final = (
    "engine.batch512", "engine.batch4096", "engine.single_p50_us", "engine.single_p99_us",
    "engine.root_us", "engine.sweep_million", "engine.cancel_storm", "engine.stop_storm",
)  # fmt: skip
MARGIN_NAMES: Final = (
    "margin.mark_sweep_ms", "margin.shock_ms", "margin.liquidation_price_us", "margin.cascade_ms",
)  # fmt: skip


def measure_engine() -> Iterator[Figure]:
    """Whole engine in batches, one command alone, and the shapes that tempt quadratic code."""
    return map(_renamed, engine_bench.engine_figures())


def measure_margin() -> Iterator[Figure]:
    """TICKs that judge everybody, one position's risk, and a cascade, all in the whole engine."""
    for measure in (
        engine_bench.tick_figures,
        engine_bench.risk_figures,
        engine_bench.cascade_figures,
    ):
        yield from map(_renamed, measure())


def _renamed(figure: engine_bench.Figure) -> Figure:
    """Times are measured in whole units of the next finer kind than they are told in."""
    for finer, told, unit in (("_ns", "_us", "µs"), ("_us", "_ms", "ms")):
        if figure.name.endswith(finer):
            return Figure(figure.name.removesuffix(finer) + told, figure.value / 1_000, unit)
    return Figure(figure.name, figure.value, figure.unit)


ENGINE: Final = Suite(ENGINE_NAMES, measure_engine)
MARGIN: Final = Suite(MARGIN_NAMES, measure_margin)
