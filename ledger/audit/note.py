"""Checkpoints as C2SP signed notes whose signatures are the replicas' cosignatures.

Sources: C2SP signed-note, tlog-checkpoint, and tlog-cosignature (Ed25519, type 0x04).
Normative for the extension lines: docs/spec/log.md, section 3.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from ledger.audit.errors import NoteMalformed, NoteSignatureWrong, QuorumMissing, WrongLog
from ledger.audit.group import MEMBERS_MAX, Group
from ledger.audit.keys import SIGNATURE_BYTES, is_signed

COSIGNATURE_TYPE: Final = b"\x04"
NOTE_BYTES_MAX: Final = 64 * 1024
TIME_S_MAX: Final = 2**63 - 1
_DASH: Final = "\u2014 "
_LINE_SIGNATURE_BYTES: Final = 4 + 8 + SIGNATURE_BYTES
_NUMBER: Final = re.compile(r"(0|[1-9][0-9]{0,19})\Z")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a certified block commits to. Roots and digests are 32 bytes."""

    origin: str
    log_size: int
    log_root: bytes
    chain_id: int
    epoch: int
    view: int
    block: int
    last_seq: int
    batch: bytes
    state_root: bytes


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One signature line: whose key it names, when it was made, the Ed25519 signature."""

    name: str
    key_id: bytes
    time_s: int
    signature: bytes


def encode64(raw: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(raw).decode("ascii")


def decode64(text: str) -> bytes | None:
    """The bytes of canonical standard base64; None for anything else, spare bits included."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if encode64(raw) == text else None


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """The note's text: origin, size and root as every log, then our extension lines."""
    return (
        f"{checkpoint.origin}\n{checkpoint.log_size}\n{encode64(checkpoint.log_root)}\n"
        f"chain {checkpoint.chain_id}\nepoch {checkpoint.epoch}\nview {checkpoint.view}\n"
        f"block {checkpoint.block}\nlast_seq {checkpoint.last_seq}\n"
        f"batch {encode64(checkpoint.batch)}\nstate_root {encode64(checkpoint.state_root)}\n"
    )


def cosigned_text(checkpoint: Checkpoint, time_s: int) -> bytes:
    """What a replica signs: tlog-cosignature's two lines before the note's text."""
    return f"cosignature/v1\ntime {time_s}\n{checkpoint_text(checkpoint)}".encode()


def key_name(group: Group, member: int) -> str:
    """A member's name in signature lines: a path under the log's origin."""
    return f"{group.origin}/{group.members[member].name}"


def key_id(name: str, key: bytes) -> bytes:
    """The four bytes that tell keys of one name apart (C2SP signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + COSIGNATURE_TYPE + key).digest()[:4]


def verifier_keys(group: Group) -> tuple[str, ...]:
    """The members' keys as C2SP vkeys, for other tools: name+id+base64(type, key)."""
    lines = []
    for index, member in enumerate(group.members):
        name = key_name(group, index)
        encoded = encode64(COSIGNATURE_TYPE + member.key)
        lines.append(f"{name}+{key_id(name, member.key).hex()}+{encoded}")
    return tuple(lines)


def encode_note(
    group: Group, checkpoint: Checkpoint, time_s: int, signatures: dict[int, bytes]
) -> str:
    """A signed note; `signatures` by member index, written in that order."""
    lines = [checkpoint_text(checkpoint), "\n"]
    for member, signature in sorted(signatures.items()):
        name = key_name(group, member)
        line = key_id(name, group.members[member].key) + time_s.to_bytes(8, "big") + signature
        lines.append(f"{_DASH}{name} {encode64(line)}\n")
    return "".join(lines)


def decode_note(text: str, first_line: int = 1) -> tuple[Checkpoint, tuple[Cosignature, ...]]:
    """Read a note strictly. Signatures are not checked yet, so nothing in it may be believed.

    Args:
        text: The whole note.
        first_line: Where it starts in the file that holds it, for errors.

    Raises:
        NoteMalformed: Not a note that carries a checkpoint of ours.
    """
    if len(text) > NOTE_BYTES_MAX or _CONTROL.search(text):
        raise NoteMalformed(first_line, "too long, or control characters")
    body, separator, tail = text.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise NoteMalformed(first_line, "no blank line before the signatures, or no final newline")
    lines = body.split("\n")
    checkpoint = _decode_checkpoint(lines, first_line)
    at = first_line + len(lines) + 1
    signatures = tail.removesuffix("\n").split("\n")
    if len(signatures) > MEMBERS_MAX:
        raise NoteMalformed(at, f"more than {MEMBERS_MAX} signatures")
    return checkpoint, tuple(_decode_line(line, at + i) for i, line in enumerate(signatures))


