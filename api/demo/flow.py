"""An invented order flow: a seeded random walk of quotes, takers, amends and cancels.

Not a model of a market: a repeatable load that uses every kind of order the venue takes. The same
seed gives the same intents on every machine (Python's Mersenne Twister, integers only).
"""

from collections.abc import Iterator
from random import Random
from typing import Final

from api.replay.intents import Action, Intent, Repairs
from ledger.records.codes import OrderType, Side, TimeInForce

START_TICKS: Final = 6_000_000
SPREAD_TICKS: Final = 400
STEP_TICKS: Final = 150
LOTS: Final = (100_000, 50_000_000)
"""0.001 to 0.5 of an asset with 1e-8 lots."""
LIVE_MAX: Final = 2_000

# Out of a hundred steps; the rest adds a resting quote.
CANCEL, AMEND, TAKE_LIMIT, TAKE_MARKET, TAKE_FOK = 38, 6, 5, 3, 2


class SeededFlow:
    """`count` intents from `seed`; iterating again gives the same ones."""

    def __init__(self, seed: int, count: int) -> None:
        assert count >= 0
        self.seed = seed
        self.count = count
        self.repairs = Repairs()

    def __iter__(self) -> Iterator[Intent]:
        """The intents, in order."""
        random = Random(self.seed)  # noqa: S311  a load generator, no secret
        self.repairs = Repairs(rows=self.count)
        mid = START_TICKS
        live: list[Intent] = []
        for key in range(1, self.count + 1):
            mid += random.randint(-STEP_TICKS, STEP_TICKS)
            mid = min(max(mid, START_TICKS // 2), START_TICKS * 2)
            step = random.randrange(100)
            if live and (step < CANCEL or len(live) >= LIVE_MAX):
                gone = live.pop(random.randrange(len(live)))
                yield Intent(Action.CANCEL, gone.key, gone.side, gone.price_ticks, 0)
            elif live and step < CANCEL + AMEND:
                yield self._amend(random, live)
            else:
                intent = _add(random, key, mid, step)
                if intent.time_in_force is TimeInForce.GTC and intent.price_ticks:
                    live.append(intent)
                yield intent

    @staticmethod
    def _amend(random: Random, live: list[Intent]) -> Intent:
        place = random.randrange(len(live))
        old = live[place]
        smaller = max(1, old.qty_lots * random.randint(30, 90) // 100)
        live[place] = Intent(Action.ADD, old.key, old.side, old.price_ticks, smaller)
        return Intent(Action.AMEND, old.key, old.side, old.price_ticks, smaller)


def _add(random: Random, key: int, mid: int, step: int) -> Intent:
    side = Side(random.randrange(2))
    away = 1 if side is Side.SELL else -1
    lots = random.randint(*LOTS)
    taking = step - CANCEL - AMEND
    if taking < TAKE_LIMIT:
        price = mid - away * SPREAD_TICKS * 2
        return Intent(Action.ADD, key, side, price, lots, time_in_force=TimeInForce.IOC)
    if taking < TAKE_LIMIT + TAKE_MARKET:
        return Intent(Action.ADD, key, side, 0, lots, OrderType.MARKET, TimeInForce.IOC)
    if taking < TAKE_LIMIT + TAKE_MARKET + TAKE_FOK:
        price = mid - away * SPREAD_TICKS * 3
        return Intent(Action.ADD, key, side, price, lots, time_in_force=TimeInForce.FOK)
    price = mid + away * random.randint(SPREAD_TICKS // 4, SPREAD_TICKS * 10)
    return Intent(Action.ADD, key, side, price, lots)
