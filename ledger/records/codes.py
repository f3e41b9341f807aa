"""The words of the record formats: kinds, flags and reject codes. Values never change meaning."""

from enum import IntEnum, IntFlag
from typing import Final

RECORD_VERSION: Final = 1


class CommandKind(IntEnum):
    """What a command asks for. Gaps are left for the families that later issues fill."""

    NEW_ORDER = 0x01
    CANCEL_ORDER = 0x02
    AMEND_ORDER = 0x03
    CANCEL_ALL = 0x04
    REPLACE_ORDER = 0x05
    """Cancels one order and places another on the same side: both or neither."""
    CANCEL_AFTER = 0x06
    """A dead-man's switch: unless it is set again in time, everything is cancelled."""
    OPEN_ACCOUNT = 0x10
    SET_LEVERAGE = 0x12
    SET_MARGIN_MODE = 0x13
    """Whether an account's position in one perpetual is cross or isolated."""
    SET_ACCOUNT = 0x14
    """The account's kill switch and its throttle."""
    MOVE_MARGIN = 0x15
    """Adds margin to an isolated position, or takes some out."""
    SET_POSITION_MODE = 0x16
    """One-way mode, or hedge mode: a long and a short position side by side."""
    TRANSFER = 0x19
    """Money moves between a master and its sub-accounts, or between two of them."""
    SET_MARGIN = 0x1A
    """An account may owe what it spends, up to a leverage; and may be kept to one pair."""
    LIST_ASSET = 0x20
    LIST_INSTRUMENT = 0x21
    SET_FEES = 0x22
    SET_TIER = 0x23
    """One bracket of an instrument's margin table; row 0 begins the table anew."""
    SET_COLLATERAL = 0x24
    SET_PERPETUAL = 0x25
    SET_ORACLE = 0x26
    SET_MARKET = 0x28
    """An instrument's price band, volatility halt and auction."""
    SET_PHASE = 0x29
    """Halts an instrument or the whole venue, begins a call, reopens."""
    SET_FEE_TIERS = 0x2C
    """One fee schedule, whole: six tiers by 30-day volume, and what orders by API save."""
    SET_LENDING = 0x2D
    """What the lending pool asks for an asset, and to whom it lends."""
    CREDIT_DEPOSIT = 0x30
    REQUEST_WITHDRAWAL = 0x31
    DECIDE_WITHDRAWAL = 0x32
    CUT_BATCH = 0x33
    CONFIRM_BATCH = 0x34
    PLACE_HOLD = 0x35
    """Risk or compliance freezes part of what an account may use."""
    RELEASE_HOLD = 0x36
    RECORD_REPORT = 0x40
    RECORD_ANCHOR = 0x41
    TICK = 0x50
    """Time passes: what is due by then happens, and nothing else."""
    ORACLE_PRICE = 0x51
    """What one source says of one index; it moves nothing before the next TICK."""


