"""The auction's price equals the one found by trying every tick (docs/spec/matching.md, 8)."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import matching.auction
from matching.auction import LOTS_CAP, SURPLUS_LOTS_MAX, clearing, next_pair
from matching.jit import COMPILED, kernel
from matching.layout import SIDE_LOTS_MAX
from matching.reference import naive_clearing
from matching.units import PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.matching.calls import BUY, SELL, Call
from tests.matching.test_jit import COUNTING, machine_code


@kernel
def clearing_in_kernel(book, terms, icebergs, sides, reference_ticks):
    """As the engine calls it: the whole column, or none of it where no order hides anything."""
    hidden_lots = terms["hidden_lots"] if icebergs else terms["hidden_lots"][:0]
    found = clearing(book, hidden_lots, sides[0], sides[1], reference_ticks)
    buy, sell = next_pair(book, sides[0], sides[1], found.price_ticks)
    return found, buy, sell


NOTHING = (0, 0, 0)
ARENA = Call()

TICKS = st.integers(1, 12)
FEW_LOTS = st.integers(1, 4)
OFFERS = st.lists(st.tuples(TICKS, FEW_LOTS), max_size=8)
REFERENCES = st.integers(-3, 16) | st.sampled_from([-(2**62), 2**62])
FAR_TICKS = st.integers(1, 3) | st.integers(1, PRICE_TICKS_MAX)
EDGE_TICKS = FAR_TICKS | st.integers(PRICE_TICKS_MAX - 3, PRICE_TICKS_MAX)
MANY_LOTS = FEW_LOTS | st.integers(1, QTY_LOTS_MAX) | st.just(QTY_LOTS_MAX)
HIDDEN_LOTS = st.just(0) | FEW_LOTS | st.integers(0, QTY_LOTS_MAX)
FAR_OFFERS = st.lists(st.tuples(EDGE_TICKS, MANY_LOTS, HIDDEN_LOTS), max_size=8)


def filled(buys, sells):
    """The module's one arena with these orders alone."""
    ARENA.empty()
    return ARENA.fill(buys, sells)


@given(OFFERS, OFFERS, REFERENCES)
def test_price_is_the_one_found_by_trying_every_tick(buys, sells, reference):
    call = filled(buys, sells)
    assert call.clear(reference) == call.expected(reference)


@given(OFFERS, OFFERS, REFERENCES)
def test_trying_limits_and_their_neighbours_is_as_good_as_every_tick(buys, sells, reference):
    call = filled(buys, sells)
    few = call.telling_ticks(reference)
    assert call.expected(reference, few) == call.expected(reference)


@given(FAR_OFFERS, FAR_OFFERS, EDGE_TICKS | st.sampled_from([-(2**62), 2**62]))
def test_price_is_right_over_the_whole_range_of_prices_lots_and_hidden_lots(buys, sells, reference):
    call = filled(buys, sells)
    assert call.clear(reference) == call.expected(reference, call.telling_ticks(reference))


def random_offers(rng, low, high):
    """Up to ten orders in a price range, of few sizes so that surpluses tie; a third hide lots."""
    hides = rng.random() < 0.3
    return [
        (rng.randint(low, high), rng.randint(1, 3), rng.randint(0, 3) if hides else 0)
        for _ in range(rng.randrange(11))
    ]


@pytest.mark.parametrize("seed", range(10))
def test_thousands_of_random_books_clear_as_by_trying_every_tick(seed):
    rng = random.Random(seed)
    kinds = set()
    for _ in range(400):
        base = rng.choice([1, 50, PRICE_TICKS_MAX - 12])
        width = rng.choice([0, 1, 3, 12])
        call = filled(*(random_offers(rng, base, base + width) for _ in range(2)))
        reference = base + rng.randint(-3, width + 3)
        found = call.clear(reference)
        assert found == call.expected(reference), call.orders
        kinds.add((found[1] > 0, (found[2] > 0) - (found[2] < 0)))
    assert kinds == {(False, 0), (True, -1), (True, 0), (True, 1)}


@given(OFFERS, OFFERS, REFERENCES)
def test_pricing_changes_nothing_in_the_book(buys, sells, reference):
    call = filled(buys, sells)
    before = [table.copy() for table in (*call.book, call.terms)]
    call.clear(reference)
    assert all(map(np.array_equal, before, (*call.book, call.terms)))


