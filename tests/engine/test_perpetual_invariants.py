"""What holds after every command on perpetuals, whatever came before."""

from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest

from ledger.engine import Engine, SnapshotCorrupt
from ledger.engine.layout import CUSTODY
from ledger.engine.margin_layout import CLEARING
from ledger.engine.restore import restored_state
from ledger.engine.root import TableId
from ledger.engine.tables import canonical_tables
from ledger.records.codes import Product, Side
from tests.engine.perpetual_streams import PerpetualStream
from tests.engine.streams import as_commands
from tests.engine.test_invariants import open_orders

SEEDS = range(12)


def rows_of(engine):
    state = engine._state
    return state.margin.positions[: int(state.header["position_count"][0])]


def reserved(engine):
    """Open lots of perpetuals' orders, by (account, instrument, side)."""
    lots = defaultdict(int)
    for order in open_orders(engine):
        lots[order.account, order.instrument, order.side] += order.remaining_lots
    return lots


def check(engine):
    state = engine._state
    contracts, carries = state.margin.contracts, state.margin.perpetuals["carry"]
    rows, lots = rows_of(engine), reserved(engine)
    net, cost, extreme = defaultdict(int), defaultdict(int), defaultdict(int)
    for row in rows:
        account, number = int(row["account"]), int(row["instrument"])
        net[number] += int(row["qty_lots"])
        cost[number] += int(row["cost"])
        extreme[int(contracts["settle"][number])] += int(row["extreme"])
        assert int(row["buy_lots"]) == lots[account, number, Side.BUY]
        assert int(row["sell_lots"]) == lots[account, number, Side.SELL]
    assert not any(net.values()), "positions net to zero in each instrument"
    for asset in range(engine.asset_count):
        owed = Fraction(0)
        for number, total in cost.items():
            if int(contracts["settle"][number]) == asset:
                num, den = int(contracts["num"][number]), int(contracts["den"][number])
                linear = state.instruments["product"][number] == Product.LINEAR
                owed += Fraction(int(carries[number]) - total * num, den) if linear else -total
        # What open positions have yet to settle is all that the clearing account holds.
        assert engine.balance(CLEARING, asset).available_minor == owed
        assert int(state.margin.collateral["extreme"][asset]) == extreme[asset]
        for account in range(engine.account_count):
            balance = engine.balance(account, asset)
            assert balance.held_minor >= 0
            margined = bool(state.margin.accounts["first"][account])
            system = account in {CUSTODY, CLEARING}
            assert balance.available_minor >= 0 or margined or system
    engine.assert_conservation()


@pytest.mark.parametrize("seed", SEEDS)
def test_positions_net_to_zero_and_clearing_holds_what_they_have_yet_to_settle(seed):
    engine = Engine()
    stream = PerpetualStream(seed + 100).take(300)
    for first in range(0, len(stream), 15):
        engine.execute(as_commands(stream[first : first + 15]))
        check(engine)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_restored_engine_goes_on_alike_with_perpetuals(seed):
    stream = PerpetualStream(seed + 300).take(320)
    engine = Engine()
    engine.execute(as_commands(stream[:200]))
    copy = Engine.restore(engine.snapshot())
    assert copy.snapshot() == engine.snapshot()
    rest = as_commands(stream[200:])
    ours, theirs = engine.execute(rest), copy.execute(rest)
    assert ours.outcomes.tobytes() == theirs.outcomes.tobytes()
    assert ours.events.tobytes() == theirs.events.tobytes()
    assert copy.state_root() == engine.state_root()


@pytest.mark.parametrize("batch", [1, 7, 4096])
def test_no_batch_split_changes_anything(batch):
    stream = as_commands(PerpetualStream(7).take(300))
    whole, split = Engine(), Engine()
    ours = whole.execute(stream)
    theirs = [split.execute(stream[at : at + batch]) for at in range(0, len(stream), batch)]
    assert np.concatenate([done.events for done in theirs]).tobytes() == ours.events.tobytes()
    assert split.state_root() == whole.state_root()


WRONG = [
    (TableId.POSITIONS, "account", 2**31),
    (TableId.POSITIONS, "instrument", 0),
    (TableId.POSITIONS, "instrument", 99),
    (TableId.POSITIONS, "next", 2**31),
    (TableId.POSITIONS, "leverage", 0),
    (TableId.POSITIONS, "extreme", -1),
    (TableId.MARGINS, "first", 99),
    (TableId.MARGINS, "count", 7),
    (TableId.CONTRACTS, "settle", 2),
    (TableId.CONTRACTS, "den", 0),
    (TableId.CONTRACTS, "tier_first", 1),
    (TableId.CONTRACTS, "tier_count", 33),
    (TableId.CONTRACTS, "mark_ticks", -1),
    (TableId.PERPETUALS, "oracle", 9),
    (TableId.PERPETUALS, "carry", -1),
    (TableId.PERPETUALS, "calm_ppb", 0),
    (TableId.PERPETUALS, "position_max_lots", -1),
    (TableId.COLLATERAL, "den", 0),
    (TableId.COLLATERAL, "oracle", 9),
    (TableId.COLLATERAL, "haircut_ppm", 10**6 + 1),
    (TableId.ORACLES, "sources", 33),
    (TableId.TIERS, "floor_minor", -1),
    (TableId.HEADER, "position_count", 1),
    (TableId.HEADER, "oracle_count", 5),
    (TableId.HEADER, "collateral_end", 9),
]


@pytest.mark.parametrize(("table", "name", "wrong"), WRONG)
def test_margin_tables_that_would_lead_a_kernel_astray_are_refused(table, name, wrong):
    engine = Engine()
    engine.execute(as_commands(PerpetualStream(3).take(120)))
    tables = {one.table: one.rows.copy() for one in canonical_tables(engine._state)}
    restored_state(tables)
    rows = tables[table]
    chosen = -1 if table in {TableId.CONTRACTS, TableId.PERPETUALS} else 0
    rows[name][chosen] = wrong
    with pytest.raises(SnapshotCorrupt):
        restored_state(tables)
