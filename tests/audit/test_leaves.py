"""Leaves in log order, against the plain loop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit.leaves import (
    COMMAND_ENTRY_BYTES,
    EVENT_ENTRY_BYTES,
    command_entry,
    event_entry,
    leaf_hashes,
)
from ledger.audit.log import leaf_hash
from ledger.records.layout import EVENT, OUTCOME
from tests.audit.ground import make_commands


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(0, 2**32))
def test_leaves_equal_the_loop_over_commands_and_their_events(counts, seed):
    rng = np.random.default_rng(seed)
    commands = make_commands(1, len(counts))
    outcomes = np.zeros(len(counts), OUTCOME)
    outcomes["events"], outcomes["seq"] = counts, np.arange(len(counts))
    events = np.frombuffer(rng.bytes(sum(counts) * EVENT.itemsize), EVENT)

    expected, at = [], 0
    for i, count in enumerate(counts):
        expected.append(leaf_hash(command_entry(commands[i].tobytes(), outcomes[i].tobytes())))
        expected += [leaf_hash(event_entry(events[at + k].tobytes())) for k in range(count)]
        at += count

    assert leaf_hashes(commands, outcomes, events) == b"".join(expected)


def test_entries_have_the_sizes_of_the_specification():
    assert (COMMAND_ENTRY_BYTES, EVENT_ENTRY_BYTES) == (193, 129)
    assert command_entry(b"c" * 128, b"o" * 64) == b"\x01" + b"c" * 128 + b"o" * 64
    assert event_entry(b"e" * 128) == b"\x02" + b"e" * 128


def test_strided_rows_hash_as_contiguous_ones():
    commands = make_commands(1, 10)
    outcomes, events = np.zeros(5, OUTCOME), np.zeros(0, EVENT)
    assert leaf_hashes(commands[::2], outcomes, events) == leaf_hashes(
        commands[::2].copy(), outcomes, events
    )
