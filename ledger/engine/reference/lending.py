"""The reference engine's terms of lending, and its margin accounts."""

from types import SimpleNamespace

from ledger.engine.credit_layout import BORROW_LEVERAGE_MAX, HOUR_NS, HOURLY_PPT_MAX
from ledger.engine.limits import COLLATERALS_MAX
from ledger.engine.reference.debts import Borrower, Lending
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.loans import turn_hour
from ledger.engine.reference.margin import assess
from ledger.engine.reference.state import State, require
from ledger.records.codes import Reject
from matching.units import AMOUNT_MINOR_MAX, PPM


def set_lending(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_LENDING.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(c.asset < len(state.assets), Reject.UNKNOWN_ASSET)
    require(c.clean and c.flags == c.account == 0, Reject.MALFORMED)
    require(c.asset < COLLATERALS_MAX, Reject.TABLE_FULL)
    in_range = (
        0 <= c.hourly_ppt <= HOURLY_PPT_MAX
        and 0 <= c.limit_minor <= AMOUNT_MINOR_MAX
        and 0 < c.open_ppm < c.call_ppm < c.liquidate_ppm <= PPM
    )
    require(in_range, Reject.AMOUNT_OUT_OF_RANGE)
    index, charged, hour = 0, 0, effects.time_ns // HOUR_NS
    if c.asset in state.lending:
        turn_hour(state, c.asset, effects.time_ns)
        index, charged = state.lending[c.asset].index, state.lending[c.asset].charged
    terms = c.hourly_ppt, c.limit_minor, c.open_ppm, c.call_ppm, c.liquidate_ppm
    state.lending[c.asset] = Lending(*terms, index, hour, charged)
    effects.outcome = {"subject_id": c.asset}


def is_idle(state: State, account: int) -> bool:
    """Whether an account has no order, none pending, no withdrawal under way, nothing frozen."""
    held = [amount for (_, owner), amount in state.held.items() if owner == account]
    return not (any(held) or state.owned(account) or state.waiting(account))


def set_margin(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_MARGIN.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(state.is_customer(c.account), Reject.UNKNOWN_ACCOUNT)
    require(c.pair <= len(state.instruments), Reject.UNKNOWN_INSTRUMENT)
    spot = c.pair == 0 or state.instruments[c.pair - 1].contract is None
    require(c.clean and c.flags == 0 and spot, Reject.MALFORMED)
    seat = state.seats[c.account]
    borrower = state.borrowers.get(c.account)
    owing = borrower.owing if borrower else []
    if bool(seat.leverage) != bool(c.leverage) or seat.pair != c.pair:
        flat = c.pair == 0 or not any(p.lots for p in state.own(c.account))
        paid = c.leverage > 0 or not owing
        apart = c.leverage > 0 and any(p.isolated for p in state.own(c.account))
        idle = is_idle(state, c.account)
        require(flat and paid and idle and not apart, Reject.WRONG_STATE)
    require(c.leverage <= BORROW_LEVERAGE_MAX, Reject.LEVERAGE_TOO_HIGH)
    former, seat.leverage = seat.leverage, c.leverage
    if owing and c.leverage < former:
        equity, _, initial = assess(state, c.account)
        seat.leverage = former
        require(equity >= initial, Reject.INSUFFICIENT_MARGIN)
    seat.leverage, seat.pair = c.leverage, c.pair
    if c.leverage and borrower is None:
        state.borrowers[c.account] = Borrower()
    effects.outcome = {"subject_id": c.account}
