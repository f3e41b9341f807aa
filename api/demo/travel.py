"""A devnet customer's travel-rule payload: IVMS101, invented people, the real format."""

import json


def travel_payload(customer: str, account: int, payee: bytes) -> str:
    """The questionnaire of a withdrawal: who sends from which account, to whom at which address."""
    return json.dumps(
        {
            "originator": {
                "originatorPersons": [_person(customer, f"customer-{account}")],
                "accountNumber": [str(account)],
            },
            "beneficiary": {
                "beneficiaryPersons": [_person(customer, f"customer-{account}")],
                "accountNumber": ["0x" + payee.hex()],
            },
        }
    )


def _person(name: str, number: str) -> dict[str, object]:
    return {
        "naturalPerson": {
            "name": {
                "nameIdentifier": [
                    {
                        "primaryIdentifier": "Example",
                        "secondaryIdentifier": name.capitalize(),
                        "nameIdentifierType": "LEGL",
                    }
                ]
            },
            "geographicAddress": [
                {
                    "addressType": "HOME",
                    "streetName": "Rue de la Loi",
                    "buildingNumber": "200",
                    "postcode": "1000",
                    "townName": "Brussels",
                    "country": "BE",
                }
            ],
            "customerIdentification": number,
            "countryOfResidence": "BE",
        }
    }
