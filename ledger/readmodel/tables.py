"""The tables' memory: made empty, and grown by doubling before a batch that may need more."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.journal.ports import Batch
from ledger.readmodel.index import SLOTS_MIN, empty_slots, grown, salt_of
from ledger.readmodel.layout import (
    ACCOUNT_ROW,
    ASSET_ROW,
    COUNTERS,
    DEPOSIT_ROW,
    INSTRUMENT_ROW,
    LINK,
    NAME_ROW,
    NODES_A_TRADE,
    NONE,
    ORDER_ROW,
    PAIR_ROW,
    TRADE_ROW,
    WITHDRAWAL_ROW,
    Book,
    Tape,
    Vault,
)
from ledger.records.codes import CommandKind
from ledger.records.layout import ASSET

_ROWS_MIN: Final = 64


@dataclass(frozen=True, slots=True)
class Retention:
    """How much history is kept. Open orders, deposits and withdrawals are kept whatever it says.

    Attributes:
        closed_orders: Orders that are done, over all accounts: the latest to close stay.
        trades: Over all instruments: the latest stay. A power of two.
    """

    closed_orders: int = 1 << 20
    trades: int = 1 << 20


class Tables:
    """The three groups of tables that the kernels work on."""

    def __init__(self, retention: Retention, seed: int) -> None:
        """Empty tables.

        Args:
            retention: What is kept.
            seed: Makes the hashes; secret, so that no client can choose ids that collide.
        """
        assert retention.closed_orders >= 1
        assert retention.trades >= 1
        assert retention.trades & (retention.trades - 1) == 0
        self._retention = retention
        counters = np.zeros(1, COUNTERS)
        counters["order_free"] = counters["name_free"] = NONE
        counters["closed_max"] = retention.closed_orders
        salt = salt_of(seed)
        accounts = _blank_accounts(_ROWS_MIN)
        # Fresh zeros cost no memory before they are touched: what is kept has its room at once, and
        # only open orders and names beyond it make the tables grow.
        orders = 2 * retention.closed_orders
        self.book = Book(
            orders=np.zeros(orders, ORDER_ROW),
            names=np.zeros(orders, NAME_ROW),
            pairs=np.zeros(_ROWS_MIN, PAIR_ROW),
            accounts=accounts,
            by_id=grown(empty_slots(SLOTS_MIN), orders),
            by_name=grown(empty_slots(SLOTS_MIN), orders),
            by_pair=empty_slots(SLOTS_MIN),
            counters=counters,
            salt=salt,
        )
        self.tape = Tape(
            trades=np.zeros(retention.trades, TRADE_ROW),
            links=np.zeros(retention.trades * NODES_A_TRADE, LINK),
            instruments=np.zeros(_ROWS_MIN, INSTRUMENT_ROW),
        )
        self.vault = Vault(
            withdrawals=np.zeros(_ROWS_MIN, WITHDRAWAL_ROW),
            deposits=np.zeros(_ROWS_MIN, DEPOSIT_ROW),
            assets=np.zeros(_ROWS_MIN, ASSET_ROW),
            accounts=accounts,
            by_name=empty_slots(SLOTS_MIN),
            counters=counters,
            salt=salt,
        )

    def counter(self, name: str) -> int:
        """One field of COUNTERS."""
        return int(self.book.counters[name][0])

    def make_room(self, batch: Batch) -> None:
        """Grow whatever this batch could overflow."""
        taken = batch.outcomes["reject"] == 0
        kinds = np.bincount(batch.commands["kind"][taken], minlength=256)
        most = int(batch.commands["account"][taken].max(initial=0))
        if most >= len(self.book.accounts):
            accounts = _blank_accounts(_doubled(len(self.book.accounts), most + 1))
            accounts[: len(self.book.accounts)] = self.book.accounts
            self.book = self.book._replace(accounts=accounts)
            self.vault = self.vault._replace(accounts=accounts)
        self._grow_book(int(kinds[CommandKind.NEW_ORDER]))
        most = int(batch.events["instrument"].max(initial=0))
        instruments = _grown(self.tape.instruments, most + 1)
        self.tape = self.tape._replace(instruments=instruments)
        self._grow_vault(
            int(kinds[CommandKind.REQUEST_WITHDRAWAL]), int(kinds[CommandKind.CREDIT_DEPOSIT])
        )
        if kinds[CommandKind.LIST_ASSET]:
            assets = batch.commands.view(ASSET)["asset"]
            listed = taken & (batch.commands["kind"] == CommandKind.LIST_ASSET)
            rows = _grown(self.vault.assets, int(assets[listed].max()) + 1)
            self.vault = self.vault._replace(assets=rows)

    def _grow_book(self, new_orders: int) -> None:
        """Each new order may take an order row, a name and a pair."""
        book = self.book
        fresh = max(0, new_orders - self.counter("order_free_count"))
        orders = self.counter("order_used") + fresh
        fresh = max(0, new_orders - self.counter("name_free_count"))
        names = self.counter("name_used") + fresh
        pairs = self.counter("pair_used") + new_orders
        self.book = book._replace(
            orders=_grown(book.orders, orders),
            names=_grown(book.names, names),
            pairs=_grown(book.pairs, pairs),
            by_id=grown(book.by_id, orders),
            by_name=grown(book.by_name, names),
            by_pair=grown(book.by_pair, pairs),
        )

    def _grow_vault(self, withdrawals: int, deposits: int) -> None:
        vault = self.vault
        withdrawals += self.counter("withdrawal_used")
        self.vault = vault._replace(
            withdrawals=_grown(vault.withdrawals, withdrawals),
            deposits=_grown(vault.deposits, self.counter("deposit_used") + deposits),
            by_name=grown(vault.by_name, withdrawals),
        )


def _blank_accounts(count: int) -> NDArray[Any]:
    accounts = np.zeros(count, ACCOUNT_ROW)
    accounts["last_open"] = accounts["last_withdrawal"] = accounts["last_deposit"] = NONE
    return accounts


def _doubled(size: int, needed: int) -> int:
    """The size, doubled until it is enough."""
    while size < needed:
        size *= 2
    return size


def _grown(rows: NDArray[Any], needed: int) -> NDArray[Any]:
    """The table with room for `needed` rows; new ones are zero."""
    size = _doubled(len(rows), needed)
    if size == len(rows):
        return rows
    larger = np.zeros(size, rows.dtype)
    larger[: len(rows)] = rows
    return larger
