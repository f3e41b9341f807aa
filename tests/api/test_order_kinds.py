"""Stops, take-profits, icebergs, prevention by decrement, cancel-replace and pairs, over HTTP."""

import asyncio
from dataclasses import replace

import ccxt
import pytest

from api.gate.desk import NewOrder
from api.gate.refusals import CommandRejected, DuplicateOrder
from ledger.records.build import command
from ledger.records.codes import CommandFlag, CommandKind, OrderStatus, OrderType, Product, Side
from tests.api.test_ccxt import client
from tests.api.test_orders import ORDER, place, query, send
from tests.api.venue import BTC, BTCUSDT, USDT

REPLACE = f"{ORDER}/cancelReplace"
LIST = "/api/v3/orderList"


@pytest.fixture
def alice(venue):
    return venue.trader(btc=10, usdt=1_000_000)


@pytest.fixture
def bob(venue):
    return venue.trader(btc=10, usdt=1_000_000)


def cross(venue, buyer, seller, price):
    """One lot trades at a price: the last price is there."""
    place(venue, seller, "SELL", quantity="0.01", price=price)
    place(venue, buyer, "BUY", quantity="0.01", price=price)


def pair(venue, trader, **wish):
    terms = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER",
        "abovePrice": "21000", "belowType": "STOP_LOSS", "belowStopPrice": "19000",
    }  # fmt: skip
    terms = {name: value for name, value in (terms | wish).items() if value is not None}
    return venue.signed(trader, "POST", f"{LIST}/oco", **terms)


def test_a_stop_loss_waits_and_sells_when_the_price_is_there(venue, alice, bob):
    answer = place(
        venue, alice, "SELL", type="STOP_LOSS", quantity="1", stopPrice="19000",
        newOrderRespType="FULL",
    )  # fmt: skip
    assert (answer["status"], answer["type"], answer["stopPrice"], answer["fills"]) == (
        "NEW", "STOP_LOSS", "19000.00000000", []
    )  # fmt: skip
    assert answer["workingTime"] == -1
    waiting = query(venue, alice, answer["orderId"])
    assert (waiting["isWorking"], waiting["workingTime"], waiting["status"]) == (False, -1, "NEW")
    place(venue, bob, "BUY", quantity="5", price="18900")
    cross(venue, bob, venue.trader(btc=1), 19_000)
    done = query(venue, alice, answer["orderId"])
    assert (done["status"], done["executedQty"], done["isWorking"]) == (
        "FILLED", "1.00000000", True
    )  # fmt: skip
    assert done["workingTime"] >= done["time"]


@pytest.mark.parametrize(
    ("side", "word", "prices"),
    [
        ("BUY", "STOP_LOSS_LIMIT", (21_000, 21_100)),
        ("SELL", "TAKE_PROFIT_LIMIT", (21_000, 20_900)),
        ("SELL", "STOP_LOSS_LIMIT", (19_000, 19_500)),
        ("BUY", "TAKE_PROFIT_LIMIT", (19_000, 18_500)),
    ],
)
def test_a_conditional_limit_order_rests_once_it_triggers(venue, alice, bob, side, word, prices):
    stop, price = prices
    wish = {"quantity": "1", "price": price, "stopPrice": stop, "timeInForce": "GTC"}
    answer = place(venue, alice, side, type=word, **wish)
    assert "status" not in answer, "acknowledged unless more is asked for"
    cross(venue, bob, venue.trader(btc=1), stop)
    resting = query(venue, alice, answer["orderId"])
    assert (resting["type"], resting["status"], resting["isWorking"]) == (word, "NEW", True)
    assert float(resting["stopPrice"]) == stop
    canceled = venue.signed(
        alice, "DELETE", ORDER, symbol="BTCUSDT", orderId=answer["orderId"]
    ).json()
    assert (canceled["status"], float(canceled["stopPrice"])) == ("CANCELED", stop)


