"""The venue's judgement of operators' answers, and its relayer's of nonces."""

import asyncio
from dataclasses import replace

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ledger.settlement.custody import Quorum
from ledger.settlement.eip712 import batch_digest
from ledger.settlement.errors import (
    ChainRefused,
    NonceTaken,
    OperatorDiffers,
    OperatorGarbled,
    OperatorRefused,
    OperatorSilent,
    QuorumShort,
    RevertedWith,
)
from ledger.settlement.keystore import LocalSigner, recover
from ledger.settlement.operators import Operator, Operators, check_answer
from ledger.settlement.relayer import Relayer
from ledger.settlement.store import Round, RoundKind, RoundStep
from ledger.settlement.wire import Refusal, RefusedAnswer, SignedAnswer, encode
from tests.settlement.ground import BOB, STRANGER, address_of, signed
from tests.settlement.test_wire import BATCHES
from tests.settlement.world import RELAYER_KEY

CHAIN, VAULT = 31337, b"\x0a" * 20
TEAM = {f"op{at}": LocalSigner((0x500 + at).to_bytes(32, "big")) for at in range(7)}
OPERATORS = tuple(Operator(name, signer.address) for name, signer in TEAM.items())


def answer_of(signer: LocalSigner, batch) -> bytes:
    digest = batch_digest(batch, CHAIN, VAULT)
    return encode(SignedAnswer(encode(batch), digest, signer.sign(digest)))


class Line:
    """Each operator answers what the test decides."""

    def __init__(self, answers) -> None:
        self.answers = answers

    async def request(self, operator, _, __, ___):
        answer = self.answers.get(operator)
        if answer is None:
            raise OperatorSilent(operator, "silent")
        return answer


def collected(batch, answers, threshold, owners=None):
    quorum = Quorum(
        frozenset(one.address for one in TEAM.values()) if owners is None else owners, threshold
    )
    operators = Operators(Line(answers), OPERATORS)
    digest = batch_digest(batch, CHAIN, VAULT)
    return asyncio.run(operators.collect("sign-batch", batch, digest, quorum))


@given(BATCHES, st.sets(st.sampled_from(sorted(TEAM))), st.integers(1, 7))
def test_enough_honest_operators_make_a_quorum_ascending_by_owner(batch, honest, threshold):
    answers = {name: answer_of(TEAM[name], batch) for name in honest}
    if len(honest) < threshold:
        with pytest.raises(QuorumShort) as caught:
            collected(batch, answers, threshold)
        assert (caught.value.needed, caught.value.signed) == (threshold, len(honest))
        assert {one.operator for one in caught.value.faults} == TEAM.keys() - honest
        return
    done = collected(batch, answers, threshold)
    assert len(done.signatures) == 65 * threshold
    digest = batch_digest(batch, CHAIN, VAULT)
    parts = [done.signatures[at : at + 65] for at in range(0, 65 * threshold, 65)]
    owners = [recover(digest, part) for part in parts]
    assert owners == sorted(owners)
    assert len(set(owners)) == threshold
    assert set(owners) <= {TEAM[name].address for name in honest}
    assert {one.operator for one in done.faults} == TEAM.keys() - honest


@given(BATCHES, BATCHES)
def test_a_signature_over_another_batch_names_the_field(mine, theirs):
    raw = answer_of(TEAM["op0"], theirs)
    digest = batch_digest(mine, CHAIN, VAULT)
    if mine == theirs:
        assert recover(digest, check_answer(OPERATORS[0], mine, digest, raw)) is not None
        return
    with pytest.raises(OperatorDiffers) as caught:
        check_answer(OPERATORS[0], mine, digest, raw)
    assert caught.value.operator == "op0"
    assert caught.value.mine != caught.value.theirs


