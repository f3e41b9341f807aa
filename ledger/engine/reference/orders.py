"""The reference engine's orders: check, match and settle one maker at a time."""

from types import SimpleNamespace

from ledger.engine.reference.effects import Effects
from ledger.engine.reference.margin import check_contract, free, look_worst, reserve
from ledger.engine.reference.settle import expire, settle, shrink, unrest
from ledger.engine.reference.state import Instrument, Order, State, require
from ledger.engine.reference.sweeps import NS, check_seat, count_order, is_second
from ledger.engine.reference.taker import (
    Taker,
    affordable,
    charge,
    crosses,
    look_ahead,
    opposite,
    value,
)
from ledger.records.codes import (
    CommandFlag,
    EventKind,
    ExpireReason,
    OrderStatus,
    OrderType,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
)
from matching.layout import SIDE_LOTS_MAX
from matching.units import AMOUNT_MINOR_MAX

MAY_REST = (TimeInForce.GTC, TimeInForce.GTD)
"""Only limit orders of these rest."""


def check_form(c: SimpleNamespace, time_ns: int) -> None:
    """Enumerations, and that what the order's type does not use is zero.

    Raises:
        Rejected: MALFORMED.
    """
    post_only, by_quote = bool(c.flags & 1), bool(c.flags & 2)
    limit, fok = c.order_type == OrderType.LIMIT, c.time_in_force == TimeInForce.FOK
    unused = (c.trigger_ticks, c.display_lots, c.target_id)
    gtd = c.time_in_force == TimeInForce.GTD
    well_formed = (
        c.clean
        and c.flags <= 3
        and c.side <= 1
        and c.order_type <= 1
        and c.time_in_force <= 3
        and c.self_trade <= 3
        and (not by_quote or c.self_trade != SelfTrade.DECREMENT)
        and (is_second(c.expire_ns) and limit if gtd else c.expire_ns == 0)
        and (not gtd or c.expire_ns > time_ns)
        and (not post_only or (limit and c.time_in_force in MAY_REST))
        and (not by_quote or (not limit and not fok and c.qty_lots == 0))
        and (by_quote or c.quote_minor == 0)
        and (limit or c.price_ticks == 0)
        and not any(unused)
    )
    require(well_formed, Reject.MALFORMED)


def check_size(c: SimpleNamespace, instrument: Instrument) -> None:
    """Price, quantity and worth against the instrument's limits.

    Raises:
        Rejected: In the order of `Reject`.
    """
    by_quote = bool(c.flags & CommandFlag.BY_QUOTE)
    limit = c.order_type == OrderType.LIMIT
    if limit:
        require(1 <= c.price_ticks <= instrument.max_price, Reject.PRICE_OUT_OF_RANGE)
    if not by_quote:
        require(1 <= c.qty_lots <= instrument.max_qty, Reject.QTY_OUT_OF_RANGE)
    if limit:
        beside = instrument.lots(Side(c.side))
        require(beside + c.qty_lots <= SIDE_LOTS_MAX, Reject.QTY_OUT_OF_RANGE)
        if instrument.contract is not None:
            size = instrument.contract.notional(c.qty_lots, c.price_ticks)
            require(size >= instrument.min_notional, Reject.NOTIONAL_TOO_SMALL)
            return
        worth = value(instrument, c.price_ticks, c.qty_lots)
        require(worth >= instrument.min_notional, Reject.NOTIONAL_TOO_SMALL)
        cost, _ = charge(instrument, c.price_ticks, c.qty_lots, instrument.den - 1)
        require(cost <= AMOUNT_MINOR_MAX, Reject.AMOUNT_OUT_OF_RANGE)
    if by_quote:
        require(c.quote_minor >= instrument.min_notional, Reject.NOTIONAL_TOO_SMALL)
        require(1 <= c.quote_minor <= AMOUNT_MINOR_MAX, Reject.AMOUNT_OUT_OF_RANGE)


def arrive(state: State, c: SimpleNamespace, order_id: int) -> Taker:
    """The taker that a well-formed command makes."""
    instrument, side = state.instruments[c.instrument], Side(c.side)
    limit = c.order_type == OrderType.LIMIT
    by_quote = bool(c.flags & CommandFlag.BY_QUOTE)
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
    )


