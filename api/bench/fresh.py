"""What only a process of its own can show: how it starts, and what memory it holds.

`python -m api.bench.fresh start` has every kernel ready, then says so. `… memory ACCOUNTS ORDERS`
fills an engine, then prints the bytes beyond what the process held before. `process.py` beside
this file starts both; progress goes to stderr.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from api.devnet.warmup import compile_kernels, load_kernels
from ledger.engine.bench import SEED
from ledger.engine.engine import Engine
from ledger.engine.flows.shape import Shape, prepared
from ledger.engine.flows.storms import standing_orders
from ledger.records import layout

READY: Final = "ready"
INSTRUMENTS: Final = 20
PART: Final = 1 << 16
"""Orders that are built at a time, so that they hardly count beside the engine."""
STATUS: Final = Path("/proc/self/status")
KIB: Final = 1024


def start() -> str:
    """Load every kernel of engine and read model, or compile what no cache has."""
    asyncio.run(load_kernels(lambda text: sys.stderr.write(f"{text}\n")))
    return READY


def memory(accounts: int, orders: int) -> str:
    """Bytes now and at most, beyond those before, of a full engine: `now most`."""
    compile_kernels()
    before = held_bytes("VmRSS")
    engine = filled(Shape(accounts, INSTRUMENTS), orders)
    now, most = (held_bytes(name) - before for name in ("VmRSS", "VmHWM"))
    assert engine.open_order_count == orders, "all of it is alive while it is measured"
    return f"{now} {most}"


def filled(shape: Shape, orders: int) -> Engine:
    """An engine whose accounts each have money in every asset, with so many live orders."""
    engine = prepared(shape)
    rng = np.random.default_rng(SEED)
    for first in range(0, orders, PART):
        part = standing_orders(shape, first, min(PART, orders - first), rng)
        outcomes = engine.execute(part.view(layout.COMMAND)).outcomes
        assert not outcomes["reject"].any(), "money never runs short here"
    return engine


def held_bytes(name: str) -> int:
    """A line of the system's account of this process: VmRSS, held now, or VmHWM, held at most."""
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * KIB


def main(arguments: Sequence[str]) -> str:
    """One figure's work, by name; numbers follow the name."""
    match arguments:
        case ["start"]:
            return start()
        case ["memory", accounts, orders]:
            return memory(int(accounts), int(orders))
        case _:
            sys.exit(f"no work is called {arguments}")


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]) + "\n")
