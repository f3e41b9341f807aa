"""How the words of the ledger are spelled in order-book records: total tables, tested as such."""

from collections.abc import Mapping
from typing import Final

from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderType,
    Product,
    Side,
    TimeInForce,
)

SIDES: Final = {int(Side.BUY): "BUYI", int(Side.SELL): "SELL"}
VALIDITIES: Final = {
    int(TimeInForce.GTC): "GTCV",
    int(TimeInForce.IOC): "IOCV",
    int(TimeInForce.FOK): "FOKV",
    int(TimeInForce.GTD): "GTTV",
}
"""Field 9; GTTV comes with its time (field 11)."""
TYPES: Final = {int(OrderType.LIMIT): "LIMIT", int(OrderType.MARKET): "MARKET"}
DERIVATIVES: Final = {
    int(Product.SPOT): "",
    int(Product.LINEAR): "LINEAR_PERPETUAL",
    int(Product.INVERSE): "INVERSE_PERPETUAL",
}
"""What marks a record of an instrument that is no crypto-asset but a derivative on one."""

LEAVING: Final[Mapping[int, str]] = {
    int(ExpireReason.SELF_TRADE): "CAMO",
    int(ExpireReason.TIME): "EXPI",
    int(ExpireReason.CANCEL_ALL): "CAME",
    int(ExpireReason.DEAD_MAN): "CAME",
    int(ExpireReason.ACCOUNT_BLOCKED): "CAMO",
    int(ExpireReason.PARTNER): "CAMO",
    int(ExpireReason.REPLACED): "CAME",
    int(ExpireReason.REMAINDER): "EXPI",
    int(ExpireReason.REFUSED): "CAMO",
    int(ExpireReason.LIQUIDATION): "CAMO",
    int(ExpireReason.POSITION_CLOSED): "CAMO",
    int(ExpireReason.OWN_AUCTION): "CAMO",
    int(ExpireReason.UNCOVERED): "CAMO",
}
"""Field 20 of an order that left by an event: its owner's doing, its own validity, or the venue."""
REASON_MASK: Final = 0xFF
"""The reason in the flags of ORDER_EXPIRED."""

ORDER_EVENTS: Final = frozenset(
    {
        EventKind.TRADE,
        EventKind.ORDER_EXPIRED,
        EventKind.ORDER_REDUCED,
        EventKind.ORDER_TRIGGERED,
    }
)
"""Events that give records."""
MONEY_EVENTS: Final = frozenset(
    {
        EventKind.FUNDING_PAID,
        EventKind.MARK_MOVED,
        EventKind.ACCOUNT_FELL,
        EventKind.POSITION_TAKEN,
        EventKind.DELEVERAGED,
        EventKind.LEGS_NETTED,
        EventKind.COLLATERAL_TAKEN,
        EventKind.DEBT_COVERED,
        EventKind.LOSS_SHARED,
        EventKind.POSITION_FELL,
        EventKind.MARGIN_MOVED,
        EventKind.TRANSFERRED,
        EventKind.LOAN_TAKEN,
        EventKind.LOAN_REPAID,
        EventKind.LOAN_SETTLED,
        EventKind.LOAN_LOST,
        EventKind.MARGIN_CALLED,
        EventKind.OVERDRAFT_CHARGED,
        EventKind.WITHDRAWAL_BATCHED,
        EventKind.WITHDRAWAL_SETTLED,
        EventKind.WITHDRAWAL_RELEASED,
        EventKind.HOLD_PLACED,
        EventKind.HOLD_RELEASED,
        EventKind.PHASE_CHANGED,
    }
)
"""Events about no order: positions and money change hands outside the book; prices, phases move."""

ENTERING: Final = frozenset({CommandKind.NEW_ORDER, CommandKind.REPLACE_ORDER})
"""Commands that bring an order."""

CONDITIONAL: Final = int(CommandFlag.STOP | CommandFlag.TAKE_PROFIT)
FORM_FLAGS: Final = int(CommandFlag.POST_ONLY | CommandFlag.BY_QUOTE) | CONDITIONAL
"""A plain integer: masking with the enumeration costs more than the rest of the look-up."""


def type_name(order_type: int, flags: int) -> str:
    """Field 21: the venue's name of an order type; the order type is one of `TYPES`."""
    limit = order_type == OrderType.LIMIT
    if flags & CONDITIONAL:
        name = "STOP_LOSS" if flags & CommandFlag.STOP else "TAKE_PROFIT"
        return f"{name}_LIMIT" if limit else name
    marks = bool(flags & CommandFlag.POST_ONLY), bool(flags & CommandFlag.BY_QUOTE)
    plain = TYPES[order_type]
    return {(True, False): "LIMIT_MAKER", (False, True): "MARKET_BY_QUOTE"}.get(marks, plain)
