"""Random streams of the whole engine at once: every product, order, switch, loan and phase."""

import struct

from ledger.records.build import TIME_BYTES
from tests.engine.account_streams import AccountStream
from tests.engine.credit_streams import CreditStream


class EverythingStream(AccountStream, CreditStream):
    """Accounts that are isolated, hedged, on credit or all of it, over every market."""

    def modes(self) -> list[bytes]:
        """As accounts begin, but not before their credit does."""
        now = struct.pack("<q", self.time_ns)
        return [now + raw[TIME_BYTES:] for raw in super().modes()]

    def draw(self) -> bytes:
        family = AccountStream if self.rng.random() < 0.5 else CreditStream
        return family.draw(self)

    def margin(self) -> bytes:
        """Both families have one: of a position, and of a spot account."""
        family = AccountStream if self.rng.random() < 0.5 else CreditStream
        return family.margin(self)
