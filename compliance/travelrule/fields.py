"""Which of a rule pack's fields a payload has: the bridge from IVMS101 to the rules."""

from collections.abc import Iterable

from compliance.rules.evaluator import PartyFacts
from compliance.rules.model import Field, PartyKind
from compliance.screening.address import is_evm_address
from compliance.travelrule.ivms101 import Address, LegalPerson, NaturalPerson, Payload, Person


def originator_facts(payload: Payload, payee: str) -> PartyFacts | None:
    """Fields of the originator; None when the payload names none."""
    if payload.originator is None:
        return None
    return _party(payload.originator.originator_persons, payload.originator.account_number, payee)


def beneficiary_facts(payload: Payload, payee: str) -> PartyFacts | None:
    """Fields of the beneficiary; None when the payload names none.

    Args:
        payload: As read.
        payee: Canonical text of the address that the withdrawal pays.
    """
    if payload.beneficiary is None:
        return None
    party = payload.beneficiary
    return _party(party.beneficiary_persons, party.account_number, payee)


def _party(persons: tuple[Person, ...], accounts: tuple[str, ...], payee: str) -> PartyFacts | None:
    """A field counts only when every principal has it.

    Legal persons are the principals where there are any: a natural person beside a legal one is
    its representative, as two of the published dialects write it.
    """
    legal = [person.legal_person for person in persons if person.legal_person is not None]
    natural = [person.natural_person for person in persons if person.natural_person is not None]
    if not legal and not natural:
        return None
    found = [_legal(item) for item in legal] or [_natural(item) for item in natural]
    fields = set.intersection(*found) | _account_fields(accounts, payee)
    return PartyFacts(PartyKind.LEGAL if legal else PartyKind.NATURAL, frozenset(fields))


def _natural(person: NaturalPerson) -> set[Field]:
    birth = person.date_and_place_of_birth
    return _present(
        (Field.NAME, any(name.primary_identifier for name in person.name.name_identifier)),
        (Field.NATIONAL_ID, person.national_identification is not None),
        (Field.CUSTOMER_ID, bool(person.customer_identification)),
        (Field.BIRTH_DATE, birth is not None and bool(birth.date_of_birth)),
        (Field.BIRTH_PLACE, birth is not None and bool(birth.place_of_birth)),
    ) | _address_fields(person.geographic_address)


def _legal(person: LegalPerson) -> set[Field]:
    identification = person.national_identification
    lei = identification is not None and identification.national_identifier_type == "LEIX"
    return _present(
        (Field.NAME, any(name.legal_person_name for name in person.name.name_identifier)),
        (Field.NATIONAL_ID, identification is not None),
        (Field.LEI, lei),
        (Field.CUSTOMER_ID, bool(person.customer_identification)),
    ) | _address_fields(person.geographic_address)


def _address_fields(addresses: tuple[Address, ...]) -> set[Field]:
    return _present(
        (Field.ADDRESS, bool(addresses)),
        (Field.COUNTRY, any(address.country not in {"", "XX"} for address in addresses)),
    )


def _account_fields(accounts: Iterable[str], payee: str) -> set[Field]:
    given = {account for account in accounts if account}
    matches = any(is_evm_address(account, payee) for account in given)
    return _present((Field.ACCOUNT, bool(given)), (Field.PAYEE_ADDRESS, matches))


def _present(*found: tuple[Field, bool]) -> set[Field]:
    return {field for field, there in found if there}
