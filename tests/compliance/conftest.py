"""What the compliance tests share: a store with repeatable keys, payloads, packs."""

import hashlib
import json
from collections.abc import Iterator

import pytest

from compliance.rules.loader import default_pack
from compliance.rules.model import Pack
from compliance.store import ComplianceStore, open_store


class Counter:
    """Entropy that repeats: block n is SHA-256 of n."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self, size: int) -> bytes:
        self.n += 1
        return hashlib.sha256(self.n.to_bytes(8, "big")).digest()[:size]


@pytest.fixture
def store() -> Iterator[ComplianceStore]:
    opened = open_store(entropy=Counter())
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def pack() -> Pack:
    return default_pack()


PAYEE = bytes.fromhex("4f47bc496083c727c5fbe3ce9cdf2b0f6496270c")
"""Listed by OFAC under ARB and BSC."""
CLEAN = bytes.fromhex("11" * 20)


def payload_document(payee: bytes = CLEAN) -> dict:
    """A sound payload: one natural person pays another."""
    return {
        "originator": {
            "originatorPersons": [
                {
                    "naturalPerson": {
                        "name": {
                            "nameIdentifier": [
                                {
                                    "primaryIdentifier": "Barnes",
                                    "secondaryIdentifier": "Robert",
                                    "nameIdentifierType": "LEGL",
                                }
                            ]
                        },
                        "dateAndPlaceOfBirth": {
                            "dateOfBirth": "1990-01-01",
                            "placeOfBirth": "Lisbon",
                        },
                        "countryOfResidence": "PT",
                    }
                }
            ],
            "accountNumber": ["16"],
        },
        "beneficiary": {
            "beneficiaryPersons": [
                {
                    "naturalPerson": {
                        "name": {
                            "nameIdentifier": [
                                {"primaryIdentifier": "Smith", "nameIdentifierType": "LEGL"}
                            ]
                        }
                    }
                }
            ],
            "accountNumber": ["0x" + payee.hex()],
        },
    }


def payload_bytes(payee: bytes = CLEAN) -> bytes:
    return json.dumps(payload_document(payee)).encode()
