"""Makes and grows the state's arrays, and names their canonical part.

Allocation happens here, between kernels. New rows are zero and untouched: the system gives them
memory when they are first used.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine import layout, margin_layout
from ledger.engine.caches import grown_caches, new_caches
from ledger.engine.credit_tables import credit_tables, grown_credit, new_credit
from ledger.engine.limits import ORACLES_MAX, Capacity
from ledger.engine.margin_layout import BRACKETS_MAX, POSITIONS_PER_ACCOUNT_MAX, Margin
from ledger.engine.root import Table, TableId
from ledger.engine.state import State
from ledger.margin.contracts import CONTRACT
from ledger.margin.limits import SOURCES_MAX
from ledger.margin.tiers import TIER
from matching.arena import grown, new_book
from matching.arena import make_room as make_book_room
from matching.index import open_side
from matching.layout import NIL, Book
from matching.units import PRICE_TICKS_MAX

MIN_ROWS: Final = 64
POOL_HEAD: Final = np.dtype([(name, "<i8") for name in ("order_high", "order_free", "order_open")])
"""The canonical part of the book's pool."""


def new_state(capacity: Capacity) -> State:
    """The state before the first command: the venue's own accounts, and nothing listed."""
    assert capacity.fits(), "limits that the arrays can hold"
    header = np.zeros(1, layout.HEADER)
    header["accounts_max"] = capacity.accounts
    header["assets_max"] = capacity.assets
    header["instruments_max"] = capacity.instruments
    header["orders_max"] = capacity.orders
    header["withdrawals_max"] = capacity.withdrawals
    header["positions_max"] = capacity.positions
    header["holds_max"] = capacity.holds
    header["account_count"] = layout.CUSTOMER_FIRST
    header["cleared_head"] = NIL
    header["cleared_tail"] = NIL
    book = new_book()
    return State(
        header=header,
        accounts=np.zeros(MIN_ROWS, layout.ACCOUNT_ROW),
        assets=np.zeros(MIN_ROWS, layout.ASSET_ROW),
        instruments=np.zeros(MIN_ROWS, layout.INSTRUMENT_ROW),
        orders=np.zeros(len(book.orders), layout.ORDER_ROW),
        terms=np.zeros(len(book.orders), layout.TERMS_ROW),
        pending=np.zeros(len(book.orders), layout.PENDING_ROW),
        markets=np.zeros(MIN_ROWS, layout.MARKET_ROW),
        pending_links=np.zeros(len(book.orders), layout.LINK),
        pending_owners=np.zeros(MIN_ROWS, layout.OWNER_ROW),
        order_links=np.zeros(len(book.orders), layout.LINK),
        order_owners=np.zeros(MIN_ROWS, layout.OWNER_ROW),
        seats=np.zeros(MIN_ROWS, layout.SEAT_ROW),
        withdrawals=np.zeros(MIN_ROWS, layout.WITHDRAWAL_ROW),
        batches=np.zeros(MIN_ROWS, layout.BATCH_ROW),
        payouts=np.zeros(MIN_ROWS, layout.PAYOUT_ROW),
        holds=np.zeros(MIN_ROWS, layout.HOLD_ROW),
        balances=np.zeros((MIN_ROWS, MIN_ROWS), layout.BALANCE),
        drift_minor=np.zeros(MIN_ROWS, np.int64),
        book=book,
        triggers=new_book(),
        timers=new_timers(),
        margin=new_margin(len(book.orders)),
        credit=new_credit(MIN_ROWS, MIN_ROWS),
        caches=new_caches(MIN_ROWS, MIN_ROWS, MIN_ROWS, MIN_ROWS),
        sessions=np.zeros(MIN_ROWS, layout.SESSION_ROW),
        swings=np.zeros(MIN_ROWS * layout.BUCKETS, layout.SWING_ROW),
        trail_owners=np.zeros(MIN_ROWS, layout.OWNER_ROW),
        trail_links=np.zeros(len(book.orders), layout.LINK),
    )


def new_margin(orders: int) -> Margin:
    """Margin tables without a contract."""
    return Margin(
        contracts=np.zeros(MIN_ROWS, CONTRACT),
        perpetuals=np.zeros(MIN_ROWS, margin_layout.PERPETUAL_ROW),
        tiers=np.zeros(MIN_ROWS * BRACKETS_MAX, TIER),
        positions=np.zeros(MIN_ROWS, margin_layout.POSITION_ROW),
        accounts=np.zeros(MIN_ROWS, margin_layout.MARGIN_ROW),
        collateral=np.zeros(MIN_ROWS, margin_layout.COLLATERAL_ROW),
        oracles=np.zeros(MIN_ROWS, margin_layout.ORACLE_ROW),
        sources=np.zeros(MIN_ROWS * SOURCES_MAX, margin_layout.SOURCE_ROW),
        closer_links=np.zeros(orders, layout.LINK),
        scores=np.zeros(MIN_ROWS, np.int64),
        queue=np.zeros(MIN_ROWS, np.int64),
        sorted_ticks=np.zeros(SOURCES_MAX, np.int64),
    )


