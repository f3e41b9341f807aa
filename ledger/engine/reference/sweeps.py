"""The reference engine's orders that leave many at a time, its timers and its throttle."""

from types import SimpleNamespace

from ledger.engine.layout import TIMER_EPOCH_S
from ledger.engine.limits import BURST_MAX, EXPIRIES_MAX, INTERVAL_NS_MAX
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.settle import expire
from ledger.engine.reference.state import State, require
from ledger.records.codes import CancelScope, ExpireReason, Reject
from matching.units import PRICE_TICKS_MAX

NS = 10**9


def is_second(expire_ns: int) -> bool:
    """Whether a moment is a whole second that a timer can stand at."""
    second, rest = divmod(expire_ns, NS)
    return rest == 0 and 0 < second - TIMER_EPOCH_S <= PRICE_TICKS_MAX


def names_nothing(c: SimpleNamespace) -> bool:
    """No price, size, trigger or target."""
    unused = (
        c.order_type, c.time_in_force, c.self_trade, c.price_ticks, c.qty_lots, c.quote_minor,
        c.trigger_ticks, c.display_lots, c.target_id,
    )  # fmt: skip
    return c.clean and not any(unused)


def cancel_all(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """CANCEL_ALL.

    Raises:
        Rejected: In the order of `Reject`.
    """
    of_one, of_side = bool(c.flags & CancelScope.INSTRUMENT), bool(c.flags & CancelScope.SIDE)
    require(state.is_customer(c.account), Reject.UNKNOWN_ACCOUNT)
    known = not of_one or c.instrument < len(state.instruments)
    require(known, Reject.UNKNOWN_INSTRUMENT)
    well_formed = (
        names_nothing(c)
        and c.expire_ns == 0
        and c.flags <= 3
        and (c.side <= 1 if of_side else c.side == 0)
        and (of_one or c.instrument == 0)
    )
    require(well_formed, Reject.MALFORMED)
    swept = [
        order
        for order in state.owned(c.account)
        if (not of_one or order.instrument == c.instrument)
        and (not of_side or order.side == c.side)
    ]
    for order in swept:
        expire(state, effects, order, ExpireReason.CANCEL_ALL)
    effects.outcome = {"subject_id": len(swept)}


def cancel_after(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """CANCEL_AFTER.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(state.is_customer(c.account), Reject.UNKNOWN_ACCOUNT)
    in_time = c.expire_ns == 0 or (is_second(c.expire_ns) and c.expire_ns > effects.time_ns)
    well_formed = names_nothing(c) and c.flags == c.side == c.instrument == 0 and in_time
    require(well_formed, Reject.MALFORMED)
    seat = state.seats[c.account]
    if seat.cancel_after_s:
        state.timers.remove(-c.account)
    seat.cancel_after_s = c.expire_ns // NS
    if seat.cancel_after_s:
        state.timers.add(-c.account, c.account, seat.cancel_after_s)
    effects.outcome = {"subject_id": c.account}


def set_account(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_ACCOUNT.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(state.is_customer(c.account), Reject.UNKNOWN_ACCOUNT)
    if c.interval_ns:
        terms = 1 <= c.interval_ns <= INTERVAL_NS_MAX and 1 <= c.burst <= BURST_MAX
    else:
        terms = c.burst == 0
    require(c.clean and c.flags == 0 and c.blocked <= 1 and terms, Reject.MALFORMED)
    seat = state.seats[c.account]
    seat.blocked, seat.burst, seat.interval_ns = c.blocked, c.burst, c.interval_ns
    seat.backlog_ns = seat.asked_ns = 0
    if c.blocked:
        for order in state.owned(c.account):
            expire(state, effects, order, ExpireReason.ACCOUNT_BLOCKED)
    effects.outcome = {"subject_id": c.account}


def check_seat(state: State, effects: Effects, account: int) -> None:
    """The kill switch and the throttle.

    Raises:
        Rejected: ACCOUNT_BLOCKED or THROTTLED.
    """
    seat = state.seats[account]
    require(not seat.blocked, Reject.ACCOUNT_BLOCKED)
    if seat.interval_ns:
        weight = seat.weight(effects.time_ns) + seat.interval_ns
        require(weight <= seat.burst * seat.interval_ns, Reject.THROTTLED)


def count_order(state: State, effects: Effects, account: int) -> None:
    """Let one order through the throttle."""
    seat = state.seats[account]
    if seat.interval_ns:
        seat.backlog_ns = seat.weight(effects.time_ns) + seat.interval_ns
        seat.asked_ns = effects.time_ns


def expire_due(state: State, effects: Effects) -> None:
    """End what is due by now, the earliest first."""
    for _ in range(EXPIRIES_MAX):
        timer = state.timers.first(effects.time_ns // NS)
        if timer is None:
            return
        if timer > 0:
            expire(state, effects, state.orders[timer], ExpireReason.TIME)
        elif state.owned(-timer):
            expire(state, effects, state.owned(-timer)[0], ExpireReason.DEAD_MAN)
        else:
            state.timers.remove(timer)
            state.seats[-timer].cancel_after_s = 0
