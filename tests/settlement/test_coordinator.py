"""Batches to the chain and back."""

import asyncio

from ledger.settlement.store import RoundStep
from tests.settlement.world import CUSTOMER, PAYEE, USDC


def test_a_withdrawal_leaves_in_a_batch(funded):
    world = funded
    world.withdraw(250_000_000)
    (done,) = asyncio.run(world.batches.settle())
    assert done.step == RoundStep.RECORDED
    assert world.balance_of(PAYEE) == 250_000_000
    assert world.batches.faults == ()
    assert world.ledger.engine.balance(CUSTOMER, USDC).available_minor == 750_000_000
