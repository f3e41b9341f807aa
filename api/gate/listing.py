"""What is listed: assets and instruments by symbol, with the units that the gate translates by."""

from dataclasses import dataclass
from typing import Protocol

from api.gate.decimals import show_fixed
from ledger.records.codes import Product

_SHOWN_PLACES = 8
"""The dialect writes eight decimals; a finer unit is written in full."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset. Amounts are in ledger units of 10^-ledger_decimals."""

    asset: int
    symbol: str
    ledger_decimals: int
    token: bytes
    withdrawal_min_minor: int
    withdrawal_fee_minor: int

    @property
    def places(self) -> int:
        """Decimals that amounts are shown with."""
        return max(_SHOWN_PLACES, self.ledger_decimals)

    def show(self, amount_minor: int) -> str:
        """The amount as the dialect writes it."""
        return show_fixed(amount_minor, self.ledger_decimals, self.places)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument. A tick is 10^-price_decimals of quote a base; a lot 10^-qty_decimals base."""

    instrument: int
    symbol: str
    base: Asset
    quote: Asset
    price_decimals: int
    qty_decimals: int
    min_notional_minor: int
    max_price_ticks: int
    max_qty_lots: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    notional_num: int
    notional_den: int
    product: Product = Product.SPOT

    @property
    def settle(self) -> Asset:
        """The asset in which profit, fees and size of a perpetual are; a pair's quote."""
        return self.base if self.product is Product.INVERSE else self.quote

    @property
    def price_places(self) -> int:
        """Decimals that prices are shown with."""
        return max(self.quote.places, self.price_decimals)

    @property
    def qty_places(self) -> int:
        """Decimals that quantities are shown with."""
        return max(self.base.places, self.qty_decimals)

    def show_price(self, price_ticks: int) -> str:
        """The price as the dialect writes it."""
        return show_fixed(price_ticks, self.price_decimals, self.price_places)

    def show_qty(self, qty_lots: int) -> str:
        """The quantity as the dialect writes it."""
        return show_fixed(qty_lots, self.qty_decimals, self.qty_places)


class AssetRow(Protocol):
    """An asset as the engine lists it."""

    @property
    def symbol(self) -> bytes: ...
    @property
    def token(self) -> bytes: ...
    @property
    def ledger_decimals(self) -> int: ...
    @property
    def withdrawal_min_minor(self) -> int: ...
    @property
    def withdrawal_fee_minor(self) -> int: ...


class InstrumentRow(Protocol):
    """An instrument as the engine lists it."""

    @property
    def symbol(self) -> bytes: ...
    @property
    def base(self) -> int: ...
    @property
    def quote(self) -> int: ...
    @property
    def price_decimals(self) -> int: ...
    @property
    def qty_decimals(self) -> int: ...
    @property
    def notional_num(self) -> int: ...
    @property
    def notional_den(self) -> int: ...
    @property
    def min_notional_minor(self) -> int: ...
    @property
    def max_price_ticks(self) -> int: ...
    @property
    def max_qty_lots(self) -> int: ...
    @property
    def maker_fee_ppm(self) -> int: ...
    @property
    def taker_fee_ppm(self) -> int: ...


class ReadsListings(Protocol):
    """The engine's listing tables: rows are numbered from 0, without gaps, and never leave.

    A row changes by a command only, which moves `seq`.
    """

    @property
    def seq(self) -> int: ...
    @property
    def asset_count(self) -> int: ...
    @property
    def instrument_count(self) -> int: ...
    def asset(self, asset: int) -> AssetRow | None: ...
    def instrument(self, instrument: int) -> InstrumentRow | None: ...


class ReadsProducts(Protocol):
    """What the read model knows of an instrument. It is as far as the engine between batches."""

    def product(self, instrument: int) -> Product: ...


class Listing:
    """Assets and instruments by id and by symbol; follows the engine's tables.

    Rows are added, and limits and fees change: what was read is kept until the next command.
    """

    def __init__(self, reads: ReadsListings, products: ReadsProducts) -> None:
        """Over the engine's tables, and what the read model knows of an instrument's product."""
        self._reads = reads
        self._products = products
        self._seq = -1
        self._assets: dict[int, Asset] = {}
        self._instruments: dict[int, Instrument] = {}
        self._asset_by_symbol: dict[str, int] = {}
        self._instrument_by_symbol: dict[str, int] = {}

    def assets(self) -> list[Asset]:
        """All assets, in the order of their ids."""
        return [self.asset(asset) for asset in range(self._reads.asset_count)]

    def instruments(self) -> list[Instrument]:
        """All instruments, in the order of their ids."""
        return [self.instrument(number) for number in range(self._reads.instrument_count)]

    def pairs(self) -> list[Instrument]:
        """The spot pairs, in the order of their ids."""
        return [each for each in self.instruments() if each.product is Product.SPOT]

    def asset(self, asset: int) -> Asset:
        """The asset with this id, which exists."""
        self._follow()
        found = self._assets.get(asset)
        if found is None:
            found = self._assets[asset] = _asset(asset, self._reads.asset(asset))
        return found

    def instrument(self, instrument: int) -> Instrument:
        """The instrument with this id, which exists."""
        self._follow()
        found = self._instruments.get(instrument)
        if found is None:
            row = self._reads.instrument(instrument)
            assert row is not None, "below the count every row is there"
            pair = self.asset(row.base), self.asset(row.quote)
            found = _instrument(row, pair, instrument, self._products.product(instrument))
            self._instruments[instrument] = found
        return found

    def asset_named(self, symbol: str) -> Asset | None:
        """The asset with this symbol."""
        known = self._asset_by_symbol
        for asset in range(len(known), self._reads.asset_count):
            known[self.asset(asset).symbol] = asset
        return self.asset(known[symbol]) if symbol in known else None

    def instrument_named(self, symbol: str) -> Instrument | None:
        """The instrument with this symbol."""
        known = self._instrument_by_symbol
        for number in range(len(known), self._reads.instrument_count):
            known[self.instrument(number).symbol] = number
        return self.instrument(known[symbol]) if symbol in known else None

    def _follow(self) -> None:
        """Forget what was read before the last command."""
        if self._seq != self._reads.seq:
            self._seq = self._reads.seq
            self._assets.clear()
            self._instruments.clear()


def _asset(index: int, row: AssetRow | None) -> Asset:
    assert row is not None, "below the count every row is there"
    return Asset(
        asset=index,
        symbol=row.symbol.decode("ascii"),
        ledger_decimals=row.ledger_decimals,
        token=row.token,
        withdrawal_min_minor=row.withdrawal_min_minor,
        withdrawal_fee_minor=row.withdrawal_fee_minor,
    )


def _instrument(
    row: InstrumentRow, pair: tuple[Asset, Asset], index: int, product: Product
) -> Instrument:
    return Instrument(
        instrument=index,
        symbol=row.symbol.decode("ascii"),
        base=pair[0],
        quote=pair[1],
        price_decimals=row.price_decimals,
        qty_decimals=row.qty_decimals,
        min_notional_minor=row.min_notional_minor,
        max_price_ticks=row.max_price_ticks,
        max_qty_lots=row.max_qty_lots,
        maker_fee_ppm=row.maker_fee_ppm,
        taker_fee_ppm=row.taker_fee_ppm,
        notional_num=row.notional_num,
        notional_den=row.notional_den,
        product=product,
    )
