"""Orders as the dialect shows them: from an acknowledgement when new, from a view when stored."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import UNSET

from api.binance import answers
from api.binance.kinds import ResponseWord
from api.binance.words import (
    MS,
    ack_status_word,
    is_working,
    order_type_word,
    view_status_word,
)
from api.gate.desk import OPEN, NewOrder
from api.gate.listing import Instrument
from ledger.journal.ports import Ack
from ledger.readmodel.views import OrderView
from ledger.records.codes import EventKind, OrderStatus, Side

NO_LIST: Final = -1
"""The order list that an order outside any list belongs to."""
NOT_WORKING: Final = -1
"""The working time of an order that is not in the book yet."""
CONTINGENCY: Final = "OCO"


def order_answer(
    instrument: Instrument,
    order: NewOrder,
    ack: Ack,
    response: ResponseWord,
    list_id: int = NO_LIST,
) -> answers.OrderAck:
    """The answer to a new order, as long as was asked for."""
    match response:
        case ResponseWord.ACK:
            return order_ack(instrument, order, ack, list_id)
        case ResponseWord.RESULT:
            return answers.OrderResult(**_result(instrument, order, ack, list_id))
        case ResponseWord.FULL:
            return answers.OrderFull(
                **_result(instrument, order, ack, list_id),
                fills=_fills(instrument, order.side, ack),
            )


def order_ack(
    instrument: Instrument, order: NewOrder, ack: Ack, list_id: int = NO_LIST
) -> answers.OrderAck:
    """The shortest answer to a new order."""
    return answers.OrderAck(
        instrument.symbol, ack.subject_id, list_id, order.client_id.decode(), ack.time_ns // MS
    )


def _result(instrument: Instrument, order: NewOrder, ack: Ack, list_id: int) -> dict[str, Any]:
    time_ms = ack.time_ns // MS
    pending = ack.status is OrderStatus.PENDING
    return {
        **_conditional(instrument, order.trigger_ticks, order.display_lots),
        "symbol": instrument.symbol,
        "order_id": ack.subject_id,
        "order_list_id": list_id,
        "client_order_id": order.client_id.decode(),
        "transact_time": time_ms,
        "price": instrument.show_price(order.price_ticks),
        "orig_qty": instrument.show_qty(order.qty_lots or ack.filled_lots),
        "executed_qty": instrument.show_qty(ack.filled_lots),
        "orig_quote_order_qty": instrument.quote.show(order.quote_minor),
        "cummulative_quote_qty": instrument.quote.show(ack.filled_quote_minor),
        "status": ack_status_word(order, ack),
        "time_in_force": order.time_in_force.name,
        "type": order_type_word(order.order_type, order.flags),
        "side": order.side.name,
        "working_time": NOT_WORKING if pending else time_ms,
        "self_trade_prevention_mode": order.self_trade.name,
    }


def _fills(instrument: Instrument, side: Side, ack: Ack) -> list[answers.Fill]:
    """The trades of this command in which the order was the taker."""
    events = ack.events
    own = (events["kind"] == EventKind.TRADE) & (events["order_id"] == ack.subject_id)
    trades = events[own]
    received = instrument.base if side is Side.BUY else instrument.quote
    return [
        answers.Fill(
            price=instrument.show_price(int(trade["price_ticks"])),
            qty=instrument.show_qty(int(trade["qty_lots"])),
            commission=received.show(int(trade["fee_minor"])),
            commission_asset=received.symbol,
            trade_id=int(trade["trade_id"]),
        )
        for trade in trades
    ]


def _conditional(instrument: Instrument, trigger_ticks: int, display_lots: int) -> dict[str, str]:
    """The fields that only some orders have."""
    fields = {}
    if trigger_ticks:
        fields["stop_price"] = instrument.show_price(trigger_ticks)
    if display_lots:
        fields["iceberg_qty"] = instrument.show_qty(display_lots)
    return fields


def _list_of(view: OrderView) -> int:
    return view.list_id or NO_LIST


def stored(instrument: Instrument, view: OrderView) -> answers.Order:
    """One order as queries return it."""
    working, prevented = is_working(view), view.prevented_lots
    working_ns = view.triggered_ns or view.created_ns
    return answers.Order(
        symbol=instrument.symbol,
        order_id=view.order_id,
        order_list_id=_list_of(view),
        client_order_id=view.client_id.decode(),
        price=instrument.show_price(view.price_ticks),
        orig_qty=instrument.show_qty(_orig_lots(view)),
        executed_qty=instrument.show_qty(view.filled_lots),
        cummulative_quote_qty=instrument.quote.show(view.filled_quote_minor),
        status=view_status_word(view),
        time_in_force=view.time_in_force.name,
        type=order_type_word(view.order_type, view.flags),
        side=view.side.name,
        stop_price=instrument.show_price(view.trigger_ticks),
        iceberg_qty=instrument.show_qty(view.display_lots),
        time=view.created_ns // MS,
        update_time=view.updated_ns // MS,
        is_working=working,
        working_time=working_ns // MS if working else NOT_WORKING,
        orig_quote_order_qty=instrument.quote.show(view.quote_minor),
        self_trade_prevention_mode=view.self_trade.name,
        prevented_quantity=instrument.show_qty(prevented) if prevented else UNSET,
    )


def _orig_lots(view: OrderView) -> int:
    """What was ordered: what prevention took off belongs to it; by quote, what traded."""
    return view.qty_lots + view.prevented_lots or view.filled_lots


def listed(instrument: Instrument, views: Sequence[OrderView]) -> answers.OrderList:
    """A pair as it stands: its orders by id."""
    return answers.OrderList(**_list(instrument, views))


def placed_list(
    instrument: Instrument,
    views: Sequence[OrderView],
    reports: list[answers.OrderAck],
    name: bytes | None,
) -> answers.PlacedList:
    """The answer to a new pair; its name, when it got one, is told back this once."""
    fields = _list(instrument, views)
    if name is not None:
        fields["list_client_order_id"] = name.decode()
    return answers.PlacedList(**fields, order_reports=reports)


def canceled_list(
    instrument: Instrument, views: Sequence[OrderView], reports: list[answers.CanceledOrder]
) -> answers.CanceledList:
    """The answer to the cancel of a pair."""
    return answers.CanceledList(**_list(instrument, views), order_reports=reports)


def _list(instrument: Instrument, views: Sequence[OrderView]) -> dict[str, Any]:
    """A pair's own fields. The ledger knows no name of a list but its number."""
    done = all(view.status not in OPEN for view in views)
    return {
        "order_list_id": _list_of(views[-1]),
        "contingency_type": CONTINGENCY,
        "list_status_type": "ALL_DONE" if done else "EXEC_STARTED",
        "list_order_status": "ALL_DONE" if done else "EXECUTING",
        "list_client_order_id": str(_list_of(views[-1])),
        "transaction_time": max(view.updated_ns for view in views) // MS,
        "symbol": instrument.symbol,
        "orders": [
            answers.ListedOrder(instrument.symbol, view.order_id, view.client_id.decode())
            for view in views
        ],
    }


