"""The read model's tables: structured arrays that grow by doubling, linked by row numbers.

Rows point at rows; NONE points nowhere. Trades live in a ring and are named by ordinals, from 1,
that never repeat. Nothing here is part of a state root: the tables can be built again from the
journal, and only what queries answer is promised.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

NONE: Final = -1
CLIENT_ID_BYTES: Final = 36
WORD_BYTES: Final = 8
NODES_A_TRADE: Final = 4
"""Chain nodes of trade t: 4t by instrument, 4t+1 of the taker, 4t+2 of the maker, 4t+3 unused."""
BY_INSTRUMENT: Final = 0
BY_TAKER: Final = 1
BY_MAKER: Final = 2


def numeric(layout: np.dtype[np.void]) -> np.dtype[np.void]:
    """The same layout as kernels can read it: no filler, and a client id as words.

    Kernels take numbers only: `client_id` becomes `client_0` … `client_4`, four words of 8 bytes
    and one of 4.
    """
    assert layout.names is not None
    assert layout.fields is not None
    fields = [
        (name, layout[name], layout.fields[name][1])
        for name in layout.names
        if layout[name].kind in "iu"
    ]
    if "client_id" in layout.names:
        start = layout.fields["client_id"][1]
        fields += [(f"client_{n}", np.dtype("<i8"), start + WORD_BYTES * n) for n in range(4)]
        fields += [("client_4", np.dtype("<u4"), start + WORD_BYTES * 4)]
        assert start + CLIENT_ID_BYTES == start + WORD_BYTES * 4 + 4
    names, formats, offsets = zip(*fields, strict=True)
    return np.dtype(
        {
            "names": list(names),
            "formats": list(formats),
            "offsets": list(offsets),
            "itemsize": layout.itemsize,
        }
    )


SLOT: Final = np.dtype([("hash", "<i8"), ("entry", "<i8")])
"""One place of a hash index. `entry` is a row number plus one: zero, as memory begins, is empty."""

_CLIENT: Final = [(f"client_{word}", "<i8") for word in range(5)]

ORDER_ROW: Final = np.dtype(
    [
        ("order_id", "<i8"),
        ("created_ns", "<i8"),
        ("updated_ns", "<i8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("quote_minor", "<i8"),
        ("filled_lots", "<i8"),
        ("filled_quote_minor", "<i8"),
        ("realized_minor", "<i8"),
        ("held_minor", "<i8"),
        ("carry", "<i8"),
        ("trigger_ticks", "<i8"),
        ("display_lots", "<i8"),
        ("expire_ns", "<i8"),
        ("target_id", "<i8"),
        ("list_id", "<i8"),
        ("triggered_ns", "<i8"),
        ("prevented_lots", "<i8"),
        ("ended", "<i8"),
        ("account", "<u4"),
        ("instrument", "<u4"),
        ("flags", "<u2"),
        ("side", "u1"),
        ("order_type", "u1"),
        ("time_in_force", "u1"),
        ("status", "u1"),
        ("is_open", "u1"),
        ("self_trade", "u1"),
        ("pair", "<i4"),
        ("name", "<i4"),
        ("pair_prev", "<i4"),
        ("pair_next", "<i4"),
        ("name_prev", "<i4"),
        ("name_next", "<i4"),
        ("queue_prev", "<i4"),
        ("queue_next", "<i4"),
    ]
)
"""One order. The three lists it is in run by id: all of its pair's, all of its client id's, and
(`queue_`) its account's open ones. Closed rows use queue_next for the queue to eviction, free rows
for the free list. `filled_quote_minor` is the notional for a perpetual, `held_minor` and `carry`
are the engine's for spot (docs/spec/engine.md, 3) and else 0, `ended` is the flags of its
ORDER_EXPIRED or NONE, `list_id` the order that made it one of a pair, 0 without a pair."""

NAME_ROW: Final = np.dtype(
    [
        ("hash", "<i8"),
        *_CLIENT,
        ("account", "<u4"),
        ("last", "<i4"),
        ("open", "<i4"),
        ("next", "<i4"),
    ]
)
"""One client order id of one account: its latest order's row, how many of its orders are open; a
free row's `next` is the free list's."""

PAIR_ROW: Final = np.dtype(
    [
        ("key", "<i8"),
        ("last_order", "<i8"),
        ("last_node", "<i8"),
        ("position", "<i8"),
        ("long", "<i8"),
        ("short", "<i8"),
    ]
)
"""One account on one instrument; key is account << 32 | instrument; the rows of its position in
one-way mode and of its two legs in hedge mode, each or NONE."""

POSITION_ROW: Final = np.dtype(
    [
        ("qty_lots", "<i8"),
        ("cost", "<i8"),
        ("realized_minor", "<i8"),
        ("funding_minor", "<i8"),
        ("margin_minor", "<i8"),
        ("account", "<u4"),
        ("instrument", "<u4"),
        ("leg", "<u4"),
        ("isolated", "<u4"),
        ("account_prev", "<i8"),
    ]
)
"""One account's position in a perpetual: signed lots and cost (docs/spec/margin.md), what its
trades have realized and what funding it was paid (negative: it paid), in the settlement asset.
`leg` and `margin_minor`, what an isolated one owns out of its account's held balance, are the
engine's."""

