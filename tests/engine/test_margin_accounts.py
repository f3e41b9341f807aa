"""Margin accounts: loans that orders take, interest, calls, liquidation, pairs judged alone."""

import pytest

from ledger.engine.credit_layout import LENDING_POOL
from ledger.engine.credit_reads import EngineLoan
from ledger.records.codes import CommandFlag, CommandKind, EventKind, OrderStatus, Reject
from tests.engine.credit_streams import PAIR, list_pair
from tests.engine.credit_venue import HOUR, POOL, RATE, CreditVenue
from tests.engine.perpetual_venue import COIN, DOLLAR, INSURANCE, LINEAR
from tests.engine.venue import ALICE, BOB, BUY, CAROL

K = CommandKind


def test_an_order_borrows_exactly_what_its_account_lacks():
    venue = CreditVenue()
    done = venue.long(5000)
    (loan,) = [event for event in done.events if event["kind"] == EventKind.LOAN_TAKEN]
    assert (loan["asset"], loan["amount_minor"], loan["fee_minor"]) == (DOLLAR, 4000, 1)
    assert loan["quote_minor"] == 4001, "the first hour is due at once, rounded up"
    assert venue.debt() == (4000, 1)
    assert venue.cash(ALICE) == 0
    assert venue.cash(ALICE, COIN) == 5000
    assert venue.cash(LENDING_POOL) == POOL - 4000
    assert venue.equity() == 5000 - 4001


def test_fifty_times_the_equity_is_the_most():
    """48,997 owed need 2.0409 % = 1,000 of equity; one more needs 1,001."""
    for lots, reject in ((49_998, Reject.INSUFFICIENT_BALANCE), (49_997, Reject.NONE)):
        venue = CreditVenue()
        assert venue.buy(lots).reject == reject
    assert venue.debt()[0] == 48_997


