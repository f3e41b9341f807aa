"""Stage 7's intake behind the gate's port: a payload that breaks the standard is refused here.

The withdrawal desk would deny it later; refusing at the door spares the customer the wait, and the
venue a payload that it has no use for.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from api.refusals import TravelRuleRefused
from compliance.errors import PayloadMalformed, PayloadTooLarge, SubjectKeyDestroyed
from compliance.store import ComplianceStore
from compliance.travelrule.dialects import read_payload, write_payload
from compliance.travelrule.validator import validate

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TravelRuleIntake:
    """Implements `TakesTravelRule` over the compliance store."""

    def __init__(self, store: ComplianceStore) -> None:
        self._store = store

    def take(self, account: int, payload: bytes, now_ns: int) -> bytes:
        """Check and keep a payload; the 32-byte commitment for the withdrawal.

        Raises:
            TravelRuleRefused: It cannot be read, breaks the standard, or the subject was erased.
        """
        today = (_EPOCH + timedelta(microseconds=now_ns // 1000)).date()
        try:
            read = read_payload(payload)
            violations = validate(read, today)
            if violations:
                raise TravelRuleRefused(tuple(map(str, violations)))
            return self._store.add_payload(account, write_payload(read))
        except (PayloadMalformed, PayloadTooLarge, SubjectKeyDestroyed) as error:
            raise TravelRuleRefused((str(error),)) from None
