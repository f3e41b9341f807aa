"""What an operator signs, and what it does not: docs/spec/settlement.md, sections 3 and 5."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from ledger.records.build import address_fields, command, digest_fields
from ledger.records.codes import CommandKind
from ledger.records.layout import COMMAND
from ledger.settlement.batching import derive_facts
from ledger.settlement.eip712 import batch_digest
from ledger.settlement.errors import NotCertified
from ledger.settlement.keystore import LocalSigner, recover
from ledger.settlement.signer import BATCH_SERVICE
from ledger.settlement.store import DepositMark, RoundKind
from ledger.settlement.wire import (
    Proposal,
    Refusal,
    RefusedAnswer,
    SignedAnswer,
    decode_answer,
    decode_batch,
    encode,
)
from tests.settlement.world import CUSTOMER, KEYS, NAMES, PAYEE, USDC, Entries, Ledger, Log

NAME = "ada"


def asked(world, payload: bytes, name: str = NAME):
    """One operator's answer."""
    state, services = world.line.services[name]
    return decode_answer(asyncio.run(services[BATCH_SERVICE].answer(state, payload)))


@pytest.fixture
def cut(funded):
    """A withdrawal in a certified batch, and the venue's proposal of it."""
    funded.withdraw(250_000_000)
    round_ = asyncio.run(funded.batches.advance())
    return funded, round_


def proposal_of(world, batch) -> bytes:
    digest = batch_digest(batch, world.deployment.chain_id, world.deployment.vault)
    return encode(Proposal(encode(batch), digest))


def test_an_operator_signs_what_it_derives_itself(cut):
    world, round_ = cut
    answer = asked(world, encode(Proposal(round_.payload, round_.digest)))
    assert isinstance(answer, SignedAnswer)
    assert (answer.payload, answer.digest) == (round_.payload, round_.digest)
    assert recover(round_.digest, answer.signature) == LocalSigner(KEYS[NAME]).address
    batch = decode_batch(answer.payload)
    onchain = world.vault.functions.digest(
        (
            batch.seq,
            batch.epoch,
            batch.deposit_cursor,
            batch.deadline_s,
            batch.previous_head,
            batch.state_root,
            batch.liabilities_root,
            batch.data_hash,
            [(p.withdrawal_id, p.token, p.payee, p.amount_wei) for p in batch.payouts],
            [],
        )
    ).call()
    assert bytes(onchain) == answer.digest


def test_the_batch_names_the_block_of_its_cut_and_the_deposits_before_it(cut):
    world, round_ = cut
    batch = decode_batch(round_.payload)
    row = world.ledger.engine.batch(1)
    block = world.ledger.block_of(row.cut_seq)
    assert (batch.state_root, batch.data_hash) == (block.state_root, block.log_root)
    assert batch.deposit_cursor == 1
    assert [payout.payee for payout in batch.payouts] == [PAYEE]
    assert (batch.liabilities_root, batch.served_exits) == (b"\0" * 32, ())


@pytest.mark.parametrize("field", ["deadline_s", "deposit_cursor", "state_root", "payouts"])
def test_a_proposal_that_differs_is_refused_by_name(cut, field):
    world, round_ = cut
    batch = decode_batch(round_.payload)
    other = {
        "deadline_s": batch.deadline_s + 1,
        "deposit_cursor": 0,
        "state_root": b"\x01" * 32,
        "payouts": (*batch.payouts, batch.payouts[0]),
    }
    answer = asked(world, proposal_of(world, replace(batch, **{field: other[field]})))
    assert isinstance(answer, RefusedAnswer)
    assert answer.reason == Refusal.DIFFERS
    assert answer.field.startswith(field)
    assert answer.operator_has != answer.venue_has


def test_a_right_batch_with_a_wrong_digest_is_refused(cut):
    world, round_ = cut
    answer = asked(world, encode(Proposal(round_.payload, b"\x01" * 32)))
    assert (answer.reason, answer.field) == (Refusal.DIFFERS, "digest")


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\xc0" * 100, b"\x00" * 70_000])
def test_garbage_is_refused_as_such(funded, payload):
    assert asked(funded, payload).reason == Refusal.MALFORMED


def test_a_batch_that_was_not_cut_is_not_certified(cut):
    world, round_ = cut
    batch = replace(decode_batch(round_.payload), seq=2)
    assert asked(world, proposal_of(world, batch)).reason == Refusal.NOT_CERTIFIED


