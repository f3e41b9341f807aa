"""Rows of the tables become views."""

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.margin import inverse, linear
from ledger.readmodel.fills import REASON_MASK
from ledger.readmodel.layout import NONE, Book, Vault
from ledger.readmodel.views import (
    DepositView,
    MarkView,
    OrderView,
    PositionView,
    TradeView,
    WithdrawalView,
)
from ledger.records.build import read_address, read_digest
from ledger.records.codes import (
    ExpireReason,
    MarginMode,
    OrderStatus,
    OrderType,
    Product,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
    TradeFlag,
    WithdrawalStatus,
)

_ORDER_FIELDS: Final = [
    "order_id", "account", "instrument", "side", "order_type", "time_in_force",
    "self_trade", "flags",
    "price_ticks", "qty_lots", "quote_minor", "trigger_ticks", "display_lots", "expire_ns",
    "prevented_lots", "filled_lots", "filled_quote_minor", "realized_minor",
    "status", "triggered_ns", "ended", "target_id", "list_id", "created_ns", "updated_ns", "name",
]  # fmt: skip
_TRADE_FIELDS: Final = [
    "instrument", "trade_id", "seq", "event_index", "time_ns", "taker_side", "price_ticks",
    "qty_lots", "quote_minor", "taker_realized_minor", "maker_realized_minor", "taker_account",
    "maker_account", "taker_order_id", "maker_order_id", "taker_fee_minor", "maker_fee_minor",
    "product", "flags",
]  # fmt: skip
_REJECT_SHIFT: Final = 8
"""Of the flags of ORDER_EXPIRED: the reject of a refused order."""
_SIDES: Final = tuple(Side)
_TYPES: Final = tuple(OrderType)
_TIMES: Final = tuple(TimeInForce)
_MODES: Final = tuple(SelfTrade)
_STATUSES: Final = tuple(OrderStatus)
_PRODUCTS: Final = tuple(Product)
for _codes in (_SIDES, _TYPES, _TIMES, _MODES, _STATUSES, _PRODUCTS):
    assert [int(code) for code in _codes] == list(range(len(_codes))), "code is place"


def orders(book: Book, products: NDArray[Any], rows: NDArray[Any]) -> list[OrderView]:
    """The orders in these rows, in this order; `products` says each instrument's `Product`."""
    views = []
    for row in book.orders[rows][_ORDER_FIELDS].tolist():
        order_id, account, instrument, side, kind, time, mode, flags, *sizes = row
        price, qty, quote, trigger, display, expire, prevented, filled, worth, *life = sizes
        realized, status, triggered, ended, target, pair, new, old, name = life
        product = _PRODUCTS[products[instrument]]
        spot = product is Product.SPOT
        views.append(
            OrderView(
                order_id=order_id,
                account=account,
                instrument=instrument,
                product=product,
                side=_SIDES[side],
                order_type=_TYPES[kind],
                time_in_force=_TIMES[time],
                self_trade=_MODES[mode],
                flags=flags,
                price_ticks=price,
                qty_lots=qty,
                quote_minor=quote,
                trigger_ticks=trigger,
                display_lots=display,
                expire_ns=expire,
                prevented_lots=prevented,
                filled_lots=filled,
                filled_quote_minor=worth if spot else 0,
                notional_minor=0 if spot else worth,
                realized_minor=realized,
                status=_STATUSES[status],
                triggered_ns=triggered,
                expired_by=None if ended == NONE else ExpireReason(ended & REASON_MASK),
                refused=Reject.NONE if ended == NONE else Reject(ended >> _REJECT_SHIFT),
                target_id=target,
                list_id=pair,
                client_id=b"" if name == NONE else _client_id(book.names, name),
                created_ns=new,
                updated_ns=old,
            )
        )
    return views


