"""The committed contracts on an in-process chain, operators who sign, words for what happens."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from coincurve import PrivateKey
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import EthereumTesterProvider, Web3
from web3.contract import Contract

from ledger.settlement.artifacts import load, load_safe
from ledger.settlement.deploy import Plan, TokenPlan, deploy
from ledger.settlement.eip712 import (
    ZERO_DIGEST,
    Anchor,
    Batch,
    Payout,
    anchor_argument,
    anchor_digest,
    batch_argument,
    batch_digest,
)
from ledger.settlement.manifest import Deployment

THRESHOLD = 3
ACCOUNT = 16
FOREVER_S = 2**40
ROOT = b"\x11" * 32
PAYEE = b"\x55" * 20
UNITS = 10**9


def account(number: int) -> LocalAccount:
    return Account.from_key(number.to_bytes(32, "big"))


def raw_address(one: LocalAccount) -> bytes:
    return bytes.fromhex(one.address[2:])


OPERATORS = tuple(sorted((account(0x1000 + i) for i in range(4)), key=raw_address))
"""Ascending by address: the order in which a Safe wants their signatures."""
DEPLOYER = account(0x2000)
GUARDIAN = account(0x3000)
PLAN = Plan(
    owners=tuple(map(raw_address, OPERATORS)),
    threshold=THRESHOLD,
    guardians=(raw_address(GUARDIAN),),
    tokens=(
        TokenPlan("USDC", 6, 10**12, 10**6),
        TokenPlan("WBTC", 8, 10**10, 10**4),
        TokenPlan("WETH", 18, 10**21, 10**15),
    ),
)


def signature(operator: LocalAccount, digest: bytes) -> bytes:
    raw = PrivateKey(bytes(operator.key)).sign_recoverable(digest, hasher=None)
    return raw[:64] + bytes([27 + raw[64]])


def signatures(digest: bytes, operators: Iterable[LocalAccount]) -> bytes:
    """One after another, in the order given."""
    return b"".join(signature(operator, digest) for operator in operators)


def new_chain() -> Web3:
    w3 = Web3(EthereumTesterProvider())
    for one in (DEPLOYER, GUARDIAN):
        rich = w3.eth.accounts[0]
        w3.eth.send_transaction({"from": rich, "to": one.address, "value": 10**21})
    return w3


@dataclass
class Ground:
    """A deployment and its contracts; the deployer holds tokens and has approved the vault."""

    w3: Web3
    manifest: Path
    stands: Deployment
    vault: Contract = field(init=False)
    anchors: Contract = field(init=False)
    tokens: list[Contract] = field(init=False)

    def __post_init__(self) -> None:
        self.vault = self.contract("HotVault", self.stands.vault)
        self.anchors = self.contract("AnchorRegistry", self.stands.anchors)
        self.tokens = [self.contract("DevToken", token.address) for token in self.stands.tokens]

    @classmethod
    def new(cls, manifest: Path) -> "Ground":
        w3 = new_chain()
        ground = cls(w3, manifest, deploy(w3, DEPLOYER, PLAN, manifest))
        for token in ground.tokens:
            ground.send(token.functions.mint(DEPLOYER.address, UNITS))
            ground.send(token.functions.approve(ground.vault.address, UNITS))
        return ground

    def contract(self, name: str, address: bytes) -> Contract:
        return self.w3.eth.contract(Web3.to_checksum_address(address), abi=load(name).abi)

    def send(self, function, sender: LocalAccount = DEPLOYER):
        """Send a transaction; returns its receipt. A refusal raises before anything is sent."""
        nonce = self.w3.eth.get_transaction_count(sender.address)
        built = function.build_transaction({"from": sender.address, "nonce": nonce})
        raw = sender.sign_transaction(built).raw_transaction
        receipt = self.w3.eth.wait_for_transaction_receipt(self.w3.eth.send_raw_transaction(raw))
        assert receipt["status"] == 1
        return receipt

    def deposit(self, amount_wei: int, at: int = 0, into: int = ACCOUNT):
        token = self.tokens[at].address
        return self.send(self.vault.functions.deposit(token, amount_wei, into))

    def batch(self, *payouts: Payout, **other) -> Batch:
        """The next batch with these payouts; fields given otherwise stand as given."""
        seq, epoch, deposits, _, head, _ = self.vault.functions.cursor().call()
        fields = {
            "seq": seq + 1,
            "epoch": epoch,
            "deposit_cursor": deposits,
            "deadline_s": FOREVER_S,
            "previous_head": bytes(head),
            "state_root": ROOT,
            "liabilities_root": ZERO_DIGEST,
            "data_hash": ROOT,
            "payouts": payouts,
        }
        return Batch(**(fields | other))

    def payout(self, withdrawal_id: int, amount_wei: int, payee: bytes = PAYEE) -> Payout:
        return Payout(withdrawal_id, self.stands.tokens[0].address, payee, amount_wei)

    def digest(self, batch: Batch) -> bytes:
        return batch_digest(batch, self.stands.chain_id, self.stands.vault)

    def execute(self, batch: Batch, signed: bytes | None = None):
        """Relay a batch, signed by three operators unless told otherwise."""
        if signed is None:
            signed = signatures(self.digest(batch), OPERATORS[:THRESHOLD])
        return self.send(self.vault.functions.execute(batch_argument(batch), signed))

    def anchor(self, anchor: Anchor, signed: bytes | None = None):
        if signed is None:
            digest = anchor_digest(anchor, self.stands.chain_id, self.stands.anchors)
            signed = signatures(digest, OPERATORS[:THRESHOLD])
        return self.send(self.anchors.functions.anchor(anchor_argument(anchor), signed))

    def quorum_call(self, function) -> None:
        """Have the Safe itself call a function, by a transaction that three operators signed."""
        safe = self.w3.eth.contract(
            Web3.to_checksum_address(self.stands.safe), abi=load_safe("SafeL2").abi
        )
        zero = "0x" + "00" * 20
        to, data = function.address, function._encode_transaction_data()
        fixed = (to, 0, data, 0, 0, 0, 0, zero, zero)
        nonce = safe.functions.nonce().call()
        digest = bytes(safe.functions.getTransactionHash(*fixed, nonce).call())
        signed = signatures(digest, OPERATORS[:THRESHOLD])
        self.send(safe.functions.execTransaction(*fixed, signed))
