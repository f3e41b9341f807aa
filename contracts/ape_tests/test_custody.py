"""One deposit, one batch, one anchor through ape: the shapes and words that its users see."""

import ape
from conftest import OPERATORS, signatures

from ledger.settlement.artifacts import load
from ledger.settlement.eip712 import (
    ZERO_DIGEST,
    Anchor,
    Batch,
    Payout,
    Report,
    anchor_argument,
    anchor_digest,
    batch_argument,
    batch_digest,
)

ROOT = b"\x11" * 32
FOREVER = 2**40


def first_batch(stands, payee, amount_wei):
    payout = Payout(1, stands.tokens[0].address, payee, amount_wei)
    return Batch(1, 1, 1, FOREVER, ZERO_DIGEST, ROOT, ZERO_DIGEST, ROOT, (payout,))


def test_ape_compiles_the_code_that_the_artifacts_hold(project):
    # ape cannot switch the metadata hash off, so everything before the code's trailer is compared.
    for name in ("HotVault", "AnchorRegistry", "DevToken"):
        text = project.get_contract(name).contract_type.runtime_bytecode.bytecode
        compiled = bytes.fromhex(text.removeprefix("0x"))
        ours = load(name).runtime
        trailer = 2 + int.from_bytes(ours[-2:], "big")
        assert compiled[: len(ours) - trailer] == ours[:-trailer]


def test_a_deposit_then_a_batch_of_three_signatures_then_an_anchor(
    accounts, stands, vault, registry, token
):
    receipt = vault.deposit(token, 5_000, 16, sender=accounts[2])
    (deposited,) = receipt.events.filter(vault.Deposited)
    assert (deposited.index, deposited.account, deposited.received) == (1, 16, 5_000)

    payee = bytes.fromhex(accounts[3].address[2:])
    batch = first_batch(stands, payee, 1_234)
    digest = batch_digest(batch, stands.chain_id, stands.vault)
    assert bytes(vault.digest(batch_argument(batch))) == digest
    receipt = vault.execute(
        batch_argument(batch), signatures(digest, OPERATORS[1:]), sender=accounts[4]
    )
    (executed,) = receipt.events.filter(vault.BatchExecuted)
    assert (executed.seq, bytes(executed.head), executed.deferred) == (1, digest, 0)
    assert token.balanceOf(accounts[3]) == 1_234

    anchor = Anchor(1, 1, 7, 70, 210, ROOT, ROOT, ZERO_DIGEST, (Report(1, 1, 70, ROOT, ROOT),))
    digest = anchor_digest(anchor, stands.chain_id, stands.anchors)
    registry.anchor(anchor_argument(anchor), signatures(digest, OPERATORS[:3]), sender=accounts[4])
    assert bytes(registry.anchored(1)) == digest
    assert registry.reportAnchor(ROOT) == 1


def test_two_signatures_are_refused_by_name(accounts, stands, vault, token):
    vault.deposit(token, 5_000, 16, sender=accounts[2])
    batch = first_batch(stands, b"\x22" * 20, 1)
    digest = batch_digest(batch, stands.chain_id, stands.vault)
    with ape.reverts(vault.QuorumNotReached, digest=digest, needed=3, reason="GS020"):
        vault.execute(batch_argument(batch), signatures(digest, OPERATORS[:2]), sender=accounts[4])


def test_a_guardian_pauses_and_deposits_stop(accounts, vault, token):
    vault.pause(sender=accounts[1])
    with ape.reverts(vault.VaultPaused):
        vault.deposit(token, 1, 16, sender=accounts[2])
