"""The engine that other stages call: execute batches, then read."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.reference.engine import ReferenceEngine
from ledger.engine.reference.tables import canonical_tables
from ledger.engine.root import state_root
from ledger.engine.views import (
    Balance,
    EngineAsset,
    EngineBatch,
    EngineInstrument,
    EngineOrder,
    EngineWithdrawal,
    Executed,
)
from ledger.records.codes import Check, Side, WithdrawalStatus

DEPTH: Final = np.dtype([("price_ticks", "<i8"), ("qty_lots", "<i8"), ("orders", "<i8")])
"""One level of a book's depth."""


class Engine:
    """The deterministic state machine of stage 3."""

    def __init__(self) -> None:
        self._reference = ReferenceEngine()

    @property
    def seq(self) -> int:
        """The last executed command; 0 before the first."""
        return self._reference.state.seq

    @property
    def time_ns(self) -> int:
        """The time of the last command that took effect."""
        return self._reference.state.time_ns

    @property
    def account_count(self) -> int:
        """Accounts that exist; also the next account's id. The first 16 are the venue's."""
        return len(self._reference.state.accounts)

    @property
    def asset_count(self) -> int:
        """Assets that are listed."""
        return len(self._reference.state.assets)

    @property
    def instrument_count(self) -> int:
        """Instruments that are listed."""
        return len(self._reference.state.instruments)

    @property
    def deposit_index(self) -> int:
        """The last deposit credited; the vault counts them from 1."""
        return self._reference.state.deposit_index

    @property
    def last_batch(self) -> int:
        """The last batch that was cut; 0 before the first."""
        return len(self._reference.state.batches)

    @property
    def report_count(self) -> int:
        """Reports recorded; the next one is number `report_count + 1`."""
        return self._reference.state.report_count

    @property
    def anchor_index(self) -> int:
        """The last anchor recorded; 0 before the first."""
        return self._reference.state.anchor_index

    @property
    def anchored_block(self) -> int:
        """The certified block that the last anchor stands for."""
        return self._reference.state.anchored_block

    def execute(self, commands: NDArray[Any]) -> Executed:
        """Execute commands in order.

        Args:
            commands: 128-byte records, shape (n,), n >= 0; any command layout.

        Returns:
            One outcome a command, and the events; the arrays belong to the caller.
        """
        return self._reference.execute(commands)

    def state_root(self) -> bytes:
        """32 bytes over the whole state; docs/spec/engine.md says of what."""
        return state_root(canonical_tables(self._reference.state))

    def balance(self, account: int, asset: int) -> Balance:
        """One account's money in one asset; zero for what does not exist."""
        state = self._reference.state
        return Balance(state.free(asset, account), state.held.get((asset, account), 0))

    def depth(self, instrument: int, levels: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Bids and asks, best first: DEPTH rows, at most `levels` each."""
        book = self._reference.state.instruments[instrument]
        sides = []
        for side in (Side.BUY, Side.SELL):
            rows = [
                (
                    price,
                    sum(o.remaining for o in book.levels[side][price]),
                    len(book.levels[side][price]),
                )
                for price in book.best_first(side)[:levels]
            ]
            sides.append(np.array(rows, DEPTH))
        return sides[0], sides[1]

    def order(self, order_id: int) -> EngineOrder | None:
        """An open order, or None."""
        order = self._reference.state.orders.get(order_id)
        if order is None:
            return None
        return EngineOrder(
            order.order_id,
            order.account,
            order.instrument,
            order.side,
            order.price,
            order.total,
            order.remaining,
            order.held,
        )

    def withdrawal(self, withdrawal_id: int) -> EngineWithdrawal | None:
        """A withdrawal in any state, or None."""
        for w in self._reference.state.withdrawals:
            if w.withdrawal_id == withdrawal_id:
                return EngineWithdrawal(
                    w.withdrawal_id,
                    w.account,
                    w.asset,
                    w.amount,
                    w.fee,
                    w.payee,
                    w.travel,
                    w.status,
                    Check(w.passed),
                    w.batch,
                )
        return None

    def pending_withdrawals(self) -> list[int]:
        """Ids of withdrawals HELD or CLEARED, ascending."""
        pending = (WithdrawalStatus.HELD, WithdrawalStatus.CLEARED)
        return [w.withdrawal_id for w in self._reference.state.withdrawals if w.status in pending]

    def batch(self, batch: int) -> EngineBatch | None:
        """One batch with its payouts in order, or None."""
        state = self._reference.state
        if not 1 <= batch <= len(state.batches):
            return None
        row = state.batches[batch - 1]
        ids = tuple(state.withdrawals[i].withdrawal_id for i in row.rows)
        return EngineBatch(batch, row.status, row.cut_seq, row.deadline_s, row.deposit_index, ids)

    def asset(self, asset: int) -> EngineAsset | None:
        """A listed asset, or None."""
        if not 0 <= asset < self.asset_count:
            return None
        a = self._reference.state.assets[asset]
        return EngineAsset(
            asset,
            a.symbol.rstrip(b"\0"),
            a.token,
            a.ledger_decimals,
            a.token_decimals,
            Check(a.required_checks),
            a.supply_max,
            a.withdrawal_min,
            a.withdrawal_fee,
            a.unit_wei,
            a.dust_wei,
        )

    def instrument(self, instrument: int) -> EngineInstrument | None:
        """A listed instrument, or None."""
        if not 0 <= instrument < self.instrument_count:
            return None
        i = self._reference.state.instruments[instrument]
        return EngineInstrument(
            instrument,
            i.symbol.rstrip(b"\0"),
            i.base,
            i.quote,
            i.price_decimals,
            i.qty_decimals,
            i.lot_minor,
            i.num,
            i.den,
            i.min_notional,
            i.max_price,
            i.max_qty,
            i.maker_fee_ppm,
            i.taker_fee_ppm,
            i.trades,
        )