def trades(rows: NDArray[Any]) -> list[TradeView]:
    """These TRADE_ROW rows, in this order."""
    views = []
    for row in rows[_TRADE_FIELDS].tolist():
        instrument, trade_id, seq, index, time_ns, side, *sizes, product, flags = row
        price, qty, worth, realized, counter_realized, taker, maker, *orders_and_fees = sizes
        taker_order, maker_order, taker_fee, maker_fee = orders_and_fees
        spot = _PRODUCTS[product] is Product.SPOT
        views.append(
            TradeView(
                instrument=instrument,
                product=_PRODUCTS[product],
                liquidation=bool(flags & TradeFlag.LIQUIDATION),
                auction=bool(flags & TradeFlag.AUCTION),
                trade_id=trade_id,
                seq=seq,
                event_index=index,
                time_ns=time_ns,
                taker_side=_SIDES[side],
                price_ticks=price,
                qty_lots=qty,
                quote_minor=worth if spot else 0,
                notional_minor=0 if spot else worth,
                taker_realized_minor=realized,
                maker_realized_minor=counter_realized,
                taker_account=taker,
                maker_account=maker,
                taker_order_id=taker_order,
                maker_order_id=maker_order,
                taker_fee_minor=taker_fee,
                maker_fee_minor=maker_fee,
            )
        )
    return views


def positions(rows: NDArray[Any], instruments: NDArray[Any]) -> list[PositionView]:
    """These POSITION_ROW rows, in this order; `instruments` are all INSTRUMENT_ROWs."""
    views = []
    for row in rows:
        instrument, qty_lots, cost = int(row["instrument"]), int(row["qty_lots"]), int(row["cost"])
        terms = instruments[instrument]
        if terms["product"] == Product.INVERSE:
            entry = inverse.entry_ticks(qty_lots, cost, int(terms["num"]))
        else:
            entry = linear.entry_ticks(qty_lots, cost)
        views.append(
            PositionView(
                account=int(row["account"]),
                instrument=instrument,
                leg=int(row["leg"]),
                mode=MarginMode(row["isolated"]),
                qty_lots=qty_lots,
                cost=cost,
                entry_ticks=int(entry),
                realized_minor=int(row["realized_minor"]),
                funding_minor=int(row["funding_minor"]),
                margin_minor=int(row["margin_minor"]),
            )
        )
    return views


def mark(row: np.void) -> MarkView:
    """The mark of an INSTRUMENT_ROW that has one."""
    return MarkView(
        mark_ticks=int(row["mark_ticks"]),
        index_ticks=int(row["index_ticks"]),
        rate_ppb=int(row["rate_ppb"]),
        multiplier_ppm=int(row["multiplier_ppm"]),
        time_ns=int(row["marked_ns"]),
    )


def withdrawals(vault: Vault, rows: NDArray[Any]) -> list[WithdrawalView]:
    """The withdrawals in these rows, in this order."""
    return [
        WithdrawalView(
            withdrawal_id=int(row["withdrawal_id"]),
            account=int(row["account"]),
            asset=int(row["asset"]),
            amount_minor=int(row["amount_minor"]),
            fee_minor=int(row["fee_minor"]),
            payee=read_address(row, "payee"),
            travel=read_digest(row, "travel"),
            client_id=_client_id(vault.withdrawals, at),
            status=WithdrawalStatus(row["status"]),
            checks_passed=int(row["checks_passed"]),
            batch=int(row["batch"]),
            created_ns=int(row["created_ns"]),
            updated_ns=int(row["updated_ns"]),
        )
        for at, row in zip(rows.tolist(), vault.withdrawals[rows], strict=True)
    ]


def deposits(rows: NDArray[Any]) -> list[DepositView]:
    """These DEPOSIT_ROW rows, in this order."""
    return [
        DepositView(
            deposit_index=int(row["deposit_index"]),
            account=int(row["account"]),
            asset=int(row["asset"]),
            amount_minor=int(row["amount_minor"]),
            tx=read_digest(row, "tx"),
            chain_block=int(row["chain_block"]),
            credited_ns=int(row["credited_ns"]),
        )
        for row in rows
    ]


def _client_id(rows: NDArray[Any], row: int) -> bytes:
    """The text of the words `client_0` … `client_4`."""
    words = (int(rows[f"client_{word}"][row]) for word in range(5))
    return struct.pack("<5q", *words).rstrip(b"\0")
