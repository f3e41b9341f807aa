"""Sanctions lists: read hostile files strictly, give each version a digest, diff two versions.

The format is the published one of OFAC digital-currency addresses: one file an asset, named
`sanctioned_addresses_<ASSET>.txt`, one address a line, ASCII. A file that was cut, that a proxy
replaced with a page, or that repeats itself is refused whole: a list that lost its tail would
approve what it should deny.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from compliance.canonical import Json, canonical, parse
from compliance.errors import (
    AddressMalformed,
    JsonRefused,
    SanctionsListMalformed,
    SanctionsListMissing,
    SanctionsListTooLarge,
)
from compliance.screening.address import canonical_address

OFAC: Final = "OFAC-SDN"
FILE_BYTES_MAX: Final = 64 * 1024 * 1024
LINE_BYTES_MAX: Final = 256
FILES_MAX: Final = 256
ENTRIES_MAX: Final = 4_000_000
SAMPLE: Final = "ofac-sample.json"

_FILE_NAME: Final = re.compile(r"sanctioned_addresses_([A-Z0-9]{2,10})\.txt")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One listed address: the family decides where it hits, the asset says how it was listed."""

    family: str
    address: str
    asset: str


@dataclass(frozen=True, slots=True)
class SanctionsList:
    """One version of one list.

    Attributes:
        name: As rule packs name it.
        as_of: The version's date, as far as its source tells; None when it does not.
        entries: Sorted, without duplicates.
        digest: SHA-256 over the canonical JSON of name and entries: equal lists, equal digests,
            whatever the files' line ends or order.
        sample: True for the few entries that ship with the program: for a devnet only.
    """

    name: str
    as_of: date | None
    entries: tuple[Entry, ...]
    digest: bytes
    sample: bool = False

    @property
    def version(self) -> str:
        """What a decision records."""
        label = "sample" if self.sample else str(self.as_of or "undated")
        return f"{self.name} {label} sha256:{self.digest.hex()}"


@dataclass(frozen=True, slots=True)
class ListDiff:
    """What a new version adds and removes; removals matter: a delisted payee may be paid again."""

    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]


def parse_address_file(name: str, data: bytes) -> tuple[Entry, ...]:
    """Read one published file.

    Args:
        name: File name; tells the asset.
        data: Its bytes.

    Raises:
        SanctionsListTooLarge: Above FILE_BYTES_MAX or ENTRIES_MAX.
        SanctionsListMalformed: Any line that is not exactly one address, a repeated address, a
            file without any, or a last line that is not ended: the file may have been cut.
    """
    match = _FILE_NAME.fullmatch(name)
    if match is None:
        raise SanctionsListMalformed(name, 0, "the name is not sanctioned_addresses_<ASSET>.txt")
    asset = match[1]
    if len(data) > FILE_BYTES_MAX:
        raise SanctionsListTooLarge(name, FILE_BYTES_MAX)
    if not data.endswith(b"\n"):
        raise SanctionsListMalformed(name, data.count(b"\n") + 1, "the last line is not ended")
    lines = data[:-1].split(b"\n")
    if len(lines) > ENTRIES_MAX:
        raise SanctionsListTooLarge(name, ENTRIES_MAX)
    found: dict[tuple[str, str], Entry] = {}
    for number, raw in enumerate(lines, 1):
        entry = _entry(name, number, asset, raw.removesuffix(b"\r"))
        if found.setdefault((entry.family, entry.address), entry) is not entry:
            raise SanctionsListMalformed(name, number, "an address for the second time")
    return tuple(sorted(found.values()))


def _entry(name: str, number: int, asset: str, raw: bytes) -> Entry:
    if len(raw) > LINE_BYTES_MAX:
        raise SanctionsListMalformed(name, number, f"longer than {LINE_BYTES_MAX} bytes")
    try:
        family, address = canonical_address(asset, raw.decode("ascii"))
    except UnicodeDecodeError:
        raise SanctionsListMalformed(name, number, "not ASCII") from None
    except AddressMalformed as error:
        raise SanctionsListMalformed(name, number, error.reason) from error
    return Entry(family, address, asset)


def load_directory(directory: Path, as_of: date | None = None) -> SanctionsList:
    """Read every published file of a directory as one list.

    Args:
        directory: Holds `sanctioned_addresses_*.txt`; other files are not ours and not read.
        as_of: The snapshot's date, when the operator knows it.

    Raises:
        SanctionsListMissing: No such directory, or none of the files in it.
        SanctionsListMalformed, SanctionsListTooLarge: See `parse_address_file`.
    """
    paths = sorted(directory.glob("sanctioned_addresses_*.txt")) if directory.is_dir() else []
    if not paths:
        raise SanctionsListMissing(str(directory))
    if len(paths) > FILES_MAX:
        raise SanctionsListTooLarge(str(directory), FILES_MAX)
    entries: list[Entry] = []
    for path in paths:
        # The size is asked first, so that a huge file is refused without being read.
        if path.stat().st_size > FILE_BYTES_MAX:
            raise SanctionsListTooLarge(path.name, FILE_BYTES_MAX)
        entries += parse_address_file(path.name, path.read_bytes())
    return make_list(OFAC, entries, as_of)


def make_list(
    name: str, entries: Iterable[Entry], as_of: date | None, *, sample: bool = False
) -> SanctionsList:
    """A list version from entries in any order."""
    ordered = tuple(sorted(set(entries)))
    document: list[Json] = [[entry.family, entry.address, entry.asset] for entry in ordered]
    digest = hashlib.sha256(canonical({"entries": document, "name": name})).digest()
    return SanctionsList(name, as_of, ordered, digest, sample)


def diff(old: SanctionsList, new: SanctionsList) -> ListDiff:
    """What changed from one version to the next, sorted."""
    before, after = set(old.entries), set(new.entries)
    return ListDiff(tuple(sorted(after - before)), tuple(sorted(before - after)))


class _SampleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shape of the list that ships with the program."""

    list: str
    notice: str
    source: str
    as_of: date
    addresses: Mapping[str, tuple[str, ...]]


def sample_list() -> SanctionsList:
    """A handful of real entries, for a devnet without the published files. Never for a venue."""
    data = files("compliance.packs").joinpath(SAMPLE).read_bytes()
    try:
        body = msgspec.convert(parse(data), _SampleFile)
    except (JsonRefused, msgspec.ValidationError) as error:
        raise SanctionsListMalformed(SAMPLE, 0, str(error)) from error
    entries = [
        Entry(*canonical_address(asset, text), asset)
        for asset, texts in body.addresses.items()
        for text in texts
    ]
    return make_list(body.list, entries, body.as_of, sample=True)
