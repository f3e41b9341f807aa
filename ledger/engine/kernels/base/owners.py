"""Each account's list of its own orders, so that cancelling them all never searches a book.

A list is doubly linked and in order of arrival. Places count from 1, so that zeroed rows are empty
lists.
"""

from typing import Any

from numpy.typing import NDArray

from matching.jit import i64, inner


@inner
def enlist(owners: NDArray[Any], links: NDArray[Any], account: int, slot: int) -> None:
    """Put an order at the end of its owner's list.

    Args:
        owners: OWNER_ROW by account; mutated.
        links: LINK by slot; mutated.
        account: Its owner.
        slot: In no list yet.
    """
    tail = i64(owners["tail"][account])
    links["prev"][slot] = tail
    links["next"][slot] = 0
    if tail == 0:
        owners["head"][account] = slot + 1
    else:
        links["next"][tail - 1] = slot + 1
    owners["tail"][account] = slot + 1
    owners["count"][account] += 1


@inner
def delist(owners: NDArray[Any], links: NDArray[Any], account: int, slot: int) -> None:
    """Take an order out of its owner's list; its links are zeroed."""
    before, after = i64(links["prev"][slot]), i64(links["next"][slot])
    if before == 0:
        owners["head"][account] = after
    else:
        links["next"][before - 1] = after
    if after == 0:
        owners["tail"][account] = before
    else:
        links["prev"][after - 1] = before
    owners["count"][account] -= 1
    links["next"][slot] = 0
    links["prev"][slot] = 0
