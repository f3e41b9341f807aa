"""Decide under a pack: pure, re-runnable, and on the strict side of every doubt.

A decision says which rules fired and what they read. The same pack and facts give the same
decision, byte for byte, for as long as the pack format is 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from compliance.canonical import Json
from compliance.errors import JurisdictionMissing
from compliance.rules.model import Clause, Field, Pack, PartyKind, Tier, TravelRow
from ledger.records.codes import Check, Verdict

Scalar: TypeAlias = bool | int | str | None

DECISION_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class ScreeningFacts:
    """What screening reads.

    Attributes:
        jurisdiction: Of the venue's legal entity.
        on_date: When the withdrawal was requested (UTC), from the ledger's own clock.
        asset: Symbol.
        address: The payee in canonical text.
        lists: Names of the lists that were looked into; empty when none is configured.
        list_version: Digest and date of what was looked into, as text; empty when none.
        hits: `LIST:ASSET` for each entry that names this address.
    """

    jurisdiction: str
    on_date: date
    asset: str
    address: str
    lists: tuple[str, ...]
    list_version: str
    hits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """Which fields one party of a payload has, for the one or more persons that it names."""

    kind: PartyKind
    fields: frozenset[Field]


@dataclass(frozen=True, slots=True)
class TravelFacts:
    """What the travel rule reads.

    Attributes:
        jurisdiction, on_date, asset: As in `ScreeningFacts`.
        amount_minor: In the asset's ledger units.
        value_minor: The amount in `value_currency` minor units, rounded up; None without a price.
        value_currency: Must be the row's.
        value_source: Where the price comes from; empty without one.
        payload: "absent", "unmatched" (does not open to the ledger's commitment, or belongs to
            another account), or "matched".
        violations: Codes of the IVMS101 constraints that the payload breaks, sorted.
        originator, beneficiary: None unless the payload is matched.
    """

    jurisdiction: str
    on_date: date
    asset: str
    amount_minor: int
    value_minor: int | None
    value_currency: str
    value_source: str
    payload: str
    violations: tuple[str, ...]
    originator: PartyFacts | None
    beneficiary: PartyFacts | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict that explains itself.

    Attributes:
        check: Which question was asked.
        verdict: DENY unless every rule that fired is satisfied.
        rules_fired: Ids of rows, tiers and clauses, in the order in which they were read.
        readings: Name and value of each fact that was read, in the order of the facts.
        pack_name, pack_hash: The pack; the hash is 32 bytes.
    """

    check: Check
    verdict: Verdict
    rules_fired: tuple[str, ...]
    readings: tuple[tuple[str, Scalar], ...]
    pack_name: str
    pack_hash: bytes

    def document(self, withdrawal_id: int) -> dict[str, Json]:
        """The record that is stored and whose salted digest enters the ledger."""
        return {
            "check": self.check.name or "",
            "format": DECISION_FORMAT,
            "pack": {"hash": self.pack_hash.hex(), "name": self.pack_name},
            "readings": dict(self.readings),
            "rules_fired": list(self.rules_fired),
            "verdict": self.verdict.name,
            "withdrawal_id": withdrawal_id,
        }


def evaluate(pack: Pack, facts: ScreeningFacts | TravelFacts) -> Decision:
    """Decide one check of one withdrawal.

    Errors: none. A missing row, list, price or payload is a reason to deny, and says so.
    """
    if isinstance(facts, ScreeningFacts):
        check, (verdict, fired) = Check.SCREENING, _screening(pack, facts)
        readings = _screening_readings(facts)
    else:
        check, (verdict, fired) = Check.TRAVEL_RULE, _travel_rule(pack, facts)
        readings = _travel_readings(facts)
    assert fired, "a decision always names a rule"
    return Decision(check, verdict, tuple(fired), readings, pack.name, pack.hash)


def _screening(pack: Pack, facts: ScreeningFacts) -> tuple[Verdict, list[str]]:
    try:
        row = pack.screening_row(facts.jurisdiction, facts.on_date)
    except JurisdictionMissing:
        return Verdict.DENY, ["screening/no-row"]
    fired = [row.rule]
    fired += [f"{row.rule}/list-missing/{name}" for name in row.lists if name not in facts.lists]
    fired += [f"{row.rule}/hit/{hit}" for hit in facts.hits]
    return (Verdict.APPROVE if len(fired) == 1 else Verdict.DENY), fired


def _travel_rule(pack: Pack, facts: TravelFacts) -> tuple[Verdict, list[str]]:
    try:
        row = pack.travel_row(facts.jurisdiction, facts.on_date)
    except JurisdictionMissing:
        return Verdict.DENY, ["travel-rule/no-row"]
    assert facts.value_currency == row.currency, "the desk values in the row's currency"
    index, tier = _tier(row, facts.value_minor)
    fired = [f"{row.rule}/tier-{index}"]
    if not tier.originator and not tier.beneficiary:
        return Verdict.APPROVE, fired
    if facts.originator is None or facts.beneficiary is None:
        return Verdict.DENY, [*fired, f"{row.rule}/payload-{facts.payload}"]
    refused = [f"{row.rule}/ivms101/{code}" for code in facts.violations]
    refused += _missing(fired[0], "originator", tier.originator, facts.originator)
    refused += _missing(fired[0], "beneficiary", tier.beneficiary, facts.beneficiary)
    return (Verdict.DENY if refused else Verdict.APPROVE), fired + refused


def _tier(row: TravelRow, value_minor: int | None) -> tuple[int, Tier]:
    """The tier of a value; without a price the highest one, as if the amount were boundless."""
    last = len(row.tiers) - 1
    if value_minor is None:
        return last, row.tiers[last]
    for index, tier in enumerate(row.tiers):
        if tier.until_minor is None or value_minor < tier.until_minor:
            return index, tier
    raise AssertionError("the loader proves that the last tier is open")


def _missing(
    tier: str, party: str, clauses: tuple[Clause, ...], facts: PartyFacts
) -> Iterator[str]:
    for index, clause in enumerate(clauses):
        applies = clause.when is None or clause.when == facts.kind
        if applies and not any(facts.fields.issuperset(fields) for fields in clause.any_of):
            yield f"{tier}/{party}-{index}"


def _screening_readings(facts: ScreeningFacts) -> tuple[tuple[str, Scalar], ...]:
    return (
        ("jurisdiction", facts.jurisdiction),
        ("on_date", str(facts.on_date)),
        ("asset", facts.asset),
        ("address", facts.address),
        ("lists", " ".join(facts.lists)),
        ("list_version", facts.list_version),
        ("hits", " ".join(facts.hits)),
    )


def _travel_readings(facts: TravelFacts) -> tuple[tuple[str, Scalar], ...]:
    return (
        ("jurisdiction", facts.jurisdiction),
        ("on_date", str(facts.on_date)),
        ("asset", facts.asset),
        ("amount_minor", str(facts.amount_minor)),
        ("value_minor", None if facts.value_minor is None else str(facts.value_minor)),
        ("value_currency", facts.value_currency),
        ("value_source", facts.value_source),
        ("payload", facts.payload),
        ("violations", " ".join(facts.violations)),
        *_party_readings("originator", facts.originator),
        *_party_readings("beneficiary", facts.beneficiary),
    )


def _party_readings(party: str, facts: PartyFacts | None) -> tuple[tuple[str, Scalar], ...]:
    if facts is None:
        return ((f"{party}_kind", None), (f"{party}_fields", None))
    return (
        (f"{party}_kind", facts.kind.value),
        (f"{party}_fields", " ".join(sorted(field.value for field in facts.fields))),
    )
