"""A call auction under test: the kernel book, what icebergs hide, and a plain list beside them."""

import numpy as np

from matching.arena import grown, make_room, new_book
from matching.auction import SURPLUS_LOTS_MAX, clearing, next_pair
from matching.index import key_of, open_side
from matching.jit import kernel
from matching.layout import NIL
from matching.queue import reduce_order, remove_order, requeue_order, rest_order
from matching.reference import naive_clearing
from matching.units import PRICE_TICKS_MAX

BUY, SELL = 0, 1
NO_PAIR = (NIL, NIL)
# Like the engine's table: the hidden lots are one column of several.
TERMS = np.dtype([("display_lots", "<i8"), ("hidden_lots", "<i8")])


@kernel
def key_at(book, side_index, price_ticks):
    return key_of(book, side_index, price_ticks)


@kernel
def take(book, slot, lots):
    reduce_order(book, slot, lots)


@kernel
def pair_at(book, buy_side_index, sell_side_index, price_ticks):
    return next_pair(book, buy_side_index, sell_side_index, price_ticks)


class Call:
    """One instrument's book during the call. `orders` are (id, side, price, shown, hidden)."""

    def __init__(self, max_price=PRICE_TICKS_MAX, instrument=0):
        self.max_price = max_price
        self.sides = (2 * instrument + BUY, 2 * instrument + SELL)
        self.book = make_room(new_book(), 2 * instrument + 2)
        self.terms = np.zeros(len(self.book.orders), TERMS)
        for side in self.sides:
            open_side(self.book, side, max_price)
        self.last_id = 0
        self.orders = []

    def rest(self, side, price, shown, hidden=0):
        self.last_id += 1
        self.book = make_room(self.book, len(self.book.sides))
        self.terms = grown(self.terms, len(self.book.orders))
        side_index = self.sides[side]
        key = key_at(self.book, side_index, price)
        slot = int(rest_order(self.book, side_index, key, 16, (self.last_id, shown)))
        self.terms["hidden_lots"][slot] = hidden
        self.terms["display_lots"][slot] = shown
        self.orders.append((self.last_id, side, price, shown, hidden))
        return slot

    def fill(self, buys, sells):
        """Rest (price, shown, hidden...) of both sides, in the order given; returns itself."""
        for side, offers in ((BUY, buys), (SELL, sells)):
            for offer in offers:
                self.rest(side, *offer)
        return self

    def empty(self):
        """Take all orders out, so that one arena serves many books."""
        for slot in np.flatnonzero(self.book.orders["order_id"]):
            remove_order(self.book, int(slot))
        self.terms[:] = 0
        self.orders.clear()

    def hidden(self):
        """The column as the engine gives it: none when no order hides anything."""
        column = self.terms["hidden_lots"]
        return column if column.any() else column[:0]

    def clear(self, reference):
        found = clearing(self.book, self.hidden(), *self.sides, reference)
        return tuple(int(field) for field in found)

    def offers(self, side):
        """(price, lots) of one side as the oracle takes them."""
        return [(price, shown + hidden) for _, s, price, shown, hidden in self.orders if s == side]

    def expected(self, reference, ticks=None):
        """What the oracle says; a surplus beyond what is told counts as the most that is."""
        buys, sells = self.offers(BUY), self.offers(SELL)
        chosen = self.every_tick() if ticks is None else ticks
        price, lots, surplus = naive_clearing(buys, sells, reference, chosen)
        return price, lots, max(-SURPLUS_LOTS_MAX, min(surplus, SURPLUS_LOTS_MAX))

    def every_tick(self):
        """From below the lowest limit to above the highest."""
        limits = [price for _, _, price, _, _ in self.orders]
        return range(max(1, min(limits) - 2), max(limits) + 3) if limits else range(1, 4)

    def telling_ticks(self, reference):
        """Demand and supply change at limits alone: these, their neighbours, and the reference."""
        ticks = {price + step for _, _, price, _, _ in self.orders for step in (-1, 0, 1)}
        return sorted(tick for tick in ticks | {reference} if 1 <= tick <= self.max_price)

    def next_pair(self, price):
        buy, sell = pair_at(self.book, *self.sides, price)
        return int(buy), int(sell)

    def trade(self, slot, lots):
        """Take lots off an order: it leaves, shows its next slice at the end, or stays."""
        take(self.book, slot, lots)
        if self.book.orders["qty_lots"][slot] > 0:
            return
        terms = self.terms[slot]
        shown = min(int(terms["hidden_lots"]), int(terms["display_lots"]))
        if shown == 0:
            remove_order(self.book, slot)
        else:
            terms["hidden_lots"] -= shown
            requeue_order(self.book, slot, shown)

    def run(self, price):
        """Trade pair by pair; returns (buy id, sell id, lots) of every trade."""
        ids, shown = self.book.orders["order_id"], self.book.orders["qty_lots"]
        trades = []
        while (pair := self.next_pair(price)) != NO_PAIR:
            buy, sell = pair
            lots = int(min(shown[buy], shown[sell]))
            trades.append((int(ids[buy]), int(ids[sell]), lots))
            self.trade(buy, lots)
            self.trade(sell, lots)
        return trades
