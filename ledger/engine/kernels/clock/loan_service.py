"""Loans at a TICK: interest, repayment, margin calls, and the end of an account that fell."""

from ledger.engine.credit_layout import LENDING_POOL, LOANS_PER_ACCOUNT
from ledger.engine.kernels.base.commands import must_wait
from ledger.engine.kernels.base.money import available, credit
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.margin.loans import (
    accrue,
    debts_worth_minor,
    is_margined,
    limits_ppm,
    owed_minor,
    reduce_loan,
    repay,
    turn_hour,
)
from ledger.engine.kernels.orders.credit_orders import loan_to_value_ppm
from ledger.engine.limits import COLLATERALS_MAX
from ledger.engine.margin_layout import INSURANCE
from ledger.engine.state import Results, State
from ledger.margin.account import requirement_value_minor, value_minor
from ledger.margin.rounding import muldiv_ceil, muldiv_floor
from ledger.records.codes import EventKind
from matching.jit import i64, inner
from matching.layout import NIL
from matching.units import PPM

_COLLATERAL_TAKEN = int(EventKind.COLLATERAL_TAKEN)
_DEBT_COVERED = int(EventKind.DEBT_COVERED)
_MARGIN_CALLED = int(EventKind.MARGIN_CALLED)
_LOAN_LOST = int(EventKind.LOAN_LOST)
_LOAN_SETTLED = int(EventKind.LOAN_SETTLED)


@inner
def turn_hours(state: State, results: Results) -> None:
    """Let the interest of every asset that is lent come to this hour."""
    for asset in range(min(state.header["asset_count"][0], COLLATERALS_MAX)):
        if state.credit.lending["liquidate_ppm"][asset] != 0:
            turn_hour(state, asset, results.frame["time_ns"][0])


@inner
def serve_loans(state: State, results: Results) -> bool:
    """Charge every loan its hours, and pay back what came in. Work: loan rows.

    Returns whether all is done; each loan is a part.
    """
    loans = state.header["borrower_count"][0] * LOANS_PER_ACCOUNT
    for loan in range(results.frame["part"][0], loans):
        if owed_minor(state, loan) != 0:
            if must_wait(results, loan, 1):
                return False
            accrue(state, loan)
            repay(state, results, loan)
    return True


@inner
def is_over(state: State, account: int, equity_minor: int) -> bool:
    """Whether an account owes so much of what it owns that its loans are called in."""
    if not is_margined(state, account):
        return False
    debts = debts_worth_minor(state, account)
    _, _, most = limits_ppm(state, account, NIL)
    return bool(debts > 0 and loan_to_value_ppm(equity_minor, debts) >= most)


@inner
def call_margin(state: State, results: Results, account: int, equity_minor: int) -> None:
    """Call an account that owes much of what it owns, once until it no longer does."""
    rows, events = state.credit.borrowers, results.events
    debts = debts_worth_minor(state, account)
    _, most, _ = limits_ppm(state, account, NIL)
    ltv_ppm = loan_to_value_ppm(equity_minor, debts)
    due = debts > 0 and ltv_ppm >= most
    if due and rows["called"][account] == 0:
        event = begin_event(results, _MARGIN_CALLED)
        events["account"][event] = account
        events["quote_minor"][event] = equity_minor
        events["amount_minor"][event] = debts
        events["fee_minor"][event] = ltv_ppm
    rows["called"][account] = 1 if due else 0


@inner
def report_payment(
    results: Results, kind: int, account: int, payer: int, asset: int, amount_minor: int
) -> None:
    """An event about a payment for a loan."""
    event = begin_event(results, kind)
    results.events["asset"][event] = asset
    results.events["account"][event] = account
    results.events["counter_account"][event] = payer
    results.events["amount_minor"][event] = amount_minor


@inner
def take_for_loan(state: State, results: Results, loan: int, given: int) -> None:
    """The pool takes other collateral for a loan, at its haircut."""
    risk, rows = state.margin.collateral, state.credit.loans
    account, owed_asset = i64(rows["account"][loan]), i64(rows["asset"][loan])
    left_ppm = PPM - risk["haircut_ppm"][given]
    if risk["index_ticks"][given] == 0 or left_ppm == 0:
        return
    has, debt = available(state, given, account), owed_minor(state, loan)
    if has <= 0 or debt <= 0 or given == owed_asset:
        return
    gross = muldiv_ceil(requirement_value_minor(risk, owed_asset, debt), PPM, left_ppm)
    price = risk["index_ticks"][given] * risk["num"][given]
    taken = muldiv_ceil(gross, risk["den"][given], price)
    paid = debt
    if taken > has:
        taken = has
        owed_price = risk["index_ticks"][owed_asset] * risk["num"][owed_asset]
        value = value_minor(risk, given, has)
        paid = min(debt, muldiv_floor(value, risk["den"][owed_asset], owed_price))
    credit(state, given, account, -taken)
    credit(state, given, LENDING_POOL, taken)
    report_payment(results, _COLLATERAL_TAKEN, account, LENDING_POOL, given, taken)
    if paid > 0:
        reduce_loan(state, results, _LOAN_SETTLED, loan, paid)


@inner
def settle_loans(state: State, results: Results, account: int) -> None:
    """End all loans of an account: its own money, its collateral, the fund, then the pool's loss.

    The fund pays no more than it has: a loan never makes it short.
    """
    rows = state.credit.loans
    first = i64(state.credit.borrowers["first"][account]) - 1
    if first == NIL:
        return
    for loan in range(first, first + LOANS_PER_ACCOUNT):
        if owed_minor(state, loan) == 0:
            continue
        asset = i64(rows["asset"][loan])
        repay(state, results, loan)
        for given in range(state.header["collateral_end"][0]):
            take_for_loan(state, results, loan, given)
        covered = min(max(available(state, asset, INSURANCE), 0), owed_minor(state, loan))
        if covered > 0:
            credit(state, asset, INSURANCE, -covered)
            credit(state, asset, account, covered)
            report_payment(results, _DEBT_COVERED, account, INSURANCE, asset, covered)
            repay(state, results, loan)
        lost = owed_minor(state, loan)
        if lost > 0:
            reduce_loan(state, results, _LOAN_LOST, loan, lost)
