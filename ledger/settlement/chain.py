"""A thin, typed client of one Ethereum node: every request bounded in time, every fault typed.

Calls go through web3's HTTP provider on one thread of their own, so that the venue's loop never
waits for a socket. Nothing is retried here: who calls knows what a repetition would mean.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

import requests
from eth_typing import ChecksumAddress, HexStr
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.exceptions import (
    BadResponseFormat,
    ContractLogicError,
    TransactionNotFound,
    Web3RPCError,
    Web3ValueError,
)
from web3.types import FilterParams, LogReceipt, TxParams

from ledger.settlement.errors import (
    ChainDown,
    ChainInconsistent,
    ChainRefused,
    ExecutionReverted,
    WrongChain,
)

TIMEOUT_S: Final = 10
LOG_WINDOW: Final = 2_000
"""Blocks that one log query covers; public nodes commonly allow 10,000, many only 2,000."""
REVERTED: Final = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChainBlock:
    """A block's place and time."""

    number: int
    hash: bytes
    time_s: int


@dataclass(frozen=True, slots=True)
class ChainLog:
    """One log. Topics are 32 bytes each, the event's own first."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    tx_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class ChainReceipt:
    """What a mined transaction did."""

    tx_hash: bytes
    block_number: int
    succeeded: bool
    gas_used: int
    logs: tuple[ChainLog, ...]


@dataclass(frozen=True, slots=True)
class Fees:
    """What a transaction should offer now: tip and cap, in wei per gas."""

    tip_wei: int
    cap_wei: int


class ChainClient:
    """One node, one chain id. Use as an async context manager, or `close` it."""

    def __init__(self, url: str, chain_id: int, timeout_s: int = TIMEOUT_S) -> None:
        self.url = url
        self.chain_id = chain_id
        provider = HTTPProvider(
            url, request_kwargs={"timeout": timeout_s}, exception_retry_configuration=None
        )
        self._web3 = Web3(provider)
        self._thread = ThreadPoolExecutor(1, "chain-client")

    async def __aenter__(self) -> Self:
        """Nothing is opened until the first request."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let the thread go; requests under way finish or time out."""
        self._thread.shutdown(wait=True)

    async def ensure_chain(self) -> None:
        """Check that the node is of the configured chain.

        Raises:
            WrongChain: It is of another.
            ChainDown: It does not answer.
        """
        found = await self._run(lambda eth: int(eth.chain_id))
        if found != self.chain_id:
            raise WrongChain(self.chain_id, found)

    async def head(self) -> ChainBlock:
        """The newest block."""
        block = await self._run(lambda eth: eth.get_block("latest"))
        return ChainBlock(int(block["number"]), bytes(block["hash"]), int(block["timestamp"]))

    async def logs(
        self, emitter: bytes, topics: Sequence[bytes], first: int, last: int
    ) -> tuple[ChainLog, ...]:
        """The logs of a contract in blocks first..last that carry these leading topics, in order.

        Raises:
            ChainInconsistent: The node answered with logs that were not asked for.
        """
        assert 0 <= first <= last < first + LOG_WINDOW
        wanted: FilterParams = {
            "address": _checksummed(emitter),
            "topics": [HexStr("0x" + topic.hex()) for topic in topics],
            "fromBlock": first,
            "toBlock": last,
        }
        found = [_log(one) for one in await self._run(lambda eth: eth.get_logs(wanted))]
        for log in found:
            inside = first <= log.block_number <= last
            if not inside or log.address != emitter or log.topics[: len(topics)] != tuple(topics):
                asked = f"{emitter.hex()} in {first}..{last}"
                raise ChainInconsistent("log", asked, f"{log.address.hex()} in {log.block_number}")
        return tuple(sorted(found, key=lambda log: (log.block_number, log.log_index)))

    async def call(
        self, to: bytes, data: bytes, sender: bytes | None = None, block: str = "latest"
    ) -> bytes:
        """What a contract answers.

        Raises:
            ExecutionReverted: It reverted; `data` is the encoded error.
        """
        message: TxParams = {"to": _checksummed(to), "data": HexBytes(data)}
        if sender is not None:
            message["from"] = _checksummed(sender)
        return bytes(await self._run(lambda eth: eth.call(message, block)))

    async def estimate_gas(self, to: bytes, data: bytes, sender: bytes) -> int:
        """The gas that a call needs now.

        Raises:
            ExecutionReverted: It would revert.
        """
        message: TxParams = {
            "to": _checksummed(to),
            "from": _checksummed(sender),
            "data": HexBytes(data),
        }
        return int(await self._run(lambda eth: eth.estimate_gas(message)))

    async def fees(self) -> Fees:
        """Today's tip, and a cap that survives five full blocks of rising base fee."""

        def ask(eth: Any) -> Fees:  # noqa: ANN401  # web3's own class, a second to import
            base_wei = int(eth.get_block("latest")["baseFeePerGas"])
            tip_wei = int(eth.max_priority_fee)
            return Fees(tip_wei, 2 * base_wei + tip_wei)

        return await self._run(ask)

    async def nonce(self, account: bytes) -> int:
        """How many transactions of an account are mined."""
        return int(
            await self._run(lambda eth: eth.get_transaction_count(_checksummed(account), "latest"))
        )

    async def broadcast(self, raw: bytes) -> bytes:
        """Hand a signed transaction to the node.

        Raises:
            ChainRefused: The node did not take it (a nonce already used, too little money, …).
        """
        return bytes(await self._run(lambda eth: eth.send_raw_transaction(HexBytes(raw))))

    async def receipt(self, tx_hash: bytes) -> ChainReceipt | None:
        """A mined transaction's receipt; None when none of that hash is mined."""

        def ask(eth: Any) -> ChainReceipt | None:  # noqa: ANN401  # as above
            try:
                found = eth.get_transaction_receipt(HexBytes(tx_hash))
            except TransactionNotFound:
                return None
            return ChainReceipt(
                tx_hash=bytes(found["transactionHash"]),
                block_number=int(found["blockNumber"]),
                succeeded=found["status"] == 1,
                gas_used=int(found["gasUsed"]),
                logs=tuple(_log(one) for one in found["logs"]),
            )

        return await self._run(ask)

    async def _run(self, ask: Callable[[Any], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._guarded, ask)

    def _guarded(self, ask: Callable[[Any], T]) -> T:
        try:
            return ask(self._web3.eth)
        except ContractLogicError as error:
            data = error.data if isinstance(error.data, str) else "0x"
            raise ExecutionReverted(str(error.message), bytes(HexBytes(data))) from error
        except Web3RPCError as error:
            raise _refusal(error) from error
        except (requests.RequestException, BadResponseFormat, Web3ValueError, OSError) as error:
            raise ChainDown(self.url, f"{type(error).__name__}: {error}") from error


def _refusal(error: Web3RPCError) -> ChainRefused:
    answer = error.rpc_response or {}
    fault = answer.get("error")
    if isinstance(fault, dict):
        return ChainRefused(int(fault.get("code", 0)), str(fault.get("message", "")))
    return ChainRefused(0, str(error))


def _checksummed(address: bytes) -> ChecksumAddress:
    return Web3.to_checksum_address(address)


def _log(found: LogReceipt) -> ChainLog:
    return ChainLog(
        address=Web3.to_bytes(hexstr=HexStr(found["address"])),
        topics=tuple(bytes(topic) for topic in found["topics"]),
        data=bytes(found["data"]),
        block_number=int(found["blockNumber"]),
        tx_hash=bytes(found["transactionHash"]),
        log_index=int(found["logIndex"]),
    )
