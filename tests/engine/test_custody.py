"""Deposits, withdrawals, decisions and batches: every transition, and every refusal."""

import pytest

from ledger.engine import BatchStatus
from ledger.engine.layout import CUSTODY, DUST, FEES, PAYOUTS_MAX, SUSPENSE
from ledger.records.build import address_fields, command
from ledger.records.codes import (
    Check,
    CommandKind,
    EventKind,
    Reject,
    Verdict,
    WithdrawalStatus,
)
from tests.engine.streams import PAYEE
from tests.engine.venue import ALICE, BASE, BOB, FUNDS, QUOTE, open_venue

K = CommandKind
W = WithdrawalStatus


@pytest.fixture
def venue():
    return open_venue(withdrawal_fee_minor=3, withdrawal_min_minor=10)


def test_a_deposit_is_owed_to_the_customer_and_owned_by_custody(venue):
    before = venue.balance(CUSTODY, BASE)[0]
    done = venue.deposit(ALICE, BASE, 500)
    assert (done.subject_id, done.amount_minor) == (venue.engine.deposit_index, 500)
    assert venue.balance(ALICE, BASE) == (FUNDS + 500, 0)
    assert venue.balance(CUSTODY, BASE) == (before - 500, 0)


@pytest.mark.parametrize("ahead", [-1, 0, 2, 2**62, -(2**63)])
def test_a_deposit_is_credited_only_as_the_next_one(venue, ahead):
    index = max(venue.engine.deposit_index + ahead, -(2**63))
    assert venue.deposit(ALICE, BASE, 5, deposit_index=index).reject == Reject.OUT_OF_TURN


def test_a_deposit_for_nobody_can_go_to_suspense_and_to_no_other_account_of_the_venue(venue):
    assert venue.deposit(SUSPENSE, BASE, 5).reject == Reject.NONE
    assert venue.balance(SUSPENSE, BASE) == (5, 0)
    for account in (0, FEES, DUST, CUSTODY, 15, 99):
        assert venue.deposit(account, BASE, 5).reject == Reject.UNKNOWN_ACCOUNT


def test_dust_is_kept_until_it_is_a_whole_unit():
    venue = open_venue(token_decimals=8)
    assert venue.deposit(ALICE, BASE, 1, dust_wei=60).reject == Reject.NONE
    assert venue.engine.asset(BASE).dust_wei == 60
    assert venue.balance(DUST, BASE) == (0, 0)
    venue.deposit(ALICE, BASE, 0, dust_wei=60)
    assert venue.engine.asset(BASE).dust_wei == 20
    assert venue.balance(DUST, BASE) == (1, 0)
    venue.deposit(ALICE, BASE, 0, dust_wei=80)
    assert (venue.engine.asset(BASE).dust_wei, venue.balance(DUST, BASE)) == (0, (2, 0))


@pytest.mark.parametrize(
    ("amount", "dust"), [(0, 0), (-1, 0), (2**62, 0), (1, -1), (1, 100), (0, 2**63 - 1)]
)
def test_a_deposit_of_nothing_or_of_impossible_dust_is_refused(amount, dust):
    venue = open_venue(token_decimals=8)
    assert venue.deposit(ALICE, BASE, amount, dust_wei=dust).reject == Reject.AMOUNT_OUT_OF_RANGE


def test_the_ledger_never_holds_more_than_the_supply():
    venue = open_venue(funds=0, token_decimals=8, supply_max_minor=100)
    assert venue.deposit(ALICE, BASE, 101).reject == Reject.SUPPLY_EXCEEDED
    assert venue.deposit(ALICE, BASE, 99, dust_wei=99).reject == Reject.NONE
    assert venue.deposit(ALICE, BASE, 1, dust_wei=1).reject == Reject.SUPPLY_EXCEEDED
    assert venue.deposit(ALICE, BASE, 1).reject == Reject.NONE
    assert venue.deposit(ALICE, BASE, 0, dust_wei=1).reject == Reject.SUPPLY_EXCEEDED


