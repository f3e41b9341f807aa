"""The oracle: the whole engine in plain Python, one command at a time.

It shares the layouts, the limits and the words with the kernels, and no line of their logic.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.limits import DEFAULT_CAPACITY, Capacity
from ledger.engine.reference import (
    custody,
    fees,
    holds,
    lending,
    orders,
    position_settings,
    sessions,
    settings,
    sweeps,
    targets,
    tick,
    transfers,
    venue,
)
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.fields import read_fields, read_header
from ledger.engine.reference.state import Rejected, State, require
from ledger.engine.views import Executed
from ledger.records.codes import RECORD_VERSION, CommandKind, Reject
from ledger.records.layout import COMMAND, EVENT, OUTCOME

Handler = Callable[[State, Effects, SimpleNamespace], None]

HANDLERS: Final[dict[CommandKind, Handler]] = {
    CommandKind.NEW_ORDER: orders.new_order,
    CommandKind.CANCEL_ORDER: targets.cancel_order,
    CommandKind.AMEND_ORDER: targets.amend_order,
    CommandKind.CANCEL_ALL: sweeps.cancel_all,
    CommandKind.REPLACE_ORDER: orders.replace_order,
    CommandKind.CANCEL_AFTER: sweeps.cancel_after,
    CommandKind.SET_ACCOUNT: sweeps.set_account,
    CommandKind.TRANSFER: transfers.transfer,
    CommandKind.SET_MARGIN: lending.set_margin,
    CommandKind.SET_LENDING: lending.set_lending,
    CommandKind.OPEN_ACCOUNT: venue.open_account,
    CommandKind.LIST_ASSET: venue.list_asset,
    CommandKind.LIST_INSTRUMENT: venue.list_instrument,
    CommandKind.CREDIT_DEPOSIT: custody.credit_deposit,
    CommandKind.REQUEST_WITHDRAWAL: custody.request_withdrawal,
    CommandKind.DECIDE_WITHDRAWAL: custody.decide_withdrawal,
    CommandKind.CUT_BATCH: custody.cut_batch,
    CommandKind.CONFIRM_BATCH: custody.confirm_batch,
    CommandKind.PLACE_HOLD: holds.place_hold,
    CommandKind.RELEASE_HOLD: holds.release_hold,
    CommandKind.RECORD_REPORT: venue.record_report,
    CommandKind.RECORD_ANCHOR: venue.record_anchor,
    CommandKind.TICK: tick.tick,
    CommandKind.ORACLE_PRICE: settings.oracle_price,
    CommandKind.SET_LEVERAGE: position_settings.set_leverage,
    CommandKind.SET_MARGIN_MODE: position_settings.set_margin_mode,
    CommandKind.MOVE_MARGIN: position_settings.move_margin,
    CommandKind.SET_POSITION_MODE: position_settings.set_position_mode,
    CommandKind.SET_FEES: settings.set_fees,
    CommandKind.SET_FEE_TIERS: fees.set_fee_tiers,
    CommandKind.SET_TIER: settings.set_tier,
    CommandKind.SET_COLLATERAL: settings.set_collateral,
    CommandKind.SET_PERPETUAL: settings.set_perpetual,
    CommandKind.SET_ORACLE: settings.set_oracle,
    CommandKind.SET_MARKET: sessions.set_market,
    CommandKind.SET_PHASE: sessions.set_phase,
}


assert HANDLERS.keys() == set(CommandKind)


class ReferenceEngine:
    """Executes commands like `Engine`, slowly."""

    def __init__(self, capacity: Capacity = DEFAULT_CAPACITY) -> None:
        self.state = State(capacity)

    def execute(self, commands: NDArray[Any]) -> Executed:
        """Execute commands in order.

        Args:
            commands: COMMAND-sized records, shape (n,).
        """
        first_seq = self.state.seq + 1
        raw = np.ascontiguousarray(commands).tobytes()
        done = [
            self._step(raw[start : start + COMMAND.itemsize])
            for start in range(0, len(raw), COMMAND.itemsize)
        ]
        outcomes = np.zeros(len(done), OUTCOME)
        events = np.zeros(sum(len(effects.events) for effects in done), EVENT)
        at = 0
        for row, effects in enumerate(done):
            _fill(outcomes, row, effects.outcome)
            for event in effects.events:
                _fill(events, at, event)
                at += 1
        return Executed(first_seq, outcomes, events)

    def _step(self, raw: bytes) -> Effects:
        state, header = self.state, read_header(raw)
        state.seq += 1
        effects = Effects(state.seq, header.time_ns, header.kind)
        reject = Reject.NONE
        try:
            require(header.version == RECORD_VERSION, Reject.UNKNOWN_VERSION)
            require(header.kind in set(CommandKind), Reject.UNKNOWN_KIND)
            require(header.time_ns >= state.time_ns, Reject.TIME_BACKWARDS)
            kind = CommandKind(header.kind)
            HANDLERS[kind](state, effects, read_fields(kind, raw))
            state.time_ns = header.time_ns
        except Rejected as stopped:
            assert not effects.events, "a rejected command has no events"
            reject = stopped.reject
        effects.outcome |= {
            "seq": state.seq,
            "kind": header.kind,
            "reject": reject,
            "events": len(effects.events),
        }
        return effects


def _fill(table: NDArray[Any], row: int, fields: dict[str, int]) -> None:
    for name, amount in fields.items():
        table[name][row] = amount