class EventKind(IntEnum):
    """What happened beyond the command's own outcome: always to somebody else, or to money."""

    TRADE = 0x01
    ORDER_EXPIRED = 0x02
    """An order left although no command of its own named it; `flags` is the `ExpireReason`."""
    ORDER_REDUCED = 0x03
    """Self-trade prevention took lots off both the incoming and the resting order."""
    ORDER_TRIGGERED = 0x04
    """A pending order's trigger was reached: it enters the book as a taker."""
    PHASE_CHANGED = 0x20
    """An instrument, or the whole venue, entered another `Phase`: `flags`."""
    WITHDRAWAL_BATCHED = 0x30
    """One payout entered a batch: emitted by CUT_BATCH once for each."""
    WITHDRAWAL_SETTLED = 0x31
    """One payout of a confirmed batch: emitted by CONFIRM_BATCH once for each."""
    WITHDRAWAL_RELEASED = 0x32
    """A denied withdrawal's hold went back to its account."""
    HOLD_PLACED = 0x33
    HOLD_RELEASED = 0x34
    """Some, or all, of what risk or compliance had frozen went back to its account."""

    FUNDING_PAID = 0x10
    """A position paid, or was paid, its funding."""
    MARK_MOVED = 0x11
    ACCOUNT_FELL = 0x12
    """An account's equity no longer exceeds its maintenance margin: its orders are gone."""
    POSITION_TAKEN = 0x13
    """The insurance fund took a position over, at its bankruptcy price."""
    DELEVERAGED = 0x14
    """A winner's position was closed against a bankrupt one, at the bankruptcy price, or against
    one of a fund that is short, at the price that makes it whole."""
    COLLATERAL_TAKEN = 0x15
    """The insurance fund took collateral of an account without positions, for its debt."""
    DEBT_COVERED = 0x16
    """The insurance fund paid an account's debt, or for what it took from it in another asset."""
    LOSS_SHARED = 0x17
    """An account paid its share of what neither the insurance fund nor winners could."""
    POSITION_FELL = 0x18
    """An isolated position's equity no longer exceeds its maintenance margin."""
    MARGIN_MOVED = 0x19
    """Money passed between an account and the margin, or an order, of its isolated position."""
    LEGS_NETTED = 0x1A
    """The two legs of a fallen account closed each other, at the mark and outside the book."""

    TRANSFERRED = 0x28
    """Money moved from `account` to `counter_account`, both of one master."""
    LOAN_TAKEN = 0x29
    """An order needed more than its account had: the lending pool lent the rest."""
    LOAN_REPAID = 0x2A
    MARGIN_CALLED = 0x2B
    """What an account owes has come near to what it owns."""
    LOAN_LOST = 0x2C
    """The lending pool lost what nobody could pay."""
    LOAN_SETTLED = 0x2D
    """A loan shrank by what the collateral is worth that the pool has just taken."""
    OVERDRAFT_CHARGED = 0x2E
    """A negative balance cost its hours of interest: the insurance fund got them."""


class Product(IntEnum):
    """What an instrument trades."""

    SPOT = 0
    LINEAR = 1
    """A perpetual settled in its quote asset."""
    INVERSE = 2
    """A perpetual settled in its base asset."""


class TradeFlag(IntFlag):
    """Bits of a TRADE event's `flags`."""

    LIQUIDATION = 1
    """The taker is an account in liquidation, or the insurance fund: it has no order."""
    AUCTION = 2
    """Two resting orders met at the end of a call: the buyer is named first, both are makers."""


class Phase(IntEnum):
    """How an instrument trades."""

    CONTINUOUS = 0
    HALTED = 1
    """Nothing enters and nothing trades; orders can be cancelled and amended."""
    CALL = 2
    """Limit orders enter and rest without trading; an auction ends it."""


class PhaseScope(IntFlag):
    """Bits of SET_PHASE's `flags`: whom it is about."""

    VENUE = 1
    """All instruments. In PHASE_CHANGED the same bit stands in the high byte."""


class AuctionReference(IntEnum):
    """What decides an auction between prices that are equal otherwise."""

    LAST = 0
    """The last trade's price; before the first the opening price."""
    MARK = 1
    INDEX = 2


class PositionFlag(IntFlag):
    """Bits of the `flags` of events about positions: which one it is, and how it is margined."""

    SHORT_LEG = 256
    """The account's short position in hedge mode; on a TRADE the taker's, as below."""
    COUNTER_SHORT_LEG = 512
    ISOLATED = 1024
    COUNTER_ISOLATED = 2048


class MarginMode(IntEnum):
    """What stands behind a position: the whole account, or a margin of its own."""

    CROSS = 0
    ISOLATED = 1


class PositionMode(IntEnum):
    """How many positions an account has in one perpetual."""

    ONE_WAY = 0
    HEDGE = 1


class Side(IntEnum):
    """The taker's or the order's side."""

    BUY = 0
    SELL = 1


