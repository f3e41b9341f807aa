"""Many clients at once: every order is answered once, stands once, and is its owner's."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.api.venue import Trader, Venue

ORDER = "/api/v3/order"
LIMIT = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "side": "BUY", "quantity": 1}
CLIENTS, ORDERS = 8, 25


def place_all(venue: Venue, trader: Trader) -> list[dict]:
    """One connection, one order after the other."""
    with httpx.Client(base_url=venue.url, timeout=60) as http:
        answers = []
        for number in range(ORDERS):
            wish = {**LIMIT, "price": 9_000 + number, "newClientOrderId": f"n{number}"}
            answers.append(http.send(venue.signed_request(trader, "POST", ORDER, **wish)))
    return [answer.json() for answer in answers]


def test_orders_of_many_clients_keep_apart(venue):
    traders = [venue.trader(usdt=1_000_000) for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        placed = list(pool.map(lambda trader: place_all(venue, trader), traders))

    ids = [order["orderId"] for orders in placed for order in orders]
    assert len(set(ids)) == CLIENTS * ORDERS
    for trader, orders in zip(traders, placed, strict=True):
        listed = venue.signed(trader, "GET", "/api/v3/openOrders", symbol="BTCUSDT").json()
        assert [row["orderId"] for row in listed] == [order["orderId"] for order in orders]
        assert [row["clientOrderId"] for row in listed] == [f"n{n}" for n in range(ORDERS)]


def test_one_id_from_many_connections_stands_once(venue):
    trader = venue.trader(usdt=1_000_000)
    wish = {**LIMIT, "price": 9_000, "newClientOrderId": "same"}

    def place(_: int) -> int:
        with httpx.Client(base_url=venue.url, timeout=60) as http:
            return http.send(venue.signed_request(trader, "POST", ORDER, **wish)).status_code

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = list(pool.map(place, range(4 * CLIENTS)))
    assert statuses.count(200) == 1
    assert len(venue.signed(trader, "GET", "/api/v3/openOrders").json()) == 1
