"""What orders and positions say of each other, checked before a kernel follows it."""

import numpy as np

from ledger.engine import layout
from ledger.engine.margin_layout import LONG, NET, SHORT
from ledger.engine.root import TableId
from ledger.engine.soundness import Tables, count_listed, is_within, require
from ledger.records.codes import Product
from matching.units import AMOUNT_MINOR_MAX


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
            own = own and leg_of(int(money["traits"][place - 1])) == int(position["leg"])
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


def leg_of(traits: int) -> int:
    """The leg that an order's traits name."""
    return traits >> layout.LEG_SHIFT & 3


def check_legs(tables: Tables) -> None:
    """Positions' legs and margins are possible, and each order on a perpetual has its position.

    Raises:
        SnapshotCorrupt: They are not, or it has not.
    """
    rows, accounts = tables[TableId.POSITIONS], tables[TableId.MARGINS]
    header, orders = tables[TableId.HEADER][0], tables[TableId.RESTING]
    require(
        holds=is_within(rows["leg"], NET, SHORT + 1)
        and is_within(rows["isolated"], 0, 2)
        and is_within(rows["margin_minor"], 0, AMOUNT_MINOR_MAX + 1)
        and is_within(accounts["hedged"], 0, 2),
        reason="a position's leg or margin",
    )
    owned = (rows["margin_minor"] == 0) | ((rows["isolated"] != 0) & (rows["qty_lots"] != 0))
    counted = int(rows["isolated"].sum()) == int(header["isolated_count"])
    require(holds=counted and bool(owned.all()), reason="margin of a position that is not isolated")
    open_rows = rows[rows["qty_lots"] != 0]
    hedged = accounts["hedged"][open_rows["account"]] != 0
    net = open_rows["leg"] == NET
    wrong = (open_rows["leg"] == LONG) & (open_rows["qty_lots"] < 0)
    wrong |= (open_rows["leg"] == SHORT) & (open_rows["qty_lots"] > 0)
    require(holds=bool((hedged != net).all()) and not wrong.any(), reason="a position's leg")
    isolated = {
        (int(row["account"]), int(row["instrument"]), int(row["leg"])): int(row["isolated"])
        for row in rows
    }
    product = tables[TableId.INSTRUMENTS]["product"]
    for slot in np.flatnonzero(orders["order_id"]):
        order, traits = orders[slot], int(tables[TableId.ORDERS]["traits"][slot])
        instrument = int(order["side_index"]) >> 1
        said = int(traits & layout.ISOLATED != 0)
        if product[instrument] == Product.SPOT:
            require(holds=not said and not leg_of(traits), reason="a spot order's position")
            continue
        place = int(order["account"]), instrument, leg_of(traits)
        require(holds=isolated.get(place) == said, reason="an order's position")
