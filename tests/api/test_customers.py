"""Customers and keys: issued once, sealed at rest, loaded again, ended at once."""

from ipaddress import ip_network

import pytest
from nacl.exceptions import CryptoError
from sqlalchemy.exc import IntegrityError

from api.binance.kinds import CLIENT_ID
from api.gate.auth import KeyRing, Scope
from api.gate.customers import Customers, KeyGrant
from api.gate.refusals import KeyRefused
from api.gate.services import fresh_client_id
from api.gate.store import Customer, Store

SEAL = bytes(range(32))
NOW_NS = 1_700_000_000_000_000_000


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/gate.db"


@pytest.fixture
def store(url):
    opened = Store(url, SEAL)
    yield opened
    opened.close()


@pytest.fixture
def ring():
    return KeyRing()


@pytest.fixture
def customers(store, ring):
    made = Customers(store, ring)
    made.open(16, "alice", NOW_NS)
    return made


def test_an_issued_key_works_at_once_and_prints_no_secret(customers, ring):
    issued = customers.issue_key(16, KeyGrant("bot", Scope.READ), NOW_NS)
    credential = ring.find(issued.api_key)
    assert (credential.account, credential.scopes, credential.session) == (16, Scope.READ, 1)
    assert credential.material == issued.secret.encode()
    assert issued.secret not in repr(issued)
    assert len(issued.api_key) == len(issued.secret) == 64


def test_sessions_are_never_given_twice(customers):
    sessions = [customers.issue_key(16, KeyGrant("bot"), NOW_NS).session for _ in range(3)]
    assert sessions == [1, 2, 3]


def test_keys_are_loaded_with_all_their_limits(customers, url):
    networks = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
    grant = KeyGrant("bot", Scope.TRADE, networks, expires_ms=1_800_000_000_000)
    issued = customers.issue_key(16, grant, NOW_NS)
    again, store = KeyRing(), Store(url, SEAL)
    Customers(store, again)
    store.close()
    credential = again.find(issued.api_key)
    assert (credential.scopes, credential.networks) == (Scope.TRADE, grant.networks)
    assert credential.expires_ms == grant.expires_ms
    assert credential.material == issued.secret.encode()


def test_a_revoked_key_is_known_and_of_no_use(customers, ring, url):
    issued = customers.issue_key(16, KeyGrant("bot"), NOW_NS)
    assert customers.revoke_key(issued.api_key, NOW_NS)
    assert ring.find(issued.api_key).revoked
    again, store = KeyRing(), Store(url, SEAL)
    Customers(store, again)
    store.close()
    assert again.find(issued.api_key).revoked
    assert not customers.revoke_key("A" * 64, NOW_NS)


def test_secrets_are_sealed_at_rest(customers, tmp_path):
    issued = customers.issue_key(16, KeyGrant("bot"), NOW_NS)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("gate.db*"))
    assert issued.api_key.encode() in stored
    assert issued.secret.encode() not in stored


def test_a_store_does_not_open_its_secrets_to_another_key(customers, url):
    customers.issue_key(16, KeyGrant("bot"), NOW_NS)
    other = Store(url, bytes(32))
    with pytest.raises(CryptoError):
        Customers(other, KeyRing())
    other.close()


def test_a_secret_moved_to_another_row_does_not_open(customers, store):
    first, second = (customers.issue_key(16, KeyGrant("bot"), NOW_NS) for _ in range(2))
    with store.work() as work:
        rows = [work.key(issued.api_key) for issued in (first, second)]
        rows[0].sealed, rows[1].sealed = rows[1].sealed, rows[0].sealed
    with pytest.raises(AssertionError):
        Customers(store, KeyRing())


def test_nobody_gets_a_key_to_an_account_that_nobody_holds(customers, ring):
    with pytest.raises(IntegrityError):
        customers.issue_key(99, KeyGrant("bot"), NOW_NS)
    assert customers.find(99) is None
    with pytest.raises(KeyRefused):
        ring.find("A" * 64)


def test_work_that_raises_leaves_nothing(store):
    def break_off() -> None:
        with store.work() as work:
            work.add_customer(Customer(account=17, label="bob", created_ns=NOW_NS))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    with store.work() as work:
        assert work.customers() == []


def test_customers_are_listed_by_account(customers, store):
    customers.open(18, "carol", NOW_NS)
    customers.open(17, "bob", NOW_NS)
    with store.work() as work:
        assert [row.label for row in work.customers()] == ["alice", "bob", "carol"]
    found = customers.find(17)
    assert found is not None
    assert found.label == "bob"


def test_fresh_client_ids_are_legal_and_differ():
    made = {fresh_client_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(CLIENT_ID.read("newClientOrderId", text.decode()) == text for text in made)
