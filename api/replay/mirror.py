"""The book as the recording tells it: the truth that a replay's engine is held to.

Each order also knows its seat: the engine's id of it and what the engine still has of it. An order
without a seat stands in the recording only, for one of the reasons in docs/replay.md.
"""

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final

from api.replay.errors import TooManyOrders
from ledger.records.codes import Side

ORDERS_MAX: Final = 1 << 22
"""Orders open at once: some half a GiB."""


@dataclass(slots=True)
class Resting:
    """One open order of the recording.

    Attributes:
        key, side, price_ticks: As recorded.
        lots: What the recording leaves open.
        order_id: The engine's order; 0 when it has no seat.
        seat_lots: What the engine has open of it.
        seat_size: The size of the engine's order, what filled included: amends name it.
    """

    key: int
    side: Side
    price_ticks: int
    lots: int
    order_id: int = 0
    seat_lots: int = 0
    seat_size: int = 0


@dataclass(slots=True)
class Level:
    """The orders at one price, first in the queue first, and how many of them have a seat."""

    orders: dict[int, Resting] = field(default_factory=dict)
    seated: int = 0


class Mirror:
    """Orders by key, and by side and price."""

    def __init__(self, orders_max: int = ORDERS_MAX) -> None:
        self.orders: dict[int, Resting] = {}
        self.levels: tuple[dict[int, Level], dict[int, Level]] = ({}, {})
        self.seats: dict[int, Resting] = {}
        """By the engine's order id."""
        self._orders_max = orders_max
        self._prices: tuple[list[int], list[int]] = ([], [])
        """Heaps of the prices that got a seat, best first; prices that lost theirs leave lazily."""

    def add(self, key: int, side: Side, price_ticks: int, lots: int) -> Resting:
        """Put an order behind the others at its price, without a seat.

        Raises:
            TooManyOrders: The recording holds more open orders than a replay keeps.
        """
        assert key not in self.orders, "the caller looked"
        if len(self.orders) >= self._orders_max:
            raise TooManyOrders(self._orders_max)
        order = Resting(key, side, price_ticks, lots)
        self.orders[key] = order
        self.levels[side].setdefault(price_ticks, Level()).orders[key] = order
        return order

    def remove(self, order: Resting) -> None:
        """Take an order out; its seat must be vacated before or with it."""
        self.vacate(order)
        del self.orders[order.key]
        levels = self.levels[order.side]
        level = levels[order.price_ticks]
        del level.orders[order.key]
        if not level.orders:
            del levels[order.price_ticks]

    def seat(self, order: Resting, order_id: int) -> None:
        """The engine has the order, whole."""
        assert order.order_id == 0, "one seat an order"
        order.order_id = order_id
        order.seat_lots = order.seat_size = order.lots
        self.seats[order_id] = order
        level = self.levels[order.side][order.price_ticks]
        level.seated += 1
        if level.seated == 1:
            heappush(self._prices[order.side], _rank(order.side, order.price_ticks))

    def vacate(self, order: Resting) -> None:
        """The engine no longer has the order."""
        if order.order_id:
            del self.seats[order.order_id]
            order.order_id = order.seat_lots = order.seat_size = 0
            self.levels[order.side][order.price_ticks].seated -= 1

    def best(self, side: Side) -> int:
        """The best price with a seat on a side; 0 when there is none."""
        heap, levels = self._prices[side], self.levels[side]
        while heap:
            price = abs(heap[0])
            level = levels.get(price)
            if level is not None and level.seated:
                return price
            heappop(heap)
        return 0

    def crosses(self, side: Side, price_ticks: int) -> bool:
        """Whether an order of `side` at this price would meet a seated one."""
        other = self.best(Side(1 - side))
        if not other:
            return False
        return price_ticks >= other if side is Side.BUY else price_ticks <= other


def _rank(side: Side, price_ticks: int) -> int:
    """The heap's smallest is the best: bids count down."""
    return -price_ticks if side is Side.BUY else price_ticks
