"""Keys, signatures and transactions, held against eth-account's own."""

import json

import pytest
from eth_account import Account
from eth_keys import keys
from hypothesis import given
from hypothesis import strategies as st

from ledger.settlement.errors import KeyFileExposed, KeyFileMalformed
from ledger.settlement.keystore import (
    KEY_FILE_MAX_BYTES,
    LocalSigner,
    open_key,
    recover,
    write_key,
)
from ledger.settlement.transactions import Transaction, sign_transaction

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SECRETS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
DIGESTS = st.binary(min_size=32, max_size=32)


@given(SECRETS, DIGESTS)
def test_a_signature_is_the_one_that_eth_keys_makes(secret, digest):
    """Both are deterministic by RFC 6979, so they are equal byte for byte."""
    theirs = keys.PrivateKey(secret).sign_msg_hash(digest).to_bytes()
    assert LocalSigner(secret).sign(digest) == theirs[:64] + bytes([theirs[64] + 27])


@given(SECRETS, DIGESTS)
def test_a_signature_recovers_to_its_address_and_has_a_low_s(secret, digest):
    signer = LocalSigner(secret)
    signature = signer.sign(digest)
    assert signer.address == bytes.fromhex(Account.from_key(secret).address[2:])
    assert recover(digest, signature) == signer.address
    assert int.from_bytes(signature[32:64], "big") <= ORDER // 2
    assert signature[64] in (27, 28)


@given(SECRETS, DIGESTS, st.integers(0, 64 * 8 - 1))
def test_a_changed_signature_recovers_to_somebody_else_or_nobody(secret, digest, bit):
    signer = LocalSigner(secret)
    signature = bytearray(signer.sign(digest))
    signature[bit // 8] ^= 1 << bit % 8
    assert recover(digest, bytes(signature)) != signer.address


@given(SECRETS, DIGESTS)
def test_the_high_twin_of_a_signature_is_refused(secret, digest):
    """The same signature with n - s and the other parity verifies too; the Safe refuses it."""
    signature = LocalSigner(secret).sign(digest)
    twin_s = ORDER - int.from_bytes(signature[32:64], "big")
    twin = signature[:32] + twin_s.to_bytes(32, "big") + bytes([55 - signature[64]])
    assert recover(digest, twin) is None


@given(DIGESTS, st.binary(max_size=70))
def test_garbage_is_no_signature(digest, garbage):
    signer = recover(digest, garbage)
    assert signer is None or (len(garbage) == 65 and garbage[64] in (27, 28))


@pytest.mark.parametrize("v", [0, 1, 26, 29, 31, 32, 255])
def test_other_values_of_v_are_refused(v):
    signature = LocalSigner(b"\x01" * 32).sign(b"\x02" * 32)
    assert recover(b"\x02" * 32, signature[:64] + bytes([v])) is None


TRANSACTIONS = st.builds(
    Transaction,
    chain_id=st.integers(1, 2**63),
    nonce=st.integers(0, 2**64 - 2),
    tip_wei=st.integers(0, 2**100),
    fee_cap_wei=st.integers(0, 2**100),
    gas=st.integers(21_000, 2**64 - 1),
    to=st.binary(min_size=20, max_size=20),
    data=st.binary(max_size=300),
    value_wei=st.integers(0, 2**128),
)


@given(SECRETS, TRANSACTIONS)
def test_a_transaction_is_the_one_that_eth_account_signs(secret, transaction):
    mine = sign_transaction(transaction, LocalSigner(secret))
    fields = {
        "type": 2,
        "chainId": transaction.chain_id,
        "nonce": transaction.nonce,
        "maxPriorityFeePerGas": transaction.tip_wei,
        "maxFeePerGas": transaction.fee_cap_wei,
        "gas": transaction.gas,
        "to": transaction.to,
        "data": transaction.data,
        "value": transaction.value_wei,
    }
    theirs = Account.from_key(secret).sign_transaction(fields)
    assert mine.raw == bytes(theirs.raw_transaction)
    assert mine.hash == bytes(theirs.hash)
    assert mine.nonce == transaction.nonce


def test_a_plain_key_file_opens_for_its_owner_only(tmp_path):
    path = tmp_path / "key"
    write_key(path, b"\x07" * 32)
    assert open_key(path).address == LocalSigner(b"\x07" * 32).address
    for mode in (0o640, 0o604, 0o644, 0o660):
        path.chmod(mode)
        with pytest.raises(KeyFileExposed) as caught:
            open_key(path)
        assert caught.value.mode == f"{mode:04o}"


def test_a_key_file_is_never_overwritten(tmp_path):
    path = tmp_path / "key"
    write_key(path, b"\x07" * 32)
    with pytest.raises(FileExistsError):
        write_key(path, b"\x08" * 32)
    assert open_key(path).address == LocalSigner(b"\x07" * 32).address


@pytest.mark.parametrize("kdf", ["scrypt", "pbkdf2"])
def test_an_encrypted_keystore_opens_with_its_password_alone(tmp_path, kdf):
    path = tmp_path / "keystore.json"
    path.touch(0o600)
    sealed = Account.encrypt(b"\x09" * 32, "correct horse", kdf=kdf, iterations=2)
    path.write_text(json.dumps(sealed))
    assert open_key(path, "correct horse").address == LocalSigner(b"\x09" * 32).address
    with pytest.raises(KeyFileMalformed, match="MAC"):
        open_key(path, "battery staple")
    with pytest.raises(KeyFileMalformed, match="no password"):
        open_key(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes"),
        (b"zz" * 32, "hexadecimal"),
        (b"07" * 31, "31 bytes"),
        (b"00" * 32, "curve"),
        (b"ff" * 32, "curve"),
        ("é".encode() * 32, "hexadecimal"),
        (b"{}", "KeyError"),
        (b"{", "JSON"),
        (b'{"version": 7}', "NotImplemented"),
        (b"0" * (KEY_FILE_MAX_BYTES + 1), "more than"),
    ],
    ids=str,
)
def test_a_file_that_holds_no_key_is_refused(tmp_path, content, reason):
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(KeyFileMalformed, match=reason):
        open_key(path, "password")


def test_a_missing_key_file_is_named(tmp_path):
    with pytest.raises(KeyFileMalformed, match="No such file"):
        open_key(tmp_path / "nothing")
