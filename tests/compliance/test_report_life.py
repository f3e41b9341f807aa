"""A report's life: written whole, rebuilt byte for byte, recorded once, found by its day."""

import asyncio
import io
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from compliance.errors import (
    RangeNotCertified,
    RecordsInconsistent,
    ReportDiffers,
    ReportRejected,
)
from compliance.ports import CertifiedChunk
from compliance.reports import replay
from compliance.reports.orderbook_records import Span
from compliance.reports.replay import ReplayedRecords
from compliance.reports.report import (
    Building,
    ReportDesk,
    ReportKind,
    rebuild,
    report_command,
    span_of_day,
    write_report,
)
from ledger.records.build import read_digest
from ledger.records.codes import Reject, Side
from ledger.records.layout import REPORT
from tests.compliance.story import PACK, Tampered, build, entries, event_change, order, small_day
from tests.compliance.venue import DAY_NS, START_NS, NaiveVenue, listed_venue


def building(venue, span: Span | None = None) -> Building:
    return Building(venue, PACK, span or Span(1, venue.certified_seq()))


def test_a_report_is_written_whole_and_rebuilt_byte_for_byte(tmp_path):
    venue, path = small_day(), tmp_path / "r.json"
    written = write_report(building(venue), path)
    assert path.read_bytes() == build(venue)
    assert written.size == path.stat().st_size
    assert written.records == len(entries(path.read_bytes()))
    with path.open("rb") as stored:
        assert rebuild(building(venue), stored) == written
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_that_fails_leaves_no_file(tmp_path):
    broken = Tampered(small_day(), event_change(0, qty_lots=1))
    with pytest.raises(RecordsInconsistent):
        write_report(building(broken), tmp_path / "r.json")
    assert list(tmp_path.iterdir()) == []


