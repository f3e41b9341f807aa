"""Customers bring money in: minted, approved and deposited on the chain, each by its own key."""

from dataclasses import dataclass
from typing import Any, Final, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.contract.contract import Contract, ContractFunction

from api.devnet.devnet import Devnet
from api.devnet.folder import CUSTOMERS, Folder
from api.devnet.genesis import ASSETS, account_of
from ledger.settlement.artifacts import load
from ledger.settlement.manifest import Deployment

UNLIMITED: Final = 2**256 - 1
RECEIPT_TIMEOUT_S: Final = 60


@dataclass(frozen=True, slots=True)
class Paid:
    """One deposit: whose, of what, how much in the token's smallest unit, at what gas."""

    account: int
    asset: int
    amount_wei: int
    gas: int


class Purse:
    """The customers' wallets. Blocking: run it in a thread."""

    def __init__(self, chain_url: str, deployment: Deployment, folder: Folder) -> None:
        self._deployment = deployment
        self._folder = folder
        self.w3 = Web3(HTTPProvider(chain_url, exception_retry_configuration=None))
        self._deployer = self._account("deployer")
        self._vault = self._contract("HotVault", deployment.vault)
        self._registry = self._contract("AnchorRegistry", deployment.anchors)
        self._tokens = [self._contract("DevToken", t.address) for t in deployment.tokens]

    def deposit(self, customer: str, asset: int, whole: int) -> Paid:
        """Give a customer `whole` units of an asset, who deposits all of them."""
        owner, token = self._account(customer), self._tokens[asset]
        amount_wei = whole * 10 ** ASSETS[asset].token_decimals
        vault = Web3.to_checksum_address(self._deployment.vault)
        self._send(self._deployer, token.functions.mint(owner.address, amount_wei))
        self._send(owner, token.functions.approve(vault, UNLIMITED))
        account = account_of(customer)
        gas = self._send(owner, self._vault.functions.deposit(token.address, amount_wei, account))
        return Paid(account, asset, amount_wei, gas)

    def balance_wei(self, asset: int, holder: bytes) -> int:
        """What an address has on the chain."""
        held = self._tokens[asset].functions.balanceOf(Web3.to_checksum_address(holder)).call()
        return int(held)

    def anchored(self) -> list[dict[str, Any]]:
        """The arguments of every Anchored event, in order, as the chain tells them."""
        logs = self._registry.events.Anchored.get_logs(from_block=self._deployment.block)
        return [dict(log["args"]) for log in logs]

    def anchor_of_report(self, digest: bytes) -> int:
        """The anchor that carries a report's digest; 0 when none does."""
        return int(self._registry.functions.reportAnchor(digest).call())

    def gas_of(self, tx_hash: bytes) -> int:
        """What a mined transaction used."""
        return int(self.w3.eth.get_transaction_receipt(HexBytes(tx_hash))["gasUsed"])

    def _account(self, name: str) -> LocalAccount:
        secret = self._folder.chain_key(name).read_text().strip()
        account: LocalAccount = Account.from_key(secret)
        return account

    def _contract(self, name: str, address: bytes) -> Contract:
        return self.w3.eth.contract(Web3.to_checksum_address(address), abi=load(name).abi)

    def _send(self, sender: LocalAccount, call: ContractFunction) -> int:
        """Send and wait; returns the gas used."""
        nonce = self.w3.eth.get_transaction_count(sender.address)
        built = call.build_transaction({"from": sender.address, "nonce": nonce})
        # web3 and eth-account each have a type of their own for the same dictionary.
        signed = sender.sign_transaction(cast("dict[str, Any]", built))
        sent = self.w3.eth.send_raw_transaction(signed.raw_transaction)
        receipt = self.w3.eth.wait_for_transaction_receipt(
            sent, timeout=RECEIPT_TIMEOUT_S, poll_latency=0.01
        )
        assert receipt["status"] == 1, f"{call.fn_name} reverted"
        return int(receipt["gasUsed"])


def purse_of(devnet: Devnet) -> Purse:
    """The wallets of a running devnet's customers."""
    return Purse(devnet.chain_url, devnet.deployment, devnet.folder)


def plan(traded_base: int) -> list[tuple[str, int, int]]:
    """Who deposits what: buyers bring USDC, sellers the base asset; (customer, asset, units)."""
    half = len(CUSTOMERS) // 2
    buyers = [(name, 0, 200_000_000) for name in CUSTOMERS[:half]]
    sellers = [(name, traded_base, 100_000) for name in CUSTOMERS[half:]]
    return [*buyers, *sellers]
