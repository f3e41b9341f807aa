"""The reference engine's settlement of one trade: payments, fees, holds, the TRADE event."""

from fractions import Fraction
from math import ceil, floor

from ledger.engine.layout import FEES, ROUNDING
from ledger.engine.reference.contracts import Position
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.fees import count_volume, maker_rate, valued
from ledger.engine.reference.isolated import (
    bears,
    contract_of,
    pair_flags,
    pay_position,
    rebalance,
)
from ledger.engine.reference.margin import exchange, reserve
from ledger.engine.reference.state import Order, Pending, State
from ledger.engine.reference.taker import Taker, charge, value
from ledger.records.codes import EventKind, ExpireReason, Side, TradeFlag


def settle(state: State, effects: Effects, taker: Taker, maker: Order, lots: int) -> None:
    """One trade at the maker's price."""
    if taker.instrument.contract is not None:
        settle_contract(state, effects, taker, maker, lots)
        return
    instrument, price = taker.instrument, maker.price
    base_amount = lots * instrument.lot_minor
    received = value(instrument, price, lots)
    if taker.side == Side.BUY:
        paid, taker.carry = charge(instrument, price, lots, taker.carry)
        buyer, seller = taker.account, maker.account
        state.hold(instrument.base, seller, -base_amount)
        maker.held -= base_amount
    else:
        paid, maker.carry = charge(instrument, price, lots, maker.carry)
        buyer, seller = maker.account, taker.account
        state.hold(instrument.quote, buyer, -paid)
        maker.held -= paid
    state.move(instrument.base, seller, buyer, base_amount)
    state.move(instrument.quote, buyer, seller, received)
    state.move(instrument.quote, buyer, ROUNDING, paid - received)
    own = (instrument.base, base_amount) if taker.side == Side.BUY else (instrument.quote, received)
    its = (instrument.quote, received) if taker.side == Side.BUY else (instrument.base, base_amount)
    its_rate = maker_rate(state, taker.instrument_id, maker.account, effects.time_ns)
    count_trade(state, effects, taker, maker, (instrument.quote, received))
    fee = charge_fee(state, taker.account, *own, taker.fee)
    counter_fee = charge_fee(state, maker.account, *its, its_rate)

    quote = paid if taker.side == Side.BUY else received
    taker.remaining -= lots
    taker.filled += lots
    taker.quote += quote
    if taker.budget is not None:
        taker.budget -= quote
    maker.remaining -= lots
    maker.shown -= lots
    taker.prices.append(price)
    instrument.session.prices.append(price)
    instrument.trades += 1
    effects.emit(
        EventKind.TRADE,
        side=taker.side,
        instrument=taker.instrument_id,
        asset=instrument.quote,
        account=taker.account,
        counter_account=maker.account,
        order_id=taker.order_id,
        counter_order_id=maker.order_id,
        trade_id=instrument.trades,
        price_ticks=price,
        qty_lots=lots,
        quote_minor=received,
        fee_minor=fee,
        counter_fee_minor=counter_fee,
        remaining_lots=0 if taker.by_quote else taker.remaining,
        counter_remaining_lots=maker.remaining,
        amount_minor=paid - received,
    )
    tidy(state, effects, maker)


def count_trade(
    state: State, effects: Effects, taker: Taker, maker: Order, size: tuple[int, int]
) -> None:
    """Count a trade of (asset, amount) as the maker's volume, and note it for the taker."""
    worth = valued(state, *size)
    taker.worth += worth
    count_volume(state, maker.account, effects.time_ns, worth)


def tidy(state: State, effects: Effects, maker: Order) -> None:
    """After a trade: a filled maker leaves, an iceberg shows its next slice, a partner leaves."""
    partner, maker.partner = maker.partner, 0
    if maker.remaining == 0:
        unrest(state, maker)
    elif maker.shown == 0:
        maker.shown = min(maker.display, maker.remaining)
        queue = state.instruments[maker.instrument].levels[maker.side][maker.price]
        queue.append(queue.pop(queue.index(maker)))
    part(state, effects, partner)


