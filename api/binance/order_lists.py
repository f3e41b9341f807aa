"""Pairs of orders of which one cancels the other (OCO), in the dialect."""

from dataclasses import dataclass
from typing import Annotated, Final

from api.binance import answers
from api.binance.kinds import (
    CLIENT_ID,
    DECIMAL,
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
from api.binance.order_answers import (
    NO_LIST,
    canceled,
    canceled_list,
    listed,
    order_answer,
    placed_list,
)
from api.binance.params import shape
from api.binance.wishes import Names, Wish, new_order
from api.binance.words import DEFAULT_SELF_TRADE
from api.gate.decimals import Fixed
from api.gate.desk import OPEN, OrderName, known
from api.gate.listing import Instrument
from api.gate.refusals import CancelUnknown, CommandRejected, OrderUnknown, ParametersCombined
from ledger.readmodel.views import OrderView
from ledger.records.codes import CommandFlag, Reject, SelfTrade, Side, TimeInForce

Pair = tuple[Instrument, list[OrderView]]
_PROFITS: Final = (OrderWord.LIMIT_MAKER, OrderWord.TAKE_PROFIT, OrderWord.TAKE_PROFIT_LIMIT)
_STOPS: Final = (OrderWord.STOP_LOSS, OrderWord.STOP_LOSS_LIMIT)
_ABOVE: Final = Names(
    "aboveTimeInForce", "quantity", "quoteOrderQty", "abovePrice", "aboveStopPrice",
    "aboveIcebergQty",
)  # fmt: skip
_BELOW: Final = Names(
    "belowTimeInForce", "quantity", "quoteOrderQty", "belowPrice", "belowStopPrice",
    "belowIcebergQty",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PairRequest:
    """POST /api/v3/orderList/oco: one order above the market's price, and one below."""

    symbol: Annotated[str, SYMBOL]
    side: Annotated[Side, SIDE]
    quantity: Annotated[Fixed, DECIMAL]
    above_type: Annotated[OrderWord, ORDER_TYPE]
    below_type: Annotated[OrderWord, ORDER_TYPE]
    list_client_order_id: Annotated[bytes, CLIENT_ID] | None = None
    above_client_order_id: Annotated[bytes, CLIENT_ID] | None = None
    above_iceberg_qty: Annotated[Fixed, DECIMAL] | None = None
    above_price: Annotated[Fixed, DECIMAL] | None = None
    above_stop_price: Annotated[Fixed, DECIMAL] | None = None
    above_time_in_force: Annotated[TimeInForce, TIME_IN_FORCE] | None = None
    below_client_order_id: Annotated[bytes, CLIENT_ID] | None = None
    below_iceberg_qty: Annotated[Fixed, DECIMAL] | None = None
    below_price: Annotated[Fixed, DECIMAL] | None = None
    below_stop_price: Annotated[Fixed, DECIMAL] | None = None
    below_time_in_force: Annotated[TimeInForce, TIME_IN_FORCE] | None = None
    new_order_resp_type: Annotated[ResponseWord, RESPONSE] = ResponseWord.RESULT
    self_trade_prevention_mode: Annotated[SelfTrade, SELF_TRADE] = DEFAULT_SELF_TRADE


@dataclass(frozen=True, slots=True)
class ListRequest:
    """GET /api/v3/orderList."""

    order_list_id: Annotated[int, LONG]


@dataclass(frozen=True, slots=True)
class CancelListRequest:
    """DELETE /api/v3/orderList."""

    symbol: Annotated[str, SYMBOL]
    order_list_id: Annotated[int, LONG]


async def place_pair(call: Call[PairRequest]) -> answers.PlacedList:
    """Place two orders of which one cancels the other."""
    request, desk, history = call.request, call.services.desk, call.services.history
    instrument = find_instrument(call.services.listing, request.symbol)
    above, below = _wishes(call)
    sells = request.side is Side.SELL
    profit, stop = (above, below) if sells else (below, above)
    if profit.type not in _PROFITS or stop.type not in _STOPS:
        raise ParametersCombined
    first, second = (new_order(wish, instrument) for wish in (profit, stop))
    call.count_order()
    call.count_order()
    ack, other = await desk.place_pair(call.caller.account, first, second)
    placed = [(first, ack)]
    if other.reject is Reject.NONE:
        placed.append((second, other))
    # If the first has traded before the second came, there is no pair: the second is not told.
    list_id = other.subject_id or NO_LIST
    response = request.new_order_resp_type
    reports = [order_answer(instrument, order, done, response, list_id) for order, done in placed]
    views = [known(history.order(done.subject_id)) for _, done in placed]
    return placed_list(instrument, views, reports, request.list_client_order_id)


async def query_list(call: Call[ListRequest]) -> answers.OrderList:
    """One pair, open or done."""
    instrument, views = _pair(call, call.request.order_list_id)
    return listed(instrument, views)


async def cancel_list(call: Call[CancelListRequest]) -> answers.CanceledList:
    """Cancel a pair: one order by its name, and with it the other."""
    request, history = call.request, call.services.history
    named = find_instrument(call.services.listing, request.symbol)
    try:
        instrument, views = _pair(call, request.order_list_id)
    except OrderUnknown:
        raise CancelUnknown from None
    standing = [view for view in views if view.status in OPEN]
    if instrument is not named or not standing:
        raise CancelUnknown
    name = OrderName(instrument.instrument, standing[-1].order_id)
    _, ack = await call.services.desk.cancel(call.caller.account, name)
    if ack.reject is not Reject.NONE:
        raise CommandRejected(ack)
    after = [known(history.order(view.order_id)) for view in views]
    reports = [
        canceled(instrument, view, ack, call.services.new_client_id())
        for view in after
        if any(view.order_id == left.order_id for left in standing)
    ]
    return canceled_list(instrument, after, reports)


def _wishes(call: Call[PairRequest]) -> tuple[Wish, Wish]:
    """The order above and the order below: each with its own parameters and those of both."""
    request = call.request
    own = (
        (
            request.above_type,
            request.above_client_order_id,
            request.above_time_in_force,
            request.above_price,
            request.above_stop_price,
            request.above_iceberg_qty,
            _ABOVE,
        ),
        (
            request.below_type,
            request.below_client_order_id,
            request.below_time_in_force,
            request.below_price,
            request.below_stop_price,
            request.below_iceberg_qty,
            _BELOW,
        ),
    )
    above, below = (
        Wish(
            side=request.side,
            type=word,
            client_id=client_id or call.services.new_client_id(),
            session=call.caller.session,
            time_in_force=time_in_force,
            quantity=request.quantity,
            price=price,
            stop_price=stop_price,
            iceberg_qty=iceberg_qty,
            self_trade=request.self_trade_prevention_mode,
            names=names,
        )
        for word, client_id, time_in_force, price, stop_price, iceberg_qty, names in own
    )
    return above, below


def _pair(call: Call[ListRequest] | Call[CancelListRequest], list_id: int) -> Pair:
    """The caller's pair with this number: the order that named the other has it.

    Raises:
        OrderUnknown: There is none, or its orders are forgotten.
    """
    history, account = call.services.history, call.caller.account
    second = history.order(list_id)
    if second is None or second.account != account or not second.flags & CommandFlag.OCO:
        raise OrderUnknown
    first = history.order(second.target_id)
    views = [second] if first is None else [first, second]
    return call.services.listing.instrument(second.instrument), views


_PATH: Final = "/api/v3/orderList"
_READ, _TRADE = Security.USER_DATA, Security.TRADE
OPERATIONS: Final = (
    Operation("POST", f"{_PATH}/oco", _TRADE, 1, shape(PairRequest), place_pair),
    Operation("GET", _PATH, _READ, 4, shape(ListRequest), query_list),
    Operation("DELETE", _PATH, _TRADE, 1, shape(CancelListRequest), cancel_list),
)
