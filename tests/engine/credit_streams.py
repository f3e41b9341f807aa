"""Random streams with fee schedules and orders by API, over a spot pair and two perpetuals."""

import struct

from ledger.engine.credit_layout import LENDING_POOL
from ledger.records.build import TIME_BYTES, command
from ledger.records.codes import CommandFlag, CommandKind, OrderType, SelfTrade, Side
from ledger.records.codes import TimeInForce as Force
from tests.engine.perpetual_streams import COIN, DOLLAR, PerpetualStream, prices, set_up
from tests.engine.streams import PLAIN

K = CommandKind
DAY = 86_400 * 10**9
FLAGS_AT = 10

TIERS = (
    (0, 500, 200), (1_000, 450, 100), (10_000, 400, 0), (50_000, 350, -150), (10**6, 300, -150),
    (10**8, 200, -180),
)  # fmt: skip
"""(volume, taker ppm, maker ppm) of each tier: the last takes 60 % less than the first."""


def fee_tiers(schedule=1, tiers=TIERS, api_discount_ppm=100_000, **fields):
    """One SET_FEE_TIERS."""
    terms = {f"volume_minor_{n}": tiers[n - 1][0] for n in range(2, 7)}
    for n, (_, taker, maker) in enumerate(tiers, start=1):
        terms |= {f"taker_ppm_{n}": taker, f"maker_ppm_{n}": maker}
    terms |= {"schedule": schedule, "api_discount_ppm": api_discount_ppm} | fields
    return command(K.SET_FEE_TIERS, **terms)


LIMITS = (
    (600_000, 800_000, 900_000), (970_000, 980_000, 990_000), (900_000, 910_000, 920_000),
    (300_000, 310_000, 320_000), (5, 5, 6), (1, 2, 10**6 + 1),
)  # fmt: skip
"""Loan-to-value limits: open, call, liquidate; the last two are none."""
PAIR = 3
"""The coin against the dollar, at the prices that collateral has."""


def list_pair(time_ns, **fields):
    """One LIST_INSTRUMENT of the pair that is traded on credit."""
    terms = PLAIN | {"lot_minor": 1, "notional_den": 10_000, "max_qty_lots": 10**9}
    terms |= {"min_notional_minor": 0, "instrument": PAIR} | fields
    return command(K.LIST_INSTRUMENT, time_ns=time_ns, **terms)


