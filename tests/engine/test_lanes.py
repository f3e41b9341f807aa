"""The lanes agree: compiled, plain Python, and with every index checked."""

import copy
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ledger.engine import Engine
from matching.jit import kernel
from tests.engine.order_streams import OrderStream
from tests.engine.streams import Stream, as_commands

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = Path(__file__).parent / "golden" / "roots.json"
REWRITE = "PROVENUE_REWRITE_GOLDEN"
"""Set to 1, golden files are written instead of compared."""
STREAMS = {str(seed): Stream(seed) for seed in range(6)}
STREAMS |= {f"orders {seed}": OrderStream(seed) for seed in range(6)}
LENGTH = 400
SCRIPT = """
import json, sys
from tests.engine.test_lanes import reads_outside, roots
json.dump({"roots": roots(), "outside": reads_outside()}, sys.stdout)
"""


@kernel
def entry(table, place):
    return table[place]


def reads_outside():
    """Whether this lane lets a kernel read outside its array."""
    try:
        entry(np.zeros(4, np.int64)[:2], 3)
    except IndexError:
        return False
    return True


def roots():
    """The state roots and the digests of results after each golden stream."""
    found = {}
    for name, stream in STREAMS.items():
        engine = Engine()
        done = engine.execute(as_commands(copy.deepcopy(stream).take(LENGTH)))
        found[name] = {
            "root": engine.state_root().hex(),
            "outcomes": hashlib.sha256(done.outcomes.tobytes()).hexdigest(),
            "events": hashlib.sha256(done.events.tobytes()).hexdigest(),
        }
    return found


def test_the_golden_roots_are_still_the_roots():
    """A change here is a change of the protocol: replicas of two versions would disagree."""
    if os.environ.get(REWRITE) == "1":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(roots(), indent=1) + "\n")
    assert roots() == json.loads(GOLDEN.read_text())


@pytest.mark.parametrize("lane", ["NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"])
def test_another_process_in_another_lane_finds_the_same_roots(lane):
    """And no index leaves its array on the way: both lanes would raise."""
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        env=os.environ | {lane: "1", "PYTHONPATH": str(ROOT)},
        cwd=ROOT, check=True, capture_output=True, timeout=280,
    )  # fmt: skip
    assert json.loads(found.stdout) == {"roots": json.loads(GOLDEN.read_text()), "outside": False}
