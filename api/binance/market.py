"""Market data in the dialect: what anybody may ask, all from memory."""

from dataclasses import dataclass
from typing import Annotated, Final

from api.binance import answers
from api.binance.kinds import LIMIT, LONG, SYMBOL, SYMBOLS
from api.binance.operation import Call, Operation, Security
from api.binance.params import shape
from api.binance.rules import ICEBERG_PARTS_MAX
from api.binance.words import CLIENT_ORDER_TYPES, DEFAULT_SELF_TRADE, MS, SELF_TRADE_MODES
from api.gate.listing import Instrument, Listing
from api.gate.ratelimit import Limits
from api.gate.refusals import ParameterNotRequired, SymbolUnknown
from ledger.readmodel.views import TradeView
from ledger.records.codes import Product, Side
from matching.units import AMOUNT_MINOR_MAX

DEPTH_DEFAULT: Final = 100
DEPTH_MAX: Final = 5000
TRADES_DEFAULT: Final = 500
TRADES_MAX: Final = 1000
_DEPTH_WEIGHTS: Final = ((100, 5), (500, 25), (1000, 50), (DEPTH_MAX, 250))
_DEPTH_WEIGHT_LEAST: Final = 5


@dataclass(frozen=True, slots=True)
class Nothing:
    """An operation without parameters."""


@dataclass(frozen=True, slots=True)
class ExchangeInfoRequest:
    """One symbol, some symbols, or all."""

    symbol: Annotated[str, SYMBOL] | None = None
    symbols: Annotated[tuple[str, ...], SYMBOLS] | None = None


@dataclass(frozen=True, slots=True)
class DepthRequest:
    """The book of one symbol, so many levels a side."""

    symbol: Annotated[str, SYMBOL]
    limit: Annotated[int, LIMIT] = DEPTH_DEFAULT


@dataclass(frozen=True, slots=True)
class TradesRequest:
    """The last trades of one symbol."""

    symbol: Annotated[str, SYMBOL]
    limit: Annotated[int, LIMIT] = TRADES_DEFAULT


@dataclass(frozen=True, slots=True)
class HistoricalTradesRequest:
    """Trades of one symbol from an id on."""

    symbol: Annotated[str, SYMBOL]
    limit: Annotated[int, LIMIT] = TRADES_DEFAULT
    from_id: Annotated[int, LONG] | None = None


def find_instrument(listing: Listing, symbol: str) -> Instrument:
    """The spot pair that the symbol names.

    Raises:
        SymbolUnknown: None does.
    """
    instrument = listing.instrument_named(symbol)
    if instrument is None or instrument.product is not Product.SPOT:
        raise SymbolUnknown(symbol)
    return instrument


async def ping(_: Call[Nothing]) -> answers.Empty:
    """Test connectivity."""
    return answers.Empty()


async def server_time(call: Call[Nothing]) -> answers.ServerTime:
    """The venue's clock, in milliseconds."""
    return answers.ServerTime(call.now_ms)


async def exchange_info(call: Call[ExchangeInfoRequest]) -> answers.ExchangeInfo:
    """Symbols with their rules, and the limits of use."""
    request, listing = call.request, call.services.listing
    if request.symbol is not None and request.symbols is not None:
        raise ParameterNotRequired("symbols")
    names = request.symbols if request.symbol is None else (request.symbol,)
    instruments = (
        listing.pairs() if names is None else [find_instrument(listing, name) for name in names]
    )
    return answers.ExchangeInfo(
        timezone="UTC",
        server_time=call.now_ms,
        rate_limits=rate_limit_rules(call.services.limits.limits),
        exchange_filters=(),
        symbols=[symbol_info(instrument) for instrument in instruments],
    )


async def depth(call: Call[DepthRequest]) -> answers.Depth:
    """The order book, best price first."""
    instrument = find_instrument(call.services.listing, call.request.symbol)
    levels = min(call.request.limit, DEPTH_MAX)
    weight = next(weight for most, weight in _DEPTH_WEIGHTS if levels <= most)
    if weight > _DEPTH_WEIGHT_LEAST:
        call.charge(weight - _DEPTH_WEIGHT_LEAST)
    sides = call.services.engine.depth(instrument.instrument, levels)
    bids, asks = (
        [
            (instrument.show_price(price_ticks), instrument.show_qty(qty_lots))
            for price_ticks, qty_lots in zip(
                side["price_ticks"].tolist(), side["qty_lots"].tolist(), strict=True
            )
        ]
        for side in sides
    )
    return answers.Depth(call.services.engine.seq, bids, asks)


