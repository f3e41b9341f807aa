"""The reference engine's price bands, and what each phase lets in."""

from types import SimpleNamespace

from ledger.engine.reference.forms import MAY_REST
from ledger.engine.reference.state import State, require
from ledger.engine.reference.taker import Taker, crosses
from ledger.records.codes import CommandFlag, OrderType, Phase, Reject, Side


def clip(taker: Taker) -> bool:
    """Let a taker trade no further than the price band; whether it would have."""
    band = taker.instrument.band()
    if band is None:
        return False
    taker.edge = band[1] if taker.side == Side.BUY else band[0]
    return taker.limit != taker.edge and crosses(taker.side, taker.limit, taker.edge)


def check_session(state: State, c: SimpleNamespace, taker: Taker) -> None:
    """What the phase, and the price band, let in.

    Raises:
        Rejected: PRICE_OUT_OF_BAND, MARKET_HALTED or IN_CALL.
    """
    instrument = taker.instrument
    if instrument.is_trading(state.halted):
        if c.order_type == OrderType.LIMIT:
            require(not clip(taker), Reject.PRICE_OUT_OF_BAND)
        return
    halted = state.halted or instrument.session.phase == Phase.HALTED
    require(not halted, Reject.MARKET_HALTED)
    rests = c.order_type == OrderType.LIMIT and c.time_in_force in MAY_REST
    require(rests and not c.flags & CommandFlag.POST_ONLY, Reject.IN_CALL)
