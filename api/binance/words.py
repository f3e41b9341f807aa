"""The dialect's words for what the ledger holds, both ways."""

from typing import Final

from api.binance.kinds import OrderWord
from api.gate.desk import NewOrder
from ledger.journal.ports import Ack
from ledger.readmodel.views import OrderView
from ledger.records.codes import (
    CommandFlag,
    ExpireReason,
    OrderStatus,
    OrderType,
    SelfTrade,
    TimeInForce,
    WithdrawalStatus,
)

MS: Final = 1_000_000
"""Nanoseconds in a millisecond."""
DEFAULT_SELF_TRADE: Final = SelfTrade.EXPIRE_MAKER
SELF_TRADE_MODES: Final = tuple(mode.name for mode in SelfTrade)
CLIENT_ORDER_TYPES: Final = tuple(word.value for word in OrderWord)

_STATUS: Final = {
    OrderStatus.OPEN: "NEW",
    OrderStatus.PENDING: "NEW",
    OrderStatus.PARTLY_FILLED: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
}
_EXPIRED: Final[dict[ExpireReason | None, str]] = {
    ExpireReason.SELF_TRADE: "EXPIRED_IN_MATCH",
    ExpireReason.REFUSED: "REJECTED",
}
"""Reasons with a word of their own; all others are EXPIRED."""
WITHDRAWAL_STATUS: Final = {
    WithdrawalStatus.HELD: 2,
    WithdrawalStatus.CLEARED: 4,
    WithdrawalStatus.BATCHED: 4,
    WithdrawalStatus.PAID: 6,
    WithdrawalStatus.CLAIMABLE: 6,
    WithdrawalStatus.DENIED: 3,
}
"""Binance: 2 awaiting approval, 3 rejected, 4 processing, 6 completed."""


def order_type_word(order_type: OrderType, flags: int) -> str:
    """The order's type as the client sent it."""
    limit = order_type is OrderType.LIMIT
    if flags & (CommandFlag.STOP | CommandFlag.TAKE_PROFIT):
        word = OrderWord.STOP_LOSS if flags & CommandFlag.STOP else OrderWord.TAKE_PROFIT
        return f"{word.value}_LIMIT" if limit else word.value
    if not limit:
        return "MARKET"
    return "LIMIT_MAKER" if flags & CommandFlag.POST_ONLY else "LIMIT"


def ack_status_word(order: NewOrder, ack: Ack) -> str:
    """The status of an order as its own command left it.

    One that may rest, and one of which nothing is left, expire by self-trade prevention alone.
    """
    if ack.status is OrderStatus.EXPIRED:
        rests = order.order_type is OrderType.LIMIT and order.time_in_force is TimeInForce.GTC
        gone = ack.remaining_lots == 0 and not order.flags & CommandFlag.BY_QUOTE
        return (
            "EXPIRED_IN_MATCH"
            if rests or (gone and ack.filled_lots < order.qty_lots)
            else "EXPIRED"
        )
    return _STATUS[ack.status]


def view_status_word(view: OrderView) -> str:
    """The status of a stored order."""
    if view.status is OrderStatus.EXPIRED:
        return _EXPIRED.get(view.expired_by, "EXPIRED")
    return _STATUS[view.status]


def is_working(view: OrderView) -> bool:
    """Whether the order is, or ever was, in the book: a pending one never was."""
    conditional = view.flags & (CommandFlag.STOP | CommandFlag.TAKE_PROFIT)
    return not conditional or view.triggered_ns > 0
