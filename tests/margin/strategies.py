"""Hypothesis strategies for margin: small and extreme values, inside the listing's bounds."""

from fractions import Fraction

from hypothesis import strategies as st

from ledger.margin.contracts import exposure_fits
from ledger.margin.limits import (
    COST_MAX,
    DEN_MAX,
    EXPOSURE_MINOR_MAX,
    INVERSE,
    INVERSE_NUM_MAX,
    LINEAR,
    MULTIPLIER_PPM_MAX,
    NUM_MAX,
)
from matching.units import PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.margin.oracle import Asset, Contract, Position

MARGIN_PARTS = 16
"""An account's positions share the exposure: each uses at most one part."""


def sizes(high: int, low: int = 1) -> st.SearchStrategy[int]:
    """low..high, with every order of magnitude as likely as every other, and both ends common."""
    spread = st.integers(0, high.bit_length()).flatmap(lambda power: st.integers(0, 2**power))
    ends = st.sampled_from([low, high])
    return (spread | ends).map(lambda value: max(low, min(value, high)))


@st.composite
def brackets(draw) -> list[tuple[int, int, int]]:
    """1..5 sound brackets."""
    count = draw(st.integers(1, 5))
    floors = draw(
        st.lists(sizes(EXPOSURE_MINOR_MAX), min_size=count - 1, max_size=count - 1, unique=True)
    )
    rates = sorted(draw(st.lists(sizes(PPM), min_size=2 * count, max_size=2 * count)))
    lows, highs = rates[0::2], rates[1::2]
    return [*zip([0, *sorted(floors)], lows, highs, strict=True)]


@st.composite
def contracts(draw, settle: int = 0, max_ticks: int | None = None) -> Contract:
    inverse = draw(st.booleans())
    top = max_ticks or draw(sizes(PRICE_TICKS_MAX, 2))
    if inverse:
        num, den = draw(sizes(INVERSE_NUM_MAX)), 1
    else:
        den = draw(st.sampled_from([1, 10, 1000]) | sizes(DEN_MAX))
        num = draw(sizes(NUM_MAX))
    return Contract(
        inverse=inverse,
        num=num,
        den=den,
        mark=draw(sizes(top)),
        brackets=draw(brackets()),
        multiplier_ppm=draw(st.just(PPM) | sizes(MULTIPLIER_PPM_MAX, PPM)),
        settle=settle,
        max_ticks=top,
    )


def most_lots(contract: Contract, parts: int = MARGIN_PARTS) -> int:
    """The largest position that leaves room for parts - 1 like it; 0 when one lot is too big."""
    if contract.inverse:
        lots = EXPOSURE_MINOR_MAX // parts // contract.num
    else:
        by_value = EXPOSURE_MINOR_MAX // parts * contract.den // (contract.max_ticks * contract.num)
        lots = min(by_value, COST_MAX // parts // contract.max_ticks)
    lots = min(lots, QTY_LOTS_MAX)
    kind = INVERSE if contract.inverse else LINEAR
    assert lots == 0 or exposure_fits(kind, lots, contract.max_ticks, contract.num, contract.den)
    return lots


@st.composite
def lots_of(draw, contract: Contract, parts: int = MARGIN_PARTS) -> int:
    """Signed, not zero."""
    return draw(sizes(most_lots(contract, parts))) * draw(st.sampled_from([1, -1]))


def cost_at(contract: Contract, lots: int, price: int) -> int:
    """What opening a position at one price costs."""
    if contract.inverse:
        return -((lots * contract.num) // price)
    return lots * price


@st.composite
def positions(draw, instrument: int, contract: Contract, *, isolated: bool = True) -> Position:
    lots = draw(lots_of(contract))
    entry = draw(sizes(contract.max_ticks) | st.just(contract.mark))
    modes = st.none() | sizes(2**50, 0) if isolated else st.none()
    return Position(instrument, lots, cost_at(contract, lots, entry), draw(modes))


@st.composite
def assets(draw) -> Asset:
    numerator = draw(st.just(1) | sizes(NUM_MAX))
    denominator = draw(st.sampled_from([1, 100, 10**8]) | sizes(DEN_MAX))
    return Asset(
        Fraction(numerator, denominator),
        draw(st.sampled_from([0, 50_000]) | st.integers(0, PPM)),
        draw(st.integers(0, PPM)),
    )
