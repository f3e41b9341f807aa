"""AnchorRegistry on py-evm: signed here, stored there, refused by name."""

from dataclasses import replace

import pytest
from web3.logs import DISCARD

from ledger.settlement.eip712 import ZERO_DIGEST, Anchor, Report, anchor_digest
from tests.contracts.ground import OPERATORS, ROOT, Ground, signatures
from tests.contracts.refusals import refused

REPORTS = (Report(1, 1, 70, b"\xaa" * 32, ROOT), Report(2, 5, 60, b"\xbb" * 32, ROOT))
FIRST = Anchor(1, 1, 7, 70, 210, ROOT, b"\x22" * 32, ZERO_DIGEST, REPORTS)


def digest_of(ground: Ground, anchor: Anchor) -> bytes:
    return anchor_digest(anchor, ground.stands.chain_id, ground.stands.anchors)


def after(ground: Ground, anchor: Anchor) -> Anchor:
    return Anchor(
        anchor.index + 1,
        anchor.epoch,
        anchor.block_number + 1,
        anchor.last_seq + 10,
        anchor.log_size + 30,
        ROOT,
        ROOT,
        digest_of(ground, anchor),
    )


def test_an_anchor_and_its_reports_are_found_again(ground: Ground):
    receipt = ground.anchor(FIRST)
    (log,) = ground.anchors.events.Anchored().process_receipt(receipt, errors=DISCARD)
    assert log["args"]["digest"] == digest_of(ground, FIRST)
    assert (log["args"]["blockNumber"], log["args"]["lastSeq"], log["args"]["logSize"]) == (
        7,
        70,
        210,
    )
    logs = ground.anchors.events.ReportAnchored().process_receipt(receipt, errors=DISCARD)
    assert [one["args"]["digest"] for one in logs] == [report.digest for report in REPORTS]
    assert ground.anchors.functions.anchored(1).call() == digest_of(ground, FIRST)
    for report in REPORTS:
        assert ground.anchors.functions.reportAnchor(report.digest).call() == 1
    assert ground.anchors.functions.reportAnchor(b"\xcc" * 32).call() == 0


def test_anchors_chain(ground: Ground):
    anchor = FIRST
    for _ in range(4):
        ground.anchor(anchor)
        assert ground.anchors.functions.tip().call() == (
            anchor.index,
            anchor.block_number,
            anchor.last_seq,
            anchor.log_size,
            digest_of(ground, anchor),
        )
        anchor = after(ground, anchor)


@pytest.mark.parametrize(
    ("other", "error", "arguments"),
    [
        ({"index": 3}, "AnchorOutOfOrder", (2, 3)),
        ({"epoch": 2}, "WrongEpoch", (1, 2)),
        ({"block_number": 7}, "BlockNotGrowing", (7, 7)),
        ({"last_seq": 70}, "SeqNotGrowing", (70, 70)),
        ({"log_size": 209}, "LogNotGrowing", (210, 209)),
    ],
)
def test_an_anchor_that_does_not_follow_is_refused(ground: Ground, other, error, arguments):
    ground.anchor(FIRST)
    with refused("AnchorRegistry", error, *arguments):
        ground.anchor(replace(after(ground, FIRST), **other))


def test_an_anchor_that_names_another_predecessor_is_refused(ground: Ground):
    ground.anchor(FIRST)
    with refused("AnchorRegistry", "WrongPrevious", digest_of(ground, FIRST), ROOT):
        ground.anchor(replace(after(ground, FIRST), previous=ROOT))


def test_two_signatures_do_not_anchor(ground: Ground):
    digest = digest_of(ground, FIRST)
    with refused("AnchorRegistry", "QuorumNotReached", digest, 3, "GS020"):
        ground.anchor(FIRST, signatures(digest, OPERATORS[:2]))


def test_signatures_for_the_vaults_domain_do_not_anchor(ground: Ground):
    foreign = anchor_digest(FIRST, ground.stands.chain_id, ground.stands.vault)
    with refused("AnchorRegistry", "QuorumNotReached", digest_of(ground, FIRST), 3, "GS026"):
        ground.anchor(FIRST, signatures(foreign, OPERATORS[:3]))


def test_an_ended_epoch_voids_what_was_signed(ground: Ground):
    ground.quorum_call(ground.anchors.functions.advanceEpoch())
    with refused("AnchorRegistry", "WrongEpoch", 2, 1):
        ground.anchor(FIRST)
    ground.anchor(replace(FIRST, epoch=2))
