"""The insurance fund: takes positions over, pays debts for collateral, and shares its losses.

What it lacks its own positions give up first, to winners; only what these cannot take is shared.
"""

from ledger.engine.kernels.base.commands import must_wait
from ledger.engine.kernels.base.money import available, credit
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.base.tick_room import events_of_loss, events_of_step
from ledger.engine.kernels.clock.deleveraging import deleverage, pass_lots
from ledger.engine.kernels.margin.account_margin import sum_positions
from ledger.engine.kernels.margin.positions import cost_of, find_position
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.margin_layout import INSURANCE, NET
from ledger.engine.state import Results, State
from ledger.margin import inverse
from ledger.margin.account import requirement_value_minor, value_minor
from ledger.margin.contracts import notional_minor, pnl_minor
from ledger.margin.limits import EXPOSURE_MINOR_MAX, INVERSE
from ledger.margin.liquidation import NEVER, bankruptcy_ticks
from ledger.margin.rounding import muldiv_ceil, muldiv_floor
from ledger.records.codes import EventKind
from matching.jit import i64, inner
from matching.layout import NIL
from matching.units import PPM

_POSITION_TAKEN = int(EventKind.POSITION_TAKEN)
_COLLATERAL_TAKEN = int(EventKind.COLLATERAL_TAKEN)
_DEBT_COVERED = int(EventKind.DEBT_COVERED)
_LOSS_SHARED = int(EventKind.LOSS_SHARED)


@inner
def share_ticks(state: State, row: int, share_minor: int) -> int:
    """The price at which closing a position costs just so much against the mark.

    A negative share is what closing has to bring.
    """
    rows, contracts = state.margin.positions, state.margin.contracts
    instrument, qty = i64(rows["instrument"][row]), rows["qty_lots"][row]
    mark = contracts["mark_ticks"][instrument]
    at_mark = qty * mark
    if contracts["kind"][instrument] == INVERSE:
        at_mark = inverse.value_minor(qty, mark, contracts["num"][instrument])
    price_ticks = bankruptcy_ticks(contracts, instrument, qty, at_mark, share_minor)
    if price_ticks != NEVER:
        return price_ticks
    return i64(1) if qty > 0 else contracts["max_ticks"][instrument]


@inner
def fund_equity_minor(state: State, asset: int) -> int:
    """What the fund has of an asset, with the profit of what it took over."""
    profit, _, _ = sum_positions(state, INSURANCE, asset)
    return available(state, asset, INSURANCE) + profit


@inner
def take_over(state: State, results: Results, row: int, price_ticks: int) -> None:
    """The fund takes a position at its bankruptcy price.

    When that would leave the fund short, winners are deleveraged first, and the fund takes only
    what nobody can: then its loss is shared at the end of the TICK.
    """
    rows, contracts = state.margin.positions, state.margin.contracts
    instrument = i64(rows["instrument"][row])
    settle, mark = i64(contracts["settle"][instrument]), contracts["mark_ticks"][instrument]
    qty = rows["qty_lots"][row]
    cost = cost_of(state, instrument, qty, price_ticks)
    gain = pnl_minor(contracts, instrument, qty, cost, mark)
    if fund_equity_minor(state, settle) + gain < 0:
        deleverage(state, results, row, price_ticks)
    left = rows["qty_lots"][row]
    if left != 0:
        places = (row, find_position(state, INSURANCE, instrument, NET))
        pass_lots(state, results, _POSITION_TAKEN, places, (-left, price_ticks))


@inner
def pay_account(
    state: State, results: Results, kind: int, account: int, asset: int, amount_minor: int
) -> None:
    """The fund pays an account (a negative amount: is paid by it), and the event says how much."""
    events = results.events
    credit(state, asset, account, amount_minor)
    credit(state, asset, INSURANCE, -amount_minor)
    event = begin_event(results, kind)
    events["asset"][event] = asset
    events["account"][event] = account
    events["counter_account"][event] = INSURANCE
    events["amount_minor"][event] = abs(amount_minor)


@inner
def swap_collateral(state: State, results: Results, account: int, owed: int, given: int) -> None:
    """Pay a debt in one asset with collateral in another, at the collateral's haircut."""
    risk = state.margin.collateral
    left_ppm = PPM - risk["haircut_ppm"][given]
    if risk["index_ticks"][given] == 0 or left_ppm == 0:
        return
    has, debt = available(state, given, account), -available(state, owed, account)
    if has <= 0 or debt <= 0:
        return
    worth = requirement_value_minor(risk, owed, debt)
    gross = muldiv_ceil(worth, PPM, left_ppm)
    price = risk["index_ticks"][given] * risk["num"][given]
    taken = muldiv_ceil(gross, risk["den"][given], price)
    paid = debt
    if taken > has:
        taken = has
        owed_price = risk["index_ticks"][owed] * risk["num"][owed]
        value = value_minor(risk, given, has)
        paid = min(debt, muldiv_floor(value, risk["den"][owed], owed_price))
    pay_account(state, results, _COLLATERAL_TAKEN, account, given, -taken)
    if paid > 0:
        pay_account(state, results, _DEBT_COVERED, account, owed, paid)


