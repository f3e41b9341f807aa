"""Frames over TCP: a length, then messages. Bounded queues, so that no peer can stall another.

Who dials proves its key: the listener sends 32 random bytes, the dialler answers with a signed
HELLO that names them and whom it means to reach. Every later message carries its own signature.
Sending never waits: a full outbox drops its oldest frame, and STATUS repairs what was lost.
Reading waits: a connection's next frame is read when its last one was handled.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Final

from ledger.audit.bodies import SESSION_BYTES, Hello
from ledger.audit.errors import FrameTooLarge, MalformedMessage, MessageError, PortInUse
from ledger.audit.group import Group
from ledger.audit.messages import FRAME_BYTES_MAX, HELLO_BYTES, Author, open_message

LENGTH_BYTES: Final = 4
OUTBOX_FRAMES_MAX: Final = 256
OUTBOX_BYTES_MAX: Final = 16 * 1024 * 1024
HANDSHAKES_MAX: Final = 32
HANDSHAKE_MS: Final = 3_000
BACKOFF_MIN_MS: Final = 50
BACKOFF_MAX_MS: Final = 2_000


def seconds(milliseconds: int) -> float:
    """What asyncio's timers take."""
    return timedelta(milliseconds=milliseconds).total_seconds()


async def read_frame(reader: asyncio.StreamReader, limit: int) -> bytes:
    """One frame; nothing above `limit` is read.

    Raises:
        FrameTooLarge: The announced length is above the limit.
        asyncio.IncompleteReadError: The peer closed.
    """
    size = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "little")
    if size > limit:
        raise FrameTooLarge(limit, size)
    return await reader.readexactly(size)


def write_frame(writer: asyncio.StreamWriter, frame: bytes) -> None:
    """Queue one frame on a stream; the caller drains."""
    writer.write(len(frame).to_bytes(LENGTH_BYTES, "little") + frame)


class Outbox:
    """Frames waiting to be sent to one peer, at most so many and so large."""

    def __init__(self) -> None:
        """Empty."""
        self._frames: deque[bytes] = deque()
        self.waiting_bytes = 0
        self._filled = asyncio.Event()
        self.dropped = 0

    def put(self, frame: bytes) -> None:
        """Add a frame; the oldest leave when there are too many."""
        self._frames.append(frame)
        self.waiting_bytes += len(frame)
        while len(self._frames) > OUTBOX_FRAMES_MAX or self.waiting_bytes > OUTBOX_BYTES_MAX:
            self.waiting_bytes -= len(self._frames.popleft())
            self.dropped += 1
        self._filled.set()

    async def get(self) -> bytes:
        """The oldest frame; waits for one."""
        while not self._frames:
            self._filled.clear()
            await self._filled.wait()
        frame = self._frames.popleft()
        self.waiting_bytes -= len(frame)
        return frame


async def _pump(outbox: Outbox, writer: asyncio.StreamWriter) -> None:
    while True:
        write_frame(writer, await outbox.get())
        await writer.drain()