@pytest.mark.parametrize("leverage", [1, 2, 3, 5, 10, 25, 50])
def test_what_is_owned_on_credit_is_at_most_leverage_times_the_equity(leverage):
    rate_ppm = -(-(10**6) // max(leverage - 1, 1))
    lots = 1000 if leverage == 1 else 1000 + 1000 * 10**6 // rate_ppm
    assert lots <= 1000 * leverage
    assert CreditVenue(leverage=leverage).buy(lots).reject == Reject.NONE
    done = CreditVenue(leverage=leverage).buy(lots + 1)
    assert done.reject == Reject.INSUFFICIENT_BALANCE


def test_a_resting_order_is_borrowed_for_and_counts_as_its_account_s():
    venue = CreditVenue()
    done = venue.buy(5000)
    assert done.status == OrderStatus.OPEN
    assert venue.debt() == (4000, 1)
    assert venue.balance(ALICE, DOLLAR) == (0, 5000)
    assert venue.equity() == 999
    venue.sell(5000, account=BOB)
    assert venue.equity() == 999
    assert venue.debt() == (4000, 1)


def test_what_comes_back_repays_at_the_next_tick():
    venue = CreditVenue()
    order = venue.buy(5000)
    venue.cancel(ALICE, order.seq, instrument=PAIR)
    assert venue.debt() == (4000, 1)
    done = venue.move(10_000)
    (repaid,) = [event for event in done.events if event["kind"] == EventKind.LOAN_REPAID]
    assert (repaid["amount_minor"], repaid["fee_minor"], repaid["quote_minor"]) == (4001, 1, 0)
    assert venue.debt() == (0, 0)
    assert venue.cash(ALICE) == 999
    assert venue.cash(LENDING_POOL) == POOL + 1


def test_what_comes_in_pays_interest_first():
    venue = CreditVenue()
    venue.long(5000)
    venue.deposit(ALICE, DOLLAR, 500)
    venue.move(10_000)
    assert venue.debt() == (3501, 0)


def test_interest_is_due_at_each_full_hour_and_at_no_other_time():
    venue = CreditVenue()
    venue.long(21_000)
    assert venue.debt() == (20_000, 2)
    venue.move(10_000, seconds=60)
    assert venue.debt() == (20_000, 2)
    venue.move(10_000, seconds=HOUR)
    assert venue.debt() == (20_000, 4)
    venue.move(10_000, seconds=HOUR - 62)
    assert venue.debt() == (20_000, 4)
    venue.move(10_000, seconds=1)
    assert venue.debt() == (20_000, 6)
    venue.move(10_000, seconds=5 * HOUR)
    assert venue.debt() == (20_000, 16)


def test_a_new_rate_counts_from_the_hour_on_in_which_it_is_set():
    venue = CreditVenue()
    venue.long(21_000)
    venue.move(10_000, seconds=HOUR)
    venue.now += 2 * HOUR * 10**9
    venue.lend(hourly_ppt=10 * RATE)
    venue.move(10_000, seconds=HOUR)
    assert venue.debt() == (20_000, 2 + 2 + 2 * 2 + 20)


def test_the_pool_lends_no_more_than_it_has_or_may():
    venue = CreditVenue(dollars=10**6)
    venue.lend(limit_minor=500)
    assert venue.buy(10**6 + 501).reject == Reject.INSUFFICIENT_BALANCE
    venue.lend(limit_minor=10**9)
    assert venue.buy(10**6 + POOL + 1).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.buy(10**6 + POOL).reject == Reject.NONE
    assert venue.cash(LENDING_POOL) == 0


def test_a_coin_may_be_owed_too():
    """A short sale: what it fetches is kept, and what is bought back repays."""
    venue = CreditVenue()
    venue.buy(3000, account=BOB)
    done = venue.sell(3000)
    assert done.filled_lots == 3000
    assert venue.debt(asset=COIN) == (3000, 1)
    assert venue.cash(ALICE) == 4000
    venue.move(10_500)
    assert venue.equity() == 4000 - (3001 * 10_500 + 9_999) // 10_000
    venue.sell(3001, 10_500, account=BOB)
    venue.buy(3001, 10_500)
    venue.move(10_500)
    assert venue.debt(asset=COIN) == (0, 0)
    assert venue.cash(ALICE) == 4000 - -(-3001 * 10_500 // 10_000)


def test_the_loan_to_value_limit_stops_before_leverage_does():
    venue = CreditVenue()
    venue.lend(open_ppm=500_000, call_ppm=600_000, liquidate_ppm=700_000)
    assert venue.buy(2001).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.buy(2000).reject == Reject.NONE


def test_the_haircut_of_what_is_bought_counts_before_it_is_bought():
    """3,570 coins are worth 3,213: 1,000 of equity lose 357, and 2,570 owed need the rest."""
    venue = CreditVenue(leverage=5, haircut_ppm=100_000)
    assert venue.buy(3571).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.buy(3570).reject == Reject.NONE
    assert venue.engine.standing(ALICE).initial_minor == 643 + 357


def test_several_orders_share_one_equity():
    venue = CreditVenue(dollars=0, coins=1000, leverage=10)
    for price in (9_990, 9_980):
        assert venue.buy(4_000, price).reject == Reject.NONE
    assert venue.buy(4_000, 9_970).reject == Reject.INSUFFICIENT_BALANCE


def test_a_closing_order_is_always_covered():
    """Below its initial margin, an account may still sell what it owns."""
    venue = CreditVenue()
    venue.long(45_000)
    venue.move(9_930)
    standing = venue.engine.standing(ALICE)
    assert standing.equity_minor < standing.initial_minor
    assert venue.buy(1, 9_930).reject == Reject.INSUFFICIENT_BALANCE
    done = venue.sell(45_000, 9_930)
    assert done.reject == Reject.NONE
    assert venue.engine.standing(ALICE).equity_minor == standing.equity_minor
    venue.buy(45_000, 9_930, account=BOB)
    venue.move(9_930)
    assert venue.debt() == (0, 0)


def test_market_orders_borrow_what_they_need():
    venue = CreditVenue()
    venue.sell(3000, account=BOB)
    venue.sell(3000, 10_100, account=BOB)
    done = venue.market(ALICE, BUY, 5000, instrument=PAIR)
    assert (done.reject, done.filled_lots) == (Reject.NONE, 5000)
    assert venue.debt()[0] == 3000 + 2020 - 1000
    done = venue.by_quote(ALICE, BUY, 505, instrument=PAIR)
    assert (done.reject, done.filled_lots) == (Reject.NONE, 500)
    assert venue.debt()[0] == 3000 + 2020 - 1000 + 505


def test_a_triggered_order_borrows_when_it_triggers():
    venue = CreditVenue()
    venue.buy(3000, 10_001, flags=CommandFlag.STOP, trigger_ticks=10_001)
    assert venue.debt() == (0, 0)
    venue.sell(5000, 10_001, account=BOB)
    done = venue.buy(1, 10_001, account=CAROL)
    assert EventKind.LOAN_TAKEN in venue.kinds(done)
    assert venue.debt()[0] == 3001 - 1000, "3,000.3 dollars, rounded up"


def test_a_replaced_order_counts_as_free():
    venue = CreditVenue()
    order = venue.buy(40_000)
    done = venue.do(
        K.REPLACE_ORDER, account=ALICE, target_id=order.seq, side=BUY, price_ticks=9_999,
        qty_lots=40_000, instrument=PAIR,
    )  # fmt: skip
    assert done.reject == Reject.NONE
    assert venue.debt() == (39_000, 4), "what came back paid for it"


@pytest.mark.parametrize(("lots", "reject"), [(8000, 0), (10_000, Reject.INSUFFICIENT_BALANCE)])
def test_a_replaced_order_s_pledge_counts_as_free_too(lots, reject):
    """Coins count 90 %: 8,000 of them pledge 800 of 999, and 10,000 would pledge 1,000."""
    venue = CreditVenue(haircut_ppm=100_000)
    order = venue.buy(8000)
    assert venue.engine.credit(ALICE).pledged_minor == 800
    terms = {"side": BUY, "price_ticks": 10_000, "instrument": PAIR, "account": ALICE}
    done = venue.do(K.REPLACE_ORDER, target_id=order.seq, qty_lots=lots, **terms)
    assert done.reject == reject
    assert venue.engine.credit(ALICE).pledged_minor == 800
    assert (venue.engine.order(order.seq) is None) == (reject == 0)


def test_a_call_comes_once_and_again_after_it_was_heard():
    venue = CreditVenue()
    venue.long(45_000)
    calls = []
    for ticks in (9_906, 9_905, 10_100, 9_905):
        done = venue.move(ticks)
        calls.append(EventKind.MARGIN_CALLED in venue.kinds(done))
    assert calls == [True, False, False, True]


def test_a_fallen_account_s_collateral_pays_its_loans():
    venue = CreditVenue()
    venue.long(45_000)
    venue.sell(100, 10_500)
    done = venue.move(9_850)
    kinds = venue.kinds(done)
    assert EventKind.ACCOUNT_FELL in kinds
    assert EventKind.ORDER_EXPIRED in kinds
    assert venue.debt() == (0, 0)
    taken = -(-44_005 * 10_000 // 9_850)
    assert venue.cash(ALICE, COIN) == 45_000 - taken
    assert venue.cash(LENDING_POOL, COIN) == POOL + taken
    assert venue.cash(LENDING_POOL) == POOL - 44_000


@pytest.mark.parametrize("fund", [0, 7_000, 100_000])
def test_the_fund_pays_what_collateral_does_not_and_the_pool_loses_the_rest(fund):
    venue = CreditVenue(fund=fund)
    venue.long(45_000)
    done = venue.move(5_000)
    short = 44_005 - 22_500
    kinds = venue.kinds(done)
    assert (EventKind.DEBT_COVERED in kinds) == (fund > 0)
    assert (EventKind.LOAN_LOST in kinds) == (fund < short)
    assert venue.cash(INSURANCE) == max(fund - short, 0)
    assert venue.cash(LENDING_POOL) == POOL - 44_000 + min(fund, short)
    assert venue.debt() == (0, 0)
    assert venue.equity() == 0
    assert int(venue.engine._state.credit.lending["lent_minor"][DOLLAR]) == 0


def test_a_perpetual_s_loss_and_a_loan_are_judged_together():
    """At 9,400 the coins alone carry the loan, and 20,000 alone the position: together neither."""
    venue = CreditVenue(dollars=20_000, fund=10**6)
    venue.long(50_000)
    assert venue.debt() == (30_000, 3)
    venue.trade(ALICE, BOB, 100, 10_000)
    venue.move(9_900)
    assert venue.equity() == 49_500 - 30_003 - 3_000
    done = venue.move(9_400)
    assert EventKind.ACCOUNT_FELL in venue.kinds(done)
    assert venue.position(ALICE) == (0, 0)
    assert venue.debt() == (0, 0)
    assert venue.equity() >= 0


def test_nothing_is_withdrawn_from_a_margin_account():
    venue = CreditVenue()
    assert venue.withdraw(ALICE, DOLLAR, 100).reject == Reject.MARGIN_ACCOUNT
    venue.margin(ALICE, 0)
    assert venue.withdraw(ALICE, DOLLAR, 100).reject == Reject.NONE


def test_a_transfer_takes_out_what_the_loans_leave():
    venue = CreditVenue(dollars=10_000, leverage=5)
    sub = 19
    venue.do(K.OPEN_ACCOUNT, account=sub, master=ALICE)
    venue.long(12_000)
    venue.deposit(ALICE, DOLLAR, 500)
    done = venue.do(K.TRANSFER, account=ALICE, payee=sub, asset=DOLLAR, amount_minor=1)
    assert done.reject == Reject.INSUFFICIENT_BALANCE, "what is owed of an asset stays"
    venue.move(10_000)
    assert venue.debt()[0] == 1501
    done = venue.do(K.TRANSFER, account=ALICE, payee=sub, asset=COIN, amount_minor=10_200)
    assert done.reject == Reject.INSUFFICIENT_BALANCE
    done = venue.do(K.TRANSFER, account=ALICE, payee=sub, asset=COIN, amount_minor=9_900)
    assert done.reject == Reject.NONE
    standing = venue.engine.standing(ALICE)
    assert standing.equity_minor >= standing.initial_minor


@pytest.mark.parametrize("open_ppm", [1, 400_000, 600_000, 985_000])
def test_a_transfer_leaves_no_loan_that_could_not_have_been_taken(open_ppm):
    venue = CreditVenue()
    sub = venue.engine.account_count
    venue.do(K.OPEN_ACCOUNT, account=sub, master=ALICE)
    venue.long(1400)
    venue.lend(open_ppm=open_ppm)
    assert (venue.debt(), venue.equity()) == ((400, 1), 999)
    wanted = -(-401 * 10**6 // open_ppm) - 401
    left = None
    for amount in range(1000, 0, -1):
        done = venue.do(K.TRANSFER, account=ALICE, payee=sub, asset=COIN, amount_minor=amount)
        if done.reject == Reject.NONE:
            left = venue.equity()
            break
    if wanted > 999:
        assert left is None, "its loan is too large already"
    else:
        # The initial margin of the loan is 9; roundings are for the venue.
        assert max(wanted, 9) <= left <= max(wanted, 9) + 55
        assert open_ppm * (left + 401) >= 401 * 10**6


def test_an_isolated_pair_is_a_sub_account_that_trades_one_instrument_and_is_judged_alone():
    venue = CreditVenue(dollars=10_000)
    sub = 19
    venue.do(K.OPEN_ACCOUNT, account=sub, master=ALICE)
    venue.do(K.TRANSFER, account=ALICE, payee=sub, asset=DOLLAR, amount_minor=1000)
    assert venue.margin(sub, 10, pair=PAIR + 1).reject == Reject.NONE
    venue.do(K.SET_LEVERAGE, account=sub, instrument=LINEAR, leverage=50)
    done = venue.place(sub, BUY, 10_000, 1, instrument=LINEAR)
    assert done.reject == Reject.NOT_THE_PAIR
    venue.sell(9000, account=BOB)
    assert venue.buy(9000, account=sub).filled_lots == 9000
    venue.move(8_000)
    assert venue.debt(sub) == (0, 0)
    assert venue.cash(sub, COIN) == 0
    assert venue.cash(ALICE) == 9000, "the loss is the pair's alone"


@pytest.mark.parametrize(
    ("fields", "reject"),
    [
        ({"leverage": 50}, Reject.NONE),
        ({"leverage": 51}, Reject.LEVERAGE_TOO_HIGH),
        ({"leverage": 5, "pair": PAIR + 1}, Reject.NONE),
        ({"leverage": 5, "pair": LINEAR + 1}, Reject.MALFORMED),
        ({"leverage": 5, "pair": PAIR + 2}, Reject.UNKNOWN_INSTRUMENT),
        ({"account": 1, "leverage": 5}, Reject.UNKNOWN_ACCOUNT),
        ({"leverage": 5, "flags": 1}, Reject.MALFORMED),
    ],
)
def test_a_margin_account_s_terms_are_checked(fields, reject):
    venue = CreditVenue()
    assert venue.do(K.SET_MARGIN, **{"account": CAROL} | fields).reject == reject


def test_margin_begins_and_ends_with_an_idle_account_that_owes_nothing():
    venue = CreditVenue()
    order = venue.buy(1, 9_000, account=CAROL)
    assert venue.margin(CAROL, 5).reject == Reject.WRONG_STATE
    venue.cancel(CAROL, order.seq, instrument=PAIR)
    assert venue.withdraw(CAROL, DOLLAR, 10).reject == Reject.NONE
    assert venue.margin(CAROL, 5).reject == Reject.WRONG_STATE
    venue.long(5000)
    assert venue.margin(ALICE, 0).reject == Reject.WRONG_STATE
    assert venue.margin(ALICE, 40).reject == Reject.NONE
    assert venue.margin(ALICE, 4).reject == Reject.INSUFFICIENT_MARGIN
    venue.sell(5000)
    assert venue.margin(ALICE, 0).reject == Reject.WRONG_STATE


@pytest.mark.parametrize(
    ("fields", "reject"),
    [
        ({}, Reject.NONE),
        ({"asset": 9}, Reject.UNKNOWN_ASSET),
        ({"account": 1}, Reject.MALFORMED),
        ({"hourly_ppt": 10**10}, Reject.NONE),
        ({"hourly_ppt": 10**10 + 1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"hourly_ppt": -1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"limit_minor": -1}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"limit_minor": 2**62}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"open_ppm": 0}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"open_ppm": 987_000}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"call_ppm": 990_000}, Reject.AMOUNT_OUT_OF_RANGE),
        ({"liquidate_ppm": 10**6}, Reject.NONE),
        ({"liquidate_ppm": 10**6 + 1}, Reject.AMOUNT_OUT_OF_RANGE),
    ],
)
def test_the_terms_of_lending_are_checked(fields, reject):
    assert CreditVenue().lend(**fields).reject == reject


