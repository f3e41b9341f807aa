"""Reads Bitstamp's order-event CSV (created, changed, deleted), gzipped or plain.

Columns: id, timestamp, exchange.timestamp, price, volume, action, direction; price in quote units
with decimals, volume in 1e-8 base units, timestamp in milliseconds. The recorder of the public file
lost and reordered some messages, so every row goes through one documented rule (docs/replay.md) and
what was mended or left out is counted.
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from api.replay.intents import Action, Intent, Repairs
from ledger.records.codes import Side
from matching.units import PRICE_TICKS_MAX, QTY_LOTS_MAX

COLUMNS: Final = (
    "id", "timestamp", "exchange.timestamp", "price", "volume", "action", "direction"
)  # fmt: skip
PRICE_DECIMALS: Final = 2
NS_PER_MS: Final = 1_000_000
SIDES: Final = {"bid": Side.BUY, "ask": Side.SELL}


class ReplayError(Exception):
    """Base of what can be wrong with a recorded flow as a whole."""

    def __str__(self) -> str:
        """Show the facts."""
        return repr(self)


@dataclass(eq=False)
class NotThisFormat(ReplayError):
    """The file's first line is not this format's header."""

    path: str
    found: str


@dataclass(frozen=True, slots=True)
class _Row:
    key: int
    time_ns: int
    price_ticks: int
    volume: int
    action: str
    side: Side


def _ticks(text: str) -> int:
    """`236.47` → 23647, by digits, so that no float is in between."""
    whole, _, part = text.partition(".")
    if len(part) > PRICE_DECIMALS or not (whole + part).isascii() or not (whole + part).isdigit():
        raise ValueError(text)
    return int(whole + part.ljust(PRICE_DECIMALS, "0"))


def _parse(row: list[str]) -> _Row:
    """Read one row.

    Raises:
        ValueError, KeyError: It is malformed; the caller counts it.
    """
    key, time_ms, _, price, volume, action, direction = row
    parsed = _Row(
        key=int(key),
        time_ns=int(time_ms) * NS_PER_MS,
        price_ticks=_ticks(price),
        volume=int(volume),
        action=action,
        side=SIDES[direction],
    )
    if not (0 < parsed.price_ticks <= PRICE_TICKS_MAX and 0 <= parsed.volume <= QTY_LOTS_MAX):
        raise ValueError(row)
    return parsed


def _ask(action: Action, row: _Row) -> Intent:
    return Intent(action, row.key, row.side, row.price_ticks, row.volume, time_ns=row.time_ns)


def _cancel(known: _Row, row: _Row) -> Intent:
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
            OSError: The file cannot be read.
        """
        self.repairs = Repairs()
        open_orders: dict[int, _Row] = {}
        closed: set[int] = set()
        with self._open() as text:
            reader = csv.reader(text)
            header = next(reader, [])
            if tuple(header) != COLUMNS:
                raise NotThisFormat(str(self.path), ",".join(header)[:200])
            for raw in reader:
                if self.rows_max is not None and self.repairs.rows == self.rows_max:
                    break
                self.repairs.rows += 1
                try:
                    row = _parse(raw)
                except (ValueError, KeyError):
                    self.repairs.counts["malformed row left out"] += 1
                    continue
                yield from self._intents(row, open_orders, closed)

    def _open(self) -> TextIOWrapper:
        with self.path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        opener = gzip.open if zipped else Path.open
        stream = opener(self.path, "rt", encoding="ascii", errors="replace", newline="")
        assert isinstance(stream, TextIOWrapper)
        return stream

    def _intents(self, row: _Row, live: dict[int, _Row], closed: set[int]) -> Iterator[Intent]:
        count = self.repairs.counts
        known = live.get(row.key)
        if row.action == "created":
            if known is not None or row.key in closed or row.volume == 0:
                count["created twice, or empty: left out"] += 1
                return
            live[row.key] = row
            yield _ask(Action.ADD, row)
        elif known is None:
            late = row.key in closed
            count[
                f"{row.action} {'after deleted' if late else 'of an unseen order'}: left out"
            ] += 1
        elif row.action == "deleted":
            del live[row.key]
            closed.add(row.key)
            yield Intent(
                Action.CANCEL, row.key, known.side, known.price_ticks, 0, time_ns=row.time_ns
            )
        elif row.action == "changed":
            yield from self._changed(row, known, live)
        else:
            count["unknown action: left out"] += 1

    def _changed(self, row: _Row, known: _Row, live: dict[int, _Row]) -> Iterator[Intent]:
        """A smaller volume is an amend; more, or another price, loses its place in the queue."""
        count = self.repairs.counts
        live[row.key] = row
        if row.side != known.side:
            live[row.key] = known
            count["changed side: left out"] += 1
        elif row.price_ticks == known.price_ticks and row.volume == known.volume:
            count["changed nothing: left out"] += 1
        elif row.volume == 0:
            yield Intent(
                Action.CANCEL, row.key, row.side, known.price_ticks, 0, time_ns=row.time_ns
            )
        elif row.price_ticks == known.price_ticks and row.volume < known.volume:
            yield _ask(Action.AMEND, row)
        else:
            count["changed price or grew: cancelled and added anew"] += 1
            yield Intent(
                Action.CANCEL, row.key, row.side, known.price_ticks, 0, time_ns=row.time_ns
            )
            yield _ask(Action.ADD, row)
