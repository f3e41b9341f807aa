"""Accounts, assets, instruments: next in turn, within their terms, as listed."""

import pytest

from ledger.engine import Engine
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.limits import Capacity
from ledger.records.build import command, digest_fields
from ledger.records.codes import Check, CommandKind, Reject, Verdict
from matching.units import AMOUNT_MINOR_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.engine.streams import PLAIN, as_commands, list_asset
from tests.engine.venue import ALICE, BASE, BUY, FUNDS, QUOTE, Venue, open_venue

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
        ({"product": 3}, Reject.MALFORMED),
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
        ({"product": 1, "notional_den": 2**31}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"product": 1, "max_qty_lots": 2**50, "lot_minor": 1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"product": 2, "notional_den": 2}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"product": 2, "notional_num": 2**45}, Reject.AMOUNT_OUT_OF_RANGE),
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


CHANGED_NEVER = {
    "ledger_decimals": 5, "token_decimals": 7, "required_checks": Check.TRAVEL_RULE,
    "symbol": b"OTHER", "token_0": 1, "token_1": 1, "token_2": 1,
}  # fmt: skip
TERMS = {"supply_max_minor": AMOUNT_MINOR_MAX, "required_checks": Check.SCREENING}


@pytest.mark.parametrize("name", CHANGED_NEVER)
def test_only_limits_of_a_listed_asset_change(venue, name):
    fields = TERMS | {name: CHANGED_NEVER[name]}
    assert venue.batch(list_asset(QUOTE, **fields))[0].reject == Reject.OUT_OF_TURN
    assert venue.batch(list_asset(QUOTE, **TERMS))[0].reject == Reject.NONE


def test_an_asset_s_limits_change_while_it_is_used(venue):
    held = venue.withdraw(ALICE, QUOTE, 100)
    limits = {"withdrawal_min_minor": 50, "withdrawal_fee_minor": 7, "supply_max_minor": FUNDS}
    done = venue.batch(list_asset(QUOTE, **TERMS | limits))[0]
    assert (done.reject, done.subject_id, venue.engine.asset_count) == (Reject.NONE, QUOTE, 2)
    asset = venue.engine.asset(QUOTE)
    assert [getattr(asset, name) for name in limits] == list(limits.values())
    assert venue.withdraw(ALICE, QUOTE, 49).reject == Reject.AMOUNT_OUT_OF_RANGE
    assert venue.withdraw(ALICE, QUOTE, 50).amount_minor == 57
    assert venue.balance(ALICE, QUOTE)[1] == 157
    assert venue.decide(held.seq, Check.SCREENING, Verdict.DENY).amount_minor == 100
    assert venue.deposit(ALICE, QUOTE, 1).reject == Reject.SUPPLY_EXCEEDED
    small = list_asset(QUOTE, **TERMS | {"supply_max_minor": 1})
    assert venue.batch(small)[0].reject == Reject.NONE, "what is there already stays"
    restored = Engine.restore(venue.engine.snapshot())
    assert restored.state_root() == venue.engine.state_root()
    assert venue.batch(list_asset(QUOTE, **TERMS))[0].reject == Reject.NONE
    assert venue.deposit(ALICE, QUOTE, 1).reject == Reject.NONE
    zero = list_asset(QUOTE, **TERMS | {"supply_max_minor": 0})
    assert venue.batch(zero)[0].reject == Reject.AMOUNT_OUT_OF_RANGE


SAME = {
    "product": 1, "price_decimals": 1, "qty_decimals": 1, "lot_minor": 999, "notional_num": 2,
    "notional_den": 2, "max_price_ticks": 10**5, "maker_fee_ppm": 201, "taker_fee_ppm": 501,
    "symbol": b"OTHER", "call_until_ns": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_only_limits_of_a_listed_instrument_change(venue, name):
    terms = PLAIN | {"instrument": 1, "base": BASE, "quote": QUOTE}
    assert venue.do(K.LIST_INSTRUMENT, **terms).reject == Reject.NONE
    changed = venue.do(K.LIST_INSTRUMENT, **terms | {name: SAME[name]})
    assert changed.reject == Reject.OUT_OF_TURN
    swapped = venue.do(K.LIST_INSTRUMENT, **terms | {"base": QUOTE, "quote": BASE})
    assert swapped.reject == Reject.OUT_OF_TURN
    assert venue.do(K.LIST_INSTRUMENT, **terms).reject == Reject.NONE


def test_an_instrument_s_limits_change_under_its_orders(venue):
    terms = PLAIN | {"instrument": 1, "base": BASE, "quote": QUOTE}
    venue.do(K.LIST_INSTRUMENT, **terms)
    resting = venue.place(ALICE, BUY, 100, 50, instrument=1)
    limits = {"max_qty_lots": 20, "min_notional_minor": 500}
    done = venue.do(K.LIST_INSTRUMENT, **terms | limits)
    assert (done.reject, done.subject_id, venue.engine.instrument_count) == (Reject.NONE, 1, 2)
    assert venue.engine.instrument(1).max_qty_lots == 20
    assert venue.place(ALICE, BUY, 100, 21, instrument=1).reject == Reject.QTY_OUT_OF_RANGE
    assert venue.place(ALICE, BUY, 100, 4, instrument=1).reject == Reject.NOTIONAL_TOO_SMALL
    assert venue.place(ALICE, BUY, 100, 5, instrument=1).reject == Reject.NONE
    restored = Engine.restore(venue.engine.snapshot())
    assert restored.state_root() == venue.engine.state_root()
    assert venue.engine.order(resting.seq).remaining_lots == 50
    assert venue.cancel(ALICE, resting.seq, instrument=1).remaining_lots == 50
    venue.do(K.SET_FEES, instrument=1, maker_fee_ppm=1, taker_fee_ppm=2)
    assert venue.do(K.LIST_INSTRUMENT, **terms).reject == Reject.OUT_OF_TURN, "the fees moved"
    fees = {"maker_fee_ppm": 1, "taker_fee_ppm": 2}
    assert venue.do(K.LIST_INSTRUMENT, **terms | fees).reject == Reject.NONE
    assert venue.place(ALICE, BUY, 100, 21, instrument=1).reject == Reject.NONE


def test_limits_change_when_the_tables_are_full():
    venue = open_venue(accounts=1, capacity=Capacity(assets=2, instruments=1))
    assert venue.batch(list_asset(2))[0].reject == Reject.TABLE_FULL
    assert venue.batch(list_asset(QUOTE, **TERMS))[0].reject == Reject.NONE
    terms = PLAIN | {"maker_fee_ppm": 0, "taker_fee_ppm": 0, "max_qty_lots": 7}
    assert venue.do(K.LIST_INSTRUMENT, **terms | {"instrument": 1}).reject == Reject.TABLE_FULL
    assert venue.do(K.LIST_INSTRUMENT, **terms).reject == Reject.NONE
    assert venue.engine.instrument(0).max_qty_lots == 7


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
