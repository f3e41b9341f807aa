"""What each question means, on streams small enough to read."""

from random import Random

import pytest

from ledger.readmodel.bench import folded_per_s, listings, rounds
from ledger.readmodel.model import OPEN_ROWS_FIRST, ReadModel
from ledger.readmodel.tables import Retention
from ledger.records.build import address_fields, digest_fields
from ledger.records.codes import (
    Check,
    CommandFlag,
    CommandKind,
    EventKind,
    OrderStatus,
    Reject,
    Side,
    Verdict,
    WithdrawalStatus,
)
from tests.readmodel.streams import Stream, split, stream_of


class Day(Stream):
    """A stream written by hand, and the read model that follows it."""

    def __init__(self, **retention):
        super().__init__(Random(1))
        self.model = ReadModel(1, Retention(**retention))

    def fold(self):
        self.model.apply(self.batch())
        return self.model

    def place(self, account=16, instrument=0, client_id=b"", qty_lots=10, **fields):
        """A resting order; returns its id."""
        outcome = {"subject_id": self.seq + 1, "status": int(OrderStatus.OPEN)}
        self.write(
            CommandKind.NEW_ORDER,
            account=account,
            instrument=instrument,
            client_id=client_id,
            qty_lots=qty_lots,
            outcome=outcome | {"remaining_lots": qty_lots},
            **fields,
        )
        return self.seq

    def cancel_id(self, order_id):
        outcome = {"subject_id": order_id, "status": int(OrderStatus.CANCELED)}
        self.write(CommandKind.CANCEL_ORDER, target_id=order_id, outcome=outcome)

    def take(self, makers, account=17, instrument=0, side=Side.SELL, **fields):
        """An order that fills at once against makers: (order id, account, lots, left)."""
        order_id, total, events = self.seq + 1, sum(lots for _, _, lots, _ in makers), []
        for maker_id, maker, lots, left in makers:
            trade_id = self.trade_ids[instrument] = self.trade_ids.get(instrument, 0) + 1
            events.append(
                {
                    "kind": int(EventKind.TRADE),
                    "side": int(side),
                    "instrument": instrument,
                    "account": account,
                    "counter_account": maker,
                    "order_id": order_id,
                    "counter_order_id": maker_id,
                    "trade_id": trade_id,
                    "price_ticks": 100 + trade_id,
                    "qty_lots": lots,
                    "quote_minor": 1000 * lots,
                    "amount_minor": 1,
                    "counter_remaining_lots": left,
                }
            )
        outcome = {"subject_id": order_id, "status": int(OrderStatus.FILLED), "filled_lots": total}
        self.write(
            CommandKind.NEW_ORDER,
            account=account,
            instrument=instrument,
            side=int(side),
            outcome=outcome,
            events=events,
            **{"qty_lots": total} | fields,
        )
        return order_id


def ids(orders):
    return [order.order_id for order in orders]


def trade_ids(trades):
    return [trade.trade_id for trade in trades]


def test_a_fill_shows_on_both_orders_and_the_buyer_paid_the_rounding():
    day = Day()
    maker = day.place(side=int(Side.BUY))
    taker = day.take([(maker, 16, 4, 6)])
    model = day.fold()
    bought, sold = model.order(maker), model.order(taker)
    assert (bought.status, bought.filled_lots, bought.filled_quote_minor) == (
        OrderStatus.PARTLY_FILLED,
        4,
        4001,
    )
    assert (sold.status, sold.filled_lots, sold.filled_quote_minor) == (
        OrderStatus.FILLED,
        4,
        4000,
    )
    assert model.last_price_ticks(0) == 101
    assert model.last_price_ticks(1) is None


def test_an_amended_order_shows_its_new_size_and_stays_open():
    day = Day()
    order_id = day.place(client_id=b"mine")
    outcome = {"subject_id": order_id, "status": int(OrderStatus.OPEN), "remaining_lots": 3}
    day.write(CommandKind.AMEND_ORDER, target_id=order_id, qty_lots=3, outcome=outcome)
    order = day.fold().order(order_id)
    assert (order.qty_lots, order.status, order.filled_lots) == (3, OrderStatus.OPEN, 0)
    assert order.updated_ns >= order.created_ns
    assert day.model.has_open_client_id(16, b"mine")


