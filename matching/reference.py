"""The oracle of the book: dicts and lists, with the same words and none of the same logic."""

from dataclasses import dataclass, field


@dataclass
class NaiveOrder:
    order_id: int
    account: int
    price_ticks: int
    lots: int


@dataclass
class NaiveSide:
    """One side of one book; `is_bid` says which price is better."""

    is_bid: bool
    levels: dict[int, list[NaiveOrder]] = field(default_factory=dict)

    def rest(self, order: NaiveOrder) -> None:
        """Put an order at the end of its price's queue."""
        self.levels.setdefault(order.price_ticks, []).append(order)

    def remove(self, order_id: int) -> NaiveOrder:
        """Take an order out, wherever it stands."""
        for price, queue in self.levels.items():
            for order in queue:
                if order.order_id == order_id:
                    queue.remove(order)
                    if not queue:
                        del self.levels[price]
                    return order
        raise KeyError(order_id)

    def reduce(self, order_id: int, lots: int) -> None:
        """Take lots off an order, which keeps its place."""
        for queue in self.levels.values():
            for order in queue:
                if order.order_id == order_id:
                    order.lots -= lots
                    return
        raise KeyError(order_id)

    def best_first(self) -> list[int]:
        """The prices that have orders."""
        return sorted(self.levels, reverse=self.is_bid)

    def depth(self) -> list[tuple[int, int, int]]:
        """(price_ticks, lots, orders) of every level, best first."""
        return [
            (price, sum(order.lots for order in self.levels[price]), len(self.levels[price]))
            for price in self.best_first()
        ]
