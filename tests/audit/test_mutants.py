"""Each known-bad core is caught by something that the real core passes."""

import pytest

from ledger.audit.bodies import Commit, Prepare, PrePrepare
from ledger.audit.core import Core
from ledger.audit.effects import (
    Broadcast,
    Certified,
    CommitBlock,
    Committed,
    Execute,
    Halt,
    Persist,
    Prepared,
    Proposal,
    Recovered,
    Tip,
)
from ledger.audit.errors import ConsensusError
from tests.audit import mutants
from tests.audit.ground import author_of
from tests.audit.votes import GROUP, ONE, OTHER, certificate, commit, computed, pre_prepare, prepare


def run(kind, *events, me=1, recovered=None):
    """All effects; refusals are skipped, as the driver does."""
    core, effects = kind(author_of(GROUP, me), Tip(), recovered or Recovered(), 0), []
    effects.extend(core.start(0))
    for event in events:
        try:
            effects.extend(core.step(event, 0))
        except ConsensusError:
            continue
    return effects


def sent(effects, kind):
    return [
        message
        for effect in effects
        if isinstance(effect, Broadcast)
        for message in effect.messages
        if isinstance(message.body, kind)
    ]


PROPOSED = Proposal(pre_prepare(ONE), ONE)


def commits_only_with_a_quorum(kind):
    effects = run(kind, PROPOSED, computed(ONE), *(Committed(commit(ONE, i)) for i in (2, 3)))
    return not [effect for effect in effects if isinstance(effect, CommitBlock)]


def persists_each_vote_before_sending_it(kind):
    effects = run(kind, PROPOSED, computed(ONE), Prepared(prepare(ONE, 2)))
    on_disk = set()
    for effect in effects:
        if isinstance(effect, Persist):
            on_disk |= {message.raw for message in effect.messages}
        for message in sent([effect], (PrePrepare, Prepare, Commit)):
            if message.raw not in on_disk:
                return False
    return bool(sent(effects, Commit))


def votes_once_across_a_crash(kind):
    before = run(kind, PROPOSED)
    disk = [m for e in before if isinstance(e, Persist) for m in e.messages]
    other = Proposal(pre_prepare(OTHER), OTHER)
    after = run(kind, other, recovered=Recovered(tuple(disk)))
    return len({message.raw for message in sent(before + after, Prepare)}) == 1


def signs_only_what_it_computed(kind):
    events = PROPOSED, Prepared(prepare(ONE, 2)), Committed(commit(ONE, 3)), computed(ONE, salt=4)
    votes = sent(run(kind, *events), Commit)
    return all(vote.body.state_root == bytes([4]) * 32 for vote in votes)


def halts_when_a_quorum_computed_something_else(kind):
    commits = [Committed(commit(ONE, i)) for i in (0, 2, 3)]
    effects = run(kind, PROPOSED, computed(ONE, salt=4), *commits)
    return any(isinstance(effect, Halt) for effect in effects)


def votes_once_a_number(kind):
    effects = run(kind, PROPOSED, Proposal(pre_prepare(OTHER), OTHER))
    return len({message.raw for message in sent(effects, Prepare)}) == 1


def is_prepared_only_by_a_quorum(kind):
    primary_again = Prepared(prepare(ONE, 0))
    return not sent(run(kind, PROPOSED, computed(ONE), primary_again), Commit)


def believes_only_certificates(kind):
    effects = run(kind, Certified(ONE, certificate(ONE, (0, 1))))
    return not [effect for effect in effects if isinstance(effect, Execute)]


def executes_once(kind):
    effects = run(kind, PROPOSED, PROPOSED)
    return len([effect for effect in effects if isinstance(effect, Execute)]) == 1


KILLS = [
    (mutants.SmallQuorum, commits_only_with_a_quorum),
    (mutants.SendsBeforePersisting, persists_each_vote_before_sending_it),
    (mutants.DoesNotPersistItsVotes, persists_each_vote_before_sending_it),
    (mutants.ForgetsItsVotes, votes_once_across_a_crash),
    (mutants.SignsWithoutExecuting, signs_only_what_it_computed),
    (mutants.GoesOnAfterADifference, halts_when_a_quorum_computed_something_else),
    (mutants.TakesTwoProposals, votes_once_a_number),
    (mutants.CountsThePrimaryTwice, is_prepared_only_by_a_quorum),
    (mutants.BelievesAnyCertificate, believes_only_certificates),
    (mutants.ExecutesTwice, executes_once),
]


@pytest.mark.parametrize(("mutant", "property_"), KILLS, ids=lambda value: value.__name__)
def test_the_real_core_passes_what_the_mutant_fails(mutant, property_):
    assert property_(Core)
    assert not property_(mutant)


def test_every_mutant_has_its_killer():
    known = {
        value
        for value in vars(mutants).values()
        if isinstance(value, type) and issubclass(value, Core) and value is not Core
    }
    assert known == {mutant for mutant, _ in KILLS}
