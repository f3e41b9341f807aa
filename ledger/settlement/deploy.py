"""Put the custody contracts on a chain once, and recognise them ever after by a manifest.

The quorum is a Safe 1.5.0 (L2 variant) behind Safe's own factory, unmodified. Every contract's code
is compared with its artifact, after deploying and whenever a manifest is read. The manifest is
written last: a crash before that leaves contracts that nobody refers to, and the next run deploys
afresh.

Normative text: docs/spec/custody.md, section 6.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from eth_account.signers.local import LocalAccount
from requests.exceptions import RequestException
from web3 import Web3
from web3.contract.contract import Contract, ContractConstructor, ContractFunction
from web3.exceptions import ProviderConnectionError, Web3Exception
from web3.logs import DISCARD
from web3.types import TxReceipt

from ledger.settlement.artifacts import Artifact, load, load_safe
from ledger.settlement.errors import ChainDown, SettlementError, WrongChain
from ledger.settlement.manifest import DeployedToken, Deployment, read, write

RECEIPT_TIMEOUT_S: Final = 120
DAY_S: Final = 86_400
_SENTINEL: Final = "0x0000000000000000000000000000000000000001"
_ZERO: Final = "0x0000000000000000000000000000000000000000"


@dataclass(eq=False)
class DeploymentFailed(SettlementError):
    """A deploying transaction was refused, reverted, or not mined in time."""

    contract: str
    reason: str


@dataclass(eq=False)
class CodeDiffers(SettlementError):
    """At an address stands not the contract that should: other code, or none (zero bytes)."""

    contract: str
    address: str
    code_bytes: int


@dataclass(eq=False)
class DeploymentDiffers(SettlementError):
    """The contracts on the chain are wired or set otherwise than the plan says."""

    field: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """A devnet token to deploy and list: limits in its smallest unit, of which 10^decimals are one.

    Attributes:
        capacity_wei: The most that may leave the vault at once.
        refill_wei_per_s: What the limit grows by each second, up to the capacity.
    """

    symbol: str
    decimals: int
    capacity_wei: int
    refill_wei_per_s: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What should stand on the chain.

    Attributes:
        owners: The operators' 20-byte addresses: the Safe's owners.
        threshold: How many of them must sign; also the floor below which the contracts never go.
        guardians: Who may pause the vault.
        tokens: Deployed as devnet tokens, in this order, mintable by the deployer.
        limit_delay_s: How long a raise of an outflow limit waits.
    """

    owners: tuple[bytes, ...]
    threshold: int
    guardians: tuple[bytes, ...]
    tokens: tuple[TokenPlan, ...]
    limit_delay_s: int = DAY_S


def deploy(w3: Web3, deployer: LocalAccount, plan: Plan, manifest: Path) -> Deployment:
    """Deploy the plan, or verify and return what the manifest says is deployed.

    Args:
        w3: The chain. Its id goes into the manifest.
        deployer: Pays, and mints the devnet tokens. Holds no power over the vault.
        plan: What should stand.
        manifest: Where the deployment is recorded; written once, atomically, after all checks.

    Raises:
        ManifestMalformed: The manifest is not one.
        WrongChain: It belongs to another chain.
        CodeDiffers, DeploymentDiffers: The chain holds something else than plan or manifest say.
        DeploymentFailed: A transaction was refused or reverted; no manifest is written.
        ChainDown: The node cannot be reached; no manifest is written.
    """
    recorded = read(manifest)
    try:
        stands = recorded or _deploy(_Sender(w3, deployer), plan)
        verify(w3, stands, plan)
    except (RequestException, ProviderConnectionError) as error:
        url = str(getattr(w3.provider, "endpoint_uri", type(w3.provider).__name__))
        raise ChainDown(url, str(error)) from error
    if recorded is None:
        write(manifest, stands)
    return stands


def verify(w3: Web3, deployment: Deployment, plan: Plan) -> None:
    """Check that chain, deployment and plan agree: code, wiring, owners, tokens.

    Raises:
        WrongChain, CodeDiffers, DeploymentDiffers: They do not; the first difference found.
    """
    if w3.eth.chain_id != deployment.chain_id:
        raise WrongChain(expected=deployment.chain_id, found=w3.eth.chain_id)
    _verify_safe(w3, deployment, plan)
    vault = _verified(w3, load("HotVault"), deployment.vault)
    anchors = _verified(w3, load("AnchorRegistry"), deployment.anchors)
    for name, contract in (("vault", vault), ("anchors", anchors)):
        quorum = Web3.to_bytes(hexstr=contract.functions.quorum().call())
        _same(f"{name}.quorum", deployment.safe.hex(), quorum.hex())
        floor = contract.functions.quorumFloor().call()
        _same(f"{name}.quorumFloor", str(plan.threshold), str(floor))
    _same("vault.limitDelay", str(plan.limit_delay_s), str(vault.functions.limitDelay().call()))
    for guardian in plan.guardians:
        active = vault.functions.isGuardian(guardian).call()
        _same(f"vault.isGuardian({guardian.hex()})", "True", str(active))
    planned = [(token.symbol, token.decimals) for token in plan.tokens]
    found = [(token.symbol, token.decimals) for token in deployment.tokens]
    _same("tokens", str(planned), str(found))
    for token in deployment.tokens:
        _verify_token(w3, vault, token)


