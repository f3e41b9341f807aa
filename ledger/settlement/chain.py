"""A thin, typed client of one Ethereum node: every request bounded in time, every fault typed.

Calls go through web3's HTTP provider on one thread of their own, so that the venue's loop never
waits for a socket. Nothing is retried here: who calls knows what a repetition would mean.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Self

import msgspec
import requests
from web3 import HTTPProvider
from web3.exceptions import BadResponseFormat
from web3.types import RPCEndpoint

from ledger.settlement.errors import (
    ChainDown,
    ChainInconsistent,
    ChainRefused,
    ExecutionReverted,
    WrongChain,
)
from ledger.settlement.hexadecimal import Address, Data, Quantity, Word, bytes_of, number_of

TIMEOUT_S: Final = 10
SHOWN_MAX: Final = 200
"""Of a broken answer, this many characters go into the error."""
LOG_WINDOW: Final = 2_000
"""Blocks that one log query covers; public nodes commonly allow 10,000, many only 2,000."""
REVERTED: Final = 3
"""go-ethereum's code for a revert; other nodes give other codes, and the data beside them."""


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


class _BlockAnswer(msgspec.Struct, rename="camel"):
    number: Quantity
    hash: Word
    timestamp: Quantity
    base_fee_per_gas: Quantity = "0x0"


class _LogAnswer(msgspec.Struct, rename="camel"):
    address: Address
    topics: list[Word]
    data: Data
    block_number: Quantity
    transaction_hash: Word
    log_index: Quantity


class _ReceiptAnswer(msgspec.Struct, rename="camel"):
    transaction_hash: Word
    block_number: Quantity
    gas_used: Quantity
    status: Quantity
    logs: list[_LogAnswer]


class _Fault(msgspec.Struct):
    code: int
    message: str
    data: Any = None


