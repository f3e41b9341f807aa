"""What the composition root hands to the application: every stage behind its port."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from api.gate.auth import KeyRing
from api.gate.customers import letters
from api.gate.desk import Desk
from api.gate.listing import Listing
from api.gate.ports import Custody, ReadsEngine, ReadsHistory, TakesTravelRule
from api.gate.ratelimit import RateLimits

_FRESH_CHARS: Final = 22


def fresh_client_id() -> bytes:
    """An id for an order that came without one: 130 random bits never come twice."""
    return letters(_FRESH_CHARS).encode()


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a route may use.

    Attributes:
        desk: The command path.
        listing: Assets and instruments by symbol.
        engine, history: Stages 3 and 4, for reading.
        keys, limits: Who may ask, and how much.
        custody: Where deposits go.
        travel_rule: Keeps travel-rule payloads.
        now_ns: The venue's clock, nanoseconds since the epoch.
        new_client_id: Makes an id for an order that came without one; `fresh_client_id`.
    """

    desk: Desk
    listing: Listing
    engine: ReadsEngine
    history: ReadsHistory
    keys: KeyRing
    limits: RateLimits
    custody: Custody
    travel_rule: TakesTravelRule
    now_ns: Callable[[], int]
    new_client_id: Callable[[], bytes]
