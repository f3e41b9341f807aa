"""Drawn venues of the margin model, laid out in an engine's tables, and everybody judged there.

The model (tests/margin/oracle.py) shares nothing with the kernels. Commands could not bring about
most of what is drawn here: both ends of every bound are as likely as the middle.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from ledger.engine import Engine
from ledger.engine.kernels.base.reach import note_moves
from ledger.engine.kernels.clock.liquidation import is_down
from ledger.engine.kernels.margin.judgement import fetch_ahead, judge_plain, price_collateral
from ledger.engine.kernels.margin.positions import index_positions
from ledger.engine.kernels.queries import judge
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.margin_layout import BRACKETS_MAX
from ledger.margin.account import ASSET_RISK
from matching.jit import kernel
from matching.units import PRICE_TICKS_MAX
from tests.margin import oracle
from tests.margin.strategies import assets, contracts, most_lots, positions, sizes
from tests.margin.tables import risk_of

BALANCES = st.builds(
    lambda size, sign: size * sign, sizes(2**62 - 1, 0), st.sampled_from([1, 1, -1])
)
INDICES = st.sampled_from([1, 1, 0, PRICE_TICKS_MAX]) | sizes(PRICE_TICKS_MAX)


@dataclass
class Drawn:
    """A venue as the model sees it; an asset's price is that of one tick of its index."""

    known: list[oracle.Asset]
    indices: list[int]
    listed: list[oracle.Contract]
    customers: list[oracle.Customer]

    def assets(self) -> list[oracle.Asset]:
        """At their indices."""
        return [
            replace(asset, price=asset.price * index)
            for asset, index in zip(self.known, self.indices, strict=True)
        ]

    def judged(self, row: int) -> tuple[int, int, bool]:
        """(equity, maintenance, down) of a customer; debts alone bring down too."""
        customer = self.customers[row]
        equity, required, down, _ = oracle.judge(customer, self.listed, self.assets())
        return equity, required, down or equity < 0

    def health(self, row: int) -> int:
        """What a customer's equity is above its maintenance."""
        equity, required, _ = self.judged(row)
        return equity - required

    def initial(self, row: int) -> int:
        """What a customer's positions and debts require before it may do more, at leverage 1."""
        amounts = dict(self.customers[row].balances)
        margins = dict.fromkeys(amounts, 0)
        for position in self.customers[row].positions:
            contract = self.listed[position.instrument]
            if position.margin is None:
                amounts[contract.settle] += contract.pnl(
                    position.lots, position.cost, contract.mark
                )
                margins[contract.settle] += oracle.initial(contract, position.lots, 1)
        required = sum(
            asset.requirement(margins[number] + asset.debt_margin(amounts[number]))
            for number, asset in enumerate(self.assets())
        )
        return min(required, oracle.SUM_MAX)


@st.composite
def venues(draw):
    """1..3 assets, some without a price; 1..4 contracts; 0..5 customers with 0..4 positions."""
    known = draw(st.lists(assets(), min_size=1, max_size=3))
    settles = st.integers(0, len(known) - 1)
    listed = draw(
        st.lists(settles.flatmap(lambda settle: contracts(settle=settle)), min_size=1, max_size=4)
    )
    tradable = [row for row, contract in enumerate(listed) if most_lots(contract)]
    customers = []
    for _ in range(draw(st.integers(0, 5))):
        held = draw(st.lists(st.sampled_from(tradable), unique=True)) if tradable else []
        customers.append(
            oracle.Customer(
                {asset: draw(BALANCES) for asset in range(len(known))},
                [draw(positions(row, listed[row])) for row in held],
            )
        )
    return Drawn(known, [draw(INDICES) for _ in known], listed, customers)


@kernel
def judge_everybody(state, equities, requirements, downs):
    """What a TICK does once marks have moved; but whoever is within reach is judged too."""
    note_moves(state)
    price_collateral(state)
    for account in range(CUSTOMER_FIRST, state.header["account_count"][0]):
        fetch_ahead(state, account)
        equity, maintenance = judge_plain(state, account)
        row = account - CUSTOMER_FIRST
        equities[row] = equity
        requirements[row] = maintenance
        downs[row] = is_down(equity, maintenance)


