"""Orders that leave many at a time: CANCEL_ALL, CANCEL_AFTER, SET_ACCOUNT, and what a TICK ends."""

from ledger.engine.kernels.base.checks import blank_from, is_customer
from ledger.engine.kernels.base.commands import must_wait
from ledger.engine.kernels.base.pending import side_of
from ledger.engine.kernels.base.tick_room import events_of_expiry
from ledger.engine.kernels.base.timers import clear_timer, due_timer, is_second, set_timer
from ledger.engine.kernels.orders.leaving import expire_order, expire_pending
from ledger.engine.limits import BURST_MAX, EXPIRIES_MAX, INTERVAL_NS_MAX
from ledger.engine.state import Commands, Results, State, first_word
from ledger.records.codes import CancelScope, ExpireReason, Reject, Side
from ledger.records.layout import ORDER, SEAT
from matching.ids import find_slot
from matching.jit import i64, inner
from matching.layout import NIL

_INSTRUMENT = int(CancelScope.INSTRUMENT)
_SIDE = int(CancelScope.SIDE)
_SCOPE_ALL = int(max(CancelScope) * 2 - 1)
_SIDE_LAST = int(max(Side))
_TIME = int(ExpireReason.TIME)
_CANCEL_ALL = int(ExpireReason.CANCEL_ALL)
_DEAD_MAN = int(ExpireReason.DEAD_MAN)
_BLOCKED = int(ExpireReason.ACCOUNT_BLOCKED)
_NS = 1_000_000_000

_NONE = int(Reject.NONE)
_UNKNOWN_ACCOUNT = int(Reject.UNKNOWN_ACCOUNT)
_UNKNOWN_INSTRUMENT = int(Reject.UNKNOWN_INSTRUMENT)
_MALFORMED = int(Reject.MALFORMED)
_TABLE_FULL = int(Reject.TABLE_FULL)

_ORDER_PRICE = first_word(ORDER, "price_ticks")
_ORDER_EXPIRE = first_word(ORDER, "expire_ns")
_ORDER_TARGET = first_word(ORDER, "target_id")
_ORDER_RESERVED = first_word(ORDER, "reserved")
_SEAT_RESERVED = first_word(SEAT, "reserved")


@inner
def names_nothing(commands: Commands, row: int) -> bool:
    """No price, size, trigger or target: fields of an order that a sweep has no use for."""
    found = i64(0)
    for word in range(_ORDER_PRICE, _ORDER_EXPIRE):
        found |= commands.words[row, word]
    found |= commands.words[row, _ORDER_TARGET]
    c = commands.order
    small = i64(c["order_type"][row]) | i64(c["time_in_force"][row]) | i64(c["self_trade"][row])
    return found == 0 and small == 0 and blank_from(commands, row, _ORDER_RESERVED)


@inner
def sweep_book(
    state: State, results: Results, account: int, scope: tuple[int, int], reason: int
) -> int:
    """Expire an account's resting orders within a scope; returns how many."""
    side_index, mask = scope
    swept = 0
    place = i64(state.order_owners["head"][account])
    while place != 0:
        slot = place - 1
        # A resting order's partner is pending: it is not the next one of this list.
        place = i64(state.order_links["next"][slot])
        if (i64(state.book.orders["side_index"][slot]) ^ side_index) & mask == 0:
            expire_order(state, results, slot, reason)
            swept += 1
    return swept


@inner
def sweep_pending(
    state: State, results: Results, account: int, scope: tuple[int, int], reason: int
) -> int:
    """Expire an account's pending orders within a scope; returns how many, partners aside."""
    side_index, mask = scope
    swept = 0
    place = i64(state.pending_owners["head"][account])
    while place != 0:
        slot = place - 1
        place = i64(state.pending_links["next"][slot])
        if (side_of(state, slot) ^ side_index) & mask == 0:
            partner_id = i64(state.pending["partner_id"][slot])
            if place != 0 and i64(state.triggers.orders["order_id"][place - 1]) == partner_id:
                place = i64(state.pending_links["next"][place - 1])
            expire_pending(state, results, slot, reason)
            swept += 1
    return swept


@inner
def sweep_account(
    state: State, results: Results, account: int, scope: tuple[int, int], reason: int
) -> int:
    """Expire an account's orders, those that rest and then those that are pending.

    Args:
        state: Mutated.
        results: Events are added.
        account: Whose orders.
        scope: (side_index, mask): orders whose 2 * instrument + side equals it under the mask.
        reason: An `ExpireReason`.

    Returns:
        How many left, partners aside. Work: the account's orders.
    """
    swept = sweep_book(state, results, account, scope, reason)
    return swept + sweep_pending(state, results, account, scope, reason)


@inner
def cancel_all(state: State, commands: Commands, results: Results, row: int) -> int:
    """CANCEL_ALL: an account's orders, or those of one instrument or side.

    Returns a `Reject`; unless it is NONE nothing changed.
    """
    c = commands.order
    account, instrument = i64(c["account"][row]), i64(c["instrument"][row])
    side, scope = i64(c["side"][row]), i64(c["flags"][row])
    if not is_customer(state, account):
        return _UNKNOWN_ACCOUNT
    if instrument >= state.header["instrument_count"][0] and scope & _INSTRUMENT:
        return _UNKNOWN_INSTRUMENT
    if (
        scope & ~_SCOPE_ALL
        or side > (_SIDE_LAST if scope & _SIDE else 0)
        or (instrument != 0 and not scope & _INSTRUMENT)
        or c["expire_ns"][row] != 0
        or not names_nothing(commands, row)
    ):
        return _MALFORMED
    mask = (-2 if scope & _INSTRUMENT else 0) | (1 if scope & _SIDE else 0)
    within = (2 * instrument + side, i64(mask))
    swept = sweep_account(state, results, account, within, _CANCEL_ALL)
    results.outcomes["subject_id"][row] = swept
    return _NONE