def test_a_withdrawal_holds_its_amount_and_its_fee(venue):
    done = venue.withdraw(ALICE, BASE, 100, **PAYEE)
    assert (done.subject_id, done.amount_minor) == (done.seq, 103)
    assert venue.balance(ALICE, BASE) == (FUNDS - 103, 103)
    row = venue.engine.withdrawal(done.seq)
    assert (row.account, row.asset, row.amount_minor, row.fee_minor) == (ALICE, BASE, 100, 3)
    assert (row.status, row.checks_passed, row.batch) == (W.HELD, Check(0), 0)
    assert row.payee == bytes(range(1, 21))
    assert venue.engine.pending_withdrawals() == [done.seq]


@pytest.mark.parametrize("amount", [9, 0, -1, -(2**63), 2**62, 2**63 - 1])
def test_a_withdrawal_below_the_minimum_or_beyond_any_balance_is_refused(venue, amount):
    assert venue.withdraw(ALICE, BASE, amount).reject == Reject.AMOUNT_OUT_OF_RANGE


def test_a_withdrawal_must_be_covered_with_its_fee(venue):
    assert venue.withdraw(ALICE, BASE, FUNDS - 2).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.withdraw(ALICE, BASE, FUNDS - 3).reject == Reject.NONE
    assert venue.balance(ALICE, BASE) == (0, FUNDS)


def test_a_withdrawal_needs_a_payee_an_asset_and_a_customer(venue):
    nobody = address_fields("payee", bytes(20))
    assert venue.withdraw(ALICE, BASE, 100, **nobody).reject == Reject.MALFORMED
    assert venue.withdraw(ALICE, 2, 100).reject == Reject.UNKNOWN_ASSET
    assert venue.withdraw(FEES, BASE, 100).reject == Reject.UNKNOWN_ACCOUNT
    assert venue.withdraw(ALICE, BASE, 100, pad=1).reject == Reject.MALFORMED
    assert venue.withdraw(ALICE, BASE, 100, payee_pad=1).reject == Reject.MALFORMED
    assert venue.withdraw(ALICE, BASE, 100, flags=1).reject == Reject.MALFORMED


def test_without_required_checks_a_withdrawal_is_cleared_at_once():
    venue = open_venue(required_checks=0)
    done = venue.withdraw(ALICE, BASE, 100)
    assert venue.engine.withdrawal(done.seq).status == W.CLEARED
    assert venue.engine.cleared_count() == 1


def test_a_withdrawal_is_cleared_by_its_last_required_check():
    venue = open_venue(required_checks=Check.SCREENING | Check.TRAVEL_RULE)
    asked = venue.withdraw(ALICE, BASE, 100).seq
    done = venue.decide(asked, Check.TRAVEL_RULE)
    assert (done.subject_id, done.amount_minor, done.events) == (asked, 0, ())
    assert venue.engine.withdrawal(asked).status == W.HELD
    assert venue.decide(asked, Check.TRAVEL_RULE).reject == Reject.ALREADY_DECIDED
    assert venue.decide(asked, Check.TRAVEL_RULE, Verdict.DENY).reject == Reject.ALREADY_DECIDED
    venue.decide(asked, Check.SCREENING)
    assert venue.engine.withdrawal(asked).status == W.CLEARED
    assert venue.decide(asked, Check.SCREENING, Verdict.DENY).reject == Reject.WRONG_STATE


def test_a_check_that_is_not_required_is_recorded_and_clears_nothing(venue):
    asked = venue.withdraw(ALICE, BASE, 100).seq
    venue.decide(asked, Check.TRAVEL_RULE)
    row = venue.engine.withdrawal(asked)
    assert (row.status, row.checks_passed) == (W.HELD, Check.TRAVEL_RULE)