class CreditStream(PerpetualStream):
    """Like `PerpetualStream`, with schedules that change and days that pass."""

    def __init__(self, seed, accounts=5):
        super().__init__(seed, accounts)
        self.deposits = accounts * sum(amount > 0 for amount in self.funds)
        self.deposits += 2 if self.fund else 0
        self.families = []

    def take(self, length):
        first = [*set_up(self.accounts, *self.funds, self.fund), list_pair(self.time_ns)]
        first += self.open_credit()
        self.seq = len(first)
        for _ in range(length):
            self.seq += 1
            raw = self.by_api(self.queue.pop(0) if self.queue else self.draw())
            first.append(self.damage(raw) if self.rng.random() < 0.01 else raw)
        return first

    def open_credit(self):
        """A pool with money, and every other account with leverage."""
        stream, now = [], self.time_ns
        for asset in (COIN, DOLLAR):
            self.deposits += 1
            limits = dict(zip(("open_ppm", "call_ppm", "liquidate_ppm"), LIMITS[1], strict=True))
            stream += [
                command(
                    K.SET_LENDING, time_ns=now, asset=asset, hourly_ppt=10**8, limit_minor=10**9,
                    **limits,
                ),
                command(
                    K.CREDIT_DEPOSIT, time_ns=now, account=LENDING_POOL, asset=asset,
                    deposit_index=self.deposits, amount_minor=10**6,
                ),
            ]  # fmt: skip
        return stream + [
            command(
                K.SET_MARGIN, time_ns=now, account=account, leverage=20,
                pair=PAIR + 1 if account == 18 else 0,
            )
            for account in range(16, 16 + self.accounts, 2)
        ]  # fmt: skip

    def by_api(self, raw):
        """Every other new order says that it came through an API key."""
        if raw[TIME_BYTES] not in (K.NEW_ORDER, K.REPLACE_ORDER) or self.rng.random() < 0.5:
            return raw
        (flags,) = struct.unpack_from("<H", raw, FLAGS_AT)
        flags |= CommandFlag.VIA_API
        return raw[:FLAGS_AT] + struct.pack("<H", flags) + raw[FLAGS_AT + 2 :]

    def draw(self):
        if self.rng.random() < 0.5:
            makers = [
                (self.schedule, 1), (self.scheduled, 2), (self.pass_days, 1), (self.sub_account, 1),
                (self.transfer, 4), (self.block, 1), (self.lending, 2), (self.margin, 5),
                (self.spot, 30), (self.pool, 2), (self.crash, 1),
                (self.freeze, 2), (self.unfreeze, 2),
            ]  # fmt: skip
            return self.rng.choices([m for m, _ in makers], [weight for _, weight in makers])[0]()
        return super().draw()

    def schedule(self):
        rng = self.rng
        tiers = list(TIERS)
        if rng.random() < 0.4:
            tier, volume = rng.randrange(6), rng.choice([0, 1, 2**62, 2**62 + 1, -1])
            tiers[tier] = (volume, rng.choice([-1, 0, 100, 10**5, 10**5 + 1]),
                           rng.choice([-501, -500, 0, 100, 10**5 + 1]))  # fmt: skip
        return fee_tiers(
            rng.choice([0, 1, 1, 2, 3, 8, 9]), tiers, rng.choice([0, 10**5, 10**5, 1, 999_000]),
            time_ns=self.stamp(),
        )  # fmt: skip

    def scheduled(self):
        """An instrument takes a schedule's fees, which may not be there."""
        rng = self.rng
        return command(
            K.SET_FEES, time_ns=self.stamp(), instrument=rng.randrange(4),
            schedule=rng.choice([1, 1, 1, 2, 3, 8, 9]), taker_fee_ppm=rng.choice([0, 0, 0, 5]),
        )  # fmt: skip

    def pass_days(self):
        self.time_ns += self.rng.choice([1, 1, 2, 13, 29, 30, 31]) * DAY
        return command(K.TICK, time_ns=self.time_ns)

    def sub_account(self):
        """One more account, mostly somebody's."""
        master = self.rng.choice([0, 16, 17, 17, 18, 16 + self.accounts - 1, 3, 99])
        raw = command(
            K.OPEN_ACCOUNT, time_ns=self.stamp(), account=16 + self.accounts, master=master
        )
        if master in (0, 16, 17, 18):
            self.families.append((master, 16 + self.accounts))
            self.accounts += 1
        return raw

    def transfer(self):
        rng = self.rng
        pair = [self.account(), self.account()]
        if self.families and rng.random() < 0.8:
            pair = list(rng.choice(self.families))
            if rng.random() < 0.3:
                pair.reverse()
        return command(
            K.TRANSFER, time_ns=self.stamp(), account=pair[0], payee=pair[1],
            asset=rng.choice([0, 1, 1, 2, 3]),
            amount_minor=rng.choice([0, 1, 100, 5_000, 20_000, 10**6, 2**62]),
        )  # fmt: skip

    def block(self):
        """Never for good, unless the stream ends."""
        account = self.account()
        self.queue.append(command(K.SET_ACCOUNT, time_ns=self.stamp(), account=account))
        self.queue.insert(0, self.transfer())
        return command(K.SET_ACCOUNT, time_ns=self.stamp(), account=account, blocked=1)

    def pool(self):
        """The treasury, or somebody, pays in."""
        self.deposits += 1
        return command(
            K.CREDIT_DEPOSIT, time_ns=self.stamp(), account=self.rng.choice([LENDING_POOL, 16]),
            asset=self.rng.choice([0, 1, 1]), deposit_index=self.deposits,
            amount_minor=self.rng.choice([1_000, 10**5, 10**7]),
        )  # fmt: skip

    def lending(self):
        rng = self.rng
        limits = rng.choice(LIMITS)
        return command(
            K.SET_LENDING, time_ns=self.stamp(), asset=rng.choice([0, 1, 1, 2, 3]),
            hourly_ppt=rng.choice([0, 10**6, 10**8, 10**10, 10**10 + 1]),
            limit_minor=rng.choice([0, 10**6, 10**9, 10**9, -1]),
            open_ppm=limits[0], call_ppm=limits[1], liquidate_ppm=limits[2],
        )  # fmt: skip

    def margin(self):
        rng = self.rng
        return command(
            K.SET_MARGIN, time_ns=self.stamp(), account=self.account(),
            leverage=rng.choice([0, 1, 3, 5, 10, 20, 50, 50, 51]),
            pair=rng.choice([0, 0, 0, 0, 0, 0, 1, 2, 4, 4, 6]),
        )  # fmt: skip

    def spot(self):
        """An order on the pair, of any size that leverage may reach."""
        rng = self.rng
        account, side = self.account(), rng.choice(list(Side))
        self.orders.append((self.seq, account, PAIR))
        near = self.index_ticks * (1000 + rng.randrange(-25, 26)) // 1000
        terms = {
            "price_ticks": near,
            "qty_lots": rng.choice([100, 5_000, 20_000, 100_000, 400_000]),
        }
        force = rng.choices([Force.GTC, Force.IOC, Force.FOK], [10, 2, 1])[0]
        flags = 0
        if rng.random() < 0.2:
            terms |= {"order_type": OrderType.MARKET, "price_ticks": 0}
            if rng.random() < 0.5:
                flags, force = CommandFlag.BY_QUOTE, Force.IOC
                terms |= {"qty_lots": 0, "quote_minor": rng.choice([10_000, 50_000, 400_000])}
        elif rng.random() < 0.1:
            flags, terms["trigger_ticks"] = CommandFlag.STOP, near
        return command(
            K.NEW_ORDER, time_ns=self.stamp(), account=account, instrument=PAIR, side=side,
            time_in_force=force, flags=flags,
            self_trade=rng.choice([SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_MAKER]), **terms,
        )  # fmt: skip

    def crash(self):
        """The coin loses, or wins, more than half at once."""
        change = self.rng.choice([300, 400, 2500])
        self.index_ticks = min(max(1000, self.index_ticks * change // 1000), 300_000)
        now = self.stamp()
        self.queue += [*prices(now, self.index_ticks), command(K.TICK, time_ns=now)]
        return self.queue.pop(0)
