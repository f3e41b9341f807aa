"""The read model equals the engine and a plain fold, after streams of every kind."""

from collections import Counter

import numpy as np
import pytest

from ledger.engine import Capacity, Engine
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.margin_layout import LONG, NET, SHORT
from ledger.journal.ports import Batch
from ledger.readmodel.model import ReadModel
from ledger.readmodel.tables import Retention
from ledger.records.codes import CommandKind, EventKind, ExpireReason, MarginMode, OrderStatus
from matching.jit import COMPILED
from tests.engine.account_streams import AccountStream
from tests.engine.credit_streams import CreditStream
from tests.engine.everything_streams import EverythingStream
from tests.engine.order_streams import OrderStream
from tests.engine.perpetual_streams import PerpetualStream
from tests.engine.streams import Stream, as_commands
from tests.readmodel.all_kinds import AllKindsStream
from tests.readmodel.oracle import Oracle
from tests.readmodel.streams import split
from tests.readmodel.test_model import assert_same

KINDS = (
    Stream,
    OrderStream,
    PerpetualStream,
    AllKindsStream,
    AccountStream,
    CreditStream,
    EverythingStream,
)
SEEDS = 60 if COMPILED else 12
LENGTH = 400


def executed(engine, raw):
    """One batch as the sequencer hands it on."""
    commands = as_commands(raw)
    done = engine.execute(commands)
    return Batch(done.first_seq, commands, done.outcomes, done.events)


def both(stream, seed, length=LENGTH, retention=None):
    """An engine and a read model that followed it in parts of random sizes."""
    engine = Engine(Capacity())
    model = ReadModel(seed, retention or Retention())
    batch = executed(engine, stream.take(length))
    sizes = np.random.default_rng(seed).integers(0, 60, 12).tolist()
    for part in split(batch, sizes):
        model.apply(part)
    return engine, model


def assert_same_holdings(engine, model):
    """Every balance of every account, system accounts too, and every position."""
    for account in range(engine.account_count + 2):
        for asset in range(engine.asset_count + 1):
            theirs, ours = engine.balance(account, asset), model.balance(account, asset)
            assert (ours.available_minor, ours.held_minor) == (
                theirs.available_minor, theirs.held_minor
            ), (account, asset)  # fmt: skip
        for instrument in range(engine.instrument_count):
            for leg in (NET, LONG, SHORT):
                theirs = engine.position(account, instrument, leg)
                ours = model.position(account, instrument, leg)
                assert standing(theirs) == standing(ours), (account, instrument, leg)
            assert engine.mark_ticks(instrument) == getattr(model.mark(instrument), "mark_ticks", 0)


def standing(position):
    """What engine and read model both tell of a position; none is as good as a flat one."""
    if position is None:
        return MarginMode.CROSS, 0, 0, 0
    return position.mode, position.qty_lots, position.cost, position.margin_minor


def assert_same_orders(engine, model):
    """Who rests in the engine rests here, with the same size and remainder; the others wait."""
    resting = 0
    for account in range(CUSTOMER_FIRST, engine.account_count):
        for view in model.open_orders(account):
            order = engine.order(view.order_id)
            if view.status == OrderStatus.PENDING:
                assert order is None
                assert view.filled_lots == view.triggered_ns == 0
                assert view.trigger_ticks > 0
                continue
            resting += 1
            assert order is not None, view
            assert (order.account, order.instrument, order.side) == (
                view.account, view.instrument, view.side
            )  # fmt: skip
            assert (order.price_ticks, order.qty_lots) == (view.price_ticks, view.qty_lots)
            assert order.remaining_lots == view.qty_lots - view.filled_lots > 0
            assert view.status == (
                OrderStatus.PARTLY_FILLED if view.filled_lots else OrderStatus.OPEN
            )
    assert resting == engine.open_order_count


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("kind", KINDS)
def test_orders_balances_and_positions_equal_the_engines(kind, seed):
    engine, model = both(kind(seed), seed)
    assert model.seq == engine.seq
    assert_same_holdings(engine, model)
    assert_same_orders(engine, model)


@pytest.mark.parametrize("seed", range(SEEDS // 2))
@pytest.mark.parametrize(("closed_orders", "trades"), [(1000, 1024), (3, 8)])
@pytest.mark.parametrize("kind", [AllKindsStream, AccountStream])
def test_answers_equal_the_oracles_on_the_engines_own_results(kind, seed, closed_orders, trades):
    engine, model = Engine(Capacity()), ReadModel(seed, Retention(closed_orders, trades))
    oracle = Oracle(closed_orders, trades)
    batch = executed(engine, kind(seed + 700).take(150))
    for part in split(batch, [40, 1, 70]):
        model.apply(part)
    oracle.apply(batch)
    assert_same(
        model, oracle, limits=(2, 500), accounts=(6, 16, 17, 20), instruments=(0, 1, 2),
        client_ids=(b"client-1",),
    )  # fmt: skip


def test_the_streams_hold_every_command_every_event_and_every_reason():
    """Whoever adds one adds it to the streams, and sees whether the read model keeps up."""
    commands, events, reasons = Counter(), Counter(), Counter()
    for kind in KINDS:
        for seed in range(12):
            done = executed(Engine(Capacity()), kind(seed).take(LENGTH))
            commands.update(done.outcomes["kind"][done.outcomes["reject"] == 0].tolist())
            events.update(done.events["kind"].tolist())
            left = done.events["kind"] == EventKind.ORDER_EXPIRED
            reasons.update((done.events["flags"][left] & 255).tolist())
    assert set(commands) == set(CommandKind)
    assert set(events) == set(EventKind)
    assert set(reasons) == set(ExpireReason)


def test_what_all_positions_have_realized_and_what_clearing_owes_cancel():
    for seed in range(6):
        engine, model = both(AllKindsStream(seed + 40), seed)
        for instrument in (1, 2):
            held = [model.position(account, instrument) for account in range(engine.account_count)]
            assert sum(position.qty_lots for position in held if position) == 0


@pytest.mark.parametrize("field", ["quote_minor", "amount_minor"])
def test_a_profit_that_does_not_follow_stops_the_fold(field):
    batch = executed(Engine(Capacity()), PerpetualStream(3).take(LENGTH))
    events = batch.events.copy()
    perpetual = (events["kind"] == EventKind.TRADE) & (events["instrument"] > 0)
    last = np.flatnonzero(perpetual)[-1]
    events[field][last] += 1
    seq = int(events["seq"][last])
    with pytest.raises(AssertionError, match=f"results of command {seq} do not follow"):
        ReadModel(1).apply(Batch(1, batch.commands, batch.outcomes, events))


@pytest.mark.parametrize("kind", [EventKind.ORDER_TRIGGERED, EventKind.ORDER_REDUCED])
def test_an_event_about_an_order_that_is_not_open_stops_the_fold(kind):
    batch = executed(Engine(Capacity()), OrderStream(5).take(LENGTH))
    events = batch.events.copy()
    first = np.flatnonzero(events["kind"] == EventKind.ORDER_EXPIRED)[0]
    events["kind"][first], events["order_id"][first] = kind, 10**9
    with pytest.raises(AssertionError, match="do not follow"):
        ReadModel(1).apply(Batch(1, batch.commands, batch.outcomes, events))
