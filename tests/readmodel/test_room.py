"""Tables grow just in time, whatever brings the rows; a batch is read the same wherever it is."""

from random import Random

import numpy as np
import pytest

from ledger.engine import Capacity, Engine
from ledger.journal.ports import Batch
from ledger.readmodel.fold import NO_ROOM, fold
from ledger.readmodel.model import ReadModel
from ledger.readmodel.staging import COMMANDS_STAGED, EVENTS_STAGED, Staging
from ledger.readmodel.tables import Retention, Tables
from ledger.readmodel.trading import DONE
from ledger.records.codes import CommandKind, MarginMode, PositionMode, Side
from matching import jit
from tests.engine.perpetual_streams import LINEAR
from tests.readmodel.streams import split, stream_of
from tests.readmodel.test_answers import Day
from tests.readmodel.test_engine_streams import KINDS, executed
from tests.readmodel.test_kinds import Followed

K = CommandKind
STEPS = 200
"""Enough for the smallest tables, of 64 rows, to grow twice."""
FIRST = 16
SMALL = Retention(1, 1)


def used(tables):
    """The rows that each table must have, and its rows."""
    book, vault, counter = tables.book, tables.vault, tables.counter
    return {
        "orders": (counter("order_used"), book.orders),
        "names": (counter("name_used"), book.names),
        "pairs": (counter("pair_used"), book.pairs),
        "positions": (counter("position_used"), tables.holdings.positions),
        "withdrawals": (counter("withdrawal_used"), vault.withdrawals),
        "deposits": (counter("deposit_used"), vault.deposits),
    }


def assert_room(model):
    """No table is used beyond its end, no index more than half, and all belong together."""
    tables = model._tables
    book, vault, holdings = tables.book, tables.vault, tables.holdings
    for name, (count, rows) in used(tables).items():
        assert count <= len(rows), name
        assert tables._needs[name][0] <= len(rows), name
    for name, rows in (
        ("accounts", book.accounts),
        ("instruments", tables.tape.instruments),
        ("assets", vault.assets),
    ):
        assert tables._needs[name][0] <= len(rows), name
    for index, rows in (
        (book.by_id, book.orders),
        (book.by_name, book.names),
        (book.by_pair, book.pairs),
        (vault.by_name, vault.withdrawals),
    ):
        assert 2 * len(rows) <= len(index)
        assert 2 * int((index["entry"] != 0).sum()) <= len(index)
    assert holdings.balances.shape == (len(vault.assets), len(book.accounts))
    assert vault.accounts is book.accounts
    assert holdings.assets is vault.assets


def contents(model):
    """All rows that were ever used, as bytes."""
    found = {name: rows[:count].tobytes() for name, (count, rows) in used(model._tables).items()}
    return found | {"seq": model.seq, "counters": model._tables.book.counters.tobytes()}


def order(day, n):
    day.place(account=FIRST + n, client_id=b"id%d" % n)


def account(day, n):
    day.write(K.OPEN_ACCOUNT, account=FIRST + n)


def instrument(day, n):
    day.list_instrument(n)


def asset(day, n):
    day.write(K.LIST_ASSET, asset=n)


def deposit(day, n):
    day.write(K.CREDIT_DEPOSIT, account=FIRST, asset=0, deposit_index=n + 1, amount_minor=5)


def withdrawal(day, n):
    outcome = {"subject_id": day.seq + 1}
    day.write(K.REQUEST_WITHDRAWAL, account=FIRST, asset=0, client_id=b"w%d" % n, outcome=outcome)


def trade(day, n):
    """A maker and a taker that both were never seen on this instrument."""
    maker = day.place(account=FIRST + 2 * n, side=int(Side.BUY))
    day.take([(maker, FIRST + 2 * n, 10, 0)], account=FIRST + 2 * n + 1)


GROWS = {
    order: ("orders", "names", "pairs", "accounts"),
    account: ("accounts",),
    instrument: ("instruments",),
    asset: ("assets",),
    deposit: ("deposits",),
    withdrawal: ("withdrawals",),
    trade: ("orders", "pairs", "accounts"),
}


@pytest.mark.parametrize("add", GROWS)
def test_one_command_at_a_time_finds_room_just_in_time(add):
    day = Day(closed_orders=1, trades=1)
    parts = [day.batch()]
    day.model.apply(parts[0])
    before = {name: len(rows) for name, rows in tables_of(day.model).items()}
    most = dict.fromkeys(before, 0)
    for n in range(STEPS):
        add(day, n)
        parts.append(day.batch())
        day.model.apply(parts[-1])
        assert_room(day.model)
        for name in most:
            most[name] = max(most[name], int(day.model._tables._needs[name][0]))
    for name, rows in tables_of(day.model).items():
        assert (len(rows) > before[name]) == (name in GROWS[add]), name
        assert len(rows) == before[name] or len(rows) < 2 * most[name], name
    whole = ReadModel(1, SMALL)
    whole.apply(joined(parts))
    assert_room(whole)
    assert contents(whole) == contents(day.model)


