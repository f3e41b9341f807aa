"""Liquidation step by step: book, fund, winners, everybody. On both engines."""

from ledger.records.codes import CommandKind, EventKind, ExpireReason, Reject, TradeFlag
from tests.engine.perpetual_venue import (
    ALICE,
    BOB,
    BUY,
    CAROL,
    COIN,
    DOLLAR,
    INSURANCE,
    LINEAR,
    MID,
    SELL,
    PerpetualVenue,
)

K = CommandKind


def kinds(done):
    return [EventKind(event["kind"]) for event in done.events]


def of_kind(done, kind):
    return [event for event in done.events if event["kind"] == kind]


def long_alice(lots=40, dollars=3_000, fund=0, coins=0):
    """Alice is long at leverage 40, Bob short; only Alice is poor."""
    venue = PerpetualVenue(dollars=dollars, fund=fund, coins=coins)
    venue.deposit(BOB, DOLLAR, 10**9)
    venue.deposit(CAROL, DOLLAR, 10**9)
    venue.trade(ALICE, BOB, lots, MID)
    return venue


def test_an_account_above_its_maintenance_keeps_its_position():
    venue = long_alice()
    done = venue.move(MID - 50)
    assert EventKind.ACCOUNT_FELL not in kinds(done)
    assert venue.position(ALICE)[0] == 40


def test_the_orders_of_a_fallen_account_leave_first():
    venue = long_alice()
    order = venue.place(ALICE, SELL, MID - 150, 1, instrument=LINEAR)
    venue.place(CAROL, BUY, MID - 210, 100, instrument=LINEAR)
    done = venue.move(MID - 215)
    (expired,) = of_kind(done, EventKind.ORDER_EXPIRED)
    assert (expired["order_id"], expired["flags"]) == (order.seq, ExpireReason.LIQUIDATION)
    assert kinds(done).index(EventKind.ACCOUNT_FELL) < kinds(done).index(EventKind.ORDER_EXPIRED)


def test_a_fallen_account_is_closed_into_the_book_without_a_fee():
    venue = long_alice()
    venue.place(CAROL, BUY, MID - 210, 100, instrument=LINEAR)
    done = venue.move(MID - 205)
    trades = of_kind(done, EventKind.TRADE)
    assert trades
    assert {(t["account"], t["order_id"], t["flags"], t["fee_minor"]) for t in trades} == {
        (ALICE, 0, TradeFlag.LIQUIDATION, 0)
    }
    assert venue.position(ALICE)[0] == 0
    assert venue.cash(ALICE) == 3_000 - 40 * 210 * 3 // 10


def test_the_book_is_swept_no_further_than_the_bankruptcy_price():
    venue = long_alice(fund=10**6)
    venue.place(CAROL, BUY, MID - 5000, 100, instrument=LINEAR)
    done = venue.move(MID - 205)
    (taken,) = of_kind(done, EventKind.POSITION_TAKEN)
    assert taken["price_ticks"] == MID - 250
    assert not of_kind(done, EventKind.TRADE)
    assert venue.position(ALICE)[0] == 0
    assert venue.position(INSURANCE)[0] == 40
    assert venue.cash(ALICE) == 0


def test_a_large_position_steps_down_its_brackets_and_stops_when_it_stands():
    venue = long_alice(lots=140, dollars=9_500)
    venue.place(CAROL, BUY, MID - 178, 10_000, instrument=LINEAR)
    done = venue.move(MID - 178)
    (trade,) = of_kind(done, EventKind.TRADE)
    left = venue.position(ALICE)[0]
    # What is left is worth no more than the floor of the bracket that it came from.
    assert 0 < left < 140
    assert trade["qty_lots"] == 140 - left
    assert left * venue.mark() * 3 // 10 <= 400_000


def test_the_fund_sells_what_it_took_at_the_mark_or_better():
    venue = long_alice(fund=10**6)
    venue.move(MID - 205)
    assert venue.position(INSURANCE)[0] == 40
    venue.place(CAROL, BUY, venue.mark() + 5, 15, instrument=LINEAR)
    done = venue.move(MID - 205)
    (trade,) = of_kind(done, EventKind.TRADE)
    assert (trade["account"], trade["qty_lots"]) == (INSURANCE, 15)
    assert venue.position(INSURANCE)[0] == 25


