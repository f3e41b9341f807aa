"""An account judged as a whole: equity, maintenance, initial margin, and what it may still use.

Equity counts what is available, not what is held: an order or a withdrawal takes its money out of
the collateral when it is placed, so that its execution can only raise equity. Source:
docs/spec/margin.md, section 6; docs/spec/perpetuals.md, section 3.
"""

from typing import Any

from numpy.typing import NDArray

from ledger.engine.kernels.base.money import available
from ledger.engine.kernels.base.slack import (
    is_tracked,
    note_slack,
    spend_slack,
    suffices,
)
from ledger.engine.kernels.margin.loans import (
    debt_minor,
    debts_worth_minor,
    is_margined,
    limits_ppm,
    loan_margin_ppm,
)
from ledger.engine.state import State
from ledger.margin.account import (
    add_saturating,
    debt_requirement_minor,
    requirement_value_minor,
    value_minor,
)
from ledger.margin.contracts import mark_position, notional_minor, pnl_minor
from ledger.margin.limits import INVERSE, SUM_MAX
from ledger.margin.rounding import muldiv_ceil, muldiv_floor, ppm_ceil
from ledger.margin.tiers import initial_minor
from matching.jit import i64, inner
from matching.layout import NIL
from matching.units import PPM

_ROUNDINGS_MINOR = 2
"""A withdrawal's effect on collateral is rounded twice: its value, and its value after haircut."""


@inner
def order_loss_minor(contracts: NDArray[Any], instrument: int, signed_lots: int, cost: int) -> int:
    """What would be lost at once if open orders of one side filled now."""
    if signed_lots == 0:
        return 0
    mark = contracts["mark_ticks"][instrument]
    if contracts["kind"][instrument] != INVERSE and signed_lots * mark >= cost:
        return 0
    return max(-pnl_minor(contracts, instrument, signed_lots, cost, mark), 0)


@inner
def requirement_minor(
    state: State,
    instrument: int,
    leverage: int,
    lots: tuple[int, int, int, int],
    costs: tuple[int, int],
) -> int:
    """Initial margin of one position with its open orders, in the settlement asset.

    Args:
        state: Read.
        instrument: A contract; with a mark, unless all lots are zero.
        leverage: 1..LEVERAGE_MAX.
        lots: (position, signed; open buys; open sells; how many of these only close).
        costs: Of the open buys and of the open sells.

    Returns:
        The requirement of the larger position that could come to be, and what the orders would
        lose at once.
    """
    margin = state.margin
    contracts = margin.contracts
    qty, buys, sells, closing = lots
    if qty > 0:
        largest = max(abs(qty + buys), abs(qty - sells + closing))
    else:
        largest = max(abs(qty + buys - closing), abs(qty - sells))
    if largest == 0 and buys == 0:
        return 0
    mark = contracts["mark_ticks"][instrument]
    first, count = (
        i64(contracts["tier_first"][instrument]),
        i64(contracts["tier_count"][instrument]),
    )
    notional = notional_minor(contracts, instrument, largest, mark)
    multiplier = contracts["multiplier_ppm"][instrument]
    required = initial_minor(margin.tiers, first, count, notional, leverage, multiplier)
    required += order_loss_minor(contracts, instrument, buys, costs[0])
    return required + order_loss_minor(contracts, instrument, -sells, costs[1])


@inner
def open_of(state: State, row: int) -> tuple[tuple[int, int, int, int], tuple[int, int]]:
    """A position row as `requirement_minor` wants it: (lots, costs)."""
    rows = state.margin.positions
    lots = (
        rows["qty_lots"][row],
        rows["buy_lots"][row],
        rows["sell_lots"][row],
        rows["closing_lots"][row],
    )
    return lots, (rows["buy_cost"][row], rows["sell_cost"][row])


@inner
def row_requirement_minor(state: State, row: int) -> int:
    """`requirement_minor` of a position row as it stands."""
    rows = state.margin.positions
    lots, costs = open_of(state, row)
    leverage = i64(rows["leverage"][row])
    return requirement_minor(state, i64(rows["instrument"][row]), leverage, lots, costs)


@inner
def standing_of(state: State, row: int) -> tuple[int, int]:
    """(profit, initial margin) of a position row with its open orders: nothing when isolated."""
    margin, rows = state.margin, state.margin.positions
    instrument, qty = i64(rows["instrument"][row]), rows["qty_lots"][row]
    profit = i64(0)
    if rows["isolated"][row]:
        return profit, i64(0)
    if qty != 0:
        mark = margin.contracts["mark_ticks"][instrument]
        profit = pnl_minor(margin.contracts, instrument, qty, rows["cost"][row], mark)
    return profit, row_requirement_minor(state, row)


@inner
def look_at(state: State, row: int) -> tuple[int, int]:
    """`standing_of` a position that is about to change, as far as its account has a bound."""
    if is_tracked(state, i64(state.margin.positions["account"][row])):
        return standing_of(state, row)
    return i64(0), i64(0)


@inner
def look_again(state: State, row: int, before: tuple[int, int]) -> None:
    """The position has changed: lower its account's bound by what it lost."""
    rows = state.margin.positions
    account = i64(rows["account"][row])
    if is_tracked(state, account):
        profit, initial = standing_of(state, row)
        lost = max(before[0] - profit, 0) + max(initial - before[1], 0)
        settle = i64(state.margin.contracts["settle"][i64(rows["instrument"][row])])
        spend_slack(state, settle, account, lost)


