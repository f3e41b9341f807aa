"""Order-book records of Regulation (EU) 2025/416, as JSON in the shape of ISO 20022 auth.113.

One pass over certified records, one JSON object a line, nothing but integers until the text. The
same records and pack give the same bytes, on any machine, whatever the size of the chunks.

Normative text: docs/spec/reports.md; it maps each element to its field in Table 2 of the Annex.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from compliance.errors import RangeNotCertified, RecordsInconsistent
from compliance.ports import CertifiedRecords
from compliance.reports.order_lines import OrderLines
from compliance.reports.pack import ReportPack
from compliance.reports.text import time_text

GENERATOR: Final = "provenue-orderbook-records/1"
CHUNK_COMMANDS: Final = 1 << 14
HEAD: Final = b'{"OrdrBookRpt":{"OrdrRpt":[{"New":{"Ordr":['


@dataclass(frozen=True, slots=True)
class Span:
    """Commands from_seq..to_seq, both inclusive."""

    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive bytes of a report, and how many whole records they hold."""

    data: bytes
    records: int


def order_book_records(records: CertifiedRecords, pack: ReportPack, span: Span) -> Iterator[Piece]:
    """Build a report over a span; the pieces joined are the report.

    Args:
        records: The certified log from seq 1: what came before the span gives it its state.
        pack: Names the venue; its hash stands in the report.
        span: The commands to report on.

    Raises:
        RangeNotCertified: The span is empty or reaches beyond the certified log.
        RecordsInconsistent: The records contradict themselves.
    """
    certified = records.certified_seq()
    if not 1 <= span.from_seq <= span.to_seq <= certified:
        raise RangeNotCertified(span.from_seq, span.to_seq, certified)
    return _pieces(records, pack, span)


def _pieces(records: CertifiedRecords, pack: ReportPack, span: Span) -> Iterator[Piece]:
    fold = OrderLines(pack.body)
    written = 0
    yield Piece(HEAD, 0)
    for first, last in _bounds(span):
        chunk = records.read(first, last)
        if chunk.first_seq != first or len(chunk.commands) != last - first + 1:
            raise RecordsInconsistent(first, "the records that were asked for did not come")
        fold.take(chunk, emit=first >= span.from_seq)
        if fold.lines:
            glue = ",\n" if written else "\n"
            written += len(fold.lines)
            yield Piece((glue + ",\n".join(fold.lines)).encode("ascii"), len(fold.lines))
    yield Piece(_tail(fold, pack, span, written), 0)


def _bounds(span: Span) -> Iterator[tuple[int, int]]:
    """Chunks from seq 1 on, cut where the span begins, so that no chunk is half emitted."""
    for start, end in ((1, span.from_seq - 1), (span.from_seq, span.to_seq)):
        for first in range(start, end + 1, CHUNK_COMMANDS):
            yield first, min(first + CHUNK_COMMANDS - 1, end)


def _tail(fold: OrderLines, pack: ReportPack, span: Span, written: int) -> bytes:
    body = pack.body
    return (
        f'\n],"RptId":"{body.mic}-OBR-{span.from_seq}-{span.to_seq}"}}}}],'
        f'"RptHdr":{{"NbRcrds":{written},"RptgNtty":{{"MktIdCd":"{body.mic}"}},'
        f'"RptgPrd":{{"FrToDtTm":{{"FrDtTm":"{time_text(fold.first_ns)}",'
        f'"ToDtTm":"{time_text(fold.last_ns)}"}}}}}},'
        f'"SplmtryData":[{{"Envlp":{{"FrSeq":{span.from_seq},"Gnrtr":"{GENERATOR}",'
        f'"LEI":"{body.lei}","PackHash":"{pack.hash.hex()}","ToSeq":{span.to_seq},'
        f'"Unattrbtd":{fold.unattributed}}},"PlcAndNm":"/OrdrBookRpt"}}]}}}}\n'
    ).encode("ascii")