def tables_of(model):
    tables = model._tables
    found = {name: rows for name, (_, rows) in used(tables).items()}
    return found | {
        "accounts": tables.book.accounts,
        "instruments": tables.tape.instruments,
        "assets": tables.vault.assets,
    }


def joined(parts):
    return Batch(
        parts[0].first_seq,
        np.concatenate([part.commands for part in parts]),
        np.concatenate([part.outcomes for part in parts]),
        np.concatenate([part.events for part in parts]),
    )


def test_modes_and_trades_of_perpetuals_find_room_for_positions_just_in_time():
    day = Followed()
    for n in range(STEPS):
        day.do(K.OPEN_ACCOUNT, account=FIRST + 4 + n)
        one = {"account": FIRST + 4 + n, "instrument": LINEAR}
        if n % 2:
            day.do(K.SET_MARGIN_MODE, mode=MarginMode.ISOLATED, **one)
        else:
            day.do(K.SET_POSITION_MODE, account=FIRST + 4 + n, mode=PositionMode.HEDGE)
            day.do(K.SET_MARGIN_MODE, mode=MarginMode.ISOLATED, **one)
        assert_room(day.model)
    assert len(day.model._tables.holdings.positions) > 64
    assert len(day.model._tables.book.pairs) > 64


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_the_engines_commands_one_by_one_leave_what_they_leave_at_once(kind, seed):
    batch = executed(Engine(Capacity()), kind(seed + 50).take(300))
    whole, single = ReadModel(seed, SMALL), ReadModel(seed, SMALL)
    whole.apply(batch)
    assert_room(whole)
    for part in split(batch, [1] * len(batch.commands)):
        single.apply(part)
        assert_room(single)
    assert contents(single) == contents(whole)


def test_a_refused_command_asks_for_no_room():
    day = Day(closed_orders=1, trades=1)
    day.fold()
    before = {name: len(rows) for name, rows in tables_of(day.model).items()}
    for _ in range(40):
        day.reject()
    day.fold()
    assert {name: len(rows) for name, rows in tables_of(day.model).items()} == before


def test_without_room_nothing_has_happened():
    day = Day()
    for n in range(100):
        order(day, n)
    batch, tables = day.batch(), Tables(SMALL, 1)
    records, count = Staging().records(batch), len(batch.commands)
    before = snapshot(tables)
    assert fold(records, tables.whole, batch.first_seq, count) == NO_ROOM
    assert snapshot(tables) == before
    assert tables._needs["orders"][0] == tables._needs["names"][0] == 100
    tables.grow()
    assert fold(records, tables.whole, batch.first_seq, count) == DONE
    assert tables.counter("order_used") == 100


def snapshot(tables):
    groups = (tables.book, tables.tape, tables.holdings, tables.vault)
    return [array.tobytes() for group in groups for array in group]


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_batch_is_folded_the_same_whether_it_is_copied_or_read_where_it_is(more):
    batch = stream_of(4, 2 * COMMANDS_STAGED)
    [first, *_] = split(batch, [COMMANDS_STAGED + more])
    assert_same_wherever(first)


@pytest.mark.parametrize("more", [0, 1])
def test_many_events_of_one_command_are_read_as_few_are(more):
    day = Day()
    makers = [day.place(side=int(Side.BUY)) for _ in range(EVENTS_STAGED + more)]
    day.take([(maker, 16, 10, 0) for maker in makers])
    assert_same_wherever(day.batch())


def assert_same_wherever(batch):
    """One by one, read-only, and at an odd address; all by the same compiled code."""
    models = [ReadModel(1, SMALL) for _ in range(3)]
    for part in split(batch, [1] * len(batch.commands)):
        models[0].apply(part)
    models[1].apply(batch)
    parts = batch.commands, batch.outcomes, batch.events
    models[2].apply(Batch(1, *(shifted(part) for part in parts)))
    assert contents(models[0]) == contents(models[1]) == contents(models[2])
    assert not jit.COMPILED or len(fold.signatures) == 1


def shifted(rows):
    """The same records, one byte beside where a word may begin."""
    room = np.zeros(rows.nbytes + 1, np.uint8)
    room[1:] = rows.view(np.uint8)
    return room[1:].view(rows.dtype)


def test_a_batch_of_nothing_changes_nothing():
    batch = stream_of(5, 100)
    model = ReadModel(1)
    model.apply(batch)
    before = contents(model)
    [none, *_] = split(Batch(model.seq + 1, *(part[:0] for part in parts_of(batch))), [])
    model.apply(none)
    assert contents(model) == before


def parts_of(batch):
    return batch.commands, batch.outcomes, batch.events


def test_what_was_copied_before_is_not_read_again():
    """A small batch after a larger one: the rows behind it are the larger one's."""
    random = Random(6)
    batch = stream_of(6, 400)
    sizes = [random.choice([0, 1, 2, 100]) for _ in range(40)]
    parted, whole = ReadModel(1, SMALL), ReadModel(1, SMALL)
    for part in split(batch, sizes):
        parted.apply(part)
    whole.apply(batch)
    assert contents(parted) == contents(whole)
