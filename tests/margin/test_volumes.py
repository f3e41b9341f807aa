"""Rolling volumes: thirty days to the day, against a list of trades."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin.limits import EXPOSURE_MINOR_MAX
from ledger.margin.volumes import (
    DAY_NS,
    DAY_VOLUME_MAX,
    WINDOW_DAYS,
    Volumes,
    add,
    advance,
    day_of,
)
from matching.jit import kernel
from tests.margin.strategies import sizes

STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from([0, 0, 1, 2, 7, 29, 30, 31, 1000]),
        sizes(2**40, 0),
    ),
    max_size=40,
)


@kernel
def _day(time_ns: int) -> int:
    return day_of(time_ns)


def _accounts(count):
    return Volumes(
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros((count, WINDOW_DAYS), np.int64),
    )


@given(STEPS)
def test_the_window_is_today_and_the_twenty_nine_days_before(steps):
    volumes, day = _accounts(3), 20_000
    trades = []
    for account, passed, amount in steps:
        day += passed
        trades.append((account, day, amount))
        got = add(volumes, account, day, amount)
        for other in range(3):
            expected = sum(
                value
                for owner, when, value in trades
                if owner == other and day - WINDOW_DAYS < when <= day
            )
            assert advance(volumes, other, day) == expected
            assert volumes.days_minor[other].sum() == expected
            assert other != account or got == expected


@given(STEPS, st.integers(0, 40))
def test_advancing_in_steps_equals_advancing_at_once(steps, later):
    one, two = _accounts(3), _accounts(3)
    day = 100
    for account, passed, amount in steps:
        day += passed
        add(one, account, day, amount)
        for step in range(day - passed, day + 1):
            advance(two, account, step)
        add(two, account, day, amount)
    for account in range(3):
        assert advance(one, account, day + later) == advance(two, account, day + later)


def test_a_day_before_the_last_one_changes_nothing():
    volumes = _accounts(1)
    add(volumes, 0, 50, 7)
    assert advance(volumes, 0, 49) == 7
    assert volumes.day[0] == 50


def test_a_trade_leaves_after_thirty_days_and_not_before():
    volumes = _accounts(1)
    add(volumes, 0, 50, 7)
    assert advance(volumes, 0, 50 + WINDOW_DAYS - 1) == 7
    assert advance(volumes, 0, 50 + WINDOW_DAYS) == 0


def test_a_days_volume_saturates_and_leaves_whole():
    volumes = _accounts(1)
    for day in range(WINDOW_DAYS):
        for _ in range(2):
            total = add(volumes, 0, day, EXPOSURE_MINOR_MAX)
    assert total == WINDOW_DAYS * DAY_VOLUME_MAX
    assert advance(volumes, 0, WINDOW_DAYS) == (WINDOW_DAYS - 1) * DAY_VOLUME_MAX
    assert advance(volumes, 0, 10**6) == 0


@given(st.integers(0, 2**62))
def test_days_begin_at_midnight(time_ns):
    day = _day(time_ns)
    assert day * DAY_NS <= time_ns < (day + 1) * DAY_NS
