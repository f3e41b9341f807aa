"""Reduce-only and close-position orders, fact by fact, on both engines."""

import pytest

from ledger.engine import Engine, SnapshotCorrupt
from ledger.engine.layout import CLOSER
from ledger.engine.restore import restored_state
from ledger.engine.root import TableId
from ledger.engine.tables import canonical_tables
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderStatus,
    OrderType,
    Reject,
    SelfTrade,
)
from tests.engine.account_streams import AccountStream
from tests.engine.perpetual_venue import (
    ALICE,
    BOB,
    BUY,
    CAROL,
    DOLLAR,
    INVERSE,
    LINEAR,
    MID,
    SELL,
    PerpetualVenue,
)
from tests.engine.streams import as_commands

K = CommandKind
REDUCE = CommandFlag.REDUCE_ONLY
CLOSE = CommandFlag.CLOSE_POSITION
LOT = MID * 3 // 10


def venue_of_long(lots=10, dollars=1_000_000):
    """Alice is long, Bob short."""
    venue = PerpetualVenue(dollars=dollars)
    venue.trade(ALICE, BOB, lots, MID)
    return venue


def reduce(venue, account, side, price, lots, **fields):
    return venue.place(account, side, price, lots, instrument=LINEAR, flags=REDUCE, **fields)


def ended(done):
    """(order, reason) of each order that expired."""
    return [
        (event["order_id"], ExpireReason(event["flags"] & 255))
        for event in done.events
        if event["kind"] == EventKind.ORDER_EXPIRED
    ]


def closing(venue, account):
    """What the position row says of its reduce-only orders: (lots, orders)."""
    margin = venue.engine._state.margin
    row = int(margin.accounts["first"][account]) - 1
    while int(margin.positions["instrument"][row]) != LINEAR:
        row = int(margin.positions["next"][row]) - 1
    return int(margin.positions["closing_lots"][row]), int(margin.positions["count"][row])


@pytest.mark.parametrize(("account", "side"), [(ALICE, BUY), (BOB, SELL), (CAROL, BUY)])
def test_a_reduce_only_order_that_would_open_is_rejected(account, side):
    venue = venue_of_long()
    price = MID - 50 if side == BUY else MID + 50
    assert reduce(venue, account, side, price, 1).reject == Reject.REDUCE_ONLY_REJECTED


def test_a_resting_reduce_only_order_is_not_larger_than_the_position():
    venue = venue_of_long(10)
    assert reduce(venue, ALICE, SELL, MID + 5, 11).reject == Reject.REDUCE_ONLY_REJECTED
    assert reduce(venue, ALICE, SELL, MID + 5, 6).status == OrderStatus.OPEN
    assert reduce(venue, ALICE, SELL, MID + 6, 5).reject == Reject.REDUCE_ONLY_REJECTED
    assert reduce(venue, ALICE, SELL, MID + 6, 4).status == OrderStatus.OPEN
    assert closing(venue, ALICE) == (10, 2)


def test_a_taking_reduce_only_order_stops_when_the_position_is_closed():
    venue = venue_of_long(10)
    venue.place(CAROL, BUY, MID - 5, 50, instrument=LINEAR)
    done = venue.ioc(ALICE, SELL, MID - 5, 30, instrument=LINEAR, flags=REDUCE)
    assert (done.status, done.filled_lots, done.remaining_lots) == (OrderStatus.EXPIRED, 10, 20)
    assert venue.position(ALICE) == (0, 0)


def test_a_fill_or_kill_reduce_only_order_closes_whole_or_not_at_all():
    venue = venue_of_long(10)
    venue.place(CAROL, BUY, MID - 5, 50, instrument=LINEAR)
    done = venue.fok(ALICE, SELL, MID - 5, 11, instrument=LINEAR, flags=REDUCE)
    assert done.reject == Reject.REDUCE_ONLY_REJECTED
    done = venue.fok(ALICE, SELL, MID - 5, 10, instrument=LINEAR, flags=REDUCE)
    assert done.status == OrderStatus.FILLED


