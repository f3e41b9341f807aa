"""What settlement needs of the other stages, as small Protocols that the composition root plugs.

The engine's reads are `ledger.engine.Engine`'s, the certified log is what a replica shows its
operator services (`ledger.audit.ports.CertifiedState`) and what the venue's certifier shows.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from ledger.records.codes import WithdrawalStatus


class BatchRow(Protocol):
    """One batch of the engine; `deposit_index` is the deposits credited when it was cut."""

    @property
    def batch(self) -> int: ...
    @property
    def status(self) -> int: ...
    @property
    def cut_seq(self) -> int: ...
    @property
    def deadline_s(self) -> int: ...
    @property
    def deposit_index(self) -> int: ...
    @property
    def withdrawal_ids(self) -> tuple[int, ...]: ...


class WithdrawalRow(Protocol):
    """One withdrawal of the engine; amounts in ledger units, `payee` 20 bytes."""

    @property
    def withdrawal_id(self) -> int: ...
    @property
    def asset(self) -> int: ...
    @property
    def amount_minor(self) -> int: ...
    @property
    def payee(self) -> bytes: ...
    @property
    def status(self) -> WithdrawalStatus: ...


class AssetRow(Protocol):
    """One listed asset; a ledger unit is `unit_wei` of the token's smallest units."""

    @property
    def asset(self) -> int: ...
    @property
    def token(self) -> bytes: ...
    @property
    def unit_wei(self) -> int: ...


class SettlementReads(Protocol):
    """The engine's reads that settlement derives from; consistent between two executions."""

    @property
    def deposit_index(self) -> int:
        """The last deposit credited; 0 before the first."""
        ...

    @property
    def last_batch(self) -> int:
        """The last batch cut; 0 before the first."""
        ...

    @property
    def anchor_index(self) -> int:
        """The last anchor recorded; 0 before the first."""
        ...

    def batch(self, batch: int) -> BatchRow | None:
        """A batch by number; None when it was not cut."""
        ...

    def withdrawal(self, withdrawal_id: int) -> WithdrawalRow | None:
        """A withdrawal by id; None when there is none."""
        ...

    def asset(self, asset: int) -> AssetRow | None:
        """An asset by id; ids are dense from 0, None beyond the last."""
        ...

    def pending_withdrawals(self) -> Sequence[int]:
        """Withdrawals that are held or cleared, oldest first."""
        ...


class CertifiedBlock(Protocol):
    """A certified block, as far as settlement hangs on it."""

    @property
    def number(self) -> int: ...
    @property
    def last_seq(self) -> int: ...
    @property
    def state_root(self) -> bytes: ...
    @property
    def log_size(self) -> int: ...
    @property
    def log_root(self) -> bytes: ...


class CertifiedRecords(Protocol):
    """Certified entries of one block: COMMAND and OUTCOME rows from `first_seq` on."""

    @property
    def first_seq(self) -> int: ...
    @property
    def commands(self) -> NDArray[Any]: ...
    @property
    def outcomes(self) -> NDArray[Any]: ...


class CertifiedLog(Protocol):
    """The certified history."""

    @property
    def block(self) -> CertifiedBlock | None:
        """The last certified block; None before the first."""
        ...

    def header(self, number: int) -> CertifiedBlock | None:
        """A certified block by number; None when it is not certified."""
        ...

    def block_of(self, seq: int) -> CertifiedBlock | None:
        """The certified block that holds a command; None when it is not certified."""
        ...

    def records(self, first_seq: int, last_seq: int) -> Iterator[CertifiedRecords]:
        """The certified entries of a range, block by block, cut to the range."""
        ...


class CertifiedState(CertifiedLog, Protocol):
    """What a replica shows its operator services.

    Until the service's first `await` the engine stands exactly at `block.last_seq`.
    """

    @property
    def engine(self) -> SettlementReads:
        """The replica's own engine."""
        ...


class WaitsCertified(Protocol):
    """The venue's certifier."""

    async def wait_certified(self, seq: int) -> object:
        """Return once the command of that seq stands in a certified block."""
        ...


class AsksOperators(Protocol):
    """The venue's line to the replicas."""

    async def request(self, operator: str, service: str, payload: bytes, timeout_s: int) -> bytes:
        """One replica's answer.

        Raises:
            OperatorSilent: It could not be reached, or did not answer in time.
        """
        ...
