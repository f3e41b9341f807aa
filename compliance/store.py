"""What compliance keeps off the ledger: keys, sealed payloads, decisions, reports. SQL only here.

SQLite by default, any SQLAlchemy URL otherwise. A payload is sealed under its subject's own key:
destroying the key (`shred`) makes the payload unreadable in every backup, while the ledger's
commitment stays, forever opaque.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from sqlalchemy import BigInteger, Column, Engine, LargeBinary
from sqlalchemy.pool import StaticPool
from sqlmodel import Field, Session, SQLModel, create_engine, select

from compliance.commitment import SALT_BYTES, TRAVEL_DOMAIN, commit, decision_salt
from compliance.errors import PayloadCorrupt, StoreForeign, SubjectKeyDestroyed
from ledger.records.codes import Check, Verdict

STORE_VERSION: Final = 1
KEY_BYTES: Final = SecretBox.KEY_SIZE
Entropy = Callable[[int], bytes]


_TABLES: Final = (
    "compliance_store",
    "compliance_subject",
    "compliance_payload",
    "compliance_decision",
    "compliance_report",
)


class StoreRow(SQLModel, table=True):
    """The one row that makes a database a compliance store."""

    __tablename__ = "compliance_store"

    version: int = Field(primary_key=True)
    key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SubjectRow(SQLModel, table=True):
    """A subject's sealing key; NULL once it was destroyed."""

    __tablename__ = "compliance_subject"

    account: int = Field(primary_key=True, sa_type=BigInteger)
    key: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))


class PayloadRow(SQLModel, table=True):
    """A travel-rule payload: nonce, and salt ‖ canonical bytes sealed under the subject's key."""

    __tablename__ = "compliance_payload"

    commitment: bytes = Field(sa_column=Column(LargeBinary(32), primary_key=True))
    account: int = Field(index=True, sa_type=BigInteger)
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class DecisionRow(SQLModel, table=True):
    """One decision, exactly one for each withdrawal and check."""

    __tablename__ = "compliance_decision"

    withdrawal_id: int = Field(primary_key=True, sa_type=BigInteger)
    check_code: int = Field(primary_key=True)
    verdict: int
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    pack_hash: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    record: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ReportRow(SQLModel, table=True):
    """A report that was recorded in the ledger; its id is the recording command's seq."""

    __tablename__ = "compliance_report"

    report_id: int = Field(primary_key=True, sa_type=BigInteger)
    kind: int
    from_seq: int = Field(sa_type=BigInteger)
    to_seq: int = Field(sa_type=BigInteger)
    digest: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, index=True))
    pack_hash: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    generator: str
    records: int = Field(sa_type=BigInteger)
    size: int = Field(sa_type=BigInteger)
    path: str


@dataclass(frozen=True, slots=True)
class StoredPayload:
    """A payload as it was accepted."""

    account: int
    canonical: bytes


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision as it stands: `digest` is what the ledger holds, `salt` opens it."""

    withdrawal_id: int
    check: Check
    verdict: Verdict
    digest: bytes
    pack_hash: bytes
    record: bytes
    salt: bytes


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report's metadata; `path` leads to its bytes."""

    report_id: int
    kind: int
    from_seq: int
    to_seq: int
    digest: bytes
    pack_hash: bytes
    generator: str
    records: int
    size: int
    path: str


def open_store(url: str = "sqlite://", entropy: Entropy = secrets.token_bytes) -> "ComplianceStore":
    """Open or create a store.

    Args:
        url: SQLAlchemy URL; the default lives in memory.
        entropy: Source of keys, salts and nonces: n to n bytes.

    Raises:
        StoreForeign: Made by another version.
    """
    options: dict[str, Any] = {}
    if url == "sqlite://":
        # One connection, or each thread would see a database of its own.
        options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    engine = create_engine(url, **options)
    SQLModel.metadata.create_all(engine, [SQLModel.metadata.tables[name] for name in _TABLES])
    with Session(engine) as session:
        row = session.exec(select(StoreRow)).first()
        if row is None:
            row = StoreRow(version=STORE_VERSION, key=entropy(KEY_BYTES))
            session.add(row)
            session.commit()
            session.refresh(row)
        if row.version != STORE_VERSION:
            raise StoreForeign(row.version, STORE_VERSION)
        return ComplianceStore(engine, row.key, entropy)


