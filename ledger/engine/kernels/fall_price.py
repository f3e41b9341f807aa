"""Where the mark of one contract brings a cross account down, if nothing else moves.

Both legs of a hedged position move with their mark, and profit in an asset with a haircut is worth
less than it is: so each tick that the bisection looks at is judged as a TICK would judge the
account. Equity less maintenance is concave in the mark (inverse: in its reciprocal), so that an
account can fall on either side of where it stands, but at most at one price on each.
Source: docs/spec/perpetuals.md, section 9.
"""

from typing import NamedTuple

from ledger.engine.kernels.account_margin import sum_positions, wallet_minor
from ledger.engine.kernels.liquidation import is_down
from ledger.engine.state import State
from ledger.margin.account import (
    add_saturating,
    debt_requirement_minor,
    requirement_value_minor,
    value_minor,
)
from ledger.margin.contracts import maintenance_minor, pnl_minor
from ledger.margin.liquidation import NEVER
from matching.jit import i64, inner
from matching.layout import NIL


class Rest(NamedTuple):
    """An account without its positions in one contract."""

    account: int
    instrument: int
    collateral: int
    """Of all assets but the settlement asset, in valuation units, like the next two."""
    debts: int
    maintenance: int
    amount: int
    """Of the settlement asset: wallet, and profits of the other contracts that settle in it."""
    required: int
    """Maintenance of those."""


@inner
def legs_at(state: State, account: int, instrument: int, mark_ticks: int) -> tuple[int, int]:
    """(profit, maintenance) at a mark of an account's cross positions in one contract."""
    rows, margin = state.margin.positions, state.margin
    contracts = margin.contracts
    profit = required = i64(0)
    row = i64(margin.accounts["first"][account]) - 1
    while row != NIL:
        qty = rows["qty_lots"][row]
        if i64(rows["instrument"][row]) == instrument and qty != 0 and not rows["isolated"][row]:
            profit += pnl_minor(contracts, instrument, qty, rows["cost"][row], mark_ticks)
            required += maintenance_minor(contracts, margin.tiers, instrument, qty, mark_ticks)
        row = i64(rows["next"][row]) - 1
    return profit, required


@inner
def rest_of(state: State, account: int, instrument: int) -> Rest:
    """What stands behind, or beside, an account's positions in one contract."""
    risk, contracts = state.margin.collateral, state.margin.contracts
    settle = i64(contracts["settle"][instrument])
    collateral = debts = maintenance = i64(0)
    for asset in range(state.header["collateral_end"][0]):
        if risk["index_ticks"][asset] == 0 or asset == settle:
            continue
        profit, required, _ = sum_positions(state, account, asset)
        amount = wallet_minor(state, account, asset) + profit
        value = value_minor(risk, asset, amount)
        if value >= 0:
            collateral += value
        else:
            debts = add_saturating(debts, -value)
        required += debt_requirement_minor(risk, asset, amount)
        worth = requirement_value_minor(risk, asset, required)
        maintenance = add_saturating(maintenance, worth)
    mark_ticks = contracts["mark_ticks"][instrument]
    own_profit, own_required = legs_at(state, account, instrument, mark_ticks)
    profit, required, _ = sum_positions(state, account, settle)
    amount = wallet_minor(state, account, settle) + profit - own_profit
    required -= own_required
    return Rest(account, instrument, collateral, debts, maintenance, i64(amount), i64(required))


@inner
def falls_at(state: State, rest: Rest, mark_ticks: int) -> bool:
    """Whether the account is down when the contract's mark is this, and all else as it is."""
    risk = state.margin.collateral
    settle = i64(state.margin.contracts["settle"][rest.instrument])
    profit, required = legs_at(state, rest.account, rest.instrument, mark_ticks)
    amount = rest.amount + profit
    value = value_minor(risk, settle, amount)
    debts = rest.debts if value >= 0 else add_saturating(rest.debts, -value)
    equity = rest.collateral + max(value, 0) - debts
    required += rest.required + debt_requirement_minor(risk, settle, amount)
    worth = requirement_value_minor(risk, settle, required)
    return is_down(equity, add_saturating(rest.maintenance, worth))


@inner
def fall_below(state: State, rest: Rest) -> int:
    """The highest mark that is no better than the one now at which the account is down."""
    contracts = state.margin.contracts
    low, high = i64(0), contracts["mark_ticks"][rest.instrument]
    if falls_at(state, rest, high):
        low, high = high, contracts["max_ticks"][rest.instrument] + 1
    while high - low > 1:
        middle = (low + high) // 2
        if falls_at(state, rest, middle):
            low = middle
        else:
            high = middle
    return i64(low)


@inner
def fall_above(state: State, rest: Rest) -> int:
    """The lowest mark that is no better than the one now at which the account is down."""
    contracts = state.margin.contracts
    low, most = contracts["mark_ticks"][rest.instrument], contracts["max_ticks"][rest.instrument]
    high = most + 1
    if falls_at(state, rest, low):
        low, high = i64(0), low
    while high - low > 1:
        middle = (low + high) // 2
        if falls_at(state, rest, middle):
            high = middle
        else:
            low = middle
    return i64(high) if high <= most else i64(NEVER)


@inner
def fall_ticks(state: State, row: int) -> int:
    """The mark at which an open cross position's account falls; NEVER (0): no mark does it.

    A long's is looked for below the mark and a short's above it; where there is none, on the other
    side: of two legs one may be what the account falls by whichever way the mark goes.
    """
    rows = state.margin.positions
    rest = rest_of(state, i64(rows["account"][row]), i64(rows["instrument"][row]))
    below, above = fall_below(state, rest), fall_above(state, rest)
    if rows["qty_lots"][row] > 0:
        return below if below != NEVER else above
    return above if above != NEVER else below