TRADE_ROW: Final = np.dtype(
    [
        ("seq", "<i8"),
        ("time_ns", "<i8"),
        ("trade_id", "<i8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("quote_minor", "<i8"),
        ("taker_realized_minor", "<i8"),
        ("maker_realized_minor", "<i8"),
        ("taker_order_id", "<i8"),
        ("maker_order_id", "<i8"),
        ("taker_fee_minor", "<i8"),
        ("maker_fee_minor", "<i8"),
        ("instrument", "<u4"),
        ("event_index", "<u4"),
        ("taker_account", "<u4"),
        ("maker_account", "<u4"),
        ("taker_side", "u1"),
        ("product", "u1"),
        ("flags", "<u2"),
        ("pad", "<u4"),
    ]
)
"""One trade. `quote_minor` is the notional for a perpetual, whose sides realized something."""

LINK: Final = np.dtype([("prev", "<i8"), ("jump", "<i8"), ("span", "<i8"), ("depth", "<i8")])
"""One node of a chain (chains.py); nodes before the oldest kept trade's are gone."""

INSTRUMENT_ROW: Final = np.dtype(
    [
        ("last_node", "<i8"),
        ("last_price_ticks", "<i8"),
        ("lot_minor", "<i8"),
        ("num", "<i8"),
        ("den", "<i8"),
        ("carry", "<i8"),
        ("mark_ticks", "<i8"),
        ("index_ticks", "<i8"),
        ("rate_ppb", "<i8"),
        ("multiplier_ppm", "<i8"),
        ("marked_ns", "<i8"),
        ("base", "<u4"),
        ("quote", "<u4"),
        ("settle", "<u4"),
        ("product", "<u4"),
    ]
)
"""Its tape, its terms, and a perpetual's last MARK_MOVED; `carry` is the fraction of a unit, in
units of 1 / den, that linear payments have left over so far."""

BALANCE_ROW: Final = np.dtype([("available_minor", "<i8"), ("held_minor", "<i8")])

COUNTERS: Final = np.dtype(
    [
        ("order_used", "<i8"),
        ("order_free", "<i8"),
        ("order_free_count", "<i8"),
        ("name_used", "<i8"),
        ("name_free", "<i8"),
        ("name_free_count", "<i8"),
        ("pair_used", "<i8"),
        ("closed_first", "<i8"),
        ("closed_last", "<i8"),
        ("closed_count", "<i8"),
        ("closed_max", "<i8"),
        ("trade_count", "<i8"),
        ("withdrawal_used", "<i8"),
        ("deposit_used", "<i8"),
        ("position_used", "<i8"),
    ]
)
"""One row. `_used` is how far a table's rows were ever used, `_free` heads its free list."""

NEEDS: Final = np.dtype(
    [
        ("orders", "<i8"),
        ("names", "<i8"),
        ("pairs", "<i8"),
        ("accounts", "<i8"),
        ("instruments", "<i8"),
        ("assets", "<i8"),
        ("positions", "<i8"),
        ("withdrawals", "<i8"),
        ("deposits", "<i8"),
    ]
)
"""One row: the rows that each table must have for the batch that is folded next."""

WITHDRAWAL_ROW: Final = np.dtype(
    [
        ("withdrawal_id", "<i8"),
        ("amount_minor", "<i8"),
        ("fee_minor", "<i8"),
        ("batch", "<i8"),
        ("created_ns", "<i8"),
        ("updated_ns", "<i8"),
        ("account", "<i8"),
        ("hash", "<i8"),
        ("account_prev", "<i8"),
        *_CLIENT,
        *((f"travel_{word}", "<i8") for word in range(4)),
        ("payee_0", "<i8"),
        ("payee_1", "<i8"),
        ("payee_2", "<u4"),
        ("asset", "<u4"),
        ("status", "u1"),
        ("checks_passed", "u1"),
        ("required_checks", "u1"),
        ("pad", "u1"),
        ("pad_word", "<u4"),
    ]
)

DEPOSIT_ROW: Final = np.dtype(
    [
        ("deposit_index", "<i8"),
        ("account", "<i8"),
        ("amount_minor", "<i8"),
        ("chain_block", "<i8"),
        ("credited_ns", "<i8"),
        ("account_prev", "<i8"),
        *((f"tx_{word}", "<i8") for word in range(4)),
        ("asset", "<i8"),
    ]
)

ASSET_ROW: Final = np.dtype(
    [
        ("withdrawal_fee_minor", "<i8"),
        ("required_checks", "<i8"),
        ("unit_wei", "<i8"),
        ("dust_wei", "<i8"),
    ]
)

ACCOUNT_ROW: Final = np.dtype(
    [
        ("last_open", "<i4"),
        ("last_withdrawal", "<i4"),
        ("last_deposit", "<i4"),
        ("last_position", "<i4"),
        ("hedged", "<i4"),
    ]
)
"""The ends of an account's lists: its open orders, withdrawals, deposits and positions; whether it
is in hedge mode."""


class Records(NamedTuple):
    """One batch as the fold reads it, all read-only.

    `commands` are in the ORDER layout; the same bytes are there in others: `stances` in that of
    SET_POSITION_MODE.
    """

    commands: NDArray[Any]
    outcomes: NDArray[Any]
    events: NDArray[Any]
    listings: NDArray[Any]
    assets: NDArray[Any]
    deposits: NDArray[Any]
    withdrawals: NDArray[Any]
    decisions: NDArray[Any]
    stances: NDArray[Any]
    margin_modes: NDArray[Any]


class Book(NamedTuple):
    """Orders and what finds them."""

    orders: NDArray[Any]
    names: NDArray[Any]
    pairs: NDArray[Any]
    accounts: NDArray[Any]
    by_id: NDArray[Any]
    by_name: NDArray[Any]
    by_pair: NDArray[Any]
    counters: NDArray[Any]
    salt: NDArray[Any]


class Tape(NamedTuple):
    """Trades: rings of a power of two, `links` NODES_A_TRADE times as long as `trades`."""

    trades: NDArray[Any]
    links: NDArray[Any]
    instruments: NDArray[Any]


class Holdings(NamedTuple):
    """What everybody has: `balances` is BALANCE_ROW, shape (assets, accounts)."""

    balances: NDArray[Any]
    positions: NDArray[Any]
    assets: NDArray[Any]


class Vault(NamedTuple):
    """Money in and out."""

    withdrawals: NDArray[Any]
    deposits: NDArray[Any]
    assets: NDArray[Any]
    accounts: NDArray[Any]
    by_name: NDArray[Any]
    counters: NDArray[Any]
    salt: NDArray[Any]


class Groups(NamedTuple):
    """All tables, as kernels take them by reference (matching/pins.py)."""

    book: Book
    tape: Tape
    holdings: Holdings
    vault: Vault
    needs: NDArray[Any]
