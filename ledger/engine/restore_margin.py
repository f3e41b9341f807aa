"""Margin tables back into arrays; what a kernel uses as an index or a divisor is checked first."""

import numpy as np

from ledger.engine import layout
from ledger.engine.limits import COLLATERALS_MAX, ORACLES_MAX
from ledger.engine.margin_layout import BRACKETS_MAX, INSURANCE, LEVERAGE_MAX, NO_ORACLE, Margin
from ledger.engine.restore_closers import check_closers, check_legs
from ledger.engine.root import TableId
from ledger.engine.soundness import Tables, is_within, require
from ledger.engine.tables import MIN_ROWS, copied
from ledger.margin.limits import (
    COST_MAX,
    DEN_MAX,
    EXPOSURE_MINOR_MAX,
    INTERVAL_S_MAX,
    INVERSE_NUM_MAX,
    MULTIPLIER_PPM_MAX,
    NUM_MAX,
    SOURCES_MAX,
)
from ledger.records.codes import Product
from matching.units import PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX


def check_margin(tables: Tables) -> None:
    """Everything about margin that kernels believe.

    Raises:
        SnapshotCorrupt: The tables contradict each other, or leave the proven bounds.
    """
    header = tables[TableId.HEADER][0]
    instruments, oracles = len(tables[TableId.INSTRUMENTS]), int(header["oracle_count"])
    counts = {
        TableId.CONTRACTS: instruments,
        TableId.PERPETUALS: instruments,
        TableId.TIERS: instruments * BRACKETS_MAX,
        TableId.POSITIONS: int(header["position_count"]),
        TableId.MARGINS: len(tables[TableId.ACCOUNTS]),
        TableId.COLLATERAL: len(tables[TableId.ASSETS]),
        TableId.ORACLES: oracles,
        TableId.SOURCES: oracles * SOURCES_MAX,
        TableId.CLOSER_LINKS: len(tables[TableId.RESTING]),
    }
    for table, count in counts.items():
        require(holds=len(tables[table]) == count, reason=f"{table.name.lower()} of other rows")
    require(holds=oracles <= ORACLES_MAX, reason="more oracles than the limit")
    most = int(header["positions_max"])
    require(holds=counts[TableId.POSITIONS] <= most, reason="more positions than the limit")
    _check_contracts(tables)
    _check_rules(tables)
    _check_collateral(tables)
    _check_positions(tables)
    check_closers(tables)


def _check_contracts(tables: Tables) -> None:
    rows, listed = tables[TableId.CONTRACTS], tables[TableId.INSTRUMENTS]
    number = np.arange(len(rows))
    inverse = listed["product"] == Product.INVERSE
    perpetual = listed["product"] != Product.SPOT
    contracts = rows[perpetual]
    require(
        holds=is_within(contracts["mark_ticks"], 0, PRICE_TICKS_MAX + 1)
        and is_within(contracts["multiplier_ppm"], PPM, MULTIPLIER_PPM_MAX + 1)
        and is_within(contracts["tier_count"], 0, BRACKETS_MAX + 1)
        and is_within(contracts["settle"], 0, min(len(tables[TableId.ASSETS]), COLLATERALS_MAX))
        and is_within(contracts["den"], 1, DEN_MAX + 1)
        and is_within(rows[inverse]["num"], 1, INVERSE_NUM_MAX + 1)
        and is_within(rows[perpetual & ~inverse]["num"], 1, NUM_MAX + 1),
        reason="a contract's numbers",
    )
    settle = np.where(inverse, listed["base"], listed["quote"])
    agree = (
        (rows["num"] == listed["notional_num"])
        & (rows["den"] == listed["notional_den"])
        & (rows["max_ticks"] == listed["max_price_ticks"])
        & (rows["mark_ticks"] <= rows["max_ticks"])
        & (rows["kind"] == inverse)
        & (rows["settle"] == settle)
        & (rows["tier_first"] == number * BRACKETS_MAX)
    )
    require(holds=bool(agree[perpetual].all()), reason="a contract differs from its listing")


def _check_rules(tables: Tables) -> None:
    rows, tiers = tables[TableId.PERPETUALS], tables[TableId.TIERS]
    oracles = tables[TableId.ORACLES]
    ruled = rows[rows["interval_s"] != 0]
    require(
        holds=is_within(ruled["oracle"], 0, len(oracles))
        and is_within(ruled["interval_s"], 1, INTERVAL_S_MAX + 1)
        and is_within(ruled["leverage_max"], 1, LEVERAGE_MAX + 1)
        and is_within(ruled["calm_ppb"], 1, 2**31)
        and is_within(ruled["cap_ppm"], PPM, MULTIPLIER_PPM_MAX + 1)
        and is_within(ruled["position_max_lots"], 0, QTY_LOTS_MAX + 1)
        and is_within(rows["carry"], 0, DEN_MAX),
        reason="a perpetual's rule",
    )
    require(
        holds=is_within(oracles["sources"], 1, SOURCES_MAX + 1)
        and is_within(oracles["index_ticks"], 0, PRICE_TICKS_MAX + 1)
        and is_within(tiers["maintenance_ppm"], 0, PPM + 1)
        and is_within(tiers["initial_ppm"], 0, PPM + 1)
        and is_within(tiers["floor_minor"], 0, EXPOSURE_MINOR_MAX + 1),
        reason="an oracle's sources, or a bracket",
    )


