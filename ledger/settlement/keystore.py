"""Operators' and relayers' secp256k1 keys behind one small port: a digest in, a signature out.

The port is what a hardware module can offer too. Two kinds of files: a devnet's plain key (mode
0600, 64 hexadecimal digits) and Ethereum's encrypted JSON keystore (Web3 Secret Storage, v3).
"""

import json
import os
import stat
from pathlib import Path
from typing import Final, Protocol

from coincurve import PrivateKey, PublicKey
from eth_hash.auto import keccak

from ledger.settlement.errors import KeyFileExposed, KeyFileMalformed

SIGNATURE_BYTES: Final = 65
KEY_FILE_MAX_BYTES: Final = 16_384
_RECOVERY_BASE: Final = 27
_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half the order of secp256k1's group."""


class Signer(Protocol):
    """Holds one key and never shows it."""

    @property
    def address(self) -> bytes:
        """The key's 20-byte Ethereum address."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """65 bytes r ‖ s ‖ v over a 32-byte digest: s in the lower half, v 27 or 28."""
        ...


class LocalSigner:
    """A key in this process's memory. Signatures are deterministic (RFC 6979)."""

    def __init__(self, secret: bytes) -> None:
        """Raises ValueError when the 32 bytes are no key of the curve."""
        self._key = PrivateKey(secret)
        self._address = address_of(self._key.public_key)

    @property
    def address(self) -> bytes:
        """The key's 20-byte Ethereum address."""
        return self._address

    def sign(self, digest: bytes) -> bytes:
        """Sign a 32-byte digest as it is, without another hash."""
        assert len(digest) == 32
        compact = self._key.sign_recoverable(digest, hasher=None)
        return compact[:64] + bytes([compact[64] + _RECOVERY_BASE])


def address_of(key: PublicKey) -> bytes:
    """The Ethereum address of a public key: the last 20 bytes of its Keccak-256."""
    return keccak(key.format(compressed=False)[1:])[12:]


def recover(digest: bytes, signature: bytes) -> bytes | None:
    """The address that signed a digest; None when the 65 bytes are no valid signature.

    High s and other values of v than 27 and 28 are refused: the Safe reads them as another kind.
    """
    if len(signature) != SIGNATURE_BYTES or signature[64] not in (27, 28):
        return None
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        return None
    compact = signature[:64] + bytes([signature[64] - _RECOVERY_BASE])
    try:
        key = PublicKey.from_signature_and_message(compact, digest, hasher=None)
    except ValueError:
        return None
    return address_of(key)


def open_key(path: Path, password: str | None = None) -> LocalSigner:
    """Open a key file of either kind; an encrypted one needs its password.

    Raises:
        KeyFileExposed: Others than the owner may read it.
        KeyFileMalformed: It holds no key, or not under this password.
    """
    raw = _read_private(path)
    secret = _decrypt(path, raw, password) if raw.lstrip().startswith(b"{") else _plain(path, raw)
    try:
        return LocalSigner(secret)
    except ValueError as error:
        raise KeyFileMalformed(str(path), "not a key of the curve") from error


def write_key(path: Path, secret: bytes) -> None:
    """Write a plain devnet key file, mode 0600; an existing file is never overwritten."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())


def _read_private(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_IMODE(mode) & 0o077:
                raise KeyFileExposed(str(path), f"{stat.S_IMODE(mode):04o}")
            raw = file.read(KEY_FILE_MAX_BYTES + 1)
    except OSError as error:
        raise KeyFileMalformed(str(path), error.strerror or "unreadable") from error
    if len(raw) > KEY_FILE_MAX_BYTES:
        raise KeyFileMalformed(str(path), f"more than {KEY_FILE_MAX_BYTES} bytes")
    return raw


def _plain(path: Path, raw: bytes) -> bytes:
    text = raw.strip().removeprefix(b"0x")
    try:
        secret = bytes.fromhex(text.decode("ascii"))
    except ValueError as error:
        raise KeyFileMalformed(str(path), "not hexadecimal") from error
    if len(secret) != 32:
        raise KeyFileMalformed(str(path), f"{len(secret)} bytes where 32 belong")
    return secret


def _decrypt(path: Path, raw: bytes, password: str | None) -> bytes:
    if password is None:
        raise KeyFileMalformed(str(path), "encrypted, and no password was given")
    from eth_keyfile.keyfile import decode_keyfile_json  # noqa: PLC0415  # slow to import

    try:
        # The library is typed for text and, for one of its two key derivations, needs bytes.
        sealed, opener = json.loads(raw), password.encode()
        return bytes(decode_keyfile_json(sealed, opener))  # type: ignore[arg-type]  # see above
    except (ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise KeyFileMalformed(str(path), f"{type(error).__name__}: {error}") from error
