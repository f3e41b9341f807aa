"""Bitstamp's order events as recorded events: which orders met whom, from sizes that fell together.

The file has no trades. When two orders trade, both shrink by the same size (give or take the
recorder's rounding) within moments: such a pair of falls is one fill, and of the two orders the
one that got its price later is the aggressor (market orders show as orders that change their price
again and again). To know an aggressor's fills when its row comes, rows are read ahead by `AHEAD_NS`
of recorded time.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from api.replay.bitstamp import Lives, ParsedRow, parsed_rows
from api.replay.intents import Repairs
from api.replay.recorded import (
    ROWS_MAX,
    Add,
    Aggression,
    Fill,
    Modify,
    Recorded,
    Reduce,
    Terms,
)
from api.replay.source import Lines
from ledger.records.codes import Side
from matching.units import QTY_LOTS_MAX

ROUNDING_LOTS: Final = 2
"""Two records of one fill differ by at most so many 1e-8: the recorder went through floats."""
AHEAD_NS: Final = 5_000_000_000
AHEAD_ROWS: Final = 4096
FALLS_MAX: Final = 256
"""Falls that wait for their other side."""
ALL_LOTS: Final = QTY_LOTS_MAX
TERMS: Final = Terms(
    format="Bitstamp order events",
    notional_num=1,
    notional_den=100,
    rounding_lots=ROUNDING_LOTS,
    late_ns=AHEAD_NS,
)


@dataclass(slots=True, eq=False)
class _Step:
    """One row, read: what it did to its order, and later what it turned out to be.

    Attributes:
        row: As parsed.
        priced: The number of the row that gave its order its place in the queue: of two orders that
            trade, the one with the later row is the aggressor.
        fell_lots: By how much its order shrank in a way that a fill would explain; 0 for none.
        gone_lots: What its owner took off: the rest of a deleted order.
        partner: The step of the other order of the same fill.
        fills: Of a row that gave a price: the steps of the orders that gave, in the file's order.
        used: Its fall is told with an aggressor.
        told: It has left the window.
    """

    row: ParsedRow
    priced: int
    fell_lots: int = 0
    gone_lots: int = 0
    partner: "_Step | None" = None
    fills: list["_Step"] = field(default_factory=list)
    used: bool = False
    told: bool = False


class BitstampTape:
    """A recorded day as events. Each iteration reads the file anew and counts its repairs anew."""

    def __init__(self, path: Path, rows_max: int = ROWS_MAX) -> None:
        self.lines = Lines(path)
        self.rows_max = rows_max
        self.terms = TERMS
        self.repairs = Repairs()

    @property
    def bytes_read(self) -> int:
        """How much of the file has been read, packed or not."""
        return self.lines.bytes_read

    def __iter__(self) -> Iterator[Recorded]:
        """The events, in the file's order.

        Raises:
            NotThisFormat: The header is another one.
            DamagedFile: It cannot be unpacked.
            TooManyOrders: It holds more open orders than a replay keeps.
            OSError: The file cannot be read.
        """
        self.repairs = Repairs()
        self._lives = Lives(self.repairs.counts)
        self._fresh: dict[int, _Step] = {}
        self._priced: dict[int, int] = {}
        self._falls: deque[_Step] = deque(maxlen=FALLS_MAX)
        window: deque[_Step] = deque()
        for row in parsed_rows(self.lines, self.repairs, self.rows_max):
            step = self._step(row)
            if step is None:
                continue
            window.append(step)
            while len(window) > AHEAD_ROWS or window[0].row.time_ns < row.time_ns - AHEAD_NS:
                yield from self._tell(window.popleft())
        while window:
            yield from self._tell(window.popleft())

    # Reading: what a row did to its order.

    def _step(self, row: ParsedRow) -> _Step | None:
        known = self._lives.follow(row)
        if known is None:
            return None
        grew = row.price_ticks != known.price_ticks or row.volume > known.volume
        if row.action != "deleted" and (known is row or grew):
            step = _Step(row, self.repairs.rows)
            self._fresh[row.key] = step
            self._priced[row.key] = step.priced
            return step
        # A deleted row's own side and price are not to be trusted more than what was known.
        row = replace(row, side=known.side, price_ticks=known.price_ticks)
        step = _Step(row, self._priced[row.key])
        if row.action == "deleted":
            step.gone_lots = row.volume
            del self._priced[row.key]
        if row.volume < known.volume:
            step.fell_lots = known.volume - row.volume
            self._pair(step)
        return step

    def _pair(self, step: _Step) -> None:
        """Find the other side of a fill among the last moments' falls: the nearest in size."""
        falls, since_ns = self._falls, step.row.time_ns - AHEAD_NS
        while falls and (falls[0].told or falls[0].row.time_ns < since_ns):
            falls.popleft()
        near = [
            other
            for other in falls
            if other.row.side is not step.row.side
            and _could_meet(other, step)
            and abs(other.fell_lots - step.fell_lots) <= ROUNDING_LOTS
        ]
        if not near:
            falls.append(step)
            return
        partner = min(near, key=lambda one: (abs(one.fell_lots - step.fell_lots), -one.row.time_ns))
        falls.remove(partner)
        step.partner, partner.partner = partner, step
        giver, taker = sorted((step, partner), key=lambda one: one.priced)
        fresh = self._fresh.get(taker.row.key)
        if fresh is not None and fresh.priced == taker.priced and not giver.told:
            fresh.fills.append(giver)
            giver.used = taker.used = True

    # Telling: events, once all that belongs to a row was read.

    def _tell(self, step: _Step) -> Iterator[Recorded]:
        row, step.told = step.row, True
        fresh = self._fresh.get(row.key)
        if fresh is step:
            del self._fresh[row.key]
        if row.action == "created":
            yield _aggression(step) if step.fills else _add(row)
        elif step.fills:
            yield Reduce(row.time_ns, row.key, ALL_LOTS)
            yield _aggression(step)
        elif step.fell_lots or step.gone_lots or row.action == "deleted":
            yield from self._shrink(step)
        else:
            yield Modify(row.time_ns, row.key, row.side, row.price_ticks, row.volume)

    def _shrink(self, step: _Step) -> Iterator[Recorded]:
        row = step.row
        if step.fell_lots and not step.used:
            self._count_lone(step)
            yield Reduce(row.time_ns, row.key, step.fell_lots, traded=True)
        if step.gone_lots:
            yield Reduce(row.time_ns, row.key, ALL_LOTS)

    def _count_lone(self, step: _Step) -> None:
        """A fall that no aggressor explains: the book follows it all the same."""
        count = self.repairs.counts
        if step.partner is not None:
            count["fill between two orders that both rested: followed"] += 1
        elif step.fell_lots <= ROUNDING_LOTS:
            count["size mended by the recorder's rounding: followed"] += 1
        else:
            count["fill whose other side is missing: followed"] += 1


def _could_meet(one: _Step, other: _Step) -> bool:
    """Whether the bid of the two pays what the ask wants."""
    bid, ask = (one, other) if one.row.side is Side.BUY else (other, one)
    return bid.row.price_ticks >= ask.row.price_ticks


def _add(row: ParsedRow) -> Add:
    return Add(row.time_ns, row.key, row.side, row.price_ticks, row.volume)


def _aggression(step: _Step) -> Aggression:
    row, left = step.row, step.row.volume
    for giver in step.fills:
        assert giver.partner is not None, "it was paired"
        left -= giver.partner.fell_lots
    fills = tuple(Fill(one.row.key, one.row.price_ticks, one.fell_lots) for one in step.fills)
    return Aggression(
        row.time_ns, row.side, row.price_ticks, row.volume, fills,
        key=row.key, rest_lots=max(0, left),
    )  # fmt: skip