def test_a_short_fund_has_the_winner_deleveraged_at_the_bankruptcy_price():
    venue = long_alice(fund=0)
    done = venue.move(MID - 400)
    (closed,) = of_kind(done, EventKind.DELEVERAGED)
    assert (closed["account"], closed["counter_account"]) == (ALICE, BOB)
    assert closed["price_ticks"] == MID - 250
    assert venue.position(ALICE)[0] == venue.position(BOB)[0] == 0
    assert venue.cash(BOB) == 3_000 + 10**9 + 40 * 250 * 3 // 10
    assert venue.cash(ALICE) == 0


def test_the_most_leveraged_winner_is_deleveraged_first():
    venue = PerpetualVenue(dollars=3_000)
    venue.deposit(BOB, DOLLAR, 10**9)
    venue.trade(ALICE, CAROL, 20, MID)
    venue.trade(ALICE, BOB, 20, MID)
    done = venue.move(MID - 400)
    order = [event["counter_account"] for event in of_kind(done, EventKind.DELEVERAGED)]
    assert order == [CAROL, BOB]


def test_a_loss_that_nobody_can_take_is_shared_by_what_traders_have():
    venue = PerpetualVenue(dollars=3_000)
    venue.deposit(BOB, DOLLAR, 10**9)
    venue.deposit(CAROL, DOLLAR, 10**6)
    venue.trade(ALICE, BOB, 40, MID)
    # Bob took his profit: the shorts now belong to Carol, who sold at the bottom and would lose at
    # Alice's bankruptcy price, so that nobody can be deleveraged.
    venue.place(CAROL, SELL, MID - 2000, 40, instrument=LINEAR)
    venue.place(BOB, BUY, MID - 2000, 40, instrument=LINEAR)
    assert venue.position(BOB)[0] == 0
    done = venue.move(MID - 2000)
    assert not of_kind(done, EventKind.DELEVERAGED)
    (taken,) = of_kind(done, EventKind.POSITION_TAKEN)
    assert taken["account"] == ALICE
    (shared,) = of_kind(done, EventKind.LOSS_SHARED)
    # Only Carol still trades in dollars.
    assert shared["account"] == CAROL
    loss = 40 * 3 * (taken["price_ticks"] - venue.mark()) // 10
    assert 0 <= shared["amount_minor"] - loss <= 1
    assert venue.cash(ALICE) >= 0


def test_collateral_in_another_asset_pays_the_debt_at_its_haircut():
    venue = long_alice(dollars=0, coins=4_300, fund=10**6)
    venue.place(CAROL, BUY, MID - 300, 100, instrument=LINEAR)
    done = venue.move(MID - 300)
    assert EventKind.TRADE in kinds(done)
    assert venue.position(ALICE)[0] == 0
    (coins,) = of_kind(done, EventKind.COLLATERAL_TAKEN)
    (dollars,) = of_kind(done, EventKind.DEBT_COVERED)
    debt = 40 * 300 * 3 // 10
    assert (coins["asset"], dollars["asset"], dollars["amount_minor"]) == (COIN, DOLLAR, debt)
    worth = coins["amount_minor"] * (MID - 300) * 9
    assert debt * 100_000 <= worth < debt * 100_000 + 9 * MID + 200_000
    assert venue.cash(ALICE, DOLLAR) == 0
    assert venue.cash(ALICE, COIN) == 4_300 - coins["amount_minor"]
    assert venue.cash(INSURANCE, COIN) == 10**6 + coins["amount_minor"]
    assert not of_kind(done, EventKind.LOSS_SHARED)


def test_what_the_fund_lacks_of_an_asset_it_buys_with_what_it_has_of_others():
    venue = long_alice(dollars=0, coins=4_300)
    venue.place(CAROL, BUY, MID - 300, 100, instrument=LINEAR)
    before = {account: venue.cash(account) for account in (BOB, CAROL)}
    its_coins = {account: venue.cash(account, COIN) for account in (BOB, CAROL)}
    done = venue.move(MID - 300)
    # Alice's coins were enough, so nobody has lost: those who give dollars get her coins.
    debt = 40 * 300 * 3 // 10
    (taken,) = of_kind(done, EventKind.COLLATERAL_TAKEN)
    shared = of_kind(done, EventKind.LOSS_SHARED)
    assert sum(event["amount_minor"] for event in shared) == debt
    for event in shared:
        account, part = event["account"], event["amount_minor"]
        assert venue.cash(account) == before[account] - part
        coins = venue.cash(account, COIN) - its_coins[account]
        # At the index, rounded down once: a coin's unit is worth its ticks by 10^-4 dollar units.
        assert coins == part * 10**4 // (MID - 300)
    assert venue.cash(INSURANCE) == 0
    given = sum(venue.cash(account, COIN) - its_coins[account] for account in (BOB, CAROL))
    assert venue.cash(INSURANCE, COIN) == taken["amount_minor"] - given > 0


