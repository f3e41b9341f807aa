"""Real replica processes over TCP on loopback: killed, wrong, asked, flooded."""

import asyncio
import signal
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ledger.audit.audit_ledger import verify_ledger
from ledger.audit.bodies import Prepare, SlotFlag, Status
from ledger.audit.client import GroupClient
from ledger.audit.errors import (
    LedgerCorrupt,
    ReplicaUnreachable,
    RequestRefused,
    RequestTimedOut,
    RootsDiffer,
)
from ledger.audit.store import segment_paths
from ledger.audit.verify import verify_receipt
from tests.audit.cluster import Cluster, Journal, VenueSide
from tests.audit.ground import CountingMachine, author_of

NAMES = ("r0", "r1", "r2", "r3")


@asynccontextmanager
async def certified(root: Path, size: int = 4, **machines: str):
    """A running group of `size` and its venue."""
    cluster = Cluster.make(root, size, machines={int(k[1:]): v for k, v in machines.items()})
    try:
        await cluster.start(*range(size))
        async with VenueSide(cluster, Journal()) as venue:
            yield cluster, venue
    finally:
        await cluster.stop()


def play(scene):
    return asyncio.run(asyncio.wait_for(scene(), 150))


def test_a_killed_replica_is_not_missed_and_catches_up(tmp_path):
    async def scene():
        async with certified(tmp_path) as (cluster, venue):
            await venue.certify(500)
            assert await cluster.kill(3) == -signal.SIGKILL
            for _ in range(20):
                last = await venue.certify(100)
            await cluster.start(3)
            await venue.until_all_at(NAMES, last)
            assert not venue.certifier.differing
            receipt = venue.certifier.ledger.receipt_for(last)
            question = b'{"seq":%d}' % last
            answer = await venue.client.request("r3", "receipt", question, 5000)
            codes = [await cluster.kill(i, signal.SIGTERM) for i in range(4)]
            return cluster.group, last, (receipt, answer.decode()), codes

    group, last, receipts, codes = play(scene)
    assert codes == [0, 0, 0, 0]
    reports = [verify_ledger(tmp_path / who, group, CountingMachine()) for who in (*NAMES, "venue")]
    assert {report.header.last_seq for report in reports} == {last}
    assert len({report.header.log_root for report in reports}) == 1
    assert [report.owner for report in reports] == [*NAMES, "venue"]
    for text in receipts:
        assert len(verify_receipt(text, group).signers) == 3

    (path,) = segment_paths(tmp_path / "r2")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(LedgerCorrupt) as caught:
        verify_ledger(tmp_path / "r2", group)
    assert (caught.value.owner, caught.value.file) == ("r2", path.name)


def test_every_replica_killed_at_once_comes_back_with_its_votes(tmp_path):
    async def scene():
        async with certified(tmp_path) as (cluster, venue):
            last = venue.journal.extend(300)
            venue.certifier.notify()
            await venue.certifier.wait_certified(1)
            for member in range(4):
                await cluster.kill(member)
            await cluster.start(0, 1, 2, 3)
            await venue.certifier.wait_certified(last)
            last = await venue.certify(50)
            await venue.until_all_at(NAMES, last)
            return [await venue.client.status(name) for name in NAMES]

    statuses = play(scene)
    assert len({(status.block, status.certified_seq) for status in statuses}) == 1
    assert not [status.halted for status in statuses if status.halted]


def test_a_replica_with_a_wrong_engine_is_named_and_left_behind(tmp_path):
    async def scene():
        async with certified(tmp_path, r2="wrong") as (_, venue):
            last = await venue.certify(50)
            last = await venue.certify(50)
            await venue.until_all_at(("r0", "r1", "r3"), last)
            async with asyncio.timeout(60):
                # The slow word of the one that is wrong may come after the block is certified.
                while not venue.certifier.differing:
                    await venue.client.status("r2")
            assert list(venue.certifier.differing) == ["r2"]
            error = venue.certifier.differing["r2"]
            status = await venue.client.status("r2")
            signers = verify_receipt(
                venue.certifier.ledger.receipt_for(last), venue.client.group
            ).signers
            return error, status, signers

    error, status, signers = play(scene)
    assert isinstance(error, RootsDiffer)
    assert (error.block, error.differing) == (1, ("r2",))
    assert error.ours != error.theirs
    assert (status.phase, status.block) == ("HALTED", 0)
    assert "RootsDiffer" in status.halted
    assert signers == ("r0", "r1", "r3")


