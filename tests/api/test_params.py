"""Query and body become names, texts and the payload that a signature covers."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.binance.kinds import BOOL, CLIENT_ID, LIMIT, LONG, SYMBOL
from api.binance.params import PARAMETERS_MAX, read_sent, shape
from api.gate.refusals import (
    DuplicateParameter,
    IllegalCharacters,
    ParameterEmpty,
    ParameterInvalid,
    ParameterMissing,
    ParametersUnread,
    TooManyParameters,
)

NAMES = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ019", min_size=1, max_size=32)
VALUES = st.text(max_size=40)
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=20, unique_by=lambda pair: pair[0])


@given(PAIRS)
def test_encoded_pairs_are_read_back(pairs):
    assert read_sent(urlencode(pairs).encode(), b"").texts == dict(pairs)


@given(PAIRS)
def test_percent_encoding_reads_like_form_encoding(pairs):
    raw = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs).encode()
    assert read_sent(b"", raw).texts == dict(pairs)


@given(PAIRS, st.integers(0, 20), st.integers(0, 20), st.booleans())
def test_the_payload_is_what_was_sent_without_the_signature(pairs, cut, place, in_body):
    """Wherever the client puts its parameters, and the signature among them."""
    parts = [urlencode([pair]) for pair in pairs if pair[0] != "signature"]
    query, body = parts[:cut], parts[cut:]
    expected = ("&".join(query) + "&".join(body)).encode()
    holder = body if in_body else query
    holder.insert(min(place, len(holder)), "signature=abc123")

    sent = read_sent("&".join(query).encode(), "&".join(body).encode())

    assert sent.payload == expected
    assert sent.texts["signature"] == "abc123"


@given(PAIRS, st.randoms(use_true_random=False))
def test_order_changes_the_payload_but_not_the_meaning(pairs, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)
    one, other = (read_sent(urlencode(order).encode(), b"") for order in (pairs, shuffled))
    assert one.texts == other.texts
    assert (one.payload == other.payload) is (urlencode(pairs) == urlencode(shuffled))


@pytest.mark.parametrize(
    ("query", "body", "payload"),
    [
        (b"symbol=LTCBTC&side=BUY", b"quantity=1&signature=x", b"symbol=LTCBTC&side=BUYquantity=1"),
        (b"signature=x&a=1", b"", b"a=1"),
        (b"a=1&signature=x&b=2", b"", b"a=1&b=2"),
        (b"signature=x", b"", b""),
        (b"a=%22%7B&signature=x", b"", b"a=%22%7B"),
        (b"a=b+c", b"", b"a=b+c"),
    ],
)
def test_payload_keeps_the_bytes_as_sent(query, body, payload):
    assert read_sent(query, body).payload == payload


def test_a_name_in_query_and_body_takes_the_querys_value():
    sent = read_sent(b"a=1", b"a=2&b=3")
    assert sent.texts == {"a": "1", "b": "3"}
    assert sent.payload == b"a=1a=2&b=3"


@pytest.mark.parametrize(("query", "body"), [(b"a=1&a=1", b""), (b"", b"a=1&a=2")])
def test_a_name_twice_in_one_place_is_refused(query, body):
    with pytest.raises(DuplicateParameter) as refused:
        read_sent(query, body)
    assert refused.value.parameter == "a"


@pytest.mark.parametrize(
    "raw",
    [b"na_me=1", b"a.b=1", b"%C3%A4=1", b"a=%FF", b"a=\xff", b"\xff=1", b"=1", b"a" * 33 + b"=1",
     b'{"symbol":"BTCUSDT"}', b"a%00=1"],
)  # fmt: skip
def test_names_and_bytes_outside_their_range_are_refused(raw):
    with pytest.raises(IllegalCharacters):
        read_sent(raw, b"")


def test_empty_parts_are_nothing_and_a_name_alone_is_empty():
    assert read_sent(b"&&a=1&&b&", b"").texts == {"a": "1", "b": ""}


def test_more_parameters_than_the_bound_are_refused():
    many = "&".join(f"a{index}=1" for index in range(PARAMETERS_MAX + 1)).encode()
    with pytest.raises(TooManyParameters):
        read_sent(many, b"")
    half = PARAMETERS_MAX // 2 + 1
    one, other = (
        "&".join(f"{letter}{index}=1" for index in range(half)).encode() for letter in "ab"
    )
    with pytest.raises(TooManyParameters):
        read_sent(one, other)


@dataclass(frozen=True, slots=True)
class Wish:
    symbol: Annotated[str, SYMBOL]
    order_id: Annotated[int, LONG] | None = None
    orig_client_order_id: Annotated[bytes, CLIENT_ID] | None = None
    limit: Annotated[int, LIMIT] = 500
    omit_zero: Annotated[bool, BOOL] = False


WISH = shape(Wish)


def test_a_shape_names_its_parameters_in_camel_case():
    names = [field.parameter for field in WISH.fields]
    assert names == ["symbol", "orderId", "origClientOrderId", "limit", "omitZero"]
    assert [field.mandatory for field in WISH.fields] == [True, False, False, False, False]


def test_a_shape_reads_types_and_defaults():
    sent = read_sent(b"symbol=BTCUSDT&origClientOrderId=a-1&omitZero=true", b"")
    assert WISH.read(sent, 0) == Wish("BTCUSDT", None, b"a-1", 500, omit_zero=True)


def test_what_is_read_aside_counts_as_read():
    sent = read_sent(b"symbol=BTCUSDT&timestamp=1&signature=x", b"")
    assert WISH.read(sent, 2) == Wish("BTCUSDT")
    with pytest.raises(ParametersUnread) as refused:
        WISH.read(sent, 0)
    assert (refused.value.read, refused.value.sent) == (1, 3)


@pytest.mark.parametrize(
    ("raw", "leaf"),
    [
        (b"", ParameterMissing),
        (b"symbol=", ParameterMissing),
        (b"Symbol=BTCUSDT", ParameterMissing),
        (b"symbol=BTCUSDT&orderId=", ParameterEmpty),
        (b"symbol=btcusdt", IllegalCharacters),
        (b"symbol=BTC/USDT", IllegalCharacters),
        (b"symbol=" + b"A" * 21, IllegalCharacters),
        (b"symbol=BTCUSDT%0A", IllegalCharacters),
        (b"symbol=BTCUSDT&orderId=-1", IllegalCharacters),
        (b"symbol=BTCUSDT&orderId=1.0", IllegalCharacters),
        (b"symbol=BTCUSDT&orderId=%D9%A1", IllegalCharacters),
        (b"symbol=BTCUSDT&origClientOrderId=" + b"a" * 37, IllegalCharacters),
        (b"symbol=BTCUSDT&origClientOrderId=a+b", IllegalCharacters),
        (b"symbol=BTCUSDT&limit=0", ParameterInvalid),
        (b"symbol=BTCUSDT&omitZero=TRUE", ParameterInvalid),
        (b"symbol=BTCUSDT&stopPrice=1", ParametersUnread),
    ],
)
def test_a_shape_refuses_by_name(raw, leaf):
    with pytest.raises(leaf):
        WISH.read(read_sent(raw, b""), 0)
