"""A report's life: built, hashed, recorded in the ledger, kept, rebuilt and compared.

Crash anywhere and run again: the bytes come out the same, and so does the command. A report that
the store knows is not recorded again; a crash between recording and keeping can record one twice.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, Final

from compliance.errors import ReportDiffers, ReportRejected
from compliance.ports import CertifiedRecords
from compliance.reports.orderbook_records import (
    GENERATOR,
    Piece,
    Span,
    order_book_records,
)
from compliance.reports.pack import ReportPack
from compliance.store import ComplianceStore, StoredReport
from ledger.journal.ports import Submits
from ledger.records.build import command, digest_fields
from ledger.records.codes import CommandKind, Reject

SHOWN_BYTES: Final = 256
"""How much of a differing record an error carries."""
DAY_NS: Final = 86_400_000_000_000
_EPOCH: Final = date(1970, 1, 1)


class ReportKind(IntEnum):
    """`report_kind` of RECORD_REPORT. Values never change meaning."""

    ORDER_BOOK_RECORDS = 1


@dataclass(frozen=True, slots=True)
class Written:
    """A report on disk: SHA-256 of its bytes, their number, and the records in it."""

    digest: bytes
    size: int
    records: int


@dataclass(frozen=True, slots=True)
class Building:
    """What a report is made from; the same three give the same bytes."""

    records: CertifiedRecords
    pack: ReportPack
    span: Span

    def pieces(self) -> Iterator[Piece]:
        """The report's bytes; see `order_book_records`."""
        return order_book_records(self.records, self.pack, self.span)


def write_report(building: Building, path: Path) -> Written:
    """Build a report into a file: whole, or not at all.

    Raises:
        RangeNotCertified, RecordsInconsistent: See `order_book_records`; no file is left.
    """
    unfinished = path.with_suffix(".unfinished")
    digest, size, records = hashlib.sha256(), 0, 0
    try:
        with unfinished.open("wb") as file:
            for piece in building.pieces():
                file.write(piece.data)
                digest.update(piece.data)
                size += len(piece.data)
                records += piece.records
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return Written(digest.digest(), size, records)


def rebuild(building: Building, stored: BinaryIO) -> Written:
    """Build a report again and compare it with stored bytes.

    Raises:
        ReportDiffers: Names the first record that differs, and both readings of it.
        RangeNotCertified, RecordsInconsistent: See `order_book_records`.
    """
    digest, size, records = hashlib.sha256(), 0, 0
    for piece in building.pieces():
        found = stored.read(len(piece.data))
        if found != piece.data:
            raise _difference(piece, found, size, records)
        digest.update(found)
        size += len(found)
        records += piece.records
    rest = stored.read(SHOWN_BYTES)
    if rest:
        raise ReportDiffers(record=-1, offset=size, expected=b"", found=rest)
    return Written(digest.digest(), size, records)


def _difference(piece: Piece, found: bytes, size: int, records: int) -> ReportDiffers:
    """Where two pieces part: the record, the byte, and the line from either."""
    # Halving finds the first differing byte without a loop over millions.
    same, high = 0, min(len(piece.data), len(found))
    while same < high:
        middle = (same + high + 1) // 2
        if piece.data[same:middle] == found[same:middle]:
            same = middle
        else:
            high = middle - 1
    # Each record stands on its own line, behind the newline that ends the one before.
    start = piece.data.rfind(b"\n", 0, same + 1) + 1 if piece.records else 0
    record = records + max(piece.data.count(b"\n", 0, same + 1) - 1, 0) if piece.records else -1
    return ReportDiffers(
        record=record,
        offset=size + same,
        expected=piece.data[start:].split(b"\n", 1)[0][:SHOWN_BYTES],
        found=found[start:].split(b"\n", 1)[0][:SHOWN_BYTES],
    )


def report_command(pack_hash: bytes, span: Span, digest: bytes) -> bytes:
    """The RECORD_REPORT command, 128 bytes."""
    return command(
        CommandKind.RECORD_REPORT,
        report_kind=int(ReportKind.ORDER_BOOK_RECORDS),
        from_seq=span.from_seq,
        to_seq=span.to_seq,
        **digest_fields("report", digest),
        **digest_fields("pack", pack_hash),
    )


class ReportDesk:
    """Publishes reports into a directory, the ledger and the store."""

    __slots__ = ("_directory", "_store", "_submits")

    def __init__(self, directory: Path, store: ComplianceStore, submits: Submits) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._store = store
        self._submits = submits

    async def publish(self, building: Building) -> StoredReport:
        """Build a report, record its digest in the ledger, keep its metadata.

        Raises:
            ReportRejected: The engine refused the record.
            JournalError: The record was not sequenced; the next run sends it again.
            RangeNotCertified, RecordsInconsistent: See `order_book_records`.
        """
        span = building.span
        path = self._directory.joinpath(f"orderbook-records-{span.from_seq}-{span.to_seq}.json")
        written = write_report(building, path)
        standing = self._store.report_by_digest(written.digest)
        if standing is not None:
            return standing
        record = report_command(building.pack.hash, span, written.digest)
        ack = await self._submits.submit(record)
        if ack.reject is not Reject.NONE:
            raise ReportRejected(span.from_seq, span.to_seq, ack.reject.name)
        report = StoredReport(
            report_id=ack.seq,
            kind=int(ReportKind.ORDER_BOOK_RECORDS),
            from_seq=span.from_seq,
            to_seq=span.to_seq,
            digest=written.digest,
            pack_hash=building.pack.hash,
            generator=GENERATOR,
            records=written.records,
            size=written.size,
            path=str(path),
        )
        self._store.keep_report(report)
        return report


def span_of_day(records: CertifiedRecords, day: date) -> Span | None:
    """The certified commands of one UTC day; None when there are none.

    Ledger time never goes backwards, so two binary searches find the bounds.
    """
    start_ns = (day - _EPOCH).days * DAY_NS
    first, after = _first_at(records, start_ns), _first_at(records, start_ns + DAY_NS)
    return Span(first, after - 1) if first < after else None


def _first_at(records: CertifiedRecords, time_ns: int) -> int:
    """The first seq at or after a time; one past the last when there is none."""
    low, high = 1, records.certified_seq() + 1
    while low < high:
        middle = (low + high) // 2
        if records.time_ns(middle) < time_ns:
            low = middle + 1
        else:
            high = middle
    return low
