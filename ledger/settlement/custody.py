"""The custody contracts as typed values: calls encoded, answers and events decoded, errors named.

The words come from the committed artifacts' ABI, so that nothing here can drift from Solidity.
"""

from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak

from ledger.settlement.chain import LOG_WINDOW, ChainClient, ChainLog, ChainReceipt
from ledger.settlement.contract_abi import ContractAbi
from ledger.settlement.eip712 import Anchor, Batch
from ledger.settlement.errors import (
    ChainInconsistent,
    ExecutionReverted,
    RevertedWith,
    SettlementError,
)
from ledger.settlement.manifest import Deployment

PANIC: Final = keccak(b"Panic(uint256)")[:4]
ERROR: Final = keccak(b"Error(string)")[:4]


_VAULT: Final = ContractAbi("HotVault")
_REGISTRY: Final = ContractAbi("AnchorRegistry")
_SAFE: Final = ContractAbi("SafeL2", safe=True)


@dataclass(frozen=True, slots=True)
class VaultCursor:
    """Where the vault stands: IHotVault.Cursor."""

    seq: int
    epoch: int
    deposits: int
    deposit_cursor: int
    head: bytes
    paused: bool


@dataclass(frozen=True, slots=True)
class AnchorTip:
    """How far the ledger is anchored: IAnchorRegistry.Tip, and the current epoch."""

    index: int
    block_number: int
    last_seq: int
    log_size: int
    digest: bytes
    epoch: int


@dataclass(frozen=True, slots=True)
class Deposit:
    """One Deposited log. `account` is what the depositor named: any uint64."""

    index: int
    account: int
    token: bytes
    sender: bytes
    received_wei: int
    block_number: int
    tx_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class BatchExecuted:
    """One BatchExecuted log; bit i of `deferred` says that payout i became claimable."""

    seq: int
    head: bytes
    deferred: int
    block_number: int
    tx_hash: bytes


@dataclass(frozen=True, slots=True)
class Anchored:
    """One Anchored log. `certified_block` is the ledger's block, `block_number` the chain's."""

    index: int
    digest: bytes
    certified_block: int
    last_seq: int
    log_size: int
    block_number: int
    tx_hash: bytes


@dataclass(frozen=True, slots=True)
class Quorum:
    """The Safe's owners and how many must sign."""

    owners: frozenset[bytes]
    threshold: int


class Custody:
    """The deployed contracts, read and written through one node."""

    def __init__(self, client: ChainClient, deployment: Deployment) -> None:
        assert client.chain_id == deployment.chain_id
        self.client = client
        self.deployment = deployment

    @property
    def chain_id(self) -> int:
        """The chain that the contracts stand on."""
        return self.deployment.chain_id

    async def vault_cursor(self) -> VaultCursor:
        """The vault's cursor now."""
        (row,) = await self._read(_VAULT, self.deployment.vault, "cursor")
        return VaultCursor(*row)

    async def anchor_tip(self) -> AnchorTip:
        """The registry's tip and epoch now."""
        (tip,) = await self._read(_REGISTRY, self.deployment.anchors, "tip")
        (epoch,) = await self._read(_REGISTRY, self.deployment.anchors, "epoch")
        index, block_number, last_seq, log_size, digest = tip
        return AnchorTip(index, block_number, last_seq, log_size, digest, epoch)

    async def quorum(self) -> Quorum:
        """The Safe's owners and threshold now."""
        (owners,) = await self._read(_SAFE, self.deployment.safe, "getOwners")
        (threshold,) = await self._read(_SAFE, self.deployment.safe, "getThreshold")
        return Quorum(frozenset(_address(owner) for owner in owners), threshold)

    async def deposits(self, first: int, last: int) -> tuple[Deposit, ...]:
        """The deposits in blocks first..last, in order."""
        topic = _VAULT.topic("Deposited")
        logs = await self.client.logs(self.deployment.vault, [topic], first, last)
        return tuple(_deposit(log) for log in logs)

    async def find_batch(self, seq: int) -> BatchExecuted | None:
        """The execution of batch `seq`, wherever on the chain it lies."""
        log = await self._find(self.deployment.vault, _VAULT.topic("BatchExecuted"), seq)
        return None if log is None else _batch_executed(log)

    async def find_anchor(self, index: int) -> Anchored | None:
        """The anchoring of `index`, wherever on the chain it lies."""
        log = await self._find(self.deployment.anchors, _REGISTRY.topic("Anchored"), index)
        return None if log is None else _anchored(log)

    async def _find(self, emitter: bytes, topic: bytes, number: int) -> ChainLog | None:
        """The log of a numbered event, searched from the head down to the deployment."""
        topics = [topic, number.to_bytes(32, "big")]
        last = (await self.client.head()).number
        while last >= self.deployment.block:
            first = max(self.deployment.block, last - LOG_WINDOW + 1)
            logs = await self.client.logs(emitter, topics, first, last)
            if logs:
                return logs[-1]
            last = first - 1
        return None

    def executed_in(self, receipt: ChainReceipt) -> BatchExecuted | None:
        """The batch execution that a receipt tells of."""
        topic = _VAULT.topic("BatchExecuted")
        for log in receipt.logs:
            if log.address == self.deployment.vault and log.topics[0] == topic:
                return _batch_executed(log)
        return None

    def anchored_in(self, receipt: ChainReceipt) -> Anchored | None:
        """The anchoring that a receipt tells of."""
        topic = _REGISTRY.topic("Anchored")
        for log in receipt.logs:
            if log.address == self.deployment.anchors and log.topics[0] == topic:
                return _anchored(log)
        return None

    async def _read(self, contract: ContractAbi, address: bytes, name: str) -> tuple[Any, ...]:
        answer = await self.client.call(address, contract.call(name))
        try:
            return contract.answer(name, answer)
        except DecodingError as error:
            found = f"{len(answer)} bytes"
            raise ChainInconsistent(f"{contract.name}.{name}", "an answer", found) from error