def test_nobody_borrows_what_is_not_lent_or_has_no_price():
    venue = CreditVenue()
    venue.lend(asset=2)
    venue.deposit(LENDING_POOL, 2, POOL)
    venue.batch(list_pair(venue.now, instrument=PAIR + 1, quote=2))
    done = venue.place(ALICE, BUY, 10_000, 10, instrument=PAIR + 1)
    assert done.reject == Reject.INSUFFICIENT_BALANCE


def test_an_account_s_credit_can_be_read():
    venue = CreditVenue()
    venue.margin(ALICE, 20, pair=PAIR + 1)
    order = venue.buy(5000, 10_001)
    credit = venue.engine.credit(ALICE)
    assert (credit.leverage, credit.pair, credit.called) == (20, PAIR, False)
    assert credit.loans == (EngineLoan(DOLLAR, 4001, 1),)
    assert credit.pledged_minor == 1, "it pays 5,001 for what is worth 5,000"
    venue.cancel(ALICE, order.seq, instrument=PAIR)
    venue.move(10_000)
    assert venue.engine.credit(ALICE).loans == ()
    assert venue.engine.credit(ALICE).pledged_minor == 0
    for nobody in (-1, 99, CAROL):
        assert venue.engine.credit(nobody).leverage == 0


def test_a_margin_account_isolates_nothing_for_what_it_holds_counts_as_its_equity():
    venue = CreditVenue()
    isolate = {"kind": K.SET_MARGIN_MODE, "instrument": LINEAR}
    assert venue.do(account=ALICE, mode=1, **isolate).reject == Reject.MARGIN_ACCOUNT
    assert venue.do(account=ALICE, mode=0, **isolate).reject == Reject.NONE
    assert venue.do(account=CAROL, mode=1, **isolate).reject == Reject.NONE
    assert venue.margin(CAROL, 5).reject == Reject.WRONG_STATE
    assert venue.do(account=CAROL, mode=0, **isolate).reject == Reject.NONE
    assert venue.margin(CAROL, 5).reject == Reject.NONE
