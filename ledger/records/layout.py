"""Byte layouts of commands, outcomes and events: little-endian, naturally aligned, fixed width.

Every command is 128 bytes: a 16-byte header, the same for all, then 112 bytes that its kind lays
out. A family of kinds shares one layout, and all layouts are views over the same buffer, so that a
kernel reads the one that fits without copying. Numbers are int64 or narrower (unsigned 64-bit
arithmetic turns to float in numba); 32-byte digests are four `<i8` words, bytes in order.

Normative text: docs/spec/records.md.
"""

from typing import Final

import numpy as np

COMMAND_BYTES: Final = 128
OUTCOME_BYTES: Final = 64
EVENT_BYTES: Final = 128

_HEADER: Final = [
    ("time_ns", "<i8"),
    ("kind", "u1"),
    ("version", "u1"),
    ("flags", "<u2"),
    ("account", "<u4"),
]


def _digest(name: str) -> list[tuple[str, str]]:
    """Four words that hold 32 bytes: `name_0` holds bytes 0..7."""
    return [(f"{name}_{word}", "<i8") for word in range(4)]


def _address(name: str) -> list[tuple[str, str]]:
    """Three words that hold 20 bytes, then 4 bytes of zero."""
    return [
        (f"{name}_0", "<i8"),
        (f"{name}_1", "<i8"),
        (f"{name}_2", "<u4"),
        (f"{name}_pad", "<u4"),
    ]


def _command(*payload: tuple[str, str]) -> np.dtype[np.void]:
    """A command layout: the header, the payload, and zero bytes up to 128."""
    used = np.dtype([*_HEADER, *payload]).itemsize
    rest = [("reserved", f"V{COMMAND_BYTES - used}")] if used < COMMAND_BYTES else []
    return np.dtype([*_HEADER, *payload, *rest])


COMMAND: Final = _command()
"""The header alone: what the sequencer stamps and the dispatcher reads; all of a TICK."""

ORDER: Final = _command(
    ("instrument", "<u4"),
    ("side", "u1"),
    ("order_type", "u1"),
    ("time_in_force", "u1"),
    ("self_trade", "u1"),
    ("price_ticks", "<i8"),
    ("qty_lots", "<i8"),
    ("quote_minor", "<i8"),
    ("trigger_ticks", "<i8"),
    ("display_lots", "<i8"),
    ("expire_ns", "<i8"),
    ("target_id", "<i8"),
    ("client_id", "S36"),
    ("session", "<u4"),
)
"""NEW_ORDER, CANCEL_ORDER (target_id), AMEND_ORDER (target_id, qty_lots), CANCEL_ALL (flags, and
instrument and side when they limit it), REPLACE_ORDER (target_id, the rest as NEW_ORDER),
CANCEL_AFTER (expire_ns, 0 disarms)."""

ACCOUNT: Final = _command(
    ("master", "<u4"),
    ("tier", "<u4"),
    *_digest("subject"),
)
"""OPEN_ACCOUNT: header.account is the new id; subject is a salted commitment to the person."""

SEAT: Final = _command(
    ("blocked", "<u4"),
    ("burst", "<u4"),
    ("interval_ns", "<i8"),
)
"""SET_ACCOUNT: header.account is the account that the venue sets; `blocked` is its kill switch; the
throttle lets `burst` orders through at once and one more every `interval_ns`, 0: no throttle."""

TRANSFER: Final = _command(
    ("payee", "<u4"),
    ("asset", "<u4"),
    ("amount_minor", "<i8"),
)
"""TRANSFER: header.account pays."""

MARGIN: Final = _command(("leverage", "<u4"), ("pair", "<u4"))
"""SET_MARGIN: leverage 0 ends margin, up to 50; pair is an instrument + 1, or 0 for all."""

LENDING: Final = _command(
    ("asset", "<u4"),
    ("open_ppm", "<u4"),
    ("call_ppm", "<u4"),
    ("liquidate_ppm", "<u4"),
    ("hourly_ppt", "<i8"),
    ("limit_minor", "<i8"),
)
"""SET_LENDING: an hour's interest in parts per million of a millionth, the most that may be lent,
and the loan-to-value limits of those who owe the asset."""

ASSET: Final = _command(
    ("asset", "<u4"),
    ("ledger_decimals", "u1"),
    ("token_decimals", "u1"),
    ("required_checks", "u1"),
    ("pad", "u1"),
    *_address("token"),
    ("supply_max_minor", "<i8"),
    ("withdrawal_min_minor", "<i8"),
    ("withdrawal_fee_minor", "<i8"),
    ("symbol", "S16"),
)
"""LIST_ASSET: asset is the next id, or an old one whose limits change; token is the ERC-20
contract."""