def test_a_batch_whose_block_is_not_certified_is_refused(cut):
    """The replica has executed the cut but not seen its certificate."""
    world, round_ = cut
    state, services = world.line.services[NAME]
    behind = Log(state.engine, state.blocks[:-1], state.entries[:-1])
    world.line.services[NAME] = (behind, services)
    answer = asked(world, encode(Proposal(round_.payload, round_.digest)))
    assert answer.reason == Refusal.NOT_CERTIFIED


def test_an_executed_batch_is_not_signed_again(cut):
    world, round_ = cut
    asyncio.run(world.batches.settle())
    answer = asked(world, encode(Proposal(round_.payload, round_.digest)))
    assert (answer.reason, answer.field) == (Refusal.ALREADY_EXECUTED, "seq")


def test_one_number_of_an_epoch_is_signed_once_for_ever(cut):
    """Even when this operator's own view changes, as after a bug or a tampered disk."""
    world, round_ = cut
    assert isinstance(asked(world, encode(Proposal(round_.payload, round_.digest))), SignedAnswer)
    state, services = world.line.services[NAME]
    block = replace(state.blocks[-1], state_root=b"\x0f" * 32)
    world.line.services[NAME] = (Log(state.engine, [*state.blocks[:-1], block], state.entries), {})
    world.line.services[NAME] = (world.line.services[NAME][0], services)
    other = replace(decode_batch(round_.payload), state_root=b"\x0f" * 32)
    for _ in range(2):
        answer = asked(world, proposal_of(world, other))
        assert (answer.reason, answer.field) == (Refusal.ALREADY_SIGNED, "state_root")
        world.restart_operator(NAME)
        _, services = world.line.services[NAME]
        state = Log(state.engine, [*state.blocks[:-1], block], state.entries)
        world.line.services[NAME] = (state, services)


def test_the_same_question_gets_the_same_bytes_also_after_a_restart(cut):
    world, round_ = cut
    question = encode(Proposal(round_.payload, round_.digest))
    first = asked(world, question)
    world.restart_operator(NAME)
    assert asked(world, question) == first
    assert world.store(NAME).signed(RoundKind.BATCH, 1, 1).signature == first.signature


def test_the_signature_is_on_disk_before_it_is_given_out(cut, monkeypatch):
    world, round_ = cut
    _, services = world.line.services[NAME]
    store = services[BATCH_SERVICE]._pen._store

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "save_signed", full)
    with pytest.raises(OSError, match="No space"):
        asked(world, encode(Proposal(round_.payload, round_.digest)))


def test_many_questions_at_once_get_one_signature(cut):
    world, round_ = cut
    state, services = world.line.services[NAME]
    question = encode(Proposal(round_.payload, round_.digest))

    async def ask():
        service = services[BATCH_SERVICE]
        return await asyncio.gather(*(service.answer(state, question) for _ in range(5)))

    assert len(set(asyncio.run(ask()))) == 1


def test_a_chain_that_is_down_is_a_refusal_that_says_so(cut):
    world, round_ = cut
    _, services = world.line.services[NAME]
    provider = services[BATCH_SERVICE]._custody.client._provider
    provider.endpoint_uri = "http://127.0.0.1:1"
    answer = asked(world, encode(Proposal(round_.payload, round_.digest)))
    assert answer.reason == Refusal.CHAIN
    assert "ChainDown" in answer.field


# Minting


def minted(world, **fields):
    """The venue credits a deposit of its own making, and certifies it."""
    deposit = {
        "account": CUSTOMER,
        "asset": USDC,
        "deposit_index": 2,
        "amount_minor": 500,
        "chain_block": 1,
        "log_index": 0,
        **digest_fields("tx", b"\x0d" * 32),
        **fields,
    }
    world.ledger.run(CommandKind.CREDIT_DEPOSIT, **deposit)


def refusals(world):
    """Cut and propose; every operator's refusal."""
    world.withdraw(1_000)
    round_ = asyncio.run(world.batches.advance())
    question = encode(Proposal(round_.payload, round_.digest))
    return [asked(world, question, name) for name in NAMES]


def test_a_credit_without_a_deposit_is_caught_by_every_operator(funded):
    minted(funded)
    for answer in refusals(funded):
        assert (answer.reason, answer.field) == (Refusal.DEPOSIT, "DepositUnproven(index=2)")
    assert funded.balance_of() == 0


