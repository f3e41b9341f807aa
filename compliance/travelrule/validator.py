"""Every constraint of IVMS101 (2020), each violation with its clause and its place.

C1 to C12 are the standard's own numbers; TEXT, CODE and CARDINALITY are its datatypes, code lists
and occurrences (sections 6 and 7). All violations are collected: a customer corrects a form once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, TypeAlias

import msgspec

from compliance.travelrule import codes
from compliance.travelrule.ivms101 import (
    Address,
    LegalPerson,
    NationalIdentification,
    NaturalPerson,
    Payload,
    Person,
)


class Clause(StrEnum):
    """Which rule of the standard is broken."""

    C1 = "C1"
    """OriginatorInformationNaturalPerson: an address, identification, customer id or birth."""
    C2 = "C2"
    """DateInPast: a date of birth lies in the past."""
    C3 = "C3"
    """CountryCode: ISO 3166-1 alpha-2, or XX."""
    C4 = "C4"
    """OriginatorInformationLegalPerson: an address (GEOG), identification or customer id."""
    C5 = "C5"
    """LegalNamePresentLegalPerson: one name is LEGL."""
    C6 = "C6"
    """LegalNamePresentNaturalPerson: one name is LEGL."""
    C7 = "C7"
    """ValidNationalIdentifierLegalPerson: RAID, MISC, LEIX or TXID."""
    C8 = "C8"
    """ValidAddress: a line, or a street with a building's name or number."""
    C9 = "C9"
    """CompleteNationalIdentifierLegalPerson: no country of issue; an authority unless LEIX."""
    C10 = "C10"
    """RegistrationAuthority: a code of GLEIF's list; its form is checked, the list is not here."""
    C11 = "C11"
    """ValidLEI: ISO 17442 with right check digits."""
    C12 = "C12"
    """SequentialIntegrity: hops count 0, 1, 2 ..."""
    TEXT = "TEXT"
    CODE = "CODE"
    CARDINALITY = "CARDINALITY"


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One broken rule: the clause, where, and what is wrong. No value: it may be personal."""

    clause: Clause
    path: str
    detail: str

    def __str__(self) -> str:
        """As a customer reads it."""
        return f"{self.clause.value} {self.path}: {self.detail}"


Violations: TypeAlias = Iterator[Violation]

_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAME_MAX: Final = 100
_ACCOUNT_MAX: Final = 100
_CUSTOMER_MAX: Final = 50
_IDENTIFIER_MAX: Final = 35
_PLACE_MAX: Final = 70
_ADDRESS_LINES_MAX: Final = 7
_ADDRESS_LINE_MAX: Final = 70
_ADDRESS_TEXT_MAX: Final = {
    "department": 50,
    "subDepartment": 70,
    "streetName": 70,
    "buildingNumber": 16,
    "buildingName": 35,
    "floor": 70,
    "postBox": 16,
    "room": 70,
    "postcode": 16,
    "townName": 35,
    "townLocationName": 35,
    "districtName": 35,
    "countrySubDivision": 35,
}


def validate(payload: Payload, today: date) -> tuple[Violation, ...]:
    """All violations, sorted; empty when the payload is sound.

    Args:
        payload: As read; nothing is trusted.
        today: For DateInPast: the date of the transfer, from the ledger, so that it re-runs.
    """
    return tuple(sorted(_payload(payload, today)))


def _payload(payload: Payload, today: date) -> Violations:
    originator, beneficiary = payload.originator, payload.beneficiary
    if originator is None or not originator.originator_persons:
        yield Violation(Clause.CARDINALITY, "originator", "at least one originator person")
    else:
        for index, person in enumerate(originator.originator_persons):
            path = f"originator.originatorPersons[{index}]"
            yield from _person(person, path, today)
            yield from _originator_information(person, path)
        yield from _accounts(originator.account_number, "originator.accountNumber")
    if beneficiary is None or not beneficiary.beneficiary_persons:
        yield Violation(Clause.CARDINALITY, "beneficiary", "at least one beneficiary person")
    else:
        for index, person in enumerate(beneficiary.beneficiary_persons):
            yield from _person(person, f"beneficiary.beneficiaryPersons[{index}]", today)
        yield from _accounts(beneficiary.account_number, "beneficiary.accountNumber")
    yield from _vasps(payload, today)
    if payload.payload_metadata is not None:
        for index, method in enumerate(payload.payload_metadata.transliteration_method):
            path = f"payloadMetadata.transliterationMethod[{index}]"
            yield from _code(method, codes.TRANSLITERATIONS, path)


def _vasps(payload: Payload, today: date) -> Violations:
    if payload.originating_vasp is not None:
        vasp = payload.originating_vasp.originating_vasp or Person()
        yield from _person(vasp, "originatingVASP.originatingVASP", today)
    if payload.beneficiary_vasp is not None:
        vasp = payload.beneficiary_vasp.beneficiary_vasp or Person()
        yield from _person(vasp, "beneficiaryVASP.beneficiaryVASP", today)
    if payload.transfer_path is None:
        return
    for index, hop in enumerate(payload.transfer_path.transfer_path):
        path = f"transferPath.transferPath[{index}]"
        yield from _person(hop.intermediary_vasp, f"{path}.intermediaryVASP", today)
        if hop.sequence != index:
            yield Violation(Clause.C12, f"{path}.sequence", f"hop {index} must say {index}")


def _person(person: Person, path: str, today: date) -> Violations:
    natural, legal = person.natural_person, person.legal_person
    if (natural is None) == (legal is None):
        yield Violation(Clause.CARDINALITY, path, "one of naturalPerson and legalPerson")
    if natural is not None:
        yield from _natural(natural, f"{path}.naturalPerson", today)
    if legal is not None:
        yield from _legal(legal, f"{path}.legalPerson")


def _natural(person: NaturalPerson, path: str, today: date) -> Violations:
    names = person.name.name_identifier
    if not any(name.name_identifier_type == "LEGL" for name in names):
        yield Violation(Clause.C6, f"{path}.name", "one name of type LEGL")
    groups = (names, person.name.local_name_identifier, person.name.phonetic_name_identifier)
    for group in groups:
        for name in group:
            yield from _text(name.primary_identifier, _NAME_MAX, f"{path}.name.primaryIdentifier")
            yield from _text(
                name.secondary_identifier, _NAME_MAX, f"{path}.name.secondaryIdentifier", least=0
            )
            kind = f"{path}.name.nameIdentifierType"
            yield from _code(name.name_identifier_type, codes.NATURAL_NAME_TYPES, kind)
    customer = f"{path}.customerIdentification"
    yield from _text(person.customer_identification, _CUSTOMER_MAX, customer, least=0)
    yield from _addresses(person.geographic_address, path)
    if person.national_identification is not None:
        yield from _identification(person.national_identification, path)
    yield from _birth(person, f"{path}.dateAndPlaceOfBirth", today)
    yield from _country(person.country_of_residence, f"{path}.countryOfResidence")


def _legal(person: LegalPerson, path: str) -> Violations:
    names = person.name.name_identifier
    if not any(name.legal_person_name_identifier_type == "LEGL" for name in names):
        yield Violation(Clause.C5, f"{path}.name", "one name of type LEGL")
    groups = (names, person.name.local_name_identifier, person.name.phonetic_name_identifier)
    for group in groups:
        for name in group:
            yield from _text(name.legal_person_name, _NAME_MAX, f"{path}.name.legalPersonName")
            kind = f"{path}.name.legalPersonNameIdentifierType"
            yield from _code(name.legal_person_name_identifier_type, codes.LEGAL_NAME_TYPES, kind)
    customer = f"{path}.customerIdentification"
    yield from _text(person.customer_identification, _CUSTOMER_MAX, customer, least=0)
    yield from _addresses(person.geographic_address, path)
    yield from _country(person.country_of_registration, f"{path}.countryOfRegistration")
    found = person.national_identification
    if found is None:
        return
    yield from _identification(found, path)
    path = f"{path}.nationalIdentification"
    if found.national_identifier_type not in codes.LEGAL_NATIONAL_ID_TYPES:
        yield Violation(Clause.C7, path, "type RAID, MISC, LEIX or TXID")
    if found.country_of_issue:
        yield Violation(Clause.C9, path, "a legal person has no countryOfIssue")
    if bool(found.registration_authority) == (found.national_identifier_type == "LEIX"):
        yield Violation(Clause.C9, path, "registrationAuthority exactly when the type is not LEIX")


def _originator_information(person: Person, path: str) -> Violations:
    natural, legal = person.natural_person, person.legal_person
    if natural is not None and not (
        any(address.address_type in codes.ADDRESS_TYPES for address in natural.geographic_address)
        or natural.national_identification
        or natural.customer_identification
        or natural.date_and_place_of_birth
    ):
        detail = "an address, national identification, customer identification or birth"
        yield Violation(Clause.C1, f"{path}.naturalPerson", detail)
    if legal is not None and not (
        any(address.address_type == "GEOG" for address in legal.geographic_address)
        or legal.national_identification
        or legal.customer_identification
    ):
        detail = "a GEOG address, national identification or customer identification"
        yield Violation(Clause.C4, f"{path}.legalPerson", detail)


def _addresses(addresses: tuple[Address, ...], path: str) -> Violations:
    for index, address in enumerate(addresses):
        yield from _address(address, f"{path}.geographicAddress[{index}]")


def _address(address: Address, path: str) -> Violations:
    yield from _code(address.address_type, codes.ADDRESS_TYPES, f"{path}.addressType")
    texts: dict[str, Any] = msgspec.to_builtins(address)
    for name, limit in _ADDRESS_TEXT_MAX.items():
        yield from _text(texts.get(name, ""), limit, f"{path}.{name}", least=0)
    if len(address.address_line) > _ADDRESS_LINES_MAX:
        yield Violation(Clause.CARDINALITY, f"{path}.addressLine", "at most seven lines")
    for line in address.address_line:
        yield from _text(line, _ADDRESS_LINE_MAX, f"{path}.addressLine")
    building = address.building_name or address.building_number
    if not address.address_line and not (address.street_name and building):
        yield Violation(Clause.C8, path, "a line, or a street and a building's name or number")
    if not address.country:
        yield Violation(Clause.CARDINALITY, f"{path}.country", "a country")
    yield from _country(address.country, f"{path}.country")


def _identification(found: NationalIdentification, path: str) -> Violations:
    path = f"{path}.nationalIdentification"
    yield from _text(found.national_identifier, _IDENTIFIER_MAX, f"{path}.nationalIdentifier")
    kind = f"{path}.nationalIdentifierType"
    yield from _code(found.national_identifier_type, codes.NATIONAL_ID_TYPES, kind)
    yield from _country(found.country_of_issue, f"{path}.countryOfIssue")
    authority = found.registration_authority
    if authority and not codes.REGISTRATION_AUTHORITY.fullmatch(authority):
        yield Violation(Clause.C10, f"{path}.registrationAuthority", "RA and six digits")
    if found.national_identifier_type == "LEIX" and not codes.is_lei(found.national_identifier):
        yield Violation(Clause.C11, f"{path}.nationalIdentifier", "an LEI with right check digits")


def _birth(person: NaturalPerson, path: str, today: date) -> Violations:
    birth = person.date_and_place_of_birth
    if birth is None:
        return
    yield from _text(birth.place_of_birth, _PLACE_MAX, f"{path}.placeOfBirth")
    where = f"{path}.dateOfBirth"
    if not _ISO_DATE.fullmatch(birth.date_of_birth):
        yield Violation(Clause.TEXT, where, "a date as YYYY-MM-DD")
        return
    try:
        day = date.fromisoformat(birth.date_of_birth)
    except ValueError:
        yield Violation(Clause.TEXT, where, "a day that the calendar has")
        return
    if day >= today:
        yield Violation(Clause.C2, where, "a day in the past")


def _accounts(accounts: tuple[str, ...], path: str) -> Violations:
    for account in accounts:
        yield from _text(account, _ACCOUNT_MAX, path)


def _country(text: str, path: str) -> Violations:
    if text and text not in codes.COUNTRIES:
        yield Violation(Clause.C3, path, "an ISO 3166-1 alpha-2 code, or XX")


def _code(text: str, allowed: frozenset[str], path: str) -> Violations:
    if text not in allowed:
        yield Violation(Clause.CODE, path, f"one of {' '.join(sorted(allowed))}")


def _text(text: str, longest: int, path: str, *, least: int = 1) -> Violations:
    if not least <= len(text) <= longest:
        yield Violation(Clause.TEXT, path, f"{least} to {longest} characters")
    if text and (text.isspace() or not text.isprintable()):
        yield Violation(Clause.TEXT, path, "printable characters, not only spaces")
