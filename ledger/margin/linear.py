"""Linear contracts: settled in quote, profit s * Q * (M - E).

A position is (qty_lots, cost): signed lots, and the signed sum of price times lots of what opened
it, in tick-lots. That sum is exact, so that no average price is ever rounded. One tick-lot is worth
num / den settlement units. Source: docs/spec/margin.md, section 3.
"""

from ledger.margin.rounding import muldiv_ceil, muldiv_floor
from matching.intmath import multiply_divide
from matching.jit import inlined, kernel


@inlined
def notional_minor(qty_lots: int, price_ticks: int, num: int, den: int) -> int:
    """What the position is worth at a price, never negative; rounded up: margin follows from it."""
    size = abs(qty_lots) * price_ticks
    if den == 1:  # The listing proves that the product is an amount: int64 holds it.
        return size * num
    return muldiv_ceil(size, num, den)


@inlined
def pnl_minor(qty_lots: int, cost: int, mark_ticks: int, num: int, den: int) -> int:
    """Unrealized profit at the mark; rounded down."""
    gain = qty_lots * mark_ticks - cost
    if den == 1:
        return gain * num
    return muldiv_floor(gain, num, den)


@inlined
def released_cost(qty_lots: int, cost: int, close_lots: int) -> int:
    """The share of the cost that leaves with `close_lots`, 1..|qty_lots|.

    Rounded up, so that realized profit is rounded down; what is rounded off stays in the position.
    """
    return muldiv_ceil(cost, close_lots, abs(qty_lots))


@kernel
def apply_fill(qty_lots: int, cost: int, fill_lots: int, price_ticks: int) -> tuple[int, int, int]:
    """Book one fill: grow, shrink, close or turn a position.

    Args:
        qty_lots: The position before.
        cost: Its signed cost.
        fill_lots: Signed, not zero: bought lots are positive.
        price_ticks: The fill's price.

    Returns:
        (qty_lots, cost, realized) with realized in tick-lots. Over both sides of a trade the sum of
        costs less the sum of realized profit does not change: nothing is made or lost.
    """
    if qty_lots == 0 or (qty_lots > 0) == (fill_lots > 0):
        return qty_lots + fill_lots, cost + fill_lots * price_ticks, 0
    closing = min(abs(qty_lots), abs(fill_lots))
    leaving = closing if qty_lots > 0 else -closing
    released = released_cost(qty_lots, cost, closing)
    realized = leaving * price_ticks - released
    opened = fill_lots + leaving
    return qty_lots + fill_lots, cost - released + opened * price_ticks, realized


@kernel
def pay_realized(realized: int, num: int, den: int, carry: int) -> tuple[int, int, int]:
    """Turn realized tick-lots into money.

    Args:
        realized: Signed tick-lots, |realized| <= 2 * COST_MAX.
        num: The contract's scale, numerator ...
        den: ... and denominator.
        carry: What earlier payments left over, in units of 1 / den, 0..den-1; kept per instrument.

    Returns:
        (paid_minor, fund_minor, carry): the account gets paid_minor (rounded down), and the
        insurance fund gets the whole units that roundings have left over: 0 or 1.
    """
    if realized >= 0:
        paid, rest = multiply_divide(realized, num, 1, 0, den)
    else:
        owed, rest = multiply_divide(-realized, num, 1, 0, den)
        paid = -owed
        if rest > 0:
            paid, rest = paid - 1, den - rest
    carry += rest
    return (paid, 1, carry - den) if carry >= den else (paid, 0, carry)


@kernel
def entry_ticks(qty_lots: int, cost: int) -> int:
    """The average entry price, for people: rounded up for a long, down for a short. 0 when flat."""
    if qty_lots == 0:
        return 0
    if qty_lots > 0:
        return muldiv_ceil(cost, 1, qty_lots)
    return muldiv_floor(-cost, 1, -qty_lots)
