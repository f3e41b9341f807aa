"""Streams that benchmarks feed: the mix that they promise, the same every time, money for all."""

from collections import Counter

import numpy as np
import pytest

from ledger.engine.flows.mixed import mixed_flow
from ledger.engine.flows.shape import DEPOSITS_PART, Shape, deposits, prepared, set_up
from ledger.engine.flows.storms import CROWDED_TICKS, cancel_storm, standing_orders, sweep
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records.codes import CommandKind, OrderStatus, Reject
from ledger.records.layout import COMMAND, DEPOSIT, ORDER

SHAPE = Shape(accounts=200, instruments=4)


def test_a_prepared_venue_has_its_shape_and_shares_half_of_every_asset():
    engine = prepared(SHAPE)
    assert engine.account_count - CUSTOMER_FIRST == SHAPE.accounts
    assert (engine.asset_count, engine.instrument_count) == (SHAPE.assets, SHAPE.instruments)
    shares = {
        engine.balance(account, asset)
        for account in range(CUSTOMER_FIRST, CUSTOMER_FIRST + SHAPE.accounts)
        for asset in range(SHAPE.assets)
    }
    (share,) = shares
    assert share.available_minor == 2**61 // SHAPE.accounts // 2
    assert all(owned == SHAPE.accounts * share.available_minor for owned in _owned(engine))


def _owned(engine):
    return engine.assert_conservation()[: engine.asset_count]


def test_deposits_come_in_parts_numbered_without_a_gap():
    shape = Shape(accounts=DEPOSITS_PART // 4, instruments=9)
    parts = [part.view(DEPOSIT) for part in deposits(shape)]
    assert [len(part) for part in parts] == [DEPOSITS_PART, DEPOSITS_PART, DEPOSITS_PART // 2]
    every = np.concatenate(parts)
    assert every["deposit_index"].tolist() == list(range(1, len(every) + 1))
    places = every["account"].astype(np.int64) * shape.assets + every["asset"]
    assert len(np.unique(places)) == shape.accounts * shape.assets


def test_the_mixed_flow_is_the_mix_that_it_promises_and_mostly_takes_effect():
    engine = prepared(SHAPE)
    done = engine.execute(mixed_flow(SHAPE, engine.seq + 1, 20_000, seed=1))
    kinds = Counter(done.outcomes["kind"].tolist())
    assert kinds[CommandKind.NEW_ORDER] == 10_000
    assert 8000 < kinds[CommandKind.CANCEL_ORDER] < 8400
    assert (done.outcomes["reject"] == Reject.NONE).mean() > 0.8
    assert len(done.events) > 500
    assert engine.open_order_count > 100


def test_follow_ups_name_orders_of_their_own_account_and_instrument():
    """The flow may stand anywhere in a journal: orders are named by the seq they will have."""
    first_seq = 1_000_001
    flow = mixed_flow(SHAPE, first_seq, 4000, seed=3).view(ORDER)
    for row in np.flatnonzero(flow["kind"] != CommandKind.NEW_ORDER):
        born = int(flow["target_id"][row]) - first_seq
        assert 0 <= born < row
        assert flow["kind"][born] == CommandKind.NEW_ORDER
        for name in ("account", "instrument"):
            assert flow[name][born] == flow[name][row]


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: [mixed_flow(SHAPE, 9, 1000, seed)],
        lambda seed: list(_both(sweep(SHAPE, 100, seed))),
        lambda seed: list(_both(cancel_storm(SHAPE, 9, 100, seed))),
    ],
)
def test_a_seed_names_a_stream(make):
    first, second, other = (b"".join(part.tobytes() for part in make(seed)) for seed in (1, 1, 2))
    assert first == second
    assert first != other


def _both(storm):
    return storm.before, storm.measured


def test_a_set_up_is_all_commands():
    assert {part.dtype for part in set_up(SHAPE)} == {COMMAND}


def test_one_order_sweeps_every_one_lot_order_in_order_of_price():
    engine = prepared(SHAPE)
    storm = sweep(SHAPE, 3000, seed=1)
    rested = engine.execute(storm.before)
    assert not rested.outcomes["reject"].any()
    assert len(rested.events) == 0, "sellers do not meet"
    done = engine.execute(storm.measured)
    (outcome,) = done.outcomes
    assert outcome["status"] == OrderStatus.FILLED
    assert len(done.events) == 3000
    prices = done.events["price_ticks"]
    assert (np.diff(prices) >= 0).all()
    assert sorted(storm.before.view(ORDER)["price_ticks"]) == prices.tolist()
    assert engine.open_order_count == 0


def test_a_cancel_storm_cancels_all_of_it_half_of_it_from_one_price():
    engine = prepared(SHAPE)
    storm = cancel_storm(SHAPE, engine.seq + 1, 3000, seed=1)
    assert not engine.execute(storm.before).outcomes["reject"].any()
    crowded = (storm.before.view(ORDER)["price_ticks"] == CROWDED_TICKS).sum()
    assert 1400 < crowded < 1600
    assert engine.open_order_count == 3000
    done = engine.execute(storm.measured)
    assert (done.outcomes["status"] == OrderStatus.CANCELED).all()
    assert engine.open_order_count == 0
    held = {engine.balance(16 + at, asset).held_minor for at in range(200) for asset in range(5)}
    assert held == {0}


def test_standing_orders_take_turns_over_accounts_across_parts():
    rng = np.random.default_rng(1)
    parts = [standing_orders(SHAPE, first, 150, rng) for first in (0, 150, 300)]
    accounts = np.concatenate([part["account"] for part in parts]) - CUSTOMER_FIRST
    assert accounts.tolist() == [number % 200 for number in range(450)]
