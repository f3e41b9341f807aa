"""Inverse contracts: quoted in dollars, settled in coin, profit s * N * (1/E - 1/M).

A position is (qty_lots, cost): signed lots, and the signed coin cost of what opened it, in the
coin's minor units. A lot bought at price P costs -num / P: the sign that makes profit value less
cost, as for linear contracts (and as BitMEX publishes `currentCost`). Adding costs is averaging the
entry harmonically. Source: docs/spec/margin.md, section 4.
"""

from ledger.margin.rounding import muldiv_ceil, muldiv_floor
from matching.jit import inlined, kernel


@inlined
def cost_minor(fill_lots: int, price_ticks: int, num: int) -> int:
    """What signed lots cost at a price; rounded up. |fill_lots| * num <= EXPOSURE_MINOR_MAX."""
    return muldiv_ceil(-fill_lots, num, price_ticks)


@inlined
def value_minor(qty_lots: int, price_ticks: int, num: int) -> int:
    """What signed lots are worth at a price (negative for a long); rounded down."""
    return muldiv_floor(-qty_lots, num, price_ticks)


@inlined
def notional_minor(qty_lots: int, price_ticks: int, num: int) -> int:
    """The position's size in coin at a price, never negative; rounded up."""
    return muldiv_ceil(abs(qty_lots), num, price_ticks)


@inlined
def pnl_minor(qty_lots: int, cost: int, mark_ticks: int, num: int) -> int:
    """Unrealized profit in coin at the mark; rounded down."""
    return value_minor(qty_lots, mark_ticks, num) - cost


@inlined
def released_cost(qty_lots: int, cost: int, close_lots: int) -> int:
    """The share of the cost that leaves with `close_lots`; rounded up, the rest stays."""
    return muldiv_ceil(cost, close_lots, abs(qty_lots))


@kernel
def apply_fill(
    qty_lots: int, cost: int, fill_lots: int, price_ticks: int, num: int
) -> tuple[int, int, int]:
    """Book one fill: grow, shrink, close or turn a position.

    Args:
        qty_lots: The position before.
        cost: Its signed cost.
        fill_lots: Signed, not zero: bought lots are positive.
        price_ticks: The fill's price.
        num: Coin units of one lot at a price of one tick.

    Returns:
        (qty_lots, cost, realized_minor). One side books cost after - cost before - realized; both
        sides of a trade together book 0 to 3 units, which belong to the insurance fund.
    """
    if qty_lots == 0 or (qty_lots > 0) == (fill_lots > 0):
        return qty_lots + fill_lots, cost + cost_minor(fill_lots, price_ticks, num), 0
    closing = min(abs(qty_lots), abs(fill_lots))
    leaving = closing if qty_lots > 0 else -closing
    released = released_cost(qty_lots, cost, closing)
    realized = value_minor(leaving, price_ticks, num) - released
    opened = fill_lots + leaving
    return qty_lots + fill_lots, cost - released + cost_minor(opened, price_ticks, num), realized


@kernel
def entry_ticks(qty_lots: int, cost: int, num: int) -> int:
    """The harmonic average entry, for people: up for a long, down for a short. 0 when flat."""
    if qty_lots == 0 or cost == 0:
        return 0
    if qty_lots > 0:
        return muldiv_ceil(qty_lots, num, -cost)
    return muldiv_floor(-qty_lots, num, cost)
