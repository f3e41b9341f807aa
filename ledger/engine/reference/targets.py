"""The reference engine's commands that name an order which is there."""

from types import SimpleNamespace

from ledger.engine.reference.effects import Effects
from ledger.engine.reference.settle import drop_pending, part, shrink, unrest
from ledger.engine.reference.state import Order, Pending, Rejected, State, require
from ledger.records.codes import OrderStatus, Reject


def check_target(state: State, c: SimpleNamespace, *, amends: bool) -> Order | Pending:
    """The caller's own open order of the named instrument.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(state.is_customer(c.account), Reject.UNKNOWN_ACCOUNT)
    require(c.instrument < len(state.instruments), Reject.UNKNOWN_INSTRUMENT)
    unused = (
        c.flags,
        c.side,
        c.order_type,
        c.time_in_force,
        c.self_trade,
        c.price_ticks,
        c.quote_minor,
        c.trigger_ticks,
        c.display_lots,
        c.expire_ns,
        0 if amends else c.qty_lots,
    )
    require(c.clean and not any(unused), Reject.MALFORMED)
    if amends:
        most = state.instruments[c.instrument].max_qty
        require(1 <= c.qty_lots <= most, Reject.QTY_OUT_OF_RANGE)
    require(not amends or c.target_id not in state.pending, Reject.UNKNOWN_ORDER)
    return own_order(state, c)


def own_order(state: State, c: SimpleNamespace, side: int | None = None) -> Order | Pending:
    """The caller's own order of the named instrument and side, resting or pending.

    Raises:
        Rejected: UNKNOWN_ORDER or NOT_OWNER.
    """
    order = state.orders.get(c.target_id) or state.pending.get(c.target_id)
    if order is None:
        raise Rejected(Reject.UNKNOWN_ORDER)
    terms = order.terms if isinstance(order, Pending) else order
    require(terms.instrument == c.instrument, Reject.UNKNOWN_ORDER)
    require(side in (None, terms.side), Reject.UNKNOWN_ORDER)
    require(order.account == c.account, Reject.NOT_OWNER)
    return order


def cancel_order(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """CANCEL_ORDER.

    Raises:
        Rejected: In the order of `Reject`.
    """
    order = check_target(state, c, amends=False)
    if isinstance(order, Pending):
        left, released = order.terms.qty_lots, 0
        drop_pending(state, order)
    else:
        left = order.remaining
        _, released = unrest(state, order)
    effects.outcome = {
        "status": OrderStatus.CANCELED,
        "subject_id": order.order_id,
        "remaining_lots": left,
        "amount_minor": released,
    }
    part(state, effects, order.partner)


def amend_order(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """AMEND_ORDER: strictly smaller, place in the queue kept.

    Raises:
        Rejected: In the order of `Reject`.
    """
    order = check_target(state, c, amends=True)
    assert isinstance(order, Order), "an amend's order rests"
    filled = order.total - order.remaining
    require(filled < c.qty_lots < order.total, Reject.NOTHING_TO_AMEND)
    released = shrink(state, order, c.qty_lots - filled)
    effects.outcome = {
        "status": OrderStatus.PARTLY_FILLED if filled else OrderStatus.OPEN,
        "subject_id": order.order_id,
        "remaining_lots": order.remaining,
        "amount_minor": released,
    }
