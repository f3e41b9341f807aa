"""Random streams of perpetual accounts: reduce-only orders, stops that close, sweeps, replaces."""

from ledger.engine.layout import TIMER_EPOCH_S
from ledger.records.build import command
from ledger.records.codes import CommandFlag, CommandKind, OrderType, SelfTrade, Side
from ledger.records.codes import TimeInForce as Force
from tests.engine.perpetual_streams import (
    INVERSE,
    LINEAR,
    MID,
    RULE,
    SECOND,
    SPOT,
    PerpetualStream,
    prices,
    tick,
)

K = CommandKind


class AccountStream(PerpetualStream):
    """Like `PerpetualStream`, with everything that depends on what an account already has."""

    def draw(self) -> bytes:
        if self.scenes:
            self.queue += self.scenes.pop()()
            return self.queue.pop(0)
        makers = [
            (self.order, 10), (self.open, 34), (self.at_market, 6), (self.closer, 24),
            (self.stop, 10), (self.cancel, 4), (self.amend, 4), (self.replace, 5),
            (self.sweep, 1), (self.move, 12), (self.leverage, 2), (self.take_out, 2),
            (self.setting, 2), (self.mode, 2), (self.margin, 4), (self.phase, 4),
            (self.freeze, 3), (self.unfreeze, 3), (self.bare, 1),
        ]  # fmt: skip
        return self.rng.choices([m for m, _ in makers], [weight for _, weight in makers])[0]()

    def near(self, wide: int = 25) -> int:
        """A price not far from the index."""
        return self.index_ticks * (1000 + self.rng.randrange(-wide, wide + 1)) // 1000

    def terms(self) -> dict[str, int]:
        """Whose order it is, of what, and how it may fill."""
        rng = self.rng
        account, instrument = self.account(), rng.choices([SPOT, LINEAR, INVERSE], [1, 12, 6])[0]
        self.orders.append((self.seq, account, instrument))
        lots = (rng.randrange(1, 30), rng.randrange(1, 200), rng.randrange(1, 40))[instrument]
        hedged = account in self.hedged if rng.random() < 0.95 else rng.random() < 0.5
        self.legs = CommandFlag.SHORT_LEG if hedged and rng.random() < 0.5 else CommandFlag(0)
        side = rng.choice(list(Side))
        if hedged and rng.random() < 0.5:
            side = Side.SELL if self.legs else Side.BUY
        return {
            "time_ns": self.stamp(), "account": account, "instrument": instrument,
            "side": side, "self_trade": rng.choice(list(SelfTrade)),
            "qty_lots": rng.choice([1, 2, 5, lots, lots]),
        }  # fmt: skip

    def closer(self) -> bytes:
        """A reduce-only order: resting, taking, hidden or good till a date."""
        rng, terms = self.rng, self.terms()
        force = rng.choices(list(Force), [12, 3, 1, 2])[0]
        if rng.random() < 0.15:
            terms |= {"order_type": OrderType.MARKET, "time_in_force": min(force, Force.FOK)}
        else:
            terms |= {"price_ticks": self.near(12), "time_in_force": force}
            if force == Force.GTD:
                terms |= {"expire_ns": (self.time_ns // SECOND + rng.randrange(1, 9)) * SECOND}
            if force == Force.GTC and rng.random() < 0.2:
                terms |= {"display_lots": max(1, terms["qty_lots"] // rng.randrange(1, 5))}
        return command(K.NEW_ORDER, flags=CommandFlag.REDUCE_ONLY | self.legs, **terms)

    def stop(self) -> bytes:
        """A pending order that closes everything, or so many lots; some are ill-formed."""
        rng, terms = self.rng, self.terms()
        flags = rng.choice([CommandFlag.STOP, CommandFlag.TAKE_PROFIT])
        terms |= {"trigger_ticks": self.near()}
        kind = rng.choice([0, CommandFlag.REDUCE_ONLY, *[CommandFlag.CLOSE_POSITION] * 2])
        flags |= kind
        if kind == CommandFlag.CLOSE_POSITION and rng.random() < 0.9:
            terms |= {"order_type": OrderType.MARKET, "qty_lots": 0}
            terms |= {"time_in_force": rng.choice([Force.GTC, Force.IOC, Force.FOK])}
        elif rng.random() < 0.5:
            terms |= {"order_type": OrderType.MARKET}
        else:
            terms |= {"price_ticks": self.near()}
        if rng.random() < 0.3:
            flags |= CommandFlag.OCO
            target = self.target()
            terms |= {name: target[name] for name in ("account", "instrument") if name in target}
            terms |= {"target_id": target["target_id"]}
        return command(K.NEW_ORDER, flags=flags | self.legs, **terms)

    def replace(self) -> bytes:
        rng, target = self.rng, self.target()
        terms = self.terms() | target | {"price_ticks": self.near(12)}
        self.orders[-1] = (self.seq, target["account"], target.get("instrument", 0))
        flags = CommandFlag.REDUCE_ONLY if rng.random() < 0.5 else 0
        return command(K.REPLACE_ORDER, flags=flags | self.legs, **terms)

    def open(self) -> bytes:
        """A plain order, of either leg."""
        rng, terms = self.rng, self.terms()
        force = rng.choices([Force.GTC, Force.IOC, Force.FOK], [10, 3, 1])[0]
        return command(
            K.NEW_ORDER, flags=self.legs, price_ticks=self.near(12), time_in_force=force, **terms
        )

    def mode(self) -> bytes:
        """Cross or isolated, one-way or hedge: mostly refused, for there are orders."""
        rng, now, account = self.rng, self.stamp(), self.account()
        if rng.random() < 0.5:
            return command(
                K.SET_POSITION_MODE, time_ns=now, account=account, mode=rng.choice([0, 1, 1, 2])
            )
        return command(
            K.SET_MARGIN_MODE, time_ns=now, account=account, instrument=rng.randrange(4),
            mode=rng.choice([0, 1, 1, 2]),
        )  # fmt: skip

    def margin(self) -> bytes:
        rng = self.rng
        return command(
            K.MOVE_MARGIN, time_ns=self.stamp(), account=self.account(),
            instrument=rng.choice([LINEAR, LINEAR, INVERSE, INVERSE, SPOT, 3]),
            flags=rng.choice([0, 0, 0, 0, CommandFlag.SHORT_LEG, CommandFlag.SHORT_LEG, 1]),
            amount_minor=rng.choice([1, 10, 500, 20_000, 0, -1, -10, -500, 2**62]),
        )  # fmt: skip

    def bare(self) -> bytes:
        """A closing order that its isolated position could bear when it came, and no longer can.

        It seldom happens by itself: the book must be empty, and margin go out after the order.
        """
        owner, other = self.rng.sample(range(16, 16 + self.accounts), 2)
        near, low = self.index_ticks, self.index_ticks * 880 // 1000
        place = {"instrument": LINEAR, "time_in_force": Force.GTC}
        moved = {"account": owner, "instrument": LINEAR}

        def order(account: int, side: Side, price: int, lots: int, flags: int = 0) -> bytes:
            terms = {"account": account, "side": side, "price_ticks": price, "qty_lots": lots}
            return command(K.NEW_ORDER, flags=flags, time_ns=self.stamp(), **place | terms)

        self.queue += [
            *(
                command(K.CANCEL_ALL, time_ns=self.stamp(), account=account)
                for account in range(16, 16 + self.accounts)
            ),
            order(other, Side.SELL, near, 10), order(owner, Side.BUY, near, 10),
            command(K.MOVE_MARGIN, time_ns=self.stamp(), amount_minor=4000, **moved),
            order(owner, Side.SELL, low, 10, CommandFlag.REDUCE_ONLY),
            command(K.MOVE_MARGIN, time_ns=self.stamp(), amount_minor=-4000, **moved),
            order(other, Side.BUY, low, 10),
        ]  # fmt: skip
        return self.queue.pop(0)

    def modes(self) -> list[bytes]:
        """What accounts begin with: half of them isolated somewhere, half in hedge mode."""
        rng, found = self.rng, []
        for account in range(16, 16 + self.accounts):
            now = {"account": account, "time_ns": SECOND}
            mode = rng.randrange(2)
            if mode:
                self.hedged.add(account)
            found.append(command(K.SET_POSITION_MODE, mode=mode, **now))
            for instrument in (LINEAR, INVERSE):
                place = now | {"instrument": instrument}
                found.append(command(K.SET_MARGIN_MODE, mode=rng.randrange(2), **place))
                found.append(command(K.SET_LEVERAGE, leverage=rng.choice([10, 50]), **place))
            if account % 3 == 0:
                # What is set so far stays set.
                self.hedged.symmetric_difference_update({account})
                found.append(command(K.SET_POSITION_MODE, mode=1 - mode, **now))
        return found

    def bared(self) -> list[bytes]:
        """A position's order rests; then its margin leaves, and its fill could not be borne."""
        owner, other, taker = 16, 17, 15 + self.accounts

        def asked(kind: K, account: int, **fields: int) -> bytes:
            return command(kind, time_ns=self.stamp(), account=account, instrument=LINEAR, **fields)

        def moved(price_ticks: int) -> list[bytes]:
            self.index_ticks = price_ticks
            now = self.stamp()
            return [*prices(now, price_ticks), tick(now)]

        leg = CommandFlag.SHORT_LEG if other in self.hedged else CommandFlag(0)
        terms = {"price_ticks": MID, "qty_lots": 10}
        low = terms | {"price_ticks": MID - 490}
        return [
            asked(K.SET_PERPETUAL, 0, **RULE | {"cap_ppm": 10**6}),
            asked(K.SET_MARGIN_MODE, owner, mode=1),
            asked(K.SET_LEVERAGE, owner, leverage=10),
            asked(K.NEW_ORDER, other, side=Side.SELL, flags=leg, **terms),
            asked(K.NEW_ORDER, owner, side=Side.BUY, **terms),
            asked(K.SET_LEVERAGE, owner, leverage=50),
            *moved(MID - 500),
            asked(K.NEW_ORDER, owner, side=Side.SELL, flags=CommandFlag.REDUCE_ONLY, **low),
            *moved(MID),
            asked(K.MOVE_MARGIN, owner, amount_minor=-1_900),
            asked(K.NEW_ORDER, taker, side=Side.BUY, **low),
        ]

    def straddled(self) -> list[bytes]:
        """Both legs of one account, large for what it has, and a price that falls."""
        rng = self.rng
        owner = min(self.hedged, default=16)
        other = 17 if owner == 16 else 16
        dollars, coins = self.funds
        longs = (dollars + coins * 9 // 10) // 240
        stream = [
            command(kind, time_ns=self.stamp(), account=account, instrument=LINEAR, **fields)
            for account in (owner, other)
            for kind, fields in ((K.SET_MARGIN_MODE, {}), (K.SET_LEVERAGE, {"leverage": 50}))
        ]
        its = CommandFlag.SHORT_LEG if other in self.hedged else CommandFlag(0)
        for side, lots, leg in (
            (Side.BUY, longs, CommandFlag(0)),
            (Side.SELL, longs // rng.choice([2, 3]), CommandFlag.SHORT_LEG),
        ):
            terms = {"instrument": LINEAR, "price_ticks": MID, "qty_lots": lots}
            flags = its if side == Side.BUY else CommandFlag(0)
            stream += [
                command(
                    K.NEW_ORDER, time_ns=self.stamp(), account=account, side=way, flags=flag,
                    **terms,
                )
                for account, way, flag in ((other, 1 - side, flags), (owner, side, leg))
            ]  # fmt: skip
        now = self.stamp()
        self.index_ticks = MID * rng.choice([400, 600, 850, 1600]) // 1000
        return [*stream, *prices(now, self.index_ticks), tick(now)]

    def sweep(self) -> bytes:
        return command(K.CANCEL_ALL, time_ns=self.stamp(), account=self.account())

    def take(self, length: int) -> list[bytes]:
        self.time_ns = max(self.time_ns, (TIMER_EPOCH_S + 1000) * SECOND)
        self.hedged: set[int] = set()
        self.legs = CommandFlag(0)
        self.queue = self.modes()
        scenes = [[], [self.bared], [self.straddled], [self.straddled]]
        self.scenes = self.rng.choice(scenes)
        return super().take(length)
