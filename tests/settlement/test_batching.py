"""The batch that follows from certified state, against a plain model: settlement.md, section 3."""

import random
from dataclasses import replace

import pytest

from ledger.records.build import address_fields, command
from ledger.records.codes import Check, CommandKind, Reject, Verdict, WithdrawalStatus
from ledger.settlement.batching import derive_facts
from ledger.settlement.custody import VaultCursor
from ledger.settlement.eip712 import PAYOUTS_MAX, ZERO_DIGEST, batch_digest
from ledger.settlement.errors import NotCertified
from tests.settlement.world import Ledger

SEEDS = range(12)
DECIMALS = ((6, 6), (8, 18), (0, 18), (8, 8))
"""Ledger and token decimals of the assets."""
FEES = (3, 0, 1, 7)


def listed(checks: int) -> Ledger:
    ledger = Ledger([])
    for asset, (ledger_decimals, token_decimals) in enumerate(DECIMALS):
        ledger.run(
            CommandKind.LIST_ASSET,
            asset=asset,
            ledger_decimals=ledger_decimals,
            token_decimals=token_decimals,
            required_checks=checks,
            supply_max_minor=2**61,
            withdrawal_fee_minor=FEES[asset],
            symbol=b"T%d" % asset,
            **address_fields("token", bytes([asset + 1]) * 20),
        )
    for _ in range(3):
        ledger.run(CommandKind.OPEN_ACCOUNT, account=ledger.engine.account_count)
    return ledger


class Model:
    """Withdrawals as dicts, queues as lists, wei as powers of ten."""

    def __init__(self, random_: random.Random, checks: int) -> None:
        self.random = random_
        self.checks = checks
        self.ledger = listed(checks)
        self.deposits = 0
        self.withdrawals = {}
        self.queue = []
        self.batches = []

    def deposit(self) -> None:
        self.deposits += 1
        self.ledger.run(
            CommandKind.CREDIT_DEPOSIT,
            account=self.random.choice([16, 17, 18]),
            asset=self.random.randrange(4),
            deposit_index=self.deposits,
            amount_minor=self.random.randrange(1, 10**9),
        )

    def withdraw(self) -> None:
        payee = self.random.randbytes(20)
        asset, amount = self.random.randrange(4), self.random.randrange(1, 10**6)
        account = self.random.choice([16, 17, 18])
        ack = self.ledger.execute(
            command_of(account=account, asset=asset, amount_minor=amount, payee=payee)
        )
        if ack.reject == Reject.NONE:
            decimals = DECIMALS[asset]
            wei = amount * 10 ** (decimals[1] - decimals[0])
            self.withdrawals[ack.seq] = (bytes([asset + 1]) * 20, payee, wei)
            if self.checks == 0:
                self.queue.append(ack.seq)

    def decide(self) -> None:
        held = [
            one
            for one in self.ledger.engine.pending_withdrawals()
            if self.ledger.engine.withdrawal(one).status == WithdrawalStatus.HELD
        ]
        if not held:
            return
        chosen = self.random.choice(held)
        verdict = self.random.choice([Verdict.APPROVE] * 3 + [Verdict.DENY])
        self.ledger.run(
            CommandKind.DECIDE_WITHDRAWAL,
            withdrawal_id=chosen,
            check=Check.SCREENING,
            verdict=verdict,
        )
        if verdict == Verdict.APPROVE:
            self.queue.append(chosen)

    def cut(self) -> None:
        size = self.random.choice([1, 2, 5, PAYOUTS_MAX])
        number = len(self.batches) + 1
        deadline_s = self.random.randrange(1, 2**40)
        ack = self.ledger.execute(
            command_of(CommandKind.CUT_BATCH, batch=number, deadline_s=deadline_s, payouts_max=size)
        )
        if ack.reject != Reject.NONE:
            assert not self.queue, ack
            return
        taken, self.queue = self.queue[:size], self.queue[size:]
        self.batches.append((ack.seq, deadline_s, self.deposits, taken))
        if self.random.random() < 0.5:
            self.ledger.certify()
        self.ledger.run(CommandKind.CONFIRM_BATCH, batch=number, chain_block=1)

    def step(self) -> None:
        actions = [self.deposit, self.withdraw, self.withdraw, self.cut, self.ledger.certify]
        self.random.choice(actions + [self.decide] * (2 if self.checks else 0))()


