"""A case per typed refusal, over HTTP: its status, its code, its words, and nothing half done."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import urlencode

import httpx
import pytest

from api.binance.kinds import CLIENT_ID_LEGAL
from api.binance.operation import BODY_BYTES_MAX, QUERY_BYTES_MAX
from api.gate import refusals
from api.gate.auth import Scope
from api.gate.customers import KeyGrant
from api.gate.decimals import LEGAL_DECIMAL
from api.gate.errors import DIALECT
from api.gate.ratelimit import Limits
from api.gate.refusals import ApiError
from tests.api.venue import PAYEE, Trader, Venue, sign

ORDER = "/api/v3/order"
WITHDRAW = "/sapi/v1/capital/withdraw/apply"
LIMIT_BUY = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "20000",
}


@dataclass
class Ground:
    """One venue for every case, with a funded trader and one resting order of theirs."""

    venue: Venue
    trader: Trader
    reader: Trader
    elsewhere: Trader
    stranger: Trader
    resting: int

    def order(self, **changes: object) -> httpx.Response:
        """POST an order that would be fine but for the changes; None leaves a parameter out."""
        wish = {
            name: value for name, value in {**LIMIT_BUY, **changes}.items() if value is not None
        }
        return self.venue.signed(self.trader, "POST", ORDER, **wish)

    def withdraw(self, **changes: object) -> httpx.Response:
        wish = {"coin": "BTC", "address": PAYEE, "amount": "0.5"} | changes
        return self.venue.signed(self.trader, "POST", WITHDRAW, **wish)

    def get(self, path: str, **params: object) -> httpx.Response:
        return self.venue.signed(self.trader, "GET", path, **params)

    def delete(self, path: str, **params: object) -> httpx.Response:
        return self.venue.signed(self.trader, "DELETE", path, **params)

    def raw(self, query: str, key: str | None = None, secret: str | None = None) -> httpx.Response:
        """GET the account with exactly this query, signed."""
        query += f"&signature={sign(secret or self.trader.key.secret, query)}"
        headers = {"X-MBX-APIKEY": key or self.trader.key.api_key}
        return self.venue.http.get(f"/api/v3/account?{query}", headers=headers)

    @property
    def now_ms(self) -> int:
        return self.venue.clock() // 1_000_000


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    directory = tmp_path_factory.mktemp("venue")
    with Venue(directory) as venue:
        trader = venue.trader(btc=10, usdt=100_000)
        reader = venue.trader(grant=KeyGrant("reader", Scope.READ))
        elsewhere = venue.trader(grant=KeyGrant("elsewhere", networks=(ip_network("10.0.0.0/8"),)))
        stranger = venue.trader()
        order = venue.signed(trader, "POST", ORDER, **LIMIT_BUY, newClientOrderId="resting")
        yield Ground(venue, trader, reader, elsewhere, stranger, order.json()["orderId"])


ILLEGAL = "Illegal characters found in parameter '{}'; legal range is '{}'."
Case = tuple[type[ApiError], str, Callable[[Ground], httpx.Response], int, int, str]
CASES: list[Case] = [
    (refusals.BodyTooLarge, "10 MB", lambda g: g.venue.http.post(ORDER, content=b"a" * 10_000_000),
     413, -1013, f"Request body is longer than {BODY_BYTES_MAX} bytes."),
    (refusals.BodyTooLarge, "10 MB without a length",
     lambda g: g.venue.http.post(ORDER, content=(b"a" * 50_000 for _ in range(200))),
     413, -1013, f"Request body is longer than {BODY_BYTES_MAX} bytes."),
    (refusals.QueryTooLarge, "long query", lambda g: g.venue.get("/api/v3/time", a="a" * 17_000),
     414, -1013, f"Query string is longer than {QUERY_BYTES_MAX} bytes."),
    (refusals.OperationUnsupported, "no such path", lambda g: g.venue.get("/api/v3/klines"),
     404, -1020, "This operation is not supported."),
    (refusals.OperationUnsupported, "no such method", lambda g: g.venue.http.put("/api/v3/time"),
     404, -1020, "This operation is not supported."),
    (refusals.TooManyParameters, "65 names",
     lambda g: g.venue.get("/api/v3/time", **{f"a{i}": 1 for i in range(65)}),
     400, -1101, "Too many parameters; expected '64' and received '65'."),
    (refusals.DuplicateParameter, "symbol twice",
     lambda g: g.venue.http.get("/api/v3/depth?symbol=BTCUSDT&symbol=BTCUSDT"),
     400, -1101, "Duplicate values for a parameter detected."),
    (refusals.IllegalCharacters, "lower case symbol",
     lambda g: g.venue.get("/api/v3/depth", symbol="btcusdt"),
     400, -1100,
     "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'."),
    (refusals.IllegalCharacters, "scientific notation", lambda g: g.order(price="2e4"), 400, -1100,
     ILLEGAL.format("price", LEGAL_DECIMAL)),
    (refusals.IllegalCharacters, "negative", lambda g: g.order(quantity="-1"), 400, -1100,
     ILLEGAL.format("quantity", LEGAL_DECIMAL)),
    (refusals.IllegalCharacters, "not ASCII", lambda g: g.order(newClientOrderId="ä"), 400, -1100,
     ILLEGAL.format("newClientOrderId", CLIENT_ID_LEGAL)),
    (refusals.ParameterMissing, "no symbol", lambda g: g.venue.get("/api/v3/depth"), 400, -1102,
     "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
    (refusals.ParameterMissing, "no timestamp", lambda g: g.raw("omitZeroBalances=true"),
     400, -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."),
    (refusals.ParameterMissing, "limit without price", lambda g: g.order(price=None), 400, -1102,
     "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
    (refusals.ParameterMissing, "limit without time in force",
     lambda g: g.order(timeInForce=None), 400, -1102,
     "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed."),
    (refusals.ParameterMissing, "limit without quantity", lambda g: g.order(quantity=None),
     400, -1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed."),
    (refusals.EitherParameterMissing, "no order named", lambda g: g.get(ORDER, symbol="BTCUSDT"),
     400, -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"),
    (refusals.EitherParameterMissing, "market without size",
     lambda g: g.order(type="MARKET", timeInForce=None, price=None, quantity=None), 400, -1102,
     "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"),
    (refusals.ParametersUnread, "unknown name", lambda g: g.order(colour="red"), 400, -1104,
     "Not all sent parameters were read; read '8' parameter(s) but was sent '9'."),
    (refusals.ParametersUnread, "outside the subset", lambda g: g.order(strategyId="1"), 400, -1104,
     "Not all sent parameters were read; read '8' parameter(s) but was sent '9'."),
    (refusals.ParameterEmpty, "empty client id", lambda g: g.order(newClientOrderId=""),
     400, -1105, "Parameter 'newClientOrderId' was empty."),
    (refusals.ParameterEmpty, "empty window", lambda g: g.raw(f"timestamp={g.now_ms}&recvWindow="),
     400, -1105, "Parameter 'recvWindow' was empty."),
    (refusals.ParameterNotRequired, "market with price",
     lambda g: g.order(type="MARKET", timeInForce=None), 400, -1106,
     "Parameter 'price' sent when not required."),
    (refusals.ParameterNotRequired, "market with time in force",
     lambda g: g.order(type="MARKET", price=None), 400, -1106,
     "Parameter 'timeInForce' sent when not required."),
    (refusals.ParameterNotRequired, "market by both",
     lambda g: g.order(type="MARKET", price=None, timeInForce=None, quoteOrderQty="20"), 400, -1106,
     "Parameter 'quoteOrderQty' sent when not required."),
    (refusals.ParameterNotRequired, "limit by quote", lambda g: g.order(quoteOrderQty="20"),
     400, -1106, "Parameter 'quoteOrderQty' sent when not required."),
    (refusals.ParameterNotRequired, "maker with time in force",
     lambda g: g.order(type="LIMIT_MAKER"), 400, -1106,
     "Parameter 'timeInForce' sent when not required."),
    (refusals.ParameterNotRequired, "symbol and symbols",
     lambda g: g.venue.get("/api/v3/exchangeInfo", symbol="BTCUSDT", symbols='["BTCUSDT"]'),
     400, -1106, "Parameter 'symbols' sent when not required."),
    (refusals.ParametersCombined, "an end without a start",
     lambda g: g.get("/api/v3/myTrades", symbol="BTCUSDT", endTime=1), 400, -1128,
     "Combination of optional parameters invalid."),
    (refusals.ParametersCombined, "an order's trades from a time",
     lambda g: g.get("/api/v3/myTrades", symbol="BTCUSDT", orderId=1, startTime=1), 400, -1128,
     "Combination of optional parameters invalid."),
    (refusals.ParameterOverflow, "order id of 65 bits",
     lambda g: g.get(ORDER, symbol="BTCUSDT", orderId=2**64), 400, -1108,
     "Parameter 'orderId' overflowed."),
    (refusals.PrecisionTooHigh, "nine decimals of price", lambda g: g.order(price="1.123456789"),
     400, -1111, "Parameter 'price' has too much precision."),
    (refusals.PrecisionTooHigh, "nine decimals of quantity",
     lambda g: g.order(quantity="0.000000001"), 400, -1111,
     "Parameter 'quantity' has too much precision."),
    (refusals.PrecisionTooHigh, "nine decimals of quote",
     lambda g: g.order(type="MARKET", timeInForce=None, price=None, quantity=None,
                       quoteOrderQty="20.000000001"),
     400, -1111, "Parameter 'quoteOrderQty' has too much precision."),
    (refusals.PrecisionTooHigh, "nanoseconds of window",
     lambda g: g.raw(f"timestamp={g.now_ms}&recvWindow=5000.0001"), 400, -1111,
     "Parameter 'recvWindow' has too much precision."),
    (refusals.TimeInForceInvalid, "lower case", lambda g: g.order(timeInForce="gtc"), 400, -1115,
     "Invalid timeInForce."),
    (refusals.OrderTypeInvalid, "lower case", lambda g: g.order(type="limit"), 400, -1116,
     "Invalid orderType."),
    (refusals.SideInvalid, "lower case", lambda g: g.order(side="buy"), 400, -1117,
     "Invalid side."),
    (refusals.SymbolUnknown, "not listed", lambda g: g.order(symbol="ETHBTC"), 400, -1121,
     "Invalid symbol."),
    (refusals.ParameterInvalid, "limit of zero",
     lambda g: g.venue.get("/api/v3/depth", symbol="BTCUSDT", limit=0), 400, -1130,
     "Data sent for parameter 'limit' is not valid."),
    (refusals.ParameterInvalid, "no self-trade prevention",
     lambda g: g.order(selfTradePreventionMode="NONE"), 400, -1130,
     "Data sent for parameter 'selfTradePreventionMode' is not valid."),
    (refusals.ParameterInvalid, "another wallet", lambda g: g.withdraw(walletType=1), 400, -1130,
     "Data sent for parameter 'walletType' is not valid."),
    (refusals.JsonInvalid, "half an array",
     lambda g: g.venue.get("/api/v3/exchangeInfo", symbols='["BTCUSDT"'), 400, -1135,
     "JSON sent for parameter 'symbols' is not valid"),
    (refusals.JsonInvalid, "nested without end",
     lambda g: g.venue.get("/api/v3/exchangeInfo", symbols="[" * 5_000), 400, -1135,
     "JSON sent for parameter 'symbols' is not valid"),
    (refusals.JsonInvalid, "questionnaire", lambda g: g.withdraw(questionnaire="{"), 400, -1135,
     "JSON sent for parameter 'questionnaire' is not valid"),
    (refusals.KeyMalformed, "no key", lambda g: g.venue.get("/api/v3/account"), 401, -2014,
     "API-key format invalid."),
    (refusals.KeyRefused, "unknown key", lambda g: g.raw(f"timestamp={g.now_ms}", key="a" * 64),
     401, -2015, "Invalid API-key, IP, or permissions for action."),
    (refusals.KeyRefused, "no right to trade",
     lambda g: g.venue.signed(g.reader, "POST", ORDER, **LIMIT_BUY), 401, -2015,
     "Invalid API-key, IP, or permissions for action."),
    (refusals.KeyRefused, "another address",
     lambda g: g.venue.signed(g.elsewhere, "GET", "/api/v3/account"), 401, -2015,
     "Invalid API-key, IP, or permissions for action."),
    (refusals.SignatureInvalid, "another secret",
     lambda g: g.raw(f"timestamp={g.now_ms}", secret="s" * 64), 400, -1022,
     "Signature for this request is not valid."),
    (refusals.TimestampStale, "six seconds", lambda g: g.raw(f"timestamp={g.now_ms - 6000}"),
     400, -1021, "Timestamp for this request is outside of the recvWindow."),
    (refusals.TimestampAhead, "six seconds", lambda g: g.raw(f"timestamp={g.now_ms + 6000}"),
     400, -1021, "Timestamp for this request was 1000ms ahead of the server's time."),
    (refusals.WindowTooLarge, "over a minute",
     lambda g: g.raw(f"timestamp={g.now_ms}&recvWindow=60000.001"), 400, -1131,
     "recvWindow must be less than 60000"),
    (refusals.FilterFailed, "off the tick", lambda g: g.order(price="20000.001"), 400, -1013,
     "Filter failure: PRICE_FILTER"),
    (refusals.FilterFailed, "price of zero", lambda g: g.order(price="0.00"), 400, -1013,
     "Filter failure: PRICE_FILTER"),
    (refusals.FilterFailed, "price too high", lambda g: g.order(price="9" * 20), 400, -1013,
     "Filter failure: PRICE_FILTER"),
    (refusals.FilterFailed, "off the lot", lambda g: g.order(quantity="1.000001"), 400, -1013,
     "Filter failure: LOT_SIZE"),
    (refusals.FilterFailed, "quantity too high", lambda g: g.order(quantity="9" * 20), 400, -1013,
     "Filter failure: LOT_SIZE"),
    (refusals.FilterFailed, "market quantity too high",
     lambda g: g.order(type="MARKET", timeInForce=None, price=None, quantity="9" * 20),
     400, -1013, "Filter failure: MARKET_LOT_SIZE"),
    (refusals.FilterFailed, "worth too little", lambda g: g.order(quantity="0.00001"), 400, -1013,
     "Filter failure: NOTIONAL"),
    (refusals.FilterFailed, "quote too little",
     lambda g: g.order(type="MARKET", timeInForce=None, price=None, quantity=None,
                       quoteOrderQty="0.5"),
     400, -1013, "Filter failure: NOTIONAL"),
    (refusals.FilterFailed, "withdrawal beyond any supply",
     lambda g: g.withdraw(amount="9" * 20), 400, -1013, "Filter failure: MAX_ASSET"),
    (refusals.DuplicateOrder, "id of an open order", lambda g: g.order(newClientOrderId="resting"),
     400, -2010, "Duplicate order sent."),
    (refusals.CancelUnknown, "no such order",
     lambda g: g.delete(ORDER, symbol="BTCUSDT", orderId=1),
     400, -2011, "Unknown order sent."),
    (refusals.CancelUnknown, "another's order",
     lambda g: g.venue.signed(g.stranger, "DELETE", ORDER, symbol="BTCUSDT", orderId=g.resting),
     400, -2011, "Unknown order sent."),
    (refusals.CancelUnknown, "none open",
     lambda g: g.venue.signed(g.stranger, "DELETE", "/api/v3/openOrders", symbol="BTCUSDT"),
     400, -2011, "Unknown order sent."),
    (refusals.CancelUnknown, "id and client id disagree",
     lambda g: g.delete(ORDER, symbol="BTCUSDT", orderId=g.resting, origClientOrderId="other"),
     400, -2011, "Unknown order sent."),
    (refusals.OrderUnknown, "no such order", lambda g: g.get(ORDER, symbol="BTCUSDT", orderId=1),
     400, -2013, "Order does not exist."),
    (refusals.OrderUnknown, "another's order",
     lambda g: g.venue.signed(g.reader, "GET", ORDER, symbol="BTCUSDT", orderId=g.resting),
     400, -2013, "Order does not exist."),
    (refusals.ClientIdKept, "another client id",
     lambda g: g.venue.signed(g.trader, "PUT", f"{ORDER}/amend/keepPriority", symbol="BTCUSDT",
                              orderId=g.resting, newQty="0.5", newClientOrderId="other"),
     400, -1130, "Data sent for parameter 'newClientOrderId' is not valid."),
    (refusals.CoinUnknown, "not listed", lambda g: g.withdraw(coin="XRP"), 400, -4018,
     "We don't have this asset."),
    (refusals.NetworkUnknown, "another chain", lambda g: g.withdraw(network="BSC"), 400, -1130,
     "Data sent for parameter 'network' is not valid."),
    (refusals.PayeeMalformed, "too short", lambda g: g.withdraw(address="0x1234"), 400, -4033,
     "Illegal address."),
    (refusals.PayeeMalformed, "wrong checksum",
     lambda g: g.withdraw(address=PAYEE.replace("fB", "Fb", 1)), 400, -4033, "Illegal address."),
    (refusals.PayeeTagUnsupported, "a tag", lambda g: g.withdraw(addressTag="17"), 400, -4106,
     "This network does not support tags."),
    (refusals.AmountTooPrecise, "nine decimals", lambda g: g.withdraw(amount="0.000000001"),
     400, -4021, "Asset withdrawal must be an integer multiple of 0.00000001."),
    (refusals.AmountTooSmall, "below the minimum", lambda g: g.withdraw(amount="0.00001"),
     400, -4022, "Not less than the minimum pick-up quantity 0.00001500."),
    (refusals.AmountBelowFee, "only the fee", lambda g: g.withdraw(amount="0.000005"), 400, -4028,
     "The amount of withdrawal must be greater than the Commission."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("send", "status", "code", "msg"),
    [pytest.param(*case[2:], id=f"{case[0].__name__}: {case[1]}") for case in CASES],
)
def test_each_refusal_has_its_answer_and_changes_nothing(ground, send, status, code, msg):
    seq, root = ground.venue.engine.seq, ground.venue.engine.state_root()

    answer = send(ground)

    assert answer.headers["content-type"] == "application/json"
    assert (answer.status_code, json.loads(answer.content)) == (status, {"code": code, "msg": msg})
    assert (ground.venue.engine.seq, ground.venue.engine.state_root()) == (seq, root)


ELSEWHERE = {
    refusals.WeightExceeded: "test_too_much_weight_is_429_then_418",
    refusals.AddressBanned: "test_too_much_weight_is_429_then_418",
    refusals.OrdersExceeded: "test_too_many_orders_are_429",
    refusals.CancelReplaceFailed: "tests/api/test_order_kinds.py",
    refusals.WithdrawalIdReused: "tests/api/test_capital.py",
    refusals.TravelRuleRefused: "tests/api/test_travel.py",
}


def test_every_leaf_of_the_dialect_has_a_case():
    assert {case[0] for case in CASES} | ELSEWHERE.keys() == DIALECT.keys()


def test_too_much_weight_is_429_then_418(tmp_path):
    with Venue(tmp_path, Limits(weight_per_minute=30, violations_max=1)) as venue:
        venue.http.get("/api/v3/trades?symbol=BTCUSDT")
        first, second = (venue.http.get("/api/v3/trades?symbol=BTCUSDT") for _ in range(2))
        assert (first.status_code, first.json()["code"]) == (429, -1003)
        assert 1 <= int(first.headers["Retry-After"]) <= 60
        assert (second.status_code, second.json()["code"]) == (418, -1003)
        assert second.json()["msg"].startswith("Way too much request weight used; IP banned until")
        assert int(second.headers["Retry-After"]) == 120
        venue.ahead_ns = 121 * 10**9
        assert venue.http.get("/api/v3/ping").status_code == 200


def test_too_many_orders_are_429(tmp_path):
    with Venue(tmp_path, Limits(orders_per_10s=2)) as venue:
        trader = venue.trader(usdt=100_000)
        answers = [venue.signed(trader, "POST", ORDER, **LIMIT_BUY) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[1].headers["X-MBX-ORDER-COUNT-10S"] == "2"
    assert answers[2].json()["code"] == -1015
    assert "Retry-After" not in answers[2].headers


def test_a_body_may_carry_the_parameters_and_the_signature(ground):
    body = urlencode({**LIMIT_BUY, "price": "10000", "timestamp": ground.now_ms})
    body += f"&signature={sign(ground.trader.key.secret, body)}"
    headers = {"X-MBX-APIKEY": ground.trader.key.api_key}
    answer = ground.venue.http.post(ORDER, content=body, headers=headers)
    assert answer.json()["status"] == "NEW"


def test_timestamps_may_be_microseconds(ground):
    assert ground.raw(f"timestamp={ground.venue.clock() // 1000}").status_code == 200
