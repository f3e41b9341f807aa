"""Random streams over a spot pair and two perpetuals: prices that jump, thin books."""

from ledger.engine.margin_layout import INSURANCE, NO_ORACLE
from ledger.records.build import TIME_BYTES, command
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    OrderType,
    Phase,
    PhaseScope,
    Product,
    SelfTrade,
    Side,
)
from ledger.records.codes import TimeInForce as Force
from tests.engine.streams import PAYEE, PLAIN, Stream, list_asset

K = CommandKind
COIN, DOLLAR, OTHER = 0, 1, 2
SPOT, LINEAR, INVERSE = 0, 1, 2
SECOND = 10**9
MID = 10_000
"""Ticks of a cent: the coin stands at 100 dollars, and a dollar has a hundred minor units."""
SOURCES = 3

CONTRACT = {
    "base": COIN, "quote": DOLLAR, "lot_minor": 1, "max_price_ticks": 10**6,
    "max_qty_lots": 10**6, "maker_fee_ppm": 200, "taker_fee_ppm": 500,
}  # fmt: skip
LINEAR_TERMS = CONTRACT | {
    "product": Product.LINEAR, "notional_num": 3, "notional_den": 10, "symbol": b"LINEAR",
}  # fmt: skip
INVERSE_TERMS = CONTRACT | {
    "product": Product.INVERSE, "notional_num": 10**9, "notional_den": 1, "symbol": b"INVERSE",
}  # fmt: skip
RULE = {
    "oracle": 0, "interval_s": 3600, "leverage_max": 50, "alpha_ppm": 200_000,
    "interest_ppb": 10_000, "damper_ppb": 500_000, "cap_ppb": 7_500_000, "impact_minor": 50_000,
    "calm_ppb": 20_000_000, "rise_ppm": 300_000, "decay_ppm": 50_000, "cap_ppm": 3_000_000,
    "position_max_lots": 0,
}  # fmt: skip
TIERS = ((0, 5_000, 10_000), (400_000, 10_000, 20_000), (2_000_000, 25_000, 50_000))


def tiers(instrument: int, time_ns: int = 0) -> list[bytes]:
    return [
        command(
            K.SET_TIER, time_ns=time_ns, instrument=instrument, row=row, floor_minor=floor,
            maintenance_ppm=maintenance, initial_ppm=initial,
        )
        for row, (floor, maintenance, initial) in enumerate(TIERS)
    ]  # fmt: skip


def prices(time_ns: int, ticks: int, oracle: int = 0) -> list[bytes]:
    """Every source says the same."""
    return [
        command(
            K.ORACLE_PRICE, time_ns=time_ns, oracle=oracle, source=source, price_ticks=ticks,
            observed_ns=time_ns,
        )
        for source in range(SOURCES)
    ]  # fmt: skip


def tick(time_ns: int) -> bytes:
    return command(K.TICK, time_ns=time_ns)


def listings() -> list[bytes]:
    """Three assets, a spot pair, a linear and an inverse contract, one index."""
    return [
        list_asset(COIN), list_asset(DOLLAR), list_asset(OTHER),
        command(K.LIST_INSTRUMENT, instrument=SPOT, **PLAIN | {"lot_minor": 1}),
        command(K.LIST_INSTRUMENT, instrument=LINEAR, **LINEAR_TERMS),
        command(K.LIST_INSTRUMENT, instrument=INVERSE, **INVERSE_TERMS),
        command(
            K.SET_ORACLE, oracle=0, sources=SOURCES, minimum=2, stale_ns=60 * SECOND,
            outlier_ppm=50_000,
        ),
        command(
            K.SET_COLLATERAL, asset=DOLLAR, oracle=NO_ORACLE, index_ticks=1, num=1, den=1,
            debt_ppm=50_000,
        ),
        command(
            K.SET_COLLATERAL, asset=COIN, oracle=0, num=1, den=10_000, haircut_ppm=100_000,
            debt_ppm=50_000,
        ),
        *(command(K.SET_PERPETUAL, instrument=number, **RULE) for number in (LINEAR, INVERSE)),
        *tiers(LINEAR), *tiers(INVERSE),
    ]  # fmt: skip


def set_up(accounts: int, dollars: int, coins: int, fund: int) -> list[bytes]:
    """Listings, first prices, and accounts with money and leverage."""
    stream = [*listings(), *prices(SECOND, MID), tick(SECOND)]
    index = 0
    for account in range(16, 16 + accounts):
        stream.append(command(K.OPEN_ACCOUNT, account=account, time_ns=SECOND))
        stream += [
            command(K.SET_LEVERAGE, account=account, instrument=number, leverage=50, time_ns=SECOND)
            for number in (LINEAR, INVERSE)
        ]
    holders = [(a, asset, n) for a in range(16, 16 + accounts)
               for asset, n in ((DOLLAR, dollars), (COIN, coins))]  # fmt: skip
    holders += [(INSURANCE, DOLLAR, fund), (INSURANCE, COIN, fund)]
    for account, asset, amount in holders:
        if amount:
            index += 1
            stream.append(
                command(
                    K.CREDIT_DEPOSIT, account=account, asset=asset, deposit_index=index,
                    amount_minor=amount, time_ns=SECOND,
                )
            )  # fmt: skip
    return stream


