"""docs/spec/compliance.md, section "Canonical JSON"."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.canonical import DEPTH_MAX, INTEGER_MAX, canonical, digest, parse
from compliance.errors import JsonRefused

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LEAVES = st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | TEXT
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_canonical_bytes_are_a_fixed_point(value):
    once = canonical(value)
    assert canonical(parse(once)) == once


@given(VALUES)
def test_canonical_bytes_mean_the_same_value_to_another_reader(value):
    assert json.loads(canonical(value)) == value


@given(VALUES, st.integers(0, 4))
def test_white_space_and_key_order_do_not_change_the_bytes(value, indent):
    spaced = json.dumps(value, indent=indent, sort_keys=bool(indent % 2)).encode()
    assert canonical(parse(spaced)) == canonical(value)


def test_form_of_rfc_8785_without_numbers_that_have_fractions():
    value = {
        "\u20ac": 1,
        "\r": 2,
        "1": 3,
        "\U0001f600": 4,
        "\u0080": 5,
        "\ufb33": 6,
        "a": '\x07"\\/\b',
    }
    expected = (
        '{"\\r":2,"1":3,"a":"\\u0007\\"\\\\/\\b","\u0080":5,"\u20ac":1,"\U0001f600":4,"\ufb33":6}'
    )
    assert canonical(value) == expected.encode()


def test_digest_is_sha256_of_the_bytes():
    assert digest({}).hex() == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1,]", "not JSON"),
        (b'{"a":1}{', "not JSON"),
        (b"1.0", "not an integer"),
        (b"1e3", "not an integer"),
        (b"NaN", "not an integer"),
        (b"-Infinity", "not an integer"),
        (b"-0", "minus zero"),
        (b"9007199254740992", "integer beyond 2^53 - 1"),
        (b"-9007199254740992", "integer beyond 2^53 - 1"),
        (b"1" * 100_000, "integer beyond 2^53 - 1"),
        (b'{"a":1,"a":1}', "duplicate key"),
        (b'{"a":{"b":1,"\\u0062":2}}', "duplicate key"),
        (b'"\\ud800"', "lone surrogate"),
        (b'{"\\udfff":1}', "lone surrogate"),
        (b'"\xff"', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"[" * 100_000, f"nested deeper than {DEPTH_MAX}"),
        (b'{"a":' * 50 + b"1" + b"}" * 50, f"nested deeper than {DEPTH_MAX}"),
        (b"<html></html>", "not JSON"),
        (b'"a\x00b"', "not JSON"),
    ],
)
def test_what_has_more_than_one_reading_is_refused(data, reason):
    with pytest.raises(JsonRefused) as caught:
        parse(data)
    assert caught.value.reason == reason


def test_brackets_inside_strings_do_not_nest():
    text = '"' + "[" * 1000 + '\\"' + "{" * 1000 + '"'
    assert canonical(parse(text.encode())) == text.encode()


def test_a_document_above_its_bound_is_refused_unread():
    with pytest.raises(JsonRefused, match="larger than 4 bytes"):
        parse(b"[" * 5, size_max=4)


def test_what_cannot_be_read_cannot_be_written():
    for value in (INTEGER_MAX + 1, "\ud800"):
        with pytest.raises(JsonRefused):
            canonical(value)
