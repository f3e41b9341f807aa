"""Where a time begins in a history: halving against a plain search."""

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from api.binance.spans import first_since

HISTORIES = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), max_size=40)


@given(HISTORIES, st.integers(0, 130))
def test_halving_finds_what_a_plain_search_finds(steps, start_ns):
    ids, times, at, now_ns = [], [], 0, 0
    for gap, pause in steps:
        at, now_ns = at + gap, now_ns + pause
        ids.append(at)
        times.append(now_ns)

    def probe(from_id):
        place = bisect_left(ids, from_id)
        return (ids[place], times[place]) if place < len(ids) else None

    found = first_since(probe, at, start_ns)

    assert [i for i in ids if i >= found] == [
        i for i, time_ns in zip(ids, times, strict=True) if time_ns >= start_ns
    ]
