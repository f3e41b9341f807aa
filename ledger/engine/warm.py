"""Compile every kernel of the engine once, so that other processes find it in the cache.

A cold compile takes some half a minute of CPU. Whoever starts several processes calls this first,
in one of them: afterwards each starts in a second.
"""

import numpy as np

from ledger.engine.engine import Engine
from ledger.records import layout
from ledger.records.build import address_fields, command
from ledger.records.codes import CommandKind, Reject


def compile_kernels() -> None:
    """Run a venue of one order through every entry into compiled code."""
    engine = Engine()
    terms = {
        "lot_minor": 1,
        "notional_num": 1,
        "notional_den": 1,
        "max_price_ticks": 1,
        "max_qty_lots": 1,
    }
    raw = [
        command(
            CommandKind.LIST_ASSET,
            asset=asset,
            supply_max_minor=1,
            symbol=b"WARM",
            **address_fields("token", bytes(20)),
        )
        for asset in range(2)
    ]
    raw += [
        command(CommandKind.LIST_INSTRUMENT, quote=1, symbol=b"WARM", **terms),
        command(CommandKind.OPEN_ACCOUNT, account=16),
        command(CommandKind.CREDIT_DEPOSIT, account=16, asset=1, deposit_index=1, amount_minor=1),
        command(CommandKind.NEW_ORDER, account=16, price_ticks=1, qty_lots=1),
    ]
    done = engine.execute(np.frombuffer(b"".join(raw), layout.COMMAND))
    assert (done.outcomes["reject"] == Reject.NONE).all(), "the venue is well-formed"
    restored = Engine.restore(engine.snapshot())
    bids, _ = restored.depth(0, 1)
    assert len(bids) == 1, "the order rests"
    assert restored.order(len(raw)) is not None, "and is found"
