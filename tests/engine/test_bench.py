"""The benchmark measures what it says: a flow that trades, cancels and amends."""

from collections import Counter

from ledger.engine import bench
from ledger.records.codes import CommandKind, Reject


def test_the_flow_is_the_mix_that_it_promises_and_mostly_takes_effect():
    engine = bench.prepared(accounts=200, instruments=4)
    flow = bench.order_flow(engine.seq + 1, 20_000, accounts=200, instruments=4)
    done = engine.execute(flow)
    kinds = Counter(done.outcomes["kind"].tolist())
    assert kinds[CommandKind.NEW_ORDER] == 10_000
    assert 8000 < kinds[CommandKind.CANCEL_ORDER] < 8400
    assert (done.outcomes["reject"] == Reject.NONE).mean() > 0.8
    assert len(done.events) > 500
    assert engine.open_order_count > 100


def test_the_flow_is_the_same_every_time():
    flows = [bench.order_flow(9, 1000, accounts=20, instruments=2) for _ in range(2)]
    assert flows[0].tobytes() == flows[1].tobytes()


def test_every_figure_has_a_name_a_unit_and_the_runs_yardstick(monkeypatch):
    monkeypatch.setattr(bench, "FLOW_COMMANDS", 2000)
    monkeypatch.setattr(bench, "SINGLES", 100)
    monkeypatch.setattr(bench, "ACCOUNTS", 50)
    figures = list(bench.engine_figures())
    assert [figure.name for figure in figures] == [
        "engine.batch512", "engine.batch4096", "engine.single_p50_ns", "engine.single_p99_ns",
        "engine.root_us",
    ]  # fmt: skip
    assert all(figure.value > 0 and figure.unit for figure in figures)
    assert len({figure.yardstick for figure in figures}) == 1
