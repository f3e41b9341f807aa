"""Who may ask as a regulator, and the log of who asked what, when."""

import hashlib
import hmac
from typing import Final

from api.gate.customers import letters
from api.gate.refusals import TokenRefused
from api.gate.store import RegulatorAccess, RegulatorToken, Store

_MARK: Final = "prv"
_ID_CHARS: Final = 16
_SECRET_CHARS: Final = 48
_PATH_CHARS_MAX: Final = 512
_NOBODY: Final = ""


class Regulators:
    """Tokens and accesses, over the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def issue_token(self, label: str, now_ns: int) -> str:
        """Issue a token; shown once, kept as a hash."""
        token_id, secret = letters(_ID_CHARS), letters(_SECRET_CHARS)
        row = RegulatorToken(
            token_id=token_id, label=label, digest=_digest(secret), created_ns=now_ns
        )
        with self._store.work() as work:
            work.add_token(row)
        return f"{_MARK}_{token_id}_{secret}"

    def revoke_token(self, token_id: str, now_ns: int) -> bool:
        """End a token, at once and for ever; False when there is none of that id."""
        with self._store.work() as work:
            row = work.token(token_id)
            if row is None:
                return False
            row.revoked_ns = row.revoked_ns or now_ns
        return True

    def check_token(self, token: str) -> str:
        """The id of a token that stands.

        Raises:
            TokenRefused: Malformed, unknown, wrong or revoked; the caller learns no more.
        """
        mark, _, rest = token.partition("_")
        token_id, _, secret = rest.partition("_")
        if mark != _MARK or not (token_id.isascii() and token_id.isalnum()):
            raise TokenRefused
        with self._store.work() as work:
            row = work.token(token_id)
        # 48 random letters: one hash keeps the secret, and nobody guesses it from the hash.
        known = row.digest if row is not None else bytes(hashlib.sha256().digest_size)
        matches = hmac.compare_digest(known, _digest(secret))
        if row is None or row.revoked_ns is not None or not matches:
            raise TokenRefused
        return token_id

    def record(self, token_id: str | None, method: str, path: str, status: int, at_ns: int) -> None:
        """Log one look; None is somebody without a token that stands."""
        access = RegulatorAccess(
            at_ns=at_ns,
            token_id=token_id or _NOBODY,
            method=method,
            path=path[:_PATH_CHARS_MAX],
            status=status,
        )
        with self._store.work() as work:
            work.add_access(access)

    def accesses(self) -> list[RegulatorAccess]:
        """Every look, oldest first."""
        with self._store.work() as work:
            return work.accesses()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