def new_timers() -> Book:
    """An arena with the one side that timers stand on."""
    timers = new_book()
    open_side(timers, 0, PRICE_TICKS_MAX)
    return timers


def copied(rows: NDArray[Any], least: int) -> NDArray[Any]:
    """The rows in a table of at least so many."""
    table = np.zeros(max(len(rows), least), rows.dtype)
    table[: len(rows)] = rows
    return table


def make_room(state: State) -> State:
    """A state with the same content and space for whatever one more command adds.

    What is full doubles, as far as the header's limits let it be used.
    """
    header = state.header[0]
    accounts = grown(state.accounts, _one_more(header, "account"))
    assets = grown(state.assets, _one_more(header, "asset"))
    instruments = grown(state.instruments, _one_more(header, "instrument"))
    withdrawals = grown(state.withdrawals, _one_more(header, "withdrawal"))
    sides = 2 * int(header["instrument_count"]) + 2
    moving = int(header["trailing_count"])
    triggers = make_book_room(state.triggers, layout.SOURCES * sides, 1 + moving)
    pending = int(triggers.pool["order_open"][0])
    book = make_book_room(state.book, sides, pending + 1)
    margin = _grown_margin(state, (len(instruments), len(accounts), len(assets), len(book.orders)))
    return State(
        header=state.header,
        accounts=accounts,
        assets=assets,
        instruments=instruments,
        orders=grown(state.orders, len(book.orders)),
        terms=grown(state.terms, len(book.orders)),
        pending=grown(state.pending, len(triggers.orders)),
        markets=grown(state.markets, len(instruments)),
        pending_links=grown(state.pending_links, len(triggers.orders)),
        pending_owners=grown(state.pending_owners, len(accounts)),
        order_links=grown(state.order_links, len(book.orders)),
        order_owners=grown(state.order_owners, len(accounts)),
        seats=grown(state.seats, len(accounts)),
        withdrawals=withdrawals,
        batches=grown(state.batches, int(header["batch_count"]) + 1),
        payouts=grown(state.payouts, len(withdrawals)),
        holds=grown(state.holds, _one_more(header, "hold")),
        balances=_grown_balances(state, len(assets), len(accounts)),
        drift_minor=grown(state.drift_minor, len(assets)),
        book=book,
        triggers=triggers,
        timers=make_book_room(state.timers, 1),
        margin=margin,
        caches=grown_caches(
            state.caches, len(accounts), len(assets), len(instruments), len(margin.positions)
        ),
        credit=grown_credit(
            state.credit, len(accounts), len(assets), int(header["borrower_count"]) + 1
        ),
        sessions=grown(state.sessions, len(instruments)),
        swings=grown(state.swings, len(instruments) * layout.BUCKETS),
        trail_owners=grown(state.trail_owners, len(instruments)),
        trail_links=grown(state.trail_links, len(triggers.orders)),
    )


def _grown_margin(state: State, rows: tuple[int, int, int, int]) -> Margin:
    """One more oracle, and positions for all that are pending and one account's modes.

    `rows` are those of instruments, accounts, assets and orders.
    """
    instruments, accounts, assets, orders = rows
    header, margin = state.header[0], state.margin
    pending = int(state.triggers.pool["order_open"][0])
    positions = grown(
        margin.positions, _one_more(header, "position", beside=pending + POSITIONS_PER_ACCOUNT_MAX)
    )
    oracles = grown(margin.oracles, min(int(header["oracle_count"]) + 1, ORACLES_MAX))
    return Margin(
        contracts=grown(margin.contracts, instruments),
        perpetuals=grown(margin.perpetuals, instruments),
        tiers=grown(margin.tiers, instruments * BRACKETS_MAX),
        positions=positions,
        accounts=grown(margin.accounts, accounts),
        collateral=grown(margin.collateral, assets),
        oracles=oracles,
        sources=grown(margin.sources, len(oracles) * SOURCES_MAX),
        closer_links=grown(margin.closer_links, orders),
        scores=grown(margin.scores, len(positions)),
        queue=grown(margin.queue, len(positions)),
        sorted_ticks=margin.sorted_ticks,
    )


