"""The arrays that kernels work on: canonical tables, the book, a batch's commands and results.

Kernels take them grouped, so that no kernel has more than six arguments. Nothing here computes.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ledger.engine.caches import Caches
from ledger.engine.credit_layout import Credit
from ledger.engine.margin_layout import Margin
from ledger.records import layout as records
from matching.layout import Book

WORD_BYTES: Final = 8


class State(NamedTuple):
    """Everything that commands change; dtypes in ledger/engine/layout.py."""

    header: NDArray[Any]
    """HEADER, shape (1,)."""
    accounts: NDArray[Any]
    """ACCOUNT_ROW, shape (account capacity,)."""
    assets: NDArray[Any]
    """ASSET_ROW, shape (asset capacity,)."""
    instruments: NDArray[Any]
    """INSTRUMENT_ROW, shape (instrument capacity,)."""
    orders: NDArray[Any]
    """ORDER_ROW, shape (order capacity,): the slots of `book.orders`."""
    terms: NDArray[Any]
    """TERMS_ROW, shape (order capacity,): the same slots."""
    pending: NDArray[Any]
    """PENDING_ROW, shape (trigger capacity,): the slots of `triggers.orders`."""
    markets: NDArray[Any]
    """MARKET_ROW, shape (instrument capacity,)."""
    pending_links: NDArray[Any]
    """LINK, shape (trigger capacity,)."""
    pending_owners: NDArray[Any]
    """OWNER_ROW, shape (account capacity,)."""
    order_links: NDArray[Any]
    """LINK, shape (order capacity,): the same slots."""
    order_owners: NDArray[Any]
    """OWNER_ROW, shape (account capacity,)."""
    seats: NDArray[Any]
    """SEAT_ROW, shape (account capacity,)."""
    withdrawals: NDArray[Any]
    """WITHDRAWAL_ROW, shape (withdrawal capacity,)."""
    batches: NDArray[Any]
    """BATCH_ROW, shape (batch capacity,)."""
    payouts: NDArray[Any]
    """PAYOUT_ROW, shape (payout capacity,)."""
    holds: NDArray[Any]
    """HOLD_ROW, shape (hold capacity,): what risk and compliance froze."""
    balances: NDArray[Any]
    """BALANCE, shape (asset capacity, account capacity)."""
    drift_minor: NDArray[np.int64]
    """Sum of all changes to each asset's balances, shape (asset capacity,): always zero."""
    book: Book
    triggers: Book
    """Pending orders by trigger: two sides an instrument and source, falling and rising."""
    margin: Margin
    timers: Book
    """One side, whose prices are seconds (ledger/engine/kernels/timers.py)."""
    sessions: NDArray[Any]
    """SESSION_ROW, shape (instrument capacity,)."""
    swings: NDArray[Any]
    """SWING_ROW, shape (instrument capacity * BUCKETS,)."""
    trail_owners: NDArray[Any]
    """OWNER_ROW, shape (instrument capacity,): each instrument's list of trailing orders."""
    trail_links: NDArray[Any]
    """LINK, shape (trigger capacity,)."""
    credit: Credit
    caches: Caches


FRAME: Final = np.dtype(
    [
        ("seq", "<i8"),
        ("time_ns", "<i8"),
        ("event_count", "<i8"),
        ("event_first", "<i8"),
        ("events_wanted", "<i8"),
        ("chained", "<i8"),
        ("drifted", "<i8"),
        ("stage", "<i8"),
        ("part", "<i8"),
        ("step", "<i8"),
        ("stop", "<i8"),
        ("fallen", "<i8"),
        ("busy", "<i8"),
    ]
)
"""One row: the command at work; events so far, and where this command's begin; room that what comes
next wants when the kernel stops for it; reports and anchors whose digests are to be chained; how
many assets' changes do not cancel. The rest is where a TICK goes on that stopped: its stage, 0
when none is at work, the part and step of that, and how many positions there were when the stage
began; accounts that are down, and how many accounts or positions of the stage are being closed."""

UNKNOWN: Final = -1
"""Nobody has found it."""

