"""Where the mark of one contract brings a cross account down, if nothing but its index moves.

What hangs on the same index moves with it: the other leg of a hedged position, other contracts, and
what collateral is worth. So each price that the bisection looks at is put where a TICK would put
it, and the account is judged as a TICK would judge it; then all of it is put back. Equity less
maintenance is concave in the price, so that an account can fall on either side of where it stands,
but at most at one price on each. Source: docs/spec/perpetuals.md, section 9.
"""

from ledger.engine.kernels.clock.liquidation import is_down
from ledger.engine.kernels.margin.account_margin import assess
from ledger.engine.state import State
from ledger.margin.liquidation import NEVER
from ledger.margin.rounding import clamp
from matching.jit import i64, inner
from matching.layout import NIL
from matching.units import PRICE_TICKS_MAX


@inner
def keep_marks(state: State, account: int) -> None:
    """Note the marks of an account's contracts, each at the rows of its positions."""
    rows, margin = state.margin.positions, state.margin
    row = i64(margin.accounts["first"][account]) - 1
    while row != NIL:
        margin.scores[row] = margin.contracts["mark_ticks"][i64(rows["instrument"][row])]
        row = i64(rows["next"][row]) - 1


@inner
def put_prices(state: State, account: int, oracle: int, ticks: int) -> None:
    """Put what hangs on an index so many ticks from where it was; 0 puts all of it back."""
    rows, margin = state.margin.positions, state.margin
    contracts, risk = margin.contracts, margin.collateral
    row = i64(margin.accounts["first"][account]) - 1
    while row != NIL:
        instrument = i64(rows["instrument"][row])
        hangs = i64(margin.perpetuals["oracle"][instrument]) == oracle
        if hangs and margin.scores[row] > 0:
            most = contracts["max_ticks"][instrument]
            contracts["mark_ticks"][instrument] = clamp(margin.scores[row] + ticks, 1, most)
        row = i64(rows["next"][row]) - 1
    index = margin.oracles["index_ticks"][oracle]
    for asset in range(state.header["collateral_end"][0]):
        if i64(risk["oracle"][asset]) == oracle and risk["index_ticks"][asset] > 0:
            risk["index_ticks"][asset] = clamp(index + ticks, 1, PRICE_TICKS_MAX)


@inner
def falls_at(state: State, account: int, oracle: int, ticks: int) -> bool:
    """Whether the account is down when an index has moved by so many ticks."""
    put_prices(state, account, oracle, ticks)
    equity, maintenance, _ = assess(state, account)
    return is_down(equity, maintenance)


@inner
def fall_below(state: State, account: int, oracle: int, limits: tuple[int, int]) -> int:
    """The highest mark that is no better than the one now at which the account is down, or 0.

    `limits` are the mark now and the highest there may be.
    """
    mark, most = limits
    low, high = i64(0), i64(mark)
    if falls_at(state, account, oracle, i64(0)):
        low, high = i64(mark), i64(most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        if falls_at(state, account, oracle, middle - mark):
            low = middle
        else:
            high = middle
    return i64(low)


@inner
def fall_above(state: State, account: int, oracle: int, limits: tuple[int, int]) -> int:
    """The lowest mark that is no better than the one now at which the account is down, or 0."""
    mark, most = limits
    low, high = i64(mark), i64(most + 1)
    if falls_at(state, account, oracle, i64(0)):
        low, high = i64(0), i64(mark)
    while high - low > 1:
        middle = (low + high) // 2
        if falls_at(state, account, oracle, middle - mark):
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
    rows, contracts = state.margin.positions, state.margin.contracts
    account, instrument = i64(rows["account"][row]), i64(rows["instrument"][row])
    oracle = i64(state.margin.perpetuals["oracle"][instrument])
    limits = (contracts["mark_ticks"][instrument], contracts["max_ticks"][instrument])
    keep_marks(state, account)
    below = fall_below(state, account, oracle, limits)
    above = fall_above(state, account, oracle, limits)
    put_prices(state, account, oracle, i64(0))
    if rows["qty_lots"][row] > 0:
        return below if below != NEVER else above
    return above if above != NEVER else below