@inner
def cancel_after(state: State, commands: Commands, results: Results, row: int) -> int:
    """CANCEL_AFTER: set the dead-man's switch anew, or disarm it.

    Returns a `Reject`; unless it is NONE nothing changed.
    """
    c, seats = commands.order, state.seats
    account, expire_ns = i64(c["account"][row]), i64(c["expire_ns"][row])
    if not is_customer(state, account):
        return _UNKNOWN_ACCOUNT
    armed = expire_ns != 0
    if (
        i64(c["flags"][row]) != 0
        or i64(c["side"][row]) != 0
        or i64(c["instrument"][row]) != 0
        or (armed and (not is_second(expire_ns) or expire_ns <= c["time_ns"][row]))
        or not names_nothing(commands, row)
    ):
        return _MALFORMED
    if seats["cancel_after_s"][account] != 0:
        clear_timer(state, -account)
    second = expire_ns // _NS
    seats["cancel_after_s"][account] = second
    if armed:
        set_timer(state, -account, account, second)
    results.outcomes["subject_id"][row] = account
    return _NONE


@inner
def set_account(state: State, commands: Commands, results: Results, row: int) -> int:
    """SET_ACCOUNT: the kill switch and the throttle; a blocked account keeps no order.

    Returns a `Reject`; unless it is NONE nothing changed.
    """
    c, seats = commands.seat, state.seats
    account = i64(c["account"][row])
    burst, interval_ns = i64(c["burst"][row]), c["interval_ns"][row]
    if not is_customer(state, account):
        return _UNKNOWN_ACCOUNT
    throttled = interval_ns != 0
    if (
        i64(c["flags"][row]) != 0
        or i64(c["blocked"][row]) > 1
        or not 0 <= interval_ns <= INTERVAL_NS_MAX
        or not (1 if throttled else 0) <= burst <= (BURST_MAX if throttled else 0)
        or not blank_from(commands, row, _SEAT_RESERVED)
    ):
        return _MALFORMED
    seats["blocked"][account] = c["blocked"][row]
    seats["burst"][account] = burst
    seats["interval_ns"][account] = interval_ns
    seats["backlog_ns"][account] = 0
    seats["asked_ns"][account] = 0
    if seats["blocked"][account]:
        sweep_account(state, results, account, (i64(0), i64(0)), _BLOCKED)
    results.outcomes["subject_id"][row] = account
    return _NONE


@inner
def backlog(state: State, account: int, time_ns: int) -> int:
    """What the account's earlier orders still weigh on its throttle."""
    seats = state.seats
    passed_ns = time_ns - i64(seats["asked_ns"][account])
    return max(0, i64(seats["backlog_ns"][account]) - passed_ns)


@inner
def is_throttled(state: State, account: int, time_ns: int) -> bool:
    """Whether one more order is more than the throttle lets through now."""
    interval_ns = i64(state.seats["interval_ns"][account])
    if interval_ns == 0:
        return False
    most_ns = i64(state.seats["burst"][account]) * interval_ns
    return backlog(state, account, time_ns) + interval_ns > most_ns


@inner
def count_order(state: State, account: int, time_ns: int) -> None:
    """Let one order through the throttle."""
    seats = state.seats
    if seats["interval_ns"][account] != 0:
        weight_ns = backlog(state, account, time_ns) + seats["interval_ns"][account]
        seats["backlog_ns"][account] = weight_ns
        seats["asked_ns"][account] = time_ns


@inner
def expire_by_id(state: State, results: Results, order_id: int, reason: int) -> None:
    """Expire an order wherever it stands."""
    slot = find_slot(state.book.ids, order_id)
    if slot != NIL:
        expire_order(state, results, slot, reason)
    else:
        expire_pending(state, results, find_slot(state.triggers.ids, order_id), reason)


@inner
def expire_first(state: State, results: Results, account: int) -> bool:
    """Expire an account's first order for its dead-man's switch; False when it has none."""
    place = i64(state.order_owners["head"][account])
    if place != 0:
        expire_order(state, results, place - 1, _DEAD_MAN)
        return True
    place = i64(state.pending_owners["head"][account])
    if place != 0:
        expire_pending(state, results, place - 1, _DEAD_MAN)
    return place != 0


@inner
def expire_due(state: State, results: Results) -> bool:
    """End what is due by now: at most EXPIRIES_MAX orders and switches, the earliest first.

    Returns whether it is done; it is one part of a TICK.
    """
    timers, time_ns = state.timers.orders, results.frame["time_ns"][0]
    if must_wait(results, i64(0), events_of_expiry(state, time_ns)):
        return False
    for _ in range(EXPIRIES_MAX):
        timer = due_timer(state, time_ns)
        if timer == NIL:
            break
        timer_id = i64(timers["order_id"][timer])
        if timer_id > 0:
            expire_by_id(state, results, timer_id, _TIME)
        elif not expire_first(state, results, -timer_id):
            clear_timer(state, timer_id)
            state.seats["cancel_after_s"][-timer_id] = 0
    return True
