"""A venue with a linear and an inverse perpetual, engine and oracle side by side."""

from ledger.engine.layout import FEES
from ledger.engine.margin_layout import CLEARING, INSURANCE
from ledger.records.build import command
from ledger.records.codes import CommandKind, Reject
from tests.engine.perpetual_streams import (
    COIN,
    DOLLAR,
    INVERSE,
    LINEAR,
    MID,
    SECOND,
    listings,
    prices,
    set_up,
    tick,
)
from tests.engine.venue import ALICE, BOB, BUY, CAROL, SELL, Venue

K = CommandKind
__all__ = [
    "ALICE", "BOB", "BUY", "CAROL", "CLEARING", "COIN", "DOLLAR", "FEES", "INSURANCE", "INVERSE",
    "LINEAR", "MID", "SECOND", "SELL", "PerpetualVenue",
]  # fmt: skip


class PerpetualVenue(Venue):
    """Three customers, leverage 50, no fees; the coin stands at 10,000 ticks."""

    def __init__(self, dollars=1_000_000, coins=0, fund=0):
        super().__init__()
        self.now = SECOND
        done = self.batch(*set_up(3, dollars, coins, fund))
        assert {one.reject for one in done} == {Reject.NONE}
        for instrument in (LINEAR, INVERSE):
            self.do(K.SET_FEES, instrument=instrument)

    def do(self, kind, **fields):
        return super().do(kind, **{"time_ns": self.now} | fields)

    def move(self, ticks, seconds=1):
        """Every source says so, and a TICK follows; the TICK's result."""
        self.now += seconds * SECOND
        return self.batch(*prices(self.now, ticks), tick(self.now))[-1]

    def trade(self, buyer, seller, lots, price, instrument=LINEAR):
        """Two orders that meet."""
        resting = self.place(seller, SELL, price, lots, instrument=instrument)
        taking = self.place(buyer, BUY, price, lots, instrument=instrument)
        assert (resting.reject, taking.filled_lots) == (Reject.NONE, lots)
        return taking

    def position(self, account, instrument=LINEAR):
        """(signed lots, cost)."""
        margin, header = self.engine._state.margin, self.engine._state.header
        for row in margin.positions[: int(header["position_count"][0])]:
            if (int(row["account"]), int(row["instrument"])) == (account, instrument):
                return int(row["qty_lots"]), int(row["cost"])
        return 0, 0

    def mark(self, instrument=LINEAR):
        return int(self.engine._state.margin.contracts["mark_ticks"][instrument])

    def cash(self, account, asset=DOLLAR):
        return self.balance(account, asset)[0]


def without_mark():
    """Listed, but no source has spoken."""
    venue = Venue()
    venue.batch(*listings(), command(K.OPEN_ACCOUNT, account=ALICE))
    return venue
