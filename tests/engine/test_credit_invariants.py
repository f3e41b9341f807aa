"""What holds of loans after any commands, and in every snapshot."""

from collections import defaultdict

import pytest

from ledger.engine import Capacity, Engine, SnapshotCorrupt
from ledger.engine.credit_layout import LENDING_POOL
from ledger.engine.restore import restored_state
from ledger.engine.root import TableId
from ledger.engine.tables import canonical_tables
from matching.jit import COMPILED
from tests.engine.credit_streams import CreditStream
from tests.engine.credit_venue import CreditVenue
from tests.engine.perpetual_venue import DOLLAR
from tests.engine.streams import as_commands
from tests.engine.test_equivalence import check
from tests.engine.test_invariants import open_orders

SEEDS = 150 if COMPILED else 20


def check_credit(engine):
    """What holds of loans after every batch."""
    credit, header = engine._state.credit, engine._state.header
    lent, pledges = defaultdict(int), defaultdict(int)
    for loan in credit.loans[: 8 * int(header["borrower_count"][0])]:
        assert int(loan["principal_minor"]) >= 0
        assert int(loan["interest_minor"]) >= 0
        lent[int(loan["asset"])] += int(loan["principal_minor"])
    for asset in range(engine.asset_count):
        assert int(credit.lending["lent_minor"][asset]) == lent[asset]
        assert engine.balance(LENDING_POOL, asset).available_minor >= 0
    for order in open_orders(engine):
        slot = [int(n) for n in engine._state.book.orders["order_id"]].index(order.order_id)
        pledges[order.account] += int(engine._state.terms["pledge_minor"][slot])
    for account in range(engine.account_count):
        assert int(credit.borrowers["pledged_minor"][account]) == pledges[account]
        holds = sum(engine.balance(account, n).held_minor for n in range(engine.asset_count))
        own = [order for order in open_orders(engine) if order.account == account]
        if int(engine._state.seats["leverage"][account]):
            assert holds == sum(order.held_minor for order in own)
    engine.assert_conservation()


@pytest.mark.parametrize("seed", range(6))
def test_loans_and_pledges_agree_with_what_is_open(seed):
    engine = Engine()
    stream = CreditStream(seed + 600).take(250)
    for first in range(0, len(stream), 25):
        engine.execute(as_commands(stream[first : first + 25]))
        check_credit(engine)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_kernels_equal_the_reference_on_a_random_stream_with_loans(seed):
    check(CreditStream(seed + 1000).take(300), Capacity())


@pytest.mark.parametrize("seed", range(8))
def test_a_restored_engine_goes_on_alike_with_loans(seed):
    stream = CreditStream(seed + 2000).take(320)
    engine = Engine()
    engine.execute(as_commands(stream[:200]))
    copy = Engine.restore(engine.snapshot())
    assert copy.snapshot() == engine.snapshot()
    rest = as_commands(stream[200:])
    assert engine.execute(rest).events.tobytes() == copy.execute(rest).events.tobytes()
    assert copy.state_root() == engine.state_root()


WRONG = [
    (TableId.LENDING, "hourly_ppt", -1),
    (TableId.LENDING, "lent_minor", 5),
    (TableId.LENDING, "charged_ppt", 1),
    (TableId.LENDING, "open_ppm", 10**6),
    (TableId.LENDING, "liquidate_ppm", 10**6 + 1),
    (TableId.LOANS, "account", 17),
    (TableId.LOANS, "asset", 9),
    (TableId.LOANS, "principal_minor", -1),
    (TableId.LOANS, "interest_minor", 2**62),
    (TableId.LOANS, "index_ppt", 2**62),
    (TableId.BORROWERS, "first", 3),
    (TableId.BORROWERS, "pledged_minor", 1),
    (TableId.BORROWERS, "called", 2),
    (TableId.SEATS, "leverage", 51),
    (TableId.SEATS, "leverage", 5),
    (TableId.SEATS, "pair", 99),
    (TableId.HEADER, "borrower_count", 9),
    (TableId.TERMS, "pledge_minor", 7),
]


@pytest.mark.parametrize(("table", "name", "wrong"), WRONG)
def test_loan_tables_that_contradict_themselves_are_refused(table, name, wrong):
    venue = CreditVenue()
    venue.buy(5000)
    tables = {one.table: one.rows.copy() for one in canonical_tables(venue.engine._state)}
    restored_state(tables)
    tables[table][name][0 if table != TableId.LENDING else DOLLAR] = wrong
    with pytest.raises(SnapshotCorrupt):
        restored_state(tables)
