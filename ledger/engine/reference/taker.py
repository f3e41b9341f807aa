"""The reference engine's incoming order, and the arithmetic of a trade in Python integers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from ledger.engine.limits import LOOKAHEAD_MAX
from ledger.engine.reference.state import Instrument, Order
from ledger.records.codes import SelfTrade, Side


@dataclass
class Taker:
    """An incoming order while it trades.

    `budget` is the quote it may still pay (buyer) or receive (seller), None when its size alone
    limits it. A buyer's `carry` keeps the fraction of a unit that it has already overpaid.
    """

    order_id: int
    account: int
    instrument: Instrument
    instrument_id: int
    side: Side
    limit: int | None
    self_trade: SelfTrade
    remaining: int
    budget: int | None
    carry: int
    by_quote: bool
    """Its size is the budget: `remaining` means nothing to anybody else."""
    may_rest: bool = False
    fok: bool = False
    closes: bool = False
    """Reduce-only."""
    leg: int = 0
    hold: int = 0
    """What it still has of the money that an isolated position's order took with it."""
    fee: Fraction = Fraction(0)
    """Its rate."""
    worth: int = 0
    """What its trades are worth, not yet counted as volume."""
    needed: int | None = None
    """What it may spend, owing what its account lacks; None unless that is a margin account."""
    pledge: int = 0
    prices: list[int] = field(default_factory=list)
    """Of its trades."""
    filled: int = 0
    prevented: int = 0
    """Lots that self-trade prevention took off."""
    quote: int = 0
    stopped: bool = False
    """Self-trade prevention ended it."""
    spent: bool = False
    """The budget buys no further lot."""
    edge: int | None = None
    """The worst price that the price band lets it trade at."""

    def accepts(self, price: int) -> bool:
        """Whether its limit and the price band let it trade at a price."""
        return crosses(self.side, self.limit, price) and crosses(self.side, self.edge, price)


def charge(instrument: Instrument, price: int, lots: int, carry: int) -> tuple[int, int]:
    """What a buyer pays for `lots` more at `price`, and its new carry.

    Starting from carry den - 1 an order's payments sum to the ceiling of its exact cost.
    """
    return divmod(price * lots * instrument.num + carry, instrument.den)


def value(instrument: Instrument, price: int, lots: int) -> int:
    """What a seller gets for `lots` at `price`, rounded down."""
    return price * lots * instrument.num // instrument.den


def affordable(taker: Taker, price: int, lots: int, budget: int, carry: int) -> int:
    """The most lots, up to `lots`, that the budget covers at `price`."""
    instrument = taker.instrument
    most = ((budget + 1) * instrument.den - 1 - carry) // (price * instrument.num)
    return min(lots, most)


def crosses(side: Side, limit: int | None, price: int) -> bool:
    """Whether a taker of `side` accepts `price`."""
    return limit is None or (price <= limit if side == Side.BUY else price >= limit)


def opposite(side: Side) -> Side:
    return Side.SELL if side == Side.BUY else Side.BUY


def by_turns(instrument: Instrument, side: Side) -> Iterator[tuple[Order, int, bool]]:
    """Resting orders with the lots that they trade, as a sweep meets them.

    What icebergs hide comes after all that their level shows; True where it is an order's first.
    """
    for price in instrument.best_first(side):
        level = instrument.levels[side][price]
        yield from ((maker, maker.shown, True) for maker in level)
        if any(maker.remaining > maker.shown for maker in level):
            yield from ((maker, maker.remaining - maker.shown, False) for maker in level)


def look_ahead(taker: Taker) -> tuple[int, int]:
    """What the order would trade now, over at most LOOKAHEAD_MAX makers: (lots, quote)."""
    lots = quote = seen = 0
    carry = taker.carry
    side = opposite(taker.side)
    for maker, there, is_first in by_turns(taker.instrument, side):
        price = maker.price
        if not taker.accepts(price) or lots == taker.remaining:
            break
        if is_first and seen == LOOKAHEAD_MAX:
            break
        seen += is_first
        if maker.account == taker.account:
            if taker.self_trade == SelfTrade.EXPIRE_MAKER:
                continue
            break
        take = wanted = min(there, taker.remaining - lots)
        if taker.budget is not None:
            take = affordable(taker, price, wanted, taker.budget - quote, carry)
        if taker.side == Side.BUY:
            paid, carry = charge(taker.instrument, price, take, carry)
            quote += paid
        else:
            quote += value(taker.instrument, price, take)
        lots += take
        if take < wanted:
            break
    return lots, quote
