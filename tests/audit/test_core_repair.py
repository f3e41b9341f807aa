"""The core when something is missing: retransmission, catching up, deadlines, restarts."""

import pytest

from ledger.audit.bodies import (
    FETCH_BLOCKS_MAX,
    Fetch,
    SlotFlag,
    Status,
)
from ledger.audit.core import (
    ANSWER_GAP_NS,
    FETCH_MAX_NS,
    FETCH_MIN_NS,
    PROGRESS_NS,
    RETRANSMIT_MAX_NS,
    RETRANSMIT_MIN_NS,
)
from ledger.audit.effects import (
    Broadcast,
    Certified,
    CommitBlock,
    Committed,
    Execute,
    PeerUp,
    Persist,
    Prepared,
    Proposal,
    Recovered,
    Send,
    Submitted,
    Suspect,
    Tick,
    Tip,
    Undo,
)
from ledger.audit.errors import (
    Equivocation,
)
from ledger.audit.group import VENUE
from ledger.audit.store import FrameKind
from tests.audit.ground import make_chain
from tests.audit.votes import (
    CHAIN,
    GROUP,
    ONE,
    OTHER,
    certificate,
    commit,
    committing,
    computed,
    core_of,
    feed,
    pre_prepare,
    prepare,
    status,
)

# Repair.


def test_a_peer_gets_exactly_what_it_lacks():
    primary = core_of(0)
    feed(primary, Submitted(ONE), computed(ONE))
    (send,) = primary.step(status(1, 0), ANSWER_GAP_NS)
    assert send == Send(1, (pre_prepare(ONE), ONE))
    backup = committing(1)
    assert feed(backup, status(2, 0)) == [
        Send(2, (prepare(ONE, 1),)),
        Send(2, (commit(ONE, 1),)),
    ]
    flags = SlotFlag.PROPOSED | SlotFlag.COMMITTING
    assert feed(backup, status(3, 0, flags)) == [Send(3, (commit(ONE, 1),))]


def test_status_is_answered_at_most_so_often():
    backup = committing(1)
    assert feed(backup, status(2, 0), now=1)
    assert feed(backup, status(2, 0), now=ANSWER_GAP_NS) == []
    assert feed(backup, status(3, 0), now=ANSWER_GAP_NS)
    assert feed(backup, status(2, 0), now=1 + ANSWER_GAP_NS)


def test_a_peer_behind_learns_where_we_are():
    core = core_of(1, Tip(3, CHAIN[2].digest, 9))
    (send,) = core.step(status(2, 1), 0)
    assert (send.to, send.messages[0].seq) == (2, 3)


def test_own_status_coming_back_moves_nothing():
    assert feed(core_of(1), status(1, 50)) == []


def fetch_of(effects):
    return [
        (effect.to, m.seq)
        for effect in effects
        if isinstance(effect, Send)
        for m in effect.messages
        if isinstance(m.body, Fetch)
    ]


def test_a_replica_that_is_behind_fetches_and_tries_another_donor():
    core = core_of(1)
    assert fetch_of(feed(core, status(2, 5))) == [(2, 1)]
    assert fetch_of(feed(core, status(3, 5))) == [], "one fetch at a time"
    now, gaps, asked = 0, [FETCH_MIN_NS], []
    while gaps[-1] < FETCH_MAX_NS:
        assert fetch_of(feed(core, Tick(), now=now + gaps[-1] - 1)) == []
        now += gaps[-1]
        asked += fetch_of(feed(core, Tick(), now=now))
        gaps.append(min(2 * gaps[-1], FETCH_MAX_NS))
    assert asked == [(3, 1), (2, 1)] * 2, "round and round, with more and more patience"


def test_certified_blocks_are_executed_in_order_whatever_order_they_come():
    core = core_of(3)
    feed(core, status(0, 3))
    for batch in (CHAIN[2], CHAIN[1]):
        assert feed(core, Certified(batch, certificate(batch))) == []
    effects = feed(core, Certified(ONE, certificate(ONE)))
    assert effects == [Persist(FrameKind.PROPOSAL, 1, (ONE,)), Execute(ONE)]
    done = []
    for batch in CHAIN[:3]:
        effects = feed(core, computed(batch))
        done += [effect.batch for effect in effects if isinstance(effect, CommitBlock)]
    assert done == CHAIN[:3]
    assert core.tip == Tip(3, CHAIN[2].digest, 9)


def test_a_fetch_goes_on_where_the_last_one_ended():
    core = core_of(3)
    long = make_chain(GROUP, FETCH_BLOCKS_MAX + 2)
    feed(core, status(0, len(long)))
    asked = []
    for batch in long[:FETCH_BLOCKS_MAX]:
        effects = feed(core, Certified(batch, certificate(batch)), computed(batch))
        asked += fetch_of(effects)
    assert asked == [(0, FETCH_BLOCKS_MAX + 1)]


