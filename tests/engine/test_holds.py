"""Holds of risk and compliance: placed once, released in parts, resolved once, in nobody's way."""

import itertools
import random
from collections import defaultdict

import pytest

from ledger.engine import Capacity, Engine, SnapshotCorrupt
from ledger.engine.layout import CUSTODY, FEES, SUSPENSE
from ledger.engine.margin_layout import INSURANCE
from ledger.engine.restore import restored_state
from ledger.engine.root import TableId
from ledger.engine.tables import canonical_tables
from ledger.records.build import command, digest_fields
from ledger.records.codes import Check, CommandKind, EventKind, Reject, Verdict
from tests.engine.account_venue import AccountVenue, of_kind
from tests.engine.credit_streams import PAIR
from tests.engine.credit_venue import CreditVenue
from tests.engine.perpetual_venue import DOLLAR, LINEAR, MID, PerpetualVenue
from tests.engine.streams import as_commands
from tests.engine.venue import ALICE, BASE, BOB, BUY, FUNDS, QUOTE, SELL, open_venue

K = CommandKind
REASON = digest_fields("reason", bytes(range(32)))
NOBODY, MOST = 99, 2**62 - 1


def place(venue, number, amount, account=ALICE, asset=BASE, **fields):
    terms = {"account": account, "hold_id": number, "asset": asset, "amount_minor": amount}
    return venue.do(K.PLACE_HOLD, **terms | REASON | fields)


def release(venue, number, amount=0, **fields):
    return venue.do(K.RELEASE_HOLD, hold_id=number, amount_minor=amount, **fields)


@pytest.fixture
def venue():
    return open_venue(withdrawal_fee_minor=3)


# Placing.


def test_a_hold_freezes_its_amount_and_says_so(venue):
    done = place(venue, 1, 500)
    assert (done.reject, done.subject_id, done.amount_minor) == (Reject.NONE, 1, 500)
    assert venue.balance(ALICE, BASE) == (FUNDS - 500, 500)
    (event,) = done.events
    assert event["kind"] == EventKind.HOLD_PLACED
    assert (event["account"], event["asset"], event["order_id"]) == (ALICE, BASE, 1)
    assert (event["amount_minor"], event["quote_minor"]) == (500, 500)
    row = venue.engine.hold(1)
    assert (row.hold_id, row.placed_seq, row.account, row.asset) == (1, done.seq, ALICE, BASE)
    assert (row.amount_minor, row.left_minor, row.reason) == (500, 500, bytes(range(32)))
    assert venue.engine.open_holds(ALICE) == [row]
    assert venue.engine.hold_count == 1


def test_what_was_never_placed_is_nothing(venue):
    place(venue, 1, 5)
    for number in (0, -1, 2, 2**62):
        assert venue.engine.hold(number) is None
    assert venue.engine.open_holds(BOB) == venue.engine.open_holds(NOBODY) == []


def test_numbers_count_from_one_without_gaps_for_all_accounts_and_assets_together(venue):
    for number in (2, 0, -1, -(2**63), 2**63 - 1):
        assert place(venue, number, 5).reject == Reject.OUT_OF_TURN
    for number, (account, asset) in enumerate(
        itertools.product((ALICE, BOB), (BASE, QUOTE)), start=1
    ):
        assert place(venue, number, 5, account, asset).reject == Reject.NONE
        assert place(venue, number + 2, 5, account, asset).reject == Reject.OUT_OF_TURN
    assert [hold.hold_id for hold in venue.engine.open_holds(BOB)] == [3, 4]


def test_a_number_whose_hold_was_refused_is_still_the_next_one(venue):
    assert place(venue, 1, FUNDS + 1).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.engine.hold_count == 0
    assert place(venue, 1, FUNDS).reject == Reject.NONE


def test_the_same_hold_again_holds_nothing_twice_whatever_became_of_it(venue):
    place(venue, 1, FUNDS)
    for left in (FUNDS, FUNDS - 7, 0):
        again = place(venue, 1, FUNDS)
        assert (again.reject, again.subject_id, again.events) == (Reject.HOLD_EXISTS, 0, ())
        assert venue.balance(ALICE, BASE) == (FUNDS - left, left)
        if left:
            release(venue, 1, 7 if left == FUNDS else 0)
    assert venue.engine.hold_count == 1


