"""What a rule pack is: typed tables of dated, cited rows. The loader proves them, code reads them.

A pack answers two questions of a withdrawal: against which lists must the payee be screened, and
which data must travel with it. Amounts are integers in the row's currency minor units, intervals
are half-open, so that gaps and overlaps can be proven absent.

Normative text: docs/spec/rule-packs.md.
"""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Final, Literal, TypeVar

import msgspec

from compliance.errors import JurisdictionMissing

PACK_FORMAT: Final = 1


class Field(StrEnum):
    """A datum of one party that a clause can require; `travelrule.fields` finds which are there."""

    NAME = "name"
    ACCOUNT = "account"
    PAYEE_ADDRESS = "payee_address"
    """The party's accounts include the very address that the withdrawal pays."""
    ADDRESS = "address"
    COUNTRY = "country"
    NATIONAL_ID = "national_id"
    CUSTOMER_ID = "customer_id"
    BIRTH_DATE = "birth_date"
    BIRTH_PLACE = "birth_place"
    LEI = "lei"


class PartyKind(StrEnum):
    """Whom a clause is about."""

    NATURAL = "natural"
    LEGAL = "legal"


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Strict: a word that we do not know could be the one that matters."""


class Citation(_Row, frozen=True):
    """Where a row comes from and how sure we are."""

    law: str
    source: str
    confidence: Literal["high", "medium", "low"]


class Clause(_Row, frozen=True):
    """Satisfied by any one alternative, each a set of fields that must all be there."""

    any_of: tuple[tuple[Field, ...], ...]
    when: PartyKind | None = None


class Tier(_Row, frozen=True):
    """What must travel from `from_minor` (inclusive) until `until_minor` (exclusive)."""

    from_minor: int
    until_minor: int | None
    originator: tuple[Clause, ...]
    beneficiary: tuple[Clause, ...]


class TravelRow(_Row, frozen=True):
    """The travel rule of one jurisdiction over one span of dates (until is exclusive)."""

    rule: str
    jurisdiction: str
    effective_from: date
    effective_until: date | None
    currency: str
    decimals: int
    tiers: tuple[Tier, ...]
    cite: Citation


class ScreeningRow(_Row, frozen=True):
    """The lists that a payee must not be on."""

    rule: str
    jurisdiction: str
    effective_from: date
    effective_until: date | None
    lists: tuple[str, ...]
    cite: Citation


class Example(_Row, frozen=True):
    """A worked case that a lawyer can read; the loader runs it. Times are the pack's own words."""

    says: str
    jurisdiction: str
    on_date: date
    value_minor: int | None
    originator_kind: PartyKind
    originator: tuple[Field, ...] | None
    beneficiary: tuple[Field, ...] | None
    verdict: Literal["APPROVE", "DENY"]


class PackBody(_Row, frozen=True):
    """The document as written."""

    format: int
    name: str
    version: str
    effective_from: date
    notice: str
    screening: tuple[ScreeningRow, ...]
    travel_rule: tuple[TravelRow, ...]
    examples: tuple[Example, ...]


DatedRow = TypeVar("DatedRow", TravelRow, ScreeningRow)


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """A proven pack and the hash of its canonical bytes: made by `rules.loader` only."""

    body: PackBody
    hash: bytes

    @property
    def name(self) -> str:
        """Name and version, as errors and decisions show it."""
        return f"{self.body.name}@{self.body.version}"

    def travel_row(self, jurisdiction: str, on_date: date) -> TravelRow:
        """The travel-rule row in force.

        Raises:
            JurisdictionMissing: No row: the caller must take the strict side.
        """
        row = _in_force(self.body.travel_rule, jurisdiction, on_date)
        if row is None:
            raise JurisdictionMissing(self.name, jurisdiction, str(on_date), "TRAVEL_RULE")
        return row

    def screening_row(self, jurisdiction: str, on_date: date) -> ScreeningRow:
        """The screening row in force.

        Raises:
            JurisdictionMissing: No row: the caller must take the strict side.
        """
        row = _in_force(self.body.screening, jurisdiction, on_date)
        if row is None:
            raise JurisdictionMissing(self.name, jurisdiction, str(on_date), "SCREENING")
        return row


def _in_force(rows: Iterable[DatedRow], jurisdiction: str, on_date: date) -> DatedRow | None:
    for row in rows:
        # The loader has proven that spans of one jurisdiction do not overlap.
        begun = row.jurisdiction == jurisdiction and row.effective_from <= on_date
        if begun and (row.effective_until is None or on_date < row.effective_until):
            return row
    return None
