"""Halts, calls, the kill switch of the venue, the volatility halt, and what waits meanwhile."""

import pytest

from ledger.engine import Engine, SnapshotCorrupt
from ledger.engine.layout import TIMER_EPOCH_S
from ledger.engine.restore import restored_state
from ledger.engine.root import TableId
from ledger.engine.tables import canonical_tables
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    OrderStatus,
    OrderType,
    Phase,
    PhaseScope,
    Reject,
    TimeInForce,
)
from tests.engine.perpetual_streams import INVERSE, LINEAR, MID, RULE
from tests.engine.perpetual_venue import PerpetualVenue
from tests.engine.streams import PLAIN
from tests.engine.venue import ALICE, BOB, BUY, CAROL, FUNDS, QUOTE, SELL, open_venue

K = CommandKind
NS = 10**9
NOW = TIMER_EPOCH_S * NS
VENUE = "venue"
STOP = CommandFlag.STOP


def set_phase(venue, phase, instrument=0, **fields):
    """Of one instrument, or of the whole VENUE."""
    if instrument == VENUE:
        return venue.do(K.SET_PHASE, flags=PhaseScope.VENUE, phase=phase, **fields)
    return venue.do(K.SET_PHASE, instrument=instrument, phase=phase, **fields)


def phases(done):
    """(instrument, phase, price, lots) of each change."""
    return [
        (
            VENUE if event["flags"] >> 8 else event["instrument"],
            Phase(event["flags"] & 255),
            event["price_ticks"],
            event["qty_lots"],
        )
        for event in done.events
        if event["kind"] == EventKind.PHASE_CHANGED
    ]


@pytest.fixture
def venue():
    return open_venue({}, {"symbol": b"OTHER"})


def test_a_halt_refuses_every_new_order_and_lets_orders_leave(venue):
    order = venue.place(ALICE, BUY, 100, 5)
    assert phases(set_phase(venue, Phase.HALTED)) == [(0, Phase.HALTED, 0, 0)]
    stop = {"flags": STOP, "trigger_ticks": 200}
    for fields in ({}, {"time_in_force": TimeInForce.IOC}, {"flags": 1}, stop):
        assert venue.place(ALICE, BUY, 100, 1, **fields).reject == Reject.MARKET_HALTED
    assert venue.place(ALICE, BUY, 100, 1, instrument=1).reject == Reject.NONE
    assert venue.amend(ALICE, order.seq, 3).reject == Reject.NONE
    assert venue.cancel(ALICE, order.seq).status == OrderStatus.CANCELED
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 100, 100)


def test_orders_expire_while_halted(venue):
    order = venue.place(
        ALICE, BUY, 100, 5, time_in_force=TimeInForce.GTD, expire_ns=NOW + NS, time_ns=NOW
    )
    set_phase(venue, Phase.HALTED, time_ns=NOW)
    done = venue.do(K.TICK, time_ns=NOW + NS)
    assert [event["order_id"] for event in done.events] == [order.seq]


def test_a_call_takes_limit_orders_that_rest_and_trades_nothing(venue):
    set_phase(venue, Phase.CALL)
    assert venue.place(ALICE, BUY, 110, 5).status == OrderStatus.OPEN
    done = venue.place(BOB, SELL, 90, 5)
    assert (done.status, done.filled_lots, done.events) == (OrderStatus.OPEN, 0, ())
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 550, 550)


@pytest.mark.parametrize(
    "fields",
    [
        {"time_in_force": TimeInForce.IOC},
        {"flags": CommandFlag.POST_ONLY},
        {"order_type": OrderType.MARKET, "price_ticks": 0},
        {"order_type": OrderType.MARKET, "price_ticks": 0, "qty_lots": 0,
         "flags": CommandFlag.BY_QUOTE, "quote_minor": 100},
    ],
)  # fmt: skip
def test_a_call_refuses_what_would_trade_at_once_or_not_at_all(venue, fields):
    venue.place(BOB, SELL, 200, 50)
    set_phase(venue, Phase.CALL)
    assert venue.place(ALICE, BUY, 100, 1, **fields).reject == Reject.IN_CALL


