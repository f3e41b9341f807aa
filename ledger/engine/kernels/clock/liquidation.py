"""Liquidation at a TICK: who fell, their orders, and their positions step by step into the book."""

from ledger.engine.kernels.base.commands import must_wait
from ledger.engine.kernels.base.reach import is_within_reach
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.base.sessions import is_trading, note_prices
from ledger.engine.kernels.base.tick_room import (
    EVENTS_OF_JUDGEMENT,
    events_of_end,
    events_of_step,
    events_of_sweep,
)
from ledger.engine.kernels.clock.deleveraging import in_asset_minor
from ledger.engine.kernels.clock.insurance import settle_debts, share_ticks, take_over
from ledger.engine.kernels.clock.loan_service import call_margin, is_over, settle_loans
from ledger.engine.kernels.clock.netting import count_offsets, net_legs
from ledger.engine.kernels.margin.account_margin import assess
from ledger.engine.kernels.margin.judgement import fetch_ahead, judge_plain
from ledger.engine.kernels.margin.loans import is_margined
from ledger.engine.kernels.orders.entering import prepare
from ledger.engine.kernels.orders.sweeps import sweep_account
from ledger.engine.kernels.orders.trading import match
from ledger.engine.kernels.orders.triggers import fire_traded
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.margin_layout import LIQUIDATIONS_MAX, STEPS_MAX
from ledger.engine.state import Results, State
from ledger.margin.account import add_saturating, is_liquidated, requirement_value_minor
from ledger.margin.contracts import maintenance_minor, notional_minor
from ledger.margin.limits import EXPOSURE_MINOR_MAX
from ledger.margin.rounding import clamp, muldiv_floor
from ledger.margin.tiers import find
from ledger.records.codes import EventKind, ExpireReason, SelfTrade, Side, TimeInForce
from matching.jit import i64, inner
from matching.layout import NIL

_ACCOUNT_FELL = int(EventKind.ACCOUNT_FELL)
_LIQUIDATION = int(ExpireReason.LIQUIDATION)
_IOC = int(TimeInForce.IOC)
_EXPIRE_MAKER = int(SelfTrade.EXPIRE_MAKER)
_BUY = int(Side.BUY)
_SELL = int(Side.SELL)


@inner
def is_down(equity_minor: int, maintenance_minor_: int) -> bool:
    """At or below maintenance; or owing more than it has, with nothing open."""
    return equity_minor < 0 or is_liquidated(equity_minor, maintenance_minor_)


@inner
def is_cross(state: State, row: int) -> bool:
    """Whether a position is open, and its account stands behind it."""
    rows = state.margin.positions
    return bool(rows["qty_lots"][row] != 0 and rows["isolated"][row] == 0)


@inner
def has_positions(state: State, account: int) -> bool:
    """Whether an account has an open cross position."""
    rows = state.margin.positions
    row = i64(state.margin.accounts["first"][account]) - 1
    while row != NIL:
        if is_cross(state, row):
            return True
        row = i64(rows["next"][row]) - 1
    return False


@inner
def mark_fallen(state: State, results: Results, account: int, judged: tuple[int, int]) -> None:
    """An account is down: `judged` is its equity and its maintenance."""
    accounts, events, frame = state.margin.accounts, results.events, results.frame
    frame["fallen"][0] += 1
    if not has_positions(state, account) or largest_position(state, account) != NIL:
        frame["busy"][0] += 1
    if accounts["fallen"][account] == 0:
        event = begin_event(results, _ACCOUNT_FELL)
        events["account"][event] = account
        events["quote_minor"][event] = judged[0]
        events["amount_minor"][event] = judged[1]
    accounts["fallen"][account] = 1


@inner
def find_fallen(state: State, results: Results) -> bool:
    """Mark the accounts that are down, lowest number first; the frame counts them.

    Those that wait for a market to reopen take nobody's place among LIQUIDATIONS_MAX. Returns
    whether all is done; each account is a part.
    """
    accounts = state.margin.accounts
    if state.header["position_count"][0] + state.header["borrower_count"][0] == 0:
        return True
    first = max(results.frame["part"][0], CUSTOMER_FIRST)
    for account in range(first, state.header["account_count"][0]):
        if is_within_reach(state, account):
            continue
        if i64(accounts["first"][account]) == 0 and not is_margined(state, account):
            continue
        if must_wait(results, account, EVENTS_OF_JUDGEMENT):
            return False
        fetch_ahead(state, account)
        if is_margined(state, account):
            equity, maintenance, _ = assess(state, account)
            call_margin(state, results, account, equity)
        else:
            equity, maintenance = judge_plain(state, account)
        if not is_down(equity, maintenance) and not is_over(state, account, equity):
            accounts["fallen"][account] = 0
        elif results.frame["busy"][0] != LIQUIDATIONS_MAX:
            mark_fallen(state, results, account, (equity, maintenance))
    return True


@inner
def cancel_fallen(state: State, results: Results) -> bool:
    """Take every order of every fallen account out of the books, the oldest first.

    Returns whether all is done; each account is a part.
    """
    if results.frame["fallen"][0] == 0:
        return True
    first = max(results.frame["part"][0], CUSTOMER_FIRST)
    for account in range(first, state.header["account_count"][0]):
        if state.margin.accounts["fallen"][account]:
            if must_wait(results, account, events_of_sweep(state, account)):
                return False
            sweep_account(state, results, account, (i64(0), i64(0)), _LIQUIDATION)
    return True


