"""Errors of the engine. Each carries the facts, not only a sentence."""

from dataclasses import dataclass


class EngineError(Exception):
    """Base of every expected engine error; anything else that escapes is a bug."""

    def __str__(self) -> str:
        """Show the facts, so a log line needs no debugger."""
        return repr(self)


@dataclass(eq=False)
class ConservationBroken(EngineError):
    """An asset's balances do not sum to zero: this must never happen, so the engine stops."""

    asset: int
    sum_minor: int


@dataclass(eq=False)
class SnapshotVersion(EngineError):
    """The snapshot was written by another version of the format."""

    found: int
    supported: int


@dataclass(eq=False)
class SnapshotCorrupt(EngineError):
    """The snapshot's bytes are not what was written."""

    reason: str
