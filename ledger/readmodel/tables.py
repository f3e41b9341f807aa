"""The tables' memory: made empty, and grown by doubling before a batch that may need more."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.margin_layout import POSITIONS_PER_ACCOUNT_MAX
from ledger.journal.ports import Batch
from ledger.readmodel.index import SLOTS_MIN, empty_slots, grown, salt_of
from ledger.readmodel.layout import (
    ACCOUNT_ROW,
    ASSET_ROW,
    BALANCE_ROW,
    COUNTERS,
    DEPOSIT_ROW,
    INSTRUMENT_ROW,
    LINK,
    NAME_ROW,
    NODES_A_TRADE,
    NONE,
    ORDER_ROW,
    PAIR_ROW,
    POSITION_ROW,
    TRADE_ROW,
    WITHDRAWAL_ROW,
    Book,
    Groups,
    Holdings,
    Tape,
    Vault,
)
from ledger.records.codes import CommandKind, EventKind
from ledger.records.layout import ASSET, INSTRUMENT
from matching.pins import pin

_ROWS_MIN: Final = 64
_ASSETS_MIN: Final = 4
_OPENING: Final = (
    EventKind.TRADE,
    EventKind.POSITION_TAKEN,
    EventKind.DELEVERAGED,
    EventKind.FUNDING_PAID,
    EventKind.MARGIN_MOVED,
)
"""Events whose two accounts may each need a position, or a list of trades, that it never had."""


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
    """The four groups of tables that the kernels work on."""

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
        assets = np.zeros(_ASSETS_MIN, ASSET_ROW)
        self.holdings = Holdings(
            balances=np.zeros((_ASSETS_MIN, _ROWS_MIN), BALANCE_ROW),
            positions=np.zeros(_ROWS_MIN, POSITION_ROW),
            assets=assets,
        )
        self.vault = Vault(
            withdrawals=np.zeros(_ROWS_MIN, WITHDRAWAL_ROW),
            deposits=np.zeros(_ROWS_MIN, DEPOSIT_ROW),
            assets=assets,
            accounts=accounts,
            by_name=empty_slots(SLOTS_MIN),
            counters=counters,
            salt=salt,
        )
        self._pin()

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
        new_orders = kinds[CommandKind.NEW_ORDER] + kinds[CommandKind.REPLACE_ORDER]
        happened = np.bincount(batch.events["kind"], minlength=256)
        opening = 2 * int(happened[list(_OPENING)].sum() + kinds[CommandKind.SET_MARGIN_MODE])
        # Another position mode opens at most two more rows beside each that its account has.
        carried = POSITIONS_PER_ACCOUNT_MAX * int(kinds[CommandKind.SET_POSITION_MODE])
        carried = min(carried, 2 * (self.counter("position_used") + opening))
        self._grow_book(int(new_orders), opening)
        most = _named(batch, CommandKind.LIST_INSTRUMENT, INSTRUMENT, "instrument")
        instruments = _grown(self.tape.instruments, most + 1)
        self.tape = self.tape._replace(instruments=instruments)
        self._grow_vault(
            int(kinds[CommandKind.REQUEST_WITHDRAWAL]), int(kinds[CommandKind.CREDIT_DEPOSIT])
        )
        most = _named(batch, CommandKind.LIST_ASSET, ASSET, "asset")
        self._grow_holdings(most, opening + carried)
        if any(ours is not theirs for ours, theirs in zip(self._arrays(), self._seen, strict=True)):
            self._pin()

    def _arrays(self) -> list[NDArray[Any]]:
        return [*self.book, *self.tape, *self.holdings, *self.vault]

    def _pin(self) -> None:
        """Let kernels see the tables as they are now."""
        self._seen = self._arrays()
        pinned = pin(Groups(self.book, self.tape, self.holdings, self.vault))
        # Each is looked up once: finding a part of a pin takes longer than most questions.
        self.pinned = Groups(pinned.book, pinned.tape, pinned.holdings, pinned.vault)

    def _grow_holdings(self, most_asset: int, opening: int) -> None:
        """Balances of every asset and account; a position for whoever may open one."""
        assets = _grown(self.vault.assets, most_asset + 1)
        self.vault = self.vault._replace(assets=assets)
        holdings, accounts = self.holdings, len(self.book.accounts)
        balances = holdings.balances
        if balances.shape != (len(assets), accounts):
            larger = np.zeros((len(assets), accounts), BALANCE_ROW)
            larger[: balances.shape[0], : balances.shape[1]] = balances
            balances = larger
        positions = _grown(holdings.positions, self.counter("position_used") + opening)
        self.holdings = Holdings(balances, positions, assets)

    def _grow_book(self, new_orders: int, opening: int) -> None:
        """Each new order may take an order row, a name and a pair; so may who opens a position."""
        book = self.book
        fresh = max(0, new_orders - self.counter("order_free_count"))
        orders = self.counter("order_used") + fresh
        fresh = max(0, new_orders - self.counter("name_free_count"))
        names = self.counter("name_used") + fresh
        pairs = self.counter("pair_used") + new_orders + opening
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
    for end in ("last_open", "last_withdrawal", "last_deposit", "last_position"):
        accounts[end] = NONE
    return accounts


def _named(batch: Batch, kind: CommandKind, layout: np.dtype[np.void], field: str) -> int:
    """The largest number that effective commands of a kind name in a field; 0 without any."""
    named = (batch.commands["kind"] == kind) & (batch.outcomes["reject"] == 0)
    if not named.any():
        return 0
    return int(np.ascontiguousarray(batch.commands[named]).view(layout)[field].max())


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
