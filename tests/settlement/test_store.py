"""What settlement remembers, and that it does: docs/spec/settlement.md, section 6."""

import sqlite3
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from ledger.settlement.errors import StoreVersion
from ledger.settlement.store import (
    DepositMark,
    Round,
    RoundKind,
    RoundStep,
    SettlementStore,
    Signed,
)

ROUNDS = st.builds(
    Round,
    kind=st.sampled_from(RoundKind),
    number=st.integers(1, 3),
    step=st.sampled_from(RoundStep),
    digest=st.binary(max_size=4),
    payload=st.binary(max_size=4),
    signatures=st.binary(max_size=4),
    raw=st.binary(max_size=4),
    tx_hash=st.binary(max_size=4),
    nonce=st.integers(-1, 5),
    chain_block=st.integers(0, 2**53),
    deferred=st.integers(0, 2**256 - 1),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "settlement.sqlite3"


@pytest.fixture
def store(path):
    store = SettlementStore(path)
    yield store
    store.close()


def reopened(store, path):
    store.close()
    return SettlementStore(path)


@settings(max_examples=20)  # each waits for the disk
@given(rounds=st.lists(ROUNDS, max_size=8))
def test_rounds_equal_a_dict_of_the_last_saved(tmp_path_factory, rounds):
    store = SettlementStore(tmp_path_factory.mktemp("store") / "settlement.sqlite3")
    model = {}
    for one in rounds:
        store.save_round(one)
        model[one.kind, one.number] = one
    for kind in RoundKind:
        for number in range(1, 4):
            assert store.round(kind, number) == model.get((kind, number))
        mine = [one for key, one in sorted(model.items()) if key[0] == kind]
        assert store.last_round(kind) == (mine[-1] if mine else None)
    prepared = {one.nonce for one in model.values() if one.step == RoundStep.PREPARED}
    assert store.prepared_nonces() == prepared
    store.close()


@pytest.mark.parametrize("step", RoundStep)
def test_the_open_round_is_the_one_not_recorded(store, path, step):
    done = Round(RoundKind.BATCH, 1, RoundStep.RECORDED, b"d", b"p")
    second = Round(RoundKind.BATCH, 2, step, b"e", b"q")
    other = Round(RoundKind.ANCHOR, 2, RoundStep.SIGNED, b"f", b"r")
    for one in (done, second, other):
        store.save_round(one)
    store = reopened(store, path)
    expected = None if step == RoundStep.RECORDED else second
    assert store.open_round(RoundKind.BATCH) == expected
    assert store.open_round(RoundKind.ANCHOR) == other
    store.close()


def test_a_number_of_an_epoch_is_signed_once(store, path):
    signed = Signed(b"digest", b"payload", b"signature")
    store.save_signed(RoundKind.BATCH, 1, 7, signed)
    with pytest.raises(IntegrityError):
        store.save_signed(RoundKind.BATCH, 1, 7, replace(signed, digest=b"other"))
    store.save_signed(RoundKind.BATCH, 2, 7, replace(signed, digest=b"next epoch"))
    store.save_signed(RoundKind.ANCHOR, 1, 7, replace(signed, digest=b"anchor"))
    store = reopened(store, path)
    assert store.signed(RoundKind.BATCH, 1, 7) == signed
    assert store.signed(RoundKind.BATCH, 2, 7).digest == b"next epoch"
    assert store.signed(RoundKind.ANCHOR, 1, 7).digest == b"anchor"
    assert store.signed(RoundKind.BATCH, 1, 8) is None
    store.close()


def test_the_deposit_mark_moves(store, path):
    assert store.deposit_mark() == DepositMark(0, 0, 0)
    store.save_deposit_mark(DepositMark(5, 2, 9))
    store.save_deposit_mark(DepositMark(8, 3, 10))
    store = reopened(store, path)
    assert store.deposit_mark() == DepositMark(8, 3, 10)
    store.close()


def test_a_store_of_another_version_is_refused(store, path):
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=2")
    connection.close()
    with pytest.raises(StoreVersion) as caught:
        SettlementStore(path)
    assert (caught.value.expected, caught.value.found) == (1, 2)


def test_each_transaction_waits_for_the_disk(store):
    with store._database.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
