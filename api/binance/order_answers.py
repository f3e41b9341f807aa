"""Orders as the dialect shows them: from an acknowledgement when new, from a view when stored."""

from typing import Any, Final

from api.binance import answers
from api.binance.words import MS, order_type_word, status_word, view_status_word
from api.desk import NewOrder
from api.listing import Instrument
from ledger.journal.ports import Ack
from ledger.readmodel.views import OrderView
from ledger.records.codes import EventKind, Side

NO_LIST: Final = -1
"""The order list that an order outside any list belongs to."""


def order_ack(instrument: Instrument, order: NewOrder, ack: Ack) -> answers.OrderAck:
    """The shortest answer to a new order."""
    return answers.OrderAck(
        instrument.symbol, ack.subject_id, NO_LIST, order.client_id.decode(), ack.time_ns // MS
    )


def order_result(instrument: Instrument, order: NewOrder, ack: Ack) -> answers.OrderResult:
    """The answer without its fills."""
    return answers.OrderResult(**_result(instrument, order, ack))


def order_full(instrument: Instrument, order: NewOrder, ack: Ack) -> answers.OrderFull:
    """The whole answer, one entry a fill."""
    return answers.OrderFull(
        **_result(instrument, order, ack), fills=_fills(instrument, order.side, ack)
    )


def _result(instrument: Instrument, order: NewOrder, ack: Ack) -> dict[str, Any]:
    time_ms = ack.time_ns // MS
    return {
        "symbol": instrument.symbol,
        "order_id": ack.subject_id,
        "order_list_id": NO_LIST,
        "client_order_id": order.client_id.decode(),
        "transact_time": time_ms,
        "price": instrument.show_price(order.price_ticks),
        "orig_qty": instrument.show_qty(order.qty_lots or ack.filled_lots),
        "executed_qty": instrument.show_qty(ack.filled_lots),
        "orig_quote_order_qty": instrument.quote.show(order.quote_minor),
        "cummulative_quote_qty": instrument.quote.show(ack.filled_quote_minor),
        "status": status_word(ack.status, order.order_type, order.time_in_force),
        "time_in_force": order.time_in_force.name,
        "type": order_type_word(order.order_type, order.flags),
        "side": order.side.name,
        "working_time": time_ms,
        "self_trade_prevention_mode": order.self_trade.name,
    }


def _fills(instrument: Instrument, side: Side, ack: Ack) -> list[answers.Fill]:
    """The trades of this command in which the order was the taker."""
    trades = ack.events[ack.events["kind"] == EventKind.TRADE]
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


def stored(instrument: Instrument, view: OrderView) -> answers.Order:
    """One order as queries return it."""
    created_ms = view.created_ns // MS
    return answers.Order(
        symbol=instrument.symbol,
        order_id=view.order_id,
        order_list_id=NO_LIST,
        client_order_id=view.client_id.decode(),
        price=instrument.show_price(view.price_ticks),
        orig_qty=instrument.show_qty(view.qty_lots or view.filled_lots),
        executed_qty=instrument.show_qty(view.filled_lots),
        cummulative_quote_qty=instrument.quote.show(view.filled_quote_minor),
        status=view_status_word(view),
        time_in_force=view.time_in_force.name,
        type=order_type_word(view.order_type, view.flags),
        side=view.side.name,
        stop_price=instrument.show_price(0),
        iceberg_qty=instrument.show_qty(0),
        time=created_ms,
        update_time=view.updated_ns // MS,
        is_working=True,
        working_time=created_ms,
        orig_quote_order_qty=instrument.quote.show(view.quote_minor),
        self_trade_prevention_mode=view.self_trade.name,
    )


def canceled(
    instrument: Instrument, view: OrderView, ack: Ack, cancel_id: bytes
) -> answers.CanceledOrder:
    """The answer to a cancel: the order as it ended."""
    return answers.CanceledOrder(
        symbol=instrument.symbol,
        orig_client_order_id=view.client_id.decode(),
        order_id=view.order_id,
        order_list_id=NO_LIST,
        client_order_id=cancel_id.decode(),
        transact_time=ack.time_ns // MS,
        price=instrument.show_price(view.price_ticks),
        orig_qty=instrument.show_qty(view.qty_lots),
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
            order_list_id=NO_LIST,
            orig_client_order_id=client_id,
            client_order_id=client_id,
            price=instrument.show_price(view.price_ticks),
            qty=instrument.show_qty(view.qty_lots),
            executed_qty=instrument.show_qty(view.filled_lots),
            prevented_qty=instrument.show_qty(0),
            quote_order_qty=instrument.quote.show(view.quote_minor),
            cumulative_quote_qty=instrument.quote.show(view.filled_quote_minor),
            status=view_status_word(view),
            time_in_force=view.time_in_force.name,
            type=order_type_word(view.order_type, view.flags),
            side=view.side.name,
            working_time=view.created_ns // MS,
            self_trade_prevention_mode=view.self_trade.name,
        ),
    )
