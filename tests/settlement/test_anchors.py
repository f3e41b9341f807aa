"""Certified blocks and report digests on the chain: docs/spec/settlement.md, sections 4 and 6."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.records.codes import CommandKind
from ledger.settlement.anchoring import anchor_of, choose_block
from ledger.settlement.custody import AnchorTip
from ledger.settlement.eip712 import REPORTS_MAX, ZERO_DIGEST, anchor_digest
from ledger.settlement.errors import (
    ChainInconsistent,
    HeadDiffers,
    NotCertified,
    OperatorDiffers,
    QuorumShort,
    ReportsTooMany,
)
from ledger.settlement.keystore import LocalSigner
from ledger.settlement.signer import ANCHOR_SERVICE
from ledger.settlement.store import RoundKind, RoundStep
from ledger.settlement.wire import SignedAnswer, decode_anchor, decode_proposal, encode
from tests.settlement.ground import ALICE, signed
from tests.settlement.world import KEYS, NAMES, THRESHOLD, Ledger

START = AnchorTip(0, 0, 0, 0, ZERO_DIGEST, 1)


def settle(world):
    return asyncio.run(world.anchors.settle())


def advance(world):
    return asyncio.run(world.anchors.advance())


def demand_everything(world) -> None:
    world.ledger.certify()
    world.anchor_rounds.demand(world.ledger.engine.seq)


def recorded(world, index: int, block: int) -> None:
    """Chain, ledger and store agree about the anchor."""
    tip = asyncio.run(world.chain.anchor_tip())
    certified = world.ledger.header(block)
    assert (tip.index, tip.block_number, tip.last_seq) == (index, block, certified.last_seq)
    assert tip.log_size == certified.log_size
    assert world.ledger.engine.anchor_index == index
    assert world.ledger.engine.anchored_block == block
    round_ = world.memory.round(RoundKind.ANCHOR, index)
    assert (round_.step, round_.digest) == (RoundStep.RECORDED, tip.digest)
    assert world.ledger.rejects == []
    assert advance(world) is None


# Derivation


def ledger_with(blocks) -> Ledger:
    """A ledger whose blocks record so many reports each."""
    ledger = Ledger([])
    number = 0
    for reports in blocks:
        ledger.run(CommandKind.OPEN_ACCOUNT, account=ledger.engine.account_count)
        for _ in range(reports):
            number += 1
            ledger.run(CommandKind.RECORD_REPORT, report_kind=number, from_seq=1, to_seq=1)
        ledger.certify()
    return ledger


BLOCKS = st.lists(st.sampled_from([0, 1, 2, 30, REPORTS_MAX]), min_size=1, max_size=5)


@given(blocks=BLOCKS, data=st.data())
def test_an_anchor_carries_every_report_since_the_one_before(blocks, data):
    ledger = ledger_with(blocks)
    first = data.draw(st.integers(0, len(blocks) - 1))
    last = data.draw(st.integers(first + 1, len(blocks)))
    below = ledger.header(first)
    last_seq = below.last_seq if below else 0
    tip = replace(START, index=first, block_number=first, last_seq=last_seq)
    expected = range(sum(blocks[:first]) + 1, sum(blocks[:last]) + 1)
    if len(expected) > REPORTS_MAX:
        with pytest.raises(ReportsTooMany):
            asyncio.run(anchor_of(tip, last, ledger))
        return
    anchor = asyncio.run(anchor_of(tip, last, ledger))
    assert [report.kind for report in anchor.reports] == list(expected)
    block = ledger.header(last)
    assert (anchor.block_number, anchor.last_seq) == (block.number, block.last_seq)
    assert (anchor.state_root, anchor.log_root) == (block.state_root, block.log_root)


@given(blocks=BLOCKS)
def test_the_chosen_block_is_the_last_that_one_anchor_reaches(blocks):
    ledger = ledger_with(blocks)
    reachable = [
        number for number in range(1, len(blocks) + 1) if sum(blocks[:number]) <= REPORTS_MAX
    ]
    assert asyncio.run(choose_block(START, ledger)) == reachable[-1]


def test_a_block_with_too_many_reports_by_itself_is_named():
    ledger = ledger_with([REPORTS_MAX + 1])
    with pytest.raises(ReportsTooMany) as caught:
        asyncio.run(choose_block(START, ledger))
    assert (caught.value.block, caught.value.found) == (1, REPORTS_MAX + 1)


def test_a_rejected_report_is_no_report():
    ledger = ledger_with([1])
    raw = ledger.entries[0].commands[-1:].tobytes()
    spoilt = raw[:24] + (2**40).to_bytes(8, "little") + raw[32:]
    asyncio.run(ledger.submit(spoilt))
    assert ledger.rejects
    ledger.certify()
    assert len(asyncio.run(anchor_of(START, 2, ledger)).reports) == 1


def test_nothing_above_the_tip_is_nothing_to_anchor():
    ledger = ledger_with([0])
    tip = replace(START, block_number=1, last_seq=1)
    assert asyncio.run(choose_block(tip, ledger)) is None
    assert asyncio.run(choose_block(START, Ledger([]))) is None
    for number in (0, 1, 2):
        with pytest.raises(NotCertified):
            asyncio.run(anchor_of(tip, number, ledger))


# Rounds


def test_an_anchor_on_demand_carries_the_reports_to_the_chain(funded):
    for number in (1, 2):
        funded.report(number)
    demand_everything(funded)
    (done,) = settle(funded)
    assert [report.digest[-1] for report in decode_anchor(done.payload).reports] == [1, 2]
    for number in (1, 2):
        digest = number.to_bytes(32, "big")
        assert funded.registry.functions.reportAnchor(digest).call() == 1
    assert bytes(funded.registry.functions.anchored(1).call()) == done.digest
    recorded(funded, 1, 2)


def test_anchors_follow_at_the_interval_without_demand(funded):
    assert advance(funded) is None, "one block is certified, ten are the interval"
    for _ in range(9):
        funded.open_accounts()
        funded.ledger.certify()
    (done,) = settle(funded)
    assert decode_anchor(done.payload).block_number == 10
    recorded(funded, 1, 10)
    assert advance(funded) is None


def test_anchors_form_a_chain(funded):
    digests = [ZERO_DIGEST]
    for number in (1, 2, 3):
        funded.report(number)
        demand_everything(funded)
        (done,) = settle(funded)
        assert decode_anchor(done.payload).previous == digests[-1]
        digests.append(done.digest)


def test_a_demand_for_what_is_not_certified_waits(funded):
    funded.report(1)
    funded.anchor_rounds.demand(funded.ledger.engine.seq)
    assert advance(funded) is None
    funded.ledger.certify()
    assert advance(funded).step == RoundStep.PROPOSED


@pytest.mark.parametrize("done", range(6))
def test_a_restart_between_any_two_steps_anchors_once(funded, done):
    """New blocks are certified meanwhile: the round keeps the block that it chose."""
    funded.report(1)
    demand_everything(funded)
    for _ in range(done):
        advance(funded)
        funded.open_accounts()
        funded.ledger.certify()
    for name in NAMES:
        funded.restart_operator(name)
    funded.restart()
    funded.anchor_rounds.demand(1)
    settle(funded)
    tip = asyncio.run(funded.chain.anchor_tip())
    recorded(funded, 1, tip.block_number)
    assert funded.registry.functions.reportAnchor((1).to_bytes(32, "big")).call() == 1


def test_a_lost_database_finds_anchors_on_the_chain_and_records_each(funded):
    for number in (1, 2):
        funded.report(number)
        demand_everything(funded)
        while advance(funded).step != RoundStep.EXECUTED:
            pass
        if number == 1:
            settle(funded)
    for path in funded.directory.glob("venue.sqlite3*"):
        path.unlink()
    funded.restart()
    (done,) = settle(funded)
    assert (done.number, done.step) == (2, RoundStep.RECORDED)
    recorded(funded, 2, decode_anchor(done.payload).block_number)


class Liar:
    """Signs an anchor that leaves a report out."""

    def __init__(self, world, name) -> None:
        self.world = world
        self.signer = LocalSigner(KEYS[name])
        world.line.services[name] = (None, {ANCHOR_SERVICE: self})

    async def answer(self, _, payload):
        anchor = replace(decode_anchor(decode_proposal(payload).payload), reports=())
        deployment = self.world.deployment
        digest = anchor_digest(anchor, deployment.chain_id, deployment.anchors)
        return encode(SignedAnswer(encode(anchor), digest, self.signer.sign(digest)))


def test_an_operator_that_leaves_a_report_out_is_named(funded):
    funded.report(1)
    demand_everything(funded)
    Liar(funded, "dan")
    (done,) = settle(funded)
    (fault,) = funded.anchors.faults
    assert isinstance(fault, OperatorDiffers)
    assert (fault.operator, fault.field) == ("dan", "reports.length")
    recorded(funded, 1, done.number + 1)


def test_a_venue_that_slips_a_report_in_is_refused_by_all(funded):
    funded.report(1)
    demand_everything(funded)
    round_ = advance(funded)
    anchor = decode_anchor(round_.payload)
    forged = replace(anchor, reports=(*anchor.reports, anchor.reports[0]))
    deployment = funded.deployment
    digest = anchor_digest(forged, deployment.chain_id, deployment.anchors)
    funded.memory.save_round(replace(round_, payload=encode(forged), digest=digest))
    with pytest.raises(QuorumShort) as caught:
        advance(funded)
    assert [(one.reason, one.field) for one in caught.value.faults] == [
        ("differs", "reports.length")
    ] * 4


def test_an_operator_signs_one_anchor_a_number(funded):
    """A venue that lost its database and proposes another block under the number is refused."""
    funded.report(1)
    demand_everything(funded)
    advance(funded)
    advance(funded)
    for path in funded.directory.glob("venue.sqlite3*"):
        path.unlink()
    funded.restart()
    funded.open_accounts()
    demand_everything(funded)
    advance(funded)
    with pytest.raises(QuorumShort) as caught:
        advance(funded)
    for fault in caught.value.faults:
        assert (fault.reason, fault.field) == ("already signed another", "block_number")


def test_a_foreign_anchor_under_my_number_stops_everything(funded):
    funded.report(1)
    demand_everything(funded)
    round_ = advance(funded)
    forged = replace(decode_anchor(round_.payload), reports=())
    deployment = funded.deployment
    digest = anchor_digest(forged, deployment.chain_id, deployment.anchors)
    owners = sorted((LocalSigner(key) for key in KEYS.values()), key=lambda one: one.address)
    signatures = b"".join(one.sign(digest) for one in owners[:THRESHOLD])
    fake = replace(round_, payload=encode(forged), signatures=signatures)
    nonce = funded.web3.eth.get_transaction_count(ALICE.address)
    data = funded.anchor_rounds.calldata(fake)
    raw = signed(ALICE, nonce, to=deployment.anchors, data=data)
    funded.web3.eth.send_raw_transaction(raw)
    with pytest.raises(HeadDiffers):
        advance(funded)
    for path in funded.directory.glob("venue.sqlite3*"):
        path.unlink()
    funded.restart()
    with pytest.raises(HeadDiffers):
        advance(funded)


def test_a_ledger_that_records_more_anchors_than_the_chain_has_is_noticed(funded):
    funded.ledger.run(CommandKind.RECORD_ANCHOR, anchor_index=1, block=1, chain_block=1)
    demand_everything(funded)
    with pytest.raises(ChainInconsistent) as caught:
        advance(funded)
    assert (caught.value.expected, caught.value.found) == ("1", "0")
