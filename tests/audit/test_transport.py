"""The wire: who may connect, what closes a connection, and that nothing grows without bound."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from api.devnet.folder import free_ports
from ledger.audit import transport
from ledger.audit.bodies import SESSION_BYTES, Hello, Prepare
from ledger.audit.errors import FrameTooLarge, MalformedMessage, PortInUse
from ledger.audit.group import VENUE
from ledger.audit.messages import FRAME_BYTES_MAX
from ledger.audit.transport import (
    HANDSHAKES_MAX,
    OUTBOX_BYTES_MAX,
    OUTBOX_FRAMES_MAX,
    Link,
    Listener,
    Outbox,
    read_frame,
)
from tests.audit.ground import author_of, make_group


class Inbox:
    """What a listener received; a frame `bad` is refused as a peer's fault."""

    def __init__(self):
        self.frames = asyncio.Queue()
        self.ups = asyncio.Queue()
        self.hold = None

    async def on_frame(self, connection, frame):
        if self.hold is not None:
            await self.hold.wait()
        if frame == b"bad":
            raise MalformedMessage("bad")
        await self.frames.put((connection.sender, frame))
        if frame == b"echo":
            connection.send(b"echoed")

    async def on_up(self, connection):
        await self.ups.put(connection)


@asynccontextmanager
async def listening(me=0):
    group = make_group(4, ports=tuple(free_ports(4)))
    inbox = Inbox()
    listener = Listener(group, me, inbox.on_frame, inbox.on_up)
    await listener.start("127.0.0.1", group.members[me].port)
    try:
        yield group, listener, inbox
    finally:
        await listener.close()


@asynccontextmanager
async def linked(group, sender, to=0):
    got, ups = asyncio.Queue(), asyncio.Queue()

    async def on_frame(_, frame):
        await got.put(frame)

    async def on_up(_):
        await ups.put(None)

    link = Link(author_of(group, sender), to, on_frame, on_up)
    link.got, link.ups = got, ups
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def play(scene):
    asyncio.run(asyncio.wait_for(scene(), 60))


async def dial(group, member=0):
    return await asyncio.open_connection("127.0.0.1", group.members[member].port)


async def greet(group, sender, *, hello=None):
    """Connect by hand; returns the streams after HELLO."""
    reader, writer = await dial(group)
    nonce = await read_frame(reader, SESSION_BYTES)
    body = hello(nonce) if hello else Hello(nonce, 0)
    transport.write_frame(writer, author_of(group, sender).sign(0, 0, body).raw)
    return reader, writer


def test_frames_go_both_ways_and_survive_a_reconnection():
    async def scene():
        async with listening() as (group, listener, inbox), linked(group, 1) as link:
            link.send(b"one")
            assert await inbox.frames.get() == (1, b"one")
            link.send(b"echo")
            assert await link.got.get() == b"echoed"
            session = link.session
            listener.connections[1].abort()
            await link.ups.get()
            await link.ups.get()
            assert link.session != session
            link.send(b"two")
            assert (await inbox.frames.get())[1] == b"echo"
            assert await inbox.frames.get() == (1, b"two")

    play(scene)


def test_what_is_queued_while_nobody_listens_arrives_later():
    async def scene():
        group = make_group(4, ports=tuple(free_ports(4)))
        inbox = Inbox()
        async with linked(group, 1) as link:
            link.send(b"early")
            listener = Listener(group, 0, inbox.on_frame, inbox.on_up)
            await listener.start("127.0.0.1", group.members[0].port)
            assert await inbox.frames.get() == (1, b"early")
            await listener.close()

    play(scene)


@pytest.mark.parametrize(
    "hello",
    [
        lambda nonce: Hello(nonce, 1),
        lambda _: Hello(bytes(32), 0),
        Prepare,
    ],
    ids=["for another replica", "for another challenge", "no HELLO"],
)
def test_who_does_not_answer_the_challenge_is_not_connected(hello):
    async def scene():
        async with listening() as (group, listener, inbox):
            reader, writer = await greet(group, 1, hello=hello)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readexactly(1)
            writer.close()
            assert not listener.connections
            assert inbox.ups.empty()

    play(scene)


