"""Orders over HTTP: every type, answer and end that the dialect has here."""

import asyncio

import pytest

from api.gate.desk import NewOrder
from api.gate.refusals import DuplicateOrder
from ledger.records.codes import OrderType, Side
from tests.api.venue import BTCUSDT, Trader, Venue

ORDER = "/api/v3/order"


@pytest.fixture
def maker(venue):
    """Sells 1 BTC at 20000 and 1 at 20100."""
    trader = venue.trader(btc=10, usdt=1_000_000)
    for price in (20_000, 20_100):
        place(venue, trader, "SELL", quantity="1", price=price)
    return trader


@pytest.fixture
def taker(venue):
    return venue.trader(btc=10, usdt=1_000_000)


def send(venue: Venue, trader: Trader, side: str, **wish: object):
    limit = {"type": "LIMIT", "timeInForce": "GTC"} if "type" not in wish else {}
    return venue.signed(trader, "POST", ORDER, symbol="BTCUSDT", side=side, **limit, **wish)


def place(venue: Venue, trader: Trader, side: str, **wish: object) -> dict:
    answer = send(venue, trader, side, **wish)
    assert answer.status_code == 200, answer.text
    return answer.json()


def query(venue: Venue, trader: Trader, order_id: int) -> dict:
    return venue.signed(trader, "GET", ORDER, symbol="BTCUSDT", orderId=order_id).json()


def test_a_full_answer_has_every_field_and_fill(venue, maker, taker):
    answer = place(venue, taker, "BUY", quantity="1.5", price="20100", newClientOrderId="mine")
    assert {
        name: answer[name] for name in answer if name not in {"transactTime", "workingTime"}
    } == {
        "symbol": "BTCUSDT",
        "orderId": venue.engine.seq,
        "orderListId": -1,
        "clientOrderId": "mine",
        "price": "20100.00000000",
        "origQty": "1.50000000",
        "executedQty": "1.50000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "30050.00000000",
        "status": "FILLED",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "fills": [
            {
                "price": "20000.00000000",
                "qty": "1.00000000",
                "commission": "0.00150000",
                "commissionAsset": "BTC",
                "tradeId": 1,
            },
            {
                "price": "20100.00000000",
                "qty": "0.50000000",
                "commission": "0.00075000",
                "commissionAsset": "BTC",
                "tradeId": 2,
            },
        ],
    }
    assert answer["transactTime"] == answer["workingTime"]


def test_a_seller_pays_its_fee_in_quote(venue, taker):
    place(venue, venue.trader(usdt=100_000), "BUY", quantity="1", price="20000")
    answer = place(venue, taker, "SELL", type="MARKET", quantity="1")
    assert answer["fills"][0]["commission"] == "30.00000000"
    assert answer["fills"][0]["commissionAsset"] == "USDT"


@pytest.mark.parametrize(
    ("response", "absent"),
    [("ACK", {"status", "fills"}), ("RESULT", {"fills"}), ("FULL", set())],
)
def test_the_answer_is_as_long_as_asked(venue, taker, response, absent):
    answer = place(venue, taker, "BUY", quantity="1", price="10000", newOrderRespType=response)
    assert {"symbol", "orderId", "clientOrderId", "transactTime"} <= answer.keys()
    assert {"status", "fills"} - answer.keys() == absent


def test_a_maker_order_is_acknowledged_by_default_and_never_takes(venue, maker, taker):
    answer = place(venue, taker, "BUY", type="LIMIT_MAKER", quantity="1", price="19999")
    assert "status" not in answer
    assert query(venue, taker, answer["orderId"])["type"] == "LIMIT_MAKER"
    refused = send(venue, taker, "BUY", type="LIMIT_MAKER", quantity="1", price="20000")
    assert refused.json() == {"code": -2010, "msg": "Order would immediately match and take."}


def test_what_an_immediate_order_does_not_fill_expires(venue, maker, taker):
    answer = place(
        venue, taker, "BUY", type="LIMIT", timeInForce="IOC", quantity="3", price="20000"
    )
    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "1.00000000")
    stored = query(venue, taker, answer["orderId"])
    assert (stored["status"], stored["timeInForce"]) == ("EXPIRED", "IOC")


def test_a_fill_or_kill_order_fills_whole_or_expires_untouched(venue, maker, taker):
    killed = place(
        venue, taker, "BUY", type="LIMIT", timeInForce="FOK", quantity="3", price="20100"
    )
    assert (killed["status"], killed["executedQty"], killed["fills"]) == (
        "EXPIRED",
        "0.00000000",
        [],
    )
    assert killed["orderId"] == venue.engine.seq
    filled = place(
        venue, taker, "BUY", type="LIMIT", timeInForce="FOK", quantity="2", price="20100"
    )
    assert filled["status"] == "FILLED"


