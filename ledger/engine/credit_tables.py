"""Makes, grows, names and restores the tables of fees and credit."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.credit_layout import (
    BORROW_LEVERAGE_MAX,
    BORROWER_ROW,
    DAY_VOLUME_MAX,
    DAYS_ROW,
    FEE_TIER_ROW,
    HOUR_NS,
    HOURLY_PPT_MAX,
    LENDING_ROW,
    LOAN_ROW,
    LOANS_PER_ACCOUNT,
    PER_MILLE_PPM,
    REBATE_PPM_MAX,
    SCHEDULE_ROW,
    SCHEDULES_MAX,
    TIERS,
    VOLUME_ROW,
    WINDOW_DAYS,
    Credit,
)
from ledger.engine.layout import CUSTOMER_FIRST, PLEDGED
from ledger.engine.limits import COLLATERALS_MAX, FEE_PPM_MAX
from ledger.engine.root import TableId
from ledger.engine.soundness import Tables, is_within, require
from ledger.margin.limits import SUM_MAX
from matching.arena import grown
from matching.units import AMOUNT_MINOR_MAX, PPM

BORROWERS_MIN: Final = 8
"""Margin accounts that there is room for at first."""


def new_credit(accounts: int, assets: int) -> Credit:
    """No schedule, no loan, and nobody has traded."""
    return Credit(
        schedules=np.zeros(SCHEDULES_MAX, SCHEDULE_ROW),
        tiers=np.zeros(SCHEDULES_MAX * TIERS, FEE_TIER_ROW),
        volumes=np.zeros(accounts, VOLUME_ROW),
        days=np.zeros((accounts, WINDOW_DAYS), np.int64),
        lending=np.zeros(assets, LENDING_ROW),
        loans=np.zeros(BORROWERS_MIN * LOANS_PER_ACCOUNT, LOAN_ROW),
        borrowers=np.zeros(accounts, BORROWER_ROW),
    )


def grown_credit(credit: Credit, accounts: int, assets: int, borrowers: int) -> Credit:
    """The same content with rows for so many accounts, assets and margin accounts."""
    return credit._replace(
        volumes=grown(credit.volumes, accounts),
        days=_as_words(grown(_as_rows(credit.days), accounts)),
        lending=grown(credit.lending, assets),
        loans=grown(credit.loans, borrowers * LOANS_PER_ACCOUNT),
        borrowers=grown(credit.borrowers, accounts),
    )


def _as_rows(days: NDArray[np.int64]) -> NDArray[Any]:
    return days.reshape(-1).view(DAYS_ROW)


def _as_words(rows: NDArray[Any]) -> NDArray[np.int64]:
    return rows.view(np.int64).reshape(-1, WINDOW_DAYS)


def credit_tables(
    credit: Credit, accounts: int, assets: int, borrowers: int
) -> dict[TableId, NDArray[Any]]:
    """The used rows of every table of fees and credit."""
    return {
        TableId.FEE_SCHEDULES: credit.schedules,
        TableId.FEE_TIERS: credit.tiers,
        TableId.VOLUMES: credit.volumes[:accounts],
        TableId.VOLUME_DAYS: _as_rows(credit.days[:accounts]),
        TableId.LENDING: credit.lending[:assets],
        TableId.LOANS: credit.loans[: borrowers * LOANS_PER_ACCOUNT],
        TableId.BORROWERS: credit.borrowers[:accounts],
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
        TableId.LENDING: len(tables[TableId.ASSETS]),
        TableId.LOANS: int(tables[TableId.HEADER]["borrower_count"][0]) * LOANS_PER_ACCOUNT,
        TableId.BORROWERS: accounts,
    }
    for table, count in counts.items():
        require(holds=len(tables[table]) == count, reason=f"{table.name.lower()} of other rows")
    _check_fees(tables)
    _check_volumes(tables)
    _check_lending(tables)
    _check_loans(tables)
    _check_pledges(tables)


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


def _check_lending(tables: Tables) -> None:
    rows, priced = tables[TableId.LENDING], tables[TableId.COLLATERAL]["index_ticks"]
    lends = rows["liquidate_ppm"] != 0
    require(
        holds=is_within(rows["hourly_ppt"], 0, HOURLY_PPT_MAX + 1)
        and is_within(rows["limit_minor"], 0, AMOUNT_MINOR_MAX + 1)
        and is_within(rows["lent_minor"], 0, AMOUNT_MINOR_MAX + 1)
        and is_within(rows["index_ppt"], 0, 2**62)
        and is_within(rows["charged_ppt"], 0, 2**62)
        and bool((rows["charged_ppt"] <= rows["index_ppt"]).all())
        and is_within(rows["hour"], 0, 2**63 // HOUR_NS + 1)
        and bool((rows["liquidate_ppm"] <= PPM).all())
        and bool((rows["open_ppm"] < rows["call_ppm"])[lends].all())
        and bool((rows["call_ppm"] < rows["liquidate_ppm"])[lends].all())
        and not lends[COLLATERALS_MAX:].any()
        and bool((priced[rows["lent_minor"] > 0] > 0).all()),
        reason="what the pool asks for an asset",
    )


def _check_loans(tables: Tables) -> None:
    loans, borrowers = tables[TableId.LOANS], tables[TableId.BORROWERS]
    lending, accounts = tables[TableId.LENDING], tables[TableId.ACCOUNTS]
    blocks = loans["account"].reshape(-1, LOANS_PER_ACCOUNT).astype(np.int64)
    owners = blocks[:, 0] if len(blocks) else np.zeros(0, np.int64)
    first = np.zeros(len(borrowers), np.int64)
    owned = is_within(owners, CUSTOMER_FIRST, len(accounts)) and len(set(owners)) == len(owners)
    require(holds=owned and bool((blocks == owners[:, None]).all()), reason="whose a loan is")
    first[owners] = np.arange(len(owners)) * LOANS_PER_ACCOUNT + 1
    require(holds=bool((borrowers["first"] == first).all()), reason="an account's loans")
    owed = loans["principal_minor"] + loans["interest_minor"]
    require(
        holds=is_within(loans["principal_minor"], 0, AMOUNT_MINOR_MAX + 1)
        and is_within(loans["interest_minor"], 0, AMOUNT_MINOR_MAX + 1)
        and is_within(owed, 0, AMOUNT_MINOR_MAX + 1)
        and (not len(loans) or is_within(loans["asset"], 0, len(lending)))
        and not loans["asset"][owed == 0].any()
        and not loans["index_ppt"][owed == 0].any()
        and is_within(borrowers["called"], 0, 2),
        reason="a loan's numbers",
    )
    open_loans = loans[owed > 0]
    exact = [0] * len(lending)
    for asset, principal in zip(
        open_loans["asset"].tolist(), open_loans["principal_minor"].tolist(), strict=True
    ):
        exact[asset] += principal
    require(holds=_are(lending["lent_minor"], exact), reason="what the pool has lent")
    behind = open_loans["index_ppt"] <= lending["index_ppt"][open_loans["asset"]]
    require(holds=bool(behind.all()), reason="a loan's interest")
    pairs = np.stack([open_loans["account"], open_loans["asset"]], axis=1)
    twice = len(np.unique(pairs, axis=0)) == len(open_loans)
    require(holds=twice, reason="two loans of one asset")


def _are(column: NDArray[Any], expected: list[int]) -> bool:
    """Whether a column holds exactly these numbers."""
    return [int(found) for found in column] == expected


def _check_pledges(tables: Tables) -> None:
    seats, terms = tables[TableId.SEATS], tables[TableId.TERMS]
    borrowers, rows = tables[TableId.BORROWERS], tables[TableId.RESTING]
    traits = tables[TableId.ORDERS]["traits"]
    pledged = (terms["pledge_minor"] > 0) == ((traits & PLEDGED) != 0)
    ranged = is_within(terms["pledge_minor"], 0, SUM_MAX + 1)
    require(holds=bool(pledged.all()) and ranged, reason="an order's pledge")
    total = [0] * len(borrowers)
    for slot in np.flatnonzero(terms["pledge_minor"]).tolist():
        total[int(rows["account"][slot])] += int(terms["pledge_minor"][slot])
    require(holds=_are(borrowers["pledged_minor"], total), reason="an account's pledges")
    margined = seats["leverage"] != 0
    require(
        holds=is_within(seats["leverage"], 0, BORROW_LEVERAGE_MAX + 1)
        and is_within(seats["pair"], 0, len(tables[TableId.INSTRUMENTS]) + 1)
        and bool((borrowers["first"][margined] != 0).all()),
        reason="a margin account's terms",
    )


def restored_credit(tables: Tables, accounts: int, assets: int) -> Credit:
    """Tables that `check_credit` let pass, with room for so many accounts and assets."""
    credit = new_credit(accounts, assets)
    loans = tables[TableId.LOANS]
    credit = credit._replace(loans=grown(credit.loans, len(loans)))
    credit.loans[: len(loans)] = loans
    credit.lending[: len(tables[TableId.LENDING])] = tables[TableId.LENDING]
    credit.borrowers[: len(tables[TableId.BORROWERS])] = tables[TableId.BORROWERS]
    used = len(tables[TableId.VOLUMES])
    credit.schedules[:] = tables[TableId.FEE_SCHEDULES]
    credit.tiers[:] = tables[TableId.FEE_TIERS]
    credit.volumes[:used] = tables[TableId.VOLUMES]
    credit.days[:used] = _as_words(tables[TableId.VOLUME_DAYS])
    return credit
