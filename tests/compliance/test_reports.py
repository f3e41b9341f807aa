"""docs/spec/reports.md: the order-book records, their codes, their numbers, their bytes."""

import asyncio
import io
import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from compliance.canonical import canonical, parse
from compliance.errors import (
    PackMalformed,
    RangeNotCertified,
    RecordsInconsistent,
    ReportDiffers,
    ReportRejected,
)
from compliance.ports import CertifiedChunk
from compliance.reports import orderbook_records as builder
from compliance.reports.book_state import pseudonym
from compliance.reports.orderbook_records import Span, order_book_records
from compliance.reports.pack import DEVNET_REPORT_PACK, devnet_report_pack, load_report_pack
from compliance.reports.report import (
    Building,
    ReportDesk,
    ReportKind,
    rebuild,
    report_command,
    span_of_day,
    write_report,
)
from compliance.reports.text import date_text, decimal_text, time_text
from ledger.records.build import read_digest
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    OrderType,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
)
from ledger.records.layout import REPORT
from tests.compliance.venue import DAY_NS, START_NS, NaiveVenue, listed_venue

PACK = devnet_report_pack()
GOLDEN = Path(__file__).parent / "golden" / "orderbook-records-day.json"
SCHEMA = Path(builder.__file__).parent / "schemas" / "orderbook-records.schema.json"


def order(venue: NaiveVenue, account: int, side: Side, qty: int, price: int = 0, **more):
    fields = {"instrument": 0, "price_ticks": price, "qty_lots": qty} | more
    return venue.ask(CommandKind.NEW_ORDER, account=account, side=side, **fields)


def small_day() -> NaiveVenue:
    """Every kind of event once, in a story that can be followed by eye."""
    venue = listed_venue()
    maker = order(venue, 16, Side.SELL, 2_000, 23_610)
    order(venue, 17, Side.BUY, 500, 23_700)
    venue.ask(CommandKind.AMEND_ORDER, account=16, target_id=maker.seq, qty_lots=1_500)
    order(venue, 17, Side.BUY, 2_000, 23_610, time_in_force=TimeInForce.IOC)
    bid = order(venue, 18, Side.BUY, 100, 23_000, flags=CommandFlag.POST_ONLY)
    order(venue, 16, Side.SELL, 200, 23_000, time_in_force=TimeInForce.FOK)
    venue.ask(CommandKind.CANCEL_ORDER, account=18, target_id=bid.seq)
    venue.ask(CommandKind.CANCEL_ORDER, account=18, target_id=bid.seq)
    order(venue, 18, Side.SELL, 1_000, 24_000)
    order(venue, 18, Side.BUY, 10, 25_000, self_trade=SelfTrade.EXPIRE_MAKER)
    order(venue, 18, Side.SELL, 10, 23_999, self_trade=SelfTrade.EXPIRE_TAKER)
    order(venue, 16, Side.SELL, 7, 25_000)
    order(
        venue, 17, Side.SELL, 0, order_type=OrderType.MARKET,
        flags=CommandFlag.BY_QUOTE, quote_minor=100_000,
    )  # fmt: skip
    order(venue, 17, Side.BUY, 1, order_type=OrderType.MARKET, time_in_force=TimeInForce.IOC)
    order(venue, 17, Side.BUY, 1, 1, instrument=9)
    order(venue, 99, Side.BUY, 1, 1)
    return venue


def build(venue, span: Span | None = None, pack=PACK) -> bytes:
    span = span or Span(1, venue.certified_seq())
    return b"".join(piece.data for piece in order_book_records(venue, pack, span))


def entries(data: bytes) -> list[dict]:
    return json.loads(data)["OrdrBookRpt"]["OrdrRpt"][0]["New"]["Ordr"]


def codes(data: bytes) -> list[tuple[str, str]]:
    return [
        (entry["OrdrIdData"]["OrdrId"], entry["OrdrIdData"]["EvtTp"]["Cd"])
        for entry in entries(data)
    ]


# --- text -------------------------------------------------------------------------------------


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 18))
def test_decimals_are_exact_and_have_one_spelling(value, decimals):
    text = decimal_text(value, decimals)
    assert Decimal(text) == Decimal(value).scaleb(-decimals)
    assert "E" not in text
    assert "." not in text or not text.endswith(("0", "."))


