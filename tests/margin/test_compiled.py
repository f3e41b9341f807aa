"""The margin kernels' compiled code counts no references either."""

import importlib
import pkgutil

import numpy as np
from numba.core.dispatcher import Dispatcher

import ledger.margin
from ledger.margin import adl, isolated
from ledger.margin.isolated import Isolated
from ledger.margin.liquidation import liquidation_ticks
from matching import jit
from tests.margin import oracle
from tests.margin.tables import risk_of
from tests.matching.test_jit import COUNTING, machine_code


def kernels():
    """Every dispatcher that a module of ledger.margin defines."""
    for found in pkgutil.walk_packages(ledger.margin.__path__, "ledger.margin."):
        module = importlib.import_module(found.name)
        for member in vars(module).values():
            if isinstance(member, Dispatcher) and member.__module__ == module.__name__:
                yield member


def _use_tables():
    """Compile kernels that work on tables; the other tests of this folder compile the rest."""
    contract = oracle.Contract(
        inverse=False, num=1, den=1, mark=1000, brackets=[(0, 10_000, 20_000)], max_ticks=10**6
    )
    risk = risk_of([contract])
    position = Isolated(0, 5, 5_000, 100, 10)
    assert liquidation_ticks(risk.contracts, risk.tiers, 0, 5, 5_000, 100) > 0
    assert isolated.assess(risk.contracts, risk.tiers, position)[0] == 100
    scores, order = np.arange(5), np.arange(5)
    adl.queue(scores, order)
    adl.bands(scores, order, np.zeros(5, np.uint8))


def test_no_margin_kernel_counts_references():
    _use_tables()
    compiled = [code for kernel in kernels() for code in machine_code(kernel)]
    assert compiled or not jit.COMPILED
    assert not any(word in code for code in compiled for word in COUNTING)
