"""The reference engine's orders: check, match and settle one maker at a time."""

from collections.abc import Sequence
from copy import copy
from types import SimpleNamespace

from ledger.engine.layout import INDEX, LAST, MARK
from ledger.engine.limits import OWN_TRAILS_MAX, TRAILS_MAX
from ledger.engine.reference.bands import check_session, clip
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.fees import count_volume, taker_rate
from ledger.engine.reference.forms import MAY_REST, check_form, check_size
from ledger.engine.reference.isolated import report_margin
from ledger.engine.reference.loans import covers_order, take_loan
from ledger.engine.reference.margin import check_contract, free, look_worst
from ledger.engine.reference.resting import lend, rest
from ledger.engine.reference.settle import (
    drop_pending,
    expire,
    part,
    report_pending,
    settle,
    shrink,
)
from ledger.engine.reference.state import Instrument, Order, Pending, Rejected, State, require
from ledger.engine.reference.sweeps import NS, check_seat, count_order
from ledger.engine.reference.taker import (
    Taker,
    affordable,
    charge,
    look_ahead,
    opposite,
)
from ledger.engine.reference.targets import own_order
from ledger.engine.reference.trailing import placed, trail
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderStatus,
    OrderType,
    Phase,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
)
from matching.layout import SIDE_LOTS_MAX

FOR_PERPETUALS = (
    CommandFlag.ON_MARK
    | CommandFlag.ON_INDEX
    | CommandFlag.REDUCE_ONLY
    | CommandFlag.CLOSE_POSITION
    | CommandFlag.SHORT_LEG
)
"""What no spot order has."""


def arrive(state: State, c: SimpleNamespace, order_id: int, time_ns: int) -> Taker:
    """The taker that a well-formed command makes."""
    instrument, side = state.instruments[c.instrument], Side(c.side)
    limit = c.order_type == OrderType.LIMIT
    by_quote = bool(c.flags & CommandFlag.BY_QUOTE)
    closes = bool(c.flags & (CommandFlag.REDUCE_ONLY | CommandFlag.CLOSE_POSITION))
    leg = 0
    if instrument.contract is not None and c.account in state.hedged:
        leg = 2 if c.flags & CommandFlag.SHORT_LEG else 1
        closes = closes or side == (Side.BUY if leg == 2 else Side.SELL)
    return Taker(
        order_id=order_id,
        account=c.account,
        instrument=instrument,
        instrument_id=c.instrument,
        side=side,
        limit=c.price_ticks if limit else None,
        self_trade=SelfTrade(c.self_trade),
        remaining=instrument.max_qty if by_quote else c.qty_lots,
        budget=c.quote_minor if by_quote else None,
        carry=instrument.den - 1 if side == Side.BUY and instrument.contract is None else 0,
        by_quote=by_quote,
        may_rest=limit and c.time_in_force in MAY_REST,
        fok=c.time_in_force == TimeInForce.FOK,
        closes=closes,
        leg=leg,
        fee=taker_rate(state, c.instrument, c.account, c.flags, time_ns),
    )


def check_book(state: State, c: SimpleNamespace, taker: Taker) -> None:
    """What depends on the book and on the balance.

    Raises:
        Rejected: QTY_OUT_OF_RANGE, WOULD_TAKE, NO_LIQUIDITY, CANNOT_FILL, INSUFFICIENT_BALANCE.
    """
    instrument, side = taker.instrument, taker.side
    if c.order_type == OrderType.MARKET:
        clip(taker)
    require(instrument.lots(side) + c.qty_lots <= SIDE_LOTS_MAX, Reject.QTY_OUT_OF_RANGE)
    prices = instrument.best_first(opposite(side))
    if c.flags & CommandFlag.POST_ONLY and prices:
        require(not taker.accepts(prices[0]), Reject.WOULD_TAKE)
    require(taker.limit is not None or bool(prices), Reject.NO_LIQUIDITY)
    if c.time_in_force == TimeInForce.FOK:
        spot = instrument.contract is None
        lots, _ = look_ahead(taker) if spot else look_worst(state, taker)
        require(lots == c.qty_lots, Reject.CANNOT_FILL)
    if instrument.contract is not None:
        return
    if state.seats[c.account].leverage:
        require(covers_order(state, taker), Reject.INSUFFICIENT_BALANCE)
        return
    lots, quote = c.qty_lots, c.quote_minor
    if taker.limit is not None:
        quote, _ = charge(instrument, taker.limit, lots, taker.carry)
    elif side == Side.BUY and taker.budget is None:
        _, quote = look_ahead(taker)
    elif side == Side.SELL and taker.budget is not None:
        lots, _ = look_ahead(taker)
    if side == Side.BUY:
        enough = quote <= free(state, instrument.quote, c.account)
    else:
        enough = lots * instrument.lot_minor <= free(state, instrument.base, c.account)
    require(enough, Reject.INSUFFICIENT_BALANCE)


