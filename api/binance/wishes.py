"""What an order of the dialect asks for, as the engine's order: each type's own parameters."""

from dataclasses import dataclass
from typing import Final

from api.binance.kinds import OrderWord
from api.binance.rules import iceberg, limit_price, lots, market_by_quote, notional
from api.binance.words import DEFAULT_SELF_TRADE
from api.gate.decimals import Fixed
from api.gate.desk import NO_FLAGS, NewOrder
from api.gate.listing import Instrument
from api.gate.refusals import (
    EitherParameterMissing,
    ParameterMissing,
    ParameterNotRequired,
    ParametersCombined,
)
from ledger.records.codes import CommandFlag, OrderType, SelfTrade, Side, TimeInForce

TRIGGERS: Final = {
    OrderWord.STOP_LOSS: CommandFlag.STOP,
    OrderWord.STOP_LOSS_LIMIT: CommandFlag.STOP,
    OrderWord.TAKE_PROFIT: CommandFlag.TAKE_PROFIT,
    OrderWord.TAKE_PROFIT_LIMIT: CommandFlag.TAKE_PROFIT,
}
"""Types that wait for the last price to reach `stopPrice`."""
LIMITS: Final = frozenset(
    {
        OrderWord.LIMIT,
        OrderWord.LIMIT_MAKER,
        OrderWord.STOP_LOSS_LIMIT,
        OrderWord.TAKE_PROFIT_LIMIT,
    }
)
"""Types with a price of their own."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a wish's parameters are called in its operation, for refusals."""

    time_in_force: str = "timeInForce"
    quantity: str = "quantity"
    quote_order_qty: str = "quoteOrderQty"
    price: str = "price"
    stop_price: str = "stopPrice"
    iceberg_qty: str = "icebergQty"


PLAIN_NAMES: Final = Names()


@dataclass(frozen=True, slots=True)
class Wish:
    """One order as its parameters say it."""

    side: Side
    type: OrderWord
    client_id: bytes
    session: int
    time_in_force: TimeInForce | None = None
    quantity: Fixed | None = None
    quote_order_qty: Fixed | None = None
    price: Fixed | None = None
    stop_price: Fixed | None = None
    iceberg_qty: Fixed | None = None
    self_trade: SelfTrade = DEFAULT_SELF_TRADE
    names: Names = PLAIN_NAMES


def new_order(wish: Wish, instrument: Instrument) -> NewOrder:
    """The engine's order, after the symbol's rules. It comes through a key, and says so.

    Raises:
        ApiError: A parameter is missing or not required for this type, or a rule is broken.
    """
    if wish.type in LIMITS:
        return _limit_order(wish, instrument)
    return _market_order(wish, instrument)


def _limit_order(wish: Wish, instrument: Instrument) -> NewOrder:
    names, post_only = wish.names, wish.type is OrderWord.LIMIT_MAKER
    if post_only and wish.time_in_force is not None:
        raise ParameterNotRequired(names.time_in_force)
    if wish.quote_order_qty is not None:
        raise ParameterNotRequired(names.quote_order_qty)
    if not post_only and wish.time_in_force is None:
        raise ParameterMissing(names.time_in_force)
    if wish.quantity is None:
        raise ParameterMissing(names.quantity)
    if wish.price is None:
        raise ParameterMissing(names.price)
    trigger_ticks = _trigger(wish, instrument)
    price_ticks = limit_price(instrument, wish.price, names.price)
    qty_lots = lots(instrument, names.quantity, wish.quantity)
    notional(instrument, price_ticks, qty_lots)
    time_in_force = wish.time_in_force or TimeInForce.GTC
    display_lots = 0
    if wish.iceberg_qty is not None:
        if time_in_force is not TimeInForce.GTC:
            raise ParametersCombined
        display_lots = iceberg(instrument, names.iceberg_qty, wish.iceberg_qty, qty_lots)
    flags = CommandFlag.POST_ONLY if post_only else TRIGGERS.get(wish.type, NO_FLAGS)
    return NewOrder(
        instrument=instrument.instrument,
        side=wish.side,
        order_type=OrderType.LIMIT,
        client_id=wish.client_id,
        time_in_force=time_in_force,
        self_trade=wish.self_trade,
        flags=flags | CommandFlag.VIA_API,
        price_ticks=price_ticks,
        qty_lots=qty_lots,
        trigger_ticks=trigger_ticks,
        display_lots=display_lots,
        session=wish.session,
    )


def _market_order(wish: Wish, instrument: Instrument) -> NewOrder:
    names, triggered = wish.names, wish.type in TRIGGERS
    if wish.price is not None:
        raise ParameterNotRequired(names.price)
    if wish.time_in_force is not None:
        raise ParameterNotRequired(names.time_in_force)
    if wish.iceberg_qty is not None:
        raise ParameterNotRequired(names.iceberg_qty)
    if wish.quote_order_qty is not None and (wish.quantity is not None or triggered):
        raise ParameterNotRequired(names.quote_order_qty)
    trigger_ticks = _trigger(wish, instrument)
    qty_lots = quote_minor = 0
    flags = TRIGGERS.get(wish.type, NO_FLAGS)
    if wish.quantity is not None:
        qty_lots = lots(instrument, names.quantity, wish.quantity, "MARKET_LOT_SIZE")
    elif wish.quote_order_qty is not None:
        if wish.self_trade is SelfTrade.DECREMENT:
            raise ParametersCombined
        quote_minor = market_by_quote(instrument, wish.quote_order_qty)
        flags |= CommandFlag.BY_QUOTE
    elif triggered:
        raise ParameterMissing(names.quantity)
    else:
        raise EitherParameterMissing(names.quantity, names.quote_order_qty)
    return NewOrder(
        instrument=instrument.instrument,
        side=wish.side,
        order_type=OrderType.MARKET,
        client_id=wish.client_id,
        time_in_force=TimeInForce.IOC,
        self_trade=wish.self_trade,
        flags=flags | CommandFlag.VIA_API,
        qty_lots=qty_lots,
        quote_minor=quote_minor,
        trigger_ticks=trigger_ticks,
        session=wish.session,
    )


def _trigger(wish: Wish, instrument: Instrument) -> int:
    """The price that the order waits for; 0 for a type that does not wait."""
    if wish.type not in TRIGGERS:
        if wish.stop_price is not None:
            raise ParameterNotRequired(wish.names.stop_price)
        return 0
    if wish.stop_price is None:
        raise ParameterMissing(wish.names.stop_price)
    return limit_price(instrument, wish.stop_price, wish.names.stop_price)
