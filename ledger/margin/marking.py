"""A mark move of one instrument: touches its holders, their wallets and accounts, nobody else.

Gives the same numbers as a full sweep. Source: docs/spec/margin.md, section 7.
"""

import numpy as np
from numpy.typing import NDArray

from ledger.margin.account import is_liquidated, price_assets
from ledger.margin.columns import CROSS, Accounts, Held, Risk, Wallets
from ledger.margin.contracts import mark_position
from ledger.margin.sweep import judge
from matching.jit import inlined, kernel


@inlined
def _remark(risk: Risk, instrument: int, held: Held, wallets: Wallets) -> int:
    """Bring every holder's position to the mark; how many isolated ones fell."""
    contracts = risk.contracts
    fallen = 0
    for row in range(held.qty_lots.shape[0]):
        pnl, required, _ = mark_position(
            contracts, risk.tiers, instrument, held.qty_lots[row], held.cost[row]
        )
        if held.margin_minor[row] == CROSS:
            wallet = held.wallet[row]
            wallets.pnl_minor[wallet] += pnl - held.pnl_minor[row]
            wallets.maintenance_minor[wallet] += required - held.maintenance_minor[row]
        else:
            down = is_liquidated(held.margin_minor[row] + pnl, required)
            held.liquidated[row] = down
            fallen += down
        held.pnl_minor[row] = pnl
        held.maintenance_minor[row] = required
    return fallen


@kernel
def move_mark(
    risk: Risk,
    instrument: int,
    held: Held,
    wallets: Wallets,
    accounts: Accounts,
    fallen: NDArray[np.uint32],
) -> tuple[int, int]:
    """Judge the holders of one instrument after its mark (or multiplier) changed.

    Args:
        risk: Parameters, the new mark in them.
        instrument: The row of `risk.contracts`.
        held: All its positions.
        wallets: As the last sweep or move left them.
        accounts: Likewise.
        fallen: Out, at least as long as `held`: accounts that this move brought down, each once,
            in the order of `held`.

    Returns:
        (accounts that fell, isolated positions at or below their maintenance).
    """
    price_assets(risk.assets, risk.prices)
    isolated = _remark(risk, instrument, held, wallets)
    count = 0
    for row in range(held.qty_lots.shape[0]):
        account = held.account[row]
        was_down = accounts.liquidated[account]
        if judge(risk, wallets, accounts, account) and not was_down:
            fallen[count] = account
            count += 1
    return count, isolated
