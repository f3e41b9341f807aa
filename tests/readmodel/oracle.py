"""The read model in dicts and lists: too slow to ship, too plain to be wrong.

It keeps everything and forgets by filtering at the question: what was closed long ago, and trades
that are not among the latest.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil

from ledger.readmodel.views import DepositView, OrderView, TradeView, WithdrawalView
from ledger.records.build import read_address, read_digest
from ledger.records.codes import (
    Check,
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderStatus,
    OrderType,
    PositionFlag,
    Product,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
    TradeFlag,
    Verdict,
    WithdrawalStatus,
)
from ledger.records.layout import ASSET, DECISION, DEPOSIT, INSTRUMENT, ORDER, WITHDRAWAL

OPEN = {OrderStatus.OPEN, OrderStatus.PARTLY_FILLED, OrderStatus.PENDING}
ENTERING = {CommandKind.NEW_ORDER, CommandKind.REPLACE_ORDER}
OWNERS = {ExpireReason.CANCEL_ALL, ExpireReason.DEAD_MAN, ExpireReason.REPLACED}
PASSING = {
    EventKind.TRADE, EventKind.POSITION_TAKEN, EventKind.DELEVERAGED, EventKind.LEGS_NETTED
}  # fmt: skip
WITHDRAWAL_EVENTS = {
    EventKind.WITHDRAWAL_BATCHED, EventKind.WITHDRAWAL_SETTLED, EventKind.WITHDRAWAL_RELEASED
}  # fmt: skip


@dataclass
class Oracle:
    closed_orders: int
    trades_kept: int
    seq: int = 0
    all: dict[int, OrderView] = field(default_factory=dict)
    closed: list[int] = field(default_factory=list)
    tape: list[TradeView] = field(default_factory=list)
    money_out: dict[int, WithdrawalView] = field(default_factory=dict)
    money_in: list[DepositView] = field(default_factory=list)
    assets: dict[int, tuple[int, int]] = field(default_factory=dict)
    terms: dict[int, tuple[Product, int, int]] = field(default_factory=dict)
    working: int = 0
    lots: dict[tuple[int, int, bool], int] = field(default_factory=dict)

    def apply(self, batch):
        at = 0
        for i, (command, outcome) in enumerate(zip(batch.commands, batch.outcomes, strict=True)):
            events = batch.events[at : at + int(outcome["events"])]
            at += len(events)
            self.seq = batch.first_seq + i
            raw = batch.commands[i : i + 1]
            if outcome["reject"] == 0:
                self.command(CommandKind(command["kind"]), raw, outcome, events)
        assert at == len(batch.events)

    def command(self, kind, raw, outcome, events):
        self.working = 0
        if kind in ENTERING:
            self.new_order(raw.view(ORDER)[0])
            self.working = self.seq
        elif kind == CommandKind.LIST_INSTRUMENT:
            listed = raw.view(INSTRUMENT)[0]
            scale = int(listed["notional_num"]), int(listed["notional_den"])
            self.terms[int(listed["instrument"])] = (Product(listed["product"]), *scale)
        elif kind == CommandKind.LIST_ASSET:
            asset = raw.view(ASSET)[0]
            self.assets[int(asset["asset"])] = (
                int(asset["withdrawal_fee_minor"]),
                int(asset["required_checks"]),
            )
        elif kind == CommandKind.CREDIT_DEPOSIT:
            self.deposit(raw.view(DEPOSIT)[0])
        elif kind == CommandKind.REQUEST_WITHDRAWAL:
            self.request(raw.view(WITHDRAWAL)[0])
        elif kind == CommandKind.DECIDE_WITHDRAWAL:
            self.decide(raw.view(DECISION)[0])
        for event in events:
            happened = EventKind(event["kind"])
            others = happened == EventKind.TRADE and event["order_id"] != self.working
            if others or happened == EventKind.ORDER_TRIGGERED:
                self.finish(raw.view(ORDER)[0], outcome)
            self.event(happened, event)
        self.finish(raw.view(ORDER)[0], outcome)
        if kind in {CommandKind.CANCEL_ORDER, CommandKind.AMEND_ORDER}:
            self.conclude(kind, raw.view(ORDER)[0], outcome)

    def finish(self, c, outcome):
        """The order at work is done for now: a command's own, or one that was triggered."""
        order_id, self.working = self.working, 0
        if order_id == self.seq:
            self.conclude(CommandKind(c["kind"]), c, outcome)
        elif order_id and self.all[order_id].status == OrderStatus.PENDING:
            order = self.all[order_id]
            if order.flags & CommandFlag.BY_QUOTE:
                order = self.all[order_id] = replace(order, qty_lots=order.filled_lots)
            status = OrderStatus.PARTLY_FILLED if order.filled_lots else OrderStatus.OPEN
            if order.filled_lots == order.qty_lots:
                status = OrderStatus.FILLED
            self.status(order_id, status, int(c["time_ns"]))

    def new_order(self, c):
        self.all[self.seq] = OrderView(
            order_id=self.seq,
            account=int(c["account"]),
            instrument=int(c["instrument"]),
            product=self.terms[int(c["instrument"])][0],
            side=Side(c["side"]),
            order_type=OrderType(c["order_type"]),
            time_in_force=TimeInForce(c["time_in_force"]),
            self_trade=SelfTrade(c["self_trade"]),
            flags=int(c["flags"]),
            price_ticks=int(c["price_ticks"]),
            qty_lots=int(c["qty_lots"]),
            quote_minor=int(c["quote_minor"]),
            trigger_ticks=int(c["trigger_ticks"]),
            display_lots=int(c["display_lots"]),
            expire_ns=int(c["expire_ns"]),
            prevented_lots=0,
            filled_lots=0,
            filled_quote_minor=0,
            notional_minor=0,
            realized_minor=0,
            status=OrderStatus.OPEN,
            triggered_ns=0,
            expired_by=None,
            refused=Reject.NONE,
            target_id=int(c["target_id"]),
            list_id=0,
            client_id=named(c),
            created_ns=int(c["time_ns"]),
            updated_ns=int(c["time_ns"]),
        )
        if c["flags"] & CommandFlag.OCO:
            for order_id in (self.seq, int(c["target_id"])):
                self.all[order_id] = replace(self.all[order_id], list_id=self.seq)

    def conclude(self, kind, c, outcome):
        order_id = int(outcome["subject_id"])
        order = self.all[order_id]
        qty_lots = order.qty_lots
        if kind == CommandKind.AMEND_ORDER:
            qty_lots = int(c["qty_lots"])
        status = OrderStatus(outcome["status"])
        by_quote = kind in ENTERING and order.flags & CommandFlag.BY_QUOTE
        if by_quote and status != OrderStatus.PENDING:
            qty_lots = order.filled_lots + int(outcome["remaining_lots"])
        reason = order.expired_by
        if status == OrderStatus.EXPIRED:
            stays = order.order_type == OrderType.LIMIT
            stays &= order.time_in_force in {TimeInForce.GTC, TimeInForce.GTD}
            prevented = stays or order.filled_lots == qty_lots
            reason = ExpireReason.SELF_TRADE if prevented else ExpireReason.REMAINDER
        self.all[order_id] = replace(order, qty_lots=qty_lots, expired_by=reason)
        self.status(order_id, status, int(c["time_ns"]))

    def status(self, order_id, status, time_ns):
        was_open = self.all[order_id].status in OPEN and order_id not in self.closed
        self.all[order_id] = replace(self.all[order_id], status=status, updated_ns=time_ns)
        if was_open and status not in OPEN:
            self.closed.append(order_id)

    def event(self, kind, e):
        time_ns = int(e["time_ns"])
        if kind in PASSING:
            signed = int(e["qty_lots"]) * (1 if e["side"] == Side.BUY else -1)
            sides = (
                ("account", signed, PositionFlag.SHORT_LEG),
                ("counter_account", -signed, PositionFlag.COUNTER_SHORT_LEG),
            )
            for name, lots, short in sides:
                key = int(e[name]), int(e["instrument"]), bool(e["flags"] & short)
                self.lots[key] = self.lots.get(key, 0) + lots
        if kind == EventKind.TRADE:
            self.trade_event(e)
        elif kind == EventKind.ORDER_EXPIRED:
            self.expired(e)
        elif kind == EventKind.ORDER_REDUCED:
            self.prevented(e, "order_id")
            self.prevented(e, "counter_order_id")
            order_id = int(e["order_id"])
            self.all[order_id] = replace(self.all[order_id], updated_ns=time_ns)
        elif kind == EventKind.ORDER_TRIGGERED:
            self.working = int(e["order_id"])
            order = self.all[self.working]
            if order.flags & CommandFlag.CLOSE_POSITION:
                short = bool(order.flags & CommandFlag.SHORT_LEG)
                held = self.lots.get((order.account, order.instrument, short), 0)
                closable = max(0, -held if order.side == Side.BUY else held)
                self.all[self.working] = replace(order, qty_lots=closable)
            self.all[self.working] = replace(self.all[self.working], triggered_ns=time_ns)
        elif kind in WITHDRAWAL_EVENTS:
            found = self.money_out[int(e["order_id"])]
            batch = int(e["trade_id"]) if kind == EventKind.WITHDRAWAL_BATCHED else found.batch
            self.money_out[found.withdrawal_id] = replace(
                found, status=WithdrawalStatus(e["flags"]), batch=batch, updated_ns=time_ns
            )

    def expired(self, e):
        order_id, reason = int(e["order_id"]), ExpireReason(int(e["flags"]) & 255)
        taker = self.all.get(int(e["counter_order_id"]))
        at_work = taker is not None and taker.order_id == self.working
        if at_work and taker.self_trade == SelfTrade.DECREMENT:
            self.prevented(e, "order_id")
            self.prevented(e, "counter_order_id")
        order = replace(self.all[order_id], expired_by=reason, refused=Reject(int(e["flags"]) >> 8))
        if order.flags & CommandFlag.BY_QUOTE:
            order = replace(order, qty_lots=order.filled_lots)
        self.all[order_id] = order
        status = OrderStatus.CANCELED if reason in OWNERS else OrderStatus.EXPIRED
        self.status(order_id, status, int(e["time_ns"]))

    def prevented(self, e, name):
        order, lots = self.all[int(e[name])], int(e["qty_lots"])
        self.all[order.order_id] = replace(
            order, qty_lots=order.qty_lots - lots, prevented_lots=order.prevented_lots + lots
        )

    def notional(self, e):
        product, num, den = self.terms[int(e["instrument"])]
        lots, price = int(e["qty_lots"]), int(e["price_ticks"])
        if product == Product.INVERSE:
            return ceil(Fraction(lots * num, price))
        return ceil(Fraction(lots * price * num, den))

    def trade_event(self, e):
        product, _, _ = self.terms[int(e["instrument"])]
        spot = product == Product.SPOT
        received, left = int(e["quote_minor"]), int(e["amount_minor"])
        paid = received + left
        taker_buys = e["side"] == Side.BUY
        if spot:
            self.fill(e, "order_id", paid if taker_buys else received, 0, 0)
            self.fill(e, "counter_order_id", received if taker_buys else paid, 0, 0)
        else:
            if e["order_id"]:
                self.fill(e, "order_id", 0, self.notional(e), received)
            self.fill(e, "counter_order_id", 0, self.notional(e), left)
        if e["flags"] & TradeFlag.AUCTION:
            filled = e["remaining_lots"] == 0
            self.status(
                int(e["order_id"]),
                OrderStatus.FILLED if filled else OrderStatus.PARTLY_FILLED,
                int(e["time_ns"]),
            )
        done = e["counter_remaining_lots"] == 0
        self.status(
            int(e["counter_order_id"]),
            OrderStatus.FILLED if done else OrderStatus.PARTLY_FILLED,
            int(e["time_ns"]),
        )
        if e["flags"] & TradeFlag.AUCTION:
            status = OrderStatus.PARTLY_FILLED if e["remaining_lots"] else OrderStatus.FILLED
            self.status(int(e["order_id"]), status, int(e["time_ns"]))
        self.tape.append(
            TradeView(
                instrument=int(e["instrument"]),
                product=product,
                liquidation=bool(e["flags"] & TradeFlag.LIQUIDATION),
                auction=bool(e["flags"] & TradeFlag.AUCTION),
                trade_id=int(e["trade_id"]),
                seq=int(e["seq"]),
                event_index=int(e["index"]),
                time_ns=int(e["time_ns"]),
                taker_side=Side(e["side"]),
                price_ticks=int(e["price_ticks"]),
                qty_lots=int(e["qty_lots"]),
                quote_minor=received if spot else 0,
                notional_minor=0 if spot else self.notional(e),
                taker_realized_minor=0 if spot else received,
                maker_realized_minor=0 if spot else left,
                taker_account=int(e["account"]),
                maker_account=int(e["counter_account"]),
                taker_order_id=int(e["order_id"]),
                maker_order_id=int(e["counter_order_id"]),
                taker_fee_minor=int(e["fee_minor"]),
                maker_fee_minor=int(e["counter_fee_minor"]),
            )
        )

    def fill(self, e, field_name, quote_minor, notional_minor, realized_minor):
        order = self.all[int(e[field_name])]
        self.all[order.order_id] = replace(
            order,
            filled_lots=order.filled_lots + int(e["qty_lots"]),
            filled_quote_minor=order.filled_quote_minor + quote_minor,
            notional_minor=order.notional_minor + notional_minor,
            realized_minor=order.realized_minor + realized_minor,
            updated_ns=int(e["time_ns"]),
        )

    def deposit(self, c):
        self.money_in.append(
            DepositView(
                deposit_index=int(c["deposit_index"]),
                account=int(c["account"]),
                asset=int(c["asset"]),
                amount_minor=int(c["amount_minor"]),
                tx=read_digest(c, "tx"),
                chain_block=int(c["chain_block"]),
                credited_ns=int(c["time_ns"]),
            )
        )

    def request(self, c):
        fee_minor, required = self.assets[int(c["asset"])]
        self.money_out[self.seq] = WithdrawalView(
            withdrawal_id=self.seq,
            account=int(c["account"]),
            asset=int(c["asset"]),
            amount_minor=int(c["amount_minor"]),
            fee_minor=fee_minor,
            payee=read_address(c, "payee"),
            travel=read_digest(c, "travel"),
            client_id=c["client_id"].item(),
            status=WithdrawalStatus.HELD if required else WithdrawalStatus.CLEARED,
            checks_passed=0,
            batch=0,
            created_ns=int(c["time_ns"]),
            updated_ns=int(c["time_ns"]),
        )

    def decide(self, c):
        found = self.money_out[int(c["withdrawal_id"])]
        passed, status = found.checks_passed, WithdrawalStatus.DENIED
        if c["verdict"] == Verdict.APPROVE:
            passed |= int(c["check"])
            required = Check(self.assets[found.asset][1])
            missing = required & ~passed
            status = WithdrawalStatus.HELD if missing else WithdrawalStatus.CLEARED
        self.money_out[found.withdrawal_id] = replace(
            found, checks_passed=passed, status=status, updated_ns=int(c["time_ns"])
        )

    def kept(self):
        """Open orders, and the latest to close, by id."""
        gone = set(self.closed[: max(0, len(self.closed) - self.closed_orders)])
        return [order for order_id, order in sorted(self.all.items()) if order_id not in gone]

    def order(self, order_id):
        return next((order for order in self.kept() if order.order_id == order_id), None)

    def order_by_client_id(self, account, client_id):
        named = [o for o in self.kept() if (o.account, o.client_id) == (account, client_id)]
        return named[-1] if named and client_id else None

    def has_open_client_id(self, account, client_id):
        named = [o for o in self.kept() if (o.account, o.client_id) == (account, client_id)]
        return bool(client_id) and any(order.status in OPEN for order in named)

    def open_orders(self, account, instrument=None):
        return [
            order
            for order in self.kept()
            if order.account == account
            and order.status in OPEN
            and instrument in {None, order.instrument}
        ]

    def all_orders(self, account, instrument, from_id=0, limit=500):
        orders = [o for o in self.kept() if (o.account, o.instrument) == (account, instrument)]
        later = [order for order in orders if order.order_id >= from_id]
        return later[:limit] if from_id else later[-limit:]

    def trades(self, instrument, limit=500, from_id=None):
        kept = [t for t in self.tape[-self.trades_kept :] if t.instrument == instrument]
        return page(kept, limit, from_id)

    def trade(self, instrument, trade_id):
        kept = self.trades(instrument, len(self.tape) + 1)
        return next((trade for trade in kept if trade.trade_id == trade_id), None)

    def account_trades(self, account, instrument, limit=500, from_id=None, *, order_id=None):
        kept = [
            trade
            for trade in self.trades(instrument, len(self.tape) + 1)
            if account in {trade.taker_account, trade.maker_account}
            and order_id in {None, trade.taker_order_id, trade.maker_order_id}
        ]
        return page(kept, limit, from_id)

    def last_price_ticks(self, instrument):
        prices = [trade.price_ticks for trade in self.tape if trade.instrument == instrument]
        return prices[-1] if prices else None

    def withdrawal(self, withdrawal_id):
        return self.money_out.get(withdrawal_id)

    def withdrawals(self, account):
        return [found for found in self.money_out.values() if found.account == account]

    def withdrawal_by_client_id(self, account, client_id):
        named = [w for w in self.withdrawals(account) if client_id and w.client_id == client_id]
        return named[-1] if named else None

    def deposits(self, account):
        return [found for found in self.money_in if found.account == account]


def named(c):
    """An order's client id: padded with zeros, so bytes that begin with one are no id."""
    name = c["client_id"].item()
    return b"" if name.startswith(b"\0") else name


def page(trades, limit, from_id):
    if from_id is None:
        return trades[-limit:]
    return [trade for trade in trades if trade.trade_id >= from_id][:limit]
