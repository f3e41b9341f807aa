"""Blocks on disk: frames in, checked blocks out. Used to open a ledger, and to audit one."""

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.audit.bodies import Submit
from ledger.audit.certificate import check_certificate, header_of
from ledger.audit.effects import Tip
from ledger.audit.errors import (
    BadCertificate,
    GroupRefused,
    LedgerCorrupt,
    MalformedMessage,
    MessageError,
)
from ledger.audit.group import Group
from ledger.audit.messages import Signed, join, open_message, split_messages
from ledger.audit.ports import BlockHeader
from ledger.audit.store import Frame, FrameKind, Place
from ledger.records.layout import COMMAND, EVENT, EVENT_BYTES, OUTCOME, OUTCOME_BYTES

_LENGTHS: Final = struct.Struct("<III")


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """One certified block with all its entries, and where its two frames stand."""

    header: BlockHeader
    batch: Signed
    commits: tuple[Signed, ...]
    commands: NDArray[Any]
    outcomes: NDArray[Any]
    events: NDArray[Any]
    proposal: Place
    results: Place


def batch_of(message: Signed) -> Submit:
    """The batch that a SUBMIT message carries."""
    assert isinstance(message.body, Submit), "a SUBMIT"
    return message.body


def commands_of(batch: Signed) -> NDArray[Any]:
    """A batch's COMMAND rows; read-only."""
    return np.frombuffer(batch_of(batch).commands, COMMAND)


def encode_results(commits: tuple[Signed, ...], outcomes: bytes, events: bytes) -> bytes:
    """A COMMITTED frame's payload: three lengths in bytes, then certificate, outcomes, events."""
    votes = join(*commits)
    return _LENGTHS.pack(len(votes), len(outcomes), len(events)) + votes + outcomes + events


def decode_results(payload: bytes) -> tuple[tuple[bytes, ...], NDArray[Any], NDArray[Any]]:
    """The certificate's messages, OUTCOME rows and EVENT rows of a COMMITTED frame.

    Raises:
        MalformedMessage: The parts do not fit.
    """
    if len(payload) < _LENGTHS.size:
        raise MalformedMessage("a COMMITTED frame cut short")
    votes, outcomes, events = _LENGTHS.unpack_from(payload)
    first, second = _LENGTHS.size + votes, _LENGTHS.size + votes + outcomes
    if second + events != len(payload) or outcomes % OUTCOME_BYTES or events % EVENT_BYTES:
        raise MalformedMessage("the parts of a COMMITTED frame do not fit")
    return (
        split_messages(payload[_LENGTHS.size : first]),
        np.frombuffer(payload[first:second], OUTCOME),
        np.frombuffer(payload[second:], EVENT),
    )


class BlockScanner:
    """Folds frames, in order, into blocks whose chain and certificates hold.

    `pending` are the messages after the last block: what was voted on and not yet certified.
    """

    def __init__(self, group: Group, owner: str) -> None:
        """Before the first frame."""
        self._group, self._owner = group, owner
        self._batches: dict[bytes, tuple[Signed, Place]] = {}
        self.tip = Tip()
        self.pending: list[Signed] = []

    def take(self, frame: Frame) -> StoredBlock | None:
        """Fold one frame in; a block when the frame completes one.

        Raises:
            LedgerCorrupt: A message, certificate or link of the chain does not hold.
        """
        number = self.tip.number + 1
        try:
            match frame.kind:
                case FrameKind.PROPOSAL | FrameKind.PREPARED:
                    self._note(frame)
                case FrameKind.COMMITTED:
                    return self._block(frame)
                case FrameKind.META | FrameKind.EVIDENCE:
                    pass
        except (MessageError, BadCertificate, GroupRefused) as error:
            raise LedgerCorrupt(
                self._owner, frame.file, frame.offset, number, f"{frame.kind.name}: {error}"
            ) from error
        return None

    def place_of(self, digest: bytes) -> Place | None:
        """Where an uncertified batch's proposal stands."""
        found = self._batches.get(digest)
        return found[1] if found else None

    def _note(self, frame: Frame) -> None:
        for raw in split_messages(frame.payload):
            message = open_message(self._group, raw)
            self.pending.append(message)
            if isinstance(message.body, Submit):
                self._batches[message.digest] = message, Place(frame.file, frame.offset)

    def _block(self, frame: Frame) -> StoredBlock:
        number = self.tip.number + 1
        raws, outcomes, events = decode_results(frame.payload)
        commits = tuple(open_message(self._group, raw) for raw in raws)
        digest = getattr(commits[0].body, "digest", b"")
        if digest not in self._batches:
            raise BadCertificate(number, "its batch does not stand before it")
        batch, proposal = self._batches[digest]
        check_certificate(self._group, batch, commits)
        body = batch_of(batch)
        linked = (batch.seq, body.previous, body.first_seq)
        if linked != (number, self.tip.digest, self.tip.last_seq + 1):
            raise BadCertificate(number, f"does not follow block {self.tip.number}")
        if len(outcomes) != body.count or int(outcomes["events"].sum()) != len(events):
            raise BadCertificate(number, "outcomes and events are not its batch's")
        self.tip = Tip(number, digest, body.last_seq)
        # The venue proposes ahead: what belongs to later blocks stays.
        self.pending = [message for message in self.pending if message.seq > number]
        self._batches = {d: found for d, found in self._batches.items() if found[0].seq > number}
        return StoredBlock(
            header_of(batch, commits),
            batch,
            commits,
            commands_of(batch),
            outcomes,
            events,
            proposal,
            Place(frame.file, frame.offset),
        )