def test_services_answer_from_certified_state(tmp_path):
    async def scene():
        async with certified(tmp_path) as (cluster, venue):
            last = await venue.certify(50)
            await venue.until_all_at(NAMES, last)
            header = venue.certifier.ledger.block_of(last)
            expected = f"{header.number} {header.state_root.hex()}".encode()
            ask = venue.client.request
            payload = b"%d" % last
            assert [await ask(n, "echo", payload, 5000) for n in NAMES] == [expected] * 4
            for service, body, reason in (
                ("echo", b"999999", "not certified"),
                ("nothing", b"", "UNKNOWN_SERVICE"),
                ("broken", b"x", "ZeroDivisionError"),
                ("receipt", b"{}", "seq"),
                ("receipt", b'{"seq":999999}', "NotCertified"),
                ("certified", b"-1", "decimal"),
            ):
                with pytest.raises(RequestRefused, match=reason) as caught:
                    await ask("r1", service, body, 5000)
                assert (caught.value.replica, caught.value.service) == ("r1", service)
            assert (await venue.client.status("r1")).service_failures == 1

            waiting = asyncio.create_task(venue.client.wait_replica("r1", last + 1, 9000))
            late = await venue.certify(1)
            assert await waiting == late
            with pytest.raises(RequestTimedOut):
                await venue.client.wait_replica("r1", late + 1, 100)

            operator = GroupClient(author_of(cluster.group, 2), (2,))
            task = asyncio.create_task(operator.run())
            status = await operator.status("r2", 5000)
            with pytest.raises(RequestTimedOut):
                await operator.request("r2", "echo", payload, 300)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert status.name == "r2"
            assert status.waiting_for == f"block {status.block + 1}: a batch from venue"
            assert {peer.name for peer in status.peers} == {"r0", "r1", "r3"}

            await cluster.kill(3)
            with pytest.raises((ReplicaUnreachable, RequestTimedOut)):
                await ask("r3", "echo", payload, 500)
            with pytest.raises(ReplicaUnreachable):
                await ask("r3", "echo", payload, 300)
            assert set(venue.client.reachable()) == {"r0", "r1", "r2"}

    play(scene)


def test_status_says_which_quorum_is_missing_and_who_is_silent(tmp_path):
    async def scene():
        async with certified(tmp_path) as (cluster, venue):
            await venue.certify(5)
            await cluster.kill(2)
            await cluster.kill(3)
            venue.journal.extend(5)
            venue.certifier.notify()
            while True:
                status = await venue.client.status("r0", 5000)
                # The operating system may tell of a killed peer's connection a moment later.
                alive = [peer.connected for peer in status.peers]
                if "2 of 3 PREPARE" in status.waiting_for and alive == [True, False, False]:
                    return status

    status = play(scene)
    assert status.waiting_for == f"block {status.block + 1}: 2 of 3 PREPARE, none from r2, r3"
    assert status.stalled_ms >= 0


def resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def test_garbage_and_floods_leave_a_replica_working_and_small(tmp_path):
    async def scene():
        async with certified(tmp_path) as (cluster, venue):
            await venue.certify(50)
            before = resident_kib(cluster.processes[1].pid)
            port = cluster.group.members[1].port
            for junk in (bytes(100_000), b"\xff" * 100_000, b"GET / HTTP/1.1\r\n\r\n"):
                for _ in range(20):
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.write(junk)
                    await asyncio.gather(reader.read(), return_exceptions=True)
                    writer.close()
            flooder = GroupClient(author_of(cluster.group, 3), (1,))
            task = asyncio.create_task(flooder.run())
            author = author_of(cluster.group, 3)
            far = author.sign(0, 10**9, Prepare(bytes(32)))
            ahead = author.sign(0, 10**9, Status(bytes(32), SlotFlag(0)))
            for _ in range(3000):
                flooder.send(1, far)
                flooder.send(1, ahead)
            last = await venue.certify(200)
            await venue.until_all_at(("r1",), last)
            grown = resident_kib(cluster.processes[1].pid) - before
            status = await venue.client.status("r1")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return grown, status

    grown, status = play(scene)
    assert grown < 40 * 1024, f"grew by {grown} KiB"
    assert status.refused["OutsideWindow"] > 0


def test_one_member_in_development_certifies_alone(tmp_path):
    async def scene():
        async with certified(tmp_path, size=1) as (cluster, venue):
            last = await venue.certify(20)
            receipt = venue.certifier.ledger.receipt_for(last)
            return verify_receipt(receipt, cluster.group).signers

    assert play(scene) == ("r0",)
