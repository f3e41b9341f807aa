"""Lays model contracts and assets out as the tables that the kernels read."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.margin import account, tiers
from ledger.margin.contracts import CONTRACT
from ledger.margin.limits import INVERSE, LINEAR
from matching.units import PPM
from tests.margin.oracle import Asset, Contract


class Risk(NamedTuple):
    """Parameters of positions and wallets."""

    contracts: NDArray[Any]
    """CONTRACT, one row an instrument."""
    tiers: NDArray[Any]
    """TIER, each instrument's brackets in a row."""
    assets: NDArray[Any]
    """ASSET_RISK, one row an asset."""


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
    return Risk(rows, stacked, assets_of(assets))


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


def prices_of(assets: Sequence[Asset]) -> NDArray[Any]:
    """What judging divides and multiplies by."""
    rows = np.zeros(len(assets), account.PRICE)
    for row, asset in enumerate(assets):
        rows[row]["unit"] = asset.price.numerator
        rows[row]["den"] = asset.price.denominator
        rows[row]["reciprocal"] = 2**62 // asset.price.denominator
        rows[row]["left_ppm"] = PPM - asset.haircut_ppm
        rows[row]["debt_ppm"] = asset.debt_ppm
    return rows
