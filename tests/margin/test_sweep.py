"""The sweep and the mark move against the model, over whole venues."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.margin.marking import move_mark
from ledger.margin.sweep import sweep as sweep_range
from tests.margin import oracle
from tests.margin.strategies import assets, contracts, most_lots, positions, sizes
from tests.margin.tables import columns_of, held_of, risk_of

BALANCES = st.builds(
    lambda size, sign: size * sign, sizes(2**62 - 1, 0), st.sampled_from([1, 1, -1])
)


def sweep(risk, rows, wallets, accounts):
    """Every account."""
    return sweep_range(risk, rows, wallets, accounts, 0, len(accounts.equity_minor))


@st.composite
def venues(draw):
    """1..3 assets, 1..4 contracts, 0..5 customers with 0..6 positions each."""
    known = draw(st.lists(assets(), min_size=1, max_size=3))
    listed = draw(
        st.lists(
            st.integers(0, len(known) - 1).flatmap(lambda settle: contracts(settle=settle)),
            min_size=1,
            max_size=4,
        )
    )
    tradable = [row for row, contract in enumerate(listed) if most_lots(contract)]
    customers = []
    for _ in range(draw(st.integers(0, 5))):
        held = draw(st.lists(st.sampled_from(tradable), max_size=6)) if tradable else []
        order = draw(st.permutations(range(len(known))))
        customers.append(
            oracle.Customer(
                {asset: draw(BALANCES) for asset in order},
                [draw(positions(row, listed[row])) for row in held],
            )
        )
    return known, listed, customers


def check(customers, listed, known, accounts, isolated):
    """Every account and every isolated position stands as the model says; how many fell."""
    fallen = 0
    place = 0
    for row, customer in enumerate(customers):
        equity, required, down, flags = oracle.judge(customer, listed, known)
        assert accounts.equity_minor[row] == equity
        assert accounts.maintenance_minor[row] == required
        assert bool(accounts.liquidated[row]) == down
        for position, flag in zip(customer.positions, flags, strict=True):
            if position.margin is not None:
                assert bool(isolated[place]) == flag
            place += 1
        fallen += down + sum(flags)
    return fallen


@given(venues())
def test_a_sweep_equals_the_model(venue):
    known, listed, customers = venue
    rows, wallets, accounts = columns_of(customers, listed)
    fallen = sweep(risk_of(listed, known), rows, wallets, accounts)
    assert fallen == check(customers, listed, known, accounts, rows.liquidated)


@given(venues())
def test_a_second_sweep_changes_nothing(venue):
    known, listed, customers = venue
    rows, wallets, accounts = columns_of(customers, listed)
    risk = risk_of(listed, known)
    first = sweep(risk, rows, wallets, accounts)
    before = [column.copy() for column in (*wallets, *accounts)]
    assert sweep(risk, rows, wallets, accounts) == first
    assert all(np.array_equal(a, b) for a, b in zip(before, (*wallets, *accounts), strict=True))


@given(venues(), st.data())
def test_ranges_together_are_the_whole(venue, data):
    known, listed, customers = venue
    risk = risk_of(listed, known)
    rows, wallets, accounts = columns_of(customers, listed)
    whole = sweep(risk, rows, wallets, accounts)
    again = columns_of(customers, listed)
    cut = data.draw(st.integers(0, len(customers)))
    late = sweep_range(risk, *again, cut, len(customers))
    assert late + sweep_range(risk, *again, 0, cut) == whole
    expected = (rows.liquidated, *wallets, *accounts)
    got = (again[0].liquidated, *again[1], *again[2])
    isolated = rows.margin_minor >= 0
    assert np.array_equal(expected[0][isolated], got[0][isolated])
    assert all(np.array_equal(a, b) for a, b in zip(expected[1:], got[1:], strict=True))


@settings(max_examples=60)
@given(venues(), st.data())
def test_mark_moves_leave_what_a_sweep_would_find(venue, data):
    """Grouped by instrument, each move touching its holders only: same wallets and verdicts."""
    known, listed, customers = venue
    risk = risk_of(listed, known)
    rows, wallets, accounts = columns_of(customers, listed)
    for column in (wallets.pnl_minor, wallets.maintenance_minor, accounts.liquidated):
        column[:] = 0
    groups = [held_of(rows, accounts, row) for row in range(len(listed))]
    fallen = np.zeros(len(rows.qty_lots) + 1, np.uint32)
    moves = [(row, listed[row].mark) for row in range(len(listed))]
    for _ in range(data.draw(st.integers(0, 4))):
        row = data.draw(st.integers(0, len(listed) - 1))
        moves.append((row, data.draw(sizes(listed[row].max_ticks))))
    for row, mark in moves:
        was = accounts.liquidated.copy()
        listed[row] = dataclasses.replace(listed[row], mark=mark)
        risk.contracts["mark_ticks"][row] = mark
        count, _ = move_mark(risk, row, groups[row], wallets, accounts, fallen)
        news = [
            account
            for account in range(len(customers))
            if accounts.liquidated[account] > was[account]
        ]
        assert sorted(fallen[:count]) == news
    full_rows, full_wallets, full_accounts = columns_of(customers, listed)
    sweep(risk, full_rows, full_wallets, full_accounts)
    touched = {group.account[place] for group in groups for place in range(len(group.account))}
    for account in touched:
        assert accounts.equity_minor[account] == full_accounts.equity_minor[account]
        assert accounts.maintenance_minor[account] == full_accounts.maintenance_minor[account]
        assert accounts.liquidated[account] == full_accounts.liquidated[account]
    assert np.array_equal(wallets.pnl_minor, full_wallets.pnl_minor)
    assert np.array_equal(wallets.maintenance_minor, full_wallets.maintenance_minor)


@given(venues(), st.data())
def test_profits_of_matched_positions_never_sum_above_zero(venue, data):
    """Mark to market: what one side gains the other loses, and roundings only take."""
    known, listed, _ = venue
    tradable = [row for row, contract in enumerate(listed) if most_lots(contract)]
    if not tradable:
        return
    row = data.draw(st.sampled_from(tradable))
    mine = data.draw(positions(row, listed[row], isolated=False))
    theirs = oracle.Position(row, -mine.lots, -mine.cost)
    wallet = dict.fromkeys(range(len(known)), 0)
    customers = [oracle.Customer(dict(wallet), [mine]), oracle.Customer(dict(wallet), [theirs])]
    rows, wallets, accounts = columns_of(customers, listed)
    sweep(risk_of(listed, known), rows, wallets, accounts)
    assert -2 <= sum(wallets.pnl_minor.tolist()) <= 0


def test_an_empty_venue_sweeps():
    rows, wallets, accounts = columns_of([], [])
    assert sweep(risk_of([]), rows, wallets, accounts) == 0


@pytest.mark.parametrize(("spare", "down"), [(0, True), (1, False), (-1, True)])
@pytest.mark.parametrize("isolated", [True, False])
def test_liquidation_begins_exactly_at_maintenance(spare, down, isolated):
    """Equity equal to maintenance falls; a single unit more does not: isolated and cross alike."""
    contract = oracle.Contract(
        inverse=False, num=1, den=1, mark=1000, brackets=[(0, 10_000, 20_000)]
    )
    lots, cost = 500, 500 * 1010
    needed = contract.maintenance(lots, 1000) - contract.pnl(lots, cost, 1000) + spare
    margin, balance = (needed, 0) if isolated else (None, needed)
    position = oracle.Position(0, lots, cost, margin)
    plain = oracle.Asset(Fraction(1), 0, 0)
    rows, wallets, accounts = columns_of([oracle.Customer({0: balance}, [position])], [contract])
    risk = risk_of([contract], [plain])
    assert sweep(risk, rows, wallets, accounts) == down
    assert bool(rows.liquidated[0] if isolated else accounts.liquidated[0]) == down
    held = held_of(rows, accounts, 0)
    moved = columns_of([oracle.Customer({0: balance}, [position])], [contract])
    for column in (moved[1].pnl_minor, moved[1].maintenance_minor, moved[2].liquidated):
        column[:] = 0
    fallen, alone = move_mark(risk, 0, held, *moved[1:], np.zeros(1, np.uint32))
    assert fallen + alone == down
    assert bool(held.liquidated[0]) == (down and isolated)
