"""The chain itself: py-evm (Prague rules) over the block database, one block a transaction.

Everything runs on the one thread that made it. Importing this module loads py-evm (about a
second), so it is imported only where a chain starts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eth.abc import BlockAPI, BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI, StateAPI
from eth.chains.base import MiningChain
from eth.constants import BLANK_ROOT_HASH, POST_MERGE_DIFFICULTY, POST_MERGE_NONCE
from eth.db.atomic import AtomicDB
from eth.exceptions import HeaderNotFound, PyEVMError, Revert, TransactionNotFound
from eth.typing import AccountDetails, HeaderParams
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth.vm.spoof import SpoofTransaction
from eth_keys.exceptions import BadSignature
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException  # type: ignore[import-untyped]  # it ships no types

from ledger.settlement.devchain.config import DevchainConfig
from ledger.settlement.devchain.store import BlockDatabase
from ledger.settlement.errors import BlockUnknown, ExecutionReverted, TransactionRefused

COINBASE: Final = Address(b"\x00" * 20)
RAW_TRANSACTION_MAX_BYTES: Final = 128 * 1024
"""What public nodes accept too (go-ethereum's txMaxSize)."""
# EIP-7623: a transaction pays at least 21000 + 10 * (zero bytes + 4 * other bytes).
_FLOOR_GAS: Final = 21_000
_FLOOR_TOKEN_GAS: Final = 10
_NONZERO_TOKENS: Final = 4
_STIPEND_GAS: Final = 2_300
_LONG_GAS: Final = 300_000
_TYPES: Final = frozenset({0, 1, 2, 4})
"""Transaction types taken; blobs (3) need a consensus layer that does not exist here."""
_UNDECODABLE: Final = (
    RLPException,
    ValidationError,
    PyEVMError,
    BadSignature,
    ValueError,
    TypeError,
)
"""What py-evm raises over bytes that are no transaction: rlp has lists where numbers belong."""


class _Vm(PragueVM):
    """Prague, except that a block may carry its parent's timestamp.

    Blocks come in bursts here, and a clock that ran ahead of the wall would expire batches early.
    """

    @classmethod
    def validate_header(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        if header.timestamp < parent_header.timestamp:
            raise ValidationError("timestamp before the parent's")
        earlier = min(parent_header.timestamp, header.timestamp - 1)
        super().validate_header(header, parent_header.copy(timestamp=earlier))


class _Chain(MiningChain):
    vm_configuration = ((BlockNumber(0), _Vm),)

    def create_header_from_parent(
        self, parent_header: BlockHeaderAPI, **header_params: object
    ) -> BlockHeaderAPI:
        """Keep the gas limit; randomness is a hash of the parent, so that a chain can be redone."""
        return super().create_header_from_parent(
            parent_header,
            **header_params,  # type: ignore[arg-type]  # py-evm's own union of header fields
            gas_limit=parent_header.gas_limit,
            mix_hash=keccak(parent_header.hash),
        )


@dataclass(frozen=True, slots=True)
class Message:
    """What eth_call and eth_estimateGas execute. Amounts in wei; `to` empty creates a contract."""

    sender: bytes
    to: bytes
    data: bytes
    value_wei: int
    gas: int | None


class Evm:
    """A chain that seals each transaction into a block of its own, durably, before it answers."""

    def __init__(self, config: DevchainConfig, now_s: Callable[[], int]) -> None:
        """Open the chain in `config.directory`, or make its genesis block.

        Raises:
            ChainLocked, ChainFormat, WrongChain, ChainDamaged: See `BlockDatabase`.
        """
        self._now_s = now_s
        self._database = BlockDatabase(config.directory, config.chain_id)
        base = AtomicDB(self._database)
        kind = type("_ConfiguredChain", (_Chain,), {"chain_id": config.chain_id})
        self.chain_id = config.chain_id
        self._chain: _Chain = kind(base) if self._has_head(base) else self._genesis(kind, config)

    @staticmethod
    def _has_head(base: AtomicDB) -> bool:
        return base.exists(b"v1:canonical_head_hash")

    def _genesis(self, kind: type[_Chain], config: DevchainConfig) -> _Chain:
        parameters: dict[str, HeaderParams] = {
            "coinbase": COINBASE,
            "difficulty": POST_MERGE_DIFFICULTY,
            "nonce": POST_MERGE_NONCE,
            "extra_data": b"provenue devnet",
            "gas_limit": config.gas_limit,
            "timestamp": self._now_s(),
            "receipt_root": BLANK_ROOT_HASH,
            "transaction_root": BLANK_ROOT_HASH,
        }
        rich = AccountDetails(balance=config.balance_wei, nonce=0, code=b"", storage={})
        state = {Address(account): rich for account in config.accounts}
        chain = kind.from_genesis(AtomicDB(self._database), parameters, state)
        self._database.commit()
        assert isinstance(chain, _Chain)
        return chain

    def close(self) -> None:
        """Release the database."""
        self._database.close()

    # Writing

    def seal(self, raw: bytes | None) -> bytes:
        """Seal one raw transaction (or none) into the next block; durable when this returns.

        Returns:
            The transaction's hash, or the block's when there was no transaction.

        Raises:
            TransactionRefused: It was not executed; the chain is as before.
        """
        transactions = () if raw is None else (self._decode(raw),)
        timestamp = max(self._now_s(), self.head().timestamp)
        self._chain.header = self._chain.header.copy(timestamp=timestamp)
        try:
            result, _, _ = self._chain.mine_all(transactions, timestamp=timestamp)
        except (ValidationError, PyEVMError) as error:
            self._database.rollback()
            raise TransactionRefused(str(error)) from error
        except BaseException:
            self._database.rollback()
            raise
        self._database.commit()
        sealed = result.imported_block
        return bytes(sealed.transactions[0].hash if transactions else sealed.hash)

    def _decode(self, raw: bytes) -> SignedTransactionAPI:
        if not 0 < len(raw) <= RAW_TRANSACTION_MAX_BYTES:
            raise TransactionRefused(f"{len(raw)} bytes")
        if raw[0] < 0x80 and raw[0] not in _TYPES:
            raise TransactionRefused(f"transaction type {raw[0]} is not supported")
        try:
            transaction = PragueTransactionBuilder.decode(raw)
            transaction.validate()
            sender = transaction.sender
        except _UNDECODABLE as error:
            raise TransactionRefused(f"not a transaction: {error}") from error
        chain_id = transaction.chain_id
        if chain_id not in (None, self.chain_id):
            raise TransactionRefused(f"for chain {chain_id}, this is {self.chain_id}")
        if transaction.gas < transaction.intrinsic_gas:
            raise TransactionRefused(f"intrinsic gas too low: needs {transaction.intrinsic_gas}")
        expected = self.state(self.head()).get_nonce(sender)
        if transaction.nonce < expected:
            raise TransactionRefused(f"nonce too low: next is {expected}, got {transaction.nonce}")
        if transaction.nonce > expected:
            raise TransactionRefused(f"nonce too high: next is {expected}, got {transaction.nonce}")
        return transaction

    # Reading

    def head(self) -> BlockHeaderAPI:
        """The newest sealed block's header."""
        return self._chain.get_canonical_head()

    def pending_header(self) -> BlockHeaderAPI:
        """The header that the next block would have, were it sealed now."""
        head = self.head()
        child = self._chain.create_header_from_parent(head)
        return child.copy(timestamp=max(self._now_s(), head.timestamp))

    def header(self, number: int) -> BlockHeaderAPI:
        """The canonical header of that number, or BlockUnknown."""
        try:
            return self._chain.get_canonical_block_header_by_number(BlockNumber(number))
        except HeaderNotFound as error:
            raise BlockUnknown(str(number)) from error

    def header_of(self, block_hash: bytes) -> BlockHeaderAPI:
        """The header of that hash, or BlockUnknown. There are no side chains here."""
        try:
            return self._chain.get_block_header_by_hash(Hash32(block_hash))
        except HeaderNotFound as error:
            raise BlockUnknown("0x" + block_hash.hex()) from error

    def block(self, header: BlockHeaderAPI) -> BlockAPI:
        """The whole block of a header."""
        return self._chain.get_block_by_header(header)

    def receipts(self, block: BlockAPI) -> tuple[ReceiptAPI, ...]:
        """The block's receipts, in the order of its transactions."""
        return block.get_receipts(self._chain.chaindb)

    def locate(self, transaction_hash: bytes) -> tuple[BlockAPI, int] | None:
        """The block that holds a transaction, and its index in it; None when none does."""
        try:
            number, index = self._chain.get_canonical_transaction_index(Hash32(transaction_hash))
        except TransactionNotFound:
            return None
        return self.block(self.header(number)), index

    def state(self, header: BlockHeaderAPI) -> StateAPI:
        """The state after the block of that header (or, for the pending header, before it)."""
        return self._chain.get_vm(header.copy(base_fee_per_gas=0)).state

    # Executing without consequence

    def call(self, message: Message, header: BlockHeaderAPI) -> bytes:
        """Execute a message on a header's state and give back what it returns.

        Raises:
            ExecutionReverted: With the data that the contract gave.
        """
        gas = header.gas_limit if message.gas is None else min(message.gas, header.gas_limit)
        output, _ = self._run(message, header, gas)
        return output

    def estimate(self, message: Message, header: BlockHeaderAPI) -> int:
        """A gas limit with which the message succeeds, at most an eighth above the least.

        Raises:
            ExecutionReverted: It fails with all the gas of a block.
        """
        ceiling = header.gas_limit if message.gas is None else min(message.gas, header.gas_limit)
        _, used = self._run(message, header, ceiling)
        tokens = sum(1 if byte == 0 else _NONZERO_TOKENS for byte in message.data)
        low = max(used, _FLOOR_GAS + _FLOOR_TOKEN_GAS * tokens) - 1
        high, used_all = ceiling, low + 1
        # What was used is mostly what is needed. A call frame withholds a 64th of its gas and a
        # contract may ask for more to be left, so a little more is tried next, then double.
        # A long execution is not repeated for a closer answer than an eighth.
        tried = [used_all, (used_all + _STIPEND_GAS) * 64 // 63, used_all * 9 // 8]
        if used_all > _LONG_GAS:
            tried = tried[-1:]
        while high - low > low // 8:
            known = high < ceiling
            middle = tried.pop(0) if tried else (low + high) // 2 if known else 2 * low
            middle = max(low + 1, min(middle, high - 1))
            try:
                self._run(message, header, middle)
            except ExecutionReverted:
                low = middle
            else:
                high = middle
        return high

    def _run(self, message: Message, header: BlockHeaderAPI, gas: int) -> tuple[bytes, int]:
        """Execute on a throw-away state; returns the output and the gas used before refunds."""
        state = self.state(header)
        unsigned = PragueTransactionBuilder.new_unsigned_dynamic_fee_transaction(
            chain_id=self.chain_id,
            nonce=state.get_nonce(Address(message.sender)),
            max_priority_fee_per_gas=0,
            max_fee_per_gas=0,
            gas=gas,
            to=Address(message.to),
            value=message.value_wei,
            data=message.data,
            access_list=(),
        )
        if gas < unsigned.intrinsic_gas:
            raise ExecutionReverted("intrinsic gas too low", b"")
        spoofed = SpoofTransaction(unsigned, from_=message.sender)
        try:
            computation = state.apply_transaction(spoofed)  # type: ignore[arg-type]  # a proxy
        except ValidationError as error:
            raise ExecutionReverted(str(error), b"") from error
        if computation.is_error:
            fault = computation.error
            reason = "execution reverted" if isinstance(fault, Revert) else type(fault).__name__
            raise ExecutionReverted(reason, computation.output)
        return computation.output, gas - computation.get_gas_remaining()
