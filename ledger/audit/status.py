"""What a replica tells its operator: where it stands, and what it waits for."""

from typing import Final

import msgspec

from ledger.audit.bodies import Commit, Prepare
from ledger.audit.core import Core
from ledger.audit.effects import Phase
from ledger.audit.slot import Slot

NS_PER_MS: Final = 1_000_000
STATUS: Final = "status"
"""The service's name; the replica answers it even while a block is in flight, or halted."""


class PeerReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One other member, as seen from here. -1: never heard since the start."""

    name: str
    connected: bool
    block: int
    silent_ms: int


class ReplicaStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One replica's answer to `status`.

    Attributes:
        name, fingerprint: Who answers, in which group.
        view, primary: Whose turn it is.
        block, certified_seq: The last certified block and command.
        phase: Of the block in flight.
        waiting_for: One sentence: which quorum is missing, and who is silent.
        stalled_ms: How long nothing was certified although a batch is known; 0 when idle.
        halted: Why it stopped voting for good; empty while it goes on.
        abstain: A block on which it does not vote, because a vote may have been lost; else 0.
        refused: Refused messages by error name.
        evidence: Contradictions that were stored.
        service_failures: Requests on which a service broke.
    """

    name: str
    fingerprint: str
    view: int
    primary: str
    block: int
    certified_seq: int
    phase: str
    waiting_for: str
    stalled_ms: int
    halted: str
    abstain: int
    torn: str
    peers: tuple[PeerReport, ...]
    refused: dict[str, int]
    evidence: int
    service_failures: int


def encode_status(status: ReplicaStatus) -> bytes:
    """JSON."""
    return msgspec.json.encode(status)


def decode_status(payload: bytes) -> ReplicaStatus:
    """Read a status.

    Raises:
        msgspec.ValidationError: Not a status.
    """
    return msgspec.json.decode(payload, type=ReplicaStatus)


def peers_of(core: Core, connected: frozenset[int], now_ns: int) -> tuple[PeerReport, ...]:
    """What is known of every other member."""
    reports = []
    for peer in range(core.group.size):
        if peer == core.me:
            continue
        heard = core.heard_ns.get(peer)
        silent_ms = -1 if heard is None else (now_ns - heard) // NS_PER_MS
        name = core.group.name_of(peer)
        reports.append(
            PeerReport(name, peer in connected, core.donors.heights.get(peer, -1), silent_ms)
        )
    return tuple(reports)


def waiting_for(core: Core) -> str:
    """Which quorum is missing for the block in flight, and by whom."""
    number = core.tip.number + 1
    slot = core.slots.get(number, Slot())
    group = core.group
    match core.phase:
        case Phase.HALTED:
            return "nothing: halted"
        case Phase.WAITING if slot.submitted is None:
            return f"block {number}: a batch from {group.venue.name}"
        case Phase.WAITING:
            return f"block {number}: the proposal of {group.name_of(core.primary)}"
        case Phase.VOTED:
            voted = {m.sender for m in slot.prepares.values() if isinstance(m.body, Prepare)}
            return f"block {number}: " + _missing(core, "PREPARE", voted | {core.primary})
        case Phase.COMMITTING:
            voted = {m.sender for m in slot.tally.commits.values() if isinstance(m.body, Commit)}
            return f"block {number}: " + _missing(core, "COMMIT", voted)


def _missing(core: Core, what: str, voted: set[int]) -> str:
    if len(voted) >= core.group.quorum:
        return f"{len(voted)} of {core.group.quorum} {what}, executing"
    silent = [core.group.name_of(i) for i in range(core.group.size) if i not in voted]
    return f"{len(voted)} of {core.group.quorum} {what}, none from {', '.join(silent)}"
