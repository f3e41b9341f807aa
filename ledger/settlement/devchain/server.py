"""The process: JSON-RPC over HTTP on loopback, one thread for the chain, one loop for sockets."""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import uvicorn

from ledger.settlement.devchain.config import LOOPBACK, DevchainConfig
from ledger.settlement.devchain.evm import Evm
from ledger.settlement.devchain.methods import Methods
from ledger.settlement.devchain.rpc import BODY_MAX_BYTES, serve
from ledger.settlement.errors import PortInUse

IN_FLIGHT_MAX: Final = 256
"""Requests held at once; more are answered 503 by the HTTP server."""
SHUTDOWN_S: Final = 5
_HOSTS: Final = frozenset({b"127.0.0.1", b"localhost"})

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class RpcApp:
    """The ASGI application. Bodies are bounded; only JSON posted to a loopback name is read.

    The host and content-type checks keep web pages out: a browser can be made to post to
    loopback, but not as JSON without asking first, and not under our name after DNS rebinding.
    """

    def __init__(self, methods: Methods, thread: ThreadPoolExecutor) -> None:
        self._methods = methods
        self._thread = thread

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        assert scope["type"] == "http", "lifespan and websockets are switched off"
        headers = dict(scope["headers"])
        if headers.get(b"host", b"").rsplit(b":", 1)[0] not in _HOSTS:
            return await _respond(send, 403, b"")
        if scope["method"] != "POST":
            return await _respond(send, 405, b"")
        if headers.get(b"content-type", b"").split(b";")[0].strip() != b"application/json":
            return await _respond(send, 415, b"")
        body = await _read(receive)
        if body is None:
            return await _respond(send, 413, b"")
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._thread, serve, self._methods, body)
        return await _respond(send, 200 if answer else 204, answer or b"")


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or None when it is longer than a body may be."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > BODY_MAX_BYTES:
            return None
        more = message.get("more_body", False)
    return bytes(body)


async def _respond(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio switches Nagle's algorithm off: 40 ms an answer otherwise.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise PortInUse(LOOPBACK, port) from error
    return listener


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it answers and leaves signals to its caller."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the sockets, then tell."""
        await super().startup(sockets)
        self._on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: uvicorn would raise them again, and end the process before it cleans up."""
        yield

    async def stop_after(self, stop: asyncio.Event) -> None:
        """Wait for the event, then let `serve` return."""
        await stop.wait()
        self.should_exit = True


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When the process speaks and ends: `ready` gets the URL once requests are answered."""

    ready: Callable[[str], None]
    now_s: Callable[[], int]
    stop: asyncio.Event


async def serve_chain(config: DevchainConfig, lifetime: Lifetime) -> None:
    """Serve until `lifetime.stop`, then close the chain; errors as in `run_devchain`."""
    listener = _listen(config.port)
    url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    loop = asyncio.get_running_loop()
    with listener, ThreadPoolExecutor(1, "devchain") as thread:
        evm = await loop.run_in_executor(thread, Evm, config, lifetime.now_s)
        settings = uvicorn.Config(
            RpcApp(Methods(evm), thread),
            lifespan="off",
            ws="none",
            log_level="warning",
            access_log=False,
            limit_concurrency=IN_FLIGHT_MAX,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
        server = _Server(settings, lambda: lifetime.ready(url))
        stopper = asyncio.create_task(server.stop_after(lifetime.stop))
        try:
            await server.serve(sockets=[listener])
        finally:
            stopper.cancel()
            await loop.run_in_executor(thread, evm.close)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def wall_clock_s() -> int:
    """Seconds since the epoch: the only clock of the chain, passed in from here."""
    return time.time_ns() // 1_000_000_000


def print_ready(url: str) -> None:
    """Print the one line that says that the chain answers."""
    sys.stdout.write(f"devchain ready {url}\n")
    sys.stdout.flush()