@given(OFFERS, OFFERS, REFERENCES)
def test_a_mirrored_book_clears_at_the_mirrored_price(buys, sells, reference):
    """Turning prices and sides round turns the surplus round, so no rule favours a side."""
    price, lots, surplus = filled(buys, sells).clear(reference)
    turned = [[(13 - limit, qty) for limit, qty in side] for side in (sells, buys)]
    mirrored = filled(*turned).clear(13 - reference)
    assert mirrored == ((13 - price, lots, -surplus) if lots else NOTHING)


@given(OFFERS, OFFERS, REFERENCES)
def test_hidden_lots_count_like_shown_ones(buys, sells, reference):
    plain = filled([(p, 2 * lots) for p, lots in buys], [(p, 2 * lots) for p, lots in sells])
    expected = plain.clear(reference)
    icebergs = filled([(p, lots, lots) for p, lots in buys], [(p, lots, lots) for p, lots in sells])
    assert icebergs.clear(reference) == expected


@given(OFFERS, OFFERS, REFERENCES)
def test_a_column_without_hidden_lots_is_as_good_as_none(buys, sells, reference):
    call = filled(buys, sells)
    column = call.terms["hidden_lots"]
    assert clearing(call.book, column, *call.sides, reference) == clearing(
        call.book, column[:0], *call.sides, reference
    )


@pytest.mark.parametrize("buys", [[], [(5, 3)]])
@pytest.mark.parametrize("sells", [[], [(6, 3)]])
def test_without_overlap_there_is_no_price(buys, sells):
    assert filled(buys, sells).clear(5) == NOTHING


@pytest.mark.parametrize("price", [1, 77, PRICE_TICKS_MAX])
def test_a_book_of_one_tick_clears_at_it_whatever_the_reference(price):
    for reference in (-(2**62), 0, price, 2**62):
        assert filled([(price, 3)], [(price, 3)]).clear(reference) == (price, 3, 0)
        assert filled([(price, 4)], [(price, 3)]).clear(reference) == (price, 3, 1)
        assert filled([(price, 3)], [(price, 4)]).clear(reference) == (price, 3, -1)


@pytest.mark.parametrize(
    ("reference", "price"),
    [(-(2**62), 1), (0, 1), (1, 1), (2**30, 2**30), (2**31, PRICE_TICKS_MAX), (2**62, 2**31 - 1)],
)
def test_a_price_without_surplus_is_the_reference_held_within_its_range(reference, price):
    assert filled([(PRICE_TICKS_MAX, 5)], [(1, 5)]).clear(reference) == (price, 5, 0)


@pytest.mark.parametrize(
    ("left", "reference", "price", "surplus"),
    [
        ((3, 2), 50, 11, -2),
        ((2, 3), 50, 10, 2),
        ((2, 2), 3, 8, 2),
        ((2, 2), 8, 8, 2),
        ((2, 2), 10, 10, 2),
        ((2, 2), 11, 11, -2),
        ((2, 2), 13, 13, -2),
        ((2, 2), 50, 13, -2),
    ],
)
def test_surplus_on_neighbouring_ticks_goes_by_size_then_by_reference(
    left, reference, price, surplus
):
    """Buys left at 10, sells at 11; levels at 7 and 14 behind them end where the surplus is so."""
    buys = [(20, 9), (10, left[0]), (7, 1)]
    sells = [(2, 9), (11, left[1]), (14, 1)]
    assert filled(buys, sells).clear(reference) == (price, 9, surplus)


def test_the_sides_of_another_instrument_do_not_matter():
    call = Call(max_price=1000, instrument=3)
    call.fill([(9, 5)], [(7, 5)])
    assert call.clear(8) == (8, 5, 0)
    assert clearing(call.book, call.hidden(), 0, 1, 8)[1] == 0


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_side_beyond_every_limit_saturates_and_the_price_stays_exact(side):
    """1,200 orders, each hiding the largest size: more lots than int64 holds."""
    call = Call()
    for _ in range(500):
        call.rest(side, 100, 1, QTY_LOTS_MAX)
        call.rest(1 - side, 100, QTY_LOTS_MAX)
    for _ in range(700):
        call.rest(side, 100, 1, QTY_LOTS_MAX)
    most = sum(lots for _, lots in call.offers(side))
    assert most > LOTS_CAP
    least = sum(lots for _, lots in call.offers(1 - side))
    assert least <= SIDE_LOTS_MAX
    found = call.clear(100)
    assert found == (100, least, SURPLUS_LOTS_MAX if side == BUY else -SURPLUS_LOTS_MAX)
    assert found == call.expected(100)


