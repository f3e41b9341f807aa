"""The reference engine's isolated positions: their margin, and what fills do to it."""

from fractions import Fraction
from math import floor

from ledger.engine.margin_layout import INSURANCE
from ledger.engine.reference.contracts import Contract, Position
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.state import Order, State
from ledger.records.codes import EventKind, PositionFlag


def contract_of(state: State, instrument: int) -> Contract:
    """The contract of a perpetual."""
    contract = state.instruments[instrument].contract
    assert contract is not None, "a perpetual"
    return contract


def flags_of(p: Position) -> int:
    """What events say of a position."""
    leg = PositionFlag.SHORT_LEG if p.leg == 2 else 0
    return leg | (PositionFlag.ISOLATED if p.isolated else 0)


def pair_flags(p: Position, other: Position) -> int:
    """What events say of two positions."""
    return flags_of(p) | 2 * flags_of(other)


def pay_position(state: State, p: Position, payer: int, amount: int) -> None:
    """Pay what a position earned; an isolated one's goes to its margin."""
    settle = contract_of(state, p.instrument).settle
    state.move(settle, payer, p.account, amount)
    if p.isolated:
        state.hold(settle, p.account, amount)
        p.margin += amount


def report_margin(state: State, effects: Effects, p: Position, got: int, **beside: int) -> None:
    """Say what an account got of its isolated position."""
    effects.emit(
        EventKind.MARGIN_MOVED,
        flags=flags_of(p),
        instrument=p.instrument,
        asset=contract_of(state, p.instrument).settle,
        account=p.account,
        qty_lots=p.lots,
        quote_minor=got,
        amount_minor=p.margin,
        **beside,
    )


def bears(contract: Contract, p: Position, maker: Order, lots: int, price: int) -> bool:
    """Whether an isolated position has what a fill of its resting order would lose."""
    if p.lots * lots >= 0:
        return True
    closing = min(abs(lots), abs(p.lots))
    leaving = closing if p.lots > 0 else -closing
    released = -(-p.cost * closing // abs(p.lots))
    if contract.inverse:
        realized = floor(contract.worth(leaving, price)) - released
    else:
        ticks = leaving * price - released
        realized = floor(Fraction(ticks * contract.num, contract.den))
    part = maker.held * abs(lots) // maker.remaining
    return p.margin + part + realized >= 0


def rebalance(  # noqa: PLR0913 - the reference passes what the kernels keep in rows
    state: State,
    effects: Effects,
    p: Position,
    was: tuple[int, int],
    lots: int,
    part: int,
    *,
    liquidates: bool = False,
) -> None:
    """Share out an isolated position's margin after a fill; `was` is (lots, margin) before it."""
    if not p.isolated:
        return
    had, margin = was
    closed = min(abs(had), abs(lots)) if had * lots < 0 else 0
    share = margin * closed // abs(had) if closed else 0
    opening = part * (abs(lots) - closed) // abs(lots)
    payoff = part - opening + share + p.margin - margin
    got = 0 if liquidates and p.lots else max(payoff, 0)
    left = margin - share + opening + payoff - got
    short = max(-left, 0)
    settle = contract_of(state, p.instrument).settle
    if short:
        state.move(settle, INSURANCE, p.account, short)
        state.hold(settle, p.account, short)
    p.margin = left + short
    state.hold(settle, p.account, -got)
    report_margin(state, effects, p, got, fee_minor=short)
