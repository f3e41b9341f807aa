"""How an account's positions stand: leverage, margin mode, what margin they have, hedge mode."""

from ledger.engine.kernels.base.checks import blank_from, is_customer
from ledger.engine.kernels.base.money import hold
from ledger.engine.kernels.base.pending import side_of
from ledger.engine.kernels.base.resting import is_contract
from ledger.engine.kernels.margin.account_margin import (
    affords,
    free_minor,
    open_of,
    requirement_minor,
    row_requirement_minor,
)
from ledger.engine.kernels.margin.contract_orders import is_marked, own_position
from ledger.engine.kernels.margin.isolated_orders import settle_of
from ledger.engine.kernels.margin.isolation import report_margin
from ledger.engine.kernels.margin.loans import is_margined
from ledger.engine.kernels.margin.positions import find_position, open_position
from ledger.engine.margin_layout import LONG, NET, POSITIONS_PER_ACCOUNT_MAX, SHORT
from ledger.engine.state import Commands, Results, State, first_word
from ledger.margin.isolated import Isolated, missing_minor, removable_minor
from ledger.records.codes import CommandFlag, MarginMode, PositionMode, Reject
from ledger.records.layout import LEVERAGE, MARGIN_MODE, MOVE, POSITION_MODE
from matching.jit import i64, inner
from matching.layout import NIL
from matching.units import AMOUNT_MINOR_MAX

_NONE = int(Reject.NONE)
_UNKNOWN_ACCOUNT = int(Reject.UNKNOWN_ACCOUNT)
_UNKNOWN_INSTRUMENT = int(Reject.UNKNOWN_INSTRUMENT)
_MALFORMED = int(Reject.MALFORMED)
_TABLE_FULL = int(Reject.TABLE_FULL)
_AMOUNT_OUT_OF_RANGE = int(Reject.AMOUNT_OUT_OF_RANGE)
_NO_MARK = int(Reject.NO_MARK)
_LEVERAGE_TOO_HIGH = int(Reject.LEVERAGE_TOO_HIGH)
_INSUFFICIENT_MARGIN = int(Reject.INSUFFICIENT_MARGIN)
_WRONG_LEG = int(Reject.WRONG_LEG)
_POSITION_OPEN = int(Reject.POSITION_OPEN)
_ORDERS_OPEN = int(Reject.ORDERS_OPEN)
_MARGIN_ACCOUNT = int(Reject.MARGIN_ACCOUNT)
_NO_POSITION = int(Reject.NO_POSITION)
_NOT_ISOLATED = int(Reject.NOT_ISOLATED)
_SHORT_LEG = int(CommandFlag.SHORT_LEG)
_ISOLATED = int(MarginMode.ISOLATED)
_MODE_LAST = int(max(PositionMode))

_LEVERAGE_RESERVED = first_word(LEVERAGE, "reserved")
_MARGIN_MODE_RESERVED = first_word(MARGIN_MODE, "reserved")
_MOVE_RESERVED = first_word(MOVE, "reserved")
_POSITION_MODE_RESERVED = first_word(POSITION_MODE, "reserved")


@inner
def legs_of(state: State, account: int) -> tuple[int, int]:
    """The first and the last leg of an account's positions in one perpetual."""
    hedged = state.margin.accounts["hedged"][account]
    return (i64(LONG), i64(SHORT)) if hedged else (i64(NET), i64(NET))


@inner
def other_legs(state: State, account: int) -> tuple[int, int, int]:
    """The first leg of an account's mode; the first and the last leg of the other mode."""
    if state.margin.accounts["hedged"][account]:
        return i64(LONG), i64(NET), i64(NET)
    return i64(NET), i64(LONG), i64(SHORT)


@inner
def is_set(state: State, row: int) -> bool:
    """Whether a position has another leverage or margin mode than the usual ones."""
    rows = state.margin.positions
    return bool(i64(rows["leverage"][row]) != 1 or rows["isolated"][row] != 0)


@inner
def has_rows(state: State, account: int, missing: int) -> bool:
    """Whether so many more positions of an account fit the tables."""
    header = state.header
    return bool(
        header["position_count"][0] + missing <= header["positions_max"][0]
        and i64(state.margin.accounts["count"][account]) + missing <= POSITIONS_PER_ACCOUNT_MAX
    )


@inner
def has_room_for_legs(state: State, account: int, instrument: int) -> bool:
    """Whether the account has, or can get, every position row of a contract."""
    missing = 0
    first, last = legs_of(state, account)
    for leg in range(first, last + 1):
        if find_position(state, account, instrument, leg) == NIL:
            missing += 1
    return has_rows(state, account, missing)


