"""A fresh in-process chain, the committed contracts on it, and four operators who sign."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import EthereumTesterProvider, Web3

from ledger.settlement.deploy import Plan, TokenPlan, deploy
from ledger.settlement.manifest import Deployment

WHOLE = 10**30
OPERATORS = tuple(Account.from_key((0x1000 + i).to_bytes(32, "big")) for i in range(4))
DEPLOYER = Account.from_key((0x2000).to_bytes(32, "big"))
GUARDIAN = Account.from_key((0x3000).to_bytes(32, "big"))
THRESHOLD = 3
PLAN = Plan(
    owners=tuple(bytes.fromhex(o.address[2:]) for o in OPERATORS),
    threshold=THRESHOLD,
    guardians=(bytes.fromhex(GUARDIAN.address[2:]),),
    tokens=(
        TokenPlan("USDC", 6, 10**12, 10**6),
        TokenPlan("WBTC", 8, 10**10, 10**4),
        TokenPlan("WETH", 18, 10**21, 10**15),
    ),
)


def fund(w3: Web3, account: LocalAccount) -> None:
    rich = w3.eth.accounts[0]
    sent = w3.eth.send_transaction({"from": rich, "to": account.address, "value": 10**21})
    w3.eth.wait_for_transaction_receipt(sent)


@pytest.fixture
def w3() -> Iterator[Web3]:
    chain = Web3(EthereumTesterProvider())
    fund(chain, DEPLOYER)
    return chain


@pytest.fixture
def deployment(w3, tmp_path: Path) -> Deployment:
    return deploy(w3, DEPLOYER, PLAN, tmp_path / "deployment.json")
