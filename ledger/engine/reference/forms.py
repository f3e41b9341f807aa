"""The reference engine's checks of what an order says of itself."""

from types import SimpleNamespace

from ledger.engine.limits import ICEBERG_PARTS_MAX
from ledger.engine.reference.state import Instrument, require
from ledger.engine.reference.sweeps import is_second
from ledger.engine.reference.taker import charge, value
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    OrderType,
    Reject,
    SelfTrade,
    TimeInForce,
)
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
    conditional = bool(c.flags & (CommandFlag.STOP | CommandFlag.TAKE_PROFIT))
    both = c.flags & CommandFlag.STOP and c.flags & CommandFlag.TAKE_PROFIT
    oco, replaces = bool(c.flags & CommandFlag.OCO), c.kind == CommandKind.REPLACE_ORDER
    rests = limit and c.time_in_force in MAY_REST
    trailing, take_profit = c.flags & CommandFlag.TRAILING, c.flags & CommandFlag.TAKE_PROFIT
    elsewhere = c.flags & (CommandFlag.ON_MARK | CommandFlag.ON_INDEX)
    gtd = c.time_in_force == TimeInForce.GTD
    well_formed = (
        c.clean
        and c.flags & ~sum(CommandFlag) == 0
        and c.side <= 1
        and c.order_type <= 1
        and c.time_in_force <= 3
        and c.self_trade <= 3
        and (not by_quote or c.self_trade != SelfTrade.DECREMENT)
        and (is_second(c.expire_ns) and limit if gtd else c.expire_ns == 0)
        and (not gtd or c.expire_ns > time_ns)
        and (not post_only or rests)
        and (not by_quote or (not limit and not fok and c.qty_lots == 0))
        and (by_quote or c.quote_minor == 0)
        and (limit or c.price_ticks == 0)
        and (rests or c.display_lots == 0)
        and not both
        and (not c.flags & CommandFlag.CLOSE_POSITION or (conditional and closes_well(c)))
        and (conditional or (c.trigger_ticks == 0 and not oco and not elsewhere))
        and (not trailing or (conditional and not take_profit))
        and elsewhere != CommandFlag.ON_MARK | CommandFlag.ON_INDEX
        and not (oco and replaces)
        and (oco or replaces or c.target_id == 0)
    )
    require(well_formed, Reject.MALFORMED)


def closes_well(c: SimpleNamespace) -> bool:
    """What closes a whole position has no size and no price."""
    others = CommandFlag.REDUCE_ONLY | CommandFlag.BY_QUOTE
    return c.order_type == OrderType.MARKET and c.qty_lots == 0 and not c.flags & others


def check_size(c: SimpleNamespace, instrument: Instrument) -> None:
    """Price, quantity and worth against the instrument's limits.

    Raises:
        Rejected: In the order of `Reject`.
    """
    by_quote = bool(c.flags & CommandFlag.BY_QUOTE)
    limit = c.order_type == OrderType.LIMIT
    if limit:
        require(1 <= c.price_ticks <= instrument.max_price, Reject.PRICE_OUT_OF_RANGE)
    if c.flags & (CommandFlag.STOP | CommandFlag.TAKE_PROFIT):
        require(1 <= c.trigger_ticks <= instrument.max_price, Reject.PRICE_OUT_OF_RANGE)
    if c.flags & CommandFlag.CLOSE_POSITION:
        return
    if not by_quote:
        require(1 <= c.qty_lots <= instrument.max_qty, Reject.QTY_OUT_OF_RANGE)
    if c.display_lots:
        require(1 <= c.display_lots <= c.qty_lots, Reject.QTY_OUT_OF_RANGE)
        slices = -(-c.qty_lots // c.display_lots)
        require(slices <= ICEBERG_PARTS_MAX, Reject.QTY_OUT_OF_RANGE)
    if limit:
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
