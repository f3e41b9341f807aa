"""A lower bound of what an account may still use, so that few orders need it judged as a whole.

Slack is equity less initial margin. Judging an account walks its positions and wallets; but what a
posting or a fill can take from slack at most is told by the one asset that it moves:

- x units less in a wallet lower equity by at most x at full price, and raise what is required for
  debts by at most x at the debt rate, each rounded once or twice;
- d units less profit of a position are d units less in its wallet; o units more initial margin
  cost o at full price;
- more money, more profit, less required: slack does not fall.

So after a judgement the bound is lowered with every such change, until prices or rules change
(`renew`). While the bound suffices the exact judgement would say yes; otherwise it is asked, and
the bound is exact again. Decisions are those of the exact judgement, always.
"""

from ledger.engine.caches import WEIGHT_SHIFT
from ledger.engine.state import State
from ledger.margin.rounding import muldiv_ceil
from matching.jit import inner, kernel
from matching.units import PPM

_UNITS = 4
"""Units of the asset by which roundings in the asset may add up, for one change."""
_VALUES = 12
"""Valuation units by which roundings of values may add up, for one change."""
_SPENDABLE_VALUES = 4
"""And more, for how `withdrawable_minor` rounds."""
_PRODUCT_MAX = 2**62
_WEIGHT_MAX = 2**40


@inner
def renew(state: State) -> None:
    """Prices or rules have changed: forget all bounds, and weigh the assets anew."""
    caches, risk = state.caches, state.margin.collateral
    caches.epoch[0] += 1
    weights = caches.weights
    for asset in range(state.header["collateral_end"][0]):
        unit = risk["index_ticks"][asset] * risk["num"][asset]
        weights["weight"][asset] = 0
        weights["most_minor"][asset] = _PRODUCT_MAX
        if unit == 0:
            continue
        full = muldiv_ceil(unit, PPM + risk["debt_ppm"][asset], PPM)
        weight = muldiv_ceil(full, 1 << WEIGHT_SHIFT, risk["den"][asset])
        if weight > _WEIGHT_MAX:
            weights["weight"][asset] = 1
            weights["most_minor"][asset] = -1
        else:
            weights["weight"][asset] = weight
            weights["most_minor"][asset] = _PRODUCT_MAX // weight - _UNITS


@kernel
def weigh(state: State) -> None:
    """`renew`, for a state that has just been made or restored: else no TICK, no bounds."""
    renew(state)


@inner
def is_tracked(state: State, account: int) -> bool:
    """Whether an account has a bound."""
    return bool(state.caches.slack["epoch"][account] == state.caches.epoch[0])


@inner
def lose_slack(state: State, account: int) -> None:
    """Forget an account's bound."""
    state.caches.slack["epoch"][account] = 0


@inner
def note_slack(state: State, account: int, slack_minor: int) -> None:
    """The account has just been judged."""
    slack = state.caches.slack
    slack["epoch"][account] = state.caches.epoch[0]
    slack["slack_minor"][account] = slack_minor


@inner
def spend_slack(state: State, asset: int, account: int, amount_minor: int) -> None:
    """So many units of an asset less, of money or profit; or more, of what is required."""
    if not is_tracked(state, account):
        return
    weights = state.caches.weights
    weight = weights["weight"][asset]
    if amount_minor > weights["most_minor"][asset]:
        lose_slack(state, account)
    elif weight > 0:
        moved = ((amount_minor + _UNITS) * weight >> WEIGHT_SHIFT) + _VALUES
        state.caches.slack["slack_minor"][account] -= moved


@inner
def suffices(state: State, asset: int, account: int, amount_minor: int) -> bool:
    """Whether the bound alone says that so many units may be required, or spent."""
    weights = state.caches.weights
    if not is_tracked(state, account) or amount_minor > weights["most_minor"][asset]:
        return False
    moved = (amount_minor + _UNITS) * weights["weight"][asset] >> WEIGHT_SHIFT
    wanted = moved + _VALUES + _SPENDABLE_VALUES
    return bool(wanted <= state.caches.slack["slack_minor"][account])
