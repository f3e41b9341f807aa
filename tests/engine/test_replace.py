"""Cancel-replace: docs/spec/engine.md, section 5.3."""

import pytest

from ledger.engine import Engine
from ledger.records.codes import CommandKind, ExpireReason, OrderStatus, OrderType, Reject
from tests.engine.trigger_venue import STOP, pair, stop, told, trade_at
from tests.engine.venue import ALICE, BOB, BUY, CAROL, FUNDS, QUOTE, SELL, open_venue

K = CommandKind


@pytest.fixture
def venue():
    return open_venue()


def replace(venue, account, side, price, lots, target, /, **fields):
    terms = {"price_ticks": price, "qty_lots": lots, "target_id": target}
    return venue.do(K.REPLACE_ORDER, account=account, side=side, **terms | fields)


def test_a_replacement_takes_the_hold_and_not_the_place(venue):
    venue.withdraw(ALICE, QUOTE, FUNDS - 1000)
    old = venue.place(ALICE, BUY, 100, 10)
    venue.place(BOB, BUY, 100, 1)
    done = replace(venue, ALICE, BUY, 100, 9, old.seq)
    assert told(done) == [("ORDER_EXPIRED", old.seq, ExpireReason.REPLACED)]
    assert (done.status, done.subject_id) == (OrderStatus.OPEN, done.seq)
    assert venue.engine.order(old.seq) is None
    assert venue.place(CAROL, SELL, 100, 1).events[0]["counter_order_id"] == old.seq + 1


def test_a_replacement_that_is_refused_leaves_the_old_order_as_it_was(venue):
    venue.withdraw(ALICE, QUOTE, FUNDS - 1000)
    old = venue.place(ALICE, BUY, 100, 10)
    root = venue.engine.snapshot()
    assert replace(venue, ALICE, BUY, 100, 11, old.seq).reject == Reject.INSUFFICIENT_BALANCE
    assert replace(venue, ALICE, SELL, 100, 1, old.seq).reject == Reject.UNKNOWN_ORDER
    assert replace(venue, BOB, BUY, 100, 1, old.seq).reject == Reject.NOT_OWNER
    assert replace(venue, ALICE, BUY, 100, 1, 0).reject == Reject.UNKNOWN_ORDER
    assert replace(venue, ALICE, BUY, 0, 1, old.seq).reject == Reject.PRICE_OUT_OF_RANGE
    copy = Engine.restore(root)
    assert copy.order(old.seq) == venue.engine.order(old.seq)
    assert copy.balance(ALICE, QUOTE) == venue.engine.balance(ALICE, QUOTE)


def test_a_replacement_may_trade_and_trigger_at_once(venue):
    waiting = stop(venue, CAROL, BUY, 101, 1, price_ticks=50)
    old = venue.place(ALICE, BUY, 90, 2)
    venue.place(BOB, SELL, 101, 1)
    done = replace(venue, ALICE, BUY, 101, 2, old.seq)
    assert [kind for kind, _, _ in told(done)] == ["ORDER_EXPIRED", "TRADE", "ORDER_TRIGGERED"]
    assert (done.status, done.filled_lots) == (OrderStatus.PARTLY_FILLED, 1)
    assert venue.engine.order(waiting.seq) is not None


def test_a_pending_order_is_replaced_like_a_resting_one(venue):
    old = stop(venue, ALICE, BUY, 110, 1)
    fields = {"flags": STOP, "trigger_ticks": 120, "order_type": OrderType.MARKET}
    done = replace(venue, ALICE, BUY, 0, 2, old.seq, **fields)
    assert done.status == OrderStatus.PENDING
    assert told(done) == [("ORDER_EXPIRED", old.seq, ExpireReason.REPLACED)]
    assert replace(venue, ALICE, SELL, 100, 1, done.seq).reject == Reject.UNKNOWN_ORDER
    assert len(trade_at(venue, 110).events) == 1


def test_the_partner_of_a_replaced_order_leaves_with_it(venue):
    upper, lower = pair(venue)
    done = replace(venue, ALICE, SELL, 121, 5, upper.seq)
    assert [order for _, order, _ in told(done)] == [upper.seq, lower.seq]
