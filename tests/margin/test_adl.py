"""Auto-deleveraging: ranks, a total order, lights."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin.adl import BANDS, NO_BAND, RATIO_MAX, bands, queue, score
from ledger.margin.limits import EXPOSURE_MINOR_MAX
from matching.units import PPM
from tests.margin.published import load
from tests.margin.strategies import sizes

PROFITS = st.builds(lambda size, sign: size * sign, sizes(2**61, 0), st.sampled_from([1, -1]))
VALUES = sizes(EXPOSURE_MINOR_MAX)
EQUITIES = st.integers(-(2**61), 2**61)
SCORES = st.lists(st.integers(-3, 3) | st.integers(-(2**60), 2**60), max_size=40)


@given(PROFITS, VALUES, VALUES, EQUITIES)
def test_a_score_is_profit_ratio_times_or_over_leverage(pnl, entry, notional, equity):
    got = score(pnl, entry, notional, equity)
    ratio = Fraction(abs(pnl) * PPM, entry)
    leverage = Fraction(notional * PPM, max(equity, 1))
    if ratio >= RATIO_MAX or leverage >= RATIO_MAX:
        assert (got >= 0) == (pnl >= 0)
        return
    if pnl >= 0:
        # Each ratio is off by less than one ppm.
        exact = ratio * leverage / PPM
        assert abs(got - exact) <= (ratio + leverage) / PPM + 2
    else:
        assert -((ratio + 1) * PPM / leverage) - 1 < got <= -ratio * PPM / (leverage + 1)
        assert got < 0


@given(VALUES, VALUES, EQUITIES, PROFITS, PROFITS)
def test_more_profit_never_ranks_lower(entry, notional, equity, one, other):
    low, high = sorted((one, other))
    assert score(low, entry, notional, equity) <= score(high, entry, notional, equity)


def _queued(scores, rows):
    order = np.array(rows, np.int64)
    queue(np.array(scores, np.int64), order)
    return order


@given(SCORES, st.data())
def test_the_queue_is_the_sort_by_score_then_row(scores, data):
    rows = data.draw(st.permutations(range(len(scores))))
    rows = rows[: data.draw(st.integers(0, len(rows)))]
    expected = sorted(rows, key=lambda row: (-scores[row], row))
    assert _queued(scores, rows).tolist() == expected


@given(SCORES)
def test_lights_fall_along_the_queue_and_losers_have_none(scores):
    order = _queued(scores, range(len(scores)))
    light = np.full(len(scores), 9, np.uint8)
    bands(np.array(scores, np.int64), order, light)
    seen = [int(light[row]) for row in order]
    assert seen == sorted(seen, reverse=True)
    assert all(
        (lamp == NO_BAND) == (scores[row] <= 0) for row, lamp in zip(order, seen, strict=True)
    )
    if seen and scores[order[0]] > 0:
        assert seen[0] == BANDS


@pytest.mark.parametrize(
    ("pnl", "entry", "notional", "equity", "expected"),
    [
        (10, 100, 110, 55, 200_000),
        (10, 100, 110, 110, 100_000),
        (-10, 100, 90, 45, -50_000),
        (-10, 100, 90, 90, -100_000),
        (0, 100, 100, 50, 0),
    ],
)
def test_known_ranks(pnl, entry, notional, equity, expected):
    assert score(pnl, entry, notional, equity) == expected


@given(SCORES)
def test_a_side_is_lit_by_fifths_of_its_queue(scores):
    light = np.full(len(scores), 9, np.uint8)
    bands(np.array(scores, np.int64), _queued(scores, range(len(scores))), light)
    for row, mine in enumerate(scores):
        ahead = sum((-theirs, place) < (-mine, row) for place, theirs in enumerate(scores))
        fifth = 5 - 5 * ahead // len(scores)
        assert light[row] == (fifth if mine > 0 else NO_BAND)


def test_the_queue_of_bitmex():
    """Who closes, and in which order; its percentiles are of another rounding than our fifths."""
    rows = load("adl")["queue"]
    scores = [int(row["rank"]) for row in rows]
    order, light = _queued(scores, range(len(rows))), np.zeros(len(rows), np.uint8)
    bands(np.array(scores, np.int64), order, light)
    assert [rows[row]["account"] for row in order] == load("adl")["order"]
    left = int(load("adl")["liquidated"])
    closed = {}
    for row in order:
        closed[rows[row]["account"]] = min(left, int(rows[row]["quantity"]))
        left -= closed[rows[row]["account"]]
    assert {account: lots for account, lots in closed.items() if lots} == {
        account: int(lots) for account, lots in load("adl")["closed"].items()
    }
    assert [int(light[row]) for row in order] == [5, 5, 4, 3, 2, 1]
