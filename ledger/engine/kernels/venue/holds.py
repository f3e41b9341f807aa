"""PLACE_HOLD and RELEASE_HOLD: risk or compliance freezes part of what an account may use."""

from ledger.engine.kernels.base.checks import blank_from, is_customer, unsigned
from ledger.engine.kernels.base.money import hold
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.margin.account_margin import free_minor
from ledger.engine.kernels.margin.loans import is_margined
from ledger.engine.state import Commands, Results, State, first_word
from ledger.records.codes import EventKind, Reject
from ledger.records.layout import HOLD
from matching.jit import i64, inner
from matching.units import AMOUNT_MINOR_MAX

_PLACED = int(EventKind.HOLD_PLACED)
_RELEASED = int(EventKind.HOLD_RELEASED)

_NONE = int(Reject.NONE)
_UNKNOWN_ACCOUNT = int(Reject.UNKNOWN_ACCOUNT)
_UNKNOWN_ASSET = int(Reject.UNKNOWN_ASSET)
_MALFORMED = int(Reject.MALFORMED)
_OUT_OF_TURN = int(Reject.OUT_OF_TURN)
_TABLE_FULL = int(Reject.TABLE_FULL)
_AMOUNT_OUT_OF_RANGE = int(Reject.AMOUNT_OUT_OF_RANGE)
_INSUFFICIENT_BALANCE = int(Reject.INSUFFICIENT_BALANCE)
_WRONG_STATE = int(Reject.WRONG_STATE)
_MARGIN_ACCOUNT = int(Reject.MARGIN_ACCOUNT)
_HOLD_EXISTS = int(Reject.HOLD_EXISTS)
_HOLD_DIFFERS = int(Reject.HOLD_DIFFERS)
_UNKNOWN_HOLD = int(Reject.UNKNOWN_HOLD)

_RESERVED = first_word(HOLD, "reserved")


@inner
def check_number(state: State, commands: Commands, row: int) -> int:
    """Whether a new hold has the next number. Returns a `Reject`.

    An old number says whether its hold is this very one, so that whoever does not know what became
    of a command may send it again.
    """
    c, rows, count = commands.hold, state.holds, state.header["hold_count"][0]
    hold_id = c["hold_id"][row]
    if not 1 <= hold_id <= count:
        return _NONE if hold_id == count + 1 else _OUT_OF_TURN
    old = hold_id - 1
    same = (
        i64(c["account"][row]) == i64(rows["account"][old])
        and i64(c["asset"][row]) == i64(rows["asset"][old])
        and c["amount_minor"][row] == rows["amount_minor"][old]
        and c["reason_0"][row] == rows["reason_0"][old]
        and c["reason_1"][row] == rows["reason_1"][old]
        and c["reason_2"][row] == rows["reason_2"][old]
        and c["reason_3"][row] == rows["reason_3"][old]
    )
    return _HOLD_EXISTS if same else _HOLD_DIFFERS


@inner
def check_hold(state: State, commands: Commands, row: int) -> int:  # noqa: PLR0911 - one a check
    """PLACE_HOLD's checks. Returns a `Reject`."""
    c, header = commands.hold, state.header
    account, asset = i64(c["account"][row]), i64(c["asset"][row])
    if not is_customer(state, account):
        return _UNKNOWN_ACCOUNT
    if asset >= header["asset_count"][0]:
        return _UNKNOWN_ASSET
    if (
        i64(c["flags"][row]) != 0
        or i64(c["pad"][row]) != 0
        or not blank_from(commands, row, _RESERVED)
    ):
        return _MALFORMED
    reject = check_number(state, commands, row)
    if reject != _NONE:
        return reject
    if header["hold_count"][0] >= header["holds_max"][0]:
        return _TABLE_FULL
    if not 1 <= c["amount_minor"][row] <= AMOUNT_MINOR_MAX:
        return _AMOUNT_OUT_OF_RANGE
    if c["amount_minor"][row] > free_minor(state, asset, account):
        return _INSUFFICIENT_BALANCE
    # What a margin account holds counts as its equity: frozen, nobody could take it for its loans.
    return _MARGIN_ACCOUNT if is_margined(state, account) else _NONE


@inner
def report_hold(state: State, results: Results, kind: int, place: int, amount_minor: int) -> None:
    """An event about a hold row, which stands as it will."""
    rows, events = state.holds, results.events
    event = begin_event(results, kind)
    events["asset"][event] = rows["asset"][place]
    events["account"][event] = rows["account"][place]
    events["order_id"][event] = place + 1
    events["quote_minor"][event] = rows["left_minor"][place]
    events["amount_minor"][event] = amount_minor


@inner
def place_hold(state: State, commands: Commands, results: Results, row: int) -> int:
    """PLACE_HOLD: available to held, until it is released.

    Returns a `Reject`; unless it is NONE nothing changed.
    """
    c, rows, header = commands.hold, state.holds, state.header
    reject = check_hold(state, commands, row)
    if reject != _NONE:
        return reject
    account, asset = i64(c["account"][row]), i64(c["asset"][row])
    amount_minor = c["amount_minor"][row]
    hold(state, asset, account, amount_minor)
    place = header["hold_count"][0]
    header["hold_count"][0] = place + 1
    rows["placed_seq"][place] = results.frame["seq"][0]
    rows["account"][place] = account
    rows["asset"][place] = asset
    rows["amount_minor"][place] = amount_minor
    rows["left_minor"][place] = amount_minor
    rows["reason_0"][place] = c["reason_0"][row]
    rows["reason_1"][place] = c["reason_1"][row]
    rows["reason_2"][place] = c["reason_2"][row]
    rows["reason_3"][place] = c["reason_3"][row]
    report_hold(state, results, _PLACED, place, amount_minor)
    results.outcomes["subject_id"][row] = place + 1
    results.outcomes["amount_minor"][row] = amount_minor
    return _NONE


@inner
def release_hold(state: State, commands: Commands, results: Results, row: int) -> int:
    """RELEASE_HOLD: as much as it says, or all that is left; what nothing is left of is resolved.

    Returns a `Reject`; unless it is NONE nothing changed.
    """
    c, rows = commands.hold, state.holds
    if (
        not unsigned(commands, row)
        or i64(c["asset"][row]) != 0
        or i64(c["pad"][row]) != 0
        or not blank_from(commands, row, _RESERVED)
    ):
        return _MALFORMED
    if not 1 <= c["hold_id"][row] <= state.header["hold_count"][0]:
        return _UNKNOWN_HOLD
    place = c["hold_id"][row] - 1
    left_minor = rows["left_minor"][place]
    if left_minor == 0:
        return _WRONG_STATE
    if not 0 <= c["amount_minor"][row] <= left_minor:
        return _AMOUNT_OUT_OF_RANGE
    amount_minor = c["amount_minor"][row]
    if amount_minor == 0:
        amount_minor = left_minor
    rows["left_minor"][place] = left_minor - amount_minor
    hold(state, i64(rows["asset"][place]), i64(rows["account"][place]), -amount_minor)
    report_hold(state, results, _RELEASED, place, amount_minor)
    results.outcomes["subject_id"][row] = place + 1
    results.outcomes["amount_minor"][row] = amount_minor
    return _NONE
