"""The reference engine's state: dicts, lists and Python integers, too plain to be wrong."""

from collections import defaultdict
from dataclasses import dataclass, field
from types import SimpleNamespace

from ledger.engine.layout import CUSTOMER_FIRST, INDEX, LAST, MARK
from ledger.engine.limits import DEFAULT_CAPACITY, Capacity
from ledger.engine.margin_layout import INSURANCE, POSITIONS_PER_ACCOUNT_MAX
from ledger.engine.reference.contracts import Collateral, Contract, Oracle, Position
from ledger.engine.reference.debts import Borrower, Lending
from ledger.engine.reference.schedules import Schedule
from ledger.engine.reference.timers import Slots, Timers
from ledger.engine.views import BatchStatus
from ledger.records.codes import (
    AuctionReference,
    CommandFlag,
    Phase,
    Product,
    Reject,
    Side,
    WithdrawalStatus,
)
from matching.units import PPM


class Rejected(Exception):
    """Ends a command's handler before anything changed."""

    def __init__(self, reject: Reject) -> None:
        super().__init__(reject)
        self.reject = reject


def require(holds: bool, reject: Reject) -> None:  # noqa: FBT001 - reads as a sentence
    """One check of a command.

    Raises:
        Rejected: The condition does not hold.
    """
    if not holds:
        raise Rejected(reject)


@dataclass
class Asset:
    token: bytes
    symbol: bytes
    ledger_decimals: int
    token_decimals: int
    required_checks: int
    supply_max: int
    withdrawal_min: int
    withdrawal_fee: int
    unit_wei: int
    dust_wei: int = 0


@dataclass
class Order:
    order_id: int
    account: int
    instrument: int
    side: Side
    price: int
    total: int
    remaining: int
    held: int
    carry: int
    expire_s: int = 0
    slot: int = -1
    display: int = 0
    shown: int = 0
    """What of `remaining` stands in the book; all of it unless it is an iceberg."""
    iceberg: bool = False
    pledge: int = 0
    """What its execution may cost its account in equity."""
    lent: bool = False
    """What it holds, reserves and pledges is free while its successor is judged."""
    partner: int = 0
    closes: bool = False
    """Reduce-only."""
    leg: int = 0


@dataclass
class Pending:
    """An order that waits for its trigger: its command, and what the command does not say."""

    order_id: int
    terms: SimpleNamespace
    slot: int
    partner: int
    rank: int = 0
    """Who came to a trigger first."""

    @property
    def account(self) -> int:
        return int(self.terms.account)

    @property
    def rising(self) -> bool:
        """Whether it waits for a higher price."""
        return bool((self.terms.side == Side.BUY) == bool(self.terms.flags & CommandFlag.STOP))

    @property
    def source(self) -> int:
        """Which price it waits for."""
        if self.terms.flags & CommandFlag.ON_MARK:
            return MARK
        return INDEX if self.terms.flags & CommandFlag.ON_INDEX else LAST


@dataclass
class Session:
    """How an instrument trades."""

    phase: Phase = Phase.CONTINUOUS
    call_until_ns: int = 0
    band_ppm: int = 0
    halt_ppm: int = 0
    window_s: int = 0
    reopen_s: int = 0
    opening: int = 0
    reference: AuctionReference = AuctionReference.LAST
    prices: list[int] = field(default_factory=list)
    """Of the trades since the last TICK."""
    swings: dict[int, list[int]] = field(default_factory=dict)
    """The prices of each part of the window, by its number since the epoch."""