@given(st.integers(0, 2**62))
def test_times_are_utc_to_the_microsecond_rounded_down(time_ns):
    text = time_text(time_ns)
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    microseconds = (since.days * 86_400 + since.seconds) * 10**6 + since.microseconds
    assert microseconds == time_ns // 1000
    assert date_text(time_ns) == text[:10]


def test_a_pseudonym_fits_the_field_and_separates_clients():
    names = {pseudonym(bytes([n]) * 32) for n in range(256)}
    assert len(names) == 256
    assert all(len(name) == 34 and name.isalnum() and name.startswith("XX") for name in names)


# --- the story --------------------------------------------------------------------------------


def test_the_day_is_told_event_by_event():
    assert codes(build(small_day())) == [
        ("7", "NEWO"),
        ("8", "NEWO"), ("8", "FILL"), ("7", "PARF"),
        ("7", "REME"),
        ("10", "NEWO"), ("10", "PARF"), ("7", "FILL"), ("10", "EXPI"),
        ("11", "NEWO"),
        ("12", "REMO"),
        ("11", "CAME"),
        ("15", "NEWO"),
        ("16", "NEWO"), ("15", "CAMO"),
        ("17", "NEWO"), ("17", "CAMO"),
        ("18", "NEWO"), ("18", "FILL"), ("16", "PARF"),
        ("19", "NEWO"), ("19", "FILL"), ("16", "FILL"),
        ("20", "REMO"),
    ]  # fmt: skip


def test_quantities_and_prices_follow_the_trades():
    filled = next(e for e in entries(build(small_day())) if "TxData" in e["OrdrData"])
    assert filled["OrdrData"]["TxData"] == {
        "PssvOrAggrssvInd": "AGRE",
        "TraddQty": {"Unit": "0.5"},
        "TxId": "0T1",
        "TxPric": {"Pric": {"MntryVal": {"Amt": {"Ccy": "USD", "Value": "236.1"}}}},
    }
    assert filled["OrdrData"]["InstrData"]["InitlQty"] == {"Unit": "0.5"}
    assert filled["OrdrData"]["InstrData"]["RmngQty"] == {"Unit": "0"}
    assert filled["OrdrData"]["OrdrPrics"]["LmtPric"]["MntryVal"]["Amt"]["Value"] == "237"


def test_the_report_is_the_golden_one():
    """PROVENUE_REWRITE_GOLDEN=1 writes it anew; read the difference before you keep it."""
    data = build(small_day())
    if os.environ.get("PROVENUE_REWRITE_GOLDEN") == "1":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_bytes(data)
    assert data == GOLDEN.read_bytes()


def test_the_report_is_valid_against_its_schema():
    schema = json.loads(SCHEMA.read_bytes())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(build(small_day())))


def test_the_schema_refuses_what_the_report_never_says():
    validator = Draft202012Validator(json.loads(SCHEMA.read_bytes()))
    for text, change in ((b'"NEWO"', b'"NEW"'), (b'"0.5"', b"0.5"), (b'"PVSC"', b'"NIDN"')):
        assert not validator.is_valid(json.loads(build(small_day()).replace(text, change)))


def test_each_record_is_canonical_json_on_a_line_of_its_own():
    data = build(small_day())
    lines = data.split(b"\n")
    assert lines[-1] == b""
    for line in lines[1:-2]:
        assert canonical(parse(line.removesuffix(b","))) == line.removesuffix(b",")
    joined = data.replace(b"\n", b"")
    assert canonical(parse(joined)) == joined


def test_header_and_envelope_say_what_was_reported():
    venue = small_day()
    report = json.loads(build(venue, Span(7, 20)))["OrdrBookRpt"]
    assert report["RptHdr"]["NbRcrds"] == len(entries(build(venue, Span(7, 20))))
    assert report["RptHdr"]["RptgPrd"]["FrToDtTm"] == {
        "FrDtTm": time_text(START_NS + 7 * 1_234_567),
        "ToDtTm": time_text(START_NS + 20 * 1_234_567),
    }
    assert report["SplmtryData"][0]["Envlp"] == {
        "FrSeq": 7,
        "Gnrtr": "provenue-orderbook-records/1",
        "LEI": PACK.body.lei,
        "PackHash": PACK.hash.hex(),
        "ToSeq": 20,
        "Unattrbtd": 0,
    }


