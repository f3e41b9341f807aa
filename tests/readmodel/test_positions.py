"""Isolated margin and hedge mode, as their owner sees them; and events that contradict them."""

import numpy as np
import pytest

from ledger.engine import Capacity, Engine
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.margin_layout import LONG, NET, SHORT
from ledger.journal.ports import Batch
from ledger.readmodel.model import ReadModel
from ledger.records.build import command
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    MarginMode,
    OrderStatus,
    OrderType,
    PositionFlag,
    PositionMode,
    WithdrawalStatus,
)
from tests.engine.account_streams import AccountStream
from tests.engine.perpetual_streams import INVERSE, LINEAR, SECOND, prices, set_up, tick
from tests.readmodel.test_engine_streams import both, executed
from tests.readmodel.test_kinds import ALICE, BOB, BUY, CAROL, SELL, Followed

K = CommandKind
COIN, USD = 0, 1
UNPAID = {WithdrawalStatus.HELD, WithdrawalStatus.CLEARED, WithdrawalStatus.BATCHED}


@pytest.fixture
def day():
    return Followed()


@pytest.fixture
def isolated(day):
    day.do(K.SET_MARGIN_MODE, account=ALICE, instrument=LINEAR, mode=MarginMode.ISOLATED)
    return day


@pytest.fixture
def hedged(day):
    day.do(K.SET_POSITION_MODE, account=ALICE, mode=PositionMode.HEDGE)
    return day


def follow(day, order_id=1):
    """Everything that the engine and the read model both know is the same."""
    return day.order(order_id)


def test_an_isolated_order_holds_its_money_until_it_is_cancelled(isolated):
    day, before = isolated, isolated.model.balance(ALICE, USD)
    bid = day.place(ALICE, BUY, 9_900, 30, instrument=LINEAR)
    follow(day, bid)
    resting = day.model.balance(ALICE, USD)
    assert resting.held_minor > 0
    assert resting.available_minor + resting.held_minor == before.available_minor
    assert day.model.position(ALICE, LINEAR).margin_minor == 0
    day.do(K.AMEND_ORDER, account=ALICE, instrument=LINEAR, target_id=bid, qty_lots=10)
    follow(day, bid)
    assert 0 < day.model.balance(ALICE, USD).held_minor < resting.held_minor
    day.do(K.CANCEL_ORDER, account=ALICE, instrument=LINEAR, target_id=bid)
    follow(day, bid)
    assert day.model.balance(ALICE, USD) == before


