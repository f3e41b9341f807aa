"""What can go wrong with a journal, each fact a type. Programmer errors are asserts instead."""

from dataclasses import dataclass


class JournalError(Exception):
    """Base of every expected error of the journal and the sequencer."""

    def __str__(self) -> str:
        """Show the facts, so a log line needs no debugger."""
        return repr(self)


@dataclass(eq=False)
class JournalLocked(JournalError):
    """Another process holds the journal. `pid` is its last writer's, 0 if it never had one."""

    directory: str
    pid: int


@dataclass(eq=False)
class JournalCorrupt(JournalError):
    """Stored bytes are not what was written. Nothing is repaired: restore, or ask the replicas."""

    segment: str
    offset: int
    expected: str
    found: str


@dataclass(eq=False)
class JournalVersion(JournalError):
    """The journal was written in another version of the format."""

    segment: str
    found: int
    supported: int


@dataclass(eq=False)
class WrongVenue(JournalError):
    """The journal belongs to another venue. Both ids in hex."""

    segment: str
    expected: str
    found: str


@dataclass(eq=False)
class JournalWriteFailed(JournalError):
    """The disk refused, and the writer is done for good.

    After a failed sync nobody knows what is stored, and a second sync that succeeds proves nothing.
    """

    segment: str
    offset: int
    errno: int


@dataclass(eq=False)
class JournalBehind(JournalError):
    """A state is ahead of the journal it should have come from: the journal lost its end."""

    state: str
    state_seq: int
    journal_seq: int


@dataclass(eq=False)
class ProjectionBehind(JournalError):
    """A projection stands before the engine: the records between can't be had any more."""

    projection: str
    projection_seq: int
    engine_seq: int


@dataclass(eq=False)
class Overloaded(JournalError):
    """The queue is full. Nothing of this submission was sequenced."""

    queued: int
    limit: int


@dataclass(eq=False)
class SequencerStopped(JournalError):
    """The sequencer takes no more commands.

    What was waiting may have become durable, or not: its fate is in the journal.
    """

    reason: str
