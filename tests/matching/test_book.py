"""The book's kernels equal the naive book, and keep their own books in order."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.arena import PAGES_SPARE, grown, make_room, new_book, rebuild
from matching.index import find_level, key_of, next_level, open_side
from matching.jit import kernel
from matching.layout import KEY_NONE, NIL, PAGE_KEYS
from matching.queue import reduce_order, remove_order, rest_order
from matching.reference import NaiveOrder, NaiveSide
from matching.units import PRICE_TICKS_MAX

BID, ASK = 0, 1
HEIGHTS = [(1, 1), (63, 1), (64, 2), (4095, 2), (4096, 3), (2**24, 5), (PRICE_TICKS_MAX, 6)]


@kernel
def key(book, side_index, price_ticks):
    return key_of(book, side_index, price_ticks)


@kernel
def level_at(book, side_index, wanted):
    return find_level(book, side_index, wanted)


@kernel
def reduce(book, slot, lots):
    reduce_order(book, slot, lots)


class Pair:
    """A kernel book of one instrument beside the naive one."""

    def __init__(self, max_price=PRICE_TICKS_MAX):
        self.book = new_book()
        self.max_price = max_price
        self.naive = {BID: NaiveSide(is_bid=True), ASK: NaiveSide(is_bid=False)}
        self.slots = {}
        for side in (BID, ASK):
            open_side(self.book, side, max_price)

    def rest(self, order_id, side, price, lots):
        self.book = make_room(self.book, 2)
        slot = rest_order(self.book, side, key(self.book, side, price), 16, (order_id, lots))
        self.naive[side].rest(NaiveOrder(order_id, 16, price, lots))
        self.slots[order_id] = (slot, side, lots)

    def remove(self, order_id):
        slot, side, _ = self.slots.pop(order_id)
        remove_order(self.book, slot)
        self.naive[side].remove(order_id)

    def reduce(self, order_id, lots):
        slot, side, left = self.slots[order_id]
        reduce(self.book, slot, lots)
        self.naive[side].reduce(order_id, lots)
        self.slots[order_id] = (slot, side, left - lots)

    def queue(self, level):
        """Order ids of a level from the front; both directions of the list agree."""
        orders, ids = self.book.orders, []
        slot, before = int(self.book.levels["head"][level]), NIL
        while slot != NIL:
            assert orders["prev"][slot] == before
            ids.append(int(orders["order_id"][slot]))
            before, slot = slot, int(orders["next"][slot])
        assert self.book.levels["tail"][level] == before
        return ids

    def check(self):
        """Everything that can be read of the kernel book is what the naive one says."""
        book = self.book
        for side, naive in self.naive.items():
            rows, expected = book.sides[side], naive.depth()
            assert rows["levels"] == len(expected)
            assert rows["orders"] == sum(orders for _, _, orders in expected)
            assert rows["qty_lots"] == sum(lots for _, lots, _ in expected)
            level, found = int(rows["best_level"]), []
            best = expected[0][0] if expected else None
            assert rows["best_key"] == (KEY_NONE if best is None else key(book, side, best))
            while level != NIL:
                price = int(key(book, side, int(book.levels["key"][level])))
                assert level_at(book, side, int(book.levels["key"][level])) == level
                queue = self.queue(level)
                assert queue == [order.order_id for order in naive.levels[price]]
                found.append((price, int(book.levels["qty_lots"][level]), len(queue)))
                assert book.levels["count"][level] == len(queue)
                level = next_level(book, level)
            assert found == expected


def drive(pair, rng, steps, prices):
    order_id = 0
    for _ in range(steps):
        act = rng.random()
        if act < 0.55 or not pair.slots:
            order_id += 1
            pair.rest(order_id, rng.randrange(2), rng.choice(prices), rng.randrange(1, 100))
        elif act < 0.85:
            pair.remove(rng.choice(list(pair.slots)))
        else:
            chosen = rng.choice(list(pair.slots))
            left = pair.slots[chosen][2]
            if left > 1:
                pair.reduce(chosen, rng.randrange(1, left))


@pytest.mark.parametrize("seed", range(20))
def test_random_walk_equals_naive_book(seed):
    rng = random.Random(seed)
    top = rng.choice([100, 5000, 2**20, PRICE_TICKS_MAX])
    around = rng.randrange(1, top)
    prices = [min(top, max(1, around + rng.randrange(-40, 40))) for _ in range(30)]
    prices += [1, top, *(rng.randrange(1, top + 1) for _ in range(20))]
    pair = Pair(top)
    for _ in range(8):
        drive(pair, rng, 40, prices)
        pair.check()
        for order_id in list(pair.slots):
            pair.remove(order_id)
        pair.check()


@given(st.lists(st.integers(1, PRICE_TICKS_MAX), min_size=1, max_size=40))
def test_levels_come_in_price_order_for_any_prices(prices):
    pair = Pair()
    for order_id, price in enumerate(prices, start=1):
        pair.rest(order_id, order_id % 2, price, 5)
    pair.check()


@pytest.mark.parametrize(("top", "height"), HEIGHTS)
def test_index_is_as_high_as_the_price_range_needs(top, height):
    pair = Pair(top)
    assert pair.book.sides["height"][BID] == height
    for order_id, price in enumerate({1, top}, start=1):
        pair.rest(order_id, BID, price, 1)
        pair.rest(order_id + 10, ASK, price, 1)
    pair.check()


def test_pages_and_levels_are_given_back_when_the_book_empties():
    pair = Pair()
    rng = random.Random(7)
    for order_id in range(1, 400):
        pair.rest(order_id, order_id % 2, rng.randrange(1, PRICE_TICKS_MAX), 1)
    for order_id in range(1, 400):
        pair.remove(order_id)
    pool = pair.book.pool[0]
    assert (pool["order_open"], pool["level_open"], pool["page_open"]) == (0, 0, 2)
    assert not pair.book.ids["order_id"].any()


def test_the_last_slot_freed_is_the_first_one_taken():
    pair = Pair()
    for order_id in range(1, 5):
        pair.rest(order_id, BID, 10, 1)
    pair.remove(2)
    pair.remove(4)
    pair.rest(5, BID, 10, 1)
    pair.rest(6, BID, 10, 1)
    pair.rest(7, BID, 10, 1)
    assert [pair.slots[order_id][0] for order_id in (5, 6, 7)] == [3, 1, 4]


def test_a_free_slot_holds_nothing_but_the_next_free_one():
    pair = Pair()
    pair.rest(1, ASK, 10, 7)
    pair.rest(2, ASK, 10, 7)
    pair.remove(1)
    row = pair.book.orders[0]
    assert int(row["next"]) == NIL
    assert all(int(row[name]) == 0 for name in row.dtype.names if name != "next")


def test_growing_keeps_every_order_where_it_was():
    pair = Pair()
    rng = random.Random(3)
    for order_id in range(1, 3000):
        pair.rest(order_id, order_id % 2, rng.randrange(1, 10**6), 1 + order_id)
    pair.check()
    assert len(pair.book.orders) == 4096
    assert len(pair.book.ids) == 2 * len(pair.book.orders)
    assert len(pair.book.children) == len(pair.book.pages) * PAGE_KEYS


@pytest.mark.parametrize("seed", range(5))
def test_rebuild_restores_what_is_derived(seed):
    rng = random.Random(seed)
    pair = Pair(2**20)
    drive(pair, rng, 3000, [rng.randrange(1, 2**20) for _ in range(700)])
    kept = pair.book
    high = int(kept.pool["order_high"][0])
    fresh = new_book()
    for name in ("order_high", "order_free", "order_open"):
        fresh.pool[name] = kept.pool[name]
    fresh = make_room(fresh._replace(orders=grown(fresh.orders, high + 1)), 2)
    fresh.orders[:high] = kept.orders[:high]
    for side in (BID, ASK):
        open_side(fresh, side, 2**20)
    keys = np.zeros(high, np.int64)
    for order_slot, _, _ in pair.slots.values():
        keys[order_slot] = kept.levels["key"][kept.level_of[order_slot]]
    slot, passes = 0, 0
    while slot < high:
        fresh = make_room(fresh, 2)
        slot, passes = rebuild(fresh, keys, slot), passes + 1
    pair.book = fresh
    pair.check()
    pair.rest(10**6, BID, 77, 3)
    pair.check()


def test_room_for_one_more_order_is_room_for_its_longest_path():
    book = make_room(new_book(), 2)
    assert len(book.pages) - int(book.pool["page_open"][0]) >= PAGES_SPARE
    assert grown(book.pages, len(book.pages)) is book.pages