@pytest.mark.parametrize(
    "change",
    [
        {"account": BOB}, {"asset": QUOTE}, {"amount_minor": 501}, {"amount_minor": 0},
        {"amount_minor": -1}, {"amount_minor": 2**62}, {"reason_0": 0}, {"reason_1": 0},
        {"reason_2": 0}, {"reason_3": 0},
    ],
)  # fmt: skip
def test_a_number_never_stands_for_two_holds(venue, change):
    place(venue, 1, 500)
    done = place(venue, 1, **{"amount": 500} | change)  # type: ignore[arg-type]
    assert done.reject == Reject.HOLD_DIFFERS
    release(venue, 1)
    assert place(venue, 1, 500, **change).reject == Reject.HOLD_DIFFERS
    assert venue.balance(ALICE, BASE) == (FUNDS, 0)


def test_time_is_no_part_of_what_a_hold_says(venue):
    place(venue, 1, 500, time_ns=5)
    assert place(venue, 1, 500, time_ns=9).reject == Reject.HOLD_EXISTS


PLACE_FAULTS = (
    ({"account": NOBODY}, Reject.UNKNOWN_ACCOUNT),
    ({"asset": 2}, Reject.UNKNOWN_ASSET),
    ({"flags": 1}, Reject.MALFORMED),
    ({"pad": 1}, Reject.MALFORMED),
    ({"hold_id": 4}, Reject.OUT_OF_TURN),
    ({"hold_id": 1}, Reject.HOLD_DIFFERS),
    ({"amount_minor": 0}, Reject.AMOUNT_OUT_OF_RANGE),
    ({"amount_minor": -5}, Reject.AMOUNT_OUT_OF_RANGE),
    ({"amount_minor": 2**62}, Reject.AMOUNT_OUT_OF_RANGE),
    ({"amount_minor": FUNDS}, Reject.INSUFFICIENT_BALANCE),
)
ORDER = (
    Reject.TIME_BACKWARDS, Reject.UNKNOWN_ACCOUNT, Reject.UNKNOWN_ASSET, Reject.MALFORMED,
    Reject.OUT_OF_TURN, Reject.HOLD_EXISTS, Reject.HOLD_DIFFERS, Reject.TABLE_FULL,
    Reject.AMOUNT_OUT_OF_RANGE, Reject.INSUFFICIENT_BALANCE, Reject.MARGIN_ACCOUNT,
)  # fmt: skip


def test_of_two_faults_a_hold_is_refused_for_the_one_that_is_checked_first(venue):
    """In the order of the rejects, but for an old number: that is looked at with the next one."""
    place(venue, 1, 7)
    sound = {"account": ALICE, "asset": BASE, "amount": 5}
    for fields, reject in PLACE_FAULTS:
        assert place(venue, 2, **sound | fields).reject == reject, fields
    for (fields, reject), (others, its) in itertools.combinations(PLACE_FAULTS, 2):
        if not fields.keys() & others.keys():
            found = place(venue, 2, **sound | fields | others).reject
            assert found == min(reject, its, key=ORDER.index), (fields, others)
    assert venue.engine.hold_count == 1


def test_a_full_table_refuses_the_next_hold_and_still_knows_the_old_ones():
    venue = open_venue(capacity=Capacity(holds=1))
    place(venue, 1, 5)
    assert place(venue, 2, 0).reject == Reject.TABLE_FULL
    assert place(venue, 1, 5).reject == Reject.HOLD_EXISTS
    assert place(venue, 3, 5).reject == Reject.OUT_OF_TURN
    release(venue, 1)
    assert place(venue, 2, 5).reject == Reject.TABLE_FULL, "numbers are used once"


@pytest.mark.parametrize("account", [0, FEES, CUSTODY, SUSPENSE, INSURANCE, 15, NOBODY])
def test_only_a_customers_money_is_frozen(venue, account):
    assert place(venue, 1, 5, account).reject == Reject.UNKNOWN_ACCOUNT


def test_a_blocked_account_can_be_frozen_and_released(venue):
    venue.do(K.SET_ACCOUNT, account=ALICE, blocked=1)
    assert place(venue, 1, 5).reject == Reject.NONE
    assert release(venue, 1).reject == Reject.NONE


# Releasing.


