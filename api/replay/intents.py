"""What a recorded or invented order flow asks for, before anybody's account is attached."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from ledger.records.codes import OrderType, Side, TimeInForce


class Action(IntEnum):
    """The three things that a flow does to an order."""

    ADD = 0
    AMEND = 1
    CANCEL = 2


@dataclass(frozen=True, slots=True)
class Intent:
    """One step of a flow.

    Attributes:
        action: What to do.
        key: The flow's own name of the order; unique among its live orders.
        side: The order's side.
        price_ticks: Limit; 0 for a market order.
        qty_lots: ADD: the size. AMEND: what should be left open. CANCEL: 0.
        order_type, time_in_force: For ADD.
        time_ns: When the source recorded it; 0 for an invented flow.
    """

    action: Action
    key: int
    side: Side
    price_ticks: int
    qty_lots: int
    order_type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    time_ns: int = 0


@dataclass(slots=True)
class Repairs:
    """How many rows of a source were mended or left out, by rule (docs/replay.md)."""

    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)


class Flow(Protocol):
    """A source of intents that counts its repairs while it is read."""

    repairs: Repairs

    def __iter__(self) -> Iterator[Intent]:
        """The intents, in order."""
        ...
