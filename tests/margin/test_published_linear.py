"""Published numbers of linear contracts: Binance, Bybit, OKX, Hyperliquid, Deribit, dYdX."""

from fractions import Fraction
from math import ceil

import pytest

from ledger.margin import account, contracts, liquidation, tiers
from tests.margin.oracle import Contract
from tests.margin.published import (
    MINOR,
    bracket_rows,
    digits,
    flat_rate,
    linear,
    load,
    meets,
    ppm,
    units,
)
from tests.margin.tables import risk_of

FINE = Fraction(1, 10**4)
SIDES = {"long": 1, "short": -1}

USDM = load("binance_usdm")
BRACKETS = load("binance_brackets")["tables"]
BYBIT = load("bybit")
OKX = load("okx")
HYPERLIQUID = load("hyperliquid")
DERIBIT = load("deribit")
DYDX = load("dydx")


def _tables():
    for symbol, table in BRACKETS.items():
        yield pytest.param(table, id=f"binance-{symbol}")
    for symbol, table in BYBIT["risk_limits"].items():
        yield pytest.param(table, id=f"bybit-{symbol}")


@pytest.mark.parametrize("table", _tables())
def test_cumulative_amounts_are_the_published_ones(table):
    built = tiers.build([tiers.Bracket(*row) for row in bracket_rows(table)])
    assert list(built["deduction_minor"]) == [units(row["deduction"], MINOR) for row in table]


class _Usdm:
    """One position of Binance's worked example, in our units."""

    def __init__(self, row):
        self.row = row
        lot = Fraction(1, 1000)
        brackets = bracket_rows(BRACKETS[row["brackets"]])
        self.risk = risk_of([linear(lot, FINE, brackets)])
        self.lots = units(row["size"], lot)
        self.cost = self.lots * units(row["entry"], FINE)
        self.mark = units(row["mark"], FINE)

    def pnl(self):
        return contracts.pnl_minor(self.risk.contracts, 0, self.lots, self.cost, self.mark)

    def maintenance(self):
        return contracts.maintenance_minor(
            self.risk.contracts, self.risk.tiers, 0, self.lots, self.mark
        )

    def liquidation(self, other):
        ticks = liquidation.liquidation_ticks(
            self.risk.contracts, self.risk.tiers, 0, self.lots, self.cost, other
        )
        return ticks * FINE


@pytest.mark.parametrize("row", USDM["positions"], ids=lambda row: row["symbol"])
def test_binance_maintenance_and_profit(row):
    position = _Usdm(row)
    assert meets(position.pnl() * MINOR, row["unrealized"], MINOR)
    assert meets(position.maintenance() * MINOR, row["maintenance"], MINOR)


@pytest.mark.parametrize("row", USDM["positions"], ids=lambda row: row["symbol"])
def test_binance_isolated_liquidation_price(row):
    wallet = units(USDM["wallet"], MINOR)
    assert meets(_Usdm(row).liquidation(wallet), row["liquidation_isolated"], FINE)


@pytest.mark.parametrize("place", [0, 1], ids=["BTCUSDT", "ETHUSDT"])
def test_binance_cross_liquidation_price(place):
    """Wallet + the other position's profit - the other position's maintenance, all from kernels."""
    row, other = USDM["positions"][place], _Usdm(USDM["positions"][1 - place])
    carried = units(USDM["wallet"], MINOR) + other.pnl() - other.maintenance()
    assert meets(_Usdm(row).liquidation(carried), row["liquidation_cross"], FINE)


def _bankruptcy(row, contract, tick, margin):
    side = SIDES[row["side"]]
    lots = side * units(row["size"], Fraction(1, 1000))
    risk = risk_of([contract])
    cost = lots * units(row["entry"], tick)
    return liquidation.bankruptcy_ticks(risk.contracts, 0, lots, cost, margin) * tick


@pytest.mark.parametrize("row", BYBIT["linear_fixed_margin"], ids=lambda row: row["price"])
def test_bybit_liquidation_price_with_maintenance_at_entry(row):
    contract = linear(Fraction(1, 1000), FINE, flat_rate("0.005"))
    free = units(row["margin"], MINOR) - units(row["maintenance"], MINOR)
    assert _bankruptcy(row, contract, FINE, free) == Fraction(row["price"])


