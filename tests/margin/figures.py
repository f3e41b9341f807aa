"""The table of published figures in docs/spec/margin.md, section 13: made by our kernels.

Each line is one published number beside ours; test_figures.py holds the document to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil
from typing import Any

from ledger.margin import contracts, funding, inverse, liquidation, tiers
from ledger.margin.account import risk_ratio_ppm
from ledger.margin.breaker import band_ticks
from matching.units import PRICE_TICKS_MAX
from tests.margin import published
from tests.margin.published import MINOR, bracket_rows, flat_rate, linear, load, ppm, units
from tests.margin.tables import risk_of

CENT = Fraction(1, 100)
FINE = Fraction(1, 10**4)
MILLI = Fraction(1, 1000)
PPM = Fraction(1, 10**6)
PPB = Fraction(1, 10**9)
SIDES = {"long": 1, "short": -1}


@dataclass(frozen=True)
class Line:
    """One published number."""

    case: str
    ours: Fraction
    published: str
    why: str = ""
    """Why the two differ, where they do."""

    def text(self) -> str:
        """A row of the table."""
        gap = self.ours - Fraction(self.published)
        assert bool(gap) == bool(self.why), f"{self.case}: {gap} {self.why}"
        shown = f"{_decimal(gap)}: {self.why}" if gap else "0"
        return f"| {self.case} | {_decimal(self.ours)} | {self.published} | {shown} |"


def _decimal(number: Fraction) -> str:
    """Exact where ten decimals suffice, else cut there."""
    with localcontext() as context:
        context.prec = 40
        scaled = Decimal(int(number * 10**10)) / 10**10
        return f"{scaled.normalize():f}"


def _price(risk: Any, place: tuple[int, int], other: int, tick: Fraction) -> Fraction:
    """A liquidation price."""
    return liquidation.liquidation_ticks(risk.contracts, risk.tiers, 0, *place, other) * tick


def _broke(risk: Any, place: tuple[int, int], margin: int, tick: Fraction) -> Fraction:
    """A bankruptcy price."""
    return liquidation.bankruptcy_ticks(risk.contracts, 0, *place, margin) * tick


TWO_DIGITS = "the page rounds to two decimals"


def _usdm() -> Iterator[Line]:
    book, tables = load("binance_usdm"), load("binance_brackets")["tables"]
    wallet = units(book["wallet"], MINOR)
    held = []
    for row in book["positions"]:
        risk = risk_of([linear(MILLI, FINE, bracket_rows(tables[row["brackets"]]))])
        lots = units(row["size"], MILLI)
        place, mark = (lots, lots * units(row["entry"], FINE)), units(row["mark"], FINE)
        pnl = contracts.pnl_minor(risk.contracts, 0, *place, mark)
        kept = contracts.maintenance_minor(risk.contracts, risk.tiers, 0, lots, mark)
        held.append((row, risk, place, pnl, kept))
    for (row, risk, place, pnl, kept), other in zip(held, reversed(held), strict=True):
        name = f"Binance USD-M {row['symbol']}"
        yield Line(f"{name}, unrealized profit", pnl * MINOR, row["unrealized"], TWO_DIGITS)
        cut = "the page cuts its digits" if Fraction(row["maintenance"]) != kept * MINOR else ""
        yield Line(f"{name}, maintenance", kept * MINOR, row["maintenance"], cut)
        alone = _price(risk, place, wallet, FINE)
        yield Line(f"{name}, liquidation, isolated", alone, row["liquidation_isolated"], TWO_DIGITS)
        both = _price(risk, place, wallet + other[3] - other[4], FINE)
        yield Line(f"{name}, liquidation, cross", both, row["liquidation_cross"], TWO_DIGITS)
    for symbol, table in tables.items():
        built = tiers.build([tiers.Bracket(*row) for row in bracket_rows(table)])
        last = int(built["deduction_minor"][-1]) * MINOR
        text = table[-1]["deduction"]
        yield Line(f"Binance {symbol}, cumulative amount of bracket {len(table)}", last, text)


def _coinm() -> Iterator[Line]:
    book = load("binance_coinm")
    row, face = book["liquidation"], Fraction(book["face"])
    risk = risk_of([published.inverse(face, CENT, flat_rate(row["maintenance"]))])
    risk.tiers["deduction_minor"][0] = units(row["deduction"], MINOR)
    num = int(risk.contracts["num"][0])
    place = inverse.apply_fill(0, 0, int(row["contracts"]), units(row["entry"], CENT), num)[:2]
    price = _price(risk, place, units(row["wallet"], MINOR), CENT)
    why = "a tick of 0.01, theirs is 0.1; exactly 33599.4186"
    yield Line("Binance COIN-M, liquidation", price, row["price"], why)
    row = book["maintenance"]
    risk = risk_of([published.inverse(face, CENT, flat_rate(row["rate"]))])
    lots, mark = int(row["contracts"]), units(row["mark"], CENT)
    kept = contracts.maintenance_minor(risk.contracts, risk.tiers, 0, lots, mark)
    yield Line("Binance COIN-M, maintenance", kept * MINOR, row["margin"])


def _bybit() -> Iterator[Line]:
    book = load("bybit")
    plain = risk_of([linear(MILLI, FINE, flat_rate("0.005"))])
    for row in book["linear_fixed_margin"]:
        lots = SIDES[row["side"]] * units(row["size"], MILLI)
        free = units(row["margin"], MINOR) - units(row["maintenance"], MINOR)
        price = _broke(plain, (lots, lots * units(row["entry"], FINE)), free, FINE)
        yield Line(f"Bybit {row['side']} isolated, margin {row['margin']}", price, row["price"])
    for row in book["linear_bankruptcy"]:
        lots, entry = units(row["size"], MILLI), units(row["entry"], FINE)
        margin = units(row["entry"], MINOR) * int(row["size"]) // int(row["leverage"])
        price = _broke(plain, (lots, lots * entry), margin, FINE)
        yield Line(f"Bybit bankruptcy, entry {row['entry']}", price, row["price"])
    row = book["linear_unified"][0]
    lots, entry = units(row["size"], MILLI), units(row["entry"], FINE)
    added = Fraction(row["added"]) / (1 - Fraction(row["taker_fee"]))
    margin = int((Fraction(row["entry"]) / int(row["leverage"]) + added) / MINOR)
    price = _price(plain, (lots, lots * entry), margin, FINE)
    yield Line("Bybit unified, isolated, margin added", price, row["price"], TWO_DIGITS)
    row = book["inverse_cross"]
    risk = risk_of([published.inverse(Fraction(1), CENT, flat_rate(row["fee"]))])
    num = int(risk.contracts["num"][0])
    place = inverse.apply_fill(0, 0, int(row["contracts"]), units(row["entry"], CENT), num)[:2]
    price = _price(risk, place, units(row["balance"], MINOR), CENT)
    yield Line("Bybit inverse, bankruptcy", price, row["bankruptcy"])
    tick, size = Fraction(row["tick"]), int(row["contracts"])
    risk = risk_of([published.inverse(Fraction(1), tick, flat_rate(row["fee"]))])
    num = int(risk.contracts["num"][0])
    place = inverse.apply_fill(0, 0, size, units(row["entry"], tick), num)[:2]
    fee = Fraction(row["fee"]) * size / Fraction(row["bankruptcy"])
    kept = Fraction(row["maintenance_at_entry"]) * size / Fraction(row["entry"])
    free = int((Fraction(row["balance"]) - kept - fee) / MINOR)
    yield Line("Bybit inverse, liquidation", _broke(risk, place, free, tick), row["liquidation"])


def _okx() -> Iterator[Line]:
    row, tick = load("okx")["isolated"], Fraction(1, 10**5)
    lot = Fraction(row["contract_value"])
    risk = risk_of([linear(lot, tick, flat_rate(row["maintenance_rate"]))])
    lots, mark = int(row["contracts"]), units(row["mark"], tick)
    pnl = contracts.pnl_minor(risk.contracts, 0, lots, lots * units(row["entry"], tick), mark)
    kept = contracts.maintenance_minor(risk.contracts, risk.tiers, 0, lots, mark)
    value = contracts.notional_minor(risk.contracts, 0, lots, mark)
    fee = ceil(value * Fraction(row["fee"]))
    ratio = risk_ratio_ppm(units(row["margin"], MINOR) + pnl, kept + fee) * PPM
    yield Line("OKX isolated, profit", pnl * MINOR, row["profit"])
    yield Line("OKX isolated, maintenance", kept * MINOR, row["maintenance"])
    yield Line("OKX isolated, margin ratio", ratio, row["ratio"], "ours has six decimals, floored")
    rate = Fraction(row["maintenance_rate"]) + Fraction(row["fee"])
    tick = Fraction(1, 10**10)
    risk = risk_of([linear(lot, tick, flat_rate(str(Decimal(ppm(str(rate))) / 10**6)))])
    place = (lots, lots * units(row["entry"], tick))
    price = _price(risk, place, units(row["margin"], MINOR), tick)
    why = "OKX adds its tick of 0.00001 to a long's price"
    yield Line("OKX isolated, liquidation", price, row["shown_price"], why)


def _bitmex() -> Iterator[Line]:
    book = load("bitmex")
    risk = risk_of([published.inverse(Fraction(1), CENT, flat_rate("0.005"))])
    num = int(risk.contracts["num"][0])
    for row in book["profits"]:
        place = inverse.apply_fill(0, 0, int(row["contracts"]), units(row["entry"], CENT), num)[:2]
        out = inverse.apply_fill(*place, -place[0], units(row["exit"], CENT), num)[2] * MINOR
        name = f"BitMEX profit, {row['entry']} to {row['exit']}"
        yield Line(name, out, row["profit"], "the page rounds to four decimals")
    row = book["liquidation"]
    place = inverse.apply_fill(0, 0, int(row["contracts"]), units(row["entry"], CENT), num)[:2]
    initial, kept = units(row["initial"], MINOR), units(row["maintenance"], MINOR)
    price = _broke(risk, place, initial - kept, CENT)
    yield Line("BitMEX liquidation", price, row["liquidation"])
    price = _broke(risk, place, initial, CENT)
    yield Line("BitMEX bankruptcy", price, row["bankruptcy"], "the page cuts to dollars")
    row = book["record"]
    place = inverse.apply_fill(0, 0, int(row["contracts"]), units(row["entry"], CENT), num)[:2]
    yield Line("BitMEX record, cost, satoshi", Fraction(place[1]), row["cost_satoshi"])
    pnl = contracts.pnl_minor(risk.contracts, 0, *place, units(row["mark"], CENT))
    why = "BitMEX rounds to the nearest, we against the account"
    yield Line("BitMEX record, profit, satoshi", Fraction(pnl), row["profit_satoshi"], why)


LOTS = {"BTC": Fraction(1, 10**5), "ETH": FINE, "SOL": CENT, "DOGE": Fraction(1)}
TICKS = {"BTC": FINE, "ETH": Fraction(1, 10**5), "SOL": PPM, "DOGE": PPB}


def _hyperliquid() -> Iterator[Line]:
    book = load("hyperliquid")
    seen = set()
    for row in book["positions"]:
        kind = row["symbol"], row["side"]
        if kind in seen:
            continue
        seen.add(kind)
        lot, tick = LOTS[row["symbol"]], TICKS[row["symbol"]]
        rate = Fraction(1, 2 * int(row["max_leverage"]))
        risk = risk_of([linear(lot, tick, flat_rate(str(float(rate))))])
        lots = SIDES[row["side"]] * units(row["size"], lot)
        place = (lots, lots * units(row["entry"], tick))
        price = _price(risk, place, units(row["margin"], MINOR), tick)
        name = f"Hyperliquid {row['symbol']} {row['side']}"
        yield Line(name, price, row["price"], "published margin and entry are rounded")
    row = book["funding"]
    premium = funding.premium_ppb(
        *(int(row[key]) for key in ("impact_bid", "impact_ask", "oracle"))
    )
    rule = funding.FundingRule(units(row["interest"], PPB), units(row["damper"], PPB), 2**30)
    rate = funding.predicted_rate_ppb(*funding.add_sample(0, 0, premium), rule)
    yield Line("Hyperliquid funding rate, predicted from one sample", rate * PPB, row["rate"])


def _deribit_and_dydx() -> Iterator[Line]:
    for row in load("deribit")["examples"]:
        value = units(row["price"], PPM) * int(row["size"])
        for kind in ("initial", "maintenance"):
            if row[kind] is not None:
                base, step = ppm(row[f"{kind}_base"]), ppm(row["step"])
                got = tiers.ramp_minor(value, int(row["size"]), base, step, 1) * PPM
                yield Line(f"Deribit {row['size']} at {row['price']}, {kind}", got, row[kind])
    book = load("dydx")
    risk = risk_of([linear(MINOR, Fraction(1), flat_rate(book["maintenance"]), PPM)])
    for row in book["bankruptcy"]:
        held = [(units(item["size"], MINOR), int(item["price"])) for item in row["positions"]]
        closing, (lots, price) = units(row["closing"], MINOR), held[0]
        values = [contracts.pnl_minor(risk.contracts, 0, size, 0, at) for size, at in held]
        kept = [
            contracts.maintenance_minor(risk.contracts, risk.tiers, 0, size, at)
            for size, at in [*held, (lots + closing, price)]
        ]
        delta = contracts.pnl_minor(risk.contracts, 0, closing, 0, price)
        equity = units(row["quote_balance"], PPM) + sum(values)
        got = liquidation.bankruptcy_quote_minor(delta, equity, kept[0] - kept[-1], sum(kept[:-1]))
        name = f"dYdX v4 bankruptcy, {row['closing']} of {row['positions'][0]['size']}"
        name += f" with {row['quote_balance']} quote"
        if len(held) > 1:
            name += f" and {row['positions'][1]['size']} at {row['positions'][1]['price']}"
        yield Line(name, got * PPM, row["bankruptcy_quote"])
    for row in book["funding"]:
        scale = Fraction(10) ** (min(int(row["exponent"]), 0) + int(row["resolution"]) + 6)
        price = int(row["price"]) * 10 ** max(int(row["exponent"]), 0)
        rate = int(row["rate_ppm"]) * 1000 * int(row["hours"]) // 8
        paid = funding.linear_payment_minor(10**6, price, rate, scale.numerator, scale.denominator)
        why = "dYdX cuts towards zero, we against the account"
        name = f"dYdX v4 funding index, rate {row['rate_ppm']} ppm, {row['hours']} h"
        gap = -paid != int(row["index_delta"])
        yield Line(name, Fraction(-paid), row["index_delta"], why if gap else "")


def _brackets_and_bands() -> Iterator[Line]:
    """Two debts in brackets, and price bands."""
    book = load("borrow")
    for kind in ("initial", "maintenance"):
        total = 0
        for loan in book["tiered"]["loans"]:
            rows = [(units(tier["floor"], MINOR), ppm(tier[kind])) for tier in loan["tiers"]]
            table = tiers.build([tiers.Bracket(low, rate, 10**6) for low, rate in rows])
            value = units(loan["value"], MINOR)
            total += tiers.maintenance_minor(table, 0, len(table), value, 10**6)
        yield Line(f"Binance, {kind} margin of two loans", total * MINOR, book["tiered"][kind])
    for row in load("bands")["bands"]:
        tick = Fraction(row["tick"])
        for end, key, place in (("low", "down", 0), ("high", "up", 1)):
            band = band_ticks(units(row["reference"], tick), units(row[key], PPM), PRICE_TICKS_MAX)
            yield Line(f"{row['name']} band, {end}", band[place] * tick, row[end])


def lines() -> list[Line]:
    """All lines, in the order of the document."""
    parts = (
        _usdm,
        _coinm,
        _bybit,
        _okx,
        _bitmex,
        _hyperliquid,
        _deribit_and_dydx,
        _brackets_and_bands,
    )
    return [line for part in parts for line in part()]