def test_a_market_order_takes_by_quantity_or_by_quote(venue, maker, taker):
    by_quantity = place(venue, taker, "BUY", type="MARKET", quantity="0.5")
    assert (by_quantity["status"], by_quantity["cummulativeQuoteQty"]) == (
        "FILLED",
        "10000.00000000",
    )
    assert by_quantity["price"] == "0.00000000"
    by_quote = place(venue, taker, "BUY", type="MARKET", quoteOrderQty="5000")
    assert (by_quote["status"], by_quote["executedQty"]) == ("FILLED", "0.25000000")
    assert by_quote["origQuoteOrderQty"] == "5000.00000000"
    assert by_quote["origQty"] == "0.25000000"
    assert query(venue, taker, by_quote["orderId"])["origQty"] == "0.25000000"


def test_a_market_order_into_an_empty_book_expires_or_is_refused(venue, taker):
    answer = place(venue, taker, "BUY", type="MARKET", quantity="1")
    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "0.00000000")
    refused = send(venue, taker, "BUY", type="MARKET", quoteOrderQty="100")
    assert refused.json() == {
        "code": -2010,
        "msg": "Order book liquidity is less than symbol minimum quantity.",
    }


def test_money_that_is_not_there_is_refused(venue, taker):
    refused = send(venue, taker, "BUY", quantity="100", price="20000")
    assert (refused.status_code, refused.json()) == (
        400,
        {"code": -2010, "msg": "Account has insufficient balance for requested action."},
    )


@pytest.mark.parametrize(
    ("mode", "taker_status", "maker_status"),
    [
        ("EXPIRE_TAKER", "EXPIRED_IN_MATCH", "NEW"),
        ("EXPIRE_MAKER", "NEW", "EXPIRED_IN_MATCH"),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
    ],
)
def test_nobody_trades_with_oneself(venue, taker, mode, taker_status, maker_status):
    resting = place(venue, taker, "SELL", quantity="1", price="20000")
    answer = place(venue, taker, "BUY", quantity="1", price="20000", selfTradePreventionMode=mode)
    assert (answer["status"], answer["selfTradePreventionMode"]) == (taker_status, mode)
    assert query(venue, taker, resting["orderId"])["status"] == maker_status
    assert query(venue, taker, answer["orderId"])["selfTradePreventionMode"] == mode


