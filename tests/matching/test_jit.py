"""The decorator keeps its promises: no reference counting, no stale machine code."""

import importlib
import pkgutil
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import ledger.engine
import matching
from ledger.engine import Engine, compile_kernels
from ledger.engine.kernels.run import run
from matching import jit
from tests.engine.streams import Stream, as_commands

COUNTING = (b"NRT_incref", b"NRT_decref")


def modules():
    """Every module of the two packages that hold the engine's kernels."""
    for package in (matching, ledger.engine):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            yield importlib.import_module(found.name)


def kernels():
    """Every dispatcher that a module defines."""
    for module in modules():
        for member in vars(module).values():
            if isinstance(member, Dispatcher) and member.__module__ == module.__name__:
                yield member


def machine_code(kernel):
    """The compiled code that a kernel's folder keeps; a part has none, its kernels have it all."""
    folder = kernel.stats.cache_path
    return [path.read_bytes() for path in Path(folder).rglob("*.nbc")] if folder else []


def test_no_compiled_kernel_counts_references():
    Engine().execute(as_commands(Stream(1).take(300)))
    assert len(list(kernels())) > 40 or not jit.COMPILED
    assert not jit.COMPILED or machine_code(run)
    for kernel in kernels():
        for code in machine_code(kernel):
            assert not any(word in code for word in COUNTING), kernel


def test_the_search_for_reference_counting_can_find_some(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    rebinds = numba.njit(cache=True)(_rebinds)
    rebinds(np.zeros(3), np.zeros(3), 2)
    found = jit.COMPILED and [w for code in machine_code(rebinds) for w in COUNTING if w in code]
    assert bool(found) == jit.COMPILED


def _rebinds(left, right, swaps):
    for _ in range(swaps):
        left, right = right, left.copy()
    return left


def test_the_engine_compiles_once_whatever_array_it_is_given():
    stream = as_commands(Stream(2).take(50))
    shifted = np.zeros(stream.nbytes + 1, np.uint8)
    shifted[1:] = stream.view(np.uint8)
    for commands in (stream, stream.copy(), shifted[1:].view(stream.dtype), stream[::1]):
        Engine().execute(commands)
    assert not jit.COMPILED or len(run.signatures) == 1


def test_warming_compiles_every_way_into_compiled_code():
    """Afterwards a busy engine adds no signature to any kernel."""
    compile_kernels()
    before = {kernel: len(kernel.signatures) for kernel in kernels()}
    engine = Engine()
    engine.execute(as_commands(Stream(3).take(400)))
    copy = Engine.restore(engine.snapshot())
    copy.depth(0, 3)
    copy.order(40)
    assert {kernel: len(kernel.signatures) for kernel in kernels()} == before


def test_compiled_code_is_named_by_all_sources_that_it_is_made_of():
    sources = jit.source_closure("ledger.engine.kernels.run")
    for module in ("ledger.engine.kernels.orders.trading", "matching.ids", "ledger.records.codes"):
        assert module in sources
    assert "ledger.engine.engine" not in sources
    assert "tests.engine.streams" not in jit.source_closure("tests.engine.streams")


@pytest.mark.parametrize("changes", ["matching.ids", "matching.pins", "matching.tables"])
def test_a_changed_callee_or_lowering_has_another_folder(monkeypatch, changes):
    before = jit._folder("ledger.engine.kernels.run")
    read = jit.source_closure

    def changed(module):
        return read(module) | {changes: b"another"}

    monkeypatch.setattr(jit, "source_closure", changed)
    jit._folder.cache_clear()
    after = jit._folder("ledger.engine.kernels.run")
    jit._folder.cache_clear()
    assert before != after
