"""A venue in plain Python: a book of lists and withdrawals in a dict, no balances.

It follows docs/ARCHITECTURE.md's borders, records every command with its outcome and events, and
so plays the stages below compliance: `Submits`, `CertifiedRecords`, `PendingWithdrawals`, `Assets`.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from compliance.ports import AssetFacts, CertifiedChunk
from ledger.journal.ports import Ack
from ledger.readmodel.views import WithdrawalView
from ledger.records.build import LAYOUT_OF, command, read_address, read_digest
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

DAY_NS = 86_400_000_000_000
START_NS = 1_430_438_400_000_000_000
"""2015-05-01T00:00:00Z."""


@dataclass
class Resting:
    order_id: int
    account: int
    side: int
    price_ticks: int
    size_lots: int
    rest_lots: int


@dataclass
class Book:
    base: int
    quote: int
    orders: list[Resting] = field(default_factory=list)
    trades: int = 0

    def against(self, side: int) -> list[Resting]:
        """The opposite side, best price first, oldest first."""
        sign = 1 if side == Side.BUY else -1
        found = [order for order in self.orders if order.side != side]
        return sorted(found, key=lambda order: (sign * order.price_ticks, order.order_id))


class NaiveVenue:
    def __init__(self) -> None:
        self.now_ns = START_NS
        self.commands: list[bytes] = []
        self.outcomes: list[dict] = []
        self.events: list[dict] = []
        self.assets: dict[int, AssetFacts] = {}
        self.books: dict[int, Book] = {}
        self.accounts: set[int] = set()
        self.withdrawals: dict[int, WithdrawalView] = {}
        self.reports = 0

    # --- what compliance sees -------------------------------------------------------------

    async def submit(self, record: bytes) -> Ack:
        return self.run(record)

    def certified_seq(self) -> int:
        return len(self.commands)

    def time_ns(self, seq: int) -> int:
        return int.from_bytes(self.commands[seq - 1][:8], "little")

    def read(self, first_seq: int, last_seq: int) -> CertifiedChunk:
        commands = np.frombuffer(b"".join(self.commands[first_seq - 1 : last_seq]), COMMAND)
        outcomes = _rows(OUTCOME, self.outcomes[first_seq - 1 : last_seq])
        inside = [event for event in self.events if first_seq <= event["seq"] <= last_seq]
        return CertifiedChunk(first_seq, commands, outcomes, _rows(EVENT, inside))

    def pending_withdrawals(self) -> list[int]:
        waiting = {WithdrawalStatus.HELD, WithdrawalStatus.CLEARED}
        return [key for key, row in sorted(self.withdrawals.items()) if row.status in waiting]

    def withdrawal(self, withdrawal_id: int) -> WithdrawalView | None:
        return self.withdrawals.get(withdrawal_id)

    def asset_facts(self, asset: int) -> AssetFacts:
        return self.assets[asset]

    # --- running commands -----------------------------------------------------------------

    def ask(self, kind: CommandKind, **fields: int | bytes) -> Ack:
        return self.run(command(kind, **fields))

    def run(self, record: bytes) -> Ack:
        self.now_ns += 1_234_567
        record = self.now_ns.to_bytes(8, "little") + record[8:]
        self.commands.append(record)
        seq = len(self.commands)
        kind = CommandKind(np.frombuffer(record, COMMAND)[0]["kind"])
        row = np.frombuffer(record, LAYOUT_OF[kind])[0]
        before = len(self.events)
        outcome = {"seq": seq, "kind": int(kind), **_HANDLERS[kind](self, row)}
        outcome["events"] = len(self.events) - before
        self.outcomes.append(outcome)
        return Ack(
            seq=seq,
            time_ns=self.now_ns,
            kind=kind,
            reject=Reject(outcome.get("reject", 0)),
            status=OrderStatus(outcome.get("status", 0)),
            subject_id=outcome.get("subject_id", 0),
            filled_lots=outcome.get("filled_lots", 0),
            filled_quote_minor=outcome.get("filled_quote_minor", 0),
            remaining_lots=outcome.get("remaining_lots", 0),
            amount_minor=outcome.get("amount_minor", 0),
            events=_rows(EVENT, self.events[before:]),
        )

    def _list_asset(self, row: np.void) -> dict:
        facts = AssetFacts(bytes(row["symbol"]).decode(), int(row["required_checks"]))
        self.assets[int(row["asset"])] = facts
        return {}

    def _list_instrument(self, row: np.void) -> dict:
        self.books[int(row["instrument"])] = Book(int(row["base"]), int(row["quote"]))
        return {}

    def _open_account(self, row: np.void) -> dict:
        self.accounts.add(int(row["account"]))
        return {}

    def _event(self, kind: EventKind, seq: int, **fields: int) -> None:
        index = sum(event["seq"] == seq for event in self.events)
        self.events.append({"kind": int(kind), "seq": seq, "index": index, **fields})

    def _new_order(self, row: np.void) -> dict:
        account, side = int(row["account"]), int(row["side"])
        by_quote = bool(row["flags"] & CommandFlag.BY_QUOTE)
        reject = self._malformed(row)
        if reject:
            return {"reject": reject}
        book, seq = self.books[int(row["instrument"])], len(self.commands)
        taker = Resting(seq, account, side, int(row["price_ticks"]), *[int(row["qty_lots"])] * 2)
        market = row["order_type"] == OrderType.MARKET
        crossing = [m for m in book.against(side) if market or _crosses(taker, m)]
        reject = _refusal(row, taker, crossing)
        if reject:
            return {"reject": reject}
        if by_quote:
            return self._take_quote(row, crossing)
        stopped = self._take(row, taker, crossing)
        status = OrderStatus.FILLED
        if taker.rest_lots:
            status = OrderStatus.EXPIRED
            if not market and row["time_in_force"] == TimeInForce.GTC and not stopped:
                full = taker.rest_lots == taker.size_lots
                status = OrderStatus.OPEN if full else OrderStatus.PARTLY_FILLED
                book.orders.append(taker)
        rest = taker.rest_lots if status != OrderStatus.EXPIRED else 0
        return {"status": status, "subject_id": seq, "remaining_lots": rest}

    def _malformed(self, row: np.void) -> Reject:
        if int(row["account"]) not in self.accounts:
            return Reject.UNKNOWN_ACCOUNT
        if int(row["instrument"]) not in self.books:
            return Reject.UNKNOWN_INSTRUMENT
        if row["side"] > 1 or row["order_type"] > 1 or row["time_in_force"] > 2:
            return Reject.MALFORMED
        if row["qty_lots"] <= 0 and not row["flags"] & CommandFlag.BY_QUOTE:
            return Reject.QTY_OUT_OF_RANGE
        return Reject.NONE

    def _take(self, row: np.void, taker: Resting, crossing: list[Resting]) -> bool:
        """Trade until done; True when self-trade prevention stopped the taker."""
        book = self.books[int(row["instrument"])]
        for maker in crossing:
            if not taker.rest_lots:
                return False
            if maker.account == taker.account:
                if row["self_trade"] != SelfTrade.EXPIRE_TAKER:
                    book.orders.remove(maker)
                    self._event(EventKind.ORDER_EXPIRED, taker.order_id, order_id=maker.order_id)
                if row["self_trade"] != SelfTrade.EXPIRE_MAKER:
                    return True
                continue
            lots = min(taker.rest_lots, maker.rest_lots)
            taker.rest_lots -= lots
            self._trade(int(row["instrument"]), taker, maker, lots)
        return False

    def _take_quote(self, row: np.void, crossing: list[Resting]) -> dict:
        left, seq = int(row["quote_minor"]), len(self.commands)
        taker = Resting(seq, int(row["account"]), int(row["side"]), 0, 0, 0)
        for maker in crossing:
            lots = min(left // maker.price_ticks, maker.rest_lots)
            if lots and maker.account != taker.account:
                left -= lots * maker.price_ticks
                self._trade(int(row["instrument"]), taker, maker, lots)
        traded = any(event["seq"] == seq for event in self.events)
        return {
            "status": OrderStatus.FILLED if traded else OrderStatus.EXPIRED,
            "subject_id": seq,
        }

    def _trade(self, instrument: int, taker: Resting, maker: Resting, lots: int) -> None:
        book = self.books[instrument]
        book.trades += 1
        maker.rest_lots -= lots
        if not maker.rest_lots:
            book.orders.remove(maker)
        self._event(
            EventKind.TRADE,
            taker.order_id,
            time_ns=self.now_ns,
            side=taker.side,
            instrument=instrument,
            account=taker.account,
            counter_account=maker.account,
            order_id=taker.order_id,
            counter_order_id=maker.order_id,
            trade_id=book.trades,
            price_ticks=maker.price_ticks,
            qty_lots=lots,
            quote_minor=lots * maker.price_ticks,
            remaining_lots=taker.rest_lots,
            counter_remaining_lots=maker.rest_lots,
        )

    def _resting(self, row: np.void) -> tuple[Book, Resting] | None:
        for book in self.books.values():
            for order in book.orders:
                if order.order_id == row["target_id"] and order.account == row["account"]:
                    return book, order
        return None

    def _cancel_order(self, row: np.void) -> dict:
        found = self._resting(row)
        if found is None:
            return {"reject": Reject.UNKNOWN_ORDER}
        book, order = found
        book.orders.remove(order)
        return {"status": OrderStatus.CANCELED, "subject_id": order.order_id}

    def _amend_order(self, row: np.void) -> dict:
        found = self._resting(row)
        if found is None:
            return {"reject": Reject.UNKNOWN_ORDER}
        _, order = found
        filled = order.size_lots - order.rest_lots
        if not filled < row["qty_lots"] < order.size_lots:
            return {"reject": Reject.NOTHING_TO_AMEND}
        order.size_lots = int(row["qty_lots"])
        order.rest_lots = order.size_lots - filled
        status = OrderStatus.PARTLY_FILLED if filled else OrderStatus.OPEN
        return {
            "status": status,
            "subject_id": order.order_id,
            "remaining_lots": order.rest_lots,
        }

    def _request_withdrawal(self, row: np.void) -> dict:
        required, seq = self.assets[int(row["asset"])].required_checks, len(self.commands)
        self.withdrawals[seq] = WithdrawalView(
            withdrawal_id=seq,
            account=int(row["account"]),
            asset=int(row["asset"]),
            amount_minor=int(row["amount_minor"]),
            fee_minor=0,
            payee=read_address(row, "payee"),
            travel=read_digest(row, "travel"),
            client_id=bytes(row["client_id"]),
            status=WithdrawalStatus.HELD if required else WithdrawalStatus.CLEARED,
            checks_passed=0,
            batch=0,
            created_ns=int(row["time_ns"]),
            updated_ns=int(row["time_ns"]),
        )
        return {"subject_id": seq, "amount_minor": int(row["amount_minor"])}

    def _decide_withdrawal(self, row: np.void) -> dict:
        found = self.withdrawals.get(int(row["withdrawal_id"]))
        if found is None:
            return {"reject": Reject.UNKNOWN_WITHDRAWAL}
        if found.status != WithdrawalStatus.HELD:
            return {"reject": Reject.WRONG_STATE}
        check = Check(int(row["check"]))
        if found.checks_passed & check:
            return {"reject": Reject.ALREADY_DECIDED}
        passed, status = found.checks_passed, WithdrawalStatus.DENIED
        if row["verdict"] == Verdict.APPROVE:
            passed |= check
            done = passed == self.assets[found.asset].required_checks
            status = WithdrawalStatus.CLEARED if done else WithdrawalStatus.HELD
        updated = replace(found, checks_passed=passed, status=status)
        self.withdrawals[found.withdrawal_id] = updated
        return {"subject_id": found.withdrawal_id}

    def _record_report(self, row: np.void) -> dict:
        if not 1 <= row["from_seq"] <= row["to_seq"] < len(self.commands):
            return {"reject": Reject.MALFORMED}
        self.reports += 1
        return {"subject_id": self.reports}


_HANDLERS = {
    CommandKind.LIST_ASSET: NaiveVenue._list_asset,
    CommandKind.LIST_INSTRUMENT: NaiveVenue._list_instrument,
    CommandKind.OPEN_ACCOUNT: NaiveVenue._open_account,
    CommandKind.NEW_ORDER: NaiveVenue._new_order,
    CommandKind.CANCEL_ORDER: NaiveVenue._cancel_order,
    CommandKind.AMEND_ORDER: NaiveVenue._amend_order,
    CommandKind.REQUEST_WITHDRAWAL: NaiveVenue._request_withdrawal,
    CommandKind.DECIDE_WITHDRAWAL: NaiveVenue._decide_withdrawal,
    CommandKind.RECORD_REPORT: NaiveVenue._record_report,
}


def _crosses(taker: Resting, maker: Resting) -> bool:
    if taker.side == Side.BUY:
        return maker.price_ticks <= taker.price_ticks
    return maker.price_ticks >= taker.price_ticks


def _refusal(row: np.void, taker: Resting, crossing: list[Resting]) -> Reject:
    if row["flags"] & CommandFlag.POST_ONLY and crossing:
        return Reject.WOULD_TAKE
    if row["order_type"] == OrderType.MARKET and not crossing:
        return Reject.NO_LIQUIDITY
    enough = sum(maker.rest_lots for maker in crossing) >= taker.rest_lots
    if row["time_in_force"] == TimeInForce.FOK and not enough:
        return Reject.CANNOT_FILL
    return Reject.NONE


def _rows(dtype: np.dtype, rows: list[dict]) -> np.ndarray:
    table = np.zeros(len(rows), dtype)
    for index, row in enumerate(rows):
        for name, value in row.items():
            table[index][name] = value
    return table


def listed_venue(required_checks: int = 0) -> NaiveVenue:
    """Two assets, one instrument BTCUSD (2 price and 3 size decimals), accounts 16, 17 and 18."""
    venue = NaiveVenue()
    shared = {"token_decimals": 18, "required_checks": required_checks}
    for asset, symbol, decimals in ((0, b"BTC", 8), (1, b"USD", 6)):
        venue.ask(
            CommandKind.LIST_ASSET, asset=asset, symbol=symbol, ledger_decimals=decimals, **shared
        )
    venue.ask(
        CommandKind.LIST_INSTRUMENT,
        instrument=0,
        symbol=b"BTCUSD",
        base=0,
        quote=1,
        price_decimals=2,
        qty_decimals=3,
        lot_minor=100_000,
        notional_num=10,
        notional_den=1,
    )
    for account in (16, 17, 18):
        venue.ask(CommandKind.OPEN_ACCOUNT, account=account, subject_0=account * 0x0101010101)
    return venue
