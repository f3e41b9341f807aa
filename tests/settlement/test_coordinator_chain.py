"""What the chain does to a round under way: docs/spec/settlement.md, section 6."""

import asyncio
from dataclasses import replace

import pytest
from eth_hash.auto import keccak

from ledger.records.codes import CommandKind, WithdrawalStatus
from ledger.settlement.eip712 import batch_digest
from ledger.settlement.errors import (
    ChainDown,
    HeadDiffers,
    OperatorSilent,
    QuorumShort,
    RevertedWith,
    TransactionFailed,
)
from ledger.settlement.keystore import LocalSigner
from ledger.settlement.store import RoundKind, RoundStep
from ledger.settlement.wire import decode_batch, encode
from tests.settlement.ground import ALICE, BOB, GWEI, signed
from tests.settlement.rounds import advance, more_for_the_payee, paid_once, settle
from tests.settlement.world import KEYS, NAMES, THRESHOLD


def test_anybody_may_relay_the_signed_batch_first(funded):
    """A third party executes the batch while ours is prepared: ours finds it done."""
    withdrawal = funded.withdraw(250_000_000)
    while (round_ := advance(funded)).step != RoundStep.PREPARED:
        pass
    data = funded.batch_rounds.calldata(round_)
    nonce = funded.web3.eth.get_transaction_count(ALICE.address)
    raw = signed(ALICE, nonce, to=funded.deployment.vault, data=data, gas=2_000_000)
    funded.web3.eth.send_raw_transaction(raw)
    settle(funded)
    paid_once(funded, withdrawal, 250_000_000)


@pytest.mark.parametrize("gone", [RoundStep.PREPARED])
def test_a_nonce_that_another_transaction_took_is_replaced(funded, gone):
    withdrawal = funded.withdraw(250_000_000)
    while (round_ := advance(funded)).step != gone:
        pass
    funded.web3.eth.send_raw_transaction(signed(BOB, round_.nonce, gas=21_000))
    again = advance(funded)
    assert (again.step, again.raw) == (RoundStep.SIGNED, b"")
    assert advance(funded).nonce == round_.nonce + 1
    settle(funded)
    paid_once(funded, withdrawal, 250_000_000)


def test_a_transaction_that_was_sent_but_not_saved_as_executed_is_found(funded):
    withdrawal = funded.withdraw(250_000_000)
    while (round_ := advance(funded)).step != RoundStep.PREPARED:
        pass
    funded.web3.eth.send_raw_transaction(round_.raw)
    funded.restart()
    settle(funded)
    paid_once(funded, withdrawal, 250_000_000)


def test_a_pause_voids_what_was_signed_and_the_round_is_signed_anew(funded):
    """A pause ends the epoch: the old signatures are worthless, the new ones hold."""
    withdrawal = funded.withdraw(250_000_000)
    while (round_ := advance(funded)).step != RoundStep.SIGNED:
        pass
    funded.send(funded.vault.functions.pause())
    renewed = advance(funded)
    assert renewed.step == RoundStep.PROPOSED
    assert decode_batch(renewed.payload).epoch == decode_batch(round_.payload).epoch + 1
    with pytest.raises(QuorumShort) as caught:
        advance(funded)
    assert {(fault.reason, fault.field) for fault in caught.value.faults} == {("chain", "paused")}
    assert funded.ledger.engine.withdrawal(withdrawal).status == WithdrawalStatus.BATCHED
    assert funded.balance_of() == 0


def test_a_foreign_batch_under_my_number_stops_everything(funded):
    """Enough operators signed something else, and it was executed: only people can help now."""
    funded.withdraw(250_000_000)
    round_ = advance(funded)
    forged = more_for_the_payee(decode_batch(round_.payload))
    deployment = funded.deployment
    digest = batch_digest(forged, deployment.chain_id, deployment.vault)
    owners = sorted((LocalSigner(key) for key in KEYS.values()), key=lambda one: one.address)
    signatures = b"".join(one.sign(digest) for one in owners[:THRESHOLD])
    data = funded.batch_rounds.calldata(
        replace(round_, payload=encode(forged), signatures=signatures)
    )
    nonce = funded.web3.eth.get_transaction_count(ALICE.address)
    raw = signed(ALICE, nonce, to=deployment.vault, data=data, gas=2_000_000)
    funded.web3.eth.send_raw_transaction(raw)
    for _ in range(2):
        with pytest.raises(HeadDiffers) as caught:
            advance(funded)
        assert (caught.value.mine, caught.value.chain) == (round_.digest, digest)
    stop = asyncio.Event()
    with pytest.raises(HeadDiffers):
        asyncio.run(funded.batches.run(stop))
    assert isinstance(funded.batches.alarm, HeadDiffers)
    for path in funded.directory.glob("venue.sqlite3*"):
        path.unlink()
    funded.restart()
    with pytest.raises(HeadDiffers):
        advance(funded)


