"""Which event a frame is: the only shapes that a peer or the venue may send."""

from ledger.audit.bodies import Commit, Prepare, PrePrepare, Status, Submit
from ledger.audit.effects import (
    Certified,
    Committed,
    Event,
    PeerStatus,
    Prepared,
    Proposal,
    Submitted,
)
from ledger.audit.errors import MalformedMessage
from ledger.audit.messages import Signed


def event_of(messages: tuple[Signed, ...]) -> Event:
    """The event that one frame of consensus messages is.

    Raises:
        MalformedMessage: No such frame exists.
    """
    first, rest = messages[0], messages[1:]
    match first.body:
        case Submit() if rest:
            return Certified(first, rest)
        case Submit():
            return Submitted(first)
        case PrePrepare() if len(rest) == 1 and isinstance(rest[0].body, Submit):
            return Proposal(first, rest[0])
        case Prepare() if not rest:
            return Prepared(first)
        case Commit() if not rest:
            return Committed(first)
        case Status() if not rest:
            return PeerStatus(first)
        case _:
            raise MalformedMessage("no such frame")
