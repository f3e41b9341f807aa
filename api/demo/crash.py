"""A crash day, replayed: a 50 % fall within an hour over thin books, like 12 March 2020.

Leveraged longs, fewer shorts and a few makers whose quotes thin out as the price falls. Every step
the sources report, the makers quote anew, some traders trade, and a TICK follows. Everything is
drawn from a seed; `api.demo.crash_checks` says what must hold, `provenue crash` plays it.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine import Engine
from ledger.engine.errors import ConservationBroken
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.margin_layout import INSURANCE, NO_ORACLE
from ledger.records import layout
from ledger.records.build import address_fields, command
from ledger.records.codes import (
    CommandKind,
    EventKind,
    Phase,
    Product,
    Reject,
    Side,
    TimeInForce,
)

K = CommandKind
NS: Final = 1_000_000_000
SEED: Final = 20200312
STEP_S: Final = 5
STEPS: Final = 3600 // STEP_S
START_TICKS: Final = 80_000
MAKERS: Final = 4
SHORTS: Final = 20
LONGS: Final = 176
ACCOUNTS: Final = MAKERS + SHORTS + LONGS
_SHORTS_FIRST: Final = CUSTOMER_FIRST + MAKERS
_LONGS_FIRST: Final = _SHORTS_FIRST + SHORTS
SOURCES: Final = 3
DOLLAR: Final = 1
FUND_MINOR: Final = 500_000
COLUMNS: Final = (
    "index", "mark", "longs", "shorts", "fund", "liquidated", "deleveraged", "shared", "fallen",
    "halts", "halted",
)  # fmt: skip
EXPECTED: Final = frozenset({Reject.NONE, Reject.INSUFFICIENT_MARGIN, Reject.IN_CALL})
"""What the engine may answer: the scenario is well-formed, traders run out of margin, and in a call
nobody can take."""
HALT_PPM: Final = 25_000
WINDOW_S: Final = 60
REOPEN_S: Final = 20
"""A move of 2.5 % within a minute begins a call of 20 seconds."""
BRACKETS: Final = ((0, 5_000, 10_000), (5_000_000, 10_000, 20_000), (25_000_000, 25_000, 50_000))


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of the day; amounts in the dollar's minor units, lots of one contract."""

    second: int
    index: int
    mark: int
    longs: int
    """Equity of those who went long in the morning, together."""
    shorts: int
    """Equity of those who went short."""
    fund: int
    """The insurance fund's equity."""
    liquidated: int
    """Lots closed in the book for fallen accounts and for the fund so far."""
    deleveraged: int
    """Lots closed against winners so far."""
    shared: int
    """What traders have paid of the fund's loss so far."""
    fallen: int
    """Accounts that fell so far."""
    halts: int
    """How often the contract was halted so far."""
    halted: int
    """1 while it is: orders gather for the reopening auction."""


@dataclass(slots=True)
class Evidence:
    """What the checks look at: counted while the day goes on.

    Attributes:
        moments: One a step.
        sent, answered: Commands, and outcomes that came back with the commands' own numbers.
        played: How many of them belong to the steps.
        refused: Outcomes by reject.
        broken: The first asset that did not sum to zero, if any: (second, what the engine said).
        unbalanced: The first second after which positions did not net to zero, if any.
        owned: What all accounts together own of each asset, and what was brought in.
        root, again: The state root, and that of a fresh engine that executed the same commands.
        slowest_us: The longest that the engine took for one step's commands.
        busy_ns: How long it took for the commands of all steps.
    """

    moments: list[Moment] = field(default_factory=list)
    sent: int = 0
    played: int = 0
    answered: int = 0
    refused: Counter[Reject] = field(default_factory=Counter)
    broken: tuple[int, str] | None = None
    unbalanced: int | None = None
    owned: tuple[int, ...] = ()
    brought: tuple[int, ...] = ()
    root: bytes = b""
    again: bytes = b""
    slowest_us: int = 0
    busy_ns: int = 0


def as_commands(raw: list[bytes]) -> NDArray[Any]:
    """Commands as `Engine.execute` takes them."""
    return np.frombuffer(b"".join(raw), layout.COMMAND)


def listings() -> list[bytes]:
    """A coin, a dollar, one linear contract and its index."""
    raw = [
        command(
            K.LIST_ASSET,
            asset=asset,
            supply_max_minor=2**61,
            symbol=symbol,
            **address_fields("token", bytes([asset + 1]) * 20),
        )
        for asset, symbol in enumerate((b"COIN", b"DOLLAR"))
    ]
    raw += [
        command(
            K.LIST_INSTRUMENT,
            product=Product.LINEAR,
            quote=DOLLAR,
            lot_minor=1,
            notional_num=1,
            notional_den=10,
            max_price_ticks=10**6,
            max_qty_lots=10**7,
            taker_fee_ppm=400,
            maker_fee_ppm=-100,
            symbol=b"COINPERP",
        ),
        command(K.SET_ORACLE, sources=SOURCES, minimum=2, stale_ns=60 * NS, outlier_ppm=100_000),
        command(
            K.SET_COLLATERAL,
            asset=DOLLAR,
            oracle=NO_ORACLE,
            index_ticks=1,
            num=1,
            den=1,
            debt_ppm=50_000,
        ),
        command(
            K.SET_PERPETUAL,
            interval_s=28_800,
            leverage_max=50,
            alpha_ppm=100_000,
            interest_ppb=100_000,
            damper_ppb=500_000,
            cap_ppb=7_500_000,
            impact_minor=1_000_000,
            calm_ppb=10_000_000,
            rise_ppm=300_000,
            decay_ppm=20_000,
            cap_ppm=2_000_000,
        ),
    ]
    return raw + [
        command(
            K.SET_TIER, row=row, floor_minor=floor, maintenance_ppm=maintenance, initial_ppm=initial
        )
        for row, (floor, maintenance, initial) in enumerate(BRACKETS)
    ]


