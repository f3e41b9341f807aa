"""One verifier for everybody: published edge cases, keys that must not enter, key files."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_core_ed25519_add

from ledger.audit.errors import KeyFileRefused, KeyRefused
from ledger.audit.keys import SigningKey, admit_key, is_signed, read_key_file, write_key_file

P = 2**255 - 19
SMALL_ORDER = (
    bytes(32),
    (1).to_bytes(32, "little"),
    (P - 1).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
)
NON_CANONICAL = (
    P.to_bytes(32, "little"),
    (P + 1).to_bytes(32, "little"),
    (2**255 - 1).to_bytes(32, "little"),
    b"\xff" * 32,
    (1 | 1 << 255).to_bytes(32, "little"),
)


def test_wycheproof_ed25519_cases_agree(shared_data):
    cases = json.loads(
        gzip.decompress((shared_data / "signatures/ed25519_test.json.gz").read_bytes())
    )
    checked = 0
    for group in cases["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            found = is_signed(key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert found == (case["result"] == "valid"), case["tcId"]
            checked += 1
    assert checked == cases["numberOfTests"] == 151


@pytest.mark.parametrize("key", SMALL_ORDER + NON_CANONICAL, ids=bytes.hex)
def test_small_order_and_non_canonical_keys_are_not_admitted(key):
    with pytest.raises(KeyRefused):
        admit_key("somebody", key)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_of_another_size_are_not_admitted(size):
    with pytest.raises(KeyRefused):
        admit_key("somebody", bytes(size))


def test_a_key_plus_a_small_order_point_is_not_admitted():
    """Mixed order: on the curve, canonical, and still not in the prime-order group."""
    mixed = crypto_core_ed25519_add(SigningKey.from_seed(bytes(32)).public, SMALL_ORDER[3])
    with pytest.raises(KeyRefused):
        admit_key("somebody", mixed)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_a_signature_holds_for_its_message_alone(seed, message, bit):
    key = SigningKey.from_seed(seed)
    signature = key.sign(message)
    assert admit_key("me", key.public) == key.public
    assert is_signed(key.public, message, signature)
    assert key.sign(message) == signature
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not is_signed(key.public, message, bytes(flipped))
    assert not is_signed(key.public, message + b"x", signature)
    assert not is_signed(key.public, message, signature[:-1])


def test_key_files_round_trip_and_never_overwrite(tmp_path):
    path = tmp_path / "a.key"
    write_key_file(path, bytes(range(32)))
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key_file(path) == SigningKey.from_seed(bytes(range(32)))
    assert "secret" not in repr(read_key_file(path))
    with pytest.raises(KeyFileRefused):
        write_key_file(path, bytes(32))


@pytest.mark.parametrize(
    "text", [b"", b"0" * 63, b"0" * 65, b"G" * 64, b"A" * 64 + b"\n", b"0" * 64 + b"\n\n"]
)
def test_malformed_key_files_are_refused(tmp_path, text):
    path = tmp_path / "a.key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(KeyFileRefused):
        read_key_file(path)


def test_key_files_that_others_can_read_are_refused(tmp_path):
    path = tmp_path / "a.key"
    write_key_file(path, bytes(32))
    path.chmod(0o640)
    with pytest.raises(KeyFileRefused, match="others"):
        read_key_file(path)
    with pytest.raises(KeyFileRefused):
        read_key_file(tmp_path / "absent.key")
