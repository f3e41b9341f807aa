"""The price band: what may enter, how far it may trade, and what it does not bind."""

import pytest

from ledger.margin.breaker import MOVE_PPM_MAX
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderStatus,
    OrderType,
    Reject,
    Side,
    TimeInForce,
)
from tests.engine.perpetual_venue import LINEAR, MID, PerpetualVenue
from tests.engine.venue import ALICE, BOB, BUY, CAROL, FUNDS, QUOTE, SELL, open_venue

K = CommandKind
STOP = CommandFlag.STOP
TEN = 100_000
"""A tenth, in ppm."""


def banded(band_ppm=TEN, last=1000, **fields):
    """A venue whose last price and band are these."""
    venue = open_venue()
    if last:
        venue.place(CAROL, SELL, last, 1)
        venue.place(BOB, BUY, last, 1)
    assert venue.do(K.SET_MARKET, band_ppm=band_ppm, **fields).reject == Reject.NONE
    return venue


@pytest.mark.parametrize(
    ("side", "within", "beyond"), [(BUY, 1100, 1101), (SELL, 900, 899)], ids=["buy", "sell"]
)
def test_a_limit_beyond_the_band_is_refused_on_the_side_on_which_it_would_trade(
    side, within, beyond
):
    venue = banded()
    assert venue.place(ALICE, side, beyond, 1).reject == Reject.PRICE_OUT_OF_BAND
    assert venue.ioc(ALICE, side, beyond, 1).reject == Reject.PRICE_OUT_OF_BAND
    assert venue.place(ALICE, side, within, 1).reject == Reject.NONE
    assert venue.place(ALICE, 1 - side, beyond, 1).reject == Reject.NONE


@pytest.mark.parametrize(("last", "low", "high"), [(999, 900, 1098), (15, 14, 16), (1, 1, 1)])
def test_the_band_is_rounded_inward(last, low, high):
    venue = banded(last=last)
    assert venue.place(ALICE, BUY, high + 1, 10).reject == Reject.PRICE_OUT_OF_BAND
    assert venue.place(ALICE, BUY, high, 10).reject == Reject.NONE
    if low > 1:
        assert venue.place(BOB, SELL, low - 1, 1).reject == Reject.PRICE_OUT_OF_BAND
    assert venue.place(BOB, SELL, low, 1).reject == Reject.NONE


def test_without_a_reference_or_a_band_every_price_is_good():
    assert banded(last=0).place(ALICE, BUY, 10**6, 1).reject == Reject.NONE
    assert banded(band_ppm=0).place(ALICE, BUY, 10**6, 1).reject == Reject.NONE


def test_before_the_first_trade_the_opening_price_is_the_reference():
    venue = banded(last=0, opening_ticks=500)
    assert venue.place(ALICE, BUY, 551, 1).reject == Reject.PRICE_OUT_OF_BAND
    venue.place(CAROL, SELL, 540, 1)
    assert venue.place(BOB, BUY, 540, 1).filled_lots == 1
    assert venue.place(ALICE, BUY, 551, 1).reject == Reject.NONE


def test_a_market_order_trades_up_to_the_band_and_the_rest_expires():
    venue = banded()
    for price in (1050, 1100, 1101):
        venue.place(CAROL, SELL, price, 1)
    done = venue.market(ALICE, BUY, 3)
    assert (done.status, done.filled_lots, done.remaining_lots) == (OrderStatus.EXPIRED, 2, 1)
    assert [event["price_ticks"] for event in done.events] == [1050, 1100]
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 2150, 0)


def test_a_market_order_needs_no_more_than_what_stands_within():
    venue = banded()
    venue.place(CAROL, SELL, 1000, 1)
    venue.place(CAROL, SELL, 10**6, 10**6)
    venue.withdraw(ALICE, QUOTE, FUNDS - 1000)
    assert venue.market(ALICE, BUY, 10**6).filled_lots == 1


def test_a_market_order_with_nothing_within_expires_whole():
    venue = banded()
    venue.place(CAROL, SELL, 1101, 5)
    done = venue.market(ALICE, BUY, 3)
    assert (done.reject, done.status, done.remaining_lots) == (0, OrderStatus.EXPIRED, 3)
    fok = venue.market(ALICE, BUY, 3, time_in_force=TimeInForce.FOK)
    assert fok.reject == Reject.CANNOT_FILL


def test_an_order_by_quote_stops_at_the_band():
    venue = banded()
    venue.place(CAROL, SELL, 1100, 1)
    venue.place(CAROL, SELL, 1101, 1)
    done = venue.by_quote(ALICE, BUY, 5000)
    assert (done.status, done.filled_quote_minor) == (OrderStatus.EXPIRED, 1100)


def pending(venue, side, trigger, lots, price=0):
    kind = OrderType.LIMIT if price else OrderType.MARKET
    return venue.place(ALICE, side, price, lots, flags=STOP, trigger_ticks=trigger, order_type=kind)


