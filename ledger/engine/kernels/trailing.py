"""Trailing stops: a trigger that follows its price at a distance, at each TICK.

Each instrument has a list of its trailing orders, at most TRAILS_MAX, so that a TICK follows them
in one pass and never looks at other pending orders; between two TICKs they are stops like others.
"""

from ledger.engine.kernels.owners import enlist
from ledger.engine.kernels.pending import is_rising
from ledger.engine.kernels.prices import price_now, source_of
from ledger.engine.layout import INDEX, LAST, MARK, SOURCES
from ledger.engine.limits import TRAILS_MAX
from ledger.engine.state import Commands, State
from ledger.records.codes import CommandFlag
from matching.ids import find_slot
from matching.index import key_of
from matching.jit import i64, inner
from matching.queue import remove_order, rest_order

_TRAILING = int(CommandFlag.TRAILING)


@inner
def has_trail_room(state: State, instrument: int) -> bool:
    """Whether one more trailing order of the instrument may wait."""
    return i64(state.trail_owners["count"][instrument]) < TRAILS_MAX


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
    enlist(state.trail_owners, state.trail_links, instrument, slot)


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
def is_fresh(state: State, slot: int) -> bool:
    """Whether an order came after the last TICK: not all trades since then came after it."""
    return bool(state.triggers.orders["order_id"][slot] > state.header["ticked_seq"][0])


@inner
def trail(state: State, instrument: int, source: int, low_ticks: int, high_ticks: int) -> None:
    """Let an instrument's trailing orders follow a price that was within low..high, 0: nowhere.

    A rising trigger comes down after the lowest price, a falling one up after the highest.
    """
    rows = state.pending
    most_ticks = i64(state.instruments["max_price_ticks"][instrument])
    place = i64(state.trail_owners["head"][instrument])
    while place != 0 and low_ticks != 0:
        slot = place - 1
        place = i64(state.trail_links["next"][slot])
        side_index = i64(state.triggers.orders["side_index"][slot])
        if (side_index >> 1) % SOURCES != source:
            continue
        before, trail_ticks = i64(rows["trigger_ticks"][slot]), i64(rows["trail_ticks"][slot])
        best_ticks = low_ticks if side_index & 1 else high_ticks
        if source == LAST and is_fresh(state, slot):
            best_ticks = i64(state.markets["last_ticks"][instrument])
        if side_index & 1:
            after = min(before, best_ticks + trail_ticks)
        else:
            after = max(before, min(most_ticks, best_ticks - trail_ticks))
        if after != before:
            move_trigger(state, slot, after)


@inner
def trail_trades(state: State, instrument: int) -> None:
    """Follow the trades since the last TICK."""
    rows = state.sessions
    low_ticks, high_ticks = rows["low_ticks"][instrument], rows["high_ticks"][instrument]
    trail(state, instrument, i64(LAST), i64(low_ticks), i64(high_ticks))


@inner
def trail_all_trades(state: State) -> None:
    """At a TICK: every instrument's trailing orders follow its trades."""
    for instrument in range(state.header["instrument_count"][0]):
        trail_trades(state, instrument)


@inner
def trail_prices(state: State) -> None:
    """At a TICK, when marks and indices have moved: what follows them."""
    for instrument in range(state.header["instrument_count"][0]):
        if i64(state.trail_owners["head"][instrument]) == 0:
            continue
        for source in (MARK, INDEX):
            now_ticks = price_now(state, instrument, i64(source))
            trail(state, instrument, i64(source), now_ticks, now_ticks)


@inner
def trailing_count(state: State) -> int:
    """All trailing orders: at most so many triggers move at one TICK."""
    count = i64(0)
    for instrument in range(state.header["instrument_count"][0]):
        count += i64(state.trail_owners["count"][instrument])
    return count
