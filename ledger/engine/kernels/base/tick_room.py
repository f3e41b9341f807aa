"""The most events that one part of a TICK may cause: a part begins when there is room for them.

A TICK goes from part to part (tick.py), and what a part can reach tells how many events it can
cause. The bounds rest on three facts about the orders of a book and of its triggers:

- An order leaves once, resting or pending, with at most one event of its own; filled, with none.
  Its OCO partner is of the same account and instrument.
- A trade, or a reduction where an account meets itself, fills a resting order or a slice of one, or
  it ends the taker. So there are never more of them than orders and slices that go, and takers.
- A pending order that triggers has three events more: that it did, a last trade or reduction that
  ends it as taker, and a loan. Coming to rest it is a resting order as any other.

Beside a trade there may be what moved in two isolated positions, and beside a trigger what the
order's own position got back.
"""

from ledger.engine.credit_layout import LOANS_PER_ACCOUNT
from ledger.engine.kernels.base.commands import EVENTS_OF_ISOLATED
from ledger.engine.kernels.base.pending import pending_count
from ledger.engine.kernels.base.timers import due_timer
from ledger.engine.limits import EXPIRIES_MAX, ICEBERG_PARTS_MAX
from ledger.engine.state import Commands, State
from matching.jit import i64, inner
from matching.layout import NIL

EVENTS_OF_JUDGEMENT = 2
"""An account is called for its loans, and falls."""
_EVENTS_OF_PENDING = ICEBERG_PARTS_MAX + 4
"""Three of the trigger, the order's end, and its slices once it rests."""
_EVENTS_OF_LOAN = 6
"""Its account repays it, it may end a collateral (two events), the fund covers it and it is repaid
once more, and the rest is lost."""


@inner
def beside(state: State, events: int) -> int:
    """So many events, with what isolated positions add."""
    return events * EVENTS_OF_ISOLATED if state.header["isolated_count"][0] > 0 else events


@inner
def orders_of_book(state: State, instrument: int) -> int:
    """Everything that can leave or trade in an instrument: its orders, slices and pending ones."""
    sides = state.book.sides["orders"]
    resting = i64(sides[2 * instrument]) + i64(sides[2 * instrument + 1])
    slices = ICEBERG_PARTS_MAX * i64(state.markets["icebergs"][instrument])
    return resting + slices + _EVENTS_OF_PENDING * pending_count(state, instrument)


@inner
def events_of_book(state: State, instrument: int) -> int:
    """Everything pending of an instrument triggers, and all that rests trades or leaves."""
    return beside(state, orders_of_book(state, instrument))


@inner
def events_of_expiry(state: State, time_ns: int) -> int:
    """What is due by now leaves, at most EXPIRIES_MAX orders, each with its partner."""
    if due_timer(state, time_ns) == NIL:
        return 0
    pending = i64(state.triggers.pool["order_open"][0])
    return min(2 * EXPIRIES_MAX, i64(state.book.pool["order_open"][0]) + pending)


@inner
def events_of_reopening(state: State, instrument: int) -> int:
    """A call ends: each pair that meets fills an order or a slice, or lets one leave.

    One more says that the instrument is open; then its trades trigger as ever.
    """
    return events_of_book(state, instrument) + 1


@inner
def events_of_phase(state: State, commands: Commands, row: int) -> int:
    """A SET_PHASE: of an instrument, or of the venue and of all instruments."""
    instruments = i64(state.header["instrument_count"][0])
    instrument = i64(commands.phase["instrument"][row])
    reopened = i64(0)
    if instrument < instruments:
        reopened = events_of_reopening(state, instrument)
    return instruments + 1 + reopened


@inner
def events_of_mark(state: State, instrument: int, time_ns: int) -> int:
    """A mark moves, and when funding is due every position pays or is paid."""
    rows = state.margin.perpetuals
    if i64(rows["interval_s"][instrument]) == 0:
        return 0
    if time_ns < rows["next_funding_ns"][instrument]:
        return 1
    return 1 + i64(state.header["position_count"][0])


@inner
def events_of_sweep(state: State, account: int) -> int:
    """All orders of an account leave; their partners are among them."""
    return i64(state.order_owners["count"][account]) + i64(state.pending_owners["count"][account])


@inner
def events_of_send(state: State, row: int) -> int:
    """Lots of a position go into the book: one trade more than fills an order ends them."""
    instrument = i64(state.margin.positions["instrument"][row])
    return beside(state, orders_of_book(state, instrument) + 1)


@inner
def events_of_step(state: State, row: int) -> int:
    """A step of a liquidation: the book, then each winner is deleveraged once, then the fund."""
    return events_of_send(state, row) + beside(state, i64(state.header["position_count"][0]) + 1)


@inner
def events_of_end(state: State) -> int:
    """An account without positions ends.

    What is taken of one collateral for one debt uses one of the two up, and is two events. So there
    are fewer such pairs than wallets among its wallets, and than wallets and loans for its loans;
    each wallet that lacks is covered once.
    """
    wallets = i64(state.header["collateral_end"][0])
    return 5 * wallets + _EVENTS_OF_LOAN * LOANS_PER_ACCOUNT


@inner
def events_of_loss(state: State) -> int:
    """An asset's loss is shared by accounts that have a position, each paid in other assets."""
    header = state.header
    payers = min(i64(header["account_count"][0]), i64(header["position_count"][0]))
    return payers * max(i64(header["collateral_end"][0]), 1)
