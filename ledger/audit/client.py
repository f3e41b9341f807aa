"""The venue's connections to all replicas: batches and questions out, votes and answers in.

Also an operator's, with the replica's own key, for `status` alone.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from ledger.audit.bodies import Outcome, Reply, Request
from ledger.audit.errors import (
    MalformedMessage,
    ReplicaUnreachable,
    RequestRefused,
    RequestTimedOut,
)
from ledger.audit.messages import Author, Signed, join, open_frame
from ledger.audit.services import CERTIFIED
from ledger.audit.status import STATUS, ReplicaStatus, decode_status
from ledger.audit.transport import Link, seconds

STATUS_MS: Final = 2_000
OnMessages = Callable[[tuple[Signed, ...]], None]


class GroupClient:
    """Keeps one connection to each replica that it is asked to reach."""

    def __init__(self, author: Author, members: tuple[int, ...] | None = None) -> None:
        """Nothing is dialled before `run`; `members` are all by default."""
        self.author, self.group = author, author.group
        chosen = range(self.group.size) if members is None else members
        self._links = {
            member: Link(author, member, self._on_frame, self._on_up) for member in chosen
        }
        self._open: dict[tuple[int, int], tuple[bytes, asyncio.Future[Reply]]] = {}
        self._number = 0
        self.on_messages: OnMessages | None = None
        """Gets every verified frame that is no answer; set by the certifier before `run`."""

    async def run(self) -> None:
        """Keep the connections up, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for link in self._links.values():
                tasks.create_task(link.run())

    def send(self, member: int, *messages: Signed) -> None:
        """Queue one frame to a replica."""
        self._links[member].send(join(*messages))

    def send_all(self, *messages: Signed) -> None:
        """Queue one frame to every replica."""
        for link in self._links.values():
            link.send(join(*messages))

    def reachable(self) -> tuple[str, ...]:
        """Whose connections stand now."""
        return tuple(self.group.name_of(m) for m, link in self._links.items() if link.up.is_set())

    async def request(self, replica: str, service: str, payload: bytes, timeout_ms: int) -> bytes:
        """Ask one service of one replica.

        Args:
            replica: The member's name.
            service: As it was registered there.
            payload: At most REQUEST_BYTES_MAX.
            timeout_ms: For connection and answer together.

        Returns:
            The answer, signed by the replica's key: the signature was checked.

        Raises:
            ReplicaUnreachable: No connection stood in all that time.
            RequestTimedOut: Asked, and not answered.
            RequestRefused: The replica refused; the reason is its own.
        """
        member = self.group.index_of(replica)
        link = self._links[member]
        try:
            async with asyncio.timeout(seconds(timeout_ms)):
                await link.up.wait()
                reply = await self._ask(link, Request(link.session, service, payload))
        except TimeoutError as error:
            if not link.up.is_set():
                raise ReplicaUnreachable(replica, service) from error
            raise RequestTimedOut(replica, service, timeout_ms) from error
        if reply.outcome != Outcome.ANSWERED:
            reason = reply.payload.decode("utf-8", "replace") or reply.outcome.name
            raise RequestRefused(replica, service, reason)
        return reply.payload

    async def _ask(self, link: Link, question: Request) -> Reply:
        self._number += 1
        message = self.author.sign(0, self._number, question)
        place = link.to, self._number
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._open[place] = message.digest, future
        try:
            link.send(message.raw)
            return await future
        finally:
            del self._open[place]

    async def status(self, replica: str, timeout_ms: int = STATUS_MS) -> ReplicaStatus:
        """One replica's own account of where it stands.

        Raises:
            RequestFailed: As `request`.
        """
        return decode_status(await self.request(replica, STATUS, b"", timeout_ms))

    async def wait_replica(self, replica: str, seq: int, timeout_ms: int) -> int:
        """Wait until a replica itself has certified a command; returns its block's last seq.

        Raises:
            RequestFailed: As `request`; RequestRefused also when the replica lags too long.
        """
        payload = str(seq).encode()
        return int(await self.request(replica, CERTIFIED, payload, timeout_ms))

    async def _on_frame(self, member: int, frame: bytes) -> None:
        messages = open_frame(self.group, frame)
        first = messages[0]
        if not isinstance(first.body, Reply):
            if self.on_messages is not None:
                self.on_messages(messages)
            return
        waiting = self._open.get((first.sender, first.seq))
        if first.sender != member or waiting is None or waiting[0] != first.body.request:
            raise MalformedMessage("an answer to no question of ours")
        if not waiting[1].done():
            waiting[1].set_result(first.body)

    async def _on_up(self, member: int) -> None:
        """Nothing to say first: the replica sends its STATUS."""
