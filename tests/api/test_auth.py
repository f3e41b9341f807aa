"""Who is asking: Binance's published vectors, the window's edges, and the key's own limits."""

import hashlib
import hmac
from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.binance.params import read_sent
from api.gate.auth import (
    AHEAD_MAX_US,
    WINDOW_MAX_US,
    Credential,
    KeyRing,
    Scope,
    SignatureScheme,
    check_limits,
    check_signature,
    check_time,
)
from api.gate.refusals import (
    KeyMalformed,
    KeyRefused,
    SignatureInvalid,
    TimestampAhead,
    TimestampStale,
    WindowTooLarge,
)

# Binance spot API documentation, "SIGNED Endpoint Examples for POST /api/v3/order".
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
ALL = b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"  # noqa: E501  # one vector
MIXED_QUERY = b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
MIXED_BODY = b"quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
SIGNED_ALL = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
SIGNED_MIXED = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"

CREDENTIAL = Credential(
    api_key=API_KEY,
    account=16,
    scheme=SignatureScheme.HMAC_SHA256,
    material=SECRET,
    scopes=Scope.READ,
    networks=(),
    expires_ms=None,
    session=1,
    revoked=False,
)
NOW_US = 1_700_000_000_000_000


@pytest.mark.parametrize(
    ("query", "body", "signature"),
    [
        (b"", ALL, SIGNED_ALL),
        (ALL, b"", SIGNED_ALL),
        (MIXED_QUERY, MIXED_BODY, SIGNED_MIXED),
        (ALL, b"", SIGNED_ALL.upper()),
    ],
)
def test_published_signatures_verify(query, body, signature):
    place = b"&signature=" + signature.encode()
    query, body = (query, body + place) if body else (query + place, body)
    sent = read_sent(query, body)
    check_signature(CREDENTIAL, sent.payload, sent.texts["signature"])


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_signature_is_of_its_payload_alone(signed, shown):
    signature = hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    if signed == shown:
        check_signature(CREDENTIAL, shown, signature)
    else:
        with pytest.raises(SignatureInvalid):
            check_signature(CREDENTIAL, shown, signature)


@given(st.text(max_size=80))
def test_no_text_that_is_not_the_signature_passes(text):
    with pytest.raises(SignatureInvalid):
        check_signature(CREDENTIAL, ALL, text)


@pytest.mark.parametrize("age_us", [0, 1, 4_999_999, 5_000_000])
def test_a_request_within_its_window_is_in_time(age_us):
    check_time(NOW_US - age_us, 5_000_000, NOW_US)


def test_a_request_past_its_window_is_stale():
    with pytest.raises(TimestampStale) as refused:
        check_time(NOW_US - 5_000_001, 5_000_000, NOW_US)
    assert (refused.value.age_us, refused.value.window_us) == (5_000_001, 5_000_000)


def test_a_second_ahead_is_the_future():
    check_time(NOW_US + AHEAD_MAX_US - 1, 5_000_000, NOW_US)
    with pytest.raises(TimestampAhead):
        check_time(NOW_US + AHEAD_MAX_US, 5_000_000, NOW_US)


def test_a_window_has_an_end():
    check_time(NOW_US - WINDOW_MAX_US, WINDOW_MAX_US, NOW_US)
    with pytest.raises(WindowTooLarge):
        check_time(NOW_US, WINDOW_MAX_US + 1, NOW_US)


def test_a_key_is_found_by_its_name():
    ring = KeyRing()
    ring.put(CREDENTIAL)
    assert ring.find(API_KEY) is CREDENTIAL
    with pytest.raises(KeyRefused):
        ring.find("A" * 64)


@pytest.mark.parametrize("name", [None, "", "short", "A" * 63, "A" * 65, "A" * 63 + "!", "Ä" * 64])
def test_a_name_that_cannot_be_a_key_is_malformed(name):
    with pytest.raises(KeyMalformed):
        KeyRing().find(name)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"revoked": True}, "revoked"),
        ({"expires_ms": NOW_US // 1000}, "expired"),
        ({"networks": (ip_network("10.0.0.0/8"),)}, "address"),
        ({"networks": (ip_network("::1/128"),)}, "address"),
        ({"scopes": Scope.TRADE | Scope.WITHDRAW}, "scope"),
    ],
)
def test_a_keys_limits_refuse(change, reason):
    with pytest.raises(KeyRefused) as refused:
        check_limits(replace(CREDENTIAL, **change), Scope.READ, "127.0.0.1", NOW_US)
    assert refused.value.reason == reason


def test_a_key_within_its_limits_passes():
    limited = replace(
        CREDENTIAL,
        networks=(ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32")),
        expires_ms=NOW_US // 1000 + 1,
        scopes=Scope.READ | Scope.TRADE,
    )
    check_limits(limited, Scope.READ, "127.0.0.1", NOW_US)


def test_a_credential_never_prints_its_secret():
    assert SECRET.decode() not in f"{CREDENTIAL} {CREDENTIAL!r}"
