"""Whether restored rows are sound: every list leads somewhere, and rows that belong together agree.

Whatever a kernel follows without looking is followed here first.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger.engine import layout
from ledger.engine.errors import SnapshotCorrupt
from ledger.engine.root import TableId
from ledger.records.codes import CommandFlag, OrderType, Product, SelfTrade, Side, TimeInForce
from matching.jit import i64, kernel
from matching.layout import NIL
from matching.units import AMOUNT_MINOR_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX

Tables = Mapping[int, NDArray[Any]]


def require(*, holds: bool | np.bool_, reason: str) -> None:
    """One check of a snapshot.

    Raises:
        SnapshotCorrupt: It does not hold.
    """
    if not holds:
        raise SnapshotCorrupt(reason)


def is_within(column: NDArray[Any], low: int, high: int) -> bool:
    """Whether every entry is low <= entry < high."""
    return len(column) == 0 or bool(low <= int(column.min()) and int(column.max()) < high)


def check_arena(rows: NDArray[Any], prices: NDArray[Any], pool: NDArray[Any]) -> None:
    """The slots of one arena: queues, ids, and the list of free ones.

    Args:
        rows: RESTING, shape (slots ever used,).
        prices: What tells the queues of one side apart, shape (slots ever used,).
        pool: The canonical part of its pool, one row.

    Raises:
        SnapshotCorrupt: They contradict each other.
    """
    require(holds=len(pool) == 1 and len(rows) == int(pool["order_high"][0]), reason="a pool")
    open_slots = np.flatnonzero(rows["order_id"] != 0)
    counted = int(pool["order_open"][0])
    require(holds=len(open_slots) == counted, reason="open orders differ from the pool")
    for links in (rows["next"], rows["prev"]):
        require(holds=is_within(links, NIL, len(rows)), reason="an order's place")
    ids = rows["order_id"][open_slots]
    require(holds=len(np.unique(ids)) == len(ids), reason="an order id occurs twice")
    _check_queues(rows, prices, open_slots)
    free = count_free(rows, int(pool["order_free"][0]))
    require(holds=free == len(rows) - counted, reason="the list of free slots")


def _check_queues(rows: NDArray[Any], prices: NDArray[Any], open_slots: NDArray[Any]) -> None:
    """Each order's neighbours know it, and stand at its price; each price has one first order."""
    for there, back in (("next", "prev"), ("prev", "next")):
        linked = open_slots[rows[there][open_slots] != NIL]
        other = rows[there][linked]
        agree = (
            (rows[back][other] == linked)
            & (rows["order_id"][other] != 0)
            & (rows["side_index"][other] == rows["side_index"][linked])
            & (prices[other] == prices[linked])
        )
        require(holds=bool(agree.all()), reason="a queue is broken")
    heads = open_slots[rows["prev"][open_slots] == NIL]
    places = np.stack([rows["side_index"][heads], prices[heads]], axis=1)
    require(holds=len(np.unique(places, axis=0)) == len(heads), reason="two queues at a price")


@kernel
def count_free(orders: NDArray[Any], first: int) -> int:
    """The length of the list of free slots; -1 when it leads nowhere, or in a circle."""
    slots = orders.shape[0]
    count = 0
    slot = first
    while slot != NIL:
        if not 0 <= slot < slots or orders["order_id"][slot] != 0 or count == slots:
            return -1
        count += 1
        slot = i64(orders["next"][slot])
    return count


@kernel
def count_listed(owners: NDArray[Any], links: NDArray[Any]) -> int:
    """How many orders the owners' lists hold; -1 when one leads nowhere, or round and round."""
    slots = links.shape[0]
    listed = 0
    for account in range(owners.shape[0]):
        place = i64(owners["head"][account])
        before = i64(0)
        count = 0
        while place != 0:
            count += 1
            if not 1 <= place <= slots or links["prev"][place - 1] != before or count > slots:
                return -1
            before = place
            place = i64(links["next"][place - 1])
        if owners["tail"][account] != before or owners["count"][account] != count:
            return -1
        listed += count
    return listed


def check_owners(rows: NDArray[Any], owners: NDArray[Any], links: NDArray[Any]) -> None:
    """Each open order stands once, in its own account's list.

    Args:
        rows: RESTING, shape (slots ever used,), sound by `check_arena`.
        owners: OWNER_ROW, shape (accounts,).
        links: LINK, shape (slots ever used,).

    Raises:
        SnapshotCorrupt: They contradict each other.
    """
    open_slots = np.flatnonzero(rows["order_id"] != 0)
    free = rows["order_id"] == 0
    idle = (links["next"][free] == 0) & (links["prev"][free] == 0)
    require(holds=bool(idle.all()), reason="a free slot is in a list")
    listed = count_listed(owners, links)
    require(holds=listed == len(open_slots), reason="the lists of accounts' orders")
    after = links["next"][open_slots]
    follows = after != 0
    same = rows["account"][after[follows] - 1] == rows["account"][open_slots[follows]]
    require(holds=bool(same.all()), reason="a list holds another account's order")
    heads = owners["head"] != 0
    own = rows["account"][owners["head"][heads] - 1] == np.flatnonzero(heads)
    require(holds=bool(own.all()), reason="a list begins with another account's order")


