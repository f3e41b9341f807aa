"""Whether restored phases, bands and windows are sound."""

import numpy as np

from ledger.engine import layout
from ledger.engine.limits import CALL_S_MAX, TRAILS_MAX, WINDOW_S_MAX
from ledger.engine.root import TableId
from ledger.engine.soundness import Tables, check_owners, is_within, require
from ledger.margin.breaker import MOVE_PPM_MAX
from ledger.records.codes import AuctionReference, CommandFlag, Phase, Product


def check_sessions(tables: Tables) -> None:
    """Everything about phases that kernels believe.

    Raises:
        SnapshotCorrupt: The tables contradict each other, or leave their ranges.
    """
    rows, swings = tables[TableId.SESSIONS], tables[TableId.SWINGS]
    instruments = tables[TableId.INSTRUMENTS]
    counted = len(rows) == len(instruments) and len(swings) == len(rows) * layout.BUCKETS
    require(holds=counted, reason="sessions differ from instruments")
    header = tables[TableId.HEADER]
    halted = header["halted"]
    require(
        holds=is_within(halted, 0, 2)
        and is_within(rows["phase"], 0, max(Phase) + 1)
        and is_within(rows["reference"], 0, max(AuctionReference) + 1)
        and is_within(rows["band_ppm"], 0, MOVE_PPM_MAX + 1)
        and is_within(rows["halt_ppm"], 0, MOVE_PPM_MAX + 1)
        and is_within(rows["window_s"], 0, WINDOW_S_MAX + 1)
        and is_within(rows["reopen_s"], 0, CALL_S_MAX + 1)
        and is_within(rows["call_until_ns"], 0, 2**63),
        reason="an instrument's session",
    )
    watched = rows["halt_ppm"] != 0
    ended = (rows["call_until_ns"] != 0) & (rows["phase"] != Phase.CALL)
    spot = instruments["product"] == Product.SPOT
    agree = (watched == (rows["window_s"] != 0)) & (watched | (rows["reopen_s"] == 0)) & ~ended
    agree &= ~spot | (rows["reference"] == AuctionReference.LAST)
    require(holds=bool(agree.all()), reason="a session's rule")
    most = instruments["max_price_ticks"]
    priced = (
        (rows["opening_ticks"] >= 0)
        & (rows["opening_ticks"] <= most)
        & (rows["low_ticks"] >= 0)
        & (rows["low_ticks"] <= rows["high_ticks"])
        & (rows["high_ticks"] <= most)
        & ((rows["low_ticks"] == 0) == (rows["high_ticks"] == 0))
    )
    require(holds=bool(priced.all()), reason="a session's prices")
    moved = (
        (swings["low_ticks"] >= 0)
        & (swings["low_ticks"] <= swings["high_ticks"])
        & (swings["high_ticks"] <= most.repeat(layout.BUCKETS))
    )
    require(holds=bool(moved.all()), reason="a session's window")


def check_trails(tables: Tables) -> None:
    """Each trailing order stands once in its instrument's list, and no other order does.

    Raises:
        SnapshotCorrupt: The tables contradict each other. `check_triggers` let them pass.
    """
    pending, owners = tables[TableId.PENDING], tables[TableId.TRAIL_OWNERS]
    links, instruments = tables[TableId.TRAIL_LINKS], tables[TableId.INSTRUMENTS]
    counted = len(owners) == len(instruments) and len(links) == len(pending)
    require(holds=counted, reason="trailing orders differ from instruments or triggers")
    require(holds=is_within(owners["count"], 0, TRAILS_MAX + 1), reason="too many trailing orders")
    counted = int(tables[TableId.HEADER]["trailing_count"][0]) == int(owners["count"].sum())
    require(holds=counted, reason="trailing orders differ from their count")
    rows = tables[TableId.TRIGGERS].copy()
    trailing = (rows["order_id"] != 0) & ((pending["flags"] & CommandFlag.TRAILING) != 0)
    distant = (pending["trail_ticks"] != 0) == trailing
    require(holds=bool(distant.all()), reason="a trailing order's distance")
    if len(instruments):
        most = instruments["max_price_ticks"][rows["side_index"] // (2 * layout.SOURCES)]
        near = (pending["trail_ticks"] >= 0) & (pending["trail_ticks"] <= most)
        require(holds=bool(near.all()), reason="a trailing order's distance")
    rows["account"] = rows["side_index"] // (2 * layout.SOURCES)
    rows["order_id"] = np.where(trailing, rows["order_id"], 0)
    check_owners(rows, owners, links)
