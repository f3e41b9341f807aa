"""The second dispatcher: margin's parameters and prices, and what risk and compliance hold.

They are seldom, and large to compile: `run` stops before them, and the engine calls this. TICK is
the third (tick.py), for the same reason: each level of calls is optimized once more with all that
stands below it.
"""

from ledger.engine.credit_layout import LOANS_PER_ACCOUNT
from ledger.engine.kernels.base.commands import (
    begin_command,
    end_command,
    fits,
    has_event_room,
    has_position_rows,
    is_margins,
)
from ledger.engine.kernels.base.oracle import oracle_price, set_oracle
from ledger.engine.kernels.base.reach import forget_reaches, lose_reach
from ledger.engine.kernels.base.slack import lose_slack, renew
from ledger.engine.kernels.clock.phases import set_market
from ledger.engine.kernels.venue.fee_tiers import set_fee_tiers
from ledger.engine.kernels.venue.holds import place_hold, release_hold
from ledger.engine.kernels.venue.lending import set_lending, set_margin
from ledger.engine.kernels.venue.position_settings import (
    move_margin,
    set_leverage,
    set_margin_mode,
    set_position_mode,
)
from ledger.engine.kernels.venue.settings import (
    set_collateral,
    set_fees,
    set_perpetual,
    set_tier,
)
from ledger.engine.limits import ORACLES_MAX
from ledger.engine.margin_layout import POSITIONS_PER_ACCOUNT_MAX
from ledger.engine.state import Commands, Machine, Results, State
from ledger.records.codes import CommandKind, Reject
from matching.jit import i64, inner, kernel

_TICK = int(CommandKind.TICK)
_ORACLE_PRICE = int(CommandKind.ORACLE_PRICE)
_SET_LEVERAGE = int(CommandKind.SET_LEVERAGE)
_SET_FEES = int(CommandKind.SET_FEES)
_SET_FEE_TIERS = int(CommandKind.SET_FEE_TIERS)
_SET_LENDING = int(CommandKind.SET_LENDING)
_SET_MARGIN = int(CommandKind.SET_MARGIN)
_SET_TIER = int(CommandKind.SET_TIER)
_SET_COLLATERAL = int(CommandKind.SET_COLLATERAL)
_SET_PERPETUAL = int(CommandKind.SET_PERPETUAL)
_SET_MARGIN_MODE = int(CommandKind.SET_MARGIN_MODE)
_MOVE_MARGIN = int(CommandKind.MOVE_MARGIN)
_SET_POSITION_MODE = int(CommandKind.SET_POSITION_MODE)
_SET_MARKET = int(CommandKind.SET_MARKET)
_SET_PHASE = int(CommandKind.SET_PHASE)
_PLACE_HOLD = int(CommandKind.PLACE_HOLD)
_RELEASE_HOLD = int(CommandKind.RELEASE_HOLD)
_NONE = int(Reject.NONE)
EVENTS_SPARE = 1
"""What a moved margin, or a hold, says of itself."""


@inner
def has_room(state: State, kind: int) -> bool:
    """Whether an oracle, a margin account, a hold and the positions that a kind may open fit."""
    header, oracles = state.header, state.margin.oracles.shape[0]
    if (header["borrower_count"][0] + 1) * LOANS_PER_ACCOUNT > state.credit.loans.shape[0]:
        return False
    if not fits(header["hold_count"][0], state.holds.shape[0], header["holds_max"][0]):
        return False
    more = POSITIONS_PER_ACCOUNT_MAX if kind == _SET_POSITION_MODE else 2
    if not has_position_rows(state, more):
        return False
    return fits(header["oracle_count"][0], oracles, ORACLES_MAX)


@inner
def handle(  # noqa: C901, PLR0911, PLR0912 - one line a kind
    state: State, commands: Commands, results: Results, row: int
) -> int:
    """Execute one command whose header is in order. Returns a `Reject`."""
    kind = i64(commands.header["kind"][row])
    if kind == _ORACLE_PRICE:
        return oracle_price(state, commands, row)
    if kind == _SET_LEVERAGE:
        return set_leverage(state, commands, results, row)
    if kind == _SET_FEES:
        return set_fees(state, commands, results, row)
    if kind == _SET_FEE_TIERS:
        return set_fee_tiers(state, commands, results, row)
    if kind == _SET_LENDING:
        return set_lending(state, commands, results, row)
    if kind == _SET_MARGIN:
        return set_margin(state, commands, results, row)
    if kind == _SET_TIER:
        return set_tier(state, commands, results, row)
    if kind == _SET_COLLATERAL:
        return set_collateral(state, commands, results, row)
    if kind == _SET_PERPETUAL:
        return set_perpetual(state, commands, results, row)
    if kind == _SET_MARGIN_MODE:
        return set_margin_mode(state, commands, results, row)
    if kind == _MOVE_MARGIN:
        return move_margin(state, commands, results, row)
    if kind == _SET_POSITION_MODE:
        return set_position_mode(state, commands, results, row)
    if kind == _SET_MARKET:
        return set_market(state, commands, results, row)
    if kind == _PLACE_HOLD:
        return place_hold(state, commands, results, row)
    if kind == _RELEASE_HOLD:
        return release_hold(state, commands, results, row)
    return set_oracle(state, commands, results, row)


@inner
def forget(state: State, commands: Commands, row: int) -> None:
    """What is known of accounts' slack holds no longer: of one account, or after a rule of all."""
    kind = i64(commands.header["kind"][row])
    account = i64(commands.header["account"][row])
    own = kind in (_SET_MARGIN_MODE, _MOVE_MARGIN, _SET_POSITION_MODE)
    if own or kind in (_SET_LEVERAGE, _SET_MARGIN):
        if account < state.header["account_count"][0]:
            lose_slack(state, account)
            lose_reach(state, account)
    elif kind not in (_ORACLE_PRICE, _PLACE_HOLD, _RELEASE_HOLD):
        renew(state)
        forget_reaches(state)


@kernel
def run_margin(machine: Machine, start: int, stop: int) -> int:
    """Execute commands from `start` on, as far as they are margin's and not of `run_tick`.

    Returns:
        The next command to execute: `stop`, one of `run_tick` or of `run`, or one for which a
        table is full; nothing of that command has happened yet.
    """
    state, commands, results = machine.state, machine.commands, machine.results
    for row in range(start, stop):
        kind = i64(commands.header["kind"][row])
        if kind in (_TICK, _SET_PHASE) or not is_margins(kind) or not has_room(state, kind):
            return row
        if not has_event_room(results, EVENTS_SPARE):
            return row
        reject = begin_command(state, commands, results, row)
        if reject == _NONE:
            reject = handle(state, commands, results, row)
            forget(state, commands, row)
        end_command(state, commands, results, row, reject)
    return stop
