"""A batch as kernels read it: the same bytes in every layout, pinned.

Most batches of a live venue hold a few commands, and to make views of them, and to pin those, takes
ten times as long as to fold them. So a small batch is copied to memory that is pinned once; only a
large one is read where it is.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.journal.ports import Batch
from ledger.readmodel.layout import Records, numeric
from ledger.records.layout import (
    ASSET,
    COMMAND,
    DECISION,
    DEPOSIT,
    EVENT,
    INSTRUMENT,
    MARGIN_MODE,
    ORDER,
    OUTCOME,
    POSITION_MODE,
    WITHDRAWAL,
)
from matching.pins import pin

COMMANDS_STAGED: Final = 512
EVENTS_STAGED: Final = 1024
"""Up to so many are copied: a larger batch takes longer to copy than to view."""

_WORD: Final = np.dtype(np.int64)
_COMMAND_WORDS: Final = COMMAND.itemsize // _WORD.itemsize
_OUTCOME_WORDS: Final = OUTCOME.itemsize // _WORD.itemsize
_EVENT_WORDS: Final = EVENT.itemsize // _WORD.itemsize

_LAYOUTS: Final = {
    "commands": numeric(ORDER),
    "listings": numeric(INSTRUMENT),
    "assets": numeric(ASSET),
    "deposits": numeric(DEPOSIT),
    "withdrawals": numeric(WITHDRAWAL),
    "decisions": numeric(DECISION),
    "stances": numeric(POSITION_MODE),
    "margin_modes": numeric(MARGIN_MODE),
}


class Staging:
    """Memory for small batches."""

    def __init__(self) -> None:
        commands = np.zeros(COMMANDS_STAGED, COMMAND)
        outcomes = np.zeros(COMMANDS_STAGED, OUTCOME)
        events = np.zeros(EVENTS_STAGED, EVENT)
        self._commands = commands.view(_WORD)
        self._outcomes = outcomes.view(_WORD)
        self._events = events.view(_WORD)
        self._records = _pinned(commands, outcomes, events)

    def records(self, batch: Batch) -> Records:
        """The batch in the first rows; good until the next call."""
        commands, outcomes, events = batch.commands, batch.outcomes, batch.events
        if len(commands) > COMMANDS_STAGED or len(events) > EVENTS_STAGED:
            return _pinned(commands, outcomes, events)
        _copy(commands, self._commands, _COMMAND_WORDS)
        _copy(outcomes, self._outcomes, _OUTCOME_WORDS)
        _copy(events, self._events, _EVENT_WORDS)
        return self._records


def _copy(rows: NDArray[Any], words: NDArray[np.int64], width: int) -> None:
    """Copied as words: numpy copies records field by field."""
    size = len(rows) * width
    # A new array of words over records costs a third of a view.
    words[:size] = np.ndarray(size, _WORD, np.ascontiguousarray(rows))


def _pinned(commands: NDArray[Any], outcomes: NDArray[Any], events: NDArray[Any]) -> Records:
    plain = _frozen(commands)
    views = {name: plain.view(layout) for name, layout in _LAYOUTS.items()}
    return pin(Records(outcomes=_frozen(outcomes), events=_frozen(events), **views))


def _frozen(rows: NDArray[Any]) -> NDArray[Any]:
    """Contiguous, aligned and read-only: kernels are compiled for that kind of array alone."""
    view: NDArray[Any] = np.require(rows, requirements=("C", "A")).view()
    view.flags.writeable = False
    return view
