"""Four operating-system processes over TCP on loopback."""

import asyncio
import signal

from ledger.audit.audit_ledger import verify_ledger
from ledger.audit.verify import verify_receipt
from tests.audit.cluster import Cluster, Journal, VenueSide
from tests.audit.ground import CountingMachine


def play(coroutine):
    return asyncio.run(coroutine)


def test_a_killed_replica_is_not_missed_and_catches_up(tmp_path):
    async def scene():
        cluster = Cluster.make(tmp_path)
        try:
            await cluster.start(0, 1, 2, 3)
            async with VenueSide(cluster, Journal()) as venue:
                await venue.certify(500)
                assert await cluster.kill(3) == -signal.SIGKILL
                for _ in range(20):
                    last = await venue.certify(100)
                await cluster.start(3)
                await venue.until_all_at(("r0", "r1", "r2", "r3"), last)
                assert not venue.certifier.differing
                receipt = venue.certifier.ledger.receipt_for(last)
                from_replica = await venue.client.request(
                    "r3", "receipt", b'{"seq":%d}' % last, 5000
                )
            for member in range(4):
                assert await cluster.kill(member, signal.SIGTERM) == 0
            return cluster.group, last, receipt, from_replica.decode()
        finally:
            await cluster.stop()

    group, last, receipt, from_replica = play(scene())
    reports = [
        verify_ledger(tmp_path / who, group, CountingMachine())
        for who in ("r0", "r1", "r2", "r3", "venue")
    ]
    assert {report.header.last_seq for report in reports} == {last}
    assert len({report.header.log_root for report in reports}) == 1
    assert [report.owner for report in reports] == ["r0", "r1", "r2", "r3", "venue"]
    for text in (receipt, from_replica):
        assert len(verify_receipt(text, group).signers) == 3
