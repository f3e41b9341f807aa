"""The state root: one SHA-256 over fixed-size pages of the canonical tables.

A table is its used rows, cut into pages of PAGE_BYTES; a page hashes with its table and number;
a table's pages form a tree as in RFC 6962; the root hashes the tables' roots in order. A page that
did not change keeps its digest, so recomputing may skip it without changing the root.

Normative text: docs/spec/engine.md, state root; why: docs/adr/0003-state-root.md.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ROOT_VERSION: Final = 2
PAGE_BYTES: Final = 4096
EMPTY_TABLE: Final = bytes(32)

_LEAF: Final = struct.Struct("<BIQ")
_TABLE: Final = struct.Struct("<IIQ")
_LEAF_TAG: Final = 0
_NODE_TAG: Final = b"\x01"
_ROOT_TAG: Final = b"\x02provenue state root"


class TableId(IntEnum):
    """Canonical tables in the order of the root. Balances of asset a are table BALANCES + a."""

    HEADER = 0
    POOL = 1
    ACCOUNTS = 2
    ASSETS = 3
    INSTRUMENTS = 4
    RESTING = 5
    ORDERS = 6
    WITHDRAWALS = 7
    BATCHES = 8
    PAYOUTS = 9
    TERMS = 10
    ORDER_LINKS = 11
    ORDER_OWNERS = 12
    SEATS = 13
    TIMER_POOL = 14
    TIMERS = 15
    HOLDS = 16
    CONTRACTS = 20
    PERPETUALS = 21
    TIERS = 22
    POSITIONS = 23
    MARGINS = 24
    COLLATERAL = 25
    ORACLES = 26
    SOURCES = 27
    CLOSER_LINKS = 28
    MARKETS = 30
    TRIGGER_POOL = 31
    TRIGGERS = 32
    PENDING = 33
    PENDING_LINKS = 34
    PENDING_OWNERS = 35
    SESSIONS = 36
    SWINGS = 37
    TRAIL_OWNERS = 38
    TRAIL_LINKS = 39
    FEE_SCHEDULES = 40
    FEE_TIERS = 41
    VOLUMES = 42
    VOLUME_DAYS = 43
    LENDING = 44
    LOANS = 45
    BORROWERS = 46
    BALANCES = 256


@dataclass(frozen=True, slots=True)
class Table:
    """The used rows of one canonical table, contiguous."""

    table: int
    rows: NDArray[Any]


def page_digest(table: int, page: int, content: bytes | memoryview) -> bytes:
    """The digest of one page: its place is part of it."""
    digest = hashlib.sha256(_LEAF.pack(_LEAF_TAG, table, page))
    digest.update(content)
    return digest.digest()


def tree_root(digests: Sequence[bytes]) -> bytes:
    """The RFC 6962 tree over page digests; an odd one is carried up unpaired."""
    if not digests:
        return EMPTY_TABLE
    level = list(digests)
    while len(level) > 1:
        paired = [
            hashlib.sha256(_NODE_TAG + level[i] + level[i + 1]).digest()
            for i in range(0, len(level) - 1, 2)
        ]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def page_digests(table: Table) -> list[bytes]:
    """The digests of all pages of one table, the last one as short as its rows leave it."""
    content = table.rows.view(np.uint8).data if len(table.rows) else memoryview(b"")
    return [
        page_digest(table.table, page, content[page * PAGE_BYTES : (page + 1) * PAGE_BYTES])
        for page in range(-(-len(content) // PAGE_BYTES))
    ]


def combine(tables: Sequence[tuple[Table, bytes]]) -> bytes:
    """The state root from each table and its tree's root, in order of table number."""
    digest = hashlib.sha256(_ROOT_TAG)
    digest.update(struct.pack("<II", ROOT_VERSION, len(tables)))
    for table, root in tables:
        digest.update(_TABLE.pack(table.table, table.rows.itemsize, len(table.rows)))
        digest.update(root)
    return digest.digest()


def state_root(tables: Sequence[Table]) -> bytes:
    """The 32-byte root over all pages of all tables."""
    return combine([(table, tree_root(page_digests(table))) for table in tables])
