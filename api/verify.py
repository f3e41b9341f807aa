"""What `provenue verify` and `provenue audit` print. Offline: they read files and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console

from ledger.audit.audit_ledger import verify_ledger
from ledger.audit.errors import AuditError
from ledger.audit.group import Group, read_group
from ledger.audit.verify import CommandEntry, ReceiptReport, read_receipt, verify_receipt
from ledger.records.codes import CommandKind, EventKind, Reject

GROUP_FILE: Final = "group.json"
HOLDS: Final = 0
DOES_NOT_HOLD: Final = 1
_HIDDEN: Final = ("reserved", "pad", "version")


def verify_receipt_file(receipt: Path, group_file: Path | None) -> int:
    """Check a receipt and print what it proves, or the first thing that is wrong.

    Args:
        receipt: The tlog-proof text.
        group_file: Whose signatures count; `group.json` beside the receipt when not given. Its
            fingerprint is printed: compare it with the one that you were given.

    Returns:
        0 when it holds, 1 when it does not.

    Raises:
        GroupRefused, KeyRefused: The group file itself cannot be used.
    """
    out = Console(highlight=False, soft_wrap=True)
    group = read_group(group_file or receipt.parent / GROUP_FILE)
    out.print(f"group     {group.origin}, fingerprint {group.fingerprint}")
    try:
        report = verify_receipt(read_receipt(receipt), group)
    except AuditError as error:
        out.print(f"[red]does not hold[/]: {error}")
        return DOES_NOT_HOLD
    for line in describe(report, group):
        out.print(line, markup=False)
    out.print("[green]holds[/]")
    return HOLDS


def describe(report: ReceiptReport, group: Group) -> Iterator[str]:
    """The lines that say what a receipt proves."""
    checkpoint = report.checkpoint
    yield f"entry     {report.index} of {checkpoint.log_size}, block {checkpoint.block}"
    yield f"signed by {', '.join(report.signers)} ({len(report.signers)} of {group.size})"
    if report.ignored:
        yield f"ignored   {', '.join(report.ignored)}: not of this group"
    if isinstance(report.entry, CommandEntry):
        command, outcome = report.entry.command, report.entry.outcome
        yield f"command   {_name(CommandKind, int(outcome['kind']))}: {_fields(command)}"
        yield f"outcome   {_name(Reject, int(outcome['reject']))}: {_fields(outcome)}"
    else:
        event = report.entry.event
        yield f"event     {_name(EventKind, int(event['kind']))}: {_fields(event)}"
    yield f"checked   {', '.join(report.levels)}"


def verify_ledger_folder(folder: Path, group_file: Path, *, reexecute: bool) -> int:
    """Check a replica's whole ledger and print the result.

    Returns:
        0 when everything holds, 1 when something does not.

    Raises:
        GroupRefused, KeyRefused: The group file itself cannot be used.
    """
    out = Console(highlight=False, soft_wrap=True)
    group = read_group(group_file)
    out.print(f"group     {group.origin}, fingerprint {group.fingerprint}")
    machine = None
    if reexecute:
        from ledger.engine import Engine  # noqa: PLC0415  # compiled kernels take a moment to load

        machine = Engine()
    try:
        report = verify_ledger(folder, group, machine)
    except AuditError as error:
        out.print(f"[red]does not hold[/]: {error}")
        return DOES_NOT_HOLD
    out.print(f"ledger    of {report.owner}: {report.blocks} blocks, {report.entries} entries")
    out.print(f"executed  {'every command again' if report.executed else 'no (--reexecute)'}")
    if report.torn is not None:
        out.print(
            f"torn      {report.torn}: an unfinished frame, which backs nothing", markup=False
        )
    out.print("[green]holds[/]")
    return HOLDS


def _name(enumeration: type[CommandKind | Reject | EventKind], code: int) -> str:
    known = {int(member): member.name for member in enumeration}
    return known.get(code, f"unknown {code}")


def _fields(record: np.void) -> str:
    """The fields that are not zero, by name; digests and addresses word by word."""
    assert record.dtype.names is not None
    shown = []
    for name in record.dtype.names:
        value = record[name]
        if name.startswith(_HIDDEN) or name.endswith("_pad") or not value:
            continue
        shown.append(f"{name}={value.decode() if isinstance(value, bytes) else value}")
    return " ".join(shown)
