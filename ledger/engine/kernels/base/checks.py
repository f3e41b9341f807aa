"""Checks that several families of commands share."""

from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.state import Commands, State
from matching.jit import i64, inner

_WORDS = 16


@inner
def is_customer(state: State, account: int) -> bool:
    """System accounts neither trade nor withdraw."""
    return CUSTOMER_FIRST <= account < i64(state.header["account_count"][0])


@inner
def unsigned(commands: Commands, row: int) -> bool:
    """A command of the venue's own: no account, no flags."""
    header = commands.header
    return i64(header["account"][row]) == 0 and i64(header["flags"][row]) == 0


@inner
def blank_from(commands: Commands, row: int, first: int) -> bool:
    """Whether the words of a command from `first` on are all zero."""
    found = i64(0)
    for word in range(first, _WORDS):
        found |= commands.words[row, word]
    return found == 0
