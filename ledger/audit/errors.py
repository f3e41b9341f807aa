"""Expected errors of the audit ledger. Each carries the facts, not only a sentence."""

from dataclasses import dataclass, field


class AuditError(Exception):
    """Base of every expected audit error; anything else that escapes is a bug."""

    def __str__(self) -> str:
        """Show the facts, so that a log line needs no debugger."""
        return repr(self)


@dataclass(eq=False)
class KeyRefused(AuditError):
    """A public key is not a canonical point of the prime-order group (or of small order)."""

    owner: str
    key: bytes


@dataclass(eq=False)
class KeyFileRefused(AuditError):
    """A private key file is missing, malformed, or readable by others."""

    path: str
    reason: str


@dataclass(eq=False)
class GroupRefused(AuditError):
    """A group file breaks a rule of docs/spec/consensus.md, section 2."""

    reason: str


@dataclass(eq=False)
class ConfigRefused(AuditError):
    """A replica's configuration file breaks a rule."""

    path: str
    reason: str


class MessageError(AuditError):
    """Base of what is wrong with one received message; nothing of it is used."""


@dataclass(eq=False)
class MalformedMessage(MessageError):
    """The bytes are not a canonical message."""

    reason: str


@dataclass(eq=False)
class FrameTooLarge(MessageError):
    """A peer announced a frame above the bound; the connection is closed unread."""

    limit: int
    announced: int


@dataclass(eq=False)
class WrongChain(MessageError):
    """The message belongs to another chain."""

    expected: int
    received: int


@dataclass(eq=False)
class WrongEpoch(MessageError):
    """The message belongs to another membership epoch."""

    expected: int
    received: int


@dataclass(eq=False)
class UnknownSender(MessageError):
    """The sender is no member, or may not send this kind."""

    sender: int
    kind: int


@dataclass(eq=False)
class BadSignature(MessageError):
    """The sender's key did not sign these bytes."""

    sender: str
    kind: str


class ConsensusError(AuditError):
    """Base of refusals by the protocol core; none of them changes its state."""


@dataclass(eq=False)
class WrongView(ConsensusError):
    """The message belongs to another view."""

    expected: int
    received: int


@dataclass(eq=False)
class OutsideWindow(ConsensusError):
    """The block number is not one that may be in flight now."""

    number: int
    low: int
    high: int


@dataclass(eq=False)
class NotPrimary(ConsensusError):
    """Somebody else than the view's primary proposed."""

    sender: int
    primary: int


@dataclass(eq=False)
class PrimaryVoted(ConsensusError):
    """The primary sent a PREPARE; its PRE-PREPARE is its vote, and counts once."""

    primary: int


@dataclass(eq=False)
class DigestMismatch(ConsensusError):
    """A PRE-PREPARE names another batch than it carries."""

    sender: int
    named: bytes
    carried: bytes


@dataclass(eq=False)
class BatchOutOfOrder(ConsensusError):
    """A batch does not continue the chain: its previous digest or first seq is another."""

    number: int
    expected_previous: bytes
    previous: bytes
    expected_first_seq: int
    first_seq: int


@dataclass(eq=False)
class Equivocation(ConsensusError):
    """One sender signed two different messages for one place. Both are the evidence."""

    sender: int
    first: bytes = field(repr=False)
    second: bytes = field(repr=False)


@dataclass(eq=False)
class BadCertificate(ConsensusError):
    """A certified block's votes are not a quorum of distinct members over one result."""

    number: int
    reason: str


@dataclass(eq=False)
class RootsDiffer(AuditError):
    """Re-executing one block gave different results. `differing` names who signed `theirs`."""

    block: int
    differing: tuple[str, ...]
    ours: str
    theirs: str


class LedgerFileError(AuditError):
    """Base of what is wrong with a ledger directory."""


@dataclass(eq=False)
class LedgerCorrupt(LedgerFileError):
    """Bytes on disk are not what was written. Never repaired silently."""

    owner: str
    file: str
    offset: int
    block: int
    what: str


@dataclass(eq=False)
class LedgerVersion(LedgerFileError):
    """The files have another format version."""

    file: str
    found: int
    supported: int


@dataclass(eq=False)
class WrongLedger(LedgerFileError):
    """The files belong to another chain, group or owner."""

    file: str
    expected: str
    found: str


@dataclass(eq=False)
class LedgerLocked(LedgerFileError):
    """Another process holds the ledger directory."""

    directory: str


@dataclass(eq=False)
class LedgerWriteFailed(LedgerFileError):
    """The disk refused a write. The writer has stopped for good: a failed sync is never retried."""

    file: str
    reason: str


@dataclass(eq=False)
class NotCertified(AuditError):
    """No certified block holds this command yet."""

    seq: int
    certified_seq: int


@dataclass(eq=False)
class UnknownEntry(AuditError):
    """The command has no event of this index."""

    seq: int
    event_index: int
    events: int


class ProofError(AuditError):
    """Base of why a proof, note or receipt is refused."""


@dataclass(eq=False)
class ProofInvalid(ProofError):
    """The hashes do not lead to the root."""

    reason: str


@dataclass(eq=False)
class NoteMalformed(ProofError):
    """The text is not a signed note that carries a checkpoint of ours."""

    line: int
    reason: str


@dataclass(eq=False)
class NoteSignatureWrong(ProofError):
    """A line stands under a member's key, but that key did not sign this checkpoint."""

    signer: str


@dataclass(eq=False)
class QuorumMissing(ProofError):
    """Too few members signed the checkpoint."""

    needed: int
    signers: tuple[str, ...]


@dataclass(eq=False)
class WrongLog(ProofError):
    """The checkpoint belongs to another log, chain or epoch than the group's."""

    field_name: str
    expected: str
    found: str


@dataclass(eq=False)
class ReceiptMalformed(ProofError):
    """The text is not a receipt. `line` counts from 1."""

    line: int
    reason: str


@dataclass(eq=False)
class EntryNotInLog(ProofError):
    """The entry does not lead to the root that `signers` signed: entry, index or proof differ."""

    index: int
    log_size: int
    signers: tuple[str, ...]


@dataclass(eq=False)
class RequestFailed(AuditError):
    """Base facts of a request to a replica that brought no answer."""

    replica: str
    service: str


@dataclass(eq=False)
class ReplicaUnreachable(RequestFailed):
    """No connection to the replica stands."""


@dataclass(eq=False)
class RequestTimedOut(RequestFailed):
    """The replica did not answer in time."""

    timeout_ms: int


@dataclass(eq=False)
class RequestRefused(RequestFailed):
    """The replica refused: unknown service, too many at once, or the service's own refusal."""

    reason: str


@dataclass(eq=False)
class PortInUse(AuditError):
    """Another process listens there."""

    host: str
    port: int


@dataclass(eq=False)
class JournalDiffers(AuditError):
    """The group certified other commands than the journal holds.

    Either somebody else signs with the venue's key, or this is not the journal of this group.
    """

    block: int
    first_seq: int


@dataclass(eq=False)
class CertifierStopped(AuditError):
    """The certifier stopped; `reason` says why. Nothing is certified after it."""

    reason: str


@dataclass(eq=False)
class ServiceRefusal(AuditError):
    """A service's own refusal: its reason, at most REFUSAL_BYTES_MAX, travels to the venue."""

    reason: str