@inner
def check_names(state: State, account: int, instrument: int, well_formed: bool) -> int:  # noqa: FBT001 - one of the checks, in its place
    """What the settings of one account in one perpetual check first. A `Reject`."""
    if not is_customer(state, account):
        return _UNKNOWN_ACCOUNT
    if instrument >= state.header["instrument_count"][0]:
        return _UNKNOWN_INSTRUMENT
    if not well_formed or not is_contract(state, instrument):
        return _MALFORMED
    return _NONE if has_room_for_legs(state, account, instrument) else _TABLE_FULL


@inner
def has_orders(state: State, row: int) -> bool:
    """Whether orders of a position rest."""
    rows = state.margin.positions
    return bool(rows["buy_lots"][row] != 0 or rows["sell_lots"][row] != 0)


@inner
def isolated_of(state: State, row: int, leverage: int) -> Isolated:
    """A position row as the margin library reads it."""
    rows = state.margin.positions
    instrument = i64(rows["instrument"][row])
    lots, cost = i64(rows["qty_lots"][row]), i64(rows["cost"][row])
    return Isolated(instrument, lots, cost, i64(rows["margin_minor"][row]), leverage)


@inner
def check_leverage(state: State, row: int, leverage: int) -> int:
    """Whether one position may have another leverage. A `Reject`."""
    margin, rows = state.margin, state.margin.positions
    instrument = i64(rows["instrument"][row])
    if rows["isolated"][row]:
        if has_orders(state, row):
            return _ORDERS_OPEN
        position = isolated_of(state, row, leverage)
        open_lots = rows["qty_lots"][row] != 0
        lower = leverage < i64(rows["leverage"][row])
        if open_lots and lower and missing_minor(margin.contracts, margin.tiers, position) > 0:
            return _INSUFFICIENT_MARGIN
        return _NONE
    lots, costs = open_of(state, row)
    after = requirement_minor(state, instrument, leverage, lots, costs)
    extra = after - row_requirement_minor(state, row)
    if extra > 0 and not affords(
        state, i64(rows["account"][row]), settle_of(state, instrument), extra
    ):
        return _INSUFFICIENT_MARGIN
    return _NONE


@inner
def set_leverage(state: State, commands: Commands, results: Results, row: int) -> int:
    """SET_LEVERAGE: of both legs in hedge mode. A `Reject`; unless it is NONE nothing changed."""
    c, rows = commands.leverage, state.margin.positions
    account, instrument = i64(c["account"][row]), i64(c["instrument"][row])
    leverage = i64(c["leverage"][row])
    well_formed = i64(c["flags"][row]) == 0 and blank_from(commands, row, _LEVERAGE_RESERVED)
    reject = check_names(state, account, instrument, well_formed)
    if reject != _NONE:
        return reject
    highest = i64(state.margin.perpetuals["leverage_max"][instrument])
    if highest == 0:
        return _NO_MARK
    if not 1 <= leverage <= highest:
        return _LEVERAGE_TOO_HIGH
    first, last = legs_of(state, account)
    for leg in range(first, last + 1):
        position = find_position(state, account, instrument, leg)
        if position != NIL:
            reject = check_leverage(state, position, leverage)
            if reject != _NONE:
                return reject
    for leg in range(first, last + 1):
        rows["leverage"][own_position(state, account, instrument, leg)] = leverage
    results.outcomes["subject_id"][row] = instrument
    return _NONE


@inner
def has_pending(state: State, account: int, instrument: int) -> bool:
    """Whether the account has a pending order in an instrument. Work: its pending orders."""
    place = i64(state.pending_owners["head"][account])
    while place != 0:
        if side_of(state, place - 1) >> 1 == instrument:
            return True
        place = i64(state.pending_links["next"][place - 1])
    return False


@inner
def set_margin_mode(state: State, commands: Commands, results: Results, row: int) -> int:
    """SET_MARGIN_MODE: while there is neither position nor order. A `Reject`."""
    c, rows = commands.margin_mode, state.margin.positions
    account, instrument = i64(c["account"][row]), i64(c["instrument"][row])
    mode = i64(c["mode"][row])
    blank = blank_from(commands, row, _MARGIN_MODE_RESERVED)
    well_formed = i64(c["flags"][row]) == 0 and mode <= _ISOLATED and blank
    reject = check_names(state, account, instrument, well_formed)
    if reject != _NONE:
        return reject
    first, last = legs_of(state, account)
    orders = has_pending(state, account, instrument)
    for leg in range(first, last + 1):
        position = find_position(state, account, instrument, leg)
        if position != NIL:
            if rows["qty_lots"][position] != 0:
                return _POSITION_OPEN
            orders = orders or has_orders(state, position)
    if orders:
        return _ORDERS_OPEN
    if mode == _ISOLATED and is_margined(state, account):
        return _MARGIN_ACCOUNT
    for leg in range(first, last + 1):
        position = own_position(state, account, instrument, leg)
        state.header["isolated_count"][0] += mode - i64(rows["isolated"][position])
        rows["isolated"][position] = mode
    results.outcomes["subject_id"][row] = instrument
    return _NONE


