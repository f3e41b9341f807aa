"""What can go wrong when a venue is put together."""

from dataclasses import dataclass


class VenueError(Exception):
    """Base of the composition root's expected errors."""

    def __str__(self) -> str:
        """Show the facts."""
        return repr(self)


@dataclass(eq=False)
class GenesisRefused(VenueError):
    """The engine refused one of the first commands: the listing plan is wrong."""

    seq: int
    kind: str
    reject: str
