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
    REPLACE,
    RESPONSE,
    SELF_TRADE,
    SIDE,
    SYMBOL,
    TIME_IN_FORCE,
    OrderWord,
    ReplaceWord,
    ResponseWord,
)
from api.binance.market import find_instrument
from api.binance.operation import Call, Operation, Security
from api.binance.order_answers import amended, canceled, order_answer, stored
from api.binance.params import shape
from api.binance.rules import lots
from api.binance.spans import check_span, first_since, not_after
from api.binance.wishes import Wish, new_order
from api.binance.words import DEFAULT_SELF_TRADE, MS
from api.gate.decimals import Fixed
from api.gate.desk import NewOrder, OrderName, find_order
from api.gate.listing import Instrument
from api.gate.refusals import (
    CommandRejected,
    EitherParameterMissing,
    OrderUnknown,
)
from ledger.journal.ports import Ack
from ledger.records.codes import (
    CommandFlag,
    OrderStatus,
    Product,
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
    stop_price: Annotated[Fixed, DECIMAL] | None = None
    iceberg_qty: Annotated[Fixed, DECIMAL] | None = None
    new_client_order_id: Annotated[bytes, CLIENT_ID] | None = None
    new_order_resp_type: Annotated[ResponseWord, RESPONSE] | None = None
    self_trade_prevention_mode: Annotated[SelfTrade, SELF_TRADE] = DEFAULT_SELF_TRADE


@dataclass(frozen=True, slots=True)
class ReplaceRequest:
    """POST /api/v3/order/cancelReplace."""

    symbol: Annotated[str, SYMBOL]
    side: Annotated[Side, SIDE]
    type: Annotated[OrderWord, ORDER_TYPE]
    cancel_replace_mode: Annotated[ReplaceWord, REPLACE]
    time_in_force: Annotated[TimeInForce, TIME_IN_FORCE] | None = None
    quantity: Annotated[Fixed, DECIMAL] | None = None
    quote_order_qty: Annotated[Fixed, DECIMAL] | None = None
    price: Annotated[Fixed, DECIMAL] | None = None
    cancel_new_client_order_id: Annotated[bytes, CLIENT_ID] | None = None
    cancel_orig_client_order_id: Annotated[bytes, CLIENT_ID] | None = None
    cancel_order_id: Annotated[int, LONG] | None = None
    new_client_order_id: Annotated[bytes, CLIENT_ID] | None = None
    stop_price: Annotated[Fixed, DECIMAL] | None = None
    iceberg_qty: Annotated[Fixed, DECIMAL] | None = None
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
    order = new_order(_wish(request, client_id, call.caller.session), instrument)
    call.count_order()
    ack = await call.services.desk.place(call.caller.account, order)
    ack = _effective(_or_expired(order, ack))
    response = request.new_order_resp_type or default_response(request.type)
    return order_answer(instrument, order, ack, response)


async def replace_order(call: Call[ReplaceRequest]) -> answers.Replacement:
    """Cancel an order and place another on its side: both or neither."""
    request = call.request
    instrument = find_instrument(call.services.listing, request.symbol)
    client_id = request.new_client_order_id or call.services.new_client_id()
    if request.cancel_order_id is None and request.cancel_orig_client_order_id is None:
        raise EitherParameterMissing("cancelOrigClientOrderId", "cancelOrderId")
    name = OrderName(
        instrument.instrument, request.cancel_order_id, request.cancel_orig_client_order_id
    )
    order = new_order(_wish(request, client_id, call.caller.session), instrument)
    call.count_order()
    done = await call.services.desk.replace(call.caller.account, name, order)
    cancel_id = request.cancel_new_client_order_id or call.services.new_client_id()
    response = request.new_order_resp_type or default_response(request.type)
    return answers.Replacement(
        cancel_result="SUCCESS",
        new_order_result="SUCCESS",
        cancel_response=canceled(instrument, done.old, done.ack, cancel_id),
        new_order_response=order_answer(instrument, order, done.ack, response),
    )


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
    return [
        stored(listing.instrument(view.instrument), view)
        for view in views
        if view.product is Product.SPOT
    ]


async def cancel_all(call: Call[CancelAllRequest]) -> list[answers.CanceledOrder]:
    """Cancel the caller's open orders of one symbol."""
    instrument = find_instrument(call.services.listing, call.request.symbol)
    views, ack = await call.services.desk.cancel_all(call.caller.account, instrument.instrument)
    return [canceled(instrument, view, ack, call.services.new_client_id()) for view in views]


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
    return replace(
        ack,
        reject=Reject.NONE,
        status=OrderStatus.EXPIRED,
        subject_id=ack.seq,
        remaining_lots=order.qty_lots,
    )


def default_response(word: OrderWord) -> ResponseWord:
    """How much the answer says unless it is asked: of what may fill at once, all."""
    plain = word in (OrderWord.LIMIT, OrderWord.MARKET)
    return ResponseWord.FULL if plain else ResponseWord.ACK


def _wish(request: PlaceRequest | ReplaceRequest, client_id: bytes, session: int) -> Wish:
    return Wish(
        side=request.side,
        type=request.type,
        client_id=client_id,
        session=session,
        time_in_force=request.time_in_force,
        quantity=request.quantity,
        quote_order_qty=request.quote_order_qty,
        price=request.price,
        stop_price=request.stop_price,
        iceberg_qty=request.iceberg_qty,
        self_trade=request.self_trade_prevention_mode,
    )


_ORDER = "/api/v3/order"
_READ, _TRADE = Security.USER_DATA, Security.TRADE
OPERATIONS: Final = (
    Operation("POST", _ORDER, _TRADE, 1, shape(PlaceRequest), place),
    Operation("POST", f"{_ORDER}/cancelReplace", _TRADE, 1, shape(ReplaceRequest), replace_order),
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
