"""IVMS101: dialects in, one canonical form out, every constraint with its clause."""

import json
from copy import deepcopy
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compliance.canonical import canonical, parse
from compliance.errors import (
    PayloadInvalid,
    PayloadMalformed,
    PayloadTooLarge,
    SubjectKeyDestroyed,
)
from compliance.rules.model import Field, PartyKind
from compliance.travelrule.codes import COUNTRIES, is_lei, lei_check_digits
from compliance.travelrule.dialects import PAYLOAD_BYTES_MAX, read_payload, write_payload
from compliance.travelrule.fields import beneficiary_facts, originator_facts
from compliance.travelrule.intake import accept_payload
from compliance.travelrule.validator import Clause, validate
from tests.compliance.conftest import CLEAN, payload_bytes, payload_document

TODAY = date(2026, 11, 20)
PAYEE = "0x" + CLEAN.hex()
LEI = "529900HNOAA1KXQJUQ27"

STEMS = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=18, max_size=18)


def read(document: dict):
    return read_payload(json.dumps(document).encode())


def found(document: dict) -> set[tuple[str, str]]:
    return {(v.clause.value, v.path) for v in validate(read(document), TODAY)}


def clauses(document: dict) -> set[str]:
    return {clause for clause, _ in found(document)}


def natural(document: dict) -> dict:
    return document["originator"]["originatorPersons"][0]["naturalPerson"]


def legal_document(**legal) -> dict:
    document = payload_document()
    name = {"legalPersonName": "Example", "legalPersonNameIdentifierType": "LEGL"}
    person = {"name": {"nameIdentifier": [name]}, "customerIdentification": "1", **legal}
    document["originator"]["originatorPersons"] = [{"legalPerson": person}]
    return document


# --- ISO 17442 --------------------------------------------------------------------------------


@given(STEMS)
def test_check_digits_make_any_stem_an_lei(stem):
    assert is_lei(stem + lei_check_digits(stem))


@given(STEMS, st.integers(0, 19), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_a_wrong_digit_or_letter_is_always_noticed(stem, place, character):
    """Digit for digit, letter for letter: a letter is two digits, so across classes it is 96/97."""
    lei = stem + lei_check_digits(stem)
    assume(lei[place].isdigit() == character.isdigit())
    changed = lei[:place] + character + lei[place + 1 :]
    assert is_lei(changed) == (changed == lei)


@given(STEMS, st.integers(0, 18))
def test_swapped_neighbours_of_a_kind_are_always_noticed(stem, place):
    lei = stem + lei_check_digits(stem)
    assume(lei[place].isdigit() == lei[place + 1].isdigit())
    swapped = lei[:place] + lei[place + 1] + lei[place] + lei[place + 2 :]
    assert is_lei(swapped) == (swapped == lei)


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        (LEI, True),
        ("335800HXPOIUDJ9T5R34", True),
        ("X" * 20, False),
        (LEI.lower(), False),
        (LEI[:-1], False),
        (LEI + " ", False),
        (LEI + "\n", False),
        ("", False),
        ("529900HNOAA1KXQJUQ2\u0667", False),
    ],
)
def test_the_form_of_an_lei(text, sound):
    assert is_lei(text) == sound


def test_country_codes_are_the_standards_and_xx():
    assert {"DE", "US", "AX", "XX"} <= COUNTRIES
    assert not {"UK", "EU", "XK", "ZZ", "us"} & COUNTRIES


# --- dialects ---------------------------------------------------------------------------------


def test_canonical_form_has_the_standards_names_sorted_and_nothing_empty():
    document = payload_document()
    natural(document)["customerIdentification"] = ""
    assert write_payload(read(document)) == canonical(payload_document())


def test_the_dialects_meet_in_one_form():
    plain = payload_document()
    vasp = {"legalPerson": {"name": {"nameIdentifier": [
        {"legalPersonName": "V", "legalPersonNameIdentifierType": "LEGL"}]},
        "geographicAddress": [{"addressType": "GEOG", "postcode": "1", "country": "PT"}],
        "customerIdentification": "c"}}  # fmt: skip
    plain["originatingVASP"] = {"originatingVASP": vasp}
    code = deepcopy(plain)
    person = code["originatingVASP"]["originatingVASP"]["legalPerson"]
    person["customerNumber"] = person.pop("customerIdentification")
    person["geographicAddress"][0]["postCode"] = person["geographicAddress"][0].pop("postcode")
    person["geographicAddress"][0]["floor"] = ""
    person["countryOfRegistration"] = None
    code = {key[0].upper() + key[1:]: value for key, value in code.items()}
    gtr = deepcopy(plain)
    gtr["originatingVASP"] = gtr["originatingVASP"]["originatingVASP"]
    gtr["originator"]["originatorPersons"] = gtr["originator"]["originatorPersons"][0]
    assert write_payload(read(plain)) == write_payload(read(code)) == write_payload(read(gtr))


