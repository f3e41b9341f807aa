"""How far prices may move before an account must be judged again.

A TICK asks of everybody whether equity is above maintenance. What was judged before says how much
it takes to change the answer: when every mark, index and volatility multiplier stays within a
factor of 1 + x of what it was, equity less maintenance has moved by at most x times the account's
gross, and some for roundings. So a judgement leaves a reach: the total of all moves, `moved`, up to
which the answer holds. Whatever takes money from the account, or changes its positions, ends it;
money that comes never makes an account worse at any price. Most accounts are far from falling, and
a TICK passes them with one comparison.

Let n be a position's notional in its settlement asset, s its bracket table's highest rate times
the multiplier, a what the wallet and the profits come to, R what is required, d the debt rate, all
of one asset at its price, and 1 + x <= 1.11. A mark's move changes profit by at most x * n and R by
at most (1 + x) * x * n * s + x * R; an asset's price changes its value by at most x times that.
Together that is below 1.3 * x * (1 + d) * (n * (1 + s) + |a| + 2 * R): the gross, with half again
for 1.3 and for moves that compound. Line by line: docs/adr/0017-reach.md.
"""

import numpy as np

from ledger.engine.caches import STEEP_ONE
from ledger.engine.state import State
from ledger.margin.account import worth_minor
from ledger.margin.limits import EXPOSURE_MINOR_MAX, MULTIPLIER_PPM_MAX, TIERS_MAX
from ledger.margin.rounding import muldiv_ceil, ppm_ceil
from matching.jit import i64, inner
from matching.units import PPM

_ONE = 2**30
"""Moves are counted in shares of a price, 2^-30 each."""
_FAR = _ONE // 10
"""No judgement holds beyond moves of a tenth in all: they compound to less than 11 %."""
_JUMP = _ONE // 4
"""A move that nothing reaches beyond."""
_SMALL = 2**33
"""Below that a quarter of it is a share's numerator in a word."""
_ROUNDINGS_MINOR = 512
"""Units of the asset by which roundings of one position, or of one wallet, may add up: each of its
brackets' cumulative amounts is rounded once, and raised by the multiplier."""
_ROUNDED_VALUES = 64
"""Valuation units by which roundings of one asset's value may add up."""
ROUNDING_MAX = 2**40
"""Where roundings in one asset may be more, nobody has a reach."""
GROSS_MAX = 2**59

assert _JUMP > 2 * _FAR
assert (_SMALL >> 2) << 31 <= 2**62
assert 2 * (GROSS_MAX * 2 >> 2) < 2**63
assert 3 * GROSS_MAX * 2 < 2**63
assert EXPOSURE_MINOR_MAX * (1 + MULTIPLIER_PPM_MAX // PPM) + 2**40 < 2**63
assert TIERS_MAX * MULTIPLIER_PPM_MAX // PPM <= _ROUNDINGS_MINOR // 2


@inner
def forget_reaches(state: State) -> None:
    """A rule has changed: every account must be judged again."""
    state.caches.moved[0] += _JUMP


@inner
def lose_reach(state: State, account: int) -> None:
    """Something else than prices has changed an account, to the worse."""
    state.caches.slack["reach"][account] = 0


@inner
def is_within_reach(state: State, account: int) -> bool:
    """Whether an account is above maintenance for sure."""
    return bool(state.caches.slack["reach"][account] >= state.caches.moved[0])


@inner
def move_of(before: int, after: int) -> int:
    """How far a price has moved, up or down, as a share of the lower one; rounded up."""
    if before == after:
        return i64(0)
    lower = min(before, after)
    if lower <= 0:
        return i64(_JUMP)
    return min(muldiv_ceil(abs(after - before), _ONE, lower), _JUMP)


@inner
def steep_of(state: State, instrument: int) -> int:
    """What STEEP_ONE more units of notional require at most; 0 while nobody can hold it."""
    contracts, tiers = state.margin.contracts, state.margin.tiers
    first, count = (
        i64(contracts["tier_first"][instrument]),
        i64(contracts["tier_count"][instrument]),
    )
    if count == 0:
        return i64(0)
    highest_ppm = tiers["maintenance_ppm"][first + count - 1]
    return muldiv_ceil(highest_ppm, contracts["multiplier_ppm"][instrument] * STEEP_ONE, PPM * PPM)


@inner
def note_moves(state: State) -> None:
    """Add the largest move since the last TICK to the total, and remember where prices stand."""
    contracts = state.margin.contracts
    marked, assets, prices = state.caches.marked, state.margin.collateral, state.caches.prices
    most = i64(0)
    for instrument in range(state.header["instrument_count"][0]):
        mark, multiplier = (
            contracts["mark_ticks"][instrument],
            contracts["multiplier_ppm"][instrument],
        )
        if mark == 0:
            continue
        most = max(most, move_of(marked["mark_ticks"][instrument], mark))
        most = max(most, move_of(marked["multiplier_ppm"][instrument], multiplier))
        marked["mark_ticks"][instrument] = mark
        marked["multiplier_ppm"][instrument] = multiplier
        marked["steep"][instrument] = steep_of(state, instrument)
    for asset in range(state.header["collateral_end"][0]):
        unit = assets["index_ticks"][asset] * assets["num"][asset]
        most = max(most, move_of(prices["unit"][asset], unit))
    state.caches.moved[0] += most


@inner
def gross_of_position(state: State, instrument: int, notional: int) -> int:
    """What a position adds to its account's gross, in its settlement asset."""
    return notional + (notional // STEEP_ONE + 1) * i64(state.caches.marked["steep"][instrument])


@inner
def rounding_of(price: np.void) -> int:
    """What roundings of one position, or of one wallet, may come to, in valuation units."""
    return 3 * min(worth_minor(price, i64(_ROUNDINGS_MINOR), 1), ROUNDING_MAX) + _ROUNDED_VALUES


@inner
def note_reach(state: State, account: int, health: int, parts: tuple[int, int]) -> None:
    """The account has just been judged.

    Args:
        state: Mutated.
        account: Which.
        health: Its equity less its maintenance.
        parts: (gross in valuation units, at most SUM_MAX and debt rates apart; how many positions
            and wallets).
    """
    gross, rounded = parts
    worst = state.caches.worst[0]
    spare = health - rounded * worst["rounding_minor"]
    if gross >= GROSS_MAX or spare <= 0 or worst["rounding_minor"] >= ROUNDING_MAX:
        lose_reach(state, account)
        return
    gross += ppm_ceil(gross, worst["debt_ppm"])
    # Two thirds of the quotient, in 2^-30; _FAR is less than what a quarter gives.
    spare = min(spare, gross >> 2)
    if gross < _SMALL:
        share = (spare << 31) // (3 * gross + 1)
    else:
        share = 2 * spare // ((3 * gross >> 30) + 1)
    state.caches.slack["reach"][account] = state.caches.moved[0] + min(share, _FAR)
