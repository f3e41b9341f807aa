"""Circuit breakers: bands that hold their own ends, halts that every pair of prices can cause."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin.breaker import (
    MOVE_PPM_MAX,
    NEVER_SEEN,
    WINDOW_S_MAX,
    HaltRule,
    Recent,
    band_ticks,
    forget,
    observe,
)
from matching.units import PPM, PRICE_TICKS_MAX
from tests.margin.published import load, units
from tests.margin.strategies import sizes

BANDS = st.sampled_from([0, 50_000, PPM]) | sizes(MOVE_PPM_MAX, 0)
WINDOWS = st.sampled_from([1, 2, 60, WINDOW_S_MAX]) | st.integers(1, WINDOW_S_MAX)
MOVES = st.sampled_from([0, 1, 50_000]) | sizes(MOVE_PPM_MAX, 0)
PRICES = st.integers(90, 110) | sizes(PRICE_TICKS_MAX)
TICKS = st.lists(
    st.tuples(st.sampled_from([0, 0, 0, 1, 1, 2, 59, 60, 599, 600, 601]), PRICES), max_size=40
)


def _recent():
    columns = [np.full(WINDOW_S_MAX, 77, np.int64) for _ in range(3)]
    recent = Recent(*columns, np.full(3, 77, np.int64))
    forget(recent)
    return recent


@given(sizes(PRICE_TICKS_MAX), BANDS, sizes(PRICE_TICKS_MAX))
def test_a_band_is_rounded_inward_and_holds_its_reference(one, band, other):
    reference, top = min(one, other), max(one, other)
    low, high = band_ticks(reference, band, top)
    exact_low = reference * (1 - Fraction(band, PPM))
    exact_high = reference * (1 + Fraction(band, PPM))
    assert low == max(ceil(exact_low), 1)
    assert high == min(floor(exact_high), top)
    assert 1 <= low <= reference <= high <= top
    assert exact_low <= low
    assert high <= exact_high


@pytest.mark.parametrize("row", load("bands")["bands"], ids=lambda row: row["name"])
def test_published_bands(row):
    tick = Fraction(row["tick"])
    reference = units(row["reference"], tick)
    _, high = band_ticks(reference, units(row["up"], Fraction(1, PPM)), PRICE_TICKS_MAX)
    low, _ = band_ticks(reference, units(row["down"], Fraction(1, PPM)), PRICE_TICKS_MAX)
    assert low * tick == Fraction(row["low"])
    assert high * tick == Fraction(row["high"])


def _halts(prices, window, move):
    """Whether the last price moved beyond `move` from any earlier one of the window."""
    now, price = prices[-1]
    return any(
        abs(price - before) * PPM > before * move
        for second, before in prices[:-1]
        if now - window < second
    )


@given(TICKS, WINDOWS, MOVES, st.integers(0, 1000))
def test_a_halt_is_a_move_between_any_two_prices_of_the_window(ticks, window, move, start):
    recent, second, prices = _recent(), start, []
    rule = HaltRule(window, move)
    for passed, price in ticks:
        second += passed
        prices.append((second, price))
        assert observe(recent, second, price, rule) == _halts(prices, window, move)


@given(TICKS, WINDOWS, MOVES)
def test_what_was_forgotten_halts_nothing(ticks, window, move):
    recent, second = _recent(), 10
    rule = HaltRule(window, move)
    for passed, price in ticks:
        second += passed
        observe(recent, second, price, rule)
    forget(recent)
    assert not observe(recent, second, PRICE_TICKS_MAX, rule)


@pytest.mark.parametrize(
    ("price", "halted"), [(105, False), (106, True), (95, False), (94, True), (100, False)]
)
def test_a_move_of_just_the_limit_does_not_halt(price, halted):
    recent = _recent()
    rule = HaltRule(60, 50_000)
    assert not observe(recent, 1000, 100, rule)
    assert observe(recent, 1059, price, rule) == halted


def test_a_price_leaves_the_window_with_its_second():
    recent = _recent()
    rule = HaltRule(60, 50_000)
    observe(recent, 1000, 100, rule)
    assert not observe(recent, 1060, 200, rule)


def test_a_second_that_never_was_is_not_remembered():
    """At the first seconds of all, slots that nobody wrote hold no price."""
    recent = _recent()
    assert (recent.second == NEVER_SEEN).all()
    assert not observe(recent, 0, 1, HaltRule(WINDOW_S_MAX, 0))
    assert observe(recent, 0, 2, HaltRule(WINDOW_S_MAX, 0))