def test_a_fill_or_kill_order_that_would_fill_is_refused_in_a_call(venue):
    venue.place(BOB, SELL, 100, 1)
    set_phase(venue, Phase.CALL)
    assert venue.fok(ALICE, BUY, 100, 1).reject == Reject.IN_CALL


def test_pending_orders_are_placed_in_a_call_and_wait(venue):
    set_phase(venue, Phase.CALL)
    order = venue.place(ALICE, BUY, 0, 1, flags=STOP, trigger_ticks=90, order_type=1)
    assert order.status == OrderStatus.PENDING


def test_no_band_binds_in_a_call(venue):
    venue.place(CAROL, SELL, 100, 1)
    venue.place(BOB, BUY, 100, 1)
    venue.do(K.SET_MARKET, band_ppm=1000)
    assert venue.place(ALICE, BUY, 150, 1).reject == Reject.PRICE_OUT_OF_BAND
    set_phase(venue, Phase.CALL)
    assert venue.place(ALICE, BUY, 150, 1).reject == Reject.NONE


@pytest.mark.parametrize("before", list(Phase))
@pytest.mark.parametrize("after", list(Phase))
def test_a_phase_may_not_follow_itself_but_for_a_call(venue, before, after):
    if before != Phase.CONTINUOUS:
        set_phase(venue, before)
    expected = Reject.WRONG_STATE if before == after != Phase.CALL else Reject.NONE
    assert set_phase(venue, after).reject == expected
    assert int(venue.engine._state.sessions["phase"][0]) == after


@pytest.mark.parametrize(
    ("fields", "reject"),
    [
        ({"instrument": 2}, Reject.UNKNOWN_INSTRUMENT),
        ({"flags": 2}, Reject.MALFORMED),
        ({"flags": 3}, Reject.MALFORMED),
        ({"flags": PhaseScope.VENUE, "instrument": 1}, Reject.MALFORMED),
        ({"phase": 3}, Reject.MALFORMED),
        ({"account": ALICE}, Reject.MALFORMED),
        ({"phase": Phase.HALTED, "until_ns": NOW + 1}, Reject.MALFORMED),
        ({"phase": Phase.CALL, "until_ns": NOW}, Reject.MALFORMED),
        ({"phase": Phase.CALL, "until_ns": -1}, Reject.MALFORMED),
        ({"phase": Phase.CALL, "until_ns": NOW + 1}, Reject.NONE),
        ({"flags": PhaseScope.VENUE}, Reject.WRONG_STATE),
    ],
)
def test_a_phase_that_makes_no_sense_is_refused(venue, fields, reject):
    assert venue.do(K.SET_PHASE, **{"time_ns": NOW} | fields).reject == reject


def test_a_call_ends_at_the_first_tick_that_is_not_before_its_end(venue):
    set_phase(venue, Phase.CALL, until_ns=NOW + 10, time_ns=NOW)
    assert phases(venue.do(K.TICK, time_ns=NOW + 9)) == []
    assert phases(venue.do(K.TICK, time_ns=NOW + 10)) == [(0, Phase.CONTINUOUS, 0, 0)]
    assert phases(venue.do(K.TICK, time_ns=NOW + 11)) == []


def test_a_call_without_an_end_waits_for_a_command(venue):
    set_phase(venue, Phase.CALL, time_ns=NOW)
    assert phases(venue.do(K.TICK, time_ns=NOW + 10**15)) == []
    done = set_phase(venue, Phase.CONTINUOUS, time_ns=NOW + 10**15)
    assert phases(done) == [(0, Phase.CONTINUOUS, 0, 0)]


def test_a_call_that_follows_a_call_moves_its_end(venue):
    set_phase(venue, Phase.CALL, until_ns=NOW + 10, time_ns=NOW)
    set_phase(venue, Phase.CALL, until_ns=NOW + 20, time_ns=NOW)
    assert phases(venue.do(K.TICK, time_ns=NOW + 19)) == []
    assert len(phases(venue.do(K.TICK, time_ns=NOW + 20))) == 1


