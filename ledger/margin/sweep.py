"""The margin sweep: equity and maintenance of every account at the marks, and who is liquidated.

Positions and wallets stand in columns, sorted by account. Source: docs/spec/margin.md, section 7.
"""

from typing import Any

from numpy.typing import NDArray

from ledger.margin.account import (
    add_saturating,
    debt_requirement_minor,
    is_liquidated,
    requirement_value_minor,
    value_minor,
)
from ledger.margin.columns import CROSS, Accounts, Positions, Risk, Wallets
from ledger.margin.contracts import mark_position
from matching.jit import inlined, kernel


@inlined
def _mark_positions(
    risk: Risk, positions: Positions, wallets: Wallets, first: int, last: int
) -> int:
    """Add cross positions first..last-1 to their wallets, judge isolated ones; how many fell."""
    contracts, tiers = risk.contracts, risk.tiers
    qty_lots, cost, margin = positions.qty_lots, positions.cost, positions.margin_minor
    instruments, wallet_of = positions.instrument, positions.wallet
    fallen = 0
    for row in range(first, last):
        instrument, qty = instruments[row], qty_lots[row]
        pnl, required = mark_position(contracts, tiers, instrument, qty, cost[row])
        if margin[row] == CROSS:
            wallet = wallet_of[row]
            wallets.pnl_minor[wallet] += pnl
            wallets.maintenance_minor[wallet] += required
        else:
            down = is_liquidated(margin[row] + pnl, required)
            positions.liquidated[row] = down
            fallen += down
    return fallen


@inlined
def sum_wallets(assets: NDArray[Any], wallets: Wallets, first: int, last: int) -> tuple[int, int]:
    """(equity, maintenance) of one account, in valuation units.

    Collateral, debts and requirements add up apart, and the last two saturate above what all
    collateral can reach: saturation never makes an account look better.
    """
    collateral = debts = required = 0
    for row in range(first, last):
        asset = wallets.asset[row]
        amount = wallets.balance_minor[row] + wallets.pnl_minor[row]
        value = value_minor(assets, asset, amount)
        if value >= 0:
            collateral += value
        else:
            debts = add_saturating(debts, -value)
        margin = wallets.maintenance_minor[row] + debt_requirement_minor(assets, asset, amount)
        if margin:
            required = add_saturating(required, requirement_value_minor(assets, asset, margin))
    return collateral - debts, required


@inlined
def judge(risk: Risk, wallets: Wallets, accounts: Accounts, account: int) -> bool:
    """Write one account's equity, maintenance and verdict from its wallets; the verdict."""
    first, last = accounts.wallet_first[account], accounts.wallet_first[account + 1]
    equity, required = sum_wallets(risk.assets, wallets, first, last)
    accounts.equity_minor[account] = equity
    accounts.maintenance_minor[account] = required
    down = is_liquidated(equity, required)
    accounts.liquidated[account] = down
    return down


@kernel
def sweep(
    risk: Risk, positions: Positions, wallets: Wallets, accounts: Accounts, first: int, last: int
) -> int:
    """Judge accounts first .. last - 1 at the marks of the contracts and the assets' index prices.

    Ranges touch nothing in common, so that two threads may each sweep one: the result is the same.

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
    fallen = 0
    for account in range(first, last):
        for wallet in range(accounts.wallet_first[account], accounts.wallet_first[account + 1]):
            wallets.pnl_minor[wallet] = 0
            wallets.maintenance_minor[wallet] = 0
        row, end = accounts.position_first[account], accounts.position_first[account + 1]
        fallen += _mark_positions(risk, positions, wallets, row, end)
        fallen += judge(risk, wallets, accounts, account)
    return fallen