def test_a_certified_block_replaces_what_was_executed_instead():
    core = core_of(3)
    feed(core, Proposal(pre_prepare(OTHER), OTHER), computed(OTHER, salt=5))
    effects = feed(core, Certified(ONE, certificate(ONE)))
    assert effects == [Undo(), Persist(FrameKind.PROPOSAL, 1, (ONE,)), Execute(ONE)]
    assert feed(core, computed(OTHER, salt=5)) == [], "a stale result says nothing"
    (final,) = feed(core, computed(ONE))
    assert isinstance(final, CommitBlock)


def test_a_certificate_for_another_batch_waits_to_be_fetched():
    core = core_of(3)
    feed(core, Proposal(pre_prepare(OTHER), OTHER), computed(OTHER, salt=5))
    assert feed(core, *(Committed(commit(ONE, i)) for i in (0, 1, 2))) == []
    assert fetch_of(feed(core, status(0, 1), now=RETRANSMIT_MIN_NS)) == [(0, 1)]


def test_the_venue_gets_the_commit_again_when_it_submits_again():
    core = committing(1)
    assert feed(core, Submitted(ONE)) == [Send(VENUE, (commit(ONE, 1),))]
    feed(core, Committed(commit(ONE, 2)), Committed(commit(ONE, 3)))
    assert feed(core, Submitted(ONE)) == [Send(VENUE, (commit(ONE, 1),))]


# Time.


def test_status_comes_more_and_more_rarely_while_nothing_moves():
    core, now, gaps = core_of(1), 0, []
    for _ in range(8):
        gaps.append(core.deadline_ns - now)
        now = core.deadline_ns
        (effect,) = core.step(Tick(), now)
        assert isinstance(effect, Broadcast)
    assert gaps[:3] == [RETRANSMIT_MIN_NS, RETRANSMIT_MIN_NS, 2 * RETRANSMIT_MIN_NS]
    assert gaps == sorted(gaps)
    assert gaps[-1] == RETRANSMIT_MAX_NS


def test_a_primary_that_sits_on_a_batch_is_suspected():
    core = core_of(1)
    feed(core, Submitted(ONE))
    effects = feed(core, Tick(), now=PROGRESS_NS)
    assert effects[-1] == Suspect(1, 0)
    assert [e for e in feed(core, Tick(), now=PROGRESS_NS + 1) if isinstance(e, Suspect)] == []


def test_an_idle_replica_suspects_nobody():
    core = core_of(1)
    assert not [e for e in feed(core, Tick(), now=10 * PROGRESS_NS) if isinstance(e, Suspect)]


def test_a_new_connection_gets_our_status():
    (send,) = core_of(1).step(PeerUp(2), 0)
    assert (send.to, type(send.messages[0].body)) == (2, Status)


# After a restart.


def test_after_a_restart_the_same_votes_go_out_again():
    before = committing(1)
    slot = before.slots[1]
    recovered = Recovered((slot.pre_prepare, ONE, slot.own_prepare, slot.own_commit))
    core = core_of(1, recovered=recovered)
    effects = core.start(0)
    assert effects[:3] == (
        Broadcast((prepare(ONE, 1),)),
        Broadcast((commit(ONE, 1),)),
        Execute(ONE),
    )
    assert feed(core, computed(ONE), Prepared(prepare(ONE, 2))) == [], "nothing is signed anew"
    (final,) = feed(core, Committed(commit(ONE, 2)), Committed(commit(ONE, 3)))
    assert isinstance(final, CommitBlock)


def test_after_a_restart_the_primary_proposes_the_same():
    core = core_of(0, recovered=Recovered((pre_prepare(ONE), ONE)))
    assert core.start(0)[:2] == (Broadcast((pre_prepare(ONE), ONE)), Execute(ONE))
    with pytest.raises(Equivocation):
        core.step(Submitted(OTHER), 0)


def test_a_replica_that_may_have_lost_a_vote_does_not_vote_on_that_block():
    core = core_of(1, recovered=Recovered(abstain=1))
    effects = feed(core, Proposal(pre_prepare(ONE), ONE), computed(ONE), Prepared(prepare(ONE, 2)))
    assert [type(effect) for effect in effects] == [Persist, Execute]
    effects = feed(core, *(Committed(commit(ONE, i)) for i in (0, 2, 3)))
    assert [type(effect) for effect in effects] == [CommitBlock]
    two = CHAIN[1]
    assert Broadcast((prepare(two, 1),)) in feed(core, Proposal(pre_prepare(two), two))