def test_a_flipped_byte_is_named_by_its_record_wherever_it_is():
    venue = small_day()
    data = build(venue)
    lines = data.split(b"\n")
    offset = 0
    for number, line in enumerate(lines):
        for place in {0, len(line) // 2, len(line) - 1} if line else set():
            at = offset + place
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            with pytest.raises(ReportDiffers) as caught:
                rebuild(building(venue), io.BytesIO(changed))
            inside = 1 <= number <= len(lines) - 3
            assert caught.value.offset == at
            assert caught.value.record == (number - 1 if inside else -1)
            if inside:
                assert caught.value.expected == line[:256]
                assert caught.value.found == (line[:place] + changed[at : at + 1]
                                              + line[place + 1 :])[:256]  # fmt: skip
        offset += len(line) + 1


@pytest.mark.parametrize("cut", [0, 1, 100, 2_000, -1])
def test_a_truncated_report_differs_where_it_ends(cut):
    data = build(small_day())[:cut]
    with pytest.raises(ReportDiffers) as caught:
        rebuild(building(small_day()), io.BytesIO(data))
    assert caught.value.offset == len(data)


def test_bytes_behind_the_end_differ():
    data = build(small_day())
    with pytest.raises(ReportDiffers) as caught:
        rebuild(building(small_day()), io.BytesIO(data + b"x"))
    assert (caught.value.record, caught.value.offset) == (-1, len(data))
    assert caught.value.found == b"x"


def test_a_published_report_stands_in_the_ledger_and_in_the_store(tmp_path, store):
    venue = small_day()
    desk = ReportDesk(tmp_path, store, venue)
    report = asyncio.run(desk.publish(building(venue, Span(1, 22))))
    row = np.frombuffer(venue.commands[report.report_id - 1], REPORT)[0]
    assert row["report_kind"] == ReportKind.ORDER_BOOK_RECORDS
    assert (row["from_seq"], row["to_seq"]) == (1, 22)
    assert read_digest(row, "report") == report.digest
    assert read_digest(row, "pack") == PACK.hash
    assert store.report(report.report_id) == report
    assert Path(report.path).read_bytes() == build(venue, Span(1, 22))


def test_publishing_twice_records_once(tmp_path, store):
    venue = small_day()
    desk = ReportDesk(tmp_path, store, venue)
    first = asyncio.run(desk.publish(building(venue, Span(1, 22))))
    assert asyncio.run(desk.publish(building(venue, Span(1, 22)))) == first
    assert venue.certified_seq() == 23


def test_a_refused_record_is_an_error_and_not_kept(tmp_path, store):
    class Refuses(NaiveVenue):
        def run(self, record):
            return replace(NaiveVenue.run(self, record), reject=Reject.MALFORMED)

    venue = small_day()
    with pytest.raises(ReportRejected) as caught:
        asyncio.run(ReportDesk(tmp_path, store, Refuses()).publish(building(venue)))
    assert caught.value.reject == "MALFORMED"
    assert store.reports() == ()


def test_a_report_command_is_128_bytes():
    assert len(report_command(bytes(32), Span(1, 2), bytes(32))) == 128


def test_a_day_is_found_by_its_times():
    venue = listed_venue()
    order(venue, 16, Side.BUY, 1, 1)
    venue.now_ns = START_NS + DAY_NS - 1_234_567
    order(venue, 16, Side.BUY, 1, 1)
    order(venue, 16, Side.BUY, 1, 1)
    assert span_of_day(venue, date(2015, 5, 1)) == Span(1, 7)
    assert span_of_day(venue, date(2015, 5, 2)) == Span(8, 9)
    assert span_of_day(venue, date(2015, 4, 30)) is None
    assert span_of_day(venue, date(2015, 5, 3)) is None
    assert span_of_day(NaiveVenue(), date(2015, 5, 1)) is None


# --- certified records by re-execution --------------------------------------------------------


class Machine:
    """A venue that executes what another one recorded."""

    built = 0

    def __init__(self) -> None:
        self.venue = NaiveVenue()
        Machine.built += 1

    @property
    def seq(self) -> int:
        return self.venue.certified_seq()

    def execute(self, commands) -> CertifiedChunk:
        first = self.seq + 1
        for raw in commands:
            self.venue.run(raw.tobytes())
        return self.venue.read(first, self.seq)


class Source:
    def __init__(self, venue: NaiveVenue) -> None:
        self.venue = venue

    def commands(self, first_seq: int, limit: int):
        last = min(first_seq + limit - 1, self.venue.certified_seq())
        return self.venue.read(first_seq, last).commands


def test_a_report_over_re_executed_commands_is_the_same_report():
    venue = small_day()
    replayed = ReplayedRecords(Source(venue), Machine, 22)
    assert build(replayed, Span(1, 22)) == build(venue, Span(1, 22))
    assert build(replayed, Span(9, 20)) == build(venue, Span(9, 20))
    assert span_of_day(replayed, date(2015, 5, 1)) == Span(1, 22)


def test_reading_in_order_executes_once_and_reading_back_starts_again(monkeypatch):
    venue = small_day()
    monkeypatch.setattr(replay, "SKIP_COMMANDS", 4)
    Machine.built = 0
    replayed = ReplayedRecords(Source(venue), Machine, 22)
    for first, last in ((10, 12), (13, 13), (20, 22)):
        chunk, expected = replayed.read(first, last), venue.read(first, last)
        assert chunk.first_seq == first
        assert chunk.outcomes.tobytes() == expected.outcomes.tobytes()
        assert chunk.events.tobytes() == expected.events.tobytes()
    assert Machine.built == 1
    replayed.read(20, 22)
    assert Machine.built == 2


def test_what_is_not_certified_is_not_read():
    replayed = ReplayedRecords(Source(small_day()), Machine, 5)
    for first, last in ((1, 6), (0, 1), (3, 2)):
        with pytest.raises(RangeNotCertified):
            replayed.read(first, last)
    with pytest.raises(RangeNotCertified):
        replayed.time_ns(6)
    assert replayed.certified_seq() == 5
