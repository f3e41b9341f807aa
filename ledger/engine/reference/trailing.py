"""The reference engine's trailing stops."""

from collections.abc import Sequence
from types import SimpleNamespace

from ledger.engine.layout import LAST
from ledger.engine.reference.state import Pending, State
from ledger.records.codes import CommandFlag


def placed(state: State, c: SimpleNamespace) -> SimpleNamespace:
    """The command with its trigger where it stands at first, and how far it trails."""
    if not c.flags & CommandFlag.TRAILING:
        return SimpleNamespace(**vars(c) | {"trail_ticks": 0})
    instrument, order = state.instruments[c.instrument], Pending(0, c, 0, 0)
    now = instrument.price_now(order.source, state.oracles)
    wanted = now + c.trigger_ticks if order.rising else now - c.trigger_ticks
    trigger = max(1, min(instrument.max_price, wanted))
    return SimpleNamespace(**vars(c) | {"trail_ticks": c.trigger_ticks, "trigger_ticks": trigger})


def trail(state: State, number: int, source: int, prices: Sequence[int]) -> None:
    """Let the triggers that trail a price follow it."""
    for order in state.pending.values():
        terms = order.terms
        follows = terms.trail_ticks and terms.instrument == number and order.source == source
        if not follows or not prices:
            continue
        before, most = terms.trigger_ticks, state.instruments[number].max_price
        fresh = source == LAST and order.order_id > state.ticked_seq
        seen = [state.instruments[number].last] if fresh else prices
        if order.rising:
            terms.trigger_ticks = min(before, min(seen) + terms.trail_ticks)
        else:
            terms.trigger_ticks = max(before, min(most, max(seen) - terms.trail_ticks))
        if terms.trigger_ticks != before:
            state.ranks += 1
            order.rank = state.ranks