def test_a_canceled_order_is_answered_as_it_ended(venue, maker, taker):
    order = place(venue, taker, "BUY", quantity="1.5", price="20000", newClientOrderId="mine")
    answer = venue.signed(
        taker, "DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="bye"
    ).json()
    assert answer.pop("transactTime") >= order["transactTime"]
    assert answer == {
        "symbol": "BTCUSDT",
        "origClientOrderId": "mine",
        "orderId": order["orderId"],
        "orderListId": -1,
        "clientOrderId": "bye",
        "price": "20000.00000000",
        "origQty": "1.50000000",
        "executedQty": "1.00000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "20000.00000000",
        "status": "CANCELED",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def test_a_client_id_is_free_again_when_its_order_is_done(venue, taker):
    wish = {"quantity": "1", "price": "10000", "newClientOrderId": "again"}
    first = place(venue, taker, "BUY", **wish)
    assert send(venue, taker, "BUY", **wish).json() == {
        "code": -2010,
        "msg": "Duplicate order sent.",
    }
    venue.signed(taker, "DELETE", ORDER, symbol="BTCUSDT", orderId=first["orderId"])
    second = place(venue, taker, "BUY", **wish)
    found = venue.signed(taker, "GET", ORDER, symbol="BTCUSDT", origClientOrderId="again").json()
    assert found["orderId"] == second["orderId"] > first["orderId"]


def test_one_of_many_equal_client_ids_at_once_is_placed(venue, taker):
    """The ids are reserved from the check to the acknowledgement, across all connections."""
    order = NewOrder(
        BTCUSDT, Side.BUY, OrderType.LIMIT, b"race", price_ticks=1_000_000, qty_lots=100_000
    )

    async def race() -> list[object]:
        tries = (venue.services.desk.place(taker.account, order) for _ in range(20))
        return await asyncio.gather(*tries, return_exceptions=True)

    results = venue.run(race())
    assert sum(isinstance(result, DuplicateOrder) for result in results) == 19
    assert len(venue.signed(taker, "GET", "/api/v3/openOrders").json()) == 1


def test_a_caller_that_goes_away_leaves_no_reservation_behind(venue, taker):
    order = NewOrder(
        BTCUSDT, Side.BUY, OrderType.LIMIT, b"gone", price_ticks=1_000_000, qty_lots=100_000
    )

    async def leave() -> None:
        placing = asyncio.ensure_future(venue.services.desk.place(taker.account, order))
        await asyncio.sleep(0)
        placing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await placing
        with pytest.raises(DuplicateOrder):
            await venue.services.desk.place(taker.account, order)
        # Another command is acknowledged after the one that was left behind.
        await venue.services.desk.place(
            taker.account,
            NewOrder(
                BTCUSDT, Side.BUY, OrderType.LIMIT, b"next", price_ticks=1_000_000, qty_lots=100_000
            ),
        )
        assert not venue.services.desk._orders_in_flight

    venue.run(leave())
    names = {o["clientOrderId"] for o in venue.signed(taker, "GET", "/api/v3/openOrders").json()}
    assert names == {"gone", "next"}


def test_an_amended_order_is_smaller_and_keeps_its_place(venue, taker):
    first = place(venue, taker, "SELL", quantity="2", price="20000", newClientOrderId="first")
    other = venue.trader(btc=1)
    second = place(venue, other, "SELL", quantity="1", price="20000")
    path = f"{ORDER}/amend/keepPriority"
    answer = venue.signed(
        taker, "PUT", path, symbol="BTCUSDT", orderId=first["orderId"], newQty="0.5"
    )
    amended = answer.json()["amendedOrder"]
    assert (amended["qty"], amended["status"], amended["clientOrderId"]) == (
        "0.50000000",
        "NEW",
        "first",
    )
    assert answer.json()["executionId"] == venue.engine.seq
    place(venue, venue.trader(usdt=100_000), "BUY", quantity="0.5", price="20000")
    assert query(venue, taker, first["orderId"])["status"] == "FILLED"
    assert query(venue, other, second["orderId"])["status"] == "NEW"


@pytest.mark.parametrize("qty", ["2", "3"])
def test_an_amend_that_makes_nothing_smaller_is_refused(venue, taker, qty):
    order = place(venue, taker, "SELL", quantity="2", price="20000")
    path = f"{ORDER}/amend/keepPriority"
    answer = venue.signed(
        taker, "PUT", path, symbol="BTCUSDT", orderId=order["orderId"], newQty=qty
    )
    assert answer.json() == {
        "code": -2038,
        "msg": "Order amend (quantity increase) is not supported.",
    }


def test_open_orders_end_together(venue, maker, taker):
    mine = [
        place(venue, taker, "BUY", quantity="1", price=price)["orderId"] for price in (9000, 9100)
    ]
    listed = venue.signed(taker, "GET", "/api/v3/openOrders", symbol="BTCUSDT").json()
    assert [order["orderId"] for order in listed] == mine
    ended = venue.signed(taker, "DELETE", "/api/v3/openOrders", symbol="BTCUSDT").json()
    assert [(order["orderId"], order["status"]) for order in ended] == [
        (i, "CANCELED") for i in mine
    ]
    assert venue.signed(taker, "GET", "/api/v3/openOrders").json() == []
    assert len(venue.signed(maker, "GET", "/api/v3/openOrders").json()) == 2


def test_all_orders_come_by_id_by_time_or_the_latest(venue, taker):
    start_ms = venue.clock() // 1_000_000
    ids = []
    for minute in range(6):
        venue.ahead_ns = minute * 60 * 10**9
        ids.append(place(venue, taker, "BUY", quantity="1", price="9000")["orderId"])

    def listed(**wish: object) -> list[int]:
        answer = venue.signed(taker, "GET", "/api/v3/allOrders", symbol="BTCUSDT", **wish)
        return [order["orderId"] for order in answer.json()]

    assert listed() == ids
    assert listed(limit=2) == ids[-2:]
    assert listed(orderId=ids[2], limit=2) == ids[2:4]
    assert listed(startTime=start_ms + 90_000) == ids[2:]
    assert listed(startTime=start_ms + 90_000, limit=1) == ids[2:3]
    assert listed(startTime=start_ms + 90_000, endTime=start_ms + 200_000) == ids[2:4]
    assert listed(startTime=start_ms + 3_600_000) == []


@pytest.mark.parametrize(
    "wish",
    [{"endTime": 1}, {"startTime": 2, "endTime": 1}, {"startTime": 1, "orderId": 1}],
)
def test_a_span_without_sense_is_refused(venue, taker, wish):
    answer = venue.signed(taker, "GET", "/api/v3/allOrders", symbol="BTCUSDT", **wish)
    assert answer.json() == {"code": -1128, "msg": "Combination of optional parameters invalid."}


def test_what_was_open_is_open_after_a_restart(tmp_path):
    with Venue(tmp_path) as venue:
        trader = venue.trader(usdt=100_000)
        order = place(venue, trader, "BUY", quantity="1", price="9000", newClientOrderId="kept")
    with Venue(tmp_path) as venue:
        assert query(venue, trader, order["orderId"])["status"] == "NEW"
        refused = send(venue, trader, "BUY", quantity="1", price="9000", newClientOrderId="kept")
        assert refused.json()["msg"] == "Duplicate order sent."
