"""Spot orders of margin accounts: what an order may cost in equity, and what it borrows."""

from ledger.engine.credit_layout import LENDING_POOL
from ledger.engine.kernels.base.fees import ppb_ceil
from ledger.engine.kernels.base.money import available, charge, worth
from ledger.engine.kernels.margin.account_margin import assess, sum_positions, wallet_minor
from ledger.engine.kernels.margin.loans import (
    borrow,
    debt_minor,
    debts_worth_minor,
    find_loan,
    limits_ppm,
    loan_margin_ppm,
)
from ledger.engine.kernels.orders.trading import look_ahead
from ledger.engine.state import Results, State
from ledger.margin.account import add_saturating, requirement_value_minor, value_minor
from ledger.margin.limits import SUM_MAX
from ledger.margin.rounding import muldiv_ceil, ppm_ceil
from ledger.records.codes import Side
from matching.jit import i64, inner
from matching.layout import NIL
from matching.units import PPM

_BUY = int(Side.BUY)


@inner
def order_assets(state: State, results: Results) -> tuple[int, int]:
    """(what a spot order gives, what it gets)."""
    rows, taker = state.instruments, results.taker
    instrument = taker["instrument"][0]
    base, quote = i64(rows["base"][instrument]), i64(rows["quote"][instrument])
    return (quote, base) if taker["side"][0] == _BUY else (base, quote)


@inner
def order_amounts(state: State, results: Results) -> tuple[int, int]:
    """(the most that a spot order gives, what it then gets before its fee)."""
    rows, taker = state.instruments, results.taker
    instrument, lots = taker["instrument"][0], taker["qty_lots"][0]
    lot_minor = i64(rows["lot_minor"][instrument])
    if taker["is_limit"][0]:
        price_ticks = taker["price_ticks"][0]
        if taker["side"][0] == _BUY:
            cost, _ = charge(state, instrument, price_ticks, lots, taker["carry"][0])
            return cost, i64(lots * lot_minor)
        return i64(lots * lot_minor), worth(state, instrument, price_ticks, lots)
    seen, quote_minor = look_ahead(state, results)
    if taker["side"][0] == _BUY:
        if taker["by_quote"][0]:
            quote_minor = taker["quote_minor"][0]
        return i64(quote_minor), i64(seen * lot_minor)
    if taker["by_quote"][0]:
        lots = seen
    return i64(lots * lot_minor), i64(quote_minor)


@inner
def net_minor(state: State, account: int, asset: int) -> int:
    """What a margin account's equity counts of an asset."""
    profit, _, _ = sum_positions(state, account, asset)
    return wallet_minor(state, account, asset) + profit


@inner
def value_between(state: State, asset: int, low_minor: int, high_minor: int) -> int:
    """What an account's equity gains when its amount of an asset grows; 0 without a price."""
    risk = state.margin.collateral
    if risk["index_ticks"][asset] == 0:
        return 0
    gained = value_minor(risk, asset, high_minor) - value_minor(risk, asset, low_minor)
    return i64(min(gained, SUM_MAX))


@inner
def pledge_of(state: State, results: Results, needed_minor: int, got_minor: int) -> int:
    """What a spot order's execution may cost in equity, in valuation units; never negative.

    What is borrowed for it counts in full, what is own after its haircut, as equity counts it.
    """
    give, get = order_assets(state, results)
    account = results.taker["account"][0]
    own = min(max(available(state, give, account), 0), needed_minor)
    net = net_minor(state, account, give)
    lost = value_between(state, give, net - own, net)
    if state.margin.collateral["index_ticks"][give] != 0:
        borrowed = requirement_value_minor(state.margin.collateral, give, needed_minor - own)
        lost = add_saturating(lost, borrowed)
    net = net_minor(state, account, get)
    got_minor -= ppb_ceil(got_minor, results.taker["fee_ppb"][0])
    return max(lost - value_between(state, get, net, net + got_minor), 0)


@inner
def is_lendable(state: State, account: int, asset: int, amount_minor: int) -> bool:
    """Whether the pool has, and may lend, an amount to an account that has a row for it."""
    lending = state.credit.lending
    loan, free = find_loan(state, account, asset)
    return bool(
        lending["liquidate_ppm"][asset] != 0
        and state.margin.collateral["index_ticks"][asset] > 0
        and i64(state.seats["leverage"][account]) > 1
        and (loan != NIL or free != NIL)
        and amount_minor <= available(state, asset, LENDING_POOL)
        and amount_minor <= lending["limit_minor"][asset] - lending["lent_minor"][asset]
    )


@inner
def loan_to_value_ppm(equity_minor: int, debts_minor: int) -> int:
    """What is owed over what is owned, which is the equity and what is owed; rounded up."""
    if debts_minor == 0:
        return 0
    owned = (
        equity_minor + debts_minor
        if equity_minor < 0
        else add_saturating(min(equity_minor, SUM_MAX), debts_minor)
    )
    return muldiv_ceil(debts_minor, PPM, owned) if owned > 0 else i64(SUM_MAX)


@inner
def covers_order(state: State, results: Results) -> bool:
    """Whether a margin account may have a spot order; its taker is set to owe what it lacks.

    One that neither borrows nor costs equity is always covered: it closes.
    """
    taker = results.taker
    account = taker["account"][0]
    give, _ = order_assets(state, results)
    needed, got = order_amounts(state, results)
    pledge = pledge_of(state, results, needed, got)
    taker["credit"][0] = 1
    taker["needed_minor"][0] = needed
    taker["pledge_minor"][0] = pledge
    shortage = needed - available(state, give, account)
    if pledge == 0 and shortage <= 0:
        return True
    equity, _, initial = assess(state, account)
    if shortage <= 0:
        return bool(initial <= equity and pledge <= equity - initial)
    if not is_lendable(state, account, give, shortage):
        return False
    risk = state.margin.collateral
    debt = debt_minor(state, account, give)
    rate = max(loan_margin_ppm(i64(state.seats["leverage"][account])), risk["debt_ppm"][give])
    more = ppm_ceil(debt + shortage, rate) - ppm_ceil(debt, rate)
    wanted = add_saturating(pledge, requirement_value_minor(risk, give, more))
    if initial > equity or wanted > equity - initial:
        return False
    debts = add_saturating(
        debts_worth_minor(state, account), requirement_value_minor(risk, give, shortage)
    )
    left = equity - state.credit.borrowers["pledged_minor"][account] - pledge
    most, _, _ = limits_ppm(state, account, give)
    return bool(loan_to_value_ppm(left, debts) <= most)


@inner
def take_loan(state: State, results: Results) -> None:
    """After a margin account's order traded and rests: the pool lends what its account lacks."""
    give, _ = order_assets(state, results)
    account = results.taker["account"][0]
    lacks = -available(state, give, account)
    if lacks > 0:
        borrow(state, results, account, give, lacks)
