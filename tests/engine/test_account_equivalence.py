"""Kernels equal the plain reference on random streams of what depends on an account's positions."""

import pytest

from ledger.engine import Capacity, Engine
from matching.jit import COMPILED
from tests.engine.account_streams import AccountStream
from tests.engine.streams import as_commands
from tests.engine.test_equivalence import check

SEEDS = 200 if COMPILED else 20
LENGTH = 350


@pytest.mark.parametrize("seed", range(SEEDS))
def test_kernels_equal_the_reference_on_a_random_stream_of_accounts(seed):
    check(AccountStream(seed).take(LENGTH), Capacity())


@pytest.mark.parametrize("seed", range(SEEDS // 5))
def test_kernels_equal_the_reference_when_there_is_little_room(seed):
    check(AccountStream(seed + 5000).take(LENGTH), Capacity(positions=8, orders=20))


@pytest.mark.parametrize("seed", range(SEEDS // 5))
def test_kernels_equal_the_reference_between_two_accounts(seed):
    check(AccountStream(seed + 9000, accounts=2).take(LENGTH), Capacity())


@pytest.mark.parametrize("seed", range(12))
def test_a_restored_engine_goes_on_alike_with_reduce_only_orders(seed):
    stream = AccountStream(seed + 300).take(400)
    engine = Engine()
    engine.execute(as_commands(stream[:280]))
    copy = Engine.restore(engine.snapshot())
    assert copy.snapshot() == engine.snapshot()
    rest = as_commands(stream[280:])
    ours, theirs = engine.execute(rest), copy.execute(rest)
    assert ours.outcomes.tobytes() == theirs.outcomes.tobytes()
    assert ours.events.tobytes() == theirs.events.tobytes()
    assert copy.state_root() == engine.state_root()
