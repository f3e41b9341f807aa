"""What pairs pay at the end of a call, whom they leave, and what their price triggers."""

import random
from collections import defaultdict
from fractions import Fraction

import pytest

from ledger.engine.layout import FEES, ROUNDING
from ledger.records.build import command
from ledger.records.codes import (
    AuctionReference,
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderType,
    Phase,
    PhaseScope,
    Reject,
    TradeFlag,
)
from matching.layout import SIDE_LOTS_MAX
from matching.units import QTY_LOTS_MAX
from tests.engine.perpetual_streams import LINEAR, MID
from tests.engine.perpetual_venue import CLEARING, PerpetualVenue
from tests.engine.streams import FRACTIONS
from tests.engine.test_invariants import expected_holds
from tests.engine.venue import (
    ALICE,
    BASE,
    BOB,
    BUY,
    CAROL,
    FUNDS,
    QUOTE,
    SELL,
    open_venue,
)

K = CommandKind
LOT = 1000


def in_call(*instruments, **more):
    venue = open_venue(*instruments, **more)
    venue.do(K.SET_PHASE, phase=Phase.CALL)
    return venue


def reopen(venue, instrument=0):
    done = venue.do(K.SET_PHASE, instrument=instrument, phase=Phase.CONTINUOUS)
    assert done.reject == Reject.NONE
    return done


def trades(done):
    """(buy order, sell order, price, lots) of each pair."""
    return [
        (event["order_id"], event["counter_order_id"], event["price_ticks"], event["qty_lots"])
        for event in done.events
        if event["kind"] == EventKind.TRADE
    ]


def told(done):
    (event,) = [e for e in done.events if e["kind"] == EventKind.PHASE_CHANGED]
    return event["price_ticks"], event["qty_lots"]


def test_pairs_trade_at_one_price_by_price_and_time():
    venue = in_call()
    first = venue.place(ALICE, BUY, 105, 3)
    second = venue.place(ALICE, BUY, 110, 4)
    sell = venue.place(BOB, SELL, 100, 5)
    done = reopen(venue)
    assert told(done) == (105, 5)
    assert trades(done) == [(second.seq, sell.seq, 105, 4), (first.seq, sell.seq, 105, 1)]
    assert venue.engine.order(first.seq).remaining_lots == 2


def test_a_trade_names_the_buyer_first_and_both_are_makers():
    venue = in_call({"maker_fee_ppm": 1000, "taker_fee_ppm": 50_000})
    venue.place(BOB, SELL, 100, 5)
    venue.place(ALICE, BUY, 100, 5)
    (trade, _) = reopen(venue).events
    assert (trade["flags"], trade["side"], trade["account"]) == (TradeFlag.AUCTION, BUY, ALICE)
    assert (trade["counter_account"], trade["trade_id"], trade["asset"]) == (BOB, 1, QUOTE)
    # A thousandth of 5 lots of 1000 units, and of 500 quote units; rounded up.
    assert (trade["fee_minor"], trade["counter_fee_minor"]) == (5, 1)
    assert (trade["remaining_lots"], trade["counter_remaining_lots"]) == (0, 0)
    assert venue.balance(FEES, BASE)[0] == 5


def test_the_buyer_gets_back_what_he_held_beyond_the_price():
    venue = in_call()
    venue.place(ALICE, BUY, 150, 4)
    venue.place(BOB, SELL, 100, 4)
    venue.do(K.SET_MARKET, opening_ticks=120)
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 600, 600)
    assert told(reopen(venue)) == (120, 4)
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 480, 0)
    assert venue.balance(BOB, QUOTE) == (FUNDS + 480, 0)
    assert venue.balance(ALICE, BASE) == (FUNDS + 4 * LOT, 0)
    assert venue.balance(BOB, BASE) == (FUNDS - 4 * LOT, 0)


