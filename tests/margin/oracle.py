"""The naive model of docs/spec/margin.md: Python integers and fractions, no bound, no speed.

Nothing here is shared with ledger/margin: a formula that is wrong in both must be wrong twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from statistics import median

PPM = 10**6
PPB = 10**9
VALUE_MAX = 2**55
SUM_MAX = 2**62


@dataclass(frozen=True)
class Contract:
    """An instrument as the specification sees it."""

    inverse: bool
    num: int
    den: int
    mark: int
    brackets: Sequence[tuple[int, int, int]]
    """(floor, maintenance ppm, initial ppm)."""
    multiplier_ppm: int = PPM
    settle: int = 0
    max_ticks: int = 2**31 - 1

    def value(self, lots: int, price: int) -> Fraction:
        """Signed: what lots are worth, exactly."""
        if self.inverse:
            return Fraction(-lots * self.num, price)
        return Fraction(lots * price * self.num, self.den)

    def cost_value(self, cost: int) -> Fraction:
        """What the position's cost is worth, exactly."""
        return Fraction(cost) if self.inverse else Fraction(cost * self.num, self.den)

    def pnl(self, lots: int, cost: int, price: int) -> int:
        return floor(self.value(lots, price) - self.cost_value(cost))

    def notional(self, lots: int, price: int) -> int:
        return ceil(abs(self.value(lots, price)))

    def maintenance(self, lots: int, price: int) -> int:
        return maintenance(self.brackets, self.notional(lots, price), self.multiplier_ppm)


def deductions(brackets: Sequence[tuple[int, int, int]]) -> list[int]:
    """Cumulative amounts, each step rounded down."""
    amounts = [0]
    for (_, before, _), (low, rate, _) in pairwise(brackets):
        amounts.append(amounts[-1] + floor(Fraction(low * (rate - before), PPM)))
    return amounts


def bracket_of(brackets: Sequence[tuple[int, int, int]], notional: int) -> int:
    return max(row for row, (low, _, _) in enumerate(brackets) if row == 0 or low < notional)


def maintenance(
    brackets: Sequence[tuple[int, int, int]], notional: int, multiplier_ppm: int = PPM
) -> int:
    row = bracket_of(brackets, notional)
    required = ceil(Fraction(notional * brackets[row][1], PPM)) - deductions(brackets)[row]
    return min(ceil(Fraction(required * multiplier_ppm, PPM)), notional)


@dataclass(frozen=True)
class Asset:
    """What one unit is worth, its haircut, and the margin on debts."""

    price: Fraction
    haircut_ppm: int
    debt_ppm: int

    def value(self, amount: int) -> int:
        if amount < 0:
            return max(floor(amount * self.price), -SUM_MAX)
        full = min(floor(amount * self.price), SUM_MAX)
        return min(floor(Fraction(full * (PPM - self.haircut_ppm), PPM)), VALUE_MAX)

    def requirement(self, required: int) -> int:
        return min(ceil(required * self.price), SUM_MAX)

    def debt_margin(self, amount: int) -> int:
        return ceil(Fraction(max(-amount, 0) * self.debt_ppm, PPM))


@dataclass
class Position:
    """margin None is cross."""

    instrument: int
    lots: int
    cost: int
    margin: int | None = None


@dataclass
class Customer:
    """Balances by asset, in the order of the wallet rows."""

    balances: dict[int, int]
    positions: list[Position] = field(default_factory=list)


def judge(
    customer: Customer, contracts: Sequence[Contract], assets: Sequence[Asset]
) -> tuple[int, int, bool, list[bool]]:
    """(equity, maintenance, liquidated, isolated positions liquidated)."""
    amounts = dict(customer.balances)
    margins = dict.fromkeys(amounts, 0)
    isolated = []
    for position in customer.positions:
        contract = contracts[position.instrument]
        pnl = contract.pnl(position.lots, position.cost, contract.mark)
        required = contract.maintenance(position.lots, contract.mark)
        if position.margin is None:
            amounts[contract.settle] += pnl
            margins[contract.settle] += required
            isolated.append(False)
        else:
            isolated.append(required > 0 and position.margin + pnl <= required)
    values = [assets[asset].value(amount) for asset, amount in amounts.items()]
    debts = min(sum(-value for value in values if value < 0), SUM_MAX)
    equity = sum(value for value in values if value > 0) - debts
    required = sum(
        assets[asset].requirement(margins[asset] + assets[asset].debt_margin(amount))
        for asset, amount in amounts.items()
    )
    required = min(required, SUM_MAX)
    return equity, required, required > 0 and equity <= required, isolated


def index(
    reports: Sequence[tuple[int, int]], now: int, stale: int, outlier_ppm: int, minimum: int
) -> tuple[int, int]:
    """reports are (price, time)."""
    fresh = [price for price, time in reports if price > 0 and 0 <= now - time <= stale]
    if len(fresh) < max(minimum, 1):
        return 0, len(fresh)
    middle = floor(_median(fresh))
    used = [price for price in fresh if abs(price - middle) * PPM <= middle * outlier_ppm]
    if len(used) < max(minimum, 1):
        return 0, len(used)
    return floor(_median(used)), len(used)


def _median(prices: Sequence[int]) -> Fraction:
    return Fraction(median([Fraction(price) for price in prices]))


def cut(value: Fraction) -> int:
    """Towards zero."""
    return floor(value) if value >= 0 else ceil(value)


def initial(contract: Contract, lots: int, leverage: int) -> int:
    """Initial margin of lots at the mark: the chosen leverage's rate, at least the bracket's."""
    notional = contract.notional(lots, contract.mark)
    rate = max(
        contract.brackets[bracket_of(contract.brackets, notional)][2], ceil(Fraction(PPM, leverage))
    )
    raised = ceil(Fraction(ceil(Fraction(notional * rate, PPM)) * contract.multiplier_ppm, PPM))
    return min(raised, notional)
