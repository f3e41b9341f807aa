"""Figures of the journal and the sequencer: each beside what the bare disk does in the same run."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.journal.journal import Journal
from ledger.journal.layout import FRAME_RECORDS_MAX, VENUE_BYTES
from ledger.journal.ports import Clock, Executes
from ledger.journal.scan import read_journal
from ledger.journal.sequencer import Sequencer
from ledger.records.layout import COMMAND, COMMAND_BYTES

_SECOND_NS: Final = 1_000_000_000
VENUE: Final = b"bench".ljust(VENUE_BYTES, b"\0")
CLIENTS: Final = 32
"""Submitters of the pipelined figures: enough that a frame gathers while one syncs."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `yardstick` is the same quantity for the bare disk, in the same unit."""

    name: str
    value: int
    unit: str
    yardstick: int


def frames_per_s(directory: Path, records: int, frames: int) -> Figure:
    """Commands per second through `Journal.append` in frames of `records`, one after the other."""
    rows = _commands(records)
    with_journal = Journal.open(directory / f"append{records}", VENUE)
    value = _per_s(lambda: with_journal.append(rows), frames, records)
    with_journal.close()
    fd = os.open(directory / "bare", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.posix_fallocate(fd, 0, frames * rows.nbytes)
    body = rows.view(np.uint8).data

    def bare() -> None:
        os.write(fd, body)
        os.fdatasync(fd)

    yardstick = _per_s(bare, frames, records)
    os.close(fd)
    return Figure(f"journal.append{records}_per_s", value, "commands/s", yardstick)


def read_per_s(directory: Path, commands: int) -> Figure:
    """Commands per second verified and read; the yardstick reads the same bytes unverified."""
    rows = _commands(FRAME_RECORDS_MAX)
    journal = Journal.open(directory / "read", VENUE)
    while journal.last_seq < commands:
        journal.append(rows)
    journal.close()
    start_ns = perf_counter_ns()
    count = sum(len(frame.commands) for frame in read_journal(directory / "read", VENUE))
    value = count * _SECOND_NS // (perf_counter_ns() - start_ns)
    start_ns = perf_counter_ns()
    for path in (directory / "read").iterdir():
        path.read_bytes()
    yardstick = count * _SECOND_NS // (perf_counter_ns() - start_ns)
    return Figure("journal.read_per_s", value, "commands/s", yardstick)


def record(journal: Journal, engine: Executes, commands: NDArray[Any]) -> None:
    """Journal and execute commands, untimed, in frames as full as a busy venue's.

    Args:
        journal: At the engine's seq.
        engine: At the journal's seq.
        commands: COMMAND, any number; not changed: the stamps go into copies.
    """
    for first in range(0, len(commands), FRAME_RECORDS_MAX):
        frame = commands[first : first + FRAME_RECORDS_MAX].copy()
        frame["time_ns"] = max(1, journal.last_time_ns)
        journal.append(frame)
        engine.execute(frame)


async def journaled_per_s(
    journal: Journal, engine: Executes, commands: NDArray[Any], batch: int, clock: Clock
) -> int:
    """Commands per second through the whole sequencer: durable, executed and answered.

    Args:
        journal: At the engine's seq.
        engine: At the journal's seq, warmed up (its kernels compiled).
        commands: COMMAND; sent in this order, `batch` a submission.
        batch: Commands a submission; CLIENTS submissions wait together and share frames.
        clock: The stamps' source.
    """
    sequencer = Sequencer(journal, engine, [], clock)
    sequencer.start()
    parts = iter([commands[at : at + batch] for at in range(0, len(commands), batch)])

    async def client() -> None:
        for part in parts:
            await sequencer.submit_many(part)

    start_ns = perf_counter_ns()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    value = len(commands) * _SECOND_NS // (perf_counter_ns() - start_ns)
    await sequencer.close()
    return value


async def submit_to_ack_ns(
    directory: Path, engine: Executes, commands: list[bytes], clock: Clock
) -> list[int]:
    """Nanoseconds from submission to answer, one command at a time, ascending."""
    journal = Journal.open(directory, VENUE)
    sequencer = Sequencer(journal, engine, [], clock)
    sequencer.start()
    taken = []
    for command in commands:
        start_ns = perf_counter_ns()
        await sequencer.submit(command)
        taken.append(perf_counter_ns() - start_ns)
    await sequencer.close()
    journal.close()
    return sorted(taken)


def _commands(count: int) -> NDArray[Any]:
    rows = np.zeros(count, COMMAND)
    rows["time_ns"] = 1
    assert rows.nbytes == count * COMMAND_BYTES
    return rows


def _per_s(call: Callable[[], object], times: int, records: int) -> int:
    start_ns = perf_counter_ns()
    for _ in range(times):
        call()
    return times * records * _SECOND_NS // (perf_counter_ns() - start_ns)
