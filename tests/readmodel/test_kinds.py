"""What each kind of order looks like to its owner: triggers, pairs, icebergs, prevention."""

import pytest

from ledger.engine import Engine
from ledger.readmodel.model import ReadModel
from ledger.records.build import command
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    ExpireReason,
    OrderStatus,
    OrderType,
    Phase,
    Product,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
)
from tests.engine.perpetual_streams import LINEAR, SECOND, SPOT, prices, set_up, tick
from tests.readmodel.test_engine_streams import assert_same_holdings, executed

ALICE, BOB, CAROL = 16, 17, 18
BUY, SELL = Side.BUY, Side.SELL
K = CommandKind


class Followed:
    """The engine with a spot pair and two perpetuals, and the read model behind it."""

    def __init__(self):
        self.engine, self.model = Engine(), ReadModel(1)
        self.now_ns = SECOND
        self.run(*set_up(4, 10_000_000, 10_000_000, 1_000_000))

    def run(self, *raw):
        done = executed(self.engine, raw)
        self.model.apply(done)
        return done

    def do(self, kind, **fields):
        done = self.run(command(kind, **{"time_ns": self.now_ns} | fields))
        assert done.outcomes["reject"][0] == Reject.NONE, Reject(done.outcomes["reject"][0])
        return self.engine.seq

    def place(self, account, side, price, lots, **fields):
        terms = {"account": account, "side": side, "price_ticks": price, "qty_lots": lots}
        return self.do(K.NEW_ORDER, **terms | fields)

    def stop(self, account, side, trigger, lots, **fields):
        terms = {"order_type": OrderType.MARKET, "trigger_ticks": trigger}
        flags = CommandFlag.STOP | fields.pop("flags", 0)
        return self.place(account, side, 0, lots, flags=flags, **terms | fields)

    def order(self, order_id):
        assert_same_holdings(self.engine, self.model)
        return self.model.order(order_id)


@pytest.fixture
def day():
    return Followed()


def test_a_stop_waits_then_triggers_and_shows_its_fills(day):
    stop = day.stop(ALICE, SELL, 90, 5)
    waiting = day.order(stop)
    assert (waiting.status, waiting.trigger_ticks) == (OrderStatus.PENDING, 90)
    assert waiting.triggered_ns == 0
    assert day.model.open_orders(ALICE) == [waiting]
    day.place(BOB, BUY, 88, 9)
    day.place(CAROL, BUY, 90, 1)
    day.now_ns += 7
    day.place(BOB, SELL, 90, 1)
    done = day.order(stop)
    assert (done.status, done.filled_lots, done.filled_quote_minor) == (
        OrderStatus.FILLED, 5, 5 * 88
    )  # fmt: skip
    assert done.triggered_ns == day.now_ns
    assert day.model.open_orders(ALICE) == []


def test_a_triggered_limit_order_rests_with_what_is_left_and_its_hold(day):
    stop = day.place(
        ALICE, BUY, 101, 5, flags=CommandFlag.STOP, trigger_ticks=100, client_id=b"stop"
    )
    day.place(BOB, SELL, 100, 3)
    day.place(CAROL, BUY, 100, 1)
    resting = day.order(stop)
    assert (resting.status, resting.filled_lots) == (OrderStatus.PARTLY_FILLED, 2)
    assert day.model.balance(ALICE, 1).held_minor == 3 * 101
    assert day.model.has_open_client_id(ALICE, b"stop")


def test_a_triggered_order_that_fails_a_check_says_which(day):
    stop = day.stop(ALICE, SELL, 100, 5)
    day.place(CAROL, SELL, 100, 1)
    day.place(BOB, BUY, 100, 1)
    refused = day.order(stop)
    assert (refused.status, refused.expired_by) == (OrderStatus.EXPIRED, ExpireReason.REFUSED)
    assert refused.refused == Reject.NO_LIQUIDITY


