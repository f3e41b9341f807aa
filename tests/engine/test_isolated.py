"""Isolated margin, fact by fact, on both engines."""

import pytest

from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderStatus,
    PositionFlag,
    Reject,
)
from tests.engine.account_venue import LOT, AccountVenue, ended, of_kind
from tests.engine.perpetual_streams import RULE
from tests.engine.perpetual_venue import (
    ALICE,
    BOB,
    BUY,
    CAROL,
    COIN,
    DOLLAR,
    FEES,
    INVERSE,
    LINEAR,
    MID,
    SELL,
)

K = CommandKind


def test_an_order_of_an_isolated_position_holds_its_initial_margin():
    venue = AccountVenue()
    venue.isolate(ALICE)
    done = venue.place(ALICE, BUY, MID, 50, instrument=LINEAR)
    assert done.status == OrderStatus.OPEN
    assert venue.balance(ALICE, DOLLAR) == (1_000_000 - LOT, LOT)
    (moved,) = of_kind(done, EventKind.MARGIN_MOVED)
    assert (moved["order_id"], moved["quote_minor"], moved["amount_minor"]) == (done.seq, -LOT, 0)
    assert venue.engine.standing(ALICE).initial_minor == 0
    cancelled = venue.cancel(ALICE, done.seq, instrument=LINEAR)
    assert cancelled.amount_minor == LOT
    assert venue.balance(ALICE, DOLLAR) == (1_000_000, 0)


def test_a_fill_brings_the_margin_its_part_of_the_hold():
    venue = AccountVenue()
    venue.isolate(ALICE)
    venue.place(ALICE, BUY, MID, 50, instrument=LINEAR)
    venue.ioc(BOB, SELL, MID, 20, instrument=LINEAR)
    assert venue.margin(ALICE) == LOT * 2 // 5
    assert venue.balance(ALICE, DOLLAR) == (1_000_000 - LOT, LOT)


