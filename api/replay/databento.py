"""Reads Databento's binary market-by-order files (DBN versions 1 to 3, plain or Zstandard).

One book is replayed: the busiest (publisher, instrument) of the file, or of the instrument that is
asked for. T and F records name an aggressor's trade and the orders that gave; neither changes the
book. What they took off comes as C or M records of the same moment, which are nobody's cancels: the
lots that F records explain are told once, with the aggressor. Prices come in units of 1e-9; the
engine's tick is the largest step that divides all prices of the book.
"""

from collections import Counter
from collections.abc import Iterator
from math import gcd
from pathlib import Path
from typing import Final

import msgspec
from databento_dbn import Compression, DBNDecoder, DBNError, MBOMsg, Metadata

from api.replay.errors import DamagedFile, NoSuchBook
from api.replay.intents import Repairs
from api.replay.recorded import (
    ROWS_MAX,
    Add,
    Aggression,
    Clear,
    Fill,
    Modify,
    Recorded,
    Reduce,
    Terms,
)
from api.replay.source import CUT_SHORT
from ledger.records.codes import Side

CHUNK_BYTES: Final = 1 << 20
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
DBN_MAGIC: Final = b"DBN"
UNDEF_PRICE: Final = 2**63 - 1
BOOKS_MAX: Final = 1 << 16
"""Books that are counted when none is named; more is no file of one session."""
SNAPSHOT: Final = 32
MAYBE_BAD_BOOK: Final = 4
SIDES: Final = {"B": Side.BUY, "A": Side.SELL}

Book = tuple[int, int]
"""Publisher and instrument."""


class _Row(msgspec.Struct, frozen=True, gc=False):
    time_ns: int
    action: str
    side: Side | None
    key: int
    price: int
    lots: int
    flags: int


class _Trade:
    """The aggressor that is being read: trades at one moment by one side.

    `key` is its own order, where the venue's T records name it; else 0.
    """

    def __init__(self, time_ns: int) -> None:
        self.time_ns = time_ns
        self.side: Side | None = None
        self.key = 0
        self.traded_lots = 0
        self.fills: list[Fill] = []

    def takes(self, row: _Row) -> bool:
        """Whether a T or F record can be of this aggressor."""
        if row.time_ns != self.time_ns:
            return False
        if self.fills_itself(row):
            return True
        side = _aggressor_side(row)
        other = row.action == "T" and row.key and self.key and row.key != self.key
        return not other and (side is None or self.side in (None, side))

    def fills_itself(self, row: _Row) -> bool:
        """Whether an F record is the aggressor's own: CME lists every order that a trade filled."""
        own = self.traded_lots and row.action == "F" and row.side is self.side is not None
        return bool(own) and self.key in (0, row.key)


