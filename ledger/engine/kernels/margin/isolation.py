"""Isolated positions: the margin that a position owns, and how fills change it.

It stands in the held balance of its account, counted in `margin_minor` of the row. Nothing that the
position loses touches the rest of the account; what it cannot pay the fund does without.
Source: docs/spec/margin.md, section 6.1; docs/spec/perpetuals.md, section 7.
"""

from ledger.engine.kernels.base.money import credit, hold, release
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.margin_layout import INSURANCE, SHORT
from ledger.engine.state import Results, State
from ledger.margin.contracts import mark_position
from ledger.margin.rounding import muldiv_floor
from ledger.records.codes import EventKind, PositionFlag
from matching.jit import i64, inner

_MARGIN_MOVED = int(EventKind.MARGIN_MOVED)
_SHORT_LEG = int(PositionFlag.SHORT_LEG)
_ISOLATED = int(PositionFlag.ISOLATED)


@inner
def flags_of(state: State, row: int) -> int:
    """What events say of a position: `PositionFlag`."""
    rows = state.margin.positions
    flags = i64(0)
    if rows["leg"][row] == SHORT:
        flags |= _SHORT_LEG
    if rows["isolated"][row]:
        flags |= _ISOLATED
    return flags


@inner
def lots_and_margin(state: State, row: int) -> tuple[int, int]:
    """(signed lots, margin) of a position."""
    rows = state.margin.positions
    return rows["qty_lots"][row], rows["margin_minor"][row]


@inner
def judge_position(state: State, row: int) -> tuple[int, int]:
    """(equity, maintenance) of an open isolated position at the mark, in its settlement asset."""
    rows, margin = state.margin.positions, state.margin
    instrument = i64(rows["instrument"][row])
    lots, cost = rows["qty_lots"][row], rows["cost"][row]
    pnl, maintenance, _ = mark_position(margin.contracts, margin.tiers, instrument, lots, cost)
    return i64(rows["margin_minor"][row] + pnl), maintenance


@inner
def report_margin(
    state: State, results: Results, row: int, released_minor: int, order_id: int
) -> int:
    """Say what an account got of its isolated position, and what the position has now."""
    rows, events = state.margin.positions, results.events
    instrument = i64(rows["instrument"][row])
    event = begin_event(results, _MARGIN_MOVED)
    events["flags"][event] = flags_of(state, row)
    events["instrument"][event] = instrument
    events["asset"][event] = state.margin.contracts["settle"][instrument]
    events["account"][event] = rows["account"][row]
    events["order_id"][event] = order_id
    events["qty_lots"][event] = rows["qty_lots"][row]
    events["quote_minor"][event] = released_minor
    events["amount_minor"][event] = rows["margin_minor"][row]
    return event


@inner
def rebalance(
    state: State, results: Results, row: int, before: tuple[int, int], fill: tuple[int, int, int]
) -> None:
    """After a fill: what closed leaves with its share of the margin, what opened brings its own.

    In liquidation nothing leaves before the position is closed.

    Args:
        state: Mutated.
        results: An event is added.
        row: An isolated position; its realized profit and its fee are in its margin already.
        before: Its `lots_and_margin` before the fill.
        fill: (signed lots; the order's money for them, held already; 1 in liquidation).
    """
    rows = state.margin.positions
    had_lots, had_minor = before
    lots, part_minor, liquidates = fill
    size, filled = abs(had_lots), abs(lots)
    closed = min(size, filled) if (had_lots > 0) != (lots > 0) else i64(0)
    share = muldiv_floor(had_minor, closed, size) if closed > 0 else i64(0)
    opening = muldiv_floor(part_minor, filled - closed, filled)
    earned = rows["margin_minor"][row] - had_minor
    left = had_minor - share
    payoff = part_minor - opening + share + earned
    if payoff < 0:
        left += payoff
        payoff = i64(0)
    left += opening
    if liquidates and rows["qty_lots"][row] != 0:
        left += payoff
        payoff = i64(0)
    account = i64(rows["account"][row])
    settle = i64(state.margin.contracts["settle"][i64(rows["instrument"][row])])
    short = i64(0)
    if left < 0:
        short = -left
        credit(state, settle, INSURANCE, -short)
        release(state, settle, account, -short)
        left = i64(0)
    rows["margin_minor"][row] = left
    hold(state, settle, account, -payoff)
    event = report_margin(state, results, row, payoff, i64(0))
    results.events["fee_minor"][event] = short


@inner
def rebalance_both(
    state: State,
    results: Results,
    rows: tuple[int, int],
    before: tuple[tuple[int, int], tuple[int, int]],
    fills: tuple[tuple[int, int, int], tuple[int, int, int]],
) -> None:
    """After lots have passed between two positions: `rebalance` of each that is isolated."""
    isolated = state.margin.positions["isolated"]
    if isolated[rows[0]]:
        rebalance(state, results, rows[0], before[0], fills[0])
    if isolated[rows[1]]:
        rebalance(state, results, rows[1], before[1], fills[1])