def _check_collateral(tables: Tables) -> None:
    rows, header = tables[TableId.COLLATERAL], tables[TableId.HEADER][0]
    end = int(header["collateral_end"])
    require(holds=0 <= end <= min(len(rows), COLLATERALS_MAX), reason="collateral beyond assets")
    priced = rows[rows["index_ticks"] != 0]
    require(
        holds=is_within(priced["index_ticks"], 1, PRICE_TICKS_MAX + 1)
        and is_within(priced["num"], 1, NUM_MAX + 1)
        and is_within(priced["den"], 1, DEN_MAX + 1)
        and is_within(priced["haircut_ppm"], 0, PPM + 1)
        and is_within(priced["debt_ppm"], 0, PPM + 1)
        and is_within(rows["extreme"], 0, EXPOSURE_MINOR_MAX + 1),
        reason="a collateral's numbers",
    )
    named = rows[(rows["num"] != 0) & (rows["oracle"] != NO_ORACLE)]
    known = is_within(named["oracle"], 0, len(tables[TableId.ORACLES]))
    require(holds=known, reason="a collateral's oracle")


def _check_positions(tables: Tables) -> None:
    rows, accounts = tables[TableId.POSITIONS], tables[TableId.MARGINS]
    products = tables[TableId.INSTRUMENTS]["product"]
    sound = (
        is_within(rows["account"], 0, len(accounts))
        and is_within(rows["instrument"], 0, len(products))
        and is_within(rows["leverage"], 1, LEVERAGE_MAX + 1)
        and is_within(rows["extreme"], 0, EXPOSURE_MINOR_MAX + 1)
        and is_within(rows["buy_lots"], 0, COST_MAX + 1)
        and is_within(rows["sell_lots"], 0, COST_MAX + 1)
        and is_within(accounts["first"], 0, len(rows) + 1)
    )
    require(holds=sound, reason="a position's account, instrument or lots")
    perpetual = products[rows["instrument"]] != Product.SPOT
    require(holds=bool(perpetual.all()), reason="a position in a spot instrument")
    owners = rows["account"]
    customers = (owners >= layout.CUSTOMER_FIRST) | (owners == INSURANCE)
    require(holds=bool(customers.all()), reason="a position of a system account")
    # Each account's list: every row is linked once, to an older row of the same account.
    expected = np.zeros(len(rows), np.int64)
    last = np.zeros(len(accounts), np.int64)
    for row, owner in enumerate(owners.tolist()):
        expected[row] = last[owner]
        last[owner] = row + 1
    linked = bool((rows["next"] == expected).all()) and bool((accounts["first"] == last).all())
    counted = np.bincount(owners, minlength=len(accounts))
    counted_right = bool((accounts["count"] == counted[: len(accounts)]).all())
    require(holds=linked and counted_right, reason="an account's list of positions")
    places = np.stack([owners, rows["instrument"], rows["leg"]], axis=1)
    require(
        holds=len(np.unique(places, axis=0)) == len(rows), reason="two positions in one contract"
    )
    check_legs(tables)


def restored_margin(tables: Tables, orders: int) -> Margin:
    """The margin tables with room, and fresh scratch space; tables that `check_margin` let pass.

    `orders` is how many order slots the book has.
    """
    instruments = max(len(tables[TableId.INSTRUMENTS]), MIN_ROWS)
    positions = copied(tables[TableId.POSITIONS], MIN_ROWS)
    oracles = max(len(tables[TableId.ORACLES]), MIN_ROWS)
    return Margin(
        contracts=copied(tables[TableId.CONTRACTS], instruments),
        perpetuals=copied(tables[TableId.PERPETUALS], instruments),
        tiers=copied(tables[TableId.TIERS], instruments * BRACKETS_MAX),
        positions=positions,
        accounts=copied(tables[TableId.MARGINS], MIN_ROWS),
        collateral=copied(tables[TableId.COLLATERAL], MIN_ROWS),
        oracles=copied(tables[TableId.ORACLES], oracles),
        sources=copied(tables[TableId.SOURCES], oracles * SOURCES_MAX),
        closer_links=copied(tables[TableId.CLOSER_LINKS], orders),
        scores=np.zeros(len(positions), np.int64),
        queue=np.zeros(len(positions), np.int64),
        sorted_ticks=np.zeros(SOURCES_MAX, np.int64),
    )
