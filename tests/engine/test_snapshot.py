"""Snapshots: what was written comes back, and nothing else is believed."""

import hashlib
import struct

import numpy as np
import pytest

from ledger.engine import ConservationBroken, Engine, SnapshotCorrupt, SnapshotVersion
from ledger.engine.root import TableId
from ledger.engine.snapshot import write_snapshot
from ledger.engine.tables import canonical_tables
from tests.engine.streams import Stream, as_commands


def busy(seed=1, length=400):
    engine = Engine()
    engine.execute(as_commands(Stream(seed).take(length)))
    return engine


def sealed(content):
    return content + hashlib.sha256(content).digest()


@pytest.mark.parametrize("seed", range(12))
def test_a_restored_engine_goes_on_like_the_one_that_was_saved(seed):
    stream = Stream(seed).take(500)
    engine = Engine()
    engine.execute(as_commands(stream[:300]))
    copy = Engine.restore(engine.snapshot())
    assert copy.state_root() == engine.state_root()
    assert copy.snapshot() == engine.snapshot()
    for first in range(300, len(stream), 37):
        part = as_commands(stream[first : first + 37])
        ours, theirs = engine.execute(part), copy.execute(part)
        assert ours.outcomes.tobytes() == theirs.outcomes.tobytes()
        assert ours.events.tobytes() == theirs.events.tobytes()
    assert copy.state_root() == engine.state_root()
    assert copy.open_order_count == engine.open_order_count
    for instrument in range(3):
        for one, other in zip(
            engine.depth(instrument, 99), copy.depth(instrument, 99), strict=True
        ):
            assert one.tobytes() == other.tobytes()


def test_an_engine_that_never_ran_can_be_saved():
    engine = Engine()
    assert Engine.restore(engine.snapshot()).state_root() == engine.state_root()


def test_many_orders_at_many_prices_come_back():
    engine = Engine()
    engine.execute(as_commands(Stream(2, accounts=8).take(6000)))
    assert Engine.restore(engine.snapshot()).state_root() == engine.state_root()


def test_every_flipped_byte_is_found():
    snapshot = busy(length=60).snapshot()
    for at in range(0, len(snapshot), 97):
        damaged = bytearray(snapshot)
        damaged[at] ^= 1
        with pytest.raises((SnapshotCorrupt, SnapshotVersion)):
            Engine.restore(bytes(damaged))


@pytest.mark.parametrize("left", [0, 7, 16, 47, 48, 1000, -1])
def test_a_snapshot_cut_short_is_corrupt(left):
    with pytest.raises(SnapshotCorrupt):
        Engine.restore(busy().snapshot()[:left])


def test_another_version_says_which():
    content = bytearray(busy().snapshot()[:-32])
    content[8:12] = struct.pack("<I", 2)
    with pytest.raises(SnapshotVersion) as caught:
        Engine.restore(sealed(bytes(content)))
    assert (caught.value.found, caught.value.supported) == (2, 1)
    assert "found=2" in str(caught.value)


def test_bytes_that_were_never_a_snapshot_are_corrupt():
    with pytest.raises(SnapshotCorrupt):
        Engine.restore(b"\0" * 200)


def test_a_sealed_snapshot_with_bytes_to_spare_is_corrupt():
    content = busy().snapshot()[:-32]
    with pytest.raises(SnapshotCorrupt):
        Engine.restore(sealed(content + b"\0"))
    with pytest.raises(SnapshotCorrupt):
        Engine.restore(sealed(content[:-8]))


def spoil(engine, table, field, row, value):
    """The engine's snapshot with one entry changed and a checksum that agrees."""
    tables = [
        type(found)(found.table, found.rows.copy()) for found in canonical_tables(engine._state)
    ]
    rows = next(found.rows for found in tables if found.table == table)
    rows[field][row] = value
    return write_snapshot(tables)


def open_slot(engine):
    """An order that stands first in its queue, with another one behind it."""
    rows = engine._state.book.orders
    firsts = (rows["order_id"] != 0) & (rows["prev"] == -1) & (rows["next"] != -1)
    return int(np.flatnonzero(firsts)[0])


