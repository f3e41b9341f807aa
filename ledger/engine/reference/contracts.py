"""The reference engine's contracts, positions, collateral and oracles, in exact fractions."""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from ledger.margin.limits import COST_MAX, SUM_MAX, VALUE_MAX
from ledger.records.codes import Side
from matching.units import PPM


@dataclass
class Rule:
    """What SET_PERPETUAL says."""

    oracle: int
    interval_s: int
    leverage_max: int
    alpha_ppm: int
    interest_ppb: int
    damper_ppb: int
    cap_ppb: int
    impact: int
    calm_ppb: int
    rise_ppm: int
    decay_ppm: int
    cap_ppm: int
    position_max_lots: int


@dataclass
class Contract:
    """A perpetual's margin: parameters, mark, funding."""

    inverse: bool
    num: int
    den: int
    max_ticks: int
    settle: int
    brackets: list[tuple[int, int, int]] = field(default_factory=list)
    """(floor, maintenance ppm, initial ppm)."""
    rule: Rule | None = None
    mark: int = 0
    multiplier_ppm: int = PPM
    next_funding_ns: int = 0
    premiums: list[int] = field(default_factory=list)
    ema: int = 0
    last: int = 0
    carry: int = 0
    fundings: int = 0
    average_ppb: int = 0

    def worth(self, lots: int, price: int) -> Fraction:
        """What signed lots are worth, exactly: rising with the price."""
        if self.inverse:
            return Fraction(-lots * self.num, price)
        return Fraction(lots * price * self.num, self.den)

    def cost(self, lots: int, price: int) -> int:
        """What signed lots cost, in tick-lots (linear) or coin."""
        return ceil(self.worth(lots, price)) if self.inverse else lots * price

    def paid(self, cost: int) -> Fraction:
        """A cost in settlement units, exactly."""
        return Fraction(cost) if self.inverse else Fraction(cost * self.num, self.den)

    def profit(self, lots: int, cost: int, price: int) -> int:
        """Unrealized profit; rounded down."""
        return floor(self.worth(lots, price) - self.paid(cost))

    def notional(self, lots: int, price: int) -> int:
        """Size; rounded up."""
        return ceil(abs(self.worth(lots, price)))

    def bracket(self, notional: int) -> int:
        """The last bracket whose floor is below the notional."""
        return max(n for n, (low, _, _) in enumerate(self.brackets) if n == 0 or low < notional)

    def deductions(self) -> list[int]:
        """Cumulative amounts, each step rounded down."""
        amounts = [0]
        for (_, before, _), (low, rate, _) in pairwise(self.brackets):
            amounts.append(amounts[-1] + low * (rate - before) // PPM)
        return amounts

    def required(self, notional: int, rate_ppm: int, deduction: int) -> int:
        """Rounded up twice, never above the notional."""
        amount = ceil(Fraction(notional * rate_ppm, PPM)) - deduction
        return min(ceil(Fraction(amount * self.multiplier_ppm, PPM)), notional)

    def maintenance(self, lots: int, price: int) -> int:
        """Maintenance margin of lots at a price."""
        notional = self.notional(lots, price)
        row = self.bracket(notional)
        return self.required(notional, self.brackets[row][1], self.deductions()[row])

    def initial(self, lots: int, price: int, leverage: int) -> int:
        """Initial margin of lots at a price."""
        notional = self.notional(lots, price)
        rate = max(self.brackets[self.bracket(notional)][2], ceil(Fraction(PPM, leverage)))
        return self.required(notional, rate, 0)

    def extreme(self, lots: int) -> int:
        """What the bounds count for lots."""
        if self.inverse:
            return lots * self.num
        if lots * self.max_ticks > COST_MAX:
            return COST_MAX + 1
        worth = ceil(Fraction(lots * self.max_ticks * self.num, self.den))
        return min(max(lots * self.max_ticks, worth), COST_MAX + 1)


@dataclass
class Position:
    """Signed lots and cost, and what open orders could add: (lots, cost) of buys and of sells."""

    account: int
    instrument: int
    leverage: int = 1
    lots: int = 0
    cost: int = 0
    buy_lots: int = 0
    buy_cost: int = 0
    sell_lots: int = 0
    sell_cost: int = 0
    leg: int = 0
    isolated: bool = False
    margin: int = 0
    """What an isolated position owns."""
    closing: int = 0
    """How many of the open lots only close."""

    @property
    def extreme_lots(self) -> int:
        return abs(self.lots) + self.buy_lots + self.sell_lots - self.closing

    @property
    def cross(self) -> bool:
        """Open, with the whole account behind it."""
        return bool(self.lots) and not self.isolated

    def closable(self, side: Side) -> int:
        """How many lots an order of a side could close."""
        return max(0, -self.lots if side == Side.BUY else self.lots)


@dataclass
class Collateral:
    """What an asset is worth."""

    oracle: int
    price: int
    num: int
    den: int
    haircut_ppm: int
    debt_ppm: int

    def exact(self, amount: int) -> Fraction:
        """An amount in valuation units, exactly."""
        return Fraction(amount * self.price * self.num, self.den)

    def value(self, amount: int) -> int:
        """What an amount adds to equity."""
        whole = floor(self.exact(amount))
        if whole < 0:
            return max(whole, -SUM_MAX)
        return min(min(whole, SUM_MAX) * (PPM - self.haircut_ppm) // PPM, VALUE_MAX)

    def demand(self, amount: int) -> int:
        """What a requirement demands."""
        return min(ceil(self.exact(amount)), SUM_MAX)

    def units(self, value: int) -> int:
        """How much of the asset a value is; rounded down."""
        return floor(Fraction(value * self.den, self.price * self.num))


@dataclass
class Oracle:
    """An index: its rule, what its sources said last (price, time), and what came of it."""

    sources: int
    minimum: int
    stale_ns: int
    outlier_ppm: int
    said: dict[int, tuple[int, int]] = field(default_factory=dict)
    index: int = 0
    used: int = 0
