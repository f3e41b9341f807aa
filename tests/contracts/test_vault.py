"""HotVault on py-evm as the settlement service uses it: signed here, executed there."""

from itertools import combinations

import pytest
from web3.logs import DISCARD

from ledger.settlement.eip712 import payout_argument
from tests.contracts.ground import (
    ACCOUNT,
    DEPLOYER,
    GUARDIAN,
    OPERATORS,
    PAYEE,
    THRESHOLD,
    Ground,
    account,
    signature,
    signatures,
)
from tests.contracts.refusals import refused


def test_deposits_are_numbered_across_tokens(ground: Ground):
    for index, at in enumerate((0, 2, 1, 0), start=1):
        receipt = ground.deposit(1000 + index, at=at, into=ACCOUNT + index)
        (log,) = ground.vault.events.Deposited().process_receipt(receipt, errors=DISCARD)
        assert log["args"] == {
            "index": index,
            "account": ACCOUNT + index,
            "token": ground.tokens[at].address,
            "from": DEPLOYER.address,
            "received": 1000 + index,
        }


@pytest.mark.parametrize("signers", list(combinations(range(4), THRESHOLD)))
def test_any_three_of_four_operators_execute_a_batch(ground: Ground, signers):
    ground.deposit(10_000)
    batch = ground.batch(ground.payout(7, 1234), ground.payout(9, 1))
    digest = ground.digest(batch)
    receipt = ground.execute(batch, signatures(digest, (OPERATORS[i] for i in signers)))
    (log,) = ground.vault.events.BatchExecuted().process_receipt(receipt, errors=DISCARD)
    assert log["args"] == {"seq": 1, "head": digest, "deferred": 0}
    assert ground.tokens[0].functions.balanceOf(PAYEE).call() == 1235
    assert ground.vault.functions.head().call() == digest
    assert ground.vault.functions.handled(7).call()
    assert not ground.vault.functions.handled(8).call()


def test_batches_chain_and_an_executed_one_is_out_of_order(ground: Ground):
    ground.deposit(10_000)
    first = ground.batch(ground.payout(1, 5))
    ground.execute(first)
    second = ground.batch(ground.payout(2, 6))
    assert second.previous_head == ground.digest(first)
    ground.execute(second)
    with refused("HotVault", "BatchOutOfOrder", 3, 1):
        ground.execute(first)


SIGNATURE_FAULTS = {
    "none": (lambda _: b"", "GS020"),
    "too few": (lambda d: signatures(d, OPERATORS[:2]), "GS020"),
    "cut short": (lambda d: signatures(d, OPERATORS[:3])[:-1], "GS020"),
    "duplicate": (lambda d: signatures(d, (OPERATORS[0], OPERATORS[1], OPERATORS[1])), "GS026"),
    "unsorted": (lambda d: signatures(d, reversed(OPERATORS[:3])), "GS026"),
    "stranger": (lambda d: signatures(d, OPERATORS[:2]) + signature(account(0xBAD), d), "GS026"),
    "other digest": (lambda d: signatures(d[::-1], OPERATORS[:3]), "GS026"),
    "garbage": (lambda d: signatures(d, OPERATORS[:2]) + b"\xff" * 65, "GS026"),
}


@pytest.mark.parametrize("fault", SIGNATURE_FAULTS)
def test_wrong_signatures_are_refused_with_the_safes_word(ground: Ground, fault):
    ground.deposit(10_000)
    batch = ground.batch(ground.payout(1, 5))
    digest = ground.digest(batch)
    make, reason = SIGNATURE_FAULTS[fault]
    with refused("HotVault", "QuorumNotReached", digest, THRESHOLD, reason):
        ground.execute(batch, make(digest))