def settle_contract(state: State, effects: Effects, taker: Taker, maker: Order, lots: int) -> None:
    """One trade of a perpetual. A taker without an order (liquidation) pays no fee."""
    instrument, contract = taker.instrument, taker.instrument.contract
    assert contract is not None, "a perpetual"
    its = state.open(maker.account, taker.instrument_id, maker.leg)
    signed = lots if taker.side == Side.BUY else -lots
    if its.isolated and not bears(contract, its, maker, -signed, maker.price):
        expire(state, effects, maker, ExpireReason.UNCOVERED)
        return
    own = state.open(taker.account, taker.instrument_id, taker.leg)
    was, its_was = (own.lots, own.margin), (its.lots, its.margin)
    part = taker.hold * lots // taker.remaining
    its_part = maker.held * lots // maker.remaining
    taker.hold -= part
    maker.held -= its_part
    before, after = maker.remaining, maker.remaining - lots
    reserve(contract, its, maker.side, maker.price, before, after, closes=maker.closes)
    paid, counter_paid = exchange(state, own, its, signed, maker.price)
    notional = contract.notional(lots, maker.price)
    its_rate = maker_rate(state, taker.instrument_id, maker.account, effects.time_ns)
    count_trade(state, effects, taker, maker, (contract.settle, notional))
    fee = 0
    if taker.order_id:
        fee = charge_position_fee(state, own, notional, taker.fee, part)
    else:
        its_rate = max(its_rate, Fraction(0))
    counter_fee = charge_position_fee(state, its, notional, its_rate, its_part)
    taker.remaining -= lots
    taker.filled += lots
    taker.quote += paid
    maker.remaining -= lots
    maker.shown -= lots
    taker.prices.append(maker.price)
    instrument.session.prices.append(maker.price)
    instrument.trades += 1
    instrument.last = maker.price
    effects.emit(
        EventKind.TRADE,
        side=taker.side,
        flags=pair_flags(own, its) | (0 if taker.order_id else TradeFlag.LIQUIDATION),
        instrument=taker.instrument_id,
        asset=contract.settle,
        account=taker.account,
        counter_account=maker.account,
        order_id=taker.order_id,
        counter_order_id=maker.order_id,
        trade_id=instrument.trades,
        price_ticks=maker.price,
        qty_lots=lots,
        quote_minor=paid,
        fee_minor=fee,
        counter_fee_minor=counter_fee,
        remaining_lots=taker.remaining,
        counter_remaining_lots=maker.remaining,
        amount_minor=counter_paid,
    )
    rebalance(state, effects, own, was, signed, part, liquidates=not taker.order_id)
    rebalance(state, effects, its, its_was, -signed, its_part)
    tidy(state, effects, maker)
    trim(state, effects, own)
    trim(state, effects, its)


def trim(state: State, effects: Effects, p: Position) -> None:
    """The newest reduce-only orders of a position leave until it carries the others."""
    for order in reversed(state.closers(p)):
        if sum(closer.remaining for closer in state.closers(p)) > p.closable(order.side):
            expire(state, effects, order, ExpireReason.POSITION_CLOSED)


def charge_position_fee(state: State, p: Position, notional: int, rate: Fraction, part: int) -> int:
    """Move the fee on a notional; an isolated position pays no more than it has."""
    settle = contract_of(state, p.instrument).settle
    if not p.isolated:
        return charge_fee(state, p.account, settle, notional, rate)
    fee = ceil(notional * rate)
    if rate < 0:
        fee = -min(floor(notional * -rate), state.free(settle, FEES))
    fee = min(fee, max(0, p.margin + part))
    pay_position(state, p, FEES, -fee)
    return fee


def charge_fee(state: State, account: int, asset: int, received: int, rate: Fraction) -> int:
    """Move the fee on what was received; a rebate goes as far as the fees account has it."""
    if rate >= 0:
        fee = ceil(received * rate)
        state.move(asset, account, FEES, fee)
        return fee
    rebate = min(floor(received * -rate), state.free(asset, FEES))
    state.move(asset, FEES, account, rebate)
    return -rebate


