"""Salted commitments: all of a private document that ever enters the ledger.

`sha256(domain ‖ salt ‖ bytes)` with a 32-byte salt: without the salt nobody can test a guess, and
once the salt is destroyed nobody ever can.
"""

import hashlib
import hmac
from typing import Final

SALT_BYTES: Final = 32
TRAVEL_DOMAIN: Final = b"provenue/travel-rule/v1\x00"
DECISION_DOMAIN: Final = b"provenue/decision/v1\x00"
_SALT_DOMAIN: Final = b"provenue/decision-salt/v1\x00"


def commit(domain: bytes, salt: bytes, document: bytes) -> bytes:
    """The 32-byte commitment to a document's canonical bytes."""
    assert len(salt) == SALT_BYTES, f"{len(salt)} bytes of salt"
    assert domain.endswith(b"\x00"), "a domain tag ends with a zero byte, so no tag begins another"
    return hashlib.sha256(domain + salt + document).digest()


def decision_salt(store_key: bytes, withdrawal_id: int, check: int) -> bytes:
    """A decision's salt: the same after every crash, unknown without the store's key."""
    assert len(store_key) == SALT_BYTES, f"{len(store_key)} bytes of key"
    message = _SALT_DOMAIN + withdrawal_id.to_bytes(8, "big") + check.to_bytes(1, "big")
    return hmac.digest(store_key, message, "sha256")
