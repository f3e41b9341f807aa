"""What parties sign: one canonical binary encoding, strictly decoded. docs/spec/consensus.md, 3.

A message is header ‖ payload ‖ signature. The signature stands over header ‖ SHA-256(payload), so
that every signed word carries domain tag, chain, epoch, view, number and sender, and a proposal is
provable without its batch. Integers are little-endian, as in records.
"""

import hashlib
import struct
from dataclasses import dataclass
from typing import Final

from ledger.audit.bodies import (
    COMMIT_PAYLOAD_BYTES,
    HELLO_PAYLOAD_BYTES,
    KIND_OF,
    PAYLOAD_BYTES_MAX,
    Body,
    Commit,
    Kind,
    Submit,
    unpack,
)
from ledger.audit.errors import (
    BadSignature,
    FrameTooLarge,
    MalformedMessage,
    UnknownSender,
    WrongChain,
    WrongEpoch,
)
from ledger.audit.group import MEMBERS_MAX, VENUE, Group
from ledger.audit.keys import SIGNATURE_BYTES, SigningKey, is_signed
from ledger.audit.note import Checkpoint, cosigned_text

TAG: Final = b"\x00provenue-pbft1\x00"
"""Holds control characters, which no note may hold: a key's two uses can't be confused."""
_HEADER: Final = struct.Struct("<16sBBHQQQQI")
HEADER_BYTES: Final = _HEADER.size
COMMIT_BYTES: Final = HEADER_BYTES + COMMIT_PAYLOAD_BYTES + SIGNATURE_BYTES
HELLO_BYTES: Final = HEADER_BYTES + HELLO_PAYLOAD_BYTES + SIGNATURE_BYTES
MESSAGE_BYTES_MAX: Final = HEADER_BYTES + PAYLOAD_BYTES_MAX + SIGNATURE_BYTES
FRAME_BYTES_MAX: Final = MESSAGE_BYTES_MAX + MEMBERS_MAX * COMMIT_BYTES
"""A frame is one message, a proposal with its batch, or a batch with its certificate."""

_FROM_VENUE: Final = frozenset({Kind.SUBMIT, Kind.FETCH, Kind.HELLO, Kind.REQUEST})
_FROM_MEMBER: Final = frozenset(Kind) - {Kind.SUBMIT}


@dataclass(frozen=True, slots=True)
class Signed:
    """One message whose signature holds. `raw` is sent again as it is, never built anew.

    Attributes:
        sender: Member index, or VENUE.
        view, seq: As its kind says; seq is the block number or the request number.
        body: What it says.
        raw: Header, payload and signature.
        digest: SHA-256 of what is signed.
    """

    sender: int
    view: int
    seq: int
    body: Body
    raw: bytes
    digest: bytes


def checkpoint_of(group: Group, number: int, view: int, commit: Commit) -> Checkpoint:
    """The checkpoint whose note a COMMIT signs."""
    return Checkpoint(
        origin=group.origin,
        log_size=commit.log_size,
        log_root=commit.log_root,
        chain_id=group.chain_id,
        epoch=group.epoch,
        view=view,
        block=number,
        last_seq=commit.last_seq,
        batch=commit.digest,
        state_root=commit.state_root,
    )


@dataclass(frozen=True, slots=True)
class Author:
    """One party's pen: signs messages as `sender`."""

    group: Group
    sender: int
    key: SigningKey

    def __post_init__(self) -> None:
        """The key is the group's for this sender: anything else is a wrong wiring."""
        assert self.group.key_of(self.sender) == self.key.public, "key and sender do not match"

    def sign(self, view: int, seq: int, body: Body) -> Signed:
        """Build and sign one message."""
        payload = body.pack()
        assert len(payload) <= PAYLOAD_BYTES_MAX, "message above its bound"
        header = _HEADER.pack(
            TAG,
            KIND_OF[type(body)],
            0,
            self.sender,
            self.group.chain_id,
            self.group.epoch,
            view,
            seq,
            len(payload),
        )
        signed = header + hashlib.sha256(payload).digest()
        raw = header + payload + self.key.sign(signed)
        return Signed(self.sender, view, seq, body, raw, hashlib.sha256(signed).digest())

    def sign_checkpoint(self, checkpoint: Checkpoint, time_s: int) -> bytes:
        """The cosignature of C2SP tlog-cosignature that a COMMIT carries."""
        return self.key.sign(cosigned_text(checkpoint, time_s))