def unrest(state: State, order: Order) -> tuple[int, int]:
    """Take an order out of the book; its hold goes back. Returns (asset, released)."""
    instrument = state.instruments[order.instrument]
    asset = instrument.quote if order.side == Side.BUY else instrument.base
    if instrument.contract is not None:
        asset = instrument.contract.settle
        position = state.open(order.account, order.instrument, order.leg)
        terms = position, order.side, order.price
        reserve(instrument.contract, *terms, order.remaining, 0, closes=order.closes)
    state.hold(asset, order.account, -order.held)
    level = instrument.levels[order.side][order.price]
    level.remove(order)
    if not level:
        del instrument.levels[order.side][order.price]
    del state.orders[order.order_id]
    state.slots.give(order.slot)
    if order.expire_s:
        state.timers.remove(order.order_id)
    return asset, order.held


def expire_alone(
    state: State, effects: Effects, order: Order, reason: ExpireReason, **beside: int
) -> None:
    """An order leaves without a command that names it; `beside` are more fields of the event."""
    asset, released = unrest(state, order)
    effects.emit(
        EventKind.ORDER_EXPIRED,
        flags=reason,
        side=order.side,
        instrument=order.instrument,
        asset=asset,
        account=order.account,
        order_id=order.order_id,
        price_ticks=order.price,
        qty_lots=order.remaining,
        amount_minor=released,
        **beside,
    )


def drop_pending(state: State, order: Pending) -> None:
    """A pending order is in nobody's way any more."""
    del state.pending[order.order_id]
    state.pending_slots.give(order.slot)
    if order.terms.expire_ns:
        state.timers.remove(order.order_id)


def report_pending(effects: Effects, kind: EventKind, order: Pending, **beside: int) -> None:
    """An event about a pending order."""
    c = order.terms
    effects.emit(
        kind,
        side=c.side,
        instrument=c.instrument,
        account=c.account,
        order_id=order.order_id,
        price_ticks=c.trigger_ticks,
        qty_lots=c.qty_lots,
        **beside,
    )


def part(state: State, effects: Effects, partner: int) -> None:
    """One cancels the other."""
    if partner in state.orders:
        expire_alone(state, effects, state.orders[partner], ExpireReason.PARTNER)
    elif partner:
        order = state.pending[partner]
        report_pending(effects, EventKind.ORDER_EXPIRED, order, flags=ExpireReason.PARTNER)
        drop_pending(state, order)


def expire(
    state: State, effects: Effects, order: Order | Pending, reason: ExpireReason, **beside: int
) -> None:
    """An order leaves without a command that names it, and its partner after it."""
    if isinstance(order, Pending):
        report_pending(effects, EventKind.ORDER_EXPIRED, order, flags=reason)
        drop_pending(state, order)
    else:
        expire_alone(state, effects, order, reason, **beside)
    part(state, effects, order.partner)


def shrink(state: State, order: Order, remaining: int) -> int:
    """Leave an order `remaining` lots where it stands; returns what its hold no longer needs."""
    instrument = state.instruments[order.instrument]
    order.total -= order.remaining - remaining
    before, order.remaining = order.remaining, remaining
    order.shown = min(order.shown, remaining)
    if instrument.contract is not None:
        position = state.open(order.account, order.instrument, order.leg)
        terms = position, order.side, order.price
        reserve(instrument.contract, *terms, before, remaining, closes=order.closes)
        held, asset = -(-order.held * remaining // before), instrument.contract.settle
    elif order.side == Side.BUY:
        held, _ = charge(instrument, order.price, remaining, order.carry)
        asset = instrument.quote
    else:
        held, asset = remaining * instrument.lot_minor, instrument.base
    released = order.held - held
    state.hold(asset, order.account, -released)
    order.held = held
    return released
