"""What holds of isolated positions after any commands, and in every snapshot."""

import pytest

from ledger.engine import Engine, SnapshotCorrupt
from ledger.engine.layout import CUSTODY
from ledger.engine.margin_layout import CLEARING
from ledger.engine.restore import restored_state
from ledger.engine.root import TableId
from ledger.engine.tables import canonical_tables
from ledger.records.codes import CommandKind, EventKind, PositionFlag, WithdrawalStatus
from tests.engine.account_streams import AccountStream
from tests.engine.account_venue import AccountVenue
from tests.engine.perpetual_venue import ALICE, BUY, DOLLAR, FEES, INSURANCE, LINEAR, MID
from tests.engine.streams import as_commands

K = CommandKind


def leaving(engine, asset):
    """What withdrawals under way and risk hold of an asset, by account."""
    state, held = engine._state, [0] * engine.account_count
    for row in state.withdrawals[: int(state.header["withdrawal_count"][0])]:
        waits = row["status"] in {
            WithdrawalStatus.HELD, WithdrawalStatus.CLEARED, WithdrawalStatus.BATCHED,
        }  # fmt: skip
        if waits and row["asset"] == asset:
            held[row["account"]] += int(row["amount_minor"] + row["fee_minor"])
    for account in range(engine.account_count):
        own = engine.open_holds(account)
        held[account] += sum(hold.left_minor for hold in own if hold.asset == asset)
    return held


def check_held(engine):
    """What is held is what orders, withdrawals and risk hold, and what isolated positions own."""
    state = engine._state
    rows = state.margin.positions[: int(state.header["position_count"][0])]
    contracts, orders = state.margin.contracts, state.book.orders
    for asset in range(engine.asset_count):
        held = leaving(engine, asset)
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
        assert held == [engine.balance(a, asset).held_minor for a in range(engine.account_count)]
    engine.assert_conservation()


@pytest.mark.parametrize("seed", range(12))
def test_every_held_unit_belongs_to_an_order_a_withdrawal_a_hold_or_an_isolated_position(seed):
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
