"""Random sound payloads: nothing is found in them; one thing broken, and exactly that is found."""

import json
from copy import deepcopy
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.canonical import canonical
from compliance.errors import PayloadMalformed
from compliance.travelrule.codes import (
    ADDRESS_TYPES,
    COUNTRIES,
    LEGAL_NAME_TYPES,
    NATURAL_NAME_TYPES,
    lei_check_digits,
)
from compliance.travelrule.dialects import read_payload, write_payload
from compliance.travelrule.validator import validate

TODAY = date(2026, 11, 20)


def text(longest: int) -> st.SearchStrategy[str]:
    letters = st.characters(categories=["L", "N", "P"], codec="utf-8")
    return st.text(letters, min_size=1, max_size=min(longest, 12)).filter(str.isprintable)


COUNTRY = st.sampled_from(sorted(COUNTRIES))
LEIS = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=18, max_size=18).map(
    lambda stem: stem + lei_check_digits(stem)
)
AUTHORITY = st.integers(0, 999_999).map(lambda n: f"RA{n:06d}")
ADDRESS = st.fixed_dictionaries(
    {
        "addressType": st.sampled_from(sorted(ADDRESS_TYPES)),
        "country": COUNTRY,
        "streetName": text(70),
        "buildingNumber": text(16),
    },
    optional={
        "townName": text(35),
        "postcode": text(16),
        "addressLine": st.lists(text(70), min_size=1, max_size=7),
    },
)
NATURAL_NAME = st.fixed_dictionaries(
    {"primaryIdentifier": text(100), "nameIdentifierType": st.just("LEGL")},
    optional={"secondaryIdentifier": text(100)},
)
ALIAS = st.fixed_dictionaries(
    {
        "primaryIdentifier": text(100),
        "nameIdentifierType": st.sampled_from(sorted(NATURAL_NAME_TYPES)),
    }
)
NATURAL = st.fixed_dictionaries(
    {
        "name": st.fixed_dictionaries(
            {"nameIdentifier": st.tuples(NATURAL_NAME, ALIAS).map(list)},
            optional={"localNameIdentifier": st.lists(ALIAS, min_size=1, max_size=2)},
        ),
        "dateAndPlaceOfBirth": st.fixed_dictionaries(
            {
                "dateOfBirth": st.dates(date(1900, 1, 1), date(2026, 11, 19)).map(str),
                "placeOfBirth": text(70),
            }
        ),
    },
    optional={
        "geographicAddress": st.lists(ADDRESS, min_size=1, max_size=2),
        "customerIdentification": text(50),
        "countryOfResidence": COUNTRY,
        "nationalIdentification": st.fixed_dictionaries(
            {"nationalIdentifier": text(35), "nationalIdentifierType": st.just("CCPT")},
            optional={"countryOfIssue": COUNTRY},
        ),
    },
)
LEGAL_ID = st.one_of(
    st.fixed_dictionaries({"nationalIdentifier": LEIS, "nationalIdentifierType": st.just("LEIX")}),
    st.fixed_dictionaries(
        {
            "nationalIdentifier": text(35),
            "nationalIdentifierType": st.sampled_from(["RAID", "MISC", "TXID"]),
            "registrationAuthority": AUTHORITY,
        }
    ),
)
LEGAL = st.fixed_dictionaries(
    {
        "name": st.fixed_dictionaries(
            {
                "nameIdentifier": st.tuples(
                    st.fixed_dictionaries(
                        {
                            "legalPersonName": text(100),
                            "legalPersonNameIdentifierType": st.just("LEGL"),
                        }
                    ),
                    st.fixed_dictionaries(
                        {
                            "legalPersonName": text(100),
                            "legalPersonNameIdentifierType": st.sampled_from(
                                sorted(LEGAL_NAME_TYPES)
                            ),
                        }
                    ),
                ).map(list)
            }
        ),
        "nationalIdentification": LEGAL_ID,
    },
    optional={"countryOfRegistration": COUNTRY, "customerIdentification": text(50)},
)
PERSON = st.one_of(
    NATURAL.map(lambda person: {"naturalPerson": person}),
    LEGAL.map(lambda person: {"legalPerson": person}),
)
PERSONS = st.lists(PERSON, min_size=1, max_size=2)
ACCOUNTS = st.lists(text(100), min_size=1, max_size=2)
PAYLOAD = st.fixed_dictionaries(
    {
        "originator": st.fixed_dictionaries(
            {"originatorPersons": PERSONS, "accountNumber": ACCOUNTS}
        ),
        "beneficiary": st.fixed_dictionaries(
            {"beneficiaryPersons": PERSONS, "accountNumber": ACCOUNTS}
        ),
    },
    optional={
        "originatingVASP": LEGAL.map(lambda p: {"originatingVASP": {"legalPerson": p}}),
        "beneficiaryVASP": LEGAL.map(lambda p: {"beneficiaryVASP": {"legalPerson": p}}),
    },
)


