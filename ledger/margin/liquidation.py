"""Where a position is liquidated, and where it is bankrupt.

Prices are found by bisection over the very functions that judge positions, so that roundings,
brackets that change on the way and a raised multiplier need no second formula.
Source: docs/spec/margin.md, section 8.
"""

from typing import Any, Final

from numpy.typing import NDArray

from ledger.margin.contracts import maintenance_minor, pnl_minor
from ledger.margin.rounding import muldiv_floor
from matching.jit import kernel

NEVER: Final = 0
"""No price up to the instrument's highest does it."""


@kernel
def liquidation_ticks(
    contracts: NDArray[Any],
    tiers: NDArray[Any],
    instrument: int,
    qty_lots: int,
    cost: int,
    other_minor: int,
) -> int:
    """The mark at which a position brings its account to liquidation, all else unchanged.

    Args:
        contracts: CONTRACT.
        tiers: TIER.
        instrument: The position's row of contracts.
        qty_lots: The position, not flat.
        cost: Its signed cost.
        other_minor: What else carries it, in the settlement asset, |other_minor| <=
            AMOUNT_MINOR_MAX: isolated: its margin; cross: wallet + other positions' profit - other
            positions' maintenance (as Binance writes it: WB + UPNL - TMM).

    Returns:
        For a long the highest tick, for a short the lowest, at which profit + other_minor <=
        maintenance; NEVER (0) when there is none in 1..max_ticks.
    """
    short = qty_lots < 0
    low, high = 0, contracts["max_ticks"][instrument] + 1
    while high - low > 1:
        middle = (low + high) // 2
        pnl = pnl_minor(contracts, instrument, qty_lots, cost, middle)
        required = maintenance_minor(contracts, tiers, instrument, qty_lots, middle)
        if (other_minor + pnl <= required) != short:  # The losing side keeps the bad end.
            low = middle
        else:
            high = middle
    if not short:
        return low
    return high if high <= contracts["max_ticks"][instrument] else NEVER


@kernel
def bankruptcy_ticks(
    contracts: NDArray[Any], instrument: int, qty_lots: int, cost: int, margin_minor: int
) -> int:
    """The price at which closing the position leaves nothing of its margin, and owes nothing.

    Returns:
        For a long the lowest tick, for a short the highest, at which profit + margin >= 0: a tick
        further and somebody else pays. NEVER (0) when every price up to max_ticks leaves something;
        max_ticks for a long, 1 for a short, when even that price does not suffice.
    """
    short = qty_lots < 0
    max_ticks = contracts["max_ticks"][instrument]
    low, high = 0, max_ticks + 1
    while high - low > 1:
        middle = (low + high) // 2
        pnl = pnl_minor(contracts, instrument, qty_lots, cost, middle)
        if (margin_minor + pnl < 0) != short:
            low = middle
        else:
            high = middle
    if short:
        return NEVER if low == max_ticks else max(low, 1)
    return NEVER if low == 0 else min(high, max_ticks)


@kernel
def bankruptcy_quote_minor(
    delta_notional_minor: int, equity_minor: int, part_minor: int, total_minor: int
) -> int:
    """What a slice of a cross account must fetch, so that it uses up just its share of the equity.

    Equity is shared by maintenance margin (dYdX v4 does the same).

    Args:
        delta_notional_minor: The slice's signed notional as it leaves: negative when lots are sold.
        equity_minor: The account's equity, |equity| <= SUM_MAX.
        part_minor: Maintenance margin that the slice frees, 0..total_minor.
        total_minor: The account's maintenance margin, 1..SUM_MAX.

    Returns:
        Quote to get (positive: selling for less makes the account bankrupt) or, negative, to pay
        (buying for more does). Rounded up: against the account.
    """
    share = muldiv_floor(equity_minor, part_minor, total_minor)
    return -delta_notional_minor - share
