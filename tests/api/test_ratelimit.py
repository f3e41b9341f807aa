"""Windows, orders and bans, with time as data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.gate import ratelimit
from api.gate.ratelimit import Limits, RateLimits, Window
from api.gate.refusals import AddressBanned, OrdersExceeded, WeightExceeded

NOON_S = 1_700_000_040 - 1_700_000_040 % 60
LIMITS = Limits(weight_per_minute=100, orders_per_10s=3, orders_per_day=5, violations_max=2)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9), st.integers(0, 40))))
def test_a_window_counts_like_a_sum_over_its_span(steps):
    window, seen, now_s = Window(10), [], 0
    for key, amount, pause_s in steps:
        now_s += pause_s
        seen.append((key, amount, now_s))
        expected = sum(n for k, n, at in seen if k == key and at // 10 == now_s // 10)
        assert window.add(key, amount, now_s) == expected
        assert window.used(key, now_s) == expected


def test_weight_over_the_limit_waits_for_the_next_minute():
    limits = RateLimits(LIMITS)
    assert limits.charge("a", 100, NOON_S) == 100
    with pytest.raises(WeightExceeded) as refused:
        limits.charge("a", 1, NOON_S + 15)
    assert refused.value.retry_after_s == 45
    assert limits.charge("b", 1, NOON_S + 15) == 1
    assert limits.charge("a", 1, NOON_S + 60) == 1
    assert limits.used("a", NOON_S + 60) == 1
    assert limits.used("a", NOON_S + 120) == 0


def test_who_does_not_wait_is_banned_and_longer_each_time():
    limits = RateLimits(LIMITS)

    def flood(now_s: int) -> AddressBanned:
        limits.charge("a", 100, now_s)
        for _ in range(LIMITS.violations_max):
            with pytest.raises(WeightExceeded):
                limits.charge("a", 1, now_s)
        with pytest.raises(AddressBanned) as banned:
            limits.charge("a", 1, now_s)
        return banned.value

    first = flood(NOON_S)
    assert (first.retry_after_s, first.until_ms) == (120, (NOON_S + 120) * 1000)
    with pytest.raises(AddressBanned) as banned:
        limits.charge("a", 1, NOON_S + 100)
    assert banned.value.retry_after_s == 20
    assert flood(NOON_S + 120).retry_after_s == 240
    now_s, longest = NOON_S + 120 + 240, 0
    for _ in range(20):
        longest = flood(now_s).retry_after_s
        now_s += longest
    assert longest == 3 * 24 * 3600


def test_orders_are_counted_per_account_and_interval():
    limits = RateLimits(LIMITS)
    day_s = NOON_S - NOON_S % 86_400
    counts = [limits.count_order(16, day_s) for _ in range(3)]
    assert [(count.in_10s, count.in_day) for count in counts] == [(1, 1), (2, 2), (3, 3)]
    with pytest.raises(OrdersExceeded) as refused:
        limits.count_order(16, day_s + 9)
    assert refused.value.interval == "10 SECOND"
    assert limits.count_order(17, day_s + 9).in_10s == 1
    assert limits.count_order(16, day_s + 10).in_day == 4
    assert limits.count_order(16, day_s + 20).in_day == 5
    with pytest.raises(OrdersExceeded) as refused:
        limits.count_order(16, day_s + 30)
    assert refused.value.interval == "1 DAY"
    assert limits.count_order(16, day_s + 86_400).in_day == 1


def test_more_keys_than_the_bound_share_one_counter(monkeypatch):
    monkeypatch.setattr(ratelimit, "KEYS_MAX", 2)
    window = Window(10)
    assert [window.add(key, 1, 0) for key in "abcd"] == [1, 1, 1, 2]
    assert window.add("a", 1, 0) == 2
    assert len(window._used) == 3


def test_more_bans_than_the_bound_forget_the_one_that_ends_first(monkeypatch):
    monkeypatch.setattr(ratelimit, "BANS_MAX", 2)
    limits = RateLimits(Limits(weight_per_minute=1, violations_max=0))
    for index, address in enumerate("abc"):
        with pytest.raises(AddressBanned):
            limits.charge(address, 2, NOON_S + index)
    assert set(limits._bans) == {"b", "c"}