def test_a_listing_may_begin_in_a_call(venue):
    terms = PLAIN | {"instrument": 2, "call_until_ns": NOW + 5, "time_ns": NOW}
    late = venue.do(K.LIST_INSTRUMENT, **terms | {"call_until_ns": NOW})
    assert late.reject == Reject.MALFORMED
    assert venue.do(K.LIST_INSTRUMENT, **terms).reject == Reject.NONE
    buy = venue.place(ALICE, BUY, 120, 5, instrument=2, time_ns=NOW)
    sell = venue.place(BOB, SELL, 110, 5, instrument=2, time_ns=NOW)
    assert (buy.filled_lots, sell.filled_lots) == (0, 0)
    done = venue.do(K.TICK, time_ns=NOW + 5)
    assert phases(done) == [(2, Phase.CONTINUOUS, 110, 5)]


def test_the_venues_kill_switch_halts_everything_and_keeps_each_instruments_phase(venue):
    set_phase(venue, Phase.CALL, until_ns=NOW + 10, time_ns=NOW)
    venue.place(ALICE, BUY, 100, 1, time_ns=NOW)
    venue.place(BOB, SELL, 100, 1, time_ns=NOW)
    done = set_phase(venue, Phase.HALTED, VENUE, time_ns=NOW)
    assert phases(done) == [(VENUE, Phase.HALTED, 0, 0)]
    again = set_phase(venue, Phase.HALTED, VENUE, time_ns=NOW)
    assert again.reject == Reject.WRONG_STATE
    for instrument in (0, 1):
        refused = venue.place(ALICE, BUY, 100, 1, instrument=instrument, time_ns=NOW)
        assert refused.reject == Reject.MARKET_HALTED
    opened = set_phase(venue, Phase.CONTINUOUS, time_ns=NOW)
    assert opened.reject == Reject.WRONG_STATE
    assert phases(venue.do(K.TICK, time_ns=NOW + 20)) == []
    lifted = set_phase(venue, Phase.CONTINUOUS, VENUE, time_ns=NOW + 20)
    assert phases(lifted) == [(VENUE, Phase.CONTINUOUS, 0, 0)]
    done = venue.place(ALICE, BUY, 100, 1, instrument=1, time_ns=NOW + 20)
    assert done.reject == Reject.NONE
    assert phases(venue.do(K.TICK, time_ns=NOW + 20)) == [(0, Phase.CONTINUOUS, 100, 1)]


def test_the_whole_venue_may_reopen_with_calls(venue):
    set_phase(venue, Phase.HALTED, VENUE, time_ns=NOW)
    done = set_phase(venue, Phase.CALL, VENUE, time_ns=NOW, until_ns=NOW + 5)
    assert [entry[:2] for entry in phases(done)] == [
        (VENUE, Phase.CALL), (0, Phase.CALL), (1, Phase.CALL),
    ]  # fmt: skip
    assert venue.place(ALICE, BUY, 100, 1, time_ns=NOW).reject == Reject.NONE
    assert len(phases(venue.do(K.TICK, time_ns=NOW + 5))) == 2


# The volatility halt.


def watched(halt_ppm=100_000, window_s=80, reopen_s=30):
    venue = open_venue()
    terms = {"halt_ppm": halt_ppm, "window_s": window_s, "reopen_s": reopen_s}
    assert venue.do(K.SET_MARKET, time_ns=NOW, **terms).reject == Reject.NONE
    return venue


def trade_at(venue, price, second):
    venue.place(CAROL, SELL, price, 1, time_ns=NOW + second * NS)
    done = venue.place(BOB, BUY, price, 1, time_ns=NOW + second * NS)
    assert done.filled_lots == 1


def tick(venue, second):
    return venue.do(K.TICK, time_ns=NOW + second * NS)


