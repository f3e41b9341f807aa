"""The listing follows the engine: what a command lists is there for the next request."""

from ledger.records.build import address_fields, command
from ledger.records.codes import CommandKind
from tests.api.venue import USDT, Venue


def list_ether(venue: Venue, fee: int = 0, **limits: int) -> None:
    """A third asset, and its instrument: whole lots, a tick of 0.0001."""
    venue.command(
        command(
            CommandKind.LIST_ASSET,
            asset=2,
            ledger_decimals=8,
            token_decimals=18,
            supply_max_minor=10**17,
            withdrawal_min_minor=1,
            withdrawal_fee_minor=fee,
            symbol=b"ETH",
            **address_fields("token", bytes([3]) * 20),
        )
    )
    venue.command(
        command(
            CommandKind.LIST_INSTRUMENT,
            instrument=1,
            price_decimals=4,
            qty_decimals=0,
            base=2,
            quote=USDT,
            lot_minor=10**8,
            notional_num=10**4,
            notional_den=1,
            max_price_ticks=10**8,
            symbol=b"ETHUSDT",
            **{"min_notional_minor": 1, "max_qty_lots": 10**6} | limits,
        )
    )


def test_an_instrument_trades_from_the_moment_it_is_listed(venue):
    trader = venue.trader(usdt=1_000)
    wish = {"symbol": "ETHUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    wish |= {"quantity": "2", "price": "100.1234"}
    assert venue.signed(trader, "POST", "/api/v3/order", **wish).json()["code"] == -1121
    list_ether(venue)
    placed = venue.signed(trader, "POST", "/api/v3/order", **wish).json()
    assert (placed["status"], placed["price"], placed["origQty"]) == (
        "NEW",
        "100.12340000",
        "2.00000000",
    )
    symbols = [row["symbol"] for row in venue.get("/api/v3/exchangeInfo").json()["symbols"]]
    assert symbols == ["BTCUSDT", "ETHUSDT"]
    balances = venue.signed(trader, "GET", "/api/v3/account").json()["balances"]
    assert [row["asset"] for row in balances] == ["BTC", "USDT", "ETH"]
    assert balances[1] == {"asset": "USDT", "free": "799.75320000", "locked": "200.24680000"}


def test_each_instrument_has_its_own_rules_and_orders(venue):
    list_ether(venue)
    trader = venue.trader(usdt=1_000)
    wish = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "100", "quantity": "0.5"}
    fraction = venue.signed(trader, "POST", "/api/v3/order", symbol="ETHUSDT", **wish)
    assert fraction.json()["msg"] == "Filter failure: LOT_SIZE"
    order = venue.signed(trader, "POST", "/api/v3/order", symbol="BTCUSDT", **wish).json()
    elsewhere = {"symbol": "ETHUSDT", "orderId": order["orderId"]}
    assert venue.signed(trader, "GET", "/api/v3/order", **elsewhere).json()["code"] == -2013
    assert venue.signed(trader, "DELETE", "/api/v3/order", **elsewhere).json()["code"] == -2011
    assert venue.signed(trader, "GET", "/api/v3/openOrders", symbol="ETHUSDT").json() == []
    assert len(venue.signed(trader, "GET", "/api/v3/openOrders").json()) == 1


def test_limits_count_from_the_moment_they_change(venue):
    list_ether(venue)
    trader = venue.trader(usdt=1_000)
    wish = {"symbol": "ETHUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    wish |= {"quantity": "3", "price": "100"}
    assert venue.signed(trader, "POST", "/api/v3/order", **wish).status_code == 200
    list_ether(venue, fee=5 * 10**6, max_qty_lots=2)
    refused = venue.signed(trader, "POST", "/api/v3/order", **wish)
    assert refused.json()["msg"] == "Filter failure: LOT_SIZE"
    rows = venue.get("/api/v3/exchangeInfo", symbol="ETHUSDT").json()["symbols"][0]["filters"]
    (lot_size,) = [row for row in rows if row["filterType"] == "LOT_SIZE"]
    assert lot_size["maxQty"] == "2.00000000"
    coins = venue.signed(trader, "GET", "/sapi/v1/capital/config/getall").json()
    (ether,) = [row for row in coins if row["coin"] == "ETH"]
    assert ether["networkList"][0]["withdrawFee"] == "0.05000000"
    list_ether(venue)
    assert venue.signed(trader, "POST", "/api/v3/order", **wish).status_code == 200
