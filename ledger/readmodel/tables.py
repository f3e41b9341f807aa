"""The tables' memory: made empty, and grown by doubling for a batch that may need more."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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
    NEEDS,
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
from matching.pins import pin

_ROWS_MIN: Final = 64
_ASSETS_MIN: Final = 4


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
            by_pair=grown(empty_slots(SLOTS_MIN), _ROWS_MIN),
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
            by_name=grown(empty_slots(SLOTS_MIN), _ROWS_MIN),
            counters=counters,
            salt=salt,
        )
        self._needs = np.zeros(1, NEEDS)
        self._pin()

    def counter(self, name: str) -> int:
        """One field of COUNTERS."""
        return int(self.book.counters[name][0])

    def grow(self) -> None:
        """Give every table the rows that the fold said it needs."""
        needs = {name: int(self._needs[name][0]) for name in self._needs.dtype.names or ()}
        book, vault = self.book, self.vault
        accounts = _blank_accounts(_doubled(len(book.accounts), needs["accounts"]))
        accounts[: len(book.accounts)] = book.accounts
        assets = _grown(vault.assets, needs["assets"])
        orders, names = _grown(book.orders, needs["orders"]), _grown(book.names, needs["names"])
        pairs = _grown(book.pairs, needs["pairs"])
        withdrawals = _grown(vault.withdrawals, needs["withdrawals"])
        self.book = book._replace(
            orders=orders,
            names=names,
            pairs=pairs,
            accounts=accounts,
            by_id=grown(book.by_id, len(orders)),
            by_name=grown(book.by_name, len(names)),
            by_pair=grown(book.by_pair, len(pairs)),
        )
        instruments = _grown(self.tape.instruments, needs["instruments"])
        self.tape = self.tape._replace(instruments=instruments)
        self.vault = vault._replace(
            withdrawals=withdrawals,
            deposits=_grown(vault.deposits, needs["deposits"]),
            assets=assets,
            accounts=accounts,
            by_name=grown(vault.by_name, len(withdrawals)),
        )
        self.holdings = Holdings(
            balances=_spread(self.holdings.balances, len(assets), len(accounts)),
            positions=_grown(self.holdings.positions, needs["positions"]),
            assets=assets,
        )
        self._pin()

    def _pin(self) -> None:
        """Let kernels see the tables as they are now."""
        self.whole = pin(Groups(self.book, self.tape, self.holdings, self.vault, self._needs))
        # Each is looked up once: finding a part of a pin takes longer than most questions.
        whole = self.whole
        self.pinned = Groups(whole.book, whole.tape, whole.holdings, whole.vault, self._needs)


def _blank_accounts(count: int) -> NDArray[Any]:
    accounts = np.zeros(count, ACCOUNT_ROW)
    for end in ("last_open", "last_withdrawal", "last_deposit", "last_position"):
        accounts[end] = NONE
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


def _spread(balances: NDArray[Any], assets: int, accounts: int) -> NDArray[Any]:
    """The balances of so many assets and accounts; new ones are zero."""
    if balances.shape == (assets, accounts):
        return balances
    larger = np.zeros((assets, accounts), BALANCE_ROW)
    larger[: balances.shape[0], : balances.shape[1]] = balances
    return larger
