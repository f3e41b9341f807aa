"""Take a travel-rule payload in: read it, check it, keep it sealed, hand back the commitment."""

from datetime import date

from compliance.errors import PayloadInvalid
from compliance.store import ComplianceStore
from compliance.travelrule.dialects import read_payload, write_payload
from compliance.travelrule.validator import validate


def accept_payload(store: ComplianceStore, account: int, data: bytes, today: date) -> bytes:
    """Keep a payload for one account.

    Args:
        store: Where it is sealed.
        account: Whose withdrawal it will travel with; no other account can use it.
        data: IVMS101 JSON in any dialect that `dialects` reads.
        today: For the constraint on dates of birth.

    Returns:
        The commitment for the withdrawal command's `travel` field, 32 bytes.

    Raises:
        PayloadTooLarge, PayloadMalformed: It cannot be read; nothing is kept.
        PayloadInvalid: It breaks the standard, so the decision could only be DENY; nothing is kept.
        SubjectKeyDestroyed: The subject was erased.
    """
    payload = read_payload(data)
    violations = validate(payload, today)
    if violations:
        raise PayloadInvalid(tuple(map(str, violations)))
    return store.add_payload(account, write_payload(payload))
