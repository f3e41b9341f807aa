"""The reference engine's TICK: what is due when time passes."""

from types import SimpleNamespace

from ledger.engine.reference.effects import Effects
from ledger.engine.reference.state import State, require
from ledger.engine.reference.sweeps import expire_due
from ledger.records.codes import Reject


def tick(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """TICK.

    Raises:
        Rejected: MALFORMED.
    """
    require(c.clean and c.flags == c.account == 0, Reject.MALFORMED)
    expire_due(state, effects)
