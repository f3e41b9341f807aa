"""Canonical state tables: every byte of their used rows is in the state root and the snapshot.

Rows are little-endian, without holes that carry meaning, and stand where commands put them:
accounts, assets, instruments, withdrawals, batches, payouts and holds by number; orders by book
slot.
Normative text: docs/spec/engine.md.
"""

from typing import Final

import numpy as np

CUSTOMER_FIRST: Final = 16
"""Accounts below this number are the venue's own."""
FEES: Final = 1
ROUNDING: Final = 2
DUST: Final = 3
CUSTODY: Final = 4
SUSPENSE: Final = 5
"""6 and 7 stand in margin_layout.py."""

PAYOUTS_MAX: Final = 200
"""Most payouts of one batch: what the vault executes in one transaction."""

HEADER: Final = np.dtype(
    [
        ("seq", "<i8"),
        ("time_ns", "<i8"),
        ("accounts_max", "<i8"),
        ("assets_max", "<i8"),
        ("instruments_max", "<i8"),
        ("orders_max", "<i8"),
        ("withdrawals_max", "<i8"),
        ("account_count", "<i8"),
        ("asset_count", "<i8"),
        ("instrument_count", "<i8"),
        ("deposit_index", "<i8"),
        ("withdrawal_count", "<i8"),
        ("cleared_head", "<i8"),
        ("cleared_tail", "<i8"),
        ("batch_count", "<i8"),
        ("payout_count", "<i8"),
        ("report_count", "<i8"),
        ("anchor_index", "<i8"),
        ("anchored_block", "<i8"),
        ("positions_max", "<i8"),
        ("position_count", "<i8"),
        ("oracle_count", "<i8"),
        ("collateral_end", "<i8"),
        ("isolated_count", "<i8"),
        ("halted", "<i8"),
        ("trailing_count", "<i8"),
        ("borrower_count", "<i8"),
        ("holds_max", "<i8"),
        ("hold_count", "<i8"),
        *((f"report_chain_{word}", "<i8") for word in range(4)),
        *((f"anchor_chain_{word}", "<i8") for word in range(4)),
    ]
)
"""One row. The `_max` limits are part of the state: engines with other limits have other roots.
`cleared_head` and `cleared_tail` are withdrawal rows, -1 when the queue is empty.
`collateral_end` is one more than the highest asset that SET_COLLATERAL has named, `isolated_count`
how many position rows are isolated. `trailing_count` how many orders trail, of all
instruments. `halted` is 1 while the whole venue is."""

BALANCE: Final = np.dtype([("available_minor", "<i8"), ("held_minor", "<i8")])
"""Shape (asset, account). Custody's available is the negative of all that customers brought."""

ACCOUNT_ROW: Final = np.dtype(
    [
        ("opened_seq", "<i8"),
        ("master", "<u4"),
        ("tier", "<u4"),
        ("subject_0", "<i8"),
        ("subject_1", "<i8"),
        ("subject_2", "<i8"),
        ("subject_3", "<i8"),
    ]
)

ASSET_ROW: Final = np.dtype(
    [
        ("supply_max_minor", "<i8"),
        ("withdrawal_min_minor", "<i8"),
        ("withdrawal_fee_minor", "<i8"),
        ("dust_wei", "<i8"),
        ("unit_wei", "<i8"),
        ("token_0", "<i8"),
        ("token_1", "<i8"),
        ("token_2", "<u4"),
        ("ledger_decimals", "u1"),
        ("token_decimals", "u1"),
        ("required_checks", "u1"),
        ("pad", "u1"),
        ("symbol_0", "<i8"),
        ("symbol_1", "<i8"),
    ]
)
"""`unit_wei` is how many of the token's units make one minor unit; 0 <= dust_wei < unit_wei."""

INSTRUMENT_ROW: Final = np.dtype(
    [
        ("base", "<u4"),
        ("quote", "<u4"),
        ("lot_minor", "<i8"),
        ("notional_num", "<i8"),
        ("notional_den", "<i8"),
        ("min_notional_minor", "<i8"),
        ("max_price_ticks", "<i8"),
        ("max_qty_lots", "<i8"),
        ("maker_fee_ppm", "<i4"),
        ("taker_fee_ppm", "<i4"),
        ("trade_count", "<i8"),
        ("product", "u1"),
        ("price_decimals", "u1"),
        ("qty_decimals", "u1"),
        ("fee_schedule", "u1"),
        ("pad_word", "<u4"),
        ("symbol_0", "<i8"),
        ("symbol_1", "<i8"),
        ("symbol_2", "<i8"),
    ]
)
"""`fee_schedule` is 0 for the row's own fees, else the schedule that takes their place."""

ORDER_ROW: Final = np.dtype(
    [
        ("total_lots", "<i8"),
        ("held_minor", "<i8"),
        ("carry", "<i8"),
        ("price_ticks", "<i4"),
        ("traits", "<u4"),
    ]
)
"""The money of a resting order, in the same slot as its RESTING row. `carry` is the fraction of
a buyer's cumulative cost (docs/spec/engine.md, rounding); a seller's is 0. `traits` are the bits of
what its TERMS row says, so that plain orders never touch that table."""

TIMED: Final = 1
"""Trait: good till `expire_s`; a timer of its id is set."""

ICEBERG: Final = 2
"""Trait: shows `display_lots` at most; `hidden_lots` follow, slice by slice."""
LINKED: Final = 4
"""Trait: `partner_id` leaves when this order trades or leaves."""

LEG_SHIFT: Final = 20
"""Traits: the position's leg, two bits from here."""
ISOLATED: Final = 1 << 19
"""Trait: the position is isolated."""
PLEDGED: Final = 1 << 17
"""Trait: its execution may cost its account `pledge_minor` of equity."""
CLOSER: Final = 1 << 16
"""Trait: reduce-only; the order stands in its position's list of closers."""