@pytest.mark.parametrize(
    "raw",
    [b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x20\x00\x00\x00" + bytes(32), b"GET / HTTP/1.1"],
)
def test_strangers_are_closed_without_reading_on(raw):
    async def scene():
        async with listening() as (group, listener, _):
            reader, writer = await dial(group)
            await read_frame(reader, SESSION_BYTES)
            writer.write(raw + bytes(1000))
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readexactly(1)
            writer.close()
            assert listener.refused

    play(scene)


def test_a_member_that_sends_an_oversized_frame_is_cut_off():
    async def scene():
        async with listening() as (group, listener, inbox):
            reader, writer = await greet(group, 2)
            connection = await inbox.ups.get()
            assert connection.sender == 2
            writer.write((FRAME_BYTES_MAX + 1).to_bytes(4, "little"))
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readexactly(1)
            writer.close()
            assert "FrameTooLarge" in listener.refused[-1]

    play(scene)


def test_a_bad_frame_closes_only_its_own_connection():
    async def scene():
        async with listening() as (group, _, inbox), linked(group, 1) as good:
            reader, writer = await greet(group, 2)
            transport.write_frame(writer, b"bad")
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readexactly(1)
            writer.close()
            good.send(b"still here")
            assert await inbox.frames.get() == (1, b"still here")

    play(scene)


def test_a_second_connection_of_one_sender_replaces_the_first():
    async def scene():
        async with listening() as (group, listener, inbox):
            first, one = await greet(group, VENUE)
            await inbox.ups.get()
            _, two = await greet(group, VENUE)
            await inbox.ups.get()
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await first.readexactly(1)
            assert list(listener.connections) == [VENUE]
            one.close()
            two.close()

    play(scene)


def test_silent_strangers_are_few_at_a_time():
    async def scene():
        async with listening() as (group, _, _inbox):
            waiting = [await dial(group) for _ in range(HANDSHAKES_MAX)]
            for reader, _ in waiting:
                await read_frame(reader, SESSION_BYTES)
            reader, writer = await dial(group)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await read_frame(reader, SESSION_BYTES)
            writer.close()
            for _, writer in waiting:
                writer.close()

    play(scene)


def test_silent_strangers_are_closed_in_time(monkeypatch):
    monkeypatch.setattr(transport, "HANDSHAKE_MS", 50)

    async def scene():
        async with listening() as (group, listener, _):
            reader, writer = await dial(group)
            await read_frame(reader, SESSION_BYTES)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readexactly(1)
            writer.close()
            assert not listener.connections

    play(scene)


def test_a_peer_that_does_not_read_costs_a_bounded_outbox_and_stalls_nobody():
    async def scene():
        async with listening() as (group, listener, inbox), linked(group, 1) as good:
            await good.ups.get()
            _, writer = await greet(group, 2)
            while 2 not in listener.connections:
                await inbox.ups.get()
            deaf = listener.connections[2]
            big = bytes(512 * 1024)
            for _ in range(100):
                deaf.send(big)
            assert deaf.outbox.waiting_bytes <= OUTBOX_BYTES_MAX
            assert deaf.outbox.dropped > 0
            good.send(b"echo")
            assert await good.got.get() == b"echoed"
            writer.close()

    play(scene)


def test_reading_waits_for_handling_so_a_flood_stays_in_the_peers_own_buffers():
    async def scene():
        async with listening() as (group, _, inbox), linked(group, 1) as link:
            inbox.hold = asyncio.Event()
            for i in range(50):
                link.send(b"%d" % i)
            await link.ups.get()
            await asyncio.wait_for(link.up.wait(), 5)
            assert inbox.frames.empty()
            inbox.hold.set()
            assert [(await inbox.frames.get())[1] for _ in range(50)] == [
                b"%d" % i for i in range(50)
            ]

    play(scene)


def test_an_outbox_drops_its_oldest():
    async def scene():
        box = Outbox()
        for i in range(OUTBOX_FRAMES_MAX + 3):
            box.put(b"%d" % i)
        assert box.dropped == 3
        assert await box.get() == b"3"
        box.put(bytes(OUTBOX_BYTES_MAX))
        assert box.waiting_bytes == OUTBOX_BYTES_MAX
        assert await box.get() == bytes(OUTBOX_BYTES_MAX)
        assert box.waiting_bytes == 0

    play(scene)


def test_a_port_in_use_is_said():
    async def scene():
        async with listening() as (group, _, inbox):
            second = Listener(group, 0, inbox.on_frame, inbox.on_up)
            with pytest.raises(PortInUse) as caught:
                await second.start("127.0.0.1", group.members[0].port)
            assert caught.value.port == group.members[0].port

    play(scene)


def test_nothing_above_the_limit_is_read():
    async def scene():
        reader = asyncio.StreamReader()
        reader.feed_data((11).to_bytes(4, "little") + bytes(11))
        with pytest.raises(FrameTooLarge) as caught:
            await read_frame(reader, 10)
        assert (caught.value.limit, caught.value.announced) == (10, 11)

    play(scene)