@pytest.mark.parametrize(("first", "then"), [(1000, 1101), (1101, 1000)])
def test_a_move_beyond_the_limit_begins_a_call_that_ends_by_itself(first, then):
    venue = watched()
    trade_at(venue, first, 0)
    assert phases(tick(venue, 1)) == []
    trade_at(venue, then, 2)
    assert phases(tick(venue, 3)) == [(0, Phase.CALL, 0, 0)]
    assert phases(tick(venue, 32)) == []
    assert phases(tick(venue, 33)) == [(0, Phase.CONTINUOUS, 0, 0)]
    assert phases(tick(venue, 34)) == [], "the window begins anew"


def test_a_move_up_to_the_limit_goes_on():
    venue = watched()
    trade_at(venue, 1000, 0)
    trade_at(venue, 1100, 1)
    assert phases(tick(venue, 2)) == []


def test_a_move_between_two_ticks_is_seen_though_the_price_came_back():
    venue = watched()
    for price in (1000, 1200, 1000):
        trade_at(venue, price, 1)
    assert len(phases(tick(venue, 2))) == 1


@pytest.mark.parametrize(("second", "halts"), [(79, 1), (80, 0)])
def test_prices_leave_the_window_part_by_part(second, halts):
    """Eight parts of ten seconds: what came in the first one counts until the eighth is over."""
    venue = watched()
    trade_at(venue, 1000, 0)
    tick(venue, 5)
    trade_at(venue, 1150, 70)
    assert len(phases(tick(venue, second))) == halts


def test_a_halt_without_a_reopening_time_waits_for_a_command():
    venue = watched(reopen_s=0)
    trade_at(venue, 1000, 0)
    trade_at(venue, 2000, 0)
    assert len(phases(tick(venue, 1))) == 1
    assert phases(tick(venue, 10**6)) == []


def test_a_new_rule_forgets_what_was_seen():
    venue = watched()
    trade_at(venue, 1000, 0)
    tick(venue, 1)
    venue.do(K.SET_MARKET, halt_ppm=100_000, window_s=80, time_ns=NOW + NS)
    trade_at(venue, 2000, 2)
    assert phases(tick(venue, 3)) == []


def test_prices_far_apart_in_time_are_seen_apart_however_late_the_tick_comes():
    venue = watched()
    trade_at(venue, 1000, 0)
    tick(venue, 1)
    trade_at(venue, 2000, 10**6)
    assert phases(tick(venue, 10**6)) == []


# Perpetuals.


def test_marks_move_and_funding_is_paid_while_halted():
    venue = PerpetualVenue()
    venue.trade(ALICE, BOB, 10, MID)
    set_phase(venue, Phase.HALTED, LINEAR)
    done = venue.move(MID + 100, 3600)
    kinds = {event["kind"] for event in done.events if event["instrument"] == LINEAR}
    assert {EventKind.MARK_MOVED, EventKind.FUNDING_PAID} <= kinds


def test_a_liquidation_waits_for_the_reopening_and_other_positions_close():
    venue = PerpetualVenue(dollars=60_000, coins=5_000)
    venue.trade(ALICE, BOB, 400, MID)
    venue.trade(ALICE, BOB, 1, MID, INVERSE)
    venue.place(CAROL, BUY, MID - 510, 400, instrument=LINEAR)
    venue.place(CAROL, BUY, MID - 1200, 1, instrument=INVERSE)
    set_phase(venue, Phase.HALTED, LINEAR)
    done = venue.move(MID - 700)
    assert EventKind.ACCOUNT_FELL in {event["kind"] for event in done.events}
    assert venue.position(ALICE)[0] == 400
    assert venue.position(ALICE, INVERSE)[0] == 0
    again = venue.move(MID - 700)
    assert EventKind.ACCOUNT_FELL not in {event["kind"] for event in again.events}
    set_phase(venue, Phase.CONTINUOUS, LINEAR)
    venue.move(MID - 700)
    assert venue.position(ALICE)[0] == 0