def test_a_triggered_order_without_the_means_is_rejected(venue, bob):
    poor = venue.trader(usdt=10)
    answer = place(venue, poor, "BUY", type="STOP_LOSS", quantity="1", stopPrice="21000")
    cross(venue, bob, venue.trader(btc=1), 21_000)
    place(venue, bob, "SELL", quantity="2", price="21000")
    cross(venue, venue.trader(usdt=100_000), venue.trader(btc=1), 21_000)
    assert query(venue, poor, answer["orderId"])["status"] == "REJECTED"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"type": "STOP_LOSS", "quantity": "1"}, -1102),
        ({"type": "STOP_LOSS", "stopPrice": "19000"}, -1102),
        ({"type": "STOP_LOSS", "quantity": "1", "stopPrice": "0"}, -1013),
        ({"type": "STOP_LOSS", "quantity": "1", "stopPrice": "0.001"}, -1013),
        ({"type": "STOP_LOSS", "quantity": "1", "stopPrice": "0.000000001"}, -1111),
        ({"type": "STOP_LOSS", "quoteOrderQty": "100", "stopPrice": "1"}, -1106),
        ({"type": "TAKE_PROFIT", "quantity": "1", "stopPrice": "1", "price": "1"}, -1106),
        ({"type": "TAKE_PROFIT_LIMIT", "quantity": "1", "stopPrice": "1", "price": "1"}, -1102),
        ({"type": "MARKET", "quantity": "1", "stopPrice": "1"}, -1106),
        ({"type": "MARKET", "quantity": "1", "icebergQty": "1"}, -1106),
        ({"quantity": "1", "price": "20000", "stopPrice": "1"}, -1106),
        ({"quantity": "1", "price": "20000", "icebergQty": "2"}, -1013),
        ({"quantity": "1", "price": "20000", "icebergQty": "0.009"}, -1013),
        ({"quantity": "1", "price": "20000", "type": "LIMIT", "timeInForce": "IOC",
          "icebergQty": "0.5"}, -1128),
        ({"quantity": "1", "price": "20000", "type": "LIMIT", "timeInForce": "GTD"}, -1115),
        ({"type": "MARKET", "quoteOrderQty": "100", "selfTradePreventionMode": "DECREMENT"}, -1128),
        ({"quantity": "1", "price": "20000", "trailingDelta": "1"}, -1104),
    ],
)  # fmt: skip
def test_what_a_type_does_not_take_is_refused(venue, alice, wish, code):
    seq = venue.engine.seq
    refused = send(venue, alice, "SELL", **wish)
    assert (refused.status_code, refused.json()["code"]) == (400, code), refused.text
    assert venue.engine.seq == seq


def test_a_stop_that_is_reached_already_is_refused(venue, alice, bob):
    cross(venue, bob, venue.trader(btc=1), 20_000)
    refused = send(venue, alice, "SELL", type="STOP_LOSS", quantity="1", stopPrice="20000")
    assert refused.json() == {"code": -2010, "msg": "Order would trigger immediately."}


def test_an_iceberg_shows_its_slice(venue, alice, bob):
    order = place(venue, alice, "SELL", quantity="5", price="20000", icebergQty="1")
    assert order["icebergQty"] == "1.00000000"
    assert venue.get("/api/v3/depth", symbol="BTCUSDT").json()["asks"] == [
        ["20000.00000000", "1.00000000"]
    ]
    taken = place(venue, bob, "BUY", quantity="3.5", price="20000")
    assert (taken["status"], len(taken["fills"])) == ("FILLED", 4)
    left = query(venue, alice, order["orderId"])
    assert (left["executedQty"], left["icebergQty"]) == ("3.50000000", "1.00000000")


def test_a_takers_fills_are_its_own_and_not_those_of_what_it_triggered(venue, alice, bob):
    place(venue, bob, "BUY", type="STOP_LOSS", quantity="1", stopPrice="20000")
    place(venue, alice, "SELL", quantity="2", price="20000")
    taken = place(venue, venue.trader(usdt=100_000), "BUY", quantity="0.5", price="20000")
    assert [fill["qty"] for fill in taken["fills"]] == ["0.50000000"]
    assert len(venue.get("/api/v3/trades", symbol="BTCUSDT").json()) == 2


def test_prevention_by_decrement_takes_as_much_off_both(venue, alice):
    maker = place(venue, alice, "SELL", quantity="3", price="20000")
    taker = place(
        venue, alice, "BUY", quantity="1", price="20000", selfTradePreventionMode="DECREMENT"
    )
    assert taker["status"] == "EXPIRED_IN_MATCH"
    stored = query(venue, alice, taker["orderId"])
    assert (stored["status"], stored["preventedQuantity"], stored["origQty"]) == (
        "EXPIRED_IN_MATCH", "1.00000000", "1.00000000"
    )  # fmt: skip
    resting = query(venue, alice, maker["orderId"])
    assert (resting["origQty"], resting["preventedQuantity"], resting["status"]) == (
        "3.00000000", "1.00000000", "NEW"
    )  # fmt: skip
    assert venue.get("/api/v3/depth", symbol="BTCUSDT").json()["asks"][0][1] == "2.00000000"


