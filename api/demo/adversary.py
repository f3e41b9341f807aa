"""Plays the adversary, and says by what and where each attack is caught.

Files are attacked in copies; the rogue operator and the sanctioned payee are attacked live, before.
"""

import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.demo.board import Board
from api.demo.offline import Evidence, building_of
from api.demo.work import Taken
from api.devnet.devnet import Devnet
from compliance.errors import ReportDiffers
from compliance.reports.report import rebuild
from ledger.audit.audit_ledger import verify_ledger
from ledger.audit.errors import AuditError
from ledger.audit.verify import verify_receipt

VICTIM: Final = 2
"""The replica whose ledger is tampered with."""
LOWEST_BIT: Final = 0x01


@dataclass(frozen=True, slots=True)
class Flip:
    """One flipped bit: where it was done."""

    file: str
    offset: int


def flip_bit(path: Path, offset: int) -> Flip:
    """Flip the lowest bit of one byte of a file."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        assert byte, f"{path.name} has no byte {offset}"
        file.seek(offset)
        file.write(bytes([byte[0] ^ LOWEST_BIT]))
    return Flip(path.name, offset)


def tamper_with_ledger(devnet: Devnet, evidence: Evidence, board: Board, scratch: Path) -> None:
    """Flip a bit in the middle of a copy of a replica's ledger."""
    copy = scratch / "ledger"
    shutil.copytree(devnet.folder.replica(VICTIM) / "ledger", copy)
    segment = max(copy.glob("*.blocks"), key=lambda path: path.stat().st_size)
    flip = flip_bit(segment, segment.stat().st_size // 2)
    caught = None
    try:
        verify_ledger(copy, evidence.group)
    except AuditError as error:
        caught = error
    _verdict(
        board, f"a bit flipped in {evidence.group.members[VICTIM].name}'s ledger", flip, caught
    )


def tamper_with_receipt(evidence: Evidence, board: Board, taken: Taken, scratch: Path) -> None:
    """Flip a bit in the entry that a receipt proves."""
    name, text = next(iter(taken.receipts.items()))
    path = scratch / f"{name}.tlog-proof"
    path.write_text(text)
    flip = flip_bit(path, text.index("extra ") + len("extra ") + 60)
    caught = None
    try:
        verify_receipt(path.read_bytes().decode(errors="replace"), evidence.group)
    except AuditError as error:
        caught = error
    _verdict(board, "a bit flipped in a receipt", flip, caught)


def tamper_with_report(devnet: Devnet, evidence: Evidence, board: Board, taken: Taken) -> None:
    """Flip a bit in the middle of the report."""
    assert taken.report is not None, "the report was written"
    path = Path(taken.report.path)
    content = bytearray(path.read_bytes())
    offset = len(content) // 2
    content[offset] ^= LOWEST_BIT
    caught = None
    try:
        rebuild(building_of(devnet, evidence, taken), io.BytesIO(bytes(content)))
    except ReportDiffers as error:
        caught = error
    _verdict(board, "a bit flipped in the report", Flip(path.name, offset), caught)


def _verdict(board: Board, what: str, flip: Flip, caught: Exception | None) -> None:
    board.check(
        f"ATTACK: {what} is caught",
        held=caught is not None,
        found=f"byte {flip.offset:,} of {flip.file}: {caught}",
    )