class ChainClient:
    """One node, one chain id. Use as an async context manager, or `close` it."""

    def __init__(self, url: str, chain_id: int, timeout_s: int = TIMEOUT_S) -> None:
        self.url = url
        self.chain_id = chain_id
        self._provider = HTTPProvider(
            url, request_kwargs={"timeout": timeout_s}, exception_retry_configuration=None
        )
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
        found = number_of(await self._ask("eth_chainId", [], Quantity))
        if found != self.chain_id:
            raise WrongChain(self.chain_id, found)

    async def head(self) -> ChainBlock:
        """The newest block."""
        block = await self._latest()
        number, time_s = number_of(block.number), number_of(block.timestamp)
        return ChainBlock(number, bytes_of(block.hash), time_s)

    async def _latest(self) -> _BlockAnswer:
        answer: _BlockAnswer = await self._ask(
            "eth_getBlockByNumber", ["latest", False], _BlockAnswer
        )
        return answer

    async def logs(
        self, emitter: bytes, topics: Sequence[bytes], first: int, last: int
    ) -> tuple[ChainLog, ...]:
        """The logs of a contract in blocks first..last that carry these leading topics, in order.

        Raises:
            ChainInconsistent: The node answered with logs that were not asked for.
        """
        assert 0 <= first <= last < first + LOG_WINDOW
        wanted = {
            "address": _data(emitter),
            "topics": [_data(topic) for topic in topics],
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        answer: list[_LogAnswer] = await self._ask("eth_getLogs", [wanted], list[_LogAnswer])
        found = [_log(one) for one in answer]
        for log in found:
            inside = first <= log.block_number <= last
            if not inside or log.address != emitter or log.topics[: len(topics)] != tuple(topics):
                asked = f"{emitter.hex()} in {first}..{last}"
                raise ChainInconsistent("log", asked, f"{log.address.hex()} in {log.block_number}")
        return tuple(sorted(found, key=lambda log: (log.block_number, log.log_index)))

    async def call(self, to: bytes, data: bytes) -> bytes:
        """What a contract answers at the newest block.

        Raises:
            ExecutionReverted: It reverted; `data` is the encoded error.
        """
        message = {"to": _data(to), "data": _data(data)}
        return bytes_of(await self._ask("eth_call", [message, "latest"], Data))

    async def estimate_gas(self, to: bytes, data: bytes, sender: bytes) -> int:
        """The gas that a call needs now.

        Raises:
            ExecutionReverted: It would revert.
        """
        message = {"from": _data(sender), "to": _data(to), "data": _data(data)}
        return number_of(await self._ask("eth_estimateGas", [message], Quantity))

    async def fees(self) -> Fees:
        """Today's tip, and a cap that survives five full blocks of rising base fee."""
        tip_wei = number_of(await self._ask("eth_maxPriorityFeePerGas", [], Quantity))
        base_wei = number_of((await self._latest()).base_fee_per_gas)
        return Fees(tip_wei, 2 * base_wei + tip_wei)

    async def nonce(self, account: bytes) -> int:
        """How many transactions of an account are mined."""
        parameters = [_data(account), "latest"]
        return number_of(await self._ask("eth_getTransactionCount", parameters, Quantity))

    async def broadcast(self, raw: bytes) -> bytes:
        """Hand a signed transaction to the node; returns the hash that the node gives it.

        Raises:
            ChainRefused: The node did not take it (a nonce already used, too little money, …).
        """
        return bytes_of(await self._ask("eth_sendRawTransaction", [_data(raw)], Word))

    async def receipt(self, tx_hash: bytes) -> ChainReceipt | None:
        """A mined transaction's receipt; None when none of that hash is mined."""
        shape = _ReceiptAnswer | None
        found = await self._ask("eth_getTransactionReceipt", [_data(tx_hash)], shape)
        if found is None:
            return None
        if bytes_of(found.transaction_hash) != tx_hash:
            raise ChainInconsistent("receipt", tx_hash.hex(), found.transaction_hash)
        return ChainReceipt(
            tx_hash=tx_hash,
            block_number=number_of(found.block_number),
            succeeded=number_of(found.status) == 1,
            gas_used=number_of(found.gas_used),
            logs=tuple(_log(one) for one in found.logs),
        )

    # What the node answers is anybody's JSON until `convert` has checked it against `shape`.
    async def _ask(self, method: str, parameters: list[Any], shape: Any) -> Any:  # noqa: ANN401
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._thread, self._request, method, parameters)
        try:
            if not isinstance(answer, dict) or ("result" in answer) == ("error" in answer):
                raise ChainInconsistent(method, "an answer of JSON-RPC", str(answer)[:SHOWN_MAX])
            if "error" in answer:
                raise _refusal(msgspec.convert(answer["error"], _Fault))
            return msgspec.convert(answer["result"], shape)
        except msgspec.ValidationError as error:
            raise ChainInconsistent(method, "an answer of its shape", str(error)) from error

    def _request(self, method: str, parameters: list[Any]) -> object:
        try:
            return self._provider.make_request(RPCEndpoint(method), parameters)
        except (requests.RequestException, BadResponseFormat, OSError, ValueError) as error:
            raise ChainDown(self.url, f"{type(error).__name__}: {error}"[:SHOWN_MAX]) from error


def _refusal(fault: _Fault) -> ChainRefused | ExecutionReverted:
    data = fault.data if isinstance(fault.data, str) else ""
    if fault.code == REVERTED or data.startswith("0x"):
        try:
            return ExecutionReverted(fault.message, bytes.fromhex(data.removeprefix("0x")))
        except ValueError:
            return ExecutionReverted(f"{fault.message} {data[:SHOWN_MAX]}", b"")
    return ChainRefused(fault.code, fault.message)


def _data(value: bytes) -> str:
    return "0x" + value.hex()


def _log(found: _LogAnswer) -> ChainLog:
    return ChainLog(
        address=bytes_of(found.address),
        topics=tuple(bytes_of(topic) for topic in found.topics),
        data=bytes_of(found.data),
        block_number=number_of(found.block_number),
        tx_hash=bytes_of(found.transaction_hash),
        log_index=number_of(found.log_index),
    )