TERMS_ROW: Final = np.dtype(
    [
        ("expire_s", "<i8"),
        ("display_lots", "<i8"),
        ("hidden_lots", "<i8"),
        ("partner_id", "<i8"),
        ("pledge_minor", "<i8"),
    ]
)
"""What only some resting orders have, in the same slot; zero without the trait."""

PENDING_ROW: Final = np.dtype(
    [
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("quote_minor", "<i8"),
        ("display_lots", "<i8"),
        ("expire_s", "<i8"),
        ("partner_id", "<i8"),
        ("trail_ticks", "<i8"),
        ("trigger_ticks", "<i4"),
        ("flags", "<u4"),
        ("side", "<u4"),
        ("order_type", "<u4"),
        ("time_in_force", "<u4"),
        ("self_trade", "<u4"),
    ]
)
"""What a pending order will be, in the slot of its row in the triggers' arena; `trail_ticks` is how
far a trailing one's trigger stands off, else 0."""

SOURCES: Final = 3
"""Prices that can trigger: the last trade's, and of perpetuals the mark and the index."""
LAST: Final = 0
MARK: Final = 1
INDEX: Final = 2

MARKET_ROW: Final = np.dtype(
    [("last_ticks", "<i8"), ("icebergs", "<i8"), ("hidden_buys", "<i8"), ("hidden_sells", "<i8")]
)
"""What moves in an instrument: the last trade's price, 0 before the first; open icebergs, and what
they hide on either side."""

SESSION_ROW: Final = np.dtype(
    [
        ("band_ppm", "<i8"),
        ("halt_ppm", "<i8"),
        ("window_s", "<i8"),
        ("reopen_s", "<i8"),
        ("opening_ticks", "<i8"),
        ("call_until_ns", "<i8"),
        ("low_ticks", "<i8"),
        ("high_ticks", "<i8"),
        ("reference", "<u4"),
        ("phase", "<u4"),
    ]
)
"""What SET_MARKET says of an instrument; its `Phase`, and when its call ends (0: a command ends
it); the lowest and highest price of the trades since the last TICK, 0 without one."""

BUCKETS: Final = 8
"""Parts of the window of a volatility halt."""

SWING_ROW: Final = np.dtype([("bucket", "<i8"), ("low_ticks", "<i4"), ("high_ticks", "<i4")])
"""The lowest and highest price that TICKs found in one part of the window, 0 without a trade;
`bucket` counts parts since the epoch, and stands at row bucket mod BUCKETS of the instrument."""

SEAT_ROW: Final = np.dtype(
    [
        ("interval_ns", "<i8"),
        ("backlog_ns", "<i8"),
        ("asked_ns", "<i8"),
        ("cancel_after_s", "<i8"),
        ("burst", "<u4"),
        ("blocked", "<u4"),
        ("leverage", "<u4"),
        ("pair", "<u4"),
    ]
)
"""An account's switches. The throttle is a leaky bucket: `backlog_ns` is what the orders so far
still weigh at `asked_ns`. `cancel_after_s` is the dead-man's second, 0 when disarmed. `leverage`
is 0 unless it is a margin account; `pair` the only instrument that it may trade, + 1."""

OWNER_ROW: Final = np.dtype([("head", "<i4"), ("tail", "<i4"), ("count", "<i4"), ("pad", "<i4")])
"""An account's list of open orders, oldest arrival first; slots count from 1 here, 0 is none."""

LINK: Final = np.dtype([("next", "<i4"), ("prev", "<i4")])
"""An order's neighbours in its owner's list, by slot; they count from 1, 0 is none."""

TIMER_EPOCH_S: Final = 1_577_836_800
"""Timers count seconds from 2020-01-01, so that 31 bits last until 2088."""

WITHDRAWAL_ROW: Final = np.dtype(
    [
        ("withdrawal_id", "<i8"),
        ("account", "<u4"),
        ("asset", "<u4"),
        ("amount_minor", "<i8"),
        ("fee_minor", "<i8"),
        ("payee_0", "<i8"),
        ("payee_1", "<i8"),
        ("payee_2", "<u4"),
        ("next", "<i4"),
        ("travel_0", "<i8"),
        ("travel_1", "<i8"),
        ("travel_2", "<i8"),
        ("travel_3", "<i8"),
        ("batch", "<i8"),
        ("status", "u1"),
        ("checks_passed", "u1"),
        ("pad", "<u2"),
        ("pad_word", "<u4"),
    ]
)
"""Ids ascend by row. `next` links the cleared queue, oldest first; -1 outside it."""

BATCH_ROW: Final = np.dtype(
    [
        ("status", "<i8"),
        ("cut_seq", "<i8"),
        ("deadline_s", "<i8"),
        ("deposit_index", "<i8"),
        ("payout_first", "<i8"),
        ("payout_count", "<i8"),
    ]
)
"""Batch k stands in row k - 1. `deposit_index` is the deposits credited when it was cut."""

PAYOUT_ROW: Final = np.dtype([("withdrawal", "<i8")])
"""The withdrawal row of each payout, batch after batch, in payout order."""

HOLD_ROW: Final = np.dtype(
    [
        ("placed_seq", "<i8"),
        ("account", "<u4"),
        ("asset", "<u4"),
        ("amount_minor", "<i8"),
        ("left_minor", "<i8"),
        ("reason_0", "<i8"),
        ("reason_1", "<i8"),
        ("reason_2", "<i8"),
        ("reason_3", "<i8"),
    ]
)
"""What risk or compliance froze: hold k stands in row k - 1, for good. `left_minor` is what has not
been released yet; 0 when the hold is resolved."""
