"""Figures of processes that start fresh: how soon kernels are ready, what an engine holds.

A start is timed from outside: from the moment the process is asked for until it says that every
kernel of engine and read model has run. Cold means an own, empty folder for compiled code.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from api.bench import fresh
from api.bench.harness import Figure, Suite
from ledger.engine.bench import NS

START_NAMES: Final = ("start.warm_s", "start.cold_s")
MEMORY_NAMES: Final = ("memory.1m_gib", "memory.1m_peak_gib")
CACHE: Final = "NUMBA_CACHE_DIR"
MILLION: Final = 1_000_000
GIB: Final = 1 << 30


def measure_start() -> Iterator[Figure]:
    """One process with an empty cache, then another with the cache that it left."""
    with tempfile.TemporaryDirectory(prefix="provenue-bench-") as folder:
        cold_ns = start_ns(Path(folder))
        warm_ns = start_ns(Path(folder))
    yield Figure(START_NAMES[0], warm_ns / NS, "s")
    yield Figure(START_NAMES[1], cold_ns / NS, "s")


def start_ns(cache: Path) -> int:
    """Nanoseconds until a process with this cache of compiled code is ready."""
    began_ns = time.perf_counter_ns()
    answer = ask(["start"], {**os.environ, CACHE: str(cache)})
    assert answer == fresh.READY, "the process said that it is ready"
    return time.perf_counter_ns() - began_ns


def measure_memory(accounts: int = MILLION, orders: int = MILLION) -> Iterator[Figure]:
    """GiB of an engine at rest, and the most while it grew to that."""
    numbers = ask(["memory", str(accounts), str(orders)], dict(os.environ)).split()
    for name, held_bytes in zip(MEMORY_NAMES, numbers, strict=True):
        yield Figure(name, int(held_bytes) / GIB, "GiB")


def ask(arguments: list[str], environment: dict[str, str]) -> str:
    """What a fresh process answers; its progress goes to our stderr.

    Raises:
        CalledProcessError: It failed; its own words are on stderr.
    """
    command = [sys.executable, "-m", fresh.__name__, *arguments]
    done = subprocess.run(  # noqa: S603 - our own module, by this interpreter
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


START: Final = Suite(START_NAMES, measure_start)
MEMORY: Final = Suite(MEMORY_NAMES, measure_memory)
