"""Withdrawals that passed every check leave in batches, oldest first, one batch in flight."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ledger.records.build import digest_fields
from ledger.records.codes import CommandKind, Reject, WithdrawalStatus
from ledger.settlement.batching import BatchFacts, derive_facts
from ledger.settlement.chain import ChainReceipt
from ledger.settlement.custody import Custody, VaultCursor, execute_call
from ledger.settlement.eip712 import PAYOUTS_MAX, ZERO_DIGEST, Batch, batch_digest
from ledger.settlement.errors import (
    ChainInconsistent,
    CommandRejected,
    HeadDiffers,
    TransactionFailed,
)
from ledger.settlement.ports import BatchRow
from ledger.settlement.rounds import EPOCHS_TRIED_MAX, Executed, Stale, Standing, Venue, Waiting
from ledger.settlement.signer import BATCH_SERVICE
from ledger.settlement.store import Round, RoundKind, RoundStep
from ledger.settlement.wire import decode_batch, encode

DAY_S: Final = 86_400
DEADLINE_AFTER_S: Final = 30 * DAY_S
"""A batch cannot be cut again, so its deadline outlives any outage that the venue would survive."""
CONFIRMED: Final = 2
"""`ledger.engine.BatchStatus.CONFIRMED`."""
DEFERRED_BYTES: Final = 32


class BatchRounds:
    """The batches of one venue and one vault."""

    kind = RoundKind.BATCH
    service = BATCH_SERVICE

    def __init__(
        self,
        venue: Venue,
        custody: Custody,
        now_s: Callable[[], int],
        payouts_max: int = PAYOUTS_MAX,
    ) -> None:
        assert 1 <= payouts_max <= PAYOUTS_MAX
        self._venue = venue
        self._custody = custody
        self._now_s = now_s
        self._payouts_max = payouts_max

    @property
    def target(self) -> bytes:
        """The vault."""
        return self._custody.deployment.vault

    async def propose(self) -> Round | None:
        """The batch in flight, or a new one when withdrawals wait; derived once it is certified.

        Raises:
            CommandRejected: The engine does not cut.
            HeadDiffers: The chain executed another batch under this number.
            NotCertified, ChainInconsistent, ChainDown, ChainRefused: Not now.
        """
        reads = self._venue.reads
        row = reads.batch(reads.last_batch)
        if row is None or row.status == CONFIRMED:
            row = await self._cut(reads.last_batch + 1) if self._is_waiting() else None
        if row is None:
            return None
        await self._venue.certifier.wait_certified(row.cut_seq)
        return await self._derive(row.batch)

    def _is_waiting(self) -> bool:
        reads = self._venue.reads
        waiting = (reads.withdrawal(number) for number in reads.pending_withdrawals())
        return any(one is not None and one.status == WithdrawalStatus.CLEARED for one in waiting)

    async def _cut(self, number: int) -> BatchRow | None:
        reject = await self._venue.submit(
            CommandKind.CUT_BATCH,
            batch=number,
            deadline_s=self._now_s() + DEADLINE_AFTER_S,
            payouts_max=self._payouts_max,
        )
        if reject == Reject.NOTHING_CLEARED:
            return None
        if reject != Reject.NONE:
            raise CommandRejected(CommandKind.CUT_BATCH.name, reject.name)
        return self._venue.reads.batch(number)

    async def _derive(self, number: int) -> Round:
        facts = derive_facts(self._venue.reads, self._venue.log, number)
        cursor = await self._custody.vault_cursor()
        if cursor.seq >= number:
            return await self._recognise(facts, cursor)
        if cursor.seq < number - 1:
            raise ChainInconsistent("vault.seq", str(number - 1), str(cursor.seq))
        return self._proposed(facts.at(cursor))

    def _proposed(self, batch: Batch) -> Round:
        digest = batch_digest(batch, self._custody.chain_id, self.target)
        return Round(self.kind, batch.seq, RoundStep.PROPOSED, digest, encode(batch))

    async def _recognise(self, facts: BatchFacts, cursor: VaultCursor) -> Round:
        """The round of a batch that the chain executed and this venue's store knows nothing of."""
        executed = await self._custody.find_batch(facts.seq)
        former = None if facts.seq == 1 else await self._custody.find_batch(facts.seq - 1)
        if executed is None or (former is None and facts.seq > 1):
            raise ChainInconsistent("BatchExecuted", f"batch {facts.seq}", "no log")
        head = ZERO_DIGEST if former is None else former.head
        oldest = max(0, cursor.epoch - EPOCHS_TRIED_MAX)
        for epoch in range(cursor.epoch, oldest, -1):
            round_ = self._proposed(facts.at(replace(cursor, epoch=epoch, head=head)))
            if round_.digest == executed.head:
                return replace(
                    round_,
                    step=RoundStep.EXECUTED,
                    tx_hash=executed.tx_hash,
                    chain_block=executed.block_number,
                    deferred=executed.deferred,
                )
        mine = self._proposed(facts.at(replace(cursor, head=head))).digest
        raise HeadDiffers(self.kind, facts.seq, mine, executed.head)

    async def renew(self, round_: Round) -> Round:
        """Derive the batch again for the vault's present epoch; errors as in `propose`."""
        return await self._derive(round_.number)

    async def standing(self, round_: Round) -> Standing:
        """Compare the vault's number and head with mine.

        Raises:
            HeadDiffers: The vault executed another batch under my number, or before it.
            ChainInconsistent: The vault stands further back than it did.
        """
        mine = decode_batch(round_.payload)
        cursor = await self._custody.vault_cursor()
        if cursor.seq >= mine.seq:
            executed = await self._custody.find_batch(mine.seq)
            if executed is None:
                raise ChainInconsistent("BatchExecuted", f"batch {mine.seq}", "no log")
            if executed.head != round_.digest:
                raise HeadDiffers(self.kind, mine.seq, round_.digest, executed.head)
            return Executed(executed.block_number, executed.tx_hash, executed.deferred)
        if cursor.seq < mine.seq - 1:
            raise ChainInconsistent("vault.seq", str(mine.seq - 1), str(cursor.seq))
        if cursor.head != mine.previous_head:
            raise HeadDiffers(self.kind, mine.seq - 1, mine.previous_head, cursor.head)
        return Waiting() if cursor.epoch == mine.epoch else Stale()

    def message(self, round_: Round) -> Batch:
        """The batch that the operators sign."""
        return decode_batch(round_.payload)

    def calldata(self, round_: Round) -> bytes:
        """HotVault.execute of the signed batch."""
        return execute_call(decode_batch(round_.payload), round_.signatures)

    def executed_in(self, receipt: ChainReceipt) -> Executed:
        """What the mined transaction did. Raises TransactionFailed when it executed nothing."""
        executed = self._custody.executed_in(receipt) if receipt.succeeded else None
        if executed is None:
            raise TransactionFailed(receipt.tx_hash)
        return Executed(executed.block_number, executed.tx_hash, executed.deferred)

    async def record(self, round_: Round) -> None:
        """Confirm the batch in the ledger, unless it is confirmed already.

        Raises:
            CommandRejected: The engine does not take the confirmation.
        """
        row = self._venue.reads.batch(round_.number)
        if row is not None and row.status == CONFIRMED:
            return
        reject = await self._venue.submit(
            CommandKind.CONFIRM_BATCH,
            batch=round_.number,
            chain_block=round_.chain_block,
            **digest_fields("tx", round_.tx_hash),
            **digest_fields("deferred", round_.deferred.to_bytes(DEFERRED_BYTES, "little")),
        )
        if reject != Reject.NONE:
            raise CommandRejected(CommandKind.CONFIRM_BATCH.name, reject.name)
