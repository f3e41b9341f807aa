"""Ten thousand liquidations in one mark move: longs at the highest leverage, over a deep book.

Everybody is long one contract against one maker; the maker also rests the bids that take the
liquidated lots. The last price report and TICK are what is measured.
"""

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
)
from ledger.engine.flows.storms import Storm
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records import layout
from ledger.records.build import command
from ledger.records.codes import CommandKind, Side

CONTRACT: Final = 1
"""The linear perpetual of `Shape`."""
LOTS: Final = 10
"""A position: 100,000 units at the index."""
MARGIN_MINOR: Final = 2_500
MAKER_MINOR: Final = 2**60
LEVERAGE: Final = 50
FALLEN_TICKS: Final = INDEX_TICKS * 978 // 1000
"""2.2 % down: less margin is left than maintenance wants, and more than nothing."""
BID_TICKS: Final = FALLEN_TICKS - 50
FALL_NS: Final = START_NS + 10**9


def cascade(longs: int) -> Storm:
    """What makes `longs` accounts fall at once, and the fall."""
    shape = Shape(accounts=longs + 1, instruments=2)
    maker = CUSTOMER_FIRST + longs
    before = [
        listings(shape),
        accounts(shape),
        _deposits(longs, maker),
        markets(shape),
        _leverages(longs),
        _orders(longs, account=maker, side=Side.SELL, price_ticks=INDEX_TICKS),
        _orders(longs, account=0, side=Side.BUY, price_ticks=INDEX_TICKS),
        _orders(longs, account=maker, side=Side.BUY, price_ticks=BID_TICKS),
    ]
    return Storm(np.concatenate([part.view(layout.COMMAND) for part in before]), _fall())


def _deposits(longs: int, maker: int) -> NDArray[Any]:
    rows = np.zeros(longs + 1, layout.DEPOSIT)
    rows["version"] = 1
    rows["kind"] = CommandKind.CREDIT_DEPOSIT
    rows["account"] = CUSTOMER_FIRST + np.arange(longs + 1)
    rows["asset"] = QUOTE
    rows["deposit_index"] = 1 + np.arange(longs + 1)
    rows["amount_minor"] = np.where(rows["account"] == maker, MAKER_MINOR, MARGIN_MINOR)
    return rows


def _leverages(longs: int) -> NDArray[Any]:
    rows = np.zeros(longs, layout.LEVERAGE)
    rows["version"] = 1
    rows["kind"] = CommandKind.SET_LEVERAGE
    rows["time_ns"] = START_NS
    rows["account"] = CUSTOMER_FIRST + np.arange(longs)
    rows["instrument"] = CONTRACT
    rows["leverage"] = LEVERAGE
    return rows


def _orders(longs: int, account: int, side: Side, price_ticks: int) -> NDArray[Any]:
    """One order for each position; of every long by itself when `account` is 0."""
    rows = np.zeros(longs, layout.ORDER)
    rows["version"] = 1
    rows["kind"] = CommandKind.NEW_ORDER
    rows["time_ns"] = START_NS
    rows["account"] = account or CUSTOMER_FIRST + np.arange(longs)
    rows["instrument"] = CONTRACT
    rows["side"] = side
    rows["price_ticks"] = price_ticks
    rows["qty_lots"] = LOTS
    return rows


def _fall() -> NDArray[Any]:
    price = command(
        CommandKind.ORACLE_PRICE,
        oracle=CONTRACT // 2,
        price_ticks=FALLEN_TICKS,
        observed_ns=FALL_NS,
        time_ns=FALL_NS,
    )
    tick = command(CommandKind.TICK, time_ns=FALL_NS)
    return np.frombuffer(price + tick, layout.COMMAND)