def test_a_hold_is_released_in_parts_and_resolved_by_the_last_one(venue):
    place(venue, 1, 500)
    left = 500
    for amount in (1, 199, 300):
        left -= amount
        done = release(venue, 1, amount)
        assert (done.reject, done.subject_id, done.amount_minor) == (Reject.NONE, 1, amount)
        (event,) = done.events
        assert event["kind"] == EventKind.HOLD_RELEASED
        assert (event["account"], event["asset"], event["order_id"]) == (ALICE, BASE, 1)
        assert (event["amount_minor"], event["quote_minor"]) == (amount, left)
        assert venue.balance(ALICE, BASE) == (FUNDS - left, left)
        assert venue.engine.hold(1).left_minor == left
    for amount in (0, 1, -1, 500):
        assert release(venue, 1, amount).reject == Reject.WRONG_STATE
    assert venue.engine.open_holds(ALICE) == []
    assert venue.engine.hold(1).amount_minor == 500


@pytest.mark.parametrize("first", [0, 1, 499])
def test_no_amount_releases_all_that_is_left(venue, first):
    place(venue, 1, 500)
    if first:
        release(venue, 1, first)
    assert release(venue, 1).amount_minor == 500 - first
    assert venue.balance(ALICE, BASE) == (FUNDS, 0)
    assert release(venue, 1).reject == Reject.WRONG_STATE


@pytest.mark.parametrize("amount", [-1, -(2**63), 494, 500, 2**63 - 1])
def test_no_more_than_what_is_left_is_released(venue, amount):
    place(venue, 1, 500)
    place(venue, 2, 10**6)
    release(venue, 1, 7)
    assert release(venue, 1, amount).reject == Reject.AMOUNT_OUT_OF_RANGE
    assert venue.balance(ALICE, BASE) == (FUNDS - 493 - 10**6, 493 + 10**6)


RELEASE_FAULTS = (
    ({"account": ALICE}, Reject.MALFORMED),
    ({"flags": 1}, Reject.MALFORMED),
    ({"asset": 1}, Reject.MALFORMED),
    ({"pad": 1}, Reject.MALFORMED),
    ({"hold_id": 0}, Reject.UNKNOWN_HOLD),
    ({"hold_id": 3}, Reject.UNKNOWN_HOLD),
    ({"hold_id": -1}, Reject.UNKNOWN_HOLD),
    ({"hold_id": -(2**63)}, Reject.UNKNOWN_HOLD),
    ({"hold_id": 2}, Reject.WRONG_STATE),
    ({"amount_minor": 8}, Reject.AMOUNT_OUT_OF_RANGE),
    ({"amount_minor": -1}, Reject.AMOUNT_OUT_OF_RANGE),
)
RELEASE_ORDER = (
    Reject.MALFORMED, Reject.UNKNOWN_HOLD, Reject.WRONG_STATE, Reject.AMOUNT_OUT_OF_RANGE,
)  # fmt: skip


def test_of_two_faults_a_release_is_refused_for_the_one_that_is_checked_first(venue):
    place(venue, 1, 7)
    place(venue, 2, 7)
    release(venue, 2)
    sound = {"hold_id": 1, "amount_minor": 3}
    for fields, reject in RELEASE_FAULTS:
        assert venue.do(K.RELEASE_HOLD, **sound | fields).reject == reject, fields
    for (fields, reject), (others, its) in itertools.combinations(RELEASE_FAULTS, 2):
        if not fields.keys() & others.keys():
            found = venue.do(K.RELEASE_HOLD, **sound | fields | others).reject
            assert found == min(reject, its, key=RELEASE_ORDER.index), (fields, others)
    assert venue.engine.hold(1).left_minor == 7


def test_a_release_may_say_why(venue):
    place(venue, 1, 7)
    assert release(venue, 1, 3, **REASON).reject == Reject.NONE