@inner
def settle_debts(state: State, results: Results, account: int) -> None:
    """End an account without positions: its collateral pays its debts, the fund pays the rest."""
    assets = state.header["collateral_end"][0]
    for owed in range(assets):
        if (
            available(state, owed, account) >= 0
            or state.margin.collateral["index_ticks"][owed] == 0
        ):
            continue
        for given in range(assets):
            swap_collateral(state, results, account, owed, given)
        rest = -available(state, owed, account)
        if rest > 0:
            pay_account(state, results, _DEBT_COVERED, account, owed, rest)


@inner
def has_open(state: State, account: int, asset: int) -> bool:
    """Whether an account has an open position that settles in an asset."""
    rows, contracts = state.margin.positions, state.margin.contracts
    row = i64(state.margin.accounts["first"][account]) - 1
    while row != NIL:
        settle = i64(contracts["settle"][i64(rows["instrument"][row])])
        if settle == asset and rows["qty_lots"][row] != 0:
            return True
        row = i64(rows["next"][row]) - 1
    return False


@inner
def notional_from(state: State, first: int, asset: int) -> int:
    """What the fund's positions in an asset are worth at the marks, from one row of its on."""
    rows, contracts = state.margin.positions, state.margin.contracts
    total, row = i64(0), first
    while row != NIL:
        instrument, qty = i64(rows["instrument"][row]), rows["qty_lots"][row]
        if qty != 0 and i64(contracts["settle"][instrument]) == asset:
            mark = contracts["mark_ticks"][instrument]
            total += notional_minor(contracts, instrument, qty, mark)
        row = i64(rows["next"][row]) - 1
    return total


@inner
def whole_ticks(state: State, row: int, short: int) -> int:
    """The price at which closing one of the fund's positions brings its part of what is missing.

    A part is by notional among it and the positions after it, so that the last one brings the rest.
    """
    rows, contracts = state.margin.positions, state.margin.contracts
    instrument, qty = i64(rows["instrument"][row]), rows["qty_lots"][row]
    mark = contracts["mark_ticks"][instrument]
    notional = notional_minor(contracts, instrument, qty, mark)
    total = notional_from(state, row, i64(contracts["settle"][instrument]))
    part = min(muldiv_ceil(short, notional, max(total, 1)), EXPOSURE_MINOR_MAX)
    return share_ticks(state, row, -part)


@inner
def deleverage_fund(state: State, results: Results) -> bool:
    """What leaves the fund short is closed against winners, before anybody shares its loss.

    This takes no book, so that it waits for no phase. Returns whether all is done; each of the
    fund's positions is a part, and counts from 1.
    """
    rows, contracts = state.margin.positions, state.margin.contracts
    place = i64(results.frame["part"][0])
    if place == 0:
        place = i64(state.margin.accounts["first"][INSURANCE])
    while place != 0:
        row = place - 1
        settle = i64(contracts["settle"][i64(rows["instrument"][row])])
        if rows["qty_lots"][row] != 0:
            short = -fund_equity_minor(state, settle)
            if short > 0:
                if must_wait(results, place, events_of_step(state, row)):
                    return False
                deleverage(state, results, row, whole_ticks(state, row, short))
        place = i64(rows["next"][row])
    return True


@inner
def share_losses(state: State, results: Results) -> bool:
    """Share what the fund lacks. Returns whether all is done; each asset is a part."""
    for asset in range(results.frame["part"][0], state.header["collateral_end"][0]):
        short = -fund_equity_minor(state, asset)
        if short > 0:
            if must_wait(results, asset, events_of_loss(state)):
                return False
            share_loss(state, results, asset, short)
    return True


@inner
def make_good(state: State, results: Results, account: int, asset: int, part: int) -> None:
    """Pay for what an account gave of an asset with what the fund has of others, at their index.

    The fund may be short of one asset because it took another as collateral: that is no loss.
    """
    risk = state.margin.collateral
    price = risk["index_ticks"][asset] * risk["num"][asset]
    worth = muldiv_floor(part, price, risk["den"][asset])
    for given in range(state.header["collateral_end"][0]):
        price = risk["index_ticks"][given] * risk["num"][given]
        has = min(available(state, given, INSURANCE), fund_equity_minor(state, given))
        if given == asset or price == 0 or has <= 0 or worth <= 0:
            continue
        paid = min(muldiv_floor(worth, risk["den"][given], price), has)
        if paid > 0:
            pay_account(state, results, _DEBT_COVERED, account, given, paid)
            worth -= muldiv_ceil(paid, price, risk["den"][given])


@inner
def share_loss(state: State, results: Results, asset: int, short: int) -> None:
    """What the fund lacks of an asset is paid by those who trade in it, by what they have of it."""
    total = i64(0)
    for account in range(CUSTOMER_FIRST, state.header["account_count"][0]):
        has = available(state, asset, account)
        if has > 0 and has_open(state, account, asset):
            total += has
    left = short
    for account in range(CUSTOMER_FIRST, state.header["account_count"][0]):
        has = available(state, asset, account)
        if left > 0 and has > 0 and has_open(state, account, asset):
            part = min(muldiv_ceil(short, has, total), has)
            part = min(part, left)
            pay_account(state, results, _LOSS_SHARED, account, asset, -part)
            make_good(state, results, account, asset, part)
            left -= part
