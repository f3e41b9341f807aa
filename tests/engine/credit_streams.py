"""Random streams with fee schedules and orders by API, over a spot pair and two perpetuals."""

import struct

from ledger.records.build import TIME_BYTES, command
from ledger.records.codes import CommandFlag, CommandKind
from tests.engine.perpetual_streams import PerpetualStream

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


class CreditStream(PerpetualStream):
    """Like `PerpetualStream`, with schedules that change and days that pass."""

    def take(self, length):
        return [self.by_api(raw) for raw in super().take(length)]

    def by_api(self, raw):
        """Every other new order says that it came through an API key."""
        if raw[TIME_BYTES] not in (K.NEW_ORDER, K.REPLACE_ORDER) or self.rng.random() < 0.5:
            return raw
        (flags,) = struct.unpack_from("<H", raw, FLAGS_AT)
        flags |= CommandFlag.VIA_API
        return raw[:FLAGS_AT] + struct.pack("<H", flags) + raw[FLAGS_AT + 2 :]

    def draw(self):
        if self.rng.random() < 0.08:
            return self.rng.choice(
                [self.schedule, self.scheduled, self.scheduled, self.pass_days]
            )()
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
