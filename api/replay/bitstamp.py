"""Reads Bitstamp's order-event CSV (created, changed, deleted), gzipped or plain.

Columns: id, timestamp, exchange.timestamp, price, volume, action, direction; price in quote units
with decimals, volume in 1e-8 base units, timestamp in milliseconds. The recorder of the public file
lost and reordered some messages, so every row goes through one documented rule (docs/replay.md) and
what was mended or left out is counted.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.replay.errors import NotThisFormat, TooManyOrders
from api.replay.intents import Action, Intent, Repairs
from api.replay.mirror import ORDERS_MAX
from api.replay.source import CUT_SHORT, Lines
from ledger.records.codes import Side
from matching.units import PRICE_TICKS_MAX, QTY_LOTS_MAX

HEADER: Final = "id,timestamp,exchange.timestamp,price,volume,action,direction"
PRICE_DECIMALS: Final = 2
NS_PER_MS: Final = 1_000_000
DIGITS_MAX: Final = 18
"""Of a key or a time: an int64 always holds them, in nanoseconds too where it is a time of day."""
TIME_MS_MAX: Final = 2**63 // NS_PER_MS
SIDES: Final = {"bid": Side.BUY, "ask": Side.SELL}
CLOSED_MAX: Final = 1 << 20
"""Ended orders that are remembered, so that what comes late for them can be told apart."""


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """One row. `volume` is what the order has open after it, in 1e-8 base units."""

    key: int
    time_ns: int
    price_ticks: int
    volume: int
    action: str
    side: Side


def _number(text: str) -> int:
    if not text.isdigit() or len(text) > DIGITS_MAX:
        raise ValueError(text)
    return int(text)


def _ticks(text: str) -> int:
    """`236.47` → 23647, by digits, so that no float is in between."""
    whole, _, part = text.partition(".")
    if len(part) > PRICE_DECIMALS:
        raise ValueError(text)
    return _number(whole + part.ljust(PRICE_DECIMALS, "0"))


def _parse(line: str) -> ParsedRow:
    """Read one row.

    Raises:
        ValueError, KeyError: It is malformed; the caller counts it.
    """
    key, time_ms, _, price, volume, action, direction = line.split(",")
    parsed = ParsedRow(
        key=_number(key),
        time_ns=_number(time_ms) * NS_PER_MS,
        price_ticks=_ticks(price),
        volume=_number(volume),
        action=action,
        side=SIDES[direction],
    )
    in_range = 0 < parsed.price_ticks <= PRICE_TICKS_MAX and parsed.volume <= QTY_LOTS_MAX
    if not in_range or parsed.time_ns >= TIME_MS_MAX * NS_PER_MS:
        raise ValueError(line)
    return parsed


def parsed_rows(lines: Lines, repairs: Repairs, rows_max: int | None) -> Iterator[ParsedRow]:
    """Every well-formed row; the others are counted.

    Raises:
        NotThisFormat: The header is another one.
        DamagedFile: It cannot be unpacked.
        OSError: The file cannot be read.
    """
    text = iter(lines)
    header = next(text, "")
    if header != HEADER:
        raise NotThisFormat(str(lines.path), header[:200])
    for line in text:
        if repairs.rows == rows_max:
            return
        repairs.rows += 1
        try:
            yield _parse(line)
        except (ValueError, KeyError):
            repairs.counts["malformed row left out"] += 1
    if lines.cut_short:
        repairs.counts[CUT_SHORT] += 1


class Lives:
    """Which orders are open in the file, as it last described them."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._open: dict[int, ParsedRow] = {}
        self._closed: dict[int, None] = {}

    def follow(self, row: ParsedRow) -> ParsedRow | None:
        """Take in one row.

        Returns:
            What was known of its order before (a created row itself), or None when the row makes no
            sense and is left out and counted.

        Raises:
            TooManyOrders: More orders are open than a replay keeps.
        """
        known = self._open.get(row.key)
        wrong = self._wrong(row, known)
        if wrong is not None:
            self._counts[wrong] += 1
            return None
        if row.action == "deleted":
            del self._open[row.key]
            self._closed[row.key] = None
            if len(self._closed) > CLOSED_MAX:
                del self._closed[next(iter(self._closed))]
            return known
        if known is None and len(self._open) >= ORDERS_MAX:
            raise TooManyOrders(ORDERS_MAX)
        self._open[row.key] = row
        return known or row

    def _wrong(self, row: ParsedRow, known: ParsedRow | None) -> str | None:
        ended = row.key in self._closed
        state = "after deleted" if ended else "of an unseen order"
        if row.action == "created":
            again = known is not None or ended or row.volume == 0
            return "created twice, or empty: left out" if again else None
        if known is None:
            return f"{_word(row.action)} {state}: left out"
        if row.action == "deleted":
            return None
        if row.action != "changed":
            return "unknown action: left out"
        if row.side is not known.side:
            return "changed side: left out"
        same = row.price_ticks == known.price_ticks and row.volume == known.volume
        return "changed nothing: left out" if same else None


def _word(action: str) -> str:
    """A file's own word enters a count only when it is one of the known ones."""
    return action if action in ("changed", "deleted") else "unknown action"


def _ask(action: Action, row: ParsedRow) -> Intent:
    return Intent(action, row.key, row.side, row.price_ticks, row.volume, time_ns=row.time_ns)


def _cancel(known: ParsedRow, row: ParsedRow) -> Intent:
    """Cancel the order as it is known, at the time of the row that says so."""
    price = known.price_ticks
    return Intent(Action.CANCEL, known.key, known.side, price, 0, time_ns=row.time_ns)


class BitstampDay:
    """A recorded day as intents. Each iteration reads the file anew and counts its repairs anew."""

    def __init__(self, path: Path, rows_max: int | None = None) -> None:
        self.path = path
        self.rows_max = rows_max
        self.repairs = Repairs()

    def __iter__(self) -> Iterator[Intent]:
        """Every usable row's intents, in the file's order.

        Raises:
            NotThisFormat: The header is another one.
            DamagedFile: It cannot be unpacked.
            TooManyOrders: It holds more open orders than a replay keeps.
            OSError: The file cannot be read.
        """
        self.repairs = Repairs()
        lives = Lives(self.repairs.counts)
        for row in parsed_rows(Lines(self.path), self.repairs, self.rows_max):
            known = lives.follow(row)
            if known is not None:
                yield from self._intents(row, known)

    def _intents(self, row: ParsedRow, known: ParsedRow) -> Iterator[Intent]:
        """A smaller volume is an amend; more, or another price, loses its place in the queue."""
        if row.action == "created":
            yield _ask(Action.ADD, row)
        elif row.action == "deleted" or row.volume == 0:
            yield _cancel(known, row)
        elif row.price_ticks == known.price_ticks and row.volume < known.volume:
            yield _ask(Action.AMEND, row)
        else:
            self.repairs.counts["changed price or grew: cancelled and added anew"] += 1
            yield _cancel(known, row)
            yield _ask(Action.ADD, row)
