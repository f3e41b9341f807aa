"""The venue's side: the same bytes after a crash, its own results, and an honest stop."""

import asyncio
import shutil
import signal

import pytest

from ledger.audit.audit_ledger import verify_ledger
from ledger.audit.certifier import Certifier, CutPolicy
from ledger.audit.client import GroupClient
from ledger.audit.errors import CertifierStopped, JournalDiffers, RootsDiffer
from ledger.audit.group import VENUE
from tests.audit.cluster import Cluster, Journal, VenueSide
from tests.audit.ground import CountingMachine, WrongMachine, author_of, make_commands, make_group


def play(scene):
    return asyncio.run(asyncio.wait_for(scene(), 150))


def test_batches_follow_the_policy(tmp_path):
    async def scene():
        cluster = Cluster.make(tmp_path)
        try:
            await cluster.start(0, 1, 2, 3)
            async with VenueSide(cluster, Journal(), commands_max=64, interval_ms=5) as venue:
                await venue.certify(1000)
                await venue.certify(3)
                headers = [venue.certifier.ledger.header(n) for n in range(1, 18)]
                await venue.certifier.wait_lag_below(1003, 10)
            async with VenueSide(cluster, venue.journal) as again:
                assert again.certifier.certified_seq == 1003
                await again.certify(100)
            report = verify_ledger(tmp_path / "venue", cluster.group, CountingMachine())
            assert report.header.last_seq == 1103
            return [header.last_seq - header.first_seq + 1 for header in headers]
        finally:
            await cluster.stop()

    sizes = play(scene)
    assert sizes == [64] * 15 + [40, 3]


def test_a_batch_that_was_sent_is_sent_again_and_never_another(tmp_path):
    """Two replicas are away, so nothing is certified; the venue dies; more commands come."""

    async def scene():
        cluster, journal = Cluster.make(tmp_path), Journal()
        try:
            await cluster.start(0, 1)
            async with VenueSide(cluster, journal) as venue:
                venue.certifier._heights[2] = 0  # it met a third one earlier in its life
                journal.extend(10)
                venue.certifier.notify()
                text = ""
                while "PREPARE" not in text:
                    text = (await venue.client.status("r1", 5000)).waiting_for
            journal.extend(10)
            await cluster.start(2, 3)
            async with VenueSide(cluster, journal) as venue:
                (again,) = venue.certifier.ledger.recovered.messages
                await venue.certifier.wait_certified(20)
                assert venue.certifier.ledger.header(1).digest == again.digest
                assert venue.certifier.ledger.header(1).last_seq == 10
                await venue.until_all_at(("r0", "r1", "r2", "r3"), 20)
                statuses = [await venue.client.status(f"r{i}") for i in range(4)]
                assert [status.evidence for status in statuses] == [0, 0, 0, 0]
        finally:
            await cluster.stop()

    play(scene)


def test_a_venue_that_lost_its_disk_adopts_what_the_group_certified(tmp_path):
    async def scene():
        cluster, journal = Cluster.make(tmp_path), Journal()
        try:
            await cluster.start(0, 1, 2, 3)
            async with VenueSide(cluster, journal) as venue:
                for _ in range(20):
                    last = await venue.certify(7)
                await venue.until_all_at(("r0", "r1", "r2", "r3"), last)
            shutil.rmtree(tmp_path / "venue")
            async with VenueSide(cluster, journal) as venue:
                await venue.certifier.wait_certified(last)
                assert venue.certifier.tip.number == 20
                await venue.certify(5)
            verify_ledger(tmp_path / "venue", cluster.group, CountingMachine())

            shutil.rmtree(tmp_path / "venue")
            other = Journal()
            other.rows = make_commands(1, 200, salt=5)
            venue = VenueSide(cluster, other)
            async with venue:
                with pytest.raises(JournalDiffers) as caught:
                    await venue.tasks[1]
                assert (caught.value.block, caught.value.first_seq) == (1, 1)
        finally:
            await cluster.stop()

    play(scene)


def test_a_venue_with_a_wrong_engine_stops_and_names_the_quorum(tmp_path):
    async def scene():
        cluster, journal = Cluster.make(tmp_path), Journal()
        try:
            await cluster.start(0, 1, 2, 3)
            async with VenueSide(cluster, journal, machine=WrongMachine) as venue:
                last = journal.extend(10)
                venue.certifier.notify()
                with pytest.raises(CertifierStopped, match="RootsDiffer"):
                    await venue.certifier.wait_certified(last)
                with pytest.raises(RootsDiffer) as caught:
                    await venue.tasks[1]
                assert len(caught.value.differing) >= 2
                assert venue.certifier.tip.number == 0
                with pytest.raises(CertifierStopped):
                    await venue.certifier.wait_certified(last)
        finally:
            await cluster.stop()

    play(scene)


def test_two_wrong_replicas_of_four_leave_no_quorum_and_are_named(tmp_path):
    async def scene():
        cluster, journal = Cluster.make(tmp_path), Journal()
        cluster.machines |= {1: "wrong", 3: "wrong"}
        try:
            await cluster.start(0, 1, 2, 3)
            async with VenueSide(cluster, journal) as venue:
                journal.extend(10)
                venue.certifier.notify()
                with pytest.raises(RootsDiffer) as caught:
                    await venue.tasks[1]
                assert caught.value.differing == ("r1", "r3")
                assert sorted(venue.certifier.differing) == ["r1", "r3"]
        finally:
            await cluster.stop()

    play(scene)


def test_a_policy_above_the_protocols_bound_is_a_wiring_error():
    with pytest.raises(AssertionError):
        CutPolicy(commands_max=4097)


def test_only_the_venue_certifies(tmp_path):
    async def scene():
        client = GroupClient(author_of(make_group(4), 0))
        with pytest.raises(AssertionError, match="only the venue"):
            Certifier(client, tmp_path / "venue", Journal(), CountingMachine)

    play(scene)


def test_a_replica_process_says_why_it_does_not_start(tmp_path):
    async def scene():
        cluster = Cluster.make(tmp_path)
        try:
            await cluster.start(0)
            process = await asyncio.create_subprocess_exec(
                *cluster.command(0), cwd=cluster.cwd, env=cluster.env,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            _, errors = await process.communicate()
            assert process.returncode == 1
            assert b"LedgerLocked" in errors
            (tmp_path / "r1.toml").write_text(
                (tmp_path / "r0.toml").read_text().replace('directory = "r0"', 'directory = "x"')
            )
            process = await asyncio.create_subprocess_exec(
                *cluster.command(1), cwd=cluster.cwd, env=cluster.env,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            _, errors = await process.communicate()
            assert b"PortInUse" in errors
            assert await cluster.kill(0, signal.SIGINT) == 0
            return VENUE
        finally:
            await cluster.stop()

    play(scene)