async def _until_either(
    first: Coroutine[None, None, None], second: Coroutine[None, None, None]
) -> None:
    """Run them together until one ends, and raise what it raised.

    Not a TaskGroup: in Python 3.11 and 3.12 its parent can lose a cancellation that comes in the
    same moment as a child's error, and a link that outlives its cancellation hangs the shutdown.
    """
    tasks = [asyncio.create_task(work) for work in (first, second)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close at once: what is still unsent was never promised."""
    writer.transport.abort()
    try:
        await writer.wait_closed()
    except OSError:
        return  # the peer was gone first, which is what closing wants


class Link:
    """An outgoing connection that is kept up, with capped back-off between attempts."""

    def __init__(
        self,
        author: Author,
        to: int,
        on_frame: Callable[[int, bytes], Awaitable[None]],
        on_up: Callable[[int], Awaitable[None]],
    ) -> None:
        """`on_frame(to, frame)` gets what comes back, `on_up(to)` every new connection."""
        self._author, self.to = author, to
        self._on_frame, self._on_up = on_frame, on_up
        self.outbox = Outbox()
        self.up = asyncio.Event()
        self.session = b""
        self.last_error = ""

    def send(self, frame: bytes) -> None:
        """Queue a frame; it survives a reconnection, unless newer ones push it out."""
        self.outbox.put(frame)

    async def run(self) -> None:
        """Dial for ever; ends only by cancellation, or by an error of a handler's own."""
        backoff_ms = BACKOFF_MIN_MS
        while True:
            try:
                await self._session()
            except (OSError, EOFError, TimeoutError, MessageError) as error:
                self.last_error = repr(error)
            backoff_ms = BACKOFF_MIN_MS if self.up.is_set() else 2 * backoff_ms
            backoff_ms = min(backoff_ms, BACKOFF_MAX_MS)
            self.up.clear()
            await asyncio.sleep(seconds(backoff_ms))

    async def _session(self) -> None:
        member = self._author.group.members[self.to]
        async with asyncio.timeout(seconds(HANDSHAKE_MS)):
            reader, writer = await asyncio.open_connection(
                member.host, member.port, limit=FRAME_BYTES_MAX
            )
        try:
            async with asyncio.timeout(seconds(HANDSHAKE_MS)):
                self.session = await read_frame(reader, SESSION_BYTES)
                if len(self.session) != SESSION_BYTES:
                    raise MalformedMessage("the challenge is not 32 bytes")
                hello = self._author.sign(0, 0, Hello(self.session, self.to))
                write_frame(writer, hello.raw)
                await writer.drain()
            self.up.set()
            await self._on_up(self.to)
            await _until_either(_pump(self.outbox, writer), self._read(reader))
        finally:
            await _close(writer)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            await self._on_frame(self.to, await read_frame(reader, FRAME_BYTES_MAX))


class Connection:
    """An incoming connection whose dialler is known."""

    def __init__(self, sender: int, session: bytes, writer: asyncio.StreamWriter) -> None:
        """Owned by the listener."""
        self.sender, self.session, self._writer = sender, session, writer
        self.outbox = Outbox()

    def send(self, frame: bytes) -> None:
        """Queue a frame."""
        self.outbox.put(frame)

    def abort(self) -> None:
        """Drop it: the reader sees the end."""
        self._writer.transport.abort()


class Listener:
    """Accepts connections: at most one a sender, and few that have not said who they are."""

    def __init__(
        self,
        group: Group,
        me: int,
        on_frame: Callable[[Connection, bytes], Awaitable[None]],
        on_up: Callable[[Connection], Awaitable[None]],
    ) -> None:
        """`on_frame` raising MessageError closes the connection that sent the frame."""
        self._group, self._me = group, me
        self._on_frame, self._on_up = on_frame, on_up
        self.connections: dict[int, Connection] = {}
        self.refused: deque[str] = deque(maxlen=16)
        self._handshakes = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            PortInUse: Somebody else does.
        """
        try:
            self._server = await asyncio.start_server(
                self._accept, host, port, limit=FRAME_BYTES_MAX
            )
        except OSError as error:
            raise PortInUse(host, port) from error

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._handshakes >= HANDSHAKES_MAX:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: Connection | None = None
        try:
            connection = await self._greet(reader, writer)
            former = self.connections.get(connection.sender)
            if former is not None:
                former.abort()
            self.connections[connection.sender] = connection
            await self._on_up(connection)
            await _until_either(_pump(connection.outbox, writer), self._read(connection, reader))
        except (OSError, EOFError, TimeoutError, MessageError) as error:
            self.refused.append(repr(error))
        finally:
            if connection is not None and self.connections.get(connection.sender) is connection:
                del self.connections[connection.sender]
            await _close(writer)

    async def _greet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Connection:
        self._handshakes += 1
        try:
            async with asyncio.timeout(seconds(HANDSHAKE_MS)):
                session = secrets.token_bytes(SESSION_BYTES)
                write_frame(writer, session)
                await writer.drain()
                hello = open_message(self._group, await read_frame(reader, HELLO_BYTES))
        finally:
            self._handshakes -= 1
        if hello.body != Hello(session, self._me):
            raise MalformedMessage("HELLO does not answer this challenge")
        return Connection(hello.sender, session, writer)

    async def _read(self, connection: Connection, reader: asyncio.StreamReader) -> None:
        while True:
            await self._on_frame(connection, await read_frame(reader, FRAME_BYTES_MAX))

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