def test_a_fill_turns_an_orders_money_into_margin_and_closing_gives_it_back(isolated):
    day = isolated
    day.place(BOB, SELL, 10_000, 30, instrument=LINEAR)
    day.place(ALICE, BUY, 10_000, 30, instrument=LINEAR)
    position = day.model.position(ALICE, LINEAR)
    assert (position.mode, position.leg, position.qty_lots) == (MarginMode.ISOLATED, NET, 30)
    assert position.margin_minor == day.model.balance(ALICE, USD).held_minor > 0
    follow(day)
    day.place(BOB, BUY, 10_000, 10, instrument=LINEAR)
    day.place(ALICE, SELL, 10_000, 10, instrument=LINEAR, flags=CommandFlag.REDUCE_ONLY)
    left = day.model.position(ALICE, LINEAR)
    assert (left.qty_lots, left.margin_minor) == (20, position.margin_minor * 2 // 3)
    follow(day)
    day.place(BOB, BUY, 10_000, 20, instrument=LINEAR)
    day.place(ALICE, SELL, 10_000, 20, instrument=LINEAR, flags=CommandFlag.REDUCE_ONLY)
    assert day.model.position(ALICE, LINEAR).margin_minor == 0
    assert day.model.balance(ALICE, USD).held_minor == 0
    follow(day)


def test_moved_margin_is_held_and_comes_back(isolated):
    day = isolated
    day.place(BOB, SELL, 10_000, 30, instrument=LINEAR)
    day.place(ALICE, BUY, 10_000, 30, instrument=LINEAR)
    before = day.model.position(ALICE, LINEAR).margin_minor
    for amount, expected in ((700, before + 700), (-300, before + 400)):
        day.do(K.MOVE_MARGIN, account=ALICE, instrument=LINEAR, amount_minor=amount)
        assert day.model.position(ALICE, LINEAR).margin_minor == expected
        assert day.model.balance(ALICE, USD).held_minor == expected
        follow(day)


def test_funding_is_taken_from_the_margin(isolated):
    day = isolated
    day.place(BOB, SELL, 10_000, 1_000, instrument=LINEAR)
    day.place(ALICE, BUY, 10_000, 1_000, instrument=LINEAR)
    before = day.model.balance(ALICE, USD)
    margin = day.model.position(ALICE, LINEAR).margin_minor
    day.now_ns = 2 * 3600 * SECOND
    day.run(*prices(day.now_ns, 10_050), tick(day.now_ns))
    position = day.model.position(ALICE, LINEAR)
    assert position.funding_minor < 0
    assert position.margin_minor == margin + position.funding_minor
    assert day.model.balance(ALICE, USD).available_minor == before.available_minor
    follow(day)


def test_two_legs_stand_side_by_side_and_each_closes_by_itself(hedged):
    day = hedged
    day.place(BOB, SELL, 10_000, 30, instrument=LINEAR)
    day.place(ALICE, BUY, 10_000, 30, instrument=LINEAR)
    day.place(BOB, BUY, 10_000, 20, instrument=LINEAR)
    day.place(ALICE, SELL, 10_000, 20, instrument=LINEAR, flags=CommandFlag.SHORT_LEG)
    legs = [(view.leg, view.qty_lots) for view in day.model.positions(ALICE)]
    assert legs == [(LONG, 30), (SHORT, -20)]
    assert day.model.position(ALICE, LINEAR) is None
    assert day.model.position(BOB, LINEAR).qty_lots == -10
    follow(day)
    day.place(BOB, SELL, 10_100, 5, instrument=LINEAR)
    day.place(ALICE, BUY, 10_100, 5, instrument=LINEAR, flags=CommandFlag.SHORT_LEG)
    assert day.model.position(ALICE, LINEAR, SHORT).qty_lots == -15
    assert day.model.position(ALICE, LINEAR, SHORT).realized_minor < 0
    assert day.model.position(ALICE, LINEAR, LONG).qty_lots == 30
    follow(day)


def test_an_account_that_changes_its_mode_begins_with_other_positions(hedged):
    day = hedged
    day.place(BOB, SELL, 10_000, 3, instrument=LINEAR)
    day.place(ALICE, BUY, 10_000, 3, instrument=LINEAR)
    day.place(BOB, BUY, 10_000, 3, instrument=LINEAR)
    day.place(ALICE, SELL, 10_000, 3, instrument=LINEAR)
    day.do(K.SET_POSITION_MODE, account=ALICE, mode=PositionMode.ONE_WAY)
    day.place(BOB, BUY, 10_000, 2, instrument=LINEAR)
    day.place(ALICE, SELL, 10_000, 2, instrument=LINEAR)
    found = [(view.leg, view.qty_lots) for view in day.model.positions(ALICE)]
    assert found == [(NET, -2), (LONG, 0)]
    follow(day)


def test_what_is_isolated_stays_isolated_when_the_position_mode_changes(isolated):
    day = isolated
    day.do(K.SET_POSITION_MODE, account=ALICE, mode=PositionMode.HEDGE)
    day.place(BOB, BUY, 10_000, 20, instrument=LINEAR)
    day.place(ALICE, SELL, 10_000, 20, instrument=LINEAR, flags=CommandFlag.SHORT_LEG)
    view = day.model.position(ALICE, LINEAR, SHORT)
    assert (view.qty_lots, view.mode) == (-20, MarginMode.ISOLATED)
    assert view.margin_minor == day.model.balance(ALICE, USD).held_minor > 0
    follow(day)
    day.place(BOB, SELL, 10_000, 20, instrument=LINEAR)
    day.place(ALICE, BUY, 10_000, 20, instrument=LINEAR, flags=CommandFlag.SHORT_LEG)
    day.do(K.SET_MARGIN_MODE, account=ALICE, instrument=LINEAR, mode=MarginMode.CROSS)
    day.do(K.SET_POSITION_MODE, account=ALICE, mode=PositionMode.ONE_WAY)
    day.place(BOB, BUY, 10_000, 2, instrument=LINEAR)
    day.place(ALICE, SELL, 10_000, 2, instrument=LINEAR)
    view = day.model.position(ALICE, LINEAR)
    assert (view.qty_lots, view.mode) == (-2, MarginMode.CROSS)
    follow(day)


def test_there_is_room_for_the_legs_of_many_accounts_that_change_their_mode_at_once():
    many, engine, model = 60, Engine(Capacity()), ReadModel(1)
    accounts = range(CUSTOMER_FIRST, CUSTOMER_FIRST + many)
    now = {"time_ns": 2 * SECOND}
    isolating = [
        command(K.SET_MARGIN_MODE, account=n, instrument=LINEAR, mode=1, **now) for n in accounts
    ]
    model.apply(executed(engine, [*set_up(many, 10**6, 0, 0), *isolating]))
    change = [command(K.SET_POSITION_MODE, account=n, mode=1, **now) for n in accounts]
    batch = executed(engine, change)
    assert not batch.outcomes["reject"].any()
    model.apply(batch)
    for account in accounts:
        for leg in (LONG, SHORT):
            assert model.position(account, LINEAR, leg).mode == MarginMode.ISOLATED


@pytest.mark.parametrize(("leg", "lots"), [(0, 30), (CommandFlag.SHORT_LEG, 20)])
def test_an_order_that_closes_everything_closes_the_leg_that_it_is_about(hedged, leg, lots):
    day, side = hedged, BUY if leg else SELL
    day.place(BOB, SELL, 10_000, 30, instrument=LINEAR)
    day.place(ALICE, BUY, 10_000, 30, instrument=LINEAR)
    day.place(BOB, BUY, 10_000, 20, instrument=LINEAR)
    day.place(ALICE, SELL, 10_000, 20, instrument=LINEAR, flags=CommandFlag.SHORT_LEG)
    trigger = 10_050 if leg else 9_950
    close = day.stop(
        ALICE, side, trigger, 0, flags=CommandFlag.CLOSE_POSITION | leg, instrument=LINEAR
    )
    day.place(BOB, 1 - side, 10_100 if leg else 9_900, 50, instrument=LINEAR)
    day.place(CAROL, 1 - side, trigger, 1, instrument=LINEAR)
    day.place(BOB, side, trigger, 1, instrument=LINEAR, order_type=OrderType.LIMIT)
    done = day.order(close)
    assert (done.status, done.qty_lots, done.filled_lots) == (OrderStatus.FILLED, lots, lots)


@pytest.mark.parametrize("leg", [-1, 3, 10**9])
def test_there_is_no_further_leg(hedged, leg):
    assert hedged.model.position(ALICE, LINEAR, leg) is None


def test_without_orders_only_withdrawals_margins_and_frozen_money_are_held():
    seen = 0
    for seed in range(8):
        stream = AccountStream(seed + 90)
        engine, model = both(stream, seed, length=300)
        accounts = range(CUSTOMER_FIRST, engine.account_count)
        later_ns = stream.time_ns + SECOND
        raw = [command(K.CANCEL_ALL, time_ns=later_ns, account=account) for account in accounts]
        model.apply(executed(engine, raw))
        for account in accounts:
            assert model.open_orders(account) == []
            for asset, instrument in ((USD, LINEAR), (COIN, INVERSE)):
                margins = sum(
                    view.margin_minor
                    for view in model.positions(account)
                    if view.instrument == instrument
                )
                leaving = sum(
                    view.amount_minor + view.fee_minor
                    for view in model.withdrawals(account)
                    if view.asset == asset and view.status in UNPAID
                )
                frozen = sum(
                    hold.left_minor for hold in engine.open_holds(account) if hold.asset == asset
                )
                assert model.balance(account, asset).held_minor == margins + leaving + frozen
                seen += margins > 0
    assert seen > 0


def tampered(field, change, wanted):
    """A batch whose first event that is wanted has been changed, and that event's command."""
    batch = executed(Engine(Capacity()), AccountStream(4).take(400))
    events = batch.events.copy()
    at = np.flatnonzero(wanted(events))[0]
    events[field][at] = change(int(events[field][at]))
    return Batch(1, batch.commands, batch.outcomes, events), int(events["seq"][at])


def of(kind, **fields):
    """Events of a kind with these values."""

    def wanted(events):
        found = events["kind"] == kind
        for name, value in fields.items():
            found &= events[name] == value
        return found

    return wanted


def entry(events):
    return of(EventKind.MARGIN_MOVED)(events) & (events["order_id"] > 0)


def fill(events):
    return of(EventKind.MARGIN_MOVED, order_id=0)(events) & (events["amount_minor"] > 0)


@pytest.mark.parametrize(
    ("field", "change", "wanted"),
    [
        ("flags", lambda flags: flags ^ PositionFlag.SHORT_LEG, of(EventKind.TRADE, instrument=1)),
        ("flags", lambda flags: flags ^ PositionFlag.ISOLATED, of(EventKind.TRADE, instrument=1)),
        (
            "flags",
            lambda flags: flags ^ PositionFlag.COUNTER_ISOLATED,
            of(EventKind.TRADE, instrument=1),
        ),
        ("flags", lambda flags: flags ^ PositionFlag.SHORT_LEG, of(EventKind.FUNDING_PAID)),
        ("flags", lambda flags: flags ^ PositionFlag.ISOLATED, of(EventKind.MARGIN_MOVED)),
        ("qty_lots", lambda lots: lots + 1, of(EventKind.MARGIN_MOVED)),
        ("qty_lots", lambda lots: lots + 1, of(EventKind.FUNDING_PAID)),
        ("amount_minor", lambda margin: margin + 1, entry),
        ("quote_minor", lambda taken: 1 - taken, entry),
        ("amount_minor", lambda _: -1, fill),
        ("quote_minor", lambda got: got - 2**40, fill),
        ("fee_minor", lambda _: -1, fill),
    ],
)
def test_an_event_that_contradicts_a_position_stops_the_fold(field, change, wanted):
    batch, seq = tampered(field, change, wanted)
    with pytest.raises(AssertionError, match=f"results of command {seq} do not follow"):
        ReadModel(1).apply(batch)
