"""What each kind of message says, and its payload's bytes. docs/spec/consensus.md, section 3."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from ledger.audit.errors import MalformedMessage
from ledger.audit.note import TIME_S_MAX
from ledger.records.layout import COMMAND_BYTES

BLOCK_COMMANDS_MAX: Final = 4096
REQUEST_BYTES_MAX: Final = 256 * 1024
REFUSAL_BYTES_MAX: Final = 4096
FETCH_BLOCKS_MAX: Final = 16
SESSION_BYTES: Final = 32
HASH_BYTES: Final = 32
SEQ_LIMIT: Final = 2**63
_SERVICE_LETTERS: Final = b"abcdefghijklmnopqrstuvwxyz0123456789.-"

_SUBMIT: Final = struct.Struct("<32sQ")
_COMMIT: Final = struct.Struct("<32s32sQQ32sQ64s")
_STATUS: Final = struct.Struct("<32sB")
_FETCH: Final = struct.Struct("<H")
_HELLO: Final = struct.Struct("<32sH")
_REPLY: Final = struct.Struct("<32sB")

PAYLOAD_BYTES_MAX: Final = _SUBMIT.size + BLOCK_COMMANDS_MAX * COMMAND_BYTES
COMMIT_PAYLOAD_BYTES: Final = _COMMIT.size
HELLO_PAYLOAD_BYTES: Final = _HELLO.size
assert REQUEST_BYTES_MAX + 512 < PAYLOAD_BYTES_MAX


class Kind(IntEnum):
    """What a message is. 16 VIEW_CHANGE, 17 NEW_VIEW and 18 CHECKPOINT are reserved."""

    SUBMIT = 1
    PRE_PREPARE = 2
    PREPARE = 3
    COMMIT = 4
    STATUS = 5
    FETCH = 6
    HELLO = 7
    REQUEST = 8
    REPLY = 9


class SlotFlag(IntFlag):
    """What a replica has of the block after its last committed one."""

    PROPOSED = 1
    COMMITTING = 2


class Outcome(IntEnum):
    """How a request ended."""

    ANSWERED = 0
    REFUSED = 1
    UNKNOWN_SERVICE = 2
    BUSY = 3
    FAILED = 4
    """The service broke; the replica says so and goes on."""


@dataclass(frozen=True, slots=True)
class Submit:
    """The venue's batch. The message's `seq` is the block number, its `view` 0.

    Attributes:
        previous: Digest of the batch before; 32 zero bytes for block 1.
        first_seq: The first command's seq.
        commands: 1..BLOCK_COMMANDS_MAX records of 128 bytes.
    """

    previous: bytes
    first_seq: int
    commands: bytes

    @property
    def count(self) -> int:
        """How many commands."""
        return len(self.commands) // COMMAND_BYTES

    @property
    def last_seq(self) -> int:
        """The last command's seq."""
        return self.first_seq + self.count - 1

    def pack(self) -> bytes:
        """The payload's bytes."""
        return _SUBMIT.pack(self.previous, self.first_seq) + self.commands


@dataclass(frozen=True, slots=True)
class PrePrepare:
    """The primary's vote for a batch, which follows in the same frame."""

    digest: bytes

    def pack(self) -> bytes:
        """The payload's bytes."""
        return self.digest


@dataclass(frozen=True, slots=True)
class Prepare:
    """A backup's vote for the same."""

    digest: bytes

    def pack(self) -> bytes:
        """The payload's bytes."""
        return self.digest


@dataclass(frozen=True, slots=True)
class Commit:
    """A replica is prepared, executed the batch itself, and signs what came out.

    `note_signature` is its cosignature on the block's checkpoint: what receipts carry.
    """

    digest: bytes
    state_root: bytes
    last_seq: int
    log_size: int
    log_root: bytes
    time_s: int
    note_signature: bytes

    def pack(self) -> bytes:
        """The payload's bytes."""
        return _COMMIT.pack(
            self.digest,
            self.state_root,
            self.last_seq,
            self.log_size,
            self.log_root,
            self.time_s,
            self.note_signature,
        )


@dataclass(frozen=True, slots=True)
class Status:
    """Where a replica stands: `seq` is its last committed block, `tip` that block's digest."""

    tip: bytes
    flags: SlotFlag

    def pack(self) -> bytes:
        """The payload's bytes."""
        return _STATUS.pack(self.tip, self.flags)


@dataclass(frozen=True, slots=True)
class Fetch:
    """Asks for certified blocks from number `seq` on, at most `count`."""

    count: int

    def pack(self) -> bytes:
        """The payload's bytes."""
        return _FETCH.pack(self.count)


@dataclass(frozen=True, slots=True)
class Hello:
    """Answers a listener's challenge: who dials, and whom it means to reach."""

    nonce: bytes
    to: int

    def pack(self) -> bytes:
        """The payload's bytes."""
        return _HELLO.pack(self.nonce, self.to)


