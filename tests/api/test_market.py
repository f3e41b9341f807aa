"""Market data over HTTP, and the faces that list nothing."""

import json

import pytest

from api.binance.words import CLIENT_ORDER_TYPES
from tests.api.venue import Venue

LIMIT = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC"}


@pytest.fixture
def traded(venue):
    """Asks of 1 BTC at 20000 and 2 at 20100, of which 1.5 were taken; a bid of 1 at 19000."""
    maker, taker = venue.trader(btc=10, usdt=100_000), venue.trader(btc=10, usdt=100_000)
    for side, quantity, price, trader in (
        ("SELL", 1, 20_000, maker),
        ("SELL", 2, 20_100, maker),
        ("BUY", 1, 19_000, maker),
        ("BUY", 1.5, 20_100, taker),
    ):
        wish = {"side": side, "quantity": quantity, "price": price}
        assert venue.signed(trader, "POST", "/api/v3/order", **LIMIT, **wish).status_code == 200
    return venue


def test_ping_and_time(venue):
    assert venue.get("/api/v3/ping").json() == {}
    before_ms = venue.clock() // 1_000_000
    told_ms = venue.get("/api/v3/time").json()["serverTime"]
    assert before_ms <= told_ms <= venue.clock() // 1_000_000


def test_exchange_info_states_the_rules_that_the_gate_checks(venue):
    info = venue.get("/api/v3/exchangeInfo").json()
    assert {limit["rateLimitType"] for limit in info["rateLimits"]} == {"REQUEST_WEIGHT", "ORDERS"}
    (symbol,) = info["symbols"]
    assert symbol["filters"] == [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": "0.01000000",
            "maxPrice": "1000000.00000000",
            "tickSize": "0.01000000",
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": "0.00001000",
            "maxQty": "10000.00000000",
            "stepSize": "0.00001000",
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": "0.00001000",
            "maxQty": "10000.00000000",
            "stepSize": "0.00001000",
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": "1.00000000",
            "applyMinToMarket": False,
            "maxNotional": "46116860184.27387903",
            "applyMaxToMarket": False,
            "avgPriceMins": 0,
        },
        {"filterType": "ICEBERG_PARTS", "limit": 100},
    ]
    assert symbol["orderTypes"] == list(CLIENT_ORDER_TYPES)
    assert symbol["permissionSets"] == [["SPOT"]]
    assert symbol["defaultSelfTradePreventionMode"] == "EXPIRE_MAKER"
    assert symbol["amendAllowed"] is True


@pytest.mark.parametrize("wish", [{"symbol": "BTCUSDT"}, {"symbols": '["BTCUSDT"]'}])
def test_exchange_info_of_one_symbol(venue, wish):
    (symbol,) = venue.get("/api/v3/exchangeInfo", **wish).json()["symbols"]
    assert symbol["symbol"] == "BTCUSDT"


@pytest.mark.parametrize(
    "symbols", ["{}", "[]", "[1]", "[null]", '["' + '","'.join(["A"] * 101) + '"]']
)
def test_symbols_are_an_array_of_a_few_names(venue, symbols):
    answer = venue.get("/api/v3/exchangeInfo", symbols=symbols)
    assert answer.json()["code"] == -1130


def test_depth_is_best_first_and_says_how_new_it_is(traded):
    assert traded.get("/api/v3/depth", symbol="BTCUSDT").json() == {
        "lastUpdateId": traded.engine.seq,
        "bids": [["19000.00000000", "1.00000000"]],
        "asks": [["20100.00000000", "1.50000000"]],
    }


@pytest.mark.parametrize(
    ("limit", "weight"),
    [(1, 5), (100, 5), (101, 25), (500, 25), (1000, 50), (5000, 250), (9999, 250)],
)
def test_depth_weighs_by_its_levels(venue, limit, weight):
    before = int(venue.get("/api/v3/ping").headers["X-MBX-USED-WEIGHT-1M"])
    answer = venue.get("/api/v3/depth", symbol="BTCUSDT", limit=limit)
    assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) - before in (weight, weight - before)


def test_trades_are_oldest_first_without_their_parties(traded):
    trades = traded.get("/api/v3/trades", symbol="BTCUSDT").json()
    assert [{**trade, "time": 0} for trade in trades] == [
        {
            "id": 1,
            "price": "20000.00000000",
            "qty": "1.00000000",
            "quoteQty": "20000.00000000",
            "time": 0,
            "isBuyerMaker": False,
            "isBestMatch": True,
        },
        {
            "id": 2,
            "price": "20100.00000000",
            "qty": "0.50000000",
            "quoteQty": "10050.00000000",
            "time": 0,
            "isBuyerMaker": False,
            "isBestMatch": True,
        },
    ]
    assert [t["id"] for t in traded.get("/api/v3/trades", symbol="BTCUSDT", limit=1).json()] == [2]
    older = traded.get("/api/v3/historicalTrades", symbol="BTCUSDT", fromId=1, limit=1).json()
    assert [trade["id"] for trade in older] == [1]


@pytest.mark.parametrize("face", ["/fapi/v1", "/dapi/v1"])
def test_futures_faces_answer_and_list_nothing(venue, face):
    assert venue.get(f"{face}/ping").json() == {}
    assert venue.get(f"{face}/time").json()["serverTime"] > 0
    assert venue.get(f"{face}/exchangeInfo").json()["symbols"] == []


def test_no_pair_is_on_margin(venue):
    trader = venue.trader()
    for path in ("/sapi/v1/margin/allPairs", "/sapi/v1/margin/isolated/allPairs"):
        assert venue.signed(trader, "GET", path).json() == []


def test_every_operation_is_documented_with_its_parameters(venue: Venue):
    document = json.loads(venue.get("/openapi.json").content)
    order = document["paths"]["/api/v3/order"]["post"]
    names = [parameter["name"] for parameter in order["parameters"]]
    assert names[:3] == ["symbol", "side", "type"]
    assert names[-3:] == ["recvWindow", "timestamp", "signature"]
    assert all(
        operation["summary"] for path in document["paths"].values() for operation in path.values()
    )
    assert venue.get("/docs").status_code == 200


def test_health_says_how_far_the_engine_is(venue):
    assert venue.get("/health").json() == {"seq": venue.engine.seq}
