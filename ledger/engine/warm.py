"""Compile every kernel of the engine once, so that other processes find it in the cache.

A cold compile takes the better part of a minute of CPU. Whoever starts several processes calls this
first, in one of them: afterwards each starts in a second. `GROUPS` are what workers may compile
before, at the same time: without a venue to run them on.
"""

import numpy as np

from ledger.engine.engine import Engine
from ledger.engine.flows.shape import INDEX_TICKS, START_NS, Shape, prepared
from ledger.engine.kernels.clock.tick import run_tick
from ledger.engine.kernels.queries import judge, judge_row, light_positions, predict_rate
from ledger.engine.kernels.run import run
from ledger.engine.kernels.run_margin import run_margin
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records import layout
from ledger.records.build import command
from ledger.records.codes import CommandKind, Reject, Side
from matching.groups import Group
from matching.jit import prepare

_SPOT = 0

_LINEAR = 1
_TERMS = {"time_ns": START_NS, "price_ticks": INDEX_TICKS}


def compile_kernels() -> None:
    """Run a venue of two traders through every entry into compiled code."""
    engine = prepared(Shape(accounts=2, instruments=2))
    first = CUSTOMER_FIRST
    sell = command(
        CommandKind.NEW_ORDER,
        account=first,
        instrument=_LINEAR,
        side=Side.SELL,
        qty_lots=1,
        **_TERMS,
    )
    buy = command(
        CommandKind.NEW_ORDER, account=first + 1, instrument=_LINEAR, qty_lots=1, **_TERMS
    )
    rest = command(CommandKind.NEW_ORDER, account=first, instrument=_SPOT, qty_lots=1_000, **_TERMS)
    done = engine.execute(np.frombuffer(sell + buy + rest, layout.COMMAND))
    assert (done.outcomes["reject"] == Reject.NONE).all(), "the venue is well-formed"
    assert len(done.events) == 1, "the two have traded"
    restored = Engine.restore(engine.snapshot())
    bids, _ = restored.depth(_SPOT, 1)
    assert len(bids) == 1, "the order rests"
    assert restored.order(done.first_seq + 2) is not None, "and is found"
    assert restored.standing(first).equity_minor > 0, "its owner has something"
    assert restored.position_risk(first, _LINEAR) is not None, "and a position"
    assert len(restored.adl_lights(_LINEAR)) == 2, "as the other one has"
    restored.predicted_funding_ppb(_LINEAR)


def prepare_run() -> None:
    """The dispatcher of most commands."""
    prepare(run, Engine().machine(), 0, 0)


def prepare_rest() -> None:
    """All else: the seldom dispatchers, and reads, which share most of their parts with those."""
    machine = Engine().machine()
    prepare(run_tick, machine, 0)
    prepare(run_margin, machine, 0, 0)
    prepare_reads()


def prepare_reads() -> None:
    """What restores a snapshot, and what answers questions about margin."""
    engine = Engine.restore(Engine().snapshot())
    state = engine.machine().state
    prepare(judge, state, 0)
    prepare(judge_row, state, 0)
    prepare(light_positions, state, 0, np.zeros(1, np.uint8))
    prepare(predict_rate, state, 0)


GROUPS = (
    Group(prepare_rest, (run_tick, run_margin, judge, judge_row, light_positions, predict_rate)),
    Group(prepare_run, (run,)),
)
"""The one that takes longer first. Kernels of one group share their common parts."""
