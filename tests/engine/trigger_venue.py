"""Orders that wait for a price, and what came of them."""

from ledger.engine.layout import TIMER_EPOCH_S
from ledger.records.codes import CommandFlag, CommandKind, EventKind, OrderStatus, OrderType
from tests.engine.venue import ALICE, BOB, BUY, CAROL, SELL

K = CommandKind
STOP, TAKE, OCO = CommandFlag.STOP, CommandFlag.TAKE_PROFIT, CommandFlag.OCO
LOT = 1000
NS = 10**9
NOW = TIMER_EPOCH_S * NS


def trade_at(venue, price, buyer=BOB, seller=CAROL):
    """The last price becomes `price`."""
    venue.place(seller, SELL, price, 1)
    return venue.place(buyer, BUY, price, 1)


def stop(venue, account, side, trigger, lots, /, **fields):
    """A market order that waits; a limit order when a price is given."""
    terms = {"flags": STOP, "trigger_ticks": trigger, "order_type": OrderType.MARKET}
    if "price_ticks" in fields:
        terms["order_type"] = OrderType.LIMIT
    return venue.place(account, side, 0, lots, **terms | fields)


def told(done):
    """(kind, order, flags) of each event."""
    return [
        (EventKind(event["kind"]).name, event["order_id"], event["flags"]) for event in done.events
    ]


def pair(venue, **fields):
    """ALICE sells at 120, or when the price falls to 90."""
    upper = venue.place(ALICE, SELL, 120, 5)
    lower = stop(venue, ALICE, SELL, 90, 5, flags=STOP | OCO, target_id=upper.seq, **fields)
    assert lower.status == OrderStatus.PENDING
    return upper, lower