@inner
def sum_positions(state: State, account: int, asset: int) -> tuple[int, int, int]:
    """(profit, maintenance, initial) of an account's cross positions that settle in an asset."""
    margin, rows = state.margin, state.margin.positions
    profit = maintenance = initial = i64(0)
    row = i64(margin.accounts["first"][account]) - 1
    while row != NIL:
        instrument = i64(rows["instrument"][row])
        settles = i64(margin.contracts["settle"][instrument]) == asset
        if settles and not rows["isolated"][row]:
            if rows["qty_lots"][row] != 0:
                pnl, required, _ = mark_position(
                    margin.contracts,
                    margin.tiers,
                    instrument,
                    rows["qty_lots"][row],
                    rows["cost"][row],
                )
                profit += pnl
                maintenance += required
            initial += row_requirement_minor(state, row)
        row = i64(rows["next"][row]) - 1
    return profit, maintenance, initial


@inner
def wallet_minor(state: State, account: int, asset: int) -> int:
    """What an account's equity counts of an asset, but for profits.

    A margin account has its orders' holds too, less what it owes: it has no withdrawals.
    """
    amount = available(state, asset, account)
    if is_margined(state, account):
        amount += state.balances["held_minor"][asset, account]
        amount -= debt_minor(state, account, asset)
    return amount


@inner
def loan_requirement_minor(state: State, account: int, asset: int) -> int:
    """Initial margin on all that an account owes of an asset, spent or not."""
    leverage = i64(state.seats["leverage"][account])
    if leverage == 0:
        return 0
    rate = max(loan_margin_ppm(leverage), state.margin.collateral["debt_ppm"][asset])
    return ppm_ceil(debt_minor(state, account, asset), rate)


@inner
def assess(state: State, account: int) -> tuple[int, int, int]:
    """(equity, maintenance, initial margin) of an account at the marks, in valuation units."""
    risk = state.margin.collateral
    collateral = debts = maintenance = initial = i64(0)
    for asset in range(state.header["collateral_end"][0]):
        if risk["index_ticks"][asset] == 0:
            continue
        profit, required, opening = sum_positions(state, account, asset)
        amount = wallet_minor(state, account, asset) + profit
        value = value_minor(risk, asset, amount)
        if value >= 0:
            collateral += value
        else:
            debts = add_saturating(debts, -value)
        owed = debt_requirement_minor(risk, asset, amount)
        worth = requirement_value_minor(risk, asset, required + owed)
        maintenance = add_saturating(maintenance, worth)
        owed = max(owed, loan_requirement_minor(state, account, asset))
        worth = requirement_value_minor(risk, asset, opening + owed)
        initial = add_saturating(initial, worth)
    initial = add_saturating(initial, state.credit.borrowers["pledged_minor"][account])
    return collateral - debts, maintenance, initial


@inner
def remember(state: State, account: int, slack_minor: int) -> None:
    """Bound an account's slack. Loans and pledges change a margin account's: it has no bound."""
    if not is_margined(state, account):
        note_slack(state, account, slack_minor)


@inner
def affords(state: State, account: int, settle: int, extra_minor: int) -> bool:
    """Whether an account's equity covers its initial margin and so much more of an asset."""
    if suffices(state, settle, account, extra_minor):
        return True
    equity, _, initial = assess(state, account)
    remember(state, account, equity - initial)
    extra = requirement_value_minor(state.margin.collateral, settle, extra_minor)
    return initial <= equity and extra <= equity - initial


@inner
def leaving_slack_minor(state: State, account: int, equity: int, initial: int) -> int:
    """What may leave an account's equity: it covers the initial margin, and its loans may be taken.

    A loan is not to be made larger than its value allows by taking away what stands for it.
    """
    slack = equity - initial
    debts = debts_worth_minor(state, account)
    if slack <= 0 or debts == 0:
        return slack
    opens_ppm, _, _ = limits_ppm(state, account, NIL)
    wanted = min(muldiv_ceil(debts, PPM, opens_ppm) - debts, SUM_MAX)
    pledged = i64(state.credit.borrowers["pledged_minor"][account])
    return min(slack, equity - pledged - wanted)


@inner
def withdrawable_minor(state: State, asset: int, account: int) -> int:
    """What a margined account may take out of one asset: at full price, against the account."""
    risk = state.margin.collateral
    price = risk["index_ticks"][asset] * risk["num"][asset]
    free = max(available(state, asset, account) - debt_minor(state, account, asset), 0)
    if price == 0:
        return free
    equity, _, initial = assess(state, account)
    remember(state, account, equity - initial)
    slack = leaving_slack_minor(state, account, equity, initial) - _ROUNDINGS_MINOR
    if slack <= 0:
        return 0
    # What leaves may become a debt, when losses not yet realized stand against the wallet.
    units = max(muldiv_floor(slack, risk["den"][asset], price) - 1, 0)
    return min(free, muldiv_floor(units, PPM, PPM + risk["debt_ppm"][asset]))


@inner
def free_minor(state: State, asset: int, account: int) -> int:
    """What an account may spend, hold or withdraw of an asset."""
    if i64(state.margin.accounts["first"][account]) == 0 and not is_margined(state, account):
        return available(state, asset, account)
    return withdrawable_minor(state, asset, account)


@inner
def covers(state: State, asset: int, account: int, amount_minor: int) -> bool:
    """Whether an account may spend so much of an asset: `amount_minor <= free_minor`."""
    if i64(state.margin.accounts["first"][account]) == 0 and not is_margined(state, account):
        return amount_minor <= available(state, asset, account)
    if amount_minor > max(available(state, asset, account), 0):
        return False
    if suffices(state, asset, account, amount_minor):
        return True
    return amount_minor <= withdrawable_minor(state, asset, account)
