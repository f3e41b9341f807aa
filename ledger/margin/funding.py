"""Funding: what longs pay shorts, so that a perpetual stays near its index.

rate = premium + clamp(interest - premium, -damper, +damper), bounded by a cap. Rates are parts per
billion of one interval. Source: docs/spec/margin.md, section 10.
"""

from typing import NamedTuple

from ledger.margin.limits import PPB, RATE_PPB_MAX
from ledger.margin.rounding import clamp, muldiv_ceil_three, muldiv_floor
from matching.jit import inlined, kernel


@kernel
def premium_ppb(impact_bid_ticks: int, impact_ask_ticks: int, index_ticks: int) -> int:
    """The premium index: how far the impact prices stand outside the index; cut towards zero.

    Args:
        impact_bid_ticks: The average price that a sale of the impact notional would fetch; 0 where
            the book is too thin, which then says nothing.
        impact_ask_ticks: The average price that such a purchase would cost, or 0.
        index_ticks: The index, 1 or more.
    """
    above = max(0, impact_bid_ticks - index_ticks) if impact_bid_ticks > 0 else 0
    below = max(0, index_ticks - impact_ask_ticks) if impact_ask_ticks > 0 else 0
    gap = above - below
    size = min(muldiv_floor(abs(gap), PPB, index_ticks), RATE_PPB_MAX)
    return size if gap >= 0 else -size


@kernel
def add_sample(weighted_sum: int, count: int, premium: int) -> tuple[int, int]:
    """Take one premium sample into the interval's average: the n-th sample weighs n.

    Later samples weigh more, as Binance and Bybit publish it. At most SAMPLES_MAX samples.

    Returns:
        (weighted_sum, count).
    """
    return weighted_sum + (count + 1) * premium, count + 1


@kernel
def average_premium_ppb(weighted_sum: int, count: int) -> int:
    """The average so far, cut towards zero; 0 without samples."""
    if count == 0:
        return 0
    weight = count * (count + 1) // 2
    size = abs(weighted_sum) // weight
    return size if weighted_sum >= 0 else -size


@kernel
def rate_ppb(premium: int, interest: int, damper: int, cap: int) -> int:
    """The funding rate; asked before the interval ends, it is the predicted rate.

    Args:
        premium: Average premium, ppb.
        interest: Of the interval, ppb.
        damper: How far the rate may depart from the premium, ppb; 500_000 is 0.05 %.
        cap: The rate's bound on both sides, 0..RATE_PPB_MAX.
    """
    return clamp(premium + clamp(interest - premium, -damper, damper), -cap, cap)


class FundingRule(NamedTuple):
    """How an instrument's funding is made; a listing sets it. All in ppb of one interval."""

    interest: int
    damper: int
    cap: int
    """As for `rate_ppb`."""


@kernel
def predicted_rate_ppb(weighted_sum: int, count: int, rule: FundingRule) -> int:
    """What the funding rate will be when no sample but the ones so far is taken.

    Args:
        weighted_sum: Of the interval's samples so far, as `add_sample` left it.
        count: How many they are; without any the premium is 0.
        rule: The listing's.
    """
    premium = average_premium_ppb(weighted_sum, count)
    return rate_ppb(premium, rule.interest, rule.damper, rule.cap)


@inlined
def _signed_change(signed_size: int, rate: int, scale: int, divisor: int) -> int:
    """-(size * rate * scale / divisor), rounded down."""
    return -muldiv_ceil_three(signed_size if rate >= 0 else -signed_size, abs(rate), scale, divisor)


@kernel
def linear_payment_minor(qty_lots: int, mark_ticks: int, rate: int, num: int, den: int) -> int:
    """What funding changes a linear position's wallet by; rounded down.

    Negative when it pays: a long at a positive rate. The insurance fund gets the negative of the
    sum over all positions, which is below their number.
    """
    return _signed_change(qty_lots * mark_ticks, rate, num, den * PPB)


@kernel
def inverse_payment_minor(qty_lots: int, mark_ticks: int, rate: int, num: int) -> int:
    """What funding changes an inverse position's wallet by, in coin; rounded down.

    The long of an inverse contract owes on its coin value, so signs are as for linear ones.
    """
    return _signed_change(qty_lots, rate, num, mark_ticks * PPB)
