"""The reference engine's loans: who may owe what, interest, repayment, calls, and the end."""

from fractions import Fraction
from math import ceil

from ledger.engine.credit_layout import HOUR_NS, LENDING_POOL, PPT
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.margin_layout import INSURANCE
from ledger.engine.reference.debts import Borrower, Loan
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.margin import amount_of, assess, debt_of, debts_worth, pledged
from ledger.engine.reference.state import State
from ledger.engine.reference.taker import Taker, charge, look_ahead, value
from ledger.margin.limits import SUM_MAX
from ledger.records.codes import EventKind, Side
from matching.units import AMOUNT_MINOR_MAX, PPM


def amounts(taker: Taker) -> tuple[int, int]:
    """(the most that a spot order gives, what it then gets before its fee)."""
    instrument, lots = taker.instrument, taker.remaining
    buys = taker.side == Side.BUY
    if taker.limit is not None:
        base = lots * instrument.lot_minor
        if buys:
            return charge(instrument, taker.limit, lots, taker.carry)[0], base
        return base, value(instrument, taker.limit, lots)
    seen, quote = look_ahead(taker)
    if buys:
        return quote if taker.budget is None else taker.budget, seen * instrument.lot_minor
    return (lots if taker.budget is None else seen) * instrument.lot_minor, quote


def gained(state: State, asset: int, low: int, high: int) -> int:
    """What equity gains when an amount grows."""
    terms = state.collateral.get(asset)
    if terms is None or terms.price == 0:
        return 0
    return min(terms.value(high) - terms.value(low), SUM_MAX)


def pledge_of(state: State, taker: Taker, needed: int, got: int) -> int:
    """What execution may cost in equity: own money after its haircut, borrowed money in full."""
    give, get = sides(taker)
    own = min(max(state.free(give, taker.account), 0), needed)
    net = amount_of(state, taker.account, give)
    lost = gained(state, give, net - own, net)
    terms = state.collateral.get(give)
    if terms is not None and terms.price:
        lost = min(lost + terms.demand(needed - own), SUM_MAX)
    net = amount_of(state, taker.account, get)
    return max(lost - gained(state, get, net, net + got - ceil(got * taker.fee)), 0)


def sides(taker: Taker) -> tuple[int, int]:
    """(what a spot order gives, what it gets)."""
    pair = taker.instrument.quote, taker.instrument.base
    return pair if taker.side == Side.BUY else (pair[1], pair[0])


def lendable(state: State, account: int, asset: int, amount: int) -> bool:
    """Whether the pool has, and may lend, an amount to an account that has room for it."""
    lending, terms = state.lending.get(asset), state.collateral.get(asset)
    if lending is None or terms is None or terms.price == 0 or state.seats[account].leverage < 2:
        return False
    borrower = state.borrowers[account]
    has_place = None in borrower.loans or debt_of(state, account, asset) > 0
    room = lending.limit - lent(state, asset)
    return has_place and amount <= min(state.free(asset, LENDING_POOL), room)


def lent(state: State, asset: int) -> int:
    """What is owed of an asset, but for interest."""
    owing = [loan for borrower in state.borrowers.values() for loan in borrower.owing]
    return sum(loan.principal for loan in owing if loan.asset == asset)


def loan_to_value(equity: int, debts: int) -> Fraction:
    """What is owed over what is owned, in ppm."""
    if debts == 0:
        return Fraction(0)
    owned = equity + debts if equity < 0 else min(equity + debts, SUM_MAX)
    return Fraction(debts * PPM, owned) if owned > 0 else Fraction(SUM_MAX)


