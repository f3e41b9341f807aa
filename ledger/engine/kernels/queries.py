"""What reads ask of kernels: entry points that Python may call."""

from ledger.engine.kernels.account_margin import assess
from ledger.engine.state import State
from matching.jit import kernel


@kernel
def judge(state: State, account: int) -> tuple[int, int, int]:
    """(equity, maintenance, initial) of an account, in valuation units."""
    return assess(state, account)