def test_a_reduce_only_market_order_closes_beside_resting_ones_and_they_leave():
    venue = venue_of_long(10)
    old = reduce(venue, ALICE, SELL, MID + 50, 4)
    new = reduce(venue, ALICE, SELL, MID + 60, 6)
    venue.place(CAROL, BUY, MID - 5, 50, instrument=LINEAR)
    done = venue.market(ALICE, SELL, 5, instrument=LINEAR, flags=REDUCE)
    assert done.filled_lots == 5
    assert ended(done) == [(new.seq, ExpireReason.POSITION_CLOSED)]
    done = venue.market(ALICE, SELL, 5, instrument=LINEAR, flags=REDUCE)
    assert ended(done) == [(old.seq, ExpireReason.POSITION_CLOSED)]
    assert closing(venue, ALICE) == (0, 0)


def test_a_position_that_turns_leaves_no_order_that_would_add_to_it():
    venue = venue_of_long(10)
    order = reduce(venue, ALICE, SELL, MID + 50, 10)
    venue.place(CAROL, BUY, MID - 5, 50, instrument=LINEAR)
    done = venue.place(ALICE, SELL, MID - 5, 25, instrument=LINEAR)
    assert ended(done) == [(order.seq, ExpireReason.POSITION_CLOSED)]
    assert venue.position(ALICE)[0] == -15
    assert reduce(venue, ALICE, BUY, MID - 50, 15).status == OrderStatus.OPEN


def test_a_maker_that_trades_away_the_position_takes_its_other_orders_with_it():
    venue = venue_of_long(10)
    plain = venue.place(ALICE, SELL, MID + 1, 10, instrument=LINEAR)
    order = reduce(venue, ALICE, SELL, MID + 2, 10)
    done = venue.place(CAROL, BUY, MID + 2, 20, instrument=LINEAR)
    # What stood behind the plain order is gone before the taker comes to it.
    assert (done.filled_lots, done.remaining_lots) == (10, 10)
    assert done.events[0]["counter_order_id"] == plain.seq
    assert ended(done) == [(order.seq, ExpireReason.POSITION_CLOSED)]
    assert venue.position(ALICE)[0] == 0


def test_fill_or_kill_counts_no_reduce_only_order_that_may_leave_before_its_turn():
    venue = venue_of_long(10)
    venue.place(ALICE, SELL, MID + 1, 10, instrument=LINEAR)
    reduce(venue, ALICE, SELL, MID + 2, 10)
    assert venue.fok(CAROL, BUY, MID + 2, 20, instrument=LINEAR).reject == Reject.CANNOT_FILL
    venue.place(BOB, SELL, MID + 2, 10, instrument=LINEAR)
    assert venue.fok(CAROL, BUY, MID + 2, 20, instrument=LINEAR).filled_lots == 20


def test_fill_or_kill_counts_reduce_only_orders_that_the_position_carries():
    venue = venue_of_long(10)
    venue.place(ALICE, SELL, MID + 1, 4, instrument=LINEAR)
    reduce(venue, ALICE, SELL, MID + 2, 6)
    assert venue.fok(CAROL, BUY, MID + 2, 10, instrument=LINEAR).filled_lots == 10


def test_a_reduce_only_order_needs_no_margin():
    venue = venue_of_long(50, dollars=LOT)
    assert venue.place(ALICE, BUY, MID, 1, instrument=LINEAR).reject == Reject.INSUFFICIENT_MARGIN
    before = venue.engine.standing(ALICE).initial_minor
    assert reduce(venue, ALICE, SELL, MID, 50).reject == Reject.NONE
    assert venue.engine.standing(ALICE).initial_minor == before


def test_what_a_reduce_only_order_would_lose_at_once_is_required():
    venue = venue_of_long(50, dollars=LOT)
    far = reduce(venue, ALICE, SELL, MID - 900, 50)
    assert far.reject == Reject.INSUFFICIENT_MARGIN
    venue = venue_of_long(10, dollars=2 * LOT)
    before = venue.engine.standing(ALICE).initial_minor
    assert reduce(venue, ALICE, SELL, MID - 100, 10).reject == Reject.NONE
    assert venue.engine.standing(ALICE).initial_minor == before + 10 * 100 * 3 // 10


def test_a_closing_order_beside_a_plain_one_frees_what_the_plain_one_could_open():
    venue = venue_of_long(10)
    first = venue.engine.standing(ALICE).initial_minor
    venue.place(ALICE, SELL, MID + 5, 30, instrument=LINEAR)
    second = venue.engine.standing(ALICE).initial_minor
    # Ten close, twenty could open: the larger position that could come to be counts.
    assert second > first
    reduce(venue, ALICE, SELL, MID + 9, 10)
    assert venue.engine.standing(ALICE).initial_minor == second