class JudgedVenue:
    """An engine in whose tables a drawn venue stands."""

    def __init__(self, drawn: Drawn) -> None:
        self.drawn = drawn
        self.engine = Engine()
        self._state = self.engine._state
        self._state.header["asset_count"] = len(drawn.known)
        self._state.header["collateral_end"] = len(drawn.known)
        self._state.header["instrument_count"] = len(drawn.listed)
        self._state.header["account_count"] = CUSTOMER_FIRST + len(drawn.customers)
        self._lay_rules()
        for row, customer in enumerate(drawn.customers):
            self._lay_customer(CUSTOMER_FIRST + row, customer)
        self._index()

    def _index(self) -> None:
        self._state.caches.places[:] = 0
        index_positions(self.engine.machine().state)

    def _lay_rules(self) -> None:
        margin, risk = self._state.margin, risk_of(self.drawn.listed, self.drawn.known)
        assert len(risk.assets) <= len(margin.collateral)
        assert len(risk.contracts) <= len(margin.contracts)
        for name in ASSET_RISK.names:
            margin.collateral[name][: len(risk.assets)] = risk.assets[name]
        for row, contract in enumerate(risk.contracts):
            first, count = int(contract["tier_first"]), int(contract["tier_count"])
            place = row * BRACKETS_MAX
            margin.tiers[place : place + count] = risk.tiers[first : first + count]
            margin.contracts[row] = contract
            margin.contracts["tier_first"][row] = place
        self.lay_prices()

    def lay_prices(self) -> None:
        """Prices and multipliers as the drawn venue has them by now."""
        margin = self._state.margin
        margin.collateral["index_ticks"][: len(self.drawn.indices)] = self.drawn.indices
        for row, contract in enumerate(self.drawn.listed):
            margin.contracts["mark_ticks"][row] = contract.mark
            margin.contracts["multiplier_ppm"][row] = contract.multiplier_ppm

    def _lay_customer(self, account: int, customer: oracle.Customer) -> None:
        state, header = self._state, self._state.header
        for asset, balance in customer.balances.items():
            state.balances["available_minor"][asset, account] = balance
        for position in customer.positions:
            row = int(header["position_count"][0])
            header["position_count"] = row + 1
            found = state.margin.positions[row]
            found["account"] = account
            found["instrument"] = position.instrument
            found["qty_lots"] = position.lots
            found["cost"] = position.cost
            found["leverage"] = 1
            found["isolated"] = position.margin is not None
            found["margin_minor"] = position.margin or 0
            found["next"] = state.margin.accounts["first"][account]
            state.margin.accounts["first"][account] = row + 1
            state.margin.accounts["count"][account] += 1

    def judged(self) -> list[tuple[int, int, bool]]:
        """(equity, maintenance, down) of every customer, by what a TICK runs."""
        count = len(self.drawn.customers)
        equities, requirements = np.full((2, count), -7, np.int64)
        downs = np.full(count, fill_value=False)
        judge_everybody(self.engine.machine().state, equities, requirements, downs)
        return [*zip(equities.tolist(), requirements.tolist(), downs.tolist(), strict=True)]

    def assessed(self, row: int) -> tuple[int, int, int]:
        """(equity, maintenance, initial) of a customer, by what an order asks."""
        told = judge(self.engine.machine().state, CUSTOMER_FIRST + row)
        return int(told[0]), int(told[1]), int(told[2])

    def reach(self, row: int) -> Fraction | None:
        """By how much prices may still move until a customer is judged again; None: at once."""
        caches = self._state.caches
        room = int(caches.slack["reach"][CUSTOMER_FIRST + row]) - int(caches.moved[0])
        return None if room < 0 else Fraction(room, 2**30)

    def check(self) -> None:
        """Everybody stands as the model says, number for number, however often it is asked."""
        for _ in range(2):
            assert self.judged() == [
                self.drawn.judged(row) for row in range(len(self.drawn.customers))
            ]
        for row in range(len(self.drawn.customers)):
            equity, required, _ = self.drawn.judged(row)
            assert self.assessed(row) == (equity, required, self.drawn.initial(row))
