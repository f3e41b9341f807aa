"""Accounts, assets, instruments: next in turn, within their terms, as listed."""

import pytest

from ledger.engine import Engine
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records.build import command, digest_fields
from ledger.records.codes import Check, CommandKind, Reject
from matching.units import AMOUNT_MINOR_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.engine.streams import PLAIN, as_commands, list_asset
from tests.engine.venue import ALICE, BASE, QUOTE, Venue, open_venue

K = CommandKind


@pytest.fixture
def venue():
    return open_venue(accounts=1)


def test_a_fresh_engine_has_only_the_venues_own_accounts():
    engine = Engine()
    assert (engine.seq, engine.time_ns, engine.account_count) == (0, 0, CUSTOMER_FIRST)
    assert (engine.asset_count, engine.instrument_count, engine.deposit_index) == (0, 0, 0)
    assert (engine.report_count, engine.anchor_index, engine.anchored_block) == (0, 0, 0)
    assert engine.asset(0) is None
    assert engine.instrument(0) is None
    assert engine.order(1) is None
    assert engine.balance(ALICE, BASE).available_minor == 0
    assert [len(side) for side in engine.depth(0, 5)] == [0, 0]


def test_accounts_open_one_after_the_other(venue):
    for account in (0, 4, 15, 16, 18, 2**32 - 1):
        assert venue.do(K.OPEN_ACCOUNT, account=account).reject == Reject.OUT_OF_TURN
    done = venue.do(
        K.OPEN_ACCOUNT, account=17, tier=3, **digest_fields("subject", bytes(range(32)))
    )
    assert (done.reject, done.subject_id, venue.engine.account_count) == (Reject.NONE, 17, 18)


@pytest.mark.parametrize("master", [1, 15, 17, 99])
def test_a_sub_account_needs_a_master_that_exists(venue, master):
    assert venue.do(K.OPEN_ACCOUNT, account=17, master=master).reject == Reject.UNKNOWN_ACCOUNT
    assert venue.do(K.OPEN_ACCOUNT, account=17, master=ALICE).reject == Reject.NONE


def test_an_account_with_flags_is_malformed(venue):
    assert venue.do(K.OPEN_ACCOUNT, account=17, flags=1).reject == Reject.MALFORMED


@pytest.mark.parametrize(
    ("fields", "reject"),
    [
        ({"ledger_decimals": 7}, Reject.MALFORMED),
        ({"token_decimals": 25}, Reject.MALFORMED),
        ({"token_decimals": 37, "ledger_decimals": 30}, Reject.MALFORMED),
        ({"required_checks": 4}, Reject.MALFORMED),
        ({"symbol": b""}, Reject.MALFORMED),
        ({"pad": 1}, Reject.MALFORMED),
        ({"token_pad": 1}, Reject.MALFORMED),
        ({"account": 16}, Reject.MALFORMED),
        ({"flags": 1}, Reject.MALFORMED),
        ({"supply_max_minor": 0}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"supply_max_minor": AMOUNT_MINOR_MAX + 1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"withdrawal_min_minor": -1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"withdrawal_fee_minor": 101, "supply_max_minor": 100}, Reject.AMOUNT_OUT_OF_RANGE),
    ],
)
def test_an_asset_within_its_terms_is_listed_and_others_are_not(venue, fields, reject):
    assert venue.batch(list_asset(2, **fields))[0].reject == reject
    assert venue.batch(list_asset(3))[0].reject == Reject.OUT_OF_TURN
    assert venue.batch(list_asset(2))[0].reject == Reject.NONE


@pytest.mark.parametrize(
    "fields",
    [
        {"supply_max_minor": 1},
        {"supply_max_minor": AMOUNT_MINOR_MAX},
        {"withdrawal_fee_minor": 100, "withdrawal_min_minor": 100, "supply_max_minor": 100},
        {"token_decimals": 36, "ledger_decimals": 18, "required_checks": 3},
        {"token_decimals": 0, "ledger_decimals": 0},
    ],
)
def test_an_asset_at_the_ends_of_its_terms_is_listed(venue, fields):
    assert venue.batch(list_asset(2, **fields))[0].reject == Reject.NONE


@pytest.mark.parametrize(
    "fields",
    [
        {"max_price_ticks": 1, "max_qty_lots": 1, "lot_minor": AMOUNT_MINOR_MAX},
        {"max_price_ticks": PRICE_TICKS_MAX, "max_qty_lots": QTY_LOTS_MAX, "lot_minor": 1},
        {"notional_num": 2**31 - 1, "notional_den": AMOUNT_MINOR_MAX},
        {"taker_fee_ppm": 100_000, "maker_fee_ppm": -100_000},
        {"taker_fee_ppm": 0, "maker_fee_ppm": 100_000},
        {"price_decimals": 36, "qty_decimals": 36, "min_notional_minor": AMOUNT_MINOR_MAX},
    ],
)
def test_an_instrument_at_the_ends_of_its_terms_is_listed(venue, fields):
    terms = PLAIN | {"instrument": 1, "base": QUOTE, "quote": BASE}
    assert venue.do(K.LIST_INSTRUMENT, **terms | fields).reject == Reject.NONE


def test_a_listed_asset_reads_as_it_was_listed(venue):
    token = {"token_decimals": 24, "ledger_decimals": 6, "required_checks": Check.SCREENING}
    venue.batch(list_asset(2, withdrawal_fee_minor=4, withdrawal_min_minor=9, **token))
    asset = venue.engine.asset(2)
    assert (asset.asset, asset.symbol, asset.token) == (2, b"ASSET2", bytes([3]) * 20)
    assert (asset.ledger_decimals, asset.token_decimals, asset.unit_wei) == (6, 24, 10**18)
    assert (asset.withdrawal_fee_minor, asset.withdrawal_min_minor) == (4, 9)
    assert (asset.required_checks, asset.dust_wei) == (Check.SCREENING, 0)


