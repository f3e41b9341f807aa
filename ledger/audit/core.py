"""The protocol: `step(event, now) → effects`. No socket, disk, clock or random inside.

Normal case of PBFT (Castro and Liskov, OSDI 1999, 4.2) with re-execution. Normative text, with the
clauses that the checks name: docs/spec/consensus.md, section 4.

The slot of block h + 1, h being the last committed, moves through its phases so:

| phase | event | guard | effects | next |
| --- | --- | --- | --- | --- |
| WAITING | Proposal, or Submitted at the primary | 4.2 | persist, vote, execute | VOTED |
| WAITING, VOTED | Certified (fetched) | 4.6 | undo what differs, persist, execute | VOTED |
| VOTED | Prepare, Computed | votes ≥ q, executed | persist, COMMIT | COMMITTING |
| VOTED, COMMITTING | Commit, Computed | q equal COMMITs, mine equal | commit, deliver | WAITING |
| VOTED, COMMITTING | Commit, Computed | q equal COMMITs, mine differ | halt | HALTED |
| any | PeerStatus | 4.5 | what the peer lacks, or FETCH what we lack | same |
| any | Tick | a deadline passed | STATUS, suspicion, FETCH from another | same |

Messages for later blocks inside the window wait in their slots. An error changes no state.
"""

from typing import Final

from ledger.audit.bodies import (
    FETCH_BLOCKS_MAX,
    Commit,
    Fetch,
    Prepare,
    PrePrepare,
    SlotFlag,
    Status,
    Submit,
)
from ledger.audit.certificate import Roots, check_certificate, vote_of
from ledger.audit.effects import (
    Broadcast,
    Certified,
    CommitBlock,
    Committed,
    Computed,
    Dropped,
    Effect,
    Event,
    Execute,
    Halt,
    PeerStatus,
    PeerUp,
    Persist,
    Phase,
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
    BatchOutOfOrder,
    DigestMismatch,
    Equivocation,
    NotPrimary,
    OutsideWindow,
    PrimaryVoted,
    RootsDiffer,
    WrongView,
)
from ledger.audit.group import VENUE, Group
from ledger.audit.messages import Author, Signed
from ledger.audit.slot import Donors, Slot, sign_commit
from ledger.audit.store import FrameKind

WINDOW: Final = 4
"""Block numbers h + 1 … h + WINDOW may have messages; one block at a time is voted on."""
MS: Final = 1_000_000
RETRANSMIT_MIN_NS: Final = 100 * MS
RETRANSMIT_MAX_NS: Final = 2_000 * MS
PROGRESS_NS: Final = 3_000 * MS
"""How long a known batch may stay uncommitted before the primary is suspected."""
FETCH_MIN_NS: Final = 300 * MS
FETCH_MAX_NS: Final = 4_000 * MS
"""How long one peer has to bring blocks; doubles while none come."""
ANSWER_GAP_NS: Final = 20 * MS
"""A peer's STATUS is answered at most this often."""


