"""Inverse positions against fractions: coin costs rounded against the account, harmonic entry."""

from fractions import Fraction
from math import ceil, floor

from hypothesis import given
from hypothesis import strategies as st

from ledger.margin import inverse
from ledger.margin.limits import EXPOSURE_MINOR_MAX
from matching.jit import kernel
from matching.units import PRICE_TICKS_MAX
from tests.margin.strategies import sizes

NUM = 10**10
LOTS = st.builds(
    lambda size, sign: size * sign, sizes(EXPOSURE_MINOR_MAX // NUM), st.sampled_from([1, -1])
)
TICKS = sizes(PRICE_TICKS_MAX)


@kernel
def _value(lots: int, price: int, num: int) -> tuple[int, int, int]:
    return (
        inverse.value_minor(lots, price, num),
        inverse.notional_minor(lots, price, num),
        inverse.cost_minor(lots, price, num),
    )


@given(LOTS, TICKS)
def test_values_are_floored_and_costs_ceiled(lots, price):
    exact = Fraction(-lots * NUM, price)
    assert _value(lots, price, NUM) == (floor(exact), ceil(abs(exact)), ceil(exact))


@given(st.lists(st.tuples(LOTS, TICKS), min_size=1, max_size=8))
def test_adding_to_a_position_averages_harmonically(fills):
    sign = 1 if fills[0][0] > 0 else -1
    sized = [(sign * max(1, abs(fill) // len(fills)), price) for fill, price in fills]
    lots = cost = 0
    for fill, price in sized:
        lots, cost, realized = inverse.apply_fill(lots, cost, fill, price, NUM)
        assert realized == 0
    exact = sum(Fraction(-fill * NUM, price) for fill, price in sized)
    assert 0 <= cost - exact < len(fills)
    if abs(exact) > 10 * len(fills):
        harmonic = abs(sum(fill for fill, _ in sized)) * NUM / abs(exact)
        entry = inverse.entry_ticks(lots, cost, NUM)
        assert abs(entry - harmonic) <= harmonic * len(fills) / (abs(exact) - len(fills)) + 1


@given(LOTS, TICKS, TICKS, st.data())
def test_a_partial_close_realizes_less_than_exact_by_less_than_two_units(lots, entry, price, data):
    close = data.draw(st.integers(1, abs(lots)))
    sign = 1 if lots > 0 else -1
    _, cost, _ = inverse.apply_fill(0, 0, lots, entry, NUM)
    left, left_cost, realized = inverse.apply_fill(lots, cost, -sign * close, price, NUM)
    exact = Fraction(-sign * close * NUM, price) - Fraction(cost * close, abs(lots))
    assert exact - 2 < realized <= exact
    assert left == lots - sign * close
    if left == 0:
        assert left_cost == 0


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, 3), sizes(EXPOSURE_MINOR_MAX // NUM // 64), TICKS
        ),
        max_size=20,
    )
)
def test_what_both_sides_book_over_zero_belongs_to_the_fund(trades):
    books = [(0, 0)] * 4
    realized = fund = 0
    for buyer, seller, size, price in trades:
        booked = 0
        for who, fill in ((buyer, size), (seller, -size)):
            lots, cost, gain = inverse.apply_fill(*books[who], fill, price, NUM)
            booked += cost - books[who][1] - gain
            books[who] = (lots, cost)
            realized += gain
        assert 0 <= booked <= 3
        fund += booked
    assert sum(lots for lots, _ in books) == 0
    assert realized + fund == sum(cost for _, cost in books)


@given(LOTS, TICKS)
def test_the_entry_price_of_one_fill_is_its_price_but_for_rounding(lots, price):
    _, cost, _ = inverse.apply_fill(0, 0, lots, price, NUM)
    entry = inverse.entry_ticks(lots, cost, NUM)
    if cost == 0:
        assert entry == 0
        return
    assert abs(Fraction(abs(lots) * NUM, abs(cost)) - entry) < 1


def test_a_flat_position_has_no_entry():
    assert inverse.entry_ticks(0, 0, NUM) == 0


def test_turning_a_position_closes_it_first():
    lots, cost, realized = inverse.apply_fill(4, -(4 * NUM // 100), -6, 200, NUM)
    assert lots == -2
    assert cost == 2 * NUM // 200
    assert realized == 4 * NUM // 100 - 4 * NUM // 200
