"""Random streams of every order type: the plain ones, and what time, switches and sweeps add."""

from ledger.engine.layout import TIMER_EPOCH_S
from ledger.records.build import command
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    OrderType,
    Phase,
    PhaseScope,
    SelfTrade,
    Side,
    TimeInForce,
)
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
            (self.timed, 10), (self.conditional, 16), (self.iceberg, 6), (self.replace, 8),
            (self.oco, 6), (self.tick, 6), (self.cancel_all, 2), (self.cancel_after, 3),
            (self.set_account, 2), (self.deposit, 2), (self.withdraw, 2), (self.decide, 2),
            (self.oddity, 1), (self.phase, 5), (self.market_rule, 2),
            (self.freeze, 2), (self.unfreeze, 2),
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

    def conditional(self, **fields):
        """A stop or a take-profit of any kind, its trigger near the middle."""
        rng, instrument = self.rng, self.rng.randrange(3)
        instrument = fields.get("instrument", instrument)
        account = self.account()
        self.orders.append((self.seq, account, instrument))
        kind = rng.choice([CommandFlag.STOP, CommandFlag.STOP, CommandFlag.TAKE_PROFIT])
        terms = {"price_ticks": self.price(instrument), "qty_lots": self.lots(instrument)}
        force = rng.choice(list(TimeInForce))
        if rng.random() < 0.5:
            terms |= {"order_type": OrderType.MARKET, "price_ticks": 0}
            force = rng.choice([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
            if rng.random() < 0.3:
                kind |= CommandFlag.BY_QUOTE
                terms |= {"qty_lots": 0, "quote_minor": rng.choice([100, 10**6, 10**9])}
        elif rng.random() < 0.2:
            terms |= {"display_lots": self.slice_of(terms["qty_lots"])}
        if force == TimeInForce.GTD:
            terms |= {"expire_ns": self.second()}
        trigger = self.price(instrument)
        if kind & CommandFlag.STOP and rng.random() < 0.25:
            kind |= CommandFlag.TRAILING
            trigger = rng.choice([0, 1, 2, 3, 5, 9, trigger])
        if rng.random() < 0.02:
            kind |= rng.choice(list(CommandFlag))
        terms |= {"flags": kind, "account": account, "instrument": instrument} | fields
        terms["flags"] |= fields.get("flags", 0) | kind
        return command(
            K.NEW_ORDER, time_ns=self.stamp(), side=rng.choice(list(Side)), time_in_force=force,
            self_trade=rng.choice(self.self_trades), trigger_ticks=trigger, **terms,
        )  # fmt: skip

    def slice_of(self, lots):
        """Some lots to show; now and then too few or too many."""
        if self.rng.random() < 0.05:
            return self.rng.choice([-1, lots + 1, 1])
        return max(1, min(lots, lots // self.rng.randrange(1, 12)))

    def iceberg(self):
        rng, instrument = self.rng, self.rng.randrange(3)
        account, lots = self.account(), self.lots(instrument)
        self.orders.append((self.seq, account, instrument))
        return command(
            K.NEW_ORDER, time_ns=self.stamp(), account=account, instrument=instrument,
            side=rng.choice(list(Side)), price_ticks=self.price(instrument), qty_lots=lots,
            display_lots=self.slice_of(lots), self_trade=rng.choice(self.self_trades),
        )  # fmt: skip

    def oco(self):
        """A pending order that names one of the last orders as its partner."""
        return self.conditional(flags=CommandFlag.OCO, **self.target())

    def replace(self):
        """Any order in another one's stead; half of them on its side."""
        rng, target = self.rng, self.target()
        self.orders.append((self.seq, target["account"], target.get("instrument", 0)))
        instrument = target.get("instrument", 0)
        if rng.random() < 0.3:
            raw = bytearray(self.conditional(**target))
            self.orders.pop()
            raw[8] = K.REPLACE_ORDER
            return bytes(raw)
        return command(
            K.REPLACE_ORDER, time_ns=self.stamp(), side=rng.choice(list(Side)), **target,
            price_ticks=self.price(instrument), qty_lots=self.lots(instrument),
            self_trade=rng.choice(self.self_trades),
        )  # fmt: skip

    def tick(self):
        self.time_ns += self.rng.choice([0, 1, NS, NS, 3 * NS])
        return command(K.TICK, time_ns=self.stamp())

    def phase(self):
        """Halts, calls and reopenings; most calls end soon by themselves."""
        rng = self.rng
        instrument = rng.choices([0, 1, 2, 3, None], [20, 20, 10, 1, 6])[0]
        flags = PhaseScope.VENUE if instrument is None else int(rng.random() < 0.01)
        # A venue that stays halted would end the stream's interest.
        phase = rng.choices(list(Phase), [5, 1, 4])[0]
        until = 0 if rng.random() < 0.2 else self.time_ns + rng.choice([0, 1, NS, 2 * NS])
        return command(
            K.SET_PHASE, time_ns=self.stamp(), instrument=instrument or 0, flags=flags, phase=phase,
            until_ns=until if phase == Phase.CALL or rng.random() < 0.03 else 0,
        )  # fmt: skip

    def market_rule(self):
        rng, instrument = self.rng, self.rng.choice([0, 0, 1, 1, 2, 3])
        halts = rng.random() < 0.6
        terms = {"halt_ppm": rng.choice([500, 50_000, 10**6]), "window_s": rng.choice([1, 3, 60]),
                 "reopen_s": rng.choice([0, 1, 2, 5])} if halts else {}  # fmt: skip
        if rng.random() < 0.1:
            terms |= {rng.choice(["window_s", "reopen_s", "halt_ppm"]): rng.choice([-1, 0, 2**31])}
        return command(
            K.SET_MARKET, time_ns=self.stamp(), instrument=instrument,
            band_ppm=rng.choice([0, 0, 1000, 20_000, 200_000, 2 * 10**6, -1]),
            opening_ticks=rng.choice([0, 0, self.price(instrument)]),
            reference=int(rng.random() < 0.05), **terms,
        )  # fmt: skip

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
