"""What queries return: small frozen views, numbers in ledger units, no strings for people."""

from dataclasses import dataclass

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
    WithdrawalStatus,
)


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order's life so far.

    Attributes:
        order_id, account, instrument, product, side, order_type, time_in_force, self_trade, flags,
            price_ticks, quote_minor, trigger_ticks, display_lots, expire_ns, client_id: As placed.
        qty_lots: The size after amends, less what self-trade prevention took off. Of an order that
            closes a whole position, 0 until it triggers, and then what its side could close.
        prevented_lots: What it took off.
        filled_lots: So many of `qty_lots` are done; the rest is open while the order is.
        filled_quote_minor: What a spot buyer paid, or a seller received before its fee; else 0.
        notional_minor: A perpetual's size of all fills, in its settlement asset; 0 for spot.
        realized_minor: What its fills of a perpetual realized.
        status: PENDING until it triggers, when it waits for that.
        triggered_ns: When it triggered; 0 when it did not, or never waited.
        expired_by: Why it left without a command that names it.
        refused: Why it could not enter when it triggered (`expired_by` is REFUSED), else NONE.
        target_id: The order that it replaced, or at first was a pair with.
        list_id: The id of the pair that it is or was in: that of the order that named the other.
        created_ns, updated_ns: When it was placed, and last changed.
    """

    order_id: int
    account: int
    instrument: int
    product: Product
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    self_trade: SelfTrade
    flags: int
    price_ticks: int
    qty_lots: int
    quote_minor: int
    trigger_ticks: int
    display_lots: int
    expire_ns: int
    prevented_lots: int
    filled_lots: int
    filled_quote_minor: int
    notional_minor: int
    realized_minor: int
    status: OrderStatus
    triggered_ns: int
    expired_by: ExpireReason | None
    refused: Reject
    target_id: int
    list_id: int
    client_id: bytes
    created_ns: int
    updated_ns: int


@dataclass(frozen=True, slots=True)
class TradeView:
    """One trade; (seq, event_index) finds its entry in the audit log.

    `quote_minor` is what a spot seller received, `notional_minor` a perpetual's size in its
    settlement asset, whose two sides realized something: the other product's are 0. In a
    liquidation the taker has no order (`taker_order_id` 0). In an auction both orders rested, and
    the buyer stands as the taker.
    """

    instrument: int
    product: Product
    liquidation: bool
    auction: bool
    trade_id: int
    seq: int
    event_index: int
    time_ns: int
    taker_side: Side
    price_ticks: int
    qty_lots: int
    quote_minor: int
    notional_minor: int
    taker_realized_minor: int
    maker_realized_minor: int
    taker_account: int
    maker_account: int
    taker_order_id: int
    maker_order_id: int
    taker_fee_minor: int
    maker_fee_minor: int


@dataclass(frozen=True, slots=True)
class BalanceView:
    """What one account has of one asset. Available can be below 0: a debt, or custody's."""

    available_minor: int
    held_minor: int


@dataclass(frozen=True, slots=True)
class PositionView:
    """One account's position in a perpetual.

    Attributes:
        account, instrument: Whose, and in what.
        leg: NET in one-way mode, LONG or SHORT in hedge mode (`ledger.engine.margin_layout`).
        mode: What stands behind it.
        qty_lots: Signed: below 0 is short.
        cost: Signed, in tick-lots (linear) or coin (inverse): docs/spec/margin.md, 3 and 4.
        entry_ticks: The average entry price, for people: rounded against the position; 0 when flat.
        realized_minor: Profit that closing has realized so far, in the settlement asset.
        funding_minor: Funding received so far, less what it paid.
        margin_minor: What it owns when it is isolated, counted in its account's held balance.
    """

    account: int
    instrument: int
    leg: int
    mode: MarginMode
    qty_lots: int
    cost: int
    entry_ticks: int
    realized_minor: int
    funding_minor: int
    margin_minor: int


@dataclass(frozen=True, slots=True)
class MarkView:
    """A perpetual's mark and what moved with it at the last TICK that changed it."""

    mark_ticks: int
    index_ticks: int
    rate_ppb: int
    multiplier_ppm: int
    time_ns: int


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