class DatabentoBook:
    """One book of a DBN file as recorded events. Each iteration reads the file anew."""

    def __init__(self, path: Path, instrument: int | None = None, rows_max: int = ROWS_MAX) -> None:
        self.path = path
        self.instrument = instrument
        self.rows_max = rows_max
        self.bytes_read = 0
        self.repairs = Repairs()
        self.terms = Terms(format="Databento market by order", notional_num=1, notional_den=1)
        self._tick = 1
        self._trade: _Trade | None = None
        self._explained: Counter[int] = Counter()
        """Lots that F records of this moment took, by order, and no C or M has told yet."""
        self._moment_ns = 0

    def __iter__(self) -> Iterator[Recorded]:
        """The events, in the file's order.

        Raises:
            DamagedFile: It is not DBN, of a later version, or broken.
            NoSuchBook: It holds no such instrument, or no order at all.
            OSError: The file cannot be read.
        """
        book = self._choose()
        self.repairs = Repairs()
        self._trade, self._moment_ns = None, 0
        self._explained.clear()
        for row in self._rows(book):
            if row.time_ns != self._moment_ns:
                self._moment_ns = row.time_ns
                self._explained.clear()
            yield from self._events(row)
        yield from self._end_trade()

    # Reading.

    def _records(self) -> Iterator[MBOMsg | None]:
        """Every record; None stands for one of another kind."""
        row, size = 0, self.path.stat().st_size
        self.bytes_read = 0
        with self.path.open("rb") as raw:
            zipped = raw.read(len(ZSTD_MAGIC)) == ZSTD_MAGIC
            raw.seek(0)
            packed = Compression.from_str("zstd" if zipped else "none")
            decoder = DBNDecoder(compression=packed)
            while chunk := raw.read(CHUNK_BYTES):
                self.bytes_read += len(chunk)
                try:
                    decoder.write(chunk)
                    found = decoder.decode()
                except BaseException as error:
                    if not _is_of_the_decoder(error):
                        raise
                    raise DamagedFile(str(self.path), row, str(error)) from error
                for record in found:
                    if isinstance(record, Metadata):
                        continue
                    if row == self.rows_max:
                        return
                    row += 1
                    yield record if isinstance(record, MBOMsg) else None
            if decoder.buffer():
                self.repairs.counts[CUT_SHORT] += 1
        if row == 0 and size:
            raise NoSuchBook(str(self.path), self.instrument or 0)

    def _choose(self) -> Book:
        """Read the file once: which book is the busiest, and its tick."""
        seen: Counter[Book] = Counter()
        ticks: dict[Book, int] = {}
        for record in self._records():
            if record is None or self.instrument not in (None, record.instrument_id):
                continue
            book = record.publisher_id, record.instrument_id
            if book not in seen and len(seen) >= BOOKS_MAX:
                continue
            seen[book] += 1
            # A trade's price is no order's: spreads and averages trade between the ticks.
            if record.price != UNDEF_PRICE and str(record.action) != "T":
                ticks[book] = gcd(ticks.get(book, 0), record.price)
        if not seen:
            raise NoSuchBook(str(self.path), self.instrument or 0)
        busiest = max(seen, key=lambda book: (seen[book], book))
        self._tick = ticks.get(busiest) or 1
        return busiest

    def _rows(self, book: Book) -> Iterator[_Row]:
        """The book's records; the others are counted."""
        count = self.repairs.counts
        for record in self._records():
            self.repairs.rows += 1
            if record is None:
                count["record that is no order event: left out"] += 1
            elif (record.publisher_id, record.instrument_id) != book:
                count["order event of another book: left out"] += 1
            else:
                yield self._row(record)

    def _row(self, record: MBOMsg) -> _Row:
        """An action or side that DBN does not have reads as none."""
        price = 0 if record.price == UNDEF_PRICE else record.price // self._tick
        return _Row(
            record.ts_event,
            str(record.action),
            SIDES.get(str(record.side)),
            record.order_id,
            price,
            record.size,
            record.flags,
        )

    # Understanding.

    def _events(self, row: _Row) -> Iterator[Recorded]:
        if row.flags & MAYBE_BAD_BOOK:
            self.repairs.counts["gap: the record says that its book may be bad"] += 1
        if row.action in ("T", "F"):
            if self._trade is not None and not self._trade.takes(row):
                yield from self._end_trade()
            self._note_trade(row)
            return
        told = self._explain(row)
        if told is None:
            return
        yield from self._end_trade()
        if row.action == "R":
            yield Clear(row.time_ns)
        elif row.action == "C":
            yield Reduce(row.time_ns, row.key, told)
        elif row.action in ("A", "M") and row.side is None:
            self.repairs.counts["order without a side: left out"] += 1
        elif row.action == "A":
            assert row.side is not None, "looked at above"
            seeded = bool(row.flags & SNAPSHOT)
            yield Add(row.time_ns, row.key, row.side, row.price, row.lots, seeded=seeded)
        elif row.action == "M":
            assert row.side is not None, "looked at above"
            yield Modify(row.time_ns, row.key, row.side, row.price, row.lots)

    def _explain(self, row: _Row) -> int | None:
        """The lots of a C record that no fill explains, or None when nothing is left to tell."""
        taken = self._explained.get(row.key, 0)
        if row.action == "N":
            return None
        if row.action == "C" and taken:
            self._explained[row.key] = max(0, taken - row.lots)
            return row.lots - taken if row.lots > taken else None
        return row.lots

    def _note_trade(self, row: _Row) -> None:
        trade = self._trade or _Trade(row.time_ns)
        self._trade = trade
        if trade.fills_itself(row):
            return
        side = _aggressor_side(row)
        if row.action == "T":
            trade.side = trade.side if side is None else side
            trade.key = trade.key or row.key
            trade.traded_lots += row.lots
        elif side is None:
            self.repairs.counts["fill without a side: left out"] += 1
        else:
            trade.side = side
            trade.fills.append(Fill(row.key, row.price, row.lots))
            self._explained[row.key] += row.lots

    def _end_trade(self) -> Iterator[Recorded]:
        """Tell the aggressor that was being read."""
        trade, self._trade = self._trade, None
        if trade is None:
            return
        if trade.side is None:
            self.repairs.counts["trade without a side or a fill: an auction, or hidden orders"] += 1
            trade.side = Side.BUY
        visible = sum(fill.lots for fill in trade.fills)
        worst = max if trade.side is Side.BUY else min
        limit_ticks = worst((fill.price_ticks for fill in trade.fills), default=0)
        hidden = max(0, trade.traded_lots - visible)
        yield Aggression(
            trade.time_ns, trade.side, limit_ticks, visible, tuple(trade.fills), hidden
        )


def _is_of_the_decoder(error: BaseException) -> bool:
    """Whether the package refused bytes.

    Zstandard's errors come through as RuntimeError, and a record that is shorter than its kind ends
    in a Rust panic, which is no Exception and has no class that could be imported.
    """
    return isinstance(error, DBNError | RuntimeError) or type(error).__name__ == "PanicException"


def _aggressor_side(row: _Row) -> Side | None:
    """A trade carries its aggressor's side, a fill the side of the order that gave."""
    if row.side is None:
        return None
    return row.side if row.action == "T" else Side(1 - row.side)
