"""Tables grow with use, and at their limit a command is refused, not half done."""

import pytest

from ledger.engine import Capacity, ConservationBroken, Engine
from ledger.records.build import command
from ledger.records.codes import CommandKind, Reject, SelfTrade
from tests.engine.streams import PLAIN, as_commands, list_asset
from tests.engine.venue import ALICE, BASE, BOB, BUY, QUOTE, SELL, open_venue

K = CommandKind
SMALL = Capacity(accounts=19, assets=2, instruments=1, orders=3, withdrawals=2, holds=2)


@pytest.fixture
def venue():
    return open_venue(capacity=SMALL)


def test_full_tables_refuse_one_more(venue):
    assert venue.do(K.OPEN_ACCOUNT, account=19).reject == Reject.TABLE_FULL
    assert venue.batch(list_asset(2))[0].reject == Reject.TABLE_FULL
    assert venue.do(K.LIST_INSTRUMENT, instrument=1, **PLAIN).reject == Reject.TABLE_FULL
    for _ in range(2):
        assert venue.withdraw(ALICE, BASE, 100).reject == Reject.NONE
    assert venue.withdraw(ALICE, BASE, 100).reject == Reject.TABLE_FULL
    frozen = {"account": ALICE, "asset": BASE, "amount_minor": 100}
    for number in (1, 2):
        assert venue.do(K.PLACE_HOLD, hold_id=number, **frozen).reject == Reject.NONE
    assert venue.do(K.PLACE_HOLD, hold_id=3, **frozen).reject == Reject.TABLE_FULL


def test_a_full_book_still_cancels_and_takes_what_does_not_rest(venue):
    orders = [venue.place(ALICE, BUY, 10 + n, 5) for n in range(3)]
    assert venue.place(BOB, SELL, 10, 5).reject == Reject.TABLE_FULL
    assert venue.ioc(BOB, SELL, 12, 2).filled_lots == 2
    assert venue.market(BOB, SELL, 3).filled_lots == 3
    assert venue.place(BOB, SELL, 50, 5).reject == Reject.NONE
    venue.cancel(ALICE, orders[0].seq)
    assert venue.place(BOB, SELL, 51, 5).reject == Reject.NONE
    assert venue.place(BOB, SELL, 52, 5).reject == Reject.TABLE_FULL


@pytest.mark.parametrize(
    "limits",
    [{"accounts": 15}, {"orders": 2**30}, {"assets": 0}, {"withdrawals": 2**40}, {"holds": 0}],
)
def test_limits_that_no_array_could_hold_are_a_programmers_error(limits):
    with pytest.raises(AssertionError):
        Engine(Capacity(**limits))


def test_limits_are_part_of_the_state():
    assert Engine(SMALL).state_root() != Engine().state_root()
    assert Engine.restore(Engine(SMALL).snapshot()).state_root() == Engine(SMALL).state_root()


def test_tables_grow_within_one_batch():
    assets, accounts = 70, 300
    raw = [list_asset(n) for n in range(assets)]
    raw += [
        command(K.LIST_INSTRUMENT, instrument=n, **PLAIN | {"base": n + 1, "quote": 0})
        for n in range(assets - 1)
    ]
    raw += [command(K.OPEN_ACCOUNT, account=16 + n) for n in range(accounts)]
    raw += [
        command(K.CREDIT_DEPOSIT, account=16 + n, asset=n % assets, deposit_index=n + 1,
                amount_minor=1000 + n)
        for n in range(accounts)
    ]  # fmt: skip
    engine, slow = Engine(), Engine()
    assert not engine.execute(as_commands(raw)).outcomes["reject"].any()
    for one in raw:
        slow.execute(as_commands([one]))
    assert engine.state_root() == slow.state_root()
    assert engine.balance(16 + 299, 299 % assets).available_minor == 1299
    assert sum(engine.assert_conservation()) == sum(1000 + n for n in range(accounts))


def test_a_book_of_thousands_of_prices_grows_its_index():
    venue = open_venue({"max_price_ticks": 2**31 - 1}, accounts=1)
    far = [command(K.NEW_ORDER, account=ALICE, side=SELL, qty_lots=1, price_ticks=1 + n * 524_287)
           for n in range(4000)]  # fmt: skip
    venue.engine.execute(as_commands(far))
    assert venue.engine.open_order_count == 4000
    _, asks = venue.engine.depth(0, 5000)
    assert asks["price_ticks"].tolist() == [1 + n * 524_287 for n in range(4000)]


def test_one_order_may_cause_more_events_than_the_buffer_began_with():
    venue = open_venue(accounts=2)
    sells = [command(K.NEW_ORDER, account=BOB, side=SELL, qty_lots=1, price_ticks=5)] * 5000
    venue.engine.execute(as_commands(sells))
    sweep = command(K.NEW_ORDER, account=ALICE, side=BUY, qty_lots=5000, price_ticks=5)
    done = venue.engine.execute(as_commands([sweep]))
    assert len(done.events) == 5000
    assert done.events["index"].tolist() == list(range(5000))
    assert int(done.outcomes["filled_lots"][0]) == 5000
    assert venue.engine.open_order_count == 0


def test_a_sweep_that_prevents_self_trades_has_room_for_every_event():
    venue = open_venue(accounts=1)
    sells = [command(K.NEW_ORDER, account=ALICE, side=SELL, qty_lots=1, price_ticks=5)] * 4500
    sweep = command(K.NEW_ORDER, account=ALICE, side=BUY, qty_lots=1, price_ticks=5,
                    self_trade=SelfTrade.EXPIRE_MAKER)  # fmt: skip
    done = venue.engine.execute(as_commands([*sells, sweep]))
    assert len(done.events) == 4500
    assert venue.engine.open_order_count == 1


def test_money_that_appears_from_nowhere_is_noticed_by_the_full_sum(venue):
    venue.engine._state.balances["available_minor"][QUOTE, ALICE] += 1
    with pytest.raises(ConservationBroken) as caught:
        venue.engine.assert_conservation()
    assert (caught.value.asset, caught.value.sum_minor) == (QUOTE, 1)


def test_a_posting_that_does_not_cancel_stops_the_engine(venue):
    venue.engine._state.drift_minor[BASE] = -3
    with pytest.raises(ConservationBroken) as caught:
        venue.engine.execute(as_commands([command(K.OPEN_ACCOUNT, account=19)]))
    assert (caught.value.asset, caught.value.sum_minor) == (BASE, -3)