def swap(venue, trader, **wish):
    terms = {
        "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC",
        "cancelReplaceMode": "STOP_ON_FAILURE", "quantity": "1", "price": "20100",
    }  # fmt: skip
    terms = {name: value for name, value in (terms | wish).items() if value is not None}
    return venue.signed(trader, "POST", REPLACE, **terms)


def test_a_cancel_replace_does_both_in_one_command(venue, alice):
    old = place(venue, alice, "SELL", quantity="10", price="20000", newClientOrderId="keep")
    seq = venue.engine.seq
    answer = swap(venue, alice, cancelOrderId=old["orderId"], quantity="10",
                  newClientOrderId="keep", cancelNewClientOrderId="bye").json()  # fmt: skip
    assert venue.engine.seq == seq + 1
    assert (answer["cancelResult"], answer["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    gone, new = answer["cancelResponse"], answer["newOrderResponse"]
    assert (gone["status"], gone["orderId"], gone["clientOrderId"]) == (
        "CANCELED", old["orderId"], "bye"
    )  # fmt: skip
    assert (new["status"], new["clientOrderId"], new["orderId"]) == ("NEW", "keep", seq + 1)
    assert query(venue, alice, old["orderId"])["status"] == "CANCELED"


@pytest.mark.parametrize(
    ("wish", "cancel", "new"),
    [
        ({"cancelOrderId": 10**6}, -2011, None),
        ({"side": "BUY", "price": "10000"}, -2011, None),
        ({"quantity": "100"}, None, -2010),
        ({"newClientOrderId": "other"}, None, -2010),
        ({"type": "LIMIT_MAKER", "timeInForce": None, "price": "15000"}, None, -2010),
    ],
)
def test_a_cancel_replace_that_fails_changes_nothing(venue, alice, bob, wish, cancel, new):
    old = place(venue, alice, "SELL", quantity="1", price="20000")
    place(venue, alice, "SELL", quantity="1", price="25000", newClientOrderId="other")
    place(venue, bob, "BUY", quantity="1", price="16000")
    refused = swap(venue, alice, **{"cancelOrderId": old["orderId"]} | wish)
    body = refused.json()
    assert (refused.status_code, body["code"], body["msg"]) == (
        400, -2022, "Order cancel-replace failed."
    )  # fmt: skip
    words = {None: "NOT_ATTEMPTED"}
    assert body["data"]["cancelResult"] == words.get(cancel, "FAILURE")
    assert body["data"]["newOrderResult"] == words.get(new, "FAILURE")
    for name, code in (("cancelResponse", cancel), ("newOrderResponse", new)):
        assert (body["data"][name] or {"code": None})["code"] == code
    assert query(venue, alice, old["orderId"])["status"] == "NEW"


@pytest.mark.parametrize(
    ("wish", "code"),
    [({}, -1102), ({"cancelOrderId": 1, "cancelReplaceMode": "ALLOW_FAILURE"}, -1130)],
)
def test_a_cancel_replace_names_its_order_and_its_mode(venue, alice, wish, code):
    assert swap(venue, alice, **wish).json()["code"] == code


def test_a_pair_is_one_list_and_its_stop_leaves_when_the_limit_trades(venue, alice, bob):
    names = {"aboveClientOrderId": "up", "belowClientOrderId": "down", "listClientOrderId": "both"}
    answer = pair(venue, alice, **names).json()
    assert answer["listClientOrderId"] == "both"
    assert (answer["contingencyType"], answer["listOrderStatus"]) == ("OCO", "EXECUTING")
    names = [order["clientOrderId"] for order in answer["orders"]]
    assert names == ["up", "down"]
    up, down = (order["orderId"] for order in answer["orders"])
    assert answer["orderListId"] == down
    assert [report["orderListId"] for report in answer["orderReports"]] == [down, down]
    assert [report["status"] for report in answer["orderReports"]] == ["NEW", "NEW"]
    place(venue, bob, "BUY", quantity="0.4", price="21000")
    assert query(venue, alice, down)["status"] == "EXPIRED"
    assert query(venue, alice, up)["status"] == "PARTIALLY_FILLED"
    found = venue.signed(alice, "GET", LIST, orderListId=down).json()
    assert (found["listOrderStatus"], found["orders"]) == ("EXECUTING", answer["orders"])
    gone = venue.signed(alice, "DELETE", LIST, symbol="BTCUSDT", orderListId=down).json()
    assert gone["listOrderStatus"] == "ALL_DONE"
    assert [report["orderId"] for report in gone["orderReports"]] == [up]


def test_a_pair_is_cancelled_together(venue, alice, bob):
    made = pair(venue, alice, belowType="STOP_LOSS_LIMIT", belowPrice="18900",
                belowTimeInForce="GTC").json()  # fmt: skip
    gone = venue.signed(
        alice, "DELETE", LIST, symbol="BTCUSDT", orderListId=made["orderListId"]
    ).json()
    assert sorted(report["status"] for report in gone["orderReports"]) == ["CANCELED", "EXPIRED"]
    assert venue.signed(alice, "GET", "/api/v3/openOrders").json() == []
    for trader, path in ((alice, LIST), (bob, LIST)):
        again = venue.signed(
            trader, "DELETE", path, symbol="BTCUSDT", orderListId=made["orderListId"]
        )
        assert again.json()["code"] == -2011
    assert venue.signed(bob, "GET", LIST, orderListId=made["orderListId"]).json()["code"] == -2013
    assert venue.signed(alice, "GET", LIST, orderListId=1).json()["code"] == -2013


def test_a_buyers_pair_has_its_stop_above(venue, alice, bob):
    made = pair(
        venue, alice, side="BUY", aboveType="STOP_LOSS", abovePrice=None, aboveStopPrice="21000",
        belowType="TAKE_PROFIT", belowStopPrice="19000",
    ).json()  # fmt: skip
    assert [report["type"] for report in made["orderReports"]] == ["TAKE_PROFIT", "STOP_LOSS"]
    place(venue, bob, "SELL", quantity="2", price="21000")
    cross(venue, venue.trader(usdt=100_000), bob, 21_000)
    profit, stop = (order["orderId"] for order in made["orders"])
    assert query(venue, alice, stop)["status"] == "FILLED"
    assert query(venue, alice, profit)["status"] == "EXPIRED"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"aboveType": "STOP_LOSS", "abovePrice": None, "aboveStopPrice": "21000"}, -1128),
        ({"belowType": "LIMIT_MAKER", "belowStopPrice": None, "belowPrice": "1"}, -1128),
        ({"belowStopPrice": None}, -1102),
        ({"abovePrice": "0.0000000001"}, -1111),
        ({"aboveClientOrderId": "same", "belowClientOrderId": "same"}, -2010),
        ({"trailingDelta": "1"}, -1104),
        ({"abovePrice": "15000"}, -2010),
        ({"belowStopPrice": "20500"}, -2010),
    ],
)
def test_a_pair_that_cannot_be_leaves_no_order_behind(venue, alice, bob, wish, code):
    cross(venue, bob, venue.trader(btc=1), 20_000)
    place(venue, bob, "BUY", quantity="1", price="16000")
    refused = pair(venue, alice, **wish)
    assert refused.json()["code"] == code, refused.text
    assert venue.signed(alice, "GET", "/api/v3/openOrders").json() == []
    account = venue.signed(alice, "GET", "/api/v3/account").json()
    assert all(float(balance["locked"]) == 0 for balance in account["balances"])


