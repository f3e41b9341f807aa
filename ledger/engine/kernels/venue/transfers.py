"""TRANSFER: money moves at once between a master and its sub-accounts, or between two of them."""

from ledger.engine.kernels.base.checks import blank_from, is_customer
from ledger.engine.kernels.base.fees import holder_of
from ledger.engine.kernels.base.money import credit
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.margin.account_margin import free_minor
from ledger.engine.state import Commands, Results, State, first_word
from ledger.records.codes import EventKind, Reject
from ledger.records.layout import TRANSFER
from matching.jit import i64, inner
from matching.units import AMOUNT_MINOR_MAX

_TRANSFERRED = int(EventKind.TRANSFERRED)
_NONE = int(Reject.NONE)
_UNKNOWN_ACCOUNT = int(Reject.UNKNOWN_ACCOUNT)
_UNKNOWN_ASSET = int(Reject.UNKNOWN_ASSET)
_MALFORMED = int(Reject.MALFORMED)
_AMOUNT_OUT_OF_RANGE = int(Reject.AMOUNT_OUT_OF_RANGE)
_INSUFFICIENT_BALANCE = int(Reject.INSUFFICIENT_BALANCE)
_ACCOUNT_BLOCKED = int(Reject.ACCOUNT_BLOCKED)
_NOT_RELATED = int(Reject.NOT_RELATED)

_RESERVED = first_word(TRANSFER, "reserved")


@inner
def transfer(  # noqa: PLR0911 - one return a check
    state: State, commands: Commands, results: Results, row: int
) -> int:
    """TRANSFER: the header's account pays. Returns a `Reject`; unless NONE nothing changed."""
    c, events = commands.transfer, results.events
    payer, payee = i64(c["account"][row]), i64(c["payee"][row])
    asset, amount_minor = i64(c["asset"][row]), c["amount_minor"][row]
    if not is_customer(state, payer) or not is_customer(state, payee):
        return _UNKNOWN_ACCOUNT
    if asset >= state.header["asset_count"][0]:
        return _UNKNOWN_ASSET
    if i64(c["flags"][row]) != 0 or payer == payee or not blank_from(commands, row, _RESERVED):
        return _MALFORMED
    if not 1 <= amount_minor <= AMOUNT_MINOR_MAX:
        return _AMOUNT_OUT_OF_RANGE
    if amount_minor > free_minor(state, asset, payer):
        return _INSUFFICIENT_BALANCE
    if state.seats["blocked"][payer]:
        return _ACCOUNT_BLOCKED
    if holder_of(state, payer) != holder_of(state, payee):
        return _NOT_RELATED
    credit(state, asset, payer, -amount_minor)
    credit(state, asset, payee, amount_minor)
    event = begin_event(results, _TRANSFERRED)
    events["asset"][event] = asset
    events["account"][event] = payer
    events["counter_account"][event] = payee
    events["amount_minor"][event] = amount_minor
    results.outcomes["subject_id"][row] = payee
    results.outcomes["amount_minor"][row] = amount_minor
    return _NONE
