"""The benchmark measures what it says: every figure, from small venues, with work that was done."""

import pytest

from ledger.engine import bench
from ledger.engine.bench import FULL, Size
from ledger.engine.flows import holders
from ledger.engine.flows.shape import Shape
from ledger.engine.layout import CUSTOMER_FIRST

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
    shocks=2,
)


def test_every_figure_has_a_name_a_value_and_a_unit():
    figures = list(bench.engine_figures(SMALL))
    assert [figure.name for figure in figures] == [
        "engine.batch512", "engine.batch4096", "engine.single_p50_ns", "engine.single_p99_ns",
        "engine.root_ns", "engine.sweep_million", "engine.cancel_storm", "engine.stop_storm",
    ]  # fmt: skip
    assert all(figure.value > 0 and figure.unit for figure in figures)


def test_a_cascade_is_measured_only_when_everybody_falls():
    (figure,) = bench.cascade_figures(SMALL)
    assert (figure.name, figure.unit) == ("margin.cascade_us", "µs")
    assert figure.value > 0


def test_ticks_are_measured_after_small_moves_and_large_ones():
    figures = list(bench.tick_figures(SMALL))
    assert [(figure.name, figure.unit) for figure in figures] == [
        ("margin.mark_sweep_us", "µs"), ("margin.shock_us", "µs"),
    ]  # fmt: skip
    assert all(figure.value > 0 for figure in figures)


def reaches(engine):
    """Of every customer, and the total of moves that they are held against."""
    caches, count = engine._state.caches, engine.account_count
    return caches.slack["reach"][CUSTOMER_FIRST:count].copy(), int(caches.moved[0])


def test_small_moves_pass_nearly_everybody_and_a_shock_judges_everybody_in_full():
    engine, judged = bench._held(SMALL.holders), []
    for step in range(FULL.ticks):
        before, _ = reaches(engine)
        assert bench._move_ns(engine, step, bench.SMALL_PPM) > 0
        judged.append(int((reaches(engine)[0] != before).sum()))
    assert judged[0] == SMALL.holders
    assert sum(judged) <= 3 * SMALL.holders
    for step in range(FULL.ticks, FULL.ticks + FULL.shocks):
        before, _ = reaches(engine)
        assert bench._move_ns(engine, step, bench.SHOCK_PPM) > 0
        after, moved = reaches(engine)
        assert (before < moved).all()
        assert (after >= moved).all(), "and all of them stand"


def test_whoever_is_measured_has_three_positions_and_two_wallets():
    engine = bench._held(SMALL.holders)
    for account in range(CUSTOMER_FIRST, engine.account_count):
        assert [abs(one.qty_lots) for one in engine.positions(account)] == [holders.LOTS] * 3
        wallets = [
            asset
            for asset in range(engine.asset_count)
            if engine.balance(account, asset).available_minor
        ]
        assert wallets == [0, holders.COIN]
        assert engine.standing(account).maintenance_minor > 0


def test_a_move_after_which_somebody_falls_is_no_figure():
    engine = bench._held(SMALL.holders)
    with pytest.raises(AssertionError, match="nobody falls"):
        bench._move_ns(engine, 0, 9_000_000)


def test_a_price_that_does_not_move_every_mark_is_no_figure(monkeypatch):
    engine, real = bench._held(SMALL.holders), bench.holders.prices

    def lame(*arguments):
        told, tick = real(*arguments)
        return told[:-1], tick

    monkeypatch.setattr(bench.holders, "prices", lame)
    with pytest.raises(AssertionError, match="every mark"):
        bench._move_ns(engine, 0, bench.SMALL_PPM)


def test_a_liquidation_price_is_measured_as_a_client_reads_it():
    (figure,) = bench.risk_figures(SMALL)
    assert (figure.name, figure.unit) == ("margin.liquidation_price_ns", "ns")
    assert figure.value > 0


def test_the_full_size_is_the_one_that_the_figures_are_named_for():
    assert Shape(accounts=10_000, instruments=20) == bench.FULL.shape
    assert bench.FULL.many == 1_000_000
    assert (bench.FULL.stops, bench.FULL.longs) == (10_000, 10_000)
    assert (bench.FULL.holders, bench.FULL.ticks) == (100_000, 20)


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
