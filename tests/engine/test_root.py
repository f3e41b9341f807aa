"""The state root: one for one state, whatever the road to it; another for any other state."""

import hashlib
import itertools
import random
import struct

import numpy as np
import pytest

from ledger.engine import Engine
from ledger.engine.root import PAGE_BYTES, Table, TableId, page_digests, state_root, tree_root
from ledger.engine.tables import canonical_tables
from tests.engine.streams import Stream, as_commands


def run_split(commands, cuts):
    engine = Engine()
    bounds = [0, *sorted(cuts), len(commands)]
    parts = [engine.execute(commands[first:last]) for first, last in itertools.pairwise(bounds)]
    outcomes = b"".join(part.outcomes.tobytes() for part in parts)
    events = b"".join(part.events.tobytes() for part in parts)
    return engine.state_root(), outcomes, events


@pytest.mark.parametrize("seed", range(10))
def test_the_batch_split_changes_nothing(seed):
    commands = as_commands(Stream(seed).take(300))
    rng = random.Random(seed)
    whole = run_split(commands, [])
    assert run_split(commands, range(1, len(commands))) == whole
    for _ in range(3):
        assert run_split(commands, rng.sample(range(len(commands)), 9)) == whole


def test_more_commands_than_the_kernel_sees_at_once_are_executed_in_passes():
    stream = Stream(11).take(300)
    commands = as_commands(stream * 20)
    assert run_split(commands, []) == run_split(commands, [1, 4096, 5000])


@pytest.mark.parametrize("seed", range(10))
def test_a_reject_changes_nothing_but_the_count_of_commands(seed):
    engine = Engine()
    for raw in Stream(seed).take(250):
        before = [(table.table, table.rows.tobytes()) for table in canonical_tables(engine._state)]
        header = engine._state.header.copy()
        if engine.execute(as_commands([raw])).outcomes["reject"][0] == 0:
            continue
        header["seq"] += 1
        before[TableId.HEADER] = (TableId.HEADER, header.tobytes())
        after = [(table.table, table.rows.tobytes()) for table in canonical_tables(engine._state)]
        assert after == before


def test_every_command_that_takes_effect_changes_the_root():
    engine, roots = Engine(), set()
    for raw in Stream(4).take(100):
        engine.execute(as_commands([raw]))
        roots.add(engine.state_root())
    assert len(roots) == engine.seq


def naive_root(tables):
    """The definition of docs/spec/engine.md, written again."""

    def tree(leaves):
        if not leaves:
            return bytes(32)
        if len(leaves) == 1:
            return leaves[0]
        split = 1
        while split * 2 < len(leaves):
            split *= 2
        return hashlib.sha256(b"\x01" + tree(leaves[:split]) + tree(leaves[split:])).digest()

    body = b"\x02provenue state root" + struct.pack("<II", 2, len(tables))
    for table in tables:
        raw = table.rows.tobytes()
        leaves = [
            hashlib.sha256(
                struct.pack("<BIQ", 0, table.table, at // 4096) + raw[at : at + 4096]
            ).digest()
            for at in range(0, len(raw), 4096)
        ]
        body += struct.pack("<IIQ", table.table, table.rows.itemsize, len(table.rows))
        body += tree(leaves)
    return hashlib.sha256(body).digest()


def test_the_root_is_what_the_specification_says():
    engine = Engine()
    engine.execute(as_commands(Stream(8, accounts=300).take(600)))
    tables = canonical_tables(engine._state)
    assert max(table.rows.nbytes for table in tables) > PAGE_BYTES
    assert engine.state_root() == naive_root(tables)


@pytest.mark.parametrize("pages", range(34))
def test_the_tree_is_that_of_rfc_6962(pages):
    table = Table(3, np.arange(pages * PAGE_BYTES // 8, dtype=np.int64))
    assert state_root([table]) == naive_root([table])


def test_a_page_cannot_stand_for_another_place():
    rows = np.zeros(PAGE_BYTES // 4, np.int64)
    first, second = page_digests(Table(1, rows))
    (other,) = page_digests(Table(2, rows[: len(rows) // 2]))
    assert len({first, second, other}) == 3
    assert tree_root([first, second]) != tree_root([second, first])


def test_rows_short_of_a_page_are_not_padded_into_another_tables_rows():
    one = Table(1, np.zeros(3, np.int64))
    two = Table(1, np.zeros(4, np.int64))
    assert state_root([one]) != state_root([two])
