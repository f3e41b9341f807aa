"""Customers and their credentials: issue, revoke, and load what the gate keeps in memory."""

import hashlib
import hmac
import secrets
import string
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from api.auth import KEY_CHARS, Credential, KeyRing, Network, Scope, SignatureScheme
from api.refusals import TokenRefused
from api.store import ApiKey, Customer, RegulatorToken, Store, Work

_ALPHABET: Final = string.ascii_letters + string.digits
_MARK: Final = "prv"
_TOKEN_ID_CHARS: Final = 16
_TOKEN_SECRET_CHARS: Final = 48
ALL_SCOPES: Final = Scope.READ | Scope.TRADE | Scope.WITHDRAW


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """What a new key may do: scopes, where from (empty: anywhere), until when (None: for ever)."""

    label: str
    scopes: Scope = ALL_SCOPES
    networks: tuple[Network, ...] = ()
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key. The secret is shown once; after this only the sealed form exists."""

    api_key: str
    secret: str
    session: int

    def __repr__(self) -> str:
        """Without the secret."""
        return f"IssuedKey({self.api_key[:8]}…, session={self.session})"


class Customers:
    """Accounts and credentials: the store is the truth, the key ring its copy in memory."""

    def __init__(self, store: Store, ring: KeyRing) -> None:
        self._store = store
        self._ring = ring
        with store.work() as work:
            for row in work.api_keys():
                ring.put(_credential(work, row))

    def open(self, account: int, label: str, now_ns: int) -> None:
        """Record who holds an account that the engine opened."""
        with self._store.work() as work:
            work.add_customer(Customer(account=account, label=label, created_ns=now_ns))

    def find(self, account: int) -> Customer | None:
        """The holder of an account."""
        with self._store.work() as work:
            return work.customer(account)

    def issue_key(self, account: int, grant: KeyGrant, now_ns: int) -> IssuedKey:
        """Issue a key; it works at once.

        Raises:
            sqlalchemy.exc.IntegrityError: Nobody holds this account.
        """
        api_key, secret = _letters(KEY_CHARS), _letters(KEY_CHARS)
        row = ApiKey(
            api_key=api_key,
            account=account,
            label=grant.label,
            scheme=SignatureScheme.HMAC_SHA256,
            sealed=b"",
            scopes=int(grant.scopes),
            networks=",".join(map(str, grant.networks)),
            expires_ms=grant.expires_ms,
            created_ns=now_ns,
        )
        with self._store.work() as work:
            session = work.add_key(row, secret.encode())
        with self._store.work() as work:
            self._ring.put(_credential(work, row))
        return IssuedKey(api_key, secret, session)

    def revoke_key(self, api_key: str, now_ns: int) -> bool:
        """End a key, at once and for ever; False when there is none of that name."""
        with self._store.work() as work:
            row = work.key(api_key)
            if row is None:
                return False
            row.revoked_ns = row.revoked_ns or now_ns
            credential = _credential(work, row)
        self._ring.put(credential)
        return True

    def issue_token(self, label: str, now_ns: int) -> str:
        """Issue a regulator's token; shown once, kept as a hash."""
        token_id, secret = _letters(_TOKEN_ID_CHARS), _letters(_TOKEN_SECRET_CHARS)
        with self._store.work() as work:
            work.add_token(
                RegulatorToken(
                    token_id=token_id, label=label, digest=_digest(secret), created_ns=now_ns
                )
            )
        return f"{_MARK}_{token_id}_{secret}"

    def revoke_token(self, token_id: str, now_ns: int) -> bool:
        """End a regulator's token; False when there is none of that id."""
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
        # A secret is 48 random letters: one hash keeps it, and nobody guesses it from the hash.
        known = row.digest if row is not None else bytes(hashlib.sha256().digest_size)
        matches = hmac.compare_digest(known, _digest(secret))
        if row is None or row.revoked_ns is not None or not matches:
            raise TokenRefused
        return token_id


def _credential(work: Work, row: ApiKey) -> Credential:
    assert row.session is not None, "a stored key has its session"
    return Credential(
        api_key=row.api_key,
        account=row.account,
        scheme=SignatureScheme(row.scheme),
        material=work.secret(row),
        scopes=Scope(row.scopes),
        networks=tuple(ip_network(text) for text in row.networks.split(",") if text),
        expires_ms=row.expires_ms,
        session=row.session,
        revoked=row.revoked_ns is not None,
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _letters(count: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))
