"""The custody contracts on ape's own in-process network, deployed as the venue deploys them."""

import pytest
from coincurve import PrivateKey
from eth_account import Account
from web3 import Web3

from ledger.settlement.artifacts import load
from ledger.settlement.deploy import Plan, TokenPlan, deploy

OPERATORS = [Account.from_key((0x1000 + i).to_bytes(32, "big")) for i in range(4)]
DEPLOYER = Account.from_key((0x2000).to_bytes(32, "big"))


def signatures(digest, operators):
    """Their signatures over a digest, ascending by address, as a Safe wants them."""
    packed = b""
    for operator in sorted(operators, key=lambda one: bytes.fromhex(one.address[2:])):
        raw = PrivateKey(bytes(operator.key)).sign_recoverable(digest, hasher=None)
        packed += raw[:64] + bytes([27 + raw[64]])
    return packed


@pytest.fixture
def stands(chain, accounts, tmp_path):
    accounts[0].transfer(DEPLOYER.address, "100 ether")
    owners = tuple(Web3.to_bytes(hexstr=one.address) for one in OPERATORS)
    guardian = Web3.to_bytes(hexstr=accounts[1].address)
    plan = Plan(owners, 3, (guardian,), (TokenPlan("USDC", 6, 10**12, 0),))
    return deploy(chain.provider.web3, DEPLOYER, plan, tmp_path / "deployment.json")


@pytest.fixture
def vault(project, stands):
    return project.HotVault.at(Web3.to_checksum_address(stands.vault))


@pytest.fixture
def registry(project, stands):
    return project.AnchorRegistry.at(Web3.to_checksum_address(stands.anchors))


@pytest.fixture
def token(project, chain, accounts, stands):
    """The devnet token; accounts[2] holds some and lets the vault take it."""
    address = Web3.to_checksum_address(stands.tokens[0].address)
    w3 = chain.provider.web3
    contract = w3.eth.contract(address, abi=load("DevToken").abi)
    nonce = w3.eth.get_transaction_count(DEPLOYER.address)
    built = contract.functions.mint(accounts[2].address, 10**9).build_transaction(
        {"from": DEPLOYER.address, "nonce": nonce}
    )
    sent = w3.eth.send_raw_transaction(DEPLOYER.sign_transaction(built).raw_transaction)
    assert w3.eth.wait_for_transaction_receipt(sent)["status"] == 1
    held = project.DevToken.at(address)
    held.approve(stands.vault, 10**9, sender=accounts[2])
    return held