@pytest.mark.parametrize(
    ("fields", "reject"),
    [
        ({"base": 2}, Reject.UNKNOWN_ASSET),
        ({"quote": 2**32 - 1}, Reject.UNKNOWN_ASSET),
        ({"quote": BASE}, Reject.MALFORMED),
        ({"product": 1}, Reject.MALFORMED),
        ({"price_decimals": 37}, Reject.MALFORMED),
        ({"qty_decimals": 37}, Reject.MALFORMED),
        ({"taker_fee_ppm": 100_001}, Reject.MALFORMED),
        ({"taker_fee_ppm": -1}, Reject.MALFORMED),
        ({"maker_fee_ppm": -501}, Reject.MALFORMED),
        ({"maker_fee_ppm": 100_001}, Reject.MALFORMED),
        ({"symbol": b""}, Reject.MALFORMED),
        ({"pad": 1}, Reject.MALFORMED),
        ({"account": 16}, Reject.MALFORMED),
        ({"instrument": 2}, Reject.OUT_OF_TURN),
        ({"max_price_ticks": 0}, Reject.PRICE_OUT_OF_RANGE),
        ({"max_price_ticks": PRICE_TICKS_MAX + 1}, Reject.PRICE_OUT_OF_RANGE),
        ({"max_qty_lots": 0}, Reject.QTY_OUT_OF_RANGE),
        ({"max_qty_lots": QTY_LOTS_MAX + 1}, Reject.QTY_OUT_OF_RANGE),
        ({"lot_minor": 0}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"lot_minor": 2**62 // 10**6 + 1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"notional_num": 0}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"notional_num": 2**31}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"notional_den": 0}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"notional_den": 2**62}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"min_notional_minor": -1}, Reject.AMOUNT_OUT_OF_RANGE),
    ],
)
def test_an_instrument_within_its_terms_is_listed_and_others_are_not(venue, fields, reject):
    terms = PLAIN | {"instrument": 1, "base": BASE, "quote": QUOTE}
    assert venue.do(K.LIST_INSTRUMENT, **terms | fields).reject == reject
    assert venue.do(K.LIST_INSTRUMENT, **terms).reject == Reject.NONE


def test_a_listed_instrument_reads_as_it_was_listed(venue):
    terms = PLAIN | {"price_decimals": 2, "qty_decimals": 5, "maker_fee_ppm": -7}
    venue.do(K.LIST_INSTRUMENT, instrument=1, **terms)
    row = venue.engine.instrument(1)
    for name, listed in terms.items():
        assert getattr(row, name) == listed, name
    assert (row.instrument, row.trade_count) == (1, 0)


def test_reports_are_counted_and_chained(venue):
    before = venue.engine.state_root()
    report = {"from_seq": 1, "to_seq": venue.engine.seq, "report_kind": 2}
    done = venue.do(K.RECORD_REPORT, **report, **digest_fields("report", b"r" * 32))
    assert (done.reject, done.subject_id, venue.engine.report_count) == (Reject.NONE, 1, 1)
    assert venue.do(K.RECORD_REPORT, **report).subject_id == 2
    assert venue.engine.state_root() != before


@pytest.mark.parametrize(
    "fields",
    [{"from_seq": 0}, {"from_seq": 3, "to_seq": 2}, {"to_seq": 10**6}, {"pad": 1}, {"account": 1}],
)
def test_a_report_covers_commands_that_happened(venue, fields):
    terms = {"from_seq": 1, "to_seq": 2} | fields
    assert venue.do(K.RECORD_REPORT, **terms).reject == Reject.MALFORMED


def test_a_report_cannot_cover_its_own_command(venue):
    seq = venue.engine.seq + 1
    assert venue.do(K.RECORD_REPORT, from_seq=1, to_seq=seq).reject == Reject.MALFORMED


def test_anchors_count_up_and_their_blocks_grow(venue):
    anchor = {"anchor_index": 1, "block": 10, "chain_block": 5}
    assert venue.do(K.RECORD_ANCHOR, **anchor).reject == Reject.NONE
    assert (venue.engine.anchor_index, venue.engine.anchored_block) == (1, 10)
    for index, block in ((1, 11), (3, 11), (2, 10), (2, -1)):
        done = venue.do(K.RECORD_ANCHOR, anchor_index=index, block=block)
        assert done.reject == Reject.OUT_OF_TURN
    refused = venue.do(K.RECORD_ANCHOR, anchor_index=2, block=11, chain_block=-1)
    assert refused.reject == Reject.MALFORMED
    assert venue.do(K.RECORD_ANCHOR, anchor_index=2, block=11).subject_id == 2


def test_the_chains_differ_by_content_and_by_order(venue):
    roots = set()
    reports = [digest_fields("report", bytes([n]) * 32) for n in range(2)]
    for order in ((0, 1), (1, 0), (0, 0)):
        other = Venue()
        other.engine = Engine.restore(venue.engine.snapshot())
        for n in order:
            raw = {"from_seq": 1, "to_seq": 1} | reports[n]
            other.engine.execute(as_commands([command(K.RECORD_REPORT, **raw)]))
        roots.add(other.engine.state_root())
    assert len(roots) == 3
