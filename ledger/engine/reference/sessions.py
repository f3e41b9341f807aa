"""The reference engine's phases, bands and auctions: every candidate price is tried."""

from types import SimpleNamespace

from ledger.engine.layout import BUCKETS, INDEX, LAST, MARK, ROUNDING
from ledger.engine.limits import CALL_S_MAX, WINDOW_S_MAX
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.fees import count_volume, unpaid_rate, valued
from ledger.engine.reference.isolated import bears, pair_flags, rebalance
from ledger.engine.reference.margin import exchange, reserve
from ledger.engine.reference.orders import cascade
from ledger.engine.reference.settle import charge_fee, charge_position_fee, expire, tidy, trim
from ledger.engine.reference.state import Instrument, Order, State, require
from ledger.engine.reference.taker import charge, value
from ledger.margin.breaker import MOVE_PPM_MAX
from ledger.records.codes import (
    AuctionReference,
    EventKind,
    ExpireReason,
    Phase,
    PhaseScope,
    Reject,
    Side,
    TradeFlag,
)
from matching.units import PPM

NS = 10**9


def set_market(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_MARKET.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(c.instrument < len(state.instruments), Reject.UNKNOWN_INSTRUMENT)
    instrument = state.instruments[c.instrument]
    allowed = {AuctionReference.LAST} if instrument.contract is None else set(AuctionReference)
    well_formed = c.clean and c.flags == c.account == 0 and c.reference in allowed
    require(well_formed, Reject.MALFORMED)
    require(0 <= c.opening_ticks <= instrument.max_price, Reject.PRICE_OUT_OF_RANGE)
    if c.halt_ppm:
        timed = 1 <= c.window_s <= WINDOW_S_MAX and 0 <= c.reopen_s <= CALL_S_MAX
    else:
        timed = c.window_s == c.reopen_s == 0
    moves = 0 <= c.band_ppm <= MOVE_PPM_MAX and 0 <= c.halt_ppm <= MOVE_PPM_MAX
    require(timed and moves, Reject.AMOUNT_OUT_OF_RANGE)
    session = instrument.session
    session.band_ppm, session.halt_ppm = c.band_ppm, c.halt_ppm
    session.window_s, session.reopen_s = c.window_s, c.reopen_s
    session.opening, session.reference = c.opening_ticks, AuctionReference(c.reference)
    session.swings = {}
    effects.outcome = {"subject_id": c.instrument}


def set_phase(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_PHASE.

    Raises:
        Rejected: In the order of `Reject`.
    """
    wide = c.flags == PhaseScope.VENUE
    require(wide or c.instrument < len(state.instruments), Reject.UNKNOWN_INSTRUMENT)
    scope = c.flags == 0 or (wide and c.instrument == 0)
    well_formed = c.clean and scope and c.account == 0 and c.phase in set(Phase)
    timed = c.until_ns == 0 or (c.phase == Phase.CALL and c.until_ns > effects.time_ns)
    require(well_formed and timed, Reject.MALFORMED)
    if wide:
        same = state.halted == (c.phase == Phase.HALTED)
        require(c.phase == Phase.CALL or not same, Reject.WRONG_STATE)
        state.halted = c.phase == Phase.HALTED
        report(effects, 0, c.phase | PhaseScope.VENUE << 8)
        if c.phase == Phase.CALL:
            for number in range(len(state.instruments)):
                leave_trading(state, effects, number, Phase.CALL, c.until_ns)
    else:
        phase = state.instruments[c.instrument].session.phase
        require(c.phase == Phase.CALL or c.phase != phase, Reject.WRONG_STATE)
        if c.phase == Phase.CONTINUOUS:
            require(not state.halted, Reject.WRONG_STATE)
            reopen(state, effects, c.instrument)
        else:
            leave_trading(state, effects, c.instrument, c.phase, c.until_ns)
    effects.outcome = {"subject_id": c.instrument}


def report(effects: Effects, instrument: int, phase: int, **beside: int) -> None:
    """An instrument, or the venue, is in another phase now."""
    effects.emit(EventKind.PHASE_CHANGED, instrument=instrument, flags=int(phase), **beside)


def leave_trading(state: State, effects: Effects, number: int, phase: Phase, until_ns: int) -> None:
    """Halt an instrument, or begin its call."""
    session = state.instruments[number].session
    session.phase, session.call_until_ns = Phase(phase), until_ns
    report(effects, number, phase)


def reopen(state: State, effects: Effects, number: int) -> None:
    """Uncross, trade continuously, and trigger what the auction's price reaches."""
    instrument = state.instruments[number]
    session = instrument.session
    session.phase, session.call_until_ns = Phase.CONTINUOUS, 0
    session.prices, session.swings = [], {}
    price = clearing_price(instrument, auction_reference(state, instrument))
    lots = cross_at(state, effects, instrument, price) if price else 0
    cross_at(state, effects, instrument, None)
    told = {"price_ticks": price, "qty_lots": lots} if lots else {}
    report(effects, number, Phase.CONTINUOUS, **told)
    cascade(state, effects, instrument, session.prices)


def auction_reference(state: State, instrument: Instrument) -> int:
    """The price that decides between equal ones."""
    chosen = instrument.session.reference
    if chosen == AuctionReference.LAST:
        return instrument.price_now(LAST, state.oracles) or instrument.session.opening
    source = MARK if chosen == AuctionReference.MARK else INDEX
    return instrument.price_now(source, state.oracles)


def willing(instrument: Instrument, price: int) -> tuple[int, int]:
    """(demand, supply) in lots at a price."""
    buys = [o for p, level in instrument.levels[Side.BUY].items() if p >= price for o in level]
    sells = [o for p, level in instrument.levels[Side.SELL].items() if p <= price for o in level]
    return sum(o.remaining for o in buys), sum(o.remaining for o in sells)


def clearing_price(instrument: Instrument, reference: int) -> int:
    """The auction's price by trying them; 0 when nothing overlaps.

    Demand and supply only change next to a level, so what is best reaches from one of these prices
    to another one, or the reference lies within.
    """
    limits = [price for side in instrument.levels.values() for price in side]
    tries = {price + off for price in limits for off in (-1, 0, 1)} | {reference}
    found = {}
    for price in sorted(tries):
        demand, supply = willing(instrument, price)
        if 1 <= price <= instrument.max_price and min(demand, supply) > 0:
            found[price] = demand, supply
    if not found:
        return 0
    volume = max(min(both) for both in found.values())
    found = {price: (d, s) for price, (d, s) in found.items() if min(d, s) == volume}
    surplus = min(abs(d - s) for d, s in found.values())
    found = {price: (d, s) for price, (d, s) in found.items() if abs(d - s) == surplus}
    if all(d > s for d, s in found.values()):
        return max(found)
    if all(d < s for d, s in found.values()):
        return min(found)
    return min(found, key=lambda price: abs(price - reference))


def cross_at(state: State, effects: Effects, instrument: Instrument, price: int | None) -> int:
    """Pair the first orders of both sides while they reach the price; the lots that traded.

    Without a price: while they overlap, each pair at the older order's limit.
    """
    traded = 0
    while True:
        bids, asks = instrument.best_first(Side.BUY), instrument.best_first(Side.SELL)
        if not bids or not asks or bids[0] < (price or asks[0]) or asks[0] > (price or bids[0]):
            return traded
        buy = instrument.levels[Side.BUY][bids[0]][0]
        sell = instrument.levels[Side.SELL][asks[0]][0]
        older, younger = sorted((buy, sell), key=lambda order: order.order_id)
        if buy.account == sell.account:
            expire(
                state,
                effects,
                younger,
                ExpireReason.OWN_AUCTION,
                counter_account=older.account,
                counter_order_id=older.order_id,
            )
            continue
        pair, paid = (buy, sell), price or older.price
        bare = uncovered(state, instrument, pair, paid)
        if bare is None:
            traded += trade_pair(state, effects, instrument, pair, paid)
        else:
            expire(state, effects, bare, ExpireReason.UNCOVERED)


def uncovered(
    state: State, instrument: Instrument, pair: tuple[Order, Order], price: int
) -> Order | None:
    """The first of a pair whose isolated position could not bear the trade."""
    lots, contract = min(order.shown for order in pair), instrument.contract
    for order, signed in zip(pair, (lots, -lots), strict=True):
        p = state.position(order.account, order.instrument, order.leg)
        if contract and p and p.isolated and not bears(contract, p, order, signed, price):
            return order
    return None


def trade_pair(
    state: State, effects: Effects, instrument: Instrument, pair: tuple[Order, Order], price: int
) -> int:
    """One trade of an auction; its lots."""
    buy, sell = pair
    lots = min(buy.shown, sell.shown)
    instrument.trades += 1
    instrument.last = price
    instrument.session.prices.append(price)
    pay = pay_pair if instrument.contract is None else pass_pair
    held = [order.held * lots // order.remaining for order in pair]
    before = [state.open(o.account, o.instrument, o.leg) for o in pair if instrument.contract]
    was = [(p.lots, p.margin) for p in before]
    flags = pair_flags(*before) if before else 0
    amounts = pay(state, effects, pair, lots, price)
    for order in pair:
        order.remaining -= lots
        order.shown -= lots
    effects.emit(
        EventKind.TRADE,
        side=Side.BUY,
        flags=TradeFlag.AUCTION | flags,
        instrument=buy.instrument,
        account=buy.account,
        counter_account=sell.account,
        order_id=buy.order_id,
        counter_order_id=sell.order_id,
        trade_id=instrument.trades,
        price_ticks=price,
        qty_lots=lots,
        remaining_lots=buy.remaining,
        counter_remaining_lots=sell.remaining,
        **amounts,
    )
    for place, p in enumerate(before):
        signed = lots if place == 0 else -lots
        rebalance(state, effects, p, was[place], signed, held[place])
    tidy(state, effects, buy)
    tidy(state, effects, sell)
    if instrument.contract is not None:
        trim(state, effects, state.open(buy.account, buy.instrument, buy.leg))
        trim(state, effects, state.open(sell.account, sell.instrument, sell.leg))
    return lots


def charge_pair(
    state: State,
    effects: Effects,
    pair: tuple[Order, Order],
    own: tuple[int, int],
    its: tuple[int, int],
) -> dict[str, int]:
    """The makers' fees on (asset, amount); the seller's amount is the trade's size."""
    now, worth = effects.time_ns, valued(state, *its)
    rates = [unpaid_rate(state, order.instrument, order.account, now) for order in pair]
    for order in pair:
        count_volume(state, order.account, now, worth)
    buy, sell = pair
    fee = charge_fee(state, buy.account, *own, rates[0])
    counter_fee = charge_fee(state, sell.account, *its, rates[1])
    return {"fee_minor": fee, "counter_fee_minor": counter_fee}


def pay_pair(
    state: State, effects: Effects, pair: tuple[Order, Order], lots: int, price: int
) -> dict[str, int]:
    """Spot: the buyer pays from its hold at the price, and gets back what it held beyond it."""
    buy, sell = pair
    instrument = state.instruments[buy.instrument]
    base = lots * instrument.lot_minor
    paid, buy.carry = charge(instrument, price, lots, buy.carry)
    received = value(instrument, price, lots)
    needed, _ = charge(instrument, buy.price, buy.remaining - lots, buy.carry)
    state.hold(instrument.quote, buy.account, needed - buy.held)
    buy.held = needed
    state.hold(instrument.base, sell.account, -base)
    sell.held -= base
    state.move(instrument.base, sell.account, buy.account, base)
    state.move(instrument.quote, buy.account, sell.account, received)
    state.move(instrument.quote, buy.account, ROUNDING, paid - received)
    sizes = (instrument.base, base), (instrument.quote, received)
    return charge_pair(state, effects, pair, *sizes) | {
        "asset": instrument.quote,
        "quote_minor": received,
        "amount_minor": paid - received,
    }


def pass_pair(
    state: State, effects: Effects, pair: tuple[Order, Order], lots: int, price: int
) -> dict[str, int]:
    """A perpetual: lots pass between the two positions."""
    contract = state.instruments[pair[0].instrument].contract
    assert contract is not None, "a perpetual"
    own, its = (state.open(order.account, order.instrument, order.leg) for order in pair)
    parts = [order.held * lots // order.remaining for order in pair]
    for order, position, part in zip(pair, (own, its), parts, strict=True):
        left = order.remaining - lots
        order.held -= part
        terms = position, order.side, order.price
        reserve(contract, *terms, order.remaining, left, closes=order.closes)
    paid, counter_paid = exchange(state, own, its, lots, price)
    size, now = contract.notional(lots, price), effects.time_ns
    rates = [unpaid_rate(state, order.instrument, order.account, now) for order in pair]
    for order in pair:
        count_volume(state, order.account, now, valued(state, contract.settle, size))
    return {
        "fee_minor": charge_position_fee(state, own, size, rates[0], parts[0]),
        "counter_fee_minor": charge_position_fee(state, its, size, rates[1], parts[1]),
        "asset": contract.settle,
        "quote_minor": paid,
        "amount_minor": counter_paid,
    }


def watch_swings(state: State, effects: Effects) -> None:
    """What has moved too far within its window begins a call."""
    for number, instrument in enumerate(state.instruments):
        session = instrument.session
        if session.halt_ppm == 0 or not instrument.is_trading(state.halted):
            continue
        part = effects.time_ns * BUCKETS // (session.window_s * NS)
        session.swings.setdefault(part, []).extend(session.prices)
        session.swings = {p: seen for p, seen in session.swings.items() if p > part - BUCKETS}
        seen = [price for prices in session.swings.values() for price in prices]
        if seen and (max(seen) - min(seen)) * PPM > min(seen) * session.halt_ppm:
            until = effects.time_ns + session.reopen_s * NS if session.reopen_s else 0
            leave_trading(state, effects, number, Phase.CALL, until)


def end_calls(state: State, effects: Effects) -> None:
    """Calls whose end has come; none while the venue is halted."""
    for number, instrument in enumerate(state.instruments):
        session = instrument.session
        due = 0 < session.call_until_ns <= effects.time_ns
        if due and session.phase == Phase.CALL and not state.halted:
            reopen(state, effects, number)
