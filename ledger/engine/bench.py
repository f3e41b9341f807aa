"""How fast the engine is, by itself: whole batches, one command alone, and shapes that tempt.

Nothing is asserted here but that the flows do what they are for: the machine is shared, and the
caller takes the yardstick. Figures are integers; rates are per second, medians of several runs.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from ledger.engine.engine import Engine
from ledger.engine.flows import holders
from ledger.engine.flows.cascade import cascade
from ledger.engine.flows.mixed import mixed_flow
from ledger.engine.flows.shape import Shape, prepared
from ledger.engine.flows.storms import Storm, cancel_storm, stop_storm, sweep
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records.codes import EventKind, Reject
from matching.units import PPM

NS: Final = 1_000_000_000
NS_PER_US: Final = 1_000
SHAPE: Final = Shape(accounts=10_000, instruments=20)
BATCHES: Final = (512, 4096)
SEED: Final = 20261120
SMALL_PPM: Final = 5_000
SHOCK_PPM: Final = 120_000
"""How far marks move in one TICK."""
READERS: Final = 10
"""Accounts of the venue in which one position's risk is read: lights look at all of them."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One benchmark result."""

    name: str
    value: int
    unit: str


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured; tests measure less.

    Attributes:
        shape: The venue's.
        flow: Commands of the mixed flow.
        singles: Commands that are executed one at a time.
        many: Orders of the shapes that tempt.
        stops: That one trade triggers.
        longs: Accounts that one mark move liquidates.
        holders: Accounts with three positions each, all of whose marks move.
        ticks: Moves of all marks by half a percent; their mean counts.
        shocks: And by twelve; the least counts.
        runs: Of each rate; the median counts.
    """

    shape: Shape = SHAPE
    flow: int = 1_000_000
    singles: int = 20_000
    many: int = 1_000_000
    stops: int = 10_000
    longs: int = 10_000
    holders: int = 100_000
    ticks: int = 20
    shocks: int = 5
    runs: int = 3


FULL: Final = Size()


def engine_figures(size: Size = FULL) -> Iterator[Figure]:
    """Whole-engine rates by batch size, a lone command, the root, a sweep and a cancel storm."""
    for batch in BATCHES:
        rates = sorted(_mixed_rate(size, batch) for _ in range(size.runs))
        yield Figure(f"engine.batch{batch}", rates[size.runs // 2], "commands/s")
    yield from _alone(size)
    rates = sorted(_sweep_rate(size) for _ in range(size.runs))
    yield Figure("engine.sweep_million", rates[size.runs // 2], "fills/s")
    rates = sorted(_storm_rate(size) for _ in range(size.runs))
    yield Figure("engine.cancel_storm", rates[size.runs // 2], "commands/s")
    rates = sorted(_stops_rate(size) for _ in range(size.runs))
    yield Figure("engine.stop_storm", rates[size.runs // 2], "stops/s")


def cascade_figures(size: Size = FULL) -> Iterator[Figure]:
    """Liquidations that one mark move makes, all in one TICK."""
    taken_us = sorted(_cascade_us(size) for _ in range(size.runs))
    yield Figure("margin.cascade_us", taken_us[size.runs // 2], "µs")


def tick_figures(size: Size = FULL) -> Iterator[Figure]:
    """TICKs that move every mark in the engine that a venue runs: small moves, then large ones.

    After small ones a TICK passes who cannot have fallen; a large one leaves nobody to pass.
    """
    engine = _held(size.holders)
    small_ns = [_move_ns(engine, step, SMALL_PPM) for step in range(size.ticks)]
    yield Figure("margin.mark_sweep_us", sum(small_ns) // size.ticks // NS_PER_US, "µs")
    steps = range(size.ticks, size.ticks + size.shocks)
    yield Figure(
        "margin.shock_us",
        min(_move_ns(engine, step, SHOCK_PPM) for step in steps) // NS_PER_US,
        "µs",
    )
    for account in (CUSTOMER_FIRST, CUSTOMER_FIRST + size.holders - 1):
        assert engine.standing(account).maintenance_minor > 0, "there was something to judge"


def risk_figures(size: Size = FULL) -> Iterator[Figure]:
    """One position's liquidation price, as a client reads it, with all that comes with it."""
    engine = _held(READERS)
    account, instrument = CUSTOMER_FIRST, holders.contracts()[0]
    taken_ns = []
    for _ in range(size.singles):
        began_ns = time.perf_counter_ns()
        risk = engine.position_risk(account, instrument)
        taken_ns.append(time.perf_counter_ns() - began_ns)
        assert risk is not None, "it is open, and has a mark"
    yield Figure("margin.liquidation_price_ns", sorted(taken_ns)[size.singles // 2], "ns")


def _held(count: int) -> Engine:
    """An engine with so many accounts, each with three positions and two wallets."""
    engine, trades = Engine(), 0
    for part in holders.set_up(count):
        done = engine.execute(part)
        assert (done.outcomes["reject"] == Reject.NONE).all(), "everybody can afford it"
        trades += int((done.events["kind"] == EventKind.TRADE).sum())
    assert 2 * trades == holders.POSITIONS * count, "everybody has three"
    return engine


def _marks(engine: Engine) -> list[int]:
    found = [engine.perpetual(number) for number in holders.contracts()]
    return [0 if one is None else one.mark_ticks for one in found]


def _move_ns(engine: Engine, step: int, share_ppm: int) -> int:
    """Nanoseconds of the TICK in which every mark moves by a share: up, and down the next time."""
    before = _marks(engine)
    change = share_ppm if step % 2 == 0 else -share_ppm
    told, tick = holders.prices(step + 1, before[0] * (PPM + change) // PPM)
    engine.execute(told)
    began_ns = time.perf_counter_ns()
    done = engine.execute(tick)
    taken_ns = time.perf_counter_ns() - began_ns
    assert (done.events["kind"] == EventKind.MARK_MOVED).all(), "nobody falls"
    for was, now in zip(before, _marks(engine), strict=True):
        assert abs(now - was) * PPM >= was * share_ppm * 9 // 10, "every mark moves so far"
    return taken_ns


def _feed(engine: Engine, commands: NDArray[Any], batch: int) -> int:
    """Nanoseconds to execute all commands, batch after batch."""
    began_ns = time.perf_counter_ns()
    for first in range(0, len(commands), batch):
        engine.execute(commands[first : first + batch])
    return time.perf_counter_ns() - began_ns


def _mixed_rate(size: Size, batch: int) -> int:
    engine = prepared(size.shape)
    flow = mixed_flow(size.shape, engine.seq + 1, size.flow, SEED)
    return len(flow) * NS // _feed(engine, flow, batch)


def _alone(size: Size) -> Iterator[Figure]:
    """One command at a time, from the call to its events; then one state root."""
    engine = prepared(size.shape)
    flow = mixed_flow(size.shape, engine.seq + 1, size.singles, SEED)
    taken_ns = sorted(_feed(engine, flow[at : at + 1], 1) for at in range(size.singles))
    for share in (50, 99):
        yield Figure(f"engine.single_p{share}_ns", taken_ns[size.singles * share // 100], "ns")
    began_ns = time.perf_counter_ns()
    engine.state_root()
    yield Figure("engine.root_ns", time.perf_counter_ns() - began_ns, "ns")


def _sweep_rate(size: Size) -> int:
    """Fills a second of the one order that takes a great many one-lot orders."""
    engine = prepared(size.shape)
    storm = sweep(size.shape, size.many, SEED)
    _build(engine, storm)
    began_ns = time.perf_counter_ns()
    done = engine.execute(storm.measured)
    taken_ns = time.perf_counter_ns() - began_ns
    assert len(done.events) == size.many, "every resting order was taken"
    assert engine.open_order_count == 0, "and nothing rests"
    return size.many * NS // taken_ns


def _storm_rate(size: Size) -> int:
    """Cancels a second of a great many orders, many of them at one price."""
    engine = prepared(size.shape)
    storm = cancel_storm(size.shape, engine.seq + 1, size.many, SEED)
    _build(engine, storm)
    rate = len(storm.measured) * NS // _feed(engine, storm.measured, BATCHES[-1])
    assert engine.open_order_count == 0, "every order was cancelled"
    return rate


def _stops_rate(size: Size) -> int:
    """Stops a second that one trade triggers, all of them at one price."""
    engine = prepared(size.shape)
    storm = stop_storm(size.shape, size.stops)
    done = engine.execute(storm.before)
    assert (done.outcomes["reject"] == Reject.NONE).all(), "money never runs short here"
    began_ns = time.perf_counter_ns()
    done = engine.execute(storm.measured)
    taken_ns = time.perf_counter_ns() - began_ns
    assert len(done.events) == 2 * size.stops + 1, "every stop triggered, and traded"
    return size.stops * NS // taken_ns


def _cascade_us(size: Size) -> int:
    """Microseconds of the TICK in which everybody falls."""
    engine = Engine()
    storm = cascade(size.longs)
    done = engine.execute(storm.before)
    assert (done.outcomes["reject"] == Reject.NONE).all(), "everybody can afford it"
    began_ns = time.perf_counter_ns()
    done = engine.execute(storm.measured)
    taken_ns = time.perf_counter_ns() - began_ns
    fell = (done.events["kind"] == EventKind.ACCOUNT_FELL).sum()
    traded = (done.events["kind"] == EventKind.TRADE).sum()
    assert fell == traded == size.longs, "every account was liquidated, into the book"
    return taken_ns // NS_PER_US


def _build(engine: Engine, storm: Storm) -> None:
    """Rest the orders that the measured part is about."""
    done = engine.execute(storm.before)
    assert (done.outcomes["reject"] == Reject.NONE).all(), "money never runs short here"
    assert engine.open_order_count == len(storm.before), "nothing trades before it is measured"


if __name__ == "__main__":
    for figure in engine_figures():
        sys.stdout.write(f"{figure}\n")
