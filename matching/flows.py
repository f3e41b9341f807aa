"""Streams of messages for a book that stands alone: five markets, and two shapes that tempt.

All seeded and in integers. A market's stream is stationary: orders come at an even rate and live
for a drawn time, and what was born before the stream begins is rested first, untimed. Of the
messages about 50 % are new, 41 % cancels, 9 % modifies; 15 % of the new ones are IOC.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.lone import BookLimits
from matching.messages import IOC, MESSAGE, BookSide, MessageKind

MID_TICKS: Final = 100_000
PRICE_BITS: Final = 18
STREAM: Final = 2_000_000
IOC_PERCENT: Final = 15
CANCEL_PER_MILLE: Final = 965
"""Of the orders that are not IOC: 0.85 x 0.965 x 50 % = 41 % of the messages."""
MODIFY_PER_MILLE: Final = 212
"""Of the same: 0.85 x 0.212 x 50 % = 9 % of the messages."""
CROSS_PERCENT: Final = 10
LOTS: Final = 100

Ticks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Flow:
    """A stream and the book it is made for; `before` is rested first."""

    limits: BookLimits
    before: NDArray[Any]
    messages: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Market:
    """One shape of flow."""

    middle: Callable[[Ticks, int], Ticks]
    """The middle price at each time, of a stream of so many messages."""
    width_ticks: int
    """Orders rest up to so far from the middle, the nearer the likelier."""
    life_percent: int
    """An order that is not filled lives through so much of the stream on average."""


def _still(times: Ticks, _stream: int) -> Ticks:
    return np.full_like(times, MID_TICKS)


def _swing(percent: int) -> Callable[[Ticks, int], Ticks]:
    """Two triangle waves around the middle."""
    reach = MID_TICKS * percent // 100

    def middle(times: Ticks, stream: int) -> Ticks:
        # A quarter of a wave is one reach; the wave starts at the middle, upward.
        quarter = max(stream // 8, 1)
        phase = (times + quarter) % (4 * quarter)
        price: Ticks = MID_TICKS + reach - np.abs(phase - 2 * quarter) * reach // quarter
        return price

    return middle


def _crash(times: Ticks, stream: int) -> Ticks:
    """Half the price is gone within a fiftieth of the stream, and half of that comes back."""
    fall, low = stream * 6 // 10, MID_TICKS // 2
    fallen = np.clip((times - fall) * 50, 0, stream) * low // stream
    back = np.clip((times - fall - stream // 50) * 5, 0, stream) * (low // 2) // stream
    price: Ticks = MID_TICKS - fallen + back
    return price


MARKETS: Final = {
    "calm": Market(_swing(0), width_ticks=200, life_percent=3),
    "deep": Market(_still, width_ticks=20_000, life_percent=35),
    "swing25": Market(_swing(25), width_ticks=40_000, life_percent=35),
    "swing40": Market(_swing(40), width_ticks=50_000, life_percent=35),
    "crash": Market(_crash, width_ticks=20_000, life_percent=35),
}


def market_flow(market: Market, stream: int, seed: int) -> Flow:
    """The stream of one market, of about `stream` messages."""
    rng = np.random.default_rng(seed)
    longest = 2 * stream * market.life_percent // 100
    fresh = (longest + stream) // 2
    born = np.sort(rng.integers(-longest, stream, fresh))
    new = _orders(market, stream, born, rng)
    rests = new["flags"] == 0
    life = rng.integers(1, longest, fresh)
    cancelled = rests & (rng.integers(0, 1000, fresh) < CANCEL_PER_MILLE)
    modified = rests & (rng.integers(0, 1000, fresh) < MODIFY_PER_MILLE)
    changed = born + life * rng.integers(1, 100, fresh) // 100
    changes = _changes(market, stream, new[modified], changed[modified], rng)
    cancels = np.zeros(int(cancelled.sum()), MESSAGE)
    cancels["kind"] = MessageKind.CANCEL
    cancels["order_id"] = new["order_id"][cancelled]
    moments = np.concatenate([born, changed[modified], (born + life)[cancelled]])
    order = np.argsort(moments, kind="stable")
    first, last = np.searchsorted(moments[order], [0, stream])
    messages = np.concatenate([new, changes, cancels])[order]
    limits = BookLimits(
        orders=fresh, pages=1 << 13, ids=1 << fresh.bit_length(), price_bits=PRICE_BITS
    )
    return Flow(limits, messages[:first], messages[first:last])


def _orders(market: Market, stream: int, born: Ticks, rng: np.random.Generator) -> NDArray[Any]:
    """New orders, ids from 1 on."""
    fresh = len(born)
    new = np.zeros(fresh, MESSAGE)
    new["kind"] = MessageKind.NEW
    new["order_id"] = np.arange(1, fresh + 1)
    new["side"] = rng.integers(0, 2, fresh)
    new["flags"] = np.where(rng.integers(0, 100, fresh) < IOC_PERCENT, IOC, 0)
    new["qty_lots"] = rng.integers(1, LOTS, fresh) * np.where(new["flags"] == IOC, 3, 1)
    away = _away(market, fresh, rng)
    crosses = rng.integers(0, 100, fresh) < CROSS_PERCENT
    away[crosses | (new["flags"] == IOC)] = -3
    new["price_ticks"] = _price(market.middle(born, stream), new["side"], away)
    return new


def _changes(
    market: Market, stream: int, orders: NDArray[Any], times: Ticks, rng: np.random.Generator
) -> NDArray[Any]:
    """A modify for each order: half make it smaller where it stands, half move it."""
    changes = orders.copy()
    changes["kind"] = MessageKind.MODIFY
    moves = rng.integers(0, 2, len(orders)) == 1
    away = _away(market, len(orders), rng)
    moved = _price(market.middle(times, stream), orders["side"], away)
    changes["price_ticks"] = np.where(moves, moved, orders["price_ticks"])
    changes["qty_lots"] = np.where(moves, orders["qty_lots"], (orders["qty_lots"] + 1) // 2)
    return changes


def _away(market: Market, count: int, rng: np.random.Generator) -> Ticks:
    """How far from the middle, on the own side of it."""
    away: Ticks = rng.integers(1, 1000, count) ** 2 * market.width_ticks // 1_000_000
    return away


def _price(middle: Ticks, side: NDArray[Any], away: Ticks) -> Ticks:
    price: Ticks = middle + np.where(side == BookSide.BUY, -away, away)
    return price


def sweep_flow(orders: int, seed: int) -> Flow:
    """One-lot sell orders at prices anywhere, then one buy order that takes them all."""
    rng = np.random.default_rng(seed)
    messages = np.zeros(orders + 1, MESSAGE)
    messages["kind"] = MessageKind.NEW
    messages["order_id"] = np.arange(1, orders + 2)
    messages["side"] = BookSide.SELL
    messages["price_ticks"] = rng.integers(1, 1 << 20, orders + 1)
    messages["qty_lots"] = 1
    messages[-1]["side"] = BookSide.BUY
    messages[-1]["flags"] = IOC
    messages[-1]["price_ticks"] = 1 << 20
    messages[-1]["qty_lots"] = orders
    limits = BookLimits(orders, 1 << 15, 1 << orders.bit_length(), price_bits=21)
    return Flow(limits, messages[:0], messages)


def storm_flow(orders: int, seed: int) -> Flow:
    """Orders, half of them at one price and the others anywhere, all cancelled in any order."""
    rng = np.random.default_rng(seed)
    messages = np.zeros(2 * orders, MESSAGE)
    new, cancels = messages[:orders], messages[orders:]
    new["kind"] = MessageKind.NEW
    new["order_id"] = np.arange(1, orders + 1)
    new["price_ticks"] = np.where(
        rng.integers(0, 2, orders) == 1, 77, rng.integers(1, 1 << 20, orders)
    )
    new["qty_lots"] = rng.integers(1, LOTS, orders)
    cancels["kind"] = MessageKind.CANCEL
    cancels["order_id"] = rng.permutation(new["order_id"])
    limits = BookLimits(orders, 1 << 15, 1 << orders.bit_length(), price_bits=21)
    return Flow(limits, messages[:0], messages)
