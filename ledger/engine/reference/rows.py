"""Tables from plain rows: what is not named is zero."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def table_of(dtype: np.dtype[np.void], rows: list[dict[str, int]]) -> NDArray[Any]:
    """One structured row a dict."""
    table = np.zeros(len(rows), dtype)
    for i, row in enumerate(rows):
        for name, amount in row.items():
            table[name][i] = amount
    return table