def leg(client_id, **fields):
    terms = {"price_ticks": 2_100_000, "qty_lots": 1000, "flags": CommandFlag.POST_ONLY}
    return NewOrder(BTCUSDT, Side.SELL, OrderType.LIMIT, client_id, **terms | fields)


def stop_leg(client_id):
    order = leg(client_id, price_ticks=0, flags=CommandFlag.STOP, trigger_ticks=1_900_000)
    return replace(order, order_type=OrderType.MARKET)


def test_of_two_pairs_at_once_with_one_client_id_one_stands_whole(venue, alice):
    desk, account = venue.services.desk, alice.account

    async def race():
        tries = (desk.place_pair(account, leg(b"up%d" % n), stop_leg(b"same")) for n in range(4))
        return await asyncio.gather(*tries, return_exceptions=True)

    results = venue.run(race())
    assert sum(isinstance(result, DuplicateOrder) for result in results) == 3
    left = venue.signed(alice, "GET", "/api/v3/openOrders").json()
    assert len(left) == 2
    assert left[0]["orderListId"] == left[1]["orderListId"] == left[1]["orderId"]


def test_a_first_order_that_trades_before_its_stop_comes_stands_alone(venue, alice, bob):
    desk = venue.services.desk
    bid = NewOrder(BTCUSDT, Side.BUY, OrderType.LIMIT, b"bid", price_ticks=2_100_000, qty_lots=1000)

    async def race():
        placing = asyncio.ensure_future(desk.place_pair(alice.account, leg(b"up"), stop_leg(b"dn")))
        # Some turns of the loop bring the first order to the journal, whose disk takes longer.
        for _ in range(8):
            await asyncio.sleep(0)
        await desk.place(bob.account, bid)
        return await placing

    first, second = venue.run(race())
    assert first.status is OrderStatus.OPEN
    assert second.reject.name in {"UNKNOWN_ORDER", "NONE"}
    statuses = [
        order["status"]
        for order in venue.signed(alice, "GET", "/api/v3/allOrders", symbol="BTCUSDT").json()
    ]
    assert statuses[0] == "FILLED"
    assert venue.signed(alice, "GET", "/api/v3/openOrders").json() == []


