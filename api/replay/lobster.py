"""Reads LOBSTER message files (NASDAQ, one stock, one day), gzipped or plain, without a header.

Columns: time (seconds after midnight), type, order id, size, price (dollars times 10,000), and the
direction of the resting order. Format: lobsterdata.com, "Output structure".

The file names resting orders only: an aggressor shows as a run of executions at one moment against
one side, each at no better a price than the one before. It also refers to orders that were in the
book before it begins. A first pass over the file finds them, and they are seeded in the order of
their ids, which NASDAQ gives out in the order of arrival (docs/replay.md).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from api.replay.errors import DamagedFile, TooManyOrders
from api.replay.intents import Repairs
from api.replay.mirror import ORDERS_MAX
from api.replay.recorded import ROWS_MAX, Add, Aggression, Fill, Recorded, Reduce, Terms
from api.replay.source import CUT_SHORT, Lines
from ledger.records.codes import Side

TERMS: Final = Terms(format="LOBSTER messages", notional_num=1, notional_den=1)
ADDED, REDUCED, DELETED, EXECUTED, HIDDEN, CROSS, HALT = range(1, 8)
NS_DIGITS: Final = 9
DIGITS_MAX: Final = 18
"""Of any number in a row: what an int64 always holds."""
NUMBER: Final = re.compile(r"-?\d{1,18}", re.ASCII)
MESSAGE: Final = re.compile(
    r"(\d{1,9})(?:\.(\d{1,18}))?,"  # seconds
    r"([1-7]),"  # type
    r"(-?\d{1,18}),(-?\d{1,18}),(-?\d{1,18}),"  # order id, size, price
    r"(1|-1)(?:,[^,]*)?",  # direction; some years' files then name the market participant
    re.ASCII,
)
LEVEL_FIELDS: Final = 4
MALFORMED: Final = "malformed row left out"


class _Row(msgspec.Struct, frozen=True, gc=False):
    time_ns: int
    kind: int
    key: int
    lots: int
    price_ticks: int
    side: Side


def parse_message(line: str) -> _Row:
    """Read one line; of the time, what is finer than a nanosecond is cut.

    Raises:
        ValueError: It is malformed; the caller counts it.
    """
    found = MESSAGE.fullmatch(line)
    if found is None:
        raise ValueError(line)
    seconds, part, kind, key, lots, price, direction = found.groups("")
    row = _Row(
        int(seconds) * 10**NS_DIGITS + int(part[:NS_DIGITS].ljust(NS_DIGITS, "0")),
        int(kind),
        int(key),
        int(lots),
        int(price),
        Side.BUY if direction == "1" else Side.SELL,
    )
    if row.kind <= HIDDEN and row.lots <= 0:
        raise ValueError(line)
    return row


class _Before(msgspec.Struct):
    """An order that the file refers to and never added: what it is known to have held."""

    side: Side
    price_ticks: int
    lots: int


class LobsterDay:
    """A message file as recorded events, with the first line of its order-book file if given."""

    def __init__(self, messages: Path, book: Path | None = None, rows_max: int = ROWS_MAX) -> None:
        self.lines = Lines(messages)
        self.book = book
        self.rows_max = rows_max
        self.terms = TERMS
        self.repairs = Repairs()

    @property
    def bytes_read(self) -> int:
        """How much of the file has been read, packed or not."""
        return self.lines.bytes_read

    def __iter__(self) -> Iterator[Recorded]:
        """The events, in the file's order, orders from before it first.

        Raises:
            DamagedFile: It cannot be unpacked, or the order-book file is none.
            TooManyOrders: It refers to more orders than a replay keeps.
            OSError: A file cannot be read.
        """
        self.repairs = Repairs()
        before, first_key, first = self._find_before()
        self.repairs = Repairs()
        yield from self._opening(before, first_key, first)
        waiting = sorted(before, reverse=True)
        run: list[_Row] = []
        for row in self._rows():
            if run and not _continues(run[-1], row):
                yield _aggression(run)
                run = []
            if row.kind == ADDED or (row.kind <= EXECUTED and row.key in before):
                # Whatever has a smaller id was there before this order.
                while waiting and waiting[-1] <= row.key:
                    yield from self._seed(before, waiting.pop(), row.time_ns)
            if row.kind in (EXECUTED, HIDDEN):
                run.append(row)
            else:
                yield from self._resting(row)
        if run:
            yield _aggression(run)

    def _rows(self) -> Iterator[_Row]:
        for line in self.lines:
            if self.repairs.rows == self.rows_max:
                return
            self.repairs.rows += 1
            try:
                yield parse_message(line)
            except ValueError:
                self.repairs.counts[MALFORMED] += 1
        if self.lines.cut_short:
            self.repairs.counts[CUT_SHORT] += 1

    def _resting(self, row: _Row) -> Iterator[Recorded]:
        if row.kind == ADDED:
            yield Add(row.time_ns, row.key, row.side, row.price_ticks, row.lots)
        elif row.kind in (REDUCED, DELETED):
            # A deletion's size is what was open: it ends the order whatever is open here.
            lots = row.lots if row.kind == REDUCED else 10**DIGITS_MAX
            yield Reduce(row.time_ns, row.key, lots)
        elif row.kind == CROSS:
            self.repairs.counts["cross trade: no order of the book gave"] += 1
        else:
            self.repairs.counts["halt message: noted"] += 1

    # Orders from before the file.

    def _find_before(self) -> tuple[dict[int, _Before], int | None, _Row | None]:
        """Read the file once: unknown orders by key, the first key added, the first message."""
        before: dict[int, _Before] = {}
        added: dict[int, int] = {}
        first_key, first = None, None
        for row in self._rows():
            first = first or row
            if row.kind == ADDED:
                first_key = row.key if first_key is None else first_key
                added[row.key] = row.lots
            elif row.kind > EXECUTED:
                continue
            elif row.key in added:
                added[row.key] -= row.lots
                if row.kind == DELETED or added[row.key] <= 0:
                    del added[row.key]
            else:
                known = before.setdefault(row.key, _Before(row.side, row.price_ticks, 0))
                known.lots += row.lots
            if len(added) + len(before) > ORDERS_MAX:
                raise TooManyOrders(ORDERS_MAX)
        return before, first_key, first

    def _seed(self, before: dict[int, _Before], key: int, time_ns: int) -> Iterator[Recorded]:
        known = before.pop(key, None)
        if known is not None:
            self.repairs.counts["order from before the file or outside its levels: seeded"] += 1
            side, price_ticks, lots = known.side, known.price_ticks, known.lots
            yield Add(time_ns, key, side, price_ticks, lots, seeded=True)

    def _opening(
        self, before: dict[int, _Before], first_key: int | None, first: _Row | None
    ) -> Iterator[Recorded]:
        """What the order-book file's first line shows beyond the orders that are known by name."""
        if self.book is None or first is None:
            return
        shown = _first_levels(self.book)
        _undo(shown, first)
        for key in sorted(before):
            if first_key is not None and key >= first_key:
                break
            known = before[key]
            place = known.side, known.price_ticks
            if place in shown:
                shown[place] -= known.lots
        for key in [key for key in sorted(before) if first_key is None or key < first_key]:
            yield from self._seed(before, key, first.time_ns)
        rests = [(place, lots) for place, lots in sorted(shown.items()) if lots > 0]
        for nameless, ((side, price_ticks), lots) in enumerate(rests, start=1):
            self.repairs.counts["level of the order-book file: rest seeded without name"] += 1
            yield Add(first.time_ns, -nameless, side, price_ticks, lots, seeded=True)


