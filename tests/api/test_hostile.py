"""Hostile requests: whatever is sent, the answer is one of the dialect, and nothing moved."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.gate.errors import DIALECT, REJECTS, REJECTS_BY_KIND
from tests.api.venue import Trader, Venue, sign

CODES = {row.code for table in (DIALECT, REJECTS, REJECTS_BY_KIND) for row in table.values()}
NAMES = st.one_of(
    st.sampled_from(
        ["symbol", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price", "stopPrice",
         "newClientOrderId", "newOrderRespType", "selfTradePreventionMode", "orderId", "newQty",
         "origClientOrderId", "coin", "address", "amount", "questionnaire", "limit", "startTime"]
    ),
    st.text(max_size=12),
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["BTCUSDT", "BUY", "SELL", "LIMIT", "MARKET", "LIMIT_MAKER", "GTC", "FOK", "1", "0", "-1",
         "20000", "0.00001", "1e9", "NaN", "9" * 20, "9" * 40, "0x10", "null", "", " ", "\0",
         "%00", "{}", "[]", '{"a":1}', "BTC", "0x" + "11" * 20, "true", "FULL", "EXPIRE_BOTH"]
    ),
    st.text(max_size=20),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.integers(-(2**70), 2**70).map(str),
)  # fmt: skip
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=10)
ROUTES = st.sampled_from(
    [("POST", "/api/v3/order"), ("GET", "/api/v3/order"), ("DELETE", "/api/v3/order"),
     ("PUT", "/api/v3/order/amend/keepPriority"), ("GET", "/api/v3/allOrders"),
     ("GET", "/api/v3/myTrades"), ("POST", "/sapi/v1/capital/withdraw/apply"),
     ("GET", "/sapi/v1/capital/withdraw/history"), ("GET", "/api/v3/depth"),
     ("GET", "/api/v3/exchangeInfo"), ("DELETE", "/api/v3/openOrders")]
)  # fmt: skip
LIVE = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def ground(tmp_path_factory) -> Iterator[tuple[Venue, Trader]]:
    with Venue(tmp_path_factory.mktemp("venue")) as venue:
        yield venue, venue.trader(btc=10, usdt=100_000)


def escape(text: str) -> str:
    """Every byte in percent form, so that anything can be sent."""
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


@LIVE
@given(ROUTES, PAIRS, st.booleans())
def test_any_signed_parameters_get_an_answer_of_the_dialect(ground, route, pairs, in_body):
    venue, trader = ground
    method, path = route
    seq, root = venue.engine.seq, venue.engine.state_root()
    parts = [f"{escape(name)}={escape(value)}" for name, value in pairs]
    payload = "&".join([*parts, f"timestamp={venue.clock() // 1_000_000}"])
    payload += f"&signature={sign(trader.key.secret, payload)}"
    headers = {"X-MBX-APIKEY": trader.key.api_key}
    if in_body and method not in ("GET", "DELETE"):
        answer = venue.http.request(method, path, content=payload, headers=headers)
    else:
        answer = venue.http.request(method, f"{path}?{payload}", headers=headers)

    assert answer.status_code < 500, answer.text
    content = json.loads(answer.content)
    if answer.status_code != 200:
        assert content.keys() == {"code", "msg"}
        assert content["code"] in CODES
        assert venue.engine.seq == seq or content["code"] in (-2010, -2011, -2013, -2038, -4026)
        assert venue.engine.seq > seq or venue.engine.state_root() == root
    assert answer.headers["X-MBX-USED-WEIGHT-1M"].isdigit()


@LIVE
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_get_an_answer_of_the_dialect(ground, query, body):
    venue, trader = ground
    seq = venue.engine.seq
    raw = "".join(f"%{byte:02X}" if byte not in b"=&+%" else chr(byte) for byte in query)
    headers = {"X-MBX-APIKEY": trader.key.api_key}
    answer = venue.http.post(f"/api/v3/order?{raw}", content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert json.loads(answer.content)["code"] in CODES
    assert venue.engine.seq == seq


@LIVE
@given(st.text(max_size=70).filter(lambda text: "\n" not in text and "\r" not in text))
def test_any_key_and_token_is_refused_as_such(ground, text):
    venue, _ = ground
    header = text.encode("latin-1", "replace").translate(None, bytes(range(32)) + b"\x7f").strip()
    answer = venue.http.get(
        "/api/v3/account?timestamp=1&signature=x", headers={b"X-MBX-APIKEY": header}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, -2014)
    answer = venue.http.get(
        "/regulator/v1/reports", headers={b"Authorization": b"Bearer:" + header}
    )
    assert answer.status_code == 401
