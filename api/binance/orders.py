"""Orders in the dialect: place, cancel, amend, query."""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from api.binance import answers
from api.binance.kinds import (
    CLIENT_ID,
    DECIMAL,
    LIMIT,
    LONG,
    ORDER_TYPE,
    RESPONSE,
    SELF_TRADE,
    SIDE,
    SYMBOL,
    TIME_IN_FORCE,
    OrderWord,
    ResponseWord,
)
from api.binance.market import find_instrument
from api.binance.operation import Call, Operation, Security
from api.binance.order_answers import amended, canceled, order_ack, order_full, order_result, stored
from api.binance.params import shape
from api.binance.rules import limit_price, lots, market_by_quote, notional
from api.binance.spans import check_span, first_since, not_after
from api.binance.words import DEFAULT_SELF_TRADE, MS, SUPPORTED_TYPES
from api.decimals import Fixed
from api.desk import NO_FLAGS, NewOrder, OrderName, find_order
from api.listing import Instrument
from api.refusals import (
    CommandRejected,
    EitherParameterMissing,
    OrderTypeUnsupported,
    OrderUnknown,
    ParameterMissing,
    ParameterNotRequired,
)
from ledger.journal.ports import Ack
from ledger.records.codes import (
    CommandFlag,
    OrderStatus,
    OrderType,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
)

ORDERS_DEFAULT: Final = 500
ORDERS_MAX: Final = 1000
LATEST: Final = 0
_FOUND_NOTHING: Final = (Reject.NO_LIQUIDITY, Reject.CANNOT_FILL)
_OPEN_ORDERS_WEIGHT: Final = 6
_ALL_OPEN_ORDERS_WEIGHT: Final = 80


@dataclass(frozen=True, slots=True)
class PlaceRequest:
    """POST /api/v3/order."""

    symbol: Annotated[str, SYMBOL]
    side: Annotated[Side, SIDE]
    type: Annotated[OrderWord, ORDER_TYPE]
    time_in_force: Annotated[TimeInForce, TIME_IN_FORCE] | None = None
    quantity: Annotated[Fixed, DECIMAL] | None = None
    quote_order_qty: Annotated[Fixed, DECIMAL] | None = None
    price: Annotated[Fixed, DECIMAL] | None = None
    new_client_order_id: Annotated[bytes, CLIENT_ID] | None = None
    new_order_resp_type: Annotated[ResponseWord, RESPONSE] | None = None
    self_trade_prevention_mode: Annotated[SelfTrade, SELF_TRADE] = DEFAULT_SELF_TRADE


@dataclass(frozen=True, slots=True)
class NamedOrderRequest:
    """GET /api/v3/order."""

    symbol: Annotated[str, SYMBOL]
    order_id: Annotated[int, LONG] | None = None
    orig_client_order_id: Annotated[bytes, CLIENT_ID] | None = None


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """DELETE /api/v3/order."""

    symbol: Annotated[str, SYMBOL]
    order_id: Annotated[int, LONG] | None = None
    orig_client_order_id: Annotated[bytes, CLIENT_ID] | None = None
    new_client_order_id: Annotated[bytes, CLIENT_ID] | None = None


@dataclass(frozen=True, slots=True)
class AmendRequest:
    """PUT /api/v3/order/amend/keepPriority."""

    symbol: Annotated[str, SYMBOL]
    new_qty: Annotated[Fixed, DECIMAL]
    order_id: Annotated[int, LONG] | None = None
    orig_client_order_id: Annotated[bytes, CLIENT_ID] | None = None
    new_client_order_id: Annotated[bytes, CLIENT_ID] | None = None


@dataclass(frozen=True, slots=True)
class OpenOrdersRequest:
    """GET /api/v3/openOrders."""

    symbol: Annotated[str, SYMBOL] | None = None


@dataclass(frozen=True, slots=True)
class CancelAllRequest:
    """DELETE /api/v3/openOrders."""

    symbol: Annotated[str, SYMBOL]


@dataclass(frozen=True, slots=True)
class AllOrdersRequest:
    """GET /api/v3/allOrders."""

    symbol: Annotated[str, SYMBOL]
    order_id: Annotated[int, LONG] | None = None
    start_time: Annotated[int, LONG] | None = None
    end_time: Annotated[int, LONG] | None = None
    limit: Annotated[int, LIMIT] = ORDERS_DEFAULT


