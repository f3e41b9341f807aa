"""Counting votes: against a plain model, and every way in which a certificate proves nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit.bodies import Prepare
from ledger.audit.certificate import (
    Roots,
    Tally,
    check_certificate,
    header_of,
    roots_of,
    vote_of,
)
from ledger.audit.errors import BadCertificate, Equivocation
from ledger.audit.slot import Donors, sign_commit
from tests.audit.ground import author_of, make_batch, make_group

GROUP = make_group(7)
BATCHES = [make_batch(GROUP, 1, first_seq=1, salt=salt) for salt in range(2)]
RESULTS = [Roots(bytes([n]) * 32, 3, 5, bytes([n]) * 32, 7) for n in range(2)]
VOTES = {
    (member, batch, result, view): sign_commit(
        author_of(GROUP, member), view, BATCHES[batch], RESULTS[result]
    )
    for member in range(7)
    for batch in range(2)
    for result in range(2)
    for view in range(2)
}


@given(st.lists(st.sampled_from(sorted(VOTES)), max_size=20), st.integers(1, 7))
def test_a_certificate_is_the_first_quorum_of_equal_last_votes(votes, quorum):
    """The model keeps each member's vote of its latest view, the first one of that view."""
    tally, model = Tally(), {}
    for place in votes:
        member, view = place[0], place[3]
        kept = model.get(member)
        if kept is None or kept[3] < view:
            model[member] = place
            tally.add(VOTES[place])
        elif kept[3] == view and kept != place:
            with pytest.raises(Equivocation) as caught:
                tally.add(VOTES[place])
            assert caught.value.sender == member
        else:
            tally.add(VOTES[place])

    camps = {}
    for member in sorted(model):
        camps.setdefault(model[member][1:], []).append(VOTES[model[member]])
    full = [camp[:quorum] for camp in camps.values() if len(camp) >= quorum]
    found = tally.certificate(quorum)
    if not full:
        assert found is None
    else:
        assert list(found) in full


@given(st.lists(st.sampled_from(sorted(VOTES)), max_size=12, unique_by=lambda place: place[0]))
def test_who_differs_is_who_signed_other_results_for_this_batch(votes):
    tally = Tally()
    for place in votes:
        tally.add(VOTES[place])
    expected = sorted(member for member, batch, result, _ in votes if (batch, result) == (0, 1))
    assert list(tally.differing(BATCHES[0].digest, RESULTS[0])) == expected


def quorum_of(batch=0, result=0, view=0, members=range(5)):
    return tuple(VOTES[member, batch, result, view] for member in members)


def test_a_quorum_of_equal_votes_proves_its_batch():
    votes = quorum_of()
    assert check_certificate(GROUP, BATCHES[0], votes) == RESULTS[0]
    assert check_certificate(GROUP, BATCHES[0], quorum_of(members=range(7))) == RESULTS[0]
    header = header_of(BATCHES[0], votes)
    assert (header.number, header.first_seq, header.last_seq) == (1, 1, 3)
    assert (header.digest, header.view) == (BATCHES[0].digest, 0)
    assert roots_of(votes[0].body) == RESULTS[0] == vote_of(votes[0])[2]


@pytest.mark.parametrize(
    ("votes", "reason"),
    [
        ((), "0 votes"),
        (quorum_of(members=range(4)), "4 votes"),
        (quorum_of(members=(0, 1, 2, 3, 3)), "twice"),
        ((*quorum_of(members=range(4)), VOTES[4, 0, 1, 0]), "differ"),
        ((*quorum_of(members=range(4)), VOTES[4, 0, 0, 1]), "differ"),
        ((*quorum_of(members=range(4)), VOTES[4, 1, 0, 0]), "differ"),
        (quorum_of(batch=1), "another batch"),
    ],
)
def test_what_is_no_quorum_of_equal_votes_proves_nothing(votes, reason):
    with pytest.raises(BadCertificate, match=reason):
        check_certificate(GROUP, BATCHES[0], votes)


def test_votes_of_another_number_or_kind_prove_nothing():
    later = make_batch(GROUP, 2, first_seq=1)
    votes = tuple(sign_commit(author_of(GROUP, i), 0, later, RESULTS[0]) for i in range(5))
    with pytest.raises(BadCertificate, match="something else"):
        check_certificate(GROUP, BATCHES[0], votes)
    prepares = tuple(author_of(GROUP, i).sign(0, 1, Prepare(BATCHES[0].digest)) for i in range(5))
    with pytest.raises(BadCertificate, match="something else"):
        check_certificate(GROUP, BATCHES[0], prepares)
    with pytest.raises(BadCertificate, match="no batch"):
        check_certificate(GROUP, prepares[0], quorum_of())


def test_votes_that_end_elsewhere_than_the_batch_prove_nothing():
    short = replace(RESULTS[0], last_seq=2)
    votes = tuple(sign_commit(author_of(GROUP, i), 0, BATCHES[0], short) for i in range(5))
    with pytest.raises(BadCertificate, match="another batch"):
        check_certificate(GROUP, BATCHES[0], votes)


@given(
    st.dictionaries(st.integers(0, 6), st.integers(0, 50), max_size=6),
    st.integers(0, 50),
    st.lists(st.booleans(), max_size=10),
)
def test_donors_are_always_ahead_and_every_one_gets_its_turn(heights, tip, again):
    donors, asked = Donors(heights=dict(heights)), []
    ahead = {peer for peer, height in heights.items() if height > tip}
    for repeat in again:
        chosen = donors.choose(tip, 99, again=repeat)
        assert (chosen is None) == (not ahead)
        if chosen is not None:
            assert chosen in ahead
            assert tip < donors.last <= heights[chosen]
            assert donors.until_ns == 99
            asked.append(chosen)
    if ahead:
        fresh = Donors(heights=dict(heights))
        turns = [fresh.choose(tip, 0, again=False) for _ in range(len(ahead))]
        assert set(turns) == ahead
