"""Timers: what is due at which second. A book of its own, whose prices are seconds.

A timer's id is its order's, or minus the account of a dead-man's switch; its `qty_lots` is its
second, so that the index is rebuilt from the rows alone.
"""

from ledger.engine.layout import TIMER_EPOCH_S
from ledger.engine.state import State
from matching.ids import find_slot
from matching.jit import i64, inner
from matching.layout import NIL
from matching.queue import remove_order, rest_order
from matching.units import PRICE_TICKS_MAX

NS = 1_000_000_000


@inner
def is_second(expire_ns: int) -> bool:
    """Whether a moment is a whole second that a timer can stand at."""
    if expire_ns <= 0 or expire_ns % NS != 0:
        return False
    return 1 <= expire_ns // NS - TIMER_EPOCH_S <= PRICE_TICKS_MAX


@inner
def set_timer(state: State, timer_id: int, account: int, second: int) -> None:
    """Begin a timer that is not set; second as `is_second` allows."""
    key = second - TIMER_EPOCH_S
    rest_order(state.timers, 0, key, account, (timer_id, key))


@inner
def clear_timer(state: State, timer_id: int) -> None:
    """End a timer that is set."""
    remove_order(state.timers, find_slot(state.timers.ids, timer_id))


@inner
def due_timer(state: State, time_ns: int) -> int:
    """The slot of the first timer that is due, or NIL."""
    sides = state.timers.sides
    if i64(sides["best_key"][0]) > time_ns // NS - TIMER_EPOCH_S:
        return NIL
    return i64(state.timers.levels["head"][i64(sides["best_level"][0])])