def test_a_taker_keeps_what_it_did_not_need():
    venue = AccountVenue()
    venue.isolate(ALICE)
    venue.place(BOB, SELL, MID, 20, instrument=LINEAR)
    done = venue.ioc(ALICE, BUY, MID, 50, instrument=LINEAR)
    moved = of_kind(done, EventKind.MARGIN_MOVED)
    assert [event["quote_minor"] for event in moved] == [0, -LOT * 2 // 5]
    assert venue.balance(ALICE, DOLLAR) == (1_000_000 - LOT * 2 // 5, LOT * 2 // 5)


def test_the_rest_of_an_account_cannot_be_risked_twice():
    venue = AccountVenue(dollars=LOT)
    venue.isolate(ALICE)
    assert venue.place(ALICE, BUY, MID, 30, instrument=LINEAR).reject == Reject.NONE
    again = venue.place(ALICE, BUY, MID, 30, instrument=LINEAR)
    assert again.reject == Reject.INSUFFICIENT_MARGIN
    assert venue.withdraw(ALICE, DOLLAR, LOT // 2).reject == Reject.INSUFFICIENT_BALANCE


def test_what_an_order_would_lose_at_once_is_held_too():
    venue = AccountVenue()
    venue.isolate(ALICE)
    venue.place(ALICE, BUY, MID + 100, 50, instrument=LINEAR)
    assert venue.balance(ALICE, DOLLAR)[1] == LOT + 50 * 100 * 3 // 10


def test_the_fee_comes_out_of_the_hold():
    venue = AccountVenue()
    venue.do(K.SET_FEES, instrument=LINEAR, taker_fee_ppm=500, maker_fee_ppm=-200)
    venue.isolated_long(50)
    fee = 50 * LOT * 500 // 10**6
    assert venue.margin(ALICE) == LOT
    assert venue.balance(ALICE, DOLLAR) == (1_000_000 - LOT - fee, LOT)
    assert venue.cash(FEES) == fee - 50 * LOT * 200 // 10**6


def test_a_partial_close_takes_its_share_of_the_margin_and_its_profit_out():
    venue = AccountVenue()
    venue.isolated_long(50)
    venue.place(CAROL, BUY, MID + 100, 50, instrument=LINEAR)
    done = venue.ioc(ALICE, SELL, MID + 100, 20, instrument=LINEAR, flags=CommandFlag.REDUCE_ONLY)
    profit = 20 * 100 * 3 // 10
    (moved,) = of_kind(done, EventKind.MARGIN_MOVED)
    assert moved["quote_minor"] == LOT * 2 // 5 + profit
    assert venue.margin(ALICE) == LOT * 3 // 5
    assert venue.whole(ALICE) == 1_000_000 + profit


def test_a_loss_beyond_its_share_is_paid_by_the_margin_that_stays():
    venue = AccountVenue()
    venue.isolated_long(50)
    venue.place(CAROL, BUY, MID - 150, 50, instrument=LINEAR)
    before = venue.cash(ALICE)
    venue.ioc(ALICE, SELL, MID - 150, 10, instrument=LINEAR, flags=CommandFlag.REDUCE_ONLY)
    # Its share is a fifth of the margin, 600; it lost 450.
    assert venue.cash(ALICE) == before + 150
    venue.place(CAROL, BUY, MID - 250, 50, instrument=LINEAR)
    before, margin = venue.cash(ALICE), venue.margin(ALICE)
    venue.ioc(ALICE, SELL, MID - 250, 20, instrument=LINEAR, flags=CommandFlag.REDUCE_ONLY)
    assert venue.cash(ALICE) >= before
    assert venue.margin(ALICE) <= margin // 2


def test_an_order_may_turn_an_isolated_position():
    venue = AccountVenue()
    venue.isolated_long(50)
    venue.place(CAROL, BUY, MID, 80, instrument=LINEAR)
    done = venue.ioc(ALICE, SELL, MID, 80, instrument=LINEAR)
    assert done.filled_lots == 80
    assert venue.lots(ALICE) == -30
    # What it held for 80 lots brings the 30 that it opened their part.
    assert venue.margin(ALICE) == LOT * 30 // 50
    assert venue.whole(ALICE) == 1_000_000


def test_an_isolated_position_falls_alone_and_costs_no_more_than_its_margin():
    venue = AccountVenue(fund=10**6)
    venue.isolated_long(50)
    order = venue.place(ALICE, BUY, MID - 500, 10, instrument=LINEAR)
    spot = venue.place(ALICE, BUY, 100, 1)
    before = venue.cash(ALICE)
    done = venue.move(MID - 180)
    (fell,) = of_kind(done, EventKind.POSITION_FELL)
    assert not of_kind(done, EventKind.ACCOUNT_FELL)
    assert (fell["account"], fell["side"], fell["qty_lots"]) == (ALICE, SELL, 50)
    assert fell["quote_minor"] <= fell["amount_minor"]
    assert fell["flags"] == PositionFlag.ISOLATED
    assert ended(done) == [(order.seq, ExpireReason.LIQUIDATION)]
    assert venue.engine.order(spot.seq) is not None
    (taken,) = of_kind(done, EventKind.POSITION_TAKEN)
    assert taken["price_ticks"] == MID - 200
    assert venue.lots(ALICE) == 0
    assert venue.margin(ALICE) == 0
    # The order's hold came back; of the margin nothing did.
    assert venue.cash(ALICE) == before + LOT * 10 // 50
    assert venue.engine.standing(ALICE).equity_minor == venue.cash(ALICE)


def test_what_the_book_pays_beyond_the_bankruptcy_price_is_the_accounts():
    venue = AccountVenue(fund=10**6)
    venue.isolated_long(50)
    venue.place(CAROL, BUY, MID - 190, 100, instrument=LINEAR)
    before = venue.cash(ALICE)
    done = venue.move(MID - 180)
    assert of_kind(done, EventKind.TRADE)
    assert venue.lots(ALICE) == 0
    assert venue.cash(ALICE) == before + LOT - 50 * 190 * 3 // 10


def test_a_fallen_account_keeps_its_isolated_positions():
    venue = AccountVenue(dollars=20_000, coins=30_000, fund=10**9)
    venue.deposit(BOB, DOLLAR, 10**9)
    venue.deposit(BOB, COIN, 10**9)
    venue.isolate(ALICE)
    venue.trade(ALICE, BOB, 20, MID)
    venue.move_margin(ALICE, 18_000)
    venue.trade(ALICE, BOB, 5, MID, INVERSE)
    done = venue.move(MID - 800)
    (fell,) = of_kind(done, EventKind.ACCOUNT_FELL)
    assert fell["account"] == ALICE
    assert venue.lots(ALICE, instrument=INVERSE) == 0
    assert venue.lots(ALICE) == 20
    assert venue.margin(ALICE) == 20 * LOT // 50 + 18_000


def test_a_large_isolated_position_steps_down_its_brackets():
    venue = AccountVenue()
    venue.isolated_long(200)
    venue.place(CAROL, BUY, MID - 160, 300, instrument=LINEAR)
    done = venue.move(MID - 160)
    fell = of_kind(done, EventKind.POSITION_FELL)
    left = venue.lots(ALICE)
    assert len(fell) == 1
    assert 0 < left < 200
    assert left * venue.mark() * 3 // 10 <= 400_000


def test_a_winner_with_isolated_margin_is_deleveraged_into_its_account():
    venue = AccountVenue(dollars=10_000)
    venue.isolate(BOB)
    venue.trade(ALICE, BOB, 150, MID)
    before = venue.whole(BOB)
    done = venue.move(MID - 600)
    (closed,) = of_kind(done, EventKind.DELEVERAGED)
    assert closed["flags"] == PositionFlag.COUNTER_ISOLATED
    assert venue.lots(BOB) == 0
    assert venue.margin(BOB) == 0
    assert venue.cash(BOB) == venue.whole(BOB) == before + closed["amount_minor"]


def test_margin_is_added_and_removed_down_to_the_initial_margin():
    venue = AccountVenue()
    venue.isolated_long(50)
    done = venue.move_margin(ALICE, 700)
    assert (done.reject, done.amount_minor) == (Reject.NONE, 700)
    assert venue.margin(ALICE) == LOT + 700
    assert venue.move_margin(ALICE, -701).reject == Reject.INSUFFICIENT_MARGIN
    assert venue.move_margin(ALICE, -700).reject == Reject.NONE
    assert venue.move_margin(ALICE, -1).reject == Reject.INSUFFICIENT_MARGIN
    assert venue.balance(ALICE, DOLLAR) == (1_000_000 - LOT, LOT)


def test_added_margin_moves_the_bankruptcy_price():
    venue = AccountVenue(fund=10**6)
    venue.isolated_long(50)
    venue.move_margin(ALICE, LOT)
    assert not of_kind(venue.move(MID - 180), EventKind.POSITION_FELL)
    done = venue.move(MID - 390)
    (taken,) = of_kind(done, EventKind.POSITION_TAKEN)
    assert taken["price_ticks"] == MID - 400


def test_profit_that_is_not_realized_cannot_be_removed_and_losses_count():
    venue = AccountVenue()
    venue.isolated_long(50)
    venue.move_margin(ALICE, 3_000)
    venue.move(MID + 60)
    assert venue.move_margin(ALICE, -3_000).reject == Reject.INSUFFICIENT_MARGIN
    venue.move(MID - 60)
    refused = venue.move_margin(ALICE, -2_500)
    assert refused.reject == Reject.INSUFFICIENT_MARGIN


@pytest.mark.parametrize(
    ("terms", "reject"),
    [
        ({"account": 3}, Reject.UNKNOWN_ACCOUNT),
        ({"instrument": 9}, Reject.UNKNOWN_INSTRUMENT),
        ({"instrument": 0}, Reject.MALFORMED),
        ({"flags": 1}, Reject.MALFORMED),
        ({"amount_minor": 0}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"amount_minor": 2**62}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"amount_minor": -(2**63)}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"flags": CommandFlag.SHORT_LEG}, Reject.WRONG_LEG),
        ({"account": CAROL}, Reject.NO_POSITION),
        ({"account": BOB}, Reject.NOT_ISOLATED),
        ({"amount_minor": 10**7}, Reject.INSUFFICIENT_MARGIN),
        ({}, Reject.NONE),
    ],
)
def test_margin_moves_only_to_and_from_an_isolated_position(terms, reject):
    venue = AccountVenue()
    venue.isolated_long(50)
    before = venue.margin(ALICE)
    done = venue.move_margin(**{"account": ALICE, "amount": 5} | {
        ("amount" if name == "amount_minor" else name): value for name, value in terms.items()
    })  # fmt: skip
    assert done.reject == reject
    assert (venue.margin(ALICE) == before) == (reject != Reject.NONE)


