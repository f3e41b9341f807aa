"""From the certified history to the anchor that everybody must derive alike.

An anchor carries one certified block's numbers and roots, and every report that was recorded since
the block of the anchor before it: none can be left out, none can be slipped in. A history is long:
between two of its blocks whoever reads it lets others work.
"""

import asyncio
from collections.abc import Iterator

from ledger.records.build import read_digest
from ledger.records.codes import CommandKind, Reject
from ledger.records.layout import COMMAND, REPORT
from ledger.settlement.custody import AnchorTip
from ledger.settlement.eip712 import REPORTS_MAX, Anchor, Report
from ledger.settlement.errors import NotCertified, ReportsTooMany
from ledger.settlement.ports import CertifiedBlock, CertifiedLog, CertifiedRecords


def derive_anchor(tip: AnchorTip, block: CertifiedBlock, reports: tuple[Report, ...]) -> Anchor:
    """The anchor of a certified block on top of the registry's tip.

    Args:
        tip: Where the registry stands.
        block: A certified block above it.
        reports: All that were recorded between the two, in order; at most REPORTS_MAX.
    """
    assert block.last_seq > tip.last_seq, "an anchor grows"
    assert len(reports) <= REPORTS_MAX
    return Anchor(
        index=tip.index + 1,
        epoch=tip.epoch,
        block_number=block.number,
        last_seq=block.last_seq,
        log_size=block.log_size,
        log_root=block.log_root,
        state_root=block.state_root,
        previous=tip.digest,
        reports=reports,
    )


async def anchor_of(tip: AnchorTip, number: int, log: CertifiedLog) -> Anchor:
    """The anchor of certified block `number`, its reports read from the certified log.

    Raises:
        NotCertified: No such block is certified, or it is not above the tip.
        ReportsTooMany: More reports were recorded since the tip than one anchor carries.
    """
    block = log.header(number)
    if block is None or block.last_seq <= tip.last_seq:
        raise NotCertified("block", number)
    reports: list[Report] = []
    for records in log.records(tip.last_seq + 1, block.last_seq):
        reports += reports_in(records)
        await asyncio.sleep(0)
    if len(reports) > REPORTS_MAX:
        raise ReportsTooMany(number, REPORTS_MAX, len(reports))
    return derive_anchor(tip, block, tuple(reports))


async def choose_block(tip: AnchorTip, log: CertifiedLog) -> int | None:
    """The highest certified block that one anchor can reach; None when none is above the tip.

    Raises:
        ReportsTooMany: The next block alone records more reports than one anchor carries.
    """
    newest = log.block
    if newest is None or newest.last_seq <= tip.last_seq:
        return None
    reachable, carried = None, 0
    for records in log.records(tip.last_seq + 1, newest.last_seq):
        block = log.block_of(records.first_seq)
        assert block is not None, "records are of certified blocks"
        found = sum(1 for _ in reports_in(records))
        carried += found
        if carried > REPORTS_MAX:
            if reachable is None:
                raise ReportsTooMany(block.number, REPORTS_MAX, found)
            return reachable
        reachable = block.number
        await asyncio.sleep(0)
    return reachable


def reports_in(records: CertifiedRecords) -> Iterator[Report]:
    """The reports that took effect in some certified records, in order."""
    commands = records.commands.view(COMMAND)
    recorded = (commands["kind"] == CommandKind.RECORD_REPORT) & (
        records.outcomes["reject"] == Reject.NONE
    )
    for at in recorded.nonzero()[0]:
        row = commands[at : at + 1].view(REPORT)[0]
        yield Report(
            kind=int(row["report_kind"]),
            from_seq=int(row["from_seq"]),
            to_seq=int(row["to_seq"]),
            digest=read_digest(row, "report"),
            pack=read_digest(row, "pack"),
        )
