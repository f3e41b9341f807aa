"""Shared by the settlement tests: a chain in this process, a chain as a process, and keys."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

import msgspec
from eth_account import Account
from eth_account.signers.local import LocalAccount

from ledger.settlement.devchain import DevchainConfig, run_devchain

ROOT = Path(__file__).resolve().parent.parent.parent
GWEI = 10**9
GENESIS_S = 1_700_000_000

# Emits one log of its first calldata word under topic 0x2a, stores the word at slot 0 and returns
# it; without calldata it reverts with 0xdeadbeef.
ECHO_RUNTIME = bytes.fromhex(
    "3615601b5760003580600055600052602a60206000a160206000f35b63deadbeef60e01b60005260046000fd"
)
ECHO_INIT = (
    bytes.fromhex(f"60{len(ECHO_RUNTIME):02x}600c60003960{len(ECHO_RUNTIME):02x}6000f3")
    + ECHO_RUNTIME
)


def account(number: int) -> LocalAccount:
    """The test account of that number; its key is the number."""
    return Account.from_key(number.to_bytes(32, "big"))


def address_of(owner: LocalAccount) -> bytes:
    return bytes.fromhex(owner.address[2:])


ALICE, BOB = account(0xA11CE), account(0xB0B)
STRANGER = account(0x57A)
"""Owns nothing in genesis."""


def signed(owner: LocalAccount, nonce: int, **fields) -> bytes:
    """A raw dynamic-fee transaction; any field may be overridden."""
    transaction = {
        "type": 2,
        "nonce": nonce,
        "to": "0x" + "22" * 20,
        "value": 0,
        "gas": 1_000_000,
        "maxFeePerGas": 10 * GWEI,
        "maxPriorityFeePerGas": GWEI,
        "chainId": 31337,
        "data": b"",
        **fields,
    }
    return bytes(owner.sign_transaction(transaction).raw_transaction)


def config_in(directory: Path, **fields) -> DevchainConfig:
    accounts = (address_of(ALICE), address_of(BOB))
    return DevchainConfig(directory, accounts=accounts, **fields)


class Clock:
    """A clock that the test moves."""

    def __init__(self, now_s: int = GENESIS_S) -> None:
        self.now_s = now_s

    def __call__(self) -> int:
        return self.now_s


_PROCESS = """
import asyncio, sys
from pathlib import Path
from ledger.settlement.devchain import DevchainConfig, run_devchain
accounts = tuple(bytes.fromhex(one) for one in sys.argv[3:])
asyncio.run(run_devchain(DevchainConfig(Path(sys.argv[1]), accounts, port=int(sys.argv[2]))))
"""


def start_process(directory: Path, port: int = 0) -> tuple["subprocess.Popen[str]", str]:
    """Start a chain process; returns it and its URL once it answers."""
    accounts = [address_of(owner).hex() for owner in (ALICE, BOB)]
    process = subprocess.Popen(
        [sys.executable, "-c", _PROCESS, str(directory), str(port), *accounts],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    line = process.stdout.readline().split()
    if line[:2] != ["devchain", "ready"]:
        _, errors = process.communicate(timeout=30)
        raise AssertionError(errors)
    return process, line[2]


def stop_process(process: "subprocess.Popen[str]") -> str:
    """Ask the process to stop; returns what it wrote to its error stream."""
    process.terminate()
    _, errors = process.communicate(timeout=30)
    return errors


@contextmanager
def chain_process(directory: Path) -> Iterator[str]:
    """A chain process for the length of a block; yields its URL."""
    process, url = start_process(directory)
    try:
        yield url
    finally:
        errors = stop_process(process)
        assert errors == ""


@contextmanager
def chain_thread(directory: Path) -> Iterator[str]:
    """The same chain served from a thread of this process: quicker to start than a process."""
    started: Queue[str] = Queue()
    stopping: Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def serve() -> None:
        stop = asyncio.Event()
        stopping.put((asyncio.get_running_loop(), stop))
        await run_devchain(config_in(directory), ready=started.put, stop=stop)

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    loop, stop = stopping.get(timeout=30)
    try:
        yield started.get(timeout=30)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def rpc_body(method: str, *parameters, id_: object = 1) -> bytes:
    return msgspec.json.encode(
        {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(parameters)}
    )
