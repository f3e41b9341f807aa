"""Random days of trading through the dialect: what clients are told adds up, from every side.

Nothing here looks inside the venue but the books' sum: answers, queries and histories are compared
with each other and with plain bookkeeping over the answers.
"""

from collections import defaultdict
from decimal import Decimal
from random import Random

import pytest

from tests.api.venue import BTC, USDT, Trader, Venue

ORDER = "/api/v3/order"
OPEN = ("NEW", "PARTIALLY_FILLED")
STEPS = 120


class Story:
    """Three traders at random, and what they were told."""

    def __init__(self, venue: Venue, seed: int) -> None:
        self.venue, self.random = venue, Random(seed)
        self.traders = [venue.trader(btc=10, usdt=100_000) for _ in range(3)]
        self.told: dict[int, dict[int, dict]] = {t.account: {} for t in self.traders}

    def step(self) -> None:
        trader = self.random.choice(self.traders)
        self.random.choice([self.place, self.place, self.place, self.cancel, self.amend])(trader)

    def ask(self, trader: Trader, method: str, path: str, **wish: object):
        answer = self.venue.signed(trader, method, path, symbol="BTCUSDT", **wish)
        assert answer.status_code in (200, 400), answer.text
        return answer.json()

    def place(self, trader: Trader) -> None:
        r = self.random
        kind = r.choice(["LIMIT", "LIMIT", "LIMIT", "LIMIT_MAKER", "MARKET", "QUOTE"])
        wish: dict[str, object] = {"side": r.choice(["BUY", "SELL"]), "newOrderRespType": "FULL"}
        wish["selfTradePreventionMode"] = r.choice(["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"])
        if kind == "QUOTE":
            wish |= {
                "type": "MARKET",
                "quoteOrderQty": f"{r.randint(100, 4000)}.{r.randint(0, 99):02}",
            }
        else:
            wish |= {"type": kind, "quantity": f"{r.randint(1, 20) / 10:.1f}"}
        if kind.startswith("LIMIT"):
            wish["price"] = f"{r.randint(19_990, 20_010)}.{r.randint(0, 99):02}"
        if kind == "LIMIT":
            wish["timeInForce"] = r.choice(["GTC", "GTC", "GTC", "IOC", "FOK"])
        told = self.ask(trader, "POST", ORDER, **wish)
        if "orderId" in told:
            self.check_fills(told)
            self.told[trader.account][told["orderId"]] = told
        else:
            assert told["code"] in (-2010, -1013), told

    def check_fills(self, told: dict) -> None:
        filled = sum(Decimal(fill["qty"]) for fill in told["fills"])
        assert filled == Decimal(told["executedQty"])
        for fill in told["fills"]:
            if "price" in told and Decimal(told["price"]) > 0:
                better = Decimal(told["price"]) - Decimal(fill["price"])
                assert better >= 0 if told["side"] == "BUY" else better <= 0

    def cancel(self, trader: Trader) -> None:
        order = self.an_open_order(trader)
        if order is not None:
            told = self.ask(trader, "DELETE", ORDER, orderId=order["orderId"])
            assert told["status"] == "CANCELED"
            again = self.ask(trader, "DELETE", ORDER, orderId=order["orderId"])
            assert again["code"] == -2011

    def amend(self, trader: Trader) -> None:
        order = self.an_open_order(trader)
        if order is None:
            return
        left = Decimal(order["origQty"]) - Decimal(order["executedQty"])
        qty = Decimal(order["executedQty"]) + left / 2
        wish = {"orderId": order["orderId"], "newQty": f"{qty:.5f}"}
        told = self.ask(trader, "PUT", f"{ORDER}/amend/keepPriority", **wish)
        if "amendedOrder" in told:
            assert Decimal(told["amendedOrder"]["qty"]) < Decimal(order["origQty"])

    def an_open_order(self, trader: Trader) -> dict | None:
        orders = self.ask(trader, "GET", "/api/v3/openOrders")
        return self.random.choice(orders) if orders else None

    def check(self) -> None:
        """Everything that anybody can ask, against everything else."""
        held: dict[str, Decimal] = defaultdict(Decimal)
        for trader in self.traders:
            self.check_orders(trader)
            for row in self.ask_account(trader)["balances"]:
                held[row["asset"]] += Decimal(row["free"]) + Decimal(row["locked"])
        engine = self.venue.engine
        for asset, name, deposited in ((BTC, "BTC", 30), (USDT, "USDT", 300_000)):
            of_venue = sum(engine.balance(system, asset).available_minor for system in (1, 2))
            assert held[name] + Decimal(of_venue).scaleb(-8) == deposited

    def ask_account(self, trader: Trader):
        return self.venue.signed(trader, "GET", "/api/v3/account").json()

    def check_orders(self, trader: Trader) -> None:
        orders = {
            row["orderId"]: row for row in self.ask(trader, "GET", "/api/v3/allOrders", limit=1000)
        }
        trades = self.ask(trader, "GET", "/api/v3/myTrades", limit=1000)
        filled: dict[int, Decimal] = defaultdict(Decimal)
        for trade in trades:
            filled[trade["orderId"]] += Decimal(trade["qty"])
        assert [trade["id"] for trade in trades] == sorted(trade["id"] for trade in trades)
        for order_id, row in orders.items():
            assert Decimal(row["executedQty"]) == filled[order_id]
            assert row == self.ask(trader, "GET", ORDER, orderId=order_id)
            if row["status"] == "FILLED":
                assert row["executedQty"] == row["origQty"]
        killed = {
            order_id
            for order_id, told in self.told[trader.account].items()
            if told["status"] == "EXPIRED" and not told["fills"] and order_id not in orders
        }
        assert self.told[trader.account].keys() - killed == orders.keys()
        listed = self.ask(trader, "GET", "/api/v3/openOrders")
        assert [row["orderId"] for row in listed] == [
            order_id for order_id in sorted(orders) if orders[order_id]["status"] in OPEN
        ]
        locked = {"BTC": Decimal(0), "USDT": Decimal(0)}
        for row in listed:
            left = Decimal(row["origQty"]) - Decimal(row["executedQty"])
            buys = row["side"] == "BUY"
            locked["USDT" if buys else "BTC"] += left * Decimal(row["price"]) if buys else left
        for row in self.ask_account(trader)["balances"]:
            # A buyer's hold may exceed price times quantity by less than a unit an order: rounding.
            spare = Decimal(row["locked"]) - locked[row["asset"]]
            assert 0 <= spare <= Decimal(len(listed)).scaleb(-8)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_random_day_adds_up_from_every_side(venue, seed):
    story = Story(venue, seed)
    for number in range(STEPS):
        story.step()
        if number % 60 == 59:
            story.check()
