"""CREDIT_DEPOSIT, REQUEST_WITHDRAWAL, DECIDE_WITHDRAWAL: money at the venue's edge."""

from ledger.engine.credit_layout import LENDING_POOL
from ledger.engine.kernels.base.checks import blank_from, is_customer, unsigned
from ledger.engine.kernels.base.money import available, credit, hold
from ledger.engine.kernels.base.report import report_withdrawal
from ledger.engine.kernels.margin.account_margin import free_minor
from ledger.engine.kernels.margin.loans import is_margined
from ledger.engine.layout import CUSTODY, DUST, SUSPENSE
from ledger.engine.margin_layout import INSURANCE
from ledger.engine.state import Commands, Results, State, first_word
from ledger.records.codes import Check, EventKind, Reject, Verdict, WithdrawalStatus
from ledger.records.layout import DECISION, DEPOSIT
from matching.jit import i64, inner
from matching.layout import NIL
from matching.units import AMOUNT_MINOR_MAX

_SCREENING = int(Check.SCREENING)
_TRAVEL_RULE = int(Check.TRAVEL_RULE)
_APPROVE = int(Verdict.APPROVE)
_HELD = int(WithdrawalStatus.HELD)
_CLEARED = int(WithdrawalStatus.CLEARED)
_DENIED = int(WithdrawalStatus.DENIED)
_RELEASED_EVENT = int(EventKind.WITHDRAWAL_RELEASED)

_NONE = int(Reject.NONE)
_UNKNOWN_ACCOUNT = int(Reject.UNKNOWN_ACCOUNT)
_UNKNOWN_ASSET = int(Reject.UNKNOWN_ASSET)
_MALFORMED = int(Reject.MALFORMED)
_OUT_OF_TURN = int(Reject.OUT_OF_TURN)
_TABLE_FULL = int(Reject.TABLE_FULL)
_AMOUNT_OUT_OF_RANGE = int(Reject.AMOUNT_OUT_OF_RANGE)
_INSUFFICIENT_BALANCE = int(Reject.INSUFFICIENT_BALANCE)
_SUPPLY_EXCEEDED = int(Reject.SUPPLY_EXCEEDED)
_UNKNOWN_WITHDRAWAL = int(Reject.UNKNOWN_WITHDRAWAL)
_WRONG_STATE = int(Reject.WRONG_STATE)
_MARGIN_ACCOUNT = int(Reject.MARGIN_ACCOUNT)
_ALREADY_DECIDED = int(Reject.ALREADY_DECIDED)

_DEPOSIT_RESERVED = first_word(DEPOSIT, "reserved")
_DECISION_CHECK = first_word(DECISION, "check")
_DECISION_RESERVED = first_word(DECISION, "reserved")


@inner
def check_deposit(state: State, commands: Commands, row: int) -> int:
    """CREDIT_DEPOSIT's checks before the supply, in the order of `Reject`."""
    c, header = commands.deposit, state.header
    account, asset = i64(c["account"][row]), i64(c["asset"][row])
    if account not in (SUSPENSE, INSURANCE, LENDING_POOL) and not is_customer(state, account):
        return _UNKNOWN_ACCOUNT
    if asset >= header["asset_count"][0]:
        return _UNKNOWN_ASSET
    if (
        i64(c["flags"][row]) != 0
        or c["sender_pad"][row] != 0
        or c["chain_block"][row] < 0
        or not blank_from(commands, row, _DEPOSIT_RESERVED)
    ):
        return _MALFORMED
    if c["deposit_index"][row] != header["deposit_index"][0] + 1:
        return _OUT_OF_TURN
    if (
        not 0 <= c["amount_minor"][row] <= AMOUNT_MINOR_MAX
        or not 0 <= c["dust_wei"][row] < state.assets["unit_wei"][asset]
        or c["amount_minor"][row] + c["dust_wei"][row] == 0
    ):
        return _AMOUNT_OUT_OF_RANGE
    return _NONE


@inner
def credit_deposit(state: State, commands: Commands, results: Results, row: int) -> int:
    """CREDIT_DEPOSIT: exactly once, in the vault's order; dust is kept until it is whole.

    Returns a `Reject`; unless it is NONE nothing changed.
    """
    c, rows, outcomes = commands.deposit, state.assets, results.outcomes
    reject = check_deposit(state, commands, row)
    if reject != _NONE:
        return reject
    account, asset = i64(c["account"][row]), i64(c["asset"][row])
    amount_minor = c["amount_minor"][row]
    dust_wei = rows["dust_wei"][asset] + c["dust_wei"][row]
    # Both parts are below a unit, so at most one whole minor unit comes out.
    whole_minor = 1 if dust_wei >= rows["unit_wei"][asset] else 0
    brought_minor = amount_minor + whole_minor
    supply_minor = -available(state, asset, CUSTODY)
    if brought_minor > rows["supply_max_minor"][asset] - supply_minor:
        return _SUPPLY_EXCEEDED
    state.header["deposit_index"][0] = c["deposit_index"][row]
    rows["dust_wei"][asset] = dust_wei - whole_minor * rows["unit_wei"][asset]
    credit(state, asset, CUSTODY, -brought_minor)
    credit(state, asset, account, amount_minor)
    credit(state, asset, DUST, whole_minor)
    outcomes["subject_id"][row] = c["deposit_index"][row]
    outcomes["amount_minor"][row] = amount_minor
    return _NONE