def test_a_pair_has_one_list_and_the_one_that_trades_ends_the_other(day):
    limit = day.place(ALICE, SELL, 110, 5)
    stop = day.stop(ALICE, SELL, 90, 5, flags=CommandFlag.OCO, target_id=limit)
    assert day.order(limit).list_id == day.order(stop).list_id == stop
    day.place(BOB, BUY, 110, 2)
    ended, working = day.order(stop), day.order(limit)
    assert (ended.status, ended.expired_by) == (OrderStatus.EXPIRED, ExpireReason.PARTNER)
    assert (working.status, working.filled_lots) == (OrderStatus.PARTLY_FILLED, 2)


def test_an_iceberg_counts_what_is_hidden(day):
    iceberg = day.place(ALICE, SELL, 100, 10, display_lots=3)
    day.place(BOB, BUY, 100, 7)
    shown = day.order(iceberg)
    assert (shown.qty_lots, shown.filled_lots, shown.display_lots) == (10, 7, 3)
    day.do(K.AMEND_ORDER, account=ALICE, target_id=iceberg, qty_lots=8)
    assert day.order(iceberg).qty_lots == 8


def test_a_replaced_order_is_canceled_and_the_new_one_names_it(day):
    old = day.place(ALICE, BUY, 100, 5)
    new = day.do(
        K.REPLACE_ORDER, account=ALICE, side=BUY, price_ticks=99, qty_lots=6, target_id=old
    )
    gone = day.order(old)
    assert (gone.status, gone.expired_by) == (OrderStatus.CANCELED, ExpireReason.REPLACED)
    assert (day.order(new).target_id, day.order(new).status) == (old, OrderStatus.OPEN)


def test_prevention_makes_both_orders_smaller_and_says_by_how_much(day):
    maker = day.place(ALICE, SELL, 100, 10)
    taker = day.place(ALICE, BUY, 100, 4, self_trade=SelfTrade.DECREMENT)
    resting, gone = day.order(maker), day.order(taker)
    assert (resting.qty_lots, resting.prevented_lots, resting.status) == (6, 4, OrderStatus.OPEN)
    assert (gone.qty_lots, gone.prevented_lots, gone.status) == (0, 4, OrderStatus.EXPIRED)
    assert gone.expired_by == ExpireReason.SELF_TRADE
    larger = day.place(ALICE, BUY, 100, 9, self_trade=SelfTrade.DECREMENT)
    assert day.order(maker).status == OrderStatus.EXPIRED
    assert (day.order(larger).qty_lots, day.order(larger).prevented_lots) == (3, 6)


def test_what_its_owner_asked_for_is_canceled_and_what_time_ends_expires(day):
    mass, dated = day.place(ALICE, BUY, 90, 1), 0
    day.now_ns = 1_700_000_000 * SECOND
    dated = day.place(BOB, BUY, 90, 1, time_in_force=TimeInForce.GTD, expire_ns=day.now_ns + SECOND)
    day.do(K.CANCEL_ALL, account=ALICE)
    day.now_ns += SECOND
    day.run(tick(day.now_ns))
    assert day.order(mass).status == OrderStatus.CANCELED
    assert day.order(mass).expired_by == ExpireReason.CANCEL_ALL
    assert (day.order(dated).status, day.order(dated).expire_ns) == (
        OrderStatus.EXPIRED, day.now_ns
    )  # fmt: skip
    assert day.order(dated).expired_by == ExpireReason.TIME


def test_why_an_order_that_may_not_rest_expired(day):
    day.place(BOB, SELL, 100, 2)
    remainder = day.place(ALICE, BUY, 100, 5, time_in_force=TimeInForce.IOC)
    assert day.order(remainder).expired_by == ExpireReason.REMAINDER
    own = day.place(ALICE, SELL, 100, 2)
    met = day.place(ALICE, BUY, 100, 2, self_trade=SelfTrade.EXPIRE_TAKER)
    assert day.order(met).expired_by == ExpireReason.SELF_TRADE
    assert day.order(own).expired_by is None


