"""The reference engine's holds of risk and compliance."""

from types import SimpleNamespace

from ledger.engine.reference.effects import Effects
from ledger.engine.reference.margin import free
from ledger.engine.reference.state import RiskHold, State, require
from ledger.records.codes import EventKind, Reject
from matching.units import AMOUNT_MINOR_MAX


def place_hold(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """PLACE_HOLD: an old number is refused, and told apart by whether it says the same.

    Raises:
        Rejected: In the order of `Reject`, but for an old number: there the next one is asked for.
    """
    require(state.is_customer(c.account), Reject.UNKNOWN_ACCOUNT)
    require(c.asset < len(state.assets), Reject.UNKNOWN_ASSET)
    require(c.clean and c.flags == 0, Reject.MALFORMED)
    said = c.account, c.asset, c.amount_minor, c.reason
    if 1 <= c.hold_id <= len(state.risk_holds):
        before = state.risk_holds[c.hold_id - 1].said
        require(said == before, Reject.HOLD_DIFFERS)
        require(said != before, Reject.HOLD_EXISTS)
    require(c.hold_id == len(state.risk_holds) + 1, Reject.OUT_OF_TURN)
    require(c.hold_id <= state.capacity.holds, Reject.TABLE_FULL)
    require(1 <= c.amount_minor <= AMOUNT_MINOR_MAX, Reject.AMOUNT_OUT_OF_RANGE)
    enough = c.amount_minor <= free(state, c.asset, c.account)
    require(enough, Reject.INSUFFICIENT_BALANCE)
    require(not state.seats[c.account].leverage, Reject.MARGIN_ACCOUNT)
    state.hold(c.asset, c.account, c.amount_minor)
    state.risk_holds.append(RiskHold(effects.seq, said, c.amount_minor))
    report(state, effects, EventKind.HOLD_PLACED, c.hold_id, c.amount_minor)


def release_hold(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """RELEASE_HOLD: as much as it says, or all that is left.

    Raises:
        Rejected: MALFORMED, UNKNOWN_HOLD, WRONG_STATE or AMOUNT_OUT_OF_RANGE.
    """
    require(c.clean and c.flags == c.account == c.asset == 0, Reject.MALFORMED)
    require(1 <= c.hold_id <= len(state.risk_holds), Reject.UNKNOWN_HOLD)
    own = state.risk_holds[c.hold_id - 1]
    require(own.left > 0, Reject.WRONG_STATE)
    require(0 <= c.amount_minor <= own.left, Reject.AMOUNT_OUT_OF_RANGE)
    amount = c.amount_minor or own.left
    own.left -= amount
    account, asset, _, _ = own.said
    state.hold(asset, account, -amount)
    report(state, effects, EventKind.HOLD_RELEASED, c.hold_id, amount)


def report(state: State, effects: Effects, kind: EventKind, hold_id: int, amount: int) -> None:
    """What the hold did to its account's money, and what is left of it."""
    own = state.risk_holds[hold_id - 1]
    account, asset, _, _ = own.said
    effects.emit(
        kind,
        asset=asset,
        account=account,
        order_id=hold_id,
        quote_minor=own.left,
        amount_minor=amount,
    )
    effects.outcome = {"subject_id": hold_id, "amount_minor": amount}
