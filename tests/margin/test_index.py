"""The index: stale, empty and wild sources move nobody."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin.index import NO_PRICE, IndexRule, Sources, index_ticks
from ledger.margin.limits import SOURCES_MAX
from matching.units import PPM, PRICE_TICKS_MAX
from tests.margin import oracle
from tests.margin.strategies import sizes

NOW = 10**18
STALE = 10**9
PRICES = sizes(PRICE_TICKS_MAX) | st.integers(990, 1010) | st.integers(-5, 0)
TIMES = st.sampled_from([NOW, NOW - STALE, NOW - STALE - 1, NOW + 1, 0]) | st.integers(
    NOW - STALE, NOW
)
REPORTS = st.lists(st.tuples(PRICES, TIMES), max_size=SOURCES_MAX)
RULES = st.builds(
    IndexRule, st.just(STALE), st.sampled_from([0, 10_000, PPM, 10 * PPM]), st.integers(1, 5)
)


def sources(reports):
    prices = np.array([price for price, _ in reports], np.int64)
    times = np.array([time for _, time in reports], np.int64)
    return Sources(prices, times, np.full(len(reports), -1, np.int64))


def made(reports, rule):
    return index_ticks(sources(reports), NOW, rule)


@given(REPORTS, RULES)
def test_the_index_equals_the_model(reports, rule):
    assert made(reports, rule) == oracle.index(reports, NOW, *rule)


@given(REPORTS, RULES, st.randoms(use_true_random=False))
def test_the_order_of_sources_does_not_matter(reports, rule, random):
    shuffled = list(reports)
    random.shuffle(shuffled)
    assert made(shuffled, rule) == made(reports, rule)


@given(
    st.lists(st.integers(9_900, 10_100), min_size=3, max_size=9),
    sizes(PRICE_TICKS_MAX),
    st.integers(0, 9),
)
def test_one_wild_source_cannot_leave_the_honest_range(honest, wild, place):
    reports = [(price, NOW) for price in honest]
    reports.insert(place, (wild, NOW))
    price, _ = made(reports, IndexRule(STALE, PPM, 3))
    assert min(honest) <= price <= max(honest)


def test_outliers_are_dropped():
    honest = [(1000, NOW), (1001, NOW), (1002, NOW)]
    assert made([*honest, (1200, NOW)], IndexRule(STALE, 50_000, 3)) == (1001, 3)
    assert made([*honest, (800, NOW)], IndexRule(STALE, 50_000, 3)) == (1001, 3)


@pytest.mark.parametrize(
    "reports",
    [
        [],
        [(1000, NOW), (1000, NOW)],
        [(1000, NOW), (1000, NOW), (0, NOW)],
        [(1000, NOW), (1000, NOW), (1000, NOW - STALE - 1)],
        [(1000, NOW), (1000, NOW), (1000, NOW + 1)],
        [(1000, NOW), (2000, NOW), (3000, NOW)],
    ],
)
def test_too_few_agreeing_sources_make_no_price(reports):
    assert made(reports, IndexRule(STALE, 50_000, 3))[0] == NO_PRICE


def test_two_middles_average_downwards():
    assert made([(10, NOW), (13, NOW)], IndexRule(STALE, PPM, 1)) == (11, 2)
