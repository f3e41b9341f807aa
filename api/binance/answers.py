"""What the dialect answers: field for field as Binance documents it, numbers as decimal text."""

import msgspec
from msgspec import UNSET, UnsetType


class Answer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=False):
    """Base: attributes in snake case here, camel case on the wire."""


class Empty(Answer, frozen=True):
    """`{}`."""


class ServerTime(Answer, frozen=True):
    server_time: int


class SystemStatus(Answer, frozen=True):
    status: int
    msg: str


class RateLimitRule(Answer, frozen=True):
    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int


class PriceFilter(Answer, frozen=True, tag_field="filterType", tag="PRICE_FILTER"):
    min_price: str
    max_price: str
    tick_size: str


class LotSize(Answer, frozen=True, tag_field="filterType", tag="LOT_SIZE"):
    min_qty: str
    max_qty: str
    step_size: str


class MarketLotSize(Answer, frozen=True, tag_field="filterType", tag="MARKET_LOT_SIZE"):
    min_qty: str
    max_qty: str
    step_size: str


class Notional(Answer, frozen=True, tag_field="filterType", tag="NOTIONAL"):
    min_notional: str
    apply_min_to_market: bool
    max_notional: str
    apply_max_to_market: bool
    avg_price_mins: int


class IcebergParts(Answer, frozen=True, tag_field="filterType", tag="ICEBERG_PARTS"):
    limit: int


class SymbolInfo(Answer, frozen=True):
    symbol: str
    status: str
    base_asset: str
    base_asset_precision: int
    quote_asset: str
    quote_precision: int
    quote_asset_precision: int
    base_commission_precision: int
    quote_commission_precision: int
    order_types: tuple[str, ...]
    iceberg_allowed: bool
    oco_allowed: bool
    oto_allowed: bool
    quote_order_qty_market_allowed: bool
    allow_trailing_stop: bool
    cancel_replace_allowed: bool
    amend_allowed: bool
    peg_instructions_allowed: bool
    is_spot_trading_allowed: bool
    is_margin_trading_allowed: bool
    filters: tuple[PriceFilter | LotSize | MarketLotSize | Notional | IcebergParts, ...]
    permissions: tuple[str, ...]
    permission_sets: tuple[tuple[str, ...], ...]
    default_self_trade_prevention_mode: str
    allowed_self_trade_prevention_modes: tuple[str, ...]


class ExchangeInfo(Answer, frozen=True):
    timezone: str
    server_time: int
    rate_limits: tuple[RateLimitRule, ...]
    exchange_filters: tuple[str, ...]
    symbols: list[SymbolInfo]


class Depth(Answer, frozen=True):
    last_update_id: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class PublicTrade(Answer, frozen=True):
    id: int
    price: str
    qty: str
    quote_qty: str
    time: int
    is_buyer_maker: bool
    is_best_match: bool


class OrderAck(Answer, frozen=True):
    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    transact_time: int


class OrderResult(OrderAck, frozen=True, kw_only=True):
    """Fields that may be unset come only with the orders that have them."""

    price: str
    orig_qty: str
    executed_qty: str
    orig_quote_order_qty: str
    cummulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    stop_price: str | UnsetType = UNSET
    iceberg_qty: str | UnsetType = UNSET
    working_time: int
    self_trade_prevention_mode: str


class Fill(Answer, frozen=True):
    price: str
    qty: str
    commission: str
    commission_asset: str
    trade_id: int


class OrderFull(OrderResult, frozen=True, kw_only=True):
    fills: list[Fill]


class Order(Answer, frozen=True):
    """One order as queries return it."""

    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    price: str
    orig_qty: str
    executed_qty: str
    cummulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    stop_price: str
    iceberg_qty: str
    time: int
    update_time: int
    is_working: bool
    working_time: int
    orig_quote_order_qty: str
    self_trade_prevention_mode: str
    prevented_quantity: str | UnsetType = UNSET


class CanceledOrder(Answer, frozen=True, kw_only=True):
    symbol: str
    orig_client_order_id: str
    order_id: int
    order_list_id: int
    client_order_id: str
    transact_time: int
    price: str
    orig_qty: str
    executed_qty: str
    orig_quote_order_qty: str
    cummulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    stop_price: str | UnsetType = UNSET
    iceberg_qty: str | UnsetType = UNSET
    self_trade_prevention_mode: str


