"""The small pieces that let one stage's object stand where another stage's port is.

Each class implements one Protocol of a lower package over what the composition root holds.
"""

from typing import Final

import numpy as np

from compliance.ports import AnchorFacts, AssetFacts, CertifiedChunk
from ledger.audit.certifier import Certifier
from ledger.audit.client import GroupClient
from ledger.audit.errors import RequestFailed
from ledger.audit.ledger import Ledger
from ledger.audit.tail import CommandTail
from ledger.engine import Engine
from ledger.journal.journal import Journal
from ledger.journal.ports import Batch
from ledger.readmodel.model import ReadModel
from ledger.readmodel.views import WithdrawalView
from ledger.records.layout import COMMAND, EVENT, OUTCOME
from ledger.settlement.errors import OperatorSilent
from ledger.settlement.store import RoundKind, RoundStep, SettlementStore
from ledger.settlement.wire import decode_anchor

MS_PER_S: Final = 1_000


class DurableCommands:
    """A projection that shows the certifier what became durable, and wakes it."""

    def __init__(self, journal: Journal) -> None:
        self.tail = CommandTail(
            lambda seq: ((frame.first_seq, frame.commands) for frame in journal.read(seq))
        )
        self.seq = journal.last_seq
        self.bell = _nobody

    def apply(self, batch: Batch) -> None:
        """Keep the commands, and wake who waits for them."""
        self.tail.push(batch.first_seq, batch.commands)
        self.seq = batch.last_seq
        self.bell()


def _nobody() -> None:
    """Nobody waits yet."""


class ListedAssets:
    """`compliance.ports.Assets` over the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def asset_facts(self, asset: int) -> AssetFacts:
        """One asset; ids come from certified records, so it exists."""
        row = self._engine.asset(asset)
        assert row is not None, f"asset {asset} is not listed"
        return AssetFacts(row.symbol.decode("ascii"), row.required_checks)


class OpenWithdrawals:
    """`compliance.ports.PendingWithdrawals`: which from the engine, what from the read model."""

    def __init__(self, engine: Engine, history: ReadModel) -> None:
        self._engine = engine
        self._history = history

    def pending_withdrawals(self) -> tuple[int, ...]:
        """Ids that are held or cleared, oldest first."""
        return tuple(self._engine.pending_withdrawals())

    def withdrawal(self, withdrawal_id: int) -> WithdrawalView | None:
        """One withdrawal."""
        return self._history.withdrawal(withdrawal_id)


class LedgerRecords:
    """`compliance.ports.CertifiedRecords` over the venue's certified copy of the ledger."""

    def __init__(self, ledger: Ledger[Engine]) -> None:
        self._ledger = ledger

    def certified_seq(self) -> int:
        """The last certified command."""
        return self._ledger.tip.last_seq

    def time_ns(self, seq: int) -> int:
        """When a certified command was sequenced."""
        return int(self.read(seq, seq).commands["time_ns"][0])

    def read(self, first_seq: int, last_seq: int) -> CertifiedChunk:
        """Records first_seq..last_seq in one piece."""
        parts = list(self._ledger.records(first_seq, last_seq))
        if not parts:
            return CertifiedChunk(
                first_seq, np.empty(0, COMMAND), np.empty(0, OUTCOME), np.empty(0, EVENT)
            )
        return CertifiedChunk(
            first_seq=parts[0].first_seq,
            commands=np.concatenate([part.commands for part in parts]),
            outcomes=np.concatenate([part.outcomes for part in parts]),
            events=np.concatenate([part.events for part in parts]),
        )


class OperatorLine:
    """`ledger.settlement.ports.AsksOperators` over the venue's connections to the replicas."""

    def __init__(self, client: GroupClient, certifier: Certifier[Engine]) -> None:
        self._client = client
        self._certifier = certifier

    async def request(self, operator: str, service: str, payload: bytes, timeout_s: int) -> bytes:
        """One replica's answer, once it has certified all that the venue has.

        Raises:
            OperatorSilent: There is none, or the replica lags too long.
        """
        timeout_ms = timeout_s * MS_PER_S
        try:
            await self._client.wait_replica(operator, self._certifier.certified_seq, timeout_ms)
            return await self._client.request(operator, service, payload, timeout_ms)
        except RequestFailed as error:
            raise OperatorSilent(operator, str(error)) from error


class RecordedAnchors:
    """`compliance.ports.Anchors` over the rounds that settlement brought to the chain."""

    def __init__(self, store: SettlementStore, registry: bytes) -> None:
        self._store = store
        self._registry = registry
        self._read_up_to = 0
        self._by_report: dict[bytes, AnchorFacts] = {}

    def anchor_of_report(self, report_digest: bytes) -> AnchorFacts | None:
        """The first anchor that carries a report's digest; None while none does."""
        self._catch_up()
        return self._by_report.get(report_digest)

    def _catch_up(self) -> None:
        """Rounds are numbered without gaps, and one that was executed never changes."""
        while True:
            round_ = self._store.round(RoundKind.ANCHOR, self._read_up_to + 1)
            if round_ is None or round_.step < RoundStep.EXECUTED:
                return
            self._read_up_to = round_.number
            anchor = decode_anchor(round_.payload)
            facts = AnchorFacts(
                anchor_index=anchor.index,
                block=anchor.block_number,
                chain_block=round_.chain_block,
                tx=round_.tx_hash,
                registry=self._registry,
            )
            for report in anchor.reports:
                self._by_report.setdefault(report.digest, facts)
