"""What settlement must remember: rounds in progress, what was signed, how far deposits are proven.

Each method is one transaction, durable (SQLite, synchronous=FULL) when it returns. Queries on these
tables stand in this module alone. Tables: docs/spec/settlement.md, section 6.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event
from sqlmodel import Field, Session, SQLModel, col, create_engine, select, text

from ledger.settlement.errors import StoreVersion

STORE_VERSION: Final = 1


class RoundKind(StrEnum):
    """What a round brings to the chain."""

    BATCH = "batch"
    ANCHOR = "anchor"


class RoundStep(IntEnum):
    """How far a round is: each step is on disk before the next begins."""

    PROPOSED = 1
    SIGNED = 2
    PREPARED = 3
    EXECUTED = 4
    RECORDED = 5


@dataclass(frozen=True, slots=True)
class Round:
    """One batch or anchor on its way to the chain and back.

    Attributes:
        kind, number: Which; numbers have no gaps.
        step: How far.
        digest, payload: What the operators sign: the EIP-712 digest and the encoded message.
        signatures: 65 bytes each, ascending by owner; empty before SIGNED.
        raw, tx_hash, nonce: The relayer's transaction; empty and -1 before PREPARED.
        chain_block: Where it was executed; 0 before EXECUTED.
        deferred: Of a batch: bit i set when payout i became claimable.
    """

    kind: RoundKind
    number: int
    step: RoundStep
    digest: bytes
    payload: bytes
    signatures: bytes = b""
    raw: bytes = b""
    tx_hash: bytes = b""
    nonce: int = -1
    chain_block: int = 0
    deferred: int = 0


@dataclass(frozen=True, slots=True)
class Signed:
    """What an operator signed under one (kind, epoch, number); it never signs another."""

    digest: bytes
    payload: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class DepositMark:
    """Up to where the certified credits are proven on the chain; all zero before the first."""

    seq: int = 0
    index: int = 0
    chain_block: int = 0


class RoundRow(SQLModel, table=True):
    """A Round; `deferred` is 32 bytes, big-endian."""

    __tablename__ = "round"
    kind: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    step: int = Field(index=True)
    digest: bytes
    payload: bytes
    signatures: bytes
    raw: bytes
    tx_hash: bytes
    nonce: int
    chain_block: int
    deferred: bytes


class SignedRow(SQLModel, table=True):
    """A Signed."""

    __tablename__ = "signed"
    kind: str = Field(primary_key=True)
    epoch: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    digest: bytes
    payload: bytes
    signature: bytes


class DepositMarkRow(SQLModel, table=True):
    """The one DepositMark."""

    __tablename__ = "deposit_mark"
    id: int = Field(primary_key=True)
    seq: int
    index: int
    chain_block: int


_MARK_ID: Final = 1


class SettlementStore:
    """One process's settlement database: a venue's, or an operator's."""

    def __init__(self, path: Path) -> None:
        """Open or create the database.

        Raises:
            StoreVersion: Another version wrote it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = create_engine(f"sqlite:///{path}")
        event.listen(self._database, "connect", _make_durable)
        with self._database.begin() as connection:
            found = connection.execute(text("PRAGMA user_version")).scalar_one()
            if found not in (0, STORE_VERSION):
                raise StoreVersion(str(path), STORE_VERSION, found)
            tables = [
                SQLModel.metadata.tables[name] for name in ("round", "signed", "deposit_mark")
            ]
            SQLModel.metadata.create_all(connection, tables)
            connection.execute(text(f"PRAGMA user_version={STORE_VERSION}"))

    def close(self) -> None:
        """Close every connection."""
        self._database.dispose()

    @contextmanager
    def _work(self) -> Iterator[Session]:
        """One unit of work: committed when the block ends, rolled back when it raises."""
        with Session(self._database) as session:
            yield session
            session.commit()

    # Rounds

    def save_round(self, round_: Round) -> None:
        """Insert or replace a round."""
        with self._work() as session:
            session.merge(_round_row(round_))

    def open_round(self, kind: RoundKind) -> Round | None:
        """The round of that kind that is not recorded yet: at most one is."""
        query = select(RoundRow).where(RoundRow.kind == kind, RoundRow.step < RoundStep.RECORDED)
        with self._work() as session:
            row = session.exec(query).one_or_none()
            return None if row is None else _round(row)

    def round(self, kind: RoundKind, number: int) -> Round | None:
        """A round by number."""
        with self._work() as session:
            row = session.get(RoundRow, (kind, number))
            return None if row is None else _round(row)

    def last_round(self, kind: RoundKind) -> Round | None:
        """The highest-numbered round of that kind."""
        query = select(RoundRow).where(RoundRow.kind == kind).order_by(col(RoundRow.number).desc())
        with self._work() as session:
            row = session.exec(query).first()
            return None if row is None else _round(row)

    def prepared_nonces(self) -> frozenset[int]:
        """Nonces of relayer transactions that are prepared and not seen executed."""
        query = select(RoundRow.nonce).where(RoundRow.step == RoundStep.PREPARED)
        with self._work() as session:
            return frozenset(session.exec(query).all())

    # What an operator signed

    def signed(self, kind: RoundKind, epoch: int, number: int) -> Signed | None:
        """What was signed under that number in that epoch."""
        with self._work() as session:
            row = session.get(SignedRow, (kind, epoch, number))
            return None if row is None else Signed(row.digest, row.payload, row.signature)

    def save_signed(self, kind: RoundKind, epoch: int, number: int, signed: Signed) -> None:
        """Remember a signature before it is given out. A number is signed once."""
        row = SignedRow(
            kind=kind,
            epoch=epoch,
            number=number,
            digest=signed.digest,
            payload=signed.payload,
            signature=signed.signature,
        )
        with self._work() as session:
            session.add(row)

    # How far deposits are proven

    def deposit_mark(self) -> DepositMark:
        """Up to where deposits are proven."""
        with self._work() as session:
            row = session.get(DepositMarkRow, _MARK_ID)
            return (
                DepositMark() if row is None else DepositMark(row.seq, row.index, row.chain_block)
            )

    def save_deposit_mark(self, mark: DepositMark) -> None:
        """Move the mark."""
        row = DepositMarkRow(
            id=_MARK_ID, seq=mark.seq, index=mark.index, chain_block=mark.chain_block
        )
        with self._work() as session:
            session.merge(row)


def _make_durable(connection: Any, _: object) -> None:  # noqa: ANN401  # SQLAlchemy's hook
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _round_row(round_: Round) -> RoundRow:
    return RoundRow(
        kind=round_.kind,
        number=round_.number,
        step=round_.step,
        digest=round_.digest,
        payload=round_.payload,
        signatures=round_.signatures,
        raw=round_.raw,
        tx_hash=round_.tx_hash,
        nonce=round_.nonce,
        chain_block=round_.chain_block,
        deferred=round_.deferred.to_bytes(32, "big"),
    )


def _round(row: RoundRow) -> Round:
    return Round(
        kind=RoundKind(row.kind),
        number=row.number,
        step=RoundStep(row.step),
        digest=row.digest,
        payload=row.payload,
        signatures=row.signatures,
        raw=row.raw,
        tx_hash=row.tx_hash,
        nonce=row.nonce,
        chain_block=row.chain_block,
        deferred=int.from_bytes(row.deferred, "big"),
    )
