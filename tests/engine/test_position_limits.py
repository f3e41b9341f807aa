"""The largest position that orders may build, on both engines."""

import pytest

from ledger.engine.margin_layout import LONG, SHORT
from ledger.records.codes import CommandFlag, CommandKind, EventKind, Reject
from matching.units import QTY_LOTS_MAX
from tests.engine.account_venue import SHORT_LEG, AccountVenue, of_kind
from tests.engine.perpetual_streams import RULE
from tests.engine.perpetual_venue import ALICE, BOB, BUY, CAROL, INVERSE, LINEAR, MID, SELL

K = CommandKind


def limited(lots, **fields):
    venue = AccountVenue(coins=10**9, **fields)
    for instrument in (LINEAR, INVERSE):
        assert limit(venue, lots, instrument).reject == Reject.NONE
    return venue


def limit(venue, lots, instrument=LINEAR):
    rule = RULE | {"position_max_lots": lots}
    return venue.do(K.SET_PERPETUAL, instrument=instrument, **rule)


@pytest.mark.parametrize("instrument", [LINEAR, INVERSE])
@pytest.mark.parametrize("side", [BUY, SELL])
def test_orders_build_a_position_up_to_the_limit_and_no_lot_beyond(instrument, side):
    venue = limited(100)
    there = {"instrument": instrument}
    assert venue.place(ALICE, side, MID, 101, **there).reject == Reject.EXPOSURE_EXCEEDED
    assert venue.place(ALICE, side, MID, 60, **there).reject == Reject.NONE
    venue.ioc(BOB, 1 - side, MID, 60, **there)
    # What rests on its side counts too, what rests on the other does not.
    assert venue.place(ALICE, side, MID - 1 + 2 * side, 30, **there).reject == Reject.NONE
    assert venue.place(ALICE, side, MID, 11, **there).reject == Reject.EXPOSURE_EXCEEDED
    assert venue.place(ALICE, side, MID, 10, **there).reject == Reject.NONE
    assert venue.place(ALICE, 1 - side, MID + 1 - 2 * side, 161, **there).reject == (
        Reject.EXPOSURE_EXCEEDED
    )
    assert venue.place(ALICE, 1 - side, MID + 1 - 2 * side, 160, **there).reject == Reject.NONE


def test_a_market_order_is_bound_by_what_it_would_take():
    venue = limited(100)
    limit(venue, 0)
    venue.place(BOB, SELL, MID, 100, instrument=LINEAR)
    venue.place(CAROL, SELL, MID, 50, instrument=LINEAR)
    limit(venue, 100)
    done = venue.market(ALICE, BUY, 120, instrument=LINEAR)
    assert done.reject == Reject.EXPOSURE_EXCEEDED
    assert venue.market(ALICE, BUY, 100, instrument=LINEAR).filled_lots == 100


def test_a_position_beyond_a_lowered_limit_stays_and_can_only_shrink():
    venue = limited(0)
    venue.trade(ALICE, BOB, 200, MID)
    assert limit(venue, 100).reject == Reject.NONE
    assert venue.lots(ALICE) == 200
    assert venue.place(ALICE, BUY, MID, 1, instrument=LINEAR).reject == Reject.EXPOSURE_EXCEEDED
    closing = {"instrument": LINEAR, "flags": CommandFlag.REDUCE_ONLY}
    assert venue.place(ALICE, SELL, MID + 9, 50, **closing).reject == Reject.NONE
    venue.place(CAROL, BUY, MID, 90, instrument=LINEAR)
    assert venue.ioc(ALICE, SELL, MID, 90, instrument=LINEAR).filled_lots == 90
    assert venue.place(ALICE, BUY, MID, 1, instrument=LINEAR).reject == Reject.EXPOSURE_EXCEEDED


def test_each_leg_has_the_limit_of_its_own():
    venue = limited(100)
    venue.hedge(ALICE)
    venue.place(BOB, SELL, MID, 100, instrument=LINEAR)
    assert venue.ioc(ALICE, BUY, MID, 100, instrument=LINEAR).filled_lots == 100
    venue.place(CAROL, BUY, MID, 100, instrument=LINEAR)
    done = venue.ioc(ALICE, SELL, MID, 100, instrument=LINEAR, flags=SHORT_LEG)
    assert done.filled_lots == 100
    assert (venue.lots(ALICE, LONG), venue.lots(ALICE, SHORT)) == (100, -100)
    done = venue.place(ALICE, SELL, MID, 1, instrument=LINEAR, flags=SHORT_LEG)
    assert done.reject == Reject.EXPOSURE_EXCEEDED
    # Buying the short leg back is no opening.
    done = venue.place(ALICE, BUY, MID - 1, 100, instrument=LINEAR, flags=SHORT_LEG)
    assert done.reject == Reject.NONE


def test_an_isolated_position_has_the_same_limit():
    venue = limited(100)
    venue.isolate(ALICE)
    venue.lever(ALICE, 10)
    assert venue.place(ALICE, BUY, MID, 101, instrument=LINEAR).reject == Reject.EXPOSURE_EXCEEDED
    assert venue.place(ALICE, BUY, MID, 100, instrument=LINEAR).reject == Reject.NONE


def test_the_fund_takes_over_whatever_the_limit():
    venue = limited(0, dollars=3_000, fund=10**6)
    venue.deposit(BOB, 1, 10**9)
    venue.lever(ALICE, 50)
    venue.batch()
    venue.do(K.SET_COLLATERAL, asset=0, oracle=0, num=1, den=10_000, haircut_ppm=10**6)
    venue.trade(ALICE, BOB, 40, MID)
    limit(venue, 1)
    done = venue.move(MID - 300)
    assert sum(e["qty_lots"] for e in of_kind(done, EventKind.POSITION_TAKEN)) == 40


@pytest.mark.parametrize(
    ("lots", "reject"),
    [
        (-1, Reject.AMOUNT_OUT_OF_RANGE),
        (QTY_LOTS_MAX + 1, Reject.AMOUNT_OUT_OF_RANGE),
        (QTY_LOTS_MAX, Reject.NONE),
        (0, Reject.NONE),
    ],
)
def test_a_limit_is_a_number_of_lots(lots, reject):
    venue = AccountVenue()
    assert limit(venue, lots).reject == reject
    kept = venue.engine.perpetual(LINEAR).position_max_lots
    assert kept == (lots if reject == Reject.NONE else 0)
