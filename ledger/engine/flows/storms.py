"""Shapes that tempt an engine to be quadratic: each is one kind of command, a great many times.

A stream is a `Storm`: what stands before, and what is measured. Money never runs short in them, so
that the work is all of the shape's own.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.flows.shape import START_NS, Shape
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records import layout
from ledger.records.codes import CommandFlag, CommandKind, OrderType, Side, TimeInForce

PRICES: Final = 1 << 20
"""Prices of scattered orders: about as many as there are orders."""
CROWDED_TICKS: Final = 77
"""The one price at which half of the cancelled orders stand."""


@dataclass(frozen=True, slots=True)
class Storm:
    """COMMAND rows: those that build the book, and those that are measured."""

    before: NDArray[Any]
    measured: NDArray[Any]


def sweep(shape: Shape, orders: int, seed: int) -> Storm:
    """One-lot sell orders at prices anywhere, then one buy order that takes them all.

    The buyer is the last account and sells nothing, so that no order meets its own.
    """
    assert shape.accounts >= 2, "somebody sells and somebody buys"
    rng = np.random.default_rng(seed)
    resting = _orders(orders)
    buyer = CUSTOMER_FIRST + shape.accounts - 1
    resting["account"] = rng.integers(CUSTOMER_FIRST, buyer, orders)
    resting["side"] = Side.SELL
    resting["price_ticks"] = rng.integers(1, PRICES, orders)
    resting["qty_lots"] = 1
    taker = _orders(1)
    taker["account"] = buyer
    taker["price_ticks"] = PRICES
    taker["qty_lots"] = orders
    taker["time_in_force"] = TimeInForce.IOC
    return Storm(resting.view(layout.COMMAND), taker.view(layout.COMMAND))


def cancel_storm(shape: Shape, first_seq: int, orders: int, seed: int) -> Storm:
    """Buy orders, half of them at one price and the others anywhere, all cancelled in any order.

    Args:
        shape: The venue's; the orders go over all its accounts and instruments.
        first_seq: The seq that `before[0]` will have.
        orders: How many.
        seed: The same seed gives the same bytes.
    """
    rng = np.random.default_rng(seed)
    resting = standing_orders(shape, 0, orders, rng)
    crowded = rng.integers(0, 2, orders) == 1
    resting["price_ticks"][crowded] = CROWDED_TICKS
    gone = rng.permutation(orders)
    cancels = np.zeros(orders, layout.ORDER)
    for name in ("version", "time_ns", "account", "instrument"):
        cancels[name] = resting[name][gone]
    cancels["kind"] = CommandKind.CANCEL_ORDER
    cancels["target_id"] = first_seq + gone
    return Storm(resting.view(layout.COMMAND), cancels.view(layout.COMMAND))


def stop_storm(shape: Shape, orders: int) -> Storm:
    """Stops to buy one lot, all at one price, and the trade that triggers every one of them.

    One account sells them what they want, a tick above the trigger.
    """
    assert shape.accounts >= 3, "somebody waits, somebody sells, and somebody buys"
    seller = CUSTOMER_FIRST + shape.accounts - 1
    resting = _orders(2)
    resting["account"] = seller
    resting["side"] = Side.SELL
    resting["price_ticks"] = (CROWDED_TICKS, CROWDED_TICKS + 1)
    resting["qty_lots"] = (1, orders)
    waiting = _orders(orders)
    waiting["account"] = CUSTOMER_FIRST + np.arange(orders) % (shape.accounts - 2)
    waiting["order_type"] = OrderType.MARKET
    waiting["flags"] = CommandFlag.STOP
    waiting["trigger_ticks"] = CROWDED_TICKS
    waiting["qty_lots"] = 1
    taker = _orders(1)
    taker["account"] = seller - 1
    taker["price_ticks"] = CROWDED_TICKS
    taker["qty_lots"] = 1
    before = np.concatenate([resting, waiting])
    return Storm(before.view(layout.COMMAND), taker.view(layout.COMMAND))


def standing_orders(
    shape: Shape, first: int, orders: int, rng: np.random.Generator
) -> NDArray[Any]:
    """ORDER: buy orders that never meet another, at prices anywhere, account after account.

    Args:
        shape: The venue's.
        first: How many such orders came before: the accounts take turns.
        orders: How many.
        rng: Where instruments, prices and sizes come from.
    """
    resting = _orders(orders)
    resting["account"] = CUSTOMER_FIRST + (first + np.arange(orders)) % shape.accounts
    resting["instrument"] = rng.integers(0, shape.instruments, orders)
    resting["price_ticks"] = rng.integers(1, PRICES, orders)
    resting["qty_lots"] = rng.integers(1, 100, orders)
    return resting


def _orders(count: int) -> NDArray[Any]:
    """ORDER: new orders to buy, GTC, on the first instrument; the rest is the caller's."""
    orders = np.zeros(count, layout.ORDER)
    orders["version"] = 1
    orders["kind"] = CommandKind.NEW_ORDER
    orders["time_ns"] = START_NS
    return orders