@dataclass
class Instrument:
    symbol: bytes
    base: int
    quote: int
    lot_minor: int
    num: int
    den: int
    min_notional: int
    max_price: int
    max_qty: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    price_decimals: int
    qty_decimals: int
    product: Product = Product.SPOT
    trades: int = 0
    last: int = 0
    schedule: int = 0
    """Of its fees; 0 is its own."""
    contract: Contract | None = None
    """A perpetual's margin, None for spot."""
    session: Session = field(default_factory=Session)
    levels: dict[Side, dict[int, list[Order]]] = field(
        default_factory=lambda: {Side.BUY: {}, Side.SELL: {}}
    )

    def best_first(self, side: Side) -> list[int]:
        """The prices of one side, best first."""
        return sorted(self.levels[side], reverse=side == Side.BUY)

    def price_now(self, source: int, oracles: list[Oracle]) -> int:
        """Where one of the prices that trigger stands; 0 when there is none."""
        if source == LAST:
            return self.last
        if self.contract is None:
            return 0
        if source == MARK:
            return self.contract.mark
        return oracles[self.contract.rule.oracle].index if self.contract.rule else 0

    def is_trading(self, venue_halted: bool) -> bool:  # noqa: FBT001 - the venue's one switch
        """Whether it trades continuously."""
        return self.session.phase == Phase.CONTINUOUS and not venue_halted

    def band(self) -> tuple[int, int] | None:
        """The lowest price at which a sell, and the highest at which a buy, may trade."""
        reference = self.last or self.session.opening
        if self.contract is not None:
            reference = self.contract.mark
        if self.session.band_ppm == 0 or reference == 0:
            return None
        off = reference * self.session.band_ppm
        low = -((off - reference * PPM) // PPM)
        return max(low, 1), min((reference * PPM + off) // PPM, self.max_price)

    def lots(self, side: Side) -> int:
        """All lots on one side, hidden ones too."""
        return sum(order.remaining for level in self.levels[side].values() for order in level)


@dataclass
class Withdrawal:
    withdrawal_id: int
    account: int
    asset: int
    amount: int
    fee: int
    payee: bytes
    travel: bytes
    status: WithdrawalStatus
    passed: int = 0
    batch: int = 0


@dataclass
class Batch:
    status: BatchStatus
    cut_seq: int
    deadline_s: int
    deposit_index: int
    rows: list[int]


@dataclass
class RiskHold:
    """What risk or compliance froze."""

    seq: int
    said: tuple[int, int, int, bytes]
    """Account, asset, amount and reason, as placed."""
    left: int


@dataclass
class Account:
    opened_seq: int
    master: int
    tier: int
    subject: bytes


@dataclass
class Seat:
    """An account's switches."""

    interval_ns: int = 0
    backlog_ns: int = 0
    asked_ns: int = 0
    cancel_after_s: int = 0
    burst: int = 0
    blocked: int = 0
    leverage: int = 0
    pair: int = 0

    def weight(self, time_ns: int) -> int:
        """What earlier orders still weigh on the throttle."""
        return max(0, self.backlog_ns - (time_ns - self.asked_ns))


@dataclass
class State:
    """Everything that a command may read or change."""

    capacity: Capacity = DEFAULT_CAPACITY
    seq: int = 0
    time_ns: int = 0
    accounts: list[Account] = field(
        default_factory=lambda: [Account(0, 0, 0, bytes(32)) for _ in range(CUSTOMER_FIRST)]
    )
    assets: list[Asset] = field(default_factory=list)
    instruments: list[Instrument] = field(default_factory=list)
    available: dict[tuple[int, int], int] = field(default_factory=dict)
    held: dict[tuple[int, int], int] = field(default_factory=dict)
    """Both by (asset, account)."""
    orders: dict[int, Order] = field(default_factory=dict)
    """In the order in which they came to rest."""
    slots: Slots = field(default_factory=Slots)
    pending: dict[int, Pending] = field(default_factory=dict)
    """In the order in which they were placed."""
    ranks: int = 0
    """How often an order has come to a trigger."""
    pending_slots: Slots = field(default_factory=Slots)
    timers: Timers = field(default_factory=Timers)
    seats: defaultdict[int, Seat] = field(default_factory=lambda: defaultdict(Seat))
    deposit_index: int = 0
    withdrawals: list[Withdrawal] = field(default_factory=list)
    cleared: list[int] = field(default_factory=list)
    """Withdrawal rows waiting for a batch, in the order in which they were cleared."""
    batches: list[Batch] = field(default_factory=list)
    risk_holds: list[RiskHold] = field(default_factory=list)
    """Hold k at place k - 1."""
    report_count: int = 0
    report_chain: bytes = bytes(32)
    anchor_index: int = 0
    anchored_block: int = 0
    anchor_chain: bytes = bytes(32)
    positions: list[Position] = field(default_factory=list)
    """In the order in which they were first wanted."""
    fallen: set[int] = field(default_factory=set)
    hedged: set[int] = field(default_factory=set)
    """Accounts in hedge mode."""
    collateral: dict[int, Collateral] = field(default_factory=dict)
    oracles: list[Oracle] = field(default_factory=list)
    """The last TICK."""
    halted: bool = False
    """The venue's kill switch."""
    schedules: dict[int, Schedule] = field(default_factory=dict)
    volumes: dict[int, dict[int, int]] = field(default_factory=dict)
    """What each account traded, by day; a sub-account's counts for its master."""
    lending: dict[int, Lending] = field(default_factory=dict)
    borrowers: dict[int, Borrower] = field(default_factory=dict)
    """In the order in which they became margin accounts."""

    def is_customer(self, account: int) -> bool:
        """System accounts neither trade nor withdraw."""
        return CUSTOMER_FIRST <= account < len(self.accounts)

    def own(self, account: int) -> list[Position]:
        """An account's positions, the newest first."""
        return [p for p in reversed(self.positions) if p.account == account]

    def legs(self, account: int) -> tuple[int, ...]:
        """Which positions an account has in one instrument."""
        return (1, 2) if account in self.hedged else (0,)

    def position(self, account: int, instrument: int, leg: int) -> Position | None:
        """The account's position in an instrument, flat ones included."""
        found = [p for p in self.own(account) if (p.instrument, p.leg) == (instrument, leg)]
        return found[0] if found else None

    def may_open(self, account: int, instrument: int, legs: tuple[int, ...]) -> bool:
        """Whether the account has, or can get, these positions in an instrument."""
        missing = sum(self.position(account, instrument, leg) is None for leg in legs)
        crowded = len(self.own(account)) + missing > POSITIONS_PER_ACCOUNT_MAX
        full = len(self.positions) + missing > self.capacity.positions
        return not missing or (not full and (account == INSURANCE or not crowded))

    def open(self, account: int, instrument: int, leg: int = 0) -> Position:
        """The account's position, made when there is none."""
        found = self.position(account, instrument, leg)
        if found is None:
            found = Position(account, instrument, leg=leg)
            self.positions.append(found)
        return found

    def closers(self, position: Position) -> list[Order]:
        """A position's reduce-only orders, the oldest arrival first."""
        owner = position.account, position.instrument, position.leg
        mine = (o for o in self.orders.values() if (o.account, o.instrument, o.leg) == owner)
        return [order for order in mine if order.closes]

    def owned(self, account: int) -> list[Order]:
        """An account's open orders, the oldest arrival first."""
        return [order for order in self.orders.values() if order.account == account]

    def waiting(self, account: int) -> list[Pending]:
        """An account's pending orders, the oldest first."""
        return [order for order in self.pending.values() if order.account == account]

    def move(self, asset: int, payer: int, payee: int, amount: int) -> None:
        """One posting: available to available."""
        if amount < 0:
            payer, payee, amount = payee, payer, -amount
        self.available[asset, payer] = self.available.get((asset, payer), 0) - amount
        self.available[asset, payee] = self.available.get((asset, payee), 0) + amount

    def hold(self, asset: int, account: int, amount: int) -> None:
        """Available to held; negative gives it back."""
        self.available[asset, account] = self.available.get((asset, account), 0) - amount
        self.held[asset, account] = self.held.get((asset, account), 0) + amount

    def free(self, asset: int, account: int) -> int:
        """What an account may use."""
        return self.available.get((asset, account), 0)
