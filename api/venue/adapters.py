"""The small pieces that let one stage's object stand where another stage's port is.

Each class implements one Protocol of a lower package over what the composition root holds.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from compliance.ports import AnchorFacts, AssetFacts, CertifiedChunk
from ledger.audit.client import GroupClient
from ledger.audit.errors import RequestFailed
from ledger.audit.ledger import Ledger
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
RECENT_MAX: Final = 1 << 18
"""Durable commands that stay in memory until they are certified (32 MiB)."""


class DurableCommands:
    """`ledger.audit.ports.CommandSource`: what the certifier submits, and the bell that wakes it.

    A projection, so it sees every durable command; the newest stay in memory until they are
    certified; older ones (after a restart, or a long outage of the group) come from the journal.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._recent: deque[tuple[int, NDArray[Any]]] = deque()
        self._held = 0
        self.seq = journal.last_seq
        self.bell: Callable[[], None] = _nobody

    def apply(self, batch: Batch) -> None:
        """Keep the commands, and wake who waits for them."""
        self._recent.append((batch.first_seq, batch.commands.copy()))
        self._held += len(batch.commands)
        while self._held > RECENT_MAX:
            self._held -= len(self._recent.popleft()[1])
        self.seq = batch.last_seq
        self.bell()

    def commands(self, first_seq: int, limit: int) -> NDArray[Any]:
        """Durable commands from `first_seq` on, at most `limit`; none when there are none yet."""
        if first_seq > self.seq:
            return np.empty(0, COMMAND)
        while self._recent and self._recent[0][0] + len(self._recent[0][1]) <= first_seq:
            self._held -= len(self._recent.popleft()[1])
        if self._recent and self._recent[0][0] <= first_seq:
            return _from(self._recent, first_seq, limit)
        frames = ((frame.first_seq, frame.commands) for frame in self._journal.read(first_seq))
        return _from(frames, first_seq, limit)


def _nobody() -> None:
    """Nobody waits yet."""


def _from(runs: Iterable[tuple[int, NDArray[Any]]], first_seq: int, limit: int) -> NDArray[Any]:
    """The commands from `first_seq` on out of consecutive runs, at most `limit`."""
    parts: list[NDArray[Any]] = []
    missing = limit
    for start, commands in runs:
        part = commands[max(0, first_seq - start) :][:missing]
        parts.append(part)
        missing -= len(part)
        if missing == 0:
            break
    return np.concatenate(parts) if parts else np.empty(0, COMMAND)


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

    def __init__(self, client: GroupClient) -> None:
        self._client = client

    async def request(self, operator: str, service: str, payload: bytes, timeout_s: int) -> bytes:
        """One replica's answer; OperatorSilent when there is none."""
        try:
            return await self._client.request(operator, service, payload, timeout_s * MS_PER_S)
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
