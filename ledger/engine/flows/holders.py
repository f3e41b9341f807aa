"""Many accounts with three positions each, and then every mark moves: what a busy venue's TICK is.

Neighbours trade with each other, so that half of all positions are long and half are short. The
moves are small: nobody falls, and everybody is judged.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.flows.shape import INDEX_TICKS, START_NS, Shape, product
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records import layout
from ledger.records.build import command
from ledger.records.codes import RECORD_VERSION, CommandKind, Product, Side

POSITIONS: Final = 3
INSTRUMENTS: Final = 8
"""Of which four are perpetuals, two linear and two inverse."""
LOTS: Final = 5
STEP_NS: Final = 10**9
STEP_TICKS: Final = 50


def contracts(shape: Shape) -> list[int]:
    """The shape's perpetuals."""
    return [n for n in range(shape.instruments) if product(n) != Product.SPOT]


def positions(shape: Shape) -> Iterator[NDArray[Any]]:
    """COMMAND in parts: each account trades with its neighbour, in each of `POSITIONS` perpetuals.

    The shape's accounts are even in number.
    """
    assert shape.accounts % 2 == 0, "everybody has a neighbour"
    for instrument in contracts(shape)[:POSITIONS]:
        part = np.zeros(shape.accounts, layout.ORDER)
        part["version"] = RECORD_VERSION
        part["kind"] = CommandKind.NEW_ORDER
        part["account"] = np.arange(CUSTOMER_FIRST, CUSTOMER_FIRST + shape.accounts)
        part["instrument"] = instrument
        part["side"][::2] = Side.SELL
        part["price_ticks"] = INDEX_TICKS
        part["qty_lots"] = LOTS
        part["time_ns"] = START_NS
        yield part.view(layout.COMMAND)


def prices(shape: Shape, step: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """COMMAND: new prices of every index, up and down in turn; and the TICK that makes marks."""
    time_ns = START_NS + (step + 1) * STEP_NS
    price_ticks = INDEX_TICKS + (STEP_TICKS if step % 2 else -STEP_TICKS)
    raw = [
        command(
            CommandKind.ORACLE_PRICE,
            oracle=instrument // 2,
            price_ticks=price_ticks,
            observed_ns=time_ns,
            time_ns=time_ns,
        )
        for instrument in contracts(shape)
    ]
    tick = command(CommandKind.TICK, time_ns=time_ns)
    return np.frombuffer(b"".join(raw), layout.COMMAND), np.frombuffer(tick, layout.COMMAND)
