"""What the gate sees of the sequencer: submit bytes, get an acknowledgement that is durable."""

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
