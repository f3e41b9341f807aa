"""The call auction: the one price at which a crossed book trades the most.

Orders are gathered without trading, so the sides may overlap; then all that can trade does so at
one price. Only levels are looked at, from the best inward until the sides no longer overlap, never
ticks. Normative text: docs/spec/matching.md, section 10.

Sums never leave int64: they saturate at LOTS_CAP. The result is exact while one of the two sides
holds at most SIDE_LOTS_MAX lots, hidden ones included, whatever the other holds. No more than that
can trade, and a sum that saturated is larger by SURPLUS_LOTS_MAX at least, so it is never used up.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.index import key_of, next_level
from matching.jit import i64, inlined, kernel
from matching.layout import KEY_NONE, NIL, SIDE_LOTS_MAX, Book

LOTS_CAP: Final = 2**63 - 1
"""What a sum of lots becomes that does not fit int64."""
SURPLUS_LOTS_MAX: Final = SIDE_LOTS_MAX - 1
"""The most that a side within SIDE_LOTS_MAX can leave over: a lot at least has traded."""
NO_BID_TICKS: Final = 0
NO_ASK_TICKS: Final = KEY_NONE
"""The price of a level that is not there: it overlaps with none."""

# What is left of a saturated sum is still at least the largest surplus that is told.
assert LOTS_CAP - SIDE_LOTS_MAX >= SURPLUS_LOTS_MAX


class Clearing(NamedTuple):
    """What an auction would do now."""

    price_ticks: int
    """The price of every trade; 0 when the sides do not overlap, and then all else is 0."""
    lots: int
    """What trades, 1..SIDE_LOTS_MAX."""
    surplus_lots: int
    """Lots willing at this price that find no counterpart: buys above 0, sells below. Told up to
    SURPLUS_LOTS_MAX either way."""


class Left(NamedTuple):
    """One side's best level, and what of it has not traded."""

    level: int
    """NIL when the side is used up."""
    price_ticks: int
    lots: int


@inlined
def _level_lots(book: Book, hidden_lots: NDArray[np.int64], level: int) -> int:
    """All lots of a level, shown and hidden, 1..LOTS_CAP."""
    lots = i64(book.levels["qty_lots"][level])
    if hidden_lots.shape[0] == 0:
        return lots
    slot = i64(book.levels["head"][level])
    while slot != NIL:
        lots += min(i64(hidden_lots[slot]), LOTS_CAP - lots)
        slot = i64(book.orders["next"][slot])
    return lots


@inlined
def _price_at(book: Book, side_index: int, level: int) -> int:
    """The price of a level; of none, one that overlaps with no other."""
    if level == NIL:
        return i64(NO_ASK_TICKS) if side_index & 1 else i64(NO_BID_TICKS)
    return key_of(book, side_index, i64(book.levels["key"][level]))


@kernel
def _side_from(book: Book, hidden_lots: NDArray[np.int64], side_index: int, level: int) -> Left:
    """A side whose best level is this one, untouched."""
    lots = i64(0) if level == NIL else _level_lots(book, hidden_lots, level)
    return Left(level, _price_at(book, side_index, level), lots)


@inlined
def _nearest(reference_ticks: int, low_ticks: int, high_ticks: int) -> int:
    """The price of low..high that is nearest to the reference; every tick is there, so one is."""
    return max(low_ticks, min(high_ticks, i64(reference_ticks)))


