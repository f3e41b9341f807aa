"""From certified state to the batch that everybody must derive alike. Pure.

The venue and every operator run this over their own engine and their own view of the chain. What
the engine holds in ledger units leaves exactly: one unit is `unit_wei` of the token's smallest.
"""

from dataclasses import dataclass

from ledger.settlement.custody import VaultCursor
from ledger.settlement.eip712 import ZERO_DIGEST, Batch, Payout
from ledger.settlement.errors import NotCertified
from ledger.settlement.ports import CertifiedBlock, CertifiedLog, SettlementReads


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """Everything of a batch that the certified state says; the chain adds epoch and head."""

    seq: int
    cut_seq: int
    deposit_cursor: int
    deadline_s: int
    state_root: bytes
    data_hash: bytes
    payouts: tuple[Payout, ...]

    def at(self, cursor: VaultCursor) -> Batch:
        """The batch as the vault would take it next, standing at that cursor."""
        return Batch(
            seq=self.seq,
            epoch=cursor.epoch,
            deposit_cursor=self.deposit_cursor,
            deadline_s=self.deadline_s,
            previous_head=cursor.head,
            state_root=self.state_root,
            liabilities_root=ZERO_DIGEST,
            data_hash=self.data_hash,
            payouts=self.payouts,
            served_exits=(),
        )


def derive_facts(reads: SettlementReads, log: CertifiedLog, number: int) -> BatchFacts:
    """What follows from certified state for batch `number`.

    Args:
        reads: An engine that executed the cut, and perhaps more: a cut batch never changes.
        log: The certified history.
        number: The batch, from 1.

    Raises:
        NotCertified: The batch was not cut, or the block of its cut is not certified.
    """
    row = reads.batch(number)
    if row is None:
        raise NotCertified("batch", number)
    block: CertifiedBlock | None = log.block_of(row.cut_seq)
    if block is None:
        raise NotCertified("command", row.cut_seq)
    return BatchFacts(
        seq=number,
        cut_seq=row.cut_seq,
        deposit_cursor=row.deposit_index,
        deadline_s=row.deadline_s,
        state_root=block.state_root,
        data_hash=block.log_root,
        payouts=tuple(_payout(reads, withdrawal_id) for withdrawal_id in row.withdrawal_ids),
    )


def _payout(reads: SettlementReads, withdrawal_id: int) -> Payout:
    withdrawal = reads.withdrawal(withdrawal_id)
    assert withdrawal is not None, "a batch names withdrawals that exist"
    asset = reads.asset(withdrawal.asset)
    assert asset is not None, "a withdrawal names an asset that exists"
    return Payout(
        withdrawal_id=withdrawal_id,
        token=asset.token,
        payee=withdrawal.payee,
        amount_wei=withdrawal.amount_minor * asset.unit_wei,
    )
