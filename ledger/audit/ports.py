"""What the audit ledger needs of others: something deterministic to execute, commands, services."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from numpy.typing import NDArray


class Execution(Protocol):
    """What one call of `execute` brought; arrays may be reused by the next call."""

    @property
    def first_seq(self) -> int:
        """The seq of the first command."""
        ...

    @property
    def outcomes(self) -> NDArray[Any]:
        """OUTCOME rows, one a command."""
        ...

    @property
    def events(self) -> NDArray[Any]:
        """EVENT rows, in order of (seq, index)."""
        ...


class StateMachine(Protocol):
    """The venue's engine, as far as certification sees it.

    Deterministic: the same commands give the same outcomes, events and root, whatever the batch
    split, process or machine. `ledger.engine.Engine` is one.
    """

    @property
    def seq(self) -> int:
        """The last executed command; 0 before the first."""
        ...

    def execute(self, commands: NDArray[Any]) -> Execution:
        """Execute COMMAND rows, which get the seqs that follow."""
        ...

    def state_root(self) -> bytes:
        """32 bytes that commit to the whole state."""
        ...


M = TypeVar("M", bound=StateMachine)
M_co = TypeVar("M_co", bound=StateMachine, covariant=True)
MachineFactory = Callable[[], M]
"""Builds an empty state machine: a block that is not certified is undone by building afresh."""


class CommandSource(Protocol):
    """Where the certifier reads durable commands: the journal, or a test's list."""

    def commands(self, first_seq: int, limit: int) -> NDArray[Any]:
        """Durable COMMAND rows first_seq, first_seq + 1, …: at most `limit`, none if none yet."""
        ...


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """One certified block, as far as others hang on it.

    Attributes:
        number: From 1, no gaps.
        first_seq, last_seq: Its commands.
        digest: SHA-256 that the votes name: the signed batch.
        state_root, log_root: 32 bytes each, after last_seq.
        log_size: Entries of the log after this block.
        time_s: The last command's time, seconds since the epoch.
        view: In which view it was certified.
    """

    number: int
    first_seq: int
    last_seq: int
    digest: bytes
    state_root: bytes
    log_size: int
    log_root: bytes
    time_s: int
    view: int


@dataclass(frozen=True, slots=True)
class Records:
    """The entries of one block, as arrays: COMMAND, OUTCOME and EVENT rows."""

    first_seq: int
    commands: NDArray[Any]
    outcomes: NDArray[Any]
    events: NDArray[Any]


class CertifiedState(Protocol, Generic[M_co]):
    """What an operator service may read.

    Until the service's first `await` the engine stands exactly at `block.last_seq`. Afterwards it
    may have executed a block that is not certified yet: read first, then wait.
    """

    @property
    def engine(self) -> M_co:
        """This replica's own state machine."""
        ...

    @property
    def block(self) -> BlockHeader | None:
        """The last certified block; None before the first."""
        ...

    def header(self, number: int) -> BlockHeader | None:
        """A certified block by number."""
        ...

    def block_of(self, seq: int) -> BlockHeader | None:
        """The certified block that holds a command; None when it is not certified."""
        ...

    async def wait_block_of(self, seq: int) -> BlockHeader:
        """The same, but wait for it: this replica may lag behind the quorum.

        Raises:
            NotCertified: It was not certified here in time.
        """
        ...

    def records(self, first_seq: int, last_seq: int) -> Iterator[Records]:
        """The certified entries of a range, block by block, cut to the range.

        Raises:
            NotCertified: The range goes beyond what is certified.
        """
        ...


class Service(Protocol):
    """Answers the venue's requests from this replica's own certified state."""

    async def answer(self, state: CertifiedState[Any], payload: bytes) -> bytes:
        """The reply's bytes.

        Raises:
            ServiceRefusal: The service's own refusal; its text reaches the venue.
        """
        ...
