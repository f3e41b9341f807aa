"""Everybody's equity and maintenance at new marks: what a TICK asks of each account in turn.

The numbers of `account_margin.assess`, without initial margin, made for a great many accounts: one
walk over an account's positions in the rows of `caches.held`, whatever they settle in, and
divisions by what `price_collateral` has prepared. Rows that the next accounts need are asked for
early, for nobody knows where they stand.
"""

from ledger.engine.kernels.base.money import available
from ledger.engine.kernels.base.reach import GROSS_MAX, gross_of_position, note_reach, rounding_of
from ledger.engine.state import State
from ledger.margin.account import add_saturating, worth_minor
from ledger.margin.contracts import mark_position
from ledger.margin.limits import VALUE_MAX
from ledger.margin.rounding import ppm_ceil, ppm_floor, reciprocal
from matching.intrinsics import prefetch
from matching.jit import i64, inner
from matching.units import PPM

_AHEAD = 16
"""So many accounts ahead the first position is fetched, and half as many the second one."""


@inner
def price_collateral(state: State) -> None:
    """Prepare what judging divides and multiplies by, for as long as indices stand still."""
    assets, prices = state.margin.collateral, state.caches.prices
    debt_ppm = rounding = i64(0)
    for asset in range(state.header["collateral_end"][0]):
        prices["unit"][asset] = assets["index_ticks"][asset] * assets["num"][asset]
        prices["den"][asset] = max(assets["den"][asset], 1)
        prices["reciprocal"][asset] = reciprocal(max(assets["den"][asset], 1))
        prices["left_ppm"][asset] = PPM - assets["haircut_ppm"][asset]
        prices["debt_ppm"][asset] = assets["debt_ppm"][asset]
        debt_ppm = max(debt_ppm, assets["debt_ppm"][asset])
        rounding = max(rounding, rounding_of(prices[asset]))
    state.caches.worst["debt_ppm"][0] = debt_ppm
    state.caches.worst["rounding_minor"][0] = rounding


@inner
def fetch_ahead(state: State, account: int) -> None:
    """Ask for the first position of an account to come, and for the second of a nearer one."""
    firsts, held, last = (
        state.margin.accounts["first"],
        state.caches.held,
        state.header["account_count"][0] - 1,
    )
    place = i64(firsts[min(account + _AHEAD, last)])
    if place != 0:
        prefetch(held, place - 1)
    place = i64(firsts[min(account + _AHEAD // 2, last)])
    if place != 0 and i64(held["next"][place - 1]) != 0:
        prefetch(held, i64(held["next"][place - 1]) - 1)


@inner
def sum_held(state: State, account: int) -> tuple[int, int]:
    """Add up an account's cross positions, by the asset that they settle in.

    Returns:
        (a bit for each of these assets, how many positions).
    """
    margin, held, sums = state.margin, state.caches.held, state.caches.sums
    settled = positions = i64(0)
    place = i64(margin.accounts["first"][account])
    while place != 0:
        row = held[place - 1]
        place = i64(row["next"])
        if row["qty_lots"] == 0:
            continue
        instrument = i64(row["instrument"])
        profit, required, notional = mark_position(
            margin.contracts, margin.tiers, instrument, row["qty_lots"], row["cost"]
        )
        gross = gross_of_position(state, instrument, notional)
        settle = i64(margin.contracts["settle"][instrument])
        if settled >> settle & 1:
            profit += sums["profit_minor"][settle]
            required += sums["required_minor"][settle]
            gross += sums["gross_minor"][settle]
        settled |= i64(1) << settle
        positions += 1
        sums["profit_minor"][settle] = profit
        sums["required_minor"][settle] = required
        sums["gross_minor"][settle] = gross
    return settled, positions


@inner
def judge_plain(state: State, account: int) -> tuple[int, int]:
    """(equity, maintenance) of an account that has no loans, in valuation units.

    It also notes how far prices may move before the account must be judged again.
    """
    sums, prices = state.caches.sums, state.caches.prices
    settled, rounded = sum_held(state, account)
    collateral = debts = maintenance = gross = i64(0)
    for asset in range(state.header["collateral_end"][0]):
        amount, required, exposed = available(state, asset, account), i64(0), i64(0)
        if settled >> asset & 1:
            amount += sums["profit_minor"][asset]
            required = sums["required_minor"][asset]
            exposed = sums["gross_minor"][asset]
        price = prices[asset]
        if price["unit"] == 0 or (amount == 0 and required == 0):
            continue
        rounded += 1
        full = worth_minor(price, abs(amount), 1 if amount < 0 else 0)
        if amount >= 0:
            collateral += min(ppm_floor(full, price["left_ppm"]), VALUE_MAX)
        else:
            debts = add_saturating(debts, full)
            required += ppm_ceil(-amount, price["debt_ppm"])
        gross = add_saturating(gross, full)
        if required != 0:
            maintenance = add_saturating(maintenance, worth_minor(price, required, 1))
            exposed = min(exposed, GROSS_MAX) + 2 * min(required, GROSS_MAX)
            gross = add_saturating(gross, worth_minor(price, exposed, 1))
    health = collateral - add_saturating(debts, maintenance)
    note_reach(state, account, health, (gross, rounded))
    return collateral - debts, maintenance
