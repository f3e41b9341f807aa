"""An unmodified ccxt.binance, only its base URLs changed, over real HTTP."""

import ccxt
import pytest

from tests.api.venue import PAYEE, Trader, Venue


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


def test_ccxt_moves_money_in_and_out(venue):
    trader = venue.trader(btc=2)
    exchange = client(venue, trader)

    assert set(exchange.fetch_currencies()) == {"BTC", "USDT"}
    where = exchange.fetch_deposit_address("BTC", {"network": "ERC20"})
    assert (where["address"], where["tag"]) == (
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        str(trader.account),
    )
    (deposit,) = exchange.fetch_deposits("BTC")
    assert (deposit["amount"], deposit["status"], deposit["network"]) == (2.0, "ok", "ERC20")
    withdrawal = exchange.withdraw("BTC", 0.5, PAYEE)
    (listed,) = exchange.fetch_withdrawals("BTC")
    assert listed["id"] == withdrawal["id"]
    assert (listed["amount"], listed["fee"]) == (0.499995, {"currency": "BTC", "cost": 0.000005})
    assert (listed["address"], listed["status"]) == (PAYEE, "pending")
    assert exchange.fetch_balance()["BTC"] == {"free": 1.5, "used": 0.5, "total": 2.0}


def test_ccxt_places_every_kind_of_order(venue):
    maker = client(venue, venue.trader(btc=10))
    taker = client(venue, venue.trader(usdt=1_000_000))
    resting = maker.create_order("BTC/USDT", "limit", "sell", 1, 20_000, {"postOnly": True})
    assert resting["status"] == "open"
    named = maker.create_limit_sell_order("BTC/USDT", 5, 20_001, {"clientOrderId": "mine"})
    assert named["clientOrderId"] == "mine"
    assert taker.create_market_buy_order("BTC/USDT", 0.5)["average"] == 20_000.0
    assert taker.create_market_buy_order_with_cost("BTC/USDT", 100)["filled"] == 0.005
    killed = taker.create_order("BTC/USDT", "limit", "buy", 9, 20_001, {"timeInForce": "FOK"})
    assert (killed["status"], killed["filled"]) == ("expired", 0.0)
    partial = taker.create_order("BTC/USDT", "limit", "buy", 1, 20_000, {"timeInForce": "IOC"})
    assert (partial["status"], partial["filled"]) == ("expired", 0.495)
    assert [order["id"] for order in maker.fetch_open_orders("BTC/USDT")] == [named["id"]]
    assert [order["id"] for order in maker.fetch_closed_orders("BTC/USDT")] == [resting["id"]]
    assert len(maker.cancel_all_orders("BTC/USDT")) == 1
    assert len(taker.fetch_my_trades("BTC/USDT", since=1)) == 3


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (("limit", "sell", 100, 20_000), ccxt.InsufficientFunds),
        # ccxt has a finer class for this one only where the URL is Binance's own.
        (("limit", "buy", 0.00001, 1), ccxt.BadRequest),
        (("limit", "buy", 1, 20_000, {"postOnly": True}), ccxt.OrderImmediatelyFillable),
        (("limit", "buy", 1, 1_000_001), ccxt.InvalidOrder),
        (("limit", "buy", 1, 10, {"clientOrderId": "resting"}), ccxt.InvalidOrder),
    ],
)
def test_ccxt_knows_each_refusal(venue, order, error):
    exchange = client(venue, venue.trader(btc=2, usdt=100_000))
    exchange.create_order("BTC/USDT", "limit", "sell", 1, 20_000, {"clientOrderId": "resting"})
    with pytest.raises(error):
        exchange.create_order("BTC/USDT", *order)


def test_ccxt_knows_who_is_not_let_in(venue):
    exchange = client(venue, venue.trader())
    exchange.load_markets()
    exchange.secret = "x" * 64
    with pytest.raises(ccxt.AuthenticationError):
        exchange.fetch_balance()
    exchange.apiKey = "x" * 64
    with pytest.raises(ccxt.AuthenticationError):
        exchange.fetch_balance()


def test_ccxt_reads_the_market_without_a_key(venue):
    exchange = client(venue, None)
    assert list(exchange.load_markets()) == ["BTC/USDT"]
    assert exchange.fetch_order_book("BTC/USDT")["bids"] == []
    assert abs(exchange.fetch_time() - venue.clock() // 1_000_000) < 60_000
