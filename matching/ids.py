"""Order id to slot: open addressing with linear probing, deletion by shifting back.

Ids are sequence numbers, so they are mixed before they choose a place; at most half of the places
are taken (`arena` sees to it), so a search ends soon. Nothing here depends on insertion history
but the places themselves, which are derived state and in no root.
"""

from typing import Any, Final

from numpy.typing import NDArray

from matching.jit import i64, inlined
from matching.layout import NIL

_GOLDEN: Final = 0x9E3779B1
"""2^32 over the golden ratio: spreads neighbours far apart."""
_LOW_31: Final = 0x7FFFFFFF
_LOW_32: Final = 0xFFFFFFFF


@inlined
def home_place(order_id: int, places: int) -> int:
    """Where the search for an id begins, 0..places - 1; places is at most 2^30."""
    folded = (order_id ^ (order_id >> 31)) & _LOW_31
    return (((folded * _GOLDEN) & _LOW_32) * places) >> 32


@inlined
def find_slot(ids: NDArray[Any], order_id: int) -> int:
    """The slot of an order id, or NIL.

    Args:
        ids: ID_ENTRY, shape (a power of two,), at least one place empty.
        order_id: Not 0.
    """
    keys = ids["order_id"]
    last = keys.shape[0] - 1
    place = home_place(order_id, last + 1)
    while keys[place] != 0:
        if keys[place] == order_id:
            return i64(ids["slot"][place])
        place = (place + 1) & last
    return NIL


@inlined
def insert_id(ids: NDArray[Any], order_id: int, slot: int) -> None:
    """Remember an id that is not there yet. ids is mutated."""
    keys = ids["order_id"]
    last = keys.shape[0] - 1
    place = home_place(order_id, last + 1)
    while keys[place] != 0:
        place = (place + 1) & last
    keys[place] = order_id
    ids["slot"][place] = slot


@inlined
def remove_id(ids: NDArray[Any], order_id: int) -> None:
    """Forget an id that is there; entries behind it move up, so no tombstones gather."""
    keys, slots = ids["order_id"], ids["slot"]
    last = keys.shape[0] - 1
    hole = home_place(order_id, last + 1)
    while keys[hole] != order_id:
        hole = (hole + 1) & last
    place = (hole + 1) & last
    while keys[place] != 0:
        home = home_place(keys[place], last + 1)
        # It may fill the hole unless its home lies behind the hole.
        if (place - home) & last >= (place - hole) & last:
            keys[hole] = keys[place]
            slots[hole] = slots[place]
            hole = place
        place = (place + 1) & last
    keys[hole] = 0
    slots[hole] = 0
