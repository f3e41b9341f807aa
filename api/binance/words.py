"""The dialect's words for what the ledger holds, both ways."""

from typing import Final

from api.binance.kinds import OrderWord
from ledger.readmodel.views import OrderView
from ledger.records.codes import (
    CommandFlag,
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
SUPPORTED_TYPES: Final = (OrderWord.LIMIT, OrderWord.LIMIT_MAKER, OrderWord.MARKET)
CLIENT_ORDER_TYPES: Final = tuple(word.value for word in SUPPORTED_TYPES)

_STATUS: Final = {
    OrderStatus.OPEN: "NEW",
    OrderStatus.PARTLY_FILLED: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
}
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
    if order_type is OrderType.MARKET:
        return "MARKET"
    return "LIMIT_MAKER" if flags & CommandFlag.POST_ONLY else "LIMIT"


def status_word(status: OrderStatus, order_type: OrderType, time_in_force: TimeInForce) -> str:
    """The order's status. A resting order that left by rule left by self-trade prevention."""
    resting = order_type is OrderType.LIMIT and time_in_force is TimeInForce.GTC
    if status is OrderStatus.EXPIRED and resting:
        return "EXPIRED_IN_MATCH"
    return _STATUS[status]


def view_status_word(view: OrderView) -> str:
    """The status of a stored order."""
    return status_word(view.status, view.order_type, view.time_in_force)
