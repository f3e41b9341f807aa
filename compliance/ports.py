"""What compliance needs of the stages below: certified state in, commands out, as Protocols."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from ledger.readmodel.views import TradeView
from ledger.records.codes import WithdrawalStatus


class PendingWithdrawal(Protocol):
    """A withdrawal as the engine's state holds it. Read-only; `WithdrawalView` satisfies it."""

    @property
    def withdrawal_id(self) -> int:
        """The seq of the command that asked for it."""
        ...

    @property
    def account(self) -> int:
        """Who withdraws."""
        ...

    @property
    def asset(self) -> int:
        """What."""
        ...

    @property
    def amount_minor(self) -> int:
        """What the payee gets, in ledger units."""
        ...

    @property
    def payee(self) -> bytes:
        """20 bytes."""
        ...

    @property
    def travel(self) -> bytes:
        """Commitment to the travel-rule payload, 32 bytes, zero when none was given."""
        ...

    @property
    def status(self) -> WithdrawalStatus:
        """Only HELD ones are decided."""
        ...

    @property
    def checks_passed(self) -> int:
        """Bits of `Check` that were approved."""
        ...

    @property
    def created_ns(self) -> int:
        """When it was sequenced: the date that the rules go by."""
        ...


class PendingWithdrawals(Protocol):
    """The certified state's open withdrawals."""

    def pending_withdrawals(self) -> Iterable[int]:
        """Ids that are HELD or CLEARED, oldest first."""
        ...

    def withdrawal(self, withdrawal_id: int) -> PendingWithdrawal | None:
        """One withdrawal."""
        ...


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """What the checks need of an asset. `required_checks` are bits of `Check`."""

    symbol: str
    required_checks: int


class Assets(Protocol):
    """The listed assets."""

    def asset_facts(self, asset: int) -> AssetFacts:
        """One asset; ids come from certified records, so an unknown one is a bug."""
        ...


@dataclass(frozen=True, slots=True)
class CertifiedChunk:
    """Consecutive certified records.

    Attributes:
        first_seq: Of the first command.
        commands: COMMAND dtype, shape (n,).
        outcomes: OUTCOME dtype, shape (n,): outcome i belongs to command i.
        events: EVENT dtype, shape (m,), in order; each row's `seq` is its command's.
    """

    first_seq: int
    commands: NDArray[Any]
    outcomes: NDArray[Any]
    events: NDArray[Any]


class CertifiedRecords(Protocol):
    """The certified log's commands with their results. Seqs count from 1."""

    def certified_seq(self) -> int:
        """The last certified command; 0 when there is none."""
        ...

    def time_ns(self, seq: int) -> int:
        """When a certified command was sequenced; cheap, in any order."""
        ...

    def read(self, first_seq: int, last_seq: int) -> CertifiedChunk:
        """Records first_seq..last_seq, both inclusive and certified; asked for in order."""
        ...


class ReadsCommands(Protocol):
    """Durable commands by seq: the journal, or a replica's blocks."""

    def commands(self, first_seq: int, limit: int) -> NDArray[Any]:
        """COMMAND rows first_seq, first_seq + 1, ...: at most `limit`."""
        ...


class Execution(Protocol):
    """What one call of `execute` brought."""

    @property
    def outcomes(self) -> NDArray[Any]:
        """OUTCOME rows, one a command."""
        ...

    @property
    def events(self) -> NDArray[Any]:
        """EVENT rows, in order."""
        ...


class Executes(Protocol):
    """A deterministic state machine of stage 3. `ledger.engine.Engine` is one."""

    @property
    def seq(self) -> int:
        """The last executed command; 0 before the first."""
        ...

    def execute(self, commands: NDArray[Any]) -> Execution:
        """Execute the commands that follow `seq`."""
        ...


@dataclass(frozen=True, slots=True)
class AnchorFacts:
    """Where a report's digest stands on the chain.

    Attributes:
        anchor_index: The registry's own counter.
        block: The certified block that the anchor commits to.
        chain_block: Block of the EVM chain.
        tx: Transaction hash, 32 bytes.
        registry: Contract address, 20 bytes.
    """

    anchor_index: int
    block: int
    chain_block: int
    tx: bytes
    registry: bytes


class Receipts(Protocol):
    """Proofs from the audit log."""

    def receipt_for(self, seq: int, event_index: int | None) -> str:
        """The C2SP receipt text of a command's entry (None) or of one of its events.

        Raises:
            LedgerError: Not certified yet, or unknown.
        """
        ...


class Anchors(Protocol):
    """Anchors on the chain."""

    def anchor_of_report(self, report_digest: bytes) -> AnchorFacts | None:
        """The anchor that carries a report's digest; None while it is not anchored."""
        ...


class Trades(Protocol):
    """The read model's trades."""

    def trade(self, instrument: int, trade_id: int) -> TradeView | None:
        """One trade."""
        ...
