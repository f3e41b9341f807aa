"""The read model: a pure fold over the journal's batches, and the questions it answers.

Depth is not here: the book itself is in the engine, and answers from there (docs/adr/0005).
"""

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.margin_layout import LONG, NET, SHORT
from ledger.journal.ports import Batch
from ledger.readmodel import present
from ledger.readmodel.fold import NO_ROOM, fold
from ledger.readmodel.index import Name
from ledger.readmodel.layout import CLIENT_ID_BYTES, NONE
from ledger.readmodel.queries import (
    ANY_INSTRUMENT,
    latest_rows,
    open_rows,
    order_trade_slots,
    row_of_name,
    row_of_order,
    row_of_pair,
    row_of_withdrawal_name,
    rows_from,
    trade_slots,
)
from ledger.readmodel.staging import Staging
from ledger.readmodel.tables import Retention, Tables
from ledger.readmodel.trading import DONE
from ledger.readmodel.views import (
    BalanceView,
    DepositView,
    MarkView,
    OrderView,
    PositionView,
    TradeView,
    WithdrawalView,
)
from ledger.records.codes import Product
from matching.units import SEQ_MAX

_WORDS: Final = struct.Struct("<5q")
NUMBER_MAX: Final = 2**31 - 1
"""Beyond any account or instrument: their numbers are dense."""
OPEN_ROWS_FIRST: Final = 64
_LEG_FIELDS: Final = {NET: "position", LONG: "long", SHORT: "short"}
"""Where a pair has the row of its position."""
DEFAULT_RETENTION: Final = Retention()