INSTRUMENT: Final = _command(
    ("instrument", "<u4"),
    ("product", "u1"),
    ("price_decimals", "u1"),
    ("qty_decimals", "u1"),
    ("pad", "u1"),
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
    ("symbol", "S24"),
    ("call_until_ns", "<i8"),
)
"""LIST_INSTRUMENT: quote_minor = price_ticks * qty_lots * notional_num / notional_den. It begins in
a call that ends at call_until_ns, unless that is 0."""

DEPOSIT: Final = _command(
    ("asset", "<u4"),
    ("log_index", "<u4"),
    ("deposit_index", "<i8"),
    ("amount_minor", "<i8"),
    ("dust_wei", "<i8"),
    ("chain_block", "<i8"),
    *_digest("tx"),
    *_address("sender"),
)
"""CREDIT_DEPOSIT: deposit_index is the vault's own counter, so each is credited exactly once."""

WITHDRAWAL: Final = _command(
    ("asset", "<u4"),
    ("pad", "<u4"),
    ("amount_minor", "<i8"),
    *_address("payee"),
    *_digest("travel"),
    ("client_id", "S36"),
    ("session", "<u4"),
)
"""REQUEST_WITHDRAWAL: amount is what the payee gets, the fee of the asset comes on top; travel is
a salted commitment to the travel-rule payload, zero when none was given. Its id is its seq."""

DECISION: Final = _command(
    ("withdrawal_id", "<i8"),
    ("check", "u1"),
    ("verdict", "u1"),
    ("pad", "V6"),
    *_digest("decision"),
    *_digest("pack"),
)
"""DECIDE_WITHDRAWAL: digests of the full decision and of the rule pack it was made under."""

BATCH: Final = _command(
    ("batch", "<i8"),
    ("deadline_s", "<i8"),
    ("payouts_max", "<u4"),
    ("pad", "<u4"),
    ("chain_block", "<i8"),
    *_digest("tx"),
    *_digest("deferred"),
)
"""CUT_BATCH (batch, deadline_s, payouts_max); CONFIRM_BATCH (batch, chain_block, tx, deferred:
bit i of the 256 is set when payout i could not be delivered)."""

HOLD: Final = _command(
    ("hold_id", "<i8"),
    ("asset", "<u4"),
    ("pad", "<u4"),
    ("amount_minor", "<i8"),
    *_digest("reason"),
)
"""PLACE_HOLD: header.account is whose money it is, hold_id the next number. RELEASE_HOLD: hold_id
and amount_minor, 0 for all that is left. reason is a salted digest of the decision."""

REPORT: Final = _command(
    ("report_kind", "<u4"),
    ("pad", "<u4"),
    ("from_seq", "<i8"),
    ("to_seq", "<i8"),
    *_digest("report"),
    *_digest("pack"),
)
"""RECORD_REPORT: the digest of a report over commands from_seq..to_seq, and its pack."""

ANCHOR: Final = _command(
    ("anchor_index", "<i8"),
    ("block", "<i8"),
    ("chain_block", "<i8"),
    *_digest("tx"),
)
"""RECORD_ANCHOR: certified block `block` stands on the chain as anchor `anchor_index`."""

LEVERAGE: Final = _command(("instrument", "<u4"), ("leverage", "<u4"))
"""SET_LEVERAGE: of one account in one perpetual."""

MARGIN_MODE: Final = _command(("instrument", "<u4"), ("mode", "<u4"))
"""SET_MARGIN_MODE: of one account in one perpetual; `MarginMode`."""

MOVE: Final = _command(("instrument", "<u4"), ("pad", "<u4"), ("amount_minor", "<i8"))
"""MOVE_MARGIN: to an isolated position, or from it when negative; `flags` may be SHORT_LEG."""

POSITION_MODE: Final = _command(("mode", "<u4"), ("pad", "<u4"))
"""SET_POSITION_MODE: of one account in all perpetuals; `PositionMode`."""

FEES: Final = _command(
    ("instrument", "<u4"),
    ("schedule", "<u4"),
    ("maker_fee_ppm", "<i4"),
    ("taker_fee_ppm", "<i4"),
)
"""SET_FEES: an instrument's fees from now on: these, or (both zero) those of a fee schedule."""

FEE_TIERS: Final = _command(
    ("schedule", "<u4"),
    ("api_discount_ppm", "<u4"),
    *((f"volume_minor_{tier}", "<i8") for tier in range(2, 7)),
    *((f"{side}_ppm_{tier}", "<i4") for tier in range(1, 7) for side in ("taker", "maker")),
)
"""SET_FEE_TIERS: a schedule's tiers 1 … 6, the first from volume 0 on; a negative maker_ppm is a
rebate."""

TIER: Final = _command(
    ("instrument", "<u4"),
    ("row", "<u4"),
    ("floor_minor", "<i8"),
    ("maintenance_ppm", "<i8"),
    ("initial_ppm", "<i8"),
)
"""SET_TIER: row 0 begins the instrument's table anew, another one is the next row."""

