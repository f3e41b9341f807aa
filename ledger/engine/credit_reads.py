"""Reads of fees and credit, for between two batches. None of them changes anything."""

from dataclasses import dataclass

from ledger.engine.credit_layout import DAY_NS, LOANS_PER_ACCOUNT, SCHEDULES_MAX, TIERS, WINDOW_DAYS
from ledger.engine.state import State


@dataclass(frozen=True, slots=True)
class EngineLoan:
    """What an account owes of one asset; interest is charged up to the last TICK."""

    asset: int
    principal_minor: int
    interest_minor: int


@dataclass(frozen=True, slots=True)
class EngineCredit:
    """A margin account's terms; `leverage` 0 is none, `pair` all that it may trade."""

    leverage: int
    pair: int | None
    pledged_minor: int
    called: bool
    loans: tuple[EngineLoan, ...]


def credit_of(state: State, account: int) -> EngineCredit:
    """An account's leverage, pledges and loans; nothing for what does not exist."""
    if not 0 <= account < int(state.header["account_count"][0]):
        return EngineCredit(0, None, 0, called=False, loans=())
    row, seat = state.credit.borrowers[account], state.seats[account]
    first = int(row["first"]) - 1
    rows = state.credit.loans[first : first + LOANS_PER_ACCOUNT] if first >= 0 else ()
    loans = tuple(
        EngineLoan(int(loan["asset"]), int(loan["principal_minor"]), int(loan["interest_minor"]))
        for loan in rows
        if loan["principal_minor"] or loan["interest_minor"]
    )
    pair = int(seat["pair"]) - 1
    return EngineCredit(
        leverage=int(seat["leverage"]),
        pair=pair if pair >= 0 else None,
        pledged_minor=int(row["pledged_minor"]),
        called=bool(row["called"]),
        loans=loans,
    )


def volume_minor(state: State, account: int) -> int:
    """What an account, or its master, traded in thirty days up to the engine's time."""
    if not 0 <= account < int(state.header["account_count"][0]):
        return 0
    rows = state.credit.volumes
    holder = int(rows["holder"][account]) or account
    last, today = int(rows["day"][holder]), int(state.header["time_ns"][0]) // DAY_NS
    if today - last >= WINDOW_DAYS:
        return 0
    gone = sum(
        int(state.credit.days[holder, day % WINDOW_DAYS]) for day in range(last + 1, today + 1)
    )
    return int(rows["today_minor"][holder] + rows["before_minor"][holder]) - gone


def fee_tier(state: State, account: int, schedule: int) -> int | None:
    """The tier, 1..6, that an account's volume opens; None when the schedule was never set."""
    if not 1 <= schedule <= SCHEDULES_MAX or not state.credit.schedules["taken"][schedule - 1]:
        return None
    floors = state.credit.tiers["volume_minor"][(schedule - 1) * TIERS : schedule * TIERS]
    return int((floors <= volume_minor(state, account)).sum())
