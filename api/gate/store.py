"""The gate's tables: customers, API keys, regulator tokens, and who looked at what.

Queries live here alone; everything else asks a `Work`. A `Work` commits as a whole or not at all.
Secrets that must be read again (HMAC needs them) are sealed with the store's key, bound to their
row; tokens that are only compared are kept as hashes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from nacl.secret import SecretBox
from sqlalchemy import BigInteger, Engine, LargeBinary, event
from sqlmodel import Column, Field, Session, SQLModel, col, create_engine, select

SEAL_KEY_BYTES: Final = SecretBox.KEY_SIZE
_SCHEMA: Final = SQLModel.metadata


class Customer(SQLModel, table=True):
    """Who holds an account. The person's data is not here: see stage 7."""

    __tablename__ = "customer"
    account: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    label: str = Field(max_length=128)
    created_ns: int = Field(sa_type=BigInteger)


class ApiKey(SQLModel, table=True):
    """One API key. `session` is its ordinal, which its commands carry into the ledger."""

    __tablename__ = "api_key"
    session: int | None = Field(default=None, primary_key=True)
    api_key: str = Field(max_length=64, unique=True)
    account: int = Field(foreign_key="customer.account", index=True)
    label: str = Field(max_length=128)
    scheme: int
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    scopes: int
    networks: str = Field(default="", max_length=1024)
    expires_ms: int | None = Field(default=None, sa_type=BigInteger)
    created_ns: int = Field(sa_type=BigInteger)
    revoked_ns: int | None = Field(default=None, sa_type=BigInteger)


class RegulatorToken(SQLModel, table=True):
    """One regulator credential: the hash of its secret."""

    __tablename__ = "regulator_token"
    token_id: str = Field(primary_key=True, max_length=16)
    label: str = Field(max_length=128)
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_ns: int = Field(sa_type=BigInteger)
    revoked_ns: int | None = Field(default=None, sa_type=BigInteger)


class RegulatorAccess(SQLModel, table=True):
    """One look of a regulator, refused ones included."""

    __tablename__ = "regulator_access"
    access_id: int | None = Field(default=None, primary_key=True)
    at_ns: int = Field(index=True, sa_type=BigInteger)
    token_id: str = Field(max_length=16)
    method: str = Field(max_length=8)
    path: str = Field(max_length=512)
    status: int


class Work:
    """One unit of work: queries and changes that belong together."""

    def __init__(self, session: Session, box: SecretBox) -> None:
        self._session = session
        self._box = box

    def add_customer(self, customer: Customer) -> None:
        """Add a customer whose account is new."""
        self._session.add(customer)
        self._session.flush()

    def customer(self, account: int) -> Customer | None:
        """The holder of an account."""
        return self._session.get(Customer, account)

    def customers(self) -> list[Customer]:
        """Everybody, by account."""
        return list(self._session.exec(select(Customer).order_by(col(Customer.account))))

    def add_key(self, key: ApiKey, secret: bytes) -> int:
        """Add a key with its secret sealed; returns its session ordinal."""
        key.sealed = bytes(self._box.encrypt(key.api_key.encode() + secret))
        self._session.add(key)
        self._session.flush()
        assert key.session is not None, "a flushed row has its id"
        return key.session

    def api_keys(self) -> list[ApiKey]:
        """Every key ever issued, by session."""
        return list(self._session.exec(select(ApiKey).order_by(col(ApiKey.session))))

    def key(self, api_key: str) -> ApiKey | None:
        """The key with this public name."""
        return self._session.exec(select(ApiKey).where(ApiKey.api_key == api_key)).one_or_none()

    def secret(self, key: ApiKey) -> bytes:
        """The secret of a key.

        Raises:
            nacl.exceptions.CryptoError: The store's key is another one, or the row was changed.
        """
        opened = self._box.decrypt(key.sealed)
        name = key.api_key.encode()
        assert opened.startswith(name), "the secret of another row"
        return opened[len(name) :]

    def add_token(self, token: RegulatorToken) -> None:
        """Add a regulator's credential."""
        self._session.add(token)
        self._session.flush()

    def token(self, token_id: str) -> RegulatorToken | None:
        """The regulator's credential with this id."""
        return self._session.get(RegulatorToken, token_id)

    def add_access(self, access: RegulatorAccess) -> None:
        """Record one look."""
        self._session.add(access)

    def accesses(self) -> list[RegulatorAccess]:
        """Every look, oldest first."""
        return list(
            self._session.exec(select(RegulatorAccess).order_by(col(RegulatorAccess.access_id)))
        )


class Store:
    """The gate's database. `url` is any SQLAlchemy URL; SQLite needs no server."""

    def __init__(self, url: str, seal_key: bytes) -> None:
        assert len(seal_key) == SEAL_KEY_BYTES, "the key that seals secrets has 32 bytes"
        self._box = SecretBox(seal_key)
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _tune_sqlite)
        _SCHEMA.create_all(
            self._engine,
            tables=[
                _SCHEMA.tables[str(model.__tablename__)]
                for model in (Customer, ApiKey, RegulatorToken, RegulatorAccess)
            ],
        )

    @property
    def engine(self) -> Engine:
        """For whoever disposes of it."""
        return self._engine

    @contextmanager
    def work(self) -> Iterator[Work]:
        """A unit of work: commits when the block ends well, rolls back when it raises."""
        with Session(self._engine, expire_on_commit=False) as session:
            yield Work(session, self._box)
            session.commit()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _tune_sqlite(connection: object, _record: object) -> None:
    """Readers do not wait for the writer, a commit is on disk, and foreign keys hold."""
    cursor = connection.cursor()  # type: ignore[attr-defined]  # a DB-API connection has no type
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