def check_triggers(tables: Tables) -> None:
    """Pending orders are what an order can be, and stand at prices of their instruments.

    Raises:
        SnapshotCorrupt: They are not.
    """
    rows, pending = tables[TableId.TRIGGERS], tables[TableId.PENDING]
    highest = tables[TableId.INSTRUMENTS]["max_price_ticks"]
    same = len(pending) == len(rows) == len(tables[TableId.PENDING_LINKS])
    require(holds=same, reason="trigger slots differ from the pool")
    check_arena(rows, pending["trigger_ticks"], tables[TableId.TRIGGER_POOL])
    waiting = np.flatnonzero(rows["order_id"] != 0)
    placed, terms = rows[waiting], pending[waiting]
    require(
        holds=is_within(placed["account"], layout.CUSTOMER_FIRST, len(tables[TableId.ACCOUNTS]))
        and is_within(placed["side_index"], 0, 2 * layout.SOURCES * len(highest))
        and is_within(placed["qty_lots"], 1, 2),
        reason="a pending order's account or side",
    )
    instrument = placed["side_index"] // (2 * layout.SOURCES)
    top = highest[instrument]
    _check_sources(placed, terms, tables[TableId.INSTRUMENTS]["product"][instrument])
    in_range = (
        (terms["trigger_ticks"] >= 1)
        & (terms["trigger_ticks"] <= top)
        & (terms["price_ticks"] >= 0)
        & (terms["price_ticks"] <= top)
        & (terms["side"] <= max(Side))
        & (terms["order_type"] <= max(OrderType))
        & (terms["time_in_force"] <= max(TimeInForce))
        & (terms["self_trade"] <= max(SelfTrade))
        & ((terms["price_ticks"] >= 1) | (terms["order_type"] != OrderType.LIMIT))
    )
    require(
        holds=bool(in_range.all())
        and is_within(terms["qty_lots"], 0, QTY_LOTS_MAX + 1)
        and is_within(terms["display_lots"], 0, QTY_LOTS_MAX + 1)
        and is_within(terms["quote_minor"], 0, AMOUNT_MINOR_MAX + 1),
        reason="a pending order's terms",
    )


def _check_sources(placed: NDArray[Any], terms: NDArray[Any], product: NDArray[Any]) -> None:
    """A pending order waits for the price that its flags name, from the side that they say."""
    flags = terms["flags"]
    on_mark = (flags & CommandFlag.ON_MARK) != 0
    on_index = (flags & CommandFlag.ON_INDEX) != 0
    source = np.where(on_mark, layout.MARK, np.where(on_index, layout.INDEX, layout.LAST))
    rising = (terms["side"] == Side.BUY) == ((flags & CommandFlag.STOP) != 0)
    agree = placed["side_index"] % (2 * layout.SOURCES) == 2 * source + rising
    perpetual = (product != Product.SPOT) | (source == layout.LAST)
    require(holds=bool((agree & perpetual).all()), reason="a pending order's price")


