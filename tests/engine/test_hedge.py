"""Hedge mode, fact by fact, on both engines."""

import pytest

from ledger.engine import Capacity
from ledger.engine.margin_layout import LONG, NET, POSITIONS_PER_ACCOUNT_MAX, SHORT
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    MarginMode,
    OrderStatus,
    PositionFlag,
    Reject,
    TradeFlag,
)
from tests.engine.account_venue import LOT, SHORT_LEG, AccountVenue, of_kind
from tests.engine.perpetual_streams import set_up
from tests.engine.perpetual_venue import ALICE, BOB, BUY, CAROL, DOLLAR, INVERSE, LINEAR, MID, SELL
from tests.engine.venue import Venue

K = CommandKind


def hedged(dollars=1_000_000, fund=0):
    venue = AccountVenue(dollars=dollars, fund=fund)
    assert venue.hedge(ALICE).reject == Reject.NONE
    return venue


def take(venue, account, side, lots, price=MID, **fields):
    """An order that meets one of Bob's."""
    venue.place(BOB, 1 - side, price, lots, instrument=LINEAR)
    done = venue.ioc(account, side, price, lots, instrument=LINEAR, **fields)
    assert done.filled_lots == lots
    return done


def test_a_long_and_a_short_position_stand_side_by_side():
    venue = hedged()
    take(venue, ALICE, BUY, 10)
    done = take(venue, ALICE, SELL, 4, flags=SHORT_LEG)
    assert (venue.lots(ALICE, LONG), venue.lots(ALICE, SHORT)) == (10, -4)
    (trade,) = of_kind(done, EventKind.TRADE)
    assert trade["flags"] == PositionFlag.SHORT_LEG
    assert venue.lots(ALICE, NET) == 0


def test_on_its_closing_side_a_leg_is_only_closed():
    venue = hedged()
    take(venue, ALICE, BUY, 10)
    assert take(venue, ALICE, SELL, 6).filled_lots == 6
    assert venue.lots(ALICE, LONG) == 4
    over = venue.place(ALICE, SELL, MID + 5, 5, instrument=LINEAR)
    assert over.reject == Reject.REDUCE_ONLY_REJECTED
    short = venue.place(ALICE, BUY, MID - 5, 1, instrument=LINEAR, flags=SHORT_LEG)
    assert short.reject == Reject.REDUCE_ONLY_REJECTED


def test_reduce_only_says_what_a_closing_order_is_anyway():
    venue = hedged()
    take(venue, ALICE, BUY, 10)
    reduce = CommandFlag.REDUCE_ONLY
    done = venue.place(ALICE, SELL, MID + 5, 5, instrument=LINEAR, flags=reduce)
    assert done.status == OrderStatus.OPEN
    done = venue.place(ALICE, BUY, MID - 5, 5, instrument=LINEAR, flags=reduce)
    assert done.reject == Reject.REDUCE_ONLY_REJECTED


def test_resting_orders_belong_to_their_leg():
    venue = hedged()
    take(venue, ALICE, BUY, 10)
    take(venue, ALICE, SELL, 10, flags=SHORT_LEG)
    venue.place(ALICE, SELL, MID + 5, 3, instrument=LINEAR)
    venue.place(ALICE, SELL, MID + 5, 2, instrument=LINEAR, flags=SHORT_LEG)
    done = venue.place(CAROL, BUY, MID + 5, 5, instrument=LINEAR)
    flags = [event["flags"] for event in of_kind(done, EventKind.TRADE)]
    assert flags == [0, PositionFlag.COUNTER_SHORT_LEG]
    assert (venue.lots(ALICE, LONG), venue.lots(ALICE, SHORT)) == (7, -12)


def test_initial_and_maintenance_margin_are_those_of_both_legs_together():
    venue = hedged()
    take(venue, ALICE, BUY, 10)
    one = venue.engine.standing(ALICE)
    take(venue, ALICE, SELL, 10, flags=SHORT_LEG)
    both = venue.engine.standing(ALICE)
    assert both.maintenance_minor == 2 * one.maintenance_minor
    assert both.initial_minor == 2 * one.initial_minor
    assert one.initial_minor == 10 * LOT // 50


def test_a_hedged_account_gains_and_loses_nothing_on_balance():
    venue = hedged()
    take(venue, ALICE, BUY, 10)
    take(venue, ALICE, SELL, 10, flags=SHORT_LEG)
    before = venue.engine.standing(ALICE).equity_minor
    venue.move(MID + 500)
    assert venue.engine.standing(ALICE).equity_minor == before


