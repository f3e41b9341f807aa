"""A venue to measure: how many accounts and instruments, and the commands that set it up.

Every second instrument is a perpetual, linear and inverse in turn. What an instrument is stands
here alone: streams of orders know only how many there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.engine import Engine
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.margin_layout import NO_ORACLE
from ledger.records import layout
from ledger.records.build import address_fields, command
from ledger.records.codes import CommandKind, Product

QUOTE: Final = 0
"""The asset in which every instrument is priced; instrument i trades asset i + 1 for it."""
SUPPLY_MINOR: Final = 2**61
LOT_MINOR: Final = 100
INVERSE_NUM: Final = 10**9
"""Coin units of one inverse lot at one tick: at the index a lot is worth some 10,000 units."""
INDEX_TICKS: Final = 100_000
START_NS: Final = 1
"""The time of every command of a flow."""
STALE_NS: Final = 3_600 * 10**9
BRACKETS: Final = ((0, 5_000, 10_000), (10**12, 10_000, 20_000), (10**14, 25_000, 50_000))
"""(notional floor, maintenance ppm, initial ppm)."""
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


def product(instrument: int) -> Product:
    """Spot, linear, spot, inverse, and again."""
    return (Product.SPOT, Product.LINEAR, Product.SPOT, Product.INVERSE)[instrument % 4]


def terms(instrument: int) -> bytes:
    """The listing of one instrument, with a maker's rebate and a taker's fee."""
    scale = {"notional_num": 1, "notional_den": 10}
    if product(instrument) == Product.INVERSE:
        scale = {"notional_num": INVERSE_NUM, "notional_den": 1}
    return command(
        CommandKind.LIST_INSTRUMENT,
        instrument=instrument,
        product=product(instrument),
        base=instrument + 1,
        quote=QUOTE,
        lot_minor=LOT_MINOR,
        max_price_ticks=10**7,
        max_qty_lots=10**9 if product(instrument) == Product.SPOT else 10**7,
        maker_fee_ppm=-100,
        taker_fee_ppm=500,
        symbol=b"PAIR",
        **scale,
    )


def _rules(instrument: int) -> Iterator[bytes]:
    """What a perpetual needs besides its listing: an index, brackets, funding and volatility."""
    yield command(
        CommandKind.SET_ORACLE,
        oracle=instrument // 2,
        sources=1,
        minimum=1,
        stale_ns=STALE_NS,
        outlier_ppm=100_000,
    )
    yield command(
        CommandKind.SET_PERPETUAL,
        instrument=instrument,
        oracle=instrument // 2,
        interval_s=28_800,
        leverage_max=50,
        alpha_ppm=100_000,
        interest_ppb=100_000,
        damper_ppb=500_000,
        cap_ppb=7_500_000,
        impact_minor=1_000_000,
        calm_ppb=10_000_000,
        rise_ppm=300_000,
        decay_ppm=20_000,
        cap_ppm=2_000_000,
    )
    for row, (floor, maintenance, initial) in enumerate(BRACKETS):
        yield command(
            CommandKind.SET_TIER,
            instrument=instrument,
            row=row,
            floor_minor=floor,
            maintenance_ppm=maintenance,
            initial_ppm=initial,
        )
    if product(instrument) == Product.INVERSE:
        yield collateral(instrument + 1, instrument // 2)


def collateral(asset: int, oracle: int) -> bytes:
    """What an asset is worth; the quote is worth itself."""
    fixed = oracle == NO_ORACLE
    return command(
        CommandKind.SET_COLLATERAL,
        asset=asset,
        oracle=oracle,
        index_ticks=1 if fixed else 0,
        num=1,
        den=1 if fixed else 10 * LOT_MINOR,
        haircut_ppm=0 if fixed else 50_000,
        debt_ppm=50_000,
    )


def markets(shape: Shape) -> NDArray[Any]:
    """COMMAND: margin's rules for every perpetual, then prices, and a TICK that makes the marks."""
    contracts = [n for n in range(shape.instruments) if product(n) != Product.SPOT]
    raw = [collateral(QUOTE, NO_ORACLE)] if contracts else []
    for instrument in contracts:
        raw += _rules(instrument)
    raw += [
        command(
            CommandKind.ORACLE_PRICE,
            oracle=instrument // 2,
            price_ticks=INDEX_TICKS,
            observed_ns=START_NS,
            time_ns=START_NS,
        )
        for instrument in contracts
    ]
    raw.append(command(CommandKind.TICK, time_ns=START_NS))
    return np.frombuffer(b"".join(raw), layout.COMMAND)


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
    yield markets(shape)


def prepared(shape: Shape) -> Engine:
    """An engine with accounts, assets, instruments and money."""
    engine = Engine()
    for commands in set_up(shape):
        outcomes = engine.execute(commands).outcomes
        assert not outcomes["reject"].any(), "the set-up is well-formed"
    return engine