def canceled(
    instrument: Instrument, view: OrderView, ack: Ack, cancel_id: bytes
) -> answers.CanceledOrder:
    """The answer to a cancel: the order as it ended."""
    return answers.CanceledOrder(
        **_conditional(instrument, view.trigger_ticks, view.display_lots),
        symbol=instrument.symbol,
        orig_client_order_id=view.client_id.decode(),
        order_id=view.order_id,
        order_list_id=_list_of(view),
        client_order_id=cancel_id.decode(),
        transact_time=ack.time_ns // MS,
        price=instrument.show_price(view.price_ticks),
        orig_qty=instrument.show_qty(_orig_lots(view)),
        executed_qty=instrument.show_qty(view.filled_lots),
        orig_quote_order_qty=instrument.quote.show(view.quote_minor),
        cummulative_quote_qty=instrument.quote.show(view.filled_quote_minor),
        status=view_status_word(view),
        time_in_force=view.time_in_force.name,
        type=order_type_word(view.order_type, view.flags),
        side=view.side.name,
        self_trade_prevention_mode=view.self_trade.name,
    )


def amended(instrument: Instrument, view: OrderView, ack: Ack) -> answers.Amendment:
    """The answer to an amend: the order as it now stands. Its client id stays."""
    client_id = view.client_id.decode()
    return answers.Amendment(
        transact_time=ack.time_ns // MS,
        execution_id=ack.seq,
        amended_order=answers.AmendedOrder(
            symbol=instrument.symbol,
            order_id=view.order_id,
            order_list_id=_list_of(view),
            orig_client_order_id=client_id,
            client_order_id=client_id,
            price=instrument.show_price(view.price_ticks),
            qty=instrument.show_qty(_orig_lots(view)),
            executed_qty=instrument.show_qty(view.filled_lots),
            prevented_qty=instrument.show_qty(view.prevented_lots),
            quote_order_qty=instrument.quote.show(view.quote_minor),
            cumulative_quote_qty=instrument.quote.show(view.filled_quote_minor),
            status=view_status_word(view),
            time_in_force=view.time_in_force.name,
            type=order_type_word(view.order_type, view.flags),
            side=view.side.name,
            working_time=(view.triggered_ns or view.created_ns) // MS,
            self_trade_prevention_mode=view.self_trade.name,
        ),
    )