class ReadModel:
    """What people query, in memory; the same answers whatever the batch split (`Projects`)."""

    def __init__(self, seed: int, retention: Retention = DEFAULT_RETENTION) -> None:
        """Empty.

        Args:
            seed: Secret randomness for the hash indexes; no answer depends on it.
            retention: How much history is kept.
        """
        self._tables = Tables(retention, seed)
        self._staging = Staging()
        self._seq = 0

    @property
    def seq(self) -> int:
        """The last command folded in."""
        return self._seq

    def apply(self, batch: Batch) -> None:
        """Fold in the batch that follows `seq`."""
        assert batch.first_seq == self._seq + 1
        tables, count = self._tables, len(batch.commands)
        records = self._staging.records(batch)
        broken = fold(records, tables.whole, batch.first_seq, count)
        if broken == NO_ROOM:
            tables.grow()
            broken = fold(records, tables.whole, batch.first_seq, count)
        assert broken == DONE, f"results of command {broken} do not follow from what came before"
        self._seq = batch.last_seq

    def order(self, order_id: int) -> OrderView | None:
        """An order, if it is open or among those kept after closing."""
        known = 1 <= order_id <= self._seq
        row = row_of_order(self._tables.pinned.book, order_id) if known else NONE
        return None if row == NONE else self._orders(np.array([row]))[0]

    def order_by_client_id(self, account: int, client_id: bytes) -> OrderView | None:
        """The latest kept order of an account with this client id."""
        name = self._name(account, client_id)
        if name == NONE:
            return None
        return self._orders(self._tables.book.names["last"][name : name + 1])[0]

    def has_open_client_id(self, account: int, client_id: bytes) -> bool:
        """Whether any open order of the account has this client id."""
        name = self._name(account, client_id)
        return name != NONE and int(self._tables.book.names["open"][name]) > 0

    def open_orders(self, account: int, instrument: int | None = None) -> list[OrderView]:
        """An account's open orders, on one instrument or all, by id."""
        book, seen = self._tables.book, self._tables.pinned.book
        if not 0 <= account < len(book.accounts):
            return []
        if instrument is not None and not 0 <= instrument <= NUMBER_MAX:
            return []
        last = int(book.accounts["last_open"][account])
        wanted = ANY_INSTRUMENT if instrument is None else instrument
        rows = np.empty(OPEN_ROWS_FIRST, np.int64)
        if (count := open_rows(seen, last, wanted, rows)) > len(rows):
            rows = np.empty(count, np.int64)
            open_rows(seen, last, wanted, rows)
        return self._orders(rows[:count][::-1])

    def all_orders(
        self, account: int, instrument: int, from_id: int = 0, limit: int = 500
    ) -> list[OrderView]:
        """Kept orders of an account on an instrument, by id.

        Args:
            account: Whose.
            instrument: On which.
            from_id: The first `limit` from this id on; 0 for the latest `limit`.
            limit: At most so many.
        """
        book, rows = self._tables.book, np.empty(limit, np.int64)
        last = self._pair(account, instrument, "last_order")
        if from_id > 0:
            seen = self._tables.pinned.book
            count = rows_from(seen, last, min(from_id, SEQ_MAX), rows)
            return self._orders(rows[:count])
        count = latest_rows(book.orders["pair_prev"], last, rows)
        return self._orders(rows[:count][::-1])

    def trades(
        self, instrument: int, limit: int = 500, from_id: int | None = None
    ) -> list[TradeView]:
        """Kept trades of an instrument, by id: the latest, or the first from an id on."""
        instruments = self._tables.tape.instruments
        known = 0 <= instrument < len(instruments)
        last = int(instruments["last_node"][instrument]) if known else 0
        return self._trades(last, limit, from_id)

    def trade(self, instrument: int, trade_id: int) -> TradeView | None:
        """One trade, if it is kept."""
        found = self.trades(instrument, 1, trade_id)
        return found[0] if found and found[0].trade_id == trade_id else None

    def account_trades(
        self,
        account: int,
        instrument: int,
        limit: int = 500,
        from_id: int | None = None,
        *,
        order_id: int | None = None,
    ) -> list[TradeView]:
        """Kept trades of an account on an instrument, by id.

        Args:
            account: Taker or maker.
            instrument: On which.
            limit: At most so many.
            from_id: The first ones from this trade id on; the latest when None.
            order_id: Only this order's.
        """
        last = self._pair(account, instrument, "last_node", empty=0)
        if order_id is None:
            return self._trades(last, limit, from_id)
        order_id = min(max(1, order_id), SEQ_MAX)
        tape, seen = self._tables.tape, self._tables.pinned.tape
        count = self._tables.counter("trade_count")
        slots = np.empty(limit, np.int64)
        if (found := order_trade_slots(seen, count, last, order_id, slots)) > limit:
            slots = np.empty(found, np.int64)
            order_trade_slots(seen, count, last, order_id, slots)
        views = present.trades(tape.trades[slots[:found][::-1]])
        if from_id is None:
            return views[-limit:]
        return [view for view in views if view.trade_id >= from_id][:limit]

    def last_price_ticks(self, instrument: int) -> int | None:
        """The price of an instrument's last trade; None before the first."""
        instruments = self._tables.tape.instruments
        if not 0 <= instrument < len(instruments) or not instruments["last_node"][instrument]:
            return None
        return int(instruments["last_price_ticks"][instrument])

    def withdrawal(self, withdrawal_id: int) -> WithdrawalView | None:
        """One withdrawal."""
        ids = self._tables.vault.withdrawals["withdrawal_id"][: self._count("withdrawal")]
        row = int(np.searchsorted(ids, withdrawal_id))
        if row == len(ids) or ids[row] != withdrawal_id:
            return None
        return self._withdrawals(np.array([row]))[0]

    def withdrawals(self, account: int) -> list[WithdrawalView]:
        """All withdrawals of an account, by id."""
        rows = self._account_rows(account, "withdrawal", self._tables.vault.withdrawals)
        return self._withdrawals(rows)

    def withdrawal_by_client_id(self, account: int, client_id: bytes) -> WithdrawalView | None:
        """The latest withdrawal of an account with this client id."""
        name = _name(account, client_id)
        if name is None:
            return None
        row = row_of_withdrawal_name(self._tables.pinned.vault, name)
        return None if row == NONE else self._withdrawals(np.array([row]))[0]

    def deposits(self, account: int) -> list[DepositView]:
        """All deposits of an account, by index."""
        deposits = self._tables.vault.deposits
        return present.deposits(deposits[self._account_rows(account, "deposit", deposits)])

    def balance(self, account: int, asset: int) -> BalanceView:
        """What an account has of an asset; nothing of what does not exist."""
        balances = self._tables.holdings.balances
        if not (0 <= asset < balances.shape[0] and 0 <= account < balances.shape[1]):
            return BalanceView(0, 0)
        row = balances[asset, account]
        return BalanceView(int(row["available_minor"]), int(row["held_minor"]))

    def positions(self, account: int) -> list[PositionView]:
        """All positions that an account ever had, flat ones too, by instrument and leg."""
        positions = self._tables.holdings.positions
        rows = self._account_rows(account, "position", positions)
        views = present.positions(positions[rows], self._tables.tape.instruments)
        return sorted(views, key=lambda view: (view.instrument, view.leg))

    def position(self, account: int, instrument: int, leg: int = NET) -> PositionView | None:
        """An account's position in a perpetual; None when it never had one.

        Args:
            account: Whose.
            instrument: In what.
            leg: NET, or LONG or SHORT in hedge mode.
        """
        field = _LEG_FIELDS.get(leg)
        row = NONE if field is None else self._pair(account, instrument, field)
        if row == NONE:
            return None
        rows = self._tables.holdings.positions[row : row + 1]
        return present.positions(rows, self._tables.tape.instruments)[0]

    def product(self, instrument: int) -> Product:
        """What a listed instrument trades."""
        return Product(self._tables.tape.instruments["product"][instrument])

    def mark(self, instrument: int) -> MarkView | None:
        """A perpetual's last mark; None before the first."""
        instruments = self._tables.tape.instruments
        if not 0 <= instrument < len(instruments) or not instruments["mark_ticks"][instrument]:
            return None
        return present.mark(instruments[instrument])

    def _count(self, table: str) -> int:
        return self._tables.counter(f"{table}_used")

    def _name(self, account: int, client_id: bytes) -> int:
        name = _name(account, client_id)
        return NONE if name is None else row_of_name(self._tables.pinned.book, name)

    def _pair(self, account: int, instrument: int, field: str, empty: int = NONE) -> int:
        """One field of a pair's row, or what stands for a pair that never was."""
        tables = self._tables
        if not (0 <= account <= NUMBER_MAX and 0 <= instrument <= NUMBER_MAX):
            return empty
        row = row_of_pair(tables.pinned.book, account, instrument)
        return empty if row == NONE else int(tables.book.pairs[field][row])

    def _account_rows(self, account: int, table: str, rows: NDArray[Any]) -> NDArray[Any]:
        """The rows of an account's list, first to last."""
        accounts = self._tables.vault.accounts
        if not 0 <= account < len(accounts):
            return np.empty(0, np.int64)
        out = np.empty(self._count(table), np.int64)
        count = latest_rows(rows["account_prev"], int(accounts[f"last_{table}"][account]), out)
        return out[:count][::-1]

    def _orders(self, rows: NDArray[Any]) -> list[OrderView]:
        return present.orders(self._tables.book, self._tables.tape.instruments["product"], rows)

    def _trades(self, last: int, limit: int, from_id: int | None) -> list[TradeView]:
        tables, slots = self._tables, np.empty(limit, np.int64)
        start = 0 if from_id is None else min(max(1, from_id), SEQ_MAX)
        trades = tables.counter("trade_count")
        count = trade_slots(tables.pinned.tape, trades, last, start, slots)
        return present.trades(tables.tape.trades[slots[:count][::-1]])

    def _withdrawals(self, rows: NDArray[Any]) -> list[WithdrawalView]:
        return present.withdrawals(self._tables.vault, rows)


def _name(account: int, client_id: bytes) -> Name | None:
    """The name as the tables hold it; None for one that no command could have carried."""
    if not 0 <= account <= NUMBER_MAX or not 1 <= len(client_id) <= CLIENT_ID_BYTES:
        return None
    words = _WORDS.unpack(client_id.ljust(_WORDS.size, b"\0"))
    return Name(account, *words) if client_id[0] else None
