"""What the custody contracts cost: receipts of an in-process chain, one JSON object a line.

Figures are whole transactions, calldata and 21,000 included, on the state of a running venue:
counters, payees' balances and the vault's own are not zero. The devnet tokens stand for a plain
ERC-20; a token behind a proxy costs more. Their bench names begin with `gas.`.
"""

import json
import tempfile
from pathlib import Path
from typing import Final

from coincurve import PrivateKey
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_hash.auto import keccak
from web3 import EthereumTesterProvider, Web3
from web3.contract.contract import Contract, ContractFunction

from ledger.settlement.artifacts import load
from ledger.settlement.deploy import Plan, TokenPlan, deploy
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

TARGETS: Final = {
    "gas.deposit": 52_000,
    "gas.batch_overhead": 80_000,
    "gas.payout_known": 14_000,
    "gas.anchor": 70_000,
}
BATCH: Final = 100
ROOT: Final = b"\x11" * 32
UNLIMITED: Final = 2**128 - 1


def _account(number: int) -> LocalAccount:
    return Account.from_key(number.to_bytes(32, "big"))


class Bench:
    """One chain, the contracts on it, and what has been executed so far."""

    def __init__(self, folder: Path) -> None:
        self.w3 = Web3(EthereumTesterProvider())
        self.payer = _account(1)
        self.operators = [_account(0x1000 + i) for i in range(4)]
        self.w3.eth.send_transaction(
            {"from": self.w3.eth.accounts[0], "to": self.payer.address, "value": 10**23}
        )
        owners = tuple(Web3.to_bytes(hexstr=o.address) for o in self.operators)
        tokens = (TokenPlan("USDC", 6, UNLIMITED, 0), TokenPlan("WETH", 18, UNLIMITED, 0))
        self.plan = Plan(owners, 3, (), tokens)
        self.stands = deploy(self.w3, self.payer, self.plan, folder / "deployment.json")
        self.vault = self.contract("HotVault", self.stands.vault)
        self.anchors = self.contract("AnchorRegistry", self.stands.anchors)
        self.token = self.contract("DevToken", self.stands.tokens[0].address)
        self.seq, self.head, self.withdrawal_id = 0, ZERO_DIGEST, 0
        self.anchor_index, self.previous = 0, ZERO_DIGEST

    def contract(self, name: str, address: bytes) -> Contract:
        return self.w3.eth.contract(Web3.to_checksum_address(address), abi=load(name).abi)

    def send(self, function: ContractFunction) -> int:
        """Send and return the gas of the receipt."""
        nonce = self.w3.eth.get_transaction_count(self.payer.address)
        built = function.build_transaction({"from": self.payer.address, "nonce": nonce})
        raw = self.payer.sign_transaction(built).raw_transaction
        receipt = self.w3.eth.wait_for_transaction_receipt(self.w3.eth.send_raw_transaction(raw))
        assert receipt["status"] == 1
        return receipt["gasUsed"]

    def signatures(self, digest: bytes) -> bytes:
        signers = sorted(self.operators, key=lambda operator: bytes.fromhex(operator.address[2:]))
        raw = [PrivateKey(bytes(o.key)).sign_recoverable(digest, hasher=None) for o in signers[:3]]
        return b"".join(signature[:64] + bytes([27 + signature[64]]) for signature in raw)

    def execute(self, payees: list[bytes], spread: int = 1) -> int:
        """Execute a batch of one smallest unit to each payee; ids lie `spread` apart."""
        payouts = []
        for payee in payees:
            self.withdrawal_id += spread
            payouts.append(Payout(self.withdrawal_id, self.stands.tokens[0].address, payee, 1))
        self.seq += 1
        batch = Batch(
            self.seq, 1, 0, 2**40, self.head, ROOT, ZERO_DIGEST, ROOT, tuple(payouts)
        )  # fmt: skip
        self.head = batch_digest(batch, self.stands.chain_id, self.stands.vault)
        argument = batch_argument(batch)
        return self.send(self.vault.functions.execute(argument, self.signatures(self.head)))

    def anchor(self, reports: int) -> int:
        self.anchor_index += 1
        n = self.anchor_index
        rows = tuple(Report(1, 1, n, bytes([n, i]) * 16, ROOT) for i in range(reports))
        anchor = Anchor(n, 1, n, 100 * n, 300 * n, ROOT, ROOT, self.previous, rows)
        self.previous = anchor_digest(anchor, self.stands.chain_id, self.stands.anchors)
        argument = anchor_argument(anchor)
        return self.send(self.anchors.functions.anchor(argument, self.signatures(self.previous)))


def measure(bench: Bench) -> dict[str, int]:
    """Each figure by its bench name, in gas."""
    bench.send(bench.token.functions.mint(bench.payer.address, 10**18))
    bench.send(bench.token.functions.approve(bench.vault.address, 2**256 - 1))
    figures = {}
    figures["gas.deposit_first"] = bench.send(
        bench.vault.functions.deposit(bench.token.address, 10**6, 16)
    )
    figures["gas.deposit"] = bench.send(
        bench.vault.functions.deposit(bench.token.address, 10**6, 17)
    )
    payees = [keccak(i.to_bytes(4, "big"))[:20] for i in range(BATCH)]
    bench.execute([])
    empty = bench.execute([])
    fresh = bench.execute(payees)
    bench.execute(payees[:1])
    one, many = bench.execute(payees[:1]), bench.execute(payees)
    sparse = bench.execute(payees, spread=256)
    known = (many - one) // (BATCH - 1)
    figures["gas.batch_overhead"] = empty
    figures["gas.batch_first_token"] = one - empty - known
    figures["gas.payout_known"] = known
    figures["gas.payout_new"] = known + (fresh - many) // BATCH
    figures["gas.payout_known_sparse_id"] = known + (sparse - many) // BATCH
    bench.anchor(0)
    figures["gas.anchor"] = bench.anchor(0)
    figures["gas.anchor_report"] = bench.anchor(1) - figures["gas.anchor"]
    return figures


def main() -> None:
    """Print every figure, beside its target where there is one."""
    with tempfile.TemporaryDirectory() as folder:
        for name, gas in measure(Bench(Path(folder))).items():
            print(
                json.dumps(
                    {"name": name, "value": gas, "unit": "gas", "yardstick": TARGETS.get(name)}
                )
            )


if __name__ == "__main__":
    main()