def covers_order(state: State, taker: Taker) -> bool:
    """Whether a margin account may have a spot order; sets what it may owe."""
    give, _ = sides(taker)
    account, terms = taker.account, state.collateral.get(give)
    taker.needed, got = amounts(taker)
    taker.pledge = pledge_of(state, taker, taker.needed, got)
    shortage = taker.needed - state.free(give, account)
    if shortage <= 0 and taker.pledge == 0:
        return True
    equity, _, initial = assess(state, account)
    if shortage <= 0:
        return taker.pledge <= equity - initial
    if not lendable(state, account, give, shortage):
        return False
    assert terms is not None, "only what has a price is lent"
    rate = Fraction(max(loan_margin_ppm(state.seats[account].leverage), terms.debt_ppm), PPM)
    debt = debt_of(state, account, give)
    more = terms.demand(ceil((debt + shortage) * rate) - ceil(debt * rate))
    if min(taker.pledge + more, SUM_MAX) > equity - initial:
        return False
    debts = min(debts_worth(state, account) + terms.demand(shortage), SUM_MAX)
    left = equity - pledged(state, account) - taker.pledge
    limits = [state.lending[loan.asset] for loan in state.borrowers[account].owing]
    most = min(lending.opens_ppm for lending in [*limits, state.lending[give]])
    return loan_to_value(left, debts) <= most


def loan_margin_ppm(leverage: int) -> int:
    """What is owned with a debt is at most leverage times the equity."""
    return ceil(Fraction(PPM, max(leverage - 1, 1)))


def turn_hour(state: State, asset: int, now_ns: int) -> None:
    """Every full hour adds its rate."""
    lending = state.lending[asset]
    hour = now_ns // HOUR_NS
    lending.index += (hour - lending.hour) * lending.hourly_ppt
    lending.hour = hour


def accrue(state: State, loan: Loan) -> None:
    """Charge the hours since the loan was last looked at."""
    index = state.lending[loan.asset].index
    due = ceil(Fraction(loan.principal * (index - loan.index), PPT))
    loan.interest = min(loan.interest + due, AMOUNT_MINOR_MAX - loan.principal)
    loan.index = index


def take_loan(state: State, effects: Effects, taker: Taker) -> None:
    """The pool lends what a margin account lacks after its order."""
    asset, _ = sides(taker)
    amount = -state.free(asset, taker.account)
    if amount <= 0:
        return
    turn_hour(state, asset, effects.time_ns)
    borrower = state.borrowers[taker.account]
    loan = next((loan for loan in borrower.owing if loan.asset == asset), None)
    if loan is None:
        loan = Loan(asset, 0, 0, state.lending[asset].index)
        borrower.loans[borrower.loans.index(None)] = loan
    accrue(state, loan)
    hour = ceil(Fraction(amount * state.lending[asset].hourly_ppt, PPT))
    loan.principal += amount
    loan.interest = min(loan.interest + hour, AMOUNT_MINOR_MAX - loan.principal)
    state.move(asset, LENDING_POOL, taker.account, amount)
    effects.emit(
        EventKind.LOAN_TAKEN,
        asset=asset,
        account=taker.account,
        counter_account=LENDING_POOL,
        amount_minor=amount,
        fee_minor=hour,
        quote_minor=loan.owed,
    )


def reduce(
    state: State, effects: Effects, kind: EventKind, account: int, loan: Loan, paid: int
) -> None:
    """Count an amount as settled, interest first; a loan that ends leaves its place."""
    interest = min(loan.interest, paid)
    loan.interest -= interest
    loan.principal -= paid - interest
    if loan.owed == 0:
        loans = state.borrowers[account].loans
        loans[loans.index(loan)] = None
    effects.emit(
        kind,
        asset=loan.asset,
        account=account,
        counter_account=LENDING_POOL,
        amount_minor=paid,
        fee_minor=interest,
        quote_minor=loan.owed,
    )


def repay(state: State, effects: Effects, account: int, loan: Loan) -> None:
    """Pay back as far as the account has the asset."""
    paid = min(state.free(loan.asset, account), loan.owed)
    if paid > 0:
        state.move(loan.asset, account, LENDING_POOL, paid)
        reduce(state, effects, EventKind.LOAN_REPAID, account, loan, paid)


def serve_loans(state: State, effects: Effects) -> None:
    """At a TICK: interest, and what came in pays back."""
    for asset in state.lending:
        turn_hour(state, asset, effects.time_ns)
    for account, borrower in state.borrowers.items():
        for loan in borrower.owing:
            accrue(state, loan)
            repay(state, effects, account, loan)