@pytest.mark.parametrize(
    ("other", "error", "arguments"),
    [
        ({"seq": 2}, "BatchOutOfOrder", (1, 2)),
        ({"epoch": 2}, "WrongEpoch", (1, 2)),
        ({"deposit_cursor": 2}, "CursorOutOfRange", (0, 1, 2)),
        ({"previous_head": b"\x01" * 32}, "WrongHead", (bytes(32), b"\x01" * 32)),
        ({"served_exits": (1,)}, "ServedExitsNotEmpty", (1,)),
    ],
)
def test_a_batch_that_is_not_the_next_is_refused(ground: Ground, other, error, arguments):
    ground.deposit(10_000)
    with refused("HotVault", error, *arguments):
        ground.execute(ground.batch(ground.payout(1, 5), **other))


def test_an_expired_batch_is_refused(ground: Ground):
    now_s = ground.w3.eth.get_block("latest")["timestamp"]
    ground.w3.provider.ethereum_tester.time_travel(now_s + 1000)
    ground.deposit(10_000)
    with refused("HotVault", "BatchExpired", now_s, now_s + 1001):
        ground.execute(ground.batch(ground.payout(1, 5), deadline_s=now_s))


def test_an_undeliverable_payout_is_deferred_and_stays_claimable(ground: Ground):
    ground.deposit(10_000)
    undeliverable = ground.payout(2, 7, payee=ground.stands.vault)
    batch = ground.batch(ground.payout(1, 5), undeliverable, ground.payout(3, 6))
    receipt = ground.execute(batch)
    (log,) = ground.vault.events.BatchExecuted().process_receipt(receipt, errors=DISCARD)
    assert log["args"]["deferred"] == 0b010
    assert ground.tokens[0].functions.balanceOf(PAYEE).call() == 11
    state = ground.vault.functions.tokenState(ground.tokens[0].address).call()
    assert state[-1] == 7
    with refused("HotVault", "DeliveryMismatch", ground.tokens[0].address.lower(), 7, 0):
        ground.send(ground.vault.functions.claim(payout_argument(undeliverable)))
    with refused("HotVault", "NothingClaimable", 3):
        ground.send(ground.vault.functions.claim(payout_argument(ground.payout(3, 6))))


def test_a_short_vault_defers_and_anybody_claims_for_the_payee_later(ground: Ground):
    ground.deposit(10)
    payout = ground.payout(1, 50)
    ground.execute(ground.batch(payout))
    assert ground.tokens[0].functions.balanceOf(PAYEE).call() == 0
    ground.deposit(40)
    ground.send(ground.vault.functions.claim(payout_argument(payout)), sender=GUARDIAN)
    assert ground.tokens[0].functions.balanceOf(PAYEE).call() == 50
    with refused("HotVault", "NothingClaimable", 1):
        ground.send(ground.vault.functions.claim(payout_argument(payout)))


def test_a_withdrawal_id_is_handled_once(ground: Ground):
    ground.deposit(10_000)
    ground.execute(ground.batch(ground.payout(5, 5)))
    with refused("HotVault", "WithdrawalAlreadyHandled", 5):
        ground.execute(ground.batch(ground.payout(5, 5)))


def test_outflow_beyond_the_capacity_is_refused(ground: Ground):
    token = ground.tokens[0].address.lower()
    with refused("HotVault", "LimitExceeded", token, 10**12, 10**12 + 1):
        ground.execute(ground.batch(ground.payout(1, 10**12 + 1)))


def test_a_pause_ends_the_epoch_and_the_quorum_lets_it_go_on(ground: Ground):
    ground.deposit(10_000)
    stale = ground.batch(ground.payout(1, 5))
    ground.send(ground.vault.functions.pause(), sender=GUARDIAN)
    with refused("HotVault", "VaultPaused"):
        ground.execute(stale)
    with refused("HotVault", "VaultPaused"):
        ground.deposit(1)
    with refused("HotVault", "NotQuorum", DEPLOYER.address.lower()):
        ground.send(ground.vault.functions.unpause())
    ground.quorum_call(ground.vault.functions.unpause())
    with refused("HotVault", "WrongEpoch", 2, 1):
        ground.execute(stale)
    ground.execute(ground.batch(ground.payout(1, 5)))
    assert ground.tokens[0].functions.balanceOf(PAYEE).call() == 5
