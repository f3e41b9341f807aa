"""Read a rule pack from bytes and prove it: shape, tiers, spans of dates, worked examples."""

import hashlib
from datetime import date
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from compliance.canonical import canonical, parse
from compliance.errors import (
    JsonRefused,
    PackContradiction,
    PackExampleFails,
    PackGap,
    PackMalformed,
)
from compliance.rules.evaluator import PartyFacts, TravelFacts, evaluate
from compliance.rules.model import (
    PACK_FORMAT,
    Example,
    Field,
    Pack,
    PackBody,
    PartyKind,
    ScreeningRow,
    TravelRow,
)

PACK_BYTES_MAX: Final = 1024 * 1024
DECIMALS_MAX: Final = 4
"""ISO 4217 has no currency with more."""
DEFAULT_PACK: Final = "withdrawals-2026-11-20.json"


def load_pack(data: bytes, name: str = "pack") -> Pack:
    """Prove a pack.

    Args:
        data: The JSON document; its layout does not matter, its hash is over canonical bytes.
        name: For errors, until the document has told its own.

    Raises:
        PackMalformed: Not the shape of docs/spec/rule-packs.md.
        PackContradiction: Two rows, or two tiers, claim one date or amount.
        PackGap: An amount has no tier.
        PackExampleFails: The pack does not do what its own examples say.
    """
    try:
        document = parse(data, PACK_BYTES_MAX)
        body = msgspec.convert(document, PackBody)
    except (JsonRefused, msgspec.ValidationError) as error:
        raise PackMalformed(name, str(error)) from error
    pack = Pack(body=body, hash=hashlib.sha256(canonical(document)).digest())
    _prove_words(pack)
    _prove_dates(pack)
    for row in body.travel_rule:
        _prove_tiers(pack, row)
    for example in body.examples:
        _prove_example(pack, example)
    return pack


def load_pack_file(path: Path) -> Pack:
    """`load_pack` of a file; errors name it."""
    return load_pack(path.read_bytes(), path.name)


def default_pack() -> Pack:
    """The pack that ships with this version."""
    resource = files("compliance.packs").joinpath(DEFAULT_PACK)
    return load_pack(resource.read_bytes(), DEFAULT_PACK)


def _prove_words(pack: Pack) -> None:
    body = pack.body
    if body.format != PACK_FORMAT:
        raise PackMalformed(pack.name, f"format {body.format}, this version reads {PACK_FORMAT}")
    seen: set[str] = set()
    rows: tuple[ScreeningRow | TravelRow, ...] = (*body.screening, *body.travel_rule)
    for row in rows:
        if row.rule in seen:
            raise PackContradiction(pack.name, row.rule, row.rule, "one id, two rows")
        seen.add(row.rule)
        if not row.rule or not row.jurisdiction or not row.cite.law or not row.cite.source:
            raise PackMalformed(pack.name, f"{row.rule}: an empty id, jurisdiction or citation")
        if row.effective_until is not None and row.effective_until <= row.effective_from:
            raise PackMalformed(pack.name, f"{row.rule}: ends before it starts")
    for screening in body.screening:
        if not screening.lists:
            raise PackMalformed(pack.name, f"{screening.rule}: screens against no list")


def _prove_dates(pack: Pack) -> None:
    """Rows of one jurisdiction must not overlap: nobody may guess which of two laws holds."""
    families: tuple[tuple[ScreeningRow | TravelRow, ...], ...] = (
        pack.body.screening,
        pack.body.travel_rule,
    )
    for rows in families:
        ordered = sorted(rows, key=lambda row: (row.jurisdiction, row.effective_from))
        for row, following in pairwise(ordered):
            if row.jurisdiction != following.jurisdiction:
                continue
            if row.effective_until is None or following.effective_from < row.effective_until:
                raise PackContradiction(pack.name, row.rule, following.rule, "dates overlap")


def _prove_tiers(pack: Pack, row: TravelRow) -> None:
    if not 0 <= row.decimals <= DECIMALS_MAX or len(row.currency) != 3:
        raise PackMalformed(pack.name, f"{row.rule}: currency or decimals")
    expected = 0
    for index, tier in enumerate(row.tiers):
        name = f"{row.rule}/tier-{index}"
        if tier.from_minor > expected:
            raise PackGap(pack.name, row.rule, expected)
        if tier.from_minor < expected:
            raise PackContradiction(pack.name, name, row.rule, "tiers overlap")
        for clause in (*tier.originator, *tier.beneficiary):
            if not clause.any_of or not all(clause.any_of):
                raise PackMalformed(pack.name, f"{name}: a clause that nothing, or all, satisfies")
        if tier.until_minor is None:
            if index != len(row.tiers) - 1:
                raise PackContradiction(pack.name, name, row.rule, "a tier after the open one")
            return
        if tier.until_minor <= tier.from_minor:
            raise PackMalformed(pack.name, f"{name}: is empty")
        expected = tier.until_minor
    raise PackGap(pack.name, row.rule, expected)


def _prove_example(pack: Pack, example: Example) -> None:
    row = pack.travel_row(example.jurisdiction, example.on_date)
    decision = evaluate(pack, _facts(example, row.currency))
    if decision.verdict.name != example.verdict:
        found = f"{decision.verdict.name} by {' '.join(decision.rules_fired)}"
        raise PackExampleFails(pack.name, example.says, example.verdict, found)


def _facts(example: Example, currency: str) -> TravelFacts:
    def party(kind: PartyKind, fields: tuple[Field, ...] | None) -> PartyFacts | None:
        return None if fields is None else PartyFacts(kind, frozenset(fields))

    absent = example.originator is None or example.beneficiary is None
    return TravelFacts(
        jurisdiction=example.jurisdiction,
        on_date=date.fromisoformat(str(example.on_date)),
        asset="EXAMPLE",
        amount_minor=0,
        value_minor=example.value_minor,
        value_currency=currency,
        value_source="example",
        payload="absent" if absent else "matched",
        violations=(),
        originator=party(example.originator_kind, example.originator),
        beneficiary=party(PartyKind.NATURAL, example.beneficiary),
    )
