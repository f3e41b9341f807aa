"""A symbol's rules at the gate: decimals become ticks, lots and minor units, or are refused.

Too fine for the asset is -1111; too fine for the symbol, too small or too large is the filter's
-1013. The engine checks its own ranges again; these numbers come from the same listing.
"""

from typing import Final

from api.gate.decimals import Fixed
from api.gate.listing import Instrument
from api.gate.refusals import FilterFailed, PrecisionTooHigh
from matching.units import AMOUNT_MINOR_MAX

ICEBERG_PARTS_MAX: Final = 100
"""The engine's own bound (docs/spec/engine.md, 5.2)."""


def limit_price(instrument: Instrument, price: Fixed, parameter: str = "price") -> int:
    """The price in ticks.

    Raises:
        PrecisionTooHigh, FilterFailed: PRICE_FILTER.
    """
    if price.decimals > instrument.price_places:
        raise PrecisionTooHigh(parameter)
    price_ticks = price.at(instrument.price_decimals)
    if price_ticks is None or not 1 <= price_ticks <= instrument.max_price_ticks:
        raise FilterFailed("PRICE_FILTER")
    return price_ticks


def lots(instrument: Instrument, parameter: str, qty: Fixed, filter_name: str = "LOT_SIZE") -> int:
    """The quantity in lots.

    Raises:
        PrecisionTooHigh, FilterFailed: LOT_SIZE or MARKET_LOT_SIZE.
    """
    if qty.decimals > instrument.qty_places:
        raise PrecisionTooHigh(parameter)
    qty_lots = qty.at(instrument.qty_decimals)
    if qty_lots is None or not 1 <= qty_lots <= instrument.max_qty_lots:
        raise FilterFailed(filter_name)
    return qty_lots


def iceberg(instrument: Instrument, parameter: str, shown: Fixed, qty_lots: int) -> int:
    """What an iceberg of `qty_lots` shows, in lots.

    Raises:
        PrecisionTooHigh, FilterFailed: LOT_SIZE, or ICEBERG_PARTS for too many slices.
    """
    display_lots = lots(instrument, parameter, shown)
    if display_lots > qty_lots or -(-qty_lots // display_lots) > ICEBERG_PARTS_MAX:
        raise FilterFailed("ICEBERG_PARTS")
    return display_lots


def notional(instrument: Instrument, price_ticks: int, qty_lots: int) -> None:
    """Check what the order is worth, exactly: compared by multiplying out, so nothing rounds.

    Raises:
        FilterFailed: NOTIONAL.
    """
    value = price_ticks * qty_lots * instrument.notional_num
    least = instrument.min_notional_minor * instrument.notional_den
    most = AMOUNT_MINOR_MAX * instrument.notional_den
    if not least <= value <= most:
        raise FilterFailed("NOTIONAL")


def market_by_quote(instrument: Instrument, amount: Fixed) -> int:
    """The quote amount of a market order, in minor units.

    Raises:
        PrecisionTooHigh, FilterFailed: NOTIONAL.
    """
    quote_minor = amount.at(instrument.quote.ledger_decimals)
    if quote_minor is None:
        raise PrecisionTooHigh("quoteOrderQty")
    if not max(1, instrument.min_notional_minor) <= quote_minor <= AMOUNT_MINOR_MAX:
        raise FilterFailed("NOTIONAL")
    return quote_minor
