"""What is known of a resting order, and of what its instrument holds for it."""

from ledger.engine.layout import ICEBERG, LINKED
from ledger.engine.state import Results, State
from ledger.records.codes import Product, Side, TimeInForce
from matching.jit import i64, inner

_BUY = int(Side.BUY)
_SPOT = int(Product.SPOT)
_GTC = int(TimeInForce.GTC)
_GTD = int(TimeInForce.GTD)


@inner
def may_rest(results: Results) -> bool:
    """Only a limit order that is good till cancelled, or till a moment, rests."""
    taker = results.taker
    force = taker["time_in_force"][0]
    return bool(taker["is_limit"][0] and (force in (_GTC, _GTD)))


@inner
def is_contract(state: State, instrument: int) -> bool:
    """Whether an instrument is a perpetual."""
    return i64(state.instruments["product"][instrument]) != _SPOT


@inner
def held_asset(state: State, instrument: int, side: int) -> int:
    """What an order holds: a buyer quote, a seller base; on a perpetual nothing at all."""
    if is_contract(state, instrument):
        return i64(state.margin.contracts["settle"][instrument])
    if side == _BUY:
        return i64(state.instruments["quote"][instrument])
    return i64(state.instruments["base"][instrument])


@inner
def open_lots(state: State, slot: int) -> int:
    """What remains of a resting order, shown and hidden."""
    shown = i64(state.book.orders["qty_lots"][slot])
    if state.orders["traits"][slot] & ICEBERG:
        return shown + i64(state.terms["hidden_lots"][slot])
    return shown


@inner
def lots_by_turn(state: State, slot: int, turn: int) -> int:
    """What a resting order trades in the first turn of its level: what it shows; then the rest."""
    if turn == 0:
        return i64(state.book.orders["qty_lots"][slot])
    return open_lots(state, slot) - i64(state.book.orders["qty_lots"][slot])


@inner
def hide(state: State, side_index: int, lots: int) -> None:
    """Count lots that an iceberg of a side hides from now on; negative: no longer."""
    if side_index & 1:
        state.markets["hidden_sells"][side_index >> 1] += lots
    else:
        state.markets["hidden_buys"][side_index >> 1] += lots


@inner
def hidden_of(state: State, side_index: int) -> int:
    """What the icebergs of a side hide."""
    if side_index & 1:
        return i64(state.markets["hidden_sells"][side_index >> 1])
    return i64(state.markets["hidden_buys"][side_index >> 1])


@inner
def partner_of(state: State, slot: int) -> int:
    """A resting order's OCO partner, or 0."""
    if state.orders["traits"][slot] & LINKED:
        return i64(state.terms["partner_id"][slot])
    return 0
