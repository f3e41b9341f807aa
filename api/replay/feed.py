"""Feeds a recording to the replay's engine, and holds the engine's book to the recording's.

Each aggressor meets the engine's book as the recording left it: what the engine predicts is scored,
and where it was wrong the book is mended before the next event (docs/replay.md). Commands go in
batches; an aggressor ends its batch, for what it did decides what must be mended.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import numpy as np

from api.replay.mirror import Mirror, Resting
from api.replay.recorded import Add, Aggression, Clear, Fill, Modify, Recorded, Reduce, Terms
from api.replay.score import Judge, Score
from api.replay.seats import Seats
from ledger.engine import Executed
from ledger.records.codes import CommandKind, EventKind, OrderStatus, Reject, Side, TimeInForce
from matching.units import PRICE_TICKS_MAX, QTY_LOTS_MAX

MENDING_AT_FIRST: Final = 1 << 18
MENDING_AN_EVENT: Final = 32
"""Commands that mending may cost, to begin with and more for each event: a hostile recording could
otherwise have a long queue rebuilt at every row."""
LIMBO_LEVELS_MAX: Final = 256
"""Price levels of a side that wait, because they stand across the other side, for room."""
SIDES: Final = (Side.BUY, Side.SELL)


class Feed:
    """One replay: events in, a score out."""

    def __init__(self, terms: Terms, mirror: Mirror | None = None) -> None:
        self.mirror = Mirror() if mirror is None else mirror
        self.seats = Seats(terms)
        self.judge = Judge(terms)
        self.counts: Counter[str] = Counter()
        self.events = 0
        self._limbo: tuple[dict[int, None], dict[int, None]] = ({}, {})
        self._bests = (0, 0)
        self._mending = MENDING_AT_FIRST

    def take(self, event: Recorded) -> None:
        """Take in one event.

        Raises:
            TooManyOrders: More open orders than a replay keeps.
        """
        self.events += 1
        self._mending += MENDING_AN_EVENT
        match event:
            case Add():
                self._add(event)
            case Reduce():
                self._reduce(event)
            case Modify():
                self._modify(event)
            case Aggression():
                self._aggression(event)
            case Clear():
                self._clear()
        if self._limbo[0] or self._limbo[1]:
            self._free_limbo()

    def finish(self) -> Score:
        """Execute what is left, check that no money was made, and settle the score."""
        self._flush()
        self.seats.engine.assert_conservation()
        return self.judge.finish()

    # What rests.

    def _add(self, event: Add) -> None:
        if event.key in self.mirror.orders:
            self.counts["order added again while open: left out"] += 1
        elif not _fits(event.price_ticks, event.qty_lots):
            self.counts["price or size beyond the engine's: left out"] += 1
        elif not self.mirror.crosses(event.side, event.price_ticks):
            order = self.mirror.add(event.key, event.side, event.price_ticks, event.qty_lots)
            self._seat(order)
        elif event.seeded:
            self.mirror.add(event.key, event.side, event.price_ticks, event.qty_lots)
            self._send_to_limbo(event.side, event.price_ticks)
        else:
            # Our book would match it; the recording says that it rests.
            resting = Aggression(
                event.time_ns, event.side, event.price_ticks, event.qty_lots, (),
                key=event.key, rest_lots=event.qty_lots,
            )  # fmt: skip
            self._take(resting)

    def _reduce(self, event: Reduce) -> None:
        order = self.mirror.orders.get(event.key)
        if order is None:
            self.counts["cancel of an order that is not open: left out"] += 1
            return
        if event.traded:
            self.judge.gave(event.key)
        else:
            self.judge.left(event.key, event.time_ns)
        order.lots = max(0, order.lots - event.lots)
        self._trim(order)

    def _modify(self, event: Modify) -> None:
        order = self.mirror.orders.get(event.key)
        anew = Add(event.time_ns, event.key, event.side, event.price_ticks, event.qty_lots)
        if order is None:
            self.counts["change of an order that is not open: added"] += 1
            self._add(anew)
        elif event.side is order.side and event.price_ticks == order.price_ticks:
            if event.qty_lots < order.lots:
                self._reduce(Reduce(event.time_ns, event.key, order.lots - event.qty_lots))
            elif event.qty_lots > order.lots:
                self._move(order, anew)
        else:
            self._move(order, anew)

    def _move(self, order: Resting, anew: Add) -> None:
        """The order loses its place."""
        self.judge.left(order.key, anew.time_ns)
        order.lots = 0
        self._trim(order)
        self._add(anew)

    def _clear(self) -> None:
        for order in list(self.mirror.orders.values()):
            order.lots = 0
            self._trim(order)
        for waiting in self._limbo:
            waiting.clear()

    # What trades.

    def _aggression(self, event: Aggression) -> None:
        for fill in event.fills:
            self.judge.gave(fill.key)
        if not event.fills:
            self.judge.hidden(event)
        elif event.key is not None and event.key in self.mirror.orders:
            self.counts["aggressor whose order is open already: left out"] += 1
        else:
            self._take(event)

    def _take(self, event: Aggression) -> None:
        """Let the engine predict, score it, and bring its book to what the recording says."""
        predicted, order_id, open_lots, refused = self._predict(event)
        if event.fills:
            self.judge.judge(event, predicted, self.mirror, refused=refused)
        elif predicted:
            self.judge.unrecorded(event, predicted)
        touched: dict[int, Resting] = {}
        for fill in predicted:
            order = self.mirror.orders[fill.key]
            touched[fill.key] = order
            order.seat_lots -= fill.lots
            if order.seat_lots == 0:
                self.mirror.vacate(order)
        for fill in event.fills:
            given = self.mirror.orders.get(fill.key)
            if given is not None:
                touched[fill.key] = given
                given.lots = max(0, given.lots - fill.lots)
        own = self._own(event, order_id, open_lots)
        for order in touched.values():
            self._trim(order)
        if own is not None and own.lots > own.seat_lots and not refused:
            self._make_way(own)
            self._reseat(own.side, own.price_ticks)
        wronged = {
            (order.side, order.price_ticks): None
            for order in touched.values()
            if order.lots > order.seat_lots
        }
        for side, price_ticks in wronged:
            self._reseat(side, price_ticks)

    def _predict(self, event: Aggression) -> tuple[list[Fill], int, int, bool]:
        """What the engine does: fills, the aggressor's order id, what is open of it, refused."""
        if not _fits(event.limit_ticks, event.qty_lots):
            self.counts["price or size beyond the engine's: left out"] += 1
            return [], 0, 0, True
        self._flush()
        in_force = TimeInForce.IOC if event.key is None else TimeInForce.GTC
        order_id = self.seats.take(event.side, event.limit_ticks, event.qty_lots, in_force)
        done = self.seats.flush()
        assert done is not None, "it was just written"
        outcome, trades = done.outcomes[-1], done.events
        if outcome["reject"]:
            self.counts[f"refused by the engine: {Reject(int(outcome['reject'])).name}"] += 1
            return [], 0, 0, True
        assert (trades["kind"] == EventKind.TRADE).all(), "nobody meets himself"
        fills = [
            Fill(self.mirror.seats[maker].key, price_ticks, lots)
            for maker, price_ticks, lots in zip(
                trades["counter_order_id"].tolist(),
                trades["price_ticks"].tolist(),
                trades["qty_lots"].tolist(),
                strict=True,
            )
        ]
        rests = int(outcome["status"]) in {OrderStatus.OPEN, OrderStatus.PARTLY_FILLED}
        return fills, order_id, int(outcome["remaining_lots"]) if rests else 0, False

    def _own(self, event: Aggression, order_id: int, open_lots: int) -> Resting | None:
        """What rests of the aggressor; the engine's part of it gets no larger than the truth."""
        if event.key is None or (event.rest_lots == 0 and open_lots == 0):
            return None
        if not _fits(event.limit_ticks, max(event.rest_lots, 1)):
            return None
        own = self.mirror.add(event.key, event.side, event.limit_ticks, event.rest_lots)
        if open_lots:
            self.mirror.seat(own, order_id)
            own.seat_lots, own.seat_size = open_lots, event.qty_lots
        self._trim(own)
        return own if own.lots else None

    # Bringing the engine's book to the recording's.

    def _trim(self, order: Resting) -> None:
        """The engine may have no more of an order than the recording."""
        if order.order_id and order.lots < order.seat_lots:
            self._make_room()
            # Making room may find that the engine refused this very order.
            if order.order_id and order.lots:
                order.seat_size -= order.seat_lots - order.lots
                order.seat_lots = order.lots
                self.seats.amend(order.side, order.order_id, order.seat_size)
            elif order.order_id:
                self.seats.cancel(order.side, order.order_id)
                self.mirror.vacate(order)
        if order.lots == 0:
            self.mirror.remove(order)

    def _seat(self, order: Resting) -> None:
        self._make_room()
        order_id = self.seats.rest(order.side, order.price_ticks, order.lots)
        self.mirror.seat(order, order_id)

    def _unseat(self, order: Resting) -> None:
        self._make_room()
        if order.order_id:
            self.seats.cancel(order.side, order.order_id)
            self.mirror.vacate(order)

    def _reseat(self, side: Side, price_ticks: int) -> None:
        """Rebuild a level's queue from the first order that the engine has too little of."""
        level = self.mirror.levels[side].get(price_ticks)
        if level is None:
            return
        if self.mirror.crosses(side, price_ticks):
            self._send_to_limbo(side, price_ticks)
            return
        orders = list(level.orders.values())
        first = next((i for i, order in enumerate(orders) if order.lots > order.seat_lots), None)
        if first is None or not self._afford(2 * (len(orders) - first)):
            return
        for order in orders[first:]:
            self._unseat(order)
        for order in orders[first:]:
            self._seat(order)

    def _send_to_limbo(self, side: Side, price_ticks: int) -> None:
        """A level that stands across the other side leaves the engine until there is room."""
        orders = list(self.mirror.levels[side][price_ticks].orders.values())
        seated = [order for order in orders if order.order_id]
        if not self._afford(len(seated)):
            return
        for order in seated:
            self._unseat(order)
        limbo = self._limbo[side]
        if price_ticks in limbo or len(limbo) < LIMBO_LEVELS_MAX:
            limbo[price_ticks] = None
            self._bests = (0, 0)
        else:
            self.counts["level across the other side: dropped, too many wait"] += 1

    def _make_way(self, own: Resting) -> None:
        """The recording has `own` resting, so what it would meet can't be there."""
        other = Side(1 - own.side)
        while self.mirror.crosses(own.side, own.price_ticks):
            before = self.mirror.best(other)
            self._send_to_limbo(other, before)
            if self.mirror.best(other) == before:
                return

    def _free_limbo(self) -> None:
        """Levels that no longer stand across get their seats back."""
        bests = self.mirror.best(Side.BUY), self.mirror.best(Side.SELL)
        if bests == self._bests:
            return
        self._bests = bests
        for side in SIDES:
            for price_ticks in list(self._limbo[side]):
                if not self.mirror.crosses(side, price_ticks):
                    del self._limbo[side][price_ticks]
                    self._reseat(side, price_ticks)

    def _afford(self, commands: int) -> bool:
        if commands > self._mending:
            self.counts["mending would cost too much: order left without a seat"] += 1
            return False
        self._mending -= commands
        return True

    # The batch.

    def _make_room(self) -> None:
        if self.seats.full:
            self._flush()

    def _flush(self) -> None:
        done = self.seats.flush()
        if done is not None:
            assert len(done.events) == 0, "orders that rest do not trade"
            self._note_rejects(done)

    def _note_rejects(self, done: Executed) -> None:
        """An order that the engine refused has no seat; what followed it in the batch neither."""
        for row in np.flatnonzero(done.outcomes["reject"]).tolist():
            outcome = done.outcomes[row]
            if int(outcome["kind"]) != CommandKind.NEW_ORDER:
                self.counts["cancel or amend of an order that the engine refused"] += 1
                continue
            self.counts[f"refused by the engine: {Reject(int(outcome['reject'])).name}"] += 1
            order = self.mirror.seats.get(done.first_seq + row)
            if order is not None:
                self.mirror.vacate(order)


def _fits(price_ticks: int, lots: int) -> bool:
    return 0 < price_ticks <= PRICE_TICKS_MAX and 0 < lots <= QTY_LOTS_MAX


def replay(events: Iterable[Recorded], terms: Terms) -> Feed:
    """Feed every event; the caller asks for the score with `finish`."""
    feed = Feed(terms)
    for event in events:
        feed.take(event)
    return feed
