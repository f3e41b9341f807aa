"""Postings and the arithmetic of a trade. Every change of a balance goes through this file.

Rounding (docs/spec/engine.md, section "rounding"): a buyer's payments sum to the ceiling of the
exact cost of its order; a seller gets the floor of each trade; the rounding account gets the rest.
"""

from ledger.engine.kernels.base.fees import ppb_ceil, ppb_floor
from ledger.engine.kernels.base.reach import lose_reach
from ledger.engine.kernels.base.slack import spend_slack
from ledger.engine.layout import FEES
from ledger.engine.state import State
from matching.intmath import multiply_divide
from matching.jit import i64, inner


@inner
def credit(state: State, asset: int, account: int, amount_minor: int) -> None:
    """Change what an account may use; the drift catches a posting whose legs do not cancel."""
    state.balances["available_minor"][asset, account] += amount_minor
    state.drift_minor[asset] += amount_minor
    if amount_minor < 0:
        lose_reach(state, account)
        spend_slack(state, asset, account, -amount_minor)


@inner
def release(state: State, asset: int, account: int, amount_minor: int) -> None:
    """Take money out of an account's holds, to leave it."""
    state.balances["held_minor"][asset, account] -= amount_minor
    state.drift_minor[asset] -= amount_minor


@inner
def hold(state: State, asset: int, account: int, amount_minor: int) -> None:
    """Available to held; a negative amount gives it back."""
    state.balances["available_minor"][asset, account] -= amount_minor
    state.balances["held_minor"][asset, account] += amount_minor
    if amount_minor > 0:
        lose_reach(state, account)
        spend_slack(state, asset, account, amount_minor)


@inner
def available(state: State, asset: int, account: int) -> int:
    """What an account may use."""
    return i64(state.balances["available_minor"][asset, account])


@inner
def charge(
    state: State, instrument: int, price_ticks: int, lots: int, carry: int
) -> tuple[int, int]:
    """What a buyer pays for `lots` more at a price, and its new carry.

    Starting from carry `notional_den - 1` an order's payments sum to the ceiling of its exact
    cost, so that no split into fills ever costs more than was held.
    """
    rows = state.instruments
    return multiply_divide(
        price_ticks,
        lots,
        rows["notional_num"][instrument],
        carry,
        rows["notional_den"][instrument],
    )


@inner
def worth(state: State, instrument: int, price_ticks: int, lots: int) -> int:
    """What a seller gets for `lots` at a price, rounded down."""
    quote_minor, _ = charge(state, instrument, price_ticks, lots, 0)
    return quote_minor


@inner
def affordable(
    state: State, instrument: int, price_ticks: int, budget_minor: int, carry: int
) -> int:
    """The most lots whose charge at a price stays within a budget."""
    rows = state.instruments
    lots, _ = multiply_divide(
        budget_minor + 1,
        rows["notional_den"][instrument],
        1,
        -1 - carry,
        price_ticks * rows["notional_num"][instrument],
    )
    return lots


@inner
def charge_fee(state: State, asset: int, account: int, received_minor: int, rate_ppb: int) -> int:
    """Move the fee on what was received to the fees account: rounded up, against the account.

    A negative rate is a rebate: rounded down, and no more than the fees account has.

    Returns:
        The fee in minor units; negative for a rebate.
    """
    if rate_ppb >= 0:
        fee_minor = ppb_ceil(received_minor, rate_ppb)
    else:
        fee_minor = -min(ppb_floor(received_minor, -rate_ppb), available(state, asset, FEES))
    credit(state, asset, account, -fee_minor)
    credit(state, asset, FEES, fee_minor)
    return fee_minor