def test_a_reduce_only_order_is_amended_cancelled_and_replaced():
    venue = venue_of_long(10)
    order = reduce(venue, ALICE, SELL, MID + 5, 10)
    assert venue.amend(ALICE, order.seq, 7, instrument=LINEAR).reject == Reject.NONE
    assert closing(venue, ALICE) == (7, 1)
    done = venue.do(
        K.REPLACE_ORDER, account=ALICE, instrument=LINEAR, side=SELL, price_ticks=MID + 6,
        qty_lots=10, target_id=order.seq, flags=REDUCE,
    )  # fmt: skip
    assert done.reject == Reject.NONE
    assert closing(venue, ALICE) == (10, 1)
    venue.cancel(ALICE, done.seq, instrument=LINEAR)
    assert closing(venue, ALICE) == (0, 0)


def test_an_iceberg_may_close():
    venue = venue_of_long(10)
    reduce(venue, ALICE, SELL, MID + 5, 10, display_lots=3)
    assert closing(venue, ALICE) == (10, 1)
    venue.ioc(CAROL, BUY, MID + 5, 4, instrument=LINEAR)
    assert closing(venue, ALICE) == (6, 1)
    assert venue.position(ALICE)[0] == 6


def test_decrement_takes_closing_lots_off_too():
    venue = venue_of_long(10)
    order = reduce(venue, ALICE, SELL, MID + 5, 10)
    venue.place(ALICE, BUY, MID + 5, 4, instrument=LINEAR, self_trade=SelfTrade.DECREMENT)
    assert closing(venue, ALICE) == (6, 1)
    assert venue.engine.order(order.seq).remaining_lots == 6


def test_a_deleveraged_winner_keeps_no_order_that_would_open():
    venue = PerpetualVenue(dollars=3_000)
    venue.deposit(BOB, DOLLAR, 10**9)
    venue.trade(ALICE, BOB, 40, MID)
    order = reduce(venue, BOB, BUY, MID - 3000, 40)
    done = venue.move(MID - 400)
    assert EventKind.DELEVERAGED in {event["kind"] for event in done.events}
    assert (order.seq, ExpireReason.POSITION_CLOSED) in ended(done)
    assert venue.position(BOB)[0] == 0


@pytest.mark.parametrize("flags", [REDUCE, CLOSE | CommandFlag.STOP])
def test_spot_orders_close_nothing(flags):
    venue = venue_of_long()
    terms = {"order_type": OrderType.MARKET, "trigger_ticks": MID + 9} if flags & CLOSE else {}
    size = (0, 0) if flags & CLOSE else (MID, 1)
    done = venue.place(ALICE, BUY, *size, flags=flags, instrument=0, **terms)
    assert done.reject == Reject.MALFORMED


@pytest.mark.parametrize(
    "change",
    [
        {"qty_lots": 1},
        {"order_type": OrderType.LIMIT, "price_ticks": MID},
        {"flags": CLOSE, "trigger_ticks": 0},
        {"flags": CLOSE | CommandFlag.STOP | REDUCE},
        {"flags": CLOSE | CommandFlag.STOP | CommandFlag.BY_QUOTE, "quote_minor": 5},
    ],
)
def test_a_close_of_a_whole_position_waits_and_has_no_size_and_no_price(change):
    venue = venue_of_long()
    terms = {
        "account": ALICE, "instrument": LINEAR, "side": SELL, "order_type": OrderType.MARKET,
        "flags": CLOSE | CommandFlag.STOP, "trigger_ticks": MID - 9,
    }  # fmt: skip
    assert venue.do(K.NEW_ORDER, **terms | change).reject == Reject.MALFORMED
    assert venue.do(K.NEW_ORDER, **terms).status == OrderStatus.PENDING


def close_at(venue, account, side, trigger, kind=CommandFlag.STOP, **fields):
    return venue.market(
        account, side, 0, instrument=LINEAR, flags=CLOSE | kind, trigger_ticks=trigger, **fields
    )


