"""Stage 1, who is asking: API keys, the signature over what was sent, and the time it was sent.

A signed request passes in this order: key format, key known, timestamp and signature present,
signature, receive window, then the key's own limits (revoked, expired, address, right). Nothing
about a key's limits is told to somebody who cannot sign with it.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from api.gate.refusals import (
    KeyMalformed,
    KeyRefused,
    SignatureInvalid,
    TimestampAhead,
    TimestampStale,
    WindowTooLarge,
)

KEY_CHARS: Final = 64
AHEAD_MAX_US: Final = 1_000_000
WINDOW_DEFAULT_US: Final = 5_000_000
WINDOW_MAX_US: Final = 60_000_000
_KEY: Final = re.compile(rf"[A-Za-z0-9]{{{KEY_CHARS}}}", re.ASCII)

Network = IPv4Network | IPv6Network


class Scope(IntFlag):
    """What a key may do."""

    READ = 1
    TRADE = 2
    WITHDRAW = 4


class SignatureScheme(IntEnum):
    """How a key signs. Other schemes get their own verifier and their own kind of material."""

    HMAC_SHA256 = 1


@dataclass(frozen=True, slots=True)
class Credential:
    """One API key as the gate needs it.

    Attributes:
        api_key: The public name, 64 letters and digits.
        account: Whose it is.
        scheme, material: How it signs, and the secret (HMAC) or public key to verify with.
        scopes: What it may do.
        networks: Addresses it may come from; empty for anywhere.
        expires_ms: When it ends, milliseconds since the epoch; None for never.
        session: The ordinal that commands of this key carry.
        revoked: It was withdrawn; kept, so that its commands stay attributable.
    """

    api_key: str
    account: int
    scheme: SignatureScheme
    material: bytes
    scopes: Scope
    networks: tuple[Network, ...]
    expires_ms: int | None
    session: int
    revoked: bool

    def __repr__(self) -> str:
        """Everything but the secret, so that no log line can hold it."""
        return f"Credential({self.api_key[:8]}…, account={self.account}, session={self.session})"


def _verify_hmac(material: bytes, payload: bytes, signature: str) -> bool:
    """Hexadecimal, either case, compared in constant time."""
    expected = hmac.new(material, payload, hashlib.sha256).hexdigest().encode()
    return hmac.compare_digest(expected, signature.lower().encode())


VERIFIERS: Final[Mapping[SignatureScheme, Callable[[bytes, bytes, str], bool]]] = {
    SignatureScheme.HMAC_SHA256: _verify_hmac,
}
assert VERIFIERS.keys() == set(SignatureScheme)


class KeyRing:
    """Every issued key, in memory: the gate asks it on each request and never asks a database."""

    def __init__(self) -> None:
        self._by_key: dict[str, Credential] = {}

    def put(self, credential: Credential) -> None:
        """Add a key, or replace what is known of it."""
        self._by_key[credential.api_key] = credential

    def find(self, api_key: str | None) -> Credential:
        """The key's credential, not yet checked against anything.

        Raises:
            KeyMalformed, KeyRefused: It cannot be a key; it is none of ours.
        """
        if api_key is None or _KEY.fullmatch(api_key) is None:
            raise KeyMalformed
        credential = self._by_key.get(api_key)
        if credential is None:
            raise KeyRefused("unknown")
        return credential


def check_signature(credential: Credential, payload: bytes, signature: str) -> None:
    """Check that the key's holder signed exactly these bytes.

    Raises:
        SignatureInvalid: Somebody else did, or something changed on the way.
    """
    if not VERIFIERS[credential.scheme](credential.material, payload, signature):
        raise SignatureInvalid


def check_time(sent_us: int, window_us: int, now_us: int) -> None:
    """Check that the request is neither old nor from the future. All in microseconds.

    Raises:
        WindowTooLarge, TimestampAhead, TimestampStale: As their names say.

    Source: Binance spot API documentation, "Timing security".
    """
    if window_us > WINDOW_MAX_US:
        raise WindowTooLarge(WINDOW_MAX_US // 1000)
    if sent_us >= now_us + AHEAD_MAX_US:
        raise TimestampAhead(sent_us - now_us)
    if now_us - sent_us > window_us:
        raise TimestampStale(now_us - sent_us, window_us)


def check_limits(credential: Credential, scope: Scope, address: str, now_us: int) -> None:
    """Check the key's own limits.

    Raises:
        KeyRefused: Revoked, expired, from another address, or without the right.
    """
    if credential.revoked:
        raise KeyRefused("revoked")
    if credential.expires_ms is not None and now_us >= credential.expires_ms * 1000:
        raise KeyRefused("expired")
    if credential.networks:
        here = ip_address(address)
        if not any(here in network for network in credential.networks):
            raise KeyRefused("address")
    if scope not in credential.scopes:
        raise KeyRefused("scope")
