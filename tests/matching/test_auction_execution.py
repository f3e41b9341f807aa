"""An auction trades its volume by price and time, and leaves an uncrossed book."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from matching.layout import KEY_NONE
from matching.queue import remove_order
from tests.matching.calls import BUY, NO_PAIR, SELL, Call

ARENA = Call()
OFFERS = st.lists(
    st.tuples(st.integers(1, 12), st.integers(1, 4), st.just(0) | st.integers(0, 9)), max_size=8
)
REFERENCES = st.integers(-1, 14)


def filled(buys, sells):
    ARENA.empty()
    return ARENA.fill(buys, sells)


def slices(call, side, price):
    """Oracle: (id, lots) in the order in which one side trades at a price.

    A level's orders take turns with a slice each, the first comer first, until all is shown.
    """
    levels = {}
    for order_id, order_side, limit, shown, hidden in call.orders:
        if order_side == side and (limit >= price if side == BUY else limit <= price):
            levels.setdefault(limit, deque()).append((order_id, shown, hidden, shown))
    for limit in sorted(levels, reverse=side == BUY):
        queue = levels[limit]
        while queue:
            order_id, shown, hidden, display = queue.popleft()
            yield order_id, shown
            if hidden:
                following = min(hidden, display)
                queue.append((order_id, following, hidden - following, display))


def pair_up(buys, sells):
    """Oracle: the trades of two sequences of (id, lots)."""
    trades = []
    buys, sells = deque(buys), deque(sells)
    while buys and sells:
        (buy, wanted), (sell, offered) = buys.popleft(), sells.popleft()
        lots = min(wanted, offered)
        trades.append((buy, sell, lots))
        if wanted > lots:
            buys.appendleft((buy, wanted - lots))
        if offered > lots:
            sells.appendleft((sell, offered - lots))
    return trades


def traded(trades, side):
    """Lots of each order id of one side."""
    sums = {}
    for trade in trades:
        sums[trade[side]] = sums.get(trade[side], 0) + trade[2]
    return sums


def is_better(side, limit, price):
    return limit > price if side == BUY else limit < price


@given(OFFERS, OFFERS, REFERENCES)
def test_pairs_come_by_price_then_time_then_slice(buys, sells, reference):
    call = filled(buys, sells)
    price, lots, _ = call.clear(reference)
    expected = pair_up(slices(call, BUY, price), slices(call, SELL, price)) if lots else []
    assert (call.run(price) if lots else []) == expected


@given(OFFERS, OFFERS, REFERENCES)
def test_what_trades_is_the_volume_and_what_is_left_is_the_surplus(buys, sells, reference):
    call = filled(buys, sells)
    price, lots, surplus = call.clear(reference)
    if lots == 0:
        return
    done = call.run(price)
    assert sum(part for _, _, part in done) == lots
    left = {BUY: 0, SELL: 0}
    for order_id, side, limit, shown, hidden in call.orders:
        if limit == price or is_better(side, limit, price):
            left[side] += shown + hidden - traded(done, side).get(order_id, 0)
    assert left == {BUY: max(surplus, 0), SELL: max(-surplus, 0)}


@given(OFFERS, OFFERS, REFERENCES)
def test_the_book_is_uncrossed_afterwards(buys, sells, reference):
    call = filled(buys, sells)
    price, lots, _ = call.clear(reference)
    if lots:
        call.run(price)
    best_bid, best_ask = (int(call.book.sides["best_key"][side]) for side in call.sides)
    assert KEY_NONE in (best_bid, best_ask) or call.max_price - best_bid < best_ask


@given(OFFERS, OFFERS, REFERENCES)
def test_an_order_better_than_the_price_fills_unless_surplus_stands_on_neighbouring_ticks(
    buys, sells, reference
):
    """Only there can a price near the reference lie beyond the level that is left over."""
    call = filled(buys, sells)
    price, lots, surplus = call.clear(reference)
    if lots == 0:
        return
    sums = {BUY: 0, SELL: 0}
    for _, side, limit, shown, hidden in call.orders:
        if is_better(side, limit, price):
            sums[side] += shown + hidden
    heavier = BUY if surplus > 0 else SELL
    assert sums[1 - heavier] <= lots
    if sums[heavier] > lots:
        mirrored = -surplus
        beside = [call.expected(reference, [tick])[1:] for tick in call.every_tick()]
        assert (lots, mirrored) in beside


def test_no_pair_where_the_sides_do_not_reach_the_price():
    call = filled([(5, 1)], [(5, 1)])
    assert call.next_pair(4) == NO_PAIR
    assert call.next_pair(6) == NO_PAIR
    assert call.next_pair(5) != NO_PAIR
    assert filled([], [(5, 1)]).next_pair(5) == NO_PAIR
    assert filled([(5, 1)], []).next_pair(5) == NO_PAIR
    assert filled([], []).next_pair(5) == NO_PAIR


def test_a_pair_that_may_not_trade_is_passed_by_taking_one_out():
    """As self-trade prevention does: what it takes out is made up for by the surplus."""
    call = filled([(9, 2), (9, 2)], [(7, 2)])
    price, lots, surplus = call.clear(8)
    assert (price, lots, surplus) == (9, 2, 2)
    buy, _ = call.next_pair(price)
    remove_order(call.book, buy)
    assert call.run(price) == [(call.last_id - 1, call.last_id, 2)]