def test_one_denial_gives_the_hold_back(venue):
    asked = venue.withdraw(ALICE, BASE, 100).seq
    done = venue.decide(asked, Check.TRAVEL_RULE, Verdict.DENY)
    assert (done.subject_id, done.amount_minor) == (asked, 103)
    (event,) = done.events
    assert event["kind"] == EventKind.WITHDRAWAL_RELEASED
    assert (event["order_id"], event["account"], event["amount_minor"]) == (asked, ALICE, 100)
    assert (event["fee_minor"], event["flags"]) == (3, W.DENIED)
    assert venue.balance(ALICE, BASE) == (FUNDS, 0)
    assert venue.engine.withdrawal(asked).status == W.DENIED
    assert venue.decide(asked, Check.SCREENING).reject == Reject.WRONG_STATE
    assert venue.engine.pending_withdrawals() == []


@pytest.mark.parametrize("target", [0, 1, -1, 2**62])
def test_a_decision_needs_a_withdrawal(venue, target):
    venue.withdraw(ALICE, BASE, 100)
    assert venue.decide(target, Check.SCREENING).reject == Reject.UNKNOWN_WITHDRAWAL


@pytest.mark.parametrize(
    "fields", [{"check": 0}, {"check": 3}, {"check": 4}, {"verdict": 2}, {"account": 16}]
)
def test_a_decision_is_about_one_check(venue, fields):
    asked = venue.withdraw(ALICE, BASE, 100).seq
    terms = {"withdrawal_id": asked, "check": 1, "verdict": 1}
    assert venue.do(K.DECIDE_WITHDRAWAL, **terms | fields).reject == Reject.MALFORMED


def test_padding_of_a_decision_must_be_zero(venue):
    asked = venue.withdraw(ALICE, BASE, 100).seq
    raw = bytearray(command(K.DECIDE_WITHDRAWAL, withdrawal_id=asked, check=1, verdict=1))
    for at in (26, 31, 96, 127):
        dirty = raw[:]
        dirty[at] = 1
        assert venue.batch(bytes(dirty))[0].reject == Reject.MALFORMED


def cleared(venue, count, account=ALICE):
    ids = [venue.withdraw(account, BASE, 100 + n).seq for n in range(count)]
    for asked in ids:
        venue.decide(asked, Check.SCREENING)
    return ids


def test_a_batch_takes_the_cleared_ones_in_the_order_they_were_cleared(venue):
    ids = [venue.withdraw(ALICE, BASE, 100).seq for _ in range(3)]
    for asked in (ids[2], ids[0], ids[1]):
        venue.decide(asked, Check.SCREENING)
    done = venue.cut(1, payouts_max=2, deadline_s=77)
    assert [event["order_id"] for event in done.events] == [ids[2], ids[0]]
    assert {event["kind"] for event in done.events} == {EventKind.WITHDRAWAL_BATCHED}
    assert {event["trade_id"] for event in done.events} == {1}
    assert [event["index"] for event in done.events] == [0, 1]
    batch = venue.engine.batch(1)
    assert batch.withdrawal_ids == (ids[2], ids[0])
    assert (batch.status, batch.cut_seq, batch.deadline_s) == (BatchStatus.CUT, done.seq, 77)
    assert batch.deposit_index == venue.engine.deposit_index
    assert venue.engine.withdrawal(ids[2]).batch == 1
    assert venue.engine.withdrawal(ids[1]).status == W.CLEARED


def test_a_batch_needs_something_cleared_and_its_own_number(venue):
    assert venue.cut(1).reject == Reject.NOTHING_CLEARED
    cleared(venue, 1)
    for number in (0, 2, -1, 2**62):
        assert venue.cut(number).reject == Reject.OUT_OF_TURN
    assert venue.cut(1).reject == Reject.NONE