def test_orders_that_name_no_book_or_client_are_counted():
    report = json.loads(build(small_day()))["OrdrBookRpt"]
    assert report["SplmtryData"][0]["Envlp"]["Unattrbtd"] == 2


def test_a_span_without_orders_is_a_report_without_records():
    venue = listed_venue()
    data = build(venue)
    assert entries(data) == []
    assert data.startswith(builder.HEAD + b"\n],")
    Draft202012Validator(json.loads(SCHEMA.read_bytes())).validate(json.loads(data))


# --- invariants over random streams -----------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["order"] * 6 + ["cancel", "amend"]),
        st.sampled_from([16, 17, 18]),
        st.sampled_from(list(Side)),
        st.integers(1, 40),
        st.integers(95, 105),
        st.sampled_from(list(TimeInForce)),
        st.sampled_from(list(SelfTrade)),
        st.sampled_from(["limit", "maker", "market", "quote"]),
    ),
    max_size=40,
)


def play(steps) -> NaiveVenue:
    venue = listed_venue()
    for action, account, side, qty, price, tif, self_trade, kind in steps:
        if action == "order":
            more = {"self_trade": self_trade, "time_in_force": tif}
            if kind == "maker":
                more |= {"flags": CommandFlag.POST_ONLY, "time_in_force": TimeInForce.GTC}
            if kind in {"market", "quote"}:
                more |= {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.IOC}
            if kind == "quote":
                more |= {"flags": CommandFlag.BY_QUOTE, "quote_minor": qty * price + 7}
            order(venue, account, side, 0 if kind == "quote" else qty, price, **more)
            continue
        for resting in venue.books[0].orders[:1]:
            fields = {"account": resting.account, "target_id": resting.order_id}
            if action == "cancel":
                venue.ask(CommandKind.CANCEL_ORDER, **fields)
            else:
                venue.ask(CommandKind.AMEND_ORDER, qty_lots=resting.size_lots - 1, **fields)
    return venue


@settings(max_examples=60)
@given(STEPS)
def test_every_order_ends_with_what_its_events_leave(steps):
    """The model: initial size, minus trades and amends, is what the book still holds."""
    venue = play(steps)
    rest: dict[str, Decimal] = {}
    numbers = []
    for entry in entries(build(venue)):
        ident, data = entry["OrdrIdData"], entry["OrdrData"]
        numbers.append(ident["SeqNb"])
        code, now = ident["EvtTp"]["Cd"], data["InstrData"]["RmngQty"]
        if "MntryVal" in now:
            assert code in {"NEWO", "PARF", "FILL", "EXPI", "REMO"}
            continue
        left, key = Decimal(now["Unit"]), ident["OrdrId"]
        traded = Decimal(data.get("TxData", {}).get("TraddQty", {}).get("Unit", 0))
        if code in {"NEWO", "REMO"}:
            assert key not in rest
            rest[key] = left
        elif code in {"PARF", "FILL"}:
            assert left == rest[key] - traded
            assert (code == "FILL") == (left == 0)
        elif code == "REME":
            assert 0 < left < rest[key]
        else:
            assert left == 0
        rest[key] = left
        assert data["InstrData"]["OrdrVldtySts"] == ("ACTI" if left else "INAC")
    assert numbers == sorted(set(numbers)), "sequence numbers grow"
    book = {str(o.order_id): Decimal(o.rest_lots) / 1000 for o in venue.books[0].orders}
    assert {key: left for key, left in rest.items() if left} == book


@settings(max_examples=40)
@given(STEPS, st.integers(1, 5))
def test_the_bytes_do_not_depend_on_the_size_of_chunks(steps, chunk):
    venue = play(steps)
    whole = build(venue)
    standing, builder.CHUNK_COMMANDS = builder.CHUNK_COMMANDS, chunk
    try:
        assert build(venue) == whole
    finally:
        builder.CHUNK_COMMANDS = standing


