"""Stops whose trigger follows its price at each TICK, and never goes back."""

import pytest

from ledger.engine import Engine, SnapshotCorrupt
from ledger.engine.restore import restored_state
from ledger.engine.root import TableId
from ledger.engine.tables import canonical_tables
from ledger.records.build import command
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    OrderStatus,
    OrderType,
    Phase,
    Reject,
)
from tests.engine.perpetual_streams import LINEAR, MID
from tests.engine.perpetual_venue import PerpetualVenue
from tests.engine.streams import as_commands
from tests.engine.venue import ALICE, BOB, BUY, CAROL, SELL, open_venue

K = CommandKind
STOP, TRAILING = CommandFlag.STOP, CommandFlag.TRAILING
MOST = 10**6


def trade_at(venue, price):
    venue.place(CAROL, SELL, price, 1)
    return venue.place(BOB, BUY, price, 1)


def trailing(venue, side, distance, lots=1, account=ALICE, **fields):
    """A market order whose trigger stands `distance` away."""
    terms = {"flags": STOP | TRAILING, "order_type": OrderType.MARKET}
    terms["trigger_ticks"] = distance
    return venue.place(account, side, 0, lots, **terms | fields)


def trigger(venue, order):
    """Where an order's trigger stands now."""
    state = venue.engine._state
    (slot,) = [
        slot for slot, row in enumerate(state.triggers.orders) if row["order_id"] == order.seq
    ]
    return int(state.pending["trigger_ticks"][slot])


def triggered(done):
    return [e["order_id"] for e in done.events if e["kind"] == EventKind.ORDER_TRIGGERED]


@pytest.fixture
def venue():
    venue = open_venue()
    trade_at(venue, 1000)
    venue.do(K.TICK)
    return venue


@pytest.mark.parametrize(("side", "stands"), [(SELL, 990), (BUY, 1010)])
def test_it_begins_at_its_distance_from_the_price(venue, side, stands):
    order = trailing(venue, side, 10)
    assert order.status == OrderStatus.PENDING
    assert trigger(venue, order) == stands


@pytest.mark.parametrize(("side", "sign"), [(SELL, 1), (BUY, -1)])
def test_it_follows_at_ticks_and_never_goes_back(venue, side, sign):
    order = trailing(venue, side, 10)
    trade_at(venue, 1000 + sign * 30)
    assert trigger(venue, order) == 1000 - sign * 10
    venue.do(K.TICK)
    assert trigger(venue, order) == 1000 + sign * 20
    trade_at(venue, 1000 + sign * 25)
    venue.do(K.TICK)
    assert trigger(venue, order) == 1000 + sign * 20
    done = trade_at(venue, 1000 + sign * 20)
    assert triggered(done) == [order.seq]


def test_it_follows_the_extreme_between_two_ticks(venue):
    order = trailing(venue, SELL, 10)
    venue.do(K.TICK)
    for price in (1015, 1040, 1035):
        trade_at(venue, price)
    venue.do(K.TICK)
    assert trigger(venue, order) == 1030


def test_a_price_that_has_fallen_back_beyond_the_moved_trigger_triggers_at_the_tick(venue):
    order = trailing(venue, SELL, 10)
    venue.do(K.TICK)
    venue.place(BOB, BUY, 995, 1)
    for price in (1040, 1000):
        assert triggered(trade_at(venue, price)) == []
    assert triggered(venue.do(K.TICK)) == [order.seq]


def test_trades_before_it_was_placed_do_not_count(venue):
    trade_at(venue, 1040)
    trade_at(venue, 1000)
    order = trailing(venue, SELL, 10)
    assert triggered(venue.do(K.TICK)) == []
    assert trigger(venue, order) == 990


def test_of_the_interval_in_which_it_was_placed_the_last_price_counts(venue):
    order = trailing(venue, SELL, 10)
    for price in (1040, 1020):
        trade_at(venue, price)
    venue.do(K.TICK)
    assert trigger(venue, order) == 1010


def test_a_trigger_that_moves_stands_behind_those_that_are_there(venue):
    moved = trailing(venue, SELL, 10)
    plain = venue.place(
        ALICE, SELL, 0, 1, flags=STOP, trigger_ticks=998, order_type=OrderType.MARKET
    )
    trade_at(venue, 1008)
    venue.do(K.TICK)
    assert trigger(venue, moved) == 998
    venue.place(BOB, BUY, 998, 9)
    assert triggered(venue.ioc(CAROL, SELL, 998, 1)) == [plain.seq, moved.seq]


def test_triggers_that_moved_to_one_price_keep_their_order(venue):
    orders = [trailing(venue, SELL, 10) for _ in range(5)]
    trade_at(venue, 1050)
    venue.do(K.TICK)
    venue.place(BOB, BUY, 1040, 9)
    assert triggered(venue.ioc(CAROL, SELL, 1040, 1)) == [order.seq for order in orders]


def test_many_triggers_move_apart_in_one_tick():
    """Their room was made before the TICK, however few levels they stood at."""
    venue = open_venue(accounts=3)
    trade_at(venue, 10_000)
    venue.do(K.TICK)
    for distance in range(1, 40):
        trade_at(venue, 10_000)
        for wide in range(20):
            trailing(venue, SELL, distance + 40 * wide)
    trade_at(venue, 20_000)
    done = venue.do(K.TICK)
    assert done.reject == Reject.NONE
    assert venue.engine._state.triggers.pool["level_open"][0] == 39 * 20


