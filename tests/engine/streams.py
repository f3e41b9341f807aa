"""Random command streams: seeded, state-aware enough to be interesting, hostile on purpose."""

import random
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ledger.records.build import TIME_BYTES, address_fields, command, digest_fields
from ledger.records.codes import (
    Check,
    CommandFlag,
    CommandKind,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
    Verdict,
)
from ledger.records.layout import COMMAND, COMMAND_BYTES
from matching.units import AMOUNT_MINOR_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX

K = CommandKind
PAYEE = address_fields("payee", bytes(range(1, 21)))
SUPPLY = 10**15

PLAIN = {
    "base": 0, "quote": 1, "lot_minor": 1000, "notional_num": 1, "notional_den": 1,
    "max_price_ticks": 10**6, "max_qty_lots": 10**6, "min_notional_minor": 10,
    "maker_fee_ppm": 200, "taker_fee_ppm": 500, "symbol": b"PLAIN",
}  # fmt: skip
FRACTIONS = {
    "base": 0, "quote": 2, "lot_minor": 7, "notional_num": 7, "notional_den": 1000,
    "max_price_ticks": 100, "max_qty_lots": 10**9,
    "maker_fee_ppm": -300, "taker_fee_ppm": 1000, "symbol": b"FRACTIONS",
}  # fmt: skip
WIDE = {
    "base": 1, "quote": 2, "lot_minor": 1, "notional_num": 2**31 - 1,
    "notional_den": 2**61 - 1, "max_price_ticks": PRICE_TICKS_MAX,
    "max_qty_lots": QTY_LOTS_MAX, "taker_fee_ppm": 100_000, "symbol": b"WIDE",
}  # fmt: skip
INSTRUMENTS = (PLAIN, FRACTIONS, WIDE)


def as_commands(raw: Iterable[bytes]) -> np.ndarray:
    """Commands as `Engine.execute` takes them."""
    return np.frombuffer(b"".join(raw), COMMAND)


def list_asset(asset: int, **fields: int | bytes) -> bytes:
    """One LIST_ASSET with usual terms."""
    terms = {
        "ledger_decimals": 6,
        "token_decimals": 6,
        "supply_max_minor": SUPPLY,
        "symbol": b"ASSET%d" % asset,
        **address_fields("token", bytes([asset + 1]) * 20),
    }
    return command(K.LIST_ASSET, asset=asset, **terms | fields)


def set_up(accounts: int, funds: int = 10**9) -> list[bytes]:
    """List three assets and three instruments; open accounts and give each some of everything."""
    stream = [
        list_asset(0, required_checks=Check.SCREENING | Check.TRAVEL_RULE),
        list_asset(1, withdrawal_fee_minor=5, withdrawal_min_minor=10),
        list_asset(2, token_decimals=18, required_checks=Check.SCREENING),
    ]
    stream += [
        command(K.LIST_INSTRUMENT, instrument=number, **terms)
        for number, terms in enumerate(INSTRUMENTS)
    ]
    stream += [command(K.OPEN_ACCOUNT, account=16 + n) for n in range(accounts)]
    holders = [(account, asset) for account in range(16, 16 + accounts) for asset in range(3)]
    return stream + [
        command(
            K.CREDIT_DEPOSIT, account=account, asset=asset, deposit_index=index, amount_minor=funds
        )
        for index, (account, asset) in enumerate(holders, start=1)
    ]


