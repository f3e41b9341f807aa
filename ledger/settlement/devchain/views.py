"""Answers of the Ethereum JSON-RPC in the names of its specification (execution-apis)."""

import msgspec
from eth.abc import BlockAPI, BlockHeaderAPI, LogAPI, ReceiptAPI, SignedTransactionAPI
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth_utils.address import to_checksum_address


def quantity(value: int) -> str:
    """A number as the RPC writes it: hexadecimal without leading zeros."""
    return hex(value)


def data(value: bytes) -> str:
    """Bytes as the RPC writes them."""
    return "0x" + value.hex()


def address(value: bytes) -> str:
    """A 20-byte address with its EIP-55 checksum."""
    return str(to_checksum_address(value))


class _View(msgspec.Struct, frozen=True, rename="camel"):
    """One JSON object, its names in camel case."""


class AccessItem(_View, frozen=True):
    """One entry of an EIP-2930 access list."""

    address: str
    storage_keys: list[str]


class TransactionView(_View, frozen=True, omit_defaults=True):
    """A transaction in its block."""

    block_hash: str
    block_number: str
    transaction_index: str
    hash: str
    type: str
    chain_id: str | None
    sender: str = msgspec.field(name="from")
    to: str | None
    nonce: str
    value: str
    gas: str
    input: str
    gas_price: str
    v: str
    r: str
    s: str
    y_parity: str | None = None
    max_fee_per_gas: str | None = None
    max_priority_fee_per_gas: str | None = None
    access_list: list[AccessItem] | None = None


class LogView(_View, frozen=True):
    """One log with its place."""

    address: str
    topics: list[str]
    data: str
    block_hash: str
    block_number: str
    block_timestamp: str
    transaction_hash: str
    transaction_index: str
    log_index: str
    removed: bool


class ReceiptView(_View, frozen=True):
    """What a transaction did."""

    transaction_hash: str
    transaction_index: str
    block_hash: str
    block_number: str
    sender: str = msgspec.field(name="from")
    to: str | None
    contract_address: str | None
    cumulative_gas_used: str
    gas_used: str
    effective_gas_price: str
    logs: list[LogView]
    logs_bloom: str
    type: str
    status: str


class BlockView(_View, frozen=True):
    """A block with the hashes of its transactions, or the transactions themselves."""

    number: str
    hash: str
    parent_hash: str
    nonce: str
    sha3_uncles: str
    logs_bloom: str
    transactions_root: str
    state_root: str
    receipts_root: str
    miner: str
    difficulty: str
    total_difficulty: str
    extra_data: str
    size: str
    gas_limit: str
    gas_used: str
    timestamp: str
    mix_hash: str
    base_fee_per_gas: str
    withdrawals_root: str
    blob_gas_used: str
    excess_blob_gas: str
    parent_beacon_block_root: str
    requests_hash: str
    uncles: list[str]
    withdrawals: list[str]
    transactions: list[TransactionView] | list[str]


class FeeHistoryView(_View, frozen=True):
    """Base fees and fullness of a range of blocks; `base_fee_per_gas` has one more, the next's."""

    oldest_block: str
    base_fee_per_gas: list[str]
    gas_used_ratio: list[msgspec.Raw]
    reward: list[list[str]]


