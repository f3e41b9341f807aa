"""Linear positions against fractions: exact cost, realized profit floored, nothing lost."""

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from ledger.margin import linear
from ledger.margin.limits import COST_MAX, DEN_MAX, NUM_MAX
from matching.jit import kernel
from tests.margin.strategies import sizes

TICKS = sizes(2**20)
LOTS = st.builds(lambda size, sign: size * sign, sizes(2**30), st.sampled_from([1, -1]))
FILLS = st.lists(st.tuples(LOTS, TICKS), min_size=1, max_size=12)


@kernel
def _released(qty_lots: int, cost: int, close_lots: int) -> int:
    return linear.released_cost(qty_lots, cost, close_lots)


@given(FILLS)
def test_fills_keep_cost_and_realized_profit_in_balance(fills):
    """cost - realized is what was paid for, whatever was opened, closed or turned on the way."""
    lots = cost = realized = paid = held = 0
    for fill, price in fills:
        lots, cost, gain = linear.apply_fill(lots, cost, fill, price)
        realized += gain
        paid += fill * price
        held += fill
        assert lots == held
        assert cost - realized == paid
        assert (cost == 0) if lots == 0 else (cost * lots >= 0)


@given(FILLS)
def test_the_cost_stays_between_lowest_and_highest_fill(fills):
    lots = cost = 0
    prices = [price for _, price in fills]
    for fill, price in fills:
        lots, cost, _ = linear.apply_fill(lots, cost, fill, price)
        assert (
            abs(lots) * min(prices) - len(fills)
            <= abs(cost)
            <= abs(lots) * max(prices) + len(fills)
        )


@given(LOTS, TICKS, TICKS, st.data())
def test_a_partial_close_realizes_the_average_rounded_down(lots, entry, price, data):
    close = data.draw(st.integers(1, abs(lots)))
    sign = 1 if lots > 0 else -1
    extra = data.draw(st.integers(0, abs(lots) - 1)) * sign
    cost = lots * entry + extra
    left, left_cost, realized = linear.apply_fill(lots, cost, -sign * close, price)
    exact = sign * close * price - Fraction(cost * close, abs(lots))
    assert realized == floor(exact)
    assert left == lots - sign * close
    assert left_cost == cost - (sign * close * price - realized)
    assert _released(lots, cost, close) == cost - left_cost


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), sizes(2**30), TICKS), max_size=20))
def test_trades_between_accounts_sum_to_zero(trades):
    """Over everybody: realized profit equals what open positions cost; lots net to zero."""
    books = [(0, 0)] * 4
    realized = 0
    for buyer, seller, size, price in trades:
        for who, fill in ((buyer, size), (seller, -size)):
            lots, cost, gain = linear.apply_fill(*books[who], fill, price)
            books[who] = (lots, cost)
            realized += gain
    assert sum(lots for lots, _ in books) == 0
    assert realized == sum(cost for _, cost in books)


@given(
    st.lists(st.integers(-2 * COST_MAX, 2 * COST_MAX), min_size=1, max_size=10),
    sizes(NUM_MAX),
    sizes(DEN_MAX),
)
def test_paying_in_whole_units_loses_nothing(gains, num, den):
    """What roundings leave goes to the insurance fund in whole units; the rest is carried."""
    small = [gain for gain in gains if abs(gain * num) < 2**62 * den]
    carry = paid_total = fund_total = 0
    for gain in small:
        paid, fund, carry = linear.pay_realized(gain, num, den, carry)
        assert paid == floor(Fraction(gain * num, den))
        assert fund in (0, 1)
        assert 0 <= carry < den
        paid_total += paid
        fund_total += fund
    assert (paid_total + fund_total) * den + carry == sum(small) * num


@given(LOTS, TICKS)
def test_the_entry_price_of_one_fill_is_its_price(lots, price):
    assert linear.entry_ticks(*linear.apply_fill(0, 0, lots, price)[:2]) == price


def test_a_flat_position_has_no_entry():
    assert linear.entry_ticks(0, 0) == 0


def test_the_entry_price_is_rounded_against_the_account():
    assert linear.entry_ticks(3, 10) == 4
    assert linear.entry_ticks(-3, -10) == 3


def test_turning_a_position_closes_it_first():
    assert linear.apply_fill(5, 500, -8, 110) == (-3, -330, 50)
    assert linear.apply_fill(-5, -500, 8, 90) == (3, 270, 50)