@pytest.mark.parametrize("row", BYBIT["linear_bankruptcy"], ids=lambda row: row["price"])
def test_bybit_bankruptcy_price(row):
    contract = linear(Fraction(1, 1000), FINE, flat_rate("0.005"))
    margin = units(row["entry"], MINOR) * int(row["size"]) // int(row["leverage"])
    assert _bankruptcy(row, contract, FINE, margin) == Fraction(row["price"])


@pytest.mark.parametrize("row", BYBIT["linear_unified"], ids=lambda row: row["price"])
def test_bybit_liquidation_price_with_maintenance_at_the_price(row):
    lot = Fraction(1, 1000)
    risk = risk_of([linear(lot, FINE, flat_rate(row["maintenance"]))])
    lots = units(row["size"], lot)
    initial = Fraction(row["entry"]) / int(row["leverage"])
    margin = initial + Fraction(row["added"]) / (1 - Fraction(row["taker_fee"]))
    other = int(margin / MINOR)
    cost = lots * units(row["entry"], FINE)
    price = liquidation.liquidation_ticks(risk.contracts, risk.tiers, 0, lots, cost, other) * FINE
    assert meets(price, row["price"], FINE)


def _okx(tick):
    row = OKX["isolated"]
    lot = Fraction(row["contract_value"])
    rate = Fraction(row["maintenance_rate"]) + Fraction(row["fee"])
    return row, lot, linear(lot, tick, flat_rate(row["maintenance_rate"])), rate


def test_okx_profit_maintenance_and_ratio():
    tick = Fraction(1, 10**5)
    row, _, contract, _ = _okx(tick)
    risk = risk_of([contract])
    lots, mark = int(row["contracts"]), units(row["mark"], tick)
    cost = lots * units(row["entry"], tick)
    pnl = contracts.pnl_minor(risk.contracts, 0, lots, cost, mark)
    required = contracts.maintenance_minor(risk.contracts, risk.tiers, 0, lots, mark)
    notional = contracts.notional_minor(risk.contracts, 0, lots, mark)
    fee = ceil(Fraction(notional * ppm(row["fee"]), 10**6))
    assert pnl == units(row["profit"], MINOR)
    assert required == units(row["maintenance"], MINOR)
    ratio = account.risk_ratio_ppm(units(row["margin"], Fraction(1, 10**8)) + pnl, required + fee)
    assert ratio == int(Fraction(row["ratio"]) * 10**6)


def test_okx_initial_margin_of_the_isolated_position():
    row, lot, *_ = _okx(FINE)
    value = lot * int(row["contracts"]) * Fraction(row["entry"])
    got = tiers.initial_minor(
        tiers.build([tiers.Bracket(0, 20_000, 20_000)]),
        0,
        1,
        units(str(Fraction(value)), MINOR),
        int(row["leverage"]),
        10**6,
    )
    assert got == units(row["margin"], MINOR)


def test_okx_liquidation_price_but_for_the_tick_it_adds():
    tick = Fraction(1, 10**10)
    row, lot, _, rate = _okx(tick)
    risk = risk_of([linear(lot, tick, [(0, ppm(str(rate)), ppm(str(rate)))])])
    lots = int(row["contracts"])
    cost = lots * units(row["entry"], tick)
    margin = units(row["margin"], MINOR)
    got = liquidation.liquidation_ticks(risk.contracts, risk.tiers, 0, lots, cost, margin) * tick
    formula = Fraction(row["shown_price"]) - Fraction(row["shown_above_formula"])
    assert 0 <= formula - got < tick


def test_okx_cross_margins():
    row = OKX["cross"]
    tick, minor = Fraction(1, 100), Fraction(1, 10**10)
    risk = risk_of([linear(Fraction(row["contract_value"]), tick, flat_rate("0.005"), minor)])
    lots, mark = int(row["contracts"]), units(row["mark"], tick)
    required = contracts.maintenance_minor(risk.contracts, risk.tiers, 0, lots, mark)
    notional = contracts.notional_minor(risk.contracts, 0, lots, mark)
    initial = tiers.initial_minor(risk.tiers, 0, 1, notional, int(row["leverage"]), 10**6)
    assert required == units(row["maintenance"], minor)
    # One third is 333,334 ppm, rounded up: within a millionth of the notional.
    assert 0 <= initial * minor - Fraction(row["initial"]) <= notional * minor / 10**6


LOTS = {"BTC": Fraction(1, 10**5), "ETH": FINE, "SOL": Fraction(1, 100), "DOGE": Fraction(1)}
TICKS = {
    "BTC": FINE,
    "ETH": Fraction(1, 10**5),
    "SOL": Fraction(1, 10**6),
    "DOGE": Fraction(1, 10**9),
}


