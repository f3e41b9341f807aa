"""Expected errors of stage 6. Each leaf is one fact; its fields are what an operator must know."""

from dataclasses import dataclass


class SettlementError(Exception):
    """Base of every expected settlement error; anything else that escapes is a bug."""

    def __str__(self) -> str:
        """Show the facts, so a log line needs no debugger."""
        return repr(self)


@dataclass(eq=False)
class PortInUse(SettlementError):
    """Another process listens where the embedded chain should."""

    host: str
    port: int


@dataclass(eq=False)
class ChainLocked(SettlementError):
    """Another process has the embedded chain's database open."""

    path: str


@dataclass(eq=False)
class ChainFormat(SettlementError):
    """The embedded chain's database was written by another version of this software."""

    path: str
    expected: int
    found: int


@dataclass(eq=False)
class ChainDamaged(SettlementError):
    """The embedded chain's file is not a database, or not a whole one."""

    path: str
    reason: str


@dataclass(eq=False)
class WrongChain(SettlementError):
    """The node, or the database, is of another chain than the one configured."""

    expected: int
    found: int


@dataclass(eq=False)
class TransactionRefused(SettlementError):
    """The chain did not take a transaction: undecodable, unaffordable, or not the next nonce."""

    reason: str


@dataclass(eq=False)
class ExecutionReverted(SettlementError):
    """A call or estimate ended in a revert or an EVM fault; `data` is what came back."""

    reason: str
    data: bytes


@dataclass(eq=False)
class BlockUnknown(SettlementError):
    """No block of that number or hash is on the canonical chain."""

    block: str


@dataclass(eq=False)
class TooManyLogs(SettlementError):
    """A log query covers more blocks, or finds more logs, than one answer may hold."""

    limit: int
    found: int


@dataclass(eq=False)
class ChainDown(SettlementError):
    """The node could not be reached, did not answer in time, or did not answer in JSON-RPC."""

    url: str
    reason: str


@dataclass(eq=False)
class ChainRefused(SettlementError):
    """The node answered a request with an error of its own."""

    code: int
    reason: str


@dataclass(eq=False)
class RevertedWith(SettlementError):
    """A contract refused; the custom error by name, and its arguments as text in order."""

    name: str
    args_text: tuple[str, ...]


@dataclass(eq=False)
class ChainInconsistent(SettlementError):
    """The node's answers contradict each other, or the contracts' invariants."""

    what: str
    expected: str
    found: str


@dataclass(eq=False)
class KeyFileExposed(SettlementError):
    """A key file may be read by others than its owner; its mode must be 0600."""

    path: str
    mode: str


@dataclass(eq=False)
class KeyFileMalformed(SettlementError):
    """A key file is missing, or does not hold one key, or the password does not open it."""

    path: str
    reason: str
