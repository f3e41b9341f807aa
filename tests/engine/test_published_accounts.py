"""Published worked examples, driven through the whole engine to the published prices.

Dollars have six decimals here, coins eight; a lot is a thousandth of a coin (or one dollar of an
inverse contract), a tick a cent. Orders are filled, margins moved and marks set by commands; the
prices are those that the engine tells, and at which it liquidates. Sources: tests/margin/cases.
"""

from fractions import Fraction

import pytest

from ledger.engine.margin_layout import NO_ORACLE
from ledger.records.build import command
from ledger.records.codes import CommandKind, EventKind, Product, Reject
from tests.engine.account_venue import AccountVenue, of_kind
from tests.engine.perpetual_venue import ALICE, BOB, BUY, COIN, DOLLAR, INSURANCE, SELL
from tests.engine.streams import list_asset
from tests.engine.venue import Venue
from tests.margin.published import load, ppm, units

K = CommandKind
SECOND = 10**9
CENT, LOT, MICRO, SATOSHI = (Fraction(1, 10**n) for n in (2, 3, 6, 8))
TERMS = {
    "base": COIN, "quote": DOLLAR, "lot_minor": 1, "max_qty_lots": 10**8, "symbol": b"PUBLISHED",
}  # fmt: skip
LINEAR_TERMS = TERMS | {
    "product": Product.LINEAR, "notional_num": 10, "notional_den": 1, "max_price_ticks": 10**8,
}  # fmt: skip
INVERSE_TERMS = TERMS | {
    "product": Product.INVERSE, "notional_num": 10**10, "notional_den": 1,
    "max_price_ticks": 10**8, "max_qty_lots": 10**6,
}  # fmt: skip
RULE = {
    "interval_s": 3600, "leverage_max": 125, "alpha_ppm": 1, "impact_minor": 1,
    "calm_ppb": 2**30, "rise_ppm": 1, "decay_ppm": 1, "cap_ppm": 10**6,
}  # fmt: skip
USDM, BYBIT, BITMEX = load("binance_usdm"), load("bybit"), load("bitmex")
BRACKETS = load("binance_brackets")["tables"]
FLAT = [{"floor": "0", "maintenance": "0.005"}]
RICH = 10**16
SPARE = 10


class PublishedVenue(AccountVenue):
    """One index a contract; Bob is rich, Alice has what an example says."""

    def __init__(self, contracts):
        Venue.__init__(self)
        self.now = SECOND
        self.ticks = {}
        self.batch(*(list_asset(asset, supply_max_minor=2**62 - 1) for asset in (COIN, DOLLAR)))
        self.do(K.SET_COLLATERAL, asset=DOLLAR, oracle=NO_ORACLE, index_ticks=1, num=1, den=1)
        for number, (terms, table) in enumerate(contracts):
            minor = SATOSHI if terms["product"] == Product.INVERSE else MICRO
            self.do(K.SET_ORACLE, oracle=number, sources=1, minimum=1, stale_ns=SECOND)
            done = self.do(K.LIST_INSTRUMENT, instrument=number, **terms)
            assert done.reject == Reject.NONE
            self.do(K.SET_PERPETUAL, instrument=number, oracle=number, **RULE)
            for row, bracket in enumerate(table):
                rate = ppm(bracket["maintenance"])
                done = self.do(
                    K.SET_TIER, instrument=number, row=row, maintenance_ppm=rate,
                    floor_minor=units(bracket["floor"], minor), initial_ppm=rate,
                )  # fmt: skip
                assert done.reject == Reject.NONE
        for account in (ALICE, BOB, 18):
            self.do(K.OPEN_ACCOUNT, account=account)
        for asset in (COIN, DOLLAR):
            for account in (BOB, INSURANCE):
                assert self.deposit(account, asset, RICH).reject == Reject.NONE

    def speak(self):
        """Every index says what `ticks` has, and a TICK follows."""
        self.now += SECOND
        said = [
            command(
                K.ORACLE_PRICE, time_ns=self.now, oracle=number, price_ticks=ticks,
                observed_ns=self.now,
            )
            for number, ticks in self.ticks.items()
        ]  # fmt: skip
        return self.batch(*said, command(K.TICK, time_ns=self.now))[-1]

    def set_mark(self, number, ticks):
        self.ticks[number] = ticks
        return self.speak()

    def enter(self, number, lots, ticks, leverage):
        """Alice takes a position at the mark, against Bob: long when lots are positive."""
        self.set_mark(number, ticks)
        self.lever(ALICE, leverage, number)
        pair = (ALICE, BOB) if lots > 0 else (BOB, ALICE)
        self.trade(*pair, abs(lots), ticks, number)

    def margin_of(self, amount, number=0):
        """Bring Alice's isolated margin to an amount."""
        done = self.move_margin(ALICE, amount - self.margin(ALICE, instrument=number), number)
        assert done.reject == Reject.NONE
        assert self.margin(ALICE, instrument=number) == amount


def near(ticks, price):
    """Whether a price in ticks is the published one, which is rounded to the cent."""
    return abs(ticks * CENT - Fraction(price)) <= CENT


def lots_and_ticks(row):
    return units(row["size"], LOT), units(row["entry"], CENT)


