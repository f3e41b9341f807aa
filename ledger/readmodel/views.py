"""What queries return: small frozen views, numbers in ledger units, no strings for people."""

from dataclasses import dataclass

from ledger.records.codes import (
    OrderStatus,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
    WithdrawalStatus,
)


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order's life so far. `qty_lots` is the size after amends, `filled_lots` of it is done."""

    order_id: int
    account: int
    instrument: int
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    self_trade: SelfTrade
    flags: int
    price_ticks: int
    qty_lots: int
    quote_minor: int
    filled_lots: int
    filled_quote_minor: int
    status: OrderStatus
    client_id: bytes
    created_ns: int
    updated_ns: int


@dataclass(frozen=True, slots=True)
class TradeView:
    """One trade; (seq, event_index) finds its entry in the audit log."""

    instrument: int
    trade_id: int
    seq: int
    event_index: int
    time_ns: int
    taker_side: Side
    price_ticks: int
    qty_lots: int
    quote_minor: int
    taker_account: int
    maker_account: int
    taker_order_id: int
    maker_order_id: int
    taker_fee_minor: int
    maker_fee_minor: int


@dataclass(frozen=True, slots=True)
class WithdrawalView:
    """One withdrawal; `batch` is 0 until it is in one."""

    withdrawal_id: int
    account: int
    asset: int
    amount_minor: int
    fee_minor: int
    payee: bytes
    travel: bytes
    client_id: bytes
    status: WithdrawalStatus
    checks_passed: int
    batch: int
    created_ns: int
    updated_ns: int


@dataclass(frozen=True, slots=True)
class DepositView:
    """One deposit credited from the chain."""

    deposit_index: int
    account: int
    asset: int
    amount_minor: int
    tx: bytes
    chain_block: int
    credited_ns: int