class Replacement(Answer, frozen=True):
    """A cancel-replace that took effect."""

    cancel_result: str
    new_order_result: str
    cancel_response: CanceledOrder
    new_order_response: OrderAck


class ListedOrder(Answer, frozen=True):
    symbol: str
    order_id: int
    client_order_id: str


class OrderList(Answer, frozen=True):
    order_list_id: int
    contingency_type: str
    list_status_type: str
    list_order_status: str
    list_client_order_id: str
    transaction_time: int
    symbol: str
    orders: list[ListedOrder]


class PlacedList(OrderList, frozen=True):
    order_reports: list[OrderAck]


class CanceledList(OrderList, frozen=True):
    order_reports: list[CanceledOrder]


class AmendedOrder(Answer, frozen=True):
    symbol: str
    order_id: int
    order_list_id: int
    orig_client_order_id: str
    client_order_id: str
    price: str
    qty: str
    executed_qty: str
    prevented_qty: str
    quote_order_qty: str
    cumulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    working_time: int
    self_trade_prevention_mode: str


class Amendment(Answer, frozen=True):
    transact_time: int
    execution_id: int
    amended_order: AmendedOrder


class CommissionRates(Answer, frozen=True):
    maker: str
    taker: str
    buyer: str
    seller: str


class Balance(Answer, frozen=True):
    asset: str
    free: str
    locked: str


class Account(Answer, frozen=True):
    maker_commission: int
    taker_commission: int
    buyer_commission: int
    seller_commission: int
    commission_rates: CommissionRates
    can_trade: bool
    can_withdraw: bool
    can_deposit: bool
    brokered: bool
    require_self_trade_prevention: bool
    prevent_sor: bool
    update_time: int
    account_type: str
    balances: list[Balance]
    permissions: tuple[str, ...]
    uid: int


class MyTrade(Answer, frozen=True):
    symbol: str
    id: int
    order_id: int
    order_list_id: int
    price: str
    qty: str
    quote_qty: str
    commission: str
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool
    is_best_match: bool


class DepositAddress(Answer, frozen=True):
    address: str
    coin: str
    tag: str
    url: str


class Deposit(Answer, frozen=True):
    id: str
    amount: str
    coin: str
    network: str
    status: int
    address: str
    address_tag: str
    tx_id: str
    insert_time: int
    complete_time: int
    transfer_type: int
    confirm_times: str
    unlock_confirm: int
    wallet_type: int
    travel_rule_status: int


class WithdrawalId(Answer, frozen=True):
    id: str


class TravelRuleWithdrawal(Answer, frozen=True):
    """Binance's own spelling of `accpted`."""

    tr_id: int
    accpted: bool
    info: str


class Withdrawal(Answer, frozen=True):
    id: str
    amount: str
    transaction_fee: str
    coin: str
    status: int
    address: str
    address_tag: str
    tx_id: str
    apply_time: str
    network: str
    transfer_type: int
    withdraw_order_id: str
    info: str
    confirm_no: int
    wallet_type: int
    tx_key: str
    complete_time: str


class Network(Answer, frozen=True):
    address_regex: str
    coin: str
    contract_address: str
    deposit_desc: str
    deposit_enable: bool
    is_default: bool
    memo_regex: str
    min_confirm: int
    name: str
    network: str
    same_address: bool
    special_tips: str
    un_lock_confirm: int
    withdraw_desc: str
    withdraw_enable: bool
    withdraw_fee: str
    withdraw_integer_multiple: str
    withdraw_max: str
    withdraw_min: str
    withdraw_tag: bool


class Coin(Answer, frozen=True):
    coin: str
    deposit_all_enable: bool
    free: str
    freeze: str
    ipoable: str
    ipoing: str
    is_legal_money: bool
    locked: str
    name: str
    network_list: list[Network]
    storage: str
    trading: bool
    withdraw_all_enable: bool
    withdrawing: str


class DerivativesInfo(Answer, frozen=True):
    """exchangeInfo of a face that lists nothing yet."""

    timezone: str
    server_time: int
    rate_limits: tuple[RateLimitRule, ...]
    exchange_filters: tuple[str, ...]
    symbols: tuple[str, ...]