def test_every_published_example_is_read_and_its_form_is_a_fixed_point(shared_data):
    paths = sorted((shared_data / "ivms101").rglob("*.json"))
    assert len(paths) == 15
    for path in paths:
        once = write_payload(read_payload(path.read_bytes()))
        assert write_payload(read_payload(once)) == once
        assert canonical(parse(once)) == once


@pytest.mark.parametrize(
    ("data", "path", "reason"),
    [
        (b"", "character 0", "not JSON"),
        (b"[]", "$", "not an object"),
        (b'"text"', "$", "not an object"),
        (b'{"originator":1}', "$.originator", "Expected `object | null`, got `int`"),
        (b'{"orignator":{"a":1}}', "$", "Object contains unknown field `orignator`"),
        (b'{"originator":{},"Originator":{}}', "$.originator", "one element under two spellings"),
        (b'{"originator":{"accountNumber":["a"],"accountNumber":[]}}', "accountNumber",
         "duplicate key"),
        (b'{"originator":{"accountNumber":[1]}}', "$.originator.accountNumber[0]",
         "Expected `str`, got `int`"),
        (b'{"originator":{"accountNumber":1.5}}', "1.5", "not an integer"),
        (b'{"originator":{"accountNumber":["\\ud800"]}}', "character 33", "lone surrogate"),
    ],
)  # fmt: skip
def test_what_is_not_ivms101_is_refused_with_its_place(data, path, reason):
    with pytest.raises(PayloadMalformed) as caught:
        read_payload(data)
    assert (caught.value.path, caught.value.reason) == (path, reason)


def test_two_spellings_of_one_element_are_refused_at_any_depth():
    document = legal_document()
    document["originator"]["originatorPersons"][0]["legalPerson"]["customerNumber"] = "2"
    with pytest.raises(PayloadMalformed, match="two spellings"):
        read(document)


def test_a_payload_above_the_bound_is_refused_unread():
    with pytest.raises(PayloadTooLarge) as caught:
        read_payload(b" " * (PAYLOAD_BYTES_MAX + 1))
    assert caught.value.limit == PAYLOAD_BYTES_MAX


# --- constraints ------------------------------------------------------------------------------


def test_a_sound_payload_breaks_nothing():
    assert found(payload_document()) == set()


def test_the_published_examples_break_what_they_are_known_to_break(shared_data):
    def broken(name: str) -> list[str]:
        data = (shared_data / "ivms101" / name).read_bytes()
        return [v.clause.value for v in validate(read_payload(data), TODAY)]

    assert broken("codevasp/complete-example.json") == []
    assert broken("codevasp/complete-example-legal-person.json") == ["C1", "C11", "C11"]
    assert broken("gtr/complete-example.json") == ["C11", "C11", "TEXT"]
    assert broken("gtr/malformed-full-example.json") == ["C10", "C11", "C11", "C11"]
    assert broken("gtr/originator-example.json") == ["C10", "C11", "CARDINALITY"]


