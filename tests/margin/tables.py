"""Lays model contracts, assets and customers out as the columns that the kernels read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger.margin import account, tiers
from ledger.margin.columns import CROSS, Accounts, Held, Positions, Risk, Wallets
from ledger.margin.contracts import CONTRACT
from ledger.margin.limits import INVERSE, LINEAR
from tests.margin.oracle import Asset, Contract, Customer


def risk_of(contracts: Sequence[Contract], assets: Sequence[Asset] = ()) -> Risk:
    rows = np.zeros(len(contracts), CONTRACT)
    laid = [tiers.build([tiers.Bracket(*row) for row in item.brackets]) for item in contracts]
    first = 0
    for row, contract in enumerate(contracts):
        rows[row]["num"] = contract.num
        rows[row]["den"] = contract.den
        rows[row]["mark_ticks"] = contract.mark
        rows[row]["max_ticks"] = contract.max_ticks
        rows[row]["multiplier_ppm"] = contract.multiplier_ppm
        rows[row]["kind"] = INVERSE if contract.inverse else LINEAR
        rows[row]["settle"] = contract.settle
        rows[row]["tier_first"] = first
        rows[row]["tier_count"] = len(laid[row])
        first += len(laid[row])
    stacked = np.concatenate(laid) if laid else np.zeros(0, tiers.TIER)
    scratch = np.full(len(assets) * len(account.PRICE.names), -1, np.int64).view(account.PRICE)
    return Risk(rows, stacked, assets_of(assets), scratch)


def assets_of(assets: Sequence[Asset]) -> NDArray[Any]:
    """Prices are laid out as one tick worth numerator / denominator."""
    rows = np.zeros(len(assets), account.ASSET_RISK)
    for row, asset in enumerate(assets):
        rows[row]["index_ticks"] = 1
        rows[row]["num"] = asset.price.numerator
        rows[row]["den"] = asset.price.denominator
        rows[row]["haircut_ppm"] = asset.haircut_ppm
        rows[row]["debt_ppm"] = asset.debt_ppm
    return rows


def columns_of(
    customers: Sequence[Customer], contracts: Sequence[Contract]
) -> tuple[Positions, Wallets, Accounts]:
    """Garbage stands in every column that a sweep writes."""
    assets, balances, wallet_first = [], [], [0]
    lots, costs, margins, instruments, wallets, position_first = [], [], [], [], [], [0]
    for customer in customers:
        row_of = {asset: len(assets) + place for place, asset in enumerate(customer.balances)}
        assets += list(customer.balances)
        balances += list(customer.balances.values())
        wallet_first.append(len(assets))
        for position in customer.positions:
            lots.append(position.lots)
            costs.append(position.cost)
            margins.append(CROSS if position.margin is None else position.margin)
            instruments.append(position.instrument)
            wallets.append(row_of[contracts[position.instrument].settle])
        position_first.append(len(lots))
    return (
        Positions(
            np.array(lots, np.int64),
            np.array(costs, np.int64),
            np.array(margins, np.int64),
            np.array(instruments, np.uint32),
            np.array(wallets, np.uint32),
            np.full(len(lots), 7, np.uint8),
        ),
        Wallets(
            np.array(assets, np.uint32),
            np.array(balances, np.int64),
            np.full(len(assets), -77, np.int64),
            np.full(len(assets), 777, np.int64),
        ),
        Accounts(
            np.array(position_first, np.uint64),
            np.array(wallet_first, np.uint64),
            np.full(len(customers), -7, np.int64),
            np.full(len(customers), -7, np.int64),
            np.full(len(customers), 7, np.uint8),
        ),
    )


def held_of(positions: Positions, accounts: Accounts, instrument: int) -> Held:
    """One instrument's positions, as grouped by instrument, before anything was marked."""
    rows = np.flatnonzero(positions.instrument == instrument)
    owner = np.searchsorted(accounts.position_first, rows, side="right") - 1
    return Held(
        positions.qty_lots[rows],
        positions.cost[rows],
        positions.margin_minor[rows],
        owner.astype(np.uint32),
        positions.wallet[rows],
        np.zeros(len(rows), np.int64),
        np.zeros(len(rows), np.int64),
        np.zeros(len(rows), np.uint8),
    )
