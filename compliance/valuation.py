"""What an amount is worth in a rule's currency, in integers. Prices enter as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


def div_ceil(dividend: int, divisor: int) -> int:
    """Integer division that rounds up: the rule gains, the withdrawal never looks smaller."""
    assert dividend >= 0, "amounts are not negative"
    assert divisor > 0, "a price's denominator is positive"
    return -(-dividend // divisor)


@dataclass(frozen=True, slots=True)
class Price:
    """One ledger unit of an asset is worth num / den minor units of a currency.

    Attributes:
        num, den: Positive integers.
        decimals: Of the currency's minor unit.
        source: Where the price comes from, for the decision's record.
    """

    num: int
    den: int
    decimals: int
    source: str


@dataclass(frozen=True, slots=True)
class Valuation:
    """A value in the currency's minor units, rounded up, and its source."""

    value_minor: int
    source: str


class Values(Protocol):
    """Anything that knows prices: a table, or later the venue's certified marks."""

    def value(
        self, asset: str, amount_minor: int, currency: str, decimals: int
    ) -> Valuation | None:
        """The amount's value; None when there is no price, which is the strict side's to judge."""
        ...


class PriceTable:
    """Prices that were given: (asset symbol, currency) to price."""

    __slots__ = ("_prices",)

    def __init__(self, prices: Mapping[tuple[str, str], Price]) -> None:
        self._prices = dict(prices)

    def value(
        self, asset: str, amount_minor: int, currency: str, decimals: int
    ) -> Valuation | None:
        """See `Values.value`."""
        price = self._prices.get((asset, currency))
        if price is None or price.decimals != decimals:
            return None
        return Valuation(div_ceil(amount_minor * price.num, price.den), price.source)


def price_of_units(
    quote_per_unit_minor: int, asset_decimals: int, decimals: int, source: str
) -> Price:
    """The price of 1.0 of an asset given in a currency's minor units.

    Example: 1 BTC (8 decimals) at 60,000.00 EUR (2 decimals): `price_of_units(6_000_000, 8, 2, …)`.
    """
    assert quote_per_unit_minor > 0, "a price is positive"
    return Price(quote_per_unit_minor, 10**asset_decimals, decimals, source)
