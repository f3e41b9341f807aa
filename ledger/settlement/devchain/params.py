"""Parameters of JSON-RPC methods, parsed once into typed values; anything else is refused."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ledger.settlement.errors import SettlementError
from ledger.settlement.hexadecimal import Address, Data, Quantity, Word

TOPICS_MAX: Final = 4
ADDRESSES_MAX: Final = 100
ALTERNATIVES_MAX: Final = 100
BLOCK_COUNT_MAX: Final = 1024
MINE_MAX: Final = 1000

Slot = Annotated[str, Meta(pattern=r"^0x[0-9a-fA-F]{1,64}$")]
Tag = Annotated[str, Meta(pattern=r"^(latest|earliest|pending|safe|finalized)$")]
BlockRef = Annotated[
    str,
    Meta(pattern=r"^(latest|earliest|pending|safe|finalized|0x(0|[1-9a-fA-F][0-9a-fA-F]{0,15}))$"),
]


class InvalidParams(SettlementError):
    """The parameters do not fit the method; args[0] says which and why."""


class _Params(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Positional parameters. A longer list is refused, so that no override is quietly ignored."""


class NoParams(_Params, frozen=True):
    """The method takes none."""


class AccessParam(msgspec.Struct, frozen=True, rename="camel"):
    """One entry of an access list. It changes gas costs only, and is not used for simulations."""

    address: Address
    storage_keys: list[Word]


class CallParam(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The transaction object of eth_call and eth_estimateGas."""

    sender: Address | None = msgspec.field(default=None, name="from")
    to: Address | None = None
    gas: Quantity | None = None
    gas_price: Quantity | None = None
    max_fee_per_gas: Quantity | None = None
    max_priority_fee_per_gas: Quantity | None = None
    value: Quantity | None = None
    data: Data | None = None
    input: Data | None = None
    nonce: Quantity | None = None
    chain_id: Quantity | None = None
    type: Quantity | None = None
    access_list: list[AccessParam] | None = None


class CallParams(_Params, frozen=True):
    """eth_call(transaction, block), eth_estimateGas(transaction, block)."""

    call: CallParam
    block: BlockRef | None = None


class AccountParams(_Params, frozen=True):
    """eth_getBalance, eth_getCode and eth_getTransactionCount (address, block)."""

    address: Address
    block: BlockRef = "latest"


class StorageParams(_Params, frozen=True):
    """eth_getStorageAt(address, slot, block)."""

    address: Address
    slot: Slot
    block: BlockRef = "latest"


class RawParams(_Params, frozen=True):
    """eth_sendRawTransaction(bytes)."""

    raw: Data


class HashParams(_Params, frozen=True):
    """eth_getTransactionByHash and eth_getTransactionReceipt (hash)."""

    hash: Word


class BlockByNumberParams(_Params, frozen=True):
    """eth_getBlockByNumber(block, whole transactions?)."""

    block: BlockRef
    full: bool = False


class BlockByHashParams(_Params, frozen=True):
    """eth_getBlockByHash(hash, whole transactions?)."""

    hash: Word
    full: bool = False


class FeeHistoryParams(_Params, frozen=True):
    """eth_feeHistory(count, newest, percentiles)."""

    count: Quantity | Annotated[int, Meta(ge=1, le=BLOCK_COUNT_MAX)]
    newest: BlockRef = "latest"
    percentiles: Annotated[list[msgspec.Raw], Meta(max_length=100)] | None = None


class LogFilter(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The filter of eth_getLogs."""

    from_block: BlockRef | None = None
    to_block: BlockRef | None = None
    block_hash: Word | None = None
    address: Address | Annotated[list[Address], Meta(max_length=ADDRESSES_MAX)] | None = None
    topics: (
        Annotated[
            list[Word | Annotated[list[Word], Meta(max_length=ALTERNATIVES_MAX)] | None],
            Meta(max_length=TOPICS_MAX),
        ]
        | None
    ) = None


class LogParams(_Params, frozen=True):
    """eth_getLogs(filter)."""

    filter: LogFilter


class MineParams(_Params, frozen=True):
    """evm_mine(): optionally how many blocks, as anvil's anvil_mine takes it."""

    count: Quantity | Annotated[int, Meta(ge=1, le=MINE_MAX)] = 1