@pytest.mark.parametrize(
    ("clause", "change"),
    [
        ("C1", lambda n: n.pop("dateAndPlaceOfBirth")),
        ("C2", lambda n: n["dateAndPlaceOfBirth"].update(dateOfBirth="2026-11-20")),
        ("TEXT", lambda n: n["dateAndPlaceOfBirth"].update(dateOfBirth="1990-02-30")),
        ("TEXT", lambda n: n["dateAndPlaceOfBirth"].update(dateOfBirth="01.02.1990")),
        ("TEXT", lambda n: n["dateAndPlaceOfBirth"].update(dateOfBirth="1990-W01-1")),
        ("TEXT", lambda n: n["dateAndPlaceOfBirth"].update(placeOfBirth="")),
        ("C3", lambda n: n.update(countryOfResidence="UK")),
        ("C6", lambda n: n["name"]["nameIdentifier"][0].update(nameIdentifierType="ALIA")),
        ("C6", lambda n: n.pop("name")),
        ("CODE", lambda n: n["name"]["nameIdentifier"][0].update(nameIdentifierType="NICK")),
        ("TEXT", lambda n: n["name"]["nameIdentifier"][0].update(primaryIdentifier="x" * 101)),
        ("TEXT", lambda n: n["name"]["nameIdentifier"][0].update(primaryIdentifier="")),
        ("TEXT", lambda n: n["name"]["nameIdentifier"][0].update(primaryIdentifier="  ")),
        ("TEXT", lambda n: n["name"]["nameIdentifier"][0].update(primaryIdentifier="a\u202eb")),
        ("TEXT", lambda n: n["name"]["nameIdentifier"][0].update(primaryIdentifier="a\u0000b")),
        ("TEXT", lambda n: n["name"]["nameIdentifier"][0].update(primaryIdentifier="a\u200bb")),
        ("TEXT", lambda n: n.update(customerIdentification="x" * 51)),
        ("C8", lambda n: n.update(geographicAddress=[{"addressType": "HOME", "country": "PT"}])),
        ("C8", lambda n: n.update(geographicAddress=[
            {"addressType": "HOME", "country": "PT", "streetName": "S"}])),
        ("CARDINALITY", lambda n: n.update(geographicAddress=[
            {"addressType": "HOME", "addressLine": ["1"]}])),
        ("CARDINALITY", lambda n: n.update(geographicAddress=[
            {"addressType": "HOME", "country": "PT", "addressLine": ["1"] * 8}])),
        ("TEXT", lambda n: n.update(geographicAddress=[
            {"addressType": "HOME", "country": "PT", "addressLine": ["1" * 71]}])),
        ("TEXT", lambda n: n.update(geographicAddress=[
            {"addressType": "HOME", "country": "PT", "streetName": "S",
             "buildingNumber": "1" * 17}])),
        ("CODE", lambda n: n.update(geographicAddress=[
            {"addressType": "WORK", "country": "PT", "addressLine": ["1"]}])),
        ("C3", lambda n: n.update(geographicAddress=[
            {"addressType": "HOME", "country": "pt", "addressLine": ["1"]}])),
        ("C10", lambda n: n.update(nationalIdentification={
            "nationalIdentifier": "1", "nationalIdentifierType": "RAID",
            "registrationAuthority": "RA00065"})),
        ("CODE", lambda n: n.update(nationalIdentification={
            "nationalIdentifier": "1", "nationalIdentifierType": "PASS"})),
        ("C3", lambda n: n.update(nationalIdentification={
            "nationalIdentifier": "1", "nationalIdentifierType": "CCPT",
            "countryOfIssue": "ZZ"})),
        ("TEXT", lambda n: n.update(nationalIdentification={
            "nationalIdentifierType": "CCPT"})),
        ("C11", lambda n: n.update(nationalIdentification={
            "nationalIdentifier": "X" * 20, "nationalIdentifierType": "LEIX"})),
    ],
)  # fmt: skip
def test_a_broken_rule_about_a_natural_person_is_named(clause, change):
    document = payload_document()
    change(natural(document))
    assert clauses(document) == {clause} or (clause == "CODE" and "CODE" in clauses(document))