def _continues(last: _Row, row: _Row) -> bool:
    """Whether an execution can be the same aggressor's as the one before it."""
    if row.kind not in (EXECUTED, HIDDEN) or (row.time_ns, row.side) != (last.time_ns, last.side):
        return False
    if row.side is Side.BUY:
        return row.price_ticks <= last.price_ticks
    return row.price_ticks >= last.price_ticks


def _aggression(run: list[_Row]) -> Aggression:
    """One aggressor of a run of executions: it came from the other side than they rested on."""
    visible = [row for row in run if row.kind == EXECUTED]
    return Aggression(
        time_ns=run[0].time_ns,
        side=Side(1 - run[0].side),
        limit_ticks=visible[-1].price_ticks if visible else run[-1].price_ticks,
        qty_lots=sum(row.lots for row in visible),
        fills=tuple(Fill(row.key, row.price_ticks, row.lots) for row in visible),
        hidden_lots=sum(row.lots for row in run if row.kind == HIDDEN),
    )


def _first_levels(path: Path) -> dict[tuple[Side, int], int]:
    """Sizes by side and price of an order-book file's first line; its empty levels left out.

    Raises:
        DamagedFile: It is no order-book file.
    """
    line = next(iter(Lines(path)), "")
    texts = line.split(",")
    if not all(NUMBER.fullmatch(text) for text in texts):
        raise DamagedFile(str(path), 1, "a number is none")
    numbers = [int(text) for text in texts]
    if len(numbers) % LEVEL_FIELDS:
        raise DamagedFile(str(path), 1, "a level has four numbers")
    shown: dict[tuple[Side, int], int] = {}
    for at in range(0, len(numbers), LEVEL_FIELDS):
        ask_ticks, ask_lots, bid_ticks, bid_lots = numbers[at : at + LEVEL_FIELDS]
        if ask_lots > 0:
            shown[Side.SELL, ask_ticks] = ask_lots
        if bid_lots > 0:
            shown[Side.BUY, bid_ticks] = bid_lots
    return shown


def _undo(shown: dict[tuple[Side, int], int], first: _Row) -> None:
    """The order-book line shows the book after the first message."""
    if first.kind > EXECUTED:
        return
    place = first.side, first.price_ticks
    sign = -1 if first.kind == ADDED else 1
    shown[place] = shown.get(place, 0) + sign * first.lots
