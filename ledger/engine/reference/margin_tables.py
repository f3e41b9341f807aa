"""The reference engine's margin state as canonical tables."""

from typing import Any

from numpy.typing import NDArray

from ledger.engine import margin_layout
from ledger.engine.layout import LINK
from ledger.engine.margin_layout import BRACKETS_MAX
from ledger.engine.reference.contracts import Contract
from ledger.engine.reference.rows import table_of
from ledger.engine.reference.state import State
from ledger.engine.root import TableId
from ledger.margin.contracts import CONTRACT
from ledger.margin.limits import SOURCES_MAX
from ledger.margin.tiers import TIER

Row = dict[str, int]


def margin_tables(state: State) -> dict[TableId, NDArray[Any]]:
    """Every margin table, built afresh."""
    contracts = [instrument.contract for instrument in state.instruments]
    numbered = list(enumerate(contracts))
    tiers = [row for contract in contracts for row in _tiers(contract)]
    accounts = range(len(state.accounts))
    sources = [
        {"price_ticks": price, "time_ns": time_ns}
        for oracle in state.oracles
        for price, time_ns in (oracle.said.get(n, (0, 0)) for n in range(SOURCES_MAX))
    ]
    tables: dict[TableId, tuple[Any, list[Row]]] = {
        TableId.CONTRACTS: (CONTRACT, [_contract(n, contract) for n, contract in numbered]),
        TableId.PERPETUALS: (margin_layout.PERPETUAL_ROW, [_perpetual(c) for c in contracts]),
        TableId.TIERS: (TIER, tiers),
        TableId.POSITIONS: (margin_layout.POSITION_ROW, _positions(state)),
        TableId.MARGINS: (margin_layout.MARGIN_ROW, [_account(state, n) for n in accounts]),
        TableId.COLLATERAL: (
            margin_layout.COLLATERAL_ROW,
            [_collateral(state, asset) for asset in range(len(state.assets))],
        ),
        TableId.ORACLES: (margin_layout.ORACLE_ROW, _oracles(state)),
        TableId.SOURCES: (margin_layout.SOURCE_ROW, sources),
    }
    built = {table: table_of(dtype, rows) for table, (dtype, rows) in tables.items()}
    return built | {TableId.CLOSER_LINKS: _closer_links(state)}


def _closer_links(state: State) -> NDArray[Any]:
    table = table_of(LINK, [{} for _ in range(state.slots.high)])
    for position in state.positions:
        places = [0, *(order.slot + 1 for order in state.closers(position)), 0]
        for before, place, after in zip(places, places[1:], places[2:], strict=False):
            table[place - 1] = (after, before)
    return table


def _contract(number: int, contract: Contract | None) -> Row:
    if contract is None:
        return {}
    return {
        "num": contract.num,
        "den": contract.den,
        "mark_ticks": contract.mark,
        "max_ticks": contract.max_ticks,
        "multiplier_ppm": contract.multiplier_ppm,
        "kind": int(contract.inverse),
        "settle": contract.settle,
        "tier_first": number * BRACKETS_MAX,
        "tier_count": len(contract.brackets),
    }


def _perpetual(contract: Contract | None) -> Row:
    if contract is None:
        return {}
    row = {"carry": contract.carry}
    rule = contract.rule
    if rule is None:
        return row
    return row | {
        "alpha_ppm": rule.alpha_ppm,
        "interest_ppb": rule.interest_ppb,
        "damper_ppb": rule.damper_ppb,
        "cap_ppb": rule.cap_ppb,
        "impact_minor": rule.impact,
        "next_funding_ns": contract.next_funding_ns,
        "premium_sum": sum(n * premium for n, premium in enumerate(contract.premiums, start=1)),
        "premium_count": len(contract.premiums),
        "premium_ema": contract.ema,
        "funding_count": contract.fundings,
        "average_ppb": contract.average_ppb,
        "calm_ppb": rule.calm_ppb,
        "oracle": rule.oracle,
        "leverage_max": rule.leverage_max,
        "interval_s": rule.interval_s,
        "rise_ppm": rule.rise_ppm,
        "decay_ppm": rule.decay_ppm,
        "cap_ppm": rule.cap_ppm,
        "position_max_lots": rule.position_max_lots,
    }


def _tiers(contract: Contract | None) -> list[Row]:
    if contract is None:
        return [{}] * BRACKETS_MAX
    deductions = contract.deductions() if contract.brackets else []
    rows = [
        {
            "floor_minor": low,
            "maintenance_ppm": maintenance,
            "initial_ppm": initial,
            "deduction_minor": deduction,
        }
        for (low, maintenance, initial), deduction in zip(
            contract.brackets, deductions, strict=True
        )
    ]
    return rows + [{}] * (BRACKETS_MAX - len(rows))


def _positions(state: State) -> list[Row]:
    last: dict[int, int] = {}
    rows = []
    for row, p in enumerate(state.positions):
        contract = state.instruments[p.instrument].contract
        assert contract is not None, "a perpetual"
        slots = [order.slot for order in state.closers(p)] or [-1]
        rows.append(
            {
                "qty_lots": p.lots,
                "cost": p.cost,
                "buy_lots": p.buy_lots,
                "buy_cost": p.buy_cost,
                "sell_lots": p.sell_lots,
                "sell_cost": p.sell_cost,
                "extreme": contract.extreme(p.extreme_lots),
                "account": p.account,
                "instrument": p.instrument,
                "leverage": p.leverage,
                "next": last.get(p.account, 0),
                "closing_lots": p.closing,
                "isolated": int(p.isolated),
                "margin_minor": p.margin,
                "leg": p.leg,
                "head": slots[0] + 1,
                "tail": slots[-1] + 1,
                "count": len(state.closers(p)),
            }
        )
        last[p.account] = row + 1
    return rows


def _account(state: State, account: int) -> Row:
    rows = [row for row, p in enumerate(state.positions, start=1) if p.account == account]
    return {
        "first": max(rows, default=0),
        "count": len(rows),
        "fallen": int(account in state.fallen),
        "hedged": int(account in state.hedged),
    }


def _collateral(state: State, asset: int) -> Row:
    counted = [(state.instruments[p.instrument].contract, p.extreme_lots) for p in state.positions]
    row = {"extreme": sum(c.extreme(lots) for c, lots in counted if c and c.settle == asset)}
    terms = state.collateral.get(asset)
    if terms is None:
        return row
    return row | {
        "index_ticks": terms.price,
        "num": terms.num,
        "den": terms.den,
        "haircut_ppm": terms.haircut_ppm,
        "debt_ppm": terms.debt_ppm,
        "oracle": terms.oracle,
    }


def _oracles(state: State) -> list[Row]:
    return [
        {
            "index_ticks": oracle.index,
            "stale_ns": oracle.stale_ns,
            "outlier_ppm": oracle.outlier_ppm,
            "minimum": oracle.minimum,
            "sources": oracle.sources,
            "used": oracle.used,
        }
        for oracle in state.oracles
    ]
