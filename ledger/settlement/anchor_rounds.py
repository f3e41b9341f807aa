"""Certified blocks go to the chain as anchors: every so many, or on demand up to a command."""

from dataclasses import replace

from ledger.records.build import digest_fields
from ledger.records.codes import CommandKind, Reject
from ledger.settlement.anchoring import anchor_of, choose_block
from ledger.settlement.chain import ChainReceipt
from ledger.settlement.custody import Anchored, AnchorTip, Custody, anchor_call
from ledger.settlement.eip712 import ZERO_DIGEST, Anchor, anchor_digest
from ledger.settlement.errors import (
    ChainInconsistent,
    CommandRejected,
    HeadDiffers,
    TransactionFailed,
)
from ledger.settlement.rounds import EPOCHS_TRIED_MAX, Executed, Stale, Standing, Venue, Waiting
from ledger.settlement.signer import ANCHOR_SERVICE
from ledger.settlement.store import Round, RoundKind, RoundStep
from ledger.settlement.wire import decode_anchor, encode


class AnchorRounds:
    """The anchors of one venue and one registry."""

    kind = RoundKind.ANCHOR
    service = ANCHOR_SERVICE

    def __init__(self, venue: Venue, custody: Custody, every_blocks: int) -> None:
        """Anchor whenever `every_blocks` certified blocks lie above the last anchor's."""
        assert every_blocks >= 1
        self._venue = venue
        self._custody = custody
        self._every_blocks = every_blocks
        self._demanded_seq = 0

    @property
    def target(self) -> bytes:
        """The registry."""
        return self._custody.deployment.anchors

    def demand(self, seq: int) -> None:
        """Anchor as soon as the command of that seq is certified, whatever the interval."""
        self._demanded_seq = max(self._demanded_seq, seq)

    async def propose(self) -> Round | None:
        """The next anchor when one is due, or one that the ledger has not recorded yet.

        Raises:
            ReportsTooMany: One certified block records more reports than an anchor carries.
            HeadDiffers: The chain holds an anchor that does not follow from the ledger.
            ChainInconsistent, ChainDown, ChainRefused: Not now.
        """
        recorded = self._venue.reads.anchor_index
        tip = await self._custody.anchor_tip()
        if recorded > tip.index:
            raise ChainInconsistent("anchors.index", str(recorded), str(tip.index))
        if recorded < tip.index:
            return await self._recognise(recorded + 1, tip.epoch)
        block = self._venue.log.block
        if block is None:
            return None
        demanded = tip.last_seq < self._demanded_seq <= block.last_seq
        if not demanded and block.number - tip.block_number < self._every_blocks:
            return None
        number = await choose_block(tip, self._venue.log)
        return None if number is None else await self._proposed(tip, number)

    async def _proposed(self, tip: AnchorTip, number: int) -> Round:
        return self._round(await anchor_of(tip, number, self._venue.log))

    def _round(self, anchor: Anchor) -> Round:
        digest = anchor_digest(anchor, self._custody.chain_id, self.target)
        return Round(self.kind, anchor.index, RoundStep.PROPOSED, digest, encode(anchor))

    async def _recognise(self, index: int, epoch: int) -> Round:
        """The round of an anchor that the chain holds and this venue's store knows nothing of."""
        anchored = await self._find(index)
        tip = await self._tip_below(index, epoch)
        oldest = max(0, epoch - EPOCHS_TRIED_MAX)
        anchor = await anchor_of(tip, anchored.certified_block, self._venue.log)
        for tried in range(epoch, oldest, -1):
            round_ = self._round(replace(anchor, epoch=tried))
            if round_.digest == anchored.digest:
                return replace(
                    round_,
                    step=RoundStep.EXECUTED,
                    tx_hash=anchored.tx_hash,
                    chain_block=anchored.block_number,
                )
        raise HeadDiffers(self.kind, index, self._round(anchor).digest, anchored.digest)

    async def _tip_below(self, index: int, epoch: int) -> AnchorTip:
        if index == 1:
            return AnchorTip(0, 0, 0, 0, ZERO_DIGEST, epoch)
        former = await self._find(index - 1)
        block, last_seq, log_size = former.certified_block, former.last_seq, former.log_size
        return AnchorTip(former.index, block, last_seq, log_size, former.digest, epoch)

    async def _find(self, index: int) -> Anchored:
        found = await self._custody.find_anchor(index)
        if found is None:
            raise ChainInconsistent("Anchored", f"anchor {index}", "no log")
        return found

    async def renew(self, round_: Round) -> Round:
        """Derive the anchor of the same block again for the registry's present epoch."""
        block = decode_anchor(round_.payload).block_number
        return await self._proposed(await self._custody.anchor_tip(), block)

    async def standing(self, round_: Round) -> Standing:
        """Compare the registry's tip with mine.

        Raises:
            HeadDiffers: The registry holds another anchor under my number, or before it.
            ChainInconsistent: The registry stands further back than it did.
        """
        mine = decode_anchor(round_.payload)
        tip = await self._custody.anchor_tip()
        if tip.index >= mine.index:
            found = await self._find(mine.index)
            if found.digest != round_.digest:
                raise HeadDiffers(self.kind, mine.index, round_.digest, found.digest)
            return Executed(found.block_number, found.tx_hash)
        if tip.index < mine.index - 1:
            raise ChainInconsistent("anchors.index", str(mine.index - 1), str(tip.index))
        if tip.digest != mine.previous:
            raise HeadDiffers(self.kind, mine.index - 1, mine.previous, tip.digest)
        return Waiting() if tip.epoch == mine.epoch else Stale()

    def message(self, round_: Round) -> Anchor:
        """The anchor that the operators sign."""
        return decode_anchor(round_.payload)

    def calldata(self, round_: Round) -> bytes:
        """AnchorRegistry.anchor of the signed anchor."""
        return anchor_call(decode_anchor(round_.payload), round_.signatures)

    def executed_in(self, receipt: ChainReceipt) -> Executed:
        """What the mined transaction did. Raises TransactionFailed when it anchored nothing."""
        anchored = self._custody.anchored_in(receipt) if receipt.succeeded else None
        if anchored is None:
            raise TransactionFailed(receipt.tx_hash)
        return Executed(anchored.block_number, anchored.tx_hash)

    async def record(self, round_: Round) -> None:
        """Record the anchor in the ledger, unless it is recorded already.

        Raises:
            CommandRejected: The engine does not take the record.
        """
        if self._venue.reads.anchor_index >= round_.number:
            return
        reject = await self._venue.submit(
            CommandKind.RECORD_ANCHOR,
            anchor_index=round_.number,
            block=decode_anchor(round_.payload).block_number,
            chain_block=round_.chain_block,
            **digest_fields("tx", round_.tx_hash),
        )
        if reject != Reject.NONE:
            raise CommandRejected(CommandKind.RECORD_ANCHOR.name, reject.name)