def test_an_account_that_stands_again_before_the_reopening_keeps_its_position():
    venue = PerpetualVenue(dollars=60_000)
    venue.trade(ALICE, BOB, 400, MID)
    set_phase(venue, Phase.HALTED, LINEAR)
    venue.move(MID - 490)
    venue.move(MID)
    set_phase(venue, Phase.CONTINUOUS, LINEAR)
    venue.move(MID)
    assert venue.position(ALICE)[0] == 400


def test_the_fund_keeps_what_it_took_until_the_reopening():
    venue = PerpetualVenue(dollars=60_000, fund=10**6)
    venue.trade(ALICE, BOB, 400, MID)
    venue.move(MID - 480)
    assert venue.position(ALICE)[0] == 0
    taken = venue.position(6)[0]
    assert taken > 0
    set_phase(venue, Phase.HALTED, LINEAR)
    venue.move(MID - 480)
    assert venue.position(6)[0] == taken


def test_a_mark_triggers_nothing_while_halted_and_does_after_it():
    venue = PerpetualVenue()
    order = venue.place(
        ALICE, BUY, 0, 1, instrument=LINEAR, order_type=1, trigger_ticks=MID + 50,
        flags=STOP | CommandFlag.ON_MARK,
    )  # fmt: skip
    set_phase(venue, Phase.CALL, LINEAR)
    assert EventKind.ORDER_TRIGGERED not in {e["kind"] for e in venue.move(MID + 90).events}
    set_phase(venue, Phase.CONTINUOUS, LINEAR)
    done = venue.move(MID + 90)
    assert order.seq in {e["order_id"] for e in done.events}


def test_no_premium_is_sampled_from_a_book_that_may_overlap():
    venue = PerpetualVenue()
    set_phase(venue, Phase.CALL, LINEAR)
    venue.place(ALICE, BUY, MID + 2000, 200, instrument=LINEAR)
    venue.place(BOB, SELL, MID - 2000, 200, instrument=LINEAR)
    rows = venue.engine._state.margin.perpetuals
    before = int(rows["premium_count"][LINEAR]), int(rows["premium_ema"][LINEAR])
    venue.move(MID)
    assert (int(rows["premium_count"][LINEAR]), int(rows["premium_ema"][LINEAR])) == before
    assert RULE["oracle"] == 0


# Snapshots.

WRONG = [
    (TableId.SESSIONS, "phase", 3),
    (TableId.SESSIONS, "reference", 1),
    (TableId.SESSIONS, "reference", 3),
    (TableId.SESSIONS, "band_ppm", -1),
    (TableId.SESSIONS, "halt_ppm", 0),
    (TableId.SESSIONS, "window_s", 0),
    (TableId.SESSIONS, "window_s", 86_401),
    (TableId.SESSIONS, "reopen_s", -1),
    (TableId.SESSIONS, "opening_ticks", 10**6 + 1),
    (TableId.SESSIONS, "low_ticks", 10**6),
    (TableId.SESSIONS, "high_ticks", 0),
    (TableId.SESSIONS, "call_until_ns", 7),
    (TableId.SWINGS, "low_ticks", 5),
    (TableId.SWINGS, "high_ticks", 10**6 + 1),
    (TableId.HEADER, "halted", 2),
    (TableId.MARKETS, "hidden_buys", 1),
]


@pytest.mark.parametrize(("table", "name", "wrong"), WRONG)
def test_sessions_that_would_lead_a_kernel_astray_are_refused(table, name, wrong):
    venue = watched()
    trade_at(venue, 1000, 1)
    tables = {one.table: one.rows.copy() for one in canonical_tables(venue.engine._state)}
    restored_state(tables)
    tables[table][name][0] = wrong
    with pytest.raises(SnapshotCorrupt):
        restored_state(tables)


def test_a_restored_venue_is_in_the_same_phase(venue):
    set_phase(venue, Phase.CALL, until_ns=NOW + 10, time_ns=NOW)
    venue.place(ALICE, BUY, 120, 5, time_ns=NOW, display_lots=2)
    copy = Engine.restore(venue.engine.snapshot())
    assert copy.state_root() == venue.engine.state_root()
    assert int(copy._state.sessions["phase"][0]) == Phase.CALL