def test_an_order_by_quote_has_the_size_that_it_traded():
    day = Day()
    maker = day.place(side=int(Side.SELL))
    taker = day.take(
        [(maker, 16, 4, 6)],
        side=Side.BUY,
        flags=int(CommandFlag.BY_QUOTE),
        quote_minor=5000,
        qty_lots=0,
    )
    order = day.fold().order(taker)
    assert (order.qty_lots, order.filled_lots, order.quote_minor) == (4, 4, 5000)


def test_an_order_that_expires_by_another_hand_is_closed_by_the_event():
    day = Day()
    first, second = day.place(), day.place(client_id=b"b")
    event = {"kind": int(EventKind.ORDER_EXPIRED), "order_id": first}
    day.write(CommandKind.OPEN_ACCOUNT, account=18, events=[event])
    model = day.fold()
    assert model.order(first).status == OrderStatus.EXPIRED
    assert ids(model.open_orders(16)) == [second]


def test_a_client_id_finds_its_latest_order_and_knows_whether_one_is_open():
    day = Day()
    first = day.place(client_id=b"again")
    day.cancel_id(first)
    second = day.place(client_id=b"again")
    other = day.place(account=17, client_id=b"again")
    model = day.fold()
    assert model.order_by_client_id(16, b"again").order_id == second
    assert model.order_by_client_id(17, b"again").order_id == other
    assert model.has_open_client_id(16, b"again")
    day.cancel_id(second)
    day.fold()
    assert not model.has_open_client_id(16, b"again")
    assert model.order_by_client_id(16, b"again").status == OrderStatus.CANCELED


def test_an_open_order_is_found_though_a_later_one_with_its_client_id_is_closed():
    """The gate prevents it; the journal could hold it all the same."""
    day = Day(closed_orders=1)
    older = day.place(client_id=b"twice")
    newer = day.place(client_id=b"twice")
    day.cancel_id(newer)
    model = day.fold()
    assert model.has_open_client_id(16, b"twice")
    assert model.order_by_client_id(16, b"twice").order_id == newer
    day.cancel_id(day.place())
    day.fold()
    assert model.order(newer) is None
    assert model.order_by_client_id(16, b"twice").order_id == older


def test_what_closed_longest_ago_is_forgotten_first_and_open_orders_never():
    day = Day(closed_orders=2)
    open_id = day.place()
    closed = [day.place(client_id=b"c%d" % n) for n in range(4)]
    for order_id in (closed[2], closed[0], closed[3], closed[1]):
        day.cancel_id(order_id)
    model = day.fold()
    assert ids(model.all_orders(16, 0)) == sorted([open_id, closed[3], closed[1]])
    assert model.order(closed[2]) is model.order(closed[0]) is None
    assert model.order_by_client_id(16, b"c2") is None
    assert model.order_by_client_id(16, b"c1").order_id == closed[1]


def test_rows_of_forgotten_orders_are_used_again():
    """A venue that lives for ever in bounded memory: its tables stop growing."""
    day = Day(closed_orders=8, trades=8)
    for _ in range(40):
        for n in range(20):
            day.cancel_id(day.place(client_id=b"%d" % n, account=16 + n % 3))
        day.fold()
    tables = day.model._tables
    assert tables.counter("order_used") <= 8 + 20
    assert tables.counter("name_used") <= 8 + 20
    assert len(tables.book.orders) <= 64


def test_more_open_orders_than_history_make_the_tables_grow_and_all_are_found():
    day = Day(closed_orders=1, trades=1)
    count = 5 * OPEN_ROWS_FIRST
    placed = [day.place(account=16 + n % 2, client_id=b"id%d" % n) for n in range(count)]
    for part in split(day.batch(), [1, 100]):
        day.model.apply(part)
    assert ids(day.model.open_orders(16)) == placed[::2]
    assert ids(day.model.open_orders(17, 0)) == placed[1::2]
    assert day.model.open_orders(17, 1) == []
    for n, order_id in enumerate(placed):
        assert day.model.order_by_client_id(16 + n % 2, b"id%d" % n).order_id == order_id


