"""The log's entries: 0x01 ‖ command ‖ outcome, followed by 0x02 ‖ event for each of its events."""

import hashlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.audit.log import LEAF_PREFIX
from ledger.records.layout import COMMAND_BYTES, EVENT_BYTES, OUTCOME_BYTES

COMMAND_ENTRY: Final = b"\x01"
EVENT_ENTRY: Final = b"\x02"
COMMAND_ENTRY_BYTES: Final = 1 + COMMAND_BYTES + OUTCOME_BYTES
EVENT_ENTRY_BYTES: Final = 1 + EVENT_BYTES


def command_entry(command: bytes, outcome: bytes) -> bytes:
    """The 193 bytes of a command's entry."""
    assert len(command) == COMMAND_BYTES, f"{len(command)} command bytes"
    assert len(outcome) == OUTCOME_BYTES, f"{len(outcome)} outcome bytes"
    return COMMAND_ENTRY + command + outcome


def event_entry(event: bytes) -> bytes:
    """The 129 bytes of an event's entry."""
    assert len(event) == EVENT_BYTES, f"{len(event)} event bytes"
    return EVENT_ENTRY + event


def leaf_hashes(commands: NDArray[Any], outcomes: NDArray[Any], events: NDArray[Any]) -> bytes:
    """The leaf hashes of one batch, 32 bytes each, in log order.

    Args:
        commands: COMMAND rows.
        outcomes: OUTCOME rows, one a command; their `events` count how many event rows are whose.
        events: EVENT rows in order of command and index.
    """
    per_command = outcomes["events"].astype(np.int64)
    assert len(commands) == len(outcomes), "one outcome a command"
    assert int(per_command.sum()) == len(events), "every event belongs to a command"
    own = _hash_rows(COMMAND_ENTRY, commands, outcomes)
    caused = _hash_rows(EVENT_ENTRY, events)
    leaves = np.empty((len(own) + len(caused), hashlib.sha256().digest_size), np.uint8)
    at = np.arange(len(own)) + np.cumsum(per_command) - per_command
    from_event = np.ones(len(leaves), np.bool_)
    from_event[at] = False
    leaves[at] = own
    leaves[from_event] = caused
    return leaves.tobytes()


def _hash_rows(kind: bytes, *columns: NDArray[Any]) -> NDArray[np.uint8]:
    """SHA-256(0x00 ‖ kind ‖ row of each column) for every row, as a (rows, 32) array."""
    sha256 = hashlib.sha256
    count = len(columns[0])
    if count == 0:
        return np.empty((0, 32), np.uint8)
    prefix = np.frombuffer(LEAF_PREFIX + kind, np.uint8)
    parts = [np.broadcast_to(prefix, (count, len(prefix)))]
    parts += [_bytes_of(column) for column in columns]
    rows = np.concatenate(parts, axis=1)
    width, view = rows.shape[1], memoryview(rows.reshape(-1).data)
    hashed = b"".join(
        [sha256(view[i : i + width]).digest() for i in range(0, count * width, width)]
    )
    return np.frombuffer(hashed, np.uint8).reshape(count, -1)


def _bytes_of(rows: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), -1)