@pytest.mark.parametrize("row", USDM["positions"], ids=lambda row: row["symbol"])
def test_binances_isolated_position_falls_at_the_published_price(row):
    lots, entry = lots_and_ticks(row)
    wallet = units(USDM["wallet"], MICRO)
    venue = PublishedVenue([(LINEAR_TERMS, BRACKETS[row["brackets"]])])
    # A few units stay free: what an account may use is rounded against it.
    venue.deposit(ALICE, DOLLAR, wallet + SPARE)
    venue.isolate(ALICE, 0)
    venue.enter(0, lots, entry, leverage=10)
    venue.margin_of(wallet)
    assert venue.cash(ALICE) == SPARE
    venue.set_mark(0, units(row["mark"], CENT))
    risk = venue.engine.position_risk(ALICE, 0)
    assert near(risk.liquidation_ticks, row["liquidation_isolated"])
    assert abs(risk.profit_minor * MICRO - Fraction(row["unrealized"])) <= CENT
    assert abs(risk.maintenance_minor * MICRO - Fraction(row["maintenance"])) <= CENT
    assert not of_kind(venue.set_mark(0, risk.liquidation_ticks + 1), EventKind.POSITION_FELL)
    assert of_kind(venue.set_mark(0, risk.liquidation_ticks), EventKind.POSITION_FELL)


def both_positions():
    """Alice has both longs of the example out of one wallet, at the published marks."""
    tables = [(LINEAR_TERMS, BRACKETS[row["brackets"]]) for row in USDM["positions"]]
    venue = PublishedVenue(tables)
    venue.deposit(ALICE, DOLLAR, units(USDM["wallet"], MICRO))
    for number, row in enumerate(USDM["positions"]):
        lots, entry = lots_and_ticks(row)
        venue.enter(number, lots, entry, leverage=20)
    for number, row in enumerate(USDM["positions"]):
        venue.ticks[number] = units(row["mark"], CENT)
    venue.speak()
    return venue


@pytest.mark.parametrize("number", [0, 1])
def test_binances_cross_account_falls_at_the_published_price_of_either_position(number):
    venue = both_positions()
    row = USDM["positions"][number]
    risk = venue.engine.position_risk(ALICE, number)
    assert near(risk.liquidation_ticks, row["liquidation_cross"])
    standing = venue.engine.standing(ALICE)
    profits = sum(Fraction(one["unrealized"]) for one in USDM["positions"])
    equity = Fraction(USDM["wallet"]) + profits
    assert abs(standing.equity_minor * MICRO - equity) <= 2 * CENT
    fell = EventKind.ACCOUNT_FELL
    assert not of_kind(venue.set_mark(number, risk.liquidation_ticks + 1), fell)
    assert of_kind(venue.set_mark(number, risk.liquidation_ticks), fell)


@pytest.mark.parametrize("case", BYBIT["linear_bankruptcy"], ids=lambda case: case["entry"])
def test_bybits_isolated_position_is_taken_at_the_published_bankruptcy_price(case):
    lots, entry = lots_and_ticks(case)
    venue = PublishedVenue([(LINEAR_TERMS, FLAT)])
    venue.deposit(ALICE, DOLLAR, 10**12)
    venue.isolate(ALICE, 0)
    venue.enter(0, lots, entry, leverage=int(case["leverage"]))
    risk = venue.engine.position_risk(ALICE, 0)
    assert risk.bankruptcy_ticks == units(case["price"], CENT)
    done = venue.set_mark(0, risk.liquidation_ticks)
    (taken,) = of_kind(done, EventKind.POSITION_TAKEN)
    assert taken["price_ticks"] == units(case["price"], CENT)
    assert venue.margin(ALICE, instrument=0) == 0


def test_bitmexs_inverse_position_is_bankrupt_at_the_published_price():
    case = BITMEX["liquidation"]
    venue = PublishedVenue([(INVERSE_TERMS, [{"floor": "0", "maintenance": "0.005"}])])
    venue.do(K.SET_COLLATERAL, asset=COIN, oracle=0, num=1, den=10**4)
    initial = units(case["initial"], SATOSHI)
    venue.deposit(ALICE, COIN, initial + SPARE)
    venue.set_mark(0, units(case["entry"], CENT))
    venue.isolate(ALICE, 0)
    venue.enter(0, int(case["contracts"]), units(case["entry"], CENT), leverage=25)
    venue.margin_of(initial)
    risk = venue.engine.position_risk(ALICE, 0)
    # Published cut to whole dollars; ours is the lowest cent that leaves nothing owed.
    assert risk.bankruptcy_ticks * CENT // 1 == int(case["bankruptcy"])
    assert risk.bankruptcy_ticks == 952_381
    done = venue.set_mark(0, risk.liquidation_ticks)
    (taken,) = of_kind(done, EventKind.POSITION_TAKEN)
    assert taken["price_ticks"] == risk.bankruptcy_ticks
    # What the last cent is worth is left.
    assert 0 <= venue.whole(ALICE, COIN) - SPARE < 3_000


@pytest.mark.parametrize("case", BITMEX["profits"], ids=lambda case: case["exit"])
def test_bitmexs_profits_are_paid_as_published(case):
    venue = PublishedVenue([(INVERSE_TERMS, FLAT)])
    venue.do(K.SET_COLLATERAL, asset=COIN, oracle=0, num=1, den=10**4)
    venue.deposit(ALICE, COIN, 10**10)
    lots, entry, leave = int(case["contracts"]), *(units(case[n], CENT) for n in ("entry", "exit"))
    venue.set_mark(0, entry)
    venue.enter(0, lots, entry, leverage=5)
    venue.set_mark(0, leave)
    venue.trade(BOB, ALICE, lots, leave, 0)
    gained = (venue.whole(ALICE, COIN) - 10**10) * SATOSHI
    assert abs(gained - Fraction(case["profit"])) <= Fraction(1, 2 * 10**4) + SATOSHI


assert (BUY, SELL) == (0, 1)
