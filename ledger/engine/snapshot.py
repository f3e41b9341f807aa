"""Snapshots: the canonical tables as one checksummed file; derived state is rebuilt on reading.

Layout (little-endian; docs/spec/engine.md, snapshot): magic, version u32, table count u32; per
table: number u32, row bytes u32, rows u64, then the rows; last, SHA-256 of all before.

A checksum finds damage, not malice: whoever restores a snapshot of somebody else compares the
state root with a certified one. Either way no content may lead a kernel outside its arrays, so
everything that is used as an index is checked here first.
"""

import hashlib
import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine import credit_layout, layout, margin_layout
from ledger.engine.errors import SnapshotCorrupt, SnapshotVersion
from ledger.engine.restore import restored_state
from ledger.engine.root import Table, TableId
from ledger.engine.state import State
from ledger.engine.tables import POOL_HEAD
from ledger.margin.contracts import CONTRACT
from ledger.margin.tiers import TIER
from matching.layout import RESTING

SNAPSHOT_VERSION: Final = 2
MAGIC: Final = b"PVSTATE\0"
_PREFIX: Final = struct.Struct("<8sII")
_TABLE: Final = struct.Struct("<IIQ")
_CHECKSUM_BYTES: Final = 32
ROW_DTYPES: Final[dict[int, np.dtype[np.void]]] = {
    TableId.HEADER: layout.HEADER,
    TableId.POOL: POOL_HEAD,
    TableId.ACCOUNTS: layout.ACCOUNT_ROW,
    TableId.ASSETS: layout.ASSET_ROW,
    TableId.INSTRUMENTS: layout.INSTRUMENT_ROW,
    TableId.RESTING: RESTING,
    TableId.ORDERS: layout.ORDER_ROW,
    TableId.WITHDRAWALS: layout.WITHDRAWAL_ROW,
    TableId.BATCHES: layout.BATCH_ROW,
    TableId.PAYOUTS: layout.PAYOUT_ROW,
    TableId.TERMS: layout.TERMS_ROW,
    TableId.MARKETS: layout.MARKET_ROW,
    TableId.SESSIONS: layout.SESSION_ROW,
    TableId.SWINGS: layout.SWING_ROW,
    TableId.TRAIL_OWNERS: layout.OWNER_ROW,
    TableId.TRAIL_LINKS: layout.LINK,
    TableId.TRIGGER_POOL: POOL_HEAD,
    TableId.TRIGGERS: RESTING,
    TableId.PENDING: layout.PENDING_ROW,
    TableId.PENDING_LINKS: layout.LINK,
    TableId.PENDING_OWNERS: layout.OWNER_ROW,
    TableId.ORDER_LINKS: layout.LINK,
    TableId.ORDER_OWNERS: layout.OWNER_ROW,
    TableId.SEATS: layout.SEAT_ROW,
    TableId.TIMER_POOL: POOL_HEAD,
    TableId.TIMERS: RESTING,
    TableId.HOLDS: layout.HOLD_ROW,
    TableId.CONTRACTS: CONTRACT,
    TableId.PERPETUALS: margin_layout.PERPETUAL_ROW,
    TableId.TIERS: TIER,
    TableId.POSITIONS: margin_layout.POSITION_ROW,
    TableId.MARGINS: margin_layout.MARGIN_ROW,
    TableId.COLLATERAL: margin_layout.COLLATERAL_ROW,
    TableId.ORACLES: margin_layout.ORACLE_ROW,
    TableId.SOURCES: margin_layout.SOURCE_ROW,
    TableId.CLOSER_LINKS: layout.LINK,
    TableId.FEE_SCHEDULES: credit_layout.SCHEDULE_ROW,
    TableId.FEE_TIERS: credit_layout.FEE_TIER_ROW,
    TableId.VOLUMES: credit_layout.VOLUME_ROW,
    TableId.VOLUME_DAYS: credit_layout.DAYS_ROW,
    TableId.LENDING: credit_layout.LENDING_ROW,
    TableId.LOANS: credit_layout.LOAN_ROW,
    TableId.BORROWERS: credit_layout.BORROWER_ROW,
}


def write_snapshot(tables: Sequence[Table]) -> bytes:
    """The tables as one checksummed run of bytes."""
    parts = [_PREFIX.pack(MAGIC, SNAPSHOT_VERSION, len(tables))]
    for table in tables:
        parts.append(_TABLE.pack(table.table, table.rows.itemsize, len(table.rows)))
        parts.append(table.rows.tobytes())
    content = b"".join(parts)
    return content + hashlib.sha256(content).digest()


def read_snapshot(snapshot: bytes) -> State:
    """The state that `write_snapshot` wrote, derived arrays rebuilt.

    Raises:
        SnapshotVersion: Another version of the format wrote it.
        SnapshotCorrupt: Its bytes are not what was written, or contradict each other.
    """
    if len(snapshot) < _PREFIX.size + _CHECKSUM_BYTES:
        raise SnapshotCorrupt("too short")
    magic, version, count = _PREFIX.unpack_from(snapshot)
    if magic != MAGIC:
        raise SnapshotCorrupt("not a snapshot")
    if version != SNAPSHOT_VERSION:
        raise SnapshotVersion(version, SNAPSHOT_VERSION)
    content = memoryview(snapshot)[:-_CHECKSUM_BYTES]
    if hashlib.sha256(content).digest() != snapshot[-_CHECKSUM_BYTES:]:
        raise SnapshotCorrupt("checksum differs")
    return restored_state(_read_tables(content[_PREFIX.size :], count))


def _read_tables(content: memoryview, count: int) -> dict[int, NDArray[Any]]:
    tables: dict[int, NDArray[Any]] = {}
    at = 0
    for _ in range(count):
        if len(content) - at < _TABLE.size:
            raise SnapshotCorrupt("a table is missing")
        table, row_bytes, rows = _TABLE.unpack_from(content, at)
        at += _TABLE.size
        dtype = ROW_DTYPES.get(table, layout.BALANCE if table >= TableId.BALANCES else None)
        if dtype is None or dtype.itemsize != row_bytes or table in tables:
            raise SnapshotCorrupt(f"table {table} is not as expected")
        if rows * row_bytes > len(content) - at:
            raise SnapshotCorrupt(f"table {table} is cut short")
        tables[table] = np.frombuffer(content, dtype, rows, at)
        at += rows * row_bytes
    if at != len(content):
        raise SnapshotCorrupt("bytes beyond the last table")
    if not ROW_DTYPES.keys() <= tables.keys():
        raise SnapshotCorrupt("a table is missing")
    return tables
