"""The methods that the chain serves: one typed function each, looked up by name."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
import rlp  # type: ignore[import-untyped]  # it ships no types
from eth.abc import BlockAPI, BlockHeaderAPI, LogAPI
from eth_bloom.bloom import BloomFilter
from eth_typing import Address
from eth_utils.crypto import keccak

from ledger.settlement.devchain import params, views
from ledger.settlement.devchain.evm import Evm, Message
from ledger.settlement.errors import BlockUnknown, TooManyLogs
from ledger.settlement.hexadecimal import bytes_of, number_of

CLIENT_VERSION: Final = "provenue-devchain/1/py-evm"
TIP_WEI: Final = 10**9
LOG_BLOCKS_MAX: Final = 10_000
LOGS_MAX: Final = 10_000
LOG_CACHE_BLOCKS: Final = 4_096
_ZERO: Final = b"\x00" * 20

Answer = msgspec.Struct | str | bool | list[Any] | None
"""What a method returns; `msgspec.json` writes it."""


class Methods:
    """All methods over one chain. Not thread-safe, as the chain is not."""

    def __init__(self, evm: Evm) -> None:
        self._evm = evm
        # A sealed block never changes here, and every operator asks for the same deposits.
        self._logs_of = lru_cache(LOG_CACHE_BLOCKS)(self._read_logs)

    def _header(self, ref: str) -> BlockHeaderAPI:
        match ref:
            case "latest" | "safe" | "finalized":
                return self._evm.head()
            case "pending":
                return self._evm.pending_header()
            case "earliest":
                return self._evm.header(0)
            case _:
                return self._evm.header(int(ref, 16))

    # The node

    def chain_id(self, _: params.NoParams) -> Answer:
        return views.quantity(self._evm.chain_id)

    def net_version(self, _: params.NoParams) -> Answer:
        return str(self._evm.chain_id)

    def client_version(self, _: params.NoParams) -> Answer:
        return CLIENT_VERSION

    def listening(self, _: params.NoParams) -> Answer:
        return True

    def syncing(self, _: params.NoParams) -> Answer:
        return False

    def mining(self, _: params.NoParams) -> Answer:
        return True

    def accounts(self, _: params.NoParams) -> Answer:
        return []

    def block_number(self, _: params.NoParams) -> Answer:
        return views.quantity(self._evm.head().block_number)

    # Accounts

    def balance(self, asked: params.AccountParams) -> Answer:
        state = self._evm.state(self._header(asked.block))
        return views.quantity(state.get_balance(_address(asked.address)))

    def code(self, asked: params.AccountParams) -> Answer:
        state = self._evm.state(self._header(asked.block))
        return views.data(state.get_code(_address(asked.address)))

    def transaction_count(self, asked: params.AccountParams) -> Answer:
        state = self._evm.state(self._header(asked.block))
        return views.quantity(state.get_nonce(_address(asked.address)))

    def storage_at(self, asked: params.StorageParams) -> Answer:
        state = self._evm.state(self._header(asked.block))
        value = state.get_storage(_address(asked.address), int(asked.slot, 16))
        return views.data(value.to_bytes(32, "big"))

    # Fees

    def gas_price(self, _: params.NoParams) -> Answer:
        return views.quantity(views.base_fee_wei(self._evm.pending_header()) + TIP_WEI)

    def tip(self, _: params.NoParams) -> Answer:
        return views.quantity(TIP_WEI)

    def fee_history(self, asked: params.FeeHistoryParams) -> Answer:
        newest = self._header("latest" if asked.newest == "pending" else asked.newest)
        count = number_of(asked.count)
        if not 1 <= count <= params.BLOCK_COUNT_MAX:
            raise params.InvalidParams(f"block count {count}")
        oldest = max(0, newest.block_number - count + 1)
        headers = [self._evm.header(n) for n in range(oldest, newest.block_number + 1)]
        head = self._evm.head().block_number
        following = newest.block_number + 1
        after = self._evm.header(following) if following <= head else self._evm.pending_header()
        return views.FeeHistoryView(
            oldest_block=views.quantity(oldest),
            base_fee_per_gas=[views.quantity(views.base_fee_wei(h)) for h in [*headers, after]],
            gas_used_ratio=[views.share(h.gas_used, h.gas_limit) for h in headers],
            reward=[self._rewards(header, len(asked.percentiles or ())) for header in headers],
        )

    def _rewards(self, header: BlockHeaderAPI, percentiles: int) -> list[str]:
        """Every percentile of a block is its only transaction's tip."""
        if percentiles == 0:
            return []
        tips = [
            views.price_wei(transaction, header) - views.base_fee_wei(header)
            for transaction in self._evm.block(header).transactions
        ]
        return [views.quantity(tips[0] if tips else 0)] * percentiles

    # Execution

    def call(self, asked: params.CallParams) -> Answer:
        header = self._header(asked.block or "latest")
        return views.data(self._evm.call(_message(asked.call), header))

    def estimate_gas(self, asked: params.CallParams) -> Answer:
        # A chain that sleeps between transactions has an old head: what counts is the next block.
        header = self._header(asked.block or "pending")
        return views.quantity(self._evm.estimate(_message(asked.call), header))

    def send_raw(self, asked: params.RawParams) -> Answer:
        return views.data(self._evm.seal(bytes_of(asked.raw)))

    def mine(self, asked: params.MineParams) -> Answer:
        count = number_of(asked.count)
        if not 1 <= count <= params.MINE_MAX:
            raise params.InvalidParams(f"count {count}")
        for _ in range(count):
            self._evm.seal(None)
        return "0x0"

    # Blocks and transactions

    def transaction(self, asked: params.HashParams) -> Answer:
        place = self._evm.locate(bytes_of(asked.hash))
        return None if place is None else views.transaction_view(*place)

    def receipt(self, asked: params.HashParams) -> Answer:
        place = self._evm.locate(bytes_of(asked.hash))
        return None if place is None else self._receipt(*place)

    def _receipt(self, block: BlockAPI, index: int) -> views.ReceiptView:
        transaction = block.transactions[index]
        created = None if transaction.to else _created(transaction.sender, transaction.nonce)
        return views.receipt_view(block, index, self._evm.receipts(block), created)

    def block_receipts(self, asked: params.BlockByNumberParams) -> Answer:
        block = self._evm.block(self._header(asked.block))
        return [self._receipt(block, index) for index in range(len(block.transactions))]

    def block_by_number(self, asked: params.BlockByNumberParams) -> Answer:
        try:
            header = self._header(asked.block)
        except BlockUnknown:
            return None  # the specification's answer for a block that is not there
        return self._block(header, full=asked.full)

    def block_by_hash(self, asked: params.BlockByHashParams) -> Answer:
        try:
            header = self._evm.header_of(bytes_of(asked.hash))
        except BlockUnknown:
            return None  # the specification's answer for a block that is not there
        return self._block(header, full=asked.full)

    def _block(self, header: BlockHeaderAPI, *, full: bool) -> views.BlockView:
        block = self._evm.block(header)
        size = len(rlp.encode(block))
        if full:
            whole = [views.transaction_view(block, i) for i in range(len(block.transactions))]
            return views.block_view(header, size, whole)
        hashes = [views.data(transaction.hash) for transaction in block.transactions]
        return views.block_view(header, size, hashes)

    # Logs

    def logs(self, asked: params.LogParams) -> Answer:
        wanted = asked.filter
        if wanted.block_hash is not None:
            if wanted.from_block is not None or wanted.to_block is not None:
                raise params.InvalidParams("blockHash excludes fromBlock and toBlock")
            headers = [self._evm.header_of(bytes_of(wanted.block_hash))]
        else:
            first = self._header(wanted.from_block or "latest").block_number
            last = self._header_or_head(wanted.to_block or "latest").block_number
            if last - first >= LOG_BLOCKS_MAX:
                raise TooManyLogs(LOG_BLOCKS_MAX, last - first + 1)
            headers = [self._evm.header(number) for number in range(first, last + 1)]
        match = _LogMatch(wanted)
        found: list[views.LogView] = []
        for header in headers:
            if match.may_hold(header.bloom):
                found += self._matching(header, match)
            if len(found) > LOGS_MAX:
                raise TooManyLogs(LOGS_MAX, len(found))
        return found

    def _header_or_head(self, ref: str) -> BlockHeaderAPI:
        """A range may end beyond the head; it then ends at the head. Nothing is pending here."""
        head = self._evm.head()
        beyond = ref == "pending" or (ref.startswith("0x") and int(ref, 16) > head.block_number)
        return head if beyond else self._header(ref)

    def _matching(self, header: BlockHeaderAPI, match: "_LogMatch") -> list[views.LogView]:
        logs = self._logs_of(header.block_number)
        return [view for log, view in logs if match.holds(log.address, log.topics)]

    def _read_logs(self, number: int) -> list[tuple[LogAPI, views.LogView]]:
        block = self._evm.block(self._evm.header(number))
        receipts = self._evm.receipts(block)
        found: list[tuple[LogAPI, views.LogView]] = []
        for index in range(len(block.transactions)):
            found += views.log_views(block, index, receipts)
        return found


