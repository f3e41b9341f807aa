"""The fee schedule: faults, and that no pair of accounts is ever paid for trading with itself."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin.fees import FEE_TIERS, find_tier
from ledger.margin.limits import EXPOSURE_MINOR_MAX, FEE_PPM_MAX, REBATE_PPM_MAX, SUM_MAX
from ledger.margin.schedule import SCHEDULE, ScheduleFault, fault_of, fee_minor
from matching.units import PPM
from tests.margin.published import MINOR, load, ppm, units
from tests.margin.strategies import sizes

NOTIONALS = sizes(EXPOSURE_MINOR_MAX, 0)
DISCOUNTS = st.sampled_from([0, 100_000, PPM]) | st.integers(0, PPM)
API_PPM = 100_000


def _schedule(volumes, takers, makers):
    rows = np.zeros(FEE_TIERS, SCHEDULE)
    rows["volume_minor"], rows["taker_ppm"], rows["maker_ppm"] = volumes, takers, makers
    return rows


def _falling(low, high):
    rates = st.lists(st.integers(low, high), min_size=FEE_TIERS, max_size=FEE_TIERS)
    return rates.map(lambda drawn: sorted(drawn, reverse=True))


VOLUMES = st.lists(sizes(SUM_MAX), min_size=5, max_size=5, unique=True).map(
    lambda drawn: [0, *sorted(drawn)]
)
SOUND = st.builds(
    _schedule, VOLUMES, _falling(0, 2 * REBATE_PPM_MAX), _falling(-REBATE_PPM_MAX, 1000)
)
HOUSE = _schedule(
    [0, 10, 20, 30, 40, 50],
    [1000, 900, 800, 700, 550, 400],
    [-200, -200, -250, -250, -300, -360],
)
"""The top tier saves 60 % of the taker's fee; a key saves 10 % more, and 0.036 % is left."""


def _cheapest_pair(rows, api):
    """The least that a taker and a maker together pay of a trade, exactly, over all pairs."""
    return min(
        Fraction(taker * (PPM - api), PPM) + maker
        for taker in rows["taker_ppm"].tolist()
        for maker in rows["maker_ppm"].tolist()
    )


@given(SOUND, DISCOUNTS)
def test_a_schedule_is_sound_exactly_when_no_pair_is_paid(rows, api):
    fault = fault_of(rows, api)
    assert fault in (ScheduleFault.NONE, ScheduleFault.WASH)
    assert (fault == ScheduleFault.NONE) == (_cheapest_pair(rows, api) >= 0)


@st.composite
def sound_schedules(draw):
    """(schedule without fault, API discount); rebates often as high as the cheapest fee."""
    api = draw(DISCOUNTS)
    takers = draw(_falling(0, 2 * REBATE_PPM_MAX))
    most = min(takers[-1] * (PPM - api) // PPM, REBATE_PPM_MAX)
    makers = draw(_falling(-most, 1000))
    makers[-1] = draw(st.sampled_from([makers[-1], -most]))
    rows = _schedule(draw(VOLUMES), takers, makers)
    assert fault_of(rows, api) == ScheduleFault.NONE
    return rows, api


@given(sound_schedules(), NOTIONALS, st.data())
def test_nobody_is_paid_for_trading_with_himself(case, notional, data):
    """At any size, any two tiers, with or without a key: what one gets the other has paid."""
    rows, api = case
    taker, maker = (data.draw(st.integers(0, FEE_TIERS - 1)) for _ in range(2))
    taken = fee_minor(notional, int(rows["taker_ppm"][taker]), data.draw(st.sampled_from([0, api])))
    made = fee_minor(notional, int(rows["maker_ppm"][maker]), data.draw(st.sampled_from([0, api])))
    assert taken >= 0
    assert made >= -floor(Fraction(notional * REBATE_PPM_MAX, PPM))
    assert taken + made >= 0


@given(NOTIONALS, st.integers(-REBATE_PPM_MAX, FEE_PPM_MAX), DISCOUNTS)
def test_a_fee_is_rounded_up_and_a_rebate_down(notional, rate, api):
    if rate >= 0:
        assert fee_minor(notional, rate, api) == ceil(
            Fraction(notional * rate * (PPM - api), PPM**2)
        )
    else:
        assert fee_minor(notional, rate, api) == -floor(Fraction(notional * -rate, PPM))


def test_the_house_schedule_is_sound_to_the_last_ppm():
    assert fault_of(HOUSE, API_PPM) == ScheduleFault.NONE
    assert fee_minor(10**6, 400, API_PPM) == 360
    dearer = HOUSE.copy()
    dearer["maker_ppm"][FEE_TIERS - 1] -= 1
    assert fault_of(dearer, API_PPM) == ScheduleFault.WASH
    assert fault_of(dearer, API_PPM - 2500) == ScheduleFault.NONE


@pytest.mark.parametrize(
    ("column", "tier", "value", "fault"),
    [
        ("volume_minor", 0, 1, ScheduleFault.VOLUMES),
        ("volume_minor", 2, 10, ScheduleFault.VOLUMES),
        ("volume_minor", 5, SUM_MAX + 1, ScheduleFault.VOLUMES),
        ("volume_minor", 1, -1, ScheduleFault.VOLUMES),
        ("taker_ppm", 0, FEE_PPM_MAX + 1, ScheduleFault.TAKER),
        ("taker_ppm", 3, 801, ScheduleFault.TAKER),
        ("taker_ppm", 5, -1, ScheduleFault.TAKER),
        ("maker_ppm", 5, -REBATE_PPM_MAX - 1, ScheduleFault.MAKER),
        ("maker_ppm", 0, FEE_PPM_MAX + 1, ScheduleFault.MAKER),
        ("maker_ppm", 4, -200, ScheduleFault.MAKER),
        ("taker_ppm", 5, 399, ScheduleFault.WASH),
        ("taker_ppm", 5, -(2**63), ScheduleFault.TAKER),
        ("maker_ppm", 5, -(2**63), ScheduleFault.MAKER),
    ],
)
def test_each_fault_is_named(column, tier, value, fault):
    rows = HOUSE.copy()
    rows[column][tier] = value
    assert fault_of(rows, API_PPM) == fault


@pytest.mark.parametrize("api", [-1, PPM + 1, 2**62])
def test_a_discount_is_part_of_a_fee(api):
    assert fault_of(HOUSE, api) == ScheduleFault.DISCOUNT


def test_a_published_schedule_of_six_tiers():
    published = load("fees")
    rows = _schedule(
        [units(row["volume"], MINOR) for row in published["tiers"]],
        [ppm(row["taker"]) for row in published["tiers"]],
        [ppm(row["maker"]) for row in published["tiers"]],
    )
    assert fault_of(rows, 0) == ScheduleFault.NONE
    example = published["example"]
    notional = units(example["notional"], MINOR)
    for side in ("taker", "maker"):
        fee = fee_minor(notional, int(rows[f"{side}_ppm"][0]), 0)
        assert fee == units(example[side], MINOR)
    for tier, row in enumerate(published["tiers"]):
        volume = units(row["volume"], MINOR)
        assert find_tier(rows, volume) == tier
        assert tier == 0 or find_tier(rows, volume - 1) == tier - 1