def test_accounts_instruments_and_pairs_are_kept_apart():
    day = Day()
    day.list_instrument(300)
    day.list_instrument(301)
    own = [day.place(account=500, instrument=300), day.place(account=500, instrument=301)]
    day.place(account=501, instrument=300)
    model = day.fold()
    assert ids(model.open_orders(500)) == own
    assert ids(model.all_orders(500, 301)) == own[1:]
    assert model.all_orders(500, 302) == []
    assert model.open_orders(502) == []


def test_orders_come_latest_or_from_an_id_and_always_in_order_of_id():
    day = Day()
    own = [day.place() for _ in range(6) if day.place(account=17)]
    model = day.fold()
    assert ids(model.all_orders(16, 0, limit=2)) == own[-2:]
    assert ids(model.all_orders(16, 0, own[2], 2)) == own[2:4]
    assert ids(model.all_orders(16, 0, own[2] + 1, 2)) == own[3:5]
    assert ids(model.all_orders(16, 0, own[-1] + 1)) == []


def test_trades_of_an_order_are_found_whether_it_made_or_took():
    day = Day()
    makers = [day.place() for _ in range(3)]
    taker = day.take([(maker, 16, 1, 9) for maker in makers])
    day.take([(makers[0], 16, 2, 7)])
    model = day.fold()
    assert trade_ids(model.account_trades(17, 0, order_id=taker)) == [1, 2, 3]
    assert trade_ids(model.account_trades(16, 0, order_id=makers[0])) == [1, 4]
    assert trade_ids(model.account_trades(16, 0, 1, order_id=makers[0])) == [4]
    assert trade_ids(model.account_trades(16, 0, 1, 1, order_id=makers[0])) == [1]
    assert trade_ids(model.account_trades(18, 0, order_id=makers[0])) == []


def test_old_trades_leave_the_tape_and_ids_still_find_the_rest():
    day = Day(trades=4)
    maker = day.place(qty_lots=100)
    for n in range(10):
        day.take([(maker, 16, 1, 90 - n)])
    model = day.fold()
    assert trade_ids(model.trades(0)) == [7, 8, 9, 10]
    assert trade_ids(model.trades(0, 2, 1)) == [7, 8]
    assert model.trade(0, 6) is None
    assert model.trade(0, 7).trade_id == 7
    assert trade_ids(model.account_trades(16, 0)) == [7, 8, 9, 10]
    assert model.order(maker).filled_lots == 10


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [1, 7])
def test_paging_by_id_walks_through_everything_once(seed, size):
    model = ReadModel(seed, Retention(10_000, 1 << 14))
    model.apply(stream_of(seed, 800))

    def pages(ask, *whose, number):
        """All pages of `size` from id 1 on, each asked for from behind the last one."""
        found, start = [], 1
        while page := ask(*whose, from_id=start, limit=size):
            assert len(page) <= size
            found += page
            start = getattr(page[-1], number) + 1
        return found

    for account in (16, 17, 18):
        trades = pages(model.account_trades, account, 0, number="trade_id")
        assert trades == model.account_trades(account, 0, 10_000)
        orders = pages(model.all_orders, account, 0, number="order_id")
        assert orders == model.all_orders(account, 0, limit=10_000)
    tape = pages(model.trades, 0, number="trade_id")
    assert trade_ids(tape) == list(range(1, len(tape) + 1))


