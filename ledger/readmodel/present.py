"""Rows of the tables become views."""

import struct
from typing import Any, Final

from numpy.typing import NDArray

from ledger.readmodel.layout import NONE, Book, Vault
from ledger.readmodel.views import DepositView, OrderView, TradeView, WithdrawalView
from ledger.records.build import read_address, read_digest
from ledger.records.codes import (
    OrderStatus,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
    WithdrawalStatus,
)

_ORDER_FIELDS: Final = [
    "order_id", "account", "instrument", "side", "order_type", "time_in_force",
    "self_trade", "flags",
    "price_ticks", "qty_lots", "quote_minor", "filled_lots", "filled_quote_minor", "status",
    "created_ns", "updated_ns", "name",
]  # fmt: skip
_TRADE_FIELDS: Final = [
    "instrument", "trade_id", "seq", "event_index", "time_ns", "taker_side", "price_ticks",
    "qty_lots", "quote_minor", "taker_account", "maker_account", "taker_order_id",
    "maker_order_id", "taker_fee_minor", "maker_fee_minor",
]  # fmt: skip
_SIDES: Final = tuple(Side)
_TYPES: Final = tuple(OrderType)
_TIMES: Final = tuple(TimeInForce)
_MODES: Final = tuple(SelfTrade)
_STATUSES: Final = tuple(OrderStatus)
for _codes in (_SIDES, _TYPES, _TIMES, _MODES, _STATUSES):
    assert [int(code) for code in _codes] == list(range(len(_codes))), "code is place"


def orders(book: Book, rows: NDArray[Any]) -> list[OrderView]:
    """The orders in these rows, in this order."""
    views = []
    for row in book.orders[rows][_ORDER_FIELDS].tolist():
        order_id, account, instrument, side, kind, time, mode, flags, *sizes = row
        price, qty, quote, filled, filled_quote, status, new, old, name = sizes
        views.append(
            OrderView(
                order_id=order_id,
                account=account,
                instrument=instrument,
                side=_SIDES[side],
                order_type=_TYPES[kind],
                time_in_force=_TIMES[time],
                self_trade=_MODES[mode],
                flags=flags,
                price_ticks=price,
                qty_lots=qty,
                quote_minor=quote,
                filled_lots=filled,
                filled_quote_minor=filled_quote,
                status=_STATUSES[status],
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
        instrument, trade_id, seq, index, time_ns, side, *sizes, taker_fee, maker_fee = row
        price, qty, quote, taker, maker, taker_order, maker_order = sizes
        views.append(
            TradeView(
                instrument=instrument,
                trade_id=trade_id,
                seq=seq,
                event_index=index,
                time_ns=time_ns,
                taker_side=_SIDES[side],
                price_ticks=price,
                qty_lots=qty,
                quote_minor=quote,
                taker_account=taker,
                maker_account=maker,
                taker_order_id=taker_order,
                maker_order_id=maker_order,
                taker_fee_minor=taker_fee,
                maker_fee_minor=maker_fee,
            )
        )
    return views


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