CHANGED = {
    "amount_minor": {"amount_minor": 12},
    "account": {"account": CUSTOMER + 1},
    "dust_wei": {"asset": 1, "amount_minor": 11, "dust_wei": 1},
    "tx": digest_fields("tx", b"\x0e" * 32),
    "log_index": {"log_index": 77},
    "chain_block": {"chain_block": 1},
    "sender": {"sender_0": 1},
}


@pytest.mark.parametrize("field", CHANGED)
def test_a_credit_of_something_else_than_was_deposited_is_caught(funded, field):
    world = funded
    world.open_accounts()
    world.deposit(11)
    head = world.web3.eth.block_number
    (_, deposit) = asyncio.run(world.chain.deposits(0, head))
    honest = {
        "amount_minor": 11,
        "chain_block": deposit.block_number,
        "log_index": deposit.log_index,
        **digest_fields("tx", deposit.tx_hash),
        **address_fields("sender", deposit.sender),
    }
    minted(world, **(honest | CHANGED[field]))
    expected = {"dust_wei": "asset"}.get(field, field)
    for answer in refusals(world):
        assert (answer.reason, answer.field) == (Refusal.DEPOSIT, f"deposit 2: {expected}")


def test_a_credit_to_suspense_of_a_known_account_is_caught(funded):
    """The venue cannot park a customer's money: suspense needs the engine's own refusal first."""
    world = funded
    world.deposit(11)
    (_, deposit) = asyncio.run(world.chain.deposits(0, world.web3.eth.block_number))
    minted(
        world,
        account=5,
        amount_minor=11,
        chain_block=deposit.block_number,
        log_index=deposit.log_index,
        **digest_fields("tx", deposit.tx_hash),
    )
    for answer in refusals(world):
        assert answer.field == "deposit 2: account"
        assert (answer.operator_has, answer.venue_has) == (str(CUSTOMER), "5")


def test_a_credit_to_suspense_of_an_unknown_account_is_accepted(funded):
    """Also when the account was opened after the deposit's turn."""
    world = funded
    world.deposit(11, CUSTOMER + 1)
    asyncio.run(world.watcher.poll())
    world.open_accounts()
    world.withdraw(1_000)
    (done,) = asyncio.run(world.batches.settle())
    assert world.batches.faults == ()
    assert decode_batch(done.payload).deposit_cursor == 2


def test_proven_deposits_are_not_read_again(funded):
    world = funded
    world.withdraw(1)
    asyncio.run(world.batches.settle())
    mark = world.store(NAME).deposit_mark()
    assert mark.index == 1
    assert mark.seq == world.ledger.engine.batch(1).cut_seq
    world.deposit(22)
    asyncio.run(world.watcher.poll())
    world.restart_operator(NAME)
    world.withdraw(2)
    asyncio.run(world.batches.settle())
    assert world.batches.faults == ()
    after = world.store(NAME).deposit_mark()
    assert (after.index, after.seq > mark.seq) == (2, True)


def test_a_lost_memory_proves_everything_from_the_start(funded):
    world = funded
    world.withdraw(1)
    asyncio.run(world.batches.settle())
    world.store(NAME).save_deposit_mark(DepositMark())
    world.withdraw(2)
    asyncio.run(world.batches.settle())
    assert world.batches.faults == ()
    assert world.store(NAME).deposit_mark().index == 1


# Derivation without a chain


def test_facts_of_a_batch_that_is_not_there_or_not_certified():
    ledger = Ledger([])
    with pytest.raises(NotCertified):
        derive_facts(ledger.engine, ledger, 1)
    with pytest.raises(NotCertified):
        derive_facts(ledger.engine, ledger, 0)


def test_records_are_cut_to_the_range_that_is_asked_for():
    """The test ledger keeps the promise of its port, on which the audit above relies."""
    ledger = Ledger([])
    for _ in range(3):
        ledger.run(CommandKind.OPEN_ACCOUNT, account=ledger.engine.account_count)
        ledger.run(CommandKind.OPEN_ACCOUNT, account=ledger.engine.account_count)
        ledger.certify()
    for first in range(1, 7):
        for last in range(first, 7):
            parts: list[Entries] = list(ledger.records(first, last))
            seqs = [part.first_seq + at for part in parts for at in range(len(part.commands))]
            assert seqs == list(range(first, last + 1))
    raw = command(CommandKind.OPEN_ACCOUNT, account=1)
    assert np.frombuffer(raw, COMMAND).shape == (1,)
