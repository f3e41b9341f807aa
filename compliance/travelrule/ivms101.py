"""IVMS101 (2020), section 5: the data model, with the element names that the standard gives.

Codes and texts are plain strings here: a wrong one is a violation to be listed
(`travelrule.validator`), not a document that cannot be read. Unknown elements are refused.
"""

import msgspec


class _Element(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"
):
    """Absent and empty are one: both leave the canonical form."""


class NaturalPersonNameId(_Element, frozen=True):
    """5.2.6; local and phonetic names share the shape."""

    primary_identifier: str = ""
    secondary_identifier: str = ""
    name_identifier_type: str = ""


class NaturalPersonName(_Element, frozen=True):
    """5.2.5."""

    name_identifier: tuple[NaturalPersonNameId, ...] = ()
    local_name_identifier: tuple[NaturalPersonNameId, ...] = ()
    phonetic_name_identifier: tuple[NaturalPersonNameId, ...] = ()


class Address(_Element, frozen=True):
    """5.2.8."""

    address_type: str = ""
    department: str = ""
    sub_department: str = ""
    street_name: str = ""
    building_number: str = ""
    building_name: str = ""
    floor: str = ""
    post_box: str = ""
    room: str = ""
    postcode: str = ""
    town_name: str = ""
    town_location_name: str = ""
    district_name: str = ""
    country_sub_division: str = ""
    address_line: tuple[str, ...] = ()
    country: str = ""


class NationalIdentification(_Element, frozen=True):
    """5.2.11."""

    national_identifier: str = ""
    national_identifier_type: str = ""
    country_of_issue: str = ""
    registration_authority: str = ""


class DateAndPlaceOfBirth(_Element, frozen=True):
    """5.2.10."""

    date_of_birth: str = ""
    place_of_birth: str = ""


class NaturalPerson(_Element, frozen=True):
    """5.2.4."""

    name: NaturalPersonName = NaturalPersonName()
    geographic_address: tuple[Address, ...] = ()
    national_identification: NationalIdentification | None = None
    customer_identification: str = ""
    date_and_place_of_birth: DateAndPlaceOfBirth | None = None
    country_of_residence: str = ""


class LegalPersonNameId(_Element, frozen=True):
    """5.2.13; local and phonetic names share the shape."""

    legal_person_name: str = ""
    legal_person_name_identifier_type: str = ""


class LegalPersonName(_Element, frozen=True):
    """5.2.12."""

    name_identifier: tuple[LegalPersonNameId, ...] = ()
    local_name_identifier: tuple[LegalPersonNameId, ...] = ()
    phonetic_name_identifier: tuple[LegalPersonNameId, ...] = ()


class LegalPerson(_Element, frozen=True):
    """5.2.9."""

    name: LegalPersonName = LegalPersonName()
    geographic_address: tuple[Address, ...] = ()
    customer_identification: str = ""
    national_identification: NationalIdentification | None = None
    country_of_registration: str = ""


class Person(_Element, frozen=True):
    """5.2.3: exactly one of the two."""

    natural_person: NaturalPerson | None = None
    legal_person: LegalPerson | None = None


class Originator(_Element, frozen=True):
    """5.3.1."""

    originator_persons: tuple[Person, ...] = ()
    account_number: tuple[str, ...] = ()


class Beneficiary(_Element, frozen=True):
    """5.3.2."""

    beneficiary_persons: tuple[Person, ...] = ()
    account_number: tuple[str, ...] = ()


class OriginatingVasp(_Element, frozen=True):
    """5.3.3."""

    originating_vasp: Person | None = msgspec.field(name="originatingVASP", default=None)


class BeneficiaryVasp(_Element, frozen=True):
    """5.3.4."""

    beneficiary_vasp: Person | None = msgspec.field(name="beneficiaryVASP", default=None)


class IntermediaryVasp(_Element, frozen=True):
    """5.3.5: one hop of a transfer path; `sequence` counts from 0."""

    intermediary_vasp: Person = msgspec.field(name="intermediaryVASP", default=Person())
    sequence: int = msgspec.field(name="sequence", default=-1)


class TransferPath(_Element, frozen=True):
    """5.3.5."""

    transfer_path: tuple[IntermediaryVasp, ...] = ()


class PayloadMetadata(_Element, frozen=True):
    """5.3.6."""

    transliteration_method: tuple[str, ...] = ()


class Payload(_Element, frozen=True):
    """One transfer's data set."""

    originator: Originator | None = None
    beneficiary: Beneficiary | None = None
    originating_vasp: OriginatingVasp | None = msgspec.field(name="originatingVASP", default=None)
    beneficiary_vasp: BeneficiaryVasp | None = msgspec.field(name="beneficiaryVASP", default=None)
    transfer_path: TransferPath | None = None
    payload_metadata: PayloadMetadata | None = None