def test_a_stop_closes_what_there_is_when_it_triggers():
    venue = venue_of_long(10)
    close_at(venue, ALICE, SELL, MID - 20)
    venue.trade(ALICE, BOB, 13, MID)
    venue.place(CAROL, BUY, MID - 30, 100, instrument=LINEAR)
    done = venue.trade(CAROL, BOB, 1, MID - 20)
    (close,) = [e for e in done.events if e["kind"] == EventKind.TRADE and e["account"] == ALICE]
    assert close["qty_lots"] == 23
    assert venue.position(ALICE)[0] == 0


def test_two_closing_orders_that_are_partners_bracket_a_position():
    venue = venue_of_long(10)
    stop = close_at(venue, ALICE, SELL, MID - 20)
    profit = venue.market(
        ALICE, SELL, 0, instrument=LINEAR, trigger_ticks=MID + 20, target_id=stop.seq,
        flags=CLOSE | CommandFlag.TAKE_PROFIT | CommandFlag.OCO,
    )  # fmt: skip
    assert profit.status == OrderStatus.PENDING
    venue.place(CAROL, BUY, MID + 10, 100, instrument=LINEAR)
    done = venue.trade(CAROL, BOB, 1, MID + 20)
    assert (stop.seq, ExpireReason.PARTNER) in ended(done)
    assert venue.position(ALICE)[0] == 0


def test_a_stop_that_finds_no_position_to_close_is_refused():
    venue = venue_of_long(10)
    stop = close_at(venue, CAROL, SELL, MID - 20)
    venue.place(BOB, BUY, MID - 30, 5, instrument=LINEAR)
    done = venue.trade(ALICE, BOB, 1, MID - 20)
    refused = [e for e in done.events if e["order_id"] == stop.seq][-1]
    assert refused["flags"] == ExpireReason.REFUSED | Reject.REDUCE_ONLY_REJECTED << 8


def test_inverse_positions_are_closed_too():
    venue = PerpetualVenue(coins=10_000_000)
    venue.trade(ALICE, BOB, 10, MID, INVERSE)
    order = venue.place(BOB, BUY, MID - 5, 10, instrument=INVERSE, flags=REDUCE)
    assert order.status == OrderStatus.OPEN
    venue.ioc(CAROL, SELL, MID - 5, 10, instrument=INVERSE)
    assert venue.position(BOB, INVERSE)[0] == 0


WRONG = [
    (TableId.POSITIONS, "closing_lots", 1),
    (TableId.POSITIONS, "head", 99),
    (TableId.POSITIONS, "tail", 0),
    (TableId.POSITIONS, "count", 7),
    (TableId.CLOSER_LINKS, "next", 99),
    (TableId.CLOSER_LINKS, "prev", 1),
    (TableId.ORDERS, "traits", CLOSER),
    (TableId.RESTING, "account", 17),
]


@pytest.mark.parametrize(("table", "name", "wrong"), WRONG)
def test_lists_of_closers_that_lead_astray_are_refused(table, name, wrong):
    venue = venue_of_long(10)
    plain = venue.place(CAROL, SELL, MID + 9, 10, instrument=LINEAR)
    reduce(venue, ALICE, SELL, MID + 5, 5)
    tables = {one.table: one.rows.copy() for one in canonical_tables(venue.engine._state)}
    restored_state(tables)
    rows = tables[table]
    if table == TableId.ORDERS:
        chosen = int((tables[TableId.RESTING]["order_id"] == plain.seq).argmax())
        rows[name][chosen] |= wrong
    else:
        chosen = int((tables[TableId.POSITIONS]["closing_lots"] != 0).argmax())
        rows[name][chosen if table == TableId.POSITIONS else -1] = wrong
    with pytest.raises(SnapshotCorrupt):
        restored_state(tables)


@pytest.mark.parametrize("seed", range(12))
def test_reduce_only_orders_never_have_more_lots_than_their_position(seed):
    engine = Engine()
    stream = AccountStream(seed + 700).take(350)
    for first in range(0, len(stream), 10):
        engine.execute(as_commands(stream[first : first + 10]))
        margin, state = engine._state.margin, engine._state
        rows = margin.positions[: int(state.header["position_count"][0])]
        assert (rows["closing_lots"] <= abs(rows["qty_lots"])).all()
        assert (rows["closing_lots"] >= rows["count"]).all()
        closers = state.orders["traits"] & CLOSER != 0
        assert int(rows["count"].sum()) == int(closers.sum())
        assert ((rows["closing_lots"] == 0) == (rows["count"] == 0)).all()
