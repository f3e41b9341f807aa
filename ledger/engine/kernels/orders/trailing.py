"""Trailing stops: a trigger that follows its price at a distance.

Each instrument has a list of its trailing orders, at most TRAILS_MAX, so that they follow in one
pass that never looks at other pending orders. `caches.stands` says when none of them would move:
most trades are at prices that they have followed already.
"""

from ledger.engine.kernels.base.owners import enlist
from ledger.engine.kernels.base.pending import is_rising
from ledger.engine.kernels.base.prices import price_now, source_of
from ledger.engine.layout import INDEX, LAST, MARK, SOURCES
from ledger.engine.limits import OWN_TRAILS_MAX, TRAILS_MAX
from ledger.engine.state import Commands, State
from ledger.records.codes import CommandFlag
from matching.ids import find_slot
from matching.index import key_of
from matching.jit import i64, inner
from matching.queue import remove_order, rest_order
from matching.units import PRICE_TICKS_MAX

_TRAILING = int(CommandFlag.TRAILING)


@inner
def has_trail_room(state: State, instrument: int, account: int) -> bool:
    """Whether one more trailing order of an account may wait in an instrument."""
    if i64(state.trail_owners["count"][instrument]) >= TRAILS_MAX:
        return False
    own = i64(0)
    place = i64(state.trail_owners["head"][instrument])
    while place != 0:
        own += i64(state.triggers.orders["account"][place - 1] == account)
        place = i64(state.trail_links["next"][place - 1])
    return own < OWN_TRAILS_MAX


@inner
def trigger_of(state: State, commands: Commands, row: int) -> int:
    """Where a new pending order's trigger stands: its own, or at a distance from its price."""
    c = commands.order
    flags, ticks = i64(c["flags"][row]), i64(c["trigger_ticks"][row])
    if flags & _TRAILING == 0:
        return ticks
    instrument = i64(c["instrument"][row])
    now_ticks = price_now(state, instrument, source_of(flags))
    most_ticks = i64(state.instruments["max_price_ticks"][instrument])
    rising = is_rising(i64(c["side"][row]), flags)
    wanted = now_ticks + ticks if rising else now_ticks - ticks
    return max(i64(1), min(most_ticks, wanted))


@inner
def follow(state: State, order_id: int, instrument: int, trail_ticks: int) -> None:
    """Let a pending order's trigger follow from now on."""
    slot = find_slot(state.triggers.ids, order_id)
    state.pending["trail_ticks"][slot] = trail_ticks
    state.header["trailing_count"][0] += 1
    enlist(state.trail_owners, state.trail_links, instrument, slot)
    state.caches.stands["falling_ticks"][instrument] = 0


@inner
def is_trailed(state: State, instrument: int, low_ticks: int, high_ticks: int) -> bool:
    """Whether trades within low..high may move a trigger of the instrument."""
    if i64(state.trail_owners["head"][instrument]) == 0:
        return False
    stands = state.caches.stands
    falling_ticks, rising_ticks = stands["falling_ticks"], stands["rising_ticks"]
    return bool(high_ticks > falling_ticks[instrument] or low_ticks < rising_ticks[instrument])


@inner
def move_trigger(state: State, slot: int, trigger_ticks: int) -> None:
    """Put a pending order at another trigger, behind those that stand there."""
    orders = state.triggers.orders
    order_id, account = i64(orders["order_id"][slot]), i64(orders["account"][slot])
    side_index = i64(orders["side_index"][slot])
    key = key_of(state.triggers, side_index, trigger_ticks)
    remove_order(state.triggers, slot)
    # The slot that was freed last is the first one taken: all else in it stays true.
    rest_order(state.triggers, side_index, key, account, (order_id, i64(1)))
    state.pending["trigger_ticks"][slot] = trigger_ticks


@inner
def trail(state: State, instrument: int, source: int, low_ticks: int, high_ticks: int) -> None:
    """Let an instrument's trailing orders follow a price that was within low..high.

    A rising trigger comes down after the lowest price, a falling one up after the highest.
    """
    rows = state.pending
    most_ticks = i64(state.instruments["max_price_ticks"][instrument])
    # One that falls moves after a price above its trigger and distance, one that rises below.
    falling_ticks, rising_ticks = i64(PRICE_TICKS_MAX), i64(0)
    place = i64(state.trail_owners["head"][instrument])
    while place != 0:
        slot = place - 1
        place = i64(state.trail_links["next"][slot])
        side_index = i64(state.triggers.orders["side_index"][slot])
        if (side_index >> 1) % SOURCES != source:
            continue
        before, trail_ticks = i64(rows["trigger_ticks"][slot]), i64(rows["trail_ticks"][slot])
        if side_index & 1:
            after = min(before, low_ticks + trail_ticks)
            rising_ticks = max(rising_ticks, after - trail_ticks)
        else:
            after = max(before, min(most_ticks, high_ticks - trail_ticks))
            falling_ticks = min(falling_ticks, after + trail_ticks)
        if after != before:
            move_trigger(state, slot, after)
    if source == LAST:
        state.caches.stands["falling_ticks"][instrument] = falling_ticks
        state.caches.stands["rising_ticks"][instrument] = rising_ticks


@inner
def trail_prices(state: State) -> None:
    """At a TICK, when marks and indices have moved: what follows them."""
    for instrument in range(state.header["instrument_count"][0]):
        if i64(state.trail_owners["head"][instrument]) == 0:
            continue
        for source in (MARK, INDEX):
            now_ticks = price_now(state, instrument, i64(source))
            if now_ticks != 0:
                trail(state, instrument, i64(source), now_ticks, now_ticks)
