"""The benchmark's venue is one that the model accepts, and its measurements run."""

import numpy as np

from ledger.margin import bench
from ledger.margin.contracts import exposure_fits

ACCOUNTS = 500
"""Fewer than the benchmark's: the uncompiled lane runs it too."""


def test_the_measured_venue_is_inside_every_bound_and_partly_falls():
    venue = bench.Venue(1, ACCOUNTS)
    contracts = venue.risk.contracts
    for row in range(bench.INSTRUMENTS):
        most = int(np.abs(venue.qty[venue.instrument == row]).max())
        kind, num, den = (int(contracts[row][name]) for name in ("kind", "num", "den"))
        assert exposure_fits(kind, bench.POSITIONS * most, bench.MAX_TICKS, num, den)
    assert bench.sweep_ms(venue) > 0
    down = int(venue.accounts.liquidated.sum())
    assert 0 < down < ACCOUNTS // 2


def test_the_same_seed_draws_the_same_venue():
    one, other = bench.Venue(7, ACCOUNTS), bench.Venue(7, ACCOUNTS)
    assert np.array_equal(one.qty, other.qty)
    assert np.array_equal(one.wallets.balance_minor, other.wallets.balance_minor)


def test_a_mark_move_and_a_price_are_measured():
    venue = bench.Venue(1, ACCOUNTS)
    assert bench.mark_move_ms(venue, bench.INSTRUMENTS - 1) > 0
    assert bench.liquidation_price_us(venue) > 0