def test_only_one_batch_is_in_flight(venue):
    cleared(venue, 3)
    venue.cut(1, payouts_max=1)
    assert venue.cut(2).reject == Reject.WRONG_STATE
    venue.confirm(1)
    assert venue.cut(2).reject == Reject.NONE
    assert len(venue.engine.batch(2).withdrawal_ids) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"deadline_s": 0},
        {"deadline_s": -5},
        {"payouts_max": 0},
        {"payouts_max": PAYOUTS_MAX + 1},
        {"pad": 1},
        {"chain_block": 1},
        {"tx_2": 1},
        {"deferred_3": 1},
        {"account": 16},
        {"flags": 1},
    ],
)
def test_a_cut_names_its_terms_and_nothing_else(venue, fields):
    cleared(venue, 1)
    assert venue.cut(1, **fields).reject == Reject.MALFORMED


def test_a_batch_holds_at_most_two_hundred_payouts(venue):
    cleared(venue, PAYOUTS_MAX + 5)
    assert len(venue.cut(1).events) == PAYOUTS_MAX
    assert len(venue.confirm(1).events) == PAYOUTS_MAX
    assert len(venue.cut(2).events) == 5


def test_confirming_pays_out_of_the_hold_and_earns_the_fees(venue):
    ids = cleared(venue, 3)
    venue.cut(1)
    custody = venue.balance(CUSTODY, BASE)[0]
    done = venue.confirm(1, deferred=0b010)
    assert [event["kind"] for event in done.events] == [EventKind.WITHDRAWAL_SETTLED] * 3
    assert [event["flags"] for event in done.events] == [W.PAID, W.CLAIMABLE, W.PAID]
    assert [venue.engine.withdrawal(asked).status for asked in ids] == [W.PAID, W.CLAIMABLE, W.PAID]
    assert venue.balance(ALICE, BASE) == (FUNDS - 303 - 9, 0)
    assert venue.balance(FEES, BASE) == (9, 0)
    assert venue.balance(CUSTODY, BASE) == (custody + 303, 0)
    assert venue.engine.batch(1).status == BatchStatus.CONFIRMED


def test_a_batch_is_confirmed_once_and_only_when_it_was_cut(venue):
    assert venue.confirm(1).reject == Reject.OUT_OF_TURN
    assert venue.confirm(0).reject == Reject.OUT_OF_TURN
    cleared(venue, 1)
    venue.cut(1)
    assert venue.confirm(2).reject == Reject.OUT_OF_TURN
    assert venue.confirm(1).reject == Reject.NONE
    assert venue.confirm(1).reject == Reject.WRONG_STATE


@pytest.mark.parametrize(
    "fields",
    [
        {"deferred": 1 << 2},
        {"deferred": 1 << 63},
        {"deferred": 1 << 255},
        {"deadline_s": 1},
        {"payouts_max": 1},
        {"pad": 1},
        {"chain_block": -1},
        {"flags": 1},
        {"account": 17},
    ],
)
def test_a_confirmation_defers_only_payouts_that_exist(venue, fields):
    cleared(venue, 2)
    venue.cut(1)
    assert venue.confirm(1, **fields).reject == Reject.MALFORMED


def test_withdrawals_of_several_assets_and_accounts_share_a_batch(venue):
    ids = [
        venue.withdraw(ALICE, BASE, 50).seq,
        venue.withdraw(BOB, QUOTE, 60).seq,
        venue.withdraw(BOB, BASE, 70).seq,
    ]
    for asked in ids:
        venue.decide(asked, Check.SCREENING)
    done = venue.cut(1)
    assert [(event["account"], event["asset"]) for event in done.events] == [
        (ALICE, BASE), (BOB, QUOTE), (BOB, BASE),
    ]  # fmt: skip
    venue.confirm(1)
    assert (venue.balance(FEES, BASE), venue.balance(FEES, QUOTE)) == ((6, 0), (3, 0))


def test_what_does_not_exist_reads_as_nothing(venue):
    assert venue.engine.withdrawal(1) is None
    assert venue.engine.withdrawal(2**60) is None
    assert venue.engine.batch(0) is None
    assert venue.engine.batch(1) is None
    assert venue.engine.last_batch == 0
