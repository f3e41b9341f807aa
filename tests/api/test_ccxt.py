"""An unmodified ccxt.binance, only its base URLs changed, over real HTTP."""

import ccxt
import pytest

from tests.api.venue import Trader, Venue


def client(venue: Venue, trader: Trader | None) -> ccxt.binance:
    keys = {} if trader is None else {"apiKey": trader.key.api_key, "secret": trader.key.secret}
    exchange = ccxt.binance(keys)
    exchange.urls["api"] = {
        name: venue.url + "/" + url.split("/", 3)[3] for name, url in exchange.urls["api"].items()
    }
    return exchange


def test_unmodified_ccxt_trades_with_only_its_base_urls_changed(venue):
    alice = client(venue, venue.trader(btc=2))
    bob = client(venue, venue.trader(usdt=100_000))

    markets = alice.load_markets()
    assert set(markets) == {"BTC/USDT"}
    assert markets["BTC/USDT"]["precision"] == {
        "amount": 0.00001,
        "price": 0.01,
        "base": 1e-8,
        "quote": 1e-8,
    }

    ask = alice.create_order("BTC/USDT", "limit", "sell", 1.5, 20_000)
    assert ask["status"] == "open"
    book = bob.fetch_order_book("BTC/USDT")
    assert book["asks"] == [[20_000.0, 1.5]]
    assert book["bids"] == []
    assert alice.fetch_balance()["BTC"] == {"free": 0.5, "used": 1.5, "total": 2.0}

    bid = bob.create_order("BTC/USDT", "limit", "buy", 0.5, 20_000)
    assert (bid["status"], bid["filled"], bid["cost"]) == ("closed", 0.5, 10_000.0)
    fetched = alice.fetch_order(ask["id"], "BTC/USDT")
    assert (fetched["status"], fetched["filled"]) == ("open", 0.5)
    (trade,) = bob.fetch_my_trades("BTC/USDT")
    assert (trade["side"], trade["price"], trade["amount"]) == ("buy", 20_000.0, 0.5)
    assert trade["fee"] == {"cost": 0.00075, "currency": "BTC"}

    canceled = alice.cancel_order(ask["id"], "BTC/USDT")
    assert canceled["status"] == "canceled"
    assert alice.fetch_open_orders("BTC/USDT") == []
    with pytest.raises(ccxt.OrderNotFound):
        alice.cancel_order(ask["id"], "BTC/USDT")