@inner
def maintenance_value_minor(state: State, row: int) -> int:
    """A position's maintenance margin, in valuation units."""
    margin, rows = state.margin, state.margin.positions
    instrument, qty = i64(rows["instrument"][row]), rows["qty_lots"][row]
    contracts = margin.contracts
    mark = contracts["mark_ticks"][instrument]
    required = maintenance_minor(contracts, margin.tiers, instrument, qty, mark)
    settle = i64(contracts["settle"][instrument])
    return requirement_value_minor(margin.collateral, settle, required)


@inner
def largest_position(state: State, account: int) -> int:
    """The open cross position that requires most, or NIL; of equals the one opened last.

    A position in what does not trade waits.
    """
    rows = state.margin.positions
    found, most = NIL, i64(-1)
    row = i64(state.margin.accounts["first"][account]) - 1
    while row != NIL:
        if is_cross(state, row) and is_trading(state, i64(rows["instrument"][row])):
            required = maintenance_value_minor(state, row)
            if required > most:
                found, most = row, required
        row = i64(rows["next"][row]) - 1
    return found


@inner
def step_lots(state: State, row: int) -> int:
    """How much one step closes: down to the bracket below, or everything in the lowest one."""
    margin, rows = state.margin, state.margin.positions
    contracts = margin.contracts
    instrument, lots = i64(rows["instrument"][row]), abs(rows["qty_lots"][row])
    mark = contracts["mark_ticks"][instrument]
    notional = notional_minor(contracts, instrument, lots, mark)
    first = i64(contracts["tier_first"][instrument])
    count = i64(contracts["tier_count"][instrument])
    floors = margin.tiers["floor_minor"]
    bracket = find(floors, first, count, notional)
    if bracket == first:
        return i64(lots)
    return i64(lots) - muldiv_floor(lots, floors[bracket], notional)


@inner
def required_by_positions(state: State, account: int) -> int:
    """Maintenance margin of open cross positions, in valuation units: what shares are parts of."""
    rows = state.margin.positions
    total = i64(0)
    row = i64(state.margin.accounts["first"][account]) - 1
    while row != NIL:
        if is_cross(state, row):
            total = add_saturating(total, maintenance_value_minor(state, row))
        row = i64(rows["next"][row]) - 1
    return total


@inner
def bound_ticks(state: State, row: int, equity_minor: int) -> int:
    """The price at which closing the position uses up its share of the account's equity."""
    rows, contracts = state.margin.positions, state.margin.contracts
    settle = i64(contracts["settle"][i64(rows["instrument"][row])])
    part = maintenance_value_minor(state, row)
    total = required_by_positions(state, i64(rows["account"][row]))
    equity = in_asset_minor(state, settle, equity_minor)
    share = muldiv_floor(equity, part, max(total, 1))
    return share_ticks(state, row, clamp(share, -EXPOSURE_MINOR_MAX, EXPOSURE_MINOR_MAX))


@inner
def send(state: State, results: Results, row: int, lots: int, price_ticks: int) -> int:
    """Close lots of a position in the book, at this price or better; what is left of them."""
    taker, rows = results.taker, state.margin.positions
    instrument = i64(rows["instrument"][row])
    side = _SELL if rows["qty_lots"][row] > 0 else _BUY
    taker["order_id"][0] = 0
    taker["account"][0] = rows["account"][row]
    taker["instrument"][0] = instrument
    taker["side"][0] = side
    taker["is_limit"][0] = 1
    taker["time_in_force"][0] = _IOC
    taker["self_trade"][0] = _EXPIRE_MAKER
    taker["flags"][0] = 0
    taker["price_ticks"][0] = price_ticks
    taker["qty_lots"][0] = lots
    taker["quote_minor"][0] = 0
    taker["display_lots"][0] = 0
    taker["expire_s"][0] = 0
    prepare(state, results)
    taker["leg"][0] = rows["leg"][row]
    taker["position"][0] = row
    match(state, results)
    left_lots = i64(taker["remaining_lots"][0])
    if taker["last_ticks"][0] != 0:
        note_prices(state, results)
        fire_traded(state, results)
    return left_lots


@inner
def liquidate(state: State, results: Results, account: int) -> bool:
    """Net an account's legs, then close its positions, the most demanding first, until it stands.

    Returns whether it is done; each step is a part of its own.
    """
    frame = results.frame
    while frame["step"][0] < STEPS_MAX:
        equity, maintenance, _ = assess(state, account)
        if not is_down(equity, maintenance) and not is_over(state, account, equity):
            state.margin.accounts["fallen"][account] = 0
            break
        offsets = count_offsets(state, account)
        if offsets > 0:
            if must_wait(results, account, offsets):
                return False
            net_legs(state, results, account)
            continue
        row = largest_position(state, account)
        if row == NIL and has_positions(state, account):
            break
        wanted = events_of_end(state) if row == NIL else events_of_step(state, row)
        if must_wait(results, account, wanted):
            return False
        if row == NIL:
            settle_debts(state, results, account)
            settle_loans(state, results, account)
            state.margin.accounts["fallen"][account] = 0
            break
        price_ticks = bound_ticks(state, row, equity)
        if send(state, results, row, step_lots(state, row), price_ticks) > 0:
            take_over(state, results, row, price_ticks)
        frame["step"][0] += 1
    frame["step"][0] = 0
    return True


@inner
def liquidate_fallen(state: State, results: Results) -> bool:
    """Close what the fallen accounts have, lowest number first. Returns whether all is done."""
    if results.frame["fallen"][0] == 0:
        return True
    first = max(results.frame["part"][0], CUSTOMER_FIRST)
    for account in range(first, state.header["account_count"][0]):
        if state.margin.accounts["fallen"][account] == 0:
            continue
        if not liquidate(state, results, account):
            return False
    return True
