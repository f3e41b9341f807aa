"""Reads of positions, for between two batches: what there is, and what it risks."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ledger.engine.kernels.queries import judge_row, light_positions, predict_rate
from ledger.engine.state import State
from ledger.engine.views import EnginePerpetual, EnginePosition, PositionRisk
from ledger.records.codes import MarginMode
from matching.layout import NIL
from matching.pins import pin


def _rows_of(state: State, account: int) -> Iterator[int]:
    """The rows of an account's positions, the newest first."""
    if 0 <= account < int(state.header["account_count"][0]):
        row = int(state.margin.accounts["first"][account]) - 1
        while row != NIL:
            yield row
            row = int(state.margin.positions["next"][row]) - 1


def _row_of(state: State, account: int, instrument: int, leg: int) -> int:
    rows = state.margin.positions
    for row in _rows_of(state, account):
        if (int(rows["instrument"][row]), int(rows["leg"][row])) == (instrument, leg):
            return row
    return NIL


def _view(state: State, row: int) -> EnginePosition:
    found = state.margin.positions[row]
    return EnginePosition(
        account=int(found["account"]),
        instrument=int(found["instrument"]),
        qty_lots=int(found["qty_lots"]),
        cost=int(found["cost"]),
        leverage=int(found["leverage"]),
        leg=int(found["leg"]),
        mode=MarginMode(int(found["isolated"])),
        margin_minor=int(found["margin_minor"]),
        closing_lots=int(found["closing_lots"]),
    )


def position(state: State, account: int, instrument: int, leg: int) -> EnginePosition | None:
    """An account's position in a perpetual; None when it never had one."""
    row = _row_of(state, account, instrument, leg)
    return None if row == NIL else _view(state, row)


def positions(state: State, account: int) -> list[EnginePosition]:
    """All positions that an account ever had, flat ones included, the first wanted first."""
    return [_view(state, row) for row in _rows_of(state, account)][::-1]


def _is_priced(state: State, instrument: int) -> bool:
    """Whether risk can be told: brackets, a mark, and a price of the settlement asset."""
    contract = state.margin.contracts[instrument]
    priced = int(state.margin.collateral["index_ticks"][int(contract["settle"])]) > 0
    return bool(contract["mark_ticks"] > 0 and contract["tier_count"] > 0 and priced)


def lights(state: State, instrument: int) -> NDArray[np.uint8]:
    """The deleveraging light of every position row; zero where there is none."""
    light = np.zeros(len(state.margin.positions), np.uint8)
    if _is_priced(state, instrument):
        light_positions(pin(state), instrument, light)
    return light


def position_risk(state: State, account: int, instrument: int, leg: int) -> PositionRisk | None:
    """What an open position risks; None without one, or while it has no mark."""
    row = _row_of(state, account, instrument, leg)
    if (
        row == NIL
        or not state.margin.positions["qty_lots"][row]
        or not _is_priced(state, instrument)
    ):
        return None
    profit, maintenance, liquidation, bankruptcy = judge_row(pin(state), row)
    return PositionRisk(
        profit_minor=int(profit),
        maintenance_minor=int(maintenance),
        liquidation_ticks=int(liquidation),
        bankruptcy_ticks=int(bankruptcy),
        adl_light=int(lights(state, instrument)[row]),
    )


def adl_lights(state: State, instrument: int) -> list[tuple[int, int, int]]:
    """(account, leg, light) of every open position of a perpetual, in one pass."""
    if not 0 <= instrument < int(state.header["instrument_count"][0]):
        return []
    rows, light = state.margin.positions, lights(state, instrument)
    count = int(state.header["position_count"][0])
    return [
        (int(rows["account"][row]), int(rows["leg"][row]), int(light[row]))
        for row in range(count)
        if int(rows["instrument"][row]) == instrument and rows["qty_lots"][row]
    ]


def predicted_funding_ppb(state: State, instrument: int) -> int:
    """The funding rate if the interval ended now; 0 for what has no funding."""
    if not 0 <= instrument < int(state.header["instrument_count"][0]):
        return 0
    if not state.margin.perpetuals["interval_s"][instrument]:
        return 0
    return int(predict_rate(pin(state), instrument))


def perpetual(state: State, instrument: int) -> EnginePerpetual | None:
    """A perpetual's prices, funding and health; None for what SET_PERPETUAL never named."""
    if not 0 <= instrument < int(state.header["instrument_count"][0]):
        return None
    row, contract = state.margin.perpetuals[instrument], state.margin.contracts[instrument]
    if not row["interval_s"]:
        return None
    oracle = state.margin.oracles[int(row["oracle"])]
    return EnginePerpetual(
        oracle=int(row["oracle"]),
        index_ticks=int(oracle["index_ticks"]),
        sources_used=int(oracle["used"]),
        sources_minimum=int(oracle["minimum"]),
        mark_ticks=int(contract["mark_ticks"]),
        multiplier_ppm=int(contract["multiplier_ppm"]),
        predicted_ppb=predicted_funding_ppb(state, instrument),
        next_funding_ns=int(row["next_funding_ns"]),
        funding_count=int(row["funding_count"]),
        leverage_max=int(row["leverage_max"]),
        position_max_lots=int(row["position_max_lots"]),
    )


def is_hedged(state: State, account: int) -> bool:
    """Whether an account is in hedge mode."""
    known = 0 <= account < int(state.header["account_count"][0])
    return known and bool(state.margin.accounts["hedged"][account])