@inner
def move_margin(  # noqa: PLR0911 - one return a check
    state: State, commands: Commands, results: Results, row: int
) -> int:
    """MOVE_MARGIN: into an isolated position, or out of it. A `Reject`."""
    c, rows, margin = commands.move, state.margin.positions, state.margin
    account, instrument = i64(c["account"][row]), i64(c["instrument"][row])
    amount, flags = i64(c["amount_minor"][row]), i64(c["flags"][row])
    well_formed = flags in (0, _SHORT_LEG) and i64(c["pad"][row]) == 0
    well_formed = well_formed and blank_from(commands, row, _MOVE_RESERVED)
    reject = check_names(state, account, instrument, well_formed)
    if reject != _NONE:
        return reject
    if amount == 0 or not -AMOUNT_MINOR_MAX <= amount <= AMOUNT_MINOR_MAX:
        return _AMOUNT_OUT_OF_RANGE
    if not is_marked(state, instrument):
        return _NO_MARK
    first, last = legs_of(state, account)
    if flags != 0 and last == NET:
        return _WRONG_LEG
    position = find_position(state, account, instrument, last if flags != 0 else first)
    if position == NIL or rows["qty_lots"][position] == 0:
        return _NO_POSITION
    if not rows["isolated"][position]:
        return _NOT_ISOLATED
    settle = settle_of(state, instrument)
    if amount > 0:
        most = free_minor(state, settle, account)
    else:
        terms = isolated_of(state, position, i64(rows["leverage"][position]))
        most = removable_minor(margin.contracts, margin.tiers, terms)
    if abs(amount) > most:
        return _INSUFFICIENT_MARGIN
    hold(state, settle, account, amount)
    rows["margin_minor"][position] += amount
    report_margin(state, results, position, -amount, i64(0))
    results.outcomes["subject_id"][row] = instrument
    results.outcomes["amount_minor"][row] = amount
    return _NONE


@inner
def carried_rows(state: State, account: int) -> int:
    """How many rows `carry_settings` opens."""
    rows, missing = state.margin.positions, 0
    source, first, last = other_legs(state, account)
    row = i64(state.margin.accounts["first"][account]) - 1
    while row != NIL:
        if rows["leg"][row] == source and is_set(state, row):
            for leg in range(first, last + 1):
                if find_position(state, account, i64(rows["instrument"][row]), leg) == NIL:
                    missing += 1
        row = i64(rows["next"][row]) - 1
    return missing


@inner
def carry_settings(state: State, account: int) -> None:
    """Leverage and margin mode of each perpetual pass to the legs of the account's other mode.

    Both legs of hedge mode have the same, and a row that there is not has what is usual.
    """
    rows, header = state.margin.positions, state.header
    source, first, last = other_legs(state, account)
    row = i64(state.margin.accounts["first"][account]) - 1
    while row != NIL:
        if rows["leg"][row] == source:
            for leg in range(first, last + 1):
                instrument = i64(rows["instrument"][row])
                target = find_position(state, account, instrument, leg)
                if target == NIL and is_set(state, row):
                    target = open_position(state, account, instrument, leg)
                if target != NIL:
                    isolated = i64(rows["isolated"][row])
                    header["isolated_count"][0] += isolated - i64(rows["isolated"][target])
                    rows["isolated"][target] = isolated
                    rows["leverage"][target] = rows["leverage"][row]
        row = i64(rows["next"][row]) - 1


@inner
def set_position_mode(state: State, commands: Commands, results: Results, row: int) -> int:
    """SET_POSITION_MODE: while the account has no position and no order at all. A `Reject`.

    What is set of its perpetuals stays set.
    """
    c, rows, accounts = commands.position_mode, state.margin.positions, state.margin.accounts
    account, mode = i64(c["account"][row]), i64(c["mode"][row])
    if not is_customer(state, account):
        return _UNKNOWN_ACCOUNT
    blank = i64(c["pad"][row]) == 0 and blank_from(commands, row, _POSITION_MODE_RESERVED)
    if i64(c["flags"][row]) != 0 or mode > _MODE_LAST or not blank:
        return _MALFORMED
    changes = mode != i64(accounts["hedged"][account])
    if changes and not has_rows(state, account, carried_rows(state, account)):
        return _TABLE_FULL
    position = i64(accounts["first"][account]) - 1
    while position != NIL:
        if rows["qty_lots"][position] != 0:
            return _POSITION_OPEN
        position = i64(rows["next"][position]) - 1
    if state.order_owners["count"][account] != 0 or state.pending_owners["count"][account] != 0:
        return _ORDERS_OPEN
    if changes:
        carry_settings(state, account)
    accounts["hedged"][account] = mode
    results.outcomes["subject_id"][row] = account
    return _NONE
