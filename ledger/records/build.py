"""Commands as bytes, built at the gate. `time_ns` stays 0: the sequencer stamps it.

Field ranges are checked by struct (a value that does not fit raises `struct.error`, a programmer's
error: the gate has checked its input before) and by the engine, which trusts nothing.
"""

import struct
from collections.abc import Mapping
from typing import Final

import numpy as np

from ledger.records import layout
from ledger.records.codes import RECORD_VERSION, CommandKind

_STRUCT_CODES: Final = {"<i8": "q", "<i4": "i", "<u4": "I", "<u2": "H", "|u1": "B"}
DIGEST_BYTES: Final = 32
ADDRESS_BYTES: Final = 20
TIME_BYTES: Final = 8
"""A command's first bytes are its time: the sequencer overwrites them."""


LAYOUT_OF: Final[Mapping[CommandKind, np.dtype[np.void]]] = {
    CommandKind.NEW_ORDER: layout.ORDER,
    CommandKind.CANCEL_ORDER: layout.ORDER,
    CommandKind.AMEND_ORDER: layout.ORDER,
    CommandKind.CANCEL_ALL: layout.ORDER,
    CommandKind.REPLACE_ORDER: layout.ORDER,
    CommandKind.CANCEL_AFTER: layout.ORDER,
    CommandKind.OPEN_ACCOUNT: layout.ACCOUNT,
    CommandKind.SET_ACCOUNT: layout.SEAT,
    CommandKind.TRANSFER: layout.TRANSFER,
    CommandKind.SET_MARGIN: layout.MARGIN,
    CommandKind.SET_LENDING: layout.LENDING,
    CommandKind.LIST_ASSET: layout.ASSET,
    CommandKind.LIST_INSTRUMENT: layout.INSTRUMENT,
    CommandKind.CREDIT_DEPOSIT: layout.DEPOSIT,
    CommandKind.REQUEST_WITHDRAWAL: layout.WITHDRAWAL,
    CommandKind.DECIDE_WITHDRAWAL: layout.DECISION,
    CommandKind.CUT_BATCH: layout.BATCH,
    CommandKind.CONFIRM_BATCH: layout.BATCH,
    CommandKind.PLACE_HOLD: layout.HOLD,
    CommandKind.RELEASE_HOLD: layout.HOLD,
    CommandKind.RECORD_REPORT: layout.REPORT,
    CommandKind.RECORD_ANCHOR: layout.ANCHOR,
    CommandKind.TICK: layout.COMMAND,
    CommandKind.SET_LEVERAGE: layout.LEVERAGE,
    CommandKind.SET_MARGIN_MODE: layout.MARGIN_MODE,
    CommandKind.MOVE_MARGIN: layout.MOVE,
    CommandKind.SET_POSITION_MODE: layout.POSITION_MODE,
    CommandKind.SET_FEES: layout.FEES,
    CommandKind.SET_FEE_TIERS: layout.FEE_TIERS,
    CommandKind.SET_TIER: layout.TIER,
    CommandKind.SET_COLLATERAL: layout.COLLATERAL,
    CommandKind.SET_PERPETUAL: layout.PERPETUAL,
    CommandKind.SET_ORACLE: layout.ORACLE,
    CommandKind.ORACLE_PRICE: layout.PRICE,
    CommandKind.SET_MARKET: layout.MARKET,
    CommandKind.SET_PHASE: layout.PHASE,
}
assert LAYOUT_OF.keys() == set(CommandKind)


class _Packer:
    """Writes one layout: a compiled struct, its value names in order, and what stands for zero."""

    def __init__(self, dtype: np.dtype[np.void]) -> None:
        assert dtype.names is not None
        codes, self.blank = ["<"], dict[str, int | bytes]()
        for name in dtype.names:
            field = dtype[name]
            if field.kind == "V":
                codes.append(f"{field.itemsize}x")
                continue
            text = field.kind == "S"
            codes.append(f"{field.itemsize}s" if text else _STRUCT_CODES[field.str])
            self.blank[name] = b"" if text else 0
        self.struct = struct.Struct("".join(codes))
        assert self.struct.size == dtype.itemsize


_PACKERS: Final = {kind: _Packer(dtype) for kind, dtype in LAYOUT_OF.items()}


def command(kind: CommandKind, **fields: int | bytes) -> bytes:
    """One command's 128 bytes. Fields not given are zero.

    Args:
        kind: Chooses the layout (`LAYOUT_OF`).
        fields: Named as in the layout, header included; text fields take bytes.

    Raises:
        KeyError: A field that the layout does not have: a programmer's error.
    """
    packer = _PACKERS[kind]
    values = packer.blank | {"kind": int(kind), "version": RECORD_VERSION} | fields
    if len(values) != len(packer.blank):
        raise KeyError(*(fields.keys() - packer.blank.keys()))
    return packer.struct.pack(*values.values())


def _words(raw: bytes, size: int) -> tuple[int, ...]:
    assert len(raw) == size, f"{len(raw)} bytes where {size} belong"
    return struct.unpack("<qqqq" if size == DIGEST_BYTES else "<qqI", raw)


def digest_fields(name: str, digest: bytes) -> dict[str, int]:
    """The four fields `name_0` … `name_3` that hold a 32-byte digest."""
    return {f"{name}_{i}": word for i, word in enumerate(_words(digest, DIGEST_BYTES))}


def address_fields(name: str, address: bytes) -> dict[str, int]:
    """The three fields `name_0` … `name_2` that hold a 20-byte address."""
    return {f"{name}_{i}": word for i, word in enumerate(_words(address, ADDRESS_BYTES))}


def read_digest(record: np.void, name: str) -> bytes:
    """The 32 bytes that `digest_fields` stored in one record (or one row of a state table)."""
    return struct.pack("<qqqq", *(int(record[f"{name}_{i}"]) for i in range(4)))


def read_address(record: np.void, name: str) -> bytes:
    """The 20 bytes that `address_fields` stored in one record."""
    return struct.pack("<qqI", *(int(record[f"{name}_{i}"]) for i in range(3)))
