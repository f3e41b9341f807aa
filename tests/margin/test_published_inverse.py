"""Published numbers of inverse contracts: BitMEX, Binance COIN-M, Bybit."""

from fractions import Fraction

import pytest

from ledger.margin import contracts, liquidation, tiers
from ledger.margin import inverse as coin
from tests.margin.published import MINOR, flat_rate, inverse, load, meets, ppm, units
from tests.margin.tables import risk_of

CENT = Fraction(1, 100)

BITMEX = load("bitmex")
COINM = load("binance_coinm")
BYBIT = load("bybit")


def _opened(contract, lots, entry, tick):
    return coin.apply_fill(0, 0, lots, units(entry, tick), contract.num)[:2]


@pytest.mark.parametrize("row", BITMEX["profits"], ids=lambda row: row["profit"])
def test_bitmex_profits(row):
    contract = inverse(Fraction(1), CENT, flat_rate("0.005"))
    lots, cost = _opened(contract, int(row["contracts"]), row["entry"], CENT)
    flat, left, realized = coin.apply_fill(
        lots, cost, -lots, units(row["exit"], CENT), contract.num
    )
    assert (flat, left) == (0, 0)
    assert meets(realized * MINOR, row["profit"], 2 * MINOR)


def test_bitmex_initial_margin():
    row = BITMEX["margin"]
    contract = inverse(Fraction(1), CENT, [(0, 5_000, 10_000)])
    risk = risk_of([contract])
    notional = contracts.notional_minor(
        risk.contracts, 0, int(row["contracts"]), units(row["entry"], CENT)
    )
    margin = tiers.initial_minor(risk.tiers, 0, 1, notional, int(row["leverage"]), 10**6)
    assert margin == units(row["margin"], MINOR)


def test_bitmex_liquidation_and_bankruptcy_price():
    row = BITMEX["liquidation"]
    contract = inverse(Fraction(1), CENT, flat_rate("0.005"))
    risk = risk_of([contract])
    lots, cost = _opened(contract, int(row["contracts"]), row["entry"], CENT)
    initial, kept = units(row["initial"], MINOR), units(row["maintenance"], MINOR)
    price = liquidation.bankruptcy_ticks(risk.contracts, 0, lots, cost, initial - kept) * CENT
    assert meets(price, row["liquidation"], CENT)
    bankrupt = liquidation.bankruptcy_ticks(risk.contracts, 0, lots, cost, initial) * CENT
    assert int(bankrupt) == int(row["bankruptcy"])


def test_bitmex_position_record_within_a_satoshi():
    row = BITMEX["record"]
    contract = inverse(Fraction(1), CENT, flat_rate(row["initial_rate"]))
    risk = risk_of([contract])
    lots, cost = _opened(contract, int(row["contracts"]), row["entry"], CENT)
    mark = units(row["mark"], CENT)
    value = coin.value_minor(lots, mark, contract.num)
    assert cost == int(row["cost_satoshi"])
    assert 0 <= int(row["value_satoshi"]) - value <= 1
    pnl = contracts.pnl_minor(risk.contracts, 0, lots, cost, mark)
    assert 0 <= int(row["profit_satoshi"]) - pnl <= 1
    entry = units(row["entry"], CENT)
    notional = contracts.notional_minor(risk.contracts, 0, lots, entry)
    initial = tiers.required_minor(notional, ppm(row["initial_rate"]), 0, 10**6)
    assert 0 <= initial - int(row["initial_satoshi"]) <= 1


def test_binance_coin_liquidation_price():
    row = COINM["liquidation"]
    contract = inverse(Fraction(COINM["face"]), CENT, flat_rate(row["maintenance"]))
    risk = risk_of([contract])
    risk.tiers["deduction_minor"][0] = units(row["deduction"], MINOR)
    lots, cost = _opened(contract, int(row["contracts"]), row["entry"], CENT)
    other = units(row["wallet"], MINOR)
    price = liquidation.liquidation_ticks(risk.contracts, risk.tiers, 0, lots, cost, other) * CENT
    assert meets(price, row["price"], CENT)


def test_binance_coin_maintenance_margin():
    row = COINM["maintenance"]
    risk = risk_of([inverse(Fraction(COINM["face"]), CENT, flat_rate(row["rate"]))])
    required = contracts.maintenance_minor(
        risk.contracts,
        risk.tiers,
        0,
        int(row["contracts"]),
        units(row["mark"], CENT),
    )
    assert required == units(row["margin"], MINOR)


def test_binance_coin_cumulative_amount():
    """The amount of a bracket from the one before: 0.56 BTC stand for all brackets below."""
    row = COINM["deduction"]
    before, rate = ppm(row["before"]), ppm(row["rate"])
    earlier = units(row["before_deduction"], MINOR)
    # A bracket whose own amount is the published one: below it a rate of 0.1 % up to its floor.
    low = earlier * 10**6 // (before - 1000)
    built = tiers.build(
        [
            tiers.Bracket(0, 1000, 1000),
            tiers.Bracket(low, before, before),
            tiers.Bracket(units(row["floor"], MINOR), rate, rate),
        ]
    )
    assert abs(int(built["deduction_minor"][1]) - earlier) <= 1
    assert abs(int(built["deduction_minor"][2]) - units(row["deduction"], MINOR)) <= 1


def test_bybit_tiered_maintenance_margin():
    row = BYBIT["inverse_brackets"]
    rows = [
        (units(low, MINOR), ppm(rate), ppm(rate))
        for low, rate in zip(row["floors"], row["rates"], strict=True)
    ]
    risk = risk_of([inverse(Fraction(1), CENT, rows)])
    lots, entry = int(row["contracts"]), units(row["entry"], CENT)
    notional = contracts.notional_minor(risk.contracts, 0, lots, entry)
    required = contracts.maintenance_minor(risk.contracts, risk.tiers, 0, lots, entry)
    assert notional == units(row["value"], MINOR)
    assert required == units(row["maintenance"], MINOR)
    assert tiers.initial_minor(
        risk.tiers, 0, len(rows), notional, int(row["leverage"]), 10**6
    ) == units(row["initial"], MINOR)


def test_bybit_cross_bankruptcy_price_counts_the_closing_fee():
    row = BYBIT["inverse_cross"]
    contract = inverse(Fraction(1), CENT, flat_rate(row["fee"]))
    risk = risk_of([contract])
    lots, cost = _opened(contract, int(row["contracts"]), row["entry"], CENT)
    balance = units(row["balance"], MINOR)
    price = liquidation.liquidation_ticks(risk.contracts, risk.tiers, 0, lots, cost, balance) * CENT
    assert meets(price, row["bankruptcy"], CENT)


def test_bybit_cross_liquidation_price_on_its_tick():
    row = BYBIT["inverse_cross"]
    tick = Fraction(row["tick"])
    contract = inverse(Fraction(1), tick, flat_rate(row["maintenance_at_entry"]))
    risk = risk_of([contract])
    size = int(row["contracts"])
    lots, cost = _opened(contract, size, row["entry"], tick)
    fee = Fraction(row["fee"]) * size / Fraction(row["bankruptcy"])
    kept = Fraction(row["maintenance_at_entry"]) * size / Fraction(row["entry"])
    free = int((Fraction(row["balance"]) - kept - fee) / MINOR)
    price = liquidation.bankruptcy_ticks(risk.contracts, 0, lots, cost, free) * tick
    assert price == Fraction(row["liquidation"])
