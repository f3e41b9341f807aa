"""Random streams of every kind of order on spot and perpetuals, with crashes and withdrawals."""

from tests.engine.order_streams import START_NS, OrderStream
from tests.engine.perpetual_streams import PerpetualStream


class AllKindsStream(PerpetualStream, OrderStream):
    """The venue of `PerpetualStream`, the order types of `OrderStream`, at a time for timers."""

    def __init__(self, seed, accounts=5):
        super().__init__(seed, accounts)
        self.time_ns = START_NS

    def draw(self):
        makers = [
            (self.order, 30), (self.at_market, 6), (self.cancel, 4), (self.amend, 4),
            (self.move, 16), (self.leverage, 1), (self.take_out, 3), (self.setting, 2),
            (self.timed, 6), (self.conditional, 14), (self.iceberg, 6), (self.replace, 6),
            (self.oco, 6), (self.cancel_all, 1), (self.cancel_after, 2), (self.set_account, 1),
            (self.deposit, 2), (self.decide, 3), (self.cut, 2), (self.confirm, 2),
            (self.phase, 4), (self.market_rule, 2), (self.freeze, 3), (self.unfreeze, 3),
        ]  # fmt: skip
        return self.rng.choices([m for m, _ in makers], [weight for _, weight in makers])[0]()

    def price(self, _):
        near = self.index_ticks * (1000 + self.rng.randrange(-25, 26)) // 1000
        return near if self.rng.random() < 0.98 else self.rng.choice([0, 1, 10**6, 10**6 + 1])

    def lots(self, instrument):
        return self.rng.randrange(1, (30, 200, 40)[min(instrument, 2)])
