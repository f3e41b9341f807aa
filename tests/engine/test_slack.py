"""The bound of an account's slack is never above its slack, and no decision hangs on it."""

import pytest

from ledger.engine import Engine
from ledger.engine.kernels.queries import judge
from ledger.engine.layout import CUSTOMER_FIRST
from matching.pins import pin
from tests.engine.account_streams import AccountStream
from tests.engine.credit_streams import CreditStream
from tests.engine.perpetual_streams import PerpetualStream
from tests.engine.streams import as_commands

LENGTH = 300


def tracked(engine):
    """(account, bound) of every account that has one."""
    state = engine._state
    epoch = int(state.caches.epoch[0])
    for account in range(CUSTOMER_FIRST, int(state.header["account_count"][0])):
        row = state.caches.slack[account]
        if int(row["epoch"]) == epoch:
            yield account, int(row["slack_minor"])


def forget(engine):
    """Forget every bound."""
    caches = engine._state.caches
    caches.slack["epoch"][:] = 0


@pytest.mark.parametrize("stream", [PerpetualStream, AccountStream, CreditStream])
@pytest.mark.parametrize("seed", range(6))
def test_a_bound_is_never_above_the_slack(stream, seed):
    engine = Engine()
    seen = 0
    for raw in stream(seed + 700).take(LENGTH):
        engine.execute(as_commands([raw]))
        for account, bound in tracked(engine):
            equity, _, initial = judge(pin(engine._state), account)
            assert bound <= equity - initial, account
            seen += 1
    assert seen > 0


@pytest.mark.parametrize("seed", range(6))
def test_an_engine_that_forgets_everything_decides_alike(seed):
    remembering, forgetting = Engine(), Engine()
    for raw in PerpetualStream(seed + 800).take(LENGTH):
        forget(forgetting)
        ours, theirs = (engine.execute(as_commands([raw])) for engine in (remembering, forgetting))
        assert ours.outcomes.tobytes() == theirs.outcomes.tobytes()
        assert ours.events.tobytes() == theirs.events.tobytes()
    assert remembering.state_root() == forgetting.state_root()


def test_the_bound_alone_lets_orders_through():
    """Without it the tests above would hold of nothing."""
    engine = Engine()
    seen = set()
    for raw in PerpetualStream(1).take(LENGTH):
        engine.execute(as_commands([raw]))
        seen |= {account for account, bound in tracked(engine) if bound > 0}
    assert seen


def test_every_position_is_in_the_index_through_growth_and_restoring():
    engine = Engine()
    engine.execute(as_commands(PerpetualStream(3).take(LENGTH)))
    for other in (engine, Engine.restore(engine.snapshot())):
        state = other._state
        count = int(state.header["position_count"][0])
        found = state.caches.places[state.caches.places > 0] & 0xFFFF_FFFF
        assert sorted(found.tolist()) == list(range(1, count + 1))
        assert count > 0


def test_a_restored_engine_bounds_again_without_waiting_for_a_tick():
    engine = Engine()
    engine.execute(as_commands(PerpetualStream(3).take(LENGTH)))
    weights = Engine.restore(engine.snapshot())._state.caches.weights
    assert weights["weight"].any()
    assert weights.tolist()[:4] == engine._state.caches.weights.tolist()[:4]
