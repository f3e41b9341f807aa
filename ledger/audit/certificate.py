"""Quorums of COMMIT: counted as they come, and checked when somebody else counted them."""

from dataclasses import dataclass, field
from typing import Final

from ledger.audit.bodies import Commit, Submit
from ledger.audit.errors import BadCertificate, Equivocation
from ledger.audit.group import MEMBERS_MAX, Group
from ledger.audit.messages import Signed
from ledger.audit.ports import BlockHeader

NO_DIGEST: Final = bytes(32)
"""What block 1 names as its previous batch."""


@dataclass(frozen=True, slots=True)
class Roots:
    """What executing a block gave: equal at every correct replica, byte for byte."""

    state_root: bytes
    last_seq: int
    log_size: int
    log_root: bytes
    time_s: int

    def describe(self) -> str:
        """For people: what differs can be seen side by side."""
        return (
            f"last_seq={self.last_seq} state_root={self.state_root.hex()} "
            f"log_size={self.log_size} log_root={self.log_root.hex()} time_s={self.time_s}"
        )


def roots_of(commit: Commit) -> Roots:
    """The results that a COMMIT signs."""
    return Roots(
        commit.state_root, commit.last_seq, commit.log_size, commit.log_root, commit.time_s
    )


Vote = tuple[int, bytes, Roots]
"""What must be equal for COMMITs to add up: view, batch digest and results."""


def vote_of(message: Signed) -> Vote:
    """The vote of one COMMIT message."""
    assert isinstance(message.body, Commit), "only COMMITs are counted"
    return message.view, message.body.digest, roots_of(message.body)


@dataclass(slots=True)
class Tally:
    """The COMMITs of one block: at most one a member and view that counts."""

    commits: dict[int, Signed] = field(default_factory=dict)

    def add(self, message: Signed) -> None:
        """Count one COMMIT. A repetition changes nothing; a later view replaces an earlier.

        Raises:
            Equivocation: The member signed two different results, or batches, in one view.
        """
        assert len(self.commits) <= MEMBERS_MAX, "one a member"
        first = self.commits.get(message.sender)
        if first is None or first.view < message.view:
            self.commits[message.sender] = message
        elif first.view == message.view and vote_of(first) != vote_of(message):
            raise Equivocation(message.sender, first.raw, message.raw)

    def certificate(self, quorum: int) -> tuple[Signed, ...] | None:
        """Exactly `quorum` equal COMMITs, by member index; None while there are fewer."""
        camps: dict[Vote, list[Signed]] = {}
        for _, message in sorted(self.commits.items()):
            camp = camps.setdefault(vote_of(message), [])
            camp.append(message)
            if len(camp) == quorum:
                return tuple(camp)
        return None

    def differing(self, digest: bytes, roots: Roots) -> tuple[int, ...]:
        """Who signed other results for the same batch."""
        return tuple(
            sender
            for sender, message in sorted(self.commits.items())
            if vote_of(message)[1] == digest and vote_of(message)[2] != roots
        )


def check_certificate(group: Group, batch: Signed, commits: tuple[Signed, ...]) -> Roots:
    """A certificate proves its batch: a quorum of distinct members, one view, one result.

    The messages' signatures hold already (`open_message`).

    Returns:
        What the quorum signed.

    Raises:
        BadCertificate: It proves nothing, or another batch.
    """
    number = batch.seq
    if not isinstance(batch.body, Submit):
        raise BadCertificate(number, "no batch")
    if len({message.sender for message in commits}) != len(commits):
        raise BadCertificate(number, "one member twice")
    if len(commits) < group.quorum:
        raise BadCertificate(number, f"{len(commits)} votes, the quorum is {group.quorum}")
    bodies = [message.body for message in commits if isinstance(message.body, Commit)]
    if len(bodies) != len(commits) or any(message.seq != number for message in commits):
        raise BadCertificate(number, "a vote is for something else")
    if len({vote_of(message) for message in commits}) != 1:
        raise BadCertificate(number, "votes differ")
    if bodies[0].digest != batch.digest or bodies[0].last_seq != batch.body.last_seq:
        raise BadCertificate(number, "the votes are for another batch")
    return roots_of(bodies[0])


def header_of(batch: Signed, commits: tuple[Signed, ...]) -> BlockHeader:
    """The header of a block whose certificate was checked."""
    assert isinstance(batch.body, Submit), "a block is a batch"
    view, digest, roots = vote_of(commits[0])
    assert digest == batch.digest, "certificate and batch belong together"
    return BlockHeader(
        number=batch.seq,
        first_seq=batch.body.first_seq,
        last_seq=roots.last_seq,
        digest=digest,
        state_root=roots.state_root,
        log_size=roots.log_size,
        log_root=roots.log_root,
        time_s=roots.time_s,
        view=view,
    )