@pytest.mark.parametrize(
    ("expected", "legal"),
    [
        (set(), {}),
        (set(), {"nationalIdentification": {
            "nationalIdentifier": LEI, "nationalIdentifierType": "LEIX"}}),
        (set(), {"nationalIdentification": {
            "nationalIdentifier": "1", "nationalIdentifierType": "RAID",
            "registrationAuthority": "RA000657"}}),
        ({"C4"}, {"customerIdentification": ""}),
        ({"C4"}, {"customerIdentification": "", "geographicAddress": [
            {"addressType": "BIZZ", "country": "PT", "addressLine": ["1"]}]}),
        ({"C5"}, {"name": {"nameIdentifier": [
            {"legalPersonName": "E", "legalPersonNameIdentifierType": "TRAD"}]}}),
        ({"C7", "C9"}, {"nationalIdentification": {
            "nationalIdentifier": "1", "nationalIdentifierType": "CCPT"}}),
        ({"C9"}, {"nationalIdentification": {
            "nationalIdentifier": "1", "nationalIdentifierType": "TXID"}}),
        ({"C9"}, {"nationalIdentification": {
            "nationalIdentifier": LEI, "nationalIdentifierType": "LEIX",
            "registrationAuthority": "RA000657"}}),
        ({"C9"}, {"nationalIdentification": {
            "nationalIdentifier": LEI, "nationalIdentifierType": "LEIX",
            "countryOfIssue": "PT"}}),
        ({"C11"}, {"nationalIdentification": {
            "nationalIdentifier": "X" * 20, "nationalIdentifierType": "LEIX"}}),
        ({"C3"}, {"countryOfRegistration": "EU"}),
        ({"CODE", "C5"}, {"name": {"nameIdentifier": [
            {"legalPersonName": "E", "legalPersonNameIdentifierType": "FULL"}]}}),
    ],
)  # fmt: skip
def test_the_rules_about_a_legal_person(expected, legal):
    assert clauses(legal_document(**legal)) == expected


def test_a_person_is_natural_or_legal_never_both_or_neither():
    for person in ({}, {"naturalPerson": {}, "legalPerson": {}}):
        document = payload_document()
        document["beneficiary"]["beneficiaryPersons"] = [person, {"legalPerson": {
            "name": {"nameIdentifier": [
                {"legalPersonName": "V", "legalPersonNameIdentifierType": "LEGL"}]}}}]  # fmt: skip
        if person:
            person["naturalPerson"] = natural(payload_document())
            legal = legal_document()["originator"]["originatorPersons"][0]
            person["legalPerson"] = legal["legalPerson"]
            assert clauses(document) == {"CARDINALITY"}
        else:
            # An empty person is nothing, and nothing leaves the canonical form.
            assert clauses(document) == set()


def test_both_parties_must_be_there():
    assert found({}) == {("CARDINALITY", "originator"), ("CARDINALITY", "beneficiary")}


def test_vasps_hops_and_methods_are_checked_too():
    document = payload_document()
    bare = {"legalPerson": {"name": {"nameIdentifier": [
        {"legalPersonName": "V", "legalPersonNameIdentifierType": "TRAD"}]}}}  # fmt: skip
    good = {"legalPerson": {"name": {"nameIdentifier": [
        {"legalPersonName": "V", "legalPersonNameIdentifierType": "LEGL"}]}}}  # fmt: skip
    document["originatingVASP"] = {"originatingVASP": bare}
    document["beneficiaryVASP"] = {"beneficiaryVASP": bare}
    document["transferPath"] = {
        "transferPath": [
            {"intermediaryVASP": good, "sequence": 0},
            {"intermediaryVASP": bare, "sequence": 2},
        ]
    }
    document["payloadMetadata"] = {"transliterationMethod": ["hani", "greek"]}
    assert found(document) == {
        ("C5", "originatingVASP.originatingVASP.legalPerson.name"),
        ("C5", "beneficiaryVASP.beneficiaryVASP.legalPerson.name"),
        ("C5", "transferPath.transferPath[1].intermediaryVASP.legalPerson.name"),
        ("C12", "transferPath.transferPath[1].sequence"),
        ("CODE", "payloadMetadata.transliterationMethod[1]"),
    }


def test_violations_never_quote_what_the_customer_wrote():
    document = payload_document()
    natural(document)["name"]["nameIdentifier"][0]["primaryIdentifier"] = "Secret" * 20
    natural(document)["countryOfResidence"] = "Secret"
    violations = validate(read(document), TODAY)
    assert {v.clause for v in violations} == {Clause.TEXT, Clause.C3}
    assert "Secret" not in repr(violations)


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["originator", "originatorPersons", "naturalPerson", "name", "country",
                         "nameIdentifier", "accountNumber", "transferPath", "sequence"]),
        inner, max_size=3),
    max_leaves=12))  # fmt: skip
def test_any_json_is_a_payload_or_a_typed_error(value):
    try:
        payload = read_payload(json.dumps(value).encode())
    except PayloadMalformed:
        return
    validate(payload, TODAY)
    once = write_payload(payload)
    assert write_payload(read_payload(once)) == once


# --- fields -----------------------------------------------------------------------------------