@pytest.mark.parametrize("row", HYPERLIQUID["positions"], ids=lambda row: row["price"])
def test_hyperliquid_liquidation_prices(row):
    lot, tick = LOTS[row["symbol"]], TICKS[row["symbol"]]
    rate = Fraction(1, 2 * int(row["max_leverage"]))
    risk = risk_of([linear(lot, tick, flat_rate(str(float(rate))))])
    lots = SIDES[row["side"]] * units(row["size"], lot)
    cost = lots * units(row["entry"], tick)
    margin = units(row["margin"], MINOR)
    ticks = liquidation.liquidation_ticks(risk.contracts, risk.tiers, 0, lots, cost, margin)
    published = Fraction(row["price"])
    assert abs(ticks * tick - published) <= published * Fraction(HYPERLIQUID["tolerance"])
    # The formula as written, at the entry price.
    side = SIDES[row["side"]]
    size, entry = Fraction(row["size"]), Fraction(row["entry"])
    available = Fraction(row["margin"]) - size * entry * rate
    formula = entry - side * available / size / (1 - rate * side)
    assert abs(ticks * tick - formula) <= tick


@pytest.mark.parametrize(
    "row", DERIBIT["examples"], ids=lambda row: f"{row['price']}x{row['size']}"
)
def test_deribit_margins_grow_with_size(row):
    minor = Fraction(1, 10**6)
    size = int(row["size"])
    notional = units(row["price"], minor) * size
    for kind in ("initial", "maintenance"):
        if row[kind] is None:
            continue
        base, step = ppm(row[f"{kind}_base"]), ppm(row["step"])
        assert tiers.ramp_minor(notional, size, base, step, 1) == units(row[kind], minor)


QUANTUM = Fraction(DYDX["quantum"])
BASE_QUANTUM = Fraction(1, 10**8)


@pytest.mark.parametrize("row", DYDX["bankruptcy"], ids=lambda row: row["bankruptcy_quote"])
def test_dydx_bankruptcy_price_of_a_slice(row):
    """Equity, notionals and maintenance all come from our functions."""
    contract = linear(BASE_QUANTUM, Fraction(1), flat_rate(DYDX["maintenance"]), QUANTUM)
    risk = risk_of([contract])
    closing = units(row["closing"], BASE_QUANTUM)

    def required(lots, price):
        return contracts.maintenance_minor(risk.contracts, risk.tiers, 0, lots, price)

    def value(lots, price):
        return contracts.pnl_minor(risk.contracts, 0, lots, 0, price)

    held = [(units(item["size"], BASE_QUANTUM), int(item["price"])) for item in row["positions"]]
    equity = units(row["quote_balance"], QUANTUM) + sum(value(*item) for item in held)
    total = sum(required(*item) for item in held)
    lots, price = held[0]
    freed = required(lots, price) - required(lots + closing, price)
    got = liquidation.bankruptcy_quote_minor(value(closing, price), equity, freed, total)
    assert got == units(row["bankruptcy_quote"], QUANTUM)


@pytest.mark.parametrize("row", DYDX["margin"], ids=lambda row: row["initial"])
def test_dydx_margin_requirements(row):
    exponent = int(row["exponent"])
    price = int(row["price"]) * 10 ** max(exponent, 0)
    scale = Fraction(10) ** (min(exponent, 0) + int(row["resolution"]) + 6)
    initial, maintenance = int(row["initial_ppm"]), int(row["maintenance_ppm"])
    contract = Contract(
        inverse=False,
        num=scale.numerator,
        den=scale.denominator,
        mark=1,
        brackets=[(0, maintenance, initial)],
    )
    risk = risk_of([contract])
    lots = int(row["quantums"])
    notional = contracts.notional_minor(risk.contracts, 0, lots, price)
    required = contracts.maintenance_minor(risk.contracts, risk.tiers, 0, lots, price)
    leverage = 10**6 // initial
    assert tiers.initial_minor(risk.tiers, 0, 1, notional, leverage, 10**6) == int(row["initial"])
    assert required == int(row["maintenance"])


def test_published_figures_are_compared_to_their_last_digit():
    assert digits("1153.26") == Fraction(1, 200)
    assert meets(Fraction("1153.2649"), "1153.26", Fraction(0))
    assert not meets(Fraction("1153.2651"), "1153.26", Fraction(0))