class ComplianceStore:
    """Queries and transactions. Each method is one transaction."""

    __slots__ = ("_engine", "_entropy", "_key")

    def __init__(self, engine: Engine, key: bytes, entropy: Entropy) -> None:
        self._engine = engine
        self._key = key
        self._entropy = entropy

    def close(self) -> None:
        """Release the connections."""
        self._engine.dispose()

    # --- payloads ---------------------------------------------------------------------------

    def add_payload(self, account: int, canonical: bytes) -> bytes:
        """Seal a payload under its subject's key.

        Returns:
            The commitment for the withdrawal command, 32 bytes.

        Raises:
            SubjectKeyDestroyed: The subject was erased; nothing may be kept about it.
        """
        salt = self._entropy(SALT_BYTES)
        commitment = commit(TRAVEL_DOMAIN, salt, canonical)
        with Session(self._engine) as session:
            key = self._subject_key(session, account)
            nonce = self._entropy(SecretBox.NONCE_SIZE)
            sealed = bytes(SecretBox(key).encrypt(salt + canonical, nonce))
            session.add(PayloadRow(commitment=commitment, account=account, sealed=sealed))
            session.commit()
        return commitment

    def payload(self, commitment: bytes) -> StoredPayload | None:
        """Open the payload behind a commitment; None when there is none.

        Raises:
            SubjectKeyDestroyed: It can never be opened again.
            PayloadCorrupt: The bytes were changed after they were sealed.
        """
        with Session(self._engine) as session:
            row = session.get(PayloadRow, commitment)
            if row is None:
                return None
            subject = session.get(SubjectRow, row.account)
            if subject is None or subject.key is None:
                raise SubjectKeyDestroyed(row.account)
            account, sealed, key = row.account, row.sealed, subject.key
        try:
            opened = SecretBox(key).decrypt(sealed)
        except CryptoError:
            raise PayloadCorrupt(commitment) from None
        salt, canonical = opened[:SALT_BYTES], opened[SALT_BYTES:]
        if len(salt) != SALT_BYTES or commit(TRAVEL_DOMAIN, salt, canonical) != commitment:
            raise PayloadCorrupt(commitment)
        return StoredPayload(account, canonical)

    def shred(self, account: int) -> None:
        """Destroy a subject's key. There is no way back."""
        with Session(self._engine) as session:
            row = session.get(SubjectRow, account) or SubjectRow(account=account)
            row.key = None
            session.add(row)
            session.commit()

    def _subject_key(self, session: Session, account: int) -> bytes:
        row = session.get(SubjectRow, account)
        if row is None:
            row = SubjectRow(account=account, key=self._entropy(KEY_BYTES))
            session.add(row)
        if row.key is None:
            raise SubjectKeyDestroyed(account)
        return row.key

    # --- decisions --------------------------------------------------------------------------

    def salt(self, withdrawal_id: int, check: Check) -> bytes:
        """The salt of one decision: derived, so that a re-run commits to the same bytes."""
        return decision_salt(self._key, withdrawal_id, int(check))

    def keep_decision(self, decision: StoredDecision) -> StoredDecision:
        """Keep a decision, or return the one that already stands: the first one made is final."""
        standing = self.decision(decision.withdrawal_id, decision.check)
        if standing is not None:
            return standing
        with Session(self._engine) as session:
            row = DecisionRow(
                withdrawal_id=decision.withdrawal_id,
                check_code=int(decision.check),
                verdict=int(decision.verdict),
                digest=decision.digest,
                pack_hash=decision.pack_hash,
                record=decision.record,
            )
            session.add(row)
            session.commit()
        return decision

    def decision(self, withdrawal_id: int, check: Check) -> StoredDecision | None:
        """The decision that stands, if one was made."""
        with Session(self._engine) as session:
            row = session.get(DecisionRow, (withdrawal_id, int(check)))
            if row is None:
                return None
            return StoredDecision(
                withdrawal_id=row.withdrawal_id,
                check=check,
                verdict=Verdict(row.verdict),
                digest=row.digest,
                pack_hash=row.pack_hash,
                record=row.record,
                salt=self.salt(withdrawal_id, check),
            )

    # --- reports ----------------------------------------------------------------------------

    def keep_report(self, report: StoredReport) -> None:
        """Keep a report's metadata once its digest is in the ledger. Idempotent."""
        with Session(self._engine) as session:
            if session.get(ReportRow, report.report_id) is None:
                session.add(ReportRow(**{name: getattr(report, name) for name in _REPORT_FIELDS}))
                session.commit()

    def report(self, report_id: int) -> StoredReport | None:
        """One report by its id."""
        with Session(self._engine) as session:
            row = session.get(ReportRow, report_id)
            return None if row is None else _report(row)

    def report_by_digest(self, digest: bytes) -> StoredReport | None:
        """The report with these bytes, if one was recorded."""
        with Session(self._engine) as session:
            row = session.exec(select(ReportRow).where(ReportRow.digest == digest)).first()
            return None if row is None else _report(row)

    def reports(self, after_id: int = 0, limit: int = 100) -> tuple[StoredReport, ...]:
        """Reports with larger ids than `after_id`, oldest first, at most `limit`."""
        query = select(ReportRow).where(ReportRow.report_id > after_id)
        with Session(self._engine) as session:
            rows = session.exec(query.order_by("report_id").limit(limit)).all()
            return tuple(_report(row) for row in rows)


_REPORT_FIELDS: Final = StoredReport.__slots__


def _report(row: ReportRow) -> StoredReport:
    return StoredReport(**{name: getattr(row, name) for name in _REPORT_FIELDS})
