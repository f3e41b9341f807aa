"""The replay's engine: what its commands say, and that a batch is one execution."""

import pytest

from api.replay.recorded import Terms
from api.replay.seats import ACCOUNT, BATCH, Seats
from ledger.records.codes import EventKind, OrderStatus, Reject, Side, TimeInForce

BUY, SELL = Side.BUY, Side.SELL
TERMS = Terms("test", 1, 1)


def test_ids_are_known_before_the_batch_is_executed():
    seats = Seats(TERMS)
    ids = [seats.rest(SELL, 10 + at, 5) for at in range(3)]
    assert ids == [seats.engine.seq + 1 + at for at in range(3)]
    done = seats.flush()
    assert done is not None
    assert done.outcomes["subject_id"].tolist() == ids
    assert [seats.engine.order(order_id).account for order_id in ids] == [ACCOUNT[SELL]] * 3


def test_an_order_that_rests_never_trades():
    seats = Seats(TERMS)
    seats.rest(SELL, 10, 5)
    seats.rest(BUY, 10, 5)
    done = seats.flush()
    assert done is not None
    assert done.outcomes["reject"].tolist() == [Reject.NONE, Reject.WOULD_TAKE]
    assert len(done.events) == 0


@pytest.mark.parametrize("in_force", [TimeInForce.IOC, TimeInForce.GTC])
def test_an_order_that_takes_trades_and_rests_only_when_it_may(in_force: TimeInForce):
    seats = Seats(TERMS)
    maker = seats.rest(SELL, 10, 5)
    taker = seats.take(BUY, 11, 7, in_force)
    done = seats.flush()
    assert done is not None
    assert done.events["kind"].tolist() == [EventKind.TRADE]
    assert done.events["counter_order_id"].tolist() == [maker]
    assert done.events["price_ticks"].tolist() == [10]
    gone = in_force is TimeInForce.IOC
    status = OrderStatus.EXPIRED if gone else OrderStatus.PARTLY_FILLED
    assert int(done.outcomes[-1]["status"]) == status
    assert (seats.engine.order(taker) is None) == gone


def test_cancels_and_amends_name_the_orders_owner_and_size():
    seats = Seats(TERMS)
    first, second = seats.rest(BUY, 10, 5), seats.rest(SELL, 12, 5)
    seats.amend(BUY, first, 2)
    seats.cancel(SELL, second)
    done = seats.flush()
    assert done is not None
    assert not done.outcomes["reject"].any()
    order = seats.engine.order(first)
    assert order is not None
    assert order.remaining_lots == 2
    assert seats.engine.order(second) is None


def test_nothing_written_is_nothing_executed():
    seats = Seats(TERMS)
    before = seats.engine.seq
    assert seats.flush() is None
    assert (seats.engine.seq, seats.commands) == (before, 0)


def test_a_batch_holds_so_many_commands_and_no_more():
    seats = Seats(TERMS)
    for at in range(BATCH):
        assert not seats.full
        seats.rest(BUY, 1 + at, 1)
    assert seats.full
    with pytest.raises(AssertionError):
        seats.rest(BUY, 1, 1)
    done = seats.flush()
    assert done is not None
    assert len(done.outcomes) == BATCH
    assert not seats.full
    assert seats.commands == BATCH
