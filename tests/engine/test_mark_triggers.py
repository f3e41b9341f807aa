"""Pending orders of perpetuals that the mark or the index triggers, at a TICK."""

import pytest

from ledger.engine import SnapshotCorrupt
from ledger.engine.restore import restored_state
from ledger.engine.root import TableId
from ledger.engine.tables import canonical_tables
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderStatus,
    OrderType,
    Reject,
)
from tests.engine.perpetual_streams import RULE, SPOT, prices
from tests.engine.perpetual_venue import (
    ALICE,
    BOB,
    BUY,
    CAROL,
    INVERSE,
    LINEAR,
    MID,
    SECOND,
    SELL,
    PerpetualVenue,
)

K = CommandKind
STOP, TAKE = CommandFlag.STOP, CommandFlag.TAKE_PROFIT
ON_MARK, ON_INDEX = CommandFlag.ON_MARK, CommandFlag.ON_INDEX


@pytest.fixture
def venue():
    return PerpetualVenue()


def wait(venue, account, side, trigger, flags, lots=1, **fields):
    """A market order that waits for the mark or the index."""
    return venue.place(
        account, side, 0, lots, instrument=fields.pop("instrument", LINEAR), flags=flags,
        trigger_ticks=trigger, order_type=OrderType.MARKET, **fields,
    )  # fmt: skip


def kinds(done, *wanted):
    return [event for event in done.events if event["kind"] in wanted]


def triggered(done):
    """Ids of the orders that triggered, in order."""
    return [event["order_id"] for event in kinds(done, EventKind.ORDER_TRIGGERED)]


@pytest.mark.parametrize("where", [ON_MARK, ON_INDEX])
@pytest.mark.parametrize(
    ("kind", "side", "short_of", "reached"),
    [(STOP, BUY, 99, 100), (STOP, SELL, -99, -100), (TAKE, BUY, -99, -100), (TAKE, SELL, 99, 100)],
)
def test_each_kind_triggers_at_the_tick_that_reaches_it(
    venue, where, kind, side, short_of, reached
):
    order = wait(venue, ALICE, side, MID + reached, kind | where)
    assert order.status == OrderStatus.PENDING
    assert triggered(venue.move(MID + short_of)) == []
    assert triggered(venue.move(MID + reached)) == [order.seq]


@pytest.mark.parametrize("where", [ON_MARK, ON_INDEX])
def test_the_last_price_does_not_trigger_it(venue, where):
    order = wait(venue, ALICE, BUY, MID + 50, STOP | where)
    venue.trade(BOB, CAROL, 1, MID + 60)
    assert venue.engine.order(order.seq) is None
    assert venue.cancel(ALICE, order.seq, instrument=LINEAR).status == OrderStatus.CANCELED


def test_sources_move_nothing_before_the_tick(venue):
    order = wait(venue, ALICE, BUY, MID + 50, STOP | ON_INDEX)
    venue.now += SECOND
    venue.batch(*prices(venue.now, MID + 80))
    done = venue.do(K.TICK)
    assert triggered(done) == [order.seq]


def test_a_trigger_that_its_price_has_reached_is_refused(venue):
    for where in (ON_MARK, ON_INDEX):
        assert wait(venue, ALICE, BUY, MID, STOP | where).reject == Reject.WOULD_TRIGGER
        assert wait(venue, ALICE, SELL, MID, STOP | where).reject == Reject.WOULD_TRIGGER
        assert wait(venue, ALICE, BUY, MID + 1, STOP | where).reject == Reject.NONE
        assert wait(venue, ALICE, SELL, MID - 1, STOP | where).reject == Reject.NONE


@pytest.mark.parametrize(
    ("instrument", "flags"),
    [
        (SPOT, STOP | ON_MARK),
        (SPOT, STOP | ON_INDEX),
        (LINEAR, STOP | ON_MARK | ON_INDEX),
        (LINEAR, ON_MARK),
        (LINEAR, ON_INDEX),
    ],
)
def test_a_price_that_is_not_there_or_not_waited_for_is_malformed(venue, instrument, flags):
    done = wait(venue, ALICE, BUY, MID + 50, flags, instrument=instrument)
    assert done.reject == Reject.MALFORMED


