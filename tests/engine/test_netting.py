"""The legs of a fallen account close each other at the mark before anything goes to the book."""

from fractions import Fraction
from math import floor

import pytest

from ledger.engine.margin_layout import LONG, SHORT
from ledger.records.codes import (
    CommandKind,
    EventKind,
    Phase,
    PositionFlag,
    Reject,
    Side,
    TradeFlag,
)
from tests.engine.account_venue import SHORT_LEG, AccountVenue, of_kind
from tests.engine.perpetual_venue import (
    ALICE,
    BOB,
    BUY,
    CAROL,
    CLEARING,
    COIN,
    DOLLAR,
    FEES,
    INSURANCE,
    INVERSE,
    LINEAR,
    MID,
    SELL,
)

K = CommandKind


def straddle(longs, shorts, *, dollars=11_000, fund=10**6, above=0, instrument=LINEAR, coins=0):
    """Alice has both legs, against Bob; the short one was opened so many ticks above the mark."""
    venue = AccountVenue(dollars=dollars, fund=fund, coins=coins)
    for account in (BOB, CAROL):
        venue.deposit(account, DOLLAR, 10**9)
        venue.deposit(account, COIN, 10**9)
    assert venue.hedge(ALICE).reject == Reject.NONE
    venue.lever(ALICE, 50, instrument)
    open_legs(venue, longs, shorts, above, instrument)
    return venue


def open_legs(venue, longs, shorts, above=0, instrument=LINEAR):
    for side, lots, flags, price in (
        (BUY, longs, 0, MID),
        (SELL, shorts, SHORT_LEG, MID + above),
    ):
        venue.place(BOB, 1 - side, price, lots, instrument=instrument)
        done = venue.ioc(ALICE, side, price, lots, instrument=instrument, flags=flags)
        assert done.filled_lots == lots


def fall(venue, step=-25, most=400):
    """The mark moves until Alice falls; that TICK's result, her cash and her equity before it."""
    for count in range(1, most):
        before = venue.cash(ALICE), venue.engine.standing(ALICE).equity_minor
        done = venue.move(MID + step * count)
        if of_kind(done, EventKind.ACCOUNT_FELL):
            return done, before
    pytest.fail("she never fell")


def legs(venue, instrument=LINEAR):
    return tuple(venue.lots(ALICE, leg, instrument) for leg in (LONG, SHORT))


def kinds(done):
    return [EventKind(event["kind"]) for event in done.events]


def test_the_smaller_leg_closes_against_the_larger_one_and_the_account_stands():
    venue = straddle(100, 70)
    bid = venue.place(CAROL, BUY, MID - 4_000, 1_000, instrument=LINEAR)
    trades = venue.engine._state.instruments["trade_count"][LINEAR]
    volume = venue.engine.volume_minor(ALICE)
    last = venue.engine._state.markets["last_ticks"][LINEAR]
    done, (cash, _) = fall(venue)
    (event,) = of_kind(done, EventKind.LEGS_NETTED)
    mark = venue.mark()
    assert (event["qty_lots"], event["price_ticks"], event["side"]) == (70, mark, Side.SELL)
    assert event["account"] == event["counter_account"] == ALICE
    assert (event["flags"], event["asset"]) == (PositionFlag.COUNTER_SHORT_LEG, DOLLAR)
    # 0.3 of a dollar's unit a lot and tick, each leg's rounded down.
    worth = Fraction(70 * (mark - MID) * 3, 10)
    assert (event["quote_minor"], event["amount_minor"]) == (floor(worth), floor(-worth))
    assert venue.cash(ALICE) == cash + floor(worth) + floor(-worth)
    # Nothing else: no trade, no fee, no volume, nobody's position but hers.
    assert not {EventKind.TRADE, EventKind.POSITION_TAKEN, EventKind.DELEVERAGED} & {*kinds(done)}
    assert legs(venue) == (30, 0)
    assert venue.engine.order(bid.seq).remaining_lots == 1_000
    assert venue.engine._state.instruments["trade_count"][LINEAR] == trades
    assert venue.engine.volume_minor(ALICE) == volume
    assert venue.engine._state.markets["last_ticks"][LINEAR] == last
    assert venue.cash(FEES) == 0
    standing = venue.engine.standing(ALICE)
    assert standing.equity_minor > standing.maintenance_minor > 0
    assert not venue.engine._state.margin.accounts["fallen"][ALICE]


@pytest.mark.parametrize(
    ("instrument", "longs", "shorts"),
    [
        (LINEAR, 37, 91), (LINEAR, 91, 37), (LINEAR, 85, 91), (LINEAR, 91, 85),
        (INVERSE, 5, 11), (INVERSE, 11, 5), (INVERSE, 9, 11), (INVERSE, 11, 9),
    ],
)  # fmt: skip
def test_equity_stays_but_for_roundings_whatever_the_sizes(instrument, longs, shorts):
    linear = instrument == LINEAR
    dollars, coins = (11_000, 0) if linear else (0, 70_000)
    venue = straddle(longs, shorts, instrument=instrument, dollars=dollars, coins=coins)
    bob = venue.lots(BOB, instrument=instrument)
    done, (cash, _) = fall(venue, 37 if longs < shorts else -37)
    (event,) = of_kind(done, EventKind.LEGS_NETTED)
    (fell,) = of_kind(done, EventKind.ACCOUNT_FELL)
    assert event["qty_lots"] == min(longs, shorts)
    assert -2 <= event["quote_minor"] + event["amount_minor"] <= 0
    if linear:
        assert venue.cash(ALICE) == cash + event["quote_minor"] + event["amount_minor"]
    after = venue.engine.standing(ALICE).equity_minor
    assert fell["quote_minor"] - 4 <= after <= fell["quote_minor"]
    assert sum(legs(venue, instrument)) == longs - shorts == -bob