def test_a_margin_mode_changes_only_without_position_and_orders():
    venue = AccountVenue()
    venue.trade(ALICE, BOB, 5, MID)
    assert venue.isolate(ALICE).reject == Reject.POSITION_OPEN
    venue.trade(BOB, ALICE, 5, MID)
    order = venue.place(ALICE, BUY, MID - 5, 1, instrument=LINEAR)
    assert venue.isolate(ALICE).reject == Reject.ORDERS_OPEN
    venue.cancel(ALICE, order.seq, instrument=LINEAR)
    stop = venue.place(
        ALICE, BUY, MID, 1, instrument=LINEAR, flags=CommandFlag.STOP, trigger_ticks=MID + 9
    )
    assert venue.isolate(ALICE).reject == Reject.ORDERS_OPEN
    assert venue.isolate(ALICE, INVERSE).reject == Reject.NONE
    venue.cancel(ALICE, stop.seq, instrument=LINEAR)
    assert venue.isolate(ALICE).reject == Reject.NONE
    assert venue.isolate(ALICE, mode=0).reject == Reject.NONE
    assert venue.isolate(ALICE, mode=2).reject == Reject.MALFORMED
    assert venue.isolate(ALICE, instrument=0).reject == Reject.MALFORMED


def test_leverage_of_an_isolated_position_needs_its_margin():
    venue = AccountVenue()
    venue.isolated_long(50)
    assert venue.lever(ALICE, 25).reject == Reject.INSUFFICIENT_MARGIN
    venue.move_margin(ALICE, LOT)
    assert venue.lever(ALICE, 25).reject == Reject.NONE
    assert venue.move_margin(ALICE, -1).reject == Reject.INSUFFICIENT_MARGIN
    assert venue.lever(ALICE, 50).reject == Reject.NONE
    venue.place(ALICE, BUY, MID - 5, 1, instrument=LINEAR)
    assert venue.lever(ALICE, 40).reject == Reject.ORDERS_OPEN


