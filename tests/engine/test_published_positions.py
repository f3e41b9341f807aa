"""More published positions, driven through the whole engine: COIN-M, Hyperliquid, OKX, Bybit.

Each is opened by orders, its margin moved to the published one, and its liquidation price is read
and then met by the mark: the tick before nothing falls. Sources: tests/margin/cases.
"""

from fractions import Fraction
from math import ceil

import pytest

from ledger.records.codes import CommandKind, EventKind
from tests.engine.account_venue import of_kind
from tests.engine.perpetual_venue import ALICE, COIN, DOLLAR
from tests.engine.test_published_accounts import (
    CENT,
    INVERSE_TERMS,
    LINEAR_TERMS,
    MICRO,
    SATOSHI,
    PublishedVenue,
)
from tests.margin.published import load, units

K = CommandKind
COINM, HYPERLIQUID, OKX, BYBIT = (load(n) for n in ("binance_coinm", "hyperliquid", "okx", "bybit"))
LOTS = {"BTC": 5, "ETH": 4, "SOL": 2, "DOGE": 0}
TICKS = {"BTC": 3, "ETH": 4, "SOL": 5, "DOGE": 7}
"""Decimals of a lot and of a tick."""


def flat(rate):
    return [{"floor": "0", "maintenance": str(float(rate))}]


def isolated(terms, table, side, lots, entry, margin):
    """Alice's isolated position at its entry price, with the margin of the example."""
    venue = PublishedVenue([(terms, table)])
    venue.deposit(ALICE, DOLLAR, 10**13)
    venue.isolate(ALICE, 0)
    venue.enter(0, lots if side == "long" else -lots, entry, leverage=125)
    venue.margin_of(margin)
    return venue


def falls_just_there(venue, side):
    """The liquidation price that is read; no mark before it brings the position down, it does."""
    ticks = venue.engine.position_risk(ALICE, 0).liquidation_ticks
    away = 1 if side == "long" else -1
    fell = EventKind.POSITION_FELL
    assert not of_kind(venue.set_mark(0, ticks + away), fell)
    assert of_kind(venue.set_mark(0, ticks), fell)
    return ticks


def linear_terms(lot, tick):
    scale = lot * tick / MICRO
    return LINEAR_TERMS | {
        "notional_num": scale.numerator, "notional_den": scale.denominator,
        "max_price_ticks": 2**31 - 1,
    }  # fmt: skip


@pytest.mark.parametrize("row", HYPERLIQUID["positions"], ids=lambda row: row["price"])
def test_hyperliquids_positions_fall_at_the_venues_own_prices(row):
    lot, tick = (Fraction(1, 10 ** places[row["symbol"]]) for places in (LOTS, TICKS))
    table = flat(Fraction(1, 2 * int(row["max_leverage"])))
    lots, entry = units(row["size"], lot), units(row["entry"], tick)
    venue = isolated(
        linear_terms(lot, tick), table, row["side"], lots, entry, units(row["margin"], MICRO)
    )
    ticks = falls_just_there(venue, row["side"])
    published = Fraction(row["price"])
    # Our dollar's sixth decimal: profit and maintenance are rounded to it against the account.
    slack = published * Fraction(HYPERLIQUID["tolerance"]) + 2 * MICRO / Fraction(row["size"])
    assert abs(ticks * tick - published) <= slack


def test_okxs_isolated_position_falls_where_its_margin_ratio_is_one():
    row = OKX["isolated"]
    lot, tick = Fraction(row["contract_value"]), Fraction(1, 10**7)
    rate = Fraction(row["maintenance_rate"]) + Fraction(row["fee"])
    venue = isolated(
        linear_terms(lot, tick), flat(rate), "long", int(row["contracts"]),
        units(row["entry"], tick), ceil(Fraction(row["margin"]) / MICRO),
    )  # fmt: skip
    venue.set_mark(0, units(row["mark"], tick))
    risk = venue.engine.position_risk(ALICE, 0)
    assert risk.profit_minor * MICRO == Fraction(row["profit"])
    # What we require has OKX's closing fee within it.
    fee = Fraction(row["maintenance"]) / Fraction(row["maintenance_rate"]) * Fraction(row["fee"])
    assert abs(risk.maintenance_minor * MICRO - Fraction(row["maintenance"]) - fee) <= MICRO
    margin = venue.margin(ALICE, instrument=0)
    ratio = Fraction(margin + risk.profit_minor, risk.maintenance_minor)
    assert abs(ratio - Fraction(row["ratio"])) < Fraction(1, 10**4)
    shown = Fraction(row["shown_price"]) - Fraction(row["shown_above_formula"])
    assert abs(falls_just_there(venue, "long") * tick - shown) <= tick


def test_bybits_unified_isolated_long_falls_at_the_published_price():
    (row,) = BYBIT["linear_unified"]
    entry, size = Fraction(row["entry"]), Fraction(row["size"])
    # The page takes what was added less what closing costs of it.
    added = Fraction(row["added"]) / (1 - Fraction(row["taker_fee"]))
    own = entry * size / int(row["leverage"])
    lot = Fraction(1, 1000)
    venue = isolated(
        LINEAR_TERMS, flat(row["maintenance"]), "long", units(row["size"], lot),
        units(row["entry"], CENT), int((own + added) / MICRO),
    )  # fmt: skip
    ticks = falls_just_there(venue, "long")
    assert abs(ticks * CENT - Fraction(row["price"])) <= CENT


def test_binances_coin_margined_account_falls_at_the_published_price():
    row = COINM["liquidation"]
    # A bracket below gives the page's rate its cumulative amount.
    before, rate = Fraction(4, 1000), Fraction(row["maintenance"])
    floor = ceil(Fraction(row["deduction"]) / (rate - before) / SATOSHI)
    table = [
        {"floor": "0", "maintenance": str(float(before))},
        {"floor": str(floor * SATOSHI), "maintenance": row["maintenance"]},
    ]
    lots = int(row["contracts"]) * int(COINM["face"])
    terms = INVERSE_TERMS | {"max_qty_lots": lots}
    table[1]["floor"] = f"{floor // 10**8}.{floor % 10**8:08}"
    venue = PublishedVenue([(terms, table)])
    venue.do(K.SET_COLLATERAL, asset=COIN, oracle=0, num=1, den=10**4)
    venue.deposit(ALICE, COIN, units(row["wallet"], SATOSHI))
    venue.enter(0, lots, units(row["entry"], CENT), leverage=20)
    ticks = venue.engine.position_risk(ALICE, 0).liquidation_ticks
    assert abs(ticks * CENT - Fraction(row["price"])) <= CENT
    fell = EventKind.ACCOUNT_FELL
    assert not of_kind(venue.set_mark(0, ticks + 1), fell)
    assert of_kind(venue.set_mark(0, ticks), fell)