@pytest.mark.parametrize("seed", range(20))
def test_many_holds_and_parts_agree_with_a_ledger_of_their_own(venue, seed):
    """A model of three lines: what is left of each hold, and nothing else moves."""
    rng, left, owner = random.Random(seed), {}, {}
    for _ in range(120):
        if not left or rng.random() < 0.4:
            number = len(left) + 1
            owner[number] = rng.choice((ALICE, BOB)), rng.choice((BASE, QUOTE))
            left[number] = rng.randrange(1, 10**6)
            assert place(venue, number, left[number], *owner[number]).reject == Reject.NONE
        else:
            number = rng.choice(list(left))
            amount = rng.choice([0, 1, left[number] // 2, left[number], left[number] + 1])
            done = release(venue, number, amount)
            sound = left[number] > 0 and amount <= left[number]
            assert (done.reject == Reject.NONE) == sound
            left[number] -= (amount or left[number]) if sound else 0
    frozen = defaultdict(int)
    for number, amount in left.items():
        frozen[owner[number]] += amount
    for key in itertools.product((ALICE, BOB), (BASE, QUOTE)):
        assert venue.balance(*key) == (FUNDS - frozen[key], frozen[key])
    found = [h.hold_id for account in (ALICE, BOB) for h in venue.engine.open_holds(account)]
    assert sorted(found) == [number for number, amount in left.items() if amount]


# Beside orders and withdrawals.


def test_what_is_frozen_buys_nothing_and_leaves_nowhere(venue):
    venue.do(K.OPEN_ACCOUNT, account=19, master=ALICE)
    place(venue, 1, FUNDS - 100, asset=QUOTE)
    assert venue.place(ALICE, BUY, 101, 1).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.withdraw(ALICE, QUOTE, 98).reject == Reject.INSUFFICIENT_BALANCE
    move = {"account": ALICE, "payee": 19, "asset": QUOTE}
    assert venue.do(K.TRANSFER, amount_minor=101, **move).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.withdraw(ALICE, QUOTE, 97).reject == Reject.NONE
    assert venue.balance(ALICE, QUOTE) == (0, FUNDS)


def test_what_orders_and_withdrawals_hold_cannot_be_frozen(venue):
    order = venue.place(ALICE, SELL, 5, 10).seq
    held = venue.balance(ALICE, BASE)[1]
    asked = venue.withdraw(ALICE, BASE, 1000).seq
    free = FUNDS - held - 1003
    assert place(venue, 1, free + 1).reject == Reject.INSUFFICIENT_BALANCE
    assert place(venue, 1, free).reject == Reject.NONE
    assert venue.balance(ALICE, BASE) == (0, FUNDS)
    venue.cancel(ALICE, order)
    assert place(venue, 2, held).reject == Reject.NONE
    venue.decide(asked, Check.SCREENING, Verdict.DENY)
    assert venue.balance(ALICE, BASE) == (1003, FUNDS - 1003)
    for number in (1, 2):
        release(venue, number)
    assert venue.balance(ALICE, BASE) == (FUNDS, 0)


def test_orders_trade_and_withdrawals_are_paid_out_of_their_own_holds(venue):
    """A hold on the rest stays what it is, whatever becomes of the others."""
    venue.place(ALICE, SELL, 5, 10)
    held = venue.balance(ALICE, BASE)[1]
    asked = venue.withdraw(ALICE, BASE, 1000).seq
    place(venue, 1, 700)
    venue.place(BOB, BUY, 5, 10)
    assert venue.balance(ALICE, BASE) == (FUNDS - held - 1703, 1703)
    venue.decide(asked, Check.SCREENING)
    venue.cut(1)
    venue.confirm(1)
    assert venue.balance(ALICE, BASE) == (FUNDS - held - 1703, 700)
    assert venue.engine.hold(1).left_minor == 700


def test_money_of_the_largest_size_is_frozen_and_released_without_wrapping():
    venue = open_venue(funds=0)
    venue.deposit(ALICE, BASE, MOST)
    assert place(venue, 1, MOST).reject == Reject.NONE
    assert venue.balance(ALICE, BASE) == (0, MOST)
    assert place(venue, 2, 1).reject == Reject.INSUFFICIENT_BALANCE
    assert release(venue, 1, MOST - 1).reject == Reject.NONE
    assert venue.balance(ALICE, BASE) == (MOST - 1, 1)
    assert place(venue, 2, MOST - 1).reject == Reject.NONE
    assert release(venue, 2).amount_minor == MOST - 1
    assert release(venue, 1).amount_minor == 1
    assert venue.balance(ALICE, BASE) == (MOST, 0)


# Beside positions and loans.


def test_margin_in_use_cannot_be_frozen():
    """Equity 100,000 less initial margin 30,000, less what roundings may cost."""
    venue = PerpetualVenue(dollars=100_000)
    venue.trade(ALICE, BOB, 500, MID)
    assert venue.engine.standing(ALICE).initial_minor == 30_000
    assert place(venue, 1, 70_001, asset=DOLLAR).reject == Reject.INSUFFICIENT_BALANCE
    free = next(
        amount
        for amount in range(70_000, 60_000, -1)
        if place(venue, 1, amount, asset=DOLLAR).reject == Reject.NONE
    )
    standing = venue.engine.standing(ALICE)
    assert 66_000 < free <= 70_000, "five percent of a debt that losses may make"
    assert standing.equity_minor == 100_000 - free >= 30_000


def test_a_hold_lets_an_account_spend_exactly_as_much_as_a_transfer_would():
    for amount in range(66_600, 66_700):
        venue, other = PerpetualVenue(dollars=100_000), PerpetualVenue(dollars=100_000)
        for one in (venue, other):
            one.do(K.OPEN_ACCOUNT, account=19, master=ALICE)
            one.trade(ALICE, BOB, 500, MID)
        moved = other.do(
            K.TRANSFER, account=ALICE, payee=19, asset=DOLLAR, amount_minor=amount
        ).reject
        assert place(venue, 1, amount, asset=DOLLAR).reject == moved
        if moved != Reject.NONE:
            break
    else:
        pytest.fail("all of it may leave")


def test_what_is_frozen_is_no_equity_and_nobody_takes_it():
    """An account falls without it, the fund pays the rest, and the hold outlives the fall."""
    venue = PerpetualVenue(dollars=100_000, fund=10**6)
    venue.trade(ALICE, BOB, 500, MID)
    assert place(venue, 1, 60_000, asset=DOLLAR).reject == Reject.NONE
    assert venue.engine.standing(ALICE).equity_minor == 40_000
    fallen = venue.move(MID * 967 // 1000)
    assert of_kind(fallen, EventKind.ACCOUNT_FELL), "49,500 lost: 100,000 would have borne it"
    assert venue.position(ALICE) == (0, 0)
    available, held = venue.balance(ALICE, DOLLAR)
    assert 0 <= available < 500 * 3 // 10, "less than what a tick is worth"
    assert held == 60_000
    assert place(venue, 2, 1 + available, asset=DOLLAR).reject == Reject.INSUFFICIENT_BALANCE
    assert release(venue, 1, 10_000).reject == Reject.NONE
    assert venue.balance(ALICE, DOLLAR) == (10_000 + available, 50_000)
    assert venue.engine.standing(ALICE).equity_minor == 10_000 + available


def test_what_was_released_in_time_is_equity_again():
    venue = PerpetualVenue(dollars=100_000, fund=10**6)
    venue.trade(ALICE, BOB, 500, MID)
    place(venue, 1, 60_000, asset=DOLLAR)
    release(venue, 1)
    assert venue.engine.standing(ALICE).equity_minor == 100_000
    assert not of_kind(venue.move(MID * 967 // 1000), EventKind.ACCOUNT_FELL)
    assert venue.position(ALICE)[0] == 500


def test_the_margin_of_an_isolated_position_is_not_frozen():
    venue = AccountVenue(dollars=100_000)
    venue.isolated_long()
    available, margin = venue.balance(ALICE, DOLLAR)
    assert margin > 0
    assert place(venue, 1, available + 1, asset=DOLLAR).reject == Reject.INSUFFICIENT_BALANCE
    assert place(venue, 1, 50_000, asset=DOLLAR).reject == Reject.NONE
    venue.place(BOB, BUY, MID, 50, instrument=LINEAR)
    venue.place(ALICE, SELL, MID, 50, instrument=LINEAR)
    assert venue.balance(ALICE, DOLLAR)[1] == 50_000, "the margin came back, the hold stands"


def test_nothing_is_frozen_in_a_margin_account_and_no_frozen_account_becomes_one():
    """What a margin account holds counts as its equity; the kill switch stops all of it."""
    venue = CreditVenue(dollars=1000)
    assert place(venue, 1, 2000, asset=DOLLAR).reject == Reject.INSUFFICIENT_BALANCE
    assert place(venue, 1, 10, asset=DOLLAR).reject == Reject.MARGIN_ACCOUNT
    venue.margin(ALICE, 0)
    assert place(venue, 1, 10, asset=DOLLAR).reject == Reject.NONE
    assert venue.margin(ALICE, 5).reject == Reject.WRONG_STATE
    assert venue.margin(ALICE, 0, PAIR + 1).reject == Reject.WRONG_STATE
    release(venue, 1, 9)
    assert venue.margin(ALICE, 5).reject == Reject.WRONG_STATE
    release(venue, 1)
    assert venue.margin(ALICE, 5).reject == Reject.NONE


def test_money_that_a_margin_account_can_spare_is_frozen_where_a_transfer_takes_it():
    venue = CreditVenue(dollars=1000)
    venue.do(K.OPEN_ACCOUNT, account=19, master=ALICE)
    venue.do(K.TRANSFER, account=ALICE, payee=19, asset=DOLLAR, amount_minor=400)
    assert place(venue, 1, 400, account=19, asset=DOLLAR).reject == Reject.NONE
    assert venue.balance(ALICE, DOLLAR)[1] == 0
    back = venue.do(K.TRANSFER, account=19, payee=ALICE, asset=DOLLAR, amount_minor=1)
    assert back.reject == Reject.INSUFFICIENT_BALANCE


# Tables.


def test_a_restored_engine_knows_every_hold(venue):
    place(venue, 1, 500)
    place(venue, 2, 70, BOB, QUOTE)
    release(venue, 1, 200)
    release(venue, 2)
    copy = Engine.restore(venue.engine.snapshot())
    assert copy.state_root() == venue.engine.state_root()
    assert [copy.hold(n) for n in (1, 2)] == [venue.engine.hold(n) for n in (1, 2)]
    again = command(K.PLACE_HOLD, hold_id=1, account=ALICE, asset=BASE, amount_minor=500, **REASON)
    rest = [
        again, command(K.RELEASE_HOLD, hold_id=2), command(K.RELEASE_HOLD, hold_id=1),
        command(K.RELEASE_HOLD, hold_id=1),
    ]  # fmt: skip
    done = copy.execute(as_commands(rest))
    assert done.outcomes["reject"].tolist() == [
        Reject.HOLD_EXISTS, Reject.WRONG_STATE, Reject.NONE, Reject.WRONG_STATE,
    ]  # fmt: skip
    venue.batch(*rest)
    assert copy.state_root() == venue.engine.state_root()


def test_the_table_grows_within_one_batch():
    venue, count = open_venue(), 300
    raw = [
        command(K.PLACE_HOLD, hold_id=n + 1, account=ALICE + n % 2, asset=n % 2, amount_minor=n + 1)
        for n in range(count)
    ]
    raw += [command(K.RELEASE_HOLD, hold_id=n + 1) for n in range(0, count, 3)]
    assert {done.reject for done in venue.batch(*raw)} == {Reject.NONE}
    left = sum(n + 1 for n in range(count) if n % 3)
    held = [venue.balance(ALICE + n, n)[1] for n in range(2)]
    assert sum(held) == left
    assert venue.engine.hold_count == count


WRONG = [
    ("account", 15), ("account", 10**6), ("asset", 2), ("amount_minor", 0), ("amount_minor", 299),
    ("amount_minor", -1), ("left_minor", -1), ("left_minor", 501), ("left_minor", 301),
]  # fmt: skip


@pytest.mark.parametrize(("field", "wrong"), WRONG)
def test_holds_that_contradict_themselves_or_the_balances_are_refused(venue, field, wrong):
    place(venue, 1, 500)
    release(venue, 1, 200)
    tables = {one.table: one.rows.copy() for one in canonical_tables(venue.engine._state)}
    restored_state(tables)
    tables[TableId.HOLDS][field][0] = wrong
    with pytest.raises(SnapshotCorrupt):
        restored_state(tables)


COUNTS = [("hold_count", 0), ("hold_count", 2), ("holds_max", 0)]


@pytest.mark.parametrize(("field", "wrong"), COUNTS)
def test_a_header_that_counts_other_holds_is_refused(venue, field, wrong):
    place(venue, 1, 500)
    tables = {one.table: one.rows.copy() for one in canonical_tables(venue.engine._state)}
    tables[TableId.HEADER][field] = wrong
    with pytest.raises(SnapshotCorrupt):
        restored_state(tables)
