"""Doubly linked lists of rows, known by their last row; a row joins at the end."""

from typing import Any

from numpy.typing import NDArray

from ledger.readmodel.layout import NONE
from matching.jit import inlined


@inlined
def append(prev: NDArray[Any], after: NDArray[Any], last: int, row: int) -> int:
    """Append a row to the list that ends in `last`; returns the new end."""
    prev[row] = last
    after[row] = NONE
    if last != NONE:
        after[last] = row
    return row


@inlined
def unlink(prev: NDArray[Any], after: NDArray[Any], last: int, row: int) -> int:
    """Take a row out of the list that ends in `last`; returns the end."""
    before: int = prev[row]
    behind: int = after[row]
    if before != NONE:
        after[before] = behind
    if behind == NONE:
        return before
    prev[behind] = before
    return last