@dataclass(frozen=True, slots=True)
class Request:
    """A question to one service of one replica. `session` is the connection's nonce."""

    session: bytes
    service: str
    payload: bytes

    def pack(self) -> bytes:
        """The payload's bytes."""
        name = self.service.encode("ascii")
        return self.session + bytes([len(name)]) + name + self.payload


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer; `request` is the digest of the question."""

    request: bytes
    outcome: Outcome
    payload: bytes

    def pack(self) -> bytes:
        """The payload's bytes."""
        return _REPLY.pack(self.request, self.outcome) + self.payload


Body = Submit | PrePrepare | Prepare | Commit | Status | Fetch | Hello | Request | Reply

KIND_OF: Final[dict[type[Body], Kind]] = {
    Submit: Kind.SUBMIT,
    PrePrepare: Kind.PRE_PREPARE,
    Prepare: Kind.PREPARE,
    Commit: Kind.COMMIT,
    Status: Kind.STATUS,
    Fetch: Kind.FETCH,
    Hello: Kind.HELLO,
    Request: Kind.REQUEST,
    Reply: Kind.REPLY,
}


def _exactly(payload: bytes, size: int) -> bytes:
    if len(payload) != size:
        raise MalformedMessage(f"{len(payload)} payload bytes where {size} belong")
    return payload


def _submit(payload: bytes) -> Submit:
    count, rest = divmod(len(payload) - _SUBMIT.size, COMMAND_BYTES)
    if rest or not 1 <= count <= BLOCK_COMMANDS_MAX:
        raise MalformedMessage("a batch is 1..4096 whole commands")
    previous, first_seq = _SUBMIT.unpack_from(payload)
    if not 1 <= first_seq < SEQ_LIMIT - BLOCK_COMMANDS_MAX:
        raise MalformedMessage("first_seq out of range")
    return Submit(previous, first_seq, payload[_SUBMIT.size :])


def _commit(payload: bytes) -> Commit:
    body = Commit(*_COMMIT.unpack(_exactly(payload, _COMMIT.size)))
    if body.time_s > TIME_S_MAX or max(body.last_seq, body.log_size) >= SEQ_LIMIT:
        raise MalformedMessage("a number of COMMIT is out of range")
    return body


def _status(payload: bytes) -> Status:
    tip, flags = _STATUS.unpack(_exactly(payload, _STATUS.size))
    if flags > SlotFlag.PROPOSED | SlotFlag.COMMITTING:
        raise MalformedMessage("unknown status flags")
    return Status(tip, SlotFlag(flags))


def _fetch(payload: bytes) -> Fetch:
    (count,) = _FETCH.unpack(_exactly(payload, _FETCH.size))
    if not 1 <= count <= FETCH_BLOCKS_MAX:
        raise MalformedMessage("fetch count out of range")
    return Fetch(count)


def _request(payload: bytes) -> Request:
    start = SESSION_BYTES + 1
    if len(payload) < start or len(payload) < start + payload[SESSION_BYTES]:
        raise MalformedMessage("request cut short")
    end = start + payload[SESSION_BYTES]
    name = payload[start:end]
    if not name or name.strip(_SERVICE_LETTERS):
        raise MalformedMessage("service names: lower-case letters, digits, dots, dashes")
    if len(payload) - end > REQUEST_BYTES_MAX:
        raise MalformedMessage("request too long")
    return Request(payload[:SESSION_BYTES], name.decode("ascii"), payload[end:])


def _reply(payload: bytes) -> Reply:
    if not _REPLY.size <= len(payload) <= _REPLY.size + REQUEST_BYTES_MAX:
        raise MalformedMessage("reply size out of range")
    request, outcome = _REPLY.unpack_from(payload)
    if outcome not in set(Outcome):
        raise MalformedMessage("unknown outcome")
    return Reply(request, Outcome(outcome), payload[_REPLY.size :])


_UNPACK: Final[dict[Kind, Callable[[bytes], Body]]] = {
    Kind.SUBMIT: _submit,
    Kind.PRE_PREPARE: lambda payload: PrePrepare(_exactly(payload, HASH_BYTES)),
    Kind.PREPARE: lambda payload: Prepare(_exactly(payload, HASH_BYTES)),
    Kind.COMMIT: _commit,
    Kind.STATUS: _status,
    Kind.FETCH: _fetch,
    Kind.HELLO: lambda payload: Hello(*_HELLO.unpack(_exactly(payload, _HELLO.size))),
    Kind.REQUEST: _request,
    Kind.REPLY: _reply,
}
assert _UNPACK.keys() == set(Kind) == set(KIND_OF.values())


def unpack(kind: Kind, payload: bytes) -> Body:
    """Read one payload strictly.

    Raises:
        MalformedMessage: Not the canonical bytes of this kind.
    """
    return _UNPACK[kind](payload)
