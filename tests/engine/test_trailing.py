"""Stops whose trigger follows its price, and never goes back."""

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
def test_it_follows_each_trade_and_never_goes_back(venue, side, sign):
    order = trailing(venue, side, 10)
    trade_at(venue, 1000 + sign * 30)
    assert trigger(venue, order) == 1000 + sign * 20
    trade_at(venue, 1000 + sign * 25)
    assert trigger(venue, order) == 1000 + sign * 20
    done = trade_at(venue, 1000 + sign * 20)
    assert triggered(done) == [order.seq]


def test_a_price_that_falls_back_by_the_distance_triggers_whatever_lies_between(venue):
    order = trailing(venue, SELL, 10)
    for price in (1015, 1040, 1031):
        assert triggered(trade_at(venue, price)) == []
    assert triggered(trade_at(venue, 1030)) == [order.seq]


def test_trades_before_it_was_placed_do_not_count(venue):
    trade_at(venue, 1040)
    trade_at(venue, 1000)
    order = trailing(venue, SELL, 10)
    assert triggered(venue.do(K.TICK)) == []
    assert trigger(venue, order) == 990


def test_a_sweep_moves_it_by_its_last_price_and_does_not_trigger_it_by_its_first(venue):
    order = trailing(venue, SELL, 10)
    for price in (1000, 1020, 1050):
        venue.place(CAROL, SELL, price, 1)
    assert triggered(venue.ioc(BOB, BUY, 1050, 3)) == []
    assert trigger(venue, order) == 1040


def test_what_a_command_triggers_counts_before_anything_trails(venue):
    """The buy stop trades at 1060 and the price comes back: the whole command moves it once."""
    order = trailing(venue, SELL, 10)
    venue.place(BOB, BUY, 0, 1, flags=STOP, trigger_ticks=1020, order_type=OrderType.MARKET)
    venue.place(CAROL, SELL, 0, 1, flags=STOP, trigger_ticks=900, order_type=OrderType.MARKET)
    venue.place(CAROL, SELL, 1060, 1)
    done = trade_at(venue, 1020)
    assert len(triggered(done)) == 1
    assert trigger(venue, order) == 1050


def test_after_a_cascade_that_ended_lower_the_moved_trigger_fires_in_the_same_command(venue):
    """Up to 1040 and down to 1005, all by one command: it stands at 1030, which is reached."""
    order = trailing(venue, SELL, 10)
    rise = venue.place(BOB, BUY, 0, 1, flags=STOP, trigger_ticks=1010, order_type=OrderType.MARKET)
    drop = venue.place(
        CAROL, SELL, 0, 1, flags=CommandFlag.TAKE_PROFIT, trigger_ticks=1040,
        order_type=OrderType.MARKET,
    )  # fmt: skip
    venue.place(BOB, BUY, 1005, 2)
    venue.place(CAROL, SELL, 1040, 1)
    assert triggered(trade_at(venue, 1010)) == [rise.seq, drop.seq, order.seq]


@pytest.mark.parametrize(("first", "second"), [(10, 30), (30, 10)])
def test_one_that_trails_may_trigger_another(venue, first, second):
    near, far = sorted([first, second])
    orders = {distance: trailing(venue, SELL, distance) for distance in (first, second)}
    venue.place(BOB, BUY, 970, 1)
    venue.place(BOB, BUY, 960, 1)
    venue.place(BOB, BUY, 950, 1)
    assert triggered(trade_at(venue, 990)) == [orders[near].seq, orders[far].seq]


def test_a_trigger_that_moves_stands_behind_those_that_are_there(venue):
    moved = trailing(venue, SELL, 10)
    plain = venue.place(
        ALICE, SELL, 0, 1, flags=STOP, trigger_ticks=998, order_type=OrderType.MARKET
    )
    trade_at(venue, 1008)
    assert trigger(venue, moved) == 998
    venue.place(BOB, BUY, 998, 9)
    assert triggered(venue.ioc(CAROL, SELL, 998, 1)) == [plain.seq, moved.seq]