def test_leverage_and_margin_mode_are_those_of_both_legs():
    venue = hedged()
    assert venue.lever(ALICE, 20).reject == Reject.NONE
    assert venue.isolate(ALICE).reject == Reject.NONE
    for leg in (LONG, SHORT):
        row = venue.row(ALICE, leg)
        assert (row["leverage"], row["isolated"]) == (20, 1)


def test_each_leg_has_an_isolated_margin_of_its_own_and_falls_alone():
    venue = hedged(fund=10**6)
    venue.isolate(ALICE)
    take(venue, ALICE, BUY, 50)
    take(venue, ALICE, SELL, 30, flags=SHORT_LEG)
    assert (venue.margin(ALICE, LONG), venue.margin(ALICE, SHORT)) == (LOT, LOT * 3 // 5)
    assert venue.move_margin(ALICE, 10, flags=SHORT_LEG).reject == Reject.NONE
    assert venue.margin(ALICE, SHORT) == LOT * 3 // 5 + 10
    done = venue.move(MID - 180)
    (fell,) = of_kind(done, EventKind.POSITION_FELL)
    assert fell["flags"] == PositionFlag.ISOLATED
    assert (venue.lots(ALICE, LONG), venue.lots(ALICE, SHORT)) == (0, -30)


def test_the_short_leg_falls_when_prices_rise():
    venue = hedged(fund=10**6)
    venue.isolate(ALICE)
    take(venue, ALICE, BUY, 50)
    take(venue, ALICE, SELL, 30, flags=SHORT_LEG)
    done = venue.move(MID + 180)
    (fell,) = of_kind(done, EventKind.POSITION_FELL)
    assert fell["flags"] == PositionFlag.ISOLATED | PositionFlag.SHORT_LEG
    assert (venue.lots(ALICE, LONG), venue.lots(ALICE, SHORT)) == (50, 0)


def test_a_fallen_hedged_account_is_closed_leg_by_leg():
    venue = hedged(dollars=3_000, fund=10**6)
    venue.deposit(BOB, DOLLAR, 10**9)
    venue.deposit(CAROL, DOLLAR, 10**9)
    take(venue, ALICE, BUY, 40)
    take(venue, ALICE, SELL, 5, flags=SHORT_LEG)
    venue.place(CAROL, BUY, MID - 250, 100, instrument=LINEAR)
    venue.place(CAROL, SELL, MID - 220, 100, instrument=LINEAR)
    done = venue.move(MID - 250)
    trades = of_kind(done, EventKind.TRADE) + of_kind(done, EventKind.POSITION_TAKEN)
    assert trades
    assert venue.lots(ALICE, LONG) == 0
    for trade in of_kind(done, EventKind.TRADE):
        assert trade["flags"] & TradeFlag.LIQUIDATION


def test_stops_close_the_leg_that_they_name():
    venue = hedged()
    take(venue, ALICE, BUY, 10)
    take(venue, ALICE, SELL, 7, flags=SHORT_LEG)
    flags = CommandFlag.CLOSE_POSITION | CommandFlag.STOP | SHORT_LEG
    venue.market(ALICE, BUY, 0, instrument=LINEAR, flags=flags, trigger_ticks=MID + 20)
    venue.place(CAROL, SELL, MID + 30, 100, instrument=LINEAR)
    venue.place(CAROL, SELL, MID + 20, 1, instrument=LINEAR)
    venue.ioc(BOB, BUY, MID + 20, 1, instrument=LINEAR)
    assert (venue.lots(ALICE, LONG), venue.lots(ALICE, SHORT)) == (10, 0)


def test_only_an_account_in_hedge_mode_names_a_short_leg():
    venue = hedged()
    done = venue.place(BOB, SELL, MID, 1, instrument=LINEAR, flags=SHORT_LEG)
    assert done.reject == Reject.WRONG_LEG
    assert venue.place(ALICE, SELL, MID, 1, flags=SHORT_LEG).reject == Reject.MALFORMED


def test_a_position_mode_changes_only_without_positions_and_orders():
    venue = AccountVenue()
    venue.trade(ALICE, BOB, 5, MID)
    assert venue.hedge(ALICE).reject == Reject.POSITION_OPEN
    venue.trade(BOB, ALICE, 5, MID)
    order = venue.place(ALICE, BUY, 100, 1)
    assert venue.hedge(ALICE).reject == Reject.ORDERS_OPEN
    venue.cancel(ALICE, order.seq)
    stop = venue.place(
        ALICE, BUY, MID, 1, instrument=LINEAR, flags=CommandFlag.STOP, trigger_ticks=MID + 9
    )
    assert venue.hedge(ALICE).reject == Reject.ORDERS_OPEN
    venue.cancel(ALICE, stop.seq, instrument=LINEAR)
    assert venue.hedge(ALICE).reject == Reject.NONE
    assert venue.hedge(ALICE, mode=0).reject == Reject.NONE
    venue.trade(ALICE, BOB, 5, MID)
    assert venue.lots(ALICE, NET) == 5


@pytest.mark.parametrize(
    ("terms", "reject"),
    [
        ({"account": 3}, Reject.UNKNOWN_ACCOUNT),
        ({"mode": 2}, Reject.MALFORMED),
        ({"flags": 1}, Reject.MALFORMED),
        ({"pad": 1}, Reject.MALFORMED),
        ({}, Reject.NONE),
    ],
)
def test_a_position_mode_is_one_of_two(terms, reject):
    venue = AccountVenue()
    done = venue.do(K.SET_POSITION_MODE, **{"account": ALICE, "mode": 1} | terms)
    assert done.reject == reject


def test_an_account_trades_with_neither_of_its_own_legs():
    venue = hedged()
    venue.place(ALICE, BUY, MID, 5, instrument=LINEAR)
    done = venue.place(ALICE, SELL, MID, 5, instrument=LINEAR, flags=SHORT_LEG)
    assert not of_kind(done, EventKind.TRADE)
    assert done.status == OrderStatus.EXPIRED


def test_a_triggered_order_beyond_the_band_may_not_rest_and_so_is_cut_to_its_leg():
    venue = hedged()
    take(venue, ALICE, BUY, 12)
    order = venue.place(
        ALICE, SELL, MID - 900, 45, instrument=LINEAR, flags=CommandFlag.TAKE_PROFIT,
        trigger_ticks=MID + 10,
    )  # fmt: skip
    assert order.status == OrderStatus.PENDING
    assert venue.do(K.SET_MARKET, instrument=LINEAR, band_ppm=5_000).reject == Reject.NONE
    venue.place(CAROL, BUY, MID - 20, 5, instrument=LINEAR)
    venue.place(BOB, SELL, MID + 10, 1, instrument=LINEAR)
    done = venue.place(CAROL, BUY, MID + 10, 1, instrument=LINEAR)
    (expired,) = of_kind(done, EventKind.ORDER_EXPIRED)
    assert (expired["order_id"], expired["flags"]) == (order.seq, ExpireReason.REMAINDER)
    assert venue.lots(ALICE, LONG) == 7


@pytest.mark.parametrize("instrument", [LINEAR, INVERSE])
def test_leverage_and_margin_mode_outlast_a_change_of_the_position_mode(instrument):
    venue = AccountVenue()
    venue.isolate(ALICE, instrument)
    venue.lever(ALICE, 20, instrument)
    change = {"account": ALICE}
    assert venue.do(K.SET_POSITION_MODE, mode=1, **change).reject == Reject.NONE
    for leg in (LONG, SHORT):
        told = venue.engine.position(ALICE, instrument, leg)
        assert (told.leverage, told.mode) == (20, MarginMode.ISOLATED)
    venue.lever(ALICE, 7, instrument)
    venue.isolate(ALICE, instrument, mode=0)
    assert venue.do(K.SET_POSITION_MODE, mode=1, **change).reject == Reject.NONE
    assert venue.engine.position(ALICE, instrument, LONG).leverage == 7
    assert venue.do(K.SET_POSITION_MODE, mode=0, **change).reject == Reject.NONE
    told = venue.engine.position(ALICE, instrument)
    assert (told.leverage, told.mode) == (7, MarginMode.CROSS)
    # What was never set is not opened for it.
    other = INVERSE if instrument == LINEAR else LINEAR
    assert venue.engine.position(BOB, other, LONG) is None


def test_an_account_with_too_many_positions_stays_in_its_mode():
    venue = AccountVenue()
    rows = int(venue.engine._state.header["position_count"][0])
    small = AccountVenue.__new__(AccountVenue)
    Venue.__init__(small, Capacity(positions=rows + 1))
    small.now = venue.now
    small.batch(*set_up(3, 10**6, 0, 0))
    assert small.do(K.SET_POSITION_MODE, account=ALICE, mode=1).reject == Reject.TABLE_FULL
    assert not small.engine.is_hedged(ALICE)


def test_both_legs_need_room():
    assert POSITIONS_PER_ACCOUNT_MAX % 2 == 0
    venue, fresh = AccountVenue(), CAROL + 1
    venue.do(K.OPEN_ACCOUNT, account=fresh)
    venue.do(K.SET_POSITION_MODE, account=fresh, mode=1)
    rows = int(venue.engine._state.header["position_count"][0])
    venue.lever(fresh, 10, INVERSE)
    assert int(venue.engine._state.header["position_count"][0]) == rows + 2