def _decode_checkpoint(lines: list[str], first_line: int) -> Checkpoint:
    words = ("chain", "epoch", "view", "block", "last_seq", "batch", "state_root")
    if len(lines) != 3 + len(words):
        raise NoteMalformed(first_line, f"{len(lines)} lines where {3 + len(words)} belong")
    numbers: dict[str, int] = {}
    digests: dict[str, bytes] = {}
    named = [("size", lines[1]), ("root", lines[2])]
    for i, word in enumerate(words, 3):
        start = word + " "
        if not lines[i].startswith(start):
            raise NoteMalformed(first_line + i, f"{word} belongs here")
        named.append((word, lines[i].removeprefix(start)))
    for i, (word, value) in enumerate(named, 1):
        if word in ("root", "batch", "state_root"):
            raw = decode64(value)
            if raw is None or len(raw) != hashlib.sha256().digest_size:
                raise NoteMalformed(first_line + i, f"{word} is not 32 bytes of base64")
            digests[word] = raw
        elif not _NUMBER.match(value) or int(value) >= 2**64:
            raise NoteMalformed(first_line + i, f"{word} is not a plain number below 2^64")
        else:
            numbers[word] = int(value)
    if not lines[0]:
        raise NoteMalformed(first_line, "empty origin")
    return Checkpoint(
        origin=lines[0],
        log_size=numbers["size"],
        log_root=digests["root"],
        chain_id=numbers["chain"],
        epoch=numbers["epoch"],
        view=numbers["view"],
        block=numbers["block"],
        last_seq=numbers["last_seq"],
        batch=digests["batch"],
        state_root=digests["state_root"],
    )


def _decode_line(line: str, number: int) -> Cosignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not name or "+" in name:
        raise NoteMalformed(number, "not a signature line")
    raw = decode64(encoded)
    if raw is None or len(raw) <= 4:
        raise NoteMalformed(number, "not a base64 signature")
    # Lines of other kinds belong to unknown keys; the caller ignores them by their key id.
    if len(raw) != _LINE_SIGNATURE_BYTES:
        return Cosignature(name, raw[:4], 0, b"")
    return Cosignature(name, raw[:4], int.from_bytes(raw[4:12], "big"), raw[12:])


def verified_signers(
    group: Group, checkpoint: Checkpoint, lines: tuple[Cosignature, ...]
) -> tuple[int, ...]:
    """Which members' signatures hold, by index. Lines under unknown keys are ignored.

    Raises:
        NoteSignatureWrong: A line names a member's key, and that key did not sign this.
        NoteMalformed: One member signed twice.
    """
    known = {
        (key_name(group, index), key_id(key_name(group, index), member.key)): index
        for index, member in enumerate(group.members)
    }
    signers: list[int] = []
    for line in lines:
        member = known.get((line.name, line.key_id))
        if member is None:
            continue
        text = cosigned_text(checkpoint, line.time_s)
        if line.time_s > TIME_S_MAX or not is_signed(
            group.members[member].key, text, line.signature
        ):
            raise NoteSignatureWrong(group.members[member].name)
        if member in signers:
            raise NoteMalformed(0, f"{group.members[member].name} signed twice")
        signers.append(member)
    return tuple(signers)


def check_quorum(group: Group, checkpoint: Checkpoint, signers: tuple[int, ...]) -> None:
    """The checkpoint is this group's, and a quorum stands under it.

    Raises:
        WrongLog: Origin, chain or epoch is another. QuorumMissing: Too few signers.
    """
    for field_name, expected, found in (
        ("origin", group.origin, checkpoint.origin),
        ("chain", str(group.chain_id), str(checkpoint.chain_id)),
        ("epoch", str(group.epoch), str(checkpoint.epoch)),
    ):
        if expected != found:
            raise WrongLog(field_name, expected, found)
    if len(set(signers)) < group.quorum:
        raise QuorumMissing(group.quorum, tuple(group.members[i].name for i in signers))
