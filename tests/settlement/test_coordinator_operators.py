"""Operators that lie, are silent, or change: docs/spec/settlement.md, section 6."""

import asyncio
from dataclasses import replace

import pytest

from ledger.settlement.eip712 import Payout, batch_digest
from ledger.settlement.errors import (
    OperatorDiffers,
    OperatorGarbled,
    OperatorRefused,
    OperatorSilent,
    QuorumShort,
)
from ledger.settlement.keystore import LocalSigner
from ledger.settlement.signer import BATCH_SERVICE
from ledger.settlement.store import RoundKind, RoundStep
from ledger.settlement.wire import SignedAnswer, decode_batch, decode_proposal, encode
from tests.settlement.rounds import advance, more_for_the_payee, paid_once, settle
from tests.settlement.world import KEYS, THRESHOLD, World


class Liar:
    """Stands in an operator's place on the line, with its key or another's."""

    def __init__(self, world: World, name: str, twist, key: bytes | None = None) -> None:
        self.world = world
        self.twist = twist
        self.signer = LocalSigner(key or KEYS[name])
        world.line.services[name] = (None, {BATCH_SERVICE: self})

    async def answer(self, _, payload: bytes) -> bytes:
        batch = self.twist(decode_batch(decode_proposal(payload).payload))
        deployment = self.world.deployment
        digest = batch_digest(batch, deployment.chain_id, deployment.vault)
        return encode(SignedAnswer(encode(batch), digest, self.signer.sign(digest)))


DIFFERENCES = {
    "payouts[0].amount_wei": more_for_the_payee,
    "payouts[0].payee": lambda batch: replace(
        batch, payouts=(replace(batch.payouts[0], payee=b"\x01" * 20),)
    ),
    "payouts.length": lambda batch: replace(
        batch, payouts=(*batch.payouts, Payout(99, b"\x01" * 20, b"\x02" * 20, 1))
    ),
    "deadline_s": lambda batch: replace(batch, deadline_s=batch.deadline_s + 1),
    "state_root": lambda batch: replace(batch, state_root=b"\x01" * 32),
    "previous_head": lambda batch: replace(batch, previous_head=b"\x01" * 32),
}


@pytest.mark.parametrize("field", DIFFERENCES)
def test_an_operator_that_signs_another_batch_is_named_and_left_out(funded, field):
    withdrawal = funded.withdraw(250_000_000)
    Liar(funded, "bea", DIFFERENCES[field])
    settle(funded)
    (fault,) = funded.batches.faults
    assert isinstance(fault, OperatorDiffers)
    assert (fault.operator, fault.field) == ("bea", field)
    assert fault.mine != fault.theirs
    paid_once(funded, withdrawal, 250_000_000)


def test_an_operator_that_signs_with_another_key_is_named(funded):
    withdrawal = funded.withdraw(250_000_000)
    Liar(funded, "cai", lambda batch: batch, key=b"\x77" * 32)
    settle(funded)
    (fault,) = funded.batches.faults
    assert (fault.operator, fault.field) == ("cai", "signature")
    assert fault.theirs == "0x" + LocalSigner(b"\x77" * 32).address.hex()
    paid_once(funded, withdrawal, 250_000_000)


def test_an_operator_that_is_silent_or_garbled_is_left_out(funded):
    withdrawal = funded.withdraw(250_000_000)
    del funded.line.services["ada"]
    settle(funded)
    assert [type(one) for one in funded.batches.faults] == [OperatorSilent]
    paid_once(funded, withdrawal, 250_000_000)


class Garbler:
    async def answer(self, _, payload: bytes) -> bytes:
        return payload[::-1]


def test_too_few_signatures_stop_the_round_and_say_who_is_missing(funded):
    withdrawal = funded.withdraw(250_000_000)
    advance(funded)
    del funded.line.services["ada"]
    funded.line.services["dan"] = (None, {BATCH_SERVICE: Garbler()})
    with pytest.raises(QuorumShort) as caught:
        advance(funded)
    assert (caught.value.needed, caught.value.signed) == (THRESHOLD, 2)
    assert [type(one) for one in caught.value.faults] == [OperatorSilent, OperatorGarbled]
    assert funded.memory.open_round(RoundKind.BATCH).step == RoundStep.PROPOSED
    funded.restart_operator("ada")
    settle(funded)
    paid_once(funded, withdrawal, 250_000_000)


def test_two_liars_of_four_cannot_have_their_batch_executed(funded):
    """They agree with each other; the honest two and the venue do not sign theirs."""
    funded.withdraw(250_000_000)
    Liar(funded, "ada", more_for_the_payee)
    Liar(funded, "bea", more_for_the_payee)
    advance(funded)
    with pytest.raises(QuorumShort):
        advance(funded)
    assert funded.balance_of() == 0


def test_a_venue_that_proposes_another_batch_is_refused_by_all(funded):
    """The venue's own engine is tampered with: every operator names the field."""
    funded.withdraw(250_000_000)
    round_ = advance(funded)
    forged = more_for_the_payee(decode_batch(round_.payload))
    deployment = funded.deployment
    digest = batch_digest(forged, deployment.chain_id, deployment.vault)
    funded.memory.save_round(replace(round_, payload=encode(forged), digest=digest))
    with pytest.raises(QuorumShort) as caught:
        advance(funded)
    assert caught.value.signed == 0
    for fault in caught.value.faults:
        assert isinstance(fault, OperatorRefused)
        assert (fault.reason, fault.field) == ("differs", "payouts[0].amount_wei")
        assert (fault.mine, fault.theirs) == ("250000001", "250000000")


def test_an_owner_that_left_the_safe_does_not_count(funded):
    withdrawal = funded.withdraw(250_000_000)
    funded.line.services["eve"] = funded.line.services["ada"]
    advance(funded)
    quorum = asyncio.run(funded.chain.quorum())
    assert quorum.threshold == THRESHOLD
    assert quorum.owners == {LocalSigner(key).address for key in KEYS.values()}
    settle(funded)
    paid_once(funded, withdrawal, 250_000_000)
