"""Every kind of message and event by name, for tests of the core."""

from ledger.audit.bodies import (
    Prepare,
    PrePrepare,
    SlotFlag,
    Status,
)
from ledger.audit.certificate import NO_DIGEST, Roots
from ledger.audit.core import (
    Core,
)
from ledger.audit.effects import (
    Computed,
    PeerStatus,
    Phase,
    Prepared,
    Proposal,
    Recovered,
    Tip,
)
from ledger.audit.slot import sign_commit
from tests.audit.ground import author_of, make_batch, make_chain, make_group

GROUP = make_group(4)
CHAIN = make_chain(GROUP, 6)
ONE = CHAIN[0]
NOTHING = SlotFlag(0)
OTHER = make_batch(GROUP, 1, first_seq=1, salt=9)


def roots(number: int, salt: int = 0) -> Roots:
    return Roots(bytes([salt]) * 32, 3 * number, 5 * number, bytes([salt + 1]) * 32, 1_700_000_000)


def core_of(me: int, tip: Tip | None = None, recovered: Recovered | None = None) -> Core:
    return Core(author_of(GROUP, me), tip or Tip(), recovered or Recovered(), 0)


def pre_prepare(batch, sender=0, view=0):
    return author_of(GROUP, sender).sign(view, batch.seq, PrePrepare(batch.digest))


def prepare(batch, sender, view=0):
    return author_of(GROUP, sender).sign(view, batch.seq, Prepare(batch.digest))


def commit(batch, sender, salt=0, view=0):
    return sign_commit(author_of(GROUP, sender), view, batch, roots(batch.seq, salt))


def status(sender, number, flags=NOTHING, tip=NO_DIGEST):
    return PeerStatus(author_of(GROUP, sender).sign(0, number, Status(tip, flags)))


def computed(batch, salt=0):
    return Computed(batch.seq, batch.digest, roots(batch.seq, salt))


def certificate(batch, signers=(0, 1, 2), salt=0):
    return tuple(commit(batch, i, salt) for i in signers)


def feed(core, *events, now=0):
    """All effects of several events."""
    return [effect for event in events for effect in core.step(event, now)]


def voted(me=1):
    """A backup that prepared and executed block 1."""
    core = core_of(me)
    feed(core, Proposal(pre_prepare(ONE), ONE), computed(ONE))
    return core


def committing(me=1):
    core = voted(me)
    feed(core, Prepared(prepare(ONE, 2)))
    assert core.phase == Phase.COMMITTING
    return core