def _verify_safe(w3: Web3, deployment: Deployment, plan: Plan) -> None:
    proxy = _verified(w3, load_safe("SafeProxy"), deployment.safe)
    # A Safe proxy keeps its singleton's address in slot 0.
    singleton = bytes(w3.eth.get_storage_at(proxy.address, 0))[-20:]
    _verified(w3, load_safe("SafeL2"), singleton)
    safe = w3.eth.contract(proxy.address, abi=load_safe("SafeL2").abi)
    owners = sorted(
        Web3.to_bytes(hexstr=owner).hex() for owner in safe.functions.getOwners().call()
    )
    _same("safe.owners", str(sorted(owner.hex() for owner in plan.owners)), str(owners))
    _same("safe.threshold", str(plan.threshold), str(safe.functions.getThreshold().call()))
    # A module acts for the Safe without any signature, so none may be enabled.
    modules, _ = safe.functions.getModulesPaginated(_SENTINEL, 1).call()
    _same("safe.modules", "[]", str(modules))


def _verify_token(w3: Web3, vault: Contract, token: DeployedToken) -> None:
    contract = _verified(w3, load("DevToken"), token.address)
    _same(f"{token.symbol}.symbol", token.symbol, contract.functions.symbol().call())
    _same(
        f"{token.symbol}.decimals", str(token.decimals), str(contract.functions.decimals().call())
    )
    listed = vault.functions.tokenState(token.address).call()[0]
    _same(f"{token.symbol}.listed", "True", str(listed))


def _verified(w3: Web3, artifact: Artifact, address: bytes) -> Contract:
    checksummed = Web3.to_checksum_address(address)
    code = bytes(w3.eth.get_code(checksummed))
    if not artifact.is_code(code):
        raise CodeDiffers(artifact.name, checksummed, len(code))
    return w3.eth.contract(checksummed, abi=artifact.abi)


def _same(field: str, expected: str, found: str) -> None:
    if expected != found:
        raise DeploymentDiffers(field, expected, found)


class _Sender:
    """Sends the deployer's transactions one after another and waits for each."""

    def __init__(self, w3: Web3, deployer: LocalAccount) -> None:
        self.w3 = w3
        self.deployer = deployer

    def create(self, artifact: Artifact, *arguments: object) -> bytes:
        """Deploy a contract; returns its address."""
        factory = self.w3.eth.contract(abi=artifact.abi, bytecode=artifact.creation)
        receipt = self._send(artifact.name, factory.constructor(*arguments))
        address = receipt["contractAddress"]
        assert address is not None, "a creating transaction that succeeded has an address"
        return Web3.to_bytes(hexstr=address)

    def call(self, name: str, function: ContractFunction) -> TxReceipt:
        """Call a contract and wait."""
        return self._send(name, function)

    def _send(self, name: str, what: ContractConstructor | ContractFunction) -> TxReceipt:
        address = self.deployer.address
        try:
            nonce = self.w3.eth.get_transaction_count(address, "pending")
            transaction = what.build_transaction({"from": address, "nonce": nonce})
            # web3 and eth-account type the same dictionary differently.
            signed = self.deployer.sign_transaction(cast("dict[str, Any]", transaction))
            sent = self.w3.eth.send_raw_transaction(signed.raw_transaction)
            receipt = self.w3.eth.wait_for_transaction_receipt(sent, timeout=RECEIPT_TIMEOUT_S)
        except ProviderConnectionError:
            raise
        except Web3Exception as error:
            raise DeploymentFailed(name, str(error)) from error
        if receipt["status"] != 1:
            raise DeploymentFailed(name, f"{sent.to_0x_hex()} reverted")
        return receipt


def _deploy(sender: _Sender, plan: Plan) -> Deployment:
    block = sender.w3.eth.block_number
    safe = _deploy_safe(sender, plan)
    tokens = tuple(
        DeployedToken(
            token.symbol,
            token.decimals,
            sender.create(load("DevToken"), token.symbol, token.decimals),
        )
        for token in plan.tokens
    )
    listings = [
        (deployed.address, token.capacity_wei, token.refill_wei_per_s)
        for deployed, token in zip(tokens, plan.tokens, strict=True)
    ]
    vault = sender.create(
        load("HotVault"), safe, plan.threshold, plan.limit_delay_s, list(plan.guardians), listings
    )
    anchors = sender.create(load("AnchorRegistry"), safe, plan.threshold)
    return Deployment(sender.w3.eth.chain_id, block, safe, vault, anchors, tokens)


def _deploy_safe(sender: _Sender, plan: Plan) -> bytes:
    singleton = sender.create(load_safe("SafeL2"))
    factory_address = sender.create(load_safe("SafeProxyFactory"))
    handler = sender.create(load_safe("CompatibilityFallbackHandler"))
    w3 = sender.w3
    abi = load_safe("SafeL2").abi
    setup = w3.eth.contract(abi=abi).encode_abi(
        "setup", [list(plan.owners), plan.threshold, _ZERO, b"", handler, _ZERO, 0, _ZERO]
    )
    factory = w3.eth.contract(
        Web3.to_checksum_address(factory_address), abi=load_safe("SafeProxyFactory").abi
    )
    create = factory.functions.createProxyWithNonce(singleton, setup, 0)
    receipt = sender.call("SafeProxy", create)
    (created,) = factory.events.ProxyCreation().process_receipt(receipt, errors=DISCARD)
    return Web3.to_bytes(hexstr=created["args"]["proxy"])