async def trades(call: Call[TradesRequest]) -> list[answers.PublicTrade]:
    """The last trades, oldest first."""
    instrument = find_instrument(call.services.listing, call.request.symbol)
    limit = min(call.request.limit, TRADES_MAX)
    views = call.services.history.trades(instrument.instrument, limit)
    return [public_trade(instrument, view) for view in views]


async def historical_trades(call: Call[HistoricalTradesRequest]) -> list[answers.PublicTrade]:
    """Trades from an id on, oldest first; without an id the last ones."""
    request = call.request
    instrument = find_instrument(call.services.listing, request.symbol)
    limit = min(request.limit, TRADES_MAX)
    views = call.services.history.trades(instrument.instrument, limit, request.from_id)
    return [public_trade(instrument, view) for view in views]


def public_trade(instrument: Instrument, view: TradeView) -> answers.PublicTrade:
    """One trade without its parties."""
    return answers.PublicTrade(
        id=view.trade_id,
        price=instrument.show_price(view.price_ticks),
        qty=instrument.show_qty(view.qty_lots),
        quote_qty=instrument.quote.show(view.quote_minor),
        time=view.time_ns // MS,
        is_buyer_maker=view.taker_side is Side.SELL,
        is_best_match=True,
    )


def rate_limit_rules(limits: Limits) -> tuple[answers.RateLimitRule, ...]:
    """The limits as exchangeInfo states them."""
    return (
        answers.RateLimitRule("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute),
        answers.RateLimitRule("ORDERS", "SECOND", 10, limits.orders_per_10s),
        answers.RateLimitRule("ORDERS", "DAY", 1, limits.orders_per_day),
    )


def symbol_info(instrument: Instrument) -> answers.SymbolInfo:
    """One symbol's rules, from the same numbers that the gate checks with."""
    base, quote = instrument.base, instrument.quote
    max_qty = instrument.show_qty(instrument.max_qty_lots)
    return answers.SymbolInfo(
        symbol=instrument.symbol,
        status="TRADING",
        base_asset=base.symbol,
        base_asset_precision=base.places,
        quote_asset=quote.symbol,
        quote_precision=quote.places,
        quote_asset_precision=quote.places,
        base_commission_precision=base.places,
        quote_commission_precision=quote.places,
        order_types=CLIENT_ORDER_TYPES,
        iceberg_allowed=True,
        oco_allowed=True,
        oto_allowed=False,
        quote_order_qty_market_allowed=True,
        allow_trailing_stop=False,
        cancel_replace_allowed=True,
        amend_allowed=True,
        peg_instructions_allowed=False,
        is_spot_trading_allowed=True,
        is_margin_trading_allowed=False,
        filters=(
            answers.PriceFilter(
                instrument.show_price(1),
                instrument.show_price(instrument.max_price_ticks),
                instrument.show_price(1),
            ),
            answers.LotSize(instrument.show_qty(1), max_qty, instrument.show_qty(1)),
            answers.MarketLotSize(instrument.show_qty(1), max_qty, instrument.show_qty(1)),
            answers.Notional(
                min_notional=quote.show(instrument.min_notional_minor),
                apply_min_to_market=False,
                max_notional=quote.show(AMOUNT_MINOR_MAX),
                apply_max_to_market=False,
                avg_price_mins=0,
            ),
            answers.IcebergParts(ICEBERG_PARTS_MAX),
        ),
        permissions=(),
        permission_sets=(("SPOT",),),
        default_self_trade_prevention_mode=DEFAULT_SELF_TRADE.name,
        allowed_self_trade_prevention_modes=SELF_TRADE_MODES,
    )


OPERATIONS: Final = (
    Operation("GET", "/api/v3/ping", Security.NONE, 1, shape(Nothing), ping),
    Operation("GET", "/api/v3/time", Security.NONE, 1, shape(Nothing), server_time),
    Operation(
        "GET", "/api/v3/exchangeInfo", Security.NONE, 20, shape(ExchangeInfoRequest), exchange_info
    ),
    Operation(
        "GET", "/api/v3/depth", Security.NONE, _DEPTH_WEIGHT_LEAST, shape(DepthRequest), depth
    ),
    Operation("GET", "/api/v3/trades", Security.NONE, 25, shape(TradesRequest), trades),
    Operation(
        "GET",
        "/api/v3/historicalTrades",
        Security.NONE,
        25,
        shape(HistoricalTradesRequest),
        historical_trades,
    ),
)