def test_triggers_that_moved_to_one_price_keep_their_order(venue):
    orders = [trailing(venue, SELL, 10) for _ in range(5)]
    trade_at(venue, 1050)
    venue.place(BOB, BUY, 1040, 9)
    assert triggered(venue.ioc(CAROL, SELL, 1040, 1)) == [order.seq for order in orders]


def test_many_triggers_move_apart_at_one_trade():
    """Their room was made before the command, however few levels they stood at."""
    venue = open_venue(accounts=20)
    trade_at(venue, 1000)
    for distance in range(1000, 1799):
        trailing(venue, SELL, distance, account=ALICE + distance % 20)
    assert venue.engine._state.triggers.pool["level_open"][0] == 1
    assert trade_at(venue, 20_000).reject == Reject.NONE
    assert venue.engine._state.triggers.pool["level_open"][0] == 799


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
    assert trigger(venue, order) == stands


def trails(accounts, each):
    """So many trailing orders of each of these accounts."""
    return [
        command(
            K.NEW_ORDER, account=ALICE + account, side=SELL, order_type=OrderType.MARKET,
            qty_lots=1, flags=STOP | TRAILING, trigger_ticks=10,
        )
        for account in range(accounts)
        for _ in range(each)
    ]  # fmt: skip


def test_an_account_has_so_many_in_an_instrument_at_most():
    venue = open_venue(accounts=3)
    trade_at(venue, 1000)
    rejects = [done.reject for done in venue.batch(*trails(1, 65))]
    assert rejects == [Reject.NONE] * 64 + [Reject.TABLE_FULL]
    assert trailing(venue, SELL, 10, account=BOB).reject == Reject.NONE


def test_an_instrument_has_so_many_at_most():
    venue = open_venue(accounts=65)
    trade_at(venue, 1000)
    engine = Engine.restore(venue.engine.snapshot())
    rejects = engine.execute(as_commands(trails(65, 64))).outcomes["reject"]
    assert set(rejects[:4096].tolist()) == {Reject.NONE}
    assert set(rejects[4096:].tolist()) == {Reject.TABLE_FULL}


def test_it_follows_a_perpetuals_mark():
    venue = PerpetualVenue()
    order = trailing(venue, SELL, 100, instrument=LINEAR, flags=STOP | TRAILING | 32)
    assert trigger(venue, order) == MID - 100
    venue.trade(BOB, CAROL, 1, MID + 5000)
    assert trigger(venue, order) == MID - 100, "not by trades"
    venue.move(MID + 300)
    assert trigger(venue, order) == venue.mark() - 100
    venue.move(MID + 250)
    assert triggered(venue.move(MID - 900)) == [order.seq]


@pytest.mark.parametrize(("price", "fires"), [(1000, True), (1031, False), (1060, False)])
def test_the_price_of_a_reopening_triggers_it_or_moves_it(venue, price, fires):
    order = trailing(venue, SELL, 10)
    trade_at(venue, 1040)
    venue.do(K.SET_PHASE, phase=Phase.CALL)
    trade_at(venue, price)
    done = venue.do(K.SET_PHASE, phase=Phase.CONTINUOUS)
    assert triggered(done) == [order.seq] * fires
    if not fires:
        assert trigger(venue, order) == max(1040, price) - 10


@pytest.mark.parametrize(
    ("table", "name", "wrong"),
    [
        (TableId.PENDING, "trail_ticks", 0),
        (TableId.PENDING, "trail_ticks", -1),
        (TableId.PENDING, "trail_ticks", MOST + 1),
        (TableId.TRAIL_OWNERS, "head", 0),
        (TableId.TRAIL_OWNERS, "count", 5000),
        (TableId.TRAIL_LINKS, "next", 1),
        (TableId.HEADER, "trailing_count", 0),
        (TableId.HEADER, "trailing_count", 2),
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
