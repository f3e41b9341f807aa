"""What a negative balance costs: the hourly rate of its asset, paid to the insurance fund.

Nobody lent the money: losses were paid out of what all others have in custody, and the fund stands
in for whoever cannot make them good. Source: docs/spec/credit.md, section 3.1.
"""

from ledger.engine.credit_layout import PPT
from ledger.engine.kernels.base.commands import must_wait
from ledger.engine.kernels.base.money import available, credit
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.limits import COLLATERALS_MAX
from ledger.engine.margin_layout import INSURANCE
from ledger.engine.state import Results, State
from ledger.margin.rounding import muldiv_ceil
from ledger.records.codes import EventKind
from matching.jit import i64, inner
from matching.units import AMOUNT_MINOR_MAX

_OVERDRAFT_CHARGED = int(EventKind.OVERDRAFT_CHARGED)


@inner
def due_minor(state: State, asset: int, account: int, rate_ppt: int) -> int:
    """What an account owes for being short of an asset; rounded up, 0 when it is not.

    Neither its shortage nor what the fund has passes AMOUNT_MINOR_MAX by it.
    """
    short = -available(state, asset, account)
    if short <= 0:
        return i64(0)
    room = AMOUNT_MINOR_MAX - max(short, available(state, asset, INSURANCE))
    return max(min(muldiv_ceil(short, rate_ppt, PPT), room), 0)


@inner
def charge(state: State, results: Results, asset: int, account: int, due: int) -> None:
    """One account pays the fund, and the event says how much it is short of now."""
    credit(state, asset, account, -due)
    credit(state, asset, INSURANCE, due)
    events = results.events
    event = begin_event(results, _OVERDRAFT_CHARGED)
    events["asset"][event] = asset
    events["account"][event] = account
    events["counter_account"][event] = INSURANCE
    events["amount_minor"][event] = due
    events["quote_minor"][event] = -available(state, asset, account)


@inner
def charge_overdrafts(state: State, results: Results) -> bool:
    """Charge customers' negative balances the hours that have turned since the last time.

    Returns whether all is done; each balance is a part. Work: the accounts, once an hour and asset.
    """
    lending, accounts = state.credit.lending, i64(state.header["account_count"][0])
    part = i64(results.frame["part"][0])
    for asset in range(part // accounts, min(state.header["asset_count"][0], COLLATERALS_MAX)):
        rate_ppt = i64(lending["index_ppt"][asset] - lending["charged_ppt"][asset])
        if rate_ppt == 0:
            continue
        first = asset * accounts
        for account in range(max(part - first, CUSTOMER_FIRST), accounts):
            due = due_minor(state, asset, account, rate_ppt)
            if due > 0:
                if must_wait(results, first + account, 1):
                    return False
                charge(state, results, asset, account, due)
        lending["charged_ppt"][asset] = lending["index_ppt"][asset]
    return True
