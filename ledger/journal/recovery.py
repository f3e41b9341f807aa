"""Start: everything durable goes through the engine and the projections again."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.journal.errors import JournalBehind, ProjectionBehind
from ledger.journal.journal import Journal
from ledger.journal.ports import Batch, Executes, Projects

REPLAY_RECORDS: Final = 4096
"""Frames are joined up to this size before they are executed: a lone command's frame would else
cost a call of the engine each. The result does not depend on it."""
BATCHES_AHEAD: Final = 4
"""So many batches the engine may be ahead of the projections, which fold on another core."""

Progress = Callable[[int, int], None]
"""Told (seq reached, last seq) after each step."""


def recover(
    journal: Journal,
    engine: Executes,
    projections: Sequence[Projects],
    progress: Progress | None = None,
) -> int:
    """Bring the engine, and the projections, to the journal's end.

    Args:
        journal: Open, so verified.
        engine: At any seq up to the journal's last: 0, or where its snapshot stands.
        projections: Each at the engine's seq or after it; what it has already is not repeated.
        progress: For people who wait.

    Returns:
        How many commands were executed.

    Raises:
        JournalBehind: A state knows commands that the journal has lost.
        ProjectionBehind: A projection misses results that only an engine before it could give.
        JournalCorrupt: The stored bytes changed since the journal was opened.
    """
    start_seq = engine.seq
    _check_states(journal.last_seq, engine, projections)
    with ThreadPoolExecutor(1, "projections") as folder:
        folding: deque[Future[None]] = deque()
        for commands in _joined(journal, start_seq + 1):
            if len(folding) == BATCHES_AHEAD:
                folding.popleft().result()
            batch = execute(engine, commands)
            folding.append(folder.submit(project, projections, batch))
            if progress is not None:
                progress(engine.seq, journal.last_seq)
        for left in folding:
            left.result()
    assert engine.seq == journal.last_seq
    return engine.seq - start_seq


def execute(engine: Executes, commands: NDArray[Any]) -> Batch:
    """Execute durable commands: with them, what they caused."""
    first_seq = engine.seq + 1
    executed = engine.execute(commands)
    assert executed.first_seq == first_seq
    assert len(executed.outcomes) == len(commands)
    assert engine.seq == first_seq + len(commands) - 1
    executed.events.flags.writeable = False
    return Batch(first_seq, commands, executed.outcomes, executed.events)


def project(projections: Sequence[Projects], batch: Batch) -> None:
    """Fold a batch into each projection that lacks it."""
    for projection in projections:
        if projection.seq < batch.last_seq:
            projection.apply(batch.after(projection.seq))


def _check_states(last_seq: int, engine: Executes, projections: Sequence[Projects]) -> None:
    if engine.seq > last_seq:
        raise JournalBehind(type(engine).__name__, engine.seq, last_seq)
    for projection in projections:
        if projection.seq > last_seq:
            raise JournalBehind(type(projection).__name__, projection.seq, last_seq)
        if projection.seq < engine.seq:
            raise ProjectionBehind(type(projection).__name__, projection.seq, engine.seq)


def _joined(journal: Journal, from_seq: int) -> Iterator[NDArray[Any]]:
    """The commands from from_seq on, in arrays of up to REPLAY_RECORDS or one frame."""
    held: list[NDArray[Any]] = []
    size = 0
    for frame in journal.read(from_seq):
        commands = frame.commands[max(0, from_seq - frame.first_seq) :]
        if size + len(commands) > REPLAY_RECORDS and held:
            yield _whole(held)
            held, size = [], 0
        held.append(commands)
        size += len(commands)
    if held:
        yield _whole(held)


def _whole(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """The parts as one array. Joined as bytes: numpy copies records field by field."""
    if len(parts) == 1:
        return parts[0]
    joined = np.concatenate([part.view(np.uint8) for part in parts])
    return joined.view(parts[0].dtype)
