"""What a round is to the coordinator, whatever it brings to the chain: a batch or an anchor."""

from dataclasses import dataclass
from typing import Final, Protocol

from ledger.journal.ports import Submits
from ledger.records.build import command
from ledger.records.codes import CommandKind, Reject
from ledger.settlement.chain import ChainReceipt
from ledger.settlement.eip712 import Anchor, Batch
from ledger.settlement.ports import CertifiedLog, SettlementReads, WaitsCertified
from ledger.settlement.store import Round, RoundKind

EPOCHS_TRIED_MAX: Final = 1_000
"""Past epochs under which a round, executed without my knowing, is looked for."""


@dataclass(frozen=True, slots=True)
class Executed:
    """The chain did what the round asked for."""

    chain_block: int
    tx_hash: bytes
    deferred: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The chain stands right before the round."""


@dataclass(frozen=True, slots=True)
class Stale:
    """The chain's epoch moved on: what was signed is void and must be derived and signed anew."""


Standing = Executed | Waiting | Stale


class Rounds(Protocol):
    """One kind of rounds, as the coordinator drives it."""

    @property
    def kind(self) -> RoundKind: ...
    @property
    def service(self) -> str:
        """The operators' service that signs it."""
        ...

    @property
    def target(self) -> bytes:
        """The contract that executes it."""
        ...

    async def propose(self) -> Round | None:
        """The next round: PROPOSED, or EXECUTED when the chain is ahead; None when none is due."""
        ...

    async def renew(self, round_: Round) -> Round:
        """The same round derived again, for the chain's present epoch."""
        ...

    async def standing(self, round_: Round) -> Standing:
        """Where the chain stands. Raises HeadDiffers when it executed something else."""
        ...

    def message(self, round_: Round) -> Batch | Anchor:
        """What the operators sign."""
        ...

    def calldata(self, round_: Round) -> bytes:
        """The call that executes the signed round."""
        ...

    def executed_in(self, receipt: ChainReceipt) -> Executed:
        """What a mined transaction did for the round. Raises TransactionFailed when nothing."""
        ...

    async def record(self, round_: Round) -> None:
        """Record the execution in the ledger, unless it is."""
        ...


@dataclass(frozen=True, slots=True)
class Venue:
    """The venue's own side: its engine's reads, its certified log, its sequencer."""

    reads: SettlementReads
    log: CertifiedLog
    certifier: WaitsCertified
    sequencer: Submits

    async def submit(self, kind: CommandKind, **fields: int) -> Reject:
        """Sequence one command; NONE when it took effect."""
        ack = await self.sequencer.submit(command(kind, **fields))
        return ack.reject
