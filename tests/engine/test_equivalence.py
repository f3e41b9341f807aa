"""The kernels equal the plain reference on random streams: outcomes, events and root."""

import os

import pytest

from ledger.engine import Capacity, Engine
from ledger.engine.reference.engine import ReferenceEngine
from ledger.engine.reference.tables import canonical_tables
from ledger.engine.root import state_root
from ledger.records.codes import EventKind, Reject
from matching.jit import COMPILED
from tests.engine.account_streams import AccountStream
from tests.engine.credit_streams import CreditStream
from tests.engine.everything_streams import EverythingStream
from tests.engine.order_streams import OrderStream
from tests.engine.perpetual_streams import PerpetualStream
from tests.engine.streams import Stream, as_commands, shrink

SEEDS = int(os.environ.get("PROVENUE_SEEDS", "500" if COMPILED else "24"))
"""Plain Python kernels are slow; every lane has some. `make model-long` asks for many."""
LENGTH = 350
BATCH = 29
TIGHT = Capacity(accounts=21, assets=4, instruments=4, orders=12, withdrawals=15, holds=5)


def differ(stream, capacity):
    """What differs between the engine and its oracle: empty when nothing does."""
    engine, oracle = Engine(capacity), ReferenceEngine(capacity)
    for first in range(0, len(stream), BATCH):
        commands = as_commands(stream[first : first + BATCH])
        ours, theirs = engine.execute(commands), oracle.execute(commands)
        if ours.outcomes.tobytes() != theirs.outcomes.tobytes():
            return "outcomes"
        if ours.events.tobytes() != theirs.events.tobytes():
            return "events"
    engine.assert_conservation()
    same = engine.state_root() == state_root(canonical_tables(oracle.state))
    return "" if same else "root"


def check(stream, capacity):
    found = differ(stream, capacity)
    if found:
        smallest = shrink(stream, lambda shorter: bool(differ(shorter, capacity)))
        listing = "\n".join(raw.hex() for raw in smallest)
        pytest.fail(f"{found} differ on {len(smallest)} commands:\n{listing}")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_kernels_equal_the_reference_on_a_random_stream(seed):
    check(Stream(seed).take(LENGTH), Capacity())


@pytest.mark.parametrize("seed", range(SEEDS // 6))
def test_kernels_equal_the_reference_when_tables_are_full(seed):
    check(Stream(seed + 10_000).take(LENGTH), TIGHT)


@pytest.mark.parametrize("seed", range(SEEDS // 6))
def test_kernels_equal_the_reference_among_few_accounts(seed):
    """Two accounts meet themselves again and again."""
    check(Stream(seed + 20_000, accounts=2).take(LENGTH), Capacity())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_kernels_equal_the_reference_on_a_random_stream_of_every_order_type(seed):
    check(OrderStream(seed).take(LENGTH), Capacity())


@pytest.mark.parametrize("seed", range(SEEDS // 6))
def test_every_order_type_is_exact_when_tables_are_full_or_accounts_are_few(seed):
    check(OrderStream(seed + 10_000).take(LENGTH), TIGHT)
    check(OrderStream(seed + 20_000, accounts=2).take(LENGTH), Capacity())


@pytest.mark.parametrize("seed", range(12))
def test_a_restored_engine_goes_on_alike_with_every_order_type(seed):
    stream = OrderStream(seed + 30_000).take(500)
    engine = Engine()
    engine.execute(as_commands(stream[:350]))
    copy = Engine.restore(engine.snapshot())
    assert copy.snapshot() == engine.snapshot()
    ours, theirs = (
        engine.execute(as_commands(stream[350:])),
        copy.execute(as_commands(stream[350:])),
    )
    assert ours.outcomes.tobytes() == theirs.outcomes.tobytes()
    assert ours.events.tobytes() == theirs.events.tobytes()
    assert copy.state_root() == engine.state_root()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_kernels_equal_the_reference_on_a_random_stream_of_everything(seed):
    check(EverythingStream(seed + 50_000).take(LENGTH), Capacity())


@pytest.mark.parametrize("seed", range(4))
def test_a_restored_engine_goes_on_alike_with_everything(seed):
    stream = EverythingStream(seed + 60_000).take(400)
    engine = Engine()
    engine.execute(as_commands(stream[:300]))
    copy = Engine.restore(engine.snapshot())
    assert copy.snapshot() == engine.snapshot()
    ours, theirs = (one.execute(as_commands(stream[300:])) for one in (engine, copy))
    assert ours.outcomes.tobytes() == theirs.outcomes.tobytes()
    assert ours.events.tobytes() == theirs.events.tobytes()
    assert copy.state_root() == engine.state_root()
    copy.assert_conservation()


STREAMS = (
    (OrderStream, 20, LENGTH),
    (PerpetualStream, 25, 300),
    (AccountStream, 25, LENGTH),
    (CreditStream, 25, 300),
)
"""(stream, seeds, commands) that reach everything together."""


def test_the_streams_reach_every_reject_and_every_event():
    rejects, events = set(), set()
    for stream, seeds, length in STREAMS:
        for seed in range(seeds):
            done = ReferenceEngine().execute(as_commands(stream(seed).take(length)))
            rejects |= set(done.outcomes["reject"].tolist())
            events |= set(done.events["kind"].tolist())
    for capacity, seeds in ((Capacity(), range(60)), (TIGHT, range(10_000, 10_010))):
        for seed in seeds:
            oracle = ReferenceEngine(capacity)
            done = oracle.execute(as_commands(Stream(seed).take(LENGTH)))
            rejects |= set(done.outcomes["reject"].tolist())
            events |= set(done.events["kind"].tolist())
    assert set(EventKind) == events
    # Reached by tests of their own: test_listing.py, test_perpetuals.py.
    elsewhere = {Reject.SUPPLY_EXCEEDED, Reject.EXPOSURE_EXCEEDED, Reject.NO_MARK}
    assert set(Reject) - rejects <= elsewhere


def test_shrinking_finds_the_commands_that_matter():
    stream = [bytes([n]) for n in range(100)]
    smallest = shrink(stream, lambda left: bytes([7]) in left and bytes([70]) in left)
    assert smallest == [bytes([7]), bytes([70])]