def test_a_batch_that_the_vault_refuses_says_by_which_error(funded):
    """The operators' clocks are their own business; the vault's is the chain's."""
    funded.batch_rounds._now_s = lambda: 0
    funded.withdraw(250_000_000)
    advance(funded)
    advance(funded)
    with pytest.raises(RevertedWith) as caught:
        advance(funded)
    assert caught.value.name == "BatchExpired"
    assert caught.value.args_text[0] == str(30 * 86_400)
    assert funded.memory.open_round(RoundKind.BATCH).step == RoundStep.SIGNED


def test_a_relayed_transaction_that_reverts_is_prepared_afresh(funded):
    """Prepared while it would have passed; mined with too little gas."""
    withdrawal = funded.withdraw(250_000_000)
    while (round_ := advance(funded)).step != RoundStep.PREPARED:
        pass
    data = funded.batch_rounds.calldata(round_)
    vault = funded.deployment.vault
    starved = signed(BOB, round_.nonce, to=vault, data=data, gas=60_000, maxFeePerGas=9 * GWEI)
    funded.memory.save_round(replace(round_, raw=starved, tx_hash=keccak(starved)))
    with pytest.raises(TransactionFailed):
        advance(funded)
    assert funded.memory.open_round(RoundKind.BATCH).step == RoundStep.SIGNED
    settle(funded)
    paid_once(funded, withdrawal, 250_000_000)


def test_a_chain_that_is_down_leaves_the_round_where_it_was(funded):
    withdrawal = funded.withdraw(250_000_000)
    advance(funded)
    provider = funded.chain.client._provider
    there, provider.endpoint_uri = provider.endpoint_uri, "http://127.0.0.1:1"
    for _ in range(2):
        with pytest.raises(ChainDown):
            advance(funded)
    assert funded.memory.open_round(RoundKind.BATCH).step == RoundStep.PROPOSED
    provider.endpoint_uri = there
    settle(funded)
    paid_once(funded, withdrawal, 250_000_000)


def test_the_confirmation_waits_for_the_configured_depth(funded):
    withdrawal = funded.withdraw(250_000_000)
    funded.batches.depth = 2
    executed = list(iter(lambda: advance(funded), None))[-1]
    assert executed.step == RoundStep.EXECUTED
    assert funded.ledger.engine.withdrawal(withdrawal).status == WithdrawalStatus.BATCHED
    for _ in range(2):
        funded.web3.provider.make_request("evm_mine", [])
    settle(funded)
    paid_once(funded, withdrawal, 250_000_000)


def test_running_settles_until_told_to_stop(funded):
    withdrawal = funded.withdraw(250_000_000)

    submit = funded.ledger.submit

    async def run() -> None:
        stop = asyncio.Event()

        async def stop_after_the_confirmation(raw):
            ack = await submit(raw)
            if ack.kind == CommandKind.CONFIRM_BATCH:
                stop.set()
            return ack

        funded.ledger.submit = stop_after_the_confirmation
        await funded.batches.run(stop)

    asyncio.run(run())
    assert funded.batches.alarm is None
    paid_once(funded, withdrawal, 250_000_000)


def test_running_remembers_the_alarm_and_recovers(funded):
    """At the first attempt no operator answers; the venue waits, asks again, and settles."""
    withdrawal = funded.withdraw(250_000_000)
    alarms = []
    request, submit = funded.line.request, funded.ledger.submit

    async def silent_at_first(operator, *rest):
        alarms.append(funded.batches.alarm)
        if len(alarms) <= len(NAMES):
            raise OperatorSilent(operator, "asleep")
        return await request(operator, *rest)

    async def run() -> None:
        stop = asyncio.Event()

        async def stop_after_the_confirmation(raw):
            ack = await submit(raw)
            if ack.kind == CommandKind.CONFIRM_BATCH:
                stop.set()
            return ack

        funded.line.request = silent_at_first
        funded.ledger.submit = stop_after_the_confirmation
        await funded.batches.run(stop)

    asyncio.run(run())
    assert alarms[: len(NAMES)] == [None] * 4
    assert [type(one) for one in alarms[len(NAMES) :]] == [QuorumShort] * 4
    assert funded.batches.alarm is None
    paid_once(funded, withdrawal, 250_000_000)


def test_batches_and_anchors_share_a_relayer_without_taking_each_others_nonce(funded):
    withdrawal = funded.withdraw(250_000_000)
    while (batch := advance(funded)).step != RoundStep.PREPARED:
        pass
    funded.anchor_rounds.demand(1)
    while (anchor := asyncio.run(funded.anchors.advance())).step != RoundStep.PREPARED:
        pass
    assert anchor.nonce == batch.nonce + 1
    settle(funded)
    (anchored,) = asyncio.run(funded.anchors.settle())
    assert anchored.step == RoundStep.RECORDED
    paid_once(funded, withdrawal, 250_000_000)