class CrashDay:
    """Draws the day and executes it."""

    def __init__(self, seed: int = SEED) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - a scenario, not a secret
        self.engine = Engine()
        self.now_ns = NS
        self.index_ticks = START_TICKS
        self.events: Counter[EventKind] = Counter()
        self.evidence = Evidence()
        self.history: list[bytes] = []
        self.liquidated = self.deleveraged = self.shared = self.halts = 0
        self._open()

    def _open(self) -> None:
        accounts = range(CUSTOMER_FIRST, CUSTOMER_FIRST + ACCOUNTS)
        raw = [*listings(), *(command(K.OPEN_ACCOUNT, account=account) for account in accounts)]
        funds = [(account, 30_000_000_000) for account in accounts[:MAKERS]]
        funds += [(account, 20_000_000) for account in accounts[MAKERS : MAKERS + SHORTS]]
        funds += [(account, 2_000_000) for account in accounts[MAKERS + SHORTS :]]
        self.funds = [(DOLLAR, amount) for _, amount in [*funds, (INSURANCE, FUND_MINOR)]]
        raw += [
            command(
                K.CREDIT_DEPOSIT,
                account=account,
                asset=DOLLAR,
                deposit_index=index,
                amount_minor=amount,
            )
            for index, (account, amount) in enumerate([*funds, (INSURANCE, FUND_MINOR)], start=1)
        ]
        raw += self._prices()
        raw += [
            command(
                K.SET_LEVERAGE, account=account, leverage=self.rng.choice([5, 10, 25, 50]),
                time_ns=self.now_ns,
            )
            for account in accounts
        ]  # fmt: skip
        raw.append(
            command(
                K.SET_MARKET,
                halt_ppm=HALT_PPM,
                window_s=WINDOW_S,
                reopen_s=REOPEN_S,
                time_ns=self.now_ns,
            )
        )
        self._execute(raw)
        self._take_positions()

    def _take_positions(self) -> None:
        """The morning: longs and shorts open against deep quotes at the index."""
        maker = CUSTOMER_FIRST
        raw = [self._order(maker, Side.SELL, START_TICKS, 10**6)]
        for account in range(_LONGS_FIRST, _LONGS_FIRST + LONGS):
            lots = self.rng.randrange(400, 2_400)
            raw.append(self._order(account, Side.BUY, START_TICKS, lots, TimeInForce.IOC))
        raw.append(command(K.CANCEL_ALL, account=maker, time_ns=self.now_ns))
        raw.append(self._order(maker, Side.BUY, START_TICKS, 10**6))
        for account in range(_SHORTS_FIRST, _SHORTS_FIRST + SHORTS):
            lots = self.rng.randrange(2_000, 9_000)
            raw.append(self._order(account, Side.SELL, START_TICKS, lots, TimeInForce.IOC))
        self._execute([*raw, command(K.CANCEL_ALL, account=maker, time_ns=self.now_ns)])

    def _order(
        self, account: int, side: Side, ticks: int, lots: int, force: TimeInForce = TimeInForce.GTC
    ) -> bytes:
        return command(
            K.NEW_ORDER,
            time_ns=self.now_ns,
            account=account,
            side=side,
            price_ticks=ticks,
            qty_lots=lots,
            time_in_force=force,
        )

    def _prices(self) -> list[bytes]:
        """Three sources, a tick or two apart, and the TICK."""
        reports = [
            command(
                K.ORACLE_PRICE,
                time_ns=self.now_ns,
                source=source,
                price_ticks=self.index_ticks + source,
                observed_ns=self.now_ns,
            )
            for source in range(SOURCES)
        ]
        return [*reports, command(K.TICK, time_ns=self.now_ns)]

    def _quotes(self, fall_ppm: int) -> list[bytes]:
        """The makers leave and come back, the wider and thinner the faster the price falls."""
        raw = []
        for maker in range(CUSTOMER_FIRST, CUSTOMER_FIRST + MAKERS):
            raw.append(command(K.CANCEL_ALL, account=maker, time_ns=self.now_ns))
            lots = max(50, 2_000 - fall_ppm // 2)
            for level in range(1, 4):
                away = self.index_ticks * (500 + fall_ppm * 2) * level // 10**6 + level
                raw.append(self._order(maker, Side.BUY, self.index_ticks - away, lots))
                raw.append(self._order(maker, Side.SELL, self.index_ticks + away, lots))
        return raw

    def _execute(self, raw: list[bytes]) -> None:
        seen, began_ns = self.evidence, time.perf_counter_ns()
        done = self.engine.execute(as_commands(raw))
        took_ns = time.perf_counter_ns() - began_ns
        seen.busy_ns += took_ns
        seen.slowest_us = max(seen.slowest_us, took_ns // 1000)
        expected = np.arange(seen.sent + 1, seen.sent + len(raw) + 1)
        seen.sent += len(raw)
        seen.answered += int(np.count_nonzero(done.outcomes["seq"] == expected))
        seen.refused.update(Reject(code) for code in done.outcomes["reject"].tolist())
        self.history += raw
        self._look()
        kinds = done.events["kind"]
        self.events.update(EventKind(int(kind)) for kind in kinds)
        phases = done.events["flags"][kinds == EventKind.PHASE_CHANGED]
        self.halts += int((phases == Phase.CALL).sum())
        closed = done.events[kinds == EventKind.DELEVERAGED]
        forced = done.events[(kinds == EventKind.TRADE) & (done.events["order_id"] == 0)]
        self.deleveraged += int(closed["qty_lots"].sum())
        self.liquidated += int(forced["qty_lots"].sum())
        self.shared += int(done.events["amount_minor"][kinds == EventKind.LOSS_SHARED].sum())

    def _look(self) -> None:
        """What must hold after every step."""
        seen, second = self.evidence, (self.now_ns - NS) // NS
        try:
            seen.owned = self.engine.assert_conservation()
        except ConservationBroken as error:
            seen.broken = seen.broken or (second, str(error))
        positions = (
            self.engine.position(account, 0)
            for account in (INSURANCE, *range(CUSTOMER_FIRST, CUSTOMER_FIRST + ACCOUNTS))
        )
        if sum(one.qty_lots for one in positions if one) and seen.unbalanced is None:
            seen.unbalanced = second

    def step(self, number: int) -> Moment:
        """Five seconds: the price moves, quotes and traders follow, a TICK judges them."""
        self.now_ns += STEP_S * NS
        # The fall gathers speed, and bounces; it ends near half of where it began.
        drift_ppm = 150 + 1_600 * min(number, STEPS - number) // (STEPS // 2)
        fall_ppm = max(0, drift_ppm + self.rng.randrange(-2_500, 2_501))
        change = drift_ppm + self.rng.randrange(-2_500, 2_501)
        self.index_ticks -= self.index_ticks * change // 10**6
        raw = self._quotes(fall_ppm)
        for _ in range(6):
            account = _SHORTS_FIRST + self.rng.randrange(SHORTS + LONGS)
            side = self.rng.choice([Side.BUY, Side.SELL, Side.SELL])
            away = self.index_ticks // 100
            limit = self.index_ticks + (away if side == Side.BUY else -away)
            lots = self.rng.randrange(10, 300)
            raw.append(self._order(account, side, limit, lots, TimeInForce.IOC))
        self._execute([*raw, *self._prices()])
        return self._moment(number)

    def _equity(self, accounts: range) -> int:
        return sum(self.engine.standing(account).equity_minor for account in accounts)

    def _moment(self, number: int) -> Moment:
        fund = self.engine.standing(INSURANCE)
        market = self.engine.session(0)
        assert market is not None, "the contract is listed"
        return Moment(
            second=(number + 1) * STEP_S,
            index=self.index_ticks,
            mark=self.engine.mark_ticks(0),
            longs=self._equity(range(_LONGS_FIRST, _LONGS_FIRST + LONGS)),
            shorts=self._equity(range(_SHORTS_FIRST, _SHORTS_FIRST + SHORTS)),
            fund=fund.equity_minor,
            liquidated=self.liquidated,
            deleveraged=self.deleveraged,
            shared=self.shared,
            fallen=self.events[EventKind.ACCOUNT_FELL],
            halts=self.halts,
            halted=int(market.phase != Phase.CONTINUOUS),
        )


def crash_day(
    seed: int = SEED, steps: int = STEPS, tell: Callable[[Moment], None] = lambda _: None
) -> Evidence:
    """Play the day, step by step, then execute it again; the same seed draws the same day.

    Args:
        seed: Of everything that is drawn.
        steps: How many steps of STEP_S seconds, at most STEPS.
        tell: Hears of each step.
    """
    assert 1 <= steps <= STEPS, "a part of the hour"
    day = CrashDay(seed)
    # The morning's commands load or compile the kernels: that is no step of the day.
    day.evidence.slowest_us = day.evidence.busy_ns = 0
    opened = day.evidence.sent
    for number in range(steps):
        moment = day.step(number)
        day.evidence.moments.append(moment)
        tell(moment)
    again = Engine()
    again.execute(as_commands(day.history))
    day.evidence.played = day.evidence.sent - opened
    day.evidence.root, day.evidence.again = day.engine.state_root(), again.state_root()
    day.evidence.brought = tuple(
        sum(amount for of, amount in day.funds if of == asset)
        for asset in range(day.engine.asset_count)
    )
    return day.evidence