def test_it_is_cancelled_and_replaced_like_others(venue):
    order = trailing(venue, SELL, 10)
    other = venue.do(
        K.REPLACE_ORDER, account=ALICE, side=SELL, qty_lots=2, order_type=OrderType.MARKET,
        flags=STOP | TRAILING, trigger_ticks=30, target_id=order.seq,
    )  # fmt: skip
    assert trigger(venue, other) == 970
    assert venue.cancel(ALICE, other.seq).status == OrderStatus.CANCELED
    assert int(venue.engine._state.trail_owners["count"][0]) == 0


def test_without_a_price_there_is_nothing_to_follow():
    venue = open_venue()
    assert trailing(venue, SELL, 10).reject == Reject.NO_REFERENCE


@pytest.mark.parametrize(
    ("fields", "reject"),
    [
        ({"flags": TRAILING}, Reject.MALFORMED),
        ({"flags": TRAILING | CommandFlag.TAKE_PROFIT}, Reject.MALFORMED),
        ({"trigger_ticks": 0}, Reject.PRICE_OUT_OF_RANGE),
        ({"trigger_ticks": -1}, Reject.PRICE_OUT_OF_RANGE),
        ({"trigger_ticks": MOST + 1}, Reject.PRICE_OUT_OF_RANGE),
    ],
)
def test_what_makes_no_sense_is_refused(venue, fields, reject):
    assert trailing(venue, SELL, 10, **fields).reject == reject


@pytest.mark.parametrize(("side", "stands"), [(SELL, 1), (BUY, MOST)])
def test_a_trigger_stays_within_the_instruments_prices(venue, side, stands):
    order = trailing(venue, side, MOST)
    assert trigger(venue, order) == stands
    trade_at(venue, 2000)
    venue.do(K.TICK)
    assert trigger(venue, order) == stands


def test_an_instrument_has_so_many_at_most(venue):
    most = 4096
    placed = [
        command(
            K.NEW_ORDER, account=ALICE, side=SELL, order_type=OrderType.MARKET, qty_lots=1,
            flags=STOP | TRAILING, trigger_ticks=10,
        )
    ] * (most + 1)  # fmt: skip
    done = Engine.restore(venue.engine.snapshot()).execute(as_commands(placed))
    assert set(done.outcomes["reject"][:most].tolist()) == {Reject.NONE}
    assert done.outcomes["reject"][most] == Reject.TABLE_FULL


def test_it_follows_a_perpetuals_mark():
    venue = PerpetualVenue()
    order = trailing(venue, SELL, 100, instrument=LINEAR, flags=STOP | TRAILING | 32)
    assert trigger(venue, order) == MID - 100
    venue.trade(BOB, CAROL, 1, MID + 5000)
    venue.move(MID + 300)
    assert trigger(venue, order) == venue.mark() - 100
    venue.move(MID + 250)
    assert triggered(venue.move(MID - 900)) == [order.seq]


def test_a_halt_keeps_it_from_triggering_not_from_following(venue):
    order = trailing(venue, SELL, 10)
    venue.do(K.TICK)
    for price in (1040, 1000):
        trade_at(venue, price)
    venue.do(K.SET_PHASE, phase=Phase.HALTED)
    assert triggered(venue.do(K.TICK)) == []
    assert trigger(venue, order) == 1030
    venue.do(K.SET_PHASE, phase=Phase.CONTINUOUS)
    assert triggered(venue.do(K.TICK)) == [order.seq]


def test_a_reopening_first_takes_in_the_trades_before_the_halt(venue):
    order = trailing(venue, SELL, 10)
    trade_at(venue, 1040)
    venue.do(K.SET_PHASE, phase=Phase.HALTED)
    venue.do(K.SET_PHASE, phase=Phase.CONTINUOUS)
    assert trigger(venue, order) == 1030


@pytest.mark.parametrize(
    ("table", "name", "wrong"),
    [
        (TableId.PENDING, "trail_ticks", 0),
        (TableId.PENDING, "trail_ticks", -1),
        (TableId.PENDING, "trail_ticks", MOST + 1),
        (TableId.TRAIL_OWNERS, "head", 0),
        (TableId.TRAIL_OWNERS, "count", 5000),
        (TableId.TRAIL_LINKS, "next", 1),
        (TableId.HEADER, "ticked_seq", 10**6),
    ],
)
def test_lists_that_would_lead_a_kernel_astray_are_refused(venue, table, name, wrong):
    trailing(venue, SELL, 10)
    tables = {one.table: one.rows.copy() for one in canonical_tables(venue.engine._state)}
    restored_state(tables)
    tables[table][name][0] = wrong
    with pytest.raises(SnapshotCorrupt):
        restored_state(tables)


def test_a_restored_engine_follows_on(venue):
    trailing(venue, SELL, 10)
    copy = Engine.restore(venue.engine.snapshot())
    rest = as_commands(
        [
            command(K.NEW_ORDER, account=CAROL, side=SELL, price_ticks=1050, qty_lots=1),
            command(K.NEW_ORDER, account=BOB, side=BUY, price_ticks=1050, qty_lots=1),
            command(K.TICK),
        ]
    )
    ours, theirs = venue.engine.execute(rest), copy.execute(rest)
    assert ours.events.tobytes() == theirs.events.tobytes()
    assert copy.state_root() == venue.engine.state_root()
