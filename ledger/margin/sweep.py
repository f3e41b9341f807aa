"""The margin sweep: equity and maintenance of every account at the marks, and who is liquidated.

Positions and wallets stand in columns, sorted by account. Source: docs/spec/margin.md, section 7.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger.margin.account import is_liquidated, price_assets, worth_minor
from ledger.margin.columns import CROSS, Accounts, Positions, Risk, Wallets
from ledger.margin.contracts import mark_position
from ledger.margin.limits import SUM_MAX, VALUE_MAX
from ledger.margin.rounding import ppm_ceil, ppm_floor
from matching.jit import inlined, kernel


@kernel
def _clear_wallets(wallets: Wallets, first: int, last: int) -> None:
    for row in range(first, last):
        wallets.pnl_minor[row] = 0
        wallets.maintenance_minor[row] = 0


@kernel
def _mark_positions(
    risk: Risk, positions: Positions, wallets: Wallets, first: int, last: int
) -> int:
    """Add cross positions first..last-1 to their wallets, judge isolated ones; how many fell."""
    contracts, tiers = risk.contracts, risk.tiers
    qty_lots, cost, margin = positions.qty_lots, positions.cost, positions.margin_minor
    instruments, wallet_of = positions.instrument, positions.wallet
    wallet_pnl, wallet_maintenance = wallets.pnl_minor, wallets.maintenance_minor
    fallen = 0
    for row in range(first, last):
        instrument, qty = instruments[row], qty_lots[row]
        pnl, required, _ = mark_position(contracts, tiers, instrument, qty, cost[row])
        if margin[row] == CROSS:
            wallet = wallet_of[row]
            wallet_pnl[wallet] += pnl
            wallet_maintenance[wallet] += required
        else:
            down = is_liquidated(margin[row] + pnl, required)
            positions.liquidated[row] = down
            fallen += down
    return fallen


@inlined
def sum_wallets(prices: NDArray[Any], wallets: Wallets, first: int, last: int) -> tuple[int, int]:
    """(equity, maintenance) of one account, in valuation units.

    Collateral, debts and requirements add up apart, and the last two saturate above what all
    collateral can reach: saturation never makes an account look better. The same numbers as
    `value_minor`, `debt_requirement_minor` and `requirement_value_minor` of ledger.margin.account
    give, without a division by what is not a constant.

    Args:
        prices: As `price_assets` made them.
        wallets: Columns.
        first: The account's first row of them.
        last: The row after its last.
    """
    collateral = debts = required = 0
    for row in range(first, last):
        price = prices[wallets.asset[row]]
        amount = wallets.balance_minor[row] + wallets.pnl_minor[row]
        margin = wallets.maintenance_minor[row]
        if amount >= 0:
            collateral += min(
                ppm_floor(worth_minor(price, amount, 0), price["left_ppm"]), VALUE_MAX
            )
        else:
            debts += min(worth_minor(price, -amount, 1), SUM_MAX - debts)
            margin += ppm_ceil(-amount, price["debt_ppm"])
        required += min(worth_minor(price, margin, 1), SUM_MAX - required)
    return collateral - debts, required


@inlined
def judge(risk: Risk, wallets: Wallets, accounts: Accounts, account: int) -> bool:
    """Write one account's equity, maintenance and verdict from its wallets; the verdict."""
    first, last = accounts.wallet_first[account], accounts.wallet_first[account + 1]
    equity, required = sum_wallets(risk.prices, wallets, first, last)
    accounts.equity_minor[account] = equity
    accounts.maintenance_minor[account] = required
    down = is_liquidated(equity, required)
    accounts.liquidated[account] = down
    return down


@kernel
def _judge_range(risk: Risk, wallets: Wallets, accounts: Accounts, first: int, last: int) -> int:
    fallen = 0
    for account in range(np.uint64(first), np.uint64(last)):
        fallen += judge(risk, wallets, accounts, account)
    return fallen


@kernel
def sweep(
    risk: Risk, positions: Positions, wallets: Wallets, accounts: Accounts, first: int, last: int
) -> int:
    """Judge accounts first .. last - 1 at the marks of the contracts and the assets' index prices.

    Three passes over contiguous rows: the processor fetches ahead by itself, and each loop is small
    enough to stay in registers. Ranges touch nothing in common but `risk.prices`, so that two
    threads, each with such a scratch table of its own, may each sweep one: the result is the same.

    Args:
        risk: Parameters.
        positions: Columns; those marked "out" are overwritten, here and below.
        wallets: Every wallet of every account.
        accounts: Where each account's rows begin.
        first: The first account of the range.
        last: The account after it.

    Returns:
        How many accounts and isolated positions are to be liquidated.
    """
    price_assets(risk.assets, risk.prices)
    _clear_wallets(wallets, accounts.wallet_first[first], accounts.wallet_first[last])
    rows = accounts.position_first
    fallen = _mark_positions(risk, positions, wallets, rows[first], rows[last])
    return fallen + _judge_range(risk, wallets, accounts, first, last)