def read(document):
    return read_payload(json.dumps(document).encode())


def found(document) -> set[str]:
    return {violation.clause.value for violation in validate(read(document), TODAY)}


@settings(max_examples=60)
@given(PAYLOAD)
def test_a_sound_payload_breaks_nothing_and_is_already_canonical(document):
    assert found(document) == set()
    assert write_payload(read(document)) == canonical(document)


def in_dialect(document: dict, choices: list[bool]) -> dict:
    """The same payload as others write it: entities, wrappers, aliases, and empties."""
    pascal, unwrapped, empties = choices
    changed = deepcopy(document)
    for entity in ("originatingVASP", "beneficiaryVASP"):
        if unwrapped and entity in changed:
            changed[entity] = changed[entity][entity]
    changed = _respell(changed, empties=empties)
    if pascal:
        changed = {key[0].upper() + key[1:]: value for key, value in changed.items()}
    return changed


def _respell(value, *, empties: bool):
    if isinstance(value, list):
        return [_respell(item, empties=empties) for item in value]
    if not isinstance(value, dict):
        return value
    names = {"customerIdentification": "customerNumber", "postcode": "postCode"}
    respelled = {names.get(k, k): _respell(v, empties=empties) for k, v in value.items()}
    if empties and "primaryIdentifier" in value:
        respelled.setdefault("secondaryIdentifier", "")
    if empties and "addressType" in value:
        respelled |= {"floor": None, "room": ""}
        respelled.setdefault("addressLine", [])
    return respelled


@settings(max_examples=60)
@given(PAYLOAD, st.lists(st.booleans(), min_size=3, max_size=3))
def test_every_dialect_of_a_payload_is_the_same_payload(document, choices):
    assert write_payload(read(in_dialect(document, choices))) == canonical(document)


def persons(document: dict, kind: str) -> list[dict]:
    everyone = (
        document["originator"]["originatorPersons"] + document["beneficiary"]["beneficiaryPersons"]
    )
    return [person[kind] for person in everyone if kind in person]


BREAK_NATURAL = {
    "C2": lambda p: p["dateAndPlaceOfBirth"].update(dateOfBirth="2026-11-20"),
    "C3": lambda p: p.update(countryOfResidence="ZZ"),
    "C6": lambda p: [
        name.update(nameIdentifierType="ALIA") for name in p["name"]["nameIdentifier"]
    ],
    "C8": lambda p: p.update(geographicAddress=[{"addressType": "GEOG", "country": "PT"}]),
    "TEXT": lambda p: p["name"]["nameIdentifier"][0].update(primaryIdentifier="\u202e"),
    "CODE": lambda p: p["name"]["nameIdentifier"][1].update(nameIdentifierType="XXXX"),
}
BREAK_LEGAL = {
    "C3": lambda p: p.update(countryOfRegistration="EU"),
    "C5": lambda p: [
        name.update(legalPersonNameIdentifierType="TRAD") for name in p["name"]["nameIdentifier"]
    ],
    "C9": lambda p: p["nationalIdentification"].update(countryOfIssue="PT"),
    "C11": lambda p: p.update(
        nationalIdentification={"nationalIdentifier": "0" * 20, "nationalIdentifierType": "LEIX"}
    ),
    "C10": lambda p: p.update(
        nationalIdentification={
            "nationalIdentifier": "1",
            "nationalIdentifierType": "TXID",
            "registrationAuthority": "GLEIF",
        }
    ),
}


@settings(max_examples=80)
@given(PAYLOAD, st.data())
def test_one_broken_rule_is_the_only_one_found(document, data):
    natural, legal = persons(document, "naturalPerson"), persons(document, "legalPerson")
    kind = data.draw(st.sampled_from([k for k in (natural, legal) if k]))
    breaks = BREAK_NATURAL if kind is natural else BREAK_LEGAL
    clause = data.draw(st.sampled_from(sorted(breaks)))
    breaks[clause](data.draw(st.sampled_from(kind)))
    assert found(document) == {clause}


@settings(max_examples=30)
@given(PAYLOAD, st.integers(0, 2**32))
def test_cutting_a_payload_anywhere_never_reads_as_another(document, place):
    whole = json.dumps(document).encode()
    cut = whole[: place % len(whole)]
    with pytest.raises(PayloadMalformed):
        read_payload(cut)
