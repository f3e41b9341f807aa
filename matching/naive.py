"""The oracle of the book that stands alone: dicts, lists and Python integers, message by message.

It says the same reports as `matching.book` with none of its logic: no slots, pages, bits or
positions, but for what a page is (64 neighbouring prices), because pages are a limit.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from matching.lone import BookLimits
from matching.messages import IOC, LEVEL_LOTS_MAX, BookReject, BookSide, MessageKind, ReportKind
from matching.reference import NaiveOrder, NaiveSide
from matching.units import QTY_LOTS_MAX

PAGE_PRICES: Final = 64


@dataclass(frozen=True, slots=True)
class Message:
    """A MESSAGE in Python's integers."""

    kind: int
    order_id: int
    side: int = 0
    price_ticks: int = 0
    qty_lots: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """A REPORT without the place of its message."""

    kind: ReportKind
    order_id: int
    side: int = 0
    price_ticks: int = 0
    qty_lots: int = 0
    maker_id: int = 0
    reject: BookReject = BookReject.NONE


@dataclass
class NaiveBook:
    """One instrument's book."""

    limits: BookLimits
    sides: tuple[NaiveSide, NaiveSide] = field(
        default_factory=lambda: (NaiveSide(is_bid=True), NaiveSide(is_bid=False))
    )

    def run(self, message: Message) -> list[Report]:
        """What one message does."""
        match message.kind:
            case MessageKind.NEW:
                return self._new(message)
            case MessageKind.CANCEL:
                return self._cancel(message)
            case MessageKind.MODIFY:
                return self._modify(message)
            case _:
                return [Report(ReportKind.REFUSED, message.order_id, reject=BookReject.BAD_KIND)]

    def resting(self) -> dict[int, tuple[int, NaiveOrder]]:
        """Side and order of every order, by id."""
        return {
            order.order_id: (side, order)
            for side, one in enumerate(self.sides)
            for queue in one.levels.values()
            for order in queue
        }

    def _page(self, side: int, price_ticks: int) -> tuple[int, int]:
        """Bids are counted from the top, so that their pages begin there."""
        top = (1 << self.limits.price_bits) - 1
        key = price_ticks if side == BookSide.SELL else top - price_ticks
        return side, key // PAGE_PRICES

    def _lacks_page(self, side: int, price_ticks: int) -> bool:
        pages = {self._page(s, price) for s, one in enumerate(self.sides) for price in one.levels}
        return len(pages) >= self.limits.pages and self._page(side, price_ticks) not in pages

    def _size(self, side: int, message: Message) -> BookReject:
        if not 1 <= message.price_ticks < 1 << self.limits.price_bits:
            return BookReject.BAD_PRICE
        if not 1 <= message.qty_lots <= QTY_LOTS_MAX:
            return BookReject.BAD_LOTS
        queue = self.sides[side].levels.get(message.price_ticks, [])
        if sum(order.lots for order in queue) + message.qty_lots > LEVEL_LOTS_MAX:
            return BookReject.LEVEL_FULL
        return BookReject.NONE

    def _words(self, message: Message) -> BookReject:
        if message.side not in tuple(BookSide):
            return BookReject.BAD_SIDE
        if message.flags not in (0, IOC):
            return BookReject.BAD_FLAGS
        if message.order_id < 1:
            return BookReject.BAD_ID
        if any((held - message.order_id) % self.limits.ids == 0 for held in self.resting()):
            return BookReject.ID_TAKEN
        return BookReject.NONE

    def _refuse_new(self, message: Message) -> BookReject:
        reject = self._words(message) or self._size(message.side, message)
        if reject or message.flags == IOC:
            return reject
        if len(self.resting()) == self.limits.orders or self._lacks_page(
            message.side, message.price_ticks
        ):
            return BookReject.NO_ROOM
        return BookReject.NONE

    def _trade(self, side: int, message: Message) -> tuple[int, list[Report]]:
        """Lots that remain, and the trades."""
        left, trades, other = message.qty_lots, [], self.sides[1 - side]
        for price in other.best_first():
            if (
                (price > message.price_ticks)
                if side == BookSide.BUY
                else price < message.price_ticks
            ):
                break
            for order in list(other.levels[price]):
                lots = min(left, order.lots)
                if not lots:
                    break
                trades.append(
                    Report(ReportKind.TRADE, message.order_id, side, price, lots, order.order_id)
                )
                left -= lots
                other.reduce(order.order_id, lots)
                if not order.lots:
                    other.remove(order.order_id)
        return left, trades

    def _refused(self, message: Message, reject: BookReject) -> list[Report]:
        price, lots = message.price_ticks, message.qty_lots
        return [Report(ReportKind.REFUSED, message.order_id, 0, price, lots, reject=reject)]

    def _new(self, message: Message) -> list[Report]:
        reject = self._refuse_new(message)
        if reject:
            return self._refused(message, reject)
        order_id, side, price = message.order_id, message.side, message.price_ticks
        accepted = Report(ReportKind.ACCEPTED, order_id, side, price, message.qty_lots)
        left, trades = self._trade(side, message)
        if left and message.flags == IOC:
            return [accepted, *trades, Report(ReportKind.CANCELLED, order_id, side, price, left)]
        if left:
            self.sides[side].rest(NaiveOrder(order_id, 0, price, left))
        return [accepted, *trades]

    def _cancel(self, message: Message) -> list[Report]:
        if message.order_id not in self.resting():
            return [Report(ReportKind.REFUSED, message.order_id, reject=BookReject.UNKNOWN_ORDER)]
        side, _ = self.resting()[message.order_id]
        gone = self.sides[side].remove(message.order_id)
        return [Report(ReportKind.CANCELLED, gone.order_id, side, gone.price_ticks, gone.lots)]

    def _modify(self, message: Message) -> list[Report]:
        order_id, price, lots = message.order_id, message.price_ticks, message.qty_lots
        if order_id not in self.resting():
            return self._refused(message, BookReject.UNKNOWN_ORDER)
        side, order = self.resting()[order_id]
        reject = self._size(side, message)
        if reject:
            return self._refused(message, reject)
        modified = Report(ReportKind.MODIFIED, order_id, side, price, lots)
        if price == order.price_ticks and lots <= order.lots:
            self.sides[side].reduce(order_id, order.lots - lots)
            return [modified]
        if self._lacks_page(side, price):
            return self._refused(message, BookReject.NO_ROOM)
        self.sides[side].remove(order_id)
        left, trades = self._trade(side, message)
        if left:
            self.sides[side].rest(NaiveOrder(order_id, 0, price, left))
        return [modified, *trades]


def report_of(row: Any) -> Report:  # noqa: ANN401 - a row of REPORT
    """A kernel's report in Python's integers."""
    return Report(
        kind=ReportKind(int(row["kind"])),
        order_id=int(row["order_id"]),
        side=int(row["side"]),
        price_ticks=int(row["price_ticks"]),
        qty_lots=int(row["qty_lots"]),
        maker_id=int(row["maker_id"]),
        reject=BookReject(int(row["reject"])),
    )
