"""Many accounts with three positions and two wallets each, and then every mark moves.

Neighbours trade with each other, so that half of all positions are long and half are short. They
have dollars and one coin, and nothing else: two contracts settle in dollars, one in the coin.
Nobody falls: their leverage is small.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.flows.shape import (
    INDEX_TICKS,
    QUOTE,
    START_NS,
    Shape,
    accounts,
    listings,
    markets,
    product,
)
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records import layout
from ledger.records.build import command
from ledger.records.codes import RECORD_VERSION, CommandKind, Product, Side

INSTRUMENTS: Final = 6
"""Of which three are perpetuals: a linear one, an inverse one, and another linear one."""
POSITIONS: Final = 3
COIN: Final = 4
"""What the inverse one is settled in."""
MONEY_MINOR: Final = {QUOTE: 4_000_000, COIN: 40_000}
"""At the first index worth twice as much as the positions, the coin before its haircut."""
LOTS: Final = 5
STEP_NS: Final = 10**9


def contracts() -> list[int]:
    """The perpetuals."""
    return [n for n in range(INSTRUMENTS) if product(n) != Product.SPOT]


def set_up(count: int) -> Iterator[NDArray[Any]]:
    """COMMAND in parts: a venue with so many accounts, an even number, and their positions."""
    assert count % 2 == 0, "everybody has a neighbour"
    shape = Shape(count, INSTRUMENTS)
    yield listings(shape)
    yield accounts(shape)
    yield _deposits(count)
    yield markets(shape)
    for instrument in contracts():
        yield _trades(count, instrument)


def _everybody(count: int) -> NDArray[np.int64]:
    return np.arange(CUSTOMER_FIRST, CUSTOMER_FIRST + count)


def _deposits(count: int) -> NDArray[Any]:
    """The same two amounts for every account."""
    part = np.zeros(len(MONEY_MINOR) * count, layout.DEPOSIT)
    part["version"] = RECORD_VERSION
    part["kind"] = CommandKind.CREDIT_DEPOSIT
    part["account"] = np.tile(_everybody(count), len(MONEY_MINOR))
    part["asset"] = np.repeat([*MONEY_MINOR], count)
    part["amount_minor"] = np.repeat([*MONEY_MINOR.values()], count)
    part["deposit_index"] = np.arange(len(part)) + 1
    return part.view(layout.COMMAND)


def _trades(count: int, instrument: int) -> NDArray[Any]:
    """Each account trades with its neighbour."""
    part = np.zeros(count, layout.ORDER)
    part["version"] = RECORD_VERSION
    part["kind"] = CommandKind.NEW_ORDER
    part["account"] = _everybody(count)
    part["instrument"] = instrument
    part["side"][::2] = Side.SELL
    part["price_ticks"] = INDEX_TICKS
    part["qty_lots"] = LOTS
    part["time_ns"] = START_NS
    return part.view(layout.COMMAND)


def prices(step: int, price_ticks: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """COMMAND: every index has a new price, at the step's time; and the TICK that makes marks."""
    time_ns = START_NS + step * STEP_NS
    raw = [
        command(
            CommandKind.ORACLE_PRICE,
            oracle=instrument // 2,
            price_ticks=price_ticks,
            observed_ns=time_ns,
            time_ns=time_ns,
        )
        for instrument in contracts()
    ]
    tick = command(CommandKind.TICK, time_ns=time_ns)
    return np.frombuffer(b"".join(raw), layout.COMMAND), np.frombuffer(tick, layout.COMMAND)
