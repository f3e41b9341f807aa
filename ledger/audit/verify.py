"""Check a receipt offline, with nothing but the group file: bytes, hashes, tree, quorum.

Each level's error says the first thing that is wrong, where it stands, and who signed it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ledger.audit.errors import (
    EntryNotInLog,
    NoteSignatureWrong,
    ProofInvalid,
    ReceiptMalformed,
)
from ledger.audit.group import Group, read_group
from ledger.audit.leaves import (
    COMMAND_ENTRY,
    COMMAND_ENTRY_BYTES,
    EVENT_ENTRY,
    EVENT_ENTRY_BYTES,
)
from ledger.audit.log import check_inclusion, leaf_hash
from ledger.audit.note import Checkpoint, Cosignature, check_quorum, decode_note, verified_signers
from ledger.audit.receipt import RECEIPT_BYTES_MAX, decode_receipt
from ledger.records.build import LAYOUT_OF
from ledger.records.codes import CommandKind
from ledger.records.layout import COMMAND, COMMAND_BYTES, EVENT, OUTCOME

LEVELS: Final = ("bytes", "hashes", "tree", "quorum")


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command and its outcome. `command` has the layout of its kind, COMMAND when unknown."""

    command: np.void
    outcome: np.void


@dataclass(frozen=True, slots=True)
class EventEntry:
    """An event."""

    event: np.void


@dataclass(frozen=True, slots=True)
class ReceiptReport:
    """What a receipt proves.

    Attributes:
        entry: The decoded entry.
        index: Its leaf index, from 0.
        checkpoint: The certified block that holds it.
        signers: Who signed that block, a quorum at least, by name.
        ignored: Names of signature lines under keys that are not the group's.
        fingerprint: The group that this was checked against.
        levels: What was checked, in order.
    """

    entry: CommandEntry | EventEntry
    index: int
    checkpoint: Checkpoint
    signers: tuple[str, ...]
    ignored: tuple[str, ...]
    fingerprint: str
    levels: tuple[str, ...] = LEVELS


def decode_entry(entry: bytes) -> CommandEntry | EventEntry:
    """Read an entry's records.

    Raises:
        ReceiptMalformed: Unknown kind byte or wrong size.
    """
    kind, size = entry[:1], len(entry)
    if kind == COMMAND_ENTRY and size == COMMAND_ENTRY_BYTES:
        command = entry[1 : 1 + COMMAND_BYTES]
        code = int(np.frombuffer(command, COMMAND)["kind"][0])
        layout: Any = LAYOUT_OF[CommandKind(code)] if code in set(CommandKind) else COMMAND
        outcome = np.frombuffer(entry[1 + COMMAND_BYTES :], OUTCOME)
        return CommandEntry(np.frombuffer(command, layout)[0], outcome[0])
    if kind == EVENT_ENTRY and size == EVENT_ENTRY_BYTES:
        return EventEntry(np.frombuffer(entry[1:], EVENT)[0])
    raise ReceiptMalformed(2, "the entry is neither a command with its outcome nor an event")


def verify_receipt(text: str, group: Group) -> ReceiptReport:
    """Check one receipt.

    Raises:
        ReceiptMalformed, NoteMalformed: bytes: the line that cannot be read.
        EntryNotInLog: hashes and tree: entry, index or proof is not what was signed.
        NoteSignatureWrong: quorum: a member's signature does not hold.
        WrongLog, QuorumMissing: quorum: another group's log, or too few signers.
    """
    receipt = decode_receipt(text)
    entry = decode_entry(receipt.entry)
    checkpoint, lines = decode_note(receipt.note, receipt.note_line)
    signers = _signers(group, checkpoint, lines)
    try:
        check_inclusion(
            receipt.index,
            checkpoint.log_size,
            leaf_hash(receipt.entry),
            receipt.proof,
            checkpoint.log_root,
        )
    except ProofInvalid as error:
        raise EntryNotInLog(receipt.index, checkpoint.log_size, signers) from error
    indexes = verified_signers(group, checkpoint, lines)
    check_quorum(group, checkpoint, indexes)
    known = {f"{group.origin}/{name}" for name in signers}
    return ReceiptReport(
        entry=entry,
        index=receipt.index,
        checkpoint=checkpoint,
        signers=signers,
        ignored=tuple(line.name for line in lines if line.name not in known),
        fingerprint=group.fingerprint,
    )


def _signers(
    group: Group, checkpoint: Checkpoint, lines: tuple[Cosignature, ...]
) -> tuple[str, ...]:
    """Who signed the checkpoint, for the tree level's error; none when a signature is wrong."""
    try:
        indexes = verified_signers(group, checkpoint, lines)
    except NoteSignatureWrong:
        return ()
    return tuple(group.members[index].name for index in indexes)


def read_receipt(path: Path) -> str:
    """A receipt file's text.

    Raises:
        ReceiptMalformed: Unreadable, too long, or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(RECEIPT_BYTES_MAX + 1)
    except OSError as error:
        raise ReceiptMalformed(0, f"{path}: {error.strerror}") from error
    if len(raw) > RECEIPT_BYTES_MAX:
        raise ReceiptMalformed(0, f"longer than {RECEIPT_BYTES_MAX} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ReceiptMalformed(line, "not UTF-8") from error


def verify_file(path: Path, group_path: Path | None = None) -> ReceiptReport:
    """Check a receipt file against a group file: `group.json` beside the receipt by default.

    A group file that came with the receipt proves nothing by itself: compare the report's
    fingerprint with one from a source that you trust.

    Raises:
        GroupRefused, KeyRefused: The group file. Else as `read_receipt` and `verify_receipt`.
    """
    group = read_group(path.parent / "group.json" if group_path is None else group_path)
    return verify_receipt(read_receipt(path), group)