class _LogMatch:
    """A compiled log filter: addresses and topics, each any of several."""

    def __init__(self, wanted: params.LogFilter) -> None:
        listed = wanted.address if isinstance(wanted.address, list) else [wanted.address]
        self._addresses = {_address(one) for one in listed if one is not None}
        self._topics: list[set[int]] = []
        for topic in wanted.topics or ():
            options = topic if isinstance(topic, list) else [topic]
            self._topics.append({int(one, 16) for one in options if one is not None})

    def may_hold(self, bloom: int) -> bool:
        """Whether a block of that bloom can hold a match."""
        in_block = BloomFilter(bloom)
        wanted: list[set[bytes]] = [{bytes(one) for one in self._addresses}]
        wanted += [{one.to_bytes(32, "big") for one in options} for options in self._topics]
        return all(not some or any(one in in_block for one in some) for some in wanted)

    def holds(self, emitter: bytes, topics: Sequence[int]) -> bool:
        """Whether one log matches."""
        if self._addresses and emitter not in self._addresses:
            return False
        if len(topics) < len(self._topics):
            return False
        return all(
            not options or topic in options
            for options, topic in zip(self._topics, topics, strict=False)
        )


def _address(text: str) -> Address:
    return Address(bytes_of(text))


def _created(sender: bytes, nonce: int) -> bytes:
    return bytes(keccak(rlp.encode([sender, nonce]))[12:])


