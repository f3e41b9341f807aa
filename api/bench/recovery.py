"""How fast a venue comes back: ten million commands read, verified and executed again.

Two roads, both of the very functions that start a venue: `Journal.open` verifies the whole chain,
`recover` reads it again, executes it, and folds it into projections.

- With a snapshot: `Engine.restore` from a file, then the commands after it, engine alone. A replica
  or a standby that keeps snapshots comes back so.
- As `api/venue` starts today, which keeps none: from the first command, engine and read model.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.bench.harness import Figure, Suite
from api.devnet.warmup import compile_kernels
from ledger.engine.bench import NS, SEED, SHAPE
from ledger.engine.engine import Engine
from ledger.engine.flows.mixed import mixed_flow
from ledger.engine.flows.shape import Shape, set_up
from ledger.journal.bench import VENUE, record
from ledger.journal.journal import Journal
from ledger.journal.recovery import recover
from ledger.readmodel.model import ReadModel

COMMANDS: Final = 10_000_000
PART: Final = 1_000_000
NAMES: Final = ("recovery.10m_s", "recovery.10m_venue_s")


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a venue left on the disk.

    Attributes:
        snapshot: A file with the engine's state before the flow.
        journal: The directory with every command.
        commands: How many come after the snapshot.
        root: The state root at the end.
    """

    snapshot: Path
    journal: Path
    commands: int
    root: bytes


def measure_recovery(commands: int = COMMANDS, shape: Shape = SHAPE) -> Iterator[Figure]:
    """Seconds of each road; where it leads is compared with the venue that stopped, untimed."""
    with tempfile.TemporaryDirectory(prefix="provenue-bench-") as folder:
        compile_kernels()
        stopped = run_and_stop(Path(folder), shape, commands)
        yield Figure(NAMES[0], from_snapshot_ns(stopped) / NS, "s")
        yield Figure(NAMES[1], from_nothing_ns(stopped) / NS, "s")


def run_and_stop(folder: Path, shape: Shape, commands: int) -> Stopped:
    """Run a venue through the flow, then let go of everything but its files."""
    directory, snapshot = folder / "journal", folder / "snapshot"
    engine, journal = Engine(), Journal.open(directory, VENUE)
    try:
        for part in set_up(shape):
            record(journal, engine, part)
        snapshot.write_bytes(engine.snapshot())
        for number, first in enumerate(range(0, commands, PART)):
            count = min(PART, commands - first)
            record(journal, engine, mixed_flow(shape, engine.seq + 1, count, SEED + number))
    finally:
        journal.close()
    return Stopped(snapshot, directory, commands, engine.state_root())


def from_snapshot_ns(stopped: Stopped) -> int:
    """Nanoseconds until an engine stands where the venue stopped, from its snapshot."""
    _forget(stopped)
    began_ns = time.perf_counter_ns()
    engine = Engine.restore(stopped.snapshot.read_bytes())
    journal = Journal.open(stopped.journal, VENUE)
    try:
        executed = recover(journal, engine, [])
        taken_ns = time.perf_counter_ns() - began_ns
    finally:
        journal.close()
    assert executed == stopped.commands, "all after the snapshot, and nothing else"
    assert engine.state_root() == stopped.root, "the same state"
    return taken_ns


def from_nothing_ns(stopped: Stopped) -> int:
    """Nanoseconds until engine and read model stand there, from the first command."""
    _forget(stopped)
    began_ns = time.perf_counter_ns()
    engine, history = Engine(), ReadModel(SEED)
    journal = Journal.open(stopped.journal, VENUE)
    try:
        recover(journal, engine, [history])
        taken_ns = time.perf_counter_ns() - began_ns
    finally:
        journal.close()
    assert history.seq == engine.seq, "both stand at the end"
    assert engine.state_root() == stopped.root, "the same state"
    return taken_ns


def _forget(stopped: Stopped) -> None:
    """Ask the system to drop the files from its memory, so that they are read from the disk."""
    for path in (stopped.snapshot, *stopped.journal.iterdir()):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)


RECOVERY: Final = Suite(NAMES, measure_recovery)
