"""Stage 7's intake behind the gate's port: a payload that breaks the standard is refused here."""

from datetime import UTC, datetime, timedelta
from typing import Final

from api.gate.refusals import TravelRuleRefused
from compliance.errors import (
    PayloadInvalid,
    PayloadMalformed,
    PayloadTooLarge,
    SubjectKeyDestroyed,
)
from compliance.store import ComplianceStore
from compliance.travelrule.intake import accept_payload

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
            return accept_payload(self._store, account, payload, today)
        except PayloadInvalid as error:
            raise TravelRuleRefused(error.violations) from error
        except PayloadMalformed as error:
            raise TravelRuleRefused((f"{error.path}: {error.reason}",)) from error
        except PayloadTooLarge as error:
            raise TravelRuleRefused((f"longer than {error.limit} bytes",)) from error
        except SubjectKeyDestroyed as error:
            raise TravelRuleRefused(("the account's data was erased",)) from error
