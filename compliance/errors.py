"""Errors of compliance: one leaf a fact, each with the facts as fields. No HTTP in here."""

from dataclasses import dataclass


class ComplianceError(Exception):
    """Base of every expected compliance error; anything else that escapes is a bug."""

    def __str__(self) -> str:
        """Show the facts, so a log line needs no debugger."""
        return repr(self)


@dataclass(eq=False)
class JsonRefused(ComplianceError):
    """The bytes are not JSON that has exactly one canonical form; `where` is a byte or a path."""

    reason: str
    where: str


@dataclass(eq=False)
class PackMalformed(ComplianceError):
    """A rule pack does not have the shape that docs/spec/rule-packs.md gives."""

    pack: str
    reason: str


@dataclass(eq=False)
class PackContradiction(ComplianceError):
    """Two rows of a pack answer the same question; nobody may guess which one holds."""

    pack: str
    rule: str
    other: str
    reason: str


@dataclass(eq=False)
class PackGap(ComplianceError):
    """A row leaves amounts without a tier."""

    pack: str
    rule: str
    from_minor: int


@dataclass(eq=False)
class PackExampleFails(ComplianceError):
    """A worked example inside a pack does not come out as the pack says."""

    pack: str
    example: str
    expected: str
    found: str


@dataclass(eq=False)
class JurisdictionMissing(ComplianceError):
    """The pack has no row for this jurisdiction on this date."""

    pack: str
    jurisdiction: str
    on_date: str
    check: str


@dataclass(eq=False)
class SanctionsListMissing(ComplianceError):
    """No list files were found where the configuration says they are."""

    directory: str


@dataclass(eq=False)
class SanctionsListMalformed(ComplianceError):
    """A list file cannot be trusted to be whole: one bad line condemns it."""

    file: str
    line: int
    reason: str


@dataclass(eq=False)
class SanctionsListTooLarge(ComplianceError):
    """A list file, or the number of its entries, is above the bound."""

    file: str
    limit: int


@dataclass(eq=False)
class AddressMalformed(ComplianceError):
    """A text is not an address of this asset's chain."""

    asset: str
    address: str
    reason: str


@dataclass(eq=False)
class PayloadMalformed(ComplianceError):
    """A travel-rule payload is not IVMS101 in any dialect that we read."""

    path: str
    reason: str


@dataclass(eq=False)
class PayloadTooLarge(ComplianceError):
    """A travel-rule payload is above the bound."""

    size: int
    limit: int


@dataclass(eq=False)
class PayloadInvalid(ComplianceError):
    """A payload breaks the standard; each violation is a clause, a place and what belongs there."""

    violations: tuple[str, ...]


@dataclass(eq=False)
class PayloadCorrupt(ComplianceError):
    """A stored payload does not open, or no longer matches its commitment."""

    commitment: bytes


@dataclass(eq=False)
class SubjectKeyDestroyed(ComplianceError):
    """The subject's key was destroyed: what it sealed can never be read again."""

    account: int


@dataclass(eq=False)
class StoreForeign(ComplianceError):
    """The store was made by another version of this program."""

    found: int
    supported: int


@dataclass(eq=False)
class DecisionRejected(ComplianceError):
    """The engine refused a decision for a reason that a re-run cannot explain."""

    withdrawal_id: int
    check: str
    reject: str


@dataclass(eq=False)
class RangeNotCertified(ComplianceError):
    """A report may only be built over certified records."""

    from_seq: int
    to_seq: int
    certified_seq: int


@dataclass(eq=False)
class RecordsInconsistent(ComplianceError):
    """Certified records contradict themselves: they were tampered with, or are not whole."""

    seq: int
    reason: str


@dataclass(eq=False)
class ReportDiffers(ComplianceError):
    """A rebuilt report is not the stored one. Records count from 0; -1 is the frame around them."""

    record: int
    offset: int
    expected: bytes
    found: bytes


@dataclass(eq=False)
class ReportRejected(ComplianceError):
    """The engine refused to record a report."""

    from_seq: int
    to_seq: int
    reject: str


@dataclass(eq=False)
class ReportUnknown(ComplianceError):
    """No report with this id is in the store."""

    report_id: int


@dataclass(eq=False)
class TradeUnknown(ComplianceError):
    """No such trade."""

    instrument: int
    trade_id: int


@dataclass(eq=False)
class DecisionUnknown(ComplianceError):
    """This withdrawal has no decision for this check."""

    withdrawal_id: int
    check: str