async def place(call: Call[PlaceRequest]) -> answers.OrderAck:
    """Place an order."""
    request = call.request
    instrument = find_instrument(call.services.listing, request.symbol)
    client_id = request.new_client_order_id or call.services.new_client_id()
    order = _new_order(request, instrument, client_id, call.caller.session)
    call.count_order()
    ack = await call.services.desk.place(call.caller.account, order)
    ack = _effective(_or_expired(order, ack))
    match request.new_order_resp_type or _default_response(request.type):
        case ResponseWord.ACK:
            return order_ack(instrument, order, ack)
        case ResponseWord.RESULT:
            return order_result(instrument, order, ack)
        case ResponseWord.FULL:
            return order_full(instrument, order, ack)


async def query(call: Call[NamedOrderRequest]) -> answers.Order:
    """One order, open or done."""
    request = call.request
    instrument = find_instrument(call.services.listing, request.symbol)
    name = _name(instrument, request.order_id, request.orig_client_order_id)
    view = find_order(call.services.history, call.caller.account, name)
    if view is None:
        raise OrderUnknown
    return stored(instrument, view)


async def cancel(call: Call[CancelRequest]) -> answers.CanceledOrder:
    """Cancel an open order."""
    request = call.request
    instrument = find_instrument(call.services.listing, request.symbol)
    name = _name(instrument, request.order_id, request.orig_client_order_id)
    view, ack = await call.services.desk.cancel(call.caller.account, name)
    cancel_id = request.new_client_order_id or call.services.new_client_id()
    return canceled(instrument, view, _effective(ack), cancel_id)


async def amend(call: Call[AmendRequest]) -> answers.Amendment:
    """Make an open order smaller; it keeps its place in the queue."""
    request = call.request
    instrument = find_instrument(call.services.listing, request.symbol)
    name = _name(instrument, request.order_id, request.orig_client_order_id)
    qty_lots = lots(instrument, "newQty", request.new_qty)
    view, ack = await call.services.desk.amend(
        call.caller.account, name, qty_lots, request.new_client_order_id
    )
    return amended(instrument, view, _effective(ack))


async def open_orders(call: Call[OpenOrdersRequest]) -> list[answers.Order]:
    """The caller's open orders, of one symbol or of all."""
    listing, symbol = call.services.listing, call.request.symbol
    if symbol is None:
        call.charge(_ALL_OPEN_ORDERS_WEIGHT - _OPEN_ORDERS_WEIGHT)
        views = call.services.history.open_orders(call.caller.account)
    else:
        instrument = find_instrument(listing, symbol)
        views = call.services.history.open_orders(call.caller.account, instrument.instrument)
    return [stored(listing.instrument(view.instrument), view) for view in views]


async def cancel_all(call: Call[CancelAllRequest]) -> list[answers.CanceledOrder]:
    """Cancel the caller's open orders of one symbol."""
    instrument = find_instrument(call.services.listing, call.request.symbol)
    pairs = await call.services.desk.cancel_all(call.caller.account, instrument.instrument)
    return [
        canceled(instrument, view, ack, call.services.new_client_id())
        for view, ack in pairs
        if ack.reject is Reject.NONE
    ]


async def all_orders(call: Call[AllOrdersRequest]) -> list[answers.Order]:
    """The caller's orders of one symbol, open and done, by id: the latest, or from a start."""
    request, history = call.request, call.services.history
    instrument = find_instrument(call.services.listing, request.symbol)
    account, number = call.caller.account, instrument.instrument
    check_span(request.start_time, request.end_time, request.order_id)
    from_id = request.order_id or LATEST
    if request.start_time is not None:

        def probe(order_id: int) -> tuple[int, int] | None:
            found = history.all_orders(account, number, order_id, 1)
            return (found[0].order_id, found[0].created_ns) if found else None

        latest = history.all_orders(account, number, LATEST, 1)
        last_id = latest[0].order_id if latest else 0
        from_id = first_since(probe, last_id, request.start_time * MS)
    views = history.all_orders(account, number, from_id, min(request.limit, ORDERS_MAX))
    return [
        stored(instrument, view) for view in views if not_after(view.created_ns, request.end_time)
    ]


def _name(instrument: Instrument, order_id: int | None, client_id: bytes | None) -> OrderName:
    if order_id is None and client_id is None:
        raise EitherParameterMissing("origClientOrderId", "orderId")
    return OrderName(instrument.instrument, order_id, client_id)


def _effective(ack: Ack) -> Ack:
    if ack.reject is not Reject.NONE:
        raise CommandRejected(ack)
    return ack


