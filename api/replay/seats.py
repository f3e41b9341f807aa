"""The replay's own engine: one instrument, one account a side, and commands written by columns.

Bids belong to one account and asks to another, so that nobody trades with himself. The money is
play money: enough of it that no sane order lacks any.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from api.replay.recorded import Terms
from ledger.engine import Engine, Executed
from ledger.records import layout
from ledger.records.build import address_fields, command
from ledger.records.codes import (
    RECORD_VERSION,
    CommandFlag,
    CommandKind,
    OrderType,
    Side,
    TimeInForce,
)
from matching.units import AMOUNT_MINOR_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX

BATCH: Final = 4096
ACCOUNT: Final = {Side.BUY: 16, Side.SELL: 17}
BASE, QUOTE = 0, 1
FUNDS_MINOR: Final = AMOUNT_MINOR_MAX // 2
COLUMNS: Final = (
    "kind", "account", "side", "price_ticks", "qty_lots", "time_in_force", "flags", "target_id",
)  # fmt: skip

Row = tuple[int, int, int, int, int, int, int, int]


def _opening(terms: Terms) -> NDArray[Any]:
    """List the pair, open the two accounts, and give each what its side spends."""
    raw = [
        command(
            CommandKind.LIST_ASSET,
            asset=asset,
            supply_max_minor=AMOUNT_MINOR_MAX,
            symbol=b"QUOTE" if asset == QUOTE else b"BASE",
            **address_fields("token", bytes([asset + 1]) * 20),
        )
        for asset in (BASE, QUOTE)
    ]
    raw.append(
        command(
            CommandKind.LIST_INSTRUMENT,
            base=BASE,
            quote=QUOTE,
            lot_minor=1,
            notional_num=terms.notional_num,
            notional_den=terms.notional_den,
            max_price_ticks=PRICE_TICKS_MAX,
            max_qty_lots=QTY_LOTS_MAX,
            symbol=b"REPLAY",
        )
    )
    raw += [command(CommandKind.OPEN_ACCOUNT, account=account) for account in ACCOUNT.values()]
    spends = ((Side.BUY, QUOTE), (Side.SELL, BASE))
    raw += [
        command(
            CommandKind.CREDIT_DEPOSIT,
            account=ACCOUNT[side],
            asset=asset,
            deposit_index=index,
            amount_minor=FUNDS_MINOR,
        )
        for index, (side, asset) in enumerate(spends, start=1)
    ]
    return np.frombuffer(b"".join(raw), layout.COMMAND)


class Seats:
    """Writes commands to the engine, up to `BATCH` at a time; the caller flushes the last."""

    def __init__(self, terms: Terms) -> None:
        self.engine = Engine()
        self.commands = 0
        done = self.engine.execute(_opening(terms))
        assert not done.outcomes["reject"].any(), "the opening is well-formed"
        self._rows: list[Row] = []
        self._next_id = self.engine.seq + 1

    @property
    def full(self) -> bool:
        """Whether the caller must flush before the next command."""
        return len(self._rows) >= BATCH

    def _write(self, row: Row) -> int:
        assert not self.full, "the caller flushes"
        self._rows.append(row)
        self._next_id += 1
        return self._next_id - 1

    def rest(self, side: Side, price_ticks: int, lots: int) -> int:
        """An order that must not trade. Returns its id."""
        return self._new(side, price_ticks, lots, TimeInForce.GTC, CommandFlag.POST_ONLY)

    def take(self, side: Side, price_ticks: int, lots: int, time_in_force: TimeInForce) -> int:
        """An order that may trade. Returns its id."""
        return self._new(side, price_ticks, lots, time_in_force, CommandFlag(0))

    def _new(
        self, side: Side, ticks: int, lots: int, in_force: TimeInForce, flags: CommandFlag
    ) -> int:
        kind = CommandKind.NEW_ORDER
        return self._write((kind, ACCOUNT[side], side, ticks, lots, in_force, flags, 0))

    def cancel(self, side: Side, order_id: int) -> None:
        """The order's rest leaves the book."""
        self._write((CommandKind.CANCEL_ORDER, ACCOUNT[side], 0, 0, 0, 0, 0, order_id))

    def amend(self, side: Side, order_id: int, size_lots: int) -> None:
        """The order's whole size, what filled included, becomes smaller."""
        self._write((CommandKind.AMEND_ORDER, ACCOUNT[side], 0, 0, size_lots, 0, 0, order_id))

    def flush(self) -> Executed | None:
        """Execute what was written; None when nothing was."""
        if not self._rows:
            return None
        batch = np.zeros(len(self._rows), layout.ORDER)
        batch["version"] = RECORD_VERSION
        batch["order_type"] = OrderType.LIMIT
        for name, values in zip(COLUMNS, zip(*self._rows, strict=True), strict=True):
            batch[name] = values
        self.commands += len(batch)
        self._rows.clear()
        return self.engine.execute(batch)
