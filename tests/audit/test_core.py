"""Every transition of the protocol core, one event at a time; then a golden transcript."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.audit.bodies import (
    FETCH_BLOCKS_MAX,
    Commit,
)
from ledger.audit.core import (
    WINDOW,
    Core,
)
from ledger.audit.effects import (
    Broadcast,
    Certified,
    CommitBlock,
    Committed,
    Computed,
    Dropped,
    Execute,
    Halt,
    Persist,
    Phase,
    Prepared,
    Proposal,
    Recovered,
    Send,
    Submitted,
    Tick,
    Tip,
)
from ledger.audit.errors import (
    BadCertificate,
    BatchOutOfOrder,
    ConsensusError,
    DigestMismatch,
    Equivocation,
    NotPrimary,
    OutsideWindow,
    PrimaryVoted,
    RootsDiffer,
    WrongView,
)
from ledger.audit.group import VENUE
from ledger.audit.inbound import event_of
from ledger.audit.slot import sign_commit
from ledger.audit.status import waiting_for
from ledger.audit.store import FrameKind
from tests.audit.ground import author_of, make_batch, make_chain, make_group
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
    roots,
    voted,
)

GOLDEN = Path(__file__).with_name("golden") / "two_blocks.txt"


# The normal case.


def test_the_primary_proposes_what_the_venue_submits():
    core = core_of(0)
    effects = core.step(Submitted(ONE), 0)
    vote = pre_prepare(ONE)
    assert effects == (
        Persist(FrameKind.PROPOSAL, 1, (vote, ONE)),
        Broadcast((vote, ONE)),
        Execute(ONE),
    )
    assert core.phase == Phase.VOTED


def test_a_backup_keeps_the_venues_batch_and_waits_for_the_primary():
    core = core_of(1)
    assert core.step(Submitted(ONE), 0) == ()
    assert core.phase == Phase.WAITING
    assert waiting_for(core) == "block 1: the proposal of r0"


def test_a_backup_persists_its_prepare_before_it_sends_it_and_executes():
    core = core_of(1)
    effects = core.step(Proposal(pre_prepare(ONE), ONE), 0)
    vote = prepare(ONE, 1)
    assert effects == (
        Persist(FrameKind.PROPOSAL, 1, (pre_prepare(ONE), ONE, vote)),
        Broadcast((vote,)),
        Execute(ONE),
    )


@pytest.mark.parametrize("order", ["prepare first", "results first"])
def test_commit_needs_a_quorum_of_votes_and_own_results(order):
    core = core_of(1)
    feed(core, Proposal(pre_prepare(ONE), ONE))
    events = [Prepared(prepare(ONE, 2)), computed(ONE)]
    if order == "results first":
        events.reverse()
    assert core.step(events[0], 0) == ()
    effects = core.step(events[1], 0)
    vote = commit(ONE, 1)
    assert effects == (
        Persist(FrameKind.PREPARED, 1, (prepare(ONE, 1), prepare(ONE, 2), vote)),
        Broadcast((vote,)),
        Send(VENUE, (vote,)),
    )
    assert core.phase == Phase.COMMITTING


def test_a_repeated_prepare_counts_once():
    core = voted()
    assert feed(core, Prepared(prepare(ONE, 1)), Prepared(prepare(ONE, 1))) == []
    assert core.phase == Phase.VOTED


def test_a_quorum_of_equal_commits_makes_the_block_final():
    core = committing()
    assert core.step(Committed(commit(ONE, 2)), 0) == ()
    (effect,) = core.step(Committed(commit(ONE, 3)), 0)
    assert effect == CommitBlock(ONE, certificate(ONE, (1, 2, 3)))
    assert core.tip == Tip(1, ONE.digest, 3)
    assert core.phase == Phase.WAITING


def test_votes_that_come_before_the_proposal_wait_for_it():
    core = core_of(1)
    early = [Prepared(prepare(ONE, 2)), *(Committed(commit(ONE, i)) for i in (0, 2, 3))]
    assert feed(core, *early) == []
    effects = feed(core, Proposal(pre_prepare(ONE), ONE), computed(ONE))
    assert isinstance(effects[-1], CommitBlock)
    assert core.tip.number == 1


def test_a_whole_block_ahead_waits_in_its_slot():
    core = core_of(1)
    two = CHAIN[1]
    feed(core, Proposal(pre_prepare(two), two), Prepared(prepare(two, 2)))
    assert core.phase == Phase.WAITING
    feed(core, Proposal(pre_prepare(ONE), ONE), computed(ONE), Prepared(prepare(ONE, 2)))
    effects = feed(core, Committed(commit(ONE, 2)), Committed(commit(ONE, 3)))
    assert [type(effect) for effect in effects] == [CommitBlock, Persist, Broadcast, Execute]
    assert effects[-1] == Execute(two)


def test_the_primary_goes_on_with_what_was_submitted_ahead():
    core = core_of(0)
    feed(core, Submitted(ONE), Submitted(CHAIN[1]), computed(ONE))
    feed(core, Prepared(prepare(ONE, 1)), Prepared(prepare(ONE, 2)))
    effects = feed(core, Committed(commit(ONE, 1)), Committed(commit(ONE, 2)))
    assert Broadcast((pre_prepare(CHAIN[1]), CHAIN[1])) in effects


def test_one_member_in_development_certifies_alone():
    group = make_group(1)
    batch = make_chain(group, 1)[0]
    core = Core(author_of(group, 0), Tip(), Recovered(), 0)
    effects = list(core.step(Submitted(batch), 0))
    effects += core.step(Computed(1, batch.digest, roots(1)), 0)
    assert isinstance(effects[-1], CommitBlock)
    assert len(effects[-1].certificate) == 1


# Refusals: typed, and without any change.

REFUSED = [
    (Proposal(pre_prepare(ONE, view=1), ONE), WrongView),
    (Prepared(prepare(ONE, 2, view=1)), WrongView),
    (Committed(commit(ONE, 2, view=1)), WrongView),
    (Proposal(pre_prepare(ONE, sender=2), ONE), NotPrimary),
    (Proposal(pre_prepare(ONE), OTHER), DigestMismatch),
    (Proposal(pre_prepare(ONE), CHAIN[1]), DigestMismatch),
    (Prepared(prepare(ONE, 0)), PrimaryVoted),
    (Prepared(prepare(make_batch(GROUP, 1 + WINDOW, first_seq=1), 2)), OutsideWindow),
    (Committed(commit(make_batch(GROUP, 1 + WINDOW, first_seq=1), 2)), OutsideWindow),
    (Submitted(make_batch(GROUP, 1 + WINDOW, first_seq=1)), OutsideWindow),
    (Certified(make_batch(GROUP, 1 + FETCH_BLOCKS_MAX, first_seq=1), ()), OutsideWindow),
    (Certified(ONE, certificate(ONE, (0, 1))), BadCertificate),
    (Certified(ONE, certificate(ONE, (0, 1, 1))), BadCertificate),
    (Certified(ONE, (*certificate(ONE, (0, 1)), commit(ONE, 2, salt=1))), BadCertificate),
    (Certified(ONE, certificate(OTHER)), BadCertificate),
    (Certified(ONE, (*certificate(ONE, (0, 1)), commit(ONE, 2, view=1))), BadCertificate),
    (Certified(ONE, (*certificate(ONE, (0, 1)), prepare(ONE, 2))), BadCertificate),
    (Certified(prepare(ONE, 1), certificate(ONE)), BadCertificate),
]


@pytest.mark.parametrize(("event", "error"), REFUSED)
def test_refused_events_change_nothing(event, error):
    core, twin = core_of(1), core_of(1)
    with pytest.raises(error) as caught:
        core.step(event, 0)
    assert isinstance(caught.value, ConsensusError)
    later = [Proposal(pre_prepare(ONE), ONE), computed(ONE), Prepared(prepare(ONE, 2))]
    assert feed(core, *later) == feed(twin, *later)


@pytest.mark.parametrize(
    "batch",
    [
        make_batch(GROUP, 1, first_seq=2),
        make_batch(GROUP, 1, first_seq=1, previous=b"\x01" * 32),
    ],
)
def test_a_batch_that_does_not_continue_is_refused(batch):
    with pytest.raises(BatchOutOfOrder):
        core_of(1).step(Proposal(pre_prepare(batch), batch), 0)
    after = replace(roots(1), last_seq=batch.body.last_seq)
    votes = tuple(sign_commit(author_of(GROUP, i), 0, batch, after) for i in range(3))
    with pytest.raises(BatchOutOfOrder):
        core_of(1).step(Certified(batch, votes), 0)


def test_a_waiting_batch_that_turns_out_not_to_continue_is_dropped():
    core = core_of(1)
    wrong = make_batch(GROUP, 2, first_seq=4, previous=b"\x01" * 32)
    feed(core, Proposal(pre_prepare(wrong), wrong))
    feed(core, Proposal(pre_prepare(ONE), ONE), computed(ONE), Prepared(prepare(ONE, 2)))
    effects = feed(core, Committed(commit(ONE, 2)), Committed(commit(ONE, 3)))
    assert [type(effect) for effect in effects] == [CommitBlock, Dropped]
    right = CHAIN[1]
    assert Execute(right) in feed(core, Proposal(pre_prepare(right), right))


@pytest.mark.parametrize(
    ("first", "second", "sender"),
    [
        (Submitted(ONE), Submitted(OTHER), VENUE),
        (Submitted(ONE), Proposal(pre_prepare(OTHER), OTHER), VENUE),
        (Proposal(pre_prepare(ONE), ONE), Proposal(pre_prepare(OTHER), OTHER), 0),
        (Proposal(pre_prepare(ONE), ONE), Submitted(OTHER), VENUE),
        (Prepared(prepare(ONE, 2)), Prepared(prepare(OTHER, 2)), 2),
        (Committed(commit(ONE, 2)), Committed(commit(ONE, 2, salt=1)), 2),
        (Committed(commit(ONE, 2)), Committed(commit(OTHER, 2)), 2),
    ],
)
def test_two_words_for_one_place_are_evidence(first, second, sender):
    core = core_of(1)
    core.step(first, 0)
    with pytest.raises(Equivocation) as caught:
        core.step(second, 0)
    assert caught.value.sender == sender
    assert caught.value.first != caught.value.second
    core.step(first, 0)


def test_nobody_else_proposes_at_the_primary():
    with pytest.raises(NotPrimary):
        core_of(0).step(Proposal(pre_prepare(ONE), ONE), 0)


def test_what_is_committed_is_not_voted_on_again():
    core = core_of(1, Tip(1, ONE.digest, 3))
    events = (
        Proposal(pre_prepare(ONE), ONE),
        Prepared(prepare(ONE, 2)),
        Committed(commit(ONE, 2)),
        Certified(ONE, certificate(ONE)),
        computed(ONE),
    )
    assert feed(core, *events) == []


# Results that differ.


def test_own_results_against_a_quorums_halt_and_name_them():
    core = core_of(3)
    feed(core, Proposal(pre_prepare(ONE), ONE), computed(ONE, salt=7))
    feed(core, Prepared(prepare(ONE, 1)))
    effects = feed(core, *(Committed(commit(ONE, i)) for i in (0, 1, 2)))
    (halt,) = effects
    assert isinstance(halt, Halt)
    assert isinstance(halt.error, RootsDiffer)
    assert halt.error.differing == ("r0", "r1", "r2")
    assert core.phase == Phase.HALTED
    assert core.deadline_ns is None
    assert feed(core, Submitted(CHAIN[1]), Tick(), now=10**12) == []
    assert waiting_for(core) == "nothing: halted"


def test_a_replica_that_differs_and_is_late_tells_the_venue_what_it_computed():
    core = core_of(3)
    feed(core, Proposal(pre_prepare(ONE), ONE))
    feed(core, *(Committed(commit(ONE, i)) for i in (0, 1, 2)))
    send, halt = feed(core, computed(ONE, salt=7))
    assert isinstance(halt, Halt)
    assert isinstance(send, Send)
    assert send.to == VENUE
    (word,) = send.messages
    assert isinstance(word.body, Commit)
    assert word.body.state_root != commit(ONE, 0).body.state_root


def test_a_replica_signs_only_what_it_computed():
    core = core_of(3)
    effects = feed(core, Proposal(pre_prepare(ONE), ONE), Prepared(prepare(ONE, 1)))
    effects += feed(core, *(Committed(commit(ONE, i)) for i in (0, 1)))
    bodies = [m.body for e in effects if isinstance(e, Broadcast) for m in e.messages]
    assert not [body for body in bodies if isinstance(body, Commit)]
    effects = feed(core, computed(ONE, salt=7))
    signed = [m.body for e in effects if isinstance(e, Broadcast) for m in e.messages]
    assert [body.state_root for body in signed] == [bytes([7]) * 32]


def test_camps_without_a_quorum_certify_nothing():
    core = committing(1)
    effects = feed(core, Committed(commit(ONE, 2, salt=1)), Committed(commit(ONE, 3, salt=2)))
    assert effects == []
    assert core.tip.number == 0


# Golden.


def say(message):
    names = {VENUE: "venue"}
    who = names.get(message.sender, f"r{message.sender}")
    return f"{who}:{type(message.body).__name__}({message.seq})"


def describe(effect):
    match effect:
        case Persist(kind, number, messages):
            return f"persist {kind.name} {number} [{' '.join(map(say, messages))}]"
        case Broadcast(messages):
            return f"broadcast [{' '.join(map(say, messages))}]"
        case Send(to, messages):
            return f"send {'venue' if to == VENUE else f'r{to}'} [{' '.join(map(say, messages))}]"
        case Execute(batch):
            return f"execute {batch.seq}"
        case CommitBlock(batch, votes):
            return f"commit {batch.seq} [{' '.join(map(say, votes))}]"
        case _:
            return type(effect).__name__


def transcript():
    """Two blocks through four cores; frames are delivered in the order in which they were sent."""
    cores = [core_of(me) for me in range(4)]
    lines, queue = [], []

    def run(me, event, label):
        effects = cores[me].step(event, 0)
        lines.append(f"r{me} <- {label}")
        for effect in effects:
            lines.append(f"    {describe(effect)}")
            match effect:
                case Broadcast(messages):
                    queue.extend((peer, messages) for peer in range(4) if peer != me)
                case Execute(batch):
                    run(me, computed(batch), f"Computed({batch.seq})")

    for batch in CHAIN[:2]:
        run(0, Submitted(batch), say(batch))
        while queue:
            me, messages = queue.pop(0)
            first = messages[0]
            run(me, event_of(messages), say(first))
    return "\n".join(lines) + "\n"


def test_two_blocks_go_word_for_word_as_recorded():
    """PROVENUE_GOLDEN=write records the transcript anew."""
    found = transcript()
    if os.environ.get("PROVENUE_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(found)
    assert found == GOLDEN.read_text()