def execute_call(batch: Batch, signatures: bytes) -> bytes:
    """Calldata of HotVault.execute."""
    payouts = [
        (payout.withdrawal_id, payout.token, payout.payee, payout.amount_wei)
        for payout in batch.payouts
    ]
    row = (
        batch.seq,
        batch.epoch,
        batch.deposit_cursor,
        batch.deadline_s,
        batch.previous_head,
        batch.state_root,
        batch.liabilities_root,
        batch.data_hash,
        payouts,
        list(batch.served_exits),
    )
    return _VAULT.call("execute", row, signatures)


def anchor_call(anchor: Anchor, signatures: bytes) -> bytes:
    """Calldata of AnchorRegistry.anchor."""
    reports = [
        (report.kind, report.from_seq, report.to_seq, report.digest, report.pack)
        for report in anchor.reports
    ]
    row = (
        anchor.index,
        anchor.epoch,
        anchor.block_number,
        anchor.last_seq,
        anchor.log_size,
        anchor.log_root,
        anchor.state_root,
        anchor.previous,
        reports,
    )
    return _REGISTRY.call("anchor", row, signatures)


def deposit_call(token: bytes, amount_wei: int, account: int) -> bytes:
    """Calldata of HotVault.deposit."""
    return _VAULT.call("deposit", token, amount_wei, account)


def named_revert(error: ExecutionReverted) -> SettlementError:
    """A revert of one of our contracts by its custom error's name; as it was when unknown.

    Anything may stand in revert data: a token that is paid out can revert with our selectors too.
    """
    selector, body = error.data[:4], error.data[4:]
    for name, types in _errors_of(selector):
        try:
            arguments = decode(types, body)
        except (DecodingError, UnicodeDecodeError, OverflowError):
            return error
        return RevertedWith(name, tuple(_text(value) for value in arguments))
    return error


def _errors_of(selector: bytes) -> list[tuple[str, list[str]]]:
    known = {ERROR: ("Error", ["string"]), PANIC: ("Panic", ["uint256"])}
    tables = (known, _VAULT.errors, _REGISTRY.errors)
    return [table[selector] for table in tables if selector in table]


def _text(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _address(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _deposit(log: ChainLog) -> Deposit:
    fields = _VAULT.fields("Deposited", log)
    return Deposit(
        index=fields["index"],
        account=fields["account"],
        token=_address(fields["token"]),
        sender=_address(fields["from"]),
        received_wei=fields["received"],
        block_number=log.block_number,
        tx_hash=log.tx_hash,
        log_index=log.log_index,
    )


def _batch_executed(log: ChainLog) -> BatchExecuted:
    fields = _VAULT.fields("BatchExecuted", log)
    return BatchExecuted(
        fields["seq"], fields["head"], fields["deferred"], log.block_number, log.tx_hash
    )


def _anchored(log: ChainLog) -> Anchored:
    fields = _REGISTRY.fields("Anchored", log)
    return Anchored(
        index=fields["index"],
        digest=fields["digest"],
        certified_block=fields["blockNumber"],
        last_seq=fields["lastSeq"],
        log_size=fields["logSize"],
        block_number=log.block_number,
        tx_hash=log.tx_hash,
    )
