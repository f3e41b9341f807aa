"""Loans: rows of what margin accounts owe to the lending pool, their interest, their repayment.

Source: docs/spec/credit.md.
"""

from ledger.engine.credit_layout import HOUR_NS, LENDING_POOL, LOANS_PER_ACCOUNT, PPT
from ledger.engine.kernels.base.money import available, credit
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.state import Results, State
from ledger.margin.account import add_saturating, requirement_value_minor
from ledger.margin.rounding import muldiv_ceil
from ledger.records.codes import EventKind
from matching.jit import i64, inner
from matching.layout import NIL
from matching.units import AMOUNT_MINOR_MAX, PPM

_LOAN_TAKEN = int(EventKind.LOAN_TAKEN)
_LOAN_REPAID = int(EventKind.LOAN_REPAID)


@inner
def is_margined(state: State, account: int) -> bool:
    """Whether an account may owe what it spends."""
    return i64(state.seats["leverage"][account]) != 0


@inner
def owed_minor(state: State, loan: int) -> int:
    """Principal and interest of a loan row."""
    rows = state.credit.loans
    return i64(rows["principal_minor"][loan] + rows["interest_minor"][loan])


@inner
def find_loan(state: State, account: int, asset: int) -> tuple[int, int]:
    """(the row of an account's loan of an asset, a free row of its own), either NIL."""
    rows = state.credit.loans
    first = i64(state.credit.borrowers["first"][account]) - 1
    found, free = NIL, NIL
    if first == NIL:
        return found, free
    for loan in range(first, first + LOANS_PER_ACCOUNT):
        if owed_minor(state, loan) == 0:
            if free == NIL:
                free = loan
        elif i64(rows["asset"][loan]) == asset:
            found = loan
    return found, free


@inner
def debt_minor(state: State, account: int, asset: int) -> int:
    """What an account owes of an asset to the lending pool."""
    loan, _ = find_loan(state, account, asset)
    return i64(0) if loan == NIL else owed_minor(state, loan)


@inner
def debts_worth_minor(state: State, account: int) -> int:
    """All that an account owes to the lending pool, in valuation units; rounded up."""
    rows, total = state.credit.loans, i64(0)
    first = i64(state.credit.borrowers["first"][account]) - 1
    if first == NIL:
        return total
    for loan in range(first, first + LOANS_PER_ACCOUNT):
        owed = owed_minor(state, loan)
        if owed != 0:
            asset = i64(rows["asset"][loan])
            worth = requirement_value_minor(state.margin.collateral, asset, owed)
            total = add_saturating(total, worth)
    return total


@inner
def limits_ppm(state: State, account: int, beside: int) -> tuple[int, int, int]:
    """The least loan-to-value limits (open, call, liquidate) of what an account owes.

    `beside` is one more asset that counts, or NIL.
    """
    rows, lending = state.credit.loans, state.credit.lending
    lowest, call, liquidate = i64(PPM), i64(PPM), i64(PPM)
    first = i64(state.credit.borrowers["first"][account]) - 1
    for place in range(-1, LOANS_PER_ACCOUNT):
        asset = beside
        if place >= 0:
            owes = first != NIL and owed_minor(state, first + place) != 0
            asset = i64(rows["asset"][first + place]) if owes else NIL
        if asset != NIL:
            lowest = min(lowest, i64(lending["open_ppm"][asset]))
            call = min(call, i64(lending["call_ppm"][asset]))
            liquidate = min(liquidate, i64(lending["liquidate_ppm"][asset]))
    return lowest, call, liquidate


@inner
def loan_margin_ppm(leverage: int) -> int:
    """Equity that a debt needs: what is owned with it is at most leverage times the equity."""
    return -(-PPM // max(leverage - 1, 1))


@inner
def turn_hour(state: State, asset: int, now_ns: int) -> None:
    """Bring an asset's index to the last full hour."""
    rows, hour = state.credit.lending, now_ns // HOUR_NS
    passed = hour - rows["hour"][asset]
    rows["index_ppt"][asset] += passed * rows["hourly_ppt"][asset]
    rows["hour"][asset] = hour


@inner
def charge_interest(state: State, loan: int, rate_ppt: int) -> None:
    """Simple interest on the principal, rounded up; a debt ends at AMOUNT_MINOR_MAX."""
    rows = state.credit.loans
    due = muldiv_ceil(rows["principal_minor"][loan], rate_ppt, PPT)
    rows["interest_minor"][loan] += min(due, AMOUNT_MINOR_MAX - owed_minor(state, loan))


@inner
def accrue(state: State, loan: int) -> None:
    """Charge a loan the hours that passed since it was last looked at."""
    rows = state.credit.loans
    index = state.credit.lending["index_ppt"][i64(rows["asset"][loan])]
    charge_interest(state, loan, index - rows["index_ppt"][loan])
    rows["index_ppt"][loan] = index


@inner
def borrow(state: State, results: Results, account: int, asset: int, amount_minor: int) -> None:
    """The pool lends an amount; its first hour is due at once. There is a row and money for it."""
    rows, lending, events = state.credit.loans, state.credit.lending, results.events
    turn_hour(state, asset, results.frame["time_ns"][0])
    loan, free = find_loan(state, account, asset)
    if loan == NIL:
        loan = free
        rows["asset"][loan] = asset
        rows["index_ppt"][loan] = lending["index_ppt"][asset]
    accrue(state, loan)
    hour = muldiv_ceil(amount_minor, lending["hourly_ppt"][asset], PPT)
    rows["principal_minor"][loan] += amount_minor
    rows["interest_minor"][loan] += min(hour, AMOUNT_MINOR_MAX - owed_minor(state, loan))
    lending["lent_minor"][asset] += amount_minor
    credit(state, asset, LENDING_POOL, -amount_minor)
    credit(state, asset, account, amount_minor)
    event = begin_event(results, _LOAN_TAKEN)
    events["asset"][event] = asset
    events["account"][event] = account
    events["counter_account"][event] = LENDING_POOL
    events["amount_minor"][event] = amount_minor
    events["fee_minor"][event] = hour
    events["quote_minor"][event] = owed_minor(state, loan)


@inner
def reduce_loan(state: State, results: Results, kind: int, loan: int, paid_minor: int) -> None:
    """Count an amount as settled, interest first, and tell of it; a loan that ends is freed."""
    rows, events = state.credit.loans, results.events
    asset, account = i64(rows["asset"][loan]), i64(rows["account"][loan])
    interest = i64(min(rows["interest_minor"][loan], paid_minor))
    rows["interest_minor"][loan] -= interest
    rows["principal_minor"][loan] -= paid_minor - interest
    state.credit.lending["lent_minor"][asset] -= paid_minor - interest
    left = owed_minor(state, loan)
    if left == 0:
        rows["index_ppt"][loan] = 0
        rows["asset"][loan] = 0
    event = begin_event(results, kind)
    events["asset"][event] = asset
    events["account"][event] = account
    events["counter_account"][event] = LENDING_POOL
    events["amount_minor"][event] = paid_minor
    events["fee_minor"][event] = interest
    events["quote_minor"][event] = left


@inner
def repay(state: State, results: Results, loan: int) -> None:
    """Pay a loan back as far as its account has the asset."""
    rows = state.credit.loans
    asset, account = i64(rows["asset"][loan]), i64(rows["account"][loan])
    paid = min(available(state, asset, account), owed_minor(state, loan))
    if paid > 0:
        credit(state, asset, account, -paid)
        credit(state, asset, LENDING_POOL, paid)
        reduce_loan(state, results, _LOAN_REPAID, loan, paid)
