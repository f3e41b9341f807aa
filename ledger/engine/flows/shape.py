"""A venue to measure: how many accounts and instruments, and the commands that set it up.

What an instrument is stands in `terms` alone: streams of orders know only how many there are. So a
product that the engine learns to trade is one more answer there, and no stream changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.engine import Engine
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records import layout
from ledger.records.build import address_fields, command
from ledger.records.codes import CommandKind

QUOTE: Final = 0
"""The asset in which every instrument is priced; instrument i trades asset i + 1 for it."""
SUPPLY_MINOR: Final = 2**61
LOT_MINOR: Final = 100
DEPOSITS_PART: Final = 1 << 18
"""Deposits that are built at a time, so that a million accounts cost no memory of their own."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the venue is."""

    accounts: int
    instruments: int

    @property
    def assets(self) -> int:
        """One more than instruments: each has its own base and all share a quote."""
        return self.instruments + 1


def terms(instrument: int) -> bytes:
    """The listing of one instrument, with a maker's rebate and a taker's fee."""
    return command(
        CommandKind.LIST_INSTRUMENT,
        instrument=instrument,
        base=instrument + 1,
        quote=QUOTE,
        lot_minor=LOT_MINOR,
        notional_num=1,
        notional_den=10,
        max_price_ticks=10**7,
        max_qty_lots=10**9,
        maker_fee_ppm=-100,
        taker_fee_ppm=500,
        symbol=b"PAIR",
    )


def listings(shape: Shape) -> NDArray[Any]:
    """COMMAND: every asset, then every instrument."""
    raw = [
        command(
            CommandKind.LIST_ASSET,
            asset=asset,
            supply_max_minor=SUPPLY_MINOR,
            symbol=b"ASSET",
            **address_fields("token", bytes([asset + 1]) * 20),
        )
        for asset in range(shape.assets)
    ]
    raw += [terms(instrument) for instrument in range(shape.instruments)]
    return np.frombuffer(b"".join(raw), layout.COMMAND)


def accounts(shape: Shape) -> NDArray[Any]:
    """COMMAND: an opening for every account, in order of number."""
    opened = np.zeros(shape.accounts, layout.ACCOUNT)
    opened["version"] = 1
    opened["kind"] = CommandKind.OPEN_ACCOUNT
    opened["account"] = np.arange(CUSTOMER_FIRST, CUSTOMER_FIRST + shape.accounts)
    return opened.view(layout.COMMAND)


def deposits(shape: Shape) -> Iterator[NDArray[Any]]:
    """COMMAND in parts: an equal share of half of every asset for every account."""
    share_minor = SUPPLY_MINOR // shape.accounts // 2
    total = shape.accounts * shape.assets
    for first in range(0, total, DEPOSITS_PART):
        number = np.arange(first, min(first + DEPOSITS_PART, total))
        part = np.zeros(len(number), layout.DEPOSIT)
        part["version"] = 1
        part["kind"] = CommandKind.CREDIT_DEPOSIT
        part["account"] = CUSTOMER_FIRST + number // shape.assets
        part["asset"] = number % shape.assets
        part["deposit_index"] = number + 1
        part["amount_minor"] = share_minor
        yield part.view(layout.COMMAND)


def set_up(shape: Shape) -> Iterator[NDArray[Any]]:
    """COMMAND in parts: all that a venue of this shape needs before its first order."""
    yield listings(shape)
    yield accounts(shape)
    yield from deposits(shape)


def prepared(shape: Shape) -> Engine:
    """An engine with accounts, assets, instruments and money."""
    engine = Engine()
    for commands in set_up(shape):
        outcomes = engine.execute(commands).outcomes
        assert not outcomes["reject"].any(), "the set-up is well-formed"
    return engine
