"""The read model answers what a plain fold over dicts answers, whatever the split."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.journal.ports import Batch
from ledger.readmodel.model import ReadModel
from ledger.readmodel.tables import Retention
from ledger.records.codes import CommandKind, EventKind, OrderStatus, Side
from tests.readmodel.oracle import Oracle
from tests.readmodel.streams import (
    ACCOUNTS,
    CLIENT_IDS,
    INSTRUMENTS,
    Stream,
    split,
    stream_of,
)

STRANGERS = (0, 15, 901, 2**31, 2**32 - 1)


def questions(oracle, limits, accounts, instruments, client_ids):
    """Every query that the API asks, over everybody and everything, as (name, arguments)."""
    seqs = range(oracle.seq + 2)
    yield from (("order", (seq,)) for seq in seqs)
    yield from (("withdrawal", (seq,)) for seq in seqs)
    for account in (*accounts, 5, *STRANGERS):
        yield from ((name, (account,)) for name in ("open_orders", "withdrawals", "deposits"))
        for client_id in (*client_ids, b"unknown", b"y" * 37, b"\0a"):
            yield "order_by_client_id", (account, client_id)
            yield "has_open_client_id", (account, client_id)
            yield "withdrawal_by_client_id", (account, client_id)
        for instrument in (*instruments, 5, 2**32):
            yield "open_orders", (account, instrument)
            for limit in limits:
                yield "all_orders", (account, instrument, 0, limit)
                yield "account_trades", (account, instrument, limit)
                for from_id in (1, oracle.seq // 2, oracle.seq, 2**60, 2**70):
                    yield "all_orders", (account, instrument, from_id, limit)
                for from_id in (-1, 0, 1, len(oracle.tape) // 4, len(oracle.tape), 2**70):
                    yield "account_trades", (account, instrument, limit, from_id)
    for instrument in (*instruments, 5, -1, 2**40):
        yield "last_price_ticks", (instrument,)
        yield from (("trade", (instrument, each)) for each in range(-1, len(oracle.tape) + 2))
        for limit in limits:
            yield "trades", (instrument, limit)
            for from_id in (0, 1, len(oracle.tape) // 3, len(oracle.tape)):
                yield "trades", (instrument, limit, from_id)


def assert_same(
    model,
    oracle,
    *,
    limits=(1, 3, 500),
    accounts=ACCOUNTS,
    instruments=INSTRUMENTS,
    client_ids=CLIENT_IDS,
):
    """The model answers every question as the oracle does."""
    for name, arguments in questions(oracle, limits, accounts, instruments, client_ids):
        answer = getattr(model, name)(*arguments)
        assert answer == getattr(oracle, name)(*arguments), (name, arguments)
    for order in oracle.all.values():
        for from_id in (None, 0, len(oracle.tape) // 2):
            arguments = (order.account, order.instrument, 2, from_id)
            answer = model.account_trades(*arguments, order_id=order.order_id)
            assert answer == oracle.account_trades(*arguments, order_id=order.order_id)


@pytest.mark.parametrize("seed", range(12))
def test_answers_equal_the_oracles(seed):
    closed_orders, trades = [(5, 8), (1000, 1024), (1, 1), (40, 16)][seed % 4]
    model = ReadModel(seed, Retention(closed_orders, trades))
    oracle = Oracle(closed_orders, trades)
    batch = stream_of(seed, 250)
    model.apply(batch)
    oracle.apply(batch)
    assert model.seq == oracle.seq == batch.last_seq
    assert_same(model, oracle)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.lists(st.integers(0, 40), max_size=12),
    closed_orders=st.integers(1, 60),
    trades=st.sampled_from([1, 2, 16, 64, 256]),
)
def test_any_split_and_any_salt_give_the_oracles_answers(seed, sizes, closed_orders, trades):
    model = ReadModel(seed + 1, Retention(closed_orders, trades))
    oracle = Oracle(closed_orders, trades)
    whole = stream_of(seed, 120)
    oracle.apply(whole)
    for part in split(whole, sizes):
        model.apply(part)
    assert_same(model, oracle, limits=(2, 500))


@pytest.mark.parametrize("seed", [3, 4])
def test_a_long_stream_outgrows_every_table(seed):
    model = ReadModel(seed, Retention(200, 256))
    oracle = Oracle(200, 256)
    for part in split(stream_of(seed, 3000), [700] * 4):
        model.apply(part)
        oracle.apply(part)
    for account in ACCOUNTS:
        assert model.withdrawals(account) == oracle.withdrawals(account)
        assert model.deposits(account) == oracle.deposits(account)
        assert model.open_orders(account) == oracle.open_orders(account)
        for instrument in INSTRUMENTS:
            for arguments in ((account, instrument), (account, instrument, 3)):
                assert model.account_trades(*arguments) == oracle.account_trades(*arguments)
            assert model.all_orders(account, instrument) == oracle.all_orders(account, instrument)


def test_batches_must_follow_each_other():
    model = ReadModel(1)
    first, second = split(stream_of(1, 10), [5])
    with pytest.raises(AssertionError):
        model.apply(second)
    model.apply(first)
    with pytest.raises(AssertionError):
        model.apply(first)


def placed(stream, account, side, qty_lots=5):
    """One resting order on instrument 0; returns its id."""
    stream.write(
        CommandKind.NEW_ORDER,
        account=account,
        side=int(side),
        qty_lots=qty_lots,
        outcome={"subject_id": stream.seq + 1, "status": int(OrderStatus.OPEN)},
    )
    return stream.seq


def closed(stream, order_id):
    """The cancellation of an order."""
    outcome = {"subject_id": order_id, "status": int(OrderStatus.CANCELED)}
    stream.write(CommandKind.CANCEL_ORDER, account=16, target_id=order_id, outcome=outcome)


def expired_by(stream, order_id):
    """A command of another account that lets an order expire."""
    event = {"kind": int(EventKind.ORDER_EXPIRED), "order_id": order_id}
    stream.write(CommandKind.OPEN_ACCOUNT, account=17, events=[event])


def traded(stream, taker, maker):
    """A command whose event trades two orders with each other."""
    event = {"kind": int(EventKind.TRADE), "order_id": taker, "counter_order_id": maker}
    event |= {"trade_id": 1, "account": 16, "counter_account": 16, "qty_lots": 1, "price_ticks": 7}
    stream.write(
        CommandKind.OPEN_ACCOUNT, account=17, events=[event | {"counter_remaining_lots": 4}]
    )


@pytest.mark.parametrize("close", [closed, expired_by])
@pytest.mark.parametrize("order", ["unknown", "closed"])
def test_results_that_change_an_order_that_is_not_open_stop_the_fold(close, order):
    stream = Stream(Random(1))
    order_id = 10**6
    if order == "closed":
        order_id = placed(stream, 16, Side.BUY)
        closed(stream, order_id)
    close(stream, order_id)
    with pytest.raises(AssertionError, match=f"command {stream.seq} do not follow"):
        ReadModel(1).apply(stream.batch())


@pytest.mark.parametrize("taker_is_gone", [True, False])
def test_a_trade_with_an_order_that_is_not_open_stops_the_fold(taker_is_gone):
    stream = Stream(Random(1))
    gone, there = placed(stream, 16, Side.BUY), placed(stream, 16, Side.SELL)
    closed(stream, gone)
    traded(stream, *((gone, there) if taker_is_gone else (there, gone)))
    with pytest.raises(AssertionError, match="do not follow"):
        ReadModel(1).apply(stream.batch())


def test_a_withdrawal_event_for_an_unknown_withdrawal_stops_the_fold():
    for kind in (EventKind.WITHDRAWAL_SETTLED, EventKind.WITHDRAWAL_BATCHED):
        stream = Stream(Random(1))
        event = {"kind": int(kind), "order_id": 99}
        stream.write(CommandKind.CONFIRM_BATCH, batch=1, events=[event])
        with pytest.raises(AssertionError, match="do not follow"):
            ReadModel(1).apply(stream.batch())
    stream = Stream(Random(1))
    stream.write(CommandKind.DECIDE_WITHDRAWAL, withdrawal_id=99)
    with pytest.raises(AssertionError, match="do not follow"):
        ReadModel(1).apply(stream.batch())


def test_a_trade_of_an_account_with_itself_is_listed_once():
    """No self-trade mode lets it happen today; the lists would survive it."""
    stream = Stream(Random(1))
    traded(stream, placed(stream, 16, Side.BUY), placed(stream, 16, Side.SELL))
    batch = stream.batch()
    model, oracle = ReadModel(1), Oracle(10, 16)
    model.apply(batch)
    oracle.apply(batch)
    assert len(model.account_trades(16, 0)) == 1
    assert_same(model, oracle)


def test_an_empty_batch_changes_nothing():
    model = ReadModel(1)
    batch = stream_of(1, 20)
    model.apply(batch)
    model.apply(Batch(batch.last_seq + 1, batch.commands[:0], batch.outcomes[:0], batch.events[:0]))
    assert model.seq == batch.last_seq
