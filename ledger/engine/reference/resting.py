"""The reference engine's orders that come to rest, and what a replaced one lends."""

from types import SimpleNamespace

from ledger.engine.reference.margin import reserve
from ledger.engine.reference.state import Order, State
from ledger.engine.reference.sweeps import NS
from ledger.engine.reference.taker import (
    Taker,
    charge,
)
from ledger.records.codes import (
    Side,
)


def lend(state: State, order: Order, sign: int) -> None:
    """Free (1) or take back (-1) what an order holds, reserves or pledges."""
    order.lent = sign > 0
    instrument = state.instruments[order.instrument]
    if instrument.contract is not None:
        lots = (order.remaining, 0) if sign > 0 else (0, order.remaining)
        position = state.open(order.account, order.instrument, order.leg)
        terms = position, order.side, order.price
        reserve(instrument.contract, *terms, *lots, closes=order.closes)
        state.hold(instrument.contract.settle, order.account, -sign * order.held)
        return
    asset = instrument.quote if order.side == Side.BUY else instrument.base
    state.hold(asset, order.account, -sign * order.held)


def rest(state: State, taker: Taker, c: SimpleNamespace) -> None:
    """Put what is left into the book, with the hold that filling it would cost."""
    assert taker.limit is not None, "only limit orders rest"
    instrument = taker.instrument
    remaining, expire_s = taker.remaining, c.expire_ns // NS
    if instrument.contract is not None:
        held, taker.hold = taker.hold, 0
        position = state.open(taker.account, taker.instrument_id, taker.leg)
        terms = position, taker.side, taker.limit
        reserve(instrument.contract, *terms, 0, remaining, closes=taker.closes)
    elif taker.side == Side.BUY:
        held, _ = charge(instrument, taker.limit, remaining, taker.carry)
        state.hold(instrument.quote, taker.account, held)
    else:
        held = remaining * instrument.lot_minor
        state.hold(instrument.base, taker.account, held)
    order = Order(
        taker.order_id,
        taker.account,
        taker.instrument_id,
        taker.side,
        taker.limit,
        taker.filled + remaining,
        remaining,
        held,
        taker.carry,
        expire_s,
        state.slots.take(),
        c.display_lots,
        min(remaining, c.display_lots or remaining),
        0 < c.display_lots < remaining,
        pledge=taker.pledge,
        closes=taker.closes,
        leg=taker.leg,
    )
    state.orders[order.order_id] = order
    instrument.levels[taker.side].setdefault(taker.limit, []).append(order)
    if expire_s:
        state.timers.add(order.order_id, order.account, expire_s)
