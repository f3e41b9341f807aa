"""The reference engine's settings of how an account's positions stand."""

from types import SimpleNamespace

from ledger.engine.margin_layout import POSITIONS_PER_ACCOUNT_MAX
from ledger.engine.reference.contracts import Contract, Position
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.isolated import report_margin
from ledger.engine.reference.margin import affords, free, requirement
from ledger.engine.reference.state import State, require
from ledger.records.codes import CommandFlag, Reject
from matching.units import AMOUNT_MINOR_MAX


def _contract(state: State, c: SimpleNamespace, *, well_formed: bool) -> Contract:
    require(state.is_customer(c.account), Reject.UNKNOWN_ACCOUNT)
    require(c.instrument < len(state.instruments), Reject.UNKNOWN_INSTRUMENT)
    contract = state.instruments[c.instrument].contract
    require(well_formed and c.clean and contract is not None, Reject.MALFORMED)
    assert isinstance(contract, Contract), "just required"
    legs = state.legs(c.account)
    require(state.may_open(c.account, c.instrument, legs), Reject.TABLE_FULL)
    return contract


def _existing(state: State, c: SimpleNamespace) -> list[Position]:
    found = [state.position(c.account, c.instrument, leg) for leg in state.legs(c.account)]
    return [p for p in found if p is not None]


def _opened(state: State, c: SimpleNamespace) -> list[Position]:
    return [state.open(c.account, c.instrument, leg) for leg in state.legs(c.account)]


def set_leverage(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_LEVERAGE.

    Raises:
        Rejected: In the order of `Reject`.
    """
    contract = _contract(state, c, well_formed=c.flags == 0)
    rule = contract.rule
    require(rule is not None, Reject.NO_MARK)
    assert rule is not None, "just required"
    require(1 <= c.leverage <= rule.leverage_max, Reject.LEVERAGE_TOO_HIGH)
    for p in _existing(state, c):
        if p.isolated:
            require(not p.buy_lots and not p.sell_lots, Reject.ORDERS_OPEN)
            lower = p.lots and c.leverage < p.leverage
            enough = not lower or _own(contract, p) >= contract.initial(
                p.lots, contract.mark, c.leverage
            )
        else:
            before, former = requirement(contract, p), p.leverage
            p.leverage = c.leverage
            extra = requirement(contract, p) - before
            p.leverage = former
            enough = extra <= 0 or affords(state, c.account, contract.settle, extra)
        require(enough, Reject.INSUFFICIENT_MARGIN)
    for p in _opened(state, c):
        p.leverage = c.leverage
    effects.outcome = {"subject_id": c.instrument}


def _own(contract: Contract, p: Position) -> int:
    """What of an isolated position's margin counts: losses do, profits do not."""
    return p.margin + min(0, contract.profit(p.lots, p.cost, contract.mark))


def set_margin_mode(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_MARGIN_MODE.

    Raises:
        Rejected: In the order of `Reject`.
    """
    _contract(state, c, well_formed=c.flags == 0 and c.mode <= 1)
    require(not any(p.lots for p in _existing(state, c)), Reject.POSITION_OPEN)
    instruments = [order.instrument for order in state.owned(c.account)]
    instruments += [order.terms.instrument for order in state.waiting(c.account)]
    require(c.instrument not in instruments, Reject.ORDERS_OPEN)
    lends = c.mode and state.seats[c.account].leverage
    require(not lends, Reject.MARGIN_ACCOUNT)
    for p in _opened(state, c):
        p.isolated = c.mode == 1
    effects.outcome = {"subject_id": c.instrument}


def move_margin(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """MOVE_MARGIN.

    Raises:
        Rejected: In the order of `Reject`.
    """
    contract = _contract(state, c, well_formed=c.flags in {0, CommandFlag.SHORT_LEG})
    in_range = 0 < abs(c.amount_minor) <= AMOUNT_MINOR_MAX
    require(in_range, Reject.AMOUNT_OUT_OF_RANGE)
    terms = state.collateral.get(contract.settle)
    marked = contract.mark and contract.brackets and terms is not None and terms.price
    require(bool(marked), Reject.NO_MARK)
    hedged = c.account in state.hedged
    require(hedged or not c.flags, Reject.WRONG_LEG)
    leg = (2 if c.flags else 1) if hedged else 0
    p = state.position(c.account, c.instrument, leg)
    require(p is not None and p.lots != 0, Reject.NO_POSITION)
    assert p is not None, "just required"
    require(p.isolated, Reject.NOT_ISOLATED)
    most = free(state, contract.settle, c.account)
    if c.amount_minor < 0:
        most = _own(contract, p) - contract.initial(p.lots, contract.mark, p.leverage)
    require(abs(c.amount_minor) <= most, Reject.INSUFFICIENT_MARGIN)
    state.hold(contract.settle, c.account, c.amount_minor)
    p.margin += c.amount_minor
    report_margin(state, effects, p, -c.amount_minor)
    effects.outcome = {"subject_id": c.instrument, "amount_minor": c.amount_minor}


def _carried(state: State, account: int) -> list[tuple[Position, int]]:
    """Each position of the account's mode, with each leg of the other mode that will be as it."""
    hedged = account in state.hedged
    legs = (0,) if hedged else (1, 2)
    return [
        (p, leg)
        for p in state.own(account)
        if p.leg == (1 if hedged else 0)
        for leg in legs
        if p.leverage != 1 or p.isolated or state.position(account, p.instrument, leg) is not None
    ]


def set_position_mode(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_POSITION_MODE.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(state.is_customer(c.account), Reject.UNKNOWN_ACCOUNT)
    require(c.clean and c.flags == 0 and c.mode <= 1, Reject.MALFORMED)
    carried = _carried(state, c.account) if (c.mode == 1) != (c.account in state.hedged) else []
    missing = sum(state.position(c.account, p.instrument, leg) is None for p, leg in carried)
    crowded = len(state.own(c.account)) + missing > POSITIONS_PER_ACCOUNT_MAX
    full = len(state.positions) + missing > state.capacity.positions
    require(not missing or not (crowded or full), Reject.TABLE_FULL)
    require(not any(p.lots for p in state.own(c.account)), Reject.POSITION_OPEN)
    orders = [*state.owned(c.account), *state.waiting(c.account)]
    require(not orders, Reject.ORDERS_OPEN)
    for p, leg in carried:
        target = state.open(c.account, p.instrument, leg)
        target.leverage, target.isolated = p.leverage, p.isolated
    (state.hedged.add if c.mode else state.hedged.discard)(c.account)
    effects.outcome = {"subject_id": c.account}