@pytest.mark.parametrize(
    ("table", "field", "value"),
    [
        (TableId.HEADER, "account_count", 5),
        (TableId.HEADER, "asset_count", 2**40),
        (TableId.HEADER, "withdrawals_max", 0),
        (TableId.HEADER, "orders_max", 2**40),
        (TableId.HEADER, "accounts_max", -1),
        (TableId.HEADER, "cleared_head", 10**6),
        (TableId.HEADER, "cleared_tail", -2),
        (TableId.POOL, "order_high", 1),
        (TableId.POOL, "order_open", 0),
        (TableId.POOL, "order_free", -5),
        (TableId.POOL, "order_free", 2**31),
        (TableId.ASSETS, "unit_wei", 0),
        (TableId.INSTRUMENTS, "base", 9),
        (TableId.INSTRUMENTS, "notional_den", 0),
        (TableId.INSTRUMENTS, "lot_minor", 0),
        (TableId.INSTRUMENTS, "max_price_ticks", 2**31),
        (TableId.WITHDRAWALS, "account", 10**6),
        (TableId.WITHDRAWALS, "asset", 77),
        (TableId.WITHDRAWALS, "status", 9),
        (TableId.WITHDRAWALS, "next", 10**6),
        (TableId.WITHDRAWALS, "withdrawal_id", 10**9),
        (TableId.BATCHES, "payout_first", -1),
        (TableId.BATCHES, "payout_count", 201),
        (TableId.PAYOUTS, "withdrawal", 10**6),
        (TableId.BALANCES + 1, "available_minor", 1),
    ],
)
def test_a_sealed_snapshot_that_would_mislead_a_kernel_is_refused(table, field, value):
    engine = Engine()
    for seed in range(100):
        engine = busy(seed)
        if engine.last_batch:
            break
    with pytest.raises((SnapshotCorrupt, ConservationBroken)):
        Engine.restore(spoil(engine, table, field, 0, value))


@pytest.mark.parametrize(
    ("table", "field", "value"),
    [
        (TableId.RESTING, "account", 10**6),
        (TableId.RESTING, "account", 4),
        (TableId.RESTING, "side_index", 99),
        (TableId.RESTING, "qty_lots", 0),
        (TableId.RESTING, "qty_lots", -1),
        (TableId.RESTING, "next", 10**6),
        (TableId.RESTING, "next", -1),
        (TableId.RESTING, "prev", 0),
        (TableId.RESTING, "prev", -7),
        (TableId.RESTING, "order_id", 0),
        (TableId.ORDERS, "price_ticks", 0),
        (TableId.ORDERS, "price_ticks", 2**40),
        (TableId.ORDERS, "price_ticks", 1),
        (TableId.ORDERS, "carry", -1),
        (TableId.ORDERS, "carry", 2**62),
    ],
)
def test_a_broken_queue_is_refused_even_under_a_good_checksum(table, field, value):
    engine = busy(3, 900)
    slot = open_slot(engine)
    with pytest.raises(SnapshotCorrupt):
        Engine.restore(spoil(engine, table, field, slot, value))


def test_an_order_id_that_occurs_twice_is_refused():
    engine = busy(3, 900)
    slot = open_slot(engine)
    twin = int(engine._state.book.orders["order_id"][engine._state.book.orders["next"][slot]])
    with pytest.raises(SnapshotCorrupt):
        Engine.restore(spoil(engine, TableId.RESTING, "order_id", slot, twin))


def test_a_circle_of_free_slots_is_refused():
    engine = next(
        found
        for found in (busy(seed) for seed in range(100))
        if found._state.book.pool["order_free"][0] != -1
    )
    free = int(engine._state.book.pool["order_free"][0])
    with pytest.raises(SnapshotCorrupt):
        Engine.restore(spoil(engine, TableId.RESTING, "next", free, free))


def test_a_table_too_many_and_a_table_too_few_are_refused():
    tables = canonical_tables(busy()._state)
    for wrong in (tables[:-1], tables[1:], [*tables, tables[-1]]):
        with pytest.raises(SnapshotCorrupt):
            Engine.restore(write_snapshot(wrong))
    strange = type(tables[0])(12, np.zeros(1, np.int64))
    with pytest.raises(SnapshotCorrupt):
        Engine.restore(write_snapshot([*tables, strange]))
