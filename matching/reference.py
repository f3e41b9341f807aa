"""The oracle of the book: dicts and lists, with the same words and none of the same logic."""

from collections.abc import Iterable, Sequence
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


Offers = Sequence[tuple[int, int]]
"""(price_ticks, lots) of one side's orders, in any order."""


def naive_clearing(
    buys: Offers, sells: Offers, reference_ticks: int, ticks: Iterable[int]
) -> tuple[int, int, int]:
    """The auction's (price_ticks, lots, surplus_lots), tried at each of the given prices.

    The price is 0 when nothing trades at any of them. Where several are as near to the reference,
    the lowest is taken; with neighbouring ticks that cannot be.
    """
    table = []
    for price in ticks:
        demand = sum(lots for limit, lots in buys if limit >= price)
        supply = sum(lots for limit, lots in sells if limit <= price)
        table.append((price, min(demand, supply), demand - supply))
    most = max((lots for _, lots, _ in table), default=0)
    if most == 0:
        return 0, 0, 0
    table = [row for row in table if row[1] == most]
    least = min(abs(surplus) for _, _, surplus in table)
    table = sorted(row for row in table if abs(row[2]) == least)
    if all(surplus > 0 for _, _, surplus in table):
        return table[-1]
    if all(surplus < 0 for _, _, surplus in table):
        return table[0]
    return min(table, key=lambda row: abs(row[0] - reference_ticks))
