"""Every answer has every field that Binance publishes for it, not only what one client reads."""

import pytest

from tests.api.venue import PAYEE

ORDER = "/api/v3/order"
LIMIT = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC"}

# Field names as Binance's spot and wallet API documentation list them for each answer (2025-2026).
# Fields that the documentation calls conditional stand where their condition holds.
ACK = {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
RESULT = ACK | {
    "price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status",
    "timeInForce", "type", "side", "workingTime", "selfTradePreventionMode",
}  # fmt: skip
STORED = {
    "symbol", "orderId", "orderListId", "clientOrderId", "price", "origQty", "executedQty",
    "cummulativeQuoteQty", "status", "timeInForce", "type", "side", "stopPrice", "icebergQty",
    "time", "updateTime", "isWorking", "workingTime", "origQuoteOrderQty",
    "selfTradePreventionMode",
}  # fmt: skip
CANCELED = {
    "symbol", "origClientOrderId", "orderId", "orderListId", "clientOrderId", "transactTime",
    "price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status",
    "timeInForce", "type", "side", "selfTradePreventionMode",
}  # fmt: skip
AMENDED = {
    "symbol", "orderId", "orderListId", "origClientOrderId", "clientOrderId", "price", "qty",
    "executedQty", "preventedQty", "quoteOrderQty", "cumulativeQuoteQty", "status", "timeInForce",
    "type", "side", "workingTime", "selfTradePreventionMode",
}  # fmt: skip
FILL = {"price", "qty", "commission", "commissionAsset", "tradeId"}
SYMBOL = {
    "symbol", "status", "baseAsset", "baseAssetPrecision", "quoteAsset", "quotePrecision",
    "quoteAssetPrecision", "baseCommissionPrecision", "quoteCommissionPrecision", "orderTypes",
    "icebergAllowed", "ocoAllowed", "otoAllowed", "quoteOrderQtyMarketAllowed",
    "allowTrailingStop", "cancelReplaceAllowed", "amendAllowed", "pegInstructionsAllowed",
    "isSpotTradingAllowed", "isMarginTradingAllowed", "filters", "permissions", "permissionSets",
    "defaultSelfTradePreventionMode", "allowedSelfTradePreventionModes",
}  # fmt: skip
INFO = {"timezone", "serverTime", "rateLimits", "exchangeFilters", "symbols"}
ACCOUNT = {
    "makerCommission", "takerCommission", "buyerCommission", "sellerCommission", "commissionRates",
    "canTrade", "canWithdraw", "canDeposit", "brokered", "requireSelfTradePrevention",
    "preventSor", "updateTime", "accountType", "balances", "permissions", "uid",
}  # fmt: skip
MY_TRADE = {
    "symbol", "id", "orderId", "orderListId", "price", "qty", "quoteQty", "commission",
    "commissionAsset", "time", "isBuyer", "isMaker", "isBestMatch",
}  # fmt: skip
TRADE = {"id", "price", "qty", "quoteQty", "time", "isBuyerMaker", "isBestMatch"}
DEPOSIT = {
    "id", "amount", "coin", "network", "status", "address", "addressTag", "txId", "insertTime",
    "completeTime", "transferType", "confirmTimes", "unlockConfirm", "walletType",
    "travelRuleStatus",
}  # fmt: skip
WITHDRAWAL = {
    "id", "amount", "transactionFee", "coin", "status", "address", "txId", "applyTime", "network",
    "transferType", "withdrawOrderId", "info", "confirmNo", "walletType", "txKey", "completeTime",
}  # fmt: skip
COIN = {
    "coin", "depositAllEnable", "free", "freeze", "ipoable", "ipoing", "isLegalMoney", "locked",
    "name", "networkList", "storage", "trading", "withdrawAllEnable", "withdrawing",
}  # fmt: skip
NETWORK = {
    "addressRegex", "coin", "contractAddress", "depositDesc", "depositEnable", "isDefault",
    "memoRegex", "minConfirm", "name", "network", "sameAddress", "specialTips", "unLockConfirm",
    "withdrawDesc", "withdrawEnable", "withdrawFee", "withdrawIntegerMultiple", "withdrawMax",
    "withdrawMin", "withdrawTag",
}  # fmt: skip


@pytest.fixture
def traded(venue):
    maker, taker = venue.trader(btc=5), venue.trader(usdt=100_000)
    venue.signed(maker, "POST", ORDER, **LIMIT, side="SELL", quantity=2, price=20_000)
    return venue, maker, taker


def test_answers_to_orders(traded):
    venue, maker, taker = traded
    wish = {**LIMIT, "side": "BUY", "quantity": 1, "price": 20_000}
    full = venue.signed(taker, "POST", ORDER, **wish).json()
    assert full.keys() == RESULT | {"fills"}
    assert full["fills"][0].keys() == FILL
    wish |= {"price": 10_000}
    result = venue.signed(taker, "POST", ORDER, **wish, newOrderRespType="RESULT").json()
    assert result.keys() == RESULT
    ack = venue.signed(taker, "POST", ORDER, **wish, newOrderRespType="ACK").json()
    assert ack.keys() == ACK
    named = {"symbol": "BTCUSDT", "orderId": result["orderId"]}
    assert venue.signed(taker, "GET", ORDER, **named).json().keys() == STORED
    amend = venue.signed(taker, "PUT", f"{ORDER}/amend/keepPriority", **named, newQty="0.5").json()
    assert amend.keys() == {"transactTime", "executionId", "amendedOrder"}
    assert amend["amendedOrder"].keys() == AMENDED
    assert venue.signed(taker, "DELETE", ORDER, **named).json().keys() == CANCELED
    for path in ("/api/v3/openOrders", "/api/v3/allOrders"):
        for row in venue.signed(taker, "GET", path, symbol="BTCUSDT").json():
            assert row.keys() == STORED
    (ended,) = venue.signed(taker, "DELETE", "/api/v3/openOrders", symbol="BTCUSDT").json()
    assert ended.keys() == CANCELED
    (mine,) = venue.signed(maker, "GET", "/api/v3/myTrades", symbol="BTCUSDT").json()
    assert mine.keys() == MY_TRADE
    (public,) = venue.get("/api/v3/trades", symbol="BTCUSDT").json()
    assert public.keys() == TRADE


def test_answers_about_the_market_and_the_account(traded):
    venue, maker, _ = traded
    info = venue.get("/api/v3/exchangeInfo").json()
    assert info.keys() == INFO
    assert info["symbols"][0].keys() == SYMBOL
    assert venue.get("/api/v3/depth", symbol="BTCUSDT").json().keys() == {
        "lastUpdateId",
        "bids",
        "asks",
    }
    account = venue.signed(maker, "GET", "/api/v3/account").json()
    assert account.keys() == ACCOUNT
    assert account["balances"][0].keys() == {"asset", "free", "locked"}
    assert account["commissionRates"].keys() == {"maker", "taker", "buyer", "seller"}


def test_answers_about_capital(traded):
    venue, maker, _ = traded
    wish = {"coin": "BTC", "address": PAYEE, "amount": 1}
    applied = venue.signed(maker, "POST", "/sapi/v1/capital/withdraw/apply", **wish).json()
    assert applied.keys() == {"id"}
    (row,) = venue.signed(maker, "GET", "/sapi/v1/capital/withdraw/history").json()
    assert row.keys() >= WITHDRAWAL
    (row,) = venue.signed(maker, "GET", "/sapi/v1/capital/deposit/hisrec").json()
    assert row.keys() == DEPOSIT
    coins = venue.signed(maker, "GET", "/sapi/v1/capital/config/getall").json()
    assert coins[0].keys() == COIN
    assert coins[0]["networkList"][0].keys() == NETWORK
    where = venue.signed(maker, "GET", "/sapi/v1/capital/deposit/address", coin="BTC").json()
    assert where.keys() == {"address", "coin", "tag", "url"}


def test_amounts_are_text_and_times_are_milliseconds(traded):
    """A client that reads a price as a binary fraction would trade at another price."""
    venue, _, taker = traded
    wish = {**LIMIT, "side": "BUY", "quantity": "0.3", "price": "20000"}
    order = venue.signed(taker, "POST", ORDER, **wish).json()
    for name in ("price", "origQty", "executedQty", "cummulativeQuoteQty"):
        assert isinstance(order[name], str)
    assert order["executedQty"] == "0.30000000"
    now_ms = venue.clock() // 1_000_000
    assert now_ms - 60_000 < order["transactTime"] <= now_ms
