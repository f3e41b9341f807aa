"""What can be wrong with a recording as a whole. A row that is wrong is left out and counted."""

from dataclasses import dataclass


class ReplayError(Exception):
    """Base of what can be wrong with a recorded flow as a whole."""

    def __str__(self) -> str:
        """Show the facts."""
        return repr(self)


@dataclass(eq=False)
class NotThisFormat(ReplayError):
    """The file's first line is not this format's header."""

    path: str
    found: str


@dataclass(eq=False)
class UnknownFormat(ReplayError):
    """The file's first bytes are none of the formats that are read (docs/replay.md)."""

    path: str
    found: str


@dataclass(eq=False)
class NotAFile(ReplayError):
    """A pipe or a device: a recording is read twice, so it must stay where it is."""

    path: str


@dataclass(eq=False)
class NotForThisFormat(ReplayError):
    """An option was given that says nothing about a file of this format."""

    option: str
    found: str


@dataclass(eq=False)
class DamagedFile(ReplayError):
    """The file cannot be decoded; `row` rows were read before."""

    path: str
    row: int
    why: str


@dataclass(eq=False)
class NoSuchBook(ReplayError):
    """The file holds no record of the instrument that was asked for, or of any."""

    path: str
    instrument: int


@dataclass(eq=False)
class TooManyOrders(ReplayError):
    """More orders are open at once than a replay keeps in memory."""

    limit: int