def test_rising_triggers_come_first_then_falling_ones_and_marks_before_indices(venue):
    high = wait(venue, ALICE, SELL, MID + 90, TAKE | ON_MARK)
    on_index = wait(venue, ALICE, BUY, MID + 10, STOP | ON_INDEX)
    low = wait(venue, ALICE, SELL, MID + 20, TAKE | ON_MARK)
    of_inverse = wait(venue, ALICE, BUY, MID + 5, STOP | ON_MARK, instrument=INVERSE)
    done = venue.move(MID + 100)
    assert triggered(done) == [low.seq, high.seq, on_index.seq, of_inverse.seq]


def test_what_a_trigger_trades_triggers_at_the_last_price_before_the_next_mark_trigger(venue):
    venue.place(CAROL, SELL, MID + 120, 5, instrument=LINEAR)
    first = wait(venue, ALICE, BUY, MID + 10, STOP | ON_MARK)
    second = wait(venue, ALICE, BUY, MID + 20, STOP | ON_MARK)
    on_last = wait(venue, BOB, BUY, MID + 110, STOP)
    done = venue.move(MID + 100)
    assert triggered(done) == [first.seq, on_last.seq, second.seq]
    assert {event["price_ticks"] for event in kinds(done, EventKind.TRADE)} == {MID + 120}


def test_a_stop_on_the_mark_closes_before_the_liquidation_that_the_same_mark_would_bring():
    venue = PerpetualVenue(dollars=60_000)
    venue.trade(ALICE, BOB, 400, MID)
    stop = wait(venue, ALICE, SELL, MID - 100, STOP | ON_MARK, lots=400)
    venue.place(CAROL, BUY, MID - 130, 400, instrument=LINEAR)
    done = venue.move(MID - 500)
    assert triggered(done) == [stop.seq]
    assert kinds(done, EventKind.ACCOUNT_FELL) == []
    assert venue.position(ALICE)[0] == 0


def test_a_liquidated_accounts_stops_leave(venue):
    venue = PerpetualVenue(dollars=60_000)
    venue.trade(ALICE, BOB, 400, MID)
    stop = wait(venue, ALICE, SELL, MID - 900, STOP | ON_INDEX, lots=400)
    done = venue.move(MID - 500)
    gone = {e["order_id"]: e["flags"] for e in kinds(done, EventKind.ORDER_EXPIRED)}
    assert gone == {stop.seq: ExpireReason.LIQUIDATION}


def test_without_a_rule_there_is_no_index_to_reach(venue):
    venue.do(K.LIST_INSTRUMENT, instrument=3, base=0, quote=1, lot_minor=1, notional_num=3,
             notional_den=10, max_price_ticks=10**6, max_qty_lots=10**6, product=1,
             symbol=b"YOUNG")  # fmt: skip
    order = wait(venue, ALICE, SELL, 10**6, STOP | ON_INDEX, instrument=3)
    assert order.status == OrderStatus.PENDING
    assert triggered(venue.move(MID)) == []
    venue.do(K.SET_PERPETUAL, instrument=3, **RULE)
    assert triggered(venue.move(MID)) == [order.seq]


@pytest.mark.parametrize(
    ("table", "name", "wrong"),
    [(TableId.TRIGGERS, "side_index", 6 * LINEAR + 1), (TableId.PENDING, "flags", int(STOP)),
     (TableId.PENDING, "side", int(SELL))],
)  # fmt: skip
def test_a_pending_order_that_waits_for_another_price_than_it_says_is_refused(
    venue, table, name, wrong
):
    wait(venue, ALICE, BUY, MID + 50, STOP | ON_MARK)
    tables = {one.table: one.rows.copy() for one in canonical_tables(venue.engine._state)}
    restored_state(tables)
    tables[table][name][0] = wrong
    with pytest.raises(SnapshotCorrupt):
        restored_state(tables)
