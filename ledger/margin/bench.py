"""Measures the margin kernels: a full sweep, a mark move, a liquidation price."""

import time
from collections.abc import Callable
from typing import Final

import numpy as np

from ledger.margin import account, tiers
from ledger.margin.columns import CROSS, Accounts, Held, Positions, Risk, Wallets
from ledger.margin.contracts import CONTRACT
from ledger.margin.limits import INVERSE, LINEAR
from ledger.margin.liquidation import liquidation_ticks
from ledger.margin.marking import move_mark
from ledger.margin.sweep import sweep
from matching.units import PPM

ACCOUNTS: Final = 100_000
POSITIONS: Final = 3
INSTRUMENTS: Final = 20
INVERSES: Final = 4
MAX_TICKS: Final = 1 << 24
DOLLAR: Final = 10**8
BRACKETS: Final = [
    tiers.Bracket(0, 4_000, 8_000),
    tiers.Bracket(50_000 * DOLLAR, 5_000, 10_000),
    tiers.Bracket(250_000 * DOLLAR, 10_000, 20_000),
    tiers.Bracket(1_000_000 * DOLLAR, 25_000, 50_000),
]
ROUNDS: Final = 30


def _risk(rng: np.random.Generator) -> Risk:
    """Instruments at random prices, the first few inverse; assets: dollars and a coin."""
    contracts = np.zeros(INSTRUMENTS, CONTRACT)
    contracts["max_ticks"] = MAX_TICKS
    contracts["multiplier_ppm"] = PPM
    contracts["tier_count"] = len(BRACKETS)
    for row in range(INSTRUMENTS):
        inverse = row < INVERSES
        contracts[row]["kind"] = INVERSE if inverse else LINEAR
        contracts[row]["settle"] = 1 if inverse else 0
        contracts[row]["num"] = 10**10 if inverse else 10_000
        contracts[row]["den"] = 1
        contracts[row]["mark_ticks"] = rng.integers(10_000, 1_000_000)
    assets = np.zeros(2, account.ASSET_RISK)
    assets["index_ticks"] = [1, 1_000_000]
    assets["num"] = 1
    assets["den"] = [100, 1_000]
    assets["haircut_ppm"] = [0, 50_000]
    assets["debt_ppm"] = 50_000
    return Risk(contracts, tiers.build(BRACKETS), assets, np.zeros(2, account.PRICE))


class Venue:
    """Accounts with three positions and two wallets each; position sizes of ten dollars and up.

    Sizes are log-uniform to 300,000 dollars, entries within 30 % of the mark, balances to
    100,000 dollars and ten coins.
    """

    def __init__(self, seed: int, accounts: int = ACCOUNTS) -> None:
        """Draw a venue; the same seed draws the same one."""
        rng = np.random.default_rng(seed)
        self.risk = _risk(rng)
        marks, nums = self.risk.contracts["mark_ticks"], self.risk.contracts["num"]
        count = accounts * POSITIONS
        self.instrument = rng.integers(0, INSTRUMENTS, count).astype(np.uint32)
        inverse = self.instrument < INVERSES
        lot_value = np.where(inverse, 100.0, marks[self.instrument] * 1e-4)
        sizes = 10 ** rng.uniform(1, 5.5, count) / lot_value
        self.qty = np.maximum(1, sizes).astype(np.int64) * rng.choice([1, -1], count)
        entries = (marks[self.instrument] * rng.uniform(0.7, 1.3, count)).astype(np.int64)
        self.cost = np.where(
            inverse, -((self.qty * nums[self.instrument]) // entries), self.qty * entries
        )
        owner = np.repeat(np.arange(accounts), POSITIONS)
        self.owner = owner.astype(np.uint32)
        self.wallet = (2 * owner + inverse).astype(np.uint32)
        dollars = (10 ** rng.uniform(9, 13, accounts)).astype(np.int64)
        coins = (10 ** rng.uniform(3, 9, accounts)).astype(np.int64)
        self.wallets = Wallets(
            np.tile([0, 1], accounts).astype(np.uint32),
            np.stack([dollars, coins], axis=1).ravel(),
            np.zeros(2 * accounts, np.int64),
            np.zeros(2 * accounts, np.int64),
        )
        self.accounts = Accounts(
            (np.arange(accounts + 1) * POSITIONS).astype(np.uint64),
            (np.arange(accounts + 1) * 2).astype(np.uint64),
            np.zeros(accounts, np.int64),
            np.zeros(accounts, np.int64),
            np.zeros(accounts, np.uint8),
        )

    def positions(self) -> Positions:
        """All positions, by account."""
        count = len(self.qty)
        return Positions(
            self.qty,
            self.cost,
            np.full(count, CROSS, np.int64),
            self.instrument,
            self.wallet,
            np.zeros(count, np.uint8),
        )

    def held(self, instrument: int) -> Held:
        """One instrument's positions."""
        rows = np.flatnonzero(self.instrument == instrument)
        zeros = np.zeros(len(rows), np.int64)
        return Held(
            self.qty[rows],
            self.cost[rows],
            np.full(len(rows), CROSS, np.int64),
            self.owner[rows],
            self.wallet[rows],
            zeros,
            zeros.copy(),
            np.zeros(len(rows), np.uint8),
        )


def _least_ms(work: Callable[[], object]) -> float:
    """The fastest of ROUNDS runs, after one that compiles: the code, not its neighbours."""
    work()
    spent = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return min(spent) * 1e3


def sweep_ms(venue: Venue) -> float:
    """Every account judged anew, all marks changed."""
    positions, count = venue.positions(), len(venue.accounts.equity_minor)
    return _least_ms(lambda: sweep(venue.risk, positions, venue.wallets, venue.accounts, 0, count))


def mark_move_ms(venue: Venue, instrument: int) -> float:
    """One instrument's mark moves by a tick, up and down: its holders judged."""
    held = venue.held(instrument)
    fallen = np.zeros(len(held.qty_lots), np.uint32)
    contracts = venue.risk.contracts

    def move() -> None:
        contracts["mark_ticks"][instrument] ^= 1
        move_mark(venue.risk, instrument, held, venue.wallets, venue.accounts, fallen)

    return _least_ms(move)


def liquidation_price_us(venue: Venue) -> float:
    """One liquidation price, from Python."""
    contracts, brackets = venue.risk.contracts, venue.risk.tiers
    instrument, qty, cost = int(venue.instrument[0]), int(venue.qty[0]), int(venue.cost[0])
    return 1e3 * _least_ms(
        lambda: liquidation_ticks(contracts, brackets, instrument, qty, cost, DOLLAR)
    )
