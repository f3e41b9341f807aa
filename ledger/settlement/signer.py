"""An operator's signing services: each derives by itself what it signs, and signs nothing else.

They run inside the operator's own replica (`ledger.audit.ports.Service`). The venue's proposal only
lets a difference be named. What was signed is on disk before it is given out, and one number of
one epoch is signed once: a second, different message under it is refused for ever.
"""

import asyncio
from collections.abc import Awaitable
from typing import Final

from ledger.settlement.anchoring import anchor_of
from ledger.settlement.batching import derive_facts
from ledger.settlement.custody import Custody
from ledger.settlement.deposit_audit import DepositAudit
from ledger.settlement.deposits import assets_by_token
from ledger.settlement.eip712 import Anchor, Batch, anchor_digest, batch_digest
from ledger.settlement.errors import (
    ChainDown,
    ChainInconsistent,
    ChainRefused,
    DepositDiffers,
    DepositGap,
    DepositUnproven,
    NotCertified,
    ReportsTooMany,
)
from ledger.settlement.keystore import Signer
from ledger.settlement.ports import CertifiedState
from ledger.settlement.store import RoundKind, SettlementStore, Signed
from ledger.settlement.wire import (
    Answer,
    Malformed,
    Proposal,
    Refusal,
    RefusedAnswer,
    SignedAnswer,
    decode_anchor,
    decode_batch,
    decode_proposal,
    encode,
    first_difference,
    shown,
)

BATCH_SERVICE: Final = "sign-batch"
ANCHOR_SERVICE: Final = "sign-anchor"


class _Refused(Exception):
    """Inner signal: the answer is a refusal."""

    def __init__(self, answer: RefusedAnswer) -> None:
        super().__init__(answer)
        self.answer = answer


async def _answered(sign: Awaitable[SignedAnswer]) -> bytes:
    """The encoded answer: a signature, or a refusal that says why."""
    answer: Answer
    try:
        answer = await sign
    except _Refused as refused:
        answer = refused.answer
    except Malformed as error:
        answer = RefusedAnswer(Refusal.MALFORMED, field=str(error.args[0]))
    except (NotCertified, ReportsTooMany) as error:
        answer = RefusedAnswer(Refusal.NOT_CERTIFIED, field=str(error))
    except DepositDiffers as error:
        field = f"deposit {error.index}: {error.field}"
        answer = RefusedAnswer(Refusal.DEPOSIT, field, error.chain, error.ledger)
    except (DepositUnproven, DepositGap) as error:
        answer = RefusedAnswer(Refusal.DEPOSIT, field=str(error))
    except (ChainDown, ChainRefused, ChainInconsistent) as error:
        answer = RefusedAnswer(Refusal.CHAIN, field=str(error))
    return encode(answer)


class _Pen:
    """The operator's key with its memory."""

    def __init__(self, signer: Signer, store: SettlementStore) -> None:
        self._signer = signer
        self._store = store
        self.lock = asyncio.Lock()

    def sign(self, kind: RoundKind, mine: Batch | Anchor, digest: bytes) -> SignedAnswer:
        """Sign, unless this number was signed otherwise before; the same bytes if signed alike."""
        number = mine.seq if isinstance(mine, Batch) else mine.index
        signed = self._store.signed(kind, mine.epoch, number)
        if signed is None:
            signed = Signed(digest, encode(mine), self._signer.sign(digest))
            self._store.save_signed(kind, mine.epoch, number, signed)
        elif signed.digest != digest:
            earlier = (decode_batch if kind == RoundKind.BATCH else decode_anchor)(signed.payload)
            _refuse_difference(Refusal.ALREADY_SIGNED, earlier, mine)
        return SignedAnswer(signed.payload, signed.digest, signed.signature)


def _refuse_difference(reason: Refusal, mine: object, theirs: object) -> None:
    """Refuse when the two differ, naming the first field that does."""
    difference = first_difference(mine, theirs)
    if difference is not None:
        raise _Refused(RefusedAnswer(reason, *difference))