def _message(call: params.CallParam) -> Message:
    if call.data is not None and call.input is not None and call.data != call.input:
        raise params.InvalidParams("data and input differ")
    body = call.input or call.data or "0x"
    return Message(
        sender=_ZERO if call.sender is None else _address(call.sender),
        to=b"" if call.to is None else _address(call.to),
        data=bytes_of(body),
        value_wei=0 if call.value is None else number_of(call.value),
        gas=None if call.gas is None else number_of(call.gas),
    )


Handler = Callable[[Methods, Any], Answer]

METHODS: Final[Mapping[str, tuple[type[msgspec.Struct], Handler]]] = {
    "eth_chainId": (params.NoParams, Methods.chain_id),
    "net_version": (params.NoParams, Methods.net_version),
    "net_listening": (params.NoParams, Methods.listening),
    "web3_clientVersion": (params.NoParams, Methods.client_version),
    "eth_syncing": (params.NoParams, Methods.syncing),
    "eth_mining": (params.NoParams, Methods.mining),
    "eth_accounts": (params.NoParams, Methods.accounts),
    "eth_blockNumber": (params.NoParams, Methods.block_number),
    "eth_getBalance": (params.AccountParams, Methods.balance),
    "eth_getCode": (params.AccountParams, Methods.code),
    "eth_getTransactionCount": (params.AccountParams, Methods.transaction_count),
    "eth_getStorageAt": (params.StorageParams, Methods.storage_at),
    "eth_gasPrice": (params.NoParams, Methods.gas_price),
    "eth_maxPriorityFeePerGas": (params.NoParams, Methods.tip),
    "eth_feeHistory": (params.FeeHistoryParams, Methods.fee_history),
    "eth_call": (params.CallParams, Methods.call),
    "eth_estimateGas": (params.CallParams, Methods.estimate_gas),
    "eth_sendRawTransaction": (params.RawParams, Methods.send_raw),
    "eth_getTransactionByHash": (params.HashParams, Methods.transaction),
    "eth_getTransactionReceipt": (params.HashParams, Methods.receipt),
    "eth_getBlockReceipts": (params.BlockByNumberParams, Methods.block_receipts),
    "eth_getBlockByNumber": (params.BlockByNumberParams, Methods.block_by_number),
    "eth_getBlockByHash": (params.BlockByHashParams, Methods.block_by_hash),
    "eth_getLogs": (params.LogParams, Methods.logs),
    "evm_mine": (params.MineParams, Methods.mine),
}
