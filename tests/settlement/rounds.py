"""Driving rounds of batches in a test's world, and what must hold at their end."""

import asyncio
from dataclasses import replace

from ledger.records.codes import Reject, WithdrawalStatus
from ledger.settlement.store import RoundKind, RoundStep
from tests.settlement.world import PAYEE, World

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


def more_for_the_payee(batch):
    first, *rest = batch.payouts
    return replace(batch, payouts=(replace(first, amount_wei=first.amount_wei + 1), *rest))