def test_a_fund_pays_no_more_of_an_asset_than_it_has():
    venue = PerpetualVenue(dollars=3_000)
    venue.deposit(BOB, DOLLAR, 10**9)
    venue.deposit(CAROL, DOLLAR, 10**6)
    venue.deposit(INSURANCE, COIN, 100)
    venue.trade(ALICE, BOB, 40, MID)
    venue.place(CAROL, SELL, MID - 2000, 40, instrument=LINEAR)
    venue.place(BOB, BUY, MID - 2000, 40, instrument=LINEAR)
    done = venue.move(MID - 2000)
    (shared,) = of_kind(done, EventKind.LOSS_SHARED)
    (paid,) = of_kind(done, EventKind.DEBT_COVERED)
    assert shared["account"] == paid["account"] == CAROL
    assert (paid["asset"], paid["amount_minor"]) == (COIN, 100)
    assert shared["amount_minor"] > 100 * (MID - 2000) // 10**4
    assert (venue.cash(INSURANCE, COIN), venue.cash(CAROL, COIN)) == (0, 100)


def test_a_tick_without_a_move_does_nothing():
    venue = long_alice()
    done = venue.move(MID)
    assert kinds(done) == []
    assert done.reject == Reject.NONE


def fund_that_falls(coins=0, **fields):
    """The fund has taken Alice's position with its last money, and the mark falls on."""
    venue = long_alice(fund=540, coins=coins, **fields)
    done = venue.move(MID - 295)
    (taken,) = of_kind(done, EventKind.POSITION_TAKEN)
    assert taken["price_ticks"] == MID - 250
    assert venue.cash(INSURANCE) == 540
    return venue


def test_a_fund_left_short_passes_its_positions_to_winners_before_any_loss_is_shared():
    venue = fund_that_falls()
    done = venue.move(MID - 400)
    (closed,) = of_kind(done, EventKind.DELEVERAGED)
    assert (closed["account"], closed["side"]) == (INSURANCE, SELL)
    assert (closed["counter_account"], closed["qty_lots"]) == (BOB, 40)
    # 40 lots bought at 250 below, 540 to spend: at 295 below nothing is left and nothing owed.
    assert closed["price_ticks"] == MID - 295
    assert not of_kind(done, EventKind.LOSS_SHARED)
    assert venue.position(INSURANCE)[0] == venue.position(BOB)[0] == 0
    assert venue.cash(INSURANCE) == 0
    assert venue.cash(BOB) == 3_000 + 10**9 + 40 * 295 * 3 // 10


def test_what_no_winner_can_take_of_the_funds_loss_is_shared():
    venue = fund_that_falls()
    # Bob's shorts now are Carol's, who sold too low to be a winner at what makes the fund whole.
    venue.place(CAROL, SELL, MID - 390, 40, instrument=LINEAR)
    venue.ioc(BOB, BUY, MID - 390, 40, instrument=LINEAR)
    done = venue.move(MID - 400)
    assert not of_kind(done, EventKind.DELEVERAGED)
    (shared,) = of_kind(done, EventKind.LOSS_SHARED)
    assert shared["account"] == CAROL
    assert venue.position(INSURANCE)[0] == 40
    assert shared["amount_minor"] == 40 * (400 - 295) * 3 // 10
    # The fund has nothing left: the next fall ends its position close to the mark.
    done = venue.move(MID - 500)
    (closed,) = of_kind(done, EventKind.DELEVERAGED)
    assert (closed["account"], closed["counter_account"]) == (INSURANCE, CAROL)
    assert closed["price_ticks"] == MID - 400
    assert not of_kind(done, EventKind.LOSS_SHARED)