@inner
def clear_when_passed(state: State, withdrawal: int) -> None:
    """Queue a withdrawal for the next batch once no required check is missing."""
    rows, header = state.withdrawals, state.header
    asset = i64(rows["asset"][withdrawal])
    required = i64(state.assets["required_checks"][asset])
    if required & ~i64(rows["checks_passed"][withdrawal]) != 0:
        return
    rows["status"][withdrawal] = _CLEARED
    tail = header["cleared_tail"][0]
    if tail == NIL:
        header["cleared_head"][0] = withdrawal
    else:
        rows["next"][tail] = withdrawal
    header["cleared_tail"][0] = withdrawal


@inner
def request_withdrawal(  # noqa: PLR0911 - one return a check
    state: State, commands: Commands, results: Results, row: int
) -> int:
    """REQUEST_WITHDRAWAL: amount and fee are held until it is paid or denied.

    Returns a `Reject`; unless it is NONE nothing changed.
    """
    c, rows, header = commands.withdrawal, state.withdrawals, state.header
    account, asset = i64(c["account"][row]), i64(c["asset"][row])
    if not is_customer(state, account):
        return _UNKNOWN_ACCOUNT
    if asset >= header["asset_count"][0]:
        return _UNKNOWN_ASSET
    payee = c["payee_0"][row] | c["payee_1"][row] | i64(c["payee_2"][row])
    pads = i64(c["pad"][row]) | i64(c["payee_pad"][row])
    if i64(c["flags"][row]) != 0 or pads != 0 or payee == 0:
        return _MALFORMED
    if header["withdrawal_count"][0] >= header["withdrawals_max"][0]:
        return _TABLE_FULL
    amount_minor = c["amount_minor"][row]
    fee_minor = state.assets["withdrawal_fee_minor"][asset]
    least_minor = max(state.assets["withdrawal_min_minor"][asset], 1)
    if not least_minor <= amount_minor <= AMOUNT_MINOR_MAX:
        return _AMOUNT_OUT_OF_RANGE
    if amount_minor + fee_minor > free_minor(state, asset, account):
        return _INSUFFICIENT_BALANCE
    if is_margined(state, account):
        return _MARGIN_ACCOUNT
    hold(state, asset, account, amount_minor + fee_minor)
    withdrawal = header["withdrawal_count"][0]
    header["withdrawal_count"][0] = withdrawal + 1
    rows["withdrawal_id"][withdrawal] = results.frame["seq"][0]
    rows["account"][withdrawal] = account
    rows["asset"][withdrawal] = asset
    rows["amount_minor"][withdrawal] = amount_minor
    rows["fee_minor"][withdrawal] = fee_minor
    rows["payee_0"][withdrawal] = c["payee_0"][row]
    rows["payee_1"][withdrawal] = c["payee_1"][row]
    rows["payee_2"][withdrawal] = c["payee_2"][row]
    rows["next"][withdrawal] = NIL
    rows["travel_0"][withdrawal] = c["travel_0"][row]
    rows["travel_1"][withdrawal] = c["travel_1"][row]
    rows["travel_2"][withdrawal] = c["travel_2"][row]
    rows["travel_3"][withdrawal] = c["travel_3"][row]
    rows["status"][withdrawal] = _HELD
    clear_when_passed(state, withdrawal)
    results.outcomes["subject_id"][row] = results.frame["seq"][0]
    results.outcomes["amount_minor"][row] = amount_minor + fee_minor
    return _NONE


@inner
def find_withdrawal(state: State, withdrawal_id: int) -> int:
    """The row of a withdrawal, or NIL: ids ascend by row."""
    ids = state.withdrawals["withdrawal_id"]
    low, high = i64(0), state.header["withdrawal_count"][0]
    while low < high:
        middle = (low + high) >> 1
        if ids[middle] < withdrawal_id:
            low = middle + 1
        else:
            high = middle
    if low < state.header["withdrawal_count"][0] and ids[low] == withdrawal_id:
        return low
    return NIL


@inner
def decide_withdrawal(state: State, commands: Commands, results: Results, row: int) -> int:
    """DECIDE_WITHDRAWAL: one verdict a check; a denial gives the hold back.

    Returns a `Reject`; unless it is NONE nothing changed.
    """
    c, rows, outcomes = commands.decision, state.withdrawals, results.outcomes
    check, verdict = i64(c["check"][row]), i64(c["verdict"][row])
    if (
        not unsigned(commands, row)
        or commands.words[row, _DECISION_CHECK] >> 16 != 0
        or not blank_from(commands, row, _DECISION_RESERVED)
        or check not in (_SCREENING, _TRAVEL_RULE)
        or verdict > _APPROVE
    ):
        return _MALFORMED
    withdrawal = find_withdrawal(state, c["withdrawal_id"][row])
    if withdrawal == NIL:
        return _UNKNOWN_WITHDRAWAL
    if i64(rows["status"][withdrawal]) != _HELD:
        return _WRONG_STATE
    if i64(rows["checks_passed"][withdrawal]) & check != 0:
        return _ALREADY_DECIDED
    outcomes["subject_id"][row] = c["withdrawal_id"][row]
    if verdict == _APPROVE:
        rows["checks_passed"][withdrawal] |= check
        clear_when_passed(state, withdrawal)
        return _NONE
    released_minor = rows["amount_minor"][withdrawal] + rows["fee_minor"][withdrawal]
    asset, account = i64(rows["asset"][withdrawal]), i64(rows["account"][withdrawal])
    rows["status"][withdrawal] = _DENIED
    hold(state, asset, account, -released_minor)
    report_withdrawal(state, results, _RELEASED_EVENT, withdrawal)
    outcomes["amount_minor"][row] = released_minor
    return _NONE
