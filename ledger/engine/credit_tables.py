"""Makes, grows, names and restores the tables of fees and credit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger.engine.credit_layout import (
    DAY_VOLUME_MAX,
    DAYS_ROW,
    FEE_TIER_ROW,
    PER_MILLE_PPM,
    REBATE_PPM_MAX,
    SCHEDULE_ROW,
    SCHEDULES_MAX,
    TIERS,
    VOLUME_ROW,
    WINDOW_DAYS,
    Credit,
)
from ledger.engine.limits import FEE_PPM_MAX
from ledger.engine.root import TableId
from ledger.engine.soundness import Tables, is_within, require
from ledger.margin.limits import SUM_MAX
from matching.arena import grown
from matching.units import PPM


def new_credit(accounts: int) -> Credit:
    """No schedule, and nobody has traded."""
    return Credit(
        schedules=np.zeros(SCHEDULES_MAX, SCHEDULE_ROW),
        tiers=np.zeros(SCHEDULES_MAX * TIERS, FEE_TIER_ROW),
        volumes=np.zeros(accounts, VOLUME_ROW),
        days=np.zeros((accounts, WINDOW_DAYS), np.int64),
    )


def grown_credit(credit: Credit, accounts: int) -> Credit:
    """The same content with rows for so many accounts."""
    return credit._replace(
        volumes=grown(credit.volumes, accounts),
        days=_as_words(grown(_as_rows(credit.days), accounts)),
    )


def _as_rows(days: NDArray[np.int64]) -> NDArray[Any]:
    return days.reshape(-1).view(DAYS_ROW)


def _as_words(rows: NDArray[Any]) -> NDArray[np.int64]:
    return rows.view(np.int64).reshape(-1, WINDOW_DAYS)


def credit_tables(credit: Credit, accounts: int) -> dict[TableId, NDArray[Any]]:
    """The used rows of every table of fees and credit."""
    return {
        TableId.FEE_SCHEDULES: credit.schedules,
        TableId.FEE_TIERS: credit.tiers,
        TableId.VOLUMES: credit.volumes[:accounts],
        TableId.VOLUME_DAYS: _as_rows(credit.days[:accounts]),
    }


def check_credit(tables: Tables) -> None:
    """Everything about fees and credit that kernels believe.

    Raises:
        SnapshotCorrupt: The tables contradict each other, or leave their bounds.
    """
    accounts = len(tables[TableId.ACCOUNTS])
    counts = {
        TableId.FEE_SCHEDULES: SCHEDULES_MAX,
        TableId.FEE_TIERS: SCHEDULES_MAX * TIERS,
        TableId.VOLUMES: accounts,
        TableId.VOLUME_DAYS: accounts,
    }
    for table, count in counts.items():
        require(holds=len(tables[table]) == count, reason=f"{table.name.lower()} of other rows")
    _check_fees(tables)
    _check_volumes(tables)


def _check_fees(tables: Tables) -> None:
    schedules, tiers = tables[TableId.FEE_SCHEDULES], tables[TableId.FEE_TIERS]
    saved, instruments = schedules["api_discount_ppm"], tables[TableId.INSTRUMENTS]
    require(
        holds=is_within(schedules["taken"], 0, 2)
        and is_within(saved, 0, PPM + 1)
        and not (saved % PER_MILLE_PPM).any()
        and is_within(tiers["taker_ppm"], 0, FEE_PPM_MAX + 1)
        and is_within(tiers["maker_ppm"], -REBATE_PPM_MAX, FEE_PPM_MAX + 1)
        and is_within(tiers["volume_minor"], 0, SUM_MAX + 1),
        reason="a fee schedule's numbers",
    )
    chosen = instruments["fee_schedule"].astype(np.int64)
    require(holds=is_within(chosen, 0, SCHEDULES_MAX + 1), reason="an instrument's fee schedule")
    taken = schedules["taken"][chosen[chosen > 0] - 1]
    require(holds=bool(taken.all()), reason="an instrument's fee schedule")


def _check_volumes(tables: Tables) -> None:
    rows, days = tables[TableId.VOLUMES], _as_words(tables[TableId.VOLUME_DAYS])
    masters = tables[TableId.ACCOUNTS]["master"]
    require(holds=bool((rows["holder"] == masters).all()), reason="whose volume an account's is")
    require(
        holds=is_within(rows["today_minor"], 0, DAY_VOLUME_MAX + 1)
        and is_within(days, 0, DAY_VOLUME_MAX + 1),
        reason="an account's volume",
    )
    summed = bool((rows["before_minor"] == days.sum(axis=1)).all())
    today = days[np.arange(len(days)), rows["day"] % WINDOW_DAYS]
    require(holds=summed and not today.any(), reason="an account's volume of thirty days")


def restored_credit(tables: Tables, accounts: int) -> Credit:
    """Tables that `check_credit` let pass, with room for so many accounts."""
    credit = new_credit(accounts)
    used = len(tables[TableId.VOLUMES])
    credit.schedules[:] = tables[TableId.FEE_SCHEDULES]
    credit.tiers[:] = tables[TableId.FEE_TIERS]
    credit.volumes[:used] = tables[TableId.VOLUMES]
    credit.days[:used] = _as_words(tables[TableId.VOLUME_DAYS])
    return credit
