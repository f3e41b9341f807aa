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
    """The engine's listing tables: rows are numbered from 0, without gaps, and never leave."""

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
    """Assets and instruments by id and by symbol; follows the engine's tables as they grow."""

    def __init__(self, reads: ReadsListings, products: ReadsProducts) -> None:
        """Over the engine's tables, and what the read model knows of an instrument's product."""
        self._reads = reads
        self._products = products
        self._assets: list[Asset] = []
        self._instruments: list[Instrument] = []
        self._asset_by_symbol: dict[str, Asset] = {}
        self._instrument_by_symbol: dict[str, Instrument] = {}

    def assets(self) -> list[Asset]:
        """All assets, in the order of their ids."""
        for index in range(len(self._assets), self._reads.asset_count):
            asset = _asset(index, self._reads.asset(index))
            self._assets.append(asset)
            self._asset_by_symbol[asset.symbol] = asset
        return self._assets

    def instruments(self) -> list[Instrument]:
        """All instruments, in the order of their ids."""
        for index in range(len(self._instruments), self._reads.instrument_count):
            product = self._products.product(index)
            instrument = _instrument(self._reads.instrument(index), self.assets(), index, product)
            self._instruments.append(instrument)
            self._instrument_by_symbol[instrument.symbol] = instrument
        return self._instruments

    def pairs(self) -> list[Instrument]:
        """The spot pairs, in the order of their ids."""
        return [each for each in self.instruments() if each.product is Product.SPOT]

    def asset(self, asset: int) -> Asset:
        """The asset with this id, which exists."""
        return self.assets()[asset]

    def instrument(self, instrument: int) -> Instrument:
        """The instrument with this id, which exists."""
        return self.instruments()[instrument]

    def asset_named(self, symbol: str) -> Asset | None:
        """The asset with this symbol."""
        self.assets()
        return self._asset_by_symbol.get(symbol)

    def instrument_named(self, symbol: str) -> Instrument | None:
        """The instrument with this symbol."""
        self.instruments()
        return self._instrument_by_symbol.get(symbol)


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
    row: InstrumentRow | None, assets: list[Asset], index: int, product: Product
) -> Instrument:
    assert row is not None, "below the count every row is there"
    return Instrument(
        instrument=index,
        symbol=row.symbol.decode("ascii"),
        base=assets[row.base],
        quote=assets[row.quote],
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