class OrderType(IntEnum):
    """How the price limit is given."""

    LIMIT = 0
    MARKET = 1


class TimeInForce(IntEnum):
    """What happens to the part that does not fill at once."""

    GTC = 0
    IOC = 1
    FOK = 2
    GTD = 3
    """Good until the first TICK that is not before `expire_ns`."""


class SelfTrade(IntEnum):
    """Which side leaves when an account would trade with itself."""

    EXPIRE_TAKER = 0
    EXPIRE_MAKER = 1
    EXPIRE_BOTH = 2
    DECREMENT = 3
    """Both lose the smaller of the two sizes; what comes to nothing leaves."""


class CommandFlag(IntFlag):
    """Bits of a command's `flags`."""

    POST_ONLY = 1
    BY_QUOTE = 2
    """A market order whose size is `quote_minor`, not `qty_lots`."""
    STOP = 4
    """Pending until the price is at `trigger_ticks` or worse for it: above for a buy, below for a
    sell."""
    TAKE_PROFIT = 8
    """Pending until the price is at `trigger_ticks` or better for it: the other way round."""
    OCO = 16
    """A pending order that names its partner (`target_id`): one cancels the other."""
    ON_MARK = 32
    """A perpetual's mark triggers a pending order, not the last trade's price."""
    ON_INDEX = 64
    """A perpetual's index triggers a pending order."""
    TRAILING = 128
    """A stop whose trigger follows its price, `trigger_ticks` away, and never goes back."""
    REDUCE_ONLY = 2048
    """Only makes a position smaller."""
    CLOSE_POSITION = 4096
    """A pending market order without a size: it closes whatever there is when it triggers."""
    SHORT_LEG = 8192
    """In hedge mode: the order is about the short position, not the long one."""
    VIA_API = 1 << 14
    """It came through an API key: its fee schedule may take less."""


class CancelScope(IntFlag):
    """Bits of CANCEL_ALL's `flags`: what it is limited to."""

    INSTRUMENT = 1
    SIDE = 2


class ExpireReason(IntEnum):
    """Why an order left without a command that names it: `flags` of ORDER_EXPIRED, low byte."""

    SELF_TRADE = 0
    TIME = 1
    CANCEL_ALL = 2
    DEAD_MAN = 3
    ACCOUNT_BLOCKED = 4
    PARTNER = 5
    """Its OCO partner traded, triggered or left."""
    REPLACED = 6
    REMAINDER = 7
    """What a triggered order did not trade and may not rest."""
    REFUSED = 8
    """A triggered order failed a check: the `Reject` stands in the high byte."""
    LIQUIDATION = 16
    OWN_AUCTION = 17
    """Its account's older order met it in an auction."""
    POSITION_CLOSED = 24
    """The position that a reduce-only order could close has become smaller than its orders."""
    UNCOVERED = 25
    """An isolated position could not have borne what closing by this order would have lost."""


class Check(IntFlag):
    """The compliance checks that a withdrawal must pass before it may enter a batch."""

    SCREENING = 1
    TRAVEL_RULE = 2


class Verdict(IntEnum):
    """A compliance decision's outcome."""

    DENY = 0
    APPROVE = 1


class OrderStatus(IntEnum):
    """Where an order stands. The outcome of a command carries its own order's status."""

    NONE = 0
    OPEN = 1
    PARTLY_FILLED = 2
    FILLED = 3
    CANCELED = 4
    EXPIRED = 5
    """The rest left by rule: IOC, FOK, market, or self-trade prevention."""
    PENDING = 6
    """Waits for its trigger: in no book, and holds nothing."""


class WithdrawalStatus(IntEnum):
    """Where a withdrawal stands; docs/spec/records.md draws the machine."""

    NONE = 0
    HELD = 1
    CLEARED = 2
    BATCHED = 3
    PAID = 4
    CLAIMABLE = 5
    """The payee refused the payout: it waits in the vault for the payee to claim."""
    DENIED = 6


