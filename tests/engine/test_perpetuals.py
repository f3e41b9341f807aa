"""Positions, margin, funding and the marks of perpetuals, fact by fact, on both engines."""

import pytest

from ledger.records.codes import (
    CommandKind,
    EventKind,
    OrderStatus,
    Product,
    Reject,
    TimeInForce,
)
from tests.engine.perpetual_streams import LINEAR_TERMS, RULE, TIERS, prices, tick, tiers
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
    SECOND,
    SELL,
    PerpetualVenue,
    without_mark,
)

K = CommandKind
LOT = MID * 3 // 10
"""What a lot of the linear contract is worth at the first mark."""


def test_a_trade_opens_two_positions_and_moves_no_money():
    venue = PerpetualVenue()
    venue.trade(ALICE, BOB, 10, MID)
    assert venue.position(ALICE) == (10, 10 * MID)
    assert venue.position(BOB) == (-10, -10 * MID)
    assert venue.cash(ALICE) == venue.cash(BOB) == 1_000_000


def test_a_close_realizes_profit_against_the_clearing_account():
    venue = PerpetualVenue()
    venue.trade(ALICE, BOB, 10, MID)
    done = venue.trade(CAROL, ALICE, 4, MID + 100)
    assert venue.position(ALICE) == (6, 6 * MID)
    assert venue.cash(ALICE) == 1_000_000 + 4 * 100 * 3 // 10
    assert venue.cash(CLEARING) == -(4 * 100 * 3 // 10)
    (trade,) = done.events
    assert (trade["quote_minor"], trade["amount_minor"]) == (0, 120)


def test_the_clearing_account_is_empty_when_everybody_is_flat():
    venue = PerpetualVenue()
    venue.trade(ALICE, BOB, 10, MID)
    venue.trade(BOB, CAROL, 3, MID + 77)
    venue.trade(CAROL, ALICE, 3, MID - 31)
    venue.trade(BOB, ALICE, 7, MID - 9)
    assert [venue.position(who)[0] for who in (ALICE, BOB, CAROL)] == [0, 0, 0]
    # A tick-lot is worth 3/10: what is below a whole unit stays in the carry.
    assert venue.cash(CLEARING) in {0, 1}
    total = sum(venue.cash(who) for who in (ALICE, BOB, CAROL, INSURANCE, CLEARING))
    assert total == 3_000_000


def test_an_inverse_contract_settles_in_coin():
    venue = PerpetualVenue(coins=10_000_000)
    venue.trade(ALICE, BOB, 10, MID, INVERSE)
    assert venue.position(ALICE, INVERSE) == (10, -10 * 10**9 // MID)
    venue.trade(CAROL, ALICE, 10, 2 * MID, INVERSE)
    # Ten lots bought at MID and sold at twice that gain half their coins.
    assert venue.cash(ALICE, COIN) == 10_000_000 + 10 * 10**9 // (2 * MID)
    assert venue.cash(ALICE, DOLLAR) == 1_000_000


def test_an_order_reserves_margin_and_its_cancel_gives_it_back():
    venue = PerpetualVenue(dollars=LOT)
    most = 50
    order = venue.place(ALICE, BUY, MID, most, instrument=LINEAR)
    assert order.reject == Reject.NONE
    refused = venue.place(ALICE, BUY, MID, 1, instrument=LINEAR)
    assert refused.reject == Reject.INSUFFICIENT_MARGIN
    venue.cancel(ALICE, order.seq, instrument=LINEAR)
    assert venue.place(ALICE, BUY, MID, most, instrument=LINEAR).reject == Reject.NONE


def test_orders_of_both_sides_reserve_only_the_larger():
    venue = PerpetualVenue(dollars=LOT)
    assert venue.place(ALICE, BUY, MID - 1, 50, instrument=LINEAR).reject == Reject.NONE
    assert venue.place(ALICE, SELL, MID + 1, 50, instrument=LINEAR).reject == Reject.NONE


def test_an_order_that_would_lose_at_once_needs_the_loss_too():
    venue = PerpetualVenue(dollars=LOT)
    dear = venue.place(ALICE, BUY, MID + 200, 50, instrument=LINEAR)
    assert dear.reject == Reject.INSUFFICIENT_MARGIN
    assert venue.place(ALICE, BUY, MID + 200, 25, instrument=LINEAR).reject == Reject.NONE


def test_a_closing_order_needs_no_margin():
    venue = PerpetualVenue(dollars=LOT)
    venue.trade(ALICE, BOB, 50, MID)
    venue.move(MID - 100)
    assert venue.place(ALICE, BUY, MID, 1, instrument=LINEAR).reject == Reject.INSUFFICIENT_MARGIN
    assert venue.place(ALICE, SELL, MID, 50, instrument=LINEAR).reject == Reject.NONE


def test_a_market_order_is_bounded_by_what_it_looked_at():
    venue = PerpetualVenue()
    venue.place(BOB, SELL, MID, 3, instrument=LINEAR)
    venue.place(BOB, SELL, MID + 5, 4, instrument=LINEAR)
    done = venue.market(ALICE, BUY, 10, instrument=LINEAR)
    assert (done.status, done.filled_lots, done.remaining_lots) == (OrderStatus.EXPIRED, 7, 3)
    assert venue.market(ALICE, BUY, 1, instrument=LINEAR).reject == Reject.NO_LIQUIDITY
    assert venue.by_quote(ALICE, BUY, 100, instrument=LINEAR).reject == Reject.MALFORMED


def test_fees_are_taken_on_the_notional_in_the_settlement_asset():
    venue = PerpetualVenue()
    venue.do(K.SET_FEES, instrument=LINEAR, taker_fee_ppm=500, maker_fee_ppm=-200)
    done = venue.trade(ALICE, BOB, 10, MID)
    (trade,) = done.events
    assert trade["fee_minor"] == 10 * LOT * 500 // 10**6
    assert trade["counter_fee_minor"] == -(10 * LOT * 200 // 10**6)
    assert venue.cash(FEES) == trade["fee_minor"] + trade["counter_fee_minor"]


def test_collateral_in_use_cannot_be_withdrawn_or_spent():
    venue = PerpetualVenue(dollars=10 * LOT)
    venue.trade(ALICE, BOB, 250, MID)
    venue.batch()
    # 5 lots' worth is initial margin; two units and a rounding stay beside it.
    assert venue.withdraw(ALICE, DOLLAR, 5 * LOT).reject == Reject.INSUFFICIENT_BALANCE
    assert venue.place(ALICE, BUY, MID, 2).reject == Reject.INSUFFICIENT_BALANCE
    most = (5 * LOT - 3) * 10**6 // 1_050_000
    assert venue.withdraw(ALICE, DOLLAR, most).reject == Reject.NONE


def test_without_a_mark_nothing_can_be_ordered():
    venue = without_mark()
    order = venue.place(ALICE, BUY, MID, 1, instrument=LINEAR)
    assert order.reject == Reject.NO_MARK


def test_all_positions_of_a_settlement_asset_stay_within_the_proven_bounds():
    venue = PerpetualVenue(dollars=10**9)
    huge = {
        "product": Product.LINEAR, "notional_num": 1, "notional_den": 2**20,
        "max_price_ticks": 2**31 - 1, "max_qty_lots": 2**29, "symbol": b"HUGE",
    }  # fmt: skip
    listed = venue.do(K.LIST_INSTRUMENT, instrument=3, **LINEAR_TERMS | huge)
    assert listed.reject == Reject.NONE
    venue.do(K.SET_PERPETUAL, instrument=3, **RULE)
    venue.batch(*(one for one in tiers(3, venue.now)))
    venue.move(MID)
    terms = {"instrument": 3}
    almost = venue.place(ALICE, BUY, MID, 2**29, **terms)
    assert almost.reject == Reject.NONE
    # What a position counts at the highest price is 2^60 - 2^29: one more lot is beyond the bound,
    # for anybody.
    assert venue.place(BOB, SELL, MID + 1, 2**29, **terms).reject == Reject.EXPOSURE_EXCEEDED
    assert venue.place(ALICE, BUY, MID, 1, **terms).reject == Reject.EXPOSURE_EXCEEDED
    venue.cancel(ALICE, almost.seq, **terms)
    assert venue.place(BOB, SELL, MID + 1, 2**29, **terms).reject == Reject.NONE


def test_leverage_is_bounded_and_lower_leverage_needs_margin():
    venue = PerpetualVenue(dollars=LOT)
    assert (
        venue.do(K.SET_LEVERAGE, account=ALICE, instrument=LINEAR, leverage=51).reject
        == Reject.LEVERAGE_TOO_HIGH
    )
    venue.trade(ALICE, BOB, 40, MID)
    down = venue.do(K.SET_LEVERAGE, account=ALICE, instrument=LINEAR, leverage=10)
    assert down.reject == Reject.INSUFFICIENT_MARGIN
    assert (
        venue.do(K.SET_LEVERAGE, account=ALICE, instrument=LINEAR, leverage=45).reject
        == Reject.NONE
    )


@pytest.mark.parametrize(
    ("row", "terms", "reject"),
    [
        (0, (0, 5_000, 10_000), Reject.NONE),
        (0, (1, 5_000, 10_000), Reject.AMOUNT_OUT_OF_RANGE),
        (0, (0, 5_000, 4_000), Reject.AMOUNT_OUT_OF_RANGE),
        (3, (TIERS[2][0], 25_000, 50_000), Reject.AMOUNT_OUT_OF_RANGE),
        (3, (TIERS[2][0] + 1, 25_000, 50_000), Reject.NONE),
        (4, (2**40, 25_000, 50_000), Reject.OUT_OF_TURN),
    ],
)
def test_a_bracket_begins_or_continues_its_table(row, terms, reject):
    venue = PerpetualVenue()
    floor, maintenance, initial = terms
    done = venue.do(
        K.SET_TIER, instrument=LINEAR, row=row, floor_minor=floor, maintenance_ppm=maintenance,
        initial_ppm=initial,
    )  # fmt: skip
    assert done.reject == reject


def test_a_wild_source_and_stale_sources_move_no_mark():
    venue = PerpetualVenue()
    venue.now += SECOND
    wild = prices(venue.now, MID)[:2] + prices(venue.now, 100 * MID)[2:]
    venue.batch(*wild, tick(venue.now))
    assert venue.mark() == MID
    venue.now += 3000 * SECOND
    (done,) = venue.batch(tick(venue.now))
    assert venue.mark() == MID
    assert done.events == ()


def test_a_source_cannot_take_back_what_it_said():
    venue = PerpetualVenue()
    later = prices(venue.now + SECOND, MID)[0]
    again = venue.do(K.ORACLE_PRICE, oracle=0, source=0, price_ticks=MID, observed_ns=venue.now)
    assert again.reject == Reject.OUT_OF_TURN
    assert venue.batch(later)[0].reject == Reject.NONE


def test_a_source_whose_clock_runs_far_ahead_is_not_heard_and_not_silenced():
    venue = PerpetualVenue()
    word = {"oracle": 0, "source": 0, "price_ticks": 50 * MID}
    for ahead in (2**62, 10 * SECOND + 1):
        done = venue.do(K.ORACLE_PRICE, observed_ns=venue.now + ahead, **word)
        assert done.reject == Reject.OUT_OF_TURN
    assert venue.do(K.ORACLE_PRICE, observed_ns=2**63 - 1, **word).reject == Reject.OUT_OF_TURN
    assert venue.do(K.ORACLE_PRICE, observed_ns=-(2**63), **word).reject == Reject.OUT_OF_TURN
    # A clock that is a little ahead is heard when its time has come.
    assert venue.do(K.ORACLE_PRICE, observed_ns=venue.now + 10 * SECOND, **word).reject == 0
    venue.move(MID + 100)
    venue.move(MID + 100, seconds=20)
    assert abs(venue.mark() - MID - 100) <= 2


def test_the_mark_is_the_middle_of_index_premium_and_last_price():
    venue = PerpetualVenue()
    venue.trade(ALICE, BOB, 1, MID + 400)
    done = venue.move(MID + 100)
    # The last price is far above; the basis of the coming funding is the middle one.
    assert MID + 100 <= venue.mark() <= MID + 101
    assert [event["kind"] for event in done.events] == [EventKind.MARK_MOVED] * 2


def test_longs_pay_shorts_at_the_interval_and_the_fund_keeps_the_roundings():
    venue = PerpetualVenue(dollars=10**8)
    venue.place(CAROL, BUY, MID + 90, 10**4, instrument=LINEAR)
    venue.trade(ALICE, BOB, 100, MID + 100)
    done = venue.move(MID, seconds=3600)
    paid = {e["account"]: e["amount_minor"] for e in done.events
            if e["kind"] == EventKind.FUNDING_PAID}  # fmt: skip
    assert paid[ALICE] < 0 < paid[BOB]
    assert venue.cash(INSURANCE) == -sum(paid.values())
    assert 0 <= venue.cash(INSURANCE) < len(paid)
    again = venue.move(MID, seconds=1)
    assert EventKind.FUNDING_PAID not in {event["kind"] for event in again.events}


def test_a_wild_move_raises_margin_and_calm_lowers_it_slowly():
    venue = PerpetualVenue(dollars=10**9)
    contracts = venue.engine._state.margin.contracts
    venue.move(MID * 5 // 4)
    raised = int(contracts["multiplier_ppm"][LINEAR])
    assert raised == 3_000_000
    seen = [raised]
    for _ in range(10):
        venue.move(MID * 5 // 4)
        seen.append(int(contracts["multiplier_ppm"][LINEAR]))
    assert seen == sorted(seen, reverse=True)
    assert 10**6 < seen[-1] < raised


def test_perpetuals_obey_time_in_force_and_priority():
    venue = PerpetualVenue()
    first = venue.place(BOB, SELL, MID, 5, instrument=LINEAR)
    venue.place(CAROL, SELL, MID, 5, instrument=LINEAR)
    done = venue.ioc(ALICE, BUY, MID, 7, instrument=LINEAR)
    assert done.events[0]["counter_order_id"] == first.seq
    fok = venue.place(ALICE, BUY, MID, 4, instrument=LINEAR, time_in_force=TimeInForce.FOK)
    assert fok.reject == Reject.CANNOT_FILL