def test_funding_is_taken_from_the_margin_and_never_from_the_account():
    venue = AccountVenue(dollars=10**8)
    venue.isolate(ALICE)
    venue.lever(ALICE, 50)
    venue.place(CAROL, BUY, MID + 90, 10**4, instrument=LINEAR)
    venue.trade(ALICE, BOB, 100, MID + 100)
    margin, cash = venue.margin(ALICE), venue.cash(ALICE)
    done = venue.move(MID, seconds=3600)
    (paid,) = [e for e in of_kind(done, EventKind.FUNDING_PAID) if e["account"] == ALICE]
    assert paid["flags"] == PositionFlag.ISOLATED
    assert paid["amount_minor"] < 0
    assert venue.margin(ALICE) == margin + paid["amount_minor"]
    assert venue.cash(ALICE) == cash


def test_a_resting_order_that_its_margin_no_longer_bears_leaves_and_the_taker_goes_on():
    venue = AccountVenue()
    venue.do(K.SET_PERPETUAL, instrument=LINEAR, **RULE | {"cap_ppm": 10**6})
    venue.isolated_long(10, leverage=10)
    venue.lever(ALICE, 50)
    venue.move(MID - 500)
    # Selling there would lose 1,470 of a margin of 3,000.
    order = venue.place(
        ALICE, SELL, MID - 490, 10, instrument=LINEAR, flags=CommandFlag.REDUCE_ONLY
    )
    assert order.status == OrderStatus.OPEN
    venue.move(MID)
    assert venue.move_margin(ALICE, -2_400).reject == Reject.NONE
    venue.place(BOB, SELL, MID, 10, instrument=LINEAR)
    done = venue.place(CAROL, BUY, MID, 10, instrument=LINEAR)
    assert ended(done) == [(order.seq, ExpireReason.UNCOVERED)]
    assert done.filled_lots == 10
    assert (venue.lots(ALICE), venue.margin(ALICE)) == (10, 600)


def test_fill_or_kill_counts_no_order_that_closes_an_isolated_position():
    venue = AccountVenue()
    venue.isolated_long(10)
    venue.place(ALICE, SELL, MID + 1, 5, instrument=LINEAR)
    assert venue.fok(CAROL, BUY, MID + 1, 5, instrument=LINEAR).reject == Reject.CANNOT_FILL
    venue.isolate(BOB, INVERSE)
    venue.deposit(BOB, COIN, 10**9)
    venue.deposit(CAROL, COIN, 10**9)
    venue.place(BOB, SELL, MID + 1, 5, instrument=INVERSE)
    assert venue.fok(CAROL, BUY, MID + 1, 5, instrument=INVERSE).filled_lots == 5


def test_an_amended_or_replaced_order_gives_back_what_it_no_longer_holds():
    venue = AccountVenue()
    venue.isolate(ALICE)
    order = venue.place(ALICE, BUY, MID, 50, instrument=LINEAR)
    amended = venue.amend(ALICE, order.seq, 25, instrument=LINEAR)
    assert amended.amount_minor == LOT // 2
    assert venue.balance(ALICE, DOLLAR)[1] == LOT // 2
    done = venue.do(
        K.REPLACE_ORDER, account=ALICE, instrument=LINEAR, side=BUY, price_ticks=MID - 1,
        qty_lots=10, target_id=order.seq,
    )  # fmt: skip
    assert done.reject == Reject.NONE
    assert venue.balance(ALICE, DOLLAR)[1] == LOT // 5


def test_an_inverse_position_is_isolated_in_coin():
    venue = AccountVenue(coins=10_000_000)
    venue.isolate(ALICE, INVERSE)
    venue.trade(ALICE, BOB, 10, MID, INVERSE)
    margin = venue.margin(ALICE, instrument=INVERSE)
    assert margin == 10 * 10**9 // MID // 50
    assert venue.balance(ALICE, COIN) == (10_000_000 - margin, margin)
    done = venue.move(MID - 190)
    (fell,) = of_kind(done, EventKind.POSITION_FELL)
    assert fell["asset"] == COIN
    assert venue.lots(ALICE, instrument=INVERSE) == 0
    assert venue.whole(ALICE, COIN) >= 10_000_000 - margin
