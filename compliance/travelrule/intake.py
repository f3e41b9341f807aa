"""Take a travel-rule payload in: read it, keep it sealed, hand back what the ledger may know."""

from dataclasses import dataclass
from datetime import date

from compliance.store import ComplianceStore
from compliance.travelrule.dialects import read_payload, write_payload
from compliance.travelrule.validator import Violation, validate


@dataclass(frozen=True, slots=True)
class Accepted:
    """A payload that was kept.

    Attributes:
        commitment: For the withdrawal command's `travel` field, 32 bytes.
        violations: What the customer should mend; with any, the decision will be DENY.
    """

    commitment: bytes
    violations: tuple[Violation, ...]


def accept_payload(store: ComplianceStore, account: int, data: bytes, today: date) -> Accepted:
    """Keep a payload for one account.

    Args:
        store: Where it is sealed.
        account: Whose withdrawal it will travel with; no other account can use it.
        data: IVMS101 JSON in any dialect that `dialects` reads.
        today: For the constraint on dates of birth.

    Raises:
        PayloadTooLarge, PayloadMalformed: It cannot be read; nothing is kept.
        SubjectKeyDestroyed: The subject was erased.
    """
    payload = read_payload(data)
    commitment = store.add_payload(account, write_payload(payload))
    return Accepted(commitment, validate(payload, today))
