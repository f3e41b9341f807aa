"""Rounds to the chain and back, killed everywhere: docs/spec/settlement.md, section 6."""

import asyncio
from dataclasses import replace

import pytest
from eth_hash.auto import keccak

from ledger.records.codes import CommandKind, Reject, WithdrawalStatus
from ledger.settlement.eip712 import Payout, batch_digest
from ledger.settlement.errors import (
    ChainDown,
    HeadDiffers,
    OperatorDiffers,
    OperatorGarbled,
    OperatorRefused,
    OperatorSilent,
    QuorumShort,
    RevertedWith,
    TransactionFailed,
)
from ledger.settlement.keystore import LocalSigner
from ledger.settlement.signer import BATCH_SERVICE
from ledger.settlement.store import RoundKind, RoundStep, SettlementStore
from ledger.settlement.wire import (
    SignedAnswer,
    decode_batch,
    decode_proposal,
    encode,
)
from tests.settlement.ground import ALICE, BOB, GWEI, signed
from tests.settlement.world import (
    CUSTOMER,
    KEYS,
    NAMES,
    NOW_S,
    PAYEE,
    THRESHOLD,
    USDC,
    WETH,
    World,
)

STEPS = [
    RoundStep.PROPOSED, RoundStep.SIGNED, RoundStep.PREPARED, RoundStep.EXECUTED,
    RoundStep.RECORDED,
]  # fmt: skip


def settle(world: World):
    return asyncio.run(world.batches.settle())


def advance(world: World):
    return asyncio.run(world.batches.advance())


def paid_once(world: World, withdrawal: int, amount: int) -> None:
    """The payee has the money once, and chain, ledger and store agree about it."""
    assert world.balance_of(PAYEE) == amount
    assert world.ledger.engine.withdrawal(withdrawal).status == WithdrawalStatus.PAID
    cursor = asyncio.run(world.chain.vault_cursor())
    assert cursor.seq == world.ledger.engine.last_batch == 1
    assert world.memory.round(RoundKind.BATCH, 1).digest == cursor.head
    assert world.memory.round(RoundKind.BATCH, 1).step == RoundStep.RECORDED
    assert [one for one in world.ledger.rejects if one[1] != Reject.NOTHING_CLEARED] == []
    assert advance(world) is None, "nothing is left to do"


def test_a_round_passes_every_step_in_order(funded):
    withdrawal = funded.withdraw(250_000_000)
    seen = []
    while (round_ := advance(funded)) is not None:
        seen.append(round_.step)
    assert seen == STEPS
    paid_once(funded, withdrawal, 250_000_000)
    assert funded.ledger.engine.balance(CUSTOMER, USDC).available_minor == 750_000_000


@pytest.mark.parametrize("done", range(len(STEPS) + 1))
def test_a_restart_between_any_two_steps_pays_once(funded, done):
    withdrawal = funded.withdraw(250_000_000)
    for _ in range(done):
        advance(funded)
    for name in NAMES:
        funded.restart_operator(name)
    funded.restart()
    settle(funded)
    paid_once(funded, withdrawal, 250_000_000)


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("saves", range(len(STEPS)))
def test_a_crash_after_a_step_but_before_it_is_saved_pays_once(funded, monkeypatch, saves):
    """The side effect (a cut, a signature, a broadcast) happened; the disk missed it."""
    withdrawal = funded.withdraw(250_000_000)
    save, left = SettlementStore.save_round, iter(range(saves))

    def killed(store, round_):
        if next(left, None) is None:
            raise Killed
        save(store, round_)

    with monkeypatch.context() as patched:
        patched.setattr(SettlementStore, "save_round", killed)
        with pytest.raises(Killed):
            settle(funded)
    funded.restart()
    settle(funded)
    paid_once(funded, withdrawal, 250_000_000)


@pytest.mark.parametrize("saved", [RoundKind.BATCH])
@pytest.mark.parametrize("name", NAMES)
def test_an_operator_killed_before_it_answers_signs_the_same_again(
    funded, monkeypatch, saved, name
):
    """It persisted and then died: asked again, it gives the bytes that it persisted."""
    withdrawal = funded.withdraw(250_000_000)
    advance(funded)
    advance(funded)
    first = funded.memory.open_round(saved)
    signed_before = {one: store.signed(saved, 1, 1) for one, store in ((name, funded.store(name)),)}
    funded.memory.save_round(replace(first, step=RoundStep.PROPOSED, signatures=b""))
    funded.restart_operator(name)
    funded.restart()
    again = advance(funded)
    assert again.signatures == first.signatures
    assert funded.store(name).signed(saved, 1, 1) == signed_before[name]
    settle(funded)
    paid_once(funded, withdrawal, 250_000_000)