def test_fields_of_a_natural_person():
    payload = read(payload_document())
    originator, beneficiary = originator_facts(payload, PAYEE), beneficiary_facts(payload, PAYEE)
    assert originator.kind is PartyKind.NATURAL
    assert originator.fields == {
        Field.NAME, Field.ACCOUNT, Field.BIRTH_DATE, Field.BIRTH_PLACE
    }  # fmt: skip
    assert beneficiary.fields == {Field.NAME, Field.ACCOUNT, Field.PAYEE_ADDRESS}


def test_a_legal_person_is_the_principal_and_its_representative_is_not():
    document = legal_document(
        nationalIdentification={"nationalIdentifier": LEI, "nationalIdentifierType": "LEIX"},
        geographicAddress=[{"addressType": "GEOG", "country": "XX", "addressLine": ["1"]}],
    )
    persons = document["originator"]["originatorPersons"]
    persons.append(payload_document()["beneficiary"]["beneficiaryPersons"][0])
    facts = originator_facts(read(document), PAYEE)
    assert facts.kind is PartyKind.LEGAL
    assert facts.fields == {
        Field.NAME, Field.ACCOUNT, Field.LEI, Field.NATIONAL_ID, Field.CUSTOMER_ID, Field.ADDRESS
    }  # fmt: skip


def test_a_field_counts_only_when_every_principal_has_it():
    document = payload_document()
    second = deepcopy(document["originator"]["originatorPersons"][0])
    del second["naturalPerson"]["dateAndPlaceOfBirth"]
    document["originator"]["originatorPersons"].append(second)
    assert originator_facts(read(document), PAYEE).fields == {Field.NAME, Field.ACCOUNT}


@pytest.mark.parametrize(
    ("account", "matches"),
    [
        (PAYEE, True),
        (PAYEE.upper().replace("X", "x"), True),
        ("0x" + "12" * 20, False),
        (PAYEE + " ", False),
        ("x" * len(PAYEE), False),
        ("\u0661" * len(PAYEE), False),
    ],
)
def test_the_beneficiary_must_name_the_address_that_is_paid(account, matches):
    document = payload_document()
    document["beneficiary"]["accountNumber"] = ["other", account]
    facts = beneficiary_facts(read(document), PAYEE)
    assert (Field.PAYEE_ADDRESS in facts.fields) == matches


def test_a_payload_without_parties_has_no_facts():
    payload = read({"payloadMetadata": {"transliterationMethod": ["hani"]}})
    assert originator_facts(payload, PAYEE) is beneficiary_facts(payload, PAYEE) is None
    named = read({"originator": {"accountNumber": ["1"]}, "beneficiary": {"accountNumber": ["1"]}})
    assert originator_facts(named, PAYEE) is beneficiary_facts(named, PAYEE) is None


# --- intake -----------------------------------------------------------------------------------


def test_an_accepted_payload_opens_to_its_canonical_form(store):
    commitment = accept_payload(store, 16, payload_bytes(), TODAY)
    stored = store.payload(commitment)
    assert stored.account == 16
    assert stored.canonical == canonical(payload_document())


def test_a_payload_with_violations_is_refused_and_each_is_told(store):
    document = payload_document()
    natural(document)["countryOfResidence"] = "UK"
    natural(document)["dateAndPlaceOfBirth"]["dateOfBirth"] = "2030-01-01"
    with pytest.raises(PayloadInvalid) as caught:
        accept_payload(store, 16, json.dumps(document).encode(), TODAY)
    person = "originator.originatorPersons[0].naturalPerson"
    assert caught.value.violations == (
        f"C2 {person}.dateAndPlaceOfBirth.dateOfBirth: a day in the past",
        f"C3 {person}.countryOfResidence: an ISO 3166-1 alpha-2 code, or XX",
    )


def test_equal_payloads_have_unlinkable_commitments(store):
    commitments = {accept_payload(store, 16, payload_bytes(), TODAY) for _ in range(3)}
    assert len(commitments) == 3


def test_an_unreadable_payload_leaves_nothing_behind(store):
    with pytest.raises(PayloadMalformed):
        accept_payload(store, 16, b"<xml/>", TODAY)
    store.shred(16)
    with pytest.raises(SubjectKeyDestroyed):
        accept_payload(store, 16, payload_bytes(), TODAY)
