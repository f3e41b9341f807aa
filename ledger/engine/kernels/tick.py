"""TICK: time passes, and what is due by then happens: marks, funding, liquidation, the fund."""

from ledger.engine.credit_layout import LOANS_PER_ACCOUNT
from ledger.engine.kernels.checks import blank_from, unsigned
from ledger.engine.kernels.commands import (
    EVENTS_OF_ISOLATED,
    begin_command,
    count_drift,
    end_command,
    has_book_room,
    has_event_room,
    has_position_rows,
    has_room_for,
)
from ledger.engine.kernels.insurance import share_loss
from ledger.engine.kernels.isolated_liquidation import liquidate_isolated
from ledger.engine.kernels.liquidation import cancel_fallen, find_fallen, liquidate, send
from ledger.engine.kernels.loan_service import serve_loans
from ledger.engine.kernels.marks import move_mark
from ledger.engine.kernels.oracle import make_index
from ledger.engine.kernels.phases import end_calls, forget_prices, set_phase, watch_swings
from ledger.engine.kernels.sessions import is_trading
from ledger.engine.kernels.slack import renew
from ledger.engine.kernels.sweeps import expire_due
from ledger.engine.kernels.trailing import trail_all_trades, trail_prices, trailing_count
from ledger.engine.kernels.triggers import cascade_at_most, fire_prices
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.limits import EXPIRIES_MAX, ICEBERG_PARTS_MAX
from ledger.engine.margin_layout import INSURANCE, LIQUIDATIONS_MAX, NO_ORACLE, STEPS_MAX
from ledger.engine.state import Commands, Machine, Results, State, first_word
from ledger.records.codes import CommandKind, Reject
from ledger.records.layout import COMMAND
from matching.jit import i64, inner, kernel
from matching.layout import NIL

_NONE = int(Reject.NONE)
_MALFORMED = int(Reject.MALFORMED)
_SET_PHASE = int(CommandKind.SET_PHASE)
_RESERVED = first_word(COMMAND, "reserved")

_EVENTS_PER_STEP = 3
"""A step of a liquidation ends with at most a partial fill, a take-over and a last deleveraging."""
_EVENTS_PER_WALLET = 7
"""Each swap of collateral ends a debt, a loan or a collateral."""
_EVENTS_PER_LOAN = 6


@inner
def steps_at_most(state: State, positions: int, accounts: int) -> int:
    """The most steps of so many accounts' liquidations: each leaves a bracket, or a position."""
    brackets = i64(0)
    for instrument in range(state.header["instrument_count"][0]):
        brackets = max(brackets, i64(state.margin.contracts["tier_count"][instrument]))
    return min(positions * (brackets + 1), accounts * STEPS_MAX)


@inner
def events_of_tick(state: State) -> int:
    """The most events of one TICK.

    Each position: funding, its account's fall, its deleveraging, its share of a loss. Each open
    order: its end, its last fill, and that this reopens a position that is deleveraged once more; a
    fill for each slice of an iceberg; in an auction its trade, its end, its partner's. Each
    instrument: its mark, the phases it leaves and enters. All that is pending may trigger. Beside
    each there may be what moved in two isolated positions.
    """
    header = state.header
    positions = i64(header["position_count"][0])
    borrowers = i64(header["borrower_count"][0])
    accounts = min(positions + borrowers, LIQUIDATIONS_MAX)
    cascades = slices = i64(0)
    for instrument in range(header["instrument_count"][0]):
        cascades += cascade_at_most(state, instrument)
        slices += ICEBERG_PARTS_MAX * i64(state.markets["icebergs"][instrument])
    isolated = min(i64(header["isolated_count"][0]), LIQUIDATIONS_MAX)
    steps = steps_at_most(state, positions, accounts) + steps_at_most(state, isolated, isolated)
    wallets = accounts * i64(header["collateral_end"][0])
    wanted = (
        EXPIRIES_MAX
        + 4 * positions
        + (LOANS_PER_ACCOUNT + 2) * borrowers
        + i64(state.triggers.pool["order_open"][0])
        + 6 * i64(header["instrument_count"][0])
        + 6 * i64(state.book.pool["order_open"][0])
        + slices
        + cascades
        + steps * _EVENTS_PER_STEP
        + wallets * _EVENTS_PER_WALLET
        + accounts * LOANS_PER_ACCOUNT * _EVENTS_PER_LOAN
        + isolated
    )
    return wanted * (EVENTS_OF_ISOLATED if isolated > 0 else 1)


@inner
def is_bare(commands: Commands, row: int) -> bool:
    """A TICK has no payload."""
    return unsigned(commands, row) and blank_from(commands, row, _RESERVED)


@inner
def make_indices(state: State, now_ns: int) -> None:
    """Every index, and what collateral is worth by it."""
    margin, header = state.margin, state.header
    for oracle in range(header["oracle_count"][0]):
        make_index(state, oracle, now_ns)
    for asset in range(header["collateral_end"][0]):
        oracle = i64(margin.collateral["oracle"][asset])
        if margin.collateral["num"][asset] != 0 and oracle != NO_ORACLE:
            margin.collateral["index_ticks"][asset] = margin.oracles["index_ticks"][oracle]


@inner
def unwind_fund(state: State, results: Results) -> None:
    """The fund offers what it took over, at the mark or better."""
    rows, marks = state.margin.positions, state.margin.contracts["mark_ticks"]
    row = i64(state.margin.accounts["first"][INSURANCE]) - 1
    while row != NIL:
        lots = abs(rows["qty_lots"][row])
        if lots != 0 and is_trading(state, i64(rows["instrument"][row])):
            send(state, results, row, lots, marks[i64(rows["instrument"][row])])
        row = i64(rows["next"][row]) - 1


@kernel
def run_tick(machine: Machine, row: int) -> bool:
    """Execute one TICK or SET_PHASE, whose outcome is NONE or a `Reject`.

    Returns:
        Whether it was: `frame.events_wanted` more events must fit, else nothing has happened.
    """
    state, commands, results = machine.state, machine.commands, machine.results
    fitting = has_book_room(state) and has_position_rows(state)
    fitting = fitting and has_room_for(state.triggers, trailing_count(state))
    if not has_event_room(results, events_of_tick(state)) or not fitting:
        return False
    reject = begin_command(state, commands, results, row)
    ticks = i64(commands.header["kind"][row]) != _SET_PHASE
    if reject == _NONE and not ticks:
        reject = set_phase(state, commands, results, row)
    elif reject == _NONE and not is_bare(commands, row):
        reject = _MALFORMED
    if reject == _NONE and ticks:
        expire_due(state, results)
        watch_swings(state, results)
        trail_all_trades(state)
        forget_prices(state)
        end_calls(state, results)
        make_indices(state, results.frame["time_ns"][0])
        for instrument in range(state.header["instrument_count"][0]):
            move_mark(state, results, instrument)
        renew(state)
        trail_prices(state)
        fire_prices(state, results)
        serve_loans(state, results)
        judged = state.header["position_count"][0] + state.header["borrower_count"][0]
        if judged > 0 and find_fallen(state, results) > 0:
            cancel_fallen(state, results)
            for account in range(CUSTOMER_FIRST, state.header["account_count"][0]):
                if state.margin.accounts["fallen"][account] != 0:
                    liquidate(state, results, account)
        liquidate_isolated(state, results)
        unwind_fund(state, results)
        for asset in range(state.header["collateral_end"][0]):
            share_loss(state, results, asset)
        state.header["ticked_seq"][0] = results.frame["seq"][0]
    end_command(state, commands, results, row, reject)
    count_drift(state, results)
    return True