def test_a_first_order_that_is_refused_is_the_pairs_answer(venue, alice):
    desk = venue.services.desk
    with pytest.raises(CommandRejected):
        venue.run(desk.place_pair(alice.account, leg(b"up", qty_lots=10**9), stop_leg(b"dn")))


def test_all_orders_of_a_symbol_end_in_one_command(venue, alice):
    pair(venue, alice)
    place(venue, alice, "BUY", quantity="1", price="9000")
    seq = venue.engine.seq
    ended = venue.signed(alice, "DELETE", "/api/v3/openOrders", symbol="BTCUSDT").json()
    assert venue.engine.seq == seq + 1
    assert len(ended) == 3
    assert {order["status"] for order in ended} <= {"CANCELED", "EXPIRED"}
    assert venue.signed(alice, "GET", "/api/v3/openOrders").json() == []


def test_exchange_info_offers_what_is_taken(venue):
    (symbol,) = venue.get("/api/v3/exchangeInfo").json()["symbols"]
    assert set(symbol["orderTypes"]) == {
        "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
    }  # fmt: skip
    assert symbol["icebergAllowed"] is symbol["ocoAllowed"] is True
    assert symbol["cancelReplaceAllowed"] is True
    assert {"filterType": "ICEBERG_PARTS", "limit": 100} in symbol["filters"]
    assert "DECREMENT" in symbol["allowedSelfTradePreventionModes"]


def test_a_perpetual_is_no_spot_symbol(venue, alice):
    venue.command(
        command(
            CommandKind.LIST_INSTRUMENT, instrument=1, product=Product.LINEAR, base=BTC, quote=USDT,
            lot_minor=1, notional_num=10, notional_den=1, max_price_ticks=10**6, max_qty_lots=10**4,
            symbol=b"BTCPERP",
        )
    )  # fmt: skip
    assert len(venue.get("/api/v3/exchangeInfo").json()["symbols"]) == 1
    assert venue.get("/api/v3/depth", symbol="BTCPERP").json()["code"] == -1121
    wish = {"symbol": "BTCPERP", "side": "BUY", "type": "MARKET", "quantity": "1"}
    assert venue.signed(alice, "POST", ORDER, **wish).json()["code"] == -1121
    assert venue.services.listing.instrument_named("BTCPERP").product is Product.LINEAR


def test_ccxt_places_stops_icebergs_replacements_and_pairs(venue, bob):
    trader = venue.trader(btc=10, usdt=1_000_000)
    exchange = client(venue, trader)
    stop = exchange.create_order("BTC/USDT", "market", "sell", 1, None, {"stopLossPrice": 19_000})
    assert exchange.fetch_order(stop["id"], "BTC/USDT")["stopPrice"] == 19_000.0
    profit = exchange.create_order(
        "BTC/USDT", "limit", "sell", 1, 21_500, {"takeProfitPrice": 21_000}
    )
    fetched = exchange.fetch_order(profit["id"], "BTC/USDT")
    assert (fetched["status"], fetched["triggerPrice"]) == ("open", 21_000.0)
    iceberg = exchange.create_order("BTC/USDT", "limit", "sell", 5, 22_000, {"icebergQty": "1"})
    assert exchange.fetch_order_book("BTC/USDT")["asks"] == [[22_000.0, 1.0]]
    edited = exchange.edit_order(iceberg["id"], "BTC/USDT", "limit", "sell", 4, 21_900)
    assert (edited["status"], edited["price"]) == ("open", 21_900.0)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(iceberg["id"], "BTC/USDT")
    wish = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER",
        "abovePrice": "23000", "belowType": "STOP_LOSS", "belowStopPrice": "18000",
    }  # fmt: skip
    made = exchange.private_post_orderlist_oco(wish)
    listed = exchange.private_get_orderlist({"orderListId": made["orderListId"]})
    assert listed["listOrderStatus"] == "EXECUTING"
    ended = exchange.cancel_all_orders("BTC/USDT")
    assert len(ended) == 5
    assert exchange.fetch_open_orders("BTC/USDT") == []
