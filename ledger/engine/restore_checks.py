"""What restoring checks with, and makes tables with."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger.engine.errors import SnapshotCorrupt

Tables = Mapping[int, NDArray[Any]]


def copied(rows: NDArray[Any], least: int) -> NDArray[Any]:
    table = np.zeros(max(len(rows), least), rows.dtype)
    table[: len(rows)] = rows
    return table


def require(*, holds: bool | np.bool_, reason: str) -> None:
    if not holds:
        raise SnapshotCorrupt(reason)


def within(column: NDArray[Any], low: int, high: int) -> bool:
    """Whether every entry is low <= entry < high."""
    return len(column) == 0 or bool(low <= int(column.min()) and int(column.max()) < high)
