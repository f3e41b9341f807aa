"""Customers and their credentials: issue, revoke, and load what the gate keeps in memory."""

import secrets
import string
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from api.gate.auth import KEY_CHARS, Credential, KeyRing, Network, Scope, SignatureScheme
from api.gate.store import ApiKey, Customer, Store, Work

_ALPHABET: Final = string.ascii_letters + string.digits
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
        api_key, secret = letters(KEY_CHARS), letters(KEY_CHARS)
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


def letters(count: int) -> str:
    """So many random letters and digits: 5.95 bits of entropy each."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))
