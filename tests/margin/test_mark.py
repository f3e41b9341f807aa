"""The mark against fractions, and the premium average's convergence."""

from fractions import Fraction
from math import floor
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from ledger.margin.limits import INTERVAL_S_MAX, PPB, RATE_PPB_MAX
from ledger.margin.mark import EMA_ONE, mark_ticks, next_premium_ema
from matching.units import PPM, PRICE_TICKS_MAX
from tests.margin import oracle
from tests.margin.strategies import sizes

TICKS = sizes(PRICE_TICKS_MAX)
RATES = st.integers(-RATE_PPB_MAX, RATE_PPB_MAX) | st.integers(-(10**6), 10**6)
EMAS = st.integers(-(2**47), 2**47)


@given(TICKS, sizes(PRICE_TICKS_MAX, 0), EMAS, RATES, st.data())
def test_the_mark_is_the_median_of_three(index, last, ema, rate, data):
    interval = data.draw(st.integers(1, INTERVAL_S_MAX))
    remaining = data.draw(st.integers(0, interval))
    with_basis = index + floor(Fraction(index * rate * remaining, interval * PPB))
    with_premium = index + floor(Fraction(ema, EMA_ONE))
    expected = max(median([with_basis, with_premium, last or index]), 1)
    assert mark_ticks(index, last, ema, rate, remaining, interval) == expected


@given(TICKS, RATES, EMAS)
def test_without_funding_ahead_a_calm_market_marks_at_its_index(index, rate, ema):
    assert mark_ticks(index, index, ema, rate, 0, 28_800) == index


@given(TICKS, TICKS, EMAS)
def test_one_wild_trade_cannot_move_the_mark_past_the_other_two(index, last, ema):
    mark = mark_ticks(index, last, ema, 100_000, 14_400, 28_800)
    others = [index + index * 100_000 * 14_400 // (28_800 * PPB), index + (ema >> 16)]
    assert max(min(others), 1) <= mark <= max(*others, 1)


@given(EMAS, TICKS, TICKS, st.integers(1, PPM))
def test_the_premium_average_steps_towards_the_gap(ema, middle, index, alpha):
    gap = Fraction((middle - index) * EMA_ONE - ema)
    assert next_premium_ema(ema, middle, index, alpha) == ema + oracle.cut(gap * alpha / PPM)


@given(st.integers(-(2**31), 2**31), st.integers(50_000, PPM))
def test_the_premium_average_settles_within_its_bound(ema, alpha):
    target = 7 * EMA_ONE
    for _ in range(1000):
        ema = next_premium_ema(ema, 1007, 1000, alpha)
    assert abs(ema - target) <= PPM // alpha


@given(EMAS, TICKS, TICKS, st.integers(1, PPM))
def test_the_premium_average_favours_neither_side(ema, middle, index, alpha):
    assert next_premium_ema(-ema, index, middle, alpha) == -next_premium_ema(
        ema, middle, index, alpha
    )
