"""Published worked examples of fees and loans, driven through the whole engine.

The units of an asset are what each test says a dollar is; sources: tests/margin/cases.
"""

from fractions import Fraction

import pytest

from ledger.engine.credit_layout import LENDING_POOL
from ledger.engine.margin_layout import NO_ORACLE
from ledger.records.codes import CommandKind, EventKind, Reject
from tests.engine.account_venue import of_kind
from tests.engine.credit_streams import PAIR, fee_tiers, list_pair
from tests.engine.credit_venue import HOUR, CreditVenue
from tests.engine.venue import ALICE, BOB, BUY, QUOTE, SELL, open_venue
from tests.margin.published import digits, load, ppm, units

K = CommandKind
CENT, MICRO, SATOSHI = (Fraction(1, 10**n) for n in (2, 6, 8))
PPT = Fraction(1, 10**12)
BORROW, FEES, INTEREST = load("borrow"), load("fees"), load("interest")
PRICE, LOT = 1000, 10**6
"""A lot is a dollar, of a million units; it is a thousand units of base."""
WIDE = PAIR + 1
"""Like the pair, with lots of a thousand units."""


def outcome_venue():
    """The published schedule on a spot pair."""
    venue = open_venue({"notional_num": 1000, "max_qty_lots": 10**9}, funds=10**16)
    venue.do(K.SET_COLLATERAL, asset=QUOTE, oracle=NO_ORACLE, index_ticks=1, num=1, den=1)
    tiers = [
        (units(row["volume"], MICRO), ppm(row["taker"]), ppm(row["maker"])) for row in FEES["tiers"]
    ]
    done = venue.batch(fee_tiers(1, tiers, api_discount_ppm=0))[0]
    assert done.reject == venue.do(K.SET_FEES, schedule=1).reject == Reject.NONE
    return venue


def meet(venue, dollars):
    """Bob takes what Alice sells; their TRADE."""
    venue.place(ALICE, SELL, PRICE, dollars)
    return venue.place(BOB, BUY, PRICE, dollars).events[0]


def test_a_published_trade_pays_the_published_fees():
    """The taker pays in base, the maker in quote: each in what it receives."""
    example = FEES["example"]
    event = meet(outcome_venue(), int(example["notional"]))
    assert event["fee_minor"] * PRICE == units(example["taker"], MICRO)
    assert event["counter_fee_minor"] == units(example["maker"], MICRO)


def test_each_published_tier_begins_at_its_volume_and_not_a_dollar_before():
    venue, traded = outcome_venue(), 0
    for tier, row in enumerate(FEES["tiers"][1:], start=1):
        for dollars, reached in ((int(row["volume"]) - 1 - traded, tier - 1), (1, tier)):
            meet(venue, dollars)
            traded += dollars
            assert venue.engine.volume_minor(BOB) == traded * LOT
            assert venue.engine.fee_tier(BOB, 1) == reached + 1
    event = meet(venue, 1000)
    assert event["fee_minor"] * PRICE == 1000 * LOT * ppm(FEES["tiers"][-1]["taker"]) // 10**6
    assert event["counter_fee_minor"] == 0


class LoanVenue(CreditVenue):
    """There is money to borrow, something to buy with it, and a pair for large orders."""

    def __init__(self, dollars, **terms):
        super().__init__(dollars=dollars)
        wide = {"instrument": WIDE, "lot_minor": 1000, "notional_num": 1000}
        done = self.batch(list_pair(self.now, maker_fee_ppm=0, taker_fee_ppm=0, **wide))
        assert done[0].reject == Reject.NONE
        self.deposit(BOB, 0, 10**9)
        self.deposit(LENDING_POOL, 1, 10**13)
        self.lend(**{"limit_minor": 10**13, "hourly_ppt": 0} | terms)


def clock(text):
    """Seconds of the day."""
    hours, minutes = text.split(":")
    return int(hours) * HOUR + int(minutes) * 60


@pytest.mark.parametrize("row", INTEREST["simple"], ids=lambda row: row["interest"])
def test_binances_interest_is_due_by_the_published_hours(row):
    """Rates have twelve decimals here and each hour is rounded up: the last unit may differ."""
    debt, hours = units(row["debt"], SATOSHI), int(row["hours"])
    rate = Fraction(row["daily"]) / 24 / PPT
    venue = LoanVenue(10**10, hourly_ppt=-(-rate // 1))
    venue.move(10_000, seconds=clock(row["from"]) - venue.now // 10**9)
    done = venue.place(ALICE, BUY, 10_000, (debt + 10**10) // 1000, instrument=WIDE)
    (loan,) = of_kind(done, EventKind.LOAN_TAKEN)
    assert loan["amount_minor"] == debt
    venue.move(10_000, seconds=clock(row["to"]) - clock(row["from"]))
    principal, interest = venue.debt()
    assert (principal, interest) == (debt, loan["fee_minor"] * hours)
    assert 0 <= interest - units(row["interest"], SATOSHI) <= (0 if rate.denominator == 1 else 1)


def test_binances_largest_loan_is_given_and_a_cent_more_is_not():
    """The page cuts to whole dollars: the largest loan is below one more."""
    row = BORROW["largest"]
    equity, debt = units(row["equity"], CENT), units(row["debt"], CENT)
    published = units(row["borrowable"], CENT)

    def outcome(cents):
        venue = LoanVenue(equity)
        venue.do(
            K.SET_COLLATERAL, asset=1, oracle=NO_ORACLE, index_ticks=1, num=1, den=1,
            debt_ppm=ppm(row["initial"]),
        )  # fmt: skip
        venue.long(equity + debt)
        assert venue.debt() == (debt, 0)
        return venue.buy(cents).reject

    rate = Fraction(row["initial"])
    most = int((equity - debt * rate) / rate)
    assert published <= most < published + 100
    assert outcome(most) == Reject.NONE
    assert outcome(most + 1) == Reject.INSUFFICIENT_BALANCE


@pytest.mark.parametrize("row", BORROW["loan_to_value"], ids=lambda row: row["ltv"])
def test_a_call_tells_the_published_loan_to_value(row):
    loan, owned = units(row["loan"], CENT), units(row["collateral"], CENT)
    venue = LoanVenue(owned - loan)
    venue.long(owned)
    assert venue.debt() == (loan, 0)
    venue.lend(hourly_ppt=0, open_ppm=1, call_ppm=2, liquidate_ppm=10**6)
    (call,) = of_kind(venue.move(10_000), EventKind.MARGIN_CALLED)
    assert (call["quote_minor"], call["amount_minor"]) == (owned - loan, loan)
    assert abs(call["fee_minor"] * MICRO - Fraction(row["ltv"])) <= digits(row["ltv"])