TAKER: Final = np.dtype(
    [
        ("order_id", "<i8"),
        ("account", "<i8"),
        ("instrument", "<i8"),
        ("side", "<i8"),
        ("limit_key", "<i8"),
        ("self_trade", "<i8"),
        ("remaining_lots", "<i8"),
        ("prevented_lots", "<i8"),
        ("budget_minor", "<i8"),
        ("budgeted", "<i8"),
        ("by_quote", "<i8"),
        ("carry", "<i8"),
        ("filled_lots", "<i8"),
        ("filled_quote_minor", "<i8"),
        ("stopped", "<i8"),
        ("is_limit", "<i8"),
        ("time_in_force", "<i8"),
        ("flags", "<i8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("quote_minor", "<i8"),
        ("display_lots", "<i8"),
        ("expire_s", "<i8"),
        ("first_ticks", "<i8"),
        ("last_ticks", "<i8"),
        ("left_lots", "<i8"),
        ("spent", "<i8"),
        ("closing", "<i8"),
        ("leg", "<i8"),
        ("position", "<i8"),
        ("extra_minor", "<i8"),
        ("hold_minor", "<i8"),
        ("day", "<i8"),
        ("fee_ppb", "<i8"),
        ("volume_minor", "<i8"),
        ("credit", "<i8"),
        ("needed_minor", "<i8"),
        ("pledge_minor", "<i8"),
    ]
)
"""One row: the incoming order while it trades. `limit_key` is the worst key of the other side that
it accepts; the budget counts only when `budgeted`; `stopped` by self-trade prevention; `spent` when
the budget buys no further lot; `first_ticks` and `last_ticks` are the prices of its trades, 0 when
it has none; `left_lots` what it says of itself in the end; `closing` orders only make a position
smaller; `leg` is which of the account's positions it is about, `position` its row or NIL,
`extra_minor` how much more initial margin it needs when it rests without having met another order,
or UNKNOWN; `hold_minor` what it has yet of the
money that an isolated position's order took with it; `day` is today, `fee_ppb` its fee rate,
`volume_minor` what its trades are worth, not yet counted; `credit` says that it may owe what it
spends, `needed_minor` at most, and `pledge_minor` is what its execution may cost its account in
equity. The other fields are the order's own."""


class Results(NamedTuple):
    """Where kernels write what happened."""

    outcomes: NDArray[Any]
    """OUTCOME, shape (n,); a command's row is zeroed when it begins."""
    events: NDArray[Any]
    """EVENT, shape (event capacity,)."""
    event_words: NDArray[np.int64]
    """The same bytes, shape (event capacity, 16)."""
    frame: NDArray[Any]
    """FRAME, shape (1,)."""
    taker: NDArray[Any]
    """TAKER, shape (1,)."""


def kernel_view(dtype: np.dtype[np.void]) -> np.dtype[np.void]:
    """A record layout as kernels read it: integers only.

    Text of whole words becomes words `name_0` …; other text, and reserved bytes, have no name:
    kernels see them through `Commands.words`.
    """
    assert dtype.names is not None
    assert dtype.fields is not None
    names: list[str] = []
    formats: list[str] = []
    offsets: list[int] = []
    for name in dtype.names:
        field, offset = dtype.fields[name][:2]
        if field.kind not in "VS":
            names.append(name)
            formats.append(field.str)
            offsets.append(offset)
        elif field.kind == "S" and field.itemsize % WORD_BYTES == 0:
            for word in range(field.itemsize // WORD_BYTES):
                names.append(f"{name}_{word}")
                formats.append("<i8")
                offsets.append(offset + WORD_BYTES * word)
    return np.dtype(
        {"names": names, "formats": formats, "offsets": offsets, "itemsize": dtype.itemsize}
    )


def first_word(dtype: np.dtype[np.void], name: str) -> int:
    """Where a field begins, counted in the words of `Commands.words`."""
    assert dtype.fields is not None
    offset = dtype.fields[name][1]
    assert offset % WORD_BYTES == 0, "kernels compare whole words"
    return int(offset) // WORD_BYTES


class Commands(NamedTuple):
    """One batch of commands, each layout a view of the same bytes, shape (n,)."""

    words: NDArray[np.int64]
    """Shape (n, 16)."""
    header: NDArray[Any]
    order: NDArray[Any]
    account: NDArray[Any]
    seat: NDArray[Any]
    transfer: NDArray[Any]
    margin: NDArray[Any]
    lending: NDArray[Any]
    asset: NDArray[Any]
    instrument: NDArray[Any]
    deposit: NDArray[Any]
    withdrawal: NDArray[Any]
    decision: NDArray[Any]
    batch: NDArray[Any]
    hold: NDArray[Any]
    report: NDArray[Any]
    anchor: NDArray[Any]
    leverage: NDArray[Any]
    fees: NDArray[Any]
    fee_tiers: NDArray[Any]
    tier: NDArray[Any]
    collateral: NDArray[Any]
    perpetual: NDArray[Any]
    oracle: NDArray[Any]
    price: NDArray[Any]
    market: NDArray[Any]
    phase: NDArray[Any]
    margin_mode: NDArray[Any]
    move: NDArray[Any]
    position_mode: NDArray[Any]


class Machine(NamedTuple):
    """All that the dispatchers work on: one argument instead of three, for a call costs by them."""

    state: State
    commands: Commands
    results: Results


_VIEWS: Final = tuple(
    kernel_view(dtype)
    for dtype in (
        records.COMMAND,
        records.ORDER,
        records.ACCOUNT,
        records.SEAT,
        records.TRANSFER,
        records.MARGIN,
        records.LENDING,
        records.ASSET,
        records.INSTRUMENT,
        records.DEPOSIT,
        records.WITHDRAWAL,
        records.DECISION,
        records.BATCH,
        records.HOLD,
        records.REPORT,
        records.ANCHOR,
        records.LEVERAGE,
        records.FEES,
        records.FEE_TIERS,
        records.TIER,
        records.COLLATERAL,
        records.PERPETUAL,
        records.ORACLE,
        records.PRICE,
        records.MARKET,
        records.PHASE,
        records.MARGIN_MODE,
        records.MOVE,
        records.POSITION_MODE,
    )
)


def view_commands(commands: NDArray[Any]) -> Commands:
    """All views of a contiguous batch of 128-byte records."""
    words = commands.view(np.int64).reshape(-1, records.COMMAND_BYTES // WORD_BYTES)
    return Commands(words, *(commands.view(view) for view in _VIEWS))