def _key_for(group: Group, sender: int, kind: Kind) -> bytes:
    key = group.key_of(sender)
    if key is None or kind not in (_FROM_VENUE if sender == VENUE else _FROM_MEMBER):
        raise UnknownSender(sender, kind)
    return key


def open_message(group: Group, raw: bytes) -> Signed:
    """Decode one message and check its signature; a COMMIT's note signature too.

    Raises:
        MalformedMessage, WrongChain, WrongEpoch, UnknownSender, BadSignature: see each.
    """
    if len(raw) < HEADER_BYTES + SIGNATURE_BYTES:
        raise MalformedMessage("cut short")
    tag, code, pad, sender, chain_id, epoch, view, seq, size = _HEADER.unpack_from(raw)
    if tag != TAG or pad or code not in set(Kind):
        raise MalformedMessage("unknown tag or kind")
    if len(raw) != HEADER_BYTES + size + SIGNATURE_BYTES:
        raise MalformedMessage("length does not match the header")
    if chain_id != group.chain_id:
        raise WrongChain(group.chain_id, chain_id)
    if epoch != group.epoch:
        raise WrongEpoch(group.epoch, epoch)
    kind = Kind(code)
    key = _key_for(group, sender, kind)
    payload = raw[HEADER_BYTES : HEADER_BYTES + size]
    signed = raw[:HEADER_BYTES] + hashlib.sha256(payload).digest()
    if not is_signed(key, signed, raw[-SIGNATURE_BYTES:]):
        raise BadSignature(group.name_of(sender), kind.name)
    message = Signed(sender, view, seq, unpack(kind, payload), raw, hashlib.sha256(signed).digest())
    _check_body(group, message, key)
    return message


def _check_body(group: Group, message: Signed, key: bytes) -> None:
    match message.body:
        case Submit():
            if message.view:
                raise MalformedMessage("a batch has no view")
        case Commit() as commit:
            checkpoint = checkpoint_of(group, message.seq, message.view, commit)
            if not is_signed(key, cosigned_text(checkpoint, commit.time_s), commit.note_signature):
                raise BadSignature(group.name_of(message.sender), "checkpoint of COMMIT")
        case _:
            pass


def split_messages(frame: bytes) -> tuple[bytes, ...]:
    """Cut a run of messages apart, by the lengths in their headers.

    Raises:
        MalformedMessage: A length does not fit. FrameTooLarge: The whole is above the bound.
    """
    if len(frame) > FRAME_BYTES_MAX:
        raise FrameTooLarge(FRAME_BYTES_MAX, len(frame))
    messages: list[bytes] = []
    offset = 0
    while offset < len(frame):
        if len(frame) - offset < HEADER_BYTES or len(messages) > MEMBERS_MAX:
            raise MalformedMessage("cut short, or too many messages in one frame")
        size = _HEADER.unpack_from(frame, offset)[-1]
        end = offset + HEADER_BYTES + size + SIGNATURE_BYTES
        if end > len(frame):
            raise MalformedMessage("cut short")
        messages.append(frame[offset:end])
        offset = end
    if not messages:
        raise MalformedMessage("empty frame")
    return tuple(messages)


def open_frame(group: Group, frame: bytes) -> tuple[Signed, ...]:
    """Decode every message of a frame.

    Raises:
        MessageError: As `split_messages` and `open_message`.
    """
    return tuple(open_message(group, raw) for raw in split_messages(frame))


def join(*messages: Signed) -> bytes:
    """One frame of several messages."""
    return b"".join(message.raw for message in messages)
