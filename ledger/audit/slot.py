"""What the core keeps of one block number, and of who is ahead."""

from dataclasses import dataclass, field

from ledger.audit.bodies import FETCH_BLOCKS_MAX, Commit, Prepare, PrePrepare, SlotFlag, Submit
from ledger.audit.certificate import Roots, Tally
from ledger.audit.keys import SIGNATURE_BYTES
from ledger.audit.messages import Author, Signed, checkpoint_of


def sign_commit(author: Author, view: int, batch: Signed, roots: Roots) -> Signed:
    """The COMMIT over one's own results, with the cosignature on the block's checkpoint."""

    def body(signature: bytes) -> Commit:
        return Commit(
            batch.digest,
            roots.state_root,
            roots.last_seq,
            roots.log_size,
            roots.log_root,
            roots.time_s,
            signature,
        )

    checkpoint = checkpoint_of(author.group, batch.seq, view, body(bytes(SIGNATURE_BYTES)))
    signature = author.sign_checkpoint(checkpoint, roots.time_s)
    return author.sign(view, batch.seq, body(signature))


@dataclass(slots=True)
class Slot:
    """Everything known about one block number above the last committed one."""

    submitted: Signed | None = None
    pre_prepare: Signed | None = None
    batch: Signed | None = None
    prepares: dict[int, Signed] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    executing: bool = False
    roots: Roots | None = None
    own_prepare: Signed | None = None
    own_commit: Signed | None = None
    certificate: tuple[Signed, ...] | None = None

    def restore(self, message: Signed, me: int) -> None:
        """Take back one message that was on disk; `me` is whose disk it is."""
        match message.body:
            case Submit():
                self.batch = message
            case PrePrepare():
                self.pre_prepare = message
            case Prepare():
                self.prepares[message.sender] = message
                if message.sender == me:
                    self.own_prepare = message
            case Commit():
                self.own_commit = message
                self.tally.add(message)
            case _:
                raise AssertionError("no such message is persisted")

    def lacking(self, has: SlotFlag, *, proposer: bool) -> tuple[tuple[Signed, ...], ...]:
        """The frames of ours that a peer with these flags may lack.

        Only the primary sends the proposal again: a backup that relayed it would send a whole
        batch for every peer that asks all.
        """
        frames: list[tuple[Signed, ...]] = []
        proposal, batch = self.pre_prepare, self.batch
        wanted = proposer and not has & SlotFlag.PROPOSED
        if wanted and proposal is not None and batch is not None:
            frames.append((proposal, batch))
        if self.own_prepare is not None and not has & SlotFlag.COMMITTING:
            frames.append((self.own_prepare,))
        if self.own_commit is not None:
            frames.append((self.own_commit,))
        return tuple(frames)


@dataclass(slots=True)
class Donors:
    """How far each peer says it is, and whom we asked for blocks. One question at a time.

    Attributes:
        heights: Each peer's last committed block, by its own STATUS.
        until_ns: When the question that is out has waited long enough; None when none is out.
        last: The last block that it can bring.
        asked: Who was asked last; the next question goes to the next peer that is ahead.
    """

    heights: dict[int, int] = field(default_factory=dict)
    until_ns: int | None = None
    last: int = 0
    asked: int = -1

    def choose(self, tip: int, until_ns: int, *, again: bool) -> int | None:
        """Whom to ask for what follows block `tip`; None when nobody is ahead.

        Args:
            tip: Our last committed block.
            until_ns: When to give up on this question.
            again: Stay with who answered; else go on to another.
        """
        self.until_ns = None
        ahead = [peer for peer, height in sorted(self.heights.items()) if height > tip]
        if not ahead:
            return None
        if not again or self.asked not in ahead:
            self.asked = next((peer for peer in ahead if peer > self.asked), ahead[0])
        self.last = min(self.heights[self.asked], tip + FETCH_BLOCKS_MAX)
        self.until_ns = until_ns
        return self.asked
