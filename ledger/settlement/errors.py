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


@dataclass(eq=False)
class NotCertified(SettlementError):
    """A batch or block is not certified yet, or does not exist: nothing can be derived from it."""

    what: str
    number: int


@dataclass(eq=False)
class DepositGap(SettlementError):
    """The node's deposit logs skip an index, which the vault never does: a lying or broken node."""

    expected: int
    found: int


@dataclass(eq=False)
class DepositBlocked(SettlementError):
    """A deposit cannot be credited as the ledger stands; it and all after it wait, none is lost.

    `reason` is "token not listed", or the engine's reject by name.
    """

    index: int
    token: bytes
    reason: str


@dataclass(eq=False)
class DepositUnproven(SettlementError):
    """The ledger credits a deposit of which the chain knows nothing (at the depth asked for)."""

    index: int


@dataclass(eq=False)
class DepositDiffers(SettlementError):
    """The ledger credits something else than was deposited; the first field that differs."""

    index: int
    field: str
    chain: str
    ledger: str


@dataclass(eq=False)
class OperatorSilent(SettlementError):
    """An operator could not be reached, or did not answer in time."""

    operator: str
    reason: str


@dataclass(eq=False)
class OperatorRefused(SettlementError):
    """An operator would not sign, and said why; for a difference also where."""

    operator: str
    reason: str
    field: str
    mine: str
    theirs: str


@dataclass(eq=False)
class OperatorDiffers(SettlementError):
    """An operator signed something else than what follows from the certified state."""

    operator: str
    field: str
    mine: str
    theirs: str


@dataclass(eq=False)
class OperatorGarbled(SettlementError):
    """An operator's answer is not in the format of docs/spec/settlement.md, section 5."""

    operator: str
    reason: str


@dataclass(eq=False)
class QuorumShort(SettlementError):
    """Too few operators signed; `faults` says of each other one why not."""

    needed: int
    signed: int
    faults: tuple[SettlementError, ...]


@dataclass(eq=False)
class NonceTaken(SettlementError):
    """Another transaction of the relayer took the nonce: this one will never be mined."""

    nonce: int


@dataclass(eq=False)
class NotMined(SettlementError):
    """A broadcast transaction was not mined in the time given; it may be later."""

    tx_hash: bytes


@dataclass(eq=False)
class TransactionFailed(SettlementError):
    """A relayed transaction was mined and reverted; it is prepared afresh."""

    tx_hash: bytes


@dataclass(eq=False)
class ReportsTooMany(SettlementError):
    """One certified block records more reports than one anchor can carry."""

    block: int
    limit: int
    found: int


@dataclass(eq=False)
class HeadDiffers(SettlementError):
    """The chain executed another batch (or anchor) under this number: stop, and call the operators.

    Only more than f dishonest operators, or another chain, can bring this about.
    """

    kind: str
    number: int
    mine: bytes
    chain: bytes


@dataclass(eq=False)
class CommandRejected(SettlementError):
    """The engine refused a command of settlement's that its state should allow."""

    kind: str
    reject: str


@dataclass(eq=False)
class StoreVersion(SettlementError):
    """The settlement database was written by another version of this software."""

    path: str
    expected: int
    found: int