class Core:
    """One replica's state. All of it changes in `step` alone."""

    def __init__(self, author: Author, tip: Tip, recovered: Recovered, now_ns: int) -> None:
        """Begin after `tip`; `start` gives the first effects."""
        self._author = author
        self.group: Group = author.group
        self.me = author.sender
        assert 0 <= self.me < self.group.size, "only members run the core"
        self.view = 0
        self.tip = tip
        self.halted: RootsDiffer | None = None
        self.abstain = recovered.abstain
        self.slots: dict[int, Slot] = {}
        self._fetched: dict[int, tuple[Signed, tuple[Signed, ...]]] = {}
        self.donors = Donors()
        self.heard_ns: dict[int, int] = {}
        self.progress_ns = now_ns
        self._answered_ns: dict[int, int] = {}
        self._sent_commits: dict[int, Signed] = {}
        self._status_gap_ns = RETRANSMIT_MIN_NS
        self._status_at_ns = now_ns + RETRANSMIT_MIN_NS
        self._suspect_at_ns: int | None = None
        self._fetch_gap_ns = FETCH_MIN_NS
        for message in recovered.messages:
            self._slot(message.seq).restore(message, self.me)
            if isinstance(message.body, Commit):
                self._sent_commits[message.seq] = message

    @property
    def primary(self) -> int:
        """Who proposes in this view."""
        return self.group.primary(self.view)

    @property
    def phase(self) -> Phase:
        """Where the block in flight stands."""
        slot = self.slots.get(self.tip.number + 1)
        if self.halted is not None:
            return Phase.HALTED
        if slot is None or not slot.executing:
            return Phase.WAITING
        return Phase.COMMITTING if slot.own_commit else Phase.VOTED

    @property
    def deadline_ns(self) -> int | None:
        """When `Tick` is due; None after a halt, when nothing is due any more."""
        if self.halted is not None:
            return None
        deadlines = (self._status_at_ns, self._suspect_at_ns, self.donors.until_ns)
        return min(at for at in deadlines if at is not None)

    @property
    def is_speculating(self) -> bool:
        """Whether a batch was executed that is not committed yet."""
        slot = self.slots.get(self.tip.number + 1)
        return slot is not None and slot.executing

    def start(self, now_ns: int) -> tuple[Effect, ...]:
        """After a restart: send the persisted votes again, the same bytes, and execute again."""
        slot = self.slots.get(self.tip.number + 1)
        effects: list[Effect] = []
        if slot is not None and slot.batch is not None:
            slot.executing = True
            if slot.pre_prepare is not None and self.me == self.primary:
                effects.append(Broadcast((slot.pre_prepare, slot.batch)))
            if slot.own_prepare is not None:
                effects.append(Broadcast((slot.own_prepare,)))
            if slot.own_commit is not None:
                effects.append(Broadcast((slot.own_commit,)))
            effects.append(Execute(slot.batch))
        return (*effects, *self._status(now_ns))

    def step(self, event: Event, now_ns: int) -> tuple[Effect, ...]:
        """Take one event.

        Raises:
            ConsensusError: The event is refused; the state is as before.
        """
        if self.halted is not None:
            return ()
        match event:
            case PeerStatus(message):
                return self._on_status(message, now_ns)
            case PeerUp(peer):
                return (Send(peer, (self._own_status(),)),)
            case Tick():
                return self._on_tick(now_ns)
            case _:
                return self._take(event, now_ns) + self._advance(now_ns)

    def _take(
        self,
        event: Submitted | Proposal | Prepared | Committed | Certified | Computed,
        now_ns: int,
    ) -> tuple[Effect, ...]:
        match event:
            case Submitted(batch):
                return self._on_submitted(batch, now_ns)
            case Proposal(pre_prepare, batch):
                return self._on_proposal(pre_prepare, batch, now_ns)
            case Prepared(message):
                return self._on_prepare(message, now_ns)
            case Committed(message):
                return self._on_commit(message, now_ns)
            case Certified(batch, commits):
                return self._on_certified(batch, commits)
            case Computed():
                return self._on_computed(event)

    # Messages of the normal case.

    def _on_submitted(self, batch: Signed, now_ns: int) -> tuple[Effect, ...]:
        """Clause 4.1. A repetition is answered with what the venue then lacks."""
        if batch.seq <= self.tip.number:
            return (Send(VENUE, (self._sent_commits.get(batch.seq) or self._own_status(),)),)
        slot = self._slot(batch.seq)
        first = slot.submitted or slot.batch
        if first is not None and first.digest != batch.digest:
            raise Equivocation(VENUE, first.raw, batch.raw)
        slot.submitted = batch
        if self._suspect_at_ns is None:
            self._suspect_at_ns = now_ns + PROGRESS_NS
        return () if slot.own_commit is None else (Send(VENUE, (slot.own_commit,)),)

    def _on_proposal(self, message: Signed, batch: Signed, now_ns: int) -> tuple[Effect, ...]:
        """Clause 4.2: only the primary proposes, one batch a number, with the batch it names."""
        assert isinstance(message.body, PrePrepare), "a proposal begins with a PRE-PREPARE"
        self._check_view(message)
        if message.sender != self.primary or self.me == self.primary:
            raise NotPrimary(message.sender, self.primary)
        if batch.digest != message.body.digest or batch.seq != message.seq:
            raise DigestMismatch(message.sender, message.body.digest, batch.digest)
        self._heard(message, now_ns)
        if message.seq <= self.tip.number:
            return ()
        self._check_order(batch)
        slot = self._slot(message.seq)
        first = slot.pre_prepare
        if first is not None and first.digest != message.digest:
            raise Equivocation(message.sender, first.raw, message.raw)
        known = slot.submitted or slot.batch
        if known is not None and known.digest != batch.digest:
            raise Equivocation(VENUE, known.raw, batch.raw)
        slot.pre_prepare = message
        slot.batch = slot.batch or batch
        if self._suspect_at_ns is None:
            self._suspect_at_ns = now_ns + PROGRESS_NS
        return ()

    def _on_prepare(self, message: Signed, now_ns: int) -> tuple[Effect, ...]:
        """Clause 4.3: one PREPARE a backup; the primary's vote is its PRE-PREPARE."""
        self._check_view(message)
        if message.sender == self.primary:
            raise PrimaryVoted(message.sender)
        self._heard(message, now_ns)
        if message.seq <= self.tip.number:
            return ()
        slot = self._slot(message.seq)
        first = slot.prepares.get(message.sender)
        if first is not None and first.digest != message.digest:
            raise Equivocation(message.sender, first.raw, message.raw)
        slot.prepares[message.sender] = message
        return ()

    def _on_commit(self, message: Signed, now_ns: int) -> tuple[Effect, ...]:
        """Clause 4.4: one COMMIT a member."""
        self._check_view(message)
        self._heard(message, now_ns)
        if message.seq <= self.tip.number:
            return ()
        self._slot(message.seq).tally.add(message)
        return ()

    def _on_certified(self, batch: Signed, commits: tuple[Signed, ...]) -> tuple[Effect, ...]:
        """Clause 4.6: keep a fetched block, once its certificate is checked, until its turn."""
        number, low = batch.seq, self.tip.number + 1
        if number < low:
            return ()
        if number >= low + FETCH_BLOCKS_MAX:
            raise OutsideWindow(number, low, low + FETCH_BLOCKS_MAX - 1)
        check_certificate(self.group, batch, commits)
        self._check_order(batch)
        self._fetched[number] = batch, commits
        return ()

    def _take_fetched(self, slot: Slot) -> tuple[Effect, ...]:
        """Clause 4.6: a certified block replaces whatever we had for its number."""
        number = self.tip.number + 1
        if number not in self._fetched:
            return ()
        batch, commits = self._fetched.pop(number)
        wrong = self._wrong_order(batch)
        if wrong is not None:
            return (Dropped(wrong),)
        slot.certificate = commits
        if slot.batch is not None and slot.batch.digest == batch.digest and slot.executing:
            return ()
        undo: tuple[Effect, ...] = (Undo(),) if slot.executing else ()
        slot.batch, slot.executing, slot.roots = batch, True, None
        return (*undo, Persist(FrameKind.PROPOSAL, number, (batch,)), Execute(batch))

    def _on_computed(self, event: Computed) -> tuple[Effect, ...]:
        """The driver executed; a result that an Undo overtook is stale and says nothing."""
        slot = self.slots.get(event.number)
        if slot is None or slot.batch is None or slot.batch.digest != event.digest:
            return ()
        slot.roots = event.roots
        return ()

    # The tail that every change ends in.

    def _advance(self, now_ns: int) -> tuple[Effect, ...]:
        """Do all that the state now allows, block after block."""
        effects: list[Effect] = []
        moved = True
        while moved and self.halted is None:
            slot = self._slot(self.tip.number + 1)
            effects += self._take_fetched(slot)
            effects += self._accept(slot)
            effects += self._prepared(slot)
            moved = self._finish(slot, effects, now_ns)
        return tuple(effects)

    def _accept(self, slot: Slot) -> tuple[Effect, ...]:
        """Propose as primary, or vote as backup; then execute. Clause 4.2."""
        number = self.tip.number + 1
        proposing = self.me == self.primary and slot.batch is None
        batch = slot.submitted if proposing else slot.batch
        if slot.executing or batch is None:
            return ()
        wrong = self._wrong_order(batch)
        if wrong is not None:
            slot.submitted = slot.batch = slot.pre_prepare = None
            return (Dropped(wrong),)
        slot.batch, slot.executing = batch, True
        if self.abstain == number:
            frame = tuple(m for m in (slot.pre_prepare, batch) if m is not None)
            return (Persist(FrameKind.PROPOSAL, number, frame), Execute(batch))
        if proposing:
            vote = self._author.sign(self.view, number, PrePrepare(batch.digest))
            slot.pre_prepare = vote
            return (
                Persist(FrameKind.PROPOSAL, number, (vote, batch)),
                Broadcast((vote, batch)),
                Execute(batch),
            )
        assert slot.pre_prepare is not None, "a backup accepts what was proposed"
        vote = self._author.sign(self.view, number, Prepare(batch.digest))
        slot.own_prepare = slot.prepares[self.me] = vote
        return (
            Persist(FrameKind.PROPOSAL, number, (slot.pre_prepare, batch, vote)),
            Broadcast((vote,)),
            Execute(batch),
        )

    def _prepared(self, slot: Slot) -> tuple[Effect, ...]:
        """Clause 4.4: prepared by a quorum, and executed by ourselves: sign the results."""
        number = self.tip.number + 1
        batch, roots, proposal = slot.batch, slot.roots, slot.pre_prepare
        if batch is None or roots is None or proposal is None or slot.own_commit is not None:
            return ()
        assert isinstance(proposal.body, PrePrepare), "a slot keeps PRE-PREPAREs"
        if self.abstain == number or proposal.body.digest != batch.digest:
            return ()
        votes = [m for _, m in sorted(slot.prepares.items()) if m.body == Prepare(batch.digest)]
        if 1 + len(votes) < self.group.quorum:
            return ()
        vote = sign_commit(self._author, self.view, batch, roots)
        slot.own_commit = self._sent_commits[number] = vote
        self._sent_commits.pop(number - WINDOW, None)
        slot.tally.add(vote)
        return (
            Persist(FrameKind.PREPARED, number, (*votes, vote)),
            Broadcast((vote,)),
            Send(VENUE, (vote,)),
        )

    def _finish(self, slot: Slot, effects: list[Effect], now_ns: int) -> bool:
        """Clause 4.4: a quorum's equal COMMITs make the block final, if ours are the same."""
        if slot.certificate is None:
            slot.certificate = slot.tally.certificate(self.group.quorum)
        if slot.certificate is None or slot.batch is None or slot.roots is None:
            return False
        _, digest, roots = vote_of(slot.certificate[0])
        if digest != slot.batch.digest:
            return False
        number = self.tip.number + 1
        if roots != slot.roots:
            if slot.own_commit is None:
                # Our word may come too late to count; the venue names us by it all the same.
                word = sign_commit(self._author, self.view, slot.batch, slot.roots)
                effects.append(Send(VENUE, (word,)))
            self.halted = self._difference(number, slot.certificate, slot.roots, roots)
            effects.append(Halt(self.halted))
            return False
        effects.append(CommitBlock(slot.batch, slot.certificate))
        self.tip = Tip(number, digest, roots.last_seq)
        del self.slots[number]
        self._fetched.pop(number, None)
        self.progress_ns = now_ns
        self._status_gap_ns, self._fetch_gap_ns = RETRANSMIT_MIN_NS, FETCH_MIN_NS
        self._status_at_ns = now_ns + RETRANSMIT_MIN_NS
        self._suspect_at_ns = now_ns + PROGRESS_NS if self._is_busy() else None
        if self.donors.until_ns is not None and number >= self.donors.last:
            effects += self._fetch(now_ns, again=True)
        return True

    def _difference(
        self, number: int, certificate: tuple[Signed, ...], ours: Roots, theirs: Roots
    ) -> RootsDiffer:
        names = tuple(self.group.name_of(message.sender) for message in certificate)
        return RootsDiffer(number, names, ours=ours.describe(), theirs=theirs.describe())

    # Repair: STATUS, retransmission, catching up.

    def _on_status(self, message: Signed, now_ns: int) -> tuple[Effect, ...]:
        """Clause 4.5: answer with what the peer lacks; fetch what we lack."""
        assert isinstance(message.body, Status), "a status"
        if message.sender == self.me:
            return ()
        self._heard(message, now_ns)
        self.donors.heights[message.sender] = message.seq
        if message.seq > self.tip.number:
            late = now_ns - self.progress_ns >= RETRANSMIT_MIN_NS
            needed = message.seq > self.tip.number + 1 or late or not self.is_speculating
            return self._fetch(now_ns) if needed and self.donors.until_ns is None else ()
        return self._answer_status(message.sender, message.seq, message.body.flags, now_ns)

    def _answer_status(
        self, peer: int, height: int, flags: SlotFlag, now_ns: int
    ) -> tuple[Effect, ...]:
        last = self._answered_ns.get(peer)
        if last is not None and now_ns - last < ANSWER_GAP_NS:
            return ()
        self._answered_ns[peer] = now_ns
        if height < self.tip.number:
            return (Send(peer, (self._own_status(),)),)
        slot = self.slots.get(self.tip.number + 1, Slot())
        frames = slot.lacking(flags, proposer=self.me == self.primary)
        return tuple(Send(peer, frame) for frame in frames)

    def _fetch(self, now_ns: int, *, again: bool = False) -> tuple[Effect, ...]:
        donor = self.donors.choose(self.tip.number, now_ns + self._fetch_gap_ns, again=again)
        if donor is None:
            return ()
        self._fetch_gap_ns = min(2 * self._fetch_gap_ns, FETCH_MAX_NS)
        question = self._author.sign(self.view, self.tip.number + 1, Fetch(FETCH_BLOCKS_MAX))
        return (Send(donor, (question,)),)

    def _on_tick(self, now_ns: int) -> tuple[Effect, ...]:
        effects: tuple[Effect, ...] = ()
        if now_ns >= self._status_at_ns:
            effects += self._status(now_ns)
        if self._suspect_at_ns is not None and now_ns >= self._suspect_at_ns:
            self._suspect_at_ns = now_ns + PROGRESS_NS
            effects += (Suspect(self.tip.number + 1, self.primary),)
        if self.donors.until_ns is not None and now_ns >= self.donors.until_ns:
            effects += self._fetch(now_ns)
        return effects

    def _status(self, now_ns: int) -> tuple[Effect, ...]:
        """STATUS to all, more and more rarely while nothing moves."""
        self._status_at_ns = now_ns + self._status_gap_ns
        self._status_gap_ns = min(2 * self._status_gap_ns, RETRANSMIT_MAX_NS)
        return (Broadcast((self._own_status(),)),)

    def _own_status(self) -> Signed:
        flags = SlotFlag(0)
        slot = self.slots.get(self.tip.number + 1)
        if slot is not None and slot.executing:
            flags |= SlotFlag.PROPOSED
        if slot is not None and slot.own_commit is not None:
            flags |= SlotFlag.COMMITTING
        return self._author.sign(self.view, self.tip.number, Status(self.tip.digest, flags))

    # Small questions.

    def _slot(self, number: int) -> Slot:
        low, high = self.tip.number + 1, self.tip.number + WINDOW
        if not low <= number <= high:
            raise OutsideWindow(number, low, high)
        return self.slots.setdefault(number, Slot())

    def _check_view(self, message: Signed) -> None:
        if message.view != self.view:
            raise WrongView(self.view, message.view)

    def _heard(self, message: Signed, now_ns: int) -> None:
        self.heard_ns[message.sender] = now_ns

    def _is_busy(self) -> bool:
        return any(slot.submitted or slot.batch for slot in self.slots.values())

    def _check_order(self, batch: Signed) -> None:
        wrong = self._wrong_order(batch)
        if wrong is not None:
            raise wrong

    def _wrong_order(self, batch: Signed) -> BatchOutOfOrder | None:
        """Clause 4.1: the next batch names the last one, and goes on where it ended."""
        assert isinstance(batch.body, Submit), "a batch"
        body, tip = batch.body, self.tip
        if batch.seq != tip.number + 1:
            return None
        if body.previous == tip.digest and body.first_seq == tip.last_seq + 1:
            return None
        return BatchOutOfOrder(
            batch.seq, tip.digest, body.previous, tip.last_seq + 1, body.first_seq
        )