def _one_more(header: np.void, name: str, beside: int = 0) -> int:
    """Rows for one more, within the limit: at the limit a command is rejected, not stored."""
    return min(int(header[f"{name}_count"]) + beside + 1, int(header[f"{name}s_max"]))


def _grown_balances(state: State, assets: int, accounts: int) -> NDArray[Any]:
    """Only listed assets are copied: the columns of others are nobody's memory yet."""
    former = state.balances
    if former.shape[0] >= assets and former.shape[1] >= accounts:
        return former
    listed = int(state.header["asset_count"][0])
    larger = np.zeros((assets, accounts), layout.BALANCE)
    # As words: numpy copies records field by field.
    used = former[:listed].view(np.int64)
    larger[:listed].view(np.int64)[:, : used.shape[1]] = used
    return larger


def _margin_tables(state: State) -> dict[TableId, NDArray[Any]]:
    header, margin = state.header[0], state.margin
    instruments, oracles = int(header["instrument_count"]), int(header["oracle_count"])
    return {
        TableId.CONTRACTS: margin.contracts[:instruments],
        TableId.PERPETUALS: margin.perpetuals[:instruments],
        TableId.TIERS: margin.tiers[: instruments * BRACKETS_MAX],
        TableId.POSITIONS: margin.positions[: int(header["position_count"])],
        TableId.MARGINS: margin.accounts[: int(header["account_count"])],
        TableId.COLLATERAL: margin.collateral[: int(header["asset_count"])],
        TableId.ORACLES: margin.oracles[:oracles],
        TableId.SOURCES: margin.sources[: oracles * SOURCES_MAX],
        TableId.CLOSER_LINKS: margin.closer_links[: int(state.book.pool["order_high"][0])],
    }


def canonical_tables(state: State) -> list[Table]:
    """The used rows of every canonical table, in the order of the root; views, not copies."""
    header, pool = state.header[0], state.book.pool
    slots, accounts = int(pool["order_high"][0]), int(header["account_count"])
    waiting = int(state.triggers.pool["order_high"][0])
    tables = {
        TableId.HEADER: state.header,
        TableId.POOL: _pool_head(state.book),
        TableId.ACCOUNTS: state.accounts[:accounts],
        TableId.ASSETS: state.assets[: int(header["asset_count"])],
        TableId.INSTRUMENTS: state.instruments[: int(header["instrument_count"])],
        TableId.RESTING: state.book.orders[:slots],
        TableId.ORDERS: state.orders[:slots],
        TableId.WITHDRAWALS: state.withdrawals[: int(header["withdrawal_count"])],
        TableId.BATCHES: state.batches[: int(header["batch_count"])],
        TableId.PAYOUTS: state.payouts[: int(header["payout_count"])],
        TableId.TERMS: state.terms[:slots],
        TableId.MARKETS: state.markets[: int(header["instrument_count"])],
        TableId.SESSIONS: state.sessions[: int(header["instrument_count"])],
        TableId.SWINGS: state.swings[: int(header["instrument_count"]) * layout.BUCKETS],
        TableId.TRAIL_OWNERS: state.trail_owners[: int(header["instrument_count"])],
        TableId.TRAIL_LINKS: state.trail_links[:waiting],
        TableId.TRIGGER_POOL: _pool_head(state.triggers),
        TableId.TRIGGERS: state.triggers.orders[:waiting],
        TableId.PENDING: state.pending[:waiting],
        TableId.PENDING_LINKS: state.pending_links[:waiting],
        TableId.PENDING_OWNERS: state.pending_owners[:accounts],
        TableId.ORDER_LINKS: state.order_links[:slots],
        TableId.ORDER_OWNERS: state.order_owners[:accounts],
        TableId.SEATS: state.seats[:accounts],
        TableId.TIMER_POOL: _pool_head(state.timers),
        TableId.TIMERS: state.timers.orders[: int(state.timers.pool["order_high"][0])],
        TableId.HOLDS: state.holds[: int(header["hold_count"])],
        **_margin_tables(state),
        **credit_tables(
            state.credit, accounts, int(header["asset_count"]), int(header["borrower_count"])
        ),
    }
    balances = [
        Table(TableId.BALANCES + asset, state.balances[asset, :accounts])
        for asset in range(int(header["asset_count"]))
    ]
    return [Table(table, tables[table]) for table in sorted(tables)] + balances


def _pool_head(book: Book) -> NDArray[Any]:
    """The canonical part of an arena's pool, as one row."""
    head = np.zeros(1, POOL_HEAD)
    for name in ("order_high", "order_free", "order_open"):
        head[name] = book.pool[name]
    return head
