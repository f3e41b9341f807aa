"""Figures of fresh processes: they are of processes that did the work, or they fail."""

import re
import subprocess
import sys
from os import environ
from pathlib import Path

import pytest

from api.bench import fresh, process
from ledger.engine.flows.shape import Shape


def test_a_fresh_process_says_when_every_kernel_is_ready():
    """With the cache that this suite uses: a cold start takes a minute."""
    assert process.ask(["start"], dict(environ)) == fresh.READY


def test_a_start_is_timed_only_if_the_process_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "ask", lambda *_: "")
    with pytest.raises(AssertionError, match="said that it is ready"):
        process.start_ns(tmp_path)


def test_cold_is_an_empty_cache_and_warm_is_what_it_left(monkeypatch):
    met = []

    def ask(arguments, environment):
        folder = Path(environment[process.CACHE])
        met.append(sorted(path.name for path in folder.iterdir()))
        (folder / "kernel").touch()
        return fresh.READY

    monkeypatch.setattr(process, "ask", ask)
    figures = {figure.name: figure.value for figure in process.measure_start()}
    assert met == [[], ["kernel"]]
    assert figures.keys() == set(process.START_NAMES)
    assert all(value > 0 for value in figures.values())


def test_a_process_that_fails_is_an_error():
    with pytest.raises(subprocess.CalledProcessError):
        process.ask(["no-such-work"], dict(environ))


def test_memory_is_of_an_engine_that_holds_what_was_asked():
    now, most = process.measure_memory(accounts=300, orders=2000)
    assert (now.name, most.name) == process.MEMORY_NAMES
    assert 0 < now.value <= most.value < 0.2


def test_a_filled_engine_has_every_order_alive():
    engine = fresh.filled(Shape(accounts=30, instruments=fresh.INSTRUMENTS), 1000)
    assert engine.open_order_count == 1000
    assert engine.account_count == 46


def test_what_a_process_holds_grows_with_what_it_touches():
    before = fresh.held_bytes("VmRSS")
    touched = b"x" * (32 << 20)
    assert fresh.held_bytes("VmRSS") - before > len(touched) // 2
    assert fresh.held_bytes("VmHWM") >= fresh.held_bytes("VmRSS")


def test_a_cold_start_reports_progress_while_it_compiles(tmp_path):
    """One process, an empty cache: stopped once it has told how far it is."""
    environment = {**environ, process.CACHE: str(tmp_path)}
    command = [sys.executable, "-m", fresh.__name__, "start"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stderr is not None
            line = child.stderr.readline()
        finally:
            child.kill()
    # Groups where several processes compile, functions where there is one core.
    assert re.fullmatch(
        r"compiling kernels: (0 of [2-9] groups|\d+ functions .*) after 3 s\n", line
    )
