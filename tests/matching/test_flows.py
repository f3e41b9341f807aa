"""The flows are what the benchmark says they are, and no shape of input is slow."""

import numpy as np
import pytest

from matching.bench import BATCH, Bench, book_figures
from matching.book import run_book
from matching.flows import (
    MARKETS,
    MID_TICKS,
    PRICE_BITS,
    market_flow,
    storm_flow,
    sweep_flow,
)
from matching.jit import COMPILED
from matching.messages import BookReject, MessageKind, ReportKind

STREAM = 40_000 if COMPILED else 2_000
MANY = 20_000 if COMPILED else 500


def told(flow):
    """All reports of a flow's stream, and the greatest number of orders that rested."""
    bench, kinds, rejects, most = Bench(flow), np.zeros(6, int), np.zeros(11, int), 0
    bench.feed(flow.before)
    at = 0
    while at < len(flow.messages):
        written = run_book(bench.book, flow.messages[at : at + BATCH], bench.reports)
        at += int(bench.book.head["taken"][0])
        kinds += np.bincount(bench.reports["kind"][:written], minlength=6)
        rejects += np.bincount(bench.reports["reject"][:written], minlength=11)
        most = max(most, int(bench.book.head["open_orders"][0]))
    return kinds, rejects, most


@pytest.mark.parametrize("name", MARKETS)
def test_a_market_mixes_new_cancel_and_modify_as_promised(name):
    flow = market_flow(MARKETS[name], 200_000, 7)
    messages = flow.messages
    share = np.bincount(messages["kind"], minlength=4) * 1000 // len(messages)
    assert abs(len(messages) - 200_000) < 4_000
    for kind, expected in zip(MessageKind, (500, 410, 90), strict=True):
        assert abs(int(share[kind]) - expected) <= 8, share
    new = messages[messages["kind"] == MessageKind.NEW]
    assert abs(int(new["flags"].sum()) * 1000 // len(new) - 150) < 6
    assert len(np.unique(new["order_id"])) == len(new)


@pytest.mark.parametrize("name", MARKETS)
def test_a_market_is_never_refused_but_for_orders_that_are_gone(name):
    kinds, rejects, most = told(market_flow(MARKETS[name], STREAM, 7))
    assert rejects[1:].sum() == rejects[BookReject.UNKNOWN_ORDER] == kinds[ReportKind.REFUSED]
    assert kinds[1:5].all()
    assert most > 0


def test_the_same_seed_gives_the_same_flow_and_another_another():
    flows = [market_flow(MARKETS["crash"], 5_000, seed).messages.tobytes() for seed in (1, 1, 2)]
    assert flows[0] == flows[1] != flows[2]


@pytest.mark.parametrize(("name", "percent"), [("swing25", 25), ("swing40", 40)])
def test_a_swing_goes_its_whole_way_both_ways(name, percent):
    middle = MARKETS[name].middle(np.arange(-500_000, 2_000_000, 100), 2_000_000)
    reach = MID_TICKS * percent // 100
    assert (middle.min(), middle.max()) == (MID_TICKS - reach, MID_TICKS + reach)
    assert np.abs(np.diff(middle)).max() <= reach // 100


def test_a_crash_halves_the_price_within_a_fiftieth_and_comes_half_way_back():
    times = np.arange(0, 2_000_000)
    middle = MARKETS["crash"].middle(times, 2_000_000)
    fallen = middle <= MID_TICKS // 2
    assert middle[0] == MID_TICKS
    assert times[fallen][0] - times[middle < MID_TICKS][0] <= 2_000_000 // 50
    assert middle[-1] == MID_TICKS * 3 // 4
    assert middle.max() + MARKETS["crash"].width_ticks < 1 << PRICE_BITS


def test_one_order_sweeps_every_resting_one():
    flow = sweep_flow(MANY, 3)
    kinds, rejects, most = told(flow)
    assert kinds[ReportKind.TRADE] == MANY
    assert most >= MANY - BATCH
    assert kinds[ReportKind.ACCEPTED] == MANY + 1
    assert rejects[1:].sum() == 0


def test_a_storm_cancels_all_it_rested():
    flow = storm_flow(MANY, 3)
    kinds, rejects, most = told(flow)
    assert kinds[ReportKind.ACCEPTED] == kinds[ReportKind.CANCELLED] == MANY
    assert most >= MANY - BATCH
    assert rejects[1:].sum() == 0
    crowded = np.unique(flow.messages["price_ticks"], return_counts=True)[1].max()
    assert crowded > MANY // 3


def test_figures_have_their_names_and_the_worst_is_the_least():
    figures = list(book_figures(STREAM // 10, MANY // 10, runs=1))
    names = [figure.name for figure in figures]
    assert names == [
        *(f"book.{name}" for name in ("calm", "deep", "swing25", "swing40", "crash", "worst")),
        "book.sweep_million",
        "book.cancel_storm",
    ]
    rates = {figure.name: figure.value for figure in figures}
    assert rates["book.worst"] == min(rates[name] for name in names[:5])
    assert all(figure.unit == "messages/s" and figure.value > 0 for figure in figures)


def test_a_bench_runs_the_same_stream_again_to_the_same_end():
    bench = Bench(market_flow(MARKETS["swing40"], 4_000, 5))
    ends = []
    for _ in range(2):
        assert bench.run() > 0
        ends.append([table.tobytes() for table in bench.book])
    assert ends[0] == ends[1]


@pytest.mark.parametrize("shape", [sweep_flow, storm_flow])
def test_sixteen_times_the_orders_take_nothing_like_256_times_the_time(shape):
    """A quadratic step would make each message 16 times as slow; caches and noise make it 2 or 3.

    The best of several runs, so that the machine's other work does not decide.
    """
    few = 20_000 if COMPILED else 200
    best_ns = []
    for count in (few, 16 * few):
        bench = Bench(shape(count, 11))
        best_ns.append(min(bench.run() for _ in range(5)))
    assert best_ns[1] < 16 * best_ns[0] * 6
