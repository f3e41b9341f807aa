"""Ed25519 through libsodium: the one verifier that everybody pins (docs/adr/0006-consensus.md).

Libraries disagree on edge cases (cofactors, small-order points, encodings of S), and replicas that
disagree about a signature disagree about a certificate.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

from ledger.audit.errors import KeyFileRefused, KeyRefused

KEY_BYTES: Final = 32
SEED_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
_OWNER_ONLY: Final = 0o077


def admit_key(owner: str, key: bytes) -> bytes:
    """Return the key when it is a canonical point of the prime-order group.

    Raises:
        KeyRefused: Wrong size, non-canonical, off the curve, of small or mixed order.
    """
    if len(key) != KEY_BYTES or not crypto_core_ed25519_is_valid_point(key):
        raise KeyRefused(owner, key)
    return key


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the admitted `key` signed `message`. Never raises for bad signatures."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, key)
    except BadSignatureError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key. Signing is deterministic: the same message gives the same 64 bytes."""

    public: bytes
    _secret: bytes = field(repr=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> "SigningKey":
        """The key of RFC 8032 from its 32-byte seed."""
        assert len(seed) == SEED_BYTES, f"{len(seed)} bytes where {SEED_BYTES} belong"
        public, secret = crypto_sign_seed_keypair(seed)
        return cls(public, secret)

    def sign(self, message: bytes) -> bytes:
        """64 bytes over the message."""
        return crypto_sign(message, self._secret)[:SIGNATURE_BYTES]


def read_key_file(path: Path) -> SigningKey:
    """Read a seed of 64 hex digits and a newline, in a file that only its owner can read.

    Raises:
        KeyFileRefused: Missing, malformed, or open to group or others.
    """
    try:
        mode, text = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise KeyFileRefused(str(path), error.strerror or "unreadable") from error
    if stat.S_IMODE(mode) & _OWNER_ONLY:
        raise KeyFileRefused(str(path), "group or others may read it")
    digits = text.removesuffix(b"\n")
    if len(digits) != 2 * SEED_BYTES or digits.strip(b"0123456789abcdef"):
        raise KeyFileRefused(str(path), "not 64 lower-case hex digits")
    return SigningKey.from_seed(bytes.fromhex(digits.decode()))


def write_key_file(path: Path, seed: bytes) -> None:
    """Write a seed where only the owner can read it. An existing file is never overwritten.

    Raises:
        KeyFileRefused: The file exists or cannot be written.
    """
    assert len(seed) == SEED_BYTES, f"{len(seed)} bytes where {SEED_BYTES} belong"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyFileRefused(str(path), error.strerror or "unwritable") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(seed.hex().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
