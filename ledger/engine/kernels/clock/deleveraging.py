"""Auto-deleveraging: winners close against a bankrupt position, at its bankruptcy price.

Source: docs/spec/margin.md, section 8.4. Only positions that are in profit at that price take part:
nobody is closed at a loss of his own.
"""

from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.margin.account_margin import assess
from ledger.engine.kernels.margin.isolation import (
    flags_of,
    judge_position,
    lots_and_margin,
    rebalance_both,
)
from ledger.engine.kernels.margin.positions import exchange
from ledger.engine.kernels.orders.trimming import trim_both
from ledger.engine.margin_layout import INSURANCE
from ledger.engine.state import Results, State
from ledger.margin.adl import queue, score
from ledger.margin.contracts import notional_minor, pnl_minor
from ledger.margin.limits import INVERSE
from ledger.margin.rounding import muldiv_ceil, muldiv_floor
from ledger.records.codes import EventKind, Side
from matching.jit import i64, inner

_DELEVERAGED = int(EventKind.DELEVERAGED)
_BUY = int(Side.BUY)
_SELL = int(Side.SELL)


@inner
def in_asset_minor(state: State, asset: int, value_minor: int) -> int:
    """A sum of the valuation in units of an asset that has a price; rounded down."""
    risk = state.margin.collateral
    price = risk["index_ticks"][asset] * risk["num"][asset]
    return muldiv_floor(value_minor, risk["den"][asset], price)


@inner
def rank(state: State, row: int) -> int:
    """The place of a position in the queue: profit ratio by effective leverage."""
    rows, contracts = state.margin.positions, state.margin.contracts
    instrument = i64(rows["instrument"][row])
    qty, cost, mark = rows["qty_lots"][row], rows["cost"][row], contracts["mark_ticks"][instrument]
    entry = abs(cost)
    if contracts["kind"][instrument] != INVERSE:
        entry = muldiv_ceil(entry, contracts["num"][instrument], contracts["den"][instrument])
    if rows["isolated"][row]:
        equity, _ = judge_position(state, row)
    else:
        whole, _, _ = assess(state, i64(rows["account"][row]))
        equity = in_asset_minor(state, i64(contracts["settle"][instrument]), whole)
    return score(
        pnl_minor(contracts, instrument, qty, cost, mark),
        entry,
        notional_minor(contracts, instrument, qty, mark),
        equity,
    )


@inner
def report_exchange(
    state: State, results: Results, kind: int, places: tuple[int, int], terms: tuple[int, int, int]
) -> None:
    """An event about lots that passed between two positions outside the book.

    Args:
        state: Read.
        results: Its events are mutated.
        kind: The event's kind.
        places: The two position rows; the first is the bankrupt one.
        terms: (signed lots that the first booked, price_ticks, what the first was paid).
    """
    rows, events = state.margin.positions, results.events
    row, counter_row = places
    lots, price_ticks, paid = terms
    instrument = i64(rows["instrument"][row])
    event = begin_event(results, kind)
    events["side"][event] = _BUY if lots > 0 else _SELL
    events["flags"][event] = flags_of(state, row) | flags_of(state, counter_row) << 1
    events["instrument"][event] = instrument
    events["asset"][event] = state.margin.contracts["settle"][instrument]
    events["account"][event] = rows["account"][row]
    events["counter_account"][event] = rows["account"][counter_row]
    events["price_ticks"][event] = price_ticks
    events["qty_lots"][event] = abs(lots)
    events["quote_minor"][event] = paid


@inner
def pass_lots(
    state: State, results: Results, kind: int, places: tuple[int, int], terms: tuple[int, int]
) -> None:
    """Let the first position book signed lots against the second one, and say so."""
    lots, price_ticks = terms
    row, counter_row = places
    before, counter_before = lots_and_margin(state, row), lots_and_margin(state, counter_row)
    paid, counter_paid = exchange(state, row, counter_row, lots, price_ticks)
    report_exchange(state, results, kind, places, (lots, price_ticks, paid))
    results.events["amount_minor"][results.frame["event_count"][0] - 1] = counter_paid
    fills = ((i64(lots), i64(0), i64(1)), (i64(-lots), i64(0), i64(0)))
    rebalance_both(state, results, places, (before, counter_before), fills)
    trim_both(state, results, row, counter_row)


@inner
def deleverage(state: State, results: Results, row: int, price_ticks: int) -> None:
    """Close a bankrupt position against the queue, as far as the queue goes."""
    margin, rows = state.margin, state.margin.positions
    contracts = margin.contracts
    instrument, account = i64(rows["instrument"][row]), rows["account"][row]
    is_long = rows["qty_lots"][row] > 0
    count = 0
    for other in range(state.header["position_count"][0]):
        qty = rows["qty_lots"][other]
        if i64(rows["instrument"][other]) != instrument or qty == 0 or (qty > 0) == is_long:
            continue
        if rows["account"][other] == account or i64(rows["account"][other]) == INSURANCE:
            continue
        if pnl_minor(contracts, instrument, qty, rows["cost"][other], price_ticks) < 0:
            continue
        margin.scores[other] = rank(state, other)
        margin.queue[count] = other
        count += 1
    queue(margin.scores, margin.queue[:count])
    for place in range(count):
        left = rows["qty_lots"][row]
        if left == 0:
            return
        other = margin.queue[place]
        lots = min(abs(left), abs(rows["qty_lots"][other]))
        terms = (-lots if is_long else lots, price_ticks)
        pass_lots(state, results, _DELEVERAGED, (row, other), terms)
