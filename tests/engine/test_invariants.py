"""What holds after every command, whatever came before."""

import itertools
from collections import defaultdict

import pytest

from ledger.engine import Engine
from ledger.engine.layout import CUSTODY
from ledger.records.codes import EventKind, Phase, Side, WithdrawalStatus
from ledger.records.layout import ORDER
from tests.engine.order_streams import OrderStream
from tests.engine.streams import Stream, as_commands

SEEDS = range(25)
OPEN = {WithdrawalStatus.HELD, WithdrawalStatus.CLEARED, WithdrawalStatus.BATCHED}


def open_orders(engine):
    rows = engine._state.book.orders
    return [engine.order(int(found)) for found in rows["order_id"] if found]


def expected_holds(engine):
    """Open orders' holds, open withdrawals and what risk froze, by (account, asset)."""
    holds = defaultdict(int)
    for order in open_orders(engine):
        instrument = engine.instrument(order.instrument)
        asset = instrument.quote if order.side == Side.BUY else instrument.base
        holds[order.account, asset] += order.held_minor
    rows = engine._state.withdrawals["withdrawal_id"]
    for found in rows[rows != 0]:
        withdrawal = engine.withdrawal(int(found))
        if withdrawal.status in OPEN:
            key = withdrawal.account, withdrawal.asset
            holds[key] += withdrawal.amount_minor + withdrawal.fee_minor
    for account in range(engine.account_count):
        for frozen in engine.open_holds(account):
            assert 0 < frozen.left_minor <= frozen.amount_minor
            holds[account, frozen.asset] += frozen.left_minor
    return holds


def is_trading(engine, instrument):
    state = engine._state
    return state.sessions["phase"][instrument] == Phase.CONTINUOUS


def check(engine):
    holds = expected_holds(engine)
    for asset in range(engine.asset_count):
        total = 0
        for account in range(engine.account_count):
            balance = engine.balance(account, asset)
            assert balance.held_minor == holds[account, asset]
            assert account == CUSTODY or balance.available_minor >= 0
            total += balance.available_minor + balance.held_minor
        assert total == 0
        assert 0 <= engine.asset(asset).dust_wei < engine.asset(asset).unit_wei
    for instrument in range(engine.instrument_count):
        bids, asks = engine.depth(instrument, 1)
        if len(bids) and len(asks) and is_trading(engine, instrument):
            assert bids["price_ticks"][0] < asks["price_ticks"][0], "the book is crossed"
    for order in open_orders(engine):
        assert 0 < order.remaining_lots <= order.qty_lots


@pytest.mark.parametrize("stream_of", [Stream, OrderStream])
@pytest.mark.parametrize("seed", SEEDS)
def test_money_conserves_holds_agree_and_books_never_cross(seed, stream_of):
    engine = Engine()
    stream = stream_of(seed + 500).take(260)
    for first in range(0, len(stream), 20):
        engine.execute(as_commands(stream[first : first + 20]))
        check(engine)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_order_never_trades_more_than_its_size_nor_worse_than_its_limit(seed):
    stream = Stream(seed + 900).take(300)
    engine = Engine()
    commands = as_commands(stream)
    done = engine.execute(commands)
    orders = commands.view(ORDER)
    traded = defaultdict(int)
    for event in done.events[done.events["kind"] == EventKind.TRADE]:
        assert event["account"] != event["counter_account"]
        for name in ("order_id", "counter_order_id"):
            order = orders[int(event[name]) - 1]
            traded[int(event[name])] += int(event["qty_lots"])
            limit = int(order["price_ticks"])
            sign = 1 if order["side"] == Side.BUY else -1
            assert order["order_type"] == 1 or sign * int(event["price_ticks"]) <= sign * limit
    for order_id, lots in traded.items():
        size = int(orders[order_id - 1]["qty_lots"])
        assert orders[order_id - 1]["flags"] & 2 or lots <= size


@pytest.mark.parametrize("seed", SEEDS)
def test_earlier_orders_at_a_price_fill_first(seed):
    """Among trades of one command at one price makers come in order of their ids."""
    done = Engine().execute(as_commands(Stream(seed + 1300).take(400)))
    trades = done.events[done.events["kind"] == EventKind.TRADE]
    for one, other in itertools.pairwise(trades):
        if one["seq"] == other["seq"]:
            sign = 1 if one["side"] == Side.BUY else -1
            assert sign * int(one["price_ticks"]) <= sign * int(other["price_ticks"])
            if one["price_ticks"] == other["price_ticks"]:
                assert one["counter_order_id"] < other["counter_order_id"]


@pytest.mark.parametrize("seed", SEEDS)
def test_trades_are_numbered_without_gaps_in_each_instrument(seed):
    engine = Engine()
    done = engine.execute(as_commands(Stream(seed + 1700).take(400)))
    trades = done.events[done.events["kind"] == EventKind.TRADE]
    for instrument in range(engine.instrument_count):
        ids = trades["trade_id"][trades["instrument"] == instrument].tolist()
        assert ids == list(range(1, len(ids) + 1))
        assert engine.instrument(instrument).trade_count == len(ids)