def charge_overdrafts(state: State, effects: Effects) -> None:
    """At a TICK: customers' negative balances pay the fund for the hours that have turned."""
    for asset, lending in sorted(state.lending.items()):
        rate, lending.charged = lending.index - lending.charged, lending.index
        for account in range(CUSTOMER_FIRST, len(state.accounts)):
            short = -state.free(asset, account)
            due = ceil(Fraction(max(short, 0) * rate, PPT))
            due = min(due, AMOUNT_MINOR_MAX - max(short, state.free(asset, INSURANCE)))
            if due > 0:
                state.move(asset, account, INSURANCE, due)
                effects.emit(
                    EventKind.OVERDRAFT_CHARGED,
                    asset=asset,
                    account=account,
                    counter_account=INSURANCE,
                    amount_minor=due,
                    quote_minor=short + due,
                )


def is_over(state: State, account: int, equity: int) -> bool:
    """Whether an account owes so much of what it owns that its loans are called in."""
    debts = debts_worth(state, account)
    if not debts or not state.seats[account].leverage:
        return False
    owing = state.borrowers[account].owing
    most = min(state.lending[loan.asset].liquidates_ppm for loan in owing)
    return ceil(loan_to_value(equity, debts)) >= most


def call_margin(state: State, effects: Effects, account: int, equity: int) -> None:
    """Tell an account once that it owes much of what it owns."""
    borrower = state.borrowers.get(account)
    if borrower is None:
        return
    debts, due = debts_worth(state, account), False
    if debts:
        most = min(state.lending[loan.asset].calls_ppm for loan in borrower.owing)
        ltv = ceil(loan_to_value(equity, debts))
        due = ltv >= most
        if due and not borrower.called:
            effects.emit(
                EventKind.MARGIN_CALLED,
                account=account,
                quote_minor=equity,
                amount_minor=debts,
                fee_minor=ltv,
            )
    borrower.called = due


def settle_loans(state: State, effects: Effects, account: int) -> None:
    """End all loans of an account that fell."""
    borrower = state.borrowers.get(account, Borrower())
    for loan in borrower.owing:
        repay(state, effects, account, loan)
        for given, terms in sorted(state.collateral.items()):
            if terms.price:
                take(state, effects, account, loan, given)
        covered = min(max(state.free(loan.asset, INSURANCE), 0), loan.owed)
        if covered:
            state.move(loan.asset, INSURANCE, account, covered)
            tell(effects, EventKind.DEBT_COVERED, account, INSURANCE, (loan.asset, covered))
            repay(state, effects, account, loan)
        if loan.owed:
            reduce(state, effects, EventKind.LOAN_LOST, account, loan, loan.owed)


def tell(
    effects: Effects, kind: EventKind, account: int, other: int, money: tuple[int, int]
) -> None:
    """An event about a payment for a loan."""
    effects.emit(
        kind, asset=money[0], account=account, counter_account=other, amount_minor=money[1]
    )


def take(state: State, effects: Effects, account: int, loan: Loan, given: int) -> None:
    """The pool takes collateral for a loan, at its haircut."""
    terms, owed = state.collateral[given], state.collateral[loan.asset]
    has, left_ppm = state.free(given, account), PPM - terms.haircut_ppm
    if given == loan.asset or left_ppm == 0 or has <= 0 or loan.owed == 0:
        return
    gross = ceil(Fraction(owed.demand(loan.owed) * PPM, left_ppm))
    taken, paid = ceil(Fraction(gross * terms.den, terms.price * terms.num)), loan.owed
    if taken > has:
        taken, paid = has, min(loan.owed, owed.units(terms.value(has)))
    state.move(given, account, LENDING_POOL, taken)
    tell(effects, EventKind.COLLATERAL_TAKEN, account, LENDING_POOL, (given, taken))
    if paid:
        reduce(state, effects, EventKind.LOAN_SETTLED, account, loan, paid)


assert CUSTOMER_FIRST > LENDING_POOL