def test_what_rests_on_holds_what_its_limit_needs():
    venue = in_call()
    buy = venue.place(ALICE, BUY, 150, 10)
    venue.place(BOB, SELL, 100, 4)
    assert told(reopen(venue)) == (150, 4)
    assert venue.engine.order(buy.seq).held_minor == 900
    assert venue.balance(ALICE, QUOTE) == (FUNDS - 600 - 900, 900)


def test_a_reopening_without_an_overlap_trades_nothing():
    venue = in_call()
    venue.place(ALICE, BUY, 99, 1)
    venue.place(BOB, SELL, 100, 1)
    done = reopen(venue)
    assert (told(done), trades(done)) == ((0, 0), [])


@pytest.mark.parametrize(("last", "price"), [(90, 100), (104, 104), (130, 110)])
def test_the_last_price_decides_between_equal_ones(last, price):
    venue = open_venue()
    venue.place(CAROL, SELL, last, 1)
    venue.place(BOB, BUY, last, 1)
    venue.do(K.SET_PHASE, phase=Phase.CALL)
    venue.place(ALICE, BUY, 110, 2)
    venue.place(BOB, SELL, 100, 2)
    assert told(reopen(venue)) == (price, 2)


def test_an_account_does_not_trade_with_itself_the_younger_order_leaves():
    venue = in_call()
    old = venue.place(ALICE, BUY, 110, 2)
    young = venue.place(ALICE, SELL, 100, 2)
    other = venue.place(BOB, SELL, 105, 2)
    done = reopen(venue)
    (end,) = [event for event in done.events if event["kind"] == EventKind.ORDER_EXPIRED]
    assert (end["order_id"], end["flags"]) == (young.seq, ExpireReason.OWN_AUCTION)
    assert (end["counter_order_id"], end["counter_account"]) == (old.seq, ALICE)
    assert [pair[:2] for pair in trades(done)] == [(old.seq, other.seq)]
    assert venue.balance(ALICE, BASE) == (FUNDS + 2 * LOT, 0)


def test_what_self_trades_leave_overlapping_trades_on_at_the_older_limit():
    """All sells below 103 face buys of their own account; the surplus still overlaps."""
    venue = in_call()
    sell = venue.place(BOB, SELL, 100, 10)
    below = venue.place(ALICE, BUY, 101, 3)
    own = venue.place(BOB, BUY, 105, 10)
    done = reopen(venue)
    assert trades(done) == [(below.seq, sell.seq, 100, 3)]
    assert told(done) == (0, 0)
    assert venue.engine.order(own.seq) is None
    assert venue.engine.order(sell.seq).remaining_lots == 7


def test_icebergs_trade_slice_by_slice_and_hidden_lots_count():
    venue = in_call()
    berg = venue.place(ALICE, BUY, 110, 10, display_lots=4)
    plain = venue.place(CAROL, BUY, 110, 4)
    sell = venue.place(BOB, SELL, 100, 13)
    done = reopen(venue)
    assert told(done) == (110, 13)
    assert [(pair[0], pair[3]) for pair in trades(done)] == [
        (berg.seq, 4), (plain.seq, 4), (berg.seq, 4), (berg.seq, 1),
    ]  # fmt: skip
    assert venue.engine.order(sell.seq) is None
    assert venue.engine.order(berg.seq).remaining_lots == 1


def test_the_partner_of_an_order_that_trades_leaves():
    venue = in_call()
    buy = venue.place(ALICE, BUY, 110, 2)
    stop = venue.place(
        ALICE, BUY, 0, 1, flags=CommandFlag.STOP | CommandFlag.OCO, trigger_ticks=120,
        order_type=OrderType.MARKET, target_id=buy.seq,
    )  # fmt: skip
    venue.place(BOB, SELL, 110, 1)
    done = reopen(venue)
    gone = [e for e in done.events if e["kind"] == EventKind.ORDER_EXPIRED]
    assert [(e["order_id"], e["flags"]) for e in gone] == [(stop.seq, ExpireReason.PARTNER)]