class PerpetualStream(Stream):
    """Orders on three instruments, prices that walk and crash, ticks, settings, withdrawals."""

    def __init__(self, seed: int, accounts: int = 5) -> None:
        super().__init__(seed, accounts)
        self.index_ticks = MID
        self.time_ns = 2 * SECOND
        self.fund = self.rng.choice([0, 1000, 10**6])
        self.funds = self.rng.choice([(40_000, 0), (60_000, 3_000_000), (20_000, 400_000)])
        self.queue: list[bytes] = []

    def take(self, length: int) -> list[bytes]:
        stream = set_up(self.accounts, *self.funds, self.fund)
        self.seq = len(stream)
        for _ in range(length):
            self.seq += 1
            raw = self.queue.pop(0) if self.queue else self.draw()
            if self.rng.random() < 0.01:
                raw = self.damage(raw)
            stream.append(raw)
        return stream

    def draw(self) -> bytes:
        makers = [
            (self.order, 50), (self.waiting, 12), (self.at_market, 6), (self.cancel, 6),
            (self.amend, 3),
            (self.phase, 4), (self.market_rule, 2), (self.move, 18), (self.leverage, 2),
            (self.take_out, 3), (self.setting, 4), (self.freeze, 2), (self.unfreeze, 2),
        ]  # fmt: skip
        return self.rng.choices([m for m, _ in makers], [weight for _, weight in makers])[0]()

    def stamp(self) -> int:
        self.time_ns += self.rng.randrange(1, 20) * SECOND // 10
        return self.time_ns

    def order(self) -> bytes:
        rng = self.rng
        instrument = rng.choices([SPOT, LINEAR, INVERSE], [2, 9, 5])[0]
        account, side = self.account(), rng.choice(list(Side))
        self.orders.append((self.seq, account, instrument))
        near = self.index_ticks * (1000 + rng.randrange(-25, 26)) // 1000
        price = near if rng.random() < 0.95 else rng.choice([0, 1, 10**6, 10**6 + 1, MID])
        force = rng.choices([Force.GTC, Force.IOC, Force.FOK], [10, 2, 1])[0]
        post = force == Force.GTC and rng.random() < 0.1
        lots = (rng.randrange(1, 30), rng.randrange(1, 200), rng.randrange(1, 40))[instrument]
        return command(
            K.NEW_ORDER, time_ns=self.stamp(), account=account, instrument=instrument, side=side,
            time_in_force=force, self_trade=rng.choice(list(SelfTrade)), price_ticks=price,
            flags=CommandFlag.POST_ONLY if post else 0,
            qty_lots=lots if rng.random() < 0.97 else rng.choice([0, 10**6, 10**6 + 1, 2**53]),
        )  # fmt: skip

    def waiting(self) -> bytes:
        """A stop or a take-profit that the last price, the mark or the index triggers."""
        rng = self.rng
        instrument, account = rng.choice([SPOT, LINEAR, LINEAR, INVERSE]), self.account()
        self.orders.append((self.seq, account, instrument))
        where = rng.choice([0, CommandFlag.ON_MARK, CommandFlag.ON_MARK, CommandFlag.ON_INDEX, 96])
        kind = rng.choice([CommandFlag.STOP, CommandFlag.TAKE_PROFIT])
        trigger = self.index_ticks * (1000 + rng.randrange(-15, 16)) // 1000
        if kind == CommandFlag.STOP and rng.random() < 0.3:
            kind, trigger = kind | CommandFlag.TRAILING, rng.randrange(1, 300)
        terms = {"order_type": OrderType.MARKET}
        if rng.random() < 0.5:
            near = self.index_ticks * (1000 + rng.randrange(-25, 26)) // 1000
            terms = {"price_ticks": near, "order_type": OrderType.LIMIT}
        return command(
            K.NEW_ORDER, time_ns=self.stamp(), account=account, instrument=instrument,
            side=rng.choice(list(Side)), flags=kind | where if rng.random() < 0.98 else where,
            trigger_ticks=trigger,
            qty_lots=rng.randrange(1, 60), self_trade=rng.choice(list(SelfTrade)), **terms,
        )  # fmt: skip

    def at_market(self) -> bytes:
        rng = self.rng
        size = {"qty_lots": rng.randrange(1, 200)}
        by_quote = rng.random() < 0.2
        if by_quote:
            size = {"quote_minor": 10_000}
        return command(
            K.NEW_ORDER, time_ns=self.stamp(), account=self.account(),
            instrument=rng.randrange(3), side=rng.choice(list(Side)), order_type=OrderType.MARKET,
            flags=CommandFlag.BY_QUOTE if by_quote else 0, self_trade=rng.choice(list(SelfTrade)),
            time_in_force=rng.choice([Force.GTC, Force.IOC, Force.FOK][: 2 if by_quote else 3]),
            **size,
        )  # fmt: skip

    def move(self) -> bytes:
        """The sources speak, mostly with one voice, and a TICK follows."""
        rng = self.rng
        step = rng.choice([1, 3, 10, 60, 200, 300])
        self.index_ticks = max(
            50, self.index_ticks * (1000 + rng.randrange(-step, step + 1)) // 1000
        )
        self.index_ticks = min(self.index_ticks, 900_000)
        now = self.stamp() + rng.choice([0, 0, 0, 61 * SECOND, 3600 * SECOND])
        self.time_ns = now
        said = prices(now, self.index_ticks)
        if rng.random() < 0.2:
            said[0] = command(
                K.ORACLE_PRICE, time_ns=now, source=rng.randrange(4), observed_ns=now,
                oracle=rng.choice([0, 0, 0, 1]), price_ticks=rng.choice([0, 1, 2 * MID, 2**31 - 1]),
            )  # fmt: skip
        if rng.random() < 0.1:
            said = []
        self.queue += [*said, tick(now)]
        return self.queue.pop(0)

    def phase(self) -> bytes:
        """Halts, calls and reopenings of one of the three or of all."""
        rng = self.rng
        phase = rng.choices(list(Phase), [6, 1, 4])[0]
        now = self.stamp()
        instrument = rng.choice([0, 1, 1, 2, 2, None])
        until = now + rng.choice([1, SECOND, 20 * SECOND]) if rng.random() < 0.8 else 0
        return command(
            K.SET_PHASE, time_ns=now, instrument=instrument or 0,
            flags=PhaseScope.VENUE if instrument is None else 0, phase=phase,
            until_ns=until if phase == Phase.CALL else 0,
        )  # fmt: skip

    def market_rule(self) -> bytes:
        rng = self.rng
        halts = {"halt_ppm": rng.choice([5_000, 50_000]), "window_s": rng.choice([8, 60, 3600]),
                 "reopen_s": rng.choice([0, 10, 60])}  # fmt: skip
        return command(
            K.SET_MARKET, time_ns=self.stamp(), instrument=rng.randrange(4),
            band_ppm=rng.choice([0, 0, 5_000, 30_000, 10**6]), reference=rng.choice([0, 0, 1, 2]),
            opening_ticks=rng.choice([0, MID]), **halts if rng.random() < 0.5 else {},
        )  # fmt: skip

    def leverage(self) -> bytes:
        return command(
            K.SET_LEVERAGE, time_ns=self.stamp(), account=self.account(),
            instrument=self.rng.randrange(4), leverage=self.rng.choice([0, 1, 5, 20, 50, 51]),
        )  # fmt: skip

    def take_out(self) -> bytes:
        self.withdrawals.append(self.seq)
        return command(
            K.REQUEST_WITHDRAWAL, time_ns=self.stamp(), account=self.account(),
            asset=self.rng.randrange(3), amount_minor=self.rng.choice([1, 100, 20_000, 10**7]),
            **PAYEE,
        )  # fmt: skip

    def setting(self) -> bytes:
        """Parameters that change while positions are open; many are out of range."""
        rng, now = self.rng, self.stamp()
        number = rng.randrange(4)
        rule = RULE | {rng.choice(list(RULE)): rng.choice([0, 1, 2, 3600, 10**6, 2**31])}
        floor, maintenance, initial = rng.choice(TIERS)
        return rng.choice([
            command(K.SET_FEES, time_ns=now, instrument=number, taker_fee_ppm=rng.choice([0, 900]),
                    maker_fee_ppm=rng.choice([-300, 0, 100, 1000])),
            command(K.SET_PERPETUAL, time_ns=now, instrument=number, **rule),
            command(K.SET_TIER, time_ns=now, instrument=number, row=rng.choice([1, 2, 3, 4, 40]),
                    floor_minor=floor + rng.choice([0, 3_000_000]), maintenance_ppm=maintenance,
                    initial_ppm=initial * rng.choice([1, 2])),
            command(K.SET_COLLATERAL, time_ns=now, asset=rng.choice([0, 1, 3]),
                    oracle=rng.choice([0, 1, NO_ORACLE]), index_ticks=rng.choice([0, 1]), num=1,
                    den=rng.choice([0, 1, 10_000]), haircut_ppm=rng.choice([0, 200_000]),
                    debt_ppm=rng.choice([0, 30_000])),
            command(K.SET_ORACLE, time_ns=now, oracle=rng.choice([0, 0, 1, 2]), sources=SOURCES,
                    minimum=rng.choice([1, 2, 2, 3, 4]), stale_ns=60 * SECOND,
                    outlier_ppm=rng.choice([50_000, 10**6, -1])),
            bytes(TIME_BYTES) + bytes([rng.choice(list(K))]) + rng.randbytes(119),
        ])  # fmt: skip
