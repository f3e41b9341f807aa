"""The fast report equals the plain one, byte for byte: told days, random days, a real day."""

import csv
import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from compliance.canonical import canonical, parse
from compliance.reports import orderbook_records as builder
from compliance.reports.orderbook_records import Span
from compliance.reports.pack import load_report_pack
from ledger.records.codes import CommandKind, Side
from tests.compliance.report_model import model_report
from tests.compliance.story import PACK, STEPS, build, codes, order, play, small_day
from tests.compliance.venue import NaiveVenue, listed_venue

SCHEMA = Path(builder.__file__).parent / "schemas" / "orderbook-records.schema.json"


def crypto_pack(**change):
    document = {
        "format": 1,
        "name": "test",
        "version": "1",
        "effective_from": "2026-11-20",
        "notice": "",
        "mic": "XTST",
        "lei": PACK.body.lei,
        "trading_capacity": "AOTC",
        "currencies": [],
        "dti": {},
        "cite": {"law": "l", "source": "s", "confidence": "low"},
    }
    return load_report_pack(canonical(document | change))


def test_the_told_day_equals_the_model():
    venue = small_day()
    last = venue.certified_seq()
    assert build(venue) == model_report(venue, PACK, 1, last)


@pytest.mark.parametrize("first", range(1, 23))
def test_every_span_of_the_told_day_equals_the_model(first):
    venue = small_day()
    for last in range(first, venue.certified_seq() + 1):
        assert build(venue, Span(first, last)) == model_report(venue, PACK, first, last)


@settings(max_examples=60)
@given(STEPS, st.data())
def test_random_days_equal_the_model(steps, data):
    venue = play(steps)
    last = venue.certified_seq()
    first = data.draw(st.integers(1, last))
    assert build(venue, Span(first, last)) == model_report(venue, PACK, first, last)


@settings(max_examples=20)
@given(STEPS, st.sampled_from([{}, {"dti": {"BTC": "4H95J0R2X", "USD": "ABCDEFGH1"}}]))
def test_random_days_under_other_packs_equal_the_model(steps, change):
    pack, venue = crypto_pack(**change), play(steps)
    last = venue.certified_seq()
    assert build(venue, pack=pack) == model_report(venue, pack, 1, last)


@given(
    st.integers(0, 8), st.integers(0, 8), st.integers(1, 10**6), st.integers(1, 2**31 - 1),
    st.integers(1, 2**40),
)  # fmt: skip
def test_any_scale_of_an_instrument_is_spelled_as_the_model_spells_it(
    base_decimals, price_decimals, lot_minor, price_ticks, qty_lots
):
    venue = NaiveVenue()
    for asset, symbol in ((0, b"AAA"), (1, b"BBB")):
        venue.ask(CommandKind.LIST_ASSET, asset=asset, symbol=symbol, ledger_decimals=base_decimals)
    venue.ask(
        CommandKind.LIST_INSTRUMENT,
        instrument=3,
        symbol=b"AAABBB",
        base=0,
        quote=1,
        price_decimals=price_decimals,
        lot_minor=lot_minor,
    )
    venue.ask(CommandKind.OPEN_ACCOUNT, account=16, subject_0=-1)
    fields = {"instrument": 3, "display_lots": qty_lots // 3}
    order(venue, 16, Side.SELL, qty_lots, price_ticks, **fields)
    assert build(venue) == model_report(venue, PACK, 1, venue.certified_seq())


def test_two_books_keep_their_trades_apart():
    venue = listed_venue()
    venue.ask(
        CommandKind.LIST_INSTRUMENT, instrument=1, symbol=b"USDBTC", base=1, quote=0,
        price_decimals=4, lot_minor=1_000_000,
    )  # fmt: skip
    for instrument in (0, 1):
        order(venue, 16, Side.SELL, 5, 100, instrument=instrument)
        order(venue, 17, Side.BUY, 5, 100, instrument=instrument)
    data = build(venue)
    assert data == model_report(venue, PACK, 1, venue.certified_seq())
    assert b'"TxId":"0T1"' in data
    assert b'"TxId":"1T1"' in data


# --- a real day -------------------------------------------------------------------------------

ROWS = 4_000
"""Of 50,414: the plain venue sorts its book for each order."""


def replay_rows(path: Path) -> tuple[NaiveVenue, dict[str, int]]:
    """Created, changed and deleted become add, amend and cancel; what cannot be is counted."""
    venue, ids = listed_venue(), {}
    skipped = {"unknown": 0, "grown": 0}
    with gzip.open(path, "rt", newline="") as file:
        for _, row in zip(range(ROWS), csv.DictReader(file), strict=False):
            lots = int(row["volume"]) // 100_000
            if row["action"] == "created":
                side = Side.BUY if row["direction"] == "bid" else Side.SELL
                ticks = int(Decimal(row["price"]).scaleb(2))
                ack = order(venue, 16 + int(row["id"]) % 3, side, lots, ticks)
                ids[row["id"]] = ack.seq
                continue
            resting = {o.order_id: o for o in venue.books[0].orders}.get(ids.get(row["id"], 0))
            if resting is None:
                skipped["unknown"] += 1
                continue
            fields = {"account": resting.account, "target_id": resting.order_id}
            if row["action"] == "deleted":
                venue.ask(CommandKind.CANCEL_ORDER, **fields)
            elif 0 < lots < resting.rest_lots:
                filled = resting.size_lots - resting.rest_lots
                venue.ask(CommandKind.AMEND_ORDER, qty_lots=filled + lots, **fields)
            else:
                skipped["grown"] += 1
    return venue, skipped


def test_a_real_mornings_orders_are_reported_whole_and_valid(shared_data):
    path = shared_data / "market" / "bitstamp_btcusd_2015-05-01_orders.csv.gz"
    venue, skipped = replay_rows(path)
    data = build(venue)
    told = codes(data)
    assert len(told) > ROWS - sum(skipped.values())
    assert {code for _, code in told} >= {"NEWO", "CAME", "REME", "PARF", "FILL"}
    validator = Draft202012Validator(json.loads(SCHEMA.read_bytes()))
    document = json.loads(data)
    sample = document["OrdrBookRpt"]["OrdrRpt"][0]["New"]["Ordr"]
    document["OrdrBookRpt"]["OrdrRpt"][0]["New"]["Ordr"] = sample[::50]
    validator.validate(document)
    for line in data.split(b"\n")[1:-2:50]:
        record = line.removesuffix(b",")
        assert canonical(parse(record)) == record