class BatchSigner:
    """Signs the batch that follows from this replica's certified state and its own chain."""

    def __init__(
        self, signer: Signer, custody: Custody, store: SettlementStore, depth: int = 0
    ) -> None:
        """Serve with one key.

        Args:
            signer: The operator's key, an owner of the Safe.
            custody: The contracts, read through the operator's own node.
            store: The operator's own memory.
            depth: Blocks that must lie on a deposit before the operator believes it.
        """
        self._pen = _Pen(signer, store)
        self._custody = custody
        self._audit = DepositAudit(custody, store, depth)

    async def answer(self, state: CertifiedState, payload: bytes) -> bytes:
        """Answer one proposal: an encoded SignedAnswer or RefusedAnswer."""
        return await _answered(self._sign(state, payload))

    async def _sign(self, state: CertifiedState, payload: bytes) -> SignedAnswer:
        # Before the first await the engine stands at the last certified block.
        proposal = decode_proposal(payload)
        theirs = decode_batch(proposal.payload)
        facts = derive_facts(state.engine, state, theirs.seq)
        assets = assets_by_token(state.engine)
        async with self._pen.lock:
            await self._audit.prove(state, assets, facts.cut_seq, facts.deposit_cursor)
            cursor = await self._custody.vault_cursor()
            if cursor.seq >= facts.seq:
                seq = str(cursor.seq)
                refused = RefusedAnswer(Refusal.ALREADY_EXECUTED, "seq", seq, str(facts.seq))
                raise _Refused(refused)
            if cursor.seq != facts.seq - 1:
                last = str(cursor.seq)
                raise _Refused(RefusedAnswer(Refusal.CHAIN, "seq", last, str(facts.seq)))
            if cursor.paused:
                raise _Refused(RefusedAnswer(Refusal.CHAIN, "paused", "True", "False"))
            mine = facts.at(cursor)
            digest = batch_digest(mine, self._custody.chain_id, self._custody.deployment.vault)
            _refuse_difference(Refusal.DIFFERS, mine, theirs)
            _check_digest(digest, proposal)
            return self._pen.sign(RoundKind.BATCH, mine, digest)


class AnchorSigner:
    """Signs the anchor of a certified block, with the reports recorded since the last one."""

    def __init__(self, signer: Signer, custody: Custody, store: SettlementStore) -> None:
        self._pen = _Pen(signer, store)
        self._custody = custody

    async def answer(self, state: CertifiedState, payload: bytes) -> bytes:
        """Answer one proposal: an encoded SignedAnswer or RefusedAnswer."""
        return await _answered(self._sign(state, payload))

    async def _sign(self, state: CertifiedState, payload: bytes) -> SignedAnswer:
        proposal = decode_proposal(payload)
        theirs = decode_anchor(proposal.payload)
        async with self._pen.lock:
            tip = await self._custody.anchor_tip()
            if tip.index != theirs.index - 1:
                reason = Refusal.ALREADY_EXECUTED if tip.index >= theirs.index else Refusal.CHAIN
                last = str(tip.index)
                raise _Refused(RefusedAnswer(reason, "index", last, str(theirs.index)))
            mine = await anchor_of(tip, theirs.block_number, state)
            digest = anchor_digest(mine, self._custody.chain_id, self._custody.deployment.anchors)
            _refuse_difference(Refusal.DIFFERS, mine, theirs)
            _check_digest(digest, proposal)
            return self._pen.sign(RoundKind.ANCHOR, mine, digest)


def _check_digest(digest: bytes, proposal: Proposal) -> None:
    """Equal messages with another digest: the venue is on another chain or contract."""
    if digest != proposal.digest:
        pair = shown(digest), shown(proposal.digest)
        raise _Refused(RefusedAnswer(Refusal.DIFFERS, "digest", *pair))
