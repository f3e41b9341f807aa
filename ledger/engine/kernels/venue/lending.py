"""SET_LENDING and SET_MARGIN: what the pool lends, and who may borrow."""

from ledger.engine.credit_layout import BORROW_LEVERAGE_MAX, HOURLY_PPT_MAX, LOANS_PER_ACCOUNT
from ledger.engine.kernels.base.checks import blank_from, is_customer, unsigned
from ledger.engine.kernels.base.resting import is_contract
from ledger.engine.kernels.margin.account_margin import assess
from ledger.engine.kernels.margin.loans import debts_worth_minor, turn_hour
from ledger.engine.limits import COLLATERALS_MAX
from ledger.engine.state import Commands, Results, State, first_word
from ledger.records.codes import Reject
from ledger.records.layout import LENDING, MARGIN
from matching.jit import i64, inner
from matching.layout import NIL
from matching.units import AMOUNT_MINOR_MAX, PPM

_NONE = int(Reject.NONE)
_UNKNOWN_ACCOUNT = int(Reject.UNKNOWN_ACCOUNT)
_UNKNOWN_ASSET = int(Reject.UNKNOWN_ASSET)
_UNKNOWN_INSTRUMENT = int(Reject.UNKNOWN_INSTRUMENT)
_MALFORMED = int(Reject.MALFORMED)
_TABLE_FULL = int(Reject.TABLE_FULL)
_AMOUNT_OUT_OF_RANGE = int(Reject.AMOUNT_OUT_OF_RANGE)
_WRONG_STATE = int(Reject.WRONG_STATE)
_LEVERAGE_TOO_HIGH = int(Reject.LEVERAGE_TOO_HIGH)
_INSUFFICIENT_MARGIN = int(Reject.INSUFFICIENT_MARGIN)

_LENDING_RESERVED = first_word(LENDING, "reserved")
_MARGIN_RESERVED = first_word(MARGIN, "reserved")


@inner
def set_lending(state: State, commands: Commands, results: Results, row: int) -> int:
    """SET_LENDING. The hours so far keep the rate that they had. Returns a `Reject`."""
    c, rows = commands.lending, state.credit.lending
    asset = i64(c["asset"][row])
    if asset >= state.header["asset_count"][0]:
        return _UNKNOWN_ASSET
    if not unsigned(commands, row) or not blank_from(commands, row, _LENDING_RESERVED):
        return _MALFORMED
    if asset >= COLLATERALS_MAX:
        return _TABLE_FULL
    opens, calls = i64(c["open_ppm"][row]), i64(c["call_ppm"][row])
    liquidates = i64(c["liquidate_ppm"][row])
    if (
        not 0 <= c["hourly_ppt"][row] <= HOURLY_PPT_MAX
        or not 0 <= c["limit_minor"][row] <= AMOUNT_MINOR_MAX
        or not 0 < opens < calls < liquidates <= PPM
    ):
        return _AMOUNT_OUT_OF_RANGE
    turn_hour(state, asset, results.frame["time_ns"][0])
    rows["hourly_ppt"][asset] = c["hourly_ppt"][row]
    rows["limit_minor"][asset] = c["limit_minor"][row]
    rows["open_ppm"][asset] = opens
    rows["call_ppm"][asset] = calls
    rows["liquidate_ppm"][asset] = liquidates
    results.outcomes["subject_id"][row] = asset
    return _NONE


@inner
def is_idle(state: State, account: int) -> bool:
    """Whether an account has no order, none pending, no withdrawal under way, nothing frozen."""
    if state.order_owners["count"][account] != 0 or state.pending_owners["count"][account] != 0:
        return False
    held = i64(0)
    for asset in range(state.header["asset_count"][0]):
        held |= state.balances["held_minor"][asset, account]
    return held == 0


@inner
def has_position(state: State, account: int) -> bool:
    """Whether an account has an open position."""
    rows = state.margin.positions
    row = i64(state.margin.accounts["first"][account]) - 1
    while row != NIL:
        if rows["qty_lots"][row] != 0:
            return True
        row = i64(rows["next"][row]) - 1
    return False


@inner
def isolates(state: State, account: int) -> bool:
    """Whether an account keeps the margin of a position apart, should it open one."""
    rows = state.margin.positions
    row = i64(state.margin.accounts["first"][account]) - 1
    while row != NIL:
        if rows["isolated"][row]:
            return True
        row = i64(rows["next"][row]) - 1
    return False


@inner
def may_switch(state: State, account: int, leverage: int, pair: int) -> bool:
    """Whether an account may begin or end margin, or be kept to a pair or set free."""
    seats = state.seats
    ends = leverage == 0 and debts_worth_minor(state, account) != 0
    same = (i64(seats["leverage"][account]) == 0) == (leverage == 0)
    if same and i64(seats["pair"][account]) == pair:
        return True
    apart = leverage != 0 and isolates(state, account)
    flat = pair == 0 or not has_position(state, account)
    return bool(flat and not ends and not apart and is_idle(state, account))


@inner
def give_rows(state: State, account: int) -> None:
    """A margin account's loan rows, when it has none yet."""
    credit, header = state.credit, state.header
    if i64(credit.borrowers["first"][account]) != 0:
        return
    first = header["borrower_count"][0] * LOANS_PER_ACCOUNT
    header["borrower_count"][0] += 1
    credit.borrowers["first"][account] = first + 1
    for loan in range(first, first + LOANS_PER_ACCOUNT):
        credit.loans["account"][loan] = account


@inner
def set_margin(  # noqa: PLR0911 - one return a check
    state: State, commands: Commands, results: Results, row: int
) -> int:
    """SET_MARGIN. Returns a `Reject`; unless it is NONE nothing changed."""
    c, seats = commands.margin, state.seats
    account, leverage = i64(c["account"][row]), i64(c["leverage"][row])
    pair = i64(c["pair"][row])
    if not is_customer(state, account):
        return _UNKNOWN_ACCOUNT
    if pair > state.header["instrument_count"][0]:
        return _UNKNOWN_INSTRUMENT
    if i64(c["flags"][row]) != 0 or not blank_from(commands, row, _MARGIN_RESERVED):
        return _MALFORMED
    if pair != 0 and is_contract(state, pair - 1):
        return _MALFORMED
    if not may_switch(state, account, leverage, pair):
        return _WRONG_STATE
    if leverage > BORROW_LEVERAGE_MAX:
        return _LEVERAGE_TOO_HIGH
    former = i64(seats["leverage"][account])
    seats["leverage"][account] = leverage
    if leverage < former and debts_worth_minor(state, account) != 0:
        equity, _, initial = assess(state, account)
        if equity < initial:
            seats["leverage"][account] = former
            return _INSUFFICIENT_MARGIN
    seats["pair"][account] = pair
    if leverage != 0:
        give_rows(state, account)
    results.outcomes["subject_id"][row] = account
    return _NONE
