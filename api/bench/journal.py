"""The whole engine with its journal on the disk, beside what the bare disk does."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from api.bench.harness import Figure, Suite
from ledger.engine.bench import FULL, SEED, Size
from ledger.engine.engine import Engine
from ledger.engine.flows.mixed import mixed_flow
from ledger.engine.flows.shape import set_up
from ledger.journal.bench import VENUE, frames_per_s, journaled_per_s, record
from ledger.journal.journal import Journal

BATCH: Final = 512
FRAMES: Final = 400
"""Frames of the two figures that append without an engine, one after the other."""
NAMES: Final = (
    "engine.journaled512", "journal.append512_per_s", "journal.bare_disk512_per_s",
)  # fmt: skip


def measure_journal(size: Size = FULL, frames: int = FRAMES) -> Iterator[Figure]:
    """Batches of 512, group commit; then frames of 512, each synced alone: journal, bare disk.

    The files stand where temporary files do (TMPDIR chooses the disk), and are removed.
    """
    with tempfile.TemporaryDirectory(prefix="provenue-bench-") as folder:
        rates = sorted(_journaled(Path(folder) / f"run{run}", size) for run in range(size.runs))
        appended = frames_per_s(Path(folder), BATCH, frames)
    yield Figure(NAMES[0], rates[size.runs // 2], "commands/s")
    yield Figure(NAMES[1], appended.value, "commands/s")
    yield Figure(NAMES[2], appended.yardstick, "commands/s")


def _journaled(directory: Path, size: Size) -> int:
    """One run: the set-up is journaled too, untimed; then the mixed flow, timed."""
    engine, journal = Engine(), Journal.open(directory, VENUE)
    try:
        for commands in set_up(size.shape):
            record(journal, engine, commands)
        flow = mixed_flow(size.shape, engine.seq + 1, size.flow, SEED)
        return asyncio.run(journaled_per_s(journal, engine, flow, BATCH, time.time_ns))
    finally:
        journal.close()


JOURNAL: Final = Suite(NAMES, measure_journal)