@settings(max_examples=40)
@given(STEPS, st.data())
def test_two_spans_together_tell_what_one_tells(steps, data):
    venue = play(steps)
    cut = data.draw(st.integers(1, venue.certified_seq() - 1))
    whole = entries(build(venue))
    first = entries(build(venue, Span(1, cut)))
    second = entries(build(venue, Span(cut + 1, venue.certified_seq())))
    assert first + second == whole


@settings(max_examples=30)
@given(STEPS)
def test_sequence_numbers_lead_to_the_logs_leaves(steps):
    """number // 4 is the leaf: commands and events in order, each command before its events."""
    venue = play(steps)
    leaves: list[tuple[int, str]] = []
    for outcome in venue.outcomes:
        seq = outcome["seq"]
        leaves.append((seq, "command"))
        leaves += [(seq, str(e["trade_id"]) if "trade_id" in e else "expired")
                   for e in venue.events if e["seq"] == seq]  # fmt: skip
    for entry in entries(build(venue)):
        ident = entry["OrdrIdData"]
        leaf, place = divmod(ident["SeqNb"], 4)
        seq, what = leaves[leaf]
        transaction = entry["OrdrData"].get("TxData")
        assert time_text(START_NS + seq * 1_234_567) == ident["TmStmp"]
        if transaction is not None:
            assert what == transaction["TxId"].removeprefix("0T")
            assert place == (transaction["PssvOrAggrssvInd"] == "PASV")
        elif ident["EvtTp"]["Cd"] in {"NEWO", "REMO", "CAME", "REME"}:
            assert what == "command"


# --- hostile records --------------------------------------------------------------------------


class Tampered:
    """Certified records with one array replaced."""

    def __init__(self, venue: NaiveVenue, change) -> None:
        self.venue, self.change = venue, change

    def certified_seq(self) -> int:
        return self.venue.certified_seq()

    def read(self, first_seq: int, last_seq: int) -> CertifiedChunk:
        chunk = self.venue.read(first_seq, last_seq)
        chunk = replace(chunk, commands=chunk.commands.copy())
        return self.change(chunk) or chunk


def _event(index: int, **fields: int):
    def change(chunk: CertifiedChunk) -> None:
        for name, value in fields.items():
            chunk.events[name][index] = value

    return change


def _outcome(index: int, **fields: int):
    def change(chunk: CertifiedChunk) -> None:
        for name, value in fields.items():
            chunk.outcomes[name][index] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_outcome(3, seq=9), "outcomes are not the commands' own"),
        (_outcome(6, kind=2), "an outcome of another kind than its command"),
        (_outcome(7, events=0), "events are not the commands' own"),
        (_event(0, seq=7), "events are not the commands' own"),
        (_event(0, counter_order_id=99), "order 99 is not in the book"),
        (_event(0, qty_lots=1), "trade 1 leaves a wrong rest"),
        (_event(0, counter_remaining_lots=1), "trade 1 leaves a wrong rest"),
        (_outcome(7, status=1), "an order's status does not follow from trades"),
        (_outcome(6, status=3), "a filled order that has no last trade"),
        (_outcome(9, status=2), "an order's status does not follow from trades"),
        (_outcome(14, remaining_lots=1), "an order's status does not follow from trades"),
        (_event(0, counter_order_id=8), "trade 1 leaves a wrong rest"),
        (_event(0, qty_lots=0), "trade 1 leaves a wrong rest"),
        (_event(0, counter_remaining_lots=-1, qty_lots=2_001), "trade 1 leaves a wrong rest"),
        (_outcome(8, remaining_lots=1_500), "an amend that does not shrink its order"),
        (_outcome(11, reject=0), "an order's status does not follow from trades"),
        (_outcome(13, reject=0), "order 11 is not in the book"),
        (_outcome(20, reject=0), "an accepted order that cannot be read"),
        (lambda c: replace(c, first_seq=2), "the records that were asked for did not come"),
        (lambda c: replace(c, commands=c.commands[:-1]),
         "the records that were asked for did not come"),
        (lambda c: replace(c, outcomes=c.outcomes[:-1]), "outcomes are not the commands' own"),
        (lambda c: replace(c, events=c.events[:-1]), "events are not the commands' own"),
    ],
)  # fmt: skip
def test_records_that_contradict_themselves_are_named(change, reason):
    with pytest.raises(RecordsInconsistent) as caught:
        build(Tampered(small_day(), change))
    assert caught.value.reason == reason


