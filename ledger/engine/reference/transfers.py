"""The reference engine's transfers between accounts of one master."""

from types import SimpleNamespace

from ledger.engine.reference.effects import Effects
from ledger.engine.reference.margin import free
from ledger.engine.reference.state import State, require
from ledger.records.codes import EventKind, Reject
from matching.units import AMOUNT_MINOR_MAX


def transfer(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """TRANSFER.

    Raises:
        Rejected: In the order of `Reject`.
    """
    for account in (c.account, c.payee):
        require(state.is_customer(account), Reject.UNKNOWN_ACCOUNT)
    require(c.asset < len(state.assets), Reject.UNKNOWN_ASSET)
    require(c.clean and c.flags == 0 and c.account != c.payee, Reject.MALFORMED)
    require(1 <= c.amount_minor <= AMOUNT_MINOR_MAX, Reject.AMOUNT_OUT_OF_RANGE)
    enough = c.amount_minor <= free(state, c.asset, c.account)
    require(enough, Reject.INSUFFICIENT_BALANCE)
    require(not state.seats[c.account].blocked, Reject.ACCOUNT_BLOCKED)
    masters = {state.accounts[account].master or account for account in (c.account, c.payee)}
    require(len(masters) == 1, Reject.NOT_RELATED)
    state.move(c.asset, c.account, c.payee, c.amount_minor)
    effects.emit(
        EventKind.TRANSFERRED,
        asset=c.asset,
        account=c.account,
        counter_account=c.payee,
        amount_minor=c.amount_minor,
    )
    effects.outcome = {"subject_id": c.payee, "amount_minor": c.amount_minor}
