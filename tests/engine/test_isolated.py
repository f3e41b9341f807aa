"""Isolated margin, fact by fact, on both engines."""

import pytest

from ledger.engine import Engine, SnapshotCorrupt
from ledger.engine.layout import CUSTODY
from ledger.engine.margin_layout import CLEARING
from ledger.engine.restore import restored_state
from ledger.engine.root import TableId
from ledger.engine.tables import canonical_tables
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderStatus,
    PositionFlag,
    Reject,
    WithdrawalStatus,
)
from tests.engine.account_streams import AccountStream
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
    INSURANCE,
    INVERSE,
    LINEAR,
    MID,
    SELL,
)
from tests.engine.streams import as_commands

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


def check_held(engine):
    """What is held is what orders and withdrawals hold, and what isolated positions own."""
    state = engine._state
    rows = state.margin.positions[: int(state.header["position_count"][0])]
    contracts, orders = state.margin.contracts, state.book.orders
    for asset in range(engine.asset_count):
        held = [0] * engine.account_count
        for row in rows:
            assert row["margin_minor"] >= 0
            assert row["margin_minor"] == 0 or (row["isolated"] and row["qty_lots"])
            if int(contracts["settle"][row["instrument"]]) == asset:
                held[row["account"]] += int(row["margin_minor"])
        for slot in range(int(state.book.pool["order_high"][0])):
            if orders["order_id"][slot]:
                number = int(orders["side_index"][slot]) >> 1
                listed = state.instruments[number]
                side = int(orders["side_index"][slot]) & 1
                own = int(listed["base"] if side else listed["quote"])
                if listed["product"]:
                    own = int(contracts["settle"][number])
                if own == asset:
                    held[orders["account"][slot]] += int(state.orders["held_minor"][slot])
        for row in state.withdrawals[: int(state.header["withdrawal_count"][0])]:
            waits = row["status"] in {
                WithdrawalStatus.HELD, WithdrawalStatus.CLEARED, WithdrawalStatus.BATCHED,
            }  # fmt: skip
            if waits and row["asset"] == asset:
                held[row["account"]] += int(row["amount_minor"] + row["fee_minor"])
        assert held == [engine.balance(a, asset).held_minor for a in range(engine.account_count)]
    engine.assert_conservation()


@pytest.mark.parametrize("seed", range(12))
def test_every_held_unit_belongs_to_an_order_a_withdrawal_or_an_isolated_position(seed):
    engine = Engine()
    stream = AccountStream(seed + 900).take(350)
    for first in range(0, len(stream), 10):
        engine.execute(as_commands(stream[first : first + 10]))
        check_held(engine)
        rows = engine._state.margin.positions[: int(engine._state.header["position_count"][0])]
        for number in range(engine.instrument_count):
            assert int(rows["qty_lots"][rows["instrument"] == number].sum()) == 0


def told_by(event):
    """What an event says that came to the accounts of its two sides, beside MARGIN_MOVED."""
    kind = EventKind(event["kind"])
    own, its = int(event["quote_minor"]), int(event["amount_minor"])
    isolated = event["flags"] & PositionFlag.ISOLATED
    both = kind in {EventKind.TRADE, EventKind.POSITION_TAKEN, EventKind.DELEVERAGED}
    if both:
        own = 0 if isolated else own - int(event["fee_minor"])
        counter = event["flags"] & PositionFlag.COUNTER_ISOLATED
        return own, 0 if counter else its - int(event["counter_fee_minor"])
    if kind == EventKind.FUNDING_PAID:
        return 0 if isolated else its, 0
    if kind in {EventKind.ORDER_EXPIRED, EventKind.ORDER_REDUCED, EventKind.DEBT_COVERED}:
        return its, 0
    if kind in {EventKind.COLLATERAL_TAKEN, EventKind.LOSS_SHARED}:
        return -its, 0
    return own if kind == EventKind.MARGIN_MOVED else 0, 0


def is_told(raw, done):
    """Whether events alone say what a command did: not of spot, not what its outcome says."""
    ofs = [e for e in done.events if int(e["instrument"]) == 0]
    traded = any(e["kind"] == EventKind.TRADE for e in ofs)
    spot = traded or (raw[8] != K.TICK and (ofs or raw[16:20] == bytes(4)))
    own = {K.CANCEL_ORDER, K.AMEND_ORDER, K.REQUEST_WITHDRAWAL, K.CREDIT_DEPOSIT}
    return done.outcomes[0]["reject"] == 0 and raw[8] not in own and not spot


@pytest.mark.parametrize("seed", range(8))
def test_events_tell_every_change_of_what_an_isolated_account_may_use(seed):
    engine = Engine()
    stream = AccountStream(seed + 950).take(350)
    engine.execute(as_commands(stream[:60]))
    for raw in stream[60:]:
        customers = range(16, engine.account_count)
        places = [(a, asset) for a in customers for asset in range(engine.asset_count)]
        before = {place: engine.balance(*place).available_minor for place in places}
        done = engine.execute(as_commands([raw]))
        if not is_told(raw, done):
            continue
        for event in done.events:
            sides = (int(event["account"]), int(event["counter_account"]))
            for account, amount in zip(sides, told_by(event), strict=True):
                if (account, int(event["asset"])) in before:
                    before[account, int(event["asset"])] += amount
        assert {place: engine.balance(*place).available_minor for place in places} == before


WRONG = [
    (TableId.POSITIONS, "leg", 3),
    (TableId.POSITIONS, "leg", 2),
    (TableId.POSITIONS, "isolated", 2),
    (TableId.POSITIONS, "isolated", 0),
    (TableId.POSITIONS, "margin_minor", -1),
    (TableId.MARGINS, "hedged", 1),
    (TableId.MARGINS, "hedged", 2),
    (TableId.HEADER, "isolated_count", 5),
    (TableId.ORDERS, "traits", 0),
]


@pytest.mark.parametrize(("table", "name", "wrong"), WRONG)
def test_rows_of_isolated_positions_that_contradict_each_other_are_refused(table, name, wrong):
    venue = AccountVenue()
    venue.isolated_long(10)
    venue.place(ALICE, BUY, MID - 5, 5, instrument=LINEAR)
    tables = {one.table: one.rows.copy() for one in canonical_tables(venue.engine._state)}
    restored_state(tables)
    rows = tables[table]
    chosen = 0
    if table == TableId.POSITIONS:
        chosen = int((rows["margin_minor"] != 0).argmax())
    elif table == TableId.MARGINS:
        chosen = ALICE
    elif table == TableId.ORDERS:
        chosen = int((rows["traits"] != 0).argmax())
    rows[name][chosen] = wrong
    with pytest.raises(SnapshotCorrupt):
        restored_state(tables)


def test_money_of_isolated_positions_stays_out_of_the_systems_accounts():
    venue = AccountVenue()
    venue.isolated_long(50)
    for system in (CUSTODY, CLEARING, INSURANCE, FEES):
        assert venue.balance(system, DOLLAR)[1] == 0