@pytest.mark.parametrize("symbol", [b'A"B', b"A\\B", b"", b"A B", b"\xc3\xa9"])
def test_a_symbol_cannot_smuggle_json(symbol):
    venue = NaiveVenue()
    venue.ask(CommandKind.LIST_ASSET, asset=0, symbol=symbol, ledger_decimals=8)
    with pytest.raises(RecordsInconsistent, match="not letters and digits"):
        build(venue)


def test_an_instrument_of_unlisted_assets_is_named():
    venue = NaiveVenue()
    venue.ask(CommandKind.LIST_INSTRUMENT, instrument=0, symbol=b"AB", base=0, quote=1)
    with pytest.raises(RecordsInconsistent, match="not listed"):
        build(venue)


@pytest.mark.parametrize("span", [Span(0, 1), Span(2, 1), Span(1, 23), Span(23, 23)])
def test_a_span_outside_the_certified_log_is_refused(span):
    with pytest.raises(RangeNotCertified) as caught:
        build(small_day(), span)
    assert caught.value.certified_seq == 22


def test_a_rejected_order_of_any_size_is_still_told():
    venue = listed_venue()
    order(venue, 16, Side.BUY, -(2**63), 2**63 - 1)
    data = build(venue)
    assert codes(data) == [("7", "REMO")]
    Draft202012Validator(json.loads(SCHEMA.read_bytes())).validate(json.loads(data))


# --- packs ------------------------------------------------------------------------------------


def test_a_dti_and_a_crypto_quote_are_named_by_the_pack():
    document = parse((Path(builder.__file__).parent.parent / "packs" / DEVNET_REPORT_PACK)
                     .read_bytes())  # fmt: skip
    document |= {"dti": {"BTC": "4H95J0R2X"}, "currencies": []}
    data = build(small_day(), pack=load_report_pack(canonical(document)))
    first = entries(data)[0]
    assert first["OrdrIdData"]["FinInstrm"] == {"DTI": "4H95J0R2X"}
    amount = first["OrdrData"]["OrdrPrics"]["LmtPric"]["MntryVal"]["Amt"]
    assert amount == {"DTIShrtNm": "USD", "Value": "236.1"}
    Draft202012Validator(json.loads(SCHEMA.read_bytes())).validate(json.loads(data))
    document |= {"dti": {"USD": "4H95J0R2X"}}
    data = build(small_day(), pack=load_report_pack(canonical(document)))
    amount = entries(data)[0]["OrdrData"]["OrdrPrics"]["LmtPric"]["MntryVal"]["Amt"]
    assert amount == {"DTI": "4H95J0R2X", "Value": "236.1"}


@pytest.mark.parametrize(
    "change",
    [{"lei": "X" * 20}, {"mic": "xpvn"}, {"mic": "XPVN1"}, {"mic": 'X"VN'}, {"format": 2},
     {"trading_capacity": "BOTH"}, {"extra": 1}, {"dti": {"BTC": 'x","y'}},
     {"currencies": ['U"D']}],
)  # fmt: skip
def test_a_report_pack_of_another_shape_is_refused(change):
    document = parse((Path(builder.__file__).parent.parent / "packs" / DEVNET_REPORT_PACK)
                     .read_bytes())  # fmt: skip
    with pytest.raises(PackMalformed):
        load_report_pack(canonical(document | change))
    with pytest.raises(PackMalformed):
        load_report_pack(b"")


# --- a report's life --------------------------------------------------------------------------


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
    broken = Tampered(small_day(), _event(0, qty_lots=1))
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
    venue.time_ns = START_NS + DAY_NS - 1_234_567
    order(venue, 16, Side.BUY, 1, 1)
    order(venue, 16, Side.BUY, 1, 1)
    assert span_of_day(venue, date(2015, 5, 1)) == Span(1, 7)
    assert span_of_day(venue, date(2015, 5, 2)) == Span(8, 9)
    assert span_of_day(venue, date(2015, 4, 30)) is None
    assert span_of_day(venue, date(2015, 5, 3)) is None
    assert span_of_day(NaiveVenue(), date(2015, 5, 1)) is None
