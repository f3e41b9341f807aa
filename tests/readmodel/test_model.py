"""The read model answers what a plain fold over dicts answers, whatever the split."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.journal.ports import Batch
from ledger.readmodel.model import ReadModel
from ledger.readmodel.tables import Retention
from ledger.records.codes import OrderStatus
from tests.readmodel.oracle import Oracle
from tests.readmodel.streams import ACCOUNTS, CLIENT_IDS, INSTRUMENTS, split, stream_of

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


def test_a_result_for_an_unknown_order_is_a_bug_that_is_noticed():
    batch = stream_of(5, 60)
    broken = batch.outcomes.copy()
    canceled = (broken["status"] == int(OrderStatus.CANCELED)) & (broken["reject"] == 0)
    assert canceled.any()
    broken["subject_id"][canceled] = 10**9
    with pytest.raises(AssertionError, match="not known"):
        ReadModel(1).apply(Batch(1, batch.commands, broken, batch.events))


def test_an_empty_batch_changes_nothing():
    model = ReadModel(1)
    batch = stream_of(1, 20)
    model.apply(batch)
    model.apply(Batch(batch.last_seq + 1, batch.commands[:0], batch.outcomes[:0], batch.events[:0]))
    assert model.seq == batch.last_seq
