"""docs/spec/reports.md: the order-book records, their codes, their numbers, their bytes."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from compliance.canonical import canonical, parse
from compliance.errors import PackMalformed, RangeNotCertified, RecordsInconsistent
from compliance.reports import orderbook_records as builder
from compliance.reports.book_state import pseudonym
from compliance.reports.orderbook_records import Span
from compliance.reports.pack import DEVNET_REPORT_PACK, load_report_pack
from compliance.reports.text import date_text, decimal_text, time_text
from ledger.records.codes import CommandKind, Side
from tests.compliance.story import (
    PACK,
    STEPS,
    Tampered,
    build,
    codes,
    entries,
    event_change,
    order,
    outcome_change,
    play,
    small_day,
)
from tests.compliance.venue import START_NS, NaiveVenue, listed_venue

GOLDEN = Path(__file__).parent / "golden" / "orderbook-records-day.json"
SCHEMA = Path(builder.__file__).parent / "schemas" / "orderbook-records.schema.json"


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


def test_the_day_is_told_event_byevent_change():
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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (outcome_change(3, seq=9), "outcomes are not the commands' own"),
        (outcome_change(6, kind=2), "an outcome of another kind than its command"),
        (outcome_change(7, events=0), "events are not the commands' own"),
        (event_change(0, seq=7), "events are not the commands' own"),
        (event_change(0, counter_order_id=99), "order 99 is not in the book"),
        (event_change(0, qty_lots=1), "trade 1 leaves a wrong rest"),
        (event_change(0, counter_remaining_lots=1), "trade 1 leaves a wrong rest"),
        (outcome_change(7, status=1), "an order's status does not follow from trades"),
        (outcome_change(6, status=3), "a filled order that has no last trade"),
        (outcome_change(9, status=2), "an order's status does not follow from trades"),
        (outcome_change(14, remaining_lots=1), "an order's status does not follow from trades"),
        (event_change(0, counter_order_id=8), "trade 1 leaves a wrong rest"),
        (event_change(0, qty_lots=0), "trade 1 leaves a wrong rest"),
        (event_change(0, counter_remaining_lots=-1, qty_lots=2_001), "trade 1 leaves a wrong rest"),
        (outcome_change(8, remaining_lots=1_500), "an amend that does not shrink its order"),
        (outcome_change(11, reject=0), "an order's status does not follow from trades"),
        (outcome_change(13, reject=0), "order 11 is not in the book"),
        (outcome_change(20, reject=0), "an accepted order that cannot be read"),
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
