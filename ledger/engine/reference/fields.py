"""Reads one command for the reference engine: plain integers and bytes by name."""

import struct
from types import SimpleNamespace

import numpy as np

from ledger.records.build import LAYOUT_OF, read_address, read_digest
from ledger.records.codes import CommandKind

_HEADER = struct.Struct("<qBBHI")


def read_header(raw: bytes) -> SimpleNamespace:
    """The sixteen bytes that every command has."""
    names = ("time_ns", "kind", "version", "flags", "account")
    return SimpleNamespace(**dict(zip(names, _HEADER.unpack_from(raw), strict=True)))


def read_fields(kind: CommandKind, raw: bytes) -> SimpleNamespace:
    """Every field of a command; digests and addresses as bytes, and `clean`.

    `clean` says that all padding is zero, which is part of being well-formed.
    """
    dtype = LAYOUT_OF[kind]
    row = np.frombuffer(raw, dtype)[0]
    assert dtype.names is not None
    found: dict[str, int | bytes] = {}
    clean = True
    for name in dtype.names:
        kind_code = dtype[name].kind
        offset = dtype.fields[name][1]  # type: ignore[index] # a structured dtype has fields
        if kind_code == "V" or name == "pad" or name.endswith("_pad"):
            clean = clean and not any(raw[offset : offset + dtype[name].itemsize])
        elif kind_code == "S":
            found[name] = raw[offset : offset + dtype[name].itemsize]
        elif name.endswith("_0"):
            stem = name.removesuffix("_0")
            digest = f"{stem}_3" in dtype.names
            found[stem] = read_digest(row, stem) if digest else read_address(row, stem)
        else:
            found[name] = int(row[name])
    return SimpleNamespace(**found, clean=clean)