def limit_means(state: State, taker: Taker) -> None:
    """Beyond what was looked ahead at, a market order trades until its money ends."""
    instrument = taker.instrument
    if taker.limit is not None or instrument.contract is not None:
        return
    if taker.side == Side.SELL:
        means = means_of(state, taker, instrument.base)
        taker.remaining = min(taker.remaining, means // instrument.lot_minor)
    elif taker.budget is None:
        taker.budget = means_of(state, taker, instrument.quote)


def means_of(state: State, taker: Taker, asset: int) -> int:
    """What a market order may spend."""
    return free(state, asset, taker.account) if taker.needed is None else taker.needed


def match(state: State, effects: Effects, taker: Taker) -> None:
    """Trade with the best makers, first come first; what the taker traded counts in the end."""
    match_on(state, effects, taker)
    count_volume(state, taker.account, effects.time_ns, taker.worth)


def match_on(state: State, effects: Effects, taker: Taker) -> None:
    """Trade until done or stopped."""
    side = opposite(taker.side)
    while taker.remaining and not taker.stopped and not taker.spent:
        prices = taker.instrument.best_first(side)
        if not prices or not taker.accepts(prices[0]):
            return
        maker = taker.instrument.levels[side][prices[0]][0]
        if maker.account == taker.account:
            prevent(state, effects, taker, maker)
            continue
        wanted = min(maker.shown, taker.remaining)
        lots = wanted
        if taker.budget is not None:
            lots = affordable(taker, maker.price, wanted, taker.budget, taker.carry)
        taker.spent = lots < wanted
        if lots > 0:
            settle(state, effects, taker, maker, lots)


def prevent(state: State, effects: Effects, taker: Taker, maker: Order) -> None:
    """Self-trade prevention: who leaves is the taker's choice."""
    met = {"counter_account": taker.account, "counter_order_id": taker.order_id}
    if taker.self_trade == SelfTrade.DECREMENT:
        decrement(state, effects, taker, maker)
        return
    taker.stopped = taker.self_trade != SelfTrade.EXPIRE_MAKER
    if taker.self_trade != SelfTrade.EXPIRE_TAKER:
        expire(state, effects, maker, ExpireReason.SELF_TRADE, **met)


def decrement(state: State, effects: Effects, taker: Taker, maker: Order) -> None:
    """Both orders lose the smaller of their sizes; the one that comes to nothing leaves."""
    lots = min(taker.remaining, maker.remaining)
    taker.remaining -= lots
    taker.prevented += lots
    met = {
        "counter_account": taker.account,
        "counter_order_id": taker.order_id,
        "counter_remaining_lots": taker.remaining,
    }
    if lots == maker.remaining:
        expire(state, effects, maker, ExpireReason.SELF_TRADE, **met)
        return
    instrument = taker.instrument
    asset = instrument.quote if maker.side == Side.BUY else instrument.base
    if instrument.contract is not None:
        asset = instrument.contract.settle
    effects.emit(
        EventKind.ORDER_REDUCED,
        side=maker.side,
        instrument=maker.instrument,
        asset=asset,
        account=maker.account,
        order_id=maker.order_id,
        price_ticks=maker.price,
        qty_lots=lots,
        remaining_lots=maker.remaining - lots,
        amount_minor=shrink(state, maker, maker.remaining - lots),
        **met,
    )


def check_terms(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """What an order says of itself, against its instrument.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(state.is_customer(c.account), Reject.UNKNOWN_ACCOUNT)
    require(c.instrument < len(state.instruments), Reject.UNKNOWN_INSTRUMENT)
    check_form(c, effects.time_ns)
    spot = state.instruments[c.instrument].contract is None
    foreign = FOR_PERPETUALS if spot else CommandFlag.BY_QUOTE
    require(not c.flags & foreign, Reject.MALFORMED)
    stays = c.order_type == OrderType.LIMIT and c.time_in_force in MAY_REST
    stays = stays or bool(c.flags & (CommandFlag.STOP | CommandFlag.TAKE_PROFIT))
    taken = len(state.orders) + len(state.pending) - (c.kind == CommandKind.REPLACE_ORDER)
    require(not stays or taken < state.capacity.orders, Reject.TABLE_FULL)
    trailing = [
        o.terms.account
        for o in state.pending.values()
        if o.terms.trail_ticks and o.terms.instrument == c.instrument
    ]
    full = len(trailing) >= TRAILS_MAX or trailing.count(c.account) >= OWN_TRAILS_MAX
    require(not (c.flags & CommandFlag.TRAILING and full), Reject.TABLE_FULL)
    if not spot:
        leg = arrive(state, c, effects.seq, effects.time_ns).leg
        require(state.may_open(c.account, c.instrument, (leg,)), Reject.TABLE_FULL)
    check_size(c, state.instruments[c.instrument])


def check_entry(state: State, effects: Effects, c: SimpleNamespace) -> Taker:
    """What an order meets: its partner or the book, the account's switches, the last price.

    Raises:
        Rejected: In the order of `Reject`.
    """
    taker = arrive(state, c, effects.seq, effects.time_ns)
    if not c.flags & (CommandFlag.STOP | CommandFlag.TAKE_PROFIT):
        check_book(state, c, taker)
        check_seat(state, effects, c.account)
        check_session(state, c, taker)
        check_contract(state, taker)
        check_place(state, c, taker)
        return taker
    if c.flags & CommandFlag.OCO:
        partner = own_order(state, c)
        require(partner.partner == 0, Reject.WRONG_STATE)
    check_seat(state, effects, c.account)
    order = Pending(0, placed(state, c), 0, 0)
    now = state.instruments[c.instrument].price_now(order.source, state.oracles)
    require(now == 0 or not is_reached(order, now, now), Reject.WOULD_TRIGGER)
    halted = state.halted or state.instruments[c.instrument].session.phase == Phase.HALTED
    require(not halted, Reject.MARKET_HALTED)
    require(now > 0 or not c.flags & CommandFlag.TRAILING, Reject.NO_REFERENCE)
    check_place(state, c, taker)
    return taker


def check_place(state: State, c: SimpleNamespace, taker: Taker) -> None:
    """Only hedge mode has a short leg; an account may be kept to one instrument.

    Raises:
        Rejected: WRONG_LEG or NOT_THE_PAIR.
    """
    require(taker.leg != 0 or not c.flags & CommandFlag.SHORT_LEG, Reject.WRONG_LEG)
    pair = state.seats[c.account].pair
    require(pair in (0, c.instrument + 1), Reject.NOT_THE_PAIR)


def place(state: State, effects: Effects, c: SimpleNamespace, taker: Taker) -> None:
    """Let an order that has passed every check enter the book, or wait; then what it triggers."""
    count_order(state, effects, c.account)
    if c.flags & (CommandFlag.STOP | CommandFlag.TAKE_PROFIT):
        pend(state, effects, c)
        return
    status, left = enter(state, effects, c, taker)
    effects.outcome = {
        "status": status,
        "subject_id": effects.seq,
        "filled_lots": taker.filled,
        "filled_quote_minor": taker.quote,
        "remaining_lots": left,
    }
    cascade(state, effects, taker.instrument, taker.prices)


def pend(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """Let an order wait for its trigger."""
    partner = c.target_id if c.flags & CommandFlag.OCO else 0
    state.ranks += 1
    slot = state.pending_slots.take()
    order = Pending(effects.seq, placed(state, c), slot, partner, state.ranks)
    state.pending[order.order_id] = order
    if partner:
        (state.orders.get(partner) or state.pending[partner]).partner = order.order_id
    if c.expire_ns:
        state.timers.add(order.order_id, c.account, c.expire_ns // NS)
    effects.outcome = {
        "status": OrderStatus.PENDING,
        "subject_id": effects.seq,
        "remaining_lots": c.qty_lots,
    }


def enter(
    state: State, effects: Effects, c: SimpleNamespace, taker: Taker
) -> tuple[OrderStatus, int]:
    """Let a taker enter with its money; returns its status and what did not trade."""
    taken, contract = taker.hold, taker.instrument.contract
    if taken and contract is not None:
        state.hold(contract.settle, taker.account, taken)
    done = trade_and_rest(state, effects, c, taker)
    if taken and contract is not None:
        state.hold(contract.settle, taker.account, -taker.hold)
        p = state.open(taker.account, taker.instrument_id, taker.leg)
        report_margin(state, effects, p, taker.hold - taken, order_id=taker.order_id)
    if taker.needed is not None:
        take_loan(state, effects, taker)
    return done


def trade_and_rest(
    state: State, effects: Effects, c: SimpleNamespace, taker: Taker
) -> tuple[OrderStatus, int]:
    """`enter`, but for what a margin account now lacks."""
    limit_means(state, taker)
    if taker.instrument.session.phase != Phase.CALL:
        match(state, effects, taker)
    if taker.prices:
        taker.instrument.last = taker.prices[-1]
    may_rest = c.order_type == OrderType.LIMIT and c.time_in_force in MAY_REST
    if taker.by_quote:
        used_up = (taker.spent or taker.budget == 0) and taker.filled > 0
        return (OrderStatus.FILLED if used_up else OrderStatus.EXPIRED), 0
    left = c.qty_lots - taker.filled - taker.prevented
    if left == 0:
        return (OrderStatus.FILLED if taker.prevented == 0 else OrderStatus.EXPIRED), 0
    if taker.stopped or not may_rest:
        return OrderStatus.EXPIRED, left
    rest(state, taker, c)
    return (OrderStatus.PARTLY_FILLED if taker.filled else OrderStatus.OPEN), left


def cascade(state: State, effects: Effects, instrument: Instrument, prices: Sequence[int]) -> None:
    """Trigger what the prices of the last trades reach, one order after another.

    When that is done, trailing triggers follow those prices, and it begins again with the last one.
    """
    touched, followed = list(prices), False
    while touched:
        order = first_due(state, instrument, LAST, touched)
        if order is not None:
            traded = activate(state, effects, order)
            touched += traded
            followed = followed and not traded
        elif followed:
            return
        else:
            trail(state, instrument, LAST, touched)
            touched, followed = [instrument.last], True


def is_reached(order: Pending, low: int, high: int) -> bool:
    """Whether prices from low to high trigger an order."""
    trigger = order.terms.trigger_ticks
    return bool(trigger <= high if order.rising else trigger >= low)


def first_due(
    state: State, instrument: Instrument, source: int, prices: Sequence[int]
) -> Pending | None:
    """Rising triggers first, the lowest one; then falling ones, the highest."""
    due = [
        order
        for order in state.pending.values()
        if state.instruments[order.terms.instrument] is instrument
        and order.source == source
        and is_reached(order, min(prices), max(prices))
    ]
    up = [order for order in due if order.rising]
    if up:
        return min(up, key=lambda found: (found.terms.trigger_ticks, found.rank))
    return max(due, key=lambda found: (found.terms.trigger_ticks, -found.rank), default=None)


def fire_prices(state: State, effects: Effects) -> None:
    """What the mark and the index trigger, each with its cascade."""
    for instrument in state.instruments:
        for source in (MARK, INDEX):
            if not instrument.is_trading(state.halted):
                continue
            now = instrument.price_now(source, state.oracles)
            while now:
                order = first_due(state, instrument, source, [now])
                if order is None:
                    break
                cascade(state, effects, instrument, activate(state, effects, order))


def activate(state: State, effects: Effects, order: Pending) -> list[int]:
    """One pending order triggers; returns the prices at which it traded."""
    c = copy(order.terms)
    if c.flags & CommandFlag.CLOSE_POSITION:
        p = state.position(
            c.account, c.instrument, arrive(state, c, order.order_id, effects.time_ns).leg
        )
        c.qty_lots = p.closable(Side(c.side)) if p else 0
    report_pending(effects, EventKind.ORDER_TRIGGERED, order)
    drop_pending(state, order)
    part(state, effects, order.partner)
    taker = arrive(state, c, order.order_id, effects.time_ns)
    if c.order_type == OrderType.LIMIT and clip(taker) and c.time_in_force in MAY_REST:
        c = SimpleNamespace(**vars(c) | {"time_in_force": TimeInForce.IOC})
        taker.may_rest = False
    ended, left = None, c.qty_lots
    try:
        check_book(state, c, taker)
        check_contract(state, taker)
    except Rejected as refused:
        ended = ExpireReason.REFUSED | refused.reject << 8
    else:
        status, left = enter(state, effects, c, taker)
        if status == OrderStatus.EXPIRED:
            ended = int(ExpireReason.REMAINDER)
    if ended is not None:
        effects.emit(
            EventKind.ORDER_EXPIRED,
            flags=ended,
            side=c.side,
            instrument=c.instrument,
            account=c.account,
            order_id=order.order_id,
            price_ticks=c.price_ticks,
            qty_lots=left,
        )
    return taker.prices


def new_order(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """NEW_ORDER.

    Raises:
        Rejected: In the order of `Reject`.
    """
    check_terms(state, effects, c)
    place(state, effects, c, check_entry(state, effects, c))


def replace_order(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """REPLACE_ORDER: the old order's hold counts as free while the new one is checked.

    Raises:
        Rejected: In the order of `Reject`.
    """
    check_terms(state, effects, c)
    order = own_order(state, c, c.side)
    if isinstance(order, Order):
        lend(state, order, 1)
    try:
        taker = check_entry(state, effects, c)
    finally:
        if isinstance(order, Order):
            lend(state, order, -1)
    expire(state, effects, order, ExpireReason.REPLACED)
    place(state, effects, c, taker)