@kernel
def _choose(
    book: Book, span: tuple[int, int], lots: int, buy: Left, sell: Left, reference_ticks: int
) -> Clearing:
    """The price, among those of largest volume, by surplus, market pressure and reference.

    Args:
        book: Read only.
        span: (lowest, highest) price of largest volume: the worst ask and bid that trade.
        lots: That volume.
        buy: What is left of the buys; its price is below the sells'.
        sell: What is left of the sells.
        reference_ticks: Any integer.

    Buys are left over at prices up to `buy.price_ticks`, sells from `sell.price_ticks` on, nothing
    in between; towards those two prices the surplus shrinks.
    """
    low_ticks, high_ticks = span
    buy_surplus = min(buy.lots, SURPLUS_LOTS_MAX)
    sell_surplus = min(sell.lots, SURPLUS_LOTS_MAX)
    if buy.price_ticks == high_ticks:
        return Clearing(high_ticks, lots, buy_surplus)
    if sell.price_ticks == low_ticks:
        return Clearing(low_ticks, lots, -sell_surplus)
    lowest, highest = max(low_ticks, buy.price_ticks + 1), min(high_ticks, sell.price_ticks - 1)
    if lowest <= highest:
        return Clearing(_nearest(reference_ticks, lowest, highest), lots, i64(0))
    # No tick is free of surplus, so the next bid and the next ask stand on neighbouring ticks.
    if buy.lots < sell.lots:
        return Clearing(buy.price_ticks, lots, buy_surplus)
    if sell.lots < buy.lots:
        return Clearing(sell.price_ticks, lots, -sell_surplus)
    # Equal on both sides: the surplus stays what it is up to the levels behind these two.
    buy_side = i64(book.levels["side_index"][buy.level])
    sell_side = i64(book.levels["side_index"][sell.level])
    lowest = max(low_ticks, _price_at(book, buy_side, next_level(book, buy.level)) + 1)
    highest = min(high_ticks, _price_at(book, sell_side, next_level(book, sell.level)) - 1)
    price_ticks = _nearest(reference_ticks, lowest, highest)
    return Clearing(
        price_ticks, lots, buy_surplus if price_ticks <= buy.price_ticks else -sell_surplus
    )


@kernel
def clearing(
    book: Book,
    hidden_lots: NDArray[np.int64],
    buy_side_index: int,
    sell_side_index: int,
    reference_ticks: int,
) -> Clearing:
    """The auction's price: largest volume, least surplus, market pressure, nearest to reference.

    Work is constant for each level that trades, and two more a side; with icebergs also for each
    order of these levels.

    Args:
        book: Read only; the two sides may overlap.
        hidden_lots: Of each order slot, beyond its `qty_lots`, shape (order slots,); or of shape
            (0,) when no order of the two sides hides any: then no order is looked at.
        buy_side_index: 2 * instrument.
        sell_side_index: 2 * instrument + 1.
        reference_ticks: Any integer; one outside the possible prices counts as the nearest of them.

    Source: the order of the rules is that of Xetra's, ASX's and HKEX's published models.
    """
    sides = book.sides
    buy = _side_from(book, hidden_lots, buy_side_index, i64(sides["best_level"][buy_side_index]))
    sell = _side_from(book, hidden_lots, sell_side_index, i64(sides["best_level"][sell_side_index]))
    lots = i64(0)
    low_ticks, high_ticks = i64(0), i64(0)
    while buy.price_ticks >= sell.price_ticks:
        low_ticks, high_ticks = sell.price_ticks, buy.price_ticks
        traded = min(buy.lots, sell.lots)
        lots += min(traded, LOTS_CAP - lots)
        buy = Left(buy.level, buy.price_ticks, buy.lots - traded)
        sell = Left(sell.level, sell.price_ticks, sell.lots - traded)
        if buy.lots == 0:
            buy = _side_from(book, hidden_lots, buy_side_index, next_level(book, buy.level))
        if sell.lots == 0:
            sell = _side_from(book, hidden_lots, sell_side_index, next_level(book, sell.level))
    if lots == 0:
        return Clearing(i64(0), i64(0), i64(0))
    return _choose(book, (low_ticks, high_ticks), lots, buy, sell, reference_ticks)


@inlined
def next_pair(
    book: Book, buy_side_index: int, sell_side_index: int, price_ticks: int
) -> tuple[int, int]:
    """The first buy and the first sell, by price and time, that trade at an auction's price.

    The caller trades the smaller of their `qty_lots` at that price, or takes one of them out, and
    asks again: as one side has then nothing more at the price or better, `Clearing.lots` have
    traded if no order left untraded, and the sides overlap no longer.

    Returns:
        (buy slot, sell slot), or (NIL, NIL) when either side has none.
    """
    sides = book.sides
    buy_key = key_of(book, buy_side_index, price_ticks)
    sell_key = key_of(book, sell_side_index, price_ticks)
    if sides["best_key"][buy_side_index] > buy_key or sides["best_key"][sell_side_index] > sell_key:
        return i64(NIL), i64(NIL)
    heads = book.levels["head"]
    buy_level = i64(sides["best_level"][buy_side_index])
    sell_level = i64(sides["best_level"][sell_side_index])
    return i64(heads[buy_level]), i64(heads[sell_level])
