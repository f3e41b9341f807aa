"""Running SHA-256 chains over recorded reports and anchors.

These commands are rare, and SHA-256 is no kernel's business: the kernel accepts and counts them,
and the digests are chained here, in the same order, before anything else can be seen.
"""

import hashlib
import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.state import Commands, State
from ledger.records import layout
from ledger.records.build import digest_fields, read_digest
from ledger.records.codes import CommandKind, Reject

_CHAINED: Final = (CommandKind.RECORD_REPORT, CommandKind.RECORD_ANCHOR)


def chain_records(state: State, commands: Commands, outcomes: NDArray[Any]) -> None:
    """Extend the chains by every accepted RECORD_ command of a batch. Mutates the header."""
    taken = np.isin(outcomes["kind"], _CHAINED) & (outcomes["reject"] == Reject.NONE)
    raw = commands.words
    for row in np.flatnonzero(taken):
        command = raw[row].tobytes()
        if outcomes["kind"][row] == CommandKind.RECORD_REPORT:
            _extend(state, "report_chain", report_body(command))
        else:
            _extend(state, "anchor_chain", anchor_body(command))


def report_body(command: bytes) -> bytes:
    """What the chain covers of a RECORD_REPORT."""
    report = np.frombuffer(command, layout.REPORT)[0]
    span = struct.pack("<Qqq", report["report_kind"], report["from_seq"], report["to_seq"])
    return span + read_digest(report, "report") + read_digest(report, "pack")


def anchor_body(command: bytes) -> bytes:
    """What the chain covers of a RECORD_ANCHOR."""
    anchor = np.frombuffer(command, layout.ANCHOR)[0]
    place = struct.pack("<qqq", anchor["anchor_index"], anchor["block"], anchor["chain_block"])
    return place + read_digest(anchor, "tx")


def _extend(state: State, name: str, body: bytes) -> None:
    former = read_digest(state.header[0], name)
    for field, word in digest_fields(name, hashlib.sha256(former + body).digest()).items():
        state.header[field][0] = word
