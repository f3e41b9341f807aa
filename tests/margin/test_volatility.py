"""The volatility multiplier: up at once, down slowly, never below one nor above its cap."""

from fractions import Fraction
from math import ceil, floor

from hypothesis import given
from hypothesis import strategies as st

from ledger.margin.limits import MULTIPLIER_PPM_MAX, PPB, RATE_PPB_MAX
from ledger.margin.volatility import VolatilityRule, multiplier_ppm, next_average_ppb
from matching.units import PPM, PRICE_TICKS_MAX
from tests.margin.strategies import sizes

AVERAGES = sizes(RATE_PPB_MAX, 0)
TICKS = sizes(PRICE_TICKS_MAX)


@st.composite
def rules(draw):
    rise = draw(st.integers(1, PPM))
    return VolatilityRule(
        rise,
        draw(st.integers(1, rise)),
        draw(sizes(RATE_PPB_MAX)),
        draw(sizes(MULTIPLIER_PPM_MAX, PPM)),
    )


@given(AVERAGES, TICKS, TICKS, rules())
def test_the_average_moves_as_the_formula_says(average, before, after, rule):
    move = min(ceil(Fraction(abs(after - before) * PPB, before)), RATE_PPB_MAX)
    gap = move - average
    if gap > 0:
        expected = average + ceil(Fraction(gap * rule.rise_ppm, PPM))
    else:
        expected = average - floor(Fraction(-gap * rule.decay_ppm, PPM))
    got = next_average_ppb(average, before, after, rule)
    assert got == expected
    assert min(average, move) <= got <= max(average, move)


@given(AVERAGES, rules())
def test_the_multiplier_is_average_over_calm_within_its_bounds(average, rule):
    got = multiplier_ppm(average, rule)
    assert got == max(PPM, min(ceil(Fraction(average * PPM, rule.calm_ppb)), rule.cap_ppm))
    assert PPM <= got <= rule.cap_ppm


@given(AVERAGES, TICKS, rules())
def test_a_still_market_decays_to_nearly_nothing(average, price, rule):
    for _ in range(2000):
        average = next_average_ppb(average, price, price, rule)
    still = next_average_ppb(average, price, price, rule)
    assert still == average or still < average
    if rule.decay_ppm > PPM // 50:
        assert average <= PPM // rule.decay_ppm


def test_a_crash_raises_margin_at_once_and_lets_it_down_slowly():
    rule = VolatilityRule(rise_ppm=500_000, decay_ppm=1_000, calm_ppb=1_000_000, cap_ppm=3 * PPM)
    calm = next_average_ppb(0, 100_000, 100_010, rule)
    assert multiplier_ppm(calm, rule) == PPM
    crashed = next_average_ppb(calm, 100_000, 95_000, rule)
    assert multiplier_ppm(crashed, rule) == 3 * PPM
    later = crashed
    for _ in range(100):
        later = next_average_ppb(later, 95_000, 95_000, rule)
    assert multiplier_ppm(later, rule) == 3 * PPM
    for _ in range(10_000):
        later = next_average_ppb(later, 95_000, 95_000, rule)
    assert multiplier_ppm(later, rule) == PPM