def test_an_auction_fills_two_resting_orders_and_gives_back_what_the_buyer_held_too_much(day):
    day.do(K.SET_PHASE, instrument=SPOT, phase=Phase.CALL)
    bid = day.place(ALICE, BUY, 110, 10)
    ask = day.place(BOB, SELL, 100, 4)
    assert day.model.balance(ALICE, 1).held_minor == 1_100
    day.do(K.SET_PHASE, instrument=SPOT, phase=Phase.CONTINUOUS)
    bought, sold = day.order(bid), day.order(ask)
    (trade,) = day.model.trades(SPOT)
    assert (trade.auction, trade.taker_side, trade.taker_order_id) == (True, BUY, bid)
    assert (bought.status, bought.filled_lots) == (OrderStatus.PARTLY_FILLED, 4)
    assert (sold.status, sold.filled_quote_minor) == (OrderStatus.FILLED, 4 * trade.price_ticks)
    assert day.model.balance(ALICE, 1).held_minor == 6 * 110


def test_a_perpetuals_trade_has_a_notional_and_no_quote(day):
    maker = day.place(BOB, SELL, 10_000, 10, instrument=LINEAR)
    taker = day.place(ALICE, BUY, 10_000, 10, instrument=LINEAR)
    (trade,) = day.model.trades(LINEAR)
    assert (trade.product, trade.liquidation) == (Product.LINEAR, False)
    assert (trade.quote_minor, trade.notional_minor) == (0, 30_000)
    assert trade.taker_fee_minor == 15
    for order_id in (maker, taker):
        order = day.order(order_id)
        assert (order.filled_quote_minor, order.notional_minor) == (0, 30_000)
    day.place(BOB, BUY, 10_100, 4, instrument=LINEAR)
    close = day.place(ALICE, SELL, 10_100, 4, instrument=LINEAR)
    assert day.order(close).realized_minor == 4 * 100 * 3 // 10
    position = day.model.position(ALICE, LINEAR)
    assert (position.qty_lots, position.entry_ticks) == (6, 10_000)
    assert position.realized_minor == 120
    assert day.model.positions(ALICE) == [position]
    assert day.model.position(ALICE, SPOT) is None


def test_an_order_that_closes_a_position_learns_its_size_when_it_triggers(day):
    day.place(BOB, SELL, 10_000, 30, instrument=LINEAR)
    day.place(ALICE, BUY, 10_000, 30, instrument=LINEAR)
    day.place(CAROL, BUY, 9_900, 50, instrument=LINEAR)
    close = day.stop(ALICE, SELL, 9_950, 0, flags=CommandFlag.CLOSE_POSITION, instrument=LINEAR)
    assert (day.order(close).status, day.order(close).qty_lots) == (OrderStatus.PENDING, 0)
    day.place(BOB, BUY, 9_950, 1, instrument=LINEAR)
    day.place(CAROL, SELL, 9_950, 1, instrument=LINEAR)
    done = day.order(close)
    assert (done.status, done.qty_lots, done.filled_lots) == (OrderStatus.FILLED, 30, 30)
    assert day.model.position(ALICE, LINEAR).qty_lots == 0


def test_funding_and_marks_are_shown(day):
    day.place(BOB, SELL, 10_000, 1_000, instrument=LINEAR)
    day.place(ALICE, BUY, 10_000, 1_000, instrument=LINEAR)
    day.now_ns = 2 * 3600 * SECOND
    day.run(*prices(day.now_ns, 10_050), tick(day.now_ns))
    mark = day.model.mark(LINEAR)
    assert (mark.index_ticks, mark.time_ns) == (10_050, day.now_ns)
    paid = day.model.position(ALICE, LINEAR).funding_minor
    assert paid < 0 < day.model.position(BOB, LINEAR).funding_minor
    assert day.model.mark(SPOT) is None
    assert_same_holdings(day.engine, day.model)