def share(part: int, whole: int) -> msgspec.Raw:
    """A share between 0 and 1 as a JSON number with six decimals, rounded down."""
    ones, millionths = divmod(part * 1_000_000 // whole, 1_000_000)
    return msgspec.Raw(b"%d.%06d" % (ones, millionths))


def base_fee_wei(header: BlockHeaderAPI) -> int:
    """The header's EIP-1559 base fee; every block of this chain has one."""
    fee = header.base_fee_per_gas
    assert fee is not None
    return fee


def price_wei(transaction: SignedTransactionAPI, header: BlockHeaderAPI) -> int:
    """What one unit of gas cost the sender (EIP-1559); legacy types give both caps the same."""
    tip_cap, fee_cap = transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas
    return int(min(base_fee_wei(header) + tip_cap, fee_cap))


def _type_of(transaction: SignedTransactionAPI) -> int:
    return int(transaction.type_id or 0)


def _legacy_v(transaction: SignedTransactionAPI) -> int:
    """EIP-155's v, or the plain one of before."""
    base = 27 if transaction.chain_id is None else 35 + 2 * transaction.chain_id
    return base + int(transaction.y_parity)


def transaction_view(block: BlockAPI, index: int) -> TransactionView:
    """The transaction at `index` of a block."""
    transaction = block.transactions[index]
    kind = _type_of(transaction)
    v = transaction.y_parity if kind else _legacy_v(transaction)
    dynamic = kind >= 2
    access = [
        AccessItem(address(account), [data(slot.to_bytes(32, "big")) for slot in slots])
        for account, slots in (transaction.access_list if kind else ())
    ]
    return TransactionView(
        block_hash=data(block.hash),
        block_number=quantity(block.number),
        transaction_index=quantity(index),
        hash=data(transaction.hash),
        type=quantity(kind),
        chain_id=None if transaction.chain_id is None else quantity(transaction.chain_id),
        sender=address(transaction.sender),
        to=address(transaction.to) if transaction.to else None,
        nonce=quantity(transaction.nonce),
        value=quantity(transaction.value),
        gas=quantity(transaction.gas),
        input=data(transaction.data),
        gas_price=quantity(price_wei(transaction, block.header)),
        v=quantity(v),
        r=quantity(transaction.r),
        s=quantity(transaction.s),
        y_parity=quantity(v) if kind else None,
        max_fee_per_gas=quantity(transaction.max_fee_per_gas) if dynamic else None,
        max_priority_fee_per_gas=(
            quantity(transaction.max_priority_fee_per_gas) if dynamic else None
        ),
        access_list=access if kind else None,
    )


def log_views(
    block: BlockAPI, index: int, receipts: tuple[ReceiptAPI, ...]
) -> list[tuple[LogAPI, LogView]]:
    """The logs of the transaction at `index`; log indexes count over the whole block."""
    before = sum(len(receipt.logs) for receipt in receipts[:index])
    return [
        (
            log,
            LogView(
                address=address(log.address),
                topics=[data(topic.to_bytes(32, "big")) for topic in log.topics],
                data=data(log.data),
                block_hash=data(block.hash),
                block_number=quantity(block.number),
                block_timestamp=quantity(block.header.timestamp),
                transaction_hash=data(block.transactions[index].hash),
                transaction_index=quantity(index),
                log_index=quantity(before + offset),
                removed=False,
            ),
        )
        for offset, log in enumerate(receipts[index].logs)
    ]


def receipt_view(
    block: BlockAPI, index: int, receipts: tuple[ReceiptAPI, ...], created: bytes | None
) -> ReceiptView:
    """The receipt of the transaction at `index`; `created` is the contract it made, if any."""
    transaction, receipt = block.transactions[index], receipts[index]
    before = receipts[index - 1].gas_used if index else 0
    return ReceiptView(
        transaction_hash=data(transaction.hash),
        transaction_index=quantity(index),
        block_hash=data(block.hash),
        block_number=quantity(block.number),
        sender=address(transaction.sender),
        to=address(transaction.to) if transaction.to else None,
        contract_address=None if created is None else address(created),
        cumulative_gas_used=quantity(receipt.gas_used),
        gas_used=quantity(receipt.gas_used - before),
        effective_gas_price=quantity(price_wei(transaction, block.header)),
        logs=[view for _, view in log_views(block, index, receipts)],
        logs_bloom=data(receipt.bloom.to_bytes(256, "big")),
        type=quantity(_type_of(transaction)),
        status=quantity(int.from_bytes(receipt.state_root, "big")),
    )


def block_view(
    header: BlockHeaderAPI, size: int, transactions: list[TransactionView] | list[str]
) -> BlockView:
    """A block of that header."""
    assert isinstance(header, PragueBlockHeader)
    withdrawals_root, beacon_root = header.withdrawals_root, header.parent_beacon_block_root
    assert withdrawals_root is not None
    assert beacon_root is not None
    return BlockView(
        number=quantity(header.block_number),
        hash=data(header.hash),
        parent_hash=data(header.parent_hash),
        nonce=data(header.nonce),
        sha3_uncles=data(header.uncles_hash),
        logs_bloom=data(header.bloom.to_bytes(256, "big")),
        transactions_root=data(header.transaction_root),
        state_root=data(header.state_root),
        receipts_root=data(header.receipt_root),
        miner=address(header.coinbase),
        difficulty=quantity(header.difficulty),
        total_difficulty=quantity(0),
        extra_data=data(header.extra_data),
        size=quantity(size),
        gas_limit=quantity(header.gas_limit),
        gas_used=quantity(header.gas_used),
        timestamp=quantity(header.timestamp),
        mix_hash=data(header.mix_hash),
        base_fee_per_gas=quantity(base_fee_wei(header)),
        withdrawals_root=data(withdrawals_root),
        blob_gas_used=quantity(header.blob_gas_used),
        excess_blob_gas=quantity(header.excess_blob_gas),
        parent_beacon_block_root=data(beacon_root),
        requests_hash=data(header.requests_hash),
        uncles=[],
        withdrawals=[],
        transactions=transactions,
    )
