"""Chooses the reader of a recording by its first bytes."""

from pathlib import Path
from typing import Final

from api.replay.bitstamp import HEADER
from api.replay.bitstamp_tape import BitstampTape
from api.replay.databento import DBN_MAGIC, ZSTD_MAGIC, DatabentoBook
from api.replay.errors import NotAFile, NotForThisFormat, UnknownFormat
from api.replay.lobster import LobsterDay, parse_message
from api.replay.recorded import ROWS_MAX, Tape
from api.replay.source import first_bytes

HEAD_BYTES: Final = 512


def open_recording(
    path: Path,
    book: Path | None = None,
    instrument: int | None = None,
    rows_max: int = ROWS_MAX,
) -> Tape:
    """The reader for a file; nothing but its first bytes is read yet.

    Args:
        path: LOBSTER messages, Databento MBO or Bitstamp order events.
        book: A LOBSTER order-book file, for what rested before.
        instrument: Databento's instrument id; the busiest when not given.
        rows_max: Rows or records to read at most.

    Raises:
        UnknownFormat: It is none of them.
        NotForThisFormat: `book` or `instrument` of a format that has none.
        NotAFile: It is a pipe or a device.
        DamagedFile: It begins like gzip and is not.
        OSError: It cannot be read.
    """
    tape = _reader(path, book, instrument, rows_max)
    for option, given, reader in (
        ("--book", book, LobsterDay),
        ("--instrument", instrument, DatabentoBook),
    ):
        if given is not None and not isinstance(tape, reader):
            raise NotForThisFormat(option, tape.terms.format)
    return tape


def _reader(path: Path, book: Path | None, instrument: int | None, rows_max: int) -> Tape:
    """What the first bytes ask for."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise NotAFile(str(path))
    head = first_bytes(path, HEAD_BYTES)
    if head.startswith((DBN_MAGIC, ZSTD_MAGIC)):
        return DatabentoBook(path, instrument, rows_max)
    line = head.split(b"\n", 1)[0].rstrip(b"\r").decode("ascii", "replace")
    if line == HEADER:
        return BitstampTape(path, rows_max)
    try:
        parse_message(line)
    except ValueError as error:
        raise UnknownFormat(str(path), line[:80]) from error
    return LobsterDay(path, book, rows_max)
