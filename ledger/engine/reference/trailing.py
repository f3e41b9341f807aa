"""The reference engine's trailing stops."""

from collections.abc import Sequence
from types import SimpleNamespace

from ledger.engine.reference.state import Instrument, Pending, State
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


def trail(state: State, instrument: Instrument, source: int, prices: Sequence[int]) -> None:
    """Let the triggers that trail a price follow it."""
    for order in state.pending.values():
        terms = order.terms
        ours = terms.trail_ticks and state.instruments[terms.instrument] is instrument
        if not ours or order.source != source or not prices:
            continue
        before, most = terms.trigger_ticks, instrument.max_price
        if order.rising:
            terms.trigger_ticks = min(before, min(prices) + terms.trail_ticks)
        else:
            terms.trigger_ticks = max(before, min(most, max(prices) - terms.trail_ticks))
        if terms.trigger_ticks != before:
            state.ranks += 1
            order.rank = state.ranks