def test_a_withdrawal_is_shown_at_every_step_of_its_life():
    day = Day()
    payee, travel = bytes(range(20)), bytes(range(32))
    day.write(
        CommandKind.LIST_ASSET,
        asset=3,
        required_checks=int(Check.SCREENING | Check.TRAVEL_RULE),
        withdrawal_fee_minor=25,
    )
    day.write(
        CommandKind.REQUEST_WITHDRAWAL,
        account=16,
        asset=3,
        amount_minor=1_000,
        client_id=b"out-1",
        **address_fields("payee", payee),
        **digest_fields("travel", travel),
    )
    withdrawal_id = day.seq
    shown = day.fold().withdrawal(withdrawal_id)
    assert (shown.payee, shown.travel, shown.client_id) == (payee, travel, b"out-1")
    assert (shown.amount_minor, shown.fee_minor, shown.batch) == (1_000, 25, 0)
    assert shown.status == WithdrawalStatus.HELD
    for check, status in (
        (Check.TRAVEL_RULE, WithdrawalStatus.HELD),
        (Check.SCREENING, WithdrawalStatus.CLEARED),
    ):
        day.write(
            CommandKind.DECIDE_WITHDRAWAL,
            withdrawal_id=withdrawal_id,
            check=int(check),
            verdict=int(Verdict.APPROVE),
        )
        assert day.fold().withdrawal(withdrawal_id).status == status
    assert day.model.withdrawal(withdrawal_id).checks_passed == 3
    for kind, event_kind, status in (
        (CommandKind.CUT_BATCH, EventKind.WITHDRAWAL_BATCHED, WithdrawalStatus.BATCHED),
        (CommandKind.CONFIRM_BATCH, EventKind.WITHDRAWAL_SETTLED, WithdrawalStatus.CLAIMABLE),
    ):
        event = {"order_id": withdrawal_id, "trade_id": 9, "flags": int(status)}
        day.write(kind, batch=9, events=[event | {"kind": int(event_kind)}])
        shown = day.fold().withdrawal(withdrawal_id)
        assert (shown.status, shown.batch) == (status, 9)
    assert day.model.withdrawals(16) == [shown]
    assert day.model.withdrawal_by_client_id(16, b"out-1") == shown
    assert day.model.withdrawal_by_client_id(17, b"out-1") is None
    assert day.model.withdrawal(withdrawal_id + 1) is None


def test_a_deposit_shows_its_transaction_also_on_the_suspense_account():
    day = Day()
    tx = bytes(range(100, 132))
    for index, account in ((1, 5), (2, 16)):
        day.write(
            CommandKind.CREDIT_DEPOSIT,
            account=account,
            asset=2,
            deposit_index=index,
            amount_minor=77,
            chain_block=123,
            **digest_fields("tx", tx),
        )
    model = day.fold()
    (suspended,) = model.deposits(5)
    assert (suspended.deposit_index, suspended.tx, suspended.asset) == (1, tx, 2)
    assert (suspended.amount_minor, suspended.chain_block) == (77, 123)
    assert 0 < suspended.credited_ns <= day.time_ns
    assert [deposit.deposit_index for deposit in model.deposits(16)] == [2]
    assert model.deposits(17) == []


def test_a_rejected_command_leaves_no_trace():
    day = Day()
    rejected = {"reject": int(Reject.UNKNOWN_ACCOUNT)}
    day.write(CommandKind.NEW_ORDER, account=2**31, client_id=b"no", outcome=rejected)
    day.write(CommandKind.CREDIT_DEPOSIT, account=2**31, outcome=rejected)
    model = day.fold()
    assert model.order(day.seq) is model.order(day.seq - 1) is None
    assert model.order_by_client_id(2**31 - 1, b"no") is None
    assert model.seq == day.seq


@pytest.mark.parametrize("retention", [(0, 8), (8, 0), (8, 3)])
def test_a_retention_that_makes_no_sense_is_a_programmers_error(retention):
    with pytest.raises(AssertionError):
        ReadModel(1, Retention(*retention))


def test_the_benchmarks_rounds_are_a_stream_that_the_model_takes():
    model, oracle_fills = ReadModel(1), 0
    model.apply(listings())
    model.apply(rounds(model.seq + 1, 30, 4))
    for trade in (trade for instrument in range(20) for trade in model.trades(instrument)):
        assert model.order(trade.taker_order_id).status == OrderStatus.FILLED
        assert model.order(trade.maker_order_id).status == OrderStatus.FILLED
        oracle_fills += 1
    assert oracle_fills == 30
    assert sum(len(model.open_orders(account)) for account in range(10_100)) == 0


def test_the_figure_has_a_name_a_unit_and_a_yardstick():
    figure = folded_per_s(2, 20)
    assert (figure.name, figure.unit) == ("readmodel.folded_per_s", "commands/s")
    assert figure.value > 0
    assert figure.yardstick > 0