def _or_expired(order: NewOrder, ack: Ack) -> Ack:
    """The dialect says of an order that found nothing to take that it expired, and no error.

    The ledger rejected the command, so that no order exists; docs/api.md says what follows.
    """
    if ack.reject not in _FOUND_NOTHING or order.flags & CommandFlag.BY_QUOTE:
        return ack
    return replace(ack, reject=Reject.NONE, status=OrderStatus.EXPIRED, subject_id=ack.seq)


def _default_response(word: OrderWord) -> ResponseWord:
    return ResponseWord.ACK if word is OrderWord.LIMIT_MAKER else ResponseWord.FULL


def _new_order(
    request: PlaceRequest, instrument: Instrument, client_id: bytes, session: int
) -> NewOrder:
    """The request as the engine's order, after the symbol's rules.

    Raises:
        ApiError: A parameter is missing or not required for this type, or a rule is broken.
    """
    match request.type:
        case OrderWord.LIMIT | OrderWord.LIMIT_MAKER:
            return _limit_order(request, instrument, client_id, session)
        case OrderWord.MARKET:
            return _market_order(request, instrument, client_id, session)
        case unsupported:
            assert unsupported not in SUPPORTED_TYPES
            raise OrderTypeUnsupported(unsupported.value.capitalize().replace("_", " "))


def _limit_order(
    request: PlaceRequest, instrument: Instrument, client_id: bytes, session: int
) -> NewOrder:
    post_only = request.type is OrderWord.LIMIT_MAKER
    if post_only and request.time_in_force is not None:
        raise ParameterNotRequired("timeInForce")
    if request.quote_order_qty is not None:
        raise ParameterNotRequired("quoteOrderQty")
    if not post_only and request.time_in_force is None:
        raise ParameterMissing("timeInForce")
    if request.quantity is None:
        raise ParameterMissing("quantity")
    if request.price is None:
        raise ParameterMissing("price")
    price_ticks = limit_price(instrument, request.price)
    qty_lots = lots(instrument, "quantity", request.quantity)
    notional(instrument, price_ticks, qty_lots)
    return NewOrder(
        instrument=instrument.instrument,
        side=request.side,
        order_type=OrderType.LIMIT,
        client_id=client_id,
        time_in_force=request.time_in_force or TimeInForce.GTC,
        self_trade=request.self_trade_prevention_mode,
        flags=CommandFlag.POST_ONLY if post_only else NO_FLAGS,
        price_ticks=price_ticks,
        qty_lots=qty_lots,
        session=session,
    )


def _market_order(
    request: PlaceRequest, instrument: Instrument, client_id: bytes, session: int
) -> NewOrder:
    if request.price is not None:
        raise ParameterNotRequired("price")
    if request.time_in_force is not None:
        raise ParameterNotRequired("timeInForce")
    if request.quantity is not None and request.quote_order_qty is not None:
        raise ParameterNotRequired("quoteOrderQty")
    qty_lots = quote_minor = 0
    flags = NO_FLAGS
    if request.quantity is not None:
        qty_lots = lots(instrument, "quantity", request.quantity, "MARKET_LOT_SIZE")
    elif request.quote_order_qty is not None:
        quote_minor = market_by_quote(instrument, request.quote_order_qty)
        flags = CommandFlag.BY_QUOTE
    else:
        raise EitherParameterMissing("quantity", "quoteOrderQty")
    return NewOrder(
        instrument=instrument.instrument,
        side=request.side,
        order_type=OrderType.MARKET,
        client_id=client_id,
        time_in_force=TimeInForce.IOC,
        self_trade=request.self_trade_prevention_mode,
        flags=flags,
        qty_lots=qty_lots,
        quote_minor=quote_minor,
        session=session,
    )


_ORDER = "/api/v3/order"
_READ, _TRADE = Security.USER_DATA, Security.TRADE
OPERATIONS: Final = (
    Operation("POST", _ORDER, _TRADE, 1, shape(PlaceRequest), place),
    Operation("GET", _ORDER, _READ, 4, shape(NamedOrderRequest), query),
    Operation("DELETE", _ORDER, _TRADE, 1, shape(CancelRequest), cancel),
    Operation("PUT", f"{_ORDER}/amend/keepPriority", _TRADE, 4, shape(AmendRequest), amend),
    Operation(
        "GET",
        "/api/v3/openOrders",
        _READ,
        _OPEN_ORDERS_WEIGHT,
        shape(OpenOrdersRequest),
        open_orders,
    ),
    Operation("DELETE", "/api/v3/openOrders", _TRADE, 1, shape(CancelAllRequest), cancel_all),
    Operation("GET", "/api/v3/allOrders", _READ, 20, shape(AllOrdersRequest), all_orders),
)