COLLATERAL: Final = _command(
    ("asset", "<u4"),
    ("oracle", "<u4"),
    ("index_ticks", "<i8"),
    ("num", "<i8"),
    ("den", "<i8"),
    ("haircut_ppm", "<i8"),
    ("debt_ppm", "<i8"),
)
"""SET_COLLATERAL: a minor unit is worth index_ticks * num / den valuation units; index_ticks is
given when oracle is NO_ORACLE (2^32 - 1), and zero otherwise."""

PERPETUAL: Final = _command(
    ("instrument", "<u4"),
    ("oracle", "<u4"),
    ("interval_s", "<u4"),
    ("leverage_max", "<u4"),
    ("alpha_ppm", "<i8"),
    ("interest_ppb", "<i8"),
    ("damper_ppb", "<i8"),
    ("cap_ppb", "<i8"),
    ("impact_minor", "<i8"),
    ("calm_ppb", "<i8"),
    ("rise_ppm", "<u4"),
    ("decay_ppm", "<u4"),
    ("cap_ppm", "<u4"),
    ("pad", "<u4"),
    ("position_max_lots", "<i8"),
)
"""SET_PERPETUAL: mark, funding and volatility rule of a contract (docs/spec/margin.md), and the
largest position that orders may build; 0 is none."""

ORACLE: Final = _command(
    ("oracle", "<u4"),
    ("sources", "<u4"),
    ("minimum", "<u4"),
    ("pad", "<u4"),
    ("stale_ns", "<i8"),
    ("outlier_ppm", "<i8"),
)
"""SET_ORACLE: a new index (oracle is the next id) or another rule for an old one."""

PRICE: Final = _command(
    ("oracle", "<u4"),
    ("source", "<u4"),
    ("price_ticks", "<i8"),
    ("observed_ns", "<i8"),
)
"""ORACLE_PRICE: observed_ns is the source's own time, later than that of its last report."""

MARKET: Final = _command(
    ("instrument", "<u4"),
    ("reference", "<u4"),
    ("band_ppm", "<i8"),
    ("halt_ppm", "<i8"),
    ("window_s", "<i8"),
    ("reopen_s", "<i8"),
    ("opening_ticks", "<i8"),
)
"""SET_MARKET: price band, volatility halt and auction of an instrument; 0 ppm is none."""

PHASE: Final = _command(
    ("instrument", "<u4"),
    ("phase", "<u4"),
    ("until_ns", "<i8"),
)
"""SET_PHASE: of one instrument, or by `flags` of all; until_ns ends a call, 0: a command will."""

OUTCOME: Final = np.dtype(
    [
        ("seq", "<i8"),
        ("reject", "<u2"),
        ("status", "u1"),
        ("kind", "u1"),
        ("events", "<u4"),
        ("subject_id", "<i8"),
        ("filled_lots", "<i8"),
        ("filled_quote_minor", "<i8"),
        ("remaining_lots", "<i8"),
        ("amount_minor", "<i8"),
        ("reserved", "<i8"),
    ]
)
"""Exactly one a command. subject_id: the order or withdrawal it is about (its own seq when new)."""

EVENT: Final = np.dtype(
    [
        ("seq", "<i8"),
        ("time_ns", "<i8"),
        ("kind", "u1"),
        ("side", "u1"),
        ("flags", "<u2"),
        ("index", "<u4"),
        ("instrument", "<u4"),
        ("asset", "<u4"),
        ("account", "<u4"),
        ("counter_account", "<u4"),
        ("order_id", "<i8"),
        ("counter_order_id", "<i8"),
        ("trade_id", "<i8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("quote_minor", "<i8"),
        ("fee_minor", "<i8"),
        ("counter_fee_minor", "<i8"),
        ("remaining_lots", "<i8"),
        ("counter_remaining_lots", "<i8"),
        ("amount_minor", "<i8"),
    ]
)
"""`seq` is the causing command's; `index` counts from 0 within it. Plain side is the taker's or
the acting account's, `counter_` the maker's. For withdrawals: order_id is the withdrawal id,
trade_id the batch, amount_minor the payout. For holds: order_id is the hold's."""

LAYOUTS: Final = (
    COMMAND, ORDER, ACCOUNT, SEAT, TRANSFER, MARGIN, LENDING, ASSET, INSTRUMENT, DEPOSIT,
    WITHDRAWAL, DECISION, BATCH, HOLD, REPORT, ANCHOR, LEVERAGE, FEES, FEE_TIERS, TIER, COLLATERAL,
    PERPETUAL, ORACLE, PRICE, MARKET, PHASE, MARGIN_MODE, MOVE, POSITION_MODE,
)  # fmt: skip
for _layout in LAYOUTS:
    assert _layout.itemsize == COMMAND_BYTES, _layout
assert OUTCOME.itemsize == OUTCOME_BYTES
assert EVENT.itemsize == EVENT_BYTES
