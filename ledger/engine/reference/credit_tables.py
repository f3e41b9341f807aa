"""The reference engine's fees and credit as canonical tables."""

from typing import Any

from numpy.typing import NDArray

from ledger.engine import credit_layout
from ledger.engine.credit_layout import LOANS_PER_ACCOUNT, SCHEDULES_MAX, TIERS, WINDOW_DAYS
from ledger.engine.reference.loans import lent
from ledger.engine.reference.margin import pledged
from ledger.engine.reference.rows import table_of
from ledger.engine.reference.state import State
from ledger.engine.root import TableId

Row = dict[str, int]


def credit_tables(state: State) -> dict[TableId, NDArray[Any]]:
    """Every table of fees and credit, built afresh."""
    accounts = range(len(state.accounts))
    return {
        TableId.FEE_SCHEDULES: table_of(
            credit_layout.SCHEDULE_ROW, [_schedule(state, n + 1) for n in range(SCHEDULES_MAX)]
        ),
        TableId.FEE_TIERS: table_of(
            credit_layout.FEE_TIER_ROW,
            [row for n in range(SCHEDULES_MAX) for row in _tiers(state, n + 1)],
        ),
        TableId.VOLUMES: table_of(
            credit_layout.VOLUME_ROW, [_volume(state, account) for account in accounts]
        ),
        TableId.VOLUME_DAYS: table_of(
            credit_layout.DAYS_ROW, [_days(state, account) for account in accounts]
        ),
        TableId.LENDING: table_of(
            credit_layout.LENDING_ROW, [_lending(state, n) for n in range(len(state.assets))]
        ),
        TableId.LOANS: table_of(credit_layout.LOAN_ROW, _loans(state)),
        TableId.BORROWERS: table_of(
            credit_layout.BORROWER_ROW, [_borrower(state, account) for account in accounts]
        ),
    }


def _lending(state: State, asset: int) -> Row:
    terms = state.lending.get(asset)
    if terms is None:
        return {}
    return {
        "hourly_ppt": terms.hourly_ppt,
        "limit_minor": terms.limit,
        "lent_minor": lent(state, asset),
        "index_ppt": terms.index,
        "hour": terms.hour,
        "open_ppm": terms.opens_ppm,
        "call_ppm": terms.calls_ppm,
        "liquidate_ppm": terms.liquidates_ppm,
        "charged_ppt": terms.charged,
    }


def _loans(state: State) -> list[Row]:
    rows: list[Row] = []
    for account, borrower in state.borrowers.items():
        for loan in borrower.loans:
            row: Row = {"account": account}
            if loan is not None:
                row |= {
                    "principal_minor": loan.principal,
                    "interest_minor": loan.interest,
                    "index_ppt": loan.index,
                    "asset": loan.asset,
                }
            rows.append(row)
    return rows


def _borrower(state: State, account: int) -> Row:
    borrower = state.borrowers.get(account)
    if borrower is None:
        return {}
    return {
        "pledged_minor": pledged(state, account),
        "first": list(state.borrowers).index(account) * LOANS_PER_ACCOUNT + 1,
        "called": int(borrower.called),
    }


def _schedule(state: State, number: int) -> Row:
    schedule = state.schedules.get(number)
    return {"taken": 1, "api_discount_ppm": schedule.api_discount_ppm} if schedule else {}


def _tiers(state: State, number: int) -> list[Row]:
    schedule = state.schedules.get(number)
    if schedule is None:
        return [{}] * TIERS
    names = ("volume_minor", "taker_ppm", "maker_ppm")
    return [dict(zip(names, tier, strict=True)) for tier in schedule.tiers]


def _latest(days: dict[int, int]) -> int:
    return max(days, default=0)


def _earlier(days: dict[int, int]) -> dict[int, int]:
    """The 29 days before the latest one."""
    last = _latest(days)
    return {day: worth for day, worth in days.items() if last - WINDOW_DAYS < day < last}


def _volume(state: State, account: int) -> Row:
    days = state.volumes.get(account, {})
    return {
        "today_minor": days.get(_latest(days), 0),
        "before_minor": sum(_earlier(days).values()),
        "day": _latest(days),
        "holder": state.accounts[account].master,
    }


def _days(state: State, account: int) -> Row:
    earlier = _earlier(state.volumes.get(account, {}))
    return {f"day_{day % WINDOW_DAYS}": worth for day, worth in earlier.items()}