def test_legs_of_one_size_that_have_lost_leave_no_position_and_nobody_pays():
    # She bought at the top and sold 40 ticks lower: a loss that no mark changes.
    venue = straddle(100, 100, above=-40, dollars=14_000)
    fund = venue.cash(INSURANCE)
    # Only what both legs need grows, as the mark does.
    done, (cash, equity) = fall(venue, step=3_000)
    (event,) = of_kind(done, EventKind.LEGS_NETTED)
    assert legs(venue) == (0, 0)
    assert event["quote_minor"] + event["amount_minor"] == -100 * 40 * 3 // 10
    assert venue.cash(ALICE) == cash - 1_200 == venue.engine.standing(ALICE).equity_minor
    assert equity == cash - 1_200
    assert venue.cash(INSURANCE) == fund
    assert EventKind.POSITION_TAKEN not in kinds(done)
    assert not venue.engine._state.margin.accounts["fallen"][ALICE]


def test_what_netting_does_not_save_goes_into_the_book_afterwards():
    venue = straddle(100, 40, dollars=9_000)
    venue.place(CAROL, BUY, MID - 480, 1_000, instrument=LINEAR)
    done = venue.move(MID - 460)
    found = [kind for kind in kinds(done) if kind in {EventKind.LEGS_NETTED, EventKind.TRADE}]
    assert found[0] == EventKind.LEGS_NETTED
    assert EventKind.LEGS_NETTED not in found[1:]
    (trade,) = of_kind(done, EventKind.TRADE)
    assert trade["flags"] & TradeFlag.LIQUIDATION
    assert trade["qty_lots"] == 60
    assert legs(venue) == (0, 0)


def test_each_perpetual_is_netted_once_the_latest_opened_first():
    venue = straddle(60, 40, dollars=16_000)
    venue.lever(ALICE, 50, INVERSE)
    open_legs(venue, 2, 1, instrument=INVERSE)
    done = venue.move(MID - 2_500)
    netted = [(e["instrument"], e["qty_lots"]) for e in of_kind(done, EventKind.LEGS_NETTED)]
    # The legs were opened when she began to hedge, those of the linear one last.
    assert netted == [(LINEAR, 40), (INVERSE, 1)]


def test_a_halt_does_not_keep_legs_apart():
    venue = straddle(100, 70)
    halt = {"instrument": LINEAR, "phase": Phase.HALTED}
    assert venue.do(K.SET_PHASE, **halt).reject == Reject.NONE
    done, _ = fall(venue)
    assert of_kind(done, EventKind.LEGS_NETTED)
    assert legs(venue) == (30, 0)
    # It is out of danger before anything could be traded.
    standing = venue.engine.standing(ALICE)
    assert standing.equity_minor > standing.maintenance_minor
    assert not venue.engine._state.margin.accounts["fallen"][ALICE]


def test_what_still_needs_a_halted_book_waits_with_one_leg():
    venue = straddle(100, 40, dollars=9_000)
    assert venue.do(K.SET_PHASE, instrument=LINEAR, phase=Phase.HALTED).reject == Reject.NONE
    done = venue.move(MID - 480)
    assert of_kind(done, EventKind.LEGS_NETTED)
    assert legs(venue) == (60, 0)
    assert venue.engine._state.margin.accounts["fallen"][ALICE]
    assert not of_kind(venue.move(MID - 480), EventKind.LEGS_NETTED)


def test_isolated_legs_are_accounts_of_their_own():
    venue = AccountVenue(dollars=10**6, fund=10**6)
    venue.deposit(BOB, DOLLAR, 10**9)
    venue.hedge(ALICE)
    venue.isolate(ALICE)
    open_legs(venue, 50, 30)
    for count in range(1, 100):
        done = venue.move(MID - 5 * count)
        if of_kind(done, EventKind.POSITION_FELL):
            break
    assert not of_kind(done, EventKind.LEGS_NETTED)
    assert legs(venue) == (0, -30)


def test_an_account_that_stands_keeps_both_legs_and_a_net_position_is_never_netted():
    venue = straddle(100, 70)
    done = venue.move(MID - 10)
    assert not of_kind(done, EventKind.LEGS_NETTED)
    assert legs(venue) == (100, -70)
    poor = AccountVenue(dollars=3_000, fund=10**6)
    poor.deposit(BOB, DOLLAR, 10**9)
    poor.trade(ALICE, BOB, 40, MID)
    done = poor.move(MID - 300)
    assert of_kind(done, EventKind.ACCOUNT_FELL)
    assert not of_kind(done, EventKind.LEGS_NETTED)


def test_positions_and_clearing_stay_in_balance():
    venue = straddle(100, 70)
    fall(venue)
    lots = sum(
        venue.lots(account, leg) for account in (ALICE, BOB, CAROL, INSURANCE) for leg in range(3)
    )
    assert lots == 0
    left, _ = legs(venue)
    venue.place(BOB, BUY, venue.mark(), left, instrument=LINEAR)
    assert venue.ioc(ALICE, SELL, venue.mark(), left, instrument=LINEAR).filled_lots == left
    # All positions are closed: clearing owes nobody anything, but a carry below a unit.
    assert venue.lots(BOB) == 0
    assert abs(venue.cash(CLEARING)) <= 1
