"""The everyday flow: new orders, cancels and amends around wandering middles."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.flows.shape import START_NS, Shape
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records import layout
from ledger.records.codes import CommandKind, Side, TimeInForce

MID_TICKS: Final = 100_000
IOC_PERCENT: Final = 15
CROSS_PERCENT: Final = 15
AMEND_PERCENT: Final = 18
"""Of the orders' follow-ups; the others are cancels."""
MOMENTS: Final = 16
"""Moments that pass a command: few events fall on the same one."""
LIFE_COMMANDS: Final = 4000
"""An order is followed up so many commands later at most."""


def mixed_flow(shape: Shape, first_seq: int, commands: int, seed: int) -> NDArray[Any]:
    """New, cancel and amend about 50 : 41 : 9; 15 % of new orders are IOC; a wandering middle.

    Every order is followed up once, by a cancel or an amend; some have been filled by then. A
    cancel meets an order that may be gone, as it does in life, and is then rejected.

    Args:
        shape: The venue's.
        first_seq: The seq that the first command will have: orders are named by theirs.
        commands: How many, an even number.
        seed: The same seed gives the same bytes.
    """
    rng = np.random.default_rng(seed)
    fresh = commands // 2
    born = np.sort(rng.integers(0, commands * MOMENTS, fresh))
    amends = rng.integers(0, 100, fresh) < AMEND_PERCENT
    lived = rng.integers(1, MOMENTS * LIFE_COMMANDS, fresh)
    orders = _orders(shape, fresh, rng)
    later = np.zeros(fresh, layout.ORDER)
    for name in ("version", "time_ns", "account", "instrument"):
        later[name] = orders[name]
    later["kind"] = np.where(amends, CommandKind.AMEND_ORDER, CommandKind.CANCEL_ORDER)
    later["qty_lots"] = np.where(amends, 1, 0)
    moments = np.concatenate([born, born + lived])
    order = np.argsort(moments, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    later["target_id"] = first_seq + place[:fresh]
    flow: NDArray[Any] = np.concatenate([orders, later])[order]
    return flow.view(layout.COMMAND)


def _orders(shape: Shape, fresh: int, rng: np.random.Generator) -> NDArray[Any]:
    """ORDER: most rest within 50 ticks of the middle, the nearer the likelier; some cross it."""
    orders = np.zeros(fresh, layout.ORDER)
    orders["version"] = 1
    orders["kind"] = CommandKind.NEW_ORDER
    orders["time_ns"] = START_NS
    orders["account"] = rng.integers(CUSTOMER_FIRST, CUSTOMER_FIRST + shape.accounts, fresh)
    orders["instrument"] = rng.integers(0, shape.instruments, fresh)
    orders["side"] = rng.integers(0, 2, fresh)
    middle = MID_TICKS + np.cumsum(rng.integers(-1, 2, fresh)) // shape.instruments
    away = rng.integers(0, 1000, fresh) ** 2 // 20_000
    away[rng.integers(0, 100, fresh) < CROSS_PERCENT] -= 4
    orders["price_ticks"] = middle + np.where(orders["side"] == Side.BUY, -away, away)
    orders["qty_lots"] = rng.integers(2, 1000, fresh)
    ioc = rng.integers(0, 100, fresh) < IOC_PERCENT
    orders["time_in_force"] = np.where(ioc, TimeInForce.IOC, TimeInForce.GTC)
    return orders
