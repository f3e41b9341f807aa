"""What the protocol core takes and gives: events that happened, effects to perform in order."""

from dataclasses import dataclass
from enum import IntEnum

from ledger.audit.certificate import NO_DIGEST, Roots
from ledger.audit.errors import BatchOutOfOrder, RootsDiffer
from ledger.audit.messages import Signed
from ledger.audit.store import FrameKind


class Phase(IntEnum):
    """Where the block in flight stands."""

    WAITING = 0
    VOTED = 1
    COMMITTING = 2
    HALTED = 3


@dataclass(frozen=True, slots=True)
class Tip:
    """The last committed block: number, batch digest, last seq. Zeros before block 1."""

    number: int = 0
    digest: bytes = NO_DIGEST
    last_seq: int = 0


# Events: what happened.


@dataclass(frozen=True, slots=True)
class Submitted:
    """The venue's batch came, directly."""

    batch: Signed


@dataclass(frozen=True, slots=True)
class Proposal:
    """The primary's PRE-PREPARE came, with its batch."""

    pre_prepare: Signed
    batch: Signed


@dataclass(frozen=True, slots=True)
class Prepared:
    """A PREPARE came."""

    message: Signed


@dataclass(frozen=True, slots=True)
class Committed:
    """A COMMIT came."""

    message: Signed


@dataclass(frozen=True, slots=True)
class Certified:
    """A block with its certificate came, as answer to FETCH."""

    batch: Signed
    commits: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """A STATUS came."""

    message: Signed


@dataclass(frozen=True, slots=True)
class PeerUp:
    """A connection to a peer stands: it may have missed anything."""

    peer: int


@dataclass(frozen=True, slots=True)
class Computed:
    """The driver executed a batch; its results stand after it."""

    number: int
    digest: bytes
    roots: Roots


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed; `now` says how much."""


Event = (
    Submitted | Proposal | Prepared | Committed | Certified | PeerStatus | PeerUp | Computed | Tick
)

# Effects: what the driver does, in order. A Persist is durable before the next effect begins.


@dataclass(frozen=True, slots=True)
class Persist:
    """Write one frame of messages."""

    kind: FrameKind
    number: int
    messages: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Send one frame to every other member."""

    messages: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """Send one frame to one member, or to the VENUE."""

    to: int
    messages: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class Execute:
    """Execute a batch and answer with `Computed`."""

    batch: Signed


@dataclass(frozen=True, slots=True)
class Undo:
    """Forget what was executed beyond the last committed block."""


@dataclass(frozen=True, slots=True)
class CommitBlock:
    """Persist the certificate; the block is final."""

    batch: Signed
    certificate: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class Suspect:
    """The block made no progress in time. A view change starts here (docs/spec, 6)."""

    number: int
    primary: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something that waited turned out to be wrong when its turn came."""

    error: BatchOutOfOrder


@dataclass(frozen=True, slots=True)
class Halt:
    """This replica's results differ from a quorum's: it must not go on."""

    error: RootsDiffer


Effect = Persist | Broadcast | Send | Execute | Undo | CommitBlock | Suspect | Dropped | Halt


@dataclass(frozen=True, slots=True)
class Recovered:
    """What disk says about the block in flight: votes that were, or may have been, sent.

    `abstain` is a block number on which a vote may have been lost, else 0.
    """

    messages: tuple[Signed, ...] = ()
    abstain: int = 0