def test_sides_of_just_the_limit_trade_in_full():
    call = filled([(9, 2**53 - 1, SIDE_LOTS_MAX - 2**53 + 1)], [(3, 1, SIDE_LOTS_MAX - 1)])
    assert call.clear(5) == (5, SIDE_LOTS_MAX, 0)
    call.rest(BUY, 9, 1)
    assert call.clear(5) == (9, SIDE_LOTS_MAX, 1)


def test_the_largest_surplus_of_a_side_within_the_limit_is_told_in_full():
    assert filled([(9, 1)], [(3, 1, 2**62 - 1)]).clear(5) == (3, 1, 1 - 2**62)
    assert filled([(9, 1, 2**62 - 1)], [(3, 1)]).clear(5) == (9, 1, 2**62 - 1)


def test_no_sum_wraps_even_when_both_sides_are_beyond_the_limit():
    call = filled([(9, 1, LOTS_CAP), (8, 1, LOTS_CAP)], [(3, 1, LOTS_CAP), (4, 1, LOTS_CAP)])
    assert call.clear(5) == (5, LOTS_CAP, 0)


@pytest.mark.parametrize("beyond", [0, 40])
def test_levels_that_do_not_trade_are_not_walked(monkeypatch, beyond):
    """Four levels a side trade; what is read is these and at most two more a side."""
    buys = [(1000 - step, 2) for step in range(4)] + [(100 - step, 1) for step in range(beyond)]
    sells = [(500 + step, 2) for step in range(4)] + [(5000 + step, 1) for step in range(beyond)]
    call = filled(buys, sells)
    step_on, steps = matching.auction.next_level, []

    def counted(book, level):
        steps.append(level)
        return step_on(book, level)

    monkeypatch.setattr(matching.auction, "next_level", counted)
    if COMPILED:
        monkeypatch.setattr(matching.auction, "_choose", matching.auction._choose.py_func)
    interpreted = clearing.py_func if COMPILED else clearing
    found = interpreted(call.book, call.hidden(), *call.sides, 700)
    assert tuple(int(field) for field in found) == (700, 8, 0)
    assert len(steps) == 8


def test_compiled_pricing_counts_no_references():
    call = filled([(9, 5)], [(7, 5)])
    call.clear(8)
    clearing_in_kernel(call.book, call.terms, 0, call.sides, 8)
    for compiled in (clearing, clearing_in_kernel):
        code = machine_code(compiled) if COMPILED else []
        assert bool(code) == COMPILED
        assert not any(word in kept for kept in code for word in COUNTING)


@pytest.mark.parametrize("icebergs", [0, 1])
def test_a_kernel_can_price_and_pair(icebergs):
    call = filled([(9, 1, 4 * icebergs)], [(7, 2)])
    found, buy, sell = clearing_in_kernel(call.book, call.terms, icebergs, call.sides, 8)
    assert tuple(found) == call.clear(8) == ((9, 2, 3) if icebergs else (7, 1, -1))
    assert (buy, sell) == call.next_pair(found.price_ticks)


def test_the_oracle_knows_an_example_worked_by_hand():
    """Demand 7 4 4 and supply 3 3 5 at 1, 2, 3: volumes 3 3 4."""
    buys, sells = [(3, 4), (1, 3)], [(1, 3), (3, 2)]
    assert naive_clearing(buys, sells, 1, range(1, 4)) == (3, 4, -1)
    assert naive_clearing(buys, [(1, 4)], 2, range(1, 4)) == (2, 4, 0)
    assert naive_clearing(buys, [], 2, range(1, 4)) == NOTHING
    assert naive_clearing(buys, sells, 1, []) == NOTHING
