"""TICK: time passes, and what is due by then happens."""

from ledger.engine.kernels.checks import blank_from, unsigned
from ledger.engine.kernels.sweeps import expire_due
from ledger.engine.state import Commands, Results, State, first_word
from ledger.records.codes import Reject
from ledger.records.layout import COMMAND
from matching.jit import inner

_NONE = int(Reject.NONE)
_MALFORMED = int(Reject.MALFORMED)
_RESERVED = first_word(COMMAND, "reserved")


@inner
def tick(state: State, commands: Commands, results: Results, row: int) -> int:
    """TICK. Returns a `Reject`; unless it is NONE nothing changed."""
    if not unsigned(commands, row) or not blank_from(commands, row, _RESERVED):
        return _MALFORMED
    expire_due(state, results)
    return _NONE
