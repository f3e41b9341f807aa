"""The sequencer's borders: what the gate sees of it, and what it needs of the stages behind it."""

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from ledger.records.codes import CommandKind, OrderStatus, Reject


@dataclass(frozen=True, slots=True)
class Ack:
    """The durable result of one command.

    Attributes:
        seq: The command's place in the total order, from 1.
        time_ns: When it was sequenced, nanoseconds since the epoch, never decreasing.
        kind: What was asked.
        reject: NONE when it took effect; otherwise nothing changed.
        status: The order's status after it, for order commands; else NONE.
        subject_id: The order or withdrawal that it is about.
        filled_lots, filled_quote_minor, remaining_lots: For orders, of this command alone.
        amount_minor: For money commands, what moved.
        events: EVENT rows that it caused, in order; read-only.
    """

    seq: int
    time_ns: int
    kind: CommandKind
    reject: Reject
    status: OrderStatus
    subject_id: int
    filled_lots: int
    filled_quote_minor: int
    remaining_lots: int
    amount_minor: int
    events: NDArray[Any]


class Submits(Protocol):
    """Anything that can sequence a command: the venue's sequencer, or a test's."""

    async def submit(self, command: bytes) -> Ack:
        """Sequence one 128-byte command; returns when it is durable and executed.

        Raises:
            JournalError: It was not sequenced; nothing happened.
        """
        ...


class Executed(Protocol):
    """What an execution caused. The arrays are the receiver's: nobody writes them again."""

    @property
    def first_seq(self) -> int:
        """The seq of the first command."""
        ...

    @property
    def outcomes(self) -> NDArray[Any]:
        """OUTCOME, one a command."""
        ...

    @property
    def events(self) -> NDArray[Any]:
        """EVENT, in the order of their commands; outcomes["events"] says how many each has."""
        ...


class Executes(Protocol):
    """The deterministic state machine behind the journal: stage 3."""

    @property
    def seq(self) -> int:
        """The last command executed, 0 at the start."""
        ...

    def execute(self, commands: NDArray[Any]) -> Executed:
        """Execute the commands that follow `seq`. COMMAND, any number."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive durable commands and what they caused. Projections read it and keep no part.

    Attributes:
        first_seq: The seq of commands[0].
        commands: COMMAND, shape (n,), time stamped.
        outcomes: OUTCOME, shape (n,).
        events: EVENT, all of theirs, in order.
    """

    first_seq: int
    commands: NDArray[Any]
    outcomes: NDArray[Any]
    events: NDArray[Any]

    @property
    def last_seq(self) -> int:
        """The seq of the last command."""
        return self.first_seq + len(self.commands) - 1

    def after(self, seq: int) -> "Batch":
        """The part whose commands come after `seq`; the same object when that is all of it."""
        skipped = seq + 1 - self.first_seq
        if skipped <= 0:
            return self
        events = int(self.outcomes["events"][:skipped].sum())
        return Batch(
            self.first_seq + skipped,
            self.commands[skipped:],
            self.outcomes[skipped:],
            self.events[events:],
        )


class Projects(Protocol):
    """A pure fold over batches: stage 4 and whoever else follows the record."""

    @property
    def seq(self) -> int:
        """The last command folded in, 0 at the start."""
        ...

    def apply(self, batch: Batch) -> None:
        """Fold in the batch that follows `seq`. An exception is a bug, and stops the venue."""
        ...


class Clock(Protocol):
    """Where time enters: nanoseconds since the epoch."""

    def __call__(self) -> int:
        """Now. May fall back; the sequencer's stamps don't."""
        ...
