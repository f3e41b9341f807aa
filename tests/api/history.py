"""A plain read model: dicts over the same batches, until the real one is merged."""

from dataclasses import replace

import numpy as np

from ledger.journal.ports import Batch
from ledger.readmodel.views import OrderView, TradeView
from ledger.records import layout
from ledger.records.codes import (
    CommandKind,
    EventKind,
    OrderStatus,
    OrderType,
    Reject,
    Side,
    TimeInForce,
)

OPEN = (OrderStatus.OPEN, OrderStatus.PARTLY_FILLED)


class History:
    def __init__(self):
        self.seq = 0
        self.orders = {}
        self.all_trades = []

    def apply(self, batch: Batch):
        at = 0
        for i, raw in enumerate(batch.commands):
            seq = batch.first_seq + i
            outcome = batch.outcomes[i]
            n = int(outcome["events"])
            events, at = batch.events[at : at + n], at + n
            kind = CommandKind(int(raw["kind"]))
            self.seq = seq
            if outcome["reject"] != Reject.NONE:
                continue
            row = np.frombuffer(raw.tobytes(), layout.ORDER)[0]
            now = int(raw["time_ns"])
            if kind is CommandKind.NEW_ORDER:
                self.orders[seq] = OrderView(
                    order_id=seq, account=int(row["account"]), instrument=int(row["instrument"]),
                    side=Side(int(row["side"])), order_type=OrderType(int(row["order_type"])),
                    time_in_force=TimeInForce(int(row["time_in_force"])), flags=int(row["flags"]),
                    price_ticks=int(row["price_ticks"]), qty_lots=int(row["qty_lots"]),
                    quote_minor=int(row["quote_minor"]), filled_lots=0, filled_quote_minor=0,
                    status=OrderStatus(int(outcome["status"])), client_id=bytes(row["client_id"]),
                    created_ns=now, updated_ns=now,
                )  # fmt: skip
            for e in events:
                if int(e["kind"]) == EventKind.TRADE:
                    self.trade_event(seq, now, e)
            if kind is CommandKind.CANCEL_ORDER:
                o = self.orders[int(row["target_id"])]
                self.orders[o.order_id] = replace(o, status=OrderStatus.CANCELED, updated_ns=now)
            if kind is CommandKind.AMEND_ORDER:
                o = self.orders[int(row["target_id"])]
                self.orders[o.order_id] = replace(o, qty_lots=int(row["qty_lots"]), updated_ns=now)

    def trade_event(self, seq, now, e):
        view = TradeView(
            int(e["instrument"]), int(e["trade_id"]), seq, int(e["index"]), now,
            Side(int(e["side"])), int(e["price_ticks"]), int(e["qty_lots"]), int(e["quote_minor"]),
            int(e["account"]), int(e["counter_account"]), int(e["order_id"]),
            int(e["counter_order_id"]), int(e["fee_minor"]), int(e["counter_fee_minor"]),
        )  # fmt: skip
        self.all_trades.append(view)
        for oid in (view.taker_order_id, view.maker_order_id):
            o = self.orders[oid]
            filled = o.filled_lots + view.qty_lots
            status = o.status
            if oid == view.maker_order_id:
                status = OrderStatus.FILLED if filled == o.qty_lots else OrderStatus.PARTLY_FILLED
            self.orders[oid] = replace(
                o, filled_lots=filled, filled_quote_minor=o.filled_quote_minor + view.quote_minor,
                status=status, updated_ns=now,
            )  # fmt: skip

    def order(self, i):
        return self.orders.get(i)

    def order_by_client_id(self, account, client_id):
        found = [
            o for o in self.orders.values() if (o.account, o.client_id) == (account, client_id)
        ]
        return found[-1] if found else None

    def has_open_client_id(self, account, client_id):
        return any(
            (o.account, o.client_id) == (account, client_id) and o.status in OPEN
            for o in self.orders.values()
        )

    def open_orders(self, account, instrument=None):
        return [
            o for o in self.orders.values()
            if o.account == account and o.status in OPEN and instrument in (None, o.instrument)
        ]  # fmt: skip

    def all_orders(self, account, instrument, from_id=0, limit=500):
        return [
            o for o in self.orders.values()
            if (o.account, o.instrument) == (account, instrument) and o.order_id >= from_id
        ][:limit]  # fmt: skip

    def trades(self, instrument, limit=500, from_id=None):
        return [t for t in self.all_trades if t.instrument == instrument][-limit:]

    def account_trades(self, account, instrument, limit=500, from_id=None, order_id=None):
        return [
            t for t in self.trades(instrument) if account in (t.taker_account, t.maker_account)
        ][-limit:]  # fmt: skip

    def withdrawals(self, account):
        return []

    def withdrawal_by_client_id(self, account, client_id):
        return None

    def deposits(self, account):
        return []
