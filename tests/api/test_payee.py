"""Addresses: ERC-55's published examples, and nothing that only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.gate.payee import read_payee, show_payee
from api.gate.refusals import PayeeMalformed

# ERC-55, "Test Cases".
PUBLISHED = (
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)


@pytest.mark.parametrize("text", PUBLISHED)
def test_published_checksums_are_read_and_written(text):
    assert show_payee(read_payee(text)) == text


@given(st.binary(min_size=20, max_size=20).filter(any))
def test_what_is_written_is_read_back(address):
    assert read_payee(show_payee(address)) == address
    assert read_payee("0x" + address.hex()) == address
    assert read_payee("0x" + address.hex().upper()) == address


@given(st.sampled_from(PUBLISHED[4:]), st.integers(2, 41))
def test_one_letter_in_the_wrong_case_is_caught(text, place):
    other = text[:place] + text[place].swapcase() + text[place + 1 :]
    if other != text:
        with pytest.raises(PayeeMalformed):
            read_payee(other)


@pytest.mark.parametrize(
    "text",
    ["", "0x", "0x" + "0" * 40, "0x" + "1" * 39, "0x" + "1" * 41, "1" * 40, "0X" + "1" * 40,
     "0x" + "g" * 40, " 0x" + "1" * 40, "0x" + "1" * 40 + "\n", "0x" + "\u0661" * 40,
     "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"],
)  # fmt: skip
def test_nothing_else_is_an_address(text):
    with pytest.raises(PayeeMalformed):
        read_payee(text)
