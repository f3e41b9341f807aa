"""Funding: premium, average, rate, and payments that never pay out more than they take."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.margin import funding
from ledger.margin.limits import DEN_MAX, NUM_MAX, PPB, RATE_PPB_MAX
from matching.units import PRICE_TICKS_MAX
from tests.margin import oracle
from tests.margin.published import load, units
from tests.margin.strategies import contracts, lots_of, most_lots, sizes

PRICES = sizes(PRICE_TICKS_MAX, 0)
RATES = st.integers(-RATE_PPB_MAX, RATE_PPB_MAX) | st.integers(-(10**6), 10**6)
BILLIONTH = Fraction(1, PPB)


@given(PRICES, PRICES, sizes(PRICE_TICKS_MAX))
def test_the_premium_index_equals_its_formula(bid, ask, index):
    above = max(0, bid - index) if bid else 0
    below = max(0, index - ask) if ask else 0
    exact = oracle.cut(Fraction((above - below) * PPB, index))
    assert funding.premium_ppb(bid, ask, index) == max(-RATE_PPB_MAX, min(exact, RATE_PPB_MAX))


def test_an_index_between_the_impact_prices_has_no_premium():
    assert funding.premium_ppb(99, 101, 100) == 0


@given(st.lists(RATES, max_size=60))
def test_later_samples_weigh_more(samples):
    total = count = 0
    for sample in samples:
        total, count = funding.add_sample(total, count, sample)
    weights = range(1, len(samples) + 1)
    exact = Fraction(sum(map(int.__mul__, weights, samples)), max(sum(weights), 1))
    assert funding.average_premium_ppb(total, count) == oracle.cut(exact)


@given(RATES, RATES, sizes(RATE_PPB_MAX, 0), sizes(RATE_PPB_MAX, 0))
def test_the_rate_stays_near_its_premium_and_under_its_cap(premium, interest, damper, cap):
    rate = funding.rate_ppb(premium, interest, damper, cap)
    uncapped = premium + max(-damper, min(interest - premium, damper))
    assert rate == max(-cap, min(uncapped, cap))
    assert abs(uncapped - premium) <= damper
    if abs(interest - premium) <= damper:
        assert uncapped == interest


@given(RATES, sizes(RATE_PPB_MAX, 0))
def test_without_interest_the_damper_swallows_small_premiums(premium, damper):
    """Deribit writes the same rule as max(damper, premium) + min(-damper, premium)."""
    expected = max(damper, premium) + min(-damper, premium)
    assert funding.rate_ppb(premium, 0, damper, RATE_PPB_MAX) == max(
        -RATE_PPB_MAX, min(expected, RATE_PPB_MAX)
    )


@given(contracts(), RATES, st.data())
def test_payments_equal_value_times_rate_rounded_down(contract, rate, data):
    if not most_lots(contract):
        return
    lots = data.draw(lots_of(contract))
    # What a position owes on is its size: positive for a long, of either kind.
    size = abs(contract.value(lots, contract.mark)) * (1 if lots > 0 else -1)
    if contract.inverse:
        paid = funding.inverse_payment_minor(lots, contract.mark, rate, contract.num)
    else:
        paid = funding.linear_payment_minor(lots, contract.mark, rate, contract.num, contract.den)
    assert paid == floor(-size * rate / PPB)


@given(
    st.lists(sizes(2**24), min_size=1, max_size=8),
    sizes(2**20),
    RATES,
    sizes(min(NUM_MAX, 2**15)),
    sizes(DEN_MAX),
)
def test_what_funding_takes_and_does_not_pay_is_less_than_a_unit_a_position(
    sizes_, mark, rate, num, den
):
    longs, short = sizes_, -sum(sizes_)
    changes = [funding.linear_payment_minor(lots, mark, rate, num, den) for lots in [*longs, short]]
    assert 0 <= -sum(changes) < len(changes)


@given(
    st.lists(RATES, max_size=40),
    RATES,
    sizes(RATE_PPB_MAX, 0),
    sizes(RATE_PPB_MAX, 0),
)
def test_the_predicted_rate_is_what_the_samples_so_far_would_make(samples, interest, damper, cap):
    """At any time inside the interval, and at its end it is the rate itself."""
    rule = funding.FundingRule(interest, damper, cap)
    total = count = 0
    assert funding.predicted_rate_ppb(0, 0, rule) == funding.rate_ppb(0, interest, damper, cap)
    for sample in samples:
        total, count = funding.add_sample(total, count, sample)
        weights = count * (count + 1) // 2
        premium = oracle.cut(Fraction(total, weights))
        uncapped = premium + max(-damper, min(interest - premium, damper))
        assert funding.predicted_rate_ppb(total, count, rule) == max(-cap, min(uncapped, cap))


def test_longs_pay_a_positive_rate():
    assert funding.linear_payment_minor(10, 100, 10**6, 1, 1) == -1
    assert funding.linear_payment_minor(-10, 100, 10**6, 1, 1) == 1
    assert funding.inverse_payment_minor(10, 100, 10**6, 10**4) == -1
    assert funding.inverse_payment_minor(-10, 100, -(10**6), 10**4) == -1


def test_hyperliquid_example():
    row = load("hyperliquid")["funding"]
    bid, ask, oracle_price = (int(row[key]) for key in ("impact_bid", "impact_ask", "oracle"))
    premium = funding.premium_ppb(bid, ask, oracle_price)
    assert premium == units(row["premium"], BILLIONTH)
    rate = funding.rate_ppb(
        premium, units(row["interest"], BILLIONTH), units(row["damper"], BILLIONTH), RATE_PPB_MAX
    )
    assert rate == units(row["rate"], BILLIONTH)


@pytest.mark.parametrize("row", load("dydx")["funding"], ids=lambda row: row["index_delta"])
def test_dydx_funding_index(row):
    """A million base quantums pay one index delta; dYdX cuts, we round against the account."""
    exponent, resolution = int(row["exponent"]), int(row["resolution"])
    price = int(row["price"]) * 10 ** max(exponent, 0)
    scale = Fraction(10) ** (min(exponent, 0) + resolution + 6)
    rate = units(str(Fraction(int(row["rate_ppm"]) * 1000 * int(row["hours"]), 8)), Fraction(1))
    published = int(row["index_delta"])
    changes = [
        funding.linear_payment_minor(lots, price, rate, scale.numerator, scale.denominator)
        for lots in (10**6, -(10**6))
    ]
    assert max(changes) == abs(published)
    assert min(changes) in (-abs(published), -abs(published) - 1)
    assert (changes[0] < 0) == (published > 0)