@given(BATCHES, st.integers(0, 65 * 8 - 1))
def test_a_flipped_bit_in_the_signature_is_caught(batch, bit):
    digest = batch_digest(batch, CHAIN, VAULT)
    signature = bytearray(TEAM["op0"].sign(digest))
    signature[bit // 8] ^= 1 << bit % 8
    raw = encode(SignedAnswer(encode(batch), digest, bytes(signature)))
    with pytest.raises(OperatorDiffers) as caught:
        check_answer(OPERATORS[0], batch, digest, raw)
    assert caught.value.field == "signature"


@given(BATCHES, st.binary(max_size=200))
def test_any_bytes_are_judged_without_another_error(batch, raw):
    digest = batch_digest(batch, CHAIN, VAULT)
    with pytest.raises((OperatorGarbled, OperatorDiffers, OperatorRefused)):
        check_answer(OPERATORS[0], batch, digest, raw)


@given(BATCHES, st.sampled_from(Refusal), st.text(max_size=10))
def test_a_refusal_is_passed_on_with_its_reason(batch, reason, field):
    raw = encode(RefusedAnswer(reason, field, "theirs", "mine"))
    with pytest.raises(OperatorRefused) as caught:
        check_answer(OPERATORS[0], batch, b"\0" * 32, raw)
    assert (caught.value.reason, caught.value.field) == (reason, field)
    assert (caught.value.mine, caught.value.theirs) == ("mine", "theirs")


@given(BATCHES)
def test_an_answer_with_the_right_batch_and_a_wrong_digest_is_caught(batch):
    """Such as from an operator on another chain or vault."""
    digest = batch_digest(batch, CHAIN, VAULT)
    other = batch_digest(batch, CHAIN + 1, VAULT)
    raw = encode(SignedAnswer(encode(batch), other, TEAM["op0"].sign(other)))
    with pytest.raises(OperatorDiffers) as caught:
        check_answer(OPERATORS[0], batch, digest, raw)
    assert caught.value.field == "digest"


@given(BATCHES)
def test_a_signer_that_is_no_owner_does_not_count(batch):
    answers = {name: answer_of(signer, batch) for name, signer in TEAM.items()}
    owners = frozenset(TEAM[name].address for name in ("op1", "op2"))
    done = collected(batch, answers, 2, owners)
    assert len(done.signatures) == 130
    assert {(one.operator, one.field) for one in done.faults} == {
        (name, "address") for name in TEAM.keys() - {"op1", "op2"}
    }
    with pytest.raises(QuorumShort):
        collected(batch, answers, 3, owners)


@given(BATCHES)
def test_one_operators_signature_under_anothers_name_does_not_count_twice(batch):
    raw = answer_of(TEAM["op0"], batch)
    with pytest.raises(QuorumShort) as caught:
        collected(batch, {"op0": raw, "op1": raw}, 2)
    assert caught.value.signed == 1
    fault = next(one for one in caught.value.faults if one.operator == "op1")
    assert (fault.field, fault.theirs) == ("signature", "0x" + TEAM["op0"].address.hex())


# The relayer


@pytest.fixture
def relayer(world):
    return Relayer(world.chain.client, LocalSigner(RELAYER_KEY), world.memory, ask_times=1)


def round_of(tx, number: int = 1, kind: RoundKind = RoundKind.BATCH) -> Round:
    return Round(
        kind, number, RoundStep.PREPARED, b"", b"", raw=tx.raw, tx_hash=tx.hash, nonce=tx.nonce
    )


def approve(world, relayer):
    token = world.tokens[0]
    data = bytes.fromhex(token.encode_abi("approve", [world.deployment.vault, 1])[2:])
    return asyncio.run(relayer.prepare(world.deployment.tokens[0].address, data))


def test_a_prepared_transaction_is_not_broadcast(world, relayer):
    before = world.web3.eth.block_number
    tx = approve(world, relayer)
    assert relayer.address == address_of(BOB)
    assert world.web3.eth.block_number == before
    assert asyncio.run(world.chain.client.receipt(tx.hash)) is None


def test_delivering_twice_executes_once(world, relayer):
    tx = approve(world, relayer)
    first = asyncio.run(relayer.deliver(round_of(tx)))
    assert first.succeeded
    height = world.web3.eth.block_number
    assert asyncio.run(relayer.deliver(round_of(tx))) == first
    assert world.web3.eth.block_number == height


def test_nonces_of_prepared_rounds_are_left_to_them(world, relayer):
    first = approve(world, relayer)
    world.memory.save_round(round_of(first))
    second = approve(world, relayer)
    world.memory.save_round(round_of(second, 1, RoundKind.ANCHOR))
    third = approve(world, relayer)
    assert [one.nonce - first.nonce for one in (first, second, third)] == [0, 1, 2]
    world.memory.save_round(replace(round_of(first), step=RoundStep.SIGNED))
    assert approve(world, relayer).nonce == first.nonce, "a nonce given up is taken again"


def test_a_nonce_that_was_used_is_lost_for_good(world, relayer):
    tx = approve(world, relayer)
    world.web3.eth.send_raw_transaction(signed(BOB, tx.nonce, gas=21_000))
    with pytest.raises(NonceTaken) as caught:
        asyncio.run(relayer.deliver(round_of(tx)))
    assert caught.value.nonce == tx.nonce


def test_a_nonce_behind_a_gap_waits_only_while_somebody_holds_the_gap(world, relayer):
    first = approve(world, relayer)
    world.memory.save_round(round_of(first))
    second = approve(world, relayer)
    with pytest.raises(ChainRefused, match="nonce too high"):
        asyncio.run(relayer.deliver(round_of(second)))
    world.memory.save_round(replace(round_of(first), step=RoundStep.SIGNED))
    with pytest.raises(NonceTaken):
        asyncio.run(relayer.deliver(round_of(second)))


def test_a_call_that_the_contract_refuses_is_not_even_prepared(world, relayer):
    data = bytes.fromhex(world.vault.encode_abi("pause", [])[2:])
    with pytest.raises(RevertedWith) as caught:
        asyncio.run(relayer.prepare(world.deployment.vault, data))
    assert caught.value.name == "NotGuardian"
    assert caught.value.args_text == (BOB.address.lower(),)


def test_a_relayer_without_money_is_refused_by_the_node(world):
    poor = LocalSigner(bytes(STRANGER.key))
    relayer = Relayer(world.chain.client, poor, world.memory, ask_times=1)
    tx = approve(world, relayer)
    with pytest.raises(ChainRefused, match="afford"):
        asyncio.run(relayer.deliver(round_of(tx)))
    assert keccak(tx.raw) == tx.hash
