"""Random streams of every order type: the plain ones, and what time, switches and sweeps add."""

from ledger.engine.layout import TIMER_EPOCH_S
from ledger.records.build import command
from ledger.records.codes import CommandFlag, CommandKind, OrderType, SelfTrade, Side, TimeInForce
from tests.engine.streams import Stream

K = CommandKind
NS = 10**9
START_NS = (TIMER_EPOCH_S + 1000) * NS


class OrderStream(Stream):
    """Like `Stream`, at a time at which orders can expire, and with the commands of this family."""

    self_trades = tuple(SelfTrade)

    def __init__(self, seed, accounts=4):
        super().__init__(seed, accounts)
        self.time_ns = START_NS
        self.blocked = set()

    def draw(self):
        makers = [
            (self.limit, 40), (self.market, 10), (self.cancel, 6), (self.amend, 6),
            (self.timed, 10), (self.tick, 6), (self.cancel_all, 2), (self.cancel_after, 3),
            (self.set_account, 2), (self.deposit, 2), (self.withdraw, 2), (self.decide, 2),
            (self.oddity, 1),
        ]  # fmt: skip
        return self.rng.choices([m for m, _ in makers], [weight for _, weight in makers])[0]()

    def second(self):
        """A whole second soon, mostly."""
        if self.rng.random() < 0.05:
            return self.rng.choice(
                [0, 1, -NS, self.time_ns + 1, START_NS, 2**62, TIMER_EPOCH_S * NS]
            )
        return (self.time_ns // NS + self.rng.randrange(0, 5)) * NS

    def timed(self):
        rng, instrument = self.rng, self.rng.randrange(3)
        account = self.account()
        self.orders.append((self.seq, account, instrument))
        return command(
            K.NEW_ORDER, time_ns=self.stamp(), account=account, instrument=instrument,
            flags=CommandFlag.POST_ONLY if rng.random() < 0.1 else 0, side=rng.choice(list(Side)),
            order_type=OrderType.LIMIT, time_in_force=TimeInForce.GTD,
            self_trade=rng.choice(self.self_trades), price_ticks=self.price(instrument),
            qty_lots=self.lots(instrument), expire_ns=self.second(),
        )  # fmt: skip

    def tick(self):
        self.time_ns += self.rng.choice([0, 1, NS, NS, 3 * NS])
        return command(K.TICK, time_ns=self.stamp())

    def cancel_all(self):
        rng = self.rng
        scope = rng.choice([0, 1, 1, 2, 3, 3, 3, 4])
        return command(
            K.CANCEL_ALL, time_ns=self.stamp(), account=self.account(), flags=scope,
            instrument=rng.randrange(4) if scope & 1 or rng.random() < 0.1 else 0,
            side=rng.randrange(2) if scope & 2 or rng.random() < 0.1 else 0,
        )  # fmt: skip

    def cancel_after(self):
        expire_ns = 0 if self.rng.random() < 0.2 else self.second()
        return command(
            K.CANCEL_AFTER, time_ns=self.stamp(), account=self.account(), expire_ns=expire_ns
        )

    def set_account(self):
        rng, account = self.rng, self.account()
        blocked = 0 if account in self.blocked else int(rng.random() < 0.4)
        (self.blocked.add if blocked else self.blocked.discard)(account)
        terms = {} if rng.random() < 0.5 else {
            "interval_ns": rng.choice([1, 500, NS, 3600 * NS, -1, 3601 * NS]),
            "burst": rng.choice([0, 1, 3, 10, 10**6, 10**6 + 1]),
        }  # fmt: skip
        return command(
            K.SET_ACCOUNT, time_ns=self.stamp(), account=account, blocked=blocked, **terms
        )
