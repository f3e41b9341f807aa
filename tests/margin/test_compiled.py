"""The margin kernels' compiled code counts no references either."""

import importlib
import pkgutil

import numpy as np
from numba.core.dispatcher import Dispatcher

import ledger.margin
from ledger.margin import adl, bench
from matching import jit
from tests.matching.test_jit import COUNTING, machine_code


def kernels():
    """Every dispatcher that a module of ledger.margin defines."""
    for found in pkgutil.walk_packages(ledger.margin.__path__, "ledger.margin."):
        module = importlib.import_module(found.name)
        for member in vars(module).values():
            if isinstance(member, Dispatcher) and member.__module__ == module.__name__:
                yield member


def _use_all_columns():
    """Compile every kernel that works on tables."""
    venue = bench.Venue(1, 50)
    assert bench.sweep_ms(venue) > 0
    assert bench.mark_move_ms(venue, 0) > 0
    assert bench.liquidation_price_us(venue) > 0
    scores, order = np.arange(5), np.arange(5)
    adl.queue(scores, order)
    adl.bands(scores, order, np.zeros(5, np.uint8))


def test_no_margin_kernel_counts_references():
    _use_all_columns()
    compiled = [code for kernel in kernels() for code in machine_code(kernel)]
    assert compiled or not jit.COMPILED
    assert not any(word in code for code in compiled for word in COUNTING)