class Stream:
    """Draws one command after another; keeps what it needs to name orders and withdrawals."""

    self_trades = (SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH)

    def __init__(self, seed: int, accounts: int = 4) -> None:
        self.rng = random.Random(seed)
        self.accounts = accounts
        self.seq = 0
        self.time_ns = 0
        self.deposits = 3 * accounts
        self.batches = 0
        self.anchors = 0
        self.holds = 0
        self.orders: list[tuple[int, int, int]] = []
        self.withdrawals: list[int] = []
        self.mid = [5000, 50, 2**30]

    def take(self, length: int) -> list[bytes]:
        """The set-up, then `length` random commands."""
        stream = set_up(self.accounts)
        self.seq = len(stream)
        for _ in range(length):
            self.seq += 1
            raw = self.draw()
            if self.rng.random() < 0.02:
                raw = self.damage(raw)
            stream.append(raw)
        return stream

    def draw(self) -> bytes:
        """One command, most of them about orders."""
        makers: list[tuple[Callable[[], bytes], int]] = [
            (self.limit, 45), (self.market, 12), (self.cancel, 12), (self.amend, 8),
            (self.deposit, 4), (self.withdraw, 6), (self.decide, 8), (self.cut, 3),
            (self.confirm, 3), (self.report, 1), (self.anchor, 1), (self.oddity, 2),
            (self.freeze, 4), (self.unfreeze, 4),
        ]  # fmt: skip
        choose = self.rng.choices([m for m, _ in makers], [weight for _, weight in makers])[0]
        return choose()

    def account(self) -> int:
        """Mostly a customer; now and then nobody, or the venue itself."""
        if self.rng.random() < 0.02:
            return self.rng.choice([0, 1, 4, 15, 16 + self.accounts, 2**32 - 1])
        return 16 + self.rng.randrange(self.accounts)

    def stamp(self) -> int:
        """Time mostly stands still or goes on, and sometimes back."""
        if self.rng.random() < 0.3:
            self.time_ns += self.rng.randrange(1000)
        return max(0, self.time_ns - 1) if self.rng.random() < 0.01 else self.time_ns

    def price(self, instrument: int) -> int:
        """Near the middle, which wanders; sometimes at an end."""
        instrument = min(instrument, len(INSTRUMENTS) - 1)
        top = int(INSTRUMENTS[instrument]["max_price_ticks"])
        if self.rng.random() < 0.03:
            return self.rng.choice([0, 1, 2, top - 1, top, top + 1, -1, 2**40])
        self.mid[instrument] += self.rng.randrange(-1, 2)
        return min(top, max(1, self.mid[instrument] + self.rng.randrange(-6, 7)))

    def lots(self, instrument: int) -> int:
        """Mostly small, sometimes far too many."""
        instrument = min(instrument, len(INSTRUMENTS) - 1)
        top = int(INSTRUMENTS[instrument]["max_qty_lots"])
        if self.rng.random() < 0.03:
            return self.rng.choice([0, 1, -5, top, top + 1, 2**62])
        return self.rng.randrange(1, (60, 400, 10**8)[instrument])

    def limit(self) -> bytes:
        rng, instrument = self.rng, self.rng.choices([0, 1, 2, 3], [50, 50, 20, 1])[0]
        force = rng.choices([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK], [8, 1, 1])[0]
        post_only = force == TimeInForce.GTC and rng.random() < 0.15
        account = self.account()
        self.orders.append((self.seq, account, instrument))
        return command(
            K.NEW_ORDER, time_ns=self.stamp(), account=account, instrument=instrument,
            flags=CommandFlag.POST_ONLY if post_only else 0, side=rng.choice(list(Side)),
            time_in_force=force, self_trade=rng.choice(self.self_trades),
            price_ticks=self.price(instrument), qty_lots=self.lots(instrument),
            client_id=b"client-%d" % rng.randrange(100), session=rng.randrange(3),
        )  # fmt: skip

    def market(self) -> bytes:
        rng, instrument = self.rng, self.rng.randrange(3)
        by_quote = rng.random() < 0.5
        size = {"qty_lots": self.lots(instrument)}
        if by_quote:
            size = {"quote_minor": rng.choice([0, 1, 7, 1000, 50_000, 10**7, 10**9, 2**62])}
        force = rng.choice([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
        return command(
            K.NEW_ORDER, time_ns=self.stamp(), account=self.account(), instrument=instrument,
            order_type=OrderType.MARKET, flags=CommandFlag.BY_QUOTE if by_quote else 0,
            side=rng.choice(list(Side)), self_trade=rng.choice(self.self_trades),
            time_in_force=force, **size,
        )  # fmt: skip

    def target(self) -> dict[str, int]:
        """An order placed before, mostly by its owner; it may be gone."""
        if not self.orders or self.rng.random() < 0.03:
            return {"account": self.account(), "target_id": self.rng.randrange(-1, self.seq + 2)}
        order_id, account, instrument = self.rng.choice(self.orders[-40:])
        if self.rng.random() < 0.04:
            account, instrument = self.account(), self.rng.randrange(5)
        return {"account": account, "instrument": instrument, "target_id": order_id}

    def cancel(self) -> bytes:
        return command(K.CANCEL_ORDER, time_ns=self.stamp(), **self.target())

    def amend(self) -> bytes:
        lots = self.rng.choice([1, 2, 5, 20, 50, 300, 10**7, 0])
        return command(K.AMEND_ORDER, time_ns=self.stamp(), qty_lots=lots, **self.target())

    def deposit(self) -> bytes:
        self.deposits += 1
        index = self.deposits
        if self.rng.random() < 0.15:
            index, self.deposits = self.rng.choice([(index - 1, index - 1), (index + 1, index - 1)])
        return command(
            K.CREDIT_DEPOSIT, time_ns=self.stamp(), account=self.rng.choice([self.account(), 5]),
            asset=self.rng.randrange(3), deposit_index=index,
            amount_minor=self.rng.choice([0, 1, 10**4, 10**8]),
            dust_wei=self.rng.choice([0, 0, 1, 7 * 10**11, 10**12 - 1]),
        )  # fmt: skip

    def withdraw(self) -> bytes:
        self.withdrawals.append(self.seq)
        amount = self.rng.choice([1, 9, 10, 1000, 10**6, 10**10, AMOUNT_MINOR_MAX, 0, -1])
        return command(
            K.REQUEST_WITHDRAWAL, time_ns=self.stamp(), account=self.account(),
            asset=self.rng.randrange(4), amount_minor=amount,
            **PAYEE, **digest_fields("travel", self.rng.randbytes(32)),
        )  # fmt: skip

    def decide(self) -> bytes:
        known = self.withdrawals[-12:] or [1]
        return command(
            K.DECIDE_WITHDRAWAL, time_ns=self.stamp(), withdrawal_id=self.rng.choice(known),
            check=self.rng.choice([1, 2, 1, 2, 3]),
            verdict=self.rng.choices([Verdict.APPROVE, Verdict.DENY], [5, 1])[0],
            **digest_fields("decision", self.rng.randbytes(32)),
        )  # fmt: skip

    def cut(self) -> bytes:
        number = self.batches + 1 if self.rng.random() < 0.95 else self.rng.randrange(3)
        return command(
            K.CUT_BATCH, time_ns=self.stamp(), batch=number, deadline_s=1 + self.rng.randrange(9),
            payouts_max=self.rng.choice([1, 2, 200, 200, 201]),
        )  # fmt: skip

    def confirm(self) -> bytes:
        # Whether the cut took effect is not known here: the next number is tried as well.
        number = self.batches + self.rng.choice([0, 1, 1])
        if self.rng.random() < 0.5:
            self.batches = max(self.batches, number)
        deferred = self.rng.choice([0, 0, 1, 2]).to_bytes(32, "little")
        return command(
            K.CONFIRM_BATCH, time_ns=self.stamp(), batch=number, chain_block=self.rng.randrange(9),
            **digest_fields("tx", self.rng.randbytes(32)), **digest_fields("deferred", deferred),
        )  # fmt: skip

    def freeze(self) -> bytes:
        """A hold of risk, mostly under the next number; some are sent again, or with other words.

        Which of them took effect is not known here: now and then the numbers go back a little.
        """
        rng = self.rng
        if rng.random() < 0.3:
            self.holds = max(0, self.holds - rng.randrange(1, 4))
        number = self.holds + 1
        terms = {
            "account": 16 + number % self.accounts, "asset": number % 2,
            "amount_minor": 1 + number % 7 * rng.choice([1, 1, 1, 300, 3000]),
        } | digest_fields("reason", bytes([number % 256]) * 32)  # fmt: skip
        if rng.random() < 0.7:
            self.holds = number
        else:
            terms |= rng.choice([
                {"account": self.account()}, {"asset": rng.randrange(4)}, {"reason_2": 7},
                {"amount_minor": rng.choice([0, -1, 10**6, 10**7, 10**12, 2**62])},
            ])  # fmt: skip
            number = rng.choice([number, number, number, number, number + 1, 0, -1, 2**62])
        return command(K.PLACE_HOLD, time_ns=self.stamp(), hold_id=number, **terms)

    def unfreeze(self) -> bytes:
        """Some of a hold, all that is left of it, or more than that."""
        rng = self.rng
        recent = max(1, self.holds - rng.randrange(4))
        return command(
            K.RELEASE_HOLD, time_ns=self.stamp(),
            hold_id=recent if rng.random() < 0.9 else rng.choice([0, -1, self.holds + 9, 2**62]),
            amount_minor=rng.choice([0, 1, 1, 2, 3, 200, -1, 2**62]),
            **digest_fields("reason", rng.randbytes(32)),
        )  # fmt: skip

    def report(self) -> bytes:
        return command(
            K.RECORD_REPORT, time_ns=self.stamp(), report_kind=self.rng.randrange(3), from_seq=1,
            to_seq=self.rng.choice([1, self.seq - 1, self.seq]),
            **digest_fields("report", self.rng.randbytes(32)),
        )  # fmt: skip

    def anchor(self) -> bytes:
        self.anchors += 1
        return command(
            K.RECORD_ANCHOR, time_ns=self.stamp(), anchor_index=self.anchors, block=self.anchors * 2
        )

    def oddity(self) -> bytes:
        """Listings and accounts out of turn, unknown kinds, and pure noise."""
        rng = self.rng
        return rng.choice([
            command(K.OPEN_ACCOUNT, account=16 + self.accounts + rng.randrange(2)),
            list_asset(3 + rng.randrange(2), supply_max_minor=rng.choice([0, 1, 2**62])),
            command(K.LIST_INSTRUMENT, instrument=3, **PLAIN | {"base": rng.randrange(5)}),
            bytes(TIME_BYTES) + rng.randbytes(COMMAND_BYTES - TIME_BYTES),
        ])  # fmt: skip

    def damage(self, raw: bytes) -> bytes:
        """Change one byte after the time: a time far ahead would end the stream's interest."""
        at = self.rng.randrange(TIME_BYTES, COMMAND_BYTES)
        return raw[:at] + bytes([self.rng.randrange(256)]) + raw[at + 1 :]


def shrink(stream: Sequence[bytes], fails: Callable[[Sequence[bytes]], bool]) -> list[bytes]:
    """A smaller stream that still fails: leave out ever smaller runs of commands."""
    smallest, run = list(stream), max(1, len(stream) // 2)
    while run:
        at = 0
        while at < len(smallest):
            shorter = smallest[:at] + smallest[at + run :]
            if shorter and fails(shorter):
                smallest = shorter
            else:
                at += run
        run //= 2
    return smallest
