"""Icebergs: docs/spec/engine.md, section 5.2."""

import pytest

from ledger.engine.limits import ICEBERG_PARTS_MAX
from ledger.records.build import command
from ledger.records.codes import CommandKind, OrderStatus, Reject, SelfTrade
from tests.engine.perpetual_streams import LINEAR, MID
from tests.engine.perpetual_venue import PerpetualVenue
from tests.engine.streams import as_commands
from tests.engine.trigger_venue import LOT
from tests.engine.venue import ALICE, BASE, BOB, BUY, CAROL, FUNDS, SELL, open_venue

K = CommandKind


@pytest.fixture
def venue():
    return open_venue()


def test_an_iceberg_shows_a_slice_and_holds_everything(venue):
    order = venue.place(ALICE, SELL, 100, 10, display_lots=3)
    assert (order.status, order.remaining_lots) == (OrderStatus.OPEN, 10)
    _, asks = venue.engine.depth(0, 1)
    assert asks["qty_lots"].tolist() == [3]
    assert venue.balance(ALICE, BASE) == (FUNDS - 10 * LOT, 10 * LOT)


def test_each_new_slice_goes_to_the_end_of_the_queue(venue):
    berg = venue.place(ALICE, SELL, 100, 7, display_lots=3)
    other = venue.place(CAROL, SELL, 100, 2)
    done = venue.place(BOB, BUY, 100, 9)
    trades = [
        (e["counter_order_id"], e["qty_lots"], e["counter_remaining_lots"]) for e in done.events
    ]
    assert trades == [
        (berg.seq, 3, 4), (other.seq, 2, 0), (berg.seq, 3, 1), (berg.seq, 1, 0),
    ]  # fmt: skip
    assert done.status == OrderStatus.FILLED
    assert venue.balance(ALICE, BASE) == (FUNDS - 7 * LOT, 0)


def test_fill_or_kill_counts_what_is_hidden(venue):
    venue.place(ALICE, SELL, 100, 10, display_lots=1)
    assert venue.fok(BOB, BUY, 100, 11).reject == Reject.CANNOT_FILL
    assert venue.fok(BOB, BUY, 100, 10).filled_lots == 10


def test_fill_or_kill_counts_hidden_lots_only_before_an_own_order(venue):
    venue.place(ALICE, SELL, 100, 10, display_lots=4)
    venue.place(BOB, SELL, 100, 1)
    for self_trade in set(SelfTrade) - {SelfTrade.EXPIRE_MAKER}:
        done = venue.fok(BOB, BUY, 100, 5, self_trade=self_trade)
        assert (done.reject, done.events) == (Reject.CANNOT_FILL, ())
    assert venue.fok(BOB, BUY, 100, 4).filled_lots == 4
    venue.place(BOB, SELL, 101, 5)
    assert venue.fok(BOB, BUY, 101, 6, self_trade=SelfTrade.EXPIRE_MAKER).filled_lots == 6


def test_a_market_order_needs_no_money_for_what_an_own_order_hides():
    venue = open_venue({"lot_minor": 1}, funds=1000)
    venue.place(ALICE, SELL, 100, 20, display_lots=4)
    venue.place(BOB, SELL, 100, 1)
    done = venue.market(BOB, BUY, 11)
    assert (done.reject, done.filled_lots) == (Reject.NONE, 4)


def test_fill_or_kill_on_a_perpetual_counts_hidden_lots_only_before_an_own_order():
    venue = PerpetualVenue()
    venue.place(ALICE, SELL, MID, 10, display_lots=4, instrument=LINEAR)
    venue.place(BOB, SELL, MID, 1, instrument=LINEAR)
    assert venue.fok(BOB, BUY, MID, 5, instrument=LINEAR).reject == Reject.CANNOT_FILL
    assert venue.fok(BOB, BUY, MID, 4, instrument=LINEAR).filled_lots == 4
    past = {"self_trade": SelfTrade.EXPIRE_MAKER, "instrument": LINEAR}
    assert venue.fok(BOB, BUY, MID, 6, **past).filled_lots == 6


def test_an_amended_iceberg_loses_hidden_lots_first(venue):
    berg = venue.place(ALICE, SELL, 100, 10, display_lots=3)
    assert venue.amend(ALICE, berg.seq, 5).amount_minor == 5 * LOT
    assert venue.engine.depth(0, 1)[1]["qty_lots"].tolist() == [3]
    assert venue.amend(ALICE, berg.seq, 2).remaining_lots == 2
    assert venue.engine.depth(0, 1)[1]["qty_lots"].tolist() == [2]
    assert venue.place(BOB, BUY, 100, 9).filled_lots == 2


def test_an_iceberg_is_decremented_as_a_whole(venue):
    berg = venue.place(ALICE, SELL, 100, 10, display_lots=3)
    done = venue.place(ALICE, BUY, 100, 8, self_trade=SelfTrade.DECREMENT)
    (event,) = done.events
    assert (event["qty_lots"], event["remaining_lots"]) == (8, 2)
    assert venue.engine.order(berg.seq).held_minor == 2 * LOT


def test_what_a_crossing_iceberg_takes_it_takes_whole(venue):
    venue.place(BOB, SELL, 100, 4)
    done = venue.place(ALICE, BUY, 100, 10, display_lots=2)
    assert (done.filled_lots, done.remaining_lots) == (4, 6)
    assert venue.engine.depth(0, 1)[0]["qty_lots"].tolist() == [2]


@pytest.mark.parametrize(
    ("display", "lots", "reject"),
    [
        (-1, 5, Reject.QTY_OUT_OF_RANGE),
        (6, 5, Reject.QTY_OUT_OF_RANGE),
        (5, 5, Reject.NONE),
        (1, ICEBERG_PARTS_MAX, Reject.NONE),
        (1, ICEBERG_PARTS_MAX + 1, Reject.QTY_OUT_OF_RANGE),
    ],
)
def test_an_iceberg_has_a_bounded_number_of_slices(venue, display, lots, reject):
    assert venue.place(ALICE, SELL, 100, lots, display_lots=display).reject == reject


def test_only_orders_that_rest_can_hide(venue):
    assert venue.ioc(ALICE, SELL, 100, 5, display_lots=1).reject == Reject.MALFORMED
    venue.place(BOB, BUY, 90, 5)
    assert venue.market(ALICE, SELL, 5, display_lots=1).reject == Reject.MALFORMED


def test_sweeping_icebergs_has_room_for_every_slice():
    venue = open_venue(accounts=2)
    berg = command(K.NEW_ORDER, account=ALICE, side=SELL, price_ticks=10, qty_lots=100,
                   display_lots=1)  # fmt: skip
    venue.engine.execute(as_commands([berg] * 60))
    taker = command(K.NEW_ORDER, account=BOB, price_ticks=10, qty_lots=6000)
    done = venue.engine.execute(as_commands([taker]))
    assert (len(done.events), int(done.outcomes["filled_lots"][0])) == (6000, 6000)
    assert venue.engine.open_order_count == 0
