"""What the engine's reads return: small frozen rows, numbers in ledger units."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ledger.records.codes import Check, MarginMode, Phase, Side, WithdrawalStatus
from matching.units import PPM


class BatchStatus(IntEnum):
    """Where a batch of payouts stands: at most one is in flight."""

    CUT = 1
    CONFIRMED = 2


class Executed(NamedTuple):
    """The result of one call of `execute`.

    Attributes:
        first_seq: Sequence number of the first command.
        outcomes: OUTCOME, one row a command. Belongs to the caller.
        events: EVENT, in order of (seq, index). Belongs to the caller.
    """

    first_seq: int
    outcomes: NDArray[Any]
    events: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Balance:
    """One account's money in one asset, in ledger units."""

    available_minor: int
    held_minor: int


@dataclass(frozen=True, slots=True)
class EngineOrder:
    """One resting order. `qty_lots` is its size after amends; `held_minor` is base or quote.

    `remaining_lots` counts what an iceberg hides.
    """

    order_id: int
    account: int
    instrument: int
    side: Side
    price_ticks: int
    qty_lots: int
    remaining_lots: int
    held_minor: int


@dataclass(frozen=True, slots=True)
class EngineWithdrawal:
    """One withdrawal; `batch` is 0 until it is in one. `payee` is 20 bytes, `travel` 32."""

    withdrawal_id: int
    account: int
    asset: int
    amount_minor: int
    fee_minor: int
    payee: bytes
    travel: bytes
    status: WithdrawalStatus
    checks_passed: Check
    batch: int


@dataclass(frozen=True, slots=True)
class EngineHold:
    """What risk or compliance froze; `left_minor` is 0 once it is resolved. `reason`: 32 bytes."""

    hold_id: int
    placed_seq: int
    account: int
    asset: int
    amount_minor: int
    left_minor: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class EngineBatch:
    """One batch of payouts; `deposit_index` is the deposits credited when it was cut."""

    batch: int
    status: BatchStatus
    cut_seq: int
    deadline_s: int
    deposit_index: int
    withdrawal_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EngineAsset:
    """One listed asset; a minor unit is `unit_wei` of the token's smallest units."""

    asset: int
    symbol: bytes
    token: bytes
    ledger_decimals: int
    token_decimals: int
    required_checks: Check
    supply_max_minor: int
    withdrawal_min_minor: int
    withdrawal_fee_minor: int
    unit_wei: int
    dust_wei: int


@dataclass(frozen=True, slots=True)
class EngineInstrument:
    """One listed instrument; quote_minor = price_ticks * qty_lots * num / den."""

    instrument: int
    symbol: bytes
    base: int
    quote: int
    price_decimals: int
    qty_decimals: int
    lot_minor: int
    notional_num: int
    notional_den: int
    min_notional_minor: int
    max_price_ticks: int
    max_qty_lots: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    trade_count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """An account at the marks, in valuation units (docs/spec/margin.md, section 6)."""

    equity_minor: int
    maintenance_minor: int
    initial_minor: int

    @property
    def risk_ratio_ppm(self) -> int | None:
        """Equity over maintenance, rounded down; liquidated at a million. None: none required."""
        if self.maintenance_minor == 0:
            return None
        return self.equity_minor * PPM // self.maintenance_minor

    @property
    def available_minor(self) -> int:
        """What new positions and orders may use."""
        return max(self.equity_minor - self.initial_minor, 0)


@dataclass(frozen=True, slots=True)
class EngineSession:
    """How an instrument trades now (docs/spec/engine.md, section 12)."""

    phase: Phase
    """HALTED too while the whole venue is."""
    call_until_ns: int
    """When its call ends; 0 when a command will, or there is none."""
    band_low_ticks: int
    band_high_ticks: int
    """The prices within the band; 0, 0 without one."""
    price_ticks: int
    lots: int
    surplus_lots: int
    """What an auction would do now; buys left over count above 0, sells below."""


@dataclass(frozen=True, slots=True)
class EnginePosition:
    """One position: signed lots and cost, in tick-lots (linear) or coin units (inverse).

    `leg` is 0 in one-way mode, 1 for the long and 2 for the short one in hedge mode;
    `closing_lots` are those of its resting reduce-only orders, `margin_minor` what it owns when it
    is isolated.
    """

    account: int
    instrument: int
    qty_lots: int
    cost: int
    leverage: int
    leg: int
    mode: MarginMode
    margin_minor: int
    closing_lots: int


@dataclass(frozen=True, slots=True)
class PositionRisk:
    """An open position at the mark of the last TICK, in its settlement asset.

    Attributes:
        profit_minor: Unrealized; rounded down.
        maintenance_minor: Its maintenance margin.
        liquidation_ticks: The mark at which it falls, or brings its account to fall, if nothing
            else moves; 0: no price does.
        bankruptcy_ticks: The price at which its margin, or its share of the account's equity, is
            used up: what a liquidation now would close it at, or better.
        adl_light: 5 is deleveraged first, 1 last; 0 is no winner.
    """

    profit_minor: int
    maintenance_minor: int
    liquidation_ticks: int
    bankruptcy_ticks: int
    adl_light: int


@dataclass(frozen=True, slots=True)
class EnginePerpetual:
    """A perpetual's prices and funding, and the health of its index (docs/spec/margin.md, 9, 10).

    Attributes:
        index_ticks: The last index that could be made; 0 before the first.
        sources_used: How many sources the last TICK found to agree.
        sources_minimum: Fewer than these make no index: the contract stands still.
        mark_ticks: Its mark; 0 before the first.
        multiplier_ppm: What volatility raises margin by now.
        predicted_ppb: The funding rate if the interval ended now.
        next_funding_ns: When it ends; the first TICK from then on pays.
        funding_count: Fundings paid so far.
        leverage_max: The highest leverage that may be set.
        position_max_lots: The largest position that orders may build; 0: no limit.
    """

    oracle: int
    index_ticks: int
    sources_used: int
    sources_minimum: int
    mark_ticks: int
    multiplier_ppm: int
    predicted_ppb: int
    next_funding_ns: int
    funding_count: int
    leverage_max: int
    position_max_lots: int

    @property
    def is_live(self) -> bool:
        """Whether the last TICK had an index to move the mark by."""
        return self.index_ticks > 0 and self.sources_used >= self.sources_minimum
