"""Expected errors of stage 6. Each leaf is one fact; its fields are what an operator must know."""

from dataclasses import dataclass


class SettlementError(Exception):
    """Base of every expected settlement error; anything else that escapes is a bug."""

    def __str__(self) -> str:
        """Show the facts, so a log line needs no debugger."""
        return repr(self)


@dataclass(eq=False)
class WrongChain(SettlementError):
    """The node, or the database, is of another chain than the one configured."""

    expected: int
    found: int