class Reject(IntEnum):
    """Why a command changed nothing. The order of the codes is the order of the checks."""

    NONE = 0
    UNKNOWN_VERSION = 1
    UNKNOWN_KIND = 2
    TIME_BACKWARDS = 3
    UNKNOWN_ACCOUNT = 4
    UNKNOWN_ASSET = 5
    UNKNOWN_INSTRUMENT = 6
    MALFORMED = 7
    """A field is outside its enumeration, or a field that the kind does not use is not zero."""
    OUT_OF_TURN = 8
    """An id or index that must be the next one is not (accounts, deposits, batches, holds)."""
    TABLE_FULL = 9
    PRICE_OUT_OF_RANGE = 10
    QTY_OUT_OF_RANGE = 11
    NOTIONAL_TOO_SMALL = 12
    AMOUNT_OUT_OF_RANGE = 13
    UNKNOWN_ORDER = 14
    NOT_OWNER = 15
    NOTHING_TO_AMEND = 16
    """An amend must leave the order smaller than it is and above zero."""
    WOULD_TAKE = 17
    """A post-only order would have traded."""
    NO_LIQUIDITY = 18
    """A market order found no opposite side."""
    CANNOT_FILL = 19
    """A fill-or-kill order could not fill whole."""
    INSUFFICIENT_BALANCE = 20
    SUPPLY_EXCEEDED = 21
    UNKNOWN_WITHDRAWAL = 22
    WRONG_STATE = 23
    """The withdrawal, batch or hold is not in the state that this command acts on."""
    ALREADY_DECIDED = 24
    NOTHING_CLEARED = 25
    """A batch would be empty."""
    ACCOUNT_BLOCKED = 26
    """The account's kill switch is on: it places and pays nothing."""
    THROTTLED = 27
    """The account has sent more orders than its throttle lets through."""
    WOULD_TRIGGER = 28
    """A pending order's trigger is reached already."""
    PRICE_OUT_OF_BAND = 29
    """A limit beyond the price band, on the side on which it would trade."""
    MARKET_HALTED = 30
    """The instrument is halted, or the whole venue."""
    IN_CALL = 31
    """During a call only limit orders that may rest, and may take, are accepted."""
    NO_REFERENCE = 32
    """A trailing stop has no price to follow yet."""
    UNKNOWN_ORACLE = 40
    NO_MARK = 41
    """The contract has no brackets, no mark, or no price of its settlement asset yet."""
    LEVERAGE_TOO_HIGH = 42
    EXPOSURE_EXCEEDED = 43
    """The positions in one settlement asset would pass the bounds within which nothing wraps."""
    INSUFFICIENT_MARGIN = 44
    REDUCE_ONLY_REJECTED = 45
    """There is no position that the order would make smaller, or other orders close it already."""
    WRONG_LEG = 46
    """The command names the short position of an account that is not in hedge mode."""
    POSITION_OPEN = 47
    """A mode changes only while there is no position."""
    ORDERS_OPEN = 48
    """A mode, or an isolated position's leverage, changes only while there is no order."""
    NO_POSITION = 49
    """Margin moves only to and from an open position."""
    NOT_ISOLATED = 50
    UNKNOWN_SCHEDULE = 55
    WASH_PAYS = 56
    """With such fees a taker and a maker together would be paid for trading with each other."""
    NOT_RELATED = 57
    """The two accounts have no common master."""
    MARGIN_ACCOUNT = 58
    """Nothing is withdrawn, frozen or isolated in a margin account: all of it backs its loans."""
    NOT_THE_PAIR = 59
    """The account is kept to another instrument."""
    HOLD_EXISTS = 60
    """This very hold was placed before: nothing is held twice."""
    HOLD_DIFFERS = 61
    """The number stands for another hold."""
    UNKNOWN_HOLD = 62
