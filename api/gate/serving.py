"""How the gate listens: uvicorn over httptools, with bounds that they leave open.

The event loop is the caller's: run under uvloop for speed.

A request's head has a size bound and a deadline, so that clients who send half a head, or one
without end, hold nothing for long. Bodies are bounded where they are read.
"""

import asyncio
import errno
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from api.gate.refusals import PortInUse

HEAD_BYTES_MAX: Final = 32_768
HEAD_SECONDS_MAX: Final = 10
CONNECTIONS_MAX: Final = 4096
BACKLOG: Final = 1024
KEEP_ALIVE_S: Final = 75
SHUTDOWN_S: Final = 5


class BoundedHttp(HttpToolsProtocol):
    """httptools as uvicorn runs it, with a bound and a deadline on each request's head."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = True
        self._head_bytes = 0
        self._head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start the deadline of the first head."""
        super().connection_made(transport)
        self._head_deadline = self.loop.call_later(HEAD_SECONDS_MAX, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the deadline."""
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head; close on a head that is too large.

        A chunk may hold the end of one request and the head of the next: counted whole, so the
        bound is exact to one chunk.
        """
        if self._in_head:
            if self._head_deadline is None:
                self._head_deadline = self.loop.call_later(HEAD_SECONDS_MAX, self.transport.close)
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX + len(data):
                self.send_400_response("Request head is too large.")
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._head_bytes = 0
        self._stop_deadline()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next bytes are a head again."""
        self._in_head = True
        super().on_message_complete()

    def _stop_deadline(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None


def bind(host: str, port: int) -> socket.socket:
    """Take a port and listen on it: clients may connect from here on, and wait for `Gate.run`.

    Args:
        host: An IPv4 address; loopback unless TLS stands in front.
        port: 0 lets the system choose; `getsockname` then says which.

    Raises:
        PortInUse: Somebody else has it.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(host, port) from None
        raise
    return listener


class Gate:
    """The running gate: `run` serves until `stop`. Signals are the composition root's business."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        self._listener = listener
        self._server = _QuietServer(
            uvicorn.Config(
                app,
                http=BoundedHttp,
                ws="none",
                access_log=False,
                log_level="warning",
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=SHUTDOWN_S,
            )
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._listener.getsockname()
        return f"http://{host}:{port}"

    async def run(self) -> None:
        """Serve until told to stop; requests under way are finished first. Closes the listener."""
        await self._server.serve([self._listener])

    def stop(self) -> None:
        """Tell `run` to end."""
        self._server.should_exit = True


class _QuietServer(uvicorn.Server):
    """uvicorn that leaves signals alone."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
