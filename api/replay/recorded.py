"""What a recording says happened: events that every reader yields and the feed turns to commands.

They tell the venue's truth after the fact. An `Aggression` carries the fills that the recording
shows; everything else is about orders that rest.
"""

from collections.abc import Iterator
from typing import Final, Protocol

import msgspec

from api.replay.intents import Repairs
from ledger.records.codes import Side


class Add(msgspec.Struct, frozen=True, gc=False):
    """An order came to rest behind the others at its price.

    Attributes:
        time_ns: When the source recorded it, from an origin of its own.
        key: The source's name of the order.
        side, price_ticks, qty_lots: What rests.
        seeded: It was there before the recording began; the reader worked it out.
    """

    time_ns: int
    key: int
    side: Side
    price_ticks: int
    qty_lots: int
    seeded: bool = False


class Reduce(msgspec.Struct, frozen=True, gc=False):
    """An order shrank in its place by `lots`; by all that is open, or more, it ends.

    `traded` says that a fill did it, which no recorded aggressor explains; else its owner did.
    """

    time_ns: int
    key: int
    lots: int
    traded: bool = False


class Modify(msgspec.Struct, frozen=True, gc=False):
    """An order now stands so. Another price or more lots loses its place."""

    time_ns: int
    key: int
    side: Side
    price_ticks: int
    qty_lots: int


class Fill(msgspec.Struct, frozen=True, gc=False):
    """A resting order gave `lots` at `price_ticks`."""

    key: int
    price_ticks: int
    lots: int


class Aggression(msgspec.Struct, frozen=True, gc=False):
    """An order met the book.

    Attributes:
        time_ns: When.
        side: The aggressor's.
        limit_ticks: Its limit; the worst recorded price where the recording does not tell it.
        qty_lots: Its size; the sum of its visible fills where the recording does not tell it.
        fills: What the recording says it took, in order. Empty: only hidden orders gave.
        hidden_lots: What orders gave that no book showed.
        key: Its own name, when what is left of it rests.
        rest_lots: What the recording leaves of it in the book; 0 without a key.
    """

    time_ns: int
    side: Side
    limit_ticks: int
    qty_lots: int
    fills: tuple[Fill, ...]
    hidden_lots: int = 0
    key: int | None = None
    rest_lots: int = 0


class Clear(msgspec.Struct, frozen=True, gc=False):
    """The book is empty: a session began, or the recorder starts again after a gap."""

    time_ns: int


Recorded = Add | Reduce | Modify | Aggression | Clear


class Terms(msgspec.Struct, frozen=True, gc=False):
    """How a format's integers are to be read.

    Attributes:
        format: Its name.
        notional_num, notional_den: quote minor units of one tick times one lot.
        rounding_lots: By how much two records of one fill may differ.
        late_ns: How late a cancel may be recorded; 0 for a feed that the venue numbered.
    """

    format: str
    notional_num: int
    notional_den: int
    rounding_lots: int = 0
    late_ns: int = 0


ROWS_MAX: Final = 1 << 28
"""Rows that a replay reads at most, when not told otherwise: some days of the busiest stock."""


class Tape(Protocol):
    """A recording. Each iteration reads the file anew and counts its repairs anew."""

    repairs: Repairs

    @property
    def terms(self) -> Terms:
        """How its integers are to be read."""
        ...

    @property
    def bytes_read(self) -> int:
        """How much of the file has been read, packed or not: for a progress bar."""
        ...

    def __iter__(self) -> Iterator[Recorded]:
        """The events, in order."""
        ...
