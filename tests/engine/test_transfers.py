"""Sub-accounts, and money that moves between them."""

import itertools

import pytest

from ledger.records.codes import CommandKind, EventKind, Reject
from tests.engine.perpetual_venue import COIN, DOLLAR, LINEAR, PerpetualVenue
from tests.engine.venue import ALICE, BOB, BUY, CAROL, FUNDS, QUOTE, SELL, open_venue

K = CommandKind
FIRST, SECOND, OTHERS = 19, 20, 21


def family():
    """Alice has two sub-accounts, Bob one."""
    venue = open_venue({})
    for account, master in ((FIRST, ALICE), (SECOND, ALICE), (OTHERS, BOB)):
        assert venue.do(K.OPEN_ACCOUNT, account=account, master=master).reject == Reject.NONE
    return venue


def move(venue, payer, payee, amount, asset=QUOTE, **fields):
    return venue.do(
        K.TRANSFER, account=payer, payee=payee, asset=asset, amount_minor=amount, **fields
    )


@pytest.mark.parametrize(
    "road", [(ALICE, FIRST), (ALICE, FIRST, SECOND), (ALICE, FIRST, ALICE), (BOB, OTHERS)]
)
def test_money_moves_down_across_and_up(road):
    venue = family()
    for payer, payee in itertools.pairwise(road):
        before = venue.balance(payee, QUOTE)
        done = move(venue, payer, payee, 500)
        assert (done.reject, done.subject_id, done.amount_minor) == (Reject.NONE, payee, 500)
        (event,) = done.events
        assert event["kind"] == EventKind.TRANSFERRED
        assert (event["account"], event["counter_account"]) == (payer, payee)
        assert (event["asset"], event["amount_minor"]) == (QUOTE, 500)
        assert venue.balance(payee, QUOTE) == (before[0] + 500, 0)


@pytest.mark.parametrize(
    ("payer", "payee", "amount", "fields", "reject"),
    [
        (ALICE, FIRST, FUNDS, {}, Reject.NONE),
        (ALICE, FIRST, FUNDS + 1, {}, Reject.INSUFFICIENT_BALANCE),
        (FIRST, ALICE, 1, {}, Reject.INSUFFICIENT_BALANCE),
        (ALICE, BOB, 1, {}, Reject.NOT_RELATED),
        (ALICE, OTHERS, 1, {}, Reject.NOT_RELATED),
        (ALICE, ALICE, 1, {}, Reject.MALFORMED),
        (ALICE, FIRST, 1, {"flags": 1}, Reject.MALFORMED),
        (ALICE, FIRST, 0, {}, Reject.AMOUNT_OUT_OF_RANGE),
        (ALICE, FIRST, -1, {}, Reject.AMOUNT_OUT_OF_RANGE),
        (ALICE, FIRST, 2**62, {}, Reject.AMOUNT_OUT_OF_RANGE),
        (ALICE, FIRST, 1, {"asset": 2}, Reject.UNKNOWN_ASSET),
        (ALICE, 1, 1, {}, Reject.UNKNOWN_ACCOUNT),
        (1, ALICE, 1, {}, Reject.UNKNOWN_ACCOUNT),
        (ALICE, 99, 1, {}, Reject.UNKNOWN_ACCOUNT),
    ],
)
def test_a_transfer_is_checked_in_the_order_of_the_rejects(payer, payee, amount, fields, reject):
    done = move(family(), payer, payee, amount, **fields)
    assert done.reject == reject
    assert len(done.events) == (reject == Reject.NONE)


def test_what_an_order_holds_cannot_be_transferred():
    venue = family()
    venue.place(ALICE, BUY, 1000, 10)
    assert move(venue, ALICE, FIRST, FUNDS).reject == Reject.INSUFFICIENT_BALANCE
    assert move(venue, ALICE, FIRST, FUNDS - 10_000).reject == Reject.NONE


def test_a_blocked_account_pays_nobody_and_may_be_paid():
    venue = family()
    venue.do(K.SET_ACCOUNT, account=ALICE, blocked=1)
    assert move(venue, ALICE, FIRST, 1).reject == Reject.ACCOUNT_BLOCKED
    venue.do(K.SET_ACCOUNT, account=ALICE)
    move(venue, ALICE, FIRST, 5)
    venue.do(K.SET_ACCOUNT, account=ALICE, blocked=1)
    assert move(venue, FIRST, ALICE, 5).reject == Reject.NONE


def test_margin_in_use_cannot_be_transferred():
    venue = PerpetualVenue(dollars=100_000)
    venue.do(K.OPEN_ACCOUNT, account=FIRST, master=ALICE)
    venue.trade(ALICE, BOB, 500, 10_000)
    free = 0
    for amount in (80_000, 70_000, 69_997, 60_000):
        done = move(venue, ALICE, FIRST, amount, DOLLAR)
        if done.reject == Reject.NONE:
            free = amount
            break
    assert 60_000 <= free <= 69_997, "equity 100,000 less initial margin 30,000 and roundings"
    assert venue.engine.standing(ALICE).initial_minor == 30_000
    assert venue.engine.standing(ALICE).equity_minor >= 30_000


def test_a_sub_account_is_judged_alone():
    """Its loss ends with its own money; the master keeps all of his."""
    venue = PerpetualVenue(dollars=100_000, fund=10**6)
    venue.do(K.OPEN_ACCOUNT, account=FIRST, master=ALICE)
    move(venue, ALICE, FIRST, 31_000, DOLLAR)
    venue.do(K.SET_LEVERAGE, account=FIRST, instrument=LINEAR, leverage=50)
    venue.trade(FIRST, BOB, 500, 10_000)
    venue.move(9_000)
    assert venue.position(FIRST) == (0, 0)
    assert 0 <= venue.cash(FIRST) < 500 * 3 // 10, "less than what a tick is worth"
    assert venue.cash(ALICE) == 69_000
    assert venue.cash(ALICE, COIN) == 0


def test_siblings_may_trade_with_each_other_like_strangers():
    venue = family()
    move(venue, ALICE, FIRST, 10**6)
    venue.place(ALICE, SELL, 1000, 1)
    assert venue.place(FIRST, BUY, 1000, 1).filled_lots == 1
    assert venue.balance(CAROL, QUOTE) == (FUNDS, 0)