def test_nothing_is_broadcast_that_is_not_on_disk(funded):
    """At the moment of the broadcast another reader of the disk finds these very bytes."""
    withdrawal = funded.withdraw(250_000_000)
    client, seen = funded.chain.client, []
    broadcast = client.broadcast

    async def watched(raw):
        stored = funded.store("venue").open_round(RoundKind.BATCH)
        assert (stored.step, stored.raw) == (RoundStep.PREPARED, raw)
        assert stored.tx_hash == keccak(raw)
        seen.append(raw)
        return await broadcast(raw)

    client.broadcast = watched
    settle(funded)
    assert len(seen) == 1
    paid_once(funded, withdrawal, 250_000_000)


def test_a_lost_database_finds_an_executed_batch_on_the_chain(funded):
    withdrawal = funded.withdraw(250_000_000)
    while advance(funded).step != RoundStep.EXECUTED:
        pass
    for path in funded.directory.glob("venue.sqlite3*"):
        path.unlink()
    funded.restart()
    recognised = advance(funded)
    assert recognised.step == RoundStep.EXECUTED
    settle(funded)
    paid_once(funded, withdrawal, 250_000_000)


def test_a_lost_database_after_several_batches_finds_the_last(funded):
    for amount in (10, 20):
        funded.withdraw(amount)
        settle(funded)
    funded.withdraw(30)
    while advance(funded).step != RoundStep.EXECUTED:
        pass
    for path in funded.directory.glob("venue.sqlite3*"):
        path.unlink()
    funded.restart()
    (done,) = settle(funded)
    assert (done.number, done.step) == (3, RoundStep.RECORDED)
    assert funded.balance_of() == 60


def test_batches_follow_each_other_by_head(funded):
    heads = []
    for amount in (1, 2, 3):
        funded.withdraw(amount)
        (done,) = settle(funded)
        heads.append((done.digest, decode_batch(done.payload).previous_head))
    assert [previous for _, previous in heads] == [b"\0" * 32, heads[0][0], heads[1][0]]
    assert funded.balance_of() == 6


def test_payouts_in_two_tokens_leave_exact_to_the_wei(funded):
    funded.mint(WETH)
    funded.deposit(3 * 10**18 + 7, asset=WETH)
    asyncio.run(funded.watcher.poll())
    funded.withdraw(123_456_789, WETH, b"\x66" * 20)
    funded.withdraw(1, USDC, b"\x66" * 20)
    (done,) = settle(funded)
    payouts = decode_batch(done.payload).payouts
    assert [payout.amount_wei for payout in payouts] == [123_456_789 * 10**10, 1]
    assert funded.balance_of(b"\x66" * 20, WETH) == 123_456_789 * 10**10
    assert funded.balance_of(b"\x66" * 20, USDC) == 1
    assert funded.ledger.engine.asset(WETH).dust_wei == 7


def test_a_payout_that_cannot_arrive_is_claimable_and_the_rest_is_paid(funded):
    """A payout to the vault itself takes nothing out of it, which the vault notices."""
    vault = funded.deployment.vault
    asked = [funded.withdraw(5, USDC, payee) for payee in (PAYEE, vault, PAYEE)]
    (done,) = settle(funded)
    assert done.deferred == 0b010
    paid, claimable = WithdrawalStatus.PAID, WithdrawalStatus.CLAIMABLE
    statuses = [funded.ledger.engine.withdrawal(one).status for one in asked]
    assert statuses == [paid, claimable, paid]
    assert funded.balance_of() == 10


def test_nothing_is_cut_while_nothing_is_cleared(funded):
    seq = funded.ledger.engine.seq
    assert advance(funded) is None
    assert funded.ledger.engine.seq == seq, "no command is spent on asking"


# Operators


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


def more_for_the_payee(batch):
    first, *rest = batch.payouts
    return replace(batch, payouts=(replace(first, amount_wei=first.amount_wei + 1), *rest))


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


# The chain


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


def test_the_cut_names_a_deadline_a_month_ahead(funded):
    funded.withdraw(1)
    round_ = advance(funded)
    assert decode_batch(round_.payload).deadline_s == NOW_S + 30 * 86_400
    assert funded.ledger.engine.batch(1).deadline_s == NOW_S + 30 * 86_400


def test_the_commands_of_a_round_are_one_cut_and_one_confirmation(funded):
    funded.withdraw(1)
    settle(funded)
    funded.ledger.certify()
    kinds = [
        CommandKind(int(one))
        for entries in funded.ledger.entries
        for one in entries.commands["kind"]
    ]
    assert kinds[-2:] == [CommandKind.CUT_BATCH, CommandKind.CONFIRM_BATCH]
    assert kinds.count(CommandKind.CUT_BATCH) == kinds.count(CommandKind.CONFIRM_BATCH) == 1