def check_book(state: State, c: SimpleNamespace, taker: Taker) -> None:
    """What depends on the book and on the balance.

    Raises:
        Rejected: WOULD_TAKE, NO_LIQUIDITY, CANNOT_FILL or INSUFFICIENT_BALANCE.
    """
    instrument, side = taker.instrument, taker.side
    prices = instrument.best_first(opposite(side))
    if c.flags & CommandFlag.POST_ONLY and prices:
        require(not crosses(side, taker.limit, prices[0]), Reject.WOULD_TAKE)
    require(taker.limit is not None or bool(prices), Reject.NO_LIQUIDITY)
    if c.time_in_force == TimeInForce.FOK:
        look = look_ahead if instrument.contract is None else look_worst
        require(look(taker)[0] == c.qty_lots, Reject.CANNOT_FILL)
    if instrument.contract is not None:
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
        means = free(state, instrument.base, taker.account)
        taker.remaining = min(taker.remaining, means // instrument.lot_minor)
    elif taker.budget is None:
        taker.budget = free(state, instrument.quote, taker.account)


def match(state: State, effects: Effects, taker: Taker) -> None:
    """Trade with the best makers, first come first, until done or stopped."""
    side = opposite(taker.side)
    for price in taker.instrument.best_first(side):
        if not crosses(taker.side, taker.limit, price):
            return
        for maker in list(taker.instrument.levels[side][price]):
            if taker.remaining == 0 or taker.stopped or taker.spent:
                return
            if maker.account == taker.account:
                prevent(state, effects, taker, maker)
                continue
            wanted = min(maker.remaining, taker.remaining)
            lots = wanted
            if taker.budget is not None:
                lots = affordable(taker, price, wanted, taker.budget, taker.carry)
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


def new_order(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """NEW_ORDER.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(state.is_customer(c.account), Reject.UNKNOWN_ACCOUNT)
    require(c.instrument < len(state.instruments), Reject.UNKNOWN_INSTRUMENT)
    check_form(c, effects.time_ns)
    may_rest = c.order_type == OrderType.LIMIT and c.time_in_force in MAY_REST
    require(not may_rest or len(state.orders) < state.capacity.orders, Reject.TABLE_FULL)
    if state.instruments[c.instrument].contract is not None:
        require(not c.flags & CommandFlag.BY_QUOTE, Reject.MALFORMED)
        require(state.may_open(c.account, c.instrument), Reject.TABLE_FULL)
    check_size(c, state.instruments[c.instrument])
    taker = arrive(state, c, effects.seq)
    check_book(state, c, taker)
    check_seat(state, effects, c.account)
    if taker.instrument.contract is not None:
        check_contract(state, taker)
    count_order(state, effects, c.account)
    limit_means(state, taker)
    match(state, effects, taker)
    by_quote = bool(c.flags & CommandFlag.BY_QUOTE)
    remaining = 0 if by_quote else c.qty_lots - taker.filled - taker.prevented
    if remaining == 0:
        used_up = (taker.spent or taker.budget == 0) and taker.filled > 0
        done = used_up if by_quote else taker.prevented == 0
        status = OrderStatus.FILLED if done else OrderStatus.EXPIRED
    elif may_rest and not taker.stopped:
        status = OrderStatus.PARTLY_FILLED if taker.filled else OrderStatus.OPEN
        rest(state, taker, c.expire_ns // NS)
    else:
        status = OrderStatus.EXPIRED
    effects.outcome = {
        "status": status,
        "subject_id": effects.seq,
        "filled_lots": taker.filled,
        "filled_quote_minor": taker.quote,
        "remaining_lots": remaining,
    }


def rest(state: State, taker: Taker, expire_s: int) -> None:
    """Put what is left into the book, with the hold that filling it would cost."""
    assert taker.limit is not None, "only limit orders rest"
    instrument = taker.instrument
    remaining = taker.remaining
    if instrument.contract is not None:
        held = 0
        position = state.open(taker.account, taker.instrument_id)
        reserve(instrument.contract, position, taker.side, taker.limit, 0, remaining)
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
    )
    state.orders[order.order_id] = order
    instrument.levels[taker.side].setdefault(taker.limit, []).append(order)
    if expire_s:
        state.timers.add(order.order_id, order.account, expire_s)


def check_target(state: State, c: SimpleNamespace, *, amends: bool) -> Order:
    """The caller's own open order of the named instrument.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(state.is_customer(c.account), Reject.UNKNOWN_ACCOUNT)
    require(c.instrument < len(state.instruments), Reject.UNKNOWN_INSTRUMENT)
    unused = (
        c.flags,
        c.side,
        c.order_type,
        c.time_in_force,
        c.self_trade,
        c.price_ticks,
        c.quote_minor,
        c.trigger_ticks,
        c.display_lots,
        c.expire_ns,
        0 if amends else c.qty_lots,
    )
    require(c.clean and not any(unused), Reject.MALFORMED)
    if amends:
        most = state.instruments[c.instrument].max_qty
        require(1 <= c.qty_lots <= most, Reject.QTY_OUT_OF_RANGE)
    order = state.orders.get(c.target_id)
    if order is None or order.instrument != c.instrument:
        require(False, Reject.UNKNOWN_ORDER)  # noqa: FBT003 - reads as a sentence
        raise AssertionError
    require(order.account == c.account, Reject.NOT_OWNER)
    return order


def cancel_order(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """CANCEL_ORDER.

    Raises:
        Rejected: In the order of `Reject`.
    """
    order = check_target(state, c, amends=False)
    _, released = unrest(state, order)
    effects.outcome = {
        "status": OrderStatus.CANCELED,
        "subject_id": order.order_id,
        "remaining_lots": order.remaining,
        "amount_minor": released,
    }


def amend_order(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """AMEND_ORDER: strictly smaller, place in the queue kept.

    Raises:
        Rejected: In the order of `Reject`.
    """
    order = check_target(state, c, amends=True)
    filled = order.total - order.remaining
    require(filled < c.qty_lots < order.total, Reject.NOTHING_TO_AMEND)
    released = shrink(state, order, c.qty_lots - filled)
    effects.outcome = {
        "status": OrderStatus.PARTLY_FILLED if filled else OrderStatus.OPEN,
        "subject_id": order.order_id,
        "remaining_lots": order.remaining,
        "amount_minor": released,
    }