def test_the_auctions_price_triggers_after_the_uncross():
    venue = in_call()
    stop = venue.place(
        CAROL, BUY, 0, 1, flags=CommandFlag.STOP, trigger_ticks=105, order_type=OrderType.MARKET
    )
    venue.place(ALICE, BUY, 110, 2)
    venue.place(BOB, SELL, 110, 3)
    done = reopen(venue)
    kinds = [EventKind(event["kind"]).name for event in done.events]
    assert kinds == ["TRADE", "PHASE_CHANGED", "ORDER_TRIGGERED", "TRADE"]
    assert done.events[-1]["order_id"] == stop.seq
    assert done.events[-1]["flags"] == 0


def test_hidden_lots_count_for_the_most_that_a_side_may_have():
    """512 of the largest icebergs fit, though they show a hundredth: sums stay exact."""
    most = QTY_LOTS_MAX
    venue = in_call({"max_qty_lots": most, "lot_minor": 1, "notional_den": 2**61 - 1})
    berg = {"account": ALICE, "side": BUY, "price_ticks": 1, "display_lots": most // 100 + 1}
    raw = command(K.NEW_ORDER, qty_lots=most, **berg)
    assert {done.reject for done in venue.batch(*[raw] * 512)} == {Reject.NONE}
    assert venue.batch(raw)[0].reject == Reject.QTY_OUT_OF_RANGE
    left = SIDE_LOTS_MAX - 512 * most
    assert venue.place(ALICE, BUY, 1, left + 1).reject == Reject.QTY_OUT_OF_RANGE
    assert venue.place(ALICE, BUY, 1, left).reject == Reject.NONE
    venue.place(BOB, SELL, 1, 10)
    session = venue.engine.session(0)
    assert (session.price_ticks, session.lots) == (1, 10)
    assert session.surplus_lots == SIDE_LOTS_MAX - 10


def test_a_session_tells_what_an_auction_would_do():
    venue = in_call()
    venue.place(ALICE, BUY, 110, 5)
    venue.place(BOB, SELL, 100, 3)
    session = venue.engine.session(0)
    assert (session.phase, session.call_until_ns) == (Phase.CALL, 0)
    assert (session.price_ticks, session.lots, session.surplus_lots) == (110, 3, 2)
    assert (session.band_low_ticks, session.band_high_ticks) == (0, 0)
    assert told(reopen(venue)) == (110, 3)
    venue.do(K.SET_MARKET, band_ppm=100_000)
    session = venue.engine.session(0)
    assert (session.band_low_ticks, session.band_high_ticks) == (99, 121)
    venue.do(K.SET_PHASE, flags=PhaseScope.VENUE, phase=Phase.HALTED)
    assert venue.engine.session(0).phase == Phase.HALTED
    assert venue.engine.session(1) is None
    assert venue.engine.session(-1) is None


def test_a_perpetuals_pairs_exchange_positions_and_free_their_reservations():
    venue = PerpetualVenue()
    venue.do(K.SET_FEES, instrument=LINEAR, maker_fee_ppm=100, taker_fee_ppm=100)
    venue.do(K.SET_PHASE, instrument=LINEAR, phase=Phase.CALL)
    buy = venue.place(ALICE, BUY, MID + 100, 10, instrument=LINEAR)
    venue.place(BOB, SELL, MID - 100, 10, instrument=LINEAR)
    done = reopen(venue, LINEAR)
    assert [pair[2:] for pair in trades(done)] == [(MID - 100, 10)]
    assert venue.position(ALICE) == (10, 10 * (MID - 100))
    assert venue.position(BOB) == (-10, -10 * (MID - 100))
    fee = 10 * (MID - 100) * 3 * 100 // (10 * 10**6) + 1
    assert venue.cash(ALICE) == venue.cash(BOB) == 1_000_000 - fee
    rows = venue.engine._state.margin.positions
    assert not rows["buy_lots"].any()
    assert not rows["sell_lots"].any()
    assert venue.engine.order(buy.seq) is None
    assert venue.cash(CLEARING) == 0


@pytest.mark.parametrize(
    ("reference", "price"), [(AuctionReference.MARK, MID), (AuctionReference.INDEX, MID)]
)
def test_a_perpetuals_auction_may_look_at_its_mark_or_index(reference, price):
    venue = PerpetualVenue()
    venue.trade(BOB, CAROL, 1, MID - 80)
    venue.do(K.SET_MARKET, instrument=LINEAR, reference=reference)
    venue.do(K.SET_PHASE, instrument=LINEAR, phase=Phase.CALL)
    venue.place(ALICE, BUY, MID + 90, 10, instrument=LINEAR)
    venue.place(BOB, SELL, MID - 100, 10, instrument=LINEAR)
    assert told(reopen(venue, LINEAR)) == (price, 10)


def random_call(seed, venue):
    """Many orders of three accounts whose sides overlap."""
    rng = random.Random(seed)
    for _ in range(rng.randrange(2, 24)):
        lots = rng.randrange(1, 500)
        shows = rng.choice([0, 0, max(1, lots // rng.randrange(1, 9))])
        side = rng.choice([BUY, SELL])
        price = rng.randrange(1, 12) + (2 if side == BUY else 0)
        account = rng.choice([ALICE, BOB, CAROL])
        venue.place(account, side, price, lots, display_lots=shows)


@pytest.mark.parametrize("seed", range(60))
def test_money_of_random_auctions_is_exact(seed):
    """Holds agree to the unit, buyers pay the ceiling of their costs, nothing is left over."""
    fees = {"maker_fee_ppm": 0, "taker_fee_ppm": 0}
    venue = in_call(FRACTIONS | fees | {"base": BASE, "quote": QUOTE})
    random_call(seed, venue)
    held_before = dict(expected_holds(venue.engine))
    done = reopen(venue)
    cost, worth, paid = defaultdict(Fraction), defaultdict(int), defaultdict(int)
    for event in (e for e in done.events if e["kind"] == EventKind.TRADE):
        exact = Fraction(event["price_ticks"] * event["qty_lots"] * 7, 1000)
        cost[event["order_id"]] += exact
        paid[event["order_id"]] += event["quote_minor"] + event["amount_minor"]
        assert event["quote_minor"] == exact.__floor__()
        worth[event["counter_account"]] += event["quote_minor"]
        worth[event["account"]] -= event["quote_minor"] + event["amount_minor"]
        assert event["account"] != event["counter_account"]
    assert {order: -((-exact).__floor__()) for order, exact in cost.items()} == dict(paid)
    holds = expected_holds(venue.engine)
    rounding = venue.balance(ROUNDING, QUOTE)[0]
    total = rounding
    for account in (ALICE, BOB, CAROL):
        available, held = venue.balance(account, QUOTE)
        assert held == holds[account, QUOTE]
        assert available + held == FUNDS + worth[account]
        assert held <= held_before.get((account, QUOTE), 0)
        total += worth[account]
    assert total == 0
    bids, asks = venue.engine.depth(0, 1)
    assert not len(bids) or not len(asks) or bids["price_ticks"][0] < asks["price_ticks"][0]


@pytest.mark.parametrize("seed", range(40))
def test_nobody_trades_beyond_his_limit(seed):
    venue = in_call()
    random_call(seed + 500, venue)
    orders = venue.engine._state.book.orders
    limits = {
        int(order_id): int(price)
        for order_id, price in zip(
            orders["order_id"], venue.engine._state.orders["price_ticks"], strict=False
        )
        if order_id
    }
    for buy, sell, price, lots in trades(reopen(venue)):
        assert limits[sell] <= price <= limits[buy]
        assert lots > 0
