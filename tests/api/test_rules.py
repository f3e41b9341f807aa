"""The symbol's rules against Decimal: what passes is exact, what is refused breaks a rule."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.binance.rules import limit_price, lots, market_by_quote, notional
from api.gate.decimals import read_fixed
from api.gate.listing import Asset, Instrument
from api.gate.refusals import FilterFailed, PrecisionTooHigh
from matching.units import AMOUNT_MINOR_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX

BTC = Asset(0, "BTC", 8, bytes(20), 0, 0)
USDT = Asset(1, "USDT", 6, bytes(20), 0, 0)
INSTRUMENTS = st.builds(
    lambda price, qty, least, ticks, most: Instrument(
        instrument=0,
        symbol="BTCUSDT",
        base=BTC,
        quote=USDT,
        price_decimals=price,
        qty_decimals=qty,
        min_notional_minor=least,
        max_price_ticks=ticks,
        max_qty_lots=most,
        maker_fee_ppm=0,
        taker_fee_ppm=0,
        # One tick times one lot is 10^-(price + qty) quote, and a minor unit is 10^-6.
        notional_num=10 ** max(0, 6 - price - qty),
        notional_den=10 ** max(0, price + qty - 6),
    ),
    st.integers(0, 8),
    st.integers(0, 8),
    st.integers(0, 10**9),
    st.integers(1, PRICE_TICKS_MAX),
    st.integers(1, QTY_LOTS_MAX),
)
NUMBERS = st.one_of(
    st.decimals(min_value=0, max_value=10**9, places=8),
    st.decimals(min_value=0, max_value=10**4, places=2),
    st.decimals(min_value=0, max_value=10, places=12),
)


@pytest.fixture(autouse=True)
def exact_decimals():
    with localcontext(prec=80):
        yield


def fixed(number: Decimal):
    read = read_fixed(f"{number:f}")
    assert read is not None
    return read


@given(INSTRUMENTS, NUMBERS)
def test_a_price_is_exact_ticks_in_range_or_refused(instrument, price):
    tick = Decimal(1).scaleb(-instrument.price_decimals)
    exact = price / tick
    too_fine = price != price.quantize(Decimal(1).scaleb(-instrument.price_places))
    in_rules = exact == int(exact) and 1 <= exact <= instrument.max_price_ticks
    if too_fine:
        with pytest.raises(PrecisionTooHigh):
            limit_price(instrument, fixed(price))
    elif in_rules:
        assert limit_price(instrument, fixed(price)) == exact
    else:
        with pytest.raises(FilterFailed) as refused:
            limit_price(instrument, fixed(price))
        assert refused.value.filter_name == "PRICE_FILTER"


@given(INSTRUMENTS, NUMBERS)
def test_a_quantity_is_exact_lots_in_range_or_refused(instrument, qty):
    exact = qty.scaleb(instrument.qty_decimals)
    too_fine = qty != qty.quantize(Decimal(1).scaleb(-instrument.qty_places))
    in_rules = exact == int(exact) and 1 <= exact <= instrument.max_qty_lots
    if too_fine:
        with pytest.raises(PrecisionTooHigh) as fine:
            lots(instrument, "newQty", fixed(qty))
        assert fine.value.parameter == "newQty"
    elif in_rules:
        assert lots(instrument, "quantity", fixed(qty)) == exact
    else:
        with pytest.raises(FilterFailed) as refused:
            lots(instrument, "quantity", fixed(qty), "MARKET_LOT_SIZE")
        assert refused.value.filter_name == "MARKET_LOT_SIZE"


@given(INSTRUMENTS, st.integers(1, PRICE_TICKS_MAX), st.integers(1, QTY_LOTS_MAX))
def test_what_an_order_is_worth_is_compared_without_rounding(instrument, price_ticks, qty_lots):
    price = Decimal(price_ticks).scaleb(-instrument.price_decimals)
    qty = Decimal(qty_lots).scaleb(-instrument.qty_decimals)
    worth_minor = (price * qty).scaleb(6)
    if instrument.min_notional_minor <= worth_minor <= AMOUNT_MINOR_MAX:
        notional(instrument, price_ticks, qty_lots)
    else:
        with pytest.raises(FilterFailed) as refused:
            notional(instrument, price_ticks, qty_lots)
        assert refused.value.filter_name == "NOTIONAL"


@given(INSTRUMENTS, NUMBERS)
def test_a_quote_amount_is_exact_minor_units_in_range_or_refused(instrument, amount):
    exact = amount.scaleb(6)
    if exact != int(exact):
        with pytest.raises(PrecisionTooHigh):
            market_by_quote(instrument, fixed(amount))
    elif exact >= max(1, instrument.min_notional_minor):
        assert market_by_quote(instrument, fixed(amount)) == exact
    else:
        with pytest.raises(FilterFailed):
            market_by_quote(instrument, fixed(amount))


@given(INSTRUMENTS, st.integers(1, PRICE_TICKS_MAX), st.integers(1, QTY_LOTS_MAX))
def test_what_the_venue_shows_it_also_takes(instrument, price_ticks, qty_lots):
    assume(price_ticks <= instrument.max_price_ticks)
    assume(qty_lots <= instrument.max_qty_lots)
    price = read_fixed(instrument.show_price(price_ticks))
    qty = read_fixed(instrument.show_qty(qty_lots))
    assert price is not None
    assert qty is not None
    assert limit_price(instrument, price) == price_ticks
    assert lots(instrument, "quantity", qty) == qty_lots
