"""Positions' lists of reduce-only orders, checked before a kernel follows them."""

import numpy as np

from ledger.engine import layout
from ledger.engine.root import TableId
from ledger.engine.soundness import Tables, count_listed, require


def check_closers(tables: Tables) -> None:
    """Each reduce-only order stands once, in the list of the position that it closes.

    Raises:
        SnapshotCorrupt: The tables contradict each other.
    """
    rows, links = tables[TableId.POSITIONS], tables[TableId.CLOSER_LINKS]
    orders, money = tables[TableId.RESTING], tables[TableId.ORDERS]
    closers = (money["traits"] & layout.CLOSER) != 0
    require(holds=bool((orders["order_id"][closers] != 0).all()), reason="a closer that is free")
    idle = (links["next"][~closers] == 0) & (links["prev"][~closers] == 0)
    require(holds=bool(idle.all()), reason="an order in a position's list that closes nothing")
    require(holds=count_listed(rows, links) == int(closers.sum()), reason="positions' closers")
    lots = np.zeros(len(rows), np.int64)
    seen: set[int] = set()
    for row in np.flatnonzero(rows["count"]):
        position, place = rows[row], int(rows["head"][row])
        side = 1 if position["qty_lots"] > 0 else 0
        while place:
            order = orders[place - 1]
            own = int(order["account"]) == int(position["account"])
            there = int(order["side_index"]) == 2 * int(position["instrument"]) + side
            require(holds=own and there and place not in seen, reason="a closer of another one")
            seen.add(place)
            lots[row] += int(order["qty_lots"]) + int(
                tables[TableId.TERMS]["hidden_lots"][place - 1]
            )
            place = int(links["next"][place - 1])
    require(holds=bool((lots == rows["closing_lots"]).all()), reason="a position's closing lots")
    fits = rows["closing_lots"] <= np.abs(rows["qty_lots"])
    require(holds=bool(fits.all()), reason="more closing lots than the position has")