def check_terms(tables: Tables) -> None:
    """Icebergs hide something, and partners name each other.

    Raises:
        SnapshotCorrupt: They do not.
    """
    rows, money, terms = (tables[t] for t in (TableId.RESTING, TableId.ORDERS, TableId.TERMS))
    markets = tables[TableId.MARKETS]
    instruments = tables[TableId.INSTRUMENTS]
    require(holds=len(markets) == len(instruments), reason="markets differ from instruments")
    traits = money["traits"]
    used = traits[rows["order_id"] == 0] == 0
    every = layout.TIMED | layout.ICEBERG | layout.LINKED | layout.CLOSER | layout.PLEDGED
    every |= layout.ISOLATED | 3 << layout.LEG_SHIFT
    known = traits & ~np.uint32(every) == 0
    require(holds=bool(used.all() and known.all()), reason="an order's traits")
    icebergs = (traits & layout.ICEBERG) != 0
    hidden = terms[icebergs]
    require(
        holds=is_within(hidden["display_lots"], 1, QTY_LOTS_MAX + 1)
        and is_within(hidden["hidden_lots"], 0, QTY_LOTS_MAX + 1),
        reason="an iceberg's lots",
    )
    counted = np.bincount(rows["side_index"][icebergs] >> 1, minlength=len(markets))
    agree = bool(np.array_equal(counted, markets["icebergs"]))
    hides = np.zeros(2 * len(markets), np.int64)
    np.add.at(hides, rows["side_index"][icebergs].astype(np.int64), hidden["hidden_lots"])
    agree = agree and bool(np.array_equal(hides[0::2], markets["hidden_buys"]))
    agree = agree and bool(np.array_equal(hides[1::2], markets["hidden_sells"]))
    last = (markets["last_ticks"] >= 0) & (markets["last_ticks"] <= instruments["max_price_ticks"])
    require(holds=agree and bool(last.all()), reason="a market's state")
    linked = np.flatnonzero(traits & layout.LINKED)
    partners = {
        int(order): int(partner)
        for order, partner in zip(
            rows["order_id"][linked], terms["partner_id"][linked], strict=True
        )
    }
    pending = tables[TableId.PENDING]
    waiting = np.flatnonzero(pending["partner_id"])
    ids = tables[TableId.TRIGGERS]["order_id"][waiting]
    partners |= {
        int(order): int(partner)
        for order, partner in zip(ids, pending["partner_id"][waiting], strict=True)
    }
    mutual = all(partners.get(partner) == order for order, partner in partners.items())
    require(holds=mutual, reason="an order's partner does not name it")


def check_timers(tables: Tables) -> None:
    """Every timer belongs to a timed order or an armed switch, and each of those has its own.

    Raises:
        SnapshotCorrupt: They contradict each other.
    """
    timers, seats = tables[TableId.TIMERS], tables[TableId.SEATS]
    check_arena(timers, timers["qty_lots"], tables[TableId.TIMER_POOL])
    set_slots = np.flatnonzero(timers["order_id"] != 0)
    require(
        holds=is_within(timers["qty_lots"][set_slots], 1, PRICE_TICKS_MAX + 1)
        and is_within(timers["side_index"], 0, 1),
        reason="a timer's second",
    )
    found = {
        (int(row["order_id"]), int(row["account"]), int(row["qty_lots"]))
        for row in timers[set_slots]
    }
    rows, terms = tables[TableId.RESTING], tables[TableId.TERMS]
    timed = np.flatnonzero(tables[TableId.ORDERS]["traits"] & layout.TIMED)
    expected = {
        (
            int(rows["order_id"][slot]),
            int(rows["account"][slot]),
            int(terms["expire_s"][slot]) - layout.TIMER_EPOCH_S,
        )
        for slot in timed
    }
    pending, triggers = tables[TableId.PENDING], tables[TableId.TRIGGERS]
    expected |= {
        (
            int(triggers["order_id"][slot]),
            int(triggers["account"][slot]),
            int(pending["expire_s"][slot]) - layout.TIMER_EPOCH_S,
        )
        for slot in np.flatnonzero(pending["expire_s"])
    }
    expected |= {
        (-int(account), int(account), int(seats["cancel_after_s"][account]) - layout.TIMER_EPOCH_S)
        for account in np.flatnonzero(seats["cancel_after_s"])
    }
    require(holds=found == expected, reason="timers differ from what they are for")
    throttle = (seats["interval_ns"] >= 0) & (seats["backlog_ns"] >= 0) & (seats["asked_ns"] >= 0)
    require(holds=bool(throttle.all()), reason="an account's throttle")


def check_holds(tables: Tables) -> None:
    """What risk and compliance froze is somebody's, and is held.

    Raises:
        SnapshotCorrupt: It is not.
    """
    rows, accounts = tables[TableId.HOLDS], len(tables[TableId.ACCOUNTS])
    require(
        holds=is_within(rows["account"], layout.CUSTOMER_FIRST, accounts)
        and is_within(rows["asset"], 0, len(tables[TableId.ASSETS]))
        and is_within(rows["amount_minor"], 1, AMOUNT_MINOR_MAX + 1)
        and is_within(rows["left_minor"], 0, AMOUNT_MINOR_MAX + 1)
        and bool((rows["left_minor"] <= rows["amount_minor"]).all()),
        reason="a hold's account, asset or amount",
    )
    frozen: dict[tuple[int, int], int] = {}
    for row in rows[rows["left_minor"] != 0]:
        place = int(row["asset"]), int(row["account"])
        frozen[place] = frozen.get(place, 0) + int(row["left_minor"])
    for (asset, account), amount_minor in frozen.items():
        held_minor = int(tables[TableId.BALANCES + asset]["held_minor"][account])
        require(holds=amount_minor <= held_minor, reason="more is frozen than is held")
