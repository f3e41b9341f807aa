"""Rounds to the chain and back, killed everywhere: docs/spec/settlement.md, section 6."""

import asyncio
from dataclasses import replace

import pytest
from eth_hash.auto import keccak

from ledger.records.codes import CommandKind, WithdrawalStatus
from ledger.settlement.store import RoundKind, RoundStep, SettlementStore
from ledger.settlement.wire import decode_batch
from tests.settlement.rounds import STEPS, advance, paid_once, settle
from tests.settlement.world import CUSTOMER, NAMES, NOW_S, PAYEE, USDC, WETH


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
