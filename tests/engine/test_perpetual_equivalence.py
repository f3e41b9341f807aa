"""Kernels equal the plain reference on random streams with perpetuals, and conserve everything."""

import pytest

from ledger.engine import Capacity
from matching.jit import COMPILED
from tests.engine.perpetual_streams import PerpetualStream
from tests.engine.test_equivalence import check

SEEDS = 200 if COMPILED else 20
LENGTH = 300


@pytest.mark.parametrize("seed", range(SEEDS))
def test_kernels_equal_the_reference_on_a_random_stream_of_perpetuals(seed):
    check(PerpetualStream(seed).take(LENGTH), Capacity())


@pytest.mark.parametrize("seed", range(SEEDS // 5))
def test_kernels_equal_the_reference_when_there_is_no_room_for_positions(seed):
    check(PerpetualStream(seed + 5000).take(LENGTH), Capacity(positions=8, orders=20))