@pytest.mark.parametrize("price", [0, 800], ids=["market", "limit"])
def test_a_triggered_order_trades_up_to_the_band_and_does_not_rest(price):
    venue = banded()
    order = pending(venue, SELL, 990, 5, price)
    venue.place(CAROL, BUY, 990, 2)
    venue.place(CAROL, BUY, 891, 1)
    venue.place(CAROL, BUY, 890, 1)
    *_, trade, end = venue.ioc(BOB, SELL, 990, 1).events
    # The band stands about 990 now: 891 is its edge.
    assert (trade["kind"], trade["price_ticks"]) == (EventKind.TRADE, 891)
    assert (end["order_id"], end["flags"], end["qty_lots"]) == (
        order.seq, ExpireReason.REMAINDER, 3,
    )  # fmt: skip
    assert venue.engine.order(order.seq) is None


def test_a_triggered_limit_order_within_the_band_rests_as_ever():
    venue = banded()
    order = pending(venue, SELL, 990, 5, 950)
    venue.place(CAROL, BUY, 990, 1)
    venue.place(BOB, SELL, 990, 1)
    assert venue.engine.order(order.seq).remaining_lots == 5


def test_a_pending_order_may_wait_beyond_the_band():
    venue = banded()
    assert pending(venue, BUY, 2000, 1, 2100).status == OrderStatus.PENDING


def test_a_replacement_beyond_the_band_changes_nothing():
    venue = banded()
    order = venue.place(ALICE, BUY, 1000, 5)
    done = venue.do(
        K.REPLACE_ORDER, account=ALICE, side=BUY, price_ticks=1101, qty_lots=1, target_id=order.seq
    )
    assert done.reject == Reject.PRICE_OUT_OF_BAND
    assert venue.engine.order(order.seq).remaining_lots == 5


def test_a_perpetuals_band_stands_about_its_mark():
    venue = PerpetualVenue()
    venue.do(K.SET_MARKET, instrument=LINEAR, band_ppm=10_000)
    venue.trade(BOB, CAROL, 1, MID + 90)
    assert venue.place(ALICE, BUY, MID + 101, 1, instrument=LINEAR).reject == (
        Reject.PRICE_OUT_OF_BAND
    )
    venue.move(MID + 50)
    edge = venue.mark() * 101 // 100
    late = venue.place(ALICE, BUY, edge + 1, 1, instrument=LINEAR)
    assert late.reject == Reject.PRICE_OUT_OF_BAND
    assert venue.place(ALICE, BUY, edge, 1, instrument=LINEAR).reject == Reject.NONE


def test_a_market_order_on_a_perpetual_stops_at_the_band_and_margins_what_is_within():
    venue = PerpetualVenue()
    venue.do(K.SET_MARKET, instrument=LINEAR, band_ppm=10_000)
    venue.place(BOB, SELL, MID + 100, 2, instrument=LINEAR)
    venue.place(BOB, SELL, MID + 101, 50, instrument=LINEAR)
    done = venue.market(ALICE, BUY, 40, instrument=LINEAR)
    assert (done.status, done.filled_lots) == (OrderStatus.EXPIRED, 2)
    assert venue.position(ALICE)[0] == 2


def test_a_liquidation_is_bound_by_the_bankruptcy_price_alone():
    venue = PerpetualVenue(dollars=60_000)
    venue.do(K.SET_MARKET, instrument=LINEAR, band_ppm=100)
    venue.trade(ALICE, BOB, 400, MID)
    venue.place(CAROL, BUY, MID - 495, 400, instrument=LINEAR)
    done = venue.move(MID - 480)
    prices = {e["price_ticks"] for e in done.events if e["kind"] == EventKind.TRADE}
    assert prices == {MID - 495}


@pytest.mark.parametrize(
    ("fields", "reject"),
    [
        ({"instrument": 1}, Reject.UNKNOWN_INSTRUMENT),
        ({"account": ALICE}, Reject.MALFORMED),
        ({"flags": 1}, Reject.MALFORMED),
        ({"reference": 1}, Reject.MALFORMED),
        ({"opening_ticks": -1}, Reject.PRICE_OUT_OF_RANGE),
        ({"opening_ticks": 10**6 + 1}, Reject.PRICE_OUT_OF_RANGE),
        ({"band_ppm": -1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"band_ppm": MOVE_PPM_MAX + 1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"halt_ppm": 1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"window_s": 1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"reopen_s": 1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"halt_ppm": 1, "window_s": 86_401}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"halt_ppm": 1, "window_s": 1, "reopen_s": 86_401}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"halt_ppm": -1, "window_s": 1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"band_ppm": MOVE_PPM_MAX, "halt_ppm": MOVE_PPM_MAX, "window_s": 1}, Reject.NONE),
    ],
)
def test_a_rule_out_of_range_is_refused(fields, reject):
    assert open_venue().do(K.SET_MARKET, **fields).reject == reject


@pytest.mark.parametrize("side", list(Side))
def test_the_widest_band_reaches_every_price(side):
    venue = banded(band_ppm=MOVE_PPM_MAX)
    price = 10**6 if side == BUY else 1
    assert venue.place(ALICE, side, price, 1).reject == Reject.NONE
