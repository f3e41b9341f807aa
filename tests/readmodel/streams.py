"""Random but consistent batches: what an engine could answer, without being one.

Who trades with whom, and at what price, is chosen by the seed; numbers add up, ids ascend, rejects
change nothing. The real engine's streams are tested beside these.
"""

from dataclasses import dataclass, field
from random import Random

import numpy as np

from ledger.journal.ports import Batch
from ledger.records.build import address_fields, command, digest_fields
from ledger.records.codes import (
    Check,
    CommandFlag,
    CommandKind,
    EventKind,
    OrderStatus,
    OrderType,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
    Verdict,
    WithdrawalStatus,
)
from ledger.records.layout import COMMAND, EVENT, OUTCOME

ACCOUNTS = (16, 17, 18, 900)
INSTRUMENTS = (0, 1, 70)
ASSETS = {0: 0, 1: int(Check.SCREENING), 2: int(Check.SCREENING | Check.TRAVEL_RULE), 80: 1}
CLIENT_IDS = (b"", b"a", b"b", b"same", b"x" * 36, b"\xff" * 36, b"x" * 35)


@dataclass
class Resting:
    order_id: int
    account: int
    instrument: int
    side: Side
    remaining: int


@dataclass
class Stream:
    """Write commands with their results; `batch` takes everything since the last one."""

    random: Random
    seq: int = 0
    time_ns: int = 1_700_000_000_000_000_000
    resting: list[Resting] = field(default_factory=list)
    trade_ids: dict[int, int] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    passed: dict[int, int] = field(default_factory=dict)
    cleared: list[int] = field(default_factory=list)
    batched: list[int] = field(default_factory=list)
    batches: int = 0
    deposit_index: int = 0
    commands: list[bytes] = field(default_factory=list)
    outcomes: list[dict] = field(default_factory=list)
    events: list[dict] = field(default_factory=list)

    def __post_init__(self):
        for asset, checks in ASSETS.items():
            self.write(
                CommandKind.LIST_ASSET,
                asset=asset,
                required_checks=checks,
                withdrawal_fee_minor=asset * 7,
            )
        for number in INSTRUMENTS:
            self.list_instrument(number)

    def list_instrument(self, number):
        """A spot pair of the first two assets."""
        terms = {"quote": 1, "lot_minor": 1, "notional_num": 1, "notional_den": 1}
        self.write(CommandKind.LIST_INSTRUMENT, instrument=number, **terms)

    def write(self, kind, *, outcome=None, events=(), **fields):
        """One command with its results."""
        self.seq += 1
        self.time_ns += self.random.choice([0, 0, 1, 1_000])
        self.commands.append(command(kind, time_ns=self.time_ns, **fields))
        result = {"seq": self.seq, "kind": int(kind), "events": len(events)}
        self.outcomes.append(result | (outcome or {}))
        for index, event in enumerate(events):
            self.events.append({"seq": self.seq, "time_ns": self.time_ns, "index": index} | event)

    def batch(self):
        """Everything written since the last call."""
        count = len(self.commands)
        made = Batch(
            self.seq - count + 1,
            np.frombuffer(b"".join(self.commands), COMMAND),
            table(OUTCOME, self.outcomes),
            table(EVENT, self.events),
        )
        self.commands, self.outcomes, self.events = [], [], []
        return made

    def step(self):
        """Write one random command."""
        steps = [self.new_order] * 8 + [self.cancel, self.amend, self.reject, self.open_account]
        steps += [self.deposit, self.request, self.decide, self.decide, self.cut, self.confirm]
        self.random.choice(steps)()

    def new_order(self):
        r = self.random
        account, instrument = r.choice(ACCOUNTS), r.choice(INSTRUMENTS)
        side, by_quote = r.choice(list(Side)), r.random() < 0.1
        market = by_quote or r.random() < 0.1
        qty = r.randint(1, 50)
        order_id, remaining, filled, quotes, events = self.seq + 1, qty, 0, 0, []
        for maker in r.sample(self.resting, min(len(self.resting), r.randint(0, 4))):
            if maker.instrument != instrument or maker.side == side or not remaining:
                continue
            if maker.account == account:
                self.resting.remove(maker)
                events.append(expired(maker))
                continue
            lots = min(maker.remaining, remaining, r.randint(1, 50))
            remaining, filled = remaining - lots, filled + lots
            maker.remaining -= lots
            events.append(self.trade(account, maker, side, lots, remaining))
            quotes += events[-1]["quote_minor"] + (
                events[-1]["amount_minor"] if side == Side.BUY else 0
            )
            if maker.remaining == 0:
                self.resting.remove(maker)
        status = OrderStatus.FILLED if remaining == 0 else OrderStatus.EXPIRED
        if remaining and not market and r.random() < 0.8:
            status = OrderStatus.PARTLY_FILLED if filled else OrderStatus.OPEN
            self.resting.append(Resting(order_id, account, instrument, side, remaining))
        self.write(
            CommandKind.NEW_ORDER,
            account=account,
            instrument=instrument,
            side=int(side),
            order_type=int(OrderType.MARKET if market else OrderType.LIMIT),
            time_in_force=int(TimeInForce.IOC if market else TimeInForce.GTC),
            self_trade=int(r.choice(list(SelfTrade))),
            flags=int(CommandFlag.BY_QUOTE) if by_quote else 0,
            price_ticks=0 if market else r.randint(1, 2**31 - 1),
            qty_lots=0 if by_quote else qty,
            quote_minor=r.randint(1, 2**62 - 1) if by_quote else 0,
            client_id=r.choice(CLIENT_IDS),
            events=events,
            outcome={
                "subject_id": order_id,
                "status": int(status),
                "filled_lots": filled,
                "filled_quote_minor": quotes,
                "remaining_lots": 0 if by_quote else remaining,
            },
        )

    def trade(self, account, maker, side, lots, remaining):
        trade_id = self.trade_ids[maker.instrument] = self.trade_ids.get(maker.instrument, 0) + 1
        r = self.random
        return {
            "kind": int(EventKind.TRADE),
            "side": int(side),
            "instrument": maker.instrument,
            "account": account,
            "counter_account": maker.account,
            "order_id": self.seq + 1,
            "counter_order_id": maker.order_id,
            "trade_id": trade_id,
            "price_ticks": r.randint(1, 2**31 - 1),
            "qty_lots": lots,
            "quote_minor": r.randint(1, 10**9),
            "fee_minor": r.randint(0, 100),
            "counter_fee_minor": r.randint(-100, 100),
            "remaining_lots": remaining,
            "counter_remaining_lots": maker.remaining,
            "amount_minor": r.randint(0, 1),
        }

    def cancel(self):
        if not self.resting:
            return
        order = self.random.choice(self.resting)
        self.resting.remove(order)
        self.change(CommandKind.CANCEL_ORDER, order, OrderStatus.CANCELED)

    def amend(self):
        if not self.resting:
            return
        order = self.random.choice(self.resting)
        if order.remaining > 1:
            order.remaining -= 1
            status = self.random.choice([OrderStatus.OPEN, OrderStatus.PARTLY_FILLED])
            self.change(CommandKind.AMEND_ORDER, order, status, qty_lots=order.remaining)

    def change(self, kind, order, status, **fields):
        self.write(
            kind,
            account=order.account,
            instrument=order.instrument,
            target_id=order.order_id,
            outcome={"subject_id": order.order_id, "status": int(status)},
            **fields,
        )

    def reject(self):
        """A refused command may name anything: it must leave no trace."""
        kind = self.random.choice(
            [
                CommandKind.NEW_ORDER,
                CommandKind.CANCEL_ORDER,
                CommandKind.REQUEST_WITHDRAWAL,
                CommandKind.CREDIT_DEPOSIT,
                CommandKind.LIST_ASSET,
            ]
        )
        asset = (
            {}
            if kind in {CommandKind.NEW_ORDER, CommandKind.CANCEL_ORDER}
            else {"asset": 2**32 - 1}
        )
        reject = self.random.choice(list(Reject)[1:])
        self.write(kind, account=2**32 - 1, outcome={"reject": int(reject)}, **asset)

    def open_account(self):
        self.write(CommandKind.OPEN_ACCOUNT, account=self.random.choice(ACCOUNTS))

    def deposit(self):
        self.deposit_index += 1
        self.write(
            CommandKind.CREDIT_DEPOSIT,
            account=self.random.choice([5, *ACCOUNTS]),
            asset=self.random.choice(list(ASSETS)),
            deposit_index=self.deposit_index,
            amount_minor=self.random.randint(1, 2**40),
            chain_block=self.random.randint(1, 10**8),
            **digest_fields("tx", self.random.randbytes(32)),
        )

    def request(self):
        asset = self.random.choice(list(ASSETS))
        self.write(
            CommandKind.REQUEST_WITHDRAWAL,
            account=self.random.choice(ACCOUNTS),
            asset=asset,
            amount_minor=self.random.randint(1, 2**62),
            client_id=self.random.choice(CLIENT_IDS),
            **address_fields("payee", self.random.randbytes(20)),
            **digest_fields("travel", self.random.randbytes(32)),
            outcome={"subject_id": self.seq + 1},
        )
        self.held[self.seq], self.passed[self.seq] = ASSETS[asset], 0
        self.clear(self.seq)

    def clear(self, withdrawal_id):
        if self.held[withdrawal_id] & ~self.passed[withdrawal_id] == 0:
            del self.held[withdrawal_id]
            self.cleared.append(withdrawal_id)

    def decide(self):
        if not self.held:
            return
        withdrawal_id = self.random.choice(list(self.held))
        check = self.random.choice(list(Check))
        approve = self.random.random() < 0.8
        events = []
        if approve:
            self.passed[withdrawal_id] |= check
            self.clear(withdrawal_id)
        else:
            del self.held[withdrawal_id]
            events = [
                moved(EventKind.WITHDRAWAL_RELEASED, withdrawal_id, 0, WithdrawalStatus.DENIED)
            ]
        self.write(
            CommandKind.DECIDE_WITHDRAWAL,
            withdrawal_id=withdrawal_id,
            check=int(check),
            verdict=int(Verdict.APPROVE if approve else Verdict.DENY),
            events=events,
            outcome={"subject_id": withdrawal_id},
        )

    def cut(self):
        if self.batched or not self.cleared:
            return
        self.batches += 1
        self.batched, self.cleared = self.cleared, []
        kind, status = EventKind.WITHDRAWAL_BATCHED, WithdrawalStatus.BATCHED
        events = [moved(kind, each, self.batches, status) for each in self.batched]
        self.write(CommandKind.CUT_BATCH, batch=self.batches, events=events)

    def confirm(self):
        if not self.batched:
            return
        ends = [WithdrawalStatus.PAID, WithdrawalStatus.CLAIMABLE]
        kind = EventKind.WITHDRAWAL_SETTLED
        events = [
            moved(kind, each, self.batches, self.random.choice(ends)) for each in self.batched
        ]
        self.batched = []
        self.write(CommandKind.CONFIRM_BATCH, batch=self.batches, events=events)


def moved(kind, withdrawal_id, batch, status):
    return {
        "kind": int(kind),
        "order_id": withdrawal_id,
        "trade_id": batch,
        "flags": int(status),
    }


def expired(maker):
    return {
        "kind": int(EventKind.ORDER_EXPIRED),
        "order_id": maker.order_id,
        "account": maker.account,
        "instrument": maker.instrument,
        "side": int(maker.side),
    }


def table(dtype, rows):
    made = np.zeros(len(rows), dtype)
    for row, fields in zip(made, rows, strict=True):
        for name, value in fields.items():
            row[name] = value
    return made


def stream_of(seed, steps):
    """A whole stream as one batch."""
    stream = Stream(Random(seed))
    for _ in range(steps):
        stream.step()
    return stream.batch()


def split(batch, sizes):
    """The same commands as batches of these sizes, the rest in one."""
    parts, first, event = [], 0, 0
    for size in (*sizes, len(batch.commands)):
        end = min(first + size, len(batch.commands))
        events = int(batch.outcomes["events"][first:end].sum())
        parts.append(
            Batch(
                batch.first_seq + first,
                batch.commands[first:end],
                batch.outcomes[first:end],
                batch.events[event : event + events],
            )
        )
        first, event = end, event + events
    return parts