def command_of(kind=CommandKind.REQUEST_WITHDRAWAL, payee: bytes | None = None, **fields):
    return command(kind, **fields, **({} if payee is None else address_fields("payee", payee)))


@pytest.mark.parametrize("checks", [0, Check.SCREENING])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_batch_of_a_random_history_equals_the_model(seed, checks):
    """Also long after its cut: what came later changes nothing of it."""
    model = Model(random.Random(seed), checks)
    for _ in range(120):
        model.step()
    model.ledger.certify()
    for number, (cut_seq, deadline_s, deposits, taken) in enumerate(model.batches, start=1):
        facts = derive_facts(model.ledger.engine, model.ledger, number)
        assert (facts.seq, facts.cut_seq) == (number, cut_seq)
        assert (facts.deadline_s, facts.deposit_cursor) == (deadline_s, deposits)
        found = [(one.withdrawal_id, one.token, one.payee, one.amount_wei) for one in facts.payouts]
        assert found == [(one, *model.withdrawals[one]) for one in taken]
        block = model.ledger.block_of(cut_seq)
        assert block.first_seq <= cut_seq <= block.last_seq
        assert (facts.state_root, facts.data_hash) == (block.state_root, block.log_root)
    assert sum(len(taken) for *_, taken in model.batches) + len(model.queue) <= len(
        model.withdrawals
    )


def test_no_withdrawal_is_in_two_batches():
    model = Model(random.Random(99), 0)
    for _ in range(200):
        model.step()
    model.ledger.certify()
    every = [
        payout.withdrawal_id
        for number in range(1, len(model.batches) + 1)
        for payout in derive_facts(model.ledger.engine, model.ledger, number).payouts
    ]
    assert len(every) == len(set(every)) > 0


def test_a_cut_that_is_not_certified_yet_gives_nothing_to_sign():
    model = Model(random.Random(1), 0)
    model.deposit()
    while not model.queue:
        model.deposit()
        model.withdraw()
    model.ledger.certify()
    cut = command_of(CommandKind.CUT_BATCH, batch=1, deadline_s=1, payouts_max=1)
    ack = model.ledger.execute(cut)
    with pytest.raises(NotCertified) as caught:
        derive_facts(model.ledger.engine, model.ledger, 1)
    assert (caught.value.what, caught.value.number) == ("command", ack.seq)
    model.ledger.certify()
    assert derive_facts(model.ledger.engine, model.ledger, 1).cut_seq == ack.seq


def test_the_chain_adds_epoch_and_head_and_nothing_else():
    model = Model(random.Random(5), 0)
    while not model.batches:
        model.step()
    model.ledger.certify()
    facts = derive_facts(model.ledger.engine, model.ledger, 1)
    cursor = VaultCursor(0, 7, 9, 0, b"\x0e" * 32, paused=False)
    batch = facts.at(cursor)
    assert (batch.epoch, batch.previous_head) == (7, b"\x0e" * 32)
    assert (batch.liabilities_root, batch.served_exits) == (ZERO_DIGEST, ())
    same = facts.at(replace(cursor, deposits=100, deposit_cursor=3, seq=5, paused=True))
    assert same == batch
    digests = {
        batch_digest(facts.at(replace(cursor, epoch=epoch, head=head)), chain, vault)
        for epoch in (7, 8)
        for head in (b"\x0e" * 32, b"\x0f" * 32)
        for chain in (1, 31337)
        for vault in (b"\x01" * 20, b"\x02" * 20)
    }
    assert len(digests) == 16, "each of them changes what is signed"
