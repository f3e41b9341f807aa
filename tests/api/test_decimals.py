"""Decimal text and integers: exact both ways, against Python's own Decimal."""

import re
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.gate.decimals import LEGAL_DECIMAL, Fixed, power_of_ten, read_fixed, show_fixed

DIGITS = st.text("0123456789", min_size=1, max_size=20)
LEGAL = st.one_of(DIGITS, st.builds("{}.{}".format, DIGITS, DIGITS))


@given(LEGAL)
def test_legal_text_is_read_exactly(text):
    fixed = read_fixed(text)
    assert fixed is not None
    with localcontext(prec=60):
        assert Decimal(fixed.units).scaleb(-fixed.decimals) == Decimal(text)


@given(LEGAL)
def test_precision_ignores_trailing_zeros(text):
    fixed = read_fixed(text)
    assert fixed is not None
    assert fixed.decimals == len(text.partition(".")[2].rstrip("0"))


@given(st.text(max_size=48))
def test_exactly_the_named_range_is_legal(text):
    legal = re.match(LEGAL_DECIMAL, text, re.ASCII) is not None and not text.endswith("\n")
    assert (read_fixed(text) is not None) is legal


@pytest.mark.parametrize(
    "text",
    ["", ".", "1.", ".5", "-1", "+1", "1e5", "1E-5", "0x10", " 1", "1 ", "1,0", "1_000", "NaN",
     "Infinity", "\u0661", "\uff11", "1\n", "1.0\n", "1" * 21, "1." + "1" * 21, "1.2.3"],
)  # fmt: skip
def test_everything_else_is_not_a_number(text):
    assert read_fixed(text) is None


@given(LEGAL, st.integers(0, 24))
def test_a_unit_holds_a_number_exactly_or_not_at_all(text, decimals):
    fixed = read_fixed(text)
    assert fixed is not None
    units = fixed.at(decimals)
    if units is None:
        assert fixed.decimals > decimals
    else:
        with localcontext(prec=60):
            assert Decimal(units).scaleb(-decimals) == Decimal(text)


@given(st.integers(-(2**63), 2**63), st.integers(0, 20), st.integers(0, 20))
def test_shown_text_is_the_number(units, decimals, extra):
    text = show_fixed(units, decimals, decimals + extra)
    with localcontext(prec=60):
        assert Decimal(text) == Decimal(units).scaleb(-decimals)
    assert len(text.partition(".")[2]) == decimals + extra


@given(st.integers(0, 2**63), st.integers(0, 20))
def test_what_is_shown_is_read_back(units, decimals):
    fixed = read_fixed(show_fixed(units, decimals, decimals))
    assert fixed is not None
    assert fixed.at(decimals) == units


@pytest.mark.parametrize(
    ("units", "decimals", "places", "text"),
    [
        (0, 0, 0, "0"),
        (0, 8, 8, "0.00000000"),
        (-5, 2, 8, "-0.05000000"),
        (12345, 2, 2, "123.45"),
        (1, 8, 8, "0.00000001"),
        (7, 0, 3, "7.000"),
    ],
)
def test_text_has_the_places_asked_for(units, decimals, places, text):
    assert show_fixed(units, decimals, places) == text


def test_fewer_places_would_round_and_is_a_bug():
    with pytest.raises(AssertionError):
        show_fixed(1, 8, 7)


def test_a_unit_is_never_larger_than_one():
    with pytest.raises(AssertionError):
        Fixed(1, 0).at(-1)
    with pytest.raises(AssertionError):
        power_of_ten(-1)
