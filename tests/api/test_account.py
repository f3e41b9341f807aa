"""The caller's account over HTTP: balances, trades, and nobody else's."""

import pytest

from api.gate.auth import Scope
from api.gate.customers import KeyGrant

ORDER = "/api/v3/order"
LIMIT = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC"}


@pytest.fixture
def pair(venue):
    """A maker who sold 1 BTC at 20000 in two trades, and the taker who bought it."""
    maker, taker = venue.trader(btc=2), venue.trader(usdt=100_000)
    venue.signed(maker, "POST", ORDER, **LIMIT, side="SELL", quantity=2, price=20_000)
    for _ in range(2):
        venue.ahead_ns += 60 * 10**9
        venue.signed(taker, "POST", ORDER, **LIMIT, side="BUY", quantity="0.5", price=20_000)
    return maker, taker


def test_balances_are_free_and_locked(venue, pair):
    maker, taker = pair
    of_maker = venue.signed(maker, "GET", "/api/v3/account").json()
    assert of_maker["balances"] == [
        {"asset": "BTC", "free": "0.00000000", "locked": "1.00000000"},
        {"asset": "USDT", "free": "19980.00000000", "locked": "0.00000000"},
    ]
    of_taker = venue.signed(taker, "GET", "/api/v3/account", omitZeroBalances="true").json()
    assert of_taker["balances"] == [
        {"asset": "BTC", "free": "0.99850000", "locked": "0.00000000"},
        {"asset": "USDT", "free": "80000.00000000", "locked": "0.00000000"},
    ]
    assert of_taker["uid"] == taker.account


def test_zero_balances_may_be_left_out(venue):
    empty = venue.trader()
    assert len(venue.signed(empty, "GET", "/api/v3/account").json()["balances"]) == 2
    answer = venue.signed(empty, "GET", "/api/v3/account", omitZeroBalances="true")
    assert answer.json()["balances"] == []


def test_the_account_states_its_rates_and_the_keys_rights(venue):
    reader = venue.trader(grant=KeyGrant("reader", Scope.READ))
    account = venue.signed(reader, "GET", "/api/v3/account").json()
    assert account["commissionRates"] == {
        "maker": "0.00100000",
        "taker": "0.00150000",
        "buyer": "0.00000000",
        "seller": "0.00000000",
    }
    assert (account["makerCommission"], account["takerCommission"]) == (10, 15)
    assert (account["canTrade"], account["canWithdraw"]) == (False, False)


def test_each_side_sees_its_half_of_a_trade(venue, pair):
    (sold, _), (bought, _) = (
        venue.signed(trader, "GET", "/api/v3/myTrades", symbol="BTCUSDT").json() for trader in pair
    )
    assert (sold["isBuyer"], sold["isMaker"]) == (False, True)
    assert (sold["commission"], sold["commissionAsset"]) == ("10.00000000", "USDT")
    assert (bought["isBuyer"], bought["isMaker"]) == (True, False)
    assert (bought["commission"], bought["commissionAsset"]) == ("0.00075000", "BTC")
    assert sold["id"] == bought["id"]
    assert sold["orderId"] != bought["orderId"]
    assert bought["quoteQty"] == "10000.00000000"


def test_my_trades_come_by_id_by_time_or_by_order(venue, pair):
    _, taker = pair

    def listed(**wish: object) -> list[int]:
        answer = venue.signed(taker, "GET", "/api/v3/myTrades", symbol="BTCUSDT", **wish)
        return [trade["id"] for trade in answer.json()]

    first, second = venue.signed(taker, "GET", "/api/v3/myTrades", symbol="BTCUSDT").json()
    assert listed() == [1, 2]
    assert listed(limit=1) == [2]
    assert listed(fromId=2) == [2]
    assert listed(orderId=first["orderId"]) == [1]
    assert listed(startTime=first["time"] + 1) == [2]
    assert listed(startTime=first["time"], endTime=second["time"] - 1) == [1]


def test_an_account_reads_and_moves_nothing_of_anothers(venue, pair):
    maker, _ = pair
    stranger = venue.trader(btc=1)
    order = venue.signed(maker, "GET", "/api/v3/openOrders").json()[0]
    for method, path, wish in (
        ("GET", ORDER, {"orderId": order["orderId"]}),
        ("GET", ORDER, {"origClientOrderId": order["clientOrderId"]}),
        ("DELETE", ORDER, {"orderId": order["orderId"]}),
        ("DELETE", ORDER, {"origClientOrderId": order["clientOrderId"]}),
        ("DELETE", "/api/v3/openOrders", {}),
        ("PUT", f"{ORDER}/amend/keepPriority", {"orderId": order["orderId"], "newQty": "0.5"}),
    ):
        answer = venue.signed(stranger, method, path, symbol="BTCUSDT", **wish)
        assert answer.json()["code"] in (-2011, -2013), (method, path)
    for path in ("/api/v3/openOrders", "/api/v3/allOrders", "/api/v3/myTrades"):
        assert venue.signed(stranger, "GET", path, symbol="BTCUSDT").json() == []
    assert venue.signed(maker, "GET", "/api/v3/openOrders").json() == [order]
